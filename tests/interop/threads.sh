# SPDX-License-Identifier: ISC
# vpn-tunnel --threads: every number of threads carries the same packets in the same order, also while what concerns them is
# changed; and the end comes at once. The thread that does I/O is tied to one processor, since Linux itself may change the
# order of what a thread sends before and after it moves.
. "$(dirname -- "$0")/lib.sh"

start_test
need iperf3 iperf3
need python3 python3-minimal
need taskset util-linux

threads_of()
{
    find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l
}

# worked PID: every thread has spent processor time.
worked()
{
    for worked_task in "/proc/$1/task"/*/stat; do
        worked_ticks=$(sed 's/.*) //' "$worked_task" | awk '{ print $12 + $13 }')
        echo "$worked_task: $worked_ticks"
        [ "$worked_ticks" -gt 0 ] || return 1
    done
}

# both_up THREADS: a daemon in each namespace, connected.
both_up()
{
    options="--threads $1"
    daemon_up b vpn
    b_pid=$daemon_pid
    pair_end b 2 a 1
    daemon_up a vpn
    a_pid=$daemon_pid
    pair_end a 1 b 2
    taskset -c -p 0 "$a_pid" >/dev/null
    taskset -c -p 0 "$b_pid" >/dev/null
}

# numbers FROM TO ADDRESS SECONDS: a numbered stream in the background, until numbers_end.
numbers()
{
    rm -f "$scratch/numbers"
    ip netns exec "$(ns_name "$2")" python3 -B "$here/numbered.py" receive 5555 "$scratch/numbers" &
    numbers_receiver=$!
    wait_for 5 in_ns "$2" sh -c 'ss -lun | grep -q :5555'
    ip netns exec "$(ns_name "$1")" taskset -c 1 python3 -B "$here/numbered.py" send "$3" 5555 "$4" &
    numbers_sender=$!
}

# numbers_end WHAT AT_LEAST: so many came, and none late.
numbers_end()
{
    wait "$numbers_sender"
    wait "$numbers_receiver"
    read -r numbers_came numbers_late <"$scratch/numbers"
    check "$1: $numbers_came datagrams came" [ "$numbers_came" -ge "$2" ]
    check "$1: in order" equal "$numbers_late" 0
}

# udp_late WORDS: datagrams that iperf3 saw out of order.
udp_late()
{
    in_ns a taskset -c 1 iperf3 -c 10.77.0.2 -u -b 0 -l 1300 -t 1 -J "$@" >"$scratch/udp.json" 2>&1 || return 1
    python3 -c 'import json, sys
end = json.load(open(sys.argv[1]))["end"]
print(sum(stream["udp"]["out_of_order"] for stream in end["streams"]), end["sum"]["packets"])' "$scratch/udp.json"
}

none_late()
{
    none_said=$(udp_late "$@")
    echo "out of order, packets: $none_said"
    [ "${none_said%% *}" = 0 ]
}

handshake_is_newer()
{
    [ "$(handshake_of a)" -gt "$1" ]
}

# ends PID: within a second, with status 0.
ends()
{
    ends_from=$(date +%s%N)
    wait_for 3 not running "$1"
    ends_took=$((($(date +%s%N) - ends_from) / 1000000))
    echo "took $ends_took ms"
    [ "$ends_took" -le 1000 ] && wait "$1"
}

# doomed_traffic PORT: TCP both ways in the background, with a server of its own that stays behind; $tcp is its process.
doomed_traffic()
{
    in_ns b iperf3 -s -D -p "$1" --logfile "$scratch/iperf.txt"
    wait_for 3 in_ns b sh -c "ss -ltn | grep -q :$1"
    in_ns a iperf3 -c 10.77.0.2 -p "$1" -t 10 --bidir -P 2 --connect-timeout 3000 >"$scratch/tcp.log" 2>&1 &
    tcp=$!
    sleep 1
}

# Everything that may change, while numbered datagrams go from a to b and TCP the other way.
changes()
{
    changes_what=$1
    was=$(handshake_of a)
    numbers a b 10.77.0.2 5
    in_ns a iperf3 -c 10.77.0.2 -t 5 -R --connect-timeout 3000 >"$scratch/tcp.log" 2>&1 &
    changes_tcp=$!
    sleep 1.2
    in_ns a ip address add 10.98.0.1/24 dev out
    check "$changes_what: another session under traffic" wait_for 4 handshake_is_newer "$was"
    in_ns a ip address del 10.98.0.1/24 dev out
    wg set "$(if_name a)" listen-port 51011
    wg set "$(if_name b)" fwmark 7 peer "$(public a)" persistent-keepalive 25
    for changes_turn in 1 2 3 4 5 6 7 8; do
        wg set "$(if_name a)" peer "$(public b)" allowed-ips 10.77.0.2/32,10.78.$changes_turn.0/24
        in_ns b ip link set "$(if_name b)" mtu $((1420 - changes_turn % 2 * 20))
    done
    peer a b 2 persistent-keepalive 20
    numbers_end "$changes_what: the configuration changes" 50000
    check "$changes_what: the configuration changes: TCP" wait "$changes_tcp"
    check "$changes_what: the configuration changes: nothing is refused" not grep -q "refused" "$scratch/a.log"

    numbers a b 10.77.0.2 4
    sleep 0.5
    for changes_turn in 1 2 3; do
        wg set "$(if_name a)" peer "$(public b)" remove
        peer a b 2 endpoint 10.99.0.2:51002
        sleep 0.5
        wg set "$(if_name b)" peer "$(public a)" remove
        peer b a 1 endpoint 10.99.0.1:51011
        sleep 0.5
    done
    numbers_end "$changes_what: peers come and go" 500
    # The last handshake of a is unknown to b since it forgot a.
    check "$changes_what: peers come and go: data" wait_for 20 in_ns b ping -n -q -c 1 -W 1 10.77.0.1
}

ns_new a
ns_new b
cable a b
keys a b
iperf_server b
both_up 0
check "no threads: one alone" equal "$(threads_of "$a_pid")" 1
check "no threads: iperf3's datagrams in order" none_late
numbers a b 10.77.0.2 2
numbers_end "no threads" 20000
daemon_down a "$a_pid"
daemon_down b "$b_pid"

for number in 1 3; do
    what="$number threads"
    both_up $number
    check "$what: so many, and one" equal "$(threads_of "$a_pid")" $((number + 1))
    check "$what: pings" pings a 10.77.0.2
    check "$what: large pings" pings a 10.77.0.2 3 8000
    check "$what: TCP both ways" speeds a 10.77.0.2
    check "$what: TCP both ways at once" in_ns a iperf3 -c 10.77.0.2 -t 1 --bidir -P 4 --connect-timeout 3000
    check "$what: all of them worked" worked "$a_pid"
    check "$what: all of them worked, on the other side" worked "$b_pid"
    check "$what: iperf3's datagrams in order" none_late
    check "$what: iperf3's datagrams in order, back" none_late -R
    numbers b a 10.77.0.1 2
    numbers_end "$what" 20000
    changes "$what"
    before=$(cpu "$a_pid")
    sleep 1
    check "$what: nobody spins when nothing goes on" at_most $(($(cpu "$a_pid") - before)) 5

    doomed_traffic "600$number"
    kill -TERM "$a_pid"
    check "$what: TERM under traffic" ends "$a_pid"
    check "$what: TERM under traffic: the interface and the socket go" not test -e "/var/run/wireguard/$(if_name a).sock"
    kill $tcp 2>/dev/null
    wait $tcp
    options="--threads $number"
    daemon_up a vpn
    a_pid=$daemon_pid
    pair_end a 1 b 2
    check "$what: another daemon" wait_for 10 in_ns a ping -n -q -c 1 -W 1 10.77.0.2
    doomed_traffic "601$number"
    in_ns a ip link del "$(if_name a)"
    check "$what: an interface deleted under traffic" ends "$a_pid"
    kill $tcp 2>/dev/null
    wait $tcp
    daemon_down b "$b_pid"
done
options=

# The most there may be; and what is no number of threads.
both_up 64
check "64 threads" equal "$(threads_of "$a_pid")" 65
check "64 threads: TCP both ways" speeds a 10.77.0.2
daemon_down a "$a_pid"
daemon_down b "$b_pid"
wrong_number()
{
    in_ns a "$VPN_TUNNEL" --threads "$1" "$(if_name a)" >"$scratch/said" 2>&1
    [ $? = 2 ] && grep -qF -- "--threads is 0 to 64" "$scratch/said" && not in_ns a ip link show "$(if_name a)"
}
for word in 65 -1 two '' 1x 4294967297; do
    check "--threads '$word' is refused" wrong_number "$word"
done
check "--threads without a number" contains "--threads needs a number" sh -c "! '$VPN_TUNNEL' $(if_name a) --threads 2>&1"
# A limit of processes binds a user who is not root.
check "threads that cannot be made: said so" contains "cannot make thread" in_ns a sh -c \
    "! prlimit --nproc=1:1 '$VPN_TUNNEL' --user 65533 --threads 2 $(if_name a) 2>&1"
check "threads that cannot be made: nothing stays" wait_for 3 not in_ns a ip link show "$(if_name a)"
finish
