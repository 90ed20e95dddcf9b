# SPDX-License-Identifier: ISC
"""Tries to reach addresses in every way, all the time, whether it is let or not.

usage: leak_traffic.py FILE USER ADDRESS...

As this user, a number, it sends to each address every 20 ms an echo request (as root), a datagram to the echo service, a
question for a name, a try to connect, and words over the connection that came about; to dns:ADDRESS only the question. FILE
holds the number of answers so far.
"""

import os
import socket
import struct
import sys
import time

PAUSE = 0.02
WORDS = b"words in the clear " * 4
QUESTION = struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + b"\x04leak\x04test\0" + struct.pack("!2H", 1, 1)
ECHO_PORT = 7007
ROUNDS_OF_A_CONNECTION = 20


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def echo_request(six):
    kind = 128 if six else 8
    head = struct.pack("!BBHHH", kind, 0, 0, os.getpid() & 0xFFFF, 1)
    return struct.pack("!BBHHH", kind, 0, 0 if six else checksum(head + WORDS), os.getpid() & 0xFFFF, 1) + WORDS


class Target:
    def __init__(self, address):
        self.only_asks = address.startswith("dns:")
        self.address = address = address.removeprefix("dns:")
        self.six = ":" in address
        self.family = socket.AF_INET6 if self.six else socket.AF_INET
        self.stream = None
        self.answers = 0
        self.datagrams = [self.open(socket.SOCK_DGRAM) for _ in range(2)]
        self.raw = None
        if os.geteuid() == 0:
            self.raw = self.open(socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if self.six else socket.IPPROTO_ICMP)

    def open(self, kind, protocol=0):
        opened = socket.socket(self.family, kind, protocol)
        opened.setblocking(False)
        return opened

    def connect(self):
        if self.stream:
            self.stream.close()
        self.stream = self.open(socket.SOCK_STREAM)
        self.stream.connect_ex((self.address, ECHO_PORT))

    def attempt(self, what, *words):
        try:
            return what(*words)
        except OSError:
            return None

    def send(self, number):
        self.attempt(self.datagrams[1].sendto, QUESTION, (self.address, 53))
        if not self.only_asks:
            self.send_others(number)

    def send_others(self, number):
        if number % ROUNDS_OF_A_CONNECTION == 0:
            self.connect()
        self.attempt(self.stream.send, WORDS)
        self.attempt(self.datagrams[0].sendto, WORDS, (self.address, ECHO_PORT))
        if self.raw:
            self.attempt(self.raw.sendto, echo_request(self.six), (self.address, 0))

    def receive(self):
        for source in (self.datagrams[0], self.stream):
            while source and self.attempt(source.recv, 65536):
                self.answers += 1


def main(path, user, addresses):
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    os.setresuid(user, user, user)
    targets = [Target(address) for address in addresses]
    number = 0
    while True:
        for target in targets:
            target.send(number)
        time.sleep(PAUSE)
        for target in targets:
            target.receive()
        os.pwrite(file, b"%010d\n" % sum(target.answers for target in targets), 0)
        number += 1


main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
