#!/bin/sh
# SPDX-License-Identifier: ISC
# A tunnel between two network namespaces on this machine: vpn-tunnel at both ends, then vpn-tunnel and wireguard-go, with
# ping and iperf3 through it. Builds what it needs; leaves nothing behind but build/.
set -u

usage()
{
    cat <<'END'
usage: sh examples/demo.sh [--help]

As root on Debian 12: installs what is missing, builds, makes two network namespaces with a cable between them, and sends
packets through a WireGuard tunnel. Without root it builds and runs the loopback example instead.
END
}

case ${1-} in
'') ;;
--help) usage; exit 0 ;;
*) printf 'demo.sh: unknown option %s\n' "$1" >&2; usage >&2; exit 2 ;;
esac

PATH=$PATH:/usr/sbin:/sbin
cd "$(dirname "$0")/.." || exit 1
one=vd$$a
two=vd$$b
work=$(mktemp -d) || exit 1
chmod 700 "$work"
proved=$work/proved
failed=0

say()
{
    printf '\n== %s\n' "$*"
}

die()
{
    printf 'demo.sh: %s\n' "$*" >&2
    exit 1
}

# Ends what runs in our namespaces, and nothing else.
clean_up()
{
    for space in "$one" "$two"; do
        pids=$(ip netns pids "$space" 2>/dev/null)
        # Each word is a process.
        # shellcheck disable=SC2086
        [ "$pids" ] && kill $pids 2>/dev/null
    done
    sleep 0.3
    for space in "$one" "$two"; do
        ip netns del "$space" 2>/dev/null
    done
    rm -rf "$work"
}

install_missing()
{
    command -v dpkg-query >/dev/null || return
    missing=
    for package in "$@"; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ "$missing" ] || return
    [ "$(id -u)" = 0 ] || { printf 'missing, please install:%s\n' "$missing"; return; }
    say "installing$missing"
    # shellcheck disable=SC2086
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } \
        >/dev/null || die "apt-get could not install$missing"
}

build()
{
    say "building"
    cmake -S . -B build/demo -DCMAKE_BUILD_TYPE=Release -DVPN_BUILD_TESTS=OFF >"$work/log" 2>&1 &&
        cmake --build build/demo >>"$work/log" 2>&1 || { cat "$work/log"; die "the build failed"; }
}

# check WHAT COMMAND...: what holds goes into the summary, with the figure that the command may leave in $work/figure.
check()
{
    what=$1
    shift
    : >"$work/figure"
    if "$@" >"$work/log" 2>&1; then
        printf '  %s%s\n' "$what" "$(cat "$work/figure")" | tee -a "$proved"
    else
        failed=$((failed + 1))
        printf '  FAILED: %s\n' "$what" | tee -a "$proved"
        sed 's/^/      /' "$work/log" | tail -n 15
    fi
}

in_one()
{
    ip netns exec "$one" "$@"
}

in_two()
{
    ip netns exec "$two" "$@"
}

make_network()
{
    ip netns add "$one" && ip netns add "$two" || return 1
    ip link add "vd$$" netns "$one" type veth peer name "vd$$" netns "$two" || return 1
    in_one ip addr add 192.0.2.1/24 dev "vd$$" && in_two ip addr add 192.0.2.2/24 dev "vd$$"
    in_one ip link set "vd$$" up && in_two ip link set "vd$$" up
    in_one ip link set lo up && in_two ip link set lo up
}

# side NAMESPACE INTERFACE NUMBER DAEMON...: a tunnel interface with addresses, keys in $work/NUMBER.*
side()
{
    space=$1 interface=$2 number=$3
    shift 3
    ip netns exec "$space" "$@" "$interface" >"$work/daemon.$number" 2>&1 || { cat "$work/daemon.$number"; return 1; }
    for wait in 1 2 3 4 5 6 7 8 9 10; do
        ip netns exec "$space" wg show "$interface" >/dev/null 2>&1 && break
        sleep 0.2
    done
    ip netns exec "$space" ip addr add "10.9.0.$number/24" dev "$interface" &&
        ip netns exec "$space" ip addr add "fd09::$number/64" dev "$interface" nodad &&
        ip netns exec "$space" ip link set "$interface" mtu 1420 up
}

# introduce NAMESPACE INTERFACE NUMBER OTHER: keys, port and the other side as the only peer
introduce()
{
    ip netns exec "$1" wg set "$2" private-key "$work/$3.key" listen-port "5182$3" \
        peer "$(cat "$work/$4.pub")" preshared-key "$work/psk" endpoint "192.0.2.$4:5182$4" \
        allowed-ips "10.9.0.$4/32,fd09::$4/128"
}

# A tunnel of its own for each pair of daemons.
tunnel()
{
    number_of_pair=$1 left=$2 right=$3
    a=vd$$l$number_of_pair b=vd$$r$number_of_pair
    for number in 1 2; do
        (umask 077; wg genkey >"$work/$number.key"; wg genpsk >"$work/psk")
        wg pubkey <"$work/$number.key" >"$work/$number.pub"
    done
    side "$one" "$a" 1 "$left" && side "$two" "$b" 2 "$right" && introduce "$one" "$a" 1 2 && introduce "$two" "$b" 2 1
}

pings()
{
    ip netns exec "$1" ping -n -c 10 -i 0.05 -W 5 "$2" || return 1
    ip netns exec "$1" ping -n -c 10 -i 0.05 -W 5 "$2" | sed -n 's|.*= [0-9.]*/\([0-9.]*\)/.*|: \1 ms on average|p' >"$work/figure"
}

speed()
{
    in_two iperf3 -s -1 -D -B "$1" >/dev/null || return 1
    sleep 0.5
    shift
    in_one iperf3 -t 3 -f m -J "$@" >"$work/iperf" || { cat "$work/iperf"; return 1; }
    awk '/"sum_received"/ { on = 1 } on && /"bits_per_second"/ { gsub(/[^0-9.]/, "", $2); printf ": %.0f Mbit/s", $2 / 1e6; exit }' \
        "$work/iperf" >"$work/figure"
    [ -s "$work/figure" ]
}

prove()
{
    pair=$1
    check "$pair: ping over IPv4, 10 of 10" pings "$one" 10.9.0.2
    check "$pair: ping over IPv6, 10 of 10" pings "$one" fd09::2
    check "$pair: ping the other way" pings "$two" 10.9.0.1
    check "$pair: iperf3, TCP over IPv4" speed 10.9.0.2 -c 10.9.0.2
    check "$pair: iperf3, TCP the other way" speed 10.9.0.2 -c 10.9.0.2 -R
    check "$pair: iperf3, TCP over IPv6" speed fd09::2 -c fd09::2
    in_one wg show "$a" | sed 's/^/    /'
}

take_down()
{
    in_one ip link del "$a" 2>/dev/null
    in_two ip link del "$b" 2>/dev/null
    sleep 0.5
}

if [ "$(id -u)" != 0 ]; then
    install_missing build-essential cmake pkg-config libsodium-dev
    build
    say "no root, so no network namespaces: two devices in one process instead"
    rm -rf "$work"
    exec build/demo/examples/loopback
fi

trap clean_up EXIT
trap 'exit 1' INT TERM HUP
install_missing build-essential cmake pkg-config libsodium-dev wireguard-tools iproute2 iputils-ping iperf3 wireguard-go
build
daemon=$PWD/build/demo/examples/vpn-tunnel
make_network || die "network namespaces cannot be made here; run build/demo/examples/loopback instead"

say "vpn-tunnel and vpn-tunnel"
tunnel 1 "$daemon" "$daemon" || die "the tunnel could not be set up"
prove "vpn-tunnel and vpn-tunnel"
take_down
if command -v wireguard-go >/dev/null; then
    say "vpn-tunnel and wireguard-go"
    tunnel 2 "$daemon" wireguard-go || die "the tunnel to wireguard-go could not be set up"
    prove "vpn-tunnel and wireguard-go"
    take_down
fi

say "what was proved"
cat "$proved"
if [ "$failed" != 0 ]; then
    printf '\n%s checks failed\n' "$failed"
    exit 1
fi
printf '\nThese addresses can be reached through the tunnel alone, so all of it crossed the cable encrypted.\nNothing is left behind but build/demo.\n'
