# SPDX-License-Identifier: ISC
"""Too-big errors that nobody's router sent: forge_icmp.py FROM TO PORT PEER PEER_PORT MTU, from a namespace on the way.

FROM is who seems to say it, TO and PORT a socket of ours, PEER and PEER_PORT whom it speaks to. The quoted datagram has all of
these right, and a WireGuard message that was never sent.
"""
import ipaddress
import os
import socket
import struct
import sys


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def main(sender, to, port, peer, peer_port, mtu):
    to, peer, sender = (ipaddress.ip_address(a) for a in (to, peer, sender))
    message = struct.pack("<I", 4) + os.urandom(12) + bytes(1300)
    udp = struct.pack("!HHHH", int(port), int(peer_port), 8 + len(message), 0) + message
    if to.version == 4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0x4000, 60, 17, 0) + to.packed + peer.packed
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        error = struct.pack("!BBHHH", 3, 4, 0, 0, int(mtu)) + (header + udp)[:548]
        error = error[:2] + struct.pack("!H", checksum(error)) + error[4:]
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    else:
        header = struct.pack("!IHBB", 6 << 28, len(udp), 17, 60) + to.packed + peer.packed
        error = struct.pack("!BBHI", 2, 0, 0, int(mtu)) + (header + udp)[:1232]
        s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    s.bind((str(sender), 0))
    for _ in range(20):
        s.sendto(error, (str(to), 0))


main(*sys.argv[1:])
