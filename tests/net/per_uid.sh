# SPDX-License-Identifier: ISC
# A tunnel for one user, and one for all but one: what each sends at the same time goes its own way and no other, and stops
# alone when the daemon is killed.
. "$(dirname -- "$0")/leak_lib.sh"
start_leaks
# What the others talk to, so that captures tell one from the other.
other4=203.0.113.2
other6=2001:db8:113::2
in_ns far ip address add $other4/32 dev lo
in_ns far ip address add $other6/128 dev lo nodad
chosen=4242
others=4343
of_chosen="(host $world4 or host $world6)"
of_others="(host $other4 or host $other6)"
# Where no socket is any more, the system refuses in nobody's name, which no rule can tell.
refusal="(tcp[13] & 4 != 0 or (ip6[6] == 6 and ip6[53] & 4 != 0))"
remember

everybody()
{
    capture isp home
    capture home "$tunnel"
    as_uid=$chosen
    traffic $world4 $world6
    chosen_pid=$traffic_pid
    as_uid=$others
    traffic $other4 $other6
    others_pid=$traffic_pid
    as_uid=
}

nobody()
{
    traffic_stop $chosen_pid
    traffic_stop $others_pid
}

# inside NAME WHOSE UID, outside NAME WHOSE UID: where the packets are seen.
inside()
{
    check "$1: traffic of $3 flows" flows "$3"
    for inside_what in udp tcp; do
        check "$1: $inside_what of $3 is in the tunnel by IPv4" sees 5 home "$tunnel" "$inside_what and ip and $2"
        check "$1: $inside_what of $3 is in the tunnel by IPv6" sees 5 home "$tunnel" "$inside_what and ip6 and $2"
    done
    check "$1: $3 is not outside" sees_none isp home "$2"
}

outside()
{
    check "$1: traffic of $3 flows" flows "$3"
    for outside_what in udp tcp; do
        check "$1: $outside_what of $3 is outside by IPv4" sees 5 isp home "$outside_what and ip and $2"
        check "$1: $outside_what of $3 is outside by IPv6" sees 5 isp home "$outside_what and ip6 and $2"
    done
    check "$1: $3 is not in the tunnel" sees_none home "$tunnel" "$2 and not $refusal"
}

# round NAME LINES WHOSE UID [of those inside] WHOSE UID [of those outside]
round()
{
    home_file "$everything" "$2"
    check "$1: up" home_up
    everybody
    inside "$1" "$3" "$4"
    outside "$1" "$5" "$6"
    capture_stop home "$tunnel"
    kill -9 "$(daemon_of home)"
    wait_for 3 not in_ns home ip link show "$tunnel"
    check "$1: the daemon is killed: traffic of $6 goes on" flows "$6"
}

# After round. What a program has left behind when it ends, the system sends in nobody's name.
stopped()
{
    check "$1: the daemon is killed: traffic of $3 stops" stalled "$3"
    check "$1: the daemon is killed: $3 is not outside" sees_none isp home "$2"
    nobody
    sleep 2
    check "$1: the programs end: $3 is not outside" sees_none isp home "$2"
}

end()
{
    check "$1: down" home_down
    check "$1: all is as before" as_before
}

round "one user" "IncludeApp = uid $chosen
FailMode = closed" "$of_chosen" $chosen "$of_others" $others
stopped "one user" "$of_chosen" $chosen
end "one user"

round "all but one" "ExcludeApp = uid $others
FailMode = closed" "$of_chosen" $chosen "$of_others" $others
stopped "all but one" "$of_chosen" $chosen
end "all but one"

round "one user, open" "IncludeApp = uid $chosen
FailMode = open" "$of_chosen" $chosen "$of_others" $others
check "one user, open: the daemon is killed: the capture sees $chosen" sees 10 isp home "$of_chosen"
nobody
end "one user, open"
finish
