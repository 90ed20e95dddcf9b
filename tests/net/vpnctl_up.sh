# SPDX-License-Identifier: ISC
# vpnctl up and down as a person calls them: the facts are those of the host, the journal lies where it lies by default.
. "$(dirname -- "$0")/apply_lib.sh"
start_apply
case $build in /*) vpnctl=$build/examples/vpnctl ;; *) vpnctl=$PWD/$build/examples/vpnctl ;; esac
[ -x "$vpnctl" ] || skip "$vpnctl is not built"

# Its own files below /etc, so that the resolver's is not that of the machine.
mkdir -p "/etc/netns/$(ns_name a)"
cp "$scratch/resolv.conf" "/etc/netns/$(ns_name a)/resolv.conf"

ctl()
{
    in_ns a "$vpnctl" "$@"
}

for mode in open closed; do
    conf "0.0.0.0/0, ::/0" "FailMode = $mode"
    remember
    check "$mode: up" ctl up --tunnel "$VPN_TUNNEL" "$file"
    check "$mode: IPv4 and IPv6 beyond the tunnel" internet
    check "$mode: up again says that it is up" contains "is up" not ctl up --tunnel "$VPN_TUNNEL" "$file"
    check "$mode: show" contains "$(public b)" ctl show "$interface"
    check "$mode: down" ctl down "$file"
    check "$mode: all is as before" as_before
    check "$mode: down again, by its name" ctl down "$interface"
done

conf "0.0.0.0/0, ::/0" "Exclude = 10.66.9.0/24
LanAccess = false
FailMode = closed"
check "without LAN access: up" ctl up --tunnel "$VPN_TUNNEL" "$file"
check "without LAN access: beyond the tunnel" internet
watch "icmp and host 10.99.0.2"
check "without LAN access: the neighbour is answered through the tunnel" pings a 10.99.0.2
sleep 0.2
check "without LAN access: and not beside it" nothing_clear
watch_stop
daemon_kill
check "without LAN access: the daemon is killed: nothing gets through" not pings a 10.66.0.1 1
check "without LAN access: down" ctl down "$interface"
check "without LAN access: all is as before" as_before

# A second tunnel, of another shape, beside the first; either may go before the other.
conf "0.0.0.0/0, ::/0" "FailMode = closed"
other=${interface}x
sed -e '/^Address/d; /^FailMode/d' -e 's,^AllowedIPs.*,AllowedIPs = 10.88.0.0/16,' "$file" >"$scratch/$other.conf"
chmod 600 "$scratch/$other.conf"
remember
for first in "$interface" "$other"; do
    check "two tunnels: up" ctl up --tunnel "$VPN_TUNNEL" "$file"
    check "two tunnels: the other up" ctl up --tunnel "$VPN_TUNNEL" "$scratch/$other.conf"
    check "two tunnels: beyond the first" internet
    check "two tunnels: one down" ctl down "$first"
    [ "$first" = "$interface" ] || check "two tunnels: the first still works" internet
    check "two tunnels: both down" sh -c 'ip netns exec "$1" "$2" down "$3" && ip netns exec "$1" "$2" down "$4"' sh \
        "$(ns_name a)" "$vpnctl" "$interface" "$other"
    check "two tunnels: all is as before" as_before
done
finish
