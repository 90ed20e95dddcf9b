# SPDX-License-Identifier: ISC
# What a network can do to its guests: TunnelVision (CVE-2024-3661), by a DHCP server that hands out routes, and LocalNet
# (CVE-2023-36672), a LAN with the addresses of a destination, of the tunnel's name server, or of the tunnel's server. Each
# draws packets out of wg-quick's tunnel and of ours as it is without precautions; the audit names each; FailMode = closed
# holds the packets back, and LanAccess = false takes them through the tunnel.
. "$(dirname -- "$0")/leak_lib.sh"
need dnsmasq dnsmasq-base
need busybox busybox-static
need wg-quick wireguard-tools
start_leaks
remember

# dhcp_server OPTIONS: the provider's, until the next.
dhcp_server()
{
    [ -z "$dhcp_pid" ] || { kill "$dhcp_pid" && wait "$dhcp_pid"; }
    ip netns exec "$(ns_name isp)" dnsmasq -k -p 0 -C /dev/null -u root -x "$scratch/dnsmasq.pid" -i home -z \
        --no-ping --leasefile-ro -F 192.168.7.1,192.168.7.1,255.255.255.0 -O 3,192.168.7.2 "$@" 2>>"$scratch/dnsmasq.log" &
    dhcp_pid=$!
    wait_for 5 in_ns isp sh -c 'ss -lun | grep -q :67'
}
dhcp_pid=

# What a DHCP client does with a lease: the routes of option 121, marked as its own.
cat >"$scratch/lease" <<'END'
[ "$1" = bound ] || exit 0
set -- $staticroutes
while [ $# -ge 2 ]; do
    ip route replace "$1" via "$2" dev "$interface" proto dhcp
    shift 2
done
END
chmod 755 "$scratch/lease"
sed -i '1i #!/bin/sh' "$scratch/lease"

lease()
{
    in_ns home busybox udhcpc -i isp -f -q -n -t 10 -T 1 -O staticroutes -s "$scratch/lease"
}

# Each attack: where it happens, what is tried, how the leak looks, what the audit calls it and names.
routes_on()
{
    dhcp_server -O 121,0.0.0.0/1,192.168.7.2,128.0.0.0/1,192.168.7.2
    lease >/dev/null 2>&1 || fail "no lease"
    in_ns home ip -6 route replace 2001:db8:113::/64 via fd07::2 dev isp proto ra
}

routes_off()
{
    in_ns home ip route flush proto dhcp
    in_ns home ip -6 route flush proto ra 2>/dev/null
}

lan_on()
{
    in_ns isp ip address add 203.0.113.1/24 dev home
    in_ns isp ip address add 2001:db8:113::1/64 dev home nodad
    in_ns home ip address add 203.0.113.77/24 dev isp
    in_ns home ip address add 2001:db8:113::77/64 dev isp nodad
}

lan_off()
{
    in_ns isp ip address delete 203.0.113.1/24 dev home
    in_ns isp ip address delete 2001:db8:113::1/64 dev home
    in_ns home ip address delete 203.0.113.77/24 dev isp
    in_ns home ip address delete 2001:db8:113::77/64 dev isp
}

names_on()
{
    in_ns isp ip address add 10.77.0.1/24 dev home
    in_ns home ip address add 10.77.0.77/24 dev isp
}

names_off()
{
    in_ns isp ip address delete 10.77.0.1/24 dev home
    in_ns home ip address delete 10.77.0.77/24 dev isp
}

# The network answers for the server, so that the tunnel still works.
server_on()
{
    in_ns isp sysctl -q -w net.ipv4.conf.home.proxy_arp=1 net.ipv4.conf.far.proxy_arp=1
    in_ns isp ip route add 198.51.100.77/32 dev home
    in_ns home ip address add 198.51.100.77/24 dev isp
}

server_off()
{
    in_ns isp ip route delete 198.51.100.77/32 dev home
    in_ns home ip address delete 198.51.100.77/24 dev isp
}

# wg-quick knows none of our keys.
quick_up()
{
    mkdir -p "$scratch/quick"
    home_file "$everything" ""
    mv "$scratch/$tunnel.conf" "$scratch/quick/$tunnel.conf"
    in_ns home env WG_QUICK_USERSPACE_IMPLEMENTATION="$VPN_TUNNEL" wg-quick up "$scratch/quick/$tunnel.conf"
}

quick_down()
{
    in_ns home wg-quick down "$scratch/quick/$tunnel.conf"
}

# audit_says CODE NAME: the audit of the file, with the attack going on.
audit_says()
{
    home_ctl audit >"$scratch/audit"
    cat "$scratch/audit"
    grep -q " $1\$" "$scratch/audit" && grep -qF "$2" "$scratch/audit"
}

audit_silent()
{
    home_ctl audit >"$scratch/audit"
    cat "$scratch/audit"
    not grep -qF "$1" "$scratch/audit"
}

# begin ATTACK UP: the tunnel goes up, and everybody tries.
begin()
{
    "$2" >"$scratch/up.log" 2>&1 || fail "$1: $2"
    capture isp home
    # shellcheck disable=SC2086
    traffic $targets
}

end()
{
    "$2" >"$scratch/down.log" 2>&1 || fail "$1: $2"
    traffic_stop $traffic_pid
    "$1_off"
    check "$1, $2: all is as before" as_before
}

leaks()
{
    while read -r leak; do
        [ -z "$leak" ] || check "$1: in the clear, $leak" sees 5 isp home "ether src $home_mac and $leak"
    done <<END
$signs
END
}

# Before the routes come, the tunnel of each kind works; a LAN is there before.
starts()
{
    case $1 in routes) ;; *) "$1_on" ;; esac
    begin "$1" "$2"
    case $1 in routes)
        check "$1, $3: it works before" flows
        check "$1, $3: nothing in the clear before" nothing_clear
        "$1_on"
        ;;
    esac
}

# attack NAME TARGETS SIGNS CODE NAMED
attack()
{
    targets=$2
    signs=$3
    starts "$1" quick_up "wg-quick"
    leaks "$1, wg-quick"
    end "$1" quick_down

    home_file "$everything" "DNS = 10.77.0.1"
    starts "$1" home_up "without precautions"
    leaks "$1, without precautions"
    check "$1, without precautions: the audit says $4" audit_says "$4" "$5"
    end "$1" home_down

    home_file "$everything" "DNS = 10.77.0.1
FailMode = closed"
    starts "$1" home_up "closed"
    check "$1, closed: nothing gets through" silent home "${targets%% *}"
    sleep 0.3
    check "$1, closed: nothing in the clear" nothing_clear
    check "$1, closed: the audit says nothing of $5" audit_silent "$5"
    end "$1" home_down

    home_file "$everything" "DNS = 10.77.0.1
LanAccess = false"
    starts "$1" home_up "without LAN access"
    check "$1, without LAN access: all goes on inside" "${6:-flows}"
    sleep 0.3
    check "$1, without LAN access: nothing in the clear" nothing_clear
    check "$1, without LAN access: the audit says nothing of $5" audit_silent "$5"
    end "$1" home_down
}

asked_inside()
{
    capture home "$tunnel"
    sees 5 home "$tunnel" "udp port 53 and dst host 10.77.0.1"
}

# Neither DHCP nor what the system answers to it.
clear="$clear and not udp port 67 and not (icmp and host 192.168.7.2)"
attack routes "$world4 $world6" "icmp and host $world4
udp port $echo_port and host $world4
tcp port $echo_port and host $world4
udp port $echo_port and host $world6
tcp port $echo_port and host $world6" foreign-route "DHCP set the route 0.0.0.0/1"
attack lan "$world4 $world6" "icmp and host $world4
udp port $echo_port and host $world4
icmp6 and host $world6
udp port $echo_port and host $world6" lan-overlap "203.0.113.0/24"
attack names 10.77.0.1 "udp port 53 and host 10.77.0.1" dns-leak "10.77.0.1/32" asked_inside
attack server 198.51.100.2 "icmp and host 198.51.100.2
udp port $echo_port and host 198.51.100.2
tcp port $echo_port and host 198.51.100.2" lan-overlap "198.51.100.0/24"
finish
