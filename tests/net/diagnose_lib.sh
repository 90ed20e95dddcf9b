# SPDX-License-Identifier: ISC
# What the tests of vpnctl diagnose share: a host `a` and a server `b` with a router `r` between them, whose packet filter and MTU
# the tests change. Sourced with the build directory as $1.
. "$(dirname -- "$0")/../interop/lib.sh"

interface=$(if_name a)
server=$(if_name b)
file=
tunnel=$VPN_TUNNEL # the daemon of the host
psk= # a line of [Peer]
allowed="10.77.0.2/32, fd77::2/128, 10.88.0.0/16"

start_diagnose()
{
    start_test
    need nft nftables
    case $build in /*) vpnctl=$build/examples/vpnctl ;; *) vpnctl=$PWD/$build/examples/vpnctl ;; esac
    [ -x "$vpnctl" ] || skip "$vpnctl is not built"
    file=$scratch/$interface.conf
    for ns in a b r; do
        ns_new $ns
        mkdir -p "/etc/netns/$(ns_name $ns)"
        echo "nameserver 192.0.2.53" >"/etc/netns/$(ns_name $ns)/resolv.conf"
    done
    in_ns r sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    to_router a 1
    to_router b 2
    keys a b x
    in_ns r nft -f - <<'END'
table inet t {
    chain forward { type filter hook forward priority 0; }
}
END
}

# to_router NS NUMBER: a cable between it and the router, 10.99.NUMBER.1 and .254, fd99:NUMBER::1 and ::fe.
to_router()
{
    ip link add out netns "$(ns_name "$1")" type veth peer name "to-$1" netns "$(ns_name r)"
    in_ns "$1" ip address add "10.99.$2.1/24" dev out
    in_ns r ip address add "10.99.$2.254/24" dev "to-$1"
    in_ns "$1" ip address add "fd99:$2::1/64" dev out nodad
    in_ns r ip address add "fd99:$2::fe/64" dev "to-$1" nodad
    in_ns "$1" ip link set out up
    in_ns r ip link set "to-$1" up
    in_ns "$1" ip route add default via "10.99.$2.254"
    in_ns "$1" ip -6 route add default via "fd99:$2::fe"
}

# conf LINES: the file of the host; $public is the key of its peer, $endpoint where it is.
conf()
{
    (umask 077 && cat >"$file") <<END
[Interface]
PrivateKey = $(cat "$scratch/a.key")
Address = 10.77.0.1/24, fd77::1/64
${1:-}
[Peer]
PublicKey = ${public:-$(public b)}
AllowedIPs = $allowed
Endpoint = ${endpoint:-10.99.2.1:51002}
$psk
END
}

ctl()
{
    in_ns a "$vpnctl" "$@"
}

# server_up KIND: the server, which knows the host.
server_up()
{
    daemon_up b "$1"
    # shellcheck disable=SC2034
    server_pid=$daemon_pid
    addresses b 2
    in_ns b ip address add 10.88.0.1/32 dev "$server"
    wg set "$server" private-key "$scratch/b.key" listen-port 51002
    server_peer a
}

# server_peer NAME [WORDS]: the server's only peer, of whom it remembers nothing.
server_peer()
{
    server_name=$1
    shift
    for old in $(wg show "$server" peers); do
        wg set "$server" peer "$old" remove
    done
    wg set "$server" peer "$(public "$server_name")" allowed-ips 10.77.0.1/32,fd77::1/128 "$@"
}

# ready [LINES]: the tunnel down, its file written, and a server that has forgotten all.
ready()
{
    in_ns a "$vpnctl" down "$interface" >/dev/null 2>&1
    conf "${1:-}"
    server_peer a
}

# fresh [LINES]: and up.
fresh()
{
    ready "${1:-}"
    in_ns a "$vpnctl" up --tunnel "$tunnel" "$file" 2>"$scratch/up.log" || cat "$scratch/up.log"
}

# on_router RULE COMMAND...: with a rule in the router's packet filter.
on_router()
{
    in_ns r nft add rule inet t forward "$1"
    shift
    "$@"
    router_result=$?
    in_ns r nft flush chain inet t forward
    return "$router_result"
}

# on_host HOOK RULE COMMAND...: with a rule in the host's.
on_host()
{
    in_ns a nft -f - <<END
table inet t {
    chain c { type filter hook $1 priority 0; $2 }
}
END
    shift 2
    "$@"
    host_result=$?
    in_ns a nft delete table inet t
    return "$host_result"
}

# finds STATUS LAYER CHECK CAUSE COMMAND...: a diagnosis in JSON that ends with that status, and whose last check is this one and
# alone broken; or none is broken, with "-" for the three. What is broken has a remedy.
finds()
{
    finds_want="$1 $2 $3 $4"
    shift 4
    "$@" >"$scratch/finds.json" 2>"$scratch/finds.err"
    finds_status=$?
    cat "$scratch/finds.err"
    python3 - "$scratch/finds.json" "$finds_status" "$finds_want" <<'END'
import json, sys
text = open(sys.argv[1]).read()
print(text)
said = json.loads(text)
broken = [c for c in said["checks"] if c["result"] == "broken"]
have = (broken[0]["layer"].replace(" ", "-"), broken[0]["check"], broken[0]["cause"]) if broken else ("-", "-", "-")
assert all(c["evidence"].endswith(".") for c in said["checks"]), "a sentence is cut"
assert all(len(c["remedy"]) > 10 for c in broken)
assert said["broken"] == bool(broken) and said["checks"][-1] == (broken or said["checks"])[-1]
have = " ".join((sys.argv[2],) + have)
assert have == sys.argv[3], f"found '{have}', not '{sys.argv[3]}'"
END
}
