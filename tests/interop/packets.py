# SPDX-License-Identifier: ISC
"""Reads a capture of packets that the library changed or made with tshark, and holds it against a table of what should be there.

packets.py CAPTURE TABLE: every checksum must be good and every field as the table says; status 1 with the first difference."""
import ipaddress
import subprocess
import sys

FIELDS = ("ip.version", "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status",
          "icmpv6.checksum.status", "tcp.options.mss_val", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport",
          "icmp.type", "icmp.code", "icmp.mtu", "icmpv6.type", "icmpv6.code", "icmpv6.mtu", "ip.src", "ip.dst",
          "ipv6.src", "ipv6.dst", "_ws.malformed")
CHECKS = ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum", "udplite.check_checksum")
GOOD = ("1", "Good")


def tshark(*arguments):
    return subprocess.run(["tshark", *arguments], check=True, capture_output=True, text=True).stdout


def guessed():
    """The protocols that tshark would otherwise guess in payloads, which are random here, and then call malformed."""
    rows = [line.split("\t") for line in tshark("-G", "heuristic-decodes").splitlines()]
    return sorted({name for table, name, *_ in rows if table in ("tcp", "udp")})


def read(capture):
    """A row of fields for each packet; of what stands twice, the first is of the packet itself and the last of a quote."""
    options = [word for name in CHECKS for word in ("-o", f"{name}:TRUE")]
    options += [word for name in FIELDS for word in ("-e", name)]
    options += [word for name in guessed() for word in ("--disable-protocol", name)]
    for line in tshark("-n", "-r", capture, "-T", "fields", "-E", "occurrence=a", *options).splitlines():
        yield dict(zip(FIELDS, line.split("\t")))


def seen(row, kind, version):
    """What tshark saw, in the form of the table."""
    if kind.startswith("map"):
        name = "ip" if version == "4" else "ipv6"
        pairs = zip(row[f"{name}.src"].split(","), row[f"{name}.dst"].split(","))
        return [ipaddress.ip_address(address).packed.hex() for pair in pairs for address in pair]
    if kind == "syn":
        return [row["tcp.options.mss_val"]]
    ports = [row["tcp.srcport"] or row["udp.srcport"], row["tcp.dstport"] or row["udp.dstport"]]
    if kind == "nat":
        return ports
    name = "icmp" if version == "4" else "icmpv6"
    mtu = row[f"{name}.mtu"]
    return [row[f"{name}.type"], row[f"{name}.code"], "" if mtu == "0" else mtu, *ports]


def sums(row, kind, version):
    """The checksums that must be good."""
    if version == "4":
        yield "ip.checksum.status"
    if kind in ("icmp", "maperror"):
        yield "icmp.checksum.status" if version == "4" else "icmpv6.checksum.status"
    else:
        yield "tcp.checksum.status" if row["tcp.srcport"] else "udp.checksum.status"


def main():
    capture, table = sys.argv[1:]
    rows = list(read(capture))
    with open(table, encoding="ascii") as file:
        wanted = [line.rstrip("\n").split("\t") for line in file]
    if len(rows) != len(wanted) or not rows:
        sys.exit(f"{len(rows)} packets, {len(wanted)} rows")
    checked = 0
    for number, (row, (kind, version, *want)) in enumerate(zip(rows, wanted), 1):
        have = seen(row, kind, version)
        if have != want:
            sys.exit(f"packet {number}, {kind} over IPv{version}: tshark sees {have}, it should be {want}")
        if row["_ws.malformed"]:
            sys.exit(f"packet {number}, {kind} over IPv{version} is malformed")
        for name in sums(row, kind, version):
            checked += 1
            if row[name].split(",")[0] not in GOOD:
                sys.exit(f"packet {number}, {kind} over IPv{version}: {name} is {row[name]!r}")
    print(f"{len(rows)} packets, {checked} checksums good")


main()
