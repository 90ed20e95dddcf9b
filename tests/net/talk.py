# SPDX-License-Identifier: ISC
"""Says something to a port and tells what came of it: 0 it was echoed, 1 refused, 2 no answer, 3 something else.

talk.py serve PORT...: echoes TCP and UDP, over both families, until it is ended.
talk.py tcp|udp ADDRESS PORT [BYTES]: once.
talk.py tick PORT: to whoever connects, a line each 50 ms; talk.py hear ADDRESS PORT FILE: connects, says nothing, and appends what
it hears to the file.
talk.py set SOCKET LINE...: a set request of the UAPI; talk.py get SOCKET: get=libvpn. 0, or 1 for an errno; prints the answer.
"""
import os
import select
import socket
import sys
import time

PATIENCE = float(os.environ.get("PATIENCE", "2"))


def serve(ports):
    listening, packets, streams = [], [], []
    for port in map(int, ports):
        for kind, where in ((socket.SOCK_STREAM, listening), (socket.SOCK_DGRAM, packets)):
            s = socket.socket(socket.AF_INET6, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.bind(("::", port))
            where.append(s)
    for s in listening:
        s.listen(64)
    while True:
        for s in select.select(listening + packets + streams, [], [])[0]:
            if s in listening:
                streams.append(s.accept()[0])
            elif s in packets:
                data, whence = s.recvfrom(65536)
                s.sendto(data, whence)
            else:
                try:
                    data = s.recv(65536)
                    s.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    streams.remove(s)
                    s.close()


def connect(kind, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, kind)
    s.settimeout(PATIENCE)
    s.connect((address, int(port)))
    return s


def echoed(s, data):
    s.sendall(data)
    back = b""
    while len(back) < len(data):
        more = s.recv(65536)
        if not more:
            return False
        back += more
    return back == data


def talk(kind, address, port, count=8):
    block = os.urandom(32768)
    try:
        s = connect(kind, address, port)
        for at in range(0, int(count), len(block)):
            if not echoed(s, block[:min(len(block), int(count) - at)]):
                return 3
    except ConnectionRefusedError:
        return 1
    except (socket.timeout, TimeoutError):
        return 2
    except OSError as error:
        print(error)
        return 3
    return 0


def tick(port):
    listening = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
    s = listening.accept()[0]
    while True:
        s.sendall(b"tick\n")
        time.sleep(0.05)


def hear(address, port, file):
    s = connect(socket.SOCK_STREAM, address, port)
    s.settimeout(30)
    with open(file, "ab", buffering=0) as out:
        while heard := s.recv(65536):
            out.write(heard)
    return 3


def uapi(path, request):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(10)
    s.connect(path)
    s.sendall((request + "\n\n").encode())
    answer = b""
    while not answer.endswith(b"\n\n"):
        more = s.recv(65536)
        if not more:
            return 1
        answer += more
    print(answer.decode(), end="")
    return 0 if b"errno=0\n" in answer else 1


def main(words):
    what, rest = words[0], words[1:]
    if what == "serve":
        return serve(rest)
    if what == "tick":
        return tick(*rest)
    if what == "hear":
        return hear(*rest)
    if what == "set":
        return uapi(rest[0], "\n".join(["set=1"] + rest[1:]))
    if what == "get":
        return uapi(rest[0], "get=libvpn")
    return talk(socket.SOCK_STREAM if what == "tcp" else socket.SOCK_DGRAM, *rest)


sys.exit(main(sys.argv[1:]))
