# SPDX-License-Identifier: ISC
# Wherever an up or a down fails or is killed, everything is taken back: at once, or by a down.
. "$(dirname -- "$0")/apply_lib.sh"
start_apply
conf "0.0.0.0/0, ::/0" "FailMode = closed
DNS = 10.77.0.53
PostUp = true
PostDown = true"
remember
count=$(operations)
check "there is something to do" test "$count" -gt 10
check "up and down leave nothing" as_before

# each WHAT: a function that breaks the Nth operation and restores everything, for each N
each()
{
    each_n=1
    while [ "$each_n" -le "$count" ]; do
        "$1" "$each_n" >"$scratch/each" 2>&1 && as_before >>"$scratch/each" 2>&1 || {
            fail "$1: operation $each_n of $count"
            tail -n 20 "$scratch/each"
            down >/dev/null 2>&1
            return
        }
        each_n=$((each_n + 1))
    done
    ok "$1: each of $count operations"
}

failed_up()
{
    not up --hooks --fail "$1" && is down
}

# left_by N: what is left when the Nth operation was the last. The first is the filter, and alone it is in nobody's way.
left_by()
{
    if [ "$1" = 1 ]; then is held; else is cut && not up --hooks; fi
}

killed_before()
{
    killed up --hooks --kill "$1" && left_by "$1" && down --hooks && is down && down
}

killed_after()
{
    killed up --hooks --kill-done "$1" && left_by "$1" && down --hooks && is down
}

# The way down is as long as the way up.
killed_down()
{
    up --hooks && killed down --hooks --kill-done "$1" && is cut && down --hooks && is down
}

# One that fails stops none of the others; the next down has only that one left.
failed_down()
{
    up --hooks || return 1
    down --hooks --fail "$1" && return
    : >"$scratch/steps"
    is cut && down --hooks --tell "$scratch/steps" && is down && equal "$(grep -c ^begin "$scratch/steps")" 1
}

killed_behind()
{
    up --hooks && down --hooks --keep-filter 1 && is held || return 1
    killed up --hooks --kill-done "$1" && left_by "$1" && down --hooks && is down
}

# The daemon and its link are gone before the down.
daemon_killed()
{
    up --hooks || return 1
    daemon_kill
    wait_for 3 not in_ns a ip link show "$interface" || return 1
    down --hooks
}

link_deleted()
{
    up --hooks && in_ns a ip link delete "$interface" && down --hooks
}

each failed_up
each killed_before
each killed_after
each killed_down
each failed_down
each killed_behind
check "the daemon is killed" daemon_killed
check "the daemon is killed: all is as before" as_before
check "the link is deleted" link_deleted
check "the link is deleted: all is as before" as_before

# The daemon is about to start when its starter is killed: a down waits for it.
killed_starting()
{
    cat >"$scratch/slow" <<END
#!/bin/sh
sleep 0.3
exec "$VPN_TUNNEL" "\$1"
END
    chmod 755 "$scratch/slow"
    in_ns a sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$scratch/pid" "$driver" --tunnel "$scratch/slow" \
        --state "$scratch/run" --resolv-conf "$scratch/resolv.conf" up "$file" "$interface" &
    starting=$!
    wait_for 5 grep -q "^undo $LINK " "$scratch/run/$interface.journal"
    sleep 0.1
    kill -9 "$(cat "$scratch/pid")"
    wait $starting
    down --hooks && sleep 0.4 && not in_ns a ip link show "$interface"
}
LINK=4
check "up is killed while the daemon starts: down" killed_starting
check "up is killed while the daemon starts: all is as before" as_before

# Not only at boundaries: after so many milliseconds, wherever it is then.
killed_at()
{
    in_ns a sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$scratch/pid" "$driver" --tunnel "$VPN_TUNNEL" --hooks \
        --state "$scratch/run" --resolv-conf "$scratch/resolv.conf" up "$file" "$interface" >/dev/null 2>&1 &
    at=$!
    sleep "$(printf 0.%03d "$1")"
    kill -9 "$(cat "$scratch/pid")" 2>/dev/null
    wait $at
    down --hooks && is down && as_before
}
ms=5
while [ "$ms" -le 125 ]; do
    killed_at $ms >"$scratch/each" 2>&1 || break
    ms=$((ms + 6))
done
check "up is killed after 5 to 125 ms: down, and all is as before" test "$ms" -gt 125
[ "$ms" -gt 125 ] || cat "$scratch/each"

# small N COMMAND...: files grow to N blocks at most.
small()
{
    small_blocks=$1
    shift
    (
        trap '' XFSZ
        ulimit -f "$small_blocks"
        "$@"
    )
}
conf "0.0.0.0/0, ::/0" "FailMode = closed"
check "no room for the journal: up fails" not small 1 up
check "no room for the journal: all is as before" as_before
small 1 up --fail 8 >"$scratch/each" 2>&1
check "no room for the journal, and one that cannot be taken back: it is known" is cut
check "no room for the journal, and one that cannot be taken back: down" down
check "no room for the journal, and one that cannot be taken back: all is as before" as_before
up >/dev/null 2>&1
check "no room for the journal: down works" small 0 down
check "no room for the journal: all is as before again" as_before

up >/dev/null 2>&1
sed -i '1s/ [^ ]*$/ another-boot/' "$scratch/run/$interface.journal"
check "a journal of another boot: up is said to be cut short" is cut
check "a journal of another boot: down" down
check "a journal of another boot: all is as before" as_before

# A line that was cut short never counted.
up --hooks >/dev/null 2>&1
printf 'undo 5 2 0' >>"$scratch/run/$interface.journal"
check "half a line in the journal is passed over" down --hooks
check "half a line in the journal: all is as before" as_before
up --hooks >/dev/null 2>&1
sed -i '3s/.*/undo 5 x/' "$scratch/run/$interface.journal"
check "a journal that was damaged is refused" contains "no line of a journal" not down --hooks
finish
