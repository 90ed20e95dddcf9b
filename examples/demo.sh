#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds vpn-tunnel and sends real packets through it: two network namespaces, a cable between them, a tunnel over the cable.
# As root on Debian it installs what is missing. Without root it runs the loopback example instead.
set -u

case ${1-} in
'') ;;
--help)
    echo 'usage: sh examples/demo.sh [--help]'
    sed -n 's/^# \([BA].*\)/\1/p' "$0"
    exit 0
    ;;
*)
    echo "demo: unknown option $1; try --help" >&2
    exit 2
    ;;
esac

cd "$(dirname "$0")/.." || exit 1
build=build/demo
PATH=$PATH:/usr/sbin:/sbin
id=$$
left=demo${id}l
right=demo${id}r
scratch=
proved=

say()
{
    printf '\n== %s\n' "$*"
}

die()
{
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

# prove WHAT COMMAND...: runs the command; its output is shown only if it fails.
prove()
{
    what=$1
    shift
    if "$@" >"$scratch/out" 2>&1; then
        printf '  %s\n' "$what$(note)"
        proved="$proved
  - $what"
    else
        cat "$scratch/out" "$scratch"/*.log
        die "failed: $what"
    fi
}

# What is worth telling of the last command's output.
note()
{
    sed -n 's|^rtt.* = [^/]*/\([^/]*\)/.*|, \1 ms on average|p; s|.*sec  *[0-9.]* [KMG]*Bytes  *\([0-9.]* [KMG]*bits/sec\).*receiver|, \1|p' \
        "$scratch/out"
}

missing_of()
{
    for package in "$@"; do
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || printf ' %s' "$package"
    done
}

apt()
{
    # Each word is one package.
    # shellcheck disable=SC2086,SC2048
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $* >"$scratch/apt" 2>&1
}

install_missing()
{
    command -v apt-get >/dev/null 2>&1 || return 0
    missing=$(missing_of build-essential cmake pkg-config libsodium-dev wireguard-tools iproute2 iputils-ping iperf3 procps)
    peer=$(missing_of wireguard-go)
    [ "$missing$peer" ] || return 0
    say "installing$missing$peer"
    apt-get update -qq >/dev/null 2>&1
    [ ! "$missing" ] || apt "$missing" || { cat "$scratch/apt"; die "apt-get could not install$missing"; }
    [ ! "$peer" ] || apt "$peer" || echo "  wireguard-go cannot be had; that part is left out"
}

build_all()
{
    say "building"
    for tool in cmake cc pkg-config; do
        command -v $tool >/dev/null 2>&1 || die "$tool is missing; as root this script installs it"
    done
    mkdir -p "$build"
    if ! { cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DVPN_BUILD_TESTS=OFF &&
        cmake --build "$build" --parallel "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)"; } >"$scratch/out" 2>&1; then
        cat "$scratch/out"
        die "the build failed"
    fi
    echo "  $build/examples/vpn-tunnel"
}

loopback()
{
    say "two devices in one process, instead: $1"
    "$build/examples/loopback" || die "the loopback example failed"
    exit 0
}

# Everything that runs in the namespaces was started here.
clean_up()
{
    status=$?
    trap - EXIT
    for ns in "$left" "$right"; do
        for pid in $(ip netns pids "$ns" 2>/dev/null); do
            kill "$pid" 2>/dev/null
        done
    done
    sleep 0.2
    ip netns del "$left" 2>/dev/null
    ip netns del "$right" 2>/dev/null
    rm -f "/var/run/wireguard/demo${id}l.sock" "/var/run/wireguard/demo${id}r.sock"
    rm -rf "$scratch"
    exit "$status"
}

at()
{
    at_ns=$1
    shift
    ip netns exec "$at_ns" "$@"
}

# side NS NUMBER: one end of the cable
side()
{
    at "$1" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 2>/dev/null
    at "$1" ip link set lo up
    at "$1" ip address add "192.0.2.$2/24" dev cable
    at "$1" ip address add "2001:db8::$2/64" dev cable nodad
    at "$1" ip link set cable up
    (umask 077 && wg genkey >"$scratch/$1.key")
    wg pubkey <"$scratch/$1.key" >"$scratch/$1.pub"
}

# tunnel NS NUMBER PROGRAM: an interface that is called as its namespace
tunnel()
{
    at "$1" "$3" "$1" >"$scratch/$1.log" 2>&1 || { cat "$scratch/$1.log"; die "$3 did not start"; }
    # Not every program is ready when it returns.
    for try in 1 2 3 4 5 6 7 8 9 10; do
        wg show "$1" >/dev/null 2>&1 && break
        [ $try -lt 10 ] || die "$3 does not answer"
        sleep 0.1
    done
    wg set "$1" private-key "$scratch/$1.key" listen-port "5182$2"
    at "$1" ip address add "10.0.0.$2/24" dev "$1"
    at "$1" ip address add "fd00::$2/64" dev "$1" nodad
    at "$1" ip link set "$1" up
}

# introduce NS OTHER NUMBER [WORDS]: makes the other one a peer
introduce()
{
    introduce_at=$1
    introduce_key=$(cat "$scratch/$2.pub")
    introduce_number=$3
    shift 3
    wg set "$introduce_at" peer "$introduce_key" allowed-ips "10.0.0.$introduce_number/32,fd00::$introduce_number/128" "$@"
}

stop_tunnel()
{
    at "$1" ip link del "$1"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -e "/var/run/wireguard/$1.sock" ] || break
        sleep 0.1
    done
}

# cross FROM NUMBER NAME: everything that goes through, seen from one side
cross()
{
    prove "$3: ping over IPv4" at "$1" ping -n -q -c 5 -i 0.1 -W 6 "10.0.0.$2"
    prove "$3: ping over IPv6" at "$1" ping -n -q -c 5 -i 0.1 -W 6 "fd00::$2"
    prove "$3: TCP over IPv4 (iperf3)" at "$1" iperf3 -c "10.0.0.$2" -t 2
    prove "$3: TCP over IPv6 (iperf3)" at "$1" iperf3 -c "fd00::$2" -t 1
}

two_tunnels()
{
    say "vpn-tunnel and vpn-tunnel, IPv4 outside"
    tunnel "$left" 1 "$vpn_tunnel"
    tunnel "$right" 2 "$vpn_tunnel"
    introduce "$left" "$right" 2 endpoint 192.0.2.2:51822
    introduce "$right" "$left" 1
    cross "$left" 2 "vpn-tunnel to vpn-tunnel"
    echo
    wg show "$left"
    stop_tunnel "$left"
    stop_tunnel "$right"
}

other_implementation()
{
    say "vpn-tunnel begins, wireguard-go answers, IPv4 outside"
    tunnel "$left" 1 "$vpn_tunnel"
    tunnel "$right" 2 wireguard-go
    introduce "$left" "$right" 2 endpoint 192.0.2.2:51822
    introduce "$right" "$left" 1
    cross "$left" 2 "vpn-tunnel to wireguard-go"
    stop_tunnel "$left"
    stop_tunnel "$right"

    say "wireguard-go begins, vpn-tunnel answers, IPv6 outside, with a preshared key"
    (umask 077 && wg genpsk >"$scratch/psk")
    tunnel "$left" 1 "$vpn_tunnel"
    tunnel "$right" 2 wireguard-go
    introduce "$left" "$right" 2 preshared-key "$scratch/psk"
    introduce "$right" "$left" 1 preshared-key "$scratch/psk" endpoint "[2001:db8::1]:51821"
    cross "$right" 1 "wireguard-go to vpn-tunnel"
    echo
    wg show "$left"
}

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
[ "$(id -u)" != 0 ] || install_missing
build_all
[ "$(id -u)" = 0 ] || loopback "namespaces and interfaces need root"
[ -c /dev/net/tun ] || loopback "/dev/net/tun is missing here"
ip netns add "$left" || loopback "network namespaces cannot be made here"
trap clean_up EXIT
vpn_tunnel=$PWD/$build/examples/vpn-tunnel

ip netns add "$right" || die "cannot make a second namespace"
ip link add cable netns "$left" type veth peer name cable netns "$right" || die "cannot make a cable"
side "$left" 1
side "$right" 2
for ns in "$left" "$right"; do
    at "$ns" iperf3 -s -D --logfile "$scratch/iperf.$ns"
done
two_tunnels
if command -v wireguard-go >/dev/null 2>&1; then
    other_implementation
else
    say "wireguard-go is not installed, so only vpn-tunnel was tried against itself"
fi
say "proved:$proved"
