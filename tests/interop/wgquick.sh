# SPDX-License-Identifier: ISC
# wg-quick with vpn-tunnel as its userspace implementation: up, down, save, strip and syncconf, DNS, and the way of all packets.
. "$(dirname -- "$0")/lib.sh"

start_test
need wg-quick wireguard-tools
ns_new a
ns_new b
cable a b
keys a b c
interface=$(if_name a)
file=$scratch/$interface.conf
socket=/var/run/wireguard/$interface.sock

daemon_up b vpn
addresses b 2
in_ns b ip address add 10.66.0.1/32 dev lo
wg set "$(if_name b)" listen-port 51002
peer b a 1

# conf ALLOWED EXTRA-LINES
conf()
{
    (umask 077 && cat >"$file") <<END
[Interface]
PrivateKey = $(cat "$scratch/a.key")
Address = 10.77.0.1/24, fd77::1/64
ListenPort = 51001
PostUp = touch $scratch/post-up
$2
[Peer]
PublicKey = $(public b)
AllowedIPs = $1
Endpoint = 10.99.0.2:51002
PersistentKeepalive = 25
END
}

quick()
{
    in_ns a env WG_QUICK_USERSPACE_IMPLEMENTATION="$VPN_TUNNEL" wg-quick "$@"
}

gone()
{
    [ ! -e "$socket" ] && ! in_ns a ip link show "$interface"
}

# A kernel with WireGuard of its own never asks for ours.
in_ns a ip link add "$interface" type wireguard 2>/dev/null && skip "this kernel has WireGuard, so wg-quick uses it"

conf "10.77.0.2/32, fd77::2/128" ""
check "up" quick up "$file"
check "up: it is our socket that is there" test -S "$socket"
check "up: PostUp ran" test -e "$scratch/post-up"
check "up: IPv4" pings a 10.77.0.2
check "up: IPv6" pings a fd77::2
check "up: the port of the file" equal "$(wg show "$interface" listen-port)" 51001
check "up: the keepalive of the file" contains 25 wg show "$interface" persistent-keepalive

in_ns a wg-quick strip "$file" >"$scratch/stripped"
check "syncconf with what is set already" in_ns a wg syncconf "$interface" "$scratch/stripped"
check "syncconf: data without another handshake" in_ns a ping -n -q -c 1 -W 1 10.77.0.2
wg set "$interface" peer "$(public c)" allowed-ips 10.77.0.3/32
check "save" quick save "$file"
check "save: the new peer is in the file" contains "PublicKey = $(public c)" cat "$file"
check "save: the addresses are in the file" contains "Address = 10.77.0.1/24" cat "$file"
in_ns a wg syncconf "$interface" "$scratch/stripped"
check "syncconf takes the new peer away" not contains "$(public c)" wg show "$interface" peers
check "down" quick down "$file"
check "down: interface and socket are gone" wait_for 3 gone
for round in 1 2 3 4 5; do
    quick up "$file" >"$scratch/rounds" 2>&1 && pings a 10.77.0.2 >>"$scratch/rounds" 2>&1 &&
        quick down "$file" >>"$scratch/rounds" 2>&1 && wait_for 3 gone || break
done
check "up and down, $round times" gone
quick down "$file" >/dev/null 2>&1

conf "10.77.0.2/32" "MTU = 1380"
check "up with an MTU" quick up "$file"
check "up with an MTU: it is set" contains "mtu 1380" in_ns a ip link show "$interface"
check "up with an MTU: data" pings a 10.77.0.2 3 1352
quick down "$file" >/dev/null 2>&1
wait_for 3 gone

# All packets: wg-quick marks ours, so that they do not go into their own tunnel.
if command -v nft >/dev/null 2>&1 || command -v iptables >/dev/null 2>&1; then
    conf "0.0.0.0/0, ::/0" ""
    check "up with all packets" quick up "$file"
    check "up with all packets: marked" equal "$(wg show "$interface" fwmark)" 0xca6c
    check "up with all packets: an address beyond the tunnel" pings a 10.66.0.1
    check "up with all packets: the peer" pings a fd77::2
    check "down with all packets" quick down "$file"
    check "down with all packets: no rule stays" not contains 51820 in_ns a ip rule
    wait_for 3 gone
else
    echo "not tried: all packets through the tunnel, which needs nft or iptables"
fi

# The DNS line, with a resolver of this test's own.
dns()
{
    mkdir -p /run/resolvconf
    # shellcheck disable=SC2016
    in_ns a env WG_QUICK_USERSPACE_IMPLEMENTATION="$VPN_TUNNEL" sh -c '
        mount -t tmpfs none /run/resolvconf && mount --bind "$2" /etc/resolv.conf || exit 1
        wg-quick up "$1" && grep -q "10.77.0.53" /etc/resolv.conf && grep -q example.test /etc/resolv.conf || exit 1
        wg-quick down "$1" && ! grep -q "10.77.0.53" /etc/resolv.conf' sh "$file" "$scratch/resolv.conf"
}
if command -v resolvconf >/dev/null 2>&1; then
    : >"$scratch/resolv.conf"
    conf "10.77.0.2/32" "DNS = 10.77.0.53, example.test"
    check "the DNS line comes and goes" dns
else
    echo "not tried: the DNS line, which needs resolvconf"
fi

conf "10.77.0.2/32" ""
sed -i 's/^PublicKey = .*/PublicKey = nonsense/' "$file"
check "a bad key in the file: up fails" not quick up "$file"
check "a bad key in the file: nothing stays" wait_for 3 gone
finish
