# SPDX-License-Identifier: ISC
# What vpn-tunnel gives up after its start, what goes on to work all the same, what --user costs, and what an intruder who
# runs code inside it could still do (takeover.c): exactly that, and what he could without each of the walls.
. "$(dirname -- "$0")/lib.sh"

start_test
need python3 python3-minimal
# shellcheck disable=SC2154
intruder=$(CDPATH='' cd -- "$build/tests" && pwd)/libtakeover.so
unfiltered=$(dirname "$VPN_TUNNEL")/vpn-tunnel-unfiltered
[ -f "$intruder" ] || skip "$intruder is not built"
ns_new a
ns_new b
ns_new c
cable a b
keys a b
# Passed through by nobody, read by root alone.
# shellcheck disable=SC2154
chmod 711 "$scratch"
mkdir -m 1777 "$scratch/open"
interface=$(if_name a)
socket=/var/run/wireguard/$interface.sock
daemon_up b vpn
addresses b 2
wg set "$(if_name b)" listen-port 51002
peer b a 1
ip netns exec "$(ns_name b)" sleep 600 >/dev/null 2>&1 &
victim=$!

# start PROGRAM [OPTIONS]: in namespace a, with the intruder asleep inside; $pid is its process.
start()
{
    start_program=$1
    shift
    : >"$scratch/report"
    : >"$scratch/theirs"
    : >"/var/run/wireguard/$(if_name b).sock.stale"
    rm -f "$scratch/open/fresh"
    # shellcheck disable=SC2086
    LOG_LEVEL=verbose ip netns exec "$(ns_name a)" setpriv --groups 4,5 env $start_with LD_PRELOAD="$intruder" TAKEOVER_REPORT="$scratch/report" \
        TAKEOVER_KEY="$scratch/a.key" TAKEOVER_PLACE="$scratch" TAKEOVER_VICTIM="$victim" \
        TAKEOVER_SOCKET="/var/run/wireguard/$(if_name b).sock" "$start_program" -f "$@" "$interface" >>"$scratch/a.log" 2>&1 &
    pid=$!
    wait_for 5 wg show "$interface" || fail "did not start: $*"
    wg set "$interface" private-key "$scratch/a.key"
    in_ns a ip link set "$interface" up
}
start_with=

stop()
{
    kill "$pid" 2>/dev/null
    wait "$pid"
}

status_is()
{
    equal "$(sed -n "s/^$1:[[:space:]]*//p" "/proc/$pid/status" | tr '\t' ' ')" "$2"
}

# no_privileges WHAT UID CAPABILITIES
no_privileges()
{
    check "$1: the user" status_is Uid "$2 $2 $2 $2"
    for set in CapPrm CapEff CapBnd; do
        check "$1: $set" status_is $set "$3"
    done
    for set in CapInh CapAmb; do
        check "$1: $set" status_is $set 0000000000000000
    done
    check "$1: no new privileges" status_is NoNewPrivs 1
    check "$1: no core" contains "Max core file size        0                    0 " cat "/proc/$pid/limits"
}

changes()
{
    grep -c "the network changed" "$scratch/a.log"
}

changed_since()
{
    [ "$(changes)" -gt "$1" ]
}

# works WHAT PORT: a tunnel, another port, a file, a roaming peer
works()
{
    addresses a 1
    peer a b 2 endpoint 10.99.0.2:51002
    check "$1: data" pings a 10.77.0.2
    check "$1: data over IPv6" pings b fd77::1
    check "$1: another port" wg set "$interface" listen-port "$2"
    check "$1: another port: data" pings a 10.77.0.2
    check "$1: another port: the peer follows" endpoint_is b "10.99.0.1:$2"
    (umask 077 && wg showconf "$interface" | grep -v FwMark >"$scratch/shown")
    check "$1: setconf, as wg-quick does it" wg setconf "$interface" "$scratch/shown"
    check "$1: syncconf" wg syncconf "$interface" "$scratch/shown"
    peer a b 2 endpoint '[fd99::2]:51002'
    check "$1: over IPv6 outside" pings a 10.77.0.2
    works_changes=$(changes)
    in_ns a ip route add default via 10.99.0.2
    check "$1: another route is seen" wait_for 3 changed_since "$works_changes"
    works_changes=$(changes)
    in_ns a ip address add 10.99.0.3/24 dev out
    check "$1: another address is seen" wait_for 3 changed_since "$works_changes"
    in_ns a ip address del 10.99.0.3/24 dev out
    in_ns a ip route del default
    in_ns a ip link set "$interface" mtu 1333
    check "$1: the MTU is followed" wait_for 3 contains "the MTU is now 1333" tail -n 5 "$scratch/a.log"
    check "$1: a scope by the name of an interface" in_ns a wg set "$interface" peer "$(public b)" endpoint '[fe80::1%out]:5'
    check "$1: the scope is shown" contains '[fe80::1%out]:5' in_ns a wg show "$interface" endpoints
}

# could WHAT EXPECTED [EXCEPT]: the intruder awakes; the list of what he could do, but for what depends on the host.
could()
{
    could_except=${3:-nothing}
    kill -USR1 "$pid"
    wait_for 10 grep -q '^end$' "$scratch/report"
    sed -n 's/ yes$//p' "$scratch/report" | grep -vxE "$could_except" | sort >"$scratch/could"
    echo "$2" | tr -s ' ' '\n' | grep -vxE "$could_except" | sort >"$scratch/should"
    check "$1" diff "$scratch/should" "$scratch/could"
    check "$1: all was tried" equal "$(grep -cE '^[a-z-]+ (yes|no [1-9][0-9]*)$' "$scratch/report")" "$attempts"
    in_ns a ip address del 198.51.100.1/32 dev lo 2>/dev/null
    in_ns a ip route del blackhole 198.51.100.1/32 2>/dev/null
}

attempts=37
# What every vpn-tunnel has to be able to do, so that an intruder is too.
nothing_less='read-own-key inject-packet udp write-log'
network='low-port set-mark add-address add-route'
root_files='delete-file read-file write-file make-file'
# Depends on settings of the host where no filter stands before it.
host='new-users|load-bpf|make-ring'

# The default.
start "$VPN_TUNNEL"
landlock=$(sed -n 's/^landlock //p' "$scratch/report")
filters=$(sed -n 's/^Seccomp_filters:[[:space:]]*//p' "/proc/$pid/status")
no_privileges "default" 0 0000000000001400
works "default" 51021
# As root with the capabilities that the daemon kept: a debugger of the same user.
same='-all,+net_admin,+net_bind_service'
ip netns exec "$(ns_name b)" setpriv --bounding-set=$same sleep 600 >/dev/null 2>&1 &
equal_pid=$!
check "default: its memory is hidden from those who may do as much" not setpriv --bounding-set=$same \
    readlink "/proc/$pid/exe"
check "default: that of others is not" wait_for 3 setpriv --bounding-set=$same \
    readlink "/proc/$equal_pid/exe"
kill "$equal_pid"
check "default: a port below 1024" wg set "$interface" listen-port 80
check "default: a mark" wg set "$interface" fwmark 0x77
check "default: on the sockets of another port too" wg set "$interface" listen-port 51022
check "default: no mark" wg set "$interface" fwmark off
in_ns a ip link set "$interface" netns "$(ns_name c)"
in_ns c ip link set "$interface" mtu 1344 up
check "default: the MTU is followed in another namespace" wait_for 3 contains "the MTU is now 1344" tail -n 3 "$scratch/a.log"
if [ "${filters:-0}" = 1 ]; then
    [ "${landlock:--1}" -ge 1 ] && not_landlocked='' || not_landlocked=delete-file
    could "default: what an intruder could do" "$nothing_less $network delete-socket $not_landlocked"
    check "default: the tunnel goes on" pings b fd99::1
else
    echo "this build or this kernel has no filter of system calls; only the other walls are tried"
fi
stop
check "default: status 0" test $? = 0
check "default: the socket is removed" not test -e "$socket"

# Without a capability.
start "$VPN_TUNNEL" --user nobody
no_privileges "--user" 65534 0000000000000000
check "--user: no other groups" status_is Groups ""
works "--user" 51023
check "--user: any port" wg set "$interface" listen-port 0
port=$(wg show "$interface" listen-port)
check "--user: no port below 1024" not wg set "$interface" listen-port 80
check "--user: no port below 1024: said so" contains "cannot listen on port 80: Permission denied; staying on $port" tail -n 3 "$scratch/a.log"
check "--user: no mark" not wg set "$interface" fwmark 0x77
check "--user: no mark: said so" contains "CAP_NET_ADMIN is needed" tail -n 3 "$scratch/a.log"
check "--user: neither is there" equal "$(wg show "$interface" fwmark) $(wg show "$interface" listen-port)" "off $port"
peer a b 2 endpoint 10.99.0.2:51002
check "--user: data after all that" pings a 10.77.0.2
[ "${filters:-0}" != 1 ] || could "--user: what an intruder could do" "$nothing_less"
in_ns a ip link set "$interface" netns "$(ns_name c)"
check "--user: the MTU is not followed in another namespace" wait_for 3 contains "its MTU is not followed there" \
    tail -n 3 "$scratch/a.log"
stop
check "--user: status 0" test $? = 0
check "--user: the socket stays behind" test -S "$socket"
start "$VPN_TUNNEL" --user 65533
check "--user: the next start replaces it" wg show "$interface"
check "--user: a number" status_is Uid "65533 65533 65533 65533"
rm "$socket"
check "--user: ends when its socket is removed" wait_for 3 not running "$pid"
start "$VPN_TUNNEL" --user nobody
mv "$socket" "$scratch/old.sock"
check "--user: ends when its socket is moved away" wait_for 3 not running "$pid"
start "$VPN_TUNNEL" --user nobody
in_ns a ip link del "$interface"
check "--user: ends with its interface" wait_for 3 not running "$pid"

# In the background: ready means confined.
check "in the background" in_ns a env LOG_LEVEL=verbose "$VPN_TUNNEL" --user nobody "$interface"
pid=$(ip netns pids "$(ns_name a)" | tail -n 1)
no_privileges "in the background" 65534 0000000000000000
wg set "$interface" private-key "$scratch/a.key"
check "in the background: at its name" contains "$(public a)" wg show "$interface"
in_ns a ip link del "$interface"
wait_for 3 not running "$pid"

# The log of the system is reached from behind the walls, also a new one in place of the old.
log_for()
{
    rm -f /dev/log
    python3 -c 'import os, signal, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
os.umask(0)
s.bind("/dev/log")
signal.alarm(60)
while True:
    print(s.recv(1000).decode(), flush=True)' >"$scratch/$1" 2>/dev/null &
    logger=$!
    wait_for 10 test -S /dev/log
}
if [ -e /dev/log ]; then
    echo "a log is running here; it is left alone"
else
    log_for before
    in_ns a env LOG_LEVEL=verbose "$VPN_TUNNEL" --user nobody "$interface"
    check "the log of the system" wait_for 10 grep -q "$interface: ready, listening" "$scratch/before"
    kill "$logger"
    wait "$logger" 2>/dev/null
    log_for after
    wg set "$interface" fwmark 7 2>/dev/null
    wg set "$interface" fwmark 8 2>/dev/null
    check "a new one in its place" wait_for 10 grep -q "cannot mark datagrams" "$scratch/after"
    in_ns a ip link del "$interface"
    check "a new one in its place: to the end" wait_for 10 grep -q "ending: the interface was deleted" "$scratch/after"
    kill "$logger"
    wait "$logger" 2>/dev/null
    rm -f /dev/log
fi

# With threads: each of them stands behind the same walls.
# threads_are FIELD VALUE: of the status of each of the three threads.
threads_are()
{
    threads_seen=0
    for threads_status in "/proc/$pid/task"/*/status; do
        equal "$(sed -n "s/^$1:[[:space:]]*//p" "$threads_status" | tr '\t' ' ')" "$2" || return 1
        threads_seen=$((threads_seen + 1))
    done
    equal "$threads_seen" 3
}

# no_privileges_in_threads WHAT UID CAPABILITIES
no_privileges_in_threads()
{
    check "$1: the user of all threads" threads_are Uid "$2 $2 $2 $2"
    for set in CapPrm CapEff CapBnd; do
        check "$1: $set of all threads" threads_are $set "$3"
    done
    for set in CapInh CapAmb; do
        check "$1: $set of all threads" threads_are $set 0000000000000000
    done
    check "$1: no new privileges in all threads" threads_are NoNewPrivs 1
    [ "$filters" != 1 ] || check "$1: the filter over all threads" threads_are Seccomp_filters 1
    check "$1: no signal reaches a thread that encrypts" equal "$(grep -L '^SigBlk:[[:space:]]*0*$' \
        "/proc/$pid/task"/*/status | grep -c -v "/$pid/status")" 2
}

# could_in_thread: as could, with packets that wake a thread.
could_in_thread()
{
    in_ns a ping -f -q -s 60000 10.77.0.2 >/dev/null 2>&1 &
    could_traffic=$!
    could "$@"
    kill "$could_traffic"
    wait "$could_traffic"
}

# start_threads PROGRAM [OPTIONS]
start_threads()
{
    start_with=TAKEOVER_WORKER=1
    start "$@" --threads 2
    start_with=
}

start_threads "$VPN_TUNNEL"
no_privileges_in_threads "--threads" 0 0000000000001400
works "--threads" 51024
peer a b 2 endpoint 10.99.0.2:51002
pings a 10.77.0.2 >/dev/null
[ "$filters" != 1 ] ||
    could_in_thread "--threads: what an intruder in one could do" "$nothing_less $network delete-socket $not_landlocked"
check "--threads: data after all that" pings a 10.77.0.2
stop
check "--threads: status 0" test $? = 0
start_threads "$VPN_TUNNEL" --user nobody
no_privileges_in_threads "--threads, --user" 65534 0000000000000000
addresses a 1
peer a b 2 endpoint 10.99.0.2:51002
pings a 10.77.0.2 >/dev/null
[ "$filters" != 1 ] || could_in_thread "--threads, --user: what an intruder in one could do" "$nothing_less"
stop
check "--threads, in the background" in_ns a env LOG_LEVEL=verbose "$VPN_TUNNEL" --threads 2 "$interface"
for process in $(ip netns pids "$(ns_name a)"); do
    [ "$(cat "/proc/$process/comm")" != vpn-tunnel ] || pid=$process
done
no_privileges_in_threads "--threads, in the background" 0 0000000000001400
in_ns a ip link del "$interface"
check "--threads, in the background: ends with its interface" wait_for 3 not running "$pid"

# Each wall alone, and none at all: what the lists above owe to whom.
if [ "$filters" = 1 ]; then
    start_with=TAKEOVER_OLD=1
    start "$VPN_TUNNEL"
    could "no Landlock: what an intruder could do" "$nothing_less $network delete-socket delete-file"
    stop
    start "$VPN_TUNNEL" --user nobody
    could "no Landlock, --user: what an intruder could do" "$nothing_less"
    stop
fi
process='fork own-descriptor be-dumpable make-code'
start_with=TAKEOVER_OLD=1
start "$unfiltered"
could "capabilities alone: what an intruder could do" "$nothing_less $network $root_files $process delete-socket \
    talk-to-daemon tcp firewall become-root send-signal run-program" "$host"
stop
start "$unfiltered" --user nobody
could "another user alone: what an intruder could do" "$nothing_less $process make-file tcp firewall run-program" "$host"
stop
start_with=
start "$unfiltered"
if [ "${landlock:--1}" -lt 6 ]; then
    echo "the Landlock of this kernel (version $landlock) knows nothing of signals"
else
    could "no filter: what an intruder could do" "$nothing_less $network $process delete-socket talk-to-daemon firewall \
        become-root" "$host"
fi
stop
if [ "${landlock:--1}" -ge 6 ]; then
    start_threads "$unfiltered"
    addresses a 1
    peer a b 2 endpoint 10.99.0.2:51002
    pings a 10.77.0.2 >/dev/null
    could_in_thread "no filter: what an intruder in a thread could do" "$nothing_less $network $process delete-socket \
        talk-to-daemon firewall become-root" "$host"
    stop
fi
start "$unfiltered" --keep-privileges
check "--keep-privileges: all capabilities" status_is CapEff "$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/$$/status)"
check "--keep-privileges: new privileges" status_is NoNewPrivs 0
could "--keep-privileges: what an intruder could do" "$nothing_less $network $root_files $process delete-socket talk-to-daemon \
    tcp firewall become-root send-signal run-program raw-socket packet-socket trace read-memory mount chroot new-namespace \
    enter-namespace become-other" "$host|load-module|regain"
stop

# Refused before anything is made.
refused()
{
    refused_text=$1
    shift
    in_ns a "$VPN_TUNNEL" "$@" "$interface" >"$scratch/said" 2>&1
    refused_status=$?
    cat "$scratch/said"
    [ "$refused_status" = 2 ] && grep -qF -- "$refused_text" "$scratch/said" && not in_ns a ip link show "$interface"
}
check "--user: nobody of that name" refused "there is no user no-such-user" --user no-such-user
check "--user: no number that fits" refused "there is no user 4294967295" --user 4294967295
check "--user: root" refused "that is root" --user root
check "--user: no name" contains "--user needs a name" sh -c "! '$VPN_TUNNEL' $interface --user 2>&1"
check "--user and --keep-privileges" refused "contradict" --user nobody --keep-privileges
check "--user by somebody who may not" contains "cannot become another user" in_ns a sh -c \
    "! setpriv --bounding-set=-setuid,-setgid --inh-caps=-setuid,-setgid '$VPN_TUNNEL' --user nobody $interface 2>&1"
check "--user by somebody who may not: nothing stays" not test -e "$socket"
kill "$victim"
finish
