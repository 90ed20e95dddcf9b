# SPDX-License-Identifier: ISC
# What the interop tests share. Sourced by each of them with the build directory as $1; POSIX sh.
#
# Everything happens in network namespaces that the test makes, with names that hold the test's process id. Only processes
# that run in those namespaces are ended.

PATH=$PATH:/usr/sbin:/sbin
build=${1:-build/release}
VPN_TUNNEL=${VPN_TUNNEL:-$build/examples/vpn-tunnel}
case $VPN_TUNNEL in /*) ;; *) VPN_TUNNEL=$PWD/$VPN_TUNNEL ;; esac
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
test_name=$(basename -- "$0" .sh)
scratch=
namespaces=
failures=0
checks=0
preload= # an object that daemon_up loads into the daemon
options= # of vpn-tunnel, where daemon_up starts that

skip()
{
    echo "$test_name: skipped, $*"
    exit 77
}

ok()
{
    checks=$((checks + 1))
    echo "ok: $*"
}

fail()
{
    checks=$((checks + 1))
    failures=$((failures + 1))
    echo "FAILED: $*"
}

# check WHAT COMMAND...: runs the command and reports under the name WHAT.
check()
{
    check_what=$1
    shift
    if "$@" >"$scratch/check.out" 2>&1; then
        ok "$check_what"
    else
        fail "$check_what"
        sed 's/^/    /' "$scratch/check.out" | tail -n 20
    fi
}

not()
{
    ! "$@"
}

# contains TEXT COMMAND...: the output of the command holds the text.
contains()
{
    contains_text=$1
    shift
    "$@" >"$scratch/contains.out" 2>&1
    cat "$scratch/contains.out"
    grep -qF -- "$contains_text" "$scratch/contains.out"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for()
{
    wait_until=$(($(date +%s) + $1 + 1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$wait_until" ] || return 1
        sleep 0.05
    done
}

# running PID: an orphan that ended stays a zombie for a while, so its mere presence proves nothing.
running()
{
    running_state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 1
    [ -n "$running_state" ] && [ "$running_state" != Z ] && [ "$running_state" != X ]
}

# need COMMAND PACKAGE: installs the package when the command is missing, or skips the test.
need()
{
    command -v "$1" >/dev/null 2>&1 && return 0
    if command -v apt-get >/dev/null 2>&1; then
        apt-get install -y --no-install-recommends "$2" >/dev/null 2>&1
    fi
    command -v "$1" >/dev/null 2>&1 || skip "$1 is missing and the package $2 could not be installed"
}

start_test()
{
    [ "$(id -u)" = 0 ] || skip "root is needed for network namespaces"
    [ -x "$VPN_TUNNEL" ] || skip "$VPN_TUNNEL is not built"
    [ -c /dev/net/tun ] || skip "/dev/net/tun is missing"
    need ip iproute2
    need wg wireguard-tools
    need ping iputils-ping
    scratch=$(mktemp -d)
    chmod 700 "$scratch"
    trap clean_up EXIT
    trap 'exit 1' INT TERM HUP
    ip netns add "vt$$probe" 2>/dev/null || skip "network namespaces cannot be made here"
    ip netns del "vt$$probe"
}

clean_up()
{
    clean_status=$?
    trap - EXIT
    for clean_ns in $namespaces; do
        clean_pids=$(ip netns pids "$clean_ns" 2>/dev/null)
        # shellcheck disable=SC2086
        [ -z "$clean_pids" ] || kill $clean_pids 2>/dev/null
    done
    sleep 0.2
    for clean_ns in $namespaces; do
        clean_pids=$(ip netns pids "$clean_ns" 2>/dev/null)
        # shellcheck disable=SC2086
        [ -z "$clean_pids" ] || kill -9 $clean_pids 2>/dev/null
        ip netns del "$clean_ns" 2>/dev/null
        rm -rf "/etc/netns/$clean_ns"
    done
    # Not those of a test whose process id goes on with another digit.
    rm -f "/var/run/wireguard/v$$"[!0-9]* "/run/vpnctl/v$$"[!0-9]*
    if [ "$clean_status" != 0 ] || [ "$failures" != 0 ]; then
        for clean_log in "$scratch"/*.log; do
            [ -s "$clean_log" ] || continue
            echo "--- $(basename "$clean_log")"
            tail -n 25 "$clean_log"
        done
    fi
    rm -rf "$scratch"
    exit "$clean_status"
}

finish()
{
    [ "$checks" -gt 0 ] || fail "nothing was checked"
    echo "$test_name: $((checks - failures)) of $checks checks passed"
    [ "$failures" = 0 ] || exit 1
    exit 0
}

# ns_name NAME, if_name NAME: names that no other test has; interfaces share /var/run/wireguard.
ns_name()
{
    echo "vt$$$1"
}

if_name()
{
    echo "v$$$1"
}

ns_new()
{
    ip netns add "$(ns_name "$1")" || skip "no network namespace"
    namespaces="$namespaces $(ns_name "$1")"
    in_ns "$1" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 2>/dev/null
    in_ns "$1" ip link set lo up
}

# in_ns NAME COMMAND...
in_ns()
{
    in_ns_name=$(ns_name "$1")
    shift
    ip netns exec "$in_ns_name" "$@"
}

# cable NS1 NS2: a veth pair called `out` on both sides, 10.99.0.1 and fd99::1 on the first, .2 and ::2 on the second.
cable()
{
    ip link add out netns "$(ns_name "$1")" type veth peer name out netns "$(ns_name "$2")"
    cable_end "$1" 1
    cable_end "$2" 2
    wait_for 3 contains "state UP" in_ns "$1" ip link show out
    wait_for 3 contains "state UP" in_ns "$2" ip link show out
}

cable_end()
{
    in_ns "$1" ip address add "10.99.0.$2/24" dev out
    in_ns "$1" ip address add "fd99::$2/64" dev out nodad
    in_ns "$1" ip link set out up
}

# keys NAME...: a private and a public key each.
keys()
{
    for keys_name in "$@"; do
        (umask 077 && wg genkey >"$scratch/$keys_name.key")
        wg pubkey <"$scratch/$keys_name.key" >"$scratch/$keys_name.pub"
    done
}

public()
{
    cat "$scratch/$1.pub"
}

# daemon_up NS KIND: starts vpn-tunnel (vpn) or wireguard-go (go) in the foreground of a background job, on the interface
# if_name NS; $daemon_pid is its process.
daemon_up()
{
    daemon_if=$(if_name "$1")
    case $2 in
    vpn) daemon_program="$VPN_TUNNEL $options" ;;
    go) daemon_program=wireguard-go ;;
    esac
    # shellcheck disable=SC2086
    LOG_LEVEL=verbose LD_PRELOAD=$preload ip netns exec "$(ns_name "$1")" $daemon_program -f "$daemon_if" >>"$scratch/$1.log" 2>&1 &
    daemon_pid=$!
    # wg removes a socket that wireguard-go made and does not listen at yet.
    [ "$2" != go ] || wait_for 10 contains "$daemon_if.sock" in_ns "$1" ss -xlH
    wait_for 5 wg show "$daemon_if" || {
        fail "$2 did not start"
        exit 1
    }
}

# daemon_down NS PID
daemon_down()
{
    kill "$2" 2>/dev/null
    wait "$2" 2>/dev/null
    wait_for 3 not in_ns "$1" ip link show "$(if_name "$1")"
}

# addresses NS NUMBER: brings the tunnel up with 10.77.0.NUMBER and fd77::NUMBER.
addresses()
{
    in_ns "$1" ip address add "10.77.0.$2/24" dev "$(if_name "$1")"
    in_ns "$1" ip address add "fd77::$2/64" dev "$(if_name "$1")" nodad
    in_ns "$1" ip link set "$(if_name "$1")" up
}

# peer NS OTHER NUMBER [WORDS FOR wg set]: OTHER, whose addresses end in NUMBER, becomes a peer.
peer()
{
    peer_ns=$1
    peer_other=$2
    peer_number=$3
    shift 3
    wg set "$(if_name "$peer_ns")" private-key "$scratch/$peer_ns.key" peer "$(public "$peer_other")" \
        allowed-ips "10.77.0.$peer_number/32,fd77::$peer_number/128" "$@"
}

# pings NS ADDRESS [COUNT [SIZE]]: every one is answered. The first may have to wait for a handshake.
pings()
{
    in_ns "$1" ping -n -q -c "${3:-3}" -i 0.05 -W 3 -s "${4:-56}" "$2"
}

endpoint_of()
{
    wg show "$(if_name "$1")" endpoints | cut -f 2
}

handshake_of()
{
    wg show "$(if_name "$1")" latest-handshakes | cut -f 2
}

equal()
{
    [ "$1" = "$2" ] || {
        echo "'$1' is not '$2'"
        return 1
    }
}

endpoint_is()
{
    equal "$(endpoint_of "$1")" "$2"
}

# speeds NS ADDRESS: TCP in both directions; the server runs already.
speeds()
{
    in_ns "$1" iperf3 -c "$2" -t 1 --connect-timeout 3000 && in_ns "$1" iperf3 -c "$2" -t 1 -R --connect-timeout 3000
}

iperf_server()
{
    in_ns "$1" iperf3 -s -D --logfile "$scratch/iperf.txt"
    wait_for 3 in_ns "$1" sh -c 'ss -ltn | grep -q :5201'
}

# tool NAME: a program or an object of tests/interop, as built; or the test is skipped.
tool()
{
    case $build in /*) tool_path=$build/tests/$1 ;; *) tool_path=$PWD/$build/tests/$1 ;; esac
    [ -e "$tool_path" ] || skip "$tool_path is not built"
}

# pair [OBJECT]: namespaces a and b with vpn-tunnel in each, connected, on ports 51001 and 51002; $a_pid and $b_pid. The
# object is loaded into the one in a.
pair()
{
    ns_new a
    ns_new b
    cable a b
    keys a b
    daemon_up b vpn
    b_pid=$daemon_pid
    pair_end b 2 a 1
    preload=${1:-}
    daemon_up a vpn
    preload=
    a_pid=$daemon_pid
    pair_end a 1 b 2
    check "the tunnel works" pings a 10.77.0.2
}

# pair_end NS NUMBER OTHER NUMBER: sets up a daemon that runs.
pair_end()
{
    addresses "$1" "$2"
    wg set "$(if_name "$1")" listen-port "5100$2"
    peer "$1" "$3" "$4" endpoint "10.99.0.$4:5100$4"
}

# cpu PID: its processor time in hundredths of a second.
cpu()
{
    sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

# memory PID: KiB of it that are resident.
memory()
{
    awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}

# at_most NUMBER NUMBER
at_most()
{
    [ "$1" -le "$2" ] || {
        echo "$1 is more than $2"
        return 1
    }
}

# many_peers NUMBER: a configuration of so many, for `wg addconf`.
many_peers()
{
    python3 -c 'import base64, os, sys
print("[Interface]")
for i in range(int(sys.argv[1])):
    key = base64.b64encode(os.urandom(32)).decode()
    print(f"[Peer]\nPublicKey = {key}\nAllowedIPs = 10.{i >> 8}.{i & 255}.0/24\nEndpoint = 192.0.2.1:{i + 1024}")
' "$1"
}
