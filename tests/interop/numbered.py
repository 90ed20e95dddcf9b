# SPDX-License-Identifier: ISC
"""Numbered datagrams, sent in runs that the kernel cuts, and what became of their order.

numbered.py send ADDRESS PORT SECONDS: 500 runs of 40 datagrams a second.
numbered.py receive PORT FILE: until the last one came or nothing came for 20 s; writes to the file how many came, and how many of
them after one with a greater number.
"""
import socket
import struct
import sys
import time

SIZE, RUN, RUNS = 1200, 40, 500
LAST = 2**63
UDP_SEGMENT = 103
SO_RCVBUFFORCE = 33


def send(address, port, seconds):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
    s.connect((address, port))
    filler = bytes(SIZE - 8)
    begin = time.monotonic()
    for turn in range(int(seconds * RUNS)):
        try:
            s.send(b"".join(struct.pack("!Q", turn * RUN + i) + filler for i in range(RUN)))
        except OSError:  # an interface that is being changed
            pass
        time.sleep(max(0, begin + (turn + 1) / RUNS - time.monotonic()))
    for _ in range(20):  # until one has come, and the port is closed
        try:
            s.send(struct.pack("!Q", LAST))
        except OSError:
            break
        time.sleep(0.1)


def receive(port, path):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
    s.settimeout(20)
    s.bind(("0.0.0.0", port))
    received, late, expected = 0, 0, 0
    while True:
        try:
            (number,) = struct.unpack("!Q", s.recv(2048)[:8])
        except TimeoutError:
            break
        if number == LAST:
            break
        received += 1
        late += number < expected
        expected = number + 1
    with open(path, "w") as out:
        print(received, late, file=out)


if sys.argv[1] == "send":
    send(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
else:
    receive(int(sys.argv[2]), sys.argv[3])
