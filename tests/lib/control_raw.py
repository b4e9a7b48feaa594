# SPDX-License-Identifier: Apache-2.0
"""control_raw.py - a control-server met without a client's manners, from
127.0.0.2.

    raw HOST:PORT            send standard input, print the statuses that come
    slow HOST:PORT WHAT      begin a request, then wait: prints what comes
    hold HOST:PORT N [FROM]  open N connections, print how many stay open
    flood HOST:PORT SEED N   N connections of random and mutated bytes
    cut HOST:PORT N          N connections that end within a request
    differ HOST:PORT SEED N  compare with the grammar of RFC 9112, N times
    guess HOST:PORT FROM N EMAIL [FORWARDED]
                             up to N wrong passwords, until one comes too
                             often: the last status; %d is a number
    press HOST:PORT FROM N EMAIL
                             N wrong passwords, whatever comes
    sit HOST:PORT N          open N connections and say nothing, until killed
    halves HOST:PORT N       the same after half a request
    blanks HOST:PORT         empty lines after a request, until it is closed
    dribble HOST:PORT N      N connections that send and send, until closed
    large HOST:PORT TOKEN    bodies of 20 MB that are told of, until one is
                             refused: its status, and again when they are gone
    many HOST:PORT N         N passwords at a time, says when they have begun
"""

import random
import re
import socket
import struct
import sys
import threading
import time

LONG = 60


def connect(where, source="127.0.0.2"):
    host, port = where.rsplit(":", 1)
    # of an address of its own: what it does is counted against that
    s = socket.create_connection((host, int(port)), LONG, (source, 0))
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


def hold(where, n, source="127.0.0.2"):
    held, alive = [], 0
    for _ in range(int(n)):
        s = connect(where, source)
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


def wrong(where, source, email, forwarded=None):
    body = '{"email":"%s","password":"wrong"}' % email
    s = connect(where, source)
    s.sendall(
        (
            "POST /api/v2/auth/login/password HTTP/1.1\r\nHost: a\r\n"
            "Content-Type: application/json\r\nConnection: close\r\n"
            + ("X-Forwarded-For: %s\r\n" % forwarded if forwarded else "")
            + "Content-Length: %d\r\n\r\n%s" % (len(body), body)
        ).encode()
    )
    got = statuses(read_all(s))
    s.close()
    return got


def guess(where, source, n, email, forwarded=None):
    for i in range(int(n)):
        who = email % i if "%" in email else email
        got = wrong(where, source, who, forwarded)
        if got == "429":
            break
    print(got)


def press(where, source, n, email):
    for _ in range(int(n)):
        wrong(where, source, email)


def sit(where, n, begin=b""):
    held = []
    for _ in range(int(n)):
        s = connect(where)
        s.sendall(begin)
        held.append(s)
    print("sitting", flush=True)
    while held:
        time.sleep(LONG)


def halves(where, n):
    sit(where, n, GOOD[0][:9])


def blanks(where):
    s = connect(where)
    s.sendall(GOOD[0])
    s.settimeout(0.1)
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            s.sendall(b"\r\n")
            if not s.recv(65536):
                break
        except socket.timeout:
            pass
        except OSError:
            break
    else:
        print("still open")
        return
    print("closed")


def dribble(where, n):
    """A byte is always on its way, so that reading never pauses."""
    held = [connect(where) for _ in range(int(n))]
    for s in held:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ")
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    left, end = held, time.monotonic() + LONG
    while left and time.monotonic() < end:
        still = []
        for s in left:
            try:
                s.send(b"x", socket.MSG_DONTWAIT)
                still.append(s)
            except BlockingIOError:
                still.append(s)
            except OSError:
                s.close()
        left = still
    print(len(held) - len(left), "closed")


def tell_large(where, token):
    """A body is said to come; None: it may."""
    s = connect(where)
    s.sendall(
        b"PUT /api/ssh/v1/policy?network_id=x HTTP/1.1\r\nHost: a\r\n"
        b"Content-Type: application/json\r\nExpect: 100-continue\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: 20000000\r\n\r\n"
        % token.encode()
    )
    return s, re.match(rb"HTTP/1\.1 (\d\d\d)", s.recv(4096))[1].decode()


def large(where, token):
    held, got = [], "100"
    while got == "100" and len(held) < 20:
        s, got = tell_large(where, token)
        held.append(s)
    print(len(held), got)
    for s in held:
        s.close()
    end = time.monotonic() + LONG
    while got != "100" and time.monotonic() < end:
        s, got = tell_large(where, token)
        s.close()
    print(got)


def many(where, n):
    def one(i):
        try:
            wrong(where, "127.4.0.%d" % i, "a%d@example.org" % i)
        except OSError:
            pass

    all_of_them = [
        threading.Thread(target=one, args=(i,)) for i in range(1, 1 + int(n))
    ]
    for t in all_of_them:
        t.start()
    print("begun", flush=True)
    for t in all_of_them:
        t.join()


# What RFC 9112 allows, less what control-server refuses on purpose: written
# again and otherwise than in the server.
TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
LINE = re.compile(
    rb"(?P<method>" + TOKEN + rb") (?P<target>[!-~]+) HTTP/1\.(?P<minor>[01])"
)
FIELD = re.compile(
    rb"(?P<name>" + TOKEN + rb"):[ \t]*(?P<value>[\t -~\x80-\xff]*?)[ \t]*"
)
TARGET = re.compile(
    rb"(?:https?://[^/?@#\\]+)?/[^#\\]*", re.IGNORECASE
)
ONCE = {
    b"host",
    b"content-length",
    b"content-type",
    b"authorization",
    b"if-none-match",
}


def reference(data):
    """How many replies are due, and whether the last one is a refusal."""
    replies = 0
    while True:
        data = re.sub(rb"\A(?:\r\n)+", b"", data)
        end = re.search(rb"\n\r?\n", data)
        if not end or end.end() > 16384:
            return (replies + 1, True) if len(data) > 16384 else (replies, None)
        head, data = data[: end.end()], data[end.end() :]
        got = reference_head(head)
        replies += 1
        if got is None:
            return replies, True
        length, close = got
        if length > 65536:
            return replies, None
        if length > len(data):
            return replies - 1, None
        data = data[length:]
        if close:
            return replies, False


def reference_head(head):
    """The length of the body and whether it is the last; None: refused."""
    if not head.endswith(b"\r\n\r\n"):
        return None
    lines = head[:-4].split(b"\r\n")
    first = LINE.fullmatch(lines[0])
    if not first or len(first["method"]) > 16 or len(first["target"]) > 4096:
        return None
    if first["target"] == b"*":
        if first["method"] != b"OPTIONS":
            return None
    elif not TARGET.fullmatch(first["target"]):
        return None
    fields, seen = [FIELD.fullmatch(x) for x in lines[1:]], {}
    if len(fields) > 64 or not all(fields):
        return None
    for f in fields:
        name = f["name"].lower()
        if name in seen and name in ONCE or name == b"transfer-encoding":
            return None
        if name == b"expect" and f["value"].lower() != b"100-continue":
            return None
        seen[name] = seen.get(name, []) + [f["value"]]
    if "host" not in {x.decode() for x in seen} and first["minor"] == b"1":
        return None
    if re.search(rb"[ \t,/@?#\\]", seen.get(b"host", [b""])[0]):
        return None
    length = seen.get(b"content-length", [b"0"])[0]
    if not re.fullmatch(rb"[0-9]+", length) or int(length) > 1 << 20:
        return None
    options = b",".join(seen.get(b"connection", [])).lower()
    close = b"close" in re.split(rb"[ \t]*,[ \t]*", options)
    return int(length), close or first["minor"] == b"0"


SEEDS = [
    b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /healthz?a=b HTTP/1.1\r\nHost: a:80\r\nX: y, z\r\n\r\n",
    b"GET http://a/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n",
    b"HEAD /healthz HTTP/1.0\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\n"
    b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
    b"Content-Length: 3\r\n\r\nabc",
]
EVIL = [
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b" Transfer-Encoding: chunked\r\n",
    b"X: y\r\n Transfer-Encoding: chunked\r\n",
    b"X: y\nTransfer-Encoding: chunked\r\n",
    b"X: y\rTransfer-Encoding: chunked\r\n",
    b"X: y\0Transfer-Encoding: chunked\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: 5\r\ncontent-length: 5\r\n",
    b"Content-Length: 5, 5\r\n",
    b"Content-Length: +5\r\n",
    b"Content-Length: -0\r\n",
    b"Content-Length: 0x5\r\n",
    b"Content-Length: 5 \r\n",
    b"Content-Length : 5\r\n",
    b"Content-Length: 18446744073709551621\r\n",
    b"Content-Length: \r\n",
    b"Content_Length: 5\r\n",
    b"Host: b\r\n",
    b"Host : b\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"X-Forwarded-For: 1.2.3.4\r\n" * 6,
    b": x\r\n",
    b"X\r\n",
    b"X: \x80\xff\r\n",
    b"\r\n",
    b"\n",
    b"\r",
]
BYTES = b"\r\n\0 \t:,/?@#%\\;*\"+-019aZ\x0b\x7f\x80\xff"


def twist(r):
    data = bytearray(b"".join(r.choices(SEEDS, k=r.randint(1, 3))))
    if r.random() < 0.6:
        # behind one of the lines
        at = [m.end() for m in re.finditer(rb"\r\n", bytes(data))]
        i = r.choice(at)
        data[i:i] = r.choice(EVIL)
    for _ in range(r.choice((0, 0, 1, 1, 2, 4))):
        i = r.randrange(len(data))
        data[i : i + r.randint(0, 2)] = bytes(
            r.choice(BYTES) for _ in range(r.randint(0, 2))
        )
    return bytes(data)


def answers(where, data):
    s = connect(where)
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    got = statuses(read_all(s)).split()
    s.close()
    return [int(x) for x in got if x != "100"]


def differ(where, seed, n):
    r, wrong = random.Random(int(seed)), 0
    for _ in range(int(n)):
        data = twist(r)
        replies, refused = reference(data)
        got = answers(where, data)
        bad = bool(got) and got[-1] in (400, 411, 413, 414, 417, 431, 505)
        # a good request for a query that is none is 400, too
        if len(got) != replies or (refused and not bad):
            wrong += 1
            print(data, "due:", replies, refused, "came:", got)
    print("%d differ" % wrong if wrong else "no difference")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
