# SPDX-License-Identifier: ISC
# The life of an interface: moved between namespaces, renamed, taken down, deleted; and how the daemon ends.
. "$(dirname -- "$0")/lib.sh"

start_test
ns_new a
ns_new b
ns_new c
ns_new d
cable a b
keys a b

socket_of()
{
    echo "/var/run/wireguard/$(if_name "$1").sock"
}

gone()
{
    wait_for 3 not test -e "$(socket_of a)" && wait_for 3 not running "$1"
}

daemon_up b vpn
addresses b 2
wg set "$(if_name b)" listen-port 51002
peer b a 1

# Ready means ready: an interface that is moved at once is served there.
moves=0
for round in 1 2 3 4 5 6 7 8 9 10; do
    in_ns a "$VPN_TUNNEL" "$(if_name a)" && in_ns a ip link set "$(if_name a)" netns "$(ns_name c)" &&
        wg show "$(if_name a)" >/dev/null && moves=$((moves + 1))
    in_ns c ip link del "$(if_name a)"
    wait_for 3 not test -e "$(socket_of a)"
done
check "moved right after its start, $moves of $round times" test $moves = 10

daemon_up a vpn
pid=$daemon_pid
in_ns a ip link set "$(if_name a)" netns "$(ns_name c)"
in_ns c ip address add 10.77.0.1/24 dev "$(if_name a)"
in_ns c ip address add fd77::1/64 dev "$(if_name a)" nodad
in_ns c ip link set "$(if_name a)" up
peer a b 2 endpoint 10.99.0.2:51002
check "the only way out of namespace c: IPv4" pings c 10.77.0.2
check "the only way out of namespace c: IPv6" pings c fd77::2
check "back into namespace c" pings b 10.77.0.1

in_ns c ip link set "$(if_name a)" mtu 1300
check "its MTU is followed there" wait_for 3 contains "the MTU is now 1300" cat "$scratch/a.log"
check "data with the new MTU" pings c 10.77.0.2 3 1272
# Of namespace d nobody here has heard before.
in_ns c ip link set "$(if_name a)" netns "$(ns_name d)"
in_ns d ip link set "$(if_name a)" mtu 1320
check "moved on from there: its MTU is followed" wait_for 3 contains "the MTU is now 1320" cat "$scratch/a.log"
in_ns d ip link set "$(if_name a)" netns "$(ns_name b)"
in_ns b ip link set "$(if_name a)" mtu 1310
check "moved once more: its MTU is followed" wait_for 3 contains "the MTU is now 1310" cat "$scratch/a.log"
in_ns b ip link set "$(if_name a)" netns "$(ns_name a)"
addresses a 1
check "moved home: data" pings a 10.77.0.2
in_ns a ip link set "$(if_name a)" mtu 1290
check "moved home: its MTU is followed" wait_for 3 contains "the MTU is now 1290" cat "$scratch/a.log"

in_ns a ip link set "$(if_name a)" down
in_ns b ping -n -q -c 2 -i 0.2 -W 1 10.77.0.1 >/dev/null 2>&1
check "taken down: the daemon stays" wg show "$(if_name a)"
addresses a 1 2>/dev/null
check "brought up again: data" pings a 10.77.0.2

in_ns a ip link set "$(if_name a)" down
in_ns a ip link set "$(if_name a)" name "$(if_name x)"
in_ns a ip link set "$(if_name x)" up
in_ns a ip address add 10.77.0.1/24 dev "$(if_name x)" 2>/dev/null
check "renamed: data" pings a 10.77.0.2
in_ns a ip link del "$(if_name x)"
check "deleted: the daemon ends and removes its socket" gone "$pid"
wait "$pid"
check "deleted: status 0" test $? = 0

daemon_up a vpn
pid=$daemon_pid
rm "$(socket_of a)"
check "socket removed: the daemon ends" wait_for 3 not running "$pid"
wait "$pid"
check "socket removed: status 0" test $? = 0
check "socket removed: the interface is gone" not in_ns a ip link show "$(if_name a)"

for signal in TERM INT HUP; do
    daemon_up a vpn
    pid=$daemon_pid
    kill -$signal "$pid"
    check "SIG$signal: the daemon ends and removes its socket" gone "$pid"
    wait "$pid"
    check "SIG$signal: status 0" test $? = 0
    check "SIG$signal: the interface is gone" not in_ns a ip link show "$(if_name a)"
done

# A newcomer's socket is not removed by the one that it replaced.
daemon_up a vpn
pid=$daemon_pid
mv "$(socket_of a)" "$scratch/old.sock"
: >"$(socket_of a)"
wait_for 3 not running "$pid"
check "a file that is not its own stays" test -f "$(socket_of a)"
rm -f "$(socket_of a)"
finish
