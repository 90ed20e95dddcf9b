# SPDX-License-Identifier: ISC
# Another reader looks at what the library made of inner packets: tshark must find every checksum good and every field as meant, in
# SYNs that were clamped, packets that were translated, and ICMP errors.
. "$(dirname -- "$0")/lib.sh"

packets=$build/tests/interop_packets
case $packets in /*) ;; *) packets=$PWD/$packets ;; esac
[ -x "$packets" ] || skip "$packets is not built"
need tshark tshark
need python3 python3-minimal
scratch=$(mktemp -d)
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# judge SEED
judge()
{
    "$packets" "$scratch/made.pcap" 400 "$1" >"$scratch/table" || return 1
    python3 -B "$here/packets.py" "$scratch/made.pcap" "$scratch/table"
}

seed=$(date +%s)
check "tshark agrees" judge 1
sed 's/^/    /' "$scratch/check.out" | head -n 1
check "tshark agrees, seed $seed" judge "$seed"
# The judge must be able to say no: one bit of the last packet.
"$packets" "$scratch/made.pcap" 400 1 >"$scratch/table"
python3 -B - "$scratch/made.pcap" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-1] ^= 1
open(sys.argv[1], "wb").write(data)
END
check "tshark sees one bit that is wrong" not python3 -B "$here/packets.py" "$scratch/made.pcap" "$scratch/table"
finish
