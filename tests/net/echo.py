# SPDX-License-Identifier: ISC
"""An echo service for staged networks, and who asks it.

usage: echo.py serve PORT
       echo.py tcp ADDRESS PORT BYTES SECONDS    sends so much, spread over so many seconds, and compares
       echo.py udp ADDRESS PORT COUNT TEXT       sends so many datagrams and waits for each

The server begins each TCP stream, and each answer by UDP, with the address that it saw; the client prints it, by TCP
before it sends anything.
"""

import os
import socket
import sys
import threading
import time

PATIENCE = 15.0  # seconds without any progress
HEADER = 64  # what the address is padded to
CHUNK = 16384


def header(address):
    host = address[0]
    if host.startswith("::ffff:"):
        host = host[7:]
    return f"{host} {address[1]}".ljust(HEADER).encode()


def echo_stream(connection, address):
    with connection:
        connection.sendall(header(address))
        while data := connection.recv(65536):
            connection.sendall(data)


def listen(port):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        threading.Thread(target=echo_stream, args=server.accept(), daemon=True).start()


def serve(port):
    threading.Thread(target=listen, args=(port,), daemon=True).start()
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.bind(("::", port))
    while True:
        data, address = server.recvfrom(65536)
        try:
            server.sendto(header(address) + data, address)
        except OSError as error:  # an ICMP error about an earlier answer
            print(error, file=sys.stderr)


def exactly(connection, size):
    data = b""
    while len(data) < size:
        got = connection.recv(size - len(data))
        if not got:
            sys.exit(f"the stream ended after {len(data)} of {size} bytes")
        data += got
    return data


def tcp(address, port, size, seconds):
    with socket.create_connection((address, port), timeout=PATIENCE) as connection:
        print(exactly(connection, HEADER).decode().strip(), flush=True)
        begun = time.monotonic()
        for done in range(0, size, CHUNK):
            data = os.urandom(min(CHUNK, size - done))
            connection.sendall(data)
            if exactly(connection, len(data)) != data:
                sys.exit("other bytes came back")
            time.sleep(max(0.0, begun + seconds * done / size - time.monotonic()))


def udp(address, port, count, text):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE / 3)
        client.connect((address, port))
        for number in range(count):
            data = f"{text} {number}".encode()
            client.send(data)
            answer = client.recv(65536)
            if answer[HEADER:] != data:
                sys.exit("another datagram came back")
    print(answer[:HEADER].decode().strip())


def main(words):
    if words[:1] == ["serve"]:
        serve(int(words[1]))
    elif words[:1] == ["tcp"]:
        tcp(words[1], int(words[2]), int(words[3]), float(words[4]))
    elif words[:1] == ["udp"]:
        udp(words[1], int(words[2]), int(words[3]), words[4])
    else:
        sys.exit(__doc__)


try:
    main(sys.argv[1:])
except OSError as error:
    sys.exit(str(error))
