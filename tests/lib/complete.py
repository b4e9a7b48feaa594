#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a shell at a terminal makes of a line and the tabulator key.

    complete.py bash|zsh SCRIPT LINE

SCRIPT is the completion script; LINE is typed, then the key.  Prints the line
as it is afterwards, with its blanks; a list of several is asked for by a second
key and printed behind it.
"""
import os
import pty
import re
import select
import sys
import time

shell, script, line = sys.argv[1:4]
ARGS = {"bash": ["bash", "--norc", "--noprofile", "-i"],
        "zsh": ["zsh", "-f", "-i"]}[shell]
SETUP = {
    "bash": "bind 'set bell-style none'; bind 'set enable-bracketed-paste off';"
            " bind 'set completion-query-items 0'; bind 'set page-completions"
            " off'; . %s\n" % script,
    "zsh": "autoload -Uz compinit; compinit -u -D; bindkey -e; unsetopt zle_bracketed_paste"
           " promptsp; setopt no_beep no_always_last_prompt; . %s\n" % script,
}[shell]
LIMIT = 30


def read_until(fd, pattern):
    seen, end = b"", time.monotonic() + LIMIT
    while time.monotonic() < end and not re.search(pattern, seen):
        if select.select([fd], [], [], 0.2)[0]:
            try:
                got = os.read(fd, 65536)
            except OSError:
                break
            if not got:
                break
            seen += got
    return seen


def main():
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(PS1="READY> ", TERM="dumb", COLUMNS="200")
        os.execvp(ARGS[0], ARGS)
    read_until(fd, rb"READY> ")
    os.write(fd, b"PS1='RE'; PS1=${PS1}'ADY2> '\n")
    read_until(fd, rb"READY2> ")
    os.write(fd, SETUP.encode() + b"echo SET''UP\n")
    read_until(fd, rb"\nSETUP\r?\n[^\n]*READY2> ")
    # what is behind the key is typed when it has done its work
    os.write(fd, line.encode() + b"\t" + b"<END>\x01echo \x22\x05\x22\n")
    seen = read_until(fd, rb"\n[^\n]*<END>[^\n\"]*\r?\n")
    os.write(fd, b"exit\n")
    os.close(fd)
    os.waitpid(pid, 0)
    found = re.findall(rb"(?:^|\n)([^\n\"]*<END>)\r?\n", seen)
    print(found[-1].decode() if found else repr(seen))


main()
