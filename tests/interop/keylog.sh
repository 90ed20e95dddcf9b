# SPDX-License-Identifier: ISC
# Another reader decrypts what two implementations said to each other: tshark, given the key log and a capture. Every
# handshake must verify, no data message may fail, and what was inside must be what went through the interface, byte by byte.
. "$(dirname -- "$0")/lib.sh"

start_test
# shellcheck disable=SC2154
log=$scratch/refused.txt
ns_new a
ip netns exec "$(ns_name a)" "$VPN_TUNNEL" -f --keylog "$scratch/none" "$(if_name a)" 2>"$log" &
first_pid=$!
wait_for 5 grep -q . "$log"
if grep -q 'reveals no keys' "$log"; then
    wait "$first_pid"
    check "a build without the key log ends with status 1" [ "$?" = 1 ]
    check "and writes no file" [ ! -e "$scratch/none" ]
    finish
fi
check "a build with the key log warns" grep -q 'whoever reads it' "$log"
daemon_down a "$first_pid"
check "a file that cannot be written is refused" not in_ns a "$VPN_TUNNEL" -f --keylog "$scratch" "$(if_name a)"
need tshark tshark
need tcpdump tcpdump
need python3 python3-minimal
need wireguard-go wireguard-go

# capture NS INTERFACE FILE FILTER...
capture()
{
    capture_file=$3
    ip netns exec "$(ns_name "$1")" tcpdump -i "$2" -U -s 0 -w "$capture_file" "$4" 2>"$capture_file.log" &
    captures="$captures $!"
    wait_for 5 grep -q 'listening on' "$capture_file.log"
}

# The key log goes with the run of vpn-tunnel in namespace a.
daemon_with_keys()
{
    LOG_LEVEL=verbose ip netns exec "$(ns_name a)" "$VPN_TUNNEL" -f --keylog "$scratch/keys" "$(if_name a)" >>"$scratch/a.log" 2>&1 &
    daemon_pid=$!
    wait_for 5 wg show "$(if_name a)"
}

# round KIND FIRST PSK FAMILY: `FIRST` begins the handshake with the daemon KIND in namespace b.
round()
{
    what="$1, $2 begins, preshared key: $3, IPv$4"
    rm -f "$scratch/keys" "$scratch"/*.pcap
    captures=
    daemon_with_keys
    a_pid=$daemon_pid
    daemon_up b "$1"
    b_pid=$daemon_pid
    addresses a 1
    addresses b 2
    [ "$4" = 4 ] && outer_a=10.99.0.1 outer_b=10.99.0.2 || outer_a='[fd99::1]' outer_b='[fd99::2]'
    wg set "$(if_name a)" listen-port 51001
    wg set "$(if_name b)" listen-port 51002
    peer a b 2 endpoint "$outer_b:51002"
    peer b a 1 endpoint "$outer_a:51001"
    if [ "$3" = yes ]; then
        (umask 077 && wg genpsk >"$scratch/psk.key")
        wg set "$(if_name a)" peer "$(public b)" preshared-key "$scratch/psk.key"
        wg set "$(if_name b)" peer "$(public a)" preshared-key "$scratch/psk.key"
    fi
    capture a out "$scratch/outer.pcap" 'udp port 51001'
    capture a "$(if_name a)" "$scratch/inner.pcap" 'ip or ip6'
    [ "$2" = a ] && other=10.77.0.2 || other=10.77.0.1
    check "$what: ping" pings "$2" "$other" 5
    check "$what: ping, larger" pings "$2" "$other" 5 1300
    check "$what: ping over IPv6" pings a fd77::2 5 333
    sleep 1
    for pid in $captures; do
        kill -INT "$pid"
        wait "$pid"
    done
    daemon_down a "$a_pid"
    daemon_down b "$b_pid"
    check "$what: the key log is for its owner alone" equal "$(stat -c %a "$scratch/keys")" 600
    check "$what: tshark agrees" python3 -B "$here/keylog.py" "$scratch/outer.pcap" "$scratch/inner.pcap" "$scratch/keys"
    sed 's/^/    /' "$scratch/check.out" | head -n 1
}

ns_new b
cable a b
keys a b
round vpn a no 4
round go a yes 4
round go b no 6
round go b yes 4
finish
