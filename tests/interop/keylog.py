# SPDX-License-Identifier: ISC
"""Reads a capture of WireGuard with tshark and a key log, and compares what was inside with a capture of the interface.

keylog.py OUTER.pcap INNER.pcap KEYS: prints what it counted; status 1 with the reason when anything does not hold."""
import collections
import re
import subprocess
import sys


def tshark(capture, *options):
    return subprocess.run(["tshark", "-n", "-r", capture, *options], check=True, capture_output=True, text=True).stdout


def dumps(text):
    """The named blocks of `tshark -x`, as (name, bytes)."""
    name, data = "Frame", bytearray()
    for line in text.splitlines():
        row = re.match(r"([0-9a-f]{4,})  ((?:[0-9a-f]{2} ?)+)", line)
        if row:
            if int(row[1], 16) == 0 and data:
                yield name, bytes(data)
                data = bytearray()
            data += bytes.fromhex(row[2])
            continue
        if data:
            yield name, bytes(data)
            data = bytearray()
        heading = re.match(r"(.+?) \(\d+ bytes\):", line)
        name = heading[1] if heading else "Frame"


def whole(packet):
    """A packet without the padding behind it; nothing for a keepalive."""
    if not packet:
        return None
    if packet[0] >> 4 == 4:
        return packet[:int.from_bytes(packet[2:4], "big")]
    return packet[:40 + int.from_bytes(packet[4:6], "big")]


def main():
    outer, inner, keys = sys.argv[1:]
    log = ["-o", f"wg.keylog_file:{keys}", "-o", "wg.dissect_packet:FALSE"]
    table = tshark(outer, *log, "-T", "fields", "-e", "wg.type", "-e", "wg.timestamp.value",
                   "-e", "wg.handshake_ok", "-d", "udp.port==51001,wg")
    kinds, verified = collections.Counter(), 0
    for row in table.splitlines():
        kind, stamp, ok = (row.split("\t") + ["", ""])[:3]
        kinds[kind] += 1
        # What an initiation has sealed is shown once it opens; of a response there is only the verdict.
        verified += kind == "1" and stamp != "" or kind == "2" and ok in ("True", "1")
    handshakes = kinds["1"] + kinds["2"]
    errors = tshark(outer, *log, "-d", "udp.port==51001,wg", "-Y", "wg.decryption_error").splitlines()
    text = tshark(outer, *log, "-d", "udp.port==51001,wg", "-Y", "wg.type == 4", "-x")
    decrypted = [whole(data) for name, data in dumps(text) if "ecrypt" in name]
    inside = collections.Counter(packet for packet in decrypted if packet)
    entered = collections.Counter(whole(data) for name, data in dumps(tshark(inner, "-x")))
    print(f"{kinds['1']} initiations, {kinds['2']} responses, {verified} verified, {kinds['4']} data messages, "
          f"{sum(inside.values())} packets decrypted, {sum(entered.values())} went through the interface, {len(errors)} errors")
    if not handshakes or verified != handshakes:
        sys.exit("a handshake does not verify")
    if errors:
        sys.exit("a data message does not decrypt")
    if len(decrypted) < sum(inside.values()) or sum(inside.values()) < 20:
        sys.exit("too little was decrypted to prove anything")
    if inside != entered:
        sys.exit(f"{sum((inside - entered).values())} packets came out that did not go in, "
                 f"{sum((entered - inside).values())} the other way")


main()
