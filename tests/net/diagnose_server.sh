# SPDX-License-Identifier: ISC
# shellcheck disable=SC2119
# vpnctl diagnose at the end that is called, which hears what arrives: it tells keys, clocks and an empty wire apart. With
# vpn-tunnel and with wireguard-go.
. "$(dirname -- "$0")/diagnose_lib.sh"
start_diagnose
need wireguard-go wireguard-go
tool clock_back.so
clock_back=$tool_path
back=
deaf=

# calls COMMAND...: the host comes up and tries, once the server is asked; with $back, its clock is that slow.
calls()
{
    rm -f "$scratch/up"
    (
        sleep 0.2
        CLOCK_BACK=$back LD_PRELOAD=${back:+$clock_back} in_ns a "$vpnctl" up --tunnel "$tunnel" "$file"
        : >"$scratch/up"
        exec ip netns exec "$(ns_name a)" ping -n -q -i 0.2 -w 20 10.77.0.2
    ) >/dev/null 2>&1 &
    calls_pid=$!
    "$@"
    calls_result=$?
    wait_for 5 test -e "$scratch/up"
    kill "$calls_pid" 2>/dev/null
    wait "$calls_pid" 2>/dev/null
    return "$calls_result"
}

# serve WORDS...: a diagnosis at the server, which has a file of its own.
serve()
{
    # shellcheck disable=SC2086
    in_ns b $deaf "$vpnctl" diagnose --json "$@" "$scratch/$server.conf"
}

# server_conf NAME: the server's file, with that peer.
server_conf()
{
    (umask 077 && cat >"$scratch/$server.conf") <<END
[Interface]
PrivateKey = $(cat "$scratch/b.key")
ListenPort = 51002
Address = 10.77.0.2/24
[Peer]
PublicKey = $(public "$1")
AllowedIPs = 10.77.0.1/32
END
}

for kind in vpn go; do
    [ $kind = vpn ] || tunnel=wireguard-go
    server_up $kind
    server_conf a

    ready
    check "$kind: nothing is broken" calls finds 0 - - - serve
    public=$(public x) ready
    check "$kind: the host has another public key for us" calls finds 1 control-plane handshake authentication serve
    check "$kind: and we say ours" contains "set PublicKey = $(public b), which is ours" cat "$scratch/finds.json"
    psk="PresharedKey = $(wg genpsk)" ready
    check "$kind: the host has another preshared key" calls finds 1 control-plane handshake either serve
    check "$kind: and we say so" contains "Set the same PresharedKey at both ends" cat "$scratch/finds.json"
    ready
    server_peer x
    server_conf x
    check "$kind: the host is no peer" calls finds 1 control-plane handshake authentication serve
    check "$kind: and we say who it is" contains "$(public a)" cat "$scratch/finds.json"
    server_conf a

    ready
    check "$kind: nothing arrives" on_router "meta l4proto udp drop" \
        calls finds 1 outer-path datagrams transport serve --timeout 2
    check "$kind: and we say so" contains "No datagram at all arrived at port 51002" cat "$scratch/finds.json"

    # And at the end that calls.
    psk="PresharedKey = $(wg genpsk)" fresh
    check "$kind: our preshared key is wrong" finds 1 control-plane handshake authentication ctl diagnose --json "$file"
    fresh
    check "$kind: we reach the server" finds 0 - - - ctl diagnose --json "$file"
    tunnel=$VPN_TUNNEL

    # A first handshake with the right clock, which the daemon does not go on with, then one from yesterday.
    ready
    ctl diagnose --all --json --timeout 1 "$file" >/dev/null 2>&1
    back=86400
    check "$kind: the host's clock went back" calls finds 1 control-plane clock authentication serve

    # Without the right to look at packets, the drops of a daemon that tells them say the same.
    [ "$kind" = vpn ] || break
    deaf="setpriv --bounding-set=-net_raw"
    ctl down "$file" >/dev/null 2>&1
    check "deaf: the host's clock went back" calls finds 1 control-plane clock authentication serve --timeout 2
    back=
    public=$(public x) ready
    check "deaf: the host has another public key for us" \
        calls finds 1 control-plane handshake authentication serve --timeout 2
    deaf=
    daemon_down b "$server_pid"
done
finish
