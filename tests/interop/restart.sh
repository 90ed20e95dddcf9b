# SPDX-License-Identifier: ISC
# One side is killed and comes back without its sessions. The other, which knows nothing of it and goes on sending, hears
# nothing for 15 s and a jitter of at most a third of a second, makes a handshake, and data flows: within 16 s and a round trip.
. "$(dirname -- "$0")/lib.sh"

start_test
need wireguard-go wireguard-go

LIMIT=16500 # ms, of which 16 s are the protocol's and the rest for a busy machine

set_up()
{
    addresses "$1" "$2"
    peer "$1" "$3" "$4" endpoint "10.99.0.$4:5100$4"
}

# milliseconds
stamp()
{
    echo $(($(date +%s%N) / 1000000))
}

# recover NAME KILLED KIND OTHER KIND: in namespaces NAMEa and NAMEb, one of which is killed.
recover()
{
    recover_x=$1
    ns_killed=${1}k
    ns_other=${1}o
    daemon_up "$ns_killed" "$2"
    recover_pid=$daemon_pid
    daemon_up "$ns_other" "$3"
    wg set "$(if_name "$ns_killed")" listen-port 51001
    wg set "$(if_name "$ns_other")" listen-port 51002
    set_up "$ns_killed" 1 "$ns_other" 2
    set_up "$ns_other" 2 "$ns_killed" 1
    check "$2 and $3: the tunnel works" pings "$ns_other" 10.77.0.1
    # The other side has just heard something, so the wait is as long as it can be.
    kill -9 "$recover_pid"
    wait "$recover_pid" 2>/dev/null
    wait_for 3 not in_ns "$ns_killed" ip link show "$(if_name "$ns_killed")"
    daemon_up "$ns_killed" "$2"
    wg set "$(if_name "$ns_killed")" listen-port 51001
    set_up "$ns_killed" 1 "$ns_other" 2
    recover_from=$(stamp)
    until in_ns "$ns_other" ping -n -q -c 1 -W 1 10.77.0.1 >/dev/null 2>&1; do
        [ $(($(stamp) - recover_from)) -lt 30000 ] || break
    done
    recover_took=$(($(stamp) - recover_from))
    check "$2 was killed; $3 recovered in $recover_took ms" test "$recover_took" -le "$LIMIT"
}

# in_parallel NAME KILLED OTHER: into a file, since several run at once.
in_parallel()
{
    trap - EXIT
    recover "$1" "$2" "$3" >"$scratch/$1.txt" 2>&1
    echo "$failures $checks" >"$scratch/$1.count"
}

for pair in p q r; do
    ns_new ${pair}k
    ns_new ${pair}o
    cable ${pair}k ${pair}o
    keys ${pair}k ${pair}o
done
in_parallel p vpn go &
first=$!
in_parallel q go vpn &
second=$!
in_parallel r vpn vpn &
third=$!
wait $first $second $third
for pair in p q r; do
    cat "$scratch/$pair.txt"
    read -r failed done_checks <"$scratch/$pair.count" || failed=1 done_checks=1
    failures=$((failures + failed))
    checks=$((checks + done_checks))
done

# The side that was restarted speaks first: nothing has to run out.
ns_new s
ns_new t
cable s t
keys s t
daemon_up s vpn
daemon_up t go
wg set "$(if_name s)" listen-port 51001
wg set "$(if_name t)" listen-port 51002
set_up s 1 t 2
set_up t 2 s 1
check "the tunnel works" pings s 10.77.0.2
pid=$(ip netns pids "$(ns_name s)")
kill -9 "$pid"
wait "$pid" 2>/dev/null
wait_for 3 not in_ns s ip link show "$(if_name s)"
check "a socket was left behind" test -S "/var/run/wireguard/$(if_name s).sock"
daemon_up s vpn
wg set "$(if_name s)" listen-port 51001
set_up s 1 t 2
check "restarted: data at once" in_ns s ping -n -q -c 1 -W 2 10.77.0.2
finish
