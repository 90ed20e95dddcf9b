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

# What stands below "libvpn:" is no business of wg.
plain()
{
    sed '/^  libvpn:$/d; /^    /d'
}

# Secrets are shown by wg only in some fields; in its text they are hidden.
same_text()
{
    for same_attempt in 1 2 3 4; do
        wg show "$1" >"$scratch/wg.out"
        "$VPNCTL" show "$1" | plain >"$scratch/vpnctl.out"
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

check "wireguard-go is asked for more, and then as wg asks" contains "invalid UAPI operation: get=libvpn" cat "$scratch/b.log"
lines_before=$(wc -l <"$scratch/b.log")
check "a field of wg" "$VPNCTL" show "$b" peers
check "is asked as wg asks" equal "$(wc -l <"$scratch/b.log")" "$lines_before"
check "wireguard-go has nothing of libvpn" not contains libvpn "$VPNCTL" show "$b"
check "nor in JSON" not contains libvpn "$VPNCTL" show "$b" --json
check "vpn-tunnel has" contains "    state: connected" "$VPNCTL" show "$a"
check "a field that wireguard-go does not have" equal "$("$VPNCTL" show "$b" state)" "$(public a)$(printf '\t(none)\t(none)')"

# Daemons that are scripted: each answers what stands in the file "answer"; "hang up" answers nothing, and "old" knows get=1 only.
python3 - "$(if_name x)" "$scratch/answer" <<'END' &
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
path = "/var/run/wireguard/" + sys.argv[1] + ".sock"
s.bind(path)
s.listen(8)
while True:
    c, _ = s.accept()
    request = c.recv(100)
    answer = open(sys.argv[2], "rb").read()
    if answer == b"end\n":
        break
    if answer.startswith(b"old "):
        answer = answer.split(b"\n", 1)[1] if request == b"get=1\n\n" else answer[4:].split(b"\n")[0] + b"\n\n"
    if request and not answer.startswith(b"hang up"):
        c.sendall(answer)
    c.close()
os.unlink(path)
END
wait_for 3 test -S "/var/run/wireguard/$(if_name x).sock"
x=$(if_name x)
zero=0000000000000000000000000000000000000000000000000000000000000000
key=$(echo $zero | sed 's/0$/7/')
peer_x=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAc=

# answer LINES: what is answered from now on.
answer()
{
    printf "$1errno=0\n\n" >"$scratch/answer"
}

refused_here()
{
    "$VPNCTL" show "$x" 2>"$scratch/refused"
    equal "$?" 2 && cat "$scratch/refused" && grep -q "$1" "$scratch/refused"
}

# strange WHAT LINES WHY: such an answer is refused.
strange()
{
    answer "$2"
    check "$1" refused_here "$3"
}

strange "a port that is none" 'listen_port=70000\n' "line 1"
strange "a key that is none" 'public_key=zz\n' "line 1"
strange "an endpoint that moves the cursor" "public_key=$key\nendpoint=\033[31m\n" "line 2: not an endpoint"
strange "a count that is none" 'libvpn_sessions=-1\n' "line 1: not a number"
strange "a count of more than 64 bits" 'libvpn_sessions=18446744073709551616\n' "not a number"
strange "a flag that is none" 'libvpn_under_load=2\n' "neither 0 nor 1"
strange "a word that moves the cursor" "public_key=$key\nlibvpn_state=\033[31m\n" "line 2: not text"
strange "a drop without a reason" 'libvpn_drop=5\n' "not a number and a word"
strange "a drop with two" 'libvpn_drop=5 a b\n' "not a number and a word"
strange "a move from nowhere" "public_key=$key\nlibvpn_roamed=5  192.0.2.1:1\n" "not a time and two endpoints"
strange "load without an end" 'libvpn_load=1 2\n' "not three numbers"
strange "a version twice" 'libvpn_version=1\nlibvpn_version=1\n' "line 2: said twice"
strange "nothing as a number" 'libvpn_sessions=\n' "line 1"
printf 'errno=1\n\n' >"$scratch/answer"
check "an error" refused_here "cannot ask"
echo "hang up" >"$scratch/answer"
check "no answer" refused_here "cannot ask"

answer 'endpoint=\033[31m\nlibvpn_later=\033[31m\nlibvpn_state=idle\n'
check "keys that are not known, or not there, are passed over" equal "$("$VPNCTL" show "$x")" "interface: $x"
answer "listen_port=7\npublic_key=$key\nlibvpn_later=x\nlibvpn_version=1\n"
check "nor with a peer" not contains libvpn "$VPNCTL" show "$x"

for old in errno=5 errno=-22; do
    printf 'old %s\nlisten_port=7\nerrno=0\n\n' "$old" >"$scratch/answer"
    check "a daemon that answers $old to get=libvpn" contains "listening port: 7" "$VPNCTL" show "$x"
done
printf 'old hang up\nlisten_port=8\nerrno=0\n\n' >"$scratch/answer"
check "a daemon that answers nonsense to get=libvpn" contains "listening port: 8" "$VPNCTL" show "$x"

now=$(date +%s)
answer "listen_port=7\nlibvpn_drop=12 replay\nlibvpn_version=9.9\nlibvpn_cipher=sodium\nlibvpn_under_load=1\nlibvpn_load=3 $((now - 7205)) 0\n\
libvpn_drop=1 later\nlibvpn_memory=2048\npublic_key=$key\nlibvpn_roamed=$((now - 60)) 192.0.2.1:1 192.0.2.2:2\n\
libvpn_roamed=$now 192.0.2.2:2 [2001:db8::1]:3\nlibvpn_state=connected\nlibvpn_session_age=3600\nlibvpn_received_age=0\n\
libvpn_mtu=1340\nlibvpn_path_mtu=1400\nlibvpn_path_mtu_state=searching\nlibvpn_drop=12 replay\n"
"$VPNCTL" show "$x" | sed 's/, [0-9]* seconds* ago$/ ago/' >"$scratch/text"
lines()
{
    for line in "$@"; do
        grep -qx -- "$line" "$scratch/text" || {
            echo "no line '$line' in:"
            cat "$scratch/text"
            return 1
        }
    done
}
check "text of the device" lines "  libvpn:" "    version: 9.9" "    cipher: sodium" "    memory: 2.00 KiB" "    under load: yes" \
    "    was under load: 3 times, last began 2 hours ago" \
    "    dropped: 12 replay, the counter was received before or is too old" "    dropped: 1 later"
check "text of a peer" lines "    state: connected" "    session began: 1 hour ago" "    last received: now" "    mtu: 1340" \
    "    path mtu: 1400" "    path mtu is: searching" "    roamed: 1 minute.* ago, 192.0.2.1:1 -> 192.0.2.2:2" \
    "    roamed: .*, 192.0.2.2:2 -> \[2001:db8::1\]:3"
coloured()
{
    (unset NO_COLOR && TERM=xterm python3 -c 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' \
        "$VPNCTL" show "$x")
}
check "what is wrong is red on a terminal" contains "$(printf '\033[1;31myes')" coloured
check "no colour" not grep -q "$(printf '\033')" "$scratch/text"

# field WORD TEXT: what a field prints, with + for tabs.
field()
{
    check "field $1" equal "$("$VPNCTL" show "$x" "$1" | tr '\t' +)" "$2"
}
none="(none)"
field version 9.9
field load "1+3 $((now - 7205)) 0"
field drops "12 replay+1 later
$peer_x+12 replay"
field state "$peer_x+connected+$none"
field path-mtu "$peer_x+1340+1400+searching"
field sessions "$none
$peer_x+$none+3600+$none+0"
field roaming "$peer_x+$none+$((now - 60)) 192.0.2.1:1 192.0.2.2:2+$now 192.0.2.2:2 [2001:db8::1]:3"
check "a field of all" equal "$("$VPNCTL" show all version | grep "^$x" | tr '\t' +)" "$x+9.9"
check "a field that is none" not "$VPNCTL" show "$x" under-load
"$VPNCTL" show "$x" --json >"$scratch/show.json"
check "JSON beyond wg" python3 -c '
import json, sys
show, = json.load(open(sys.argv[1]))
device, peer = show["libvpn"], show["peers"][0]["libvpn"]
assert device["under_load"] is True and device["memory"] == 2048 and device["load"]["count"] == 3 and device["load"]["ended"] == 0
assert device["drop"] == [{"reason": "replay", "count": 12}, {"reason": "later", "count": 1}]
assert peer["state"] == "connected" and peer["path_mtu"] == 1400 and peer["session_age"] == 3600
assert peer["roamed"][1] == {"time": int(sys.argv[2]), "from": "192.0.2.2:2", "to": "[2001:db8::1]:3"}' "$scratch/show.json" "$now"
echo end >"$scratch/answer"
"$VPNCTL" show "$x" >/dev/null 2>&1
wait_for 3 not test -S "/var/run/wireguard/$x.sock"
finish
