# SPDX-License-Identifier: ISC
# shellcheck disable=SC2119
# vpnctl diagnose at the end that calls: what holds datagrams back on the way to the peer, and at this host.
. "$(dirname -- "$0")/diagnose_lib.sh"
start_diagnose
server_up vpn

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
check "and so it says" contains "A packet filter on the way" cat "$scratch/finds.json"
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

endpoint=nowhere.invalid:51002 ready
ctl up --no-lookup --tunnel "$VPN_TUNNEL" "$file" 2>/dev/null
check "the name of the endpoint has no address" finds 1 outer-path endpoint setting \
    ctl diagnose --json --no-lookup --timeout 1 "$file"

# IPv6, inside and outside.
endpoint="[fd99:2::1]:51002" fresh
check "IPv6" finds 0 - - - ctl diagnose --json --target fd77::2 "$file"
in_ns r nft add rule inet t forward meta l4proto udp drop
endpoint="[fd99:2::1]:51002" psk="PresharedKey = $(wg genpsk)" fresh
check "IPv6: UDP is blocked" finds 1 outer-path datagrams either ctl diagnose --json --timeout 1 "$file"
in_ns r nft flush chain inet t forward
check "IPv6: the preshared key is wrong" finds 1 control-plane handshake authentication ctl diagnose --json "$file"
endpoint="[fd99:2::1]:51003" fresh
check "IPv6: nobody listens" finds 1 outer-path datagrams transport ctl diagnose --json "$file"
finish
