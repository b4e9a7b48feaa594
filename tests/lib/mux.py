#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Helpers of 72-control-master.sh.

  mux.py tty STEP... -- COMMAND...
      run COMMAND on a terminal of its own, 24 rows of 80 columns; STEPs are
      expect:REGEX send:TEXT size:ROWSxCOLS signal:NAME; then wait for its
      end.  Prints what was shown, "status=N" and "restored=yes|no".
  mux.py hostile SOCKET KIND
      be a bad client of the master at SOCKET; prints how that ended.
"""
import array
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import sys
import termios
import time

LIMIT = 40


def read_some(fd, shown, deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    if not select.select([fd], [], [], left)[0]:
        raise TimeoutError
    try:
        got = os.read(fd, 65536)
    except OSError:
        got = b""
    shown += got
    return bool(got)


def tty(args):
    at = args.index("--")
    steps, command = args[:at], args[at + 1:]
    # the other end stays open here, so that its modes can be looked at
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    before = termios.tcgetattr(slave)
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)
        os.closerange(3, 64)
        os.execvp(command[0], command)
    shown, mark = bytearray(), 0
    end = time.monotonic() + LIMIT
    try:
        for step in steps:
            kind, _, text = step.partition(":")
            if kind == "expect":
                want = re.compile(text.encode())
                while True:
                    m = want.search(bytes(shown), mark)
                    if m:
                        mark = m.end()
                        break
                    read_some(master, shown, end)
            elif kind == "send":
                os.write(master, text.encode().decode("unicode_escape")
                         .encode("latin-1"))
            elif kind == "size":
                rows, cols = map(int, text.split("x"))
                fcntl.ioctl(slave, termios.TIOCSWINSZ,
                            struct.pack("4H", rows, cols, 0, 0))
            elif kind == "signal":
                os.kill(pid, getattr(signal, text))
            elif kind == "stopped":
                while os.waitpid(pid, os.WNOHANG | os.WUNTRACED) == (0, 0):
                    if time.monotonic() > end:
                        raise TimeoutError
                    time.sleep(0.02)
            elif kind == "cooked":
                flags = termios.tcgetattr(slave)[3] & termios.ICANON
                shown += b"\ncooked=%s\n" % (b"yes" if flags else b"no")
        done = 0
        while not done:
            done, status = os.waitpid(pid, os.WNOHANG)
            if not done and select.select([master], [], [], 0.02)[0]:
                read_some(master, shown, end)
            if time.monotonic() > end:
                raise TimeoutError
        while select.select([master], [], [], 0)[0]:
            if not read_some(master, shown, end):
                break
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        sys.stdout.write(shown.decode("latin-1"))
        print("\ntimed out at", step)
        return 1
    sys.stdout.write(shown.decode("latin-1"))
    code = (os.WEXITSTATUS(status) if os.WIFEXITED(status)
            else 128 + os.WTERMSIG(status))
    same = termios.tcgetattr(slave) == before
    print("\nstatus=%d\nrestored=%s" % (code, "yes" if same else "no"))
    return 0


def u32(n):
    return struct.pack(">I", n & 0xffffffff)


def text(s):
    return u32(len(s)) + s


def packet(body):
    return u32(len(body)) + body


HELLO = packet(u32(1) + u32(4))
ALIVE = packet(u32(0x10000004) + u32(7))
SESSION = packet(u32(0x10000002) + u32(9) + text(b"") + u32(0) * 4 +
                 u32(0xffffffff) + text(b"") + text(b"cat"))


def read_packet(s):
    def exactly(n):
        got = b""
        while len(got) < n:
            piece = s.recv(n - len(got))
            if not piece:
                raise EOFError
            got += piece
        return got
    return exactly(struct.unpack(">I", exactly(4))[0])


def send_fds(s, data, fds):
    s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                        array.array("i", fds))])


def hostile(args):
    path, kind = args
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(LIMIT)
    s.connect(path)
    null = os.open("/dev/null", os.O_RDWR)
    read_packet(s)
    if kind != "silent":
        s.sendall(HELLO if kind != "version" else
                  packet(u32(1) + u32(3)))
    if kind == "huge":
        s.sendall(u32(0x7fffffff))
    elif kind == "early":
        s.sendall(HELLO)
    elif kind == "short":
        s.sendall(packet(u32(0x10000002) + u32(1) + b"\0\0"))
    elif kind == "empty":
        s.sendall(packet(b""))
    elif kind == "fds-unasked":
        send_fds(s, ALIVE, [null] * 200)
    elif kind == "fds-many":
        s.sendall(SESSION)
        send_fds(s, b"\0", [null] * 100)
    elif kind == "fds-none":
        s.sendall(SESSION + b"\0\0\0")
    elif kind == "fds-some":
        s.sendall(SESSION)
        send_fds(s, b"\0", [null])
        s.shutdown(socket.SHUT_WR)
    elif kind in ("half", "silent", "fds-wait"):
        # keeps what it has begun open, and the master must not mind
        if kind == "half":
            s.sendall(SESSION[:20])
        if kind == "fds-wait":
            s.sendall(SESSION)
            send_fds(s, b"\0", [null])
        print("waiting", flush=True)
        sys.stdin.read()
        return 0
    elif kind == "flood":
        # asks and does not listen
        try:
            s.settimeout(5)
            for _ in range(200000):
                s.sendall(ALIVE)
        except OSError:
            pass
        print("closed")
        return 0
    elif kind == "unknown":
        s.sendall(packet(u32(0x1000ffff) + u32(3) + b"what"))
        body = read_packet(s)
        print("answer %x %d" % struct.unpack(">II", body[:8]))
        s.sendall(ALIVE)
        print("answer %x %d" % struct.unpack(">II", read_packet(s)[:8]))
        return 0
    try:
        while True:
            read_packet(s)
    except (EOFError, ConnectionResetError):
        print("closed")
    except TimeoutError:
        print("still open")
    return 0


if __name__ == "__main__":
    sys.exit({"tty": tty, "hostile": hostile}[sys.argv[1]](sys.argv[2:]))
