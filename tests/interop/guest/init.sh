#!/bin/sh
# SPDX-License-Identifier: ISC
# The guest's first process: loads modules, gives each network card a namespace, then runs what it is asked to.
#
# A request is a line of shell. The answer is its output, each line behind a `|`, then `=` and the status. It comes through a
# serial port, so whatever a test does to packets in here leaves it alone.
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t debugfs debugfs /sys/kernel/debug
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
exec </dev/console >/dev/console 2>&1

# What virtio_pci finds is complete before the modules for it are loaded, so cards get their numbers in order.
for module in virtio_pci virtio_console virtio_rng virtio_net; do
    modprobe $module || echo "no module $module"
done

ip link set lo up
# netns=NAME,NAME on the command line of the kernel
number=0
for name in $(sed -n 's/.*netns=\([^ ]*\).*/\1/p' /proc/cmdline | tr ',' ' '); do
    ip netns add "$name"
    ip link set "eth$number" netns "$name" name out
    ip netns exec "$name" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
    ip -n "$name" link set lo up
    ip -n "$name" address add 10.99.0.2/24 dev out
    ip -n "$name" address add fd99::2/64 dev out nodad
    ip -n "$name" link set out up
    number=$((number + 1))
done

until set -- /dev/vport*p1 && [ -c "$1" ]; do
    sleep 0.1
done
exec 3<>"$1"
echo "=0" >&3
while IFS= read -r line <&3; do
    timeout 60 /bin/sh -c "$line" </dev/null >/tmp/answer 2>&1 3>&-
    status=$?
    { sed 's/^/|/' /tmp/answer; echo "=$status"; } >&3
done
