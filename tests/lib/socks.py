# SPDX-License-Identifier: Apache-2.0
"""Peers of a SOCKS proxy, right and wrong ones.

  table WHERE PORT  one exchange after the other, with an echo server at PORT of
                    127.0.0.1; a line for each, "NAME: RESULT"
  loris WHERE N     N handshakes that begin and get a byte now and then; says
                    "held" when all are there, "closed N" when all were ended
"""
import random
import select
import socket
import struct
import sys
import time

LO = "127.0.0.1"
CLOSED = 1  # nobody listens at tcpmux


def dial(where):
    host, _, port = where.rpartition(":")
    s = socket.create_connection((host, int(port)), 30)
    s.settimeout(60)
    return s


def v5(host, port, command=1, kind=None):
    if isinstance(host, bytes):
        address = bytes([kind or 3, len(host)]) + host
    elif ":" in host:
        address = b"\4" + socket.inet_pton(socket.AF_INET6, host)
    else:
        address = bytes([kind or 1]) + socket.inet_aton(host)
    return bytes([5, command, 0]) + address + struct.pack(">H", port)


def v4(address, port, name=None, command=1, user=b"me"):
    text = bytes([4, command]) + struct.pack(">H", port)
    text += socket.inet_aton(address) + user + b"\0"
    return text if name is None else text + name + b"\0"


def read(s, n):
    data = b""
    while len(data) < n:
        try:
            more = s.recv(n - len(data))
        except ConnectionError:
            break
        if not more:
            break
        data += more
    return data


def ended(s):
    """Nothing more comes."""
    return read(s, 1) == b""


def answer(s, head):
    """The code in a reply, then what the connection is good for."""
    size, at = (10, 1) if head == 5 else (8, 1)
    data = read(s, size)
    if len(data) < size:
        return "ended after %d bytes" % len(data)
    code = data[at]
    if code == (0 if head == 5 else 90):
        s.sendall(b"text")
        s.shutdown(socket.SHUT_WR)
        return "granted " + read(s, 100).decode()
    return "%d%s" % (code, "" if ended(s) else " but open")


def speak5(s, request, step=None, early=b""):
    text = b"\5\1\0"
    if step is None and not early:
        s.sendall(text)
        if read(s, 2) != b"\5\0":
            return "no greeting"
        s.sendall(request)
        return answer(s, 5)
    text += request + early
    for i in range(0, len(text), step or len(text)):
        s.sendall(text[i:i + (step or len(text))])
    if read(s, 2) != b"\5\0":
        return "no greeting"
    if not early:
        return answer(s, 5)
    got = read(s, 10)
    s.shutdown(socket.SHUT_WR)
    return "%d %s" % (got[1], read(s, 100).decode())


def speak4(s, request):
    s.sendall(request)
    return answer(s, 4)


def raw(s, text):
    """How much is said to something that is no SOCKS request."""
    try:
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    data = read(s, 1000)
    return data.hex() or "nothing"


def table(where, port):
    noise = random.Random(4711)
    long_name = b"n" * 255
    cases = [
        ("v5 address", lambda s: speak5(s, v5(LO, port))),
        ("v5 name", lambda s: speak5(s, v5(b"localhost", port))),
        ("v5 in bytes", lambda s: speak5(s, v5(b"localhost", port), 1)),
        ("v5 in one", lambda s: speak5(s, v5(LO, port), None, b"early")),
        ("v5 refused", lambda s: speak5(s, v5(LO, CLOSED))),
        ("v5 bind", lambda s: speak5(s, v5(LO, port, 2))),
        ("v5 udp", lambda s: speak5(s, v5(LO, port, 3))),
        ("v5 no such", lambda s: speak5(s, v5(LO, port, 9))),
        ("v5 kind", lambda s: speak5(s, v5(LO, port, 1, 2))),
        ("v5 port 0", lambda s: speak5(s, v5(LO, 0))),
        ("v5 empty name", lambda s: speak5(s, v5(b"", port))),
        ("v5 nul in name", lambda s: speak5(s, v5(b"a\0b", port))),
        ("v5 password only", lambda s: raw(s, b"\5\1\2")),
        ("v5 long name", lambda s: speak5(s, v5(long_name, port)) in "1245"),
        ("v4 address", lambda s: speak4(s, v4(LO, port))),
        ("v4a name", lambda s: speak4(s, v4("0.0.0.9", port, b"localhost"))),
        ("v4 no user", lambda s: speak4(s, v4(LO, port, user=b""))),
        ("v4 refused", lambda s: speak4(s, v4(LO, CLOSED))),
        ("v4 bind", lambda s: speak4(s, v4(LO, port, command=2))),
        ("v4a long name", lambda s: speak4(
            s, v4("0.0.0.1", port, long_name))),
        ("v4a longer name", lambda s: speak4(
            s, v4("0.0.0.1", port, long_name + b"nn"))),
        ("http", lambda s: raw(s, b"GET http://a/ HTTP/1.0\r\n\r\n")),
        ("tls", lambda s: raw(s, b"\x16\3\1\0\x05\1\0\0\1\0")),
        ("half", lambda s: raw(s, b"\5\1\0\5\1\0\3\x09loc")),
        ("noise", lambda s: raw(s, noise.randbytes(60000))),
    ]
    for name, run in cases:
        s = dial(where)
        try:
            print("%s: %s" % (name, run(s)), flush=True)
        except OSError as e:
            print("%s: %s" % (name, e.__class__.__name__), flush=True)
        s.close()


def loris(where, n):
    starts = [b"", b"\5", b"\5\1\0\5\1\0\3\xff", b"\4\1\0\x50\1\1\1\1"]
    held = []
    for i in range(n):
        s = dial(where)
        s.sendall(starts[i % len(starts)])
        s.setblocking(False)
        held.append(s)
    print("held", flush=True)
    while held:
        time.sleep(0.2)
        left = []
        ready = select.poll()
        for s in held:
            ready.register(s, select.POLLIN)
        gone = {fd for fd, what in ready.poll(0)}
        for s in held:
            try:
                data = s.recv(100) if s.fileno() in gone else None
                # no version but 5 begins so, and the greeting goes on
                s.send(b"\5" if data is None else b"")
                if data != b"":
                    left.append(s)
            except OSError:
                pass
        held = left
    print("closed %d" % n, flush=True)


def main():
    what, where, number = sys.argv[1:]
    {"table": table, "loris": loris}[what](where, int(number))


main()
