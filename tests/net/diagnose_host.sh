# SPDX-License-Identifier: ISC
# shellcheck disable=SC2119
# vpnctl diagnose above the handshake: each breakage of interface, routes, firewall, DNS and MTU is staged, and only its layer is found.
. "$(dirname -- "$0")/diagnose_lib.sh"
start_diagnose
need dnsmasq dnsmasq-base
server_up vpn
in_ns b sysctl -q -w net.ipv4.ip_forward=1
in_ns b ip route add prohibit 10.88.0.0/16

# Nothing to find.
fresh
check "nothing is broken" finds 0 - - - ctl diagnose --json "$file"
check "by the name of the interface alone" finds 0 - - - ctl diagnose --json "$interface"
check "with a session, nothing is sent to the endpoint" contains "Nothing is broken" ctl diagnose --passive "$file"
check "for people" contains "Packets of 1420 bytes come back from 10.77.0.2." ctl diagnose "$file"

# Interface, routes, firewall: the handshake is young enough.
fresh "MTU = 1420"
in_ns a ip link set "$interface" mtu 1300
check "another MTU than the file says" finds 1 interface size setting ctl diagnose --json "$file"
in_ns a ip link set "$interface" mtu 1420
in_ns a ip address del 10.77.0.1/24 dev "$interface"
check "an address is missing" finds 1 interface addresses setting ctl diagnose --json --timeout 1 "$file"
fresh
pings a 10.77.0.2 1 >/dev/null
in_ns a ip link set "$interface" down
check "the link is down" finds 1 interface link setting ctl diagnose --json "$file"
fresh
in_ns a ip route del 10.88.0.0/16 dev "$interface"
check "a route is missing, and the default route takes its packets" finds 1 routes routes setting \
    ctl diagnose --json "$file"
in_ns a ip route add 10.88.0.0/16 dev "$interface"
in_ns a ip route add 10.88.7.0/24 via 10.99.1.254
check "a more specific route of somebody else" finds 1 routes foreign setting ctl diagnose --json "$file"
in_ns a ip route del 10.88.7.0/24
check "a filter drops what comes in" on_host input "iifname $interface drop;" \
    finds 1 firewall inside setting ctl diagnose --json --timeout 1 "$file"
check "a filter drops what goes out" on_host output "oifname $interface drop;" \
    finds 1 firewall inside setting ctl diagnose --json --timeout 1 "$file"
check "an address behind the peer that nobody has" finds 1 firewall inside transport \
    ctl diagnose --json --timeout 1 --target 10.88.0.9 "$file"
check "--all goes on" contains '"check": "black-hole"' ctl diagnose --json --all --timeout 1 --target 10.88.0.9 "$file"

fresh "FailMode = closed"
check "fails closed" finds 0 - - - ctl diagnose --json "$file"
in_ns a nft delete table inet "vpn-$interface"
check "the filter is gone" finds 1 firewall filter setting ctl diagnose --json "$file"

# All of IPv4, with a table and a mark of its own.
allowed=0.0.0.0/0 fresh
check "a full tunnel" finds 0 - - - ctl diagnose --json --target 10.88.0.1 "$file"
in_ns a sysctl -q -w net.ipv4.conf.all.src_valid_mark=0 net.ipv4.conf.out.rp_filter=1
check "a strict reverse path that forgets the mark" finds 1 firewall reverse-path setting \
    ctl diagnose --json --timeout 1 --target 10.88.0.1 "$file"
in_ns a sysctl -q -w net.ipv4.conf.all.src_valid_mark=1 net.ipv4.conf.out.rp_filter=0
in_ns a ip rule add priority 5 lookup main
check "a rule of somebody else takes its packets" finds 1 routes routes setting \
    ctl diagnose --json --timeout 1 --target 10.88.0.1 "$file"
in_ns a ip rule del priority 5

# Name servers.
fresh "DNS = 10.88.0.1"
check "no name server listens" finds 1 DNS query transport ctl diagnose --json --timeout 1 "$file"
in_ns b nft -f - <<END
table inet t {
    chain c { type filter hook input priority 0; udp dport 53 drop; }
}
END
check "a name server is silent" finds 1 DNS query transport ctl diagnose --json --timeout 1 "$file"
in_ns b nft delete table inet t
ip netns exec "$(ns_name b)" dnsmasq -k --conf-file=/dev/null --no-resolv --no-hosts --listen-address=10.88.0.1 \
    --bind-interfaces --pid-file= --address=/#/192.0.2.1 >"$scratch/dnsmasq.log" 2>&1 &
wait_for 5 in_ns b sh -c 'ss -lun | grep -q 10.88.0.1:53'
check "a name server answers" finds 0 - - - ctl diagnose --json "$file"
echo "nameserver 192.0.2.53" >"/etc/netns/$(ns_name a)/resolv.conf"
check "its name server is not in use" finds 1 DNS resolver setting ctl diagnose --json "$file"

# Sizes. First a link behind the server that takes less, and a server that says so.
fresh
in_ns r ip address add 10.88.5.5/32 dev lo
in_ns r ip route add 10.77.0.0/24 via 10.99.2.1
in_ns b ip route add 10.88.5.5/32 via 10.99.2.254 mtu lock 1300
check "who sends too large packets is told" finds 0 - - - ctl diagnose --json --target 10.88.5.5 "$file"
check "and so it says" contains "is told so" cat "$scratch/finds.json"
fresh
check "large packets vanish" on_router "meta l4proto udp meta length > 1300 drop" \
    finds 1 MTU black-hole transport ctl diagnose --json "$file"
check "the size that passes is found" contains "ip link set dev $interface mtu 1232" cat "$scratch/finds.json"

# The command line.
ctl down "$file"
check "neither file nor daemon" contains "neither" not ctl diagnose "$interface"
for bad in "--peer x" "--peer $(public x)" "--target 10.0.0.0/8" "--target 192.0.2.1" "--timeout 0" "--timeout 61" "--probe"; do
    # shellcheck disable=SC2086
    ctl diagnose $bad "$file" >"$scratch/bad.out" 2>"$scratch/bad.err"
    check "refused: $bad" equal "$? $(wc -c <"$scratch/bad.out")" "2 0"
done
finish
