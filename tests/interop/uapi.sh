# SPDX-License-Identifier: ISC
# wg(8) against vpn-tunnel, and clients with bad manners.
. "$(dirname -- "$0")/lib.sh"
tab=$(printf '\t') # stands between the columns of wg

start_test
need python3 python3-minimal
ns_new a
ns_new b
cable a b
keys a b c
(umask 077 && wg genpsk >"$scratch/psk")
daemon_up a vpn
daemon_up b vpn
interface=$(if_name a)
socket=/var/run/wireguard/$interface.sock
addresses a 1
addresses b 2
wg set "$(if_name b)" listen-port 51002
peer b a 1

client()
{
    python3 "$here/uapi_client.py" "$@"
}

# In an order of their own.
prefixes()
{
    wg show "$interface" allowed-ips | cut -f 2 | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//'
}

sorted()
{
    wg showconf "$interface" | sed 's/AllowedIPs = //' | tr -d ' ' | tr ',' '\n' | sort
}

# A fresh interface, and the socket's mode.
check "the socket is for its owner alone" equal "$(stat -c %a "$socket")" 600
check "the directory is for its owner alone" equal "$(stat -c %a /var/run/wireguard)" 700
check "show: no key" equal "$(wg show "$interface" public-key)" "(none)"
check "show interfaces" contains "$interface" wg show interfaces

peer a b 2 preshared-key "$scratch/psk"
check "show: our public key" equal "$(wg show "$interface" public-key)" "$(public a)"
check "show: the private key" equal "$(wg show "$interface" private-key)" "$(cat "$scratch/a.key")"
check "show: the preshared key" contains "$(cat "$scratch/psk")" wg show "$interface" preshared-keys
wg set "$interface" peer "$(public b)" preshared-key /dev/null
check "no preshared key" contains "(none)" wg show "$interface" preshared-keys
check "show: never" contains "$(public b)${tab}0" wg show "$interface" latest-handshakes
peer a b 2 endpoint 10.99.0.2:51002 persistent-keepalive 25
check "show: the endpoint" endpoint_is a 10.99.0.2:51002
check "show: the keepalive" contains 25 wg show "$interface" persistent-keepalive
check "show: the prefixes" equal "$(prefixes)" "10.77.0.2/32 fd77::2/128"
check "data" pings a 10.77.0.2
check "show: handshake" contains "latest handshake:" wg show "$interface"
check "show: transfer" contains "received" wg show "$interface"
check "no keepalive" wg set "$interface" peer "$(public b)" persistent-keepalive off
check "show: off" contains off wg show "$interface" persistent-keepalive

# What goes beyond wg(8): lines between those that wg is answered, and none of them in what wg is answered.
ask()
{
    printf "$1" | client raw "$socket"
}
ask 'get=1\n\n' >"$scratch/plain"
ask 'get=libvpn\n\n' >"$scratch/libvpn"
check "wg is answered no lines of libvpn" not grep -q '^libvpn_' "$scratch/plain"
check "get=libvpn: all lines of get=1" equal "$(grep -v '^libvpn_' "$scratch/libvpn")" "$(cat "$scratch/plain")"
check "a line of libvpn that is not known" contains errno=-22 ask 'set=1\nlibvpn_nonsense=1\n\n'

# Peers and prefixes.
check "another peer takes a prefix" wg set "$interface" peer "$(public c)" allowed-ips 10.77.0.2/32,10.88.0.0/16
check "the first has lost it" equal "$(wg show "$interface" allowed-ips | grep -F "$(public b)")" "$(public b)${tab}fd77::2/128"
check "it takes it back" wg set "$interface" peer "$(public b)" allowed-ips 10.77.0.2/32,fd77::2/128
check "data with the prefix back" pings a 10.77.0.2
check "remove" wg set "$interface" peer "$(public c)" remove
check "removed" not contains "$(public c)" wg show "$interface" peers

# Files.
(umask 077 && wg showconf "$interface" >"$scratch/shown")
check "showconf: the private key" contains "PrivateKey = $(cat "$scratch/a.key")" cat "$scratch/shown"
check "showconf: the endpoint" contains "Endpoint = 10.99.0.2:51002" cat "$scratch/shown"
before=$(sorted | sha256sum)
wg set "$interface" peer "$(public c)" allowed-ips 10.88.0.0/16
check "setconf" wg setconf "$interface" "$scratch/shown"
check "setconf: what was shown is what is there" equal "$(sorted | sha256sum)" "$before"
check "setconf: data" pings a 10.77.0.2
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.88.0.0/16\n' "$(public c)" >"$scratch/more"
check "addconf" wg addconf "$interface" "$scratch/more"
check "addconf: two peers" equal "$(wg show "$interface" peers | wc -l)" 2
wg set "$interface" peer "$(public c)" remove
was=$(handshake_of a)
wg addconf "$interface" "$scratch/more"
check "syncconf" wg syncconf "$interface" "$scratch/shown"
check "syncconf: one peer" equal "$(wg show "$interface" peers)" "$(public b)"
check "syncconf: the session stays" equal "$(handshake_of a)" "$was"

# Port and mark.
check "another port" wg set "$interface" listen-port 51021
check "another port: shown" equal "$(wg show "$interface" listen-port)" 51021
check "another port: data" pings a 10.77.0.2
check "another port: the peer follows" endpoint_is b 10.99.0.1:51021
ip netns exec "$(ns_name a)" python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 51099))
time.sleep(5)' &
wait_for 3 in_ns a sh -c 'ss -lun | grep -q :51099'
check "a port in use is refused" not wg set "$interface" listen-port 51099
check "a port in use: said so" contains "cannot listen on port 51099: Address already in use" cat "$scratch/a.log"
check "a port in use: the old one stays" equal "$(wg show "$interface" listen-port)" 51021
check "a port in use: data" pings a 10.77.0.2
check "any port" wg set "$interface" listen-port 0
check "any port: data" pings a 10.77.0.2
port=$(wg show "$interface" listen-port)
wg set "$interface" listen-port 0
check "any port once more: the same" equal "$(wg show "$interface" listen-port)" "$port"

in_ns a ip rule add fwmark 0x77 unreachable
in_ns a ip -6 rule add fwmark 0x77 unreachable
check "a mark" wg set "$interface" fwmark 0x77
check "a mark: shown" equal "$(wg show "$interface" fwmark)" 0x77
check "a mark: it steers our datagrams" not in_ns a ping -n -q -c 1 -W 1 10.77.0.2
check "a mark: on the sockets of another port too" wg set "$interface" listen-port 51031
check "a mark: it steers those as well" not in_ns a ping -n -q -c 1 -W 1 10.77.0.2
check "no mark" wg set "$interface" fwmark off
check "no mark: shown" equal "$(wg show "$interface" fwmark)" off
check "no mark: data" pings a 10.77.0.2

# Bad input: refused whole, and the log says where.
refused()
{
    printf "$1" | client raw "$socket" >"$scratch/answer"
    cat "$scratch/answer"
    grep -q '^errno=-' "$scratch/answer"
}
before=$(wg showconf "$interface" | sha256sum)
check "a bad key" refused 'set=1\nlisten_port=51031\npublic_key=abc\n\n'
check "a bad key: the log says line and key" contains "configuration refused: line 3, key public_key:" cat "$scratch/a.log"
check "an unknown key" refused 'set=1\nreplace_peers=true\nno_such_key=1\n\n'
check "an unknown key: the log says line and key" contains "line 3, key no_such_key:" cat "$scratch/a.log"
check "a number out of range" refused 'set=1\nlisten_port=65536\n\n'
check "a line without a value" refused 'set=1\nlisten_port\n\n'
check "no operation" refused 'hello\n\n'
check "nothing changed by any of it" equal "$(wg showconf "$interface" | sha256sum)" "$before"
check "no key is in the log" not contains "$(cat "$scratch/a.key")" cat "$scratch/a.log"

# Bad manners: others are served meanwhile.
check "byte by byte, two at once, and half closed" equal "$(client pieces "$socket" | grep -c '^errno=0')" 4
client half "$socket" 14 &
half=$!
client slow "$socket" 20000 12 &
slow=$!
sleep 0.5
check "half a request and a slow reader: others are served" timeout 2 wg show "$interface"
check "half a request and a slow reader: data" pings a 10.77.0.2
wait $half
check "half a request is let go" test $? = 0
wait $slow
check "a slow reader is let go" test $? = 0
client crowd "$socket" 100 &
crowd=$!
sleep 1
check "a crowd: others are served" timeout 2 wg show "$interface"
check "a crowd: data" pings a 10.77.0.2
wait $crowd
check "afterwards: wg" wg show "$interface"
check "afterwards: data" pings a 10.77.0.2

# Many peers: requests and answers of several megabytes.
many_peers 20000 >"$scratch/many"
check "20000 peers: set" timeout 20 wg addconf "$interface" "$scratch/many"
check "20000 peers: shown" equal "$(wg show "$interface" peers | wc -l)" 20001
check "20000 peers: data" pings a fd77::2
finish
