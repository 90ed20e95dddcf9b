# SPDX-License-Identifier: ISC
# Datagrams as long as UDP allows, and empty ones, at the listening socket: the receiver goes on, and nothing moves.
. "$(dirname -- "$0")/lib.sh"

start_test
need python3 python3-minimal
ns_new a
ns_new b
cable a b
keys a b
daemon_up a vpn
a_pid=$daemon_pid
daemon_up b vpn
addresses a 1
addresses b 2
wg set "$(if_name a)" listen-port 51001
wg set "$(if_name b)" listen-port 51002
peer a b 2 endpoint 10.99.0.2:51002
peer b a 1 endpoint 10.99.0.1:51001

# throw ADDRESS LENGTH COUNT [TYPE]: datagrams from b's host, on a socket of their own, to a's port.
throw()
{
    in_ns b python3 -c 'import socket, sys
address, length, count, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
out = socket.socket(family, socket.SOCK_DGRAM)
out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
for _ in range(count):
    out.sendto((bytes([kind, 0, 0, 0]) + bytes(range(256)) * 256)[:length], (address, 51001))' "$1" "$2" "$3" "${4:-4}"
}

received()
{
    in_ns a cat /proc/net/snmp | awk '/^Udp: [0-9]/ { print $2 }'
}

check "the tunnel works" pings a 10.77.0.2
check "the tunnel works, from b" pings b 10.77.0.1
was=$(received)
check "65,507 bytes are sent" throw 10.99.0.1 65507 1
check "65,507 bytes arrived at the socket" [ "$(received)" -gt "$was" ]
check "65,507 bytes: a ping from b still crosses" pings b 10.77.0.1
check "65,507 bytes: a ping from a still crosses" pings a 10.77.0.2
for kind in 0 1 2 3 4 255; do
    check "type $kind, ten times" throw 10.99.0.1 65507 10 "$kind"
    check "type $kind: a ping still crosses" pings b 10.77.0.1
done
for length in 0 1 31 1500 9000 65535; do
    [ "$length" = 65535 ] || check "$length bytes" throw 10.99.0.1 "$length" 5
    check "$length bytes over IPv6" throw fd99::1 "$((length == 65535 ? 65527 : length))" 5
    check "$length bytes: a ping still crosses" pings b 10.77.0.1
done
check "large packets still cross" pings b 10.77.0.1 3 1300
check "the endpoint did not move" endpoint_is a 10.99.0.2:51002
check "the daemon is the same" running "$a_pid"
finish
