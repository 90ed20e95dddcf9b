# SPDX-License-Identifier: ISC
# A tunnel for all of IPv4 and nothing of IPv6, on a host that has both: the audit finds it, a capture sees it, and both
# know when FailMode = closed or a second prefix has mended it.
. "$(dirname -- "$0")/leak_lib.sh"
start_leaks
remember

# round NAME: the tunnel of the file under traffic.
round()
{
    home_up >"$scratch/up.txt" 2>&1
    check "$1: up" equal $? 0
    capture isp home
    traffic $world4 $world6
    check "$1: IPv4 flows" pings home $world4
    check "$1: no IPv4 in the clear" sees_none isp home "$clear and ip"
}

# What is not sent must have been tried.
no_ipv6()
{
    check "$1: traffic goes on" flows
    sleep 0.5
    check "$1: no IPv6 in the clear" nothing_clear
}

end()
{
    traffic_stop $traffic_pid
    check "$1: down" home_down
    check "$1: all is as before" as_before
    check "$1: IPv6 is back" pings home $world6
}

# finds CODE, finds_no CODE: in the audit of the file. An error gives a status of its own.
finds()
{
    home_ctl audit >"$scratch/audit"
    equal $? "$2" && grep "^error *$1" "$scratch/audit"
}

finds_no()
{
    home_ctl audit | tee "$scratch/audit"
    not grep -q "$1" "$scratch/audit"
}

home_addresses="10.77.0.2/24"
home_file 0.0.0.0/0 "FailMode = open"
check "open: the audit finds it" finds ipv6-leak 1
check "open: the audit names the way" grep -q "default route for IPv6" "$scratch/audit"
check "open: the audit as JSON" contains '"ipv6-leak"' home_ctl audit --json
round "open"
check "open: up says so" grep -q "warning: .* IPv6 around it" "$scratch/up.txt"
for what in icmp6 "udp port $echo_port" "tcp port $echo_port" "udp port 53"; do
    check "open: IPv6 in the clear, $what" sees 5 isp home "$what and ip6 and host $world6 and $clear"
done
check "open: and it arrives" pings home $world6
end "open"

home_file 0.0.0.0/0 "FailMode = closed"
check "closed: the audit finds nothing" finds_no ipv6-leak
round "closed"
check "closed: no way for IPv6" silent home $world6
no_ipv6 "closed"
check "closed: up says nothing" not test -s "$scratch/up.txt"
end "closed"

home_addresses="10.77.0.2/24, fd77::2/64"
home_file "$everything" "FailMode = open"
check "with ::/0: the audit finds nothing" finds_no ipv6-leak
round "with ::/0"
check "with ::/0: IPv6 flows" pings home $world6
no_ipv6 "with ::/0"
end "with ::/0"

# Nothing can leak where there is no way out.
in_ns home ip -6 route delete default
home_addresses="10.77.0.2/24"
home_file 0.0.0.0/0 "FailMode = open"
check "no route for IPv6: the audit finds nothing" finds_no ipv6-leak
finish
