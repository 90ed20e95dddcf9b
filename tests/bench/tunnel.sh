#!/bin/sh
# SPDX-License-Identifier: ISC
# Speed from end to end; see tunnel.py. Installs what it compares with, as root.
set -u
cd "$(dirname "$0")/../.." || exit 1
case " $* " in *" --help "*) exec python3 -B tests/bench/tunnel.py --help ;; esac
[ "$(id -u)" = 0 ] || { echo "tunnel.sh: root is needed for network namespaces" >&2; exit 77; }
for package in iperf3 iproute2 iputils-ping wireguard-tools ethtool openvpn openssl; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 || echo "tunnel.sh: no $package" >&2
done
exec python3 -B tests/bench/tunnel.py "$@"
