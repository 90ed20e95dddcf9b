# SPDX-License-Identifier: ISC
# What the tests of vpnctl's executor share: a host `a` whose default route leads through its provider `b`, which is the
# other end of the tunnel as well, and has an address of the internet, 10.66.0.1 and fd66::1. Sourced with the build
# directory as $1.
. "$(dirname -- "$0")/../interop/lib.sh"

file=
interface=$(if_name a)

start_apply()
{
    start_test
    need nft nftables
    need tcpdump tcpdump
    tool net_apply_driver
    driver=$tool_path
    file=$scratch/$interface.conf
    ns_new a
    ns_new b
    cable a b
    keys a b
    in_ns a ip route add default via 10.99.0.2
    in_ns a ip -6 route add default via fd99::2
    in_ns b ip address add 10.66.0.1/32 dev lo
    in_ns b ip address add fd66::1/128 dev lo nodad
    mkdir -m 700 "$scratch/run"
    echo "nameserver 192.0.2.53" >"$scratch/resolv.conf"
    daemon_up b vpn
    addresses b 2
    wg set "$(if_name b)" listen-port 51002
    peer b a 1
}

# conf ALLOWED LINES: the file of the tunnel.
conf()
{
    (umask 077 && cat >"$file") <<END
[Interface]
PrivateKey = $(cat "$scratch/a.key")
Address = 10.77.0.1/24, fd77::1/64
$2
[Peer]
PublicKey = $(public b)
AllowedIPs = $1
Endpoint = ${endpoint:-10.99.0.2:51002}
END
}

# drive WORDS...: the driver in the host's namespace.
drive()
{
    in_ns a "$driver" --tunnel "$VPN_TUNNEL" --state "$scratch/run" --resolv-conf "$scratch/resolv.conf" "$@"
}

up()
{
    drive "$@" up "$file" "$interface"
}

down()
{
    drive "$@" down "$interface"
}

# All that an up may change, as text. A link that was never up has no queue yet, which says nothing.
host_state()
{
    in_ns a ip -o link show | sed 's/ qdisc [^ ]*//; s/ qlen.*//'
    in_ns a ip -o address show | sed 's/ valid_lft.*//'
    in_ns a ip -4 route show table all | sort
    in_ns a ip -6 route show table all | sed 's/ expires [^ ]*//' | sort
    in_ns a ip -4 rule show
    in_ns a ip -6 rule show
    in_ns a nft list ruleset
    in_ns a sysctl net.ipv4.conf.all.src_valid_mark
    cat "$scratch/resolv.conf"
    find "$scratch" -maxdepth 1 -name 'resolv*' | sort
    find "$scratch/run" -name '*.journal*'
    ls "/var/run/wireguard/$interface.sock" 2>/dev/null
}

remember()
{
    host_state >"$scratch/before"
}

as_before()
{
    host_state >"$scratch/after"
    diff "$scratch/before" "$scratch/after"
}

# The driver's word on the tunnel: down, up or cut.
is()
{
    equal "$(drive state "$interface")" "$1"
}

# The number of operations of an up.
operations()
{
    rm -f "$scratch/steps"
    up --tell "$scratch/steps" >/dev/null 2>&1 || return 1
    down >/dev/null 2>&1
    grep -c ^begin "$scratch/steps"
}

internet()
{
    pings a 10.66.0.1 && pings a fd66::1
}

# killed COMMAND...: it ends by signal 9.
killed()
{
    "$@" >/dev/null 2>&1
    equal $? 137
}

# The daemons in the host's namespace.
daemon_pids()
{
    for pid in $(ip netns pids "$(ns_name a)"); do
        [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$VPN_TUNNEL")" ] && echo "$pid"
    done
}

daemon_kill()
{
    # shellcheck disable=SC2046
    kill -9 $(daemon_pids)
    wait_for 3 not in_ns a ip link show "$interface"
}

# Whatever is for the internet or a name server, in the clear on the physical link, becomes a line of this file.
watch()
{
    rm -f "$scratch/tcpdump.log"
    : >"$scratch/clear"
    ip netns exec "$(ns_name a)" tcpdump -i out -n -l --immediate-mode \
        "${1:-host 10.66.0.1 or host fd66::1 or port 53}" >>"$scratch/clear" 2>"$scratch/tcpdump.log" &
    watch_pid=$!
    wait_for 5 grep -q listening "$scratch/tcpdump.log" || fail "the capture did not begin"
}

# Until it has written its last word, which must not stand in the next file.
watch_stop()
{
    kill $watch_pid
    wait $watch_pid
}

# Tries all the time, whether it is let or not. The processes are those that are ended later, so no function stands
# between.
pester()
{
    ip netns exec "$(ns_name a)" ping -n -q -i 0.01 -W 1 10.66.0.1 >/dev/null 2>&1 &
    pester_pids=$!
    ip netns exec "$(ns_name a)" ping -n -q -i 0.01 -W 1 fd66::1 >/dev/null 2>&1 &
    pester_pids="$pester_pids $!"
    ip netns exec "$(ns_name a)" bash -c 'while :; do echo >/dev/udp/192.0.2.53/53; sleep 0.02; done' >/dev/null 2>&1 &
    pester_pids="$pester_pids $!"
}

# Stops it, and waits until the capture has had time to write.
pester_stop()
{
    # shellcheck disable=SC2086
    kill $pester_pids || fail "somebody stopped trying"
    # shellcheck disable=SC2086
    wait $pester_pids 2>/dev/null
    sleep 0.2
}

clear_packets()
{
    wc -l <"$scratch/clear"
}

# The capture must still run.
nothing_clear()
{
    running "$watch_pid" || {
        cat "$scratch/tcpdump.log"
        return 1
    }
    equal "$(clear_packets)" 0 || {
        head -n 5 "$scratch/clear"
        return 1
    }
}
