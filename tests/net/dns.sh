# SPDX-License-Identifier: ISC
# Who is asked for names, counted on the wire: with all names for the tunnel's resolver, and with those below some domains,
# by a file, by openresolv with and without a resolver of the host's own, and by systemd-resolved. The provider's resolver
# and the tunnel's give different answers.
. "$(dirname -- "$0")/leak_lib.sh"
need dnsmasq dnsmasq-base
start_leaks
etc=/etc/netns/$(ns_name home)
outer=192.0.2.80
inner=10.77.0.80

# resolver NS ADDRESS OPTIONS: answers with this address, for all names.
resolver()
{
    resolver_ns=$1
    shift
    ip netns exec "$(ns_name "$resolver_ns")" dnsmasq -k -C /dev/null -u root -x "" -R -h "-A/#/$1" \
        --log-facility=- 2>>"$scratch/$resolver_ns.dnsmasq.log" &
    wait_for 5 in_ns "$resolver_ns" sh -c 'ss -lun | grep -q :53 && ss -ltn | grep -q :53'
}
resolver isp $outer
resolver far $inner
echo "hosts: dns" >"$etc/nsswitch.conf"

# ask DOMAIN: five names below it, both kinds of addresses each; none was ever asked for. Prints the addresses.
ask()
{
    asked=$((asked + 1))
    for ask_number in 1 2 3 4 5; do
        $at timeout $patience getent ahosts "secret$ask_number.n$asked.$1"
    done | sed 's/ .*//' | sort -u
}
asked=0
patience=5

# questions NS IF DOMAIN: how many different ones were seen since the capture began.
questions()
{
    captured "$1" "$2" "dst port 53" >"$scratch/questions" || return 1
    grep -oE ' (A|AAAA)\? [^ ]+' "$scratch/questions" | grep -F "$3." | sort -u | wc -l
}

asked_so()
{
    [ "$(questions "$1" "$2" "$3")" -ge "$4" ]
}

# round NAME DOMAIN ANSWER: ask, with the captures that show where.
round()
{
    capture isp home
    [ -z "$inside" ] || capture home "$tunnel"
    ask "$2" >"$scratch/got"
    check "$1: the answer for $2 is '$3'" equal "$(cat "$scratch/got")" "$3"
}

# outside NAME DOMAIN, inside NAME DOMAIN: after a round, where its ten questions were, and nothing elsewhere.
outside()
{
    check "$1: all questions are outside" wait_for 3 asked_so isp home "$2" 10
    check "$1: no more than ten" equal "$(questions isp home "$2")" 10
    [ -z "$inside" ] || check "$1: none is inside" equal "$(questions home "$tunnel" "$2")" 0
}

inside()
{
    check "$1: all questions are inside" wait_for 3 asked_so home "$tunnel" "$2" 10
    check "$1: no more than ten" equal "$(questions home "$tunnel" "$2")" 10
    no_name "$1"
}

# Neither a question nor any other trace of a name.
no_name()
{
    sleep 0.1
    check "$1: no question outside" sees_none isp home "ether src $home_mac and (port 53 or port 853)"
    check "$1: no name outside" not grep -q secret "$scratch/isp-home.pcap"
}

before()
{
    inside=
    round "$1" world.test $outer
    outside "$1" world.test
}

up()
{
    check "$1: up" home_up
    inside=1
}

down()
{
    patience=5
    capture_stop home "$tunnel"
    check "$1: down" home_down
    before "$1, after down"
    [ "$at" = with_resolved ] || check "$1: all is as before" as_before
}

daemon_killed()
{
    capture_stop home "$tunnel"
    inside=
    patience=0.4
    kill -9 "$(daemon_of home)"
    wait_for 3 not in_ns home ip link show "$tunnel"
}

# all_names NAME LINES: a tunnel for everything, with all names.
all_names()
{
    home_file "$everything" "$2"
    up "$1"
    round "$1" world.test $inner
    inside "$1" world.test
}

closed_names()
{
    all_names "$1" "$2
FailMode = closed"
    daemon_killed
    round "$1, the daemon is killed" world.test ""
    no_name "$1, the daemon is killed"
    down "$1"
}

# split_names NAME LINES: corp.test inside, all else outside.
split_names()
{
    home_file "10.77.0.0/24, fd77::/64" "MatchDomains = corp.test
$2"
    up "$1"
    round "$1" corp.test $inner
    inside "$1" corp.test
    round "$1" world.test $outer
    outside "$1" world.test
    round "$1" notcorp.test $outer
    outside "$1" notcorp.test
    down "$1"
}

# Nobody looks after /etc/resolv.conf.
before "a file"
remember
closed_names "a file, closed" "DNS = 10.77.0.1"
closed_names "a file, closed, by IPv6" "DNS = fd77::1, 10.77.0.1"
all_names "a file, open" "DNS = 10.77.0.1
FailMode = open"
capture isp home
traffic dns:192.168.7.2
check "a file, open: a program that asks the LAN's resolver leaks" sees 5 isp home "port 53 and dst host 192.168.7.2"
traffic_stop $traffic_pid
daemon_killed
round "a file, open, the daemon is killed" world.test ""
check "a file, open, the daemon is killed: names leak" asked_so isp home world.test 1
down "a file, open"

home_file "$everything" "DNS = 10.77.0.1
MatchDomains = corp.test"
check "a file, split: up says that it cannot" contains "Split DNS needs systemd-resolved" home_up
inside=1
round "a file, split" corp.test $outer
outside "a file, split" corp.test
check "a file, split: the audit says so, too" contains "Split DNS needs systemd-resolved" not home_ctl audit
down "a file, split"

# openresolv looks after it. Its files are those of home.
need resolvconf openresolv
cat >"$etc/resolvconf.conf" <<END
state_dir=$scratch/openresolv
END
at="in_ns home"
printf 'nameserver 192.168.7.2\nnameserver fd07::2\n' | in_ns home resolvconf -a isp
before "openresolv"
remember
closed_names "openresolv, closed" "DNS = 10.77.0.1, fd77::1"
home_file "$everything" "DNS = 10.77.0.1
MatchDomains = corp.test"
check "openresolv, split: up says that it cannot" contains "with a resolver on this host" home_up
inside=1
down "openresolv, split"

# With a dnsmasq on the host it can split.
cat >>"$etc/resolvconf.conf" <<END
name_servers=127.0.0.1
dnsmasq_conf=$scratch/own.servers
dnsmasq_resolv=$scratch/own.resolv
dnsmasq_restart='kill -HUP \$(cat $scratch/own.pid)'
END
: >"$scratch/own.servers"
: >"$scratch/own.resolv"
ip netns exec "$(ns_name home)" dnsmasq -k -C /dev/null -u root -x "$scratch/own.pid" -h -a 127.0.0.1 -z -c 0 \
    --servers-file="$scratch/own.servers" -r "$scratch/own.resolv" --log-facility=- 2>>"$scratch/own.log" &
wait_for 5 test -s "$scratch/own.pid"
in_ns home resolvconf -u
before "openresolv and dnsmasq"
remember
split_names "openresolv and dnsmasq, split" "DNS = 10.77.0.1"
closed_names "openresolv and dnsmasq, closed" "DNS = 10.77.0.1"

# systemd-resolved, with a bus and a /run of its own, unpacked and not installed, since it would take the machine's
# /etc/resolv.conf over. Its library is a package without a program.
unpacked_resolved()
{
    resolved=$scratch/resolved
    mkdir "$resolved"
    (cd "$resolved" && apt-get download systemd-resolved && dpkg -x systemd-resolved_*.deb .) || return 1
    "$resolved/usr/bin/resolvectl" --version || apt-get install -y --no-install-recommends libsystemd-shared
    command -v dbus-daemon || apt-get install -y --no-install-recommends dbus-daemon
    "$resolved/usr/bin/resolvectl" --version && command -v dbus-daemon
}

with_resolved()
{
    ip netns exec "$(ns_name home)" sh -c 'mount --bind "$1" /run && PATH=$2/usr/bin:$PATH && export PATH && shift 2 &&
        exec "$@"' sh "$scratch/run" "$resolved" "$@"
}

start_resolved()
{
    mkdir -p "$scratch/run/dbus" "$scratch/run/systemd/resolve"
    cat >"$scratch/bus.conf" <<END
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
END
    for file in passwd group; do
        grep -v '^systemd-resolve:' /etc/$file >"$etc/$file"
    done
    echo "systemd-resolve:x:65533:65533::/:/usr/sbin/nologin" >>"$etc/passwd"
    echo "systemd-resolve:x:65533:" >>"$etc/group"
    chown 65533:65533 "$scratch/run/systemd/resolve"
    with_resolved dbus-daemon --config-file="$scratch/bus.conf" --nofork --nopidfile >"$scratch/bus.log" 2>&1 &
    wait_for 5 test -S "$scratch/run/dbus/system_bus_socket"
    with_resolved "$resolved/lib/systemd/systemd-resolved" >"$scratch/resolved.log" 2>&1 &
    wait_for 5 with_resolved resolvectl dns isp 192.168.7.2 || fail "systemd-resolved does not answer"
    echo "nameserver 127.0.0.53" >"$etc/resolv.conf"
}

rm "$etc/resolvconf.conf"
if unpacked_resolved >"$scratch/unpacked.log" 2>&1; then
    at=with_resolved
    start_resolved
    before "systemd-resolved"
    split_names "systemd-resolved, split" "DNS = 10.77.0.1"
    closed_names "systemd-resolved, closed" "DNS = 10.77.0.1"
else
    echo "systemd-resolved cannot be had here: its part is left out"
fi
finish
