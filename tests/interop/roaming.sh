# SPDX-License-Identifier: ISC
# Addresses and ports change under a tunnel between vpn-tunnel (a) and wireguard-go (b), and it goes on.
. "$(dirname -- "$0")/lib.sh"

start_test
need wireguard-go wireguard-go
ns_new a
ns_new b
cable a b
keys a b
daemon_up a vpn
daemon_up b go
addresses a 1
addresses b 2
wg set "$(if_name a)" listen-port 51001
wg set "$(if_name b)" listen-port 51002
peer a b 2 endpoint 10.99.0.2:51002
peer b a 1

# move NS OLD NEW: the address of the outer interface changes.
move()
{
    in_ns "$1" ip address del "$2/24" dev out
    in_ns "$1" ip address add "$3/24" dev out
}

check "the tunnel works" pings a 10.77.0.2
check "b learned a's endpoint" endpoint_is b 10.99.0.1:51001

move a 10.99.0.1 10.99.0.31
check "a moved and b heard of it, without any traffic" wait_for 8 endpoint_is b 10.99.0.31:51001
check "a moved: data from b" pings b 10.77.0.1
check "a moved: data from a" pings a 10.77.0.2

# This wireguard-go clings to a source address that has gone until it is told the endpoint again.
move b 10.99.0.2 10.99.0.32
wg set "$(if_name b)" peer "$(public a)" endpoint 10.99.0.31:51001
check "b moved and spoke: data" pings b 10.77.0.1
check "b moved: a's endpoint follows" endpoint_is a 10.99.0.32:51002
check "b moved: data from a" pings a 10.77.0.2

wg set "$(if_name a)" listen-port 51011
check "a's port changed and b heard of it" wait_for 8 endpoint_is b 10.99.0.31:51011
check "a's port changed: data from b" pings b 10.77.0.1
wg set "$(if_name b)" listen-port 51012
check "b's port changed and it spoke: data" pings b 10.77.0.1
check "b's port changed: a's endpoint follows" endpoint_is a 10.99.0.32:51012

wg set "$(if_name b)" peer "$(public a)" endpoint "[fd99::1]:51011"
check "b went over to IPv6: data" pings b 10.77.0.1
check "b went over to IPv6: a's endpoint follows" endpoint_is a "[fd99::2]:51012"
check "b went over to IPv6: data from a" pings a 10.77.0.2
wg set "$(if_name a)" peer "$(public b)" endpoint 10.99.0.32:51012
check "a went back to IPv4: data" pings a 10.77.0.2
check "a went back to IPv4: b's endpoint follows" endpoint_is b 10.99.0.31:51011

# A reply leaves from the address that was asked, else the endpoint of b would move to the first address.
in_ns a ip address add 10.99.0.41/24 dev out
in_ns a ip address add fd99::41/64 dev out nodad
sleep 1 # a looks at its new addresses, and says so to b, before b is told otherwise
pings a 10.77.0.2 >/dev/null
wg set "$(if_name b)" peer "$(public a)" remove
peer b a 1 endpoint 10.99.0.41:51011
check "a second address of a: data from b" pings b 10.77.0.1
check "a second address of a: data from a" pings a 10.77.0.2
check "a answers from the second address" endpoint_is b 10.99.0.41:51011
wg set "$(if_name b)" peer "$(public a)" remove
peer b a 1 endpoint "[fd99::41]:51011"
check "a second IPv6 address of a: data from b" pings b 10.77.0.1
check "a second IPv6 address of a: data from a" pings a 10.77.0.2
check "a answers from the second IPv6 address" endpoint_is b "[fd99::41]:51011"

# The sticky source goes away while it is in use: the next packet finds another one.
in_ns a ip address del fd99::41/64 dev out
check "that address went away: data from a" pings a 10.77.0.2
check "that address went away: b's endpoint follows" endpoint_is b "[fd99::1]:51011"
finish
