# SPDX-License-Identifier: ISC
# vpnctl show beside wg(8), on vpn-tunnel and wireguard-go that speak to each other.
. "$(dirname -- "$0")/lib.sh"

[ -x "$VPNCTL" ] || skip "$VPNCTL is not built"
start_test
need wireguard-go wireguard-go
need python3 python3-minimal
ns_new a
ns_new b
cable a b
keys a b c d
(umask 077 && wg genpsk >"$scratch/psk")
daemon_up a vpn
daemon_up b go
a=$(if_name a)
b=$(if_name b)

# same INTERFACE [WORDS]: what wg prints; seconds go by, so it may take a few attempts.
same_once()
{
    wg show "$@" >"$scratch/wg.out"
    "$VPNCTL" show --keys "$@" >"$scratch/vpnctl.out" || return 1
    diff "$scratch/wg.out" "$scratch/vpnctl.out"
}

same()
{
    for same_attempt in 1 2 3 4; do
        same_once "$@" >"$scratch/same" && return 0
    done
    cat "$scratch/same"
    return 1
}

# Secrets are shown by wg only in some fields; in its text they are hidden.
same_text()
{
    for same_attempt in 1 2 3 4; do
        wg show "$1" >"$scratch/wg.out"
        "$VPNCTL" show "$1" >"$scratch/vpnctl.out"
        diff "$scratch/wg.out" "$scratch/vpnctl.out" >"$scratch/same" && return 0
    done
    cat "$scratch/same"
    return 1
}

fields="public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips latest-handshakes transfer
        persistent-keepalive dump"
each_field()
{
    for interface in $a $b; do
        check "$1: $interface" same_text "$interface"
        for field in $fields; do
            check "$1: $interface $field" same "$interface" "$field"
        done
    done
}

each_field "fresh"
addresses a 1
addresses b 2
peer a b 2 preshared-key "$scratch/psk" endpoint 10.99.0.2:51002
peer b a 1 preshared-key "$scratch/psk" persistent-keepalive 3661
wg set "$b" listen-port 51002
wg set "$a" fwmark 0xca6c peer "$(public c)" endpoint '[2001:db8::1]:7' persistent-keepalive 1
wg set "$a" peer "$(public d)" allowed-ips 10.0.0.0/8,2001:db8::/32,192.0.2.1/32
each_field "with peers"
check "data" pings a 10.77.0.2
each_field "after data"
check "more data" pings a 10.77.0.2 20 1200
sleep 1.1
each_field "a second later"

check "no secret" sh -c "! '$VPNCTL' show $a | grep -qF -e '$(cat "$scratch/a.key")' -e '$(cat "$scratch/psk")'"
check "no secret in the dump" sh -c "! '$VPNCTL' show $a dump | grep -qF -e '$(cat "$scratch/a.key")' -e '$(cat "$scratch/psk")'"
check "but that there is one" contains "(hidden)" "$VPNCTL" show "$a" dump
check "all of them" contains "interface: $b" "$VPNCTL" show
check "all of them, by name" contains "$b$(printf '\t')$(public b)" "$VPNCTL" show all public-key
check "the names" contains "$a" "$VPNCTL" show interfaces
"$VPNCTL" show "$a" --json >"$scratch/show.json"
check "JSON" python3 -c '
import json, sys
show, = json.load(open(sys.argv[1]))
peer = [p for p in show["peers"] if p["public_key"] == sys.argv[2]][0]
assert show["fwmark"] == 0xca6c and len(show["peers"]) == 3
assert peer["has_preshared_key"] and peer["received"] > 20 * 1200 and peer["latest_handshake"] > 0
assert peer["allowed_ips"] == ["10.77.0.2/32", "fd77::2/128"]' "$scratch/show.json" "$(public b)"
check "no secret in JSON" sh -c "! grep -qF -e '$(cat "$scratch/a.key")' -e '$(cat "$scratch/psk")' '$scratch/show.json'"
check "the names as JSON" sh -c "'$VPNCTL' show interfaces --json | python3 -m json.tool"

# A daemon that answers nonsense.
python3 - "$(if_name x)" <<'END' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
path = "/var/run/wireguard/" + sys.argv[1] + ".sock"
s.bind(path)
s.listen(8)
for answer in (b"listen_port=70000\nerrno=0\n\n", b"errno=1\n\n", b"public_key=zz\nerrno=0\n\n", b"endpoint=\x1b[31m\nerrno=0\n\n",
               b"public_key=" + b"0" * 64 + b"\nendpoint=\x1b[31m\nerrno=0\n\n", b""):
    c, _ = s.accept()
    c.recv(100)
    c.sendall(answer)
    c.close()
os.unlink(path)
END
wait_for 3 test -S "/var/run/wireguard/$(if_name x).sock"
refused_here()
{
    "$VPNCTL" show "$(if_name x)" 2>"$scratch/refused"
    equal "$?" 2 && grep -q "$1" "$scratch/refused"
}
check "a port that is none" refused_here "line 1"
check "an error" refused_here "cannot ask"
check "a key that is none" refused_here "line 1"
check "a key that is not known is passed over" "$VPNCTL" show "$(if_name x)"
check "an endpoint that moves the cursor" refused_here "not an endpoint"
check "no answer" refused_here "cannot ask"
finish
