# SPDX-License-Identifier: ISC
# Split tunnels: some prefixes of the internet, or all of it without a printer's subnet; each packet goes its way and no
# other.
. "$(dirname -- "$0")/apply_lib.sh"
start_apply
in_ns b ip address add 10.66.9.1/32 dev lo
in_ns b ip address add fd66:9::1/128 dev lo nodad
remember

# round NAME ALLOWED LINES: the internet through the tunnel, the printer beside it
round()
{
    conf "$2" "$3"
    watch "host 10.66.0.1 or host fd66::1"
    check "$1: up" up
    check "$1: the internet" internet
    check "$1: it goes through the tunnel" nothing_clear
    watch_stop
    watch "host 10.66.9.1 or host fd66:9::1"
    check "$1: the printer" pings a 10.66.9.1
    check "$1: the printer by IPv6" pings a fd66:9::1
    sleep 0.2
    check "$1: it goes around the tunnel" test "$(clear_packets)" -ge 12
    watch_stop
    check "$1: down" down
    check "$1: all is as before" as_before
}

exclude="Exclude = 10.66.9.0/24, fd66:9::/64"
round "a part of the internet" "10.77.0.0/24, 10.66.0.0/24, fd77::/64, fd66::/64" ""
round "a prefix without the printer" "10.77.0.0/24, 10.66.0.0/16, fd77::/64, fd66::/16" "$exclude"
round "everything without the printer" "0.0.0.0/0, ::/0" "$exclude"
round "everything without the printer, closed" "0.0.0.0/0, ::/0" "$exclude
FailMode = closed"
round "the endpoint's own network in the tunnel" "10.0.0.0/8, fd00::/8" "$exclude"

# An endpoint by IPv6.
endpoint="[fd99::2]:51002"
round "an endpoint by IPv6" "0.0.0.0/0, ::/0" "$exclude"
endpoint=

# A table that the file names, and none at all.
conf "10.66.0.0/24" "Table = 4242"
check "a table of the file: up" up
check "a table of the file: the route is there" contains 10.66.0.0/24 in_ns a ip route show table 4242
check "a table of the file: down" down
check "a table of the file: all is as before" as_before
conf "10.66.0.0/24" "Table = off
Metric = 7"
check "no table: up" up
check "no table: no route" not contains 10.66.0.0/24 in_ns a ip route show table all
check "no table: down" down
check "no table: all is as before" as_before
conf "10.66.0.0/24" "Metric = 7
MTU = 1300"
check "a metric: up" up
check "a metric: it is there" contains "metric 7" in_ns a ip route show 10.66.0.0/24
check "an MTU: it is there" contains "mtu 1300" in_ns a ip link show "$interface"
check "a metric: down" down
check "a metric: all is as before" as_before
finish
