# SPDX-License-Identifier: ISC
# What libvpn knows more, as it comes about: wrong keys, moves, replays of nobody, load. Behind all walls of vpn-tunnel.
. "$(dirname -- "$0")/lib.sh"

[ -x "$VPNCTL" ] || skip "$VPNCTL is not built"
start_test
tool interop_initiations
need python3 python3-minimal
pair
keys c
(umask 077 && wg genpsk >"$scratch/psk" && wg genkey >"$scratch/other.key")
a=$(if_name a)
b=$(if_name b)
tab=$(printf '\t')

# shows TEXT WORDS: vpnctl show WORDS says so, soon.
shows()
{
    shows_text=$1
    shift
    wait_for 8 contains "$shows_text" "$VPNCTL" show "$@" || contains "$shows_text" "$VPNCTL" show "$@"
}

check "connected" shows "state: connected" "$a"
check "as initiator" shows "session as: initiator" "$a"
check "as responder" shows "session as: responder" "$b"
check "a cipher" shows "cipher: " "$a"
check "offload" shows "udp-receive-ipv4" "$b"
check "packets" shows "packets received: 3" "$b"
check "no load" shows "under load: no" "$a"
check "nobody moved" equal "$("$VPNCTL" show "$a" roaming)" "$(public b)$tab(none)$tab(none)"
check "wg is shown as ever" contains "latest handshake" wg show "$a"

# A wrong preshared key: our handshakes have answers that do not decrypt.
wg set "$a" peer "$(public b)" remove
peer a b 2 preshared-key "$scratch/psk" endpoint 10.99.0.2:51002 persistent-keepalive 1
check "a wrong preshared key is told" shows "response" "$a" drops
check "and in words" shows "dropped: " "$a"
check "and that nobody answers" shows "initiations without an answer: " "$a"
check "and that there is no session" not contains "session began" "$VPNCTL" show "$a"
wg set "$a" peer "$(public b)" preshared-key /dev/null
check "the right one is told" shows "state: connected" "$a"

# A wrong public key of the other side: it sees that it is not meant.
wg set "$a" peer "$(public c)" endpoint 10.99.0.2:51002 persistent-keepalive 1
check "a wrong public key is told by the one who is not meant" shows "mac1" "$b" drops
wg set "$a" peer "$(public c)" remove

# A stranger.
wg set "$a" private-key "$scratch/other.key"
check "a stranger is told" shows "initiations by strangers: " "$b"
wg set "$a" private-key "$scratch/a.key"
check "the tunnel works again" wait_for 15 pings a 10.77.0.2 1

# Moves: another port, twice.
"$VPNCTL" show "$b" --json >"$scratch/before.json"
roams()
{
    "$VPNCTL" show "$b" roaming | cut -f 2
}
was=$(roams)
[ "$was" != "(none)" ] || was=0
moved=$(date +%s)
wg set "$a" listen-port 51101
check "data after a move" wait_for 5 pings a 10.77.0.2 1
check "the move is told" shows "10.99.0.1:51001 -> 10.99.0.1:51101" "$b"
wg set "$a" listen-port 51102
check "data after another move" wait_for 5 pings a 10.77.0.2 1
check "both are told, the older first" shows "10.99.0.1:51001 10.99.0.1:51101$tab" "$b" roaming
check "the newer behind it" shows "10.99.0.1:51101 10.99.0.1:51102" "$b" roaming
check "and counted" equal "$(roams)" "$((was + 2))"
"$VPNCTL" show "$b" --json >"$scratch/moved.json"
check "with the time of day" python3 -c '
import json, sys
move = json.load(open(sys.argv[1]))[0]["peers"][0]["libvpn"]["roamed"][-2]
assert int(sys.argv[2]) <= move["time"] <= int(sys.argv[2]) + 20, move' "$scratch/moved.json" "$moved"
wg set "$b" peer "$(public a)" remove
check "a peer that goes takes its history away" not contains roamed "$VPNCTL" show "$b"
pair_end b 2 a 1 2>/dev/null
check "and starts anew when it comes back" equal "$("$VPNCTL" show "$b" roaming | cut -f 2)" "(none)"

# Load: more initiations than a device wants without cookies.
in_ns a ip address add 10.99.0.9/24 dev out
ip netns exec "$(ns_name a)" "$tool_path" "$(public b)" 10.99.0.2 51002 10.99.0.9 3000 100 >"$scratch/flood" 2>&1 &
flood=$!
check "load is told" shows "under load: yes" "$b"
check "since when" shows "was under load: 1 time, last began " "$b"
check "cookies are told" shows "cookies sent: " "$b"
kill $flood
wait $flood
check "its end is told" wait_for 20 contains "under load: no" "$VPNCTL" show "$b"
check "as a field" contains "0${tab}1 " "$VPNCTL" show "$b" load
check "how long it was" shows ", for " "$b"
wg set "$b" listen-port 51005
check "offload on sockets that were opened behind the walls" shows "udp-receive-ipv4" "$b"
check "nothing was refused to the daemons" not grep -qi "not permitted" "$scratch/a.log" "$scratch/b.log"
finish
