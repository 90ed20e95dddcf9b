# SPDX-License-Identifier: ISC
# vpnctl diagnose at the end that calls: keys and the way to the peer, and what tells authentication from transport.
. "$(dirname -- "$0")/diagnose_lib.sh"
start_diagnose
tool interop_initiations
flood=$tool_path
server_up vpn

# The control plane.
public=$(public x) fresh
check "the peer's public key is wrong" finds 1 control-plane handshake authentication ctl diagnose --json --timeout 1 "$file"
psk="PresharedKey = $(wg genpsk)" fresh
check "the preshared key is wrong" finds 1 control-plane handshake authentication ctl diagnose --json "$file"
check "and so it says" contains "PresharedKey" cat "$scratch/finds.json"
fresh
conf "ListenPort = 0"
sed -i "s,^PrivateKey.*,PrivateKey = $(cat "$scratch/x.key")," "$file"
check "the daemon has another private key" finds 1 control-plane identity setting ctl diagnose --json "$file"
public=$(public x) conf
check "the daemon does not know the peer" finds 1 control-plane peer setting ctl diagnose --json "$file"
psk="PresharedKey = $(wg genpsk)" conf
check "the daemon has another preshared key" finds 1 control-plane peer setting ctl diagnose --json "$file"
conf
ctl down "$file"
wait_for 3 not in_ns a ip link show "$interface"
ip netns exec "$(ns_name r)" "$flood" "$(public b)" 10.99.2.1 51002 10.99.2.254 200 50 >"$scratch/flood.out" 2>&1 &
flood_pid=$!
check "the peer is under load" wait_for 5 contains '"under_load": true' in_ns b "$vpnctl" show --json "$server"
check "which answers the handshake with its cookie" contains "the peer answered a handshake from another port" \
    ctl diagnose --all --json --timeout 2 "$file"
kill $flood_pid
check "there is no daemon" finds 1 control-plane daemon setting ctl diagnose --json "$file"
check "with --all, the interface is missing too" contains "There is no interface" \
    ctl diagnose --all --timeout 1 "$file"

# The outer path.
fresh
in_ns a ip route add 10.99.2.1/32 dev "$interface"
check "the endpoint is routed into the tunnel" finds 1 outer-path way setting ctl diagnose --json --timeout 1 "$file"
fresh
in_ns a ip route del default
check "there is no route" finds 1 outer-path way transport ctl diagnose --json --timeout 1 "$file"
in_ns a ip route add default via 10.99.1.254
fresh
check "UDP is blocked on the way" on_router "meta l4proto udp drop" \
    finds 1 outer-path datagrams either ctl diagnose --json --timeout 1 "$file"
check "everything is blocked on the way" on_router "drop" \
    finds 1 outer-path datagrams transport ctl diagnose --json --timeout 1 "$file"
check "UDP is rejected on the way" on_router "meta l4proto udp reject" \
    finds 1 outer-path datagrams transport ctl diagnose --json --timeout 1 "$file"
check "the port of the daemon is blocked on the way" on_router "udp sport $(wg show "$interface" listen-port) drop" \
    finds 1 outer-path datagrams transport ctl diagnose --json "$file"
fresh
check "the host's own filter drops what goes out" on_host output "udp dport 51002 drop;" \
    finds 1 outer-path datagrams transport ctl diagnose --json --timeout 1 "$file"
check "the host's own filter drops what comes in" on_host input "udp sport 51002 drop;" \
    finds 1 outer-path datagrams transport ctl diagnose --json --timeout 1 "$file"
endpoint=10.99.2.1:51003 fresh
check "nobody listens" finds 1 outer-path datagrams transport ctl diagnose --json "$file"
check "and so it says" contains "Nobody listens at 10.99.2.1:51003" cat "$scratch/finds.json"
endpoint=10.99.2.7:51002 fresh
check "there is no such host" finds 1 outer-path datagrams transport ctl diagnose --json "$file"
check "without a handshake of its own nothing is known" contains '"There is no session, and no handshake was tried."' \
    ctl diagnose --passive --json --timeout 1 "$file"

finish
