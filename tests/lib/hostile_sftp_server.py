# SPDX-License-Identifier: Apache-2.0
"""hostile_sftp_server.py SCENARIO FOLDER: an SFTP server on standard input
and output that serves FOLDER as "/", and in one point does not behave.

SCENARIO is NAME or NAME=VALUE; with "+ours" at its end our own extensions are
announced, with "+openssh" OpenSSH's."""
import errno
import hashlib
import os
import random
import stat
import sys
import time

from sftpraw import *

what, top = sys.argv[1], os.path.realpath(sys.argv[2])
what, _, level = what.partition("+")
name, _, value = what.partition("=")
KINDS = {v: k for k, v in dict(
    OPEN=3, CLOSE=4, READ=5, WRITE=6, LSTAT=7, FSTAT=8, SETSTAT=9,
    FSETSTAT=10, OPENDIR=11, READDIR=12, REMOVE=13, MKDIR=14, RMDIR=15,
    REALPATH=16, STAT=17, RENAME=18, READLINK=19, SYMLINK=20).items()}
OPENSSH = {"posix-rename@openssh.com": b"1", "statvfs@openssh.com": b"2",
           "fstatvfs@openssh.com": b"2", "hardlink@openssh.com": b"1",
           "fsync@openssh.com": b"1", "lsetstat@openssh.com": b"1",
           "limits@openssh.com": b"1", "expand-path@openssh.com": b"1"}
OURS = {"get-file@omniedge.io": b"1", "put-file@omniedge.io": b"1",
        "extents@omniedge.io": b"1", "check-file": b"sha256,sha1,md5"}
EXT = {"openssh": OPENSSH, "ours": {**OPENSSH, **OURS}, "": {}}[level]
ESC = b"\x1b]0;pwned\x07\x1b[31mred\x9b5m\r\b"
seen, handles, serial = {}, {}, [0]
rnd = random.Random(1)


def put(b):
    while b:
        b = b[os.write(1, b):]


def get(n):
    b = b""
    while len(b) < n:
        got = os.read(0, n - len(b))
        if not got:
            sys.exit(0)
        b += got
    return b


def packet(kind, body):
    return u32(len(body) + 1) + u8(kind) + body


def status(code, text=b"words"):
    if name == "escapes" and code != OK:
        text = ESC
    return STATUS, u32(code) + s(text) + s(b"en")


def here(path):
    path = os.path.normpath(b"/" + path)
    return os.fsencode(top) + path.replace(b"//", b"/")


def attrs_of(st):
    if name == "size" and stat.S_ISREG(st.st_mode):
        size = int(value)
    else:
        size = st.st_size
    if name == "no-attrs":
        return attrs()
    mode = st.st_mode
    if name == "mode":
        mode = stat.S_IMODE(mode) | int(value, 8)
    if name == "times":
        return attrs(size, 0, 0, mode, int(value), int(value))
    if name == "pairs":
        return attrs(size, mode=mode, mtime=5)[4:].join(
            [u32(A_SIZE | A_PERM | A_TIME | A_EXT), u32(int(value))])
    return attrs(size, st.st_uid, st.st_gid, mode, int(st.st_atime),
                 int(st.st_mtime))


def long(n, st):
    kind = {stat.S_IFDIR: b"d", stat.S_IFLNK: b"l"}.get(
        stat.S_IFMT(st.st_mode), b"-")
    return kind + b"rw-r--r-- 1 root root %d Jan 1 1970 " % st.st_size + \
        (ESC if name == "escapes" else n)


def entry(n, st):
    return s(n) + s(long(n, st)) + attrs_of(st)


def handle(obj):
    serial[0] += 1
    h = b"%d" % serial[0]
    if name == "handle-long":
        h = h.rjust(int(value), b"0")
    if name == "handle-empty":
        h = b""
    if name == "handle-same":
        h = b"h"
    handles[h] = obj
    return HANDLE, s(h)


def names_of(path):
    """[(name, stat)] of a folder, or what the scenario says it has."""
    file, folder = os.stat(here(b"/file")), os.stat(here(b"/tree"))
    n = [(x, os.lstat(os.path.join(here(path), x)))
         for x in sorted(os.listdir(here(path)))]
    if path.rstrip(b"/") != b"/tree":
        return n
    if name == "names":
        evil = {"dotdot": b"..", "abs": b"/etc/oe-pwned", "slash":
                b"../oe-pwned", "empty": b"", "dot": b".", "nul":
                b"oe\0pwned", "ctl": ESC, "nl": b"new\nline", "long":
                b"n" * 256, "huge": b"n" * 100000, "dup": b"good",
                "backslash": b"..\\oe-pwned", "utf8": b"\xff\xfe",
                "deep": b"sub/oe-pwned", "trail": b"good/"}[value]
        return n + [(evil, file)]
    if name == "link-then-file":
        link = os.lstat(here(b"/link"))
        return [(b"x", link), (b"x", folder), (b"good", file)]
    if name == "evil-link":
        link = os.lstat(here(b"/link"))
        return [(b"x", link), (b"y", link), (b"good", file)]
    if name == "unasked":
        return n + [(b".bashrc", file), (b"evil.sh", file)]
    if name == "loop":
        return n + [(b"again", folder)]
    return n


def extended(r):
    kind = r.s().decode("latin1")
    if kind not in EXT and not kind.startswith("check-file"):
        return status(OP_UNSUPPORTED)
    if kind == "limits@openssh.com":
        n = [int(x) for x in value.split(",")] if name == "limits" else \
            [PACKET_MAX, 261120, 261120, 100]
        return EXTENDED_REPLY, b"".join(u64(x) for x in n)
    if kind.startswith("statvfs"):
        v = int(value) if name == "vfs" else 4096
        return EXTENDED_REPLY, b"".join(u64(v) for _ in range(11))
    if kind == "expand-path@openssh.com":
        return NAME, u32(1) + s(r.s().replace(b"~", b"/")) + s(b"") + attrs()
    if kind == "posix-rename@openssh.com":
        os.rename(here(r.s()), here(r.s()))
        return status(OK)
    if kind == "lsetstat@openssh.com" or kind == "fsync@openssh.com":
        return status(OK)
    if kind == "get-file@omniedge.io":
        path, most, flags = r.s(), r.u32(), r.u32()
        st = os.stat(here(path))
        if not stat.S_ISREG(st.st_mode):
            return status(FAILURE)
        with open(here(path), "rb") as f:
            data = f.read()
        if len(data) > most:
            data = b""
        if name == "get-long":
            data = b"x" * int(value)
        if name == "get-short":
            data = data[:-1]
        return EXTENDED_REPLY, attrs_of(st) + s(data)
    if kind == "put-file@omniedge.io":
        path, flags = r.s(), r.u32()
        r.attrs()
        data = r.s()
        if not flags & 1 and os.path.lexists(here(path)):
            return status(FAILURE)
        if name == "put-nothing":
            return status(OK)
        if name == "put-other":
            data = b"other"
        with open(here(path), "wb") as f:
            f.write(data)
        return status(OK)
    if kind == "extents@omniedge.io":
        f, off = handles[r.s()], r.u64()
        size = os.fstat(f).st_size
        if name == "extents":
            n = {"endless": [(off, 1)], "none": [], "back": [(0, 1)] * 9,
                 "beyond": [(1 << 62, 1 << 62)], "wrap":
                 [(off, (1 << 64) - 1)], "many": [(off, 1)] * 2000,
                 "lie": [(1000000, 10)], "zero": [(off, 0)] * 10,
                 "unsorted": [(500, 10), (100, 10)]}[value]
            last = value not in ("endless", "none", "zero")
        else:
            n, last = [(off, size - off)] if off < size else [], True
        return EXTENDED_REPLY, u8(last) + u32(len(n)) + b"".join(
            u64(a) + u64(b) for a, b in n)
    if kind.startswith("check-file"):
        what_, alg = r.s(), r.s().split(b",")[0].decode()
        off, n, block = r.u64(), r.u64(), r.u32()
        data = os.pread(handles[what_], 1 << 30, off)
        data = data[:n] if n else data
        parts = [data[i:i + block] for i in range(0, len(data), block)] \
            if block else [data]
        h = b"".join(hashlib.new(alg, p).digest() for p in parts)
        if name == "hash":
            h = {"wrong": b"\0" * len(h), "short": h[:-1], "none": b"",
                 "long": h * 2000, "other": h}[value]
            alg = "md5" if value == "other" else alg
        return EXTENDED_REPLY, s("check-file") + s(alg) + h
    return status(OP_UNSUPPORTED)


def serve(kind, r):
    if kind == EXTENDED:
        return extended(r)
    if kind in (OPEN, OPENDIR, LSTAT, STAT, SETSTAT, REMOVE, MKDIR, RMDIR,
                REALPATH, READLINK):
        path = r.s()
    if kind == OPEN:
        pf = r.u32()
        flags = {R: os.O_RDONLY, W: os.O_WRONLY, R | W: os.O_RDWR}[pf & 3]
        flags |= (pf & CREAT and os.O_CREAT) | (pf & TRUNC and os.O_TRUNC) | \
            (pf & EXCL and os.O_EXCL)
        target = here(path)
        # it has content under every name that it tells
        if name == "names" and not pf & W and not os.path.isfile(target):
            target = here(b"/file")
        return handle(os.open(target, flags, 0o644))
    if kind == CLOSE:
        f = handles.pop(r.s())
        if isinstance(f, int):
            os.close(f)
        return status(OK)
    if kind == READ:
        f, off, n = handles[r.s()], r.u64(), r.u32()
        if name == "endless-data":
            return DATA, s(b"x" * n)
        if name == "data-zero":
            return DATA, s(b"")
        if name == "tiny":
            n = min(n, 1 + off % 3 * 5000)
        data = os.pread(f, min(n, 261120), off)
        if name == "data-long":
            data += b"x" * int(value)
        if name == "data-other":
            data = b"y" * len(data)
        if not data:
            return status(EOF)
        return DATA, s(data)
    if kind == WRITE:
        f, off, data = handles[r.s()], r.u64(), r.s()
        if name == "write-lost":
            return status(OK)
        os.pwrite(f, data, off)
        return status(OK)
    if kind == FSTAT:
        f = handles[r.s()]
        return ATTRS, attrs_of(os.fstat(f))
    if kind in (STAT, LSTAT):
        return ATTRS, attrs_of((os.stat if kind == STAT else os.lstat)(
            here(path)))
    if kind in (SETSTAT, FSETSTAT):
        return status(OK)
    if kind == OPENDIR:
        return handle([path, names_of(path), 0])
    if kind == READDIR:
        d = handles[r.s()]
        if name == "endless-empty":
            return NAME, u32(0)
        if name == "endless-same":
            return NAME, u32(len(d[1])) + b"".join(entry(*e) for e in d[1])
        if name == "endless-new":
            st = d[1][0][1]
            d[2] += 100
            return NAME, u32(100) + b"".join(
                entry(b"n%d" % (d[2] + i), st) for i in range(100))
        if d[2]:
            return status(EOF)
        d[2] = 1
        n = d[1] if name == "names" else \
            [(b".", os.stat(top)), (b"..", os.stat(top))] + d[1]
        count = {"more": len(n) + 5, "fewer": max(len(n) - 1, 0), "huge":
                 0xffffffff}.get(value, 0) if name == "count" else len(n)
        return NAME, u32(count) + b"".join(entry(*e) for e in n)
    if kind == REMOVE:
        os.unlink(here(path))
        return status(OK)
    if kind == MKDIR:
        os.mkdir(here(path))
        return status(OK)
    if kind == RMDIR:
        os.rmdir(here(path))
        return status(OK)
    if kind == REALPATH:
        path = os.path.normpath(b"//" + path).replace(b"//", b"/")
        if name == "realpath":
            path = {"etc": b"/etc", "up": b"../../..", "ctl": b"/" + ESC,
                    "empty": b"", "nul": b"/a\0b", "long":
                    b"/" + b"x" * 5000}[value]
        n = int(value) if name == "realpath-count" else 1
        return NAME, u32(n) + (s(path) + s(path) + attrs()) * min(n, 3)
    if kind == RENAME:
        old, new = here(r.s()), here(r.s())
        if os.path.lexists(new):
            return status(FAILURE)
        os.rename(old, new)
        return status(OK)
    if kind == READLINK:
        if name == "escapes":
            return NAME, u32(1) + s(ESC) + s(ESC) + attrs()
        n = os.fsencode(value) if name in ("evil-link", "link-then-file") \
            else os.readlink(here(path))
        return NAME, u32(1) + s(n) + s(n) + attrs()
    if kind == SYMLINK:
        os.symlink(r.s(), here(r.s()))
        return status(OK)
    return status(OP_UNSUPPORTED)


def answer(kind, id, r):
    try:
        kind_, body = serve(kind, r)
    except OSError as e:
        kind_, body = status({errno.ENOENT: NO_SUCH_FILE, errno.EACCES:
                              PERMISSION_DENIED}.get(e.errno, FAILURE))
    except KeyError:
        kind_, body = status(FAILURE)
    return kind_, u32(id) + body


WRONG = {"ok": (STATUS, u32(0) + s("") + s("")),
         "eof": (STATUS, u32(1) + s("") + s("")),
         "fail": (STATUS, u32(4) + s("disk is full") + s("")),
         "denied": (STATUS, u32(3) + s("no") + s("")),
         "none": (STATUS, u32(2) + s("") + s("")),
         "unsupported": (STATUS, u32(8) + s("") + s("")),
         "odd": (STATUS, u32(0xffffffff) + s("") + s("")),
         "bare": (STATUS, u32(4)), "nothing": (STATUS, b""),
         "handle": (HANDLE, s("zz")), "data": (DATA, s("datadata")),
         "name": (NAME, u32(0)), "attrs": (ATTRS, attrs(size=1)),
         "reply": (EXTENDED_REPLY, b""), "version": (VERSION, b""),
         "request": (READ, s("x") + u64(0) + u32(9)), "type": (77, b"x" * 9),
         "long": (STATUS, u32(4) + s("w" * 200000) + s("")),
         "lying": (DATA, u32(0x7fffffff) + b"xx"),
         "zero": (0, b""), "huge-names": (NAME, u32(0x10000000))}


def spoil(kind, id, reply):
    """What goes out in place of a well-formed answer."""
    what_kind = KINDS.get(kind, "EXTENDED")
    seen[what_kind] = seen.get(what_kind, 0) + 1
    target, _, how = value.partition(",")
    first = target in (what_kind, "ANY") and seen[what_kind] == 1
    if name == "wrong" and target == what_kind:
        k, body = WRONG[how]
        return packet(k, u32(id) + body)
    if name == "second" and target == what_kind and seen[what_kind] == 2:
        k, body = WRONG[how]
        return packet(k, u32(id) + body)
    if first and name == "quit":
        if how == "half":
            put(reply[:len(reply) // 2])
        sys.exit(0)
    if first and name == "stall":
        time.sleep(1000)
    if first and name == "slow":
        time.sleep(float(how))
    if first and name == "length":
        return u32(int(how, 16)) + reply[4:]
    if first and name == "id":
        return reply[:5] + u32(id + 0x1000) + reply[9:]
    if first and name == "twice":
        return reply * 2
    if first and name == "unasked-reply":
        return packet(STATUS, u32(id + 1) + u32(0) + s("") + s("")) + reply
    if first and name == "drip":
        for i in range(len(reply)):
            put(reply[i:i + 1])
            time.sleep(0.002)
        return b""
    if first and name == "flood":
        while True:
            put(packet(STATUS, u32(7) + u32(0) + s("") + s("")) * 500)
    if first and name == "stream":
        while True:
            put(u32(PACKET_MAX) + b"\0" * 65536)
    return reply


def hello():
    get(struct.unpack(">I", get(4))[0])
    body = u32(int(value) if name == "version" else 3) + b"".join(
        s(k) + s(v) for k, v in EXT.items())
    if name == "hello":
        if value == "silent":
            time.sleep(1000)
        if value == "quit":
            sys.exit(0)
        out = {"status": packet(STATUS, u32(0) * 4), "empty": u32(1) + b"\2",
               "zero": u32(0), "huge": u32(0xffffffff) + b"x" * 100,
               "text": b"Welcome to this machine!\r\n" * 20,
               "escape": ESC * 9,
               "pairs": packet(VERSION, u32(3) + s("x" * 20) * 2 * 6000),
               "odd": packet(VERSION, u32(3) + s("x")),
               "cut": packet(VERSION, u32(3) + u32(1000) + b"x"),
               "twice": packet(VERSION, u32(3)) * 2}[value]
        return put(out)
    put(packet(VERSION, body))


def main():
    hello()
    waiting = []
    while True:
        if waiting and not select.select([0], [], [], 0.01)[0]:
            rnd.shuffle(waiting)
            put(b"".join(waiting))
            waiting = []
        r = Reader(get(struct.unpack(">I", get(4))[0]))
        kind, id = r.u8(), r.u32()
        k, body = answer(kind, id, r)
        out = spoil(kind, id, packet(k, body))
        if name == "reorder":
            waiting.append(out)
        else:
            put(out)


try:
    main()
except (BrokenPipeError, ConnectionResetError):
    sys.exit(0)
