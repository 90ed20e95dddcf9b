# SPDX-License-Identifier: ISC
# shellcheck disable=SC2119
# vpnctl diagnose at the end that calls: keys that differ between file, daemon and peer, and a peer under load.
. "$(dirname -- "$0")/diagnose_lib.sh"
start_diagnose
tool interop_initiations
flood=$tool_path
server_up vpn

# Of several peers, the one that is asked for, else one without a session.
fresh
pings a 10.77.0.2 1 >/dev/null
printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.77.0.3/32\n' "$(public x)" >>"$file"
check "the peer without a session" finds 1 control-plane peer setting ctl diagnose --json "$file"
check "is named" contains "$(public x)" cat "$scratch/finds.json"
check "--peer" finds 0 - - - ctl diagnose --json --peer "$(public b)" "$file"
check "--target" finds 0 - - - ctl diagnose --json --target 10.77.0.2 "$file"

# A session whose daemon drops the ping that would prove it: not called broken, nor moved.
psk="Filter = allow out tcp to any port 80 stateful" fresh
in_ns a timeout 5 bash -c ': </dev/tcp/10.77.0.2/80' 2>/dev/null
before=$(wg show "$server" endpoints)
check "there is a session, and its daemon drops pings" finds 0 - - - ctl diagnose --json --timeout 6 "$file"
check "and the server has not seen us elsewhere" [ "$before" = "$(wg show "$server" endpoints)" ]

# A peer whose addresses have other names here.
psk="Netmap = theirs 10.66.0.0/16 as 10.88.0.0/16" fresh
check "renamed addresses are targets" contains "10.66.0.1 answers through the tunnel" \
    ctl diagnose --json --target 10.66.0.1 "$file"
check "and nothing is broken without one" finds 0 - - - ctl diagnose --json "$file"

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
kill "$flood_pid"
check "there is no daemon" finds 1 control-plane daemon setting ctl diagnose --json "$file"
check "with --all, the interface is missing too" contains "There is no interface" \
    ctl diagnose --all --timeout 1 "$file"
finish
