# SPDX-License-Identifier: ISC
# Clients of the configuration socket that write slowly, never read, never ask, or leave in the middle, on an interface of ten
# thousand peers: others are served, packets do not wait for them, nothing changes and memory comes back. uapi.sh shows
# when they are let go.
. "$(dirname -- "$0")/lib.sh"

start_test
need python3 python3-minimal
pair
interface=$(if_name a)
socket=/var/run/wireguard/$interface.sock
many_peers 10000 >"$scratch/many"
check "ten thousand peers" timeout 20 wg addconf "$interface" "$scratch/many"
client()
{
    timeout 30 python3 "$here/uapi_client.py" "$@"
}

bytes=$(printf 'get=1\n\n' | client raw "$socket" | wc -c)
config=$(wg showconf "$interface" | sha256sum)
resident=$(memory "$a_pid")


memory_back()
{
    at_most "$(memory "$a_pid")" $((resident + 4 * bytes / 1024))
}

# prompt: echo requests from b, all of which are answered; the mean round trip in milliseconds goes to $waited.
prompt()
{
    in_ns b ping -n -q -c 60 -i 0.02 -W 3 10.77.0.1 >"$scratch/pinged"
    prompt_status=$?
    cat "$scratch/pinged"
    waited=$(sed -n 's,^rtt.* = [^/]*/\([0-9]*\).*,\1,p' "$scratch/pinged")
    [ $prompt_status = 0 ] && at_most "${waited:-9999}" 1000
}

# with NAME MODE COUNT: while so many clients of that kind are there.
with()
{
    : >"$scratch/there"
    client "$2" "$socket" "$3" 3 >"$scratch/there" &
    with_pid=$!
    check "$1: they are let in" wait_for 10 grep -q there "$scratch/there"
    with_from=$(cpu "$a_pid")
    with_since=$(date +%s%N)
    check "$1: data" pings a 10.77.0.2 20
    check "$1: data from the peer" prompt
    check "$1: another one is served" timeout 8 wg show "$interface" listen-port
    check "$1: another one changes something" timeout 8 wg set "$interface" peer "$(public b)" persistent-keepalive 25
    with_grown=$(($(memory "$a_pid") - resident))
    sleep 1
    with_ms=$((($(date +%s%N) - with_since) / 1000000))
    with_used=$((($(cpu "$a_pid") - with_from) * 10))
    check "$1: memory grew by $with_grown KiB, no more than 33 answers" \
        at_most "$with_grown" $((33 * bytes / 1000))
    [ "$2" = greedy ] || check "$1: no spinning, $with_used of $with_ms ms" at_most "$with_used" $((with_ms / 3))
    wait $with_pid
    check "$1: the clients never had to wait" [ $? = 0 ]
    wg set "$interface" peer "$(public b)" persistent-keepalive off
}

with "a hundred that say nothing" idle 100
# As others are served, one that is slow gets its answer in the end.
(sleep 0.2 && printf 'get' && sleep 1 && printf '=1' && sleep 1 && printf '\n' && sleep 1 && printf '\n') |
    client raw "$socket" >"$scratch/patient" &
patient=$!
with "twenty that write a byte now and then" drip 20
wait $patient
check "one that writes slowly is answered" grep -q '^errno=0' "$scratch/patient"
with "thirty that ask for everything and read nothing" deaf 30
with "one that asks for everything, again and again" greedy 1
alone=$waited
with "twenty that ask for everything, again and again" greedy 20
check "twenty have packets wait hardly longer than one does, $waited ms and $alone ms" at_most "$waited" $((5 * alone + 25))

check "requests without an end, closed in three ways" client torn "$socket"
check "nothing changed by any of it" equal "$(wg showconf "$interface" | sha256sum)" "$config"
check "and the tunnel is the same" pings a 10.77.0.2
check "memory comes back" wait_for 12 memory_back
check "the daemon is the same" running "$a_pid"
finish
