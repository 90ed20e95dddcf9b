# SPDX-License-Identifier: ISC
"""A client of the configuration socket with bad manners.

raw PATH         sends standard input and prints what comes back until an empty line
half PATH S      sends half a request and waits at most S seconds to be let go; 0 when it was
slow PATH N S    sends N get requests without reading the answers, then waits S seconds to be let go; 0 when it was
crowd PATH N     opens N connections with half a request in each and keeps them for 3 s
idle PATH N S    opens N connections, says nothing, and keeps them for S seconds
deaf PATH N S    asks for everything on N connections, reads nothing, and keeps them for S seconds
drip PATH N S    writes half a request on N connections, a byte of each every half second, for S seconds
greedy PATH N S  asks for everything again and again on N connections and reads all of it, for S seconds
torn PATH        writes requests without their end and closes, in several ways
pieces PATH      sends a get request byte by byte and two requests at once; prints the answers
"""
import select
import socket
import sys
import time


def dial(path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(path)
    return client


def answer(client):
    client.settimeout(5)
    text = b""
    while not text.endswith(b"\n\n"):
        more = client.recv(65536)
        if not more:
            break
        text += more
    return text


def let_go(client, seconds):
    client.settimeout(seconds)
    try:
        while client.recv(65536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return 1
    return 0


def raw(path):
    client = dial(path)
    client.sendall(sys.stdin.buffer.read())
    sys.stdout.buffer.write(answer(client))
    return 0


def half(path, seconds):
    client = dial(path)
    client.sendall(b"set=1\nprivate_key=")
    return let_go(client, float(seconds))


def slow(path, count, seconds):
    client = dial(path)
    client.settimeout(1)
    try:
        for _ in range(int(count)):
            client.sendall(b"get=1\n\n")
    except (TimeoutError, ConnectionError):
        pass
    time.sleep(float(seconds))
    return let_go(client, 1)


def crowd(path, count):
    clients = []
    for _ in range(int(count)):
        client = dial(path)
        try:
            client.sendall(b"set=1\n")
        except ConnectionError:
            pass
        clients.append(client)
    time.sleep(3)
    return 0


def keep(path, count, seconds, text, drip):
    clients = [dial(path) for _ in range(int(count))]
    until = time.monotonic() + float(seconds)
    print("there", flush=True)
    while time.monotonic() < until:
        for client in clients:
            try:
                client.send(text[:1] if drip else text, socket.MSG_DONTWAIT)
            except OSError:
                pass
        text = text[1:] if drip else b""
        time.sleep(0.5)
    return 0


def idle(path, count, seconds):
    return keep(path, count, seconds, b"", False)


def deaf(path, count, seconds):
    return keep(path, count, seconds, b"get=1\n\n", False)


def drip(path, count, seconds):
    return keep(path, count, seconds, b"set=1\nreplace_peers=true\nprivate_key=" + b"0" * 64, True)


def greedy(path, count, seconds):
    clients = [dial(path) for _ in range(int(count))]
    until = time.monotonic() + float(seconds)
    print("there", flush=True)
    for client in clients:
        client.sendall(b"get=1\n\n" * 500)
    while time.monotonic() < until:
        for client in select.select(clients, [], [], 0.1)[0]:
            if not client.recv(1 << 20):
                clients.remove(client)
    return 0


def torn(path):
    for text in (b"set=1\nreplace_peers=true", b"set=1\nreplace_peers=true\n", b"set=1\nlisten_port=0\nprivate_key=" + b"0" * 64,
                 b"set=1\nfwmark=77\n", b"\nset=1\nreplace_peers=true\n", b"set=1\nreplace_peers=true\n\r\n"):
        for how in (None, socket.SHUT_WR, socket.SHUT_RDWR):
            client = dial(path)
            client.sendall(text)
            if how is not None:
                client.shutdown(how)
                client.settimeout(2)
                while client.recv(4096):
                    pass
            client.close()
    return 0


def pieces(path):
    client = dial(path)
    for byte in b"get=1\n\n":
        client.sendall(bytes([byte]))
        time.sleep(0.01)
    sys.stdout.buffer.write(answer(client))
    client.sendall(b"get=1\n\nget=1\n\n")
    both = answer(client)
    while both.count(b"errno=") < 2:
        both += answer(client)
    sys.stdout.buffer.write(both)
    client.sendall(b"get=1\n\n")
    client.shutdown(socket.SHUT_WR)
    sys.stdout.buffer.write(answer(client))
    return 0


sys.exit({"raw": raw, "half": half, "slow": slow, "crowd": crowd, "idle": idle, "deaf": deaf, "drip": drip,
          "greedy": greedy, "torn": torn, "pieces": pieces}[sys.argv[1]](*sys.argv[2:]))
