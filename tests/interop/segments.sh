# SPDX-License-Identifier: ISC
# Super-packets: what the library cuts them into beside what the kernel does, and what it joins handed to the kernel's sockets.
. "$(dirname -- "$0")/lib.sh"

segments=$build/tests/interop_segments
case $segments in /*) ;; *) segments=$PWD/$segments ;; esac
start_test
[ -x "$segments" ] || skip "$segments is not built"
ns_new a
in_ns a sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 \
    net.ipv4.conf.default.rp_filter=0
for name in from to; do
    in_ns a ip tuntap add dev "$name" mode tun || skip "no TUN device"
    in_ns a ip link set "$name" mtu 65535 txqueuelen 2000 addrgenmode none up
done
in_ns a ip address add 10.78.0.1/24 dev from
in_ns a ip address add fd78::1/64 dev from nodad
in_ns a ip route add 10.78.1.0/24 dev to
in_ns a ip route add fd78:1::/64 dev to

seed=$(date +%s)
check "the kernel cuts as the library does" in_ns a "$segments" cut from to 4000 1
check "the kernel cuts as the library does, seed $seed" in_ns a "$segments" cut from to 4000 "$seed"
check "the kernel's sockets get what was joined" in_ns a "$segments" join from 400 1
check "the kernel's sockets get what was joined, seed $seed" in_ns a "$segments" join from 400 "$seed"
finish
