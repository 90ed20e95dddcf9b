#!/bin/sh
# SPDX-License-Identifier: ISC
# selftest.sh SIM: breaks each invariant once and sees that the simulator notices, names the seed, and that the command which it
# prints finds the same again.
set -u

sim=${1:?usage: selftest.sh SIM}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

complain()
{
    printf '%s: %s\n' "$fault" "$*"
    failed=1
}

# expect FAULT TEXT: the lie is noticed for the right reason, and again when played alone
expect()
{
    fault=$1
    if "$sim" --seed 41 --seeds 3 --break "$fault" >"$work/out" 2>"$work/first"; then
        complain "was not noticed"
        return
    fi
    grep -q "$2" "$work/first" || complain "was taken for something else: $(cat "$work/first")"
    alone=$(sed -n 's/^seed [0-9]* fails; alone: //p' "$work/first")
    [ "$alone" ] || { complain "no command was printed"; return; }
    # The command has no blanks inside its words.
    # shellcheck disable=SC2086
    $alone >"$work/out" 2>"$work/second" && complain "did not fail again: $alone"
    cmp -s "$work/first" "$work/second" || complain "failed otherwise the second time: $alone"
    printf '%s: noticed, and again by: %s\n' "$fault" "$alone"
}

expect twice 'delivers packet .* twice'
expect invented 'delivers a packet that nobody sent'
expect changed 'delivers a packet that nobody sent'
expect peer 'in the name of the wrong peer'
expect source 'from a source that the peer may not use'
expect nonce 'a nonce was used twice under one key'
expect plaintext 'sends a datagram with plaintext or a key in it'
expect key 'sends a datagram with plaintext or a key in it'
expect session 'sends a datagram with plaintext or a key in it'
expect memory 'holds .* bytes with at most'
expect leak 'was freed still holds memory'
expect sessions 'sessions with'
expect stuck 'nothing comes from host'
expect chatter 'sends although the network has been idle'
expect spin 'a deadline is past after its tick'
expect crash 'crashed or aborted'

# Two runs of one seed are one world; the last line says how long they took.
for run in first second; do
    "$sim" --seed 5 --events 3000 --trace >"$work/$run" || { echo "seed 5 fails"; failed=1; }
    sed '$d' "$work/$run" >"$work/$run.events"
done
[ -s "$work/first.events" ] || { echo "nothing was traced"; failed=1; }
cmp "$work/first.events" "$work/second.events" || { echo "one seed makes two different worlds"; failed=1; }
exit "$failed"
