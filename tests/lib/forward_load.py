# SPDX-License-Identifier: Apache-2.0
"""Ends of forwarded connections that read late, or end one direction early.

  flood MIB        a port, printed: whoever connects is sent that much
  read WHERE FILE  connect, say "there", read nothing until FILE is there, then
                   all of it; prints how much, or how it ended
  ender            a port, printed: says "hello", ends its direction, reads to
                   the end, prints "got N"
  after WHERE N    read to the end, print it, then send N bytes and end
"""
import os
import socket
import sys
import threading
import time

BLOCK = bytes(range(256)) * 256


def listener():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(1000)
    print(server.getsockname()[1], flush=True)
    return server


def dial(where):
    if where.startswith("/"):
        s = socket.socket(socket.AF_UNIX)
        s.connect(where)
        return s
    host, _, port = where.rpartition(":")
    return socket.create_connection((host, int(port)))


def serve(one):
    server = listener()
    while True:
        s, _ = server.accept()
        threading.Thread(target=one, args=(s,), daemon=True).start()


def flood(mib):
    def one(s):
        try:
            for _ in range(int(mib) * 16):
                s.sendall(BLOCK)
            s.shutdown(socket.SHUT_WR)
            s.recv(1)
        except OSError:
            pass
        s.close()
    serve(one)


def read(where, path):
    s = dial(where)
    s.settimeout(120)
    print("there", flush=True)
    while not os.path.exists(path):
        time.sleep(0.05)
    total = 0
    try:
        while True:
            data = s.recv(65536)
            if not data:
                break
            for i in range(0, len(data), 256):
                # wherever a piece begins, each byte has its place
                want = (total + i) & 255
                if data[i] != want:
                    print("byte %d is wrong" % (total + i), flush=True)
                    return
            total += len(data)
        print(total, flush=True)
    except OSError as e:
        print(total, e.__class__.__name__, flush=True)


def ender():
    def one(s):
        s.sendall(b"hello")
        s.shutdown(socket.SHUT_WR)
        total = 0
        while True:
            data = s.recv(65536)
            if not data:
                break
            total += len(data)
        print("got %d" % total, flush=True)
        s.close()
    serve(one)


def after(where, n):
    s = dial(where)
    s.settimeout(120)
    data = b""
    while True:
        more = s.recv(100)
        if not more:
            break
        data += more
    print(data.decode(), flush=True)
    s.sendall(b"x" * int(n))
    s.close()


def main():
    what, args = sys.argv[1], sys.argv[2:]
    {"flood": flood, "read": read, "ender": ender, "after": after}[what](*args)


main()
