#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run a command on a terminal of its own, and type at it.

usage: typist.py [PROMPT ANSWER]... -- COMMAND [ARG...]

Waits for each PROMPT in what has come since the one before, and types ANSWER
with Return; ^C and ^D are the control characters.  What was on the screen goes
to stdout.  The last line of stderr is "echo on" or "echo off": how the terminal
was left.  The exit status is the command's, 128+n after signal n, and 99 when a
prompt did not come within a minute.
"""
import fcntl
import os
import pty
import select
import signal
import sys
import termios
import time

LIMIT_S = 60
CONTROL = {"^C": b"\x03", "^D": b"\x04"}


def start(command):
    """A child on a new terminal; both ends of it stay open here."""
    master, slave = pty.openpty()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in range(3):
            os.dup2(slave, fd)
        os.closerange(3, 256)
        os.execvp(command[0], command)
    return pid, master, slave


def attend(pid, master, pairs):
    """Type until the command has ended.  Returns (screen, status)."""
    screen, seen = b"", b""
    until = time.monotonic() + LIMIT_S
    while True:
        # asked before reading: what it wrote before its end is there then
        gone, status = os.waitpid(pid, os.WNOHANG)
        if select.select([master], [], [], 0.02)[0]:
            got = os.read(master, 65536)
            screen += got
            seen += got
        elif gone:
            return screen, os.waitstatus_to_exitcode(status)
        if gone:
            while select.select([master], [], [], 0)[0]:
                screen += os.read(master, 65536)
            return screen, os.waitstatus_to_exitcode(status)
        while pairs and pairs[0][0].encode() in seen:
            prompt, answer = pairs.pop(0)
            seen = seen.split(prompt.encode(), 1)[1]
            os.write(master, CONTROL.get(answer, answer.encode() + b"\r"))
            until = time.monotonic() + LIMIT_S
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return screen, 99


def main():
    words = sys.argv[1:]
    cut = words.index("--")
    pairs = list(zip(words[:cut:2], words[1:cut:2]))
    pid, master, slave = start(words[cut + 1:])
    screen, status = attend(pid, master, pairs)
    echo = termios.tcgetattr(slave)[3] & termios.ECHO
    sys.stdout.buffer.write(screen)
    sys.stdout.flush()
    print("echo", "on" if echo else "off", file=sys.stderr)
    if pairs and status != 99:
        print("never asked:", pairs[0][0], file=sys.stderr)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()
