# SPDX-License-Identifier: Apache-2.0
"""cut.py FILE COMMAND...: run a server, pass its bytes on, and end when so
many have passed.  FILE holds lines "in N" or "out N"; each run takes the first
line away; without one nothing is cut.  "tcp PORT" as COMMAND connects.
The server then sees the end of its input, and nobody reads its output."""
import fcntl
import os
import select
import socket
import subprocess
import sys


def first_line(path):
    with open(path, "r+b") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        lines = f.readlines()
        f.seek(0)
        f.truncate()
        f.writelines(lines[1:])
    words = lines[0].split() if lines else [b"none", b"0"]
    return words[0].decode(), int(words[1])


def main():
    way, left = first_line(sys.argv[1])
    p = None
    if sys.argv[2] == "tcp":
        sock = socket.create_connection(("127.0.0.1", int(sys.argv[3])))
        to = back = sock.fileno()
    else:
        p = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, bufsize=0)
        to, back = p.stdin.fileno(), p.stdout.fileno()
    sides = {0: (to, "in"), back: (1, "out")}
    while True:
        for fd in select.select(list(sides), [], [])[0]:
            out, name = sides[fd]
            b = os.read(fd, 65536)
            if name == way and len(b) >= left:
                view = b[:left]
                while view:
                    view = view[os.write(out, view):]
                if p:
                    p.stdin.close()
                    p.stdout.close()
                    p.wait()
                os._exit(9)
            if name == way:
                left -= len(b)
            if not b:
                if name == "out":
                    if p:
                        p.wait()
                    os._exit(0)
                del sides[0]
                if p:
                    p.stdin.close()
                else:
                    sock.shutdown(socket.SHUT_WR)
                continue
            while b:
                b = b[os.write(out, b):]


try:
    main()
except (BrokenPipeError, ConnectionResetError):
    os._exit(8)
