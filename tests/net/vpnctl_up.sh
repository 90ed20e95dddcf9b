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
kill $watch_pid
daemon_kill
check "without LAN access: the daemon is killed: nothing gets through" not pings a 10.66.0.1 1
check "without LAN access: down" ctl down "$interface"
check "without LAN access: all is as before" as_before
rm -f "/run/vpnctl/$interface".*
finish
