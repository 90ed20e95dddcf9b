# SPDX-License-Identifier: ISC
# Data between vpn-tunnel and wireguard-go: each side begins, IPv4 and IPv6 outside, with and without a preshared key.
. "$(dirname -- "$0")/lib.sh"

start_test
need wireguard-go wireguard-go
need iperf3 iperf3
ns_new a
ns_new b
cable a b
keys a b
(umask 077 && wg genpsk >"$scratch/psk")
iperf_server b

# round OUTER FIRST PSK: FIRST (a or b) knows the other's address and speaks first; the other learns it.
round()
{
    round_name="IPv$1 outside, $2 begins, psk $3"
    daemon_up a vpn
    round_a=$daemon_pid
    daemon_up b go
    round_b=$daemon_pid
    addresses a 1
    addresses b 2
    wg set "$(if_name a)" listen-port 51001
    wg set "$(if_name b)" listen-port 51002
    peer a b 2
    peer b a 1
    if [ "$3" = yes ]; then
        peer a b 2 preshared-key "$scratch/psk"
        peer b a 1 preshared-key "$scratch/psk"
    fi
    case $2$1 in
    a4) peer a b 2 endpoint 10.99.0.2:51002 ;;
    a6) peer a b 2 endpoint "[fd99::2]:51002" ;;
    b4) peer b a 1 endpoint 10.99.0.1:51001 ;;
    b6) peer b a 1 endpoint "[fd99::1]:51001" ;;
    esac
    if [ "$2" = a ]; then round_to=2 round_other=b round_back=1; else round_to=1 round_other=a round_back=2; fi
    check "$round_name: IPv4 ping" pings "$2" "10.77.0.$round_to"
    check "$round_name: IPv6 ping" pings "$2" "fd77::$round_to"
    check "$round_name: IPv4 ping the other way" pings "$round_other" "10.77.0.$round_back"
    check "$round_name: IPv6 ping the other way" pings "$round_other" "fd77::$round_back"
    check "$round_name: packets at and above the MTU" pings a 10.77.0.2 3 1392
    check "$round_name: fragments" pings a 10.77.0.2 3 5000
    check "$round_name: both know of the handshake" test "$(handshake_of a)" -gt 0 -a "$(handshake_of b)" -gt 0
    if [ "$3" = yes ] || [ "$1" = 6 ]; then
        check "$round_name: TCP both ways" speeds a 10.77.0.2
    fi
    if [ "$2" = a ] && [ "$1" = 4 ]; then
        check "$round_name: a datagram of 65507 bytes harms nobody" oversized
    fi
    check "$round_name: the tunnel's own addresses are no change of the network" \
        not contains "the network changed" cat "$scratch/a.log"
    daemon_down a "$round_a"
    daemon_down b "$round_b"
}

oversized()
{
    for oversized_length in 65507 40000 1 0; do
        in_ns b bash -c "head -c $oversized_length /dev/zero | dd bs=65507 iflag=fullblock of=/dev/udp/10.99.0.1/51001"
    done
    pings a 10.77.0.2
}

for outer in 4 6; do
    for first in a b; do
        for psk in no yes; do
            round $outer $first $psk
        done
    done
done
finish
