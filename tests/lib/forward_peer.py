#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Targets and askers for the tests of port forwarding.

serve SOCKET-OR-PORT...  echo on each; prints the ports, one a line.  The
                         first byte of a connection decides:
                         'e' echo until end of file, then end
                         's' swallow all, then tell how many bytes
                         'g' give 1 MB, end the sending half, read the
                             rest late
                         'h' hang up at once
                         'z' read nothing more
                         'l' read when the file $OE_GATE is there, then tell
                             how many bytes on stdout
                         'f' give without end, never read
                         'a' tell at which address it came, and on stdout
ask PORT MODE [BYTES]    one connection, its answer on stdout; PORT/HOST/PORT
                         goes through SOCKS5 to a name
many PORT N [BYTES]      N at the same time, echo; prints how many were right
hold PORT N              N idle ones; prints "ready", ends with stdin
stuff PORT MODE          give until nothing is taken for two seconds, at most
                         STUFF_MAX; prints how many bytes, ends with stdin
starve PORT MODE         connect and read nothing; prints "ready", ends with
                         stdin
"""
import os
import selectors
import socket
import sys
import threading
import time

STUFF_MAX = 64 << 20


def swallow(c):
    n = 0
    while True:
        d = c.recv(65536)
        if not d:
            return n
        n += len(d)


def conn(c):
    try:
        mode = c.recv(1)
        if mode == b"e":
            while True:
                d = c.recv(65536)
                if not d:
                    break
                c.sendall(d)
        elif mode == b"z":
            time.sleep(60)
        elif mode == b"s":
            c.sendall(b"%d\n" % swallow(c))
        elif mode == b"l":
            while not os.path.exists(os.environ["OE_GATE"]):
                time.sleep(0.05)
            print("late", swallow(c), flush=True)
        elif mode == b"f":
            while True:
                c.sendall(b"f" * 65536)
        elif mode == b"a":
            at = c.getsockname()[0]
            print("at", at, flush=True)
            c.sendall(at.encode() + b"\n")
        elif mode == b"g":
            c.sendall(b"g" * 1000000)
            c.shutdown(socket.SHUT_WR)
            time.sleep(0.5)
            print("after", swallow(c), flush=True)
    except OSError:
        pass
    finally:
        c.close()


def listen(where):
    if where.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.bind(where)
    elif ":" in where:
        s = socket.socket(socket.AF_INET6)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((where, 0))
    else:
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((where, 0))
    s.listen(1024)
    return s


def serve(wheres):
    sel = selectors.DefaultSelector()
    for w in wheres:
        s = listen(w)
        sel.register(s, selectors.EVENT_READ)
        print(w if w.startswith("/") else s.getsockname()[1], flush=True)
    while True:
        for key, _ in sel.select():
            c, _ = key.fileobj.accept()
            threading.Thread(target=conn, args=(c,), daemon=True).start()


def dial_socks(where):
    port, host, to = where.split("/")
    s = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
    s.sendall(b"\5\1\0\5\1\0\3" + bytes([len(host)]) + host.encode() +
              int(to).to_bytes(2, "big"))
    got = b""
    while len(got) < 12:
        d = s.recv(12 - len(got))
        if not d:
            raise OSError("no SOCKS")
        got += d
    if got[3] != 0:
        raise OSError("refused")
    return s


def dial(where):
    if where.count("/") == 2 and where[0] != "/":
        return dial_socks(where)
    if where.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.connect(where)
        return s
    return socket.create_connection(("127.0.0.1", int(where)), timeout=30)


def read_all(s):
    out = b""
    while True:
        d = s.recv(65536)
        if not d:
            return out
        out += d


def ask(where, mode, n):
    s = dial(where)
    s.sendall(mode.encode())
    if mode == "g":
        got = len(read_all(s))
        s.sendall(b"x" * n)
        s.shutdown(socket.SHUT_WR)
        print(got)
        return
    data = os.urandom(n)
    t = threading.Thread(
        target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
    t.start()
    got = read_all(s)
    t.join()
    if mode == "e":
        print("same" if got == data else "differs %d" % len(got))
    else:
        sys.stdout.write(got.decode())


def many(where, n, size):
    right = [0]
    lock = threading.Lock()
    data = os.urandom(size)

    def one():
        try:
            s = dial(where)
            s.sendall(b"e" + data)
            s.shutdown(socket.SHUT_WR)
            if read_all(s) == data:
                with lock:
                    right[0] += 1
        except OSError:
            pass

    ts = [threading.Thread(target=one) for _ in range(n)]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    print(right[0])


def hold(where, n):
    socks = []
    for _ in range(n):
        s = dial(where)
        s.sendall(b"e!")
        socks.append(s)
    ok = 0
    for s in socks:
        s.settimeout(30)
        try:
            ok += s.recv(1) == b"!"
        except OSError:
            pass
    print("ready", ok, flush=True)
    sys.stdin.read()


def stuff(where, mode):
    s = dial(where)
    s.sendall(mode.encode())
    s.settimeout(2)
    n = 0
    try:
        while n < STUFF_MAX:
            n += s.send(b"x" * 65536)
    except socket.timeout:
        pass
    print(n, flush=True)
    sys.stdin.read()


def starve(where, mode):
    s = dial(where)
    s.sendall(mode.encode())
    print("ready", flush=True)
    sys.stdin.read()


def main():
    cmd, args = sys.argv[1], sys.argv[2:]
    if cmd == "serve":
        serve(args)
    elif cmd == "ask":
        ask(args[0], args[1], int(args[2]) if len(args) > 2 else 0)
    elif cmd == "many":
        many(args[0], int(args[1]), int(args[2]) if len(args) > 2 else 1000)
    elif cmd == "stuff":
        stuff(args[0], args[1])
    elif cmd == "starve":
        starve(args[0], args[1])
    elif cmd == "hold":
        hold(args[0], int(args[1]))


main()
