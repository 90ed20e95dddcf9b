# SPDX-License-Identifier: ISC
# New sessions under traffic lose nothing. Sessions live 120 s, so three pairs run side by side for a little longer than that:
# the initiator makes the new one. Meanwhile a fourth pair is made to rekey by what a person changes.
. "$(dirname -- "$0")/lib.sh"

start_test
need wireguard-go wireguard-go

SECONDS_LONG=${REKEY_SECONDS:-132}

# begin NAME KIND1 KIND2: namespaces NAME1 (which knows the endpoint and speaks first) and NAME2.
begin()
{
    begin_a=${1}1
    begin_b=${1}2
    ns_new "$begin_a"
    ns_new "$begin_b"
    cable "$begin_a" "$begin_b"
    keys "$begin_a" "$begin_b"
    daemon_up "$begin_a" "$2"
    daemon_up "$begin_b" "$3"
    wg set "$(if_name "$begin_b")" listen-port 51002
    addresses "$begin_a" 1
    addresses "$begin_b" 2
    peer "$begin_a" "$begin_b" 2 endpoint 10.99.0.2:51002
    peer "$begin_b" "$begin_a" 1
    check "$2 to $3: the tunnel works" pings "$begin_a" 10.77.0.2
}

# stream NAME NS SECONDS: ten pings a second in the background, the summary in a file.
stream()
{
    in_ns "$2" ping -n -q -i 0.1 -w "$3" 10.77.0.2 >"$scratch/$1.ping" 2>&1 &
    stream_pid=$!
}

lossless()
{
    cat "$scratch/$1.ping"
    grep -q ' 0% packet loss' "$scratch/$1.ping"
}

newer()
{
    [ "$(handshake_of "$1")" -gt "$2" ]
}

begin p vpn go
begin q go vpn
begin r vpn vpn
first_p=$(handshake_of p1)
first_q=$(handshake_of q1)
first_r=$(handshake_of r1)
waiting=
for pair in p q r; do
    stream $pair ${pair}1 "$SECONDS_LONG"
    waiting="$waiting $stream_pid"
done

# A preshared key counts from the next handshake on; the session in use goes on. An address that comes makes the next handshake.
begin s vpn go
(umask 077 && wg genpsk >"$scratch/psk")
was=$(handshake_of s1)
stream s s1 16
stream_s=$stream_pid
sleep 1
wg set "$(if_name s1)" peer "$(public s2)" preshared-key "$scratch/psk"
sleep 1
wg set "$(if_name s2)" peer "$(public s1)" preshared-key "$scratch/psk"
sleep 1
in_ns s1 ip address add 10.98.0.1/24 dev out
check "another address of the host: a handshake, with the new preshared key" wait_for 8 newer s1 "$was"
wait "$stream_s"
check "another preshared key: nothing is lost" lossless s

# Peers that forget each other begin anew.
was=$(handshake_of s1)
sleep 1
wg set "$(if_name s1)" peer "$(public s2)" remove
check "a peer that was removed: no data" not in_ns s1 ping -n -q -c 1 -W 1 10.77.0.2
peer s1 s2 2 endpoint 10.99.0.2:51002 preshared-key "$scratch/psk"
check "the peer came back: data" pings s1 10.77.0.2
check "the peer came back: a handshake" newer s1 "$was"

# A new private key: the other side learns the public one, and the tunnel goes on.
keys s1
wg set "$(if_name s1)" private-key "$scratch/s1.key"
wg set "$(if_name s2)" peer "$(public s1)" allowed-ips 10.77.0.1/32,fd77::1/128 preshared-key "$scratch/psk"
check "another private key: data" wait_for 8 in_ns s1 ping -n -q -c 1 -W 1 10.77.0.2
check "another private key: data both ways" pings s2 10.77.0.1

# shellcheck disable=SC2086
wait $waiting
for pair in p q r; do
    check "pair $pair: nothing was lost in $SECONDS_LONG s" lossless $pair
done
check "vpn to go: rekeyed" newer p1 "$first_p"
check "go to vpn: rekeyed" newer q1 "$first_q"
check "vpn to vpn: rekeyed" newer r1 "$first_r"
finish
