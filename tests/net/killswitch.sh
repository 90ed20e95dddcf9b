# SPDX-License-Identifier: ISC
# The kill switch: whatever happens to the daemon, the interface, the endpoint, the routes and the networks of a laptop, to
# vpnctl itself too, FailMode = closed shows nothing of its traffic in the clear. FailMode = open does, to the same captures.
. "$(dirname -- "$0")/leak_lib.sh"
start_leaks
routers=isp

# Captures from now on, with everybody trying.
look()
{
    for link_router in $routers; do
        capture "$link_router" home
    done
    traffic $world4 $world6 dns:192.168.7.2 dns:fd07::2
}

# held NAME: nothing gets out, and nothing did.
held()
{
    check "$1: nothing gets through" stalled
    check "$1: nothing in the clear" nothing_clear "$routers"
}

# Packets that are on their way when a network goes are lost.
works()
{
    check "$1: IPv4 and IPv6" wait_for 8 both
    check "$1: traffic flows" flows
    check "$1: nothing in the clear" nothing_clear "$routers"
}

both()
{
    pings home $world4 && pings home $world6
}

# broken NAME: held, until a down that keeps the filter and an up mend it while everybody goes on trying.
broken()
{
    held "$1"
    check "$1: down behind the filter" home_down --keep-filter
    held "$1, down"
    check "$1: up again" home_up
    works "$1, up again"
}

gone()
{
    not in_ns home ip link show "$tunnel"
}

daemon_killed()
{
    kill -9 "$(daemon_of home)"
    wait_for 3 gone || fail "the interface stays"
}

# An answer that was on its way from the old address moves it back once.
move()
{
    wg set "$tunnel" peer "$(public far)" endpoint "$1"
    both && endpoint_is home "$1"
}

# The other end speaks first, since only it knows.
far_speaks()
{
    in_ns far ping -n -q -c 1 -W 1 10.77.0.2
}

# What the captures are worth.
home_file "$everything" "FailMode = open"
remember
check "open: up" home_up
capture isp home
traffic $world4 $world6
check "open: traffic flows" flows
check "open: nothing in the clear while it works" nothing_clear
daemon_killed
for what in "icmp and host $world4" "icmp6 and host $world6"; do
    check "open, the daemon is killed: in the clear, $what" sees 5 isp home "$what"
done
for what in "udp port $echo_port" "tcp port $echo_port" "udp port 53"; do
    check "open, the daemon is killed: in the clear by IPv4, $what" sees 5 isp home "$what and host $world4"
    check "open, the daemon is killed: in the clear by IPv6, $what" sees 5 isp home "$what and host $world6"
done
traffic_stop $traffic_pid
check "open: down" home_down
check "open: all is as before" as_before

home_file "$everything" "FailMode = closed
DNS = 10.77.0.1"
check "closed: up" home_up
look
works "closed"

daemon_killed
broken "the daemon is killed"
in_ns home ip link delete "$tunnel"
broken "the interface is deleted"

in_ns home ip link set "$tunnel" down
held "the interface is down"
in_ns home ip link set "$tunnel" up
check "the interface is up again, without its routes: nothing in the clear" nothing_clear
broken "the interface was down"

in_ns home ip link set isp down
held "the link is down"
in_ns home ip link set isp up
held "the link is up again, without a route"
in_ns home ip address replace fd07::1/64 dev isp nodad
via home 192.168.7.2 default
via home fd07::2 default
works "the link is up again"

# The server moves, and the laptop does.
in_ns far ip address add 198.51.100.3/24 dev isp
check "the endpoint is set" wait_for 8 move 198.51.100.3:51820
works "the endpoint is set"
check "the endpoint is set to IPv6" wait_for 8 move "[2001:db8:51::2]:51820"
works "the endpoint is set to IPv6"
check "the endpoint is set back" wait_for 8 move 198.51.100.3:51820
works "the endpoint is set back"
in_ns far ip address delete 198.51.100.2/24 dev isp
in_ns far ip address add 198.51.100.2/24 dev isp
via far 198.51.100.1 default
check "the server moves: it is heard" wait_for 3 far_speaks
works "the server moves"
check "the server moves: it is followed" wait_for 3 endpoint_is home 198.51.100.2:51820
in_ns home ip address delete 192.168.7.1/24 dev isp
in_ns home ip address add 192.168.7.9/24 dev isp
via home 192.168.7.2 default
works "the laptop moves"

# Another network joins, takes the default route over, and stays alone.
router cafe
home_wire cafe 192.168.8 fd08
wire cafe far 198.51.101 2001:db8:52
via far 198.51.101.1 192.168.8.0/24
via far 2001:db8:52::1 fd08::/64
via cafe 198.51.101.2 203.0.113.0/24 198.51.100.0/24
via cafe 2001:db8:52::2 2001:db8:113::/64 2001:db8:51::/64
routers="isp cafe"
capture cafe home
works "a second network"
in_ns home ip route replace default via 192.168.8.2
in_ns home ip -6 route replace default via fd08::2
works "the default route is replaced"
check "the default route is replaced: the tunnel goes there" sees 1 cafe home "udp port 51820"
in_ns home ip link set isp down
works "the first network leaves"
daemon_killed
held "the daemon is killed in the second network"
in_ns home ip link set isp up
in_ns home ip address replace fd07::1/64 dev isp nodad
via home 192.168.7.2 198.51.100.0/24
in_ns home ip route replace default via 192.168.7.2
in_ns home ip -6 route replace default via fd07::2
broken "the first network is back"
traffic_stop $traffic_pid
check "closed: down" home_down
remember

# vpnctl is killed in the middle of an up: behind the filter, when the daemon starts, and at the end.
printf '#!/bin/sh\nkill -9 $PPID\n' >"$scratch/killer"
chmod 755 "$scratch/killer"

# killed_up NAME LINE WORDS FOR vpnctl up
killed_up()
{
    killed_at=$1
    home_file "$everything" "FailMode = closed
DNS = 10.77.0.1
$2"
    shift 2
    home_up "$@" >/dev/null 2>&1
    check "killed $killed_at: it was killed" equal $? 137
    look
    held "killed $killed_at"
    check "killed $killed_at: an up is refused, and says why" contains "vpnctl down $tunnel" not home_up
    held "killed $killed_at, up refused"
    traffic_stop $traffic_pid
    check "killed $killed_at: down" home_down
    check "killed $killed_at: all is as before" as_before
}
killed_up "behind the filter" "PreUp = kill -9 \$PPID" --allow-hooks
killed_up "when the daemon starts" "" --tunnel "$scratch/killer"
finish
