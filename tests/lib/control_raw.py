# SPDX-License-Identifier: Apache-2.0
"""control_raw.py - a control-server met without a client's manners, from
127.0.0.2.

    raw HOST:PORT            send standard input, print the statuses that come
    slow HOST:PORT WHAT      begin a request, then wait: prints what comes
    hold HOST:PORT N         open N connections, print how many stay open
    flood HOST:PORT SEED N   N connections of random and mutated bytes
    cut HOST:PORT N          N connections that end within a request
"""

import random
import re
import socket
import struct
import sys
import time

LONG = 60


def connect(where):
    host, port = where.rsplit(":", 1)
    # of an address of its own: what it does is counted against that
    s = socket.create_connection((host, int(port)), LONG, ("127.0.0.2", 0))
    s.settimeout(LONG)
    return s


def read_all(s):
    data = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
    except ConnectionError:
        pass
    return data


def statuses(data):
    found = re.findall(rb"HTTP/1\.1 (\d\d\d) ", data)
    return " ".join(x.decode() for x in found)


def raw(where):
    s = connect(where)
    s.sendall(sys.stdin.buffer.read())
    print(statuses(read_all(s)))


def slow(where, what):
    s = connect(where)
    begin = {
        "nothing": b"",
        "line": b"GET /heal",
        "headers": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: ",
        "body": b"POST /api/v2/auth/refresh HTTP/1.1\r\nHost: a\r\n"
        b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    }[what]
    s.sendall(begin)
    # a byte now and then does not buy time
    s.settimeout(0.2)
    data, end = b"", time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
        except socket.timeout:
            if what in ("headers", "body"):
                try:
                    s.sendall(b"x")
                except OSError:
                    break
        except ConnectionError:
            break
    else:
        print("still open")
        return
    print("closed " + statuses(data))


def hold(where, n):
    held, alive = [], 0
    for _ in range(int(n)):
        s = connect(where)
        held.append(s)
        # each is asked: those over the limit are closed
        try:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            alive += s.recv(12).startswith(b"HTTP/1.1 200")
        except OSError:
            pass
    print(alive)


GOOD = [
    b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /api/v2/auth/refresh HTTP/1.1\r\nHost: a\r\nContent-Type: "
    b'application/json\r\nContent-Length: 21\r\n\r\n{"refresh_token":"x"}',
    b"GET /device?user_code=BCDF-GHJK HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
]


def flood(where, seed, n):
    r = random.Random(int(seed))
    for _ in range(int(n)):
        data = bytearray(r.choice(GOOD) * r.randint(1, 3))
        for _ in range(r.randint(0, 8)):
            i = r.randrange(len(data))
            data[i : i + r.randint(0, 3)] = r.randbytes(r.randint(0, 3))
        s = connect(where)
        try:
            s.sendall(bytes(data) or b"\n")
            s.shutdown(socket.SHUT_WR)
            read_all(s)
        except OSError:
            pass
        s.close()


def cut(where, n):
    r = random.Random(7)
    for _ in range(int(n)):
        s = connect(where)
        s.sendall(GOOD[1][: r.randrange(len(GOOD[1]))])
        if r.random() < 0.5:
            # reset instead of an orderly end
            s.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
        s.close()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
