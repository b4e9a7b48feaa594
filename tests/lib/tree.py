# SPDX-License-Identifier: Apache-2.0
"""tree.py make DIR [WHAT...]     a tree that is hard to copy
tree.py same A B [WHAT...]        exit 0 when equal, else what differs
tree.py many DIR N [SIZE]         N small files, 500 a folder

make: names (spaces, quotes, newlines, a leading dash, 255 bytes), bytes (not
UTF-8), plain (none of these), links, sparse, files (3000 small ones).
same: times (of files, seconds), modes, links, holes, folders-times, no-empty
(folders without a file are left out).
"""
import os
import stat
import sys

NAMES = [b"sp ace", b" lead", b"trail ", b"-dash", b"--", b"quo'te",
         b'dou"ble', b"back\\slash", b"new\nline", b"tab\tbed", b"st*ar",
         b"qu?es", b"[brack]", b"{a,b}", b"$HOME", b"`id`", b"$(id)", b"a;b",
         b"a&b", b"#x", b"~user", b"c:colon", b"per%41cent", b"%d%s%n",
         "gr\u00fc\u00df".encode(), "\u65e5\u672c\u8a9e".encode(),
         "e\u0301".encode(), "\U0001f980".encode(), b"n" * 255, b".hidden",
         b"...", b"x.part", b"\x01ctl", b"\x1b[31mred", b"\x7f", b"=eq",
         b"@at", b"!bang", b"^caret", b"a|b", b"a<b>c", b"(paren)"]
BYTES = [b"\xff\xfe", b"latin\xe9", b"\xc3\x28", b"\xed\xa0\x80", b"\x80"]
PLAIN = [b"a", b"b.txt", b"c-d_e", b"UPPER", b"with space"]


def put(path, data, mode=0o644, mtime=None):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    if mtime is not None:
        os.utime(path, (mtime - 5, mtime))


def make(top, what):
    os.makedirs(top)
    names = list(PLAIN)
    if "names" in what:
        names += NAMES
    if "bytes" in what:
        names += BYTES
    for d in (b"", b"sub", b"sub/deeper"):
        d = os.path.join(top, d)
        os.makedirs(d, exist_ok=True)
        for i, n in enumerate(names):
            put(os.path.join(d, n), n * (i % 7), 0o600 | (i * 8 & 0o66),
                1000000000 + i)
    for n in names[3:20]:
        os.makedirs(os.path.join(top, b"dirs", n))
        put(os.path.join(top, b"dirs", n, n), n)
    put(os.path.join(top, b"empty"), b"", 0o644, 86400)
    put(os.path.join(top, b"exec"), b"#!/bin/sh\n", 0o755, 2000000000)
    put(os.path.join(top, b"readonly"), b"r", 0o444, 1111111111)
    for n in (1, 32767, 32768, 32769, 131071, 131072, 131073, 261120, 3000001):
        put(os.path.join(top, b"size%d" % n), os.urandom(n), 0o640, 1 + n)
    os.makedirs(os.path.join(top, b"empty-dir/in/in"))
    os.makedirs(os.path.join(top, *[b"d%d" % i for i in range(40)]))
    put(os.path.join(top, *[b"d%d" % i for i in range(40)], b"end"), b"deep")
    if "links" in what:
        os.symlink("a", os.path.join(top, b"link"))
        os.symlink("nowhere/at all", os.path.join(top, b"dangling"))
        os.symlink("..", os.path.join(top, b"sub/up"))
    if "sparse" in what:
        with open(os.path.join(top, b"sparse"), "wb") as f:
            f.truncate(40 << 20)
            for at in (0, 7 << 20, 39 << 20):
                f.seek(at)
                f.write(os.urandom(70000))
        with open(os.path.join(top, b"hole"), "wb") as f:
            f.truncate(1 << 20)
    if "files" in what:
        many(os.path.join(top, b"many"), 3000, 100)


def many(top, n, size=64):
    for i in range(n):
        d = os.path.join(top, b"%03d" % (i // 500))
        if i % 500 == 0:
            os.makedirs(d)
        with open(os.path.join(d, b"%06d" % i), "wb") as f:
            f.write((b"%d." % i * size)[:size * (i % 3)])


def walk(top, what):
    found = {}
    for d, dirs, names in os.walk(top):
        rel = os.path.relpath(d, top)
        if not dirs and not names and "no-empty" in what:
            continue
        found[rel] = ("dir", stat.S_IMODE(os.stat(d).st_mode)
                      if "modes" in what else 0,
                      int(os.stat(d).st_mtime)
                      if "folders-times" in what else 0)
        for n in names + [x for x in dirs
                          if os.path.islink(os.path.join(d, x))]:
            p = os.path.join(d, n)
            st = os.lstat(p)
            key = os.path.normpath(os.path.join(rel, n))
            if stat.S_ISLNK(st.st_mode):
                if "links" in what:
                    found[key] = ("link", os.readlink(p))
                continue
            if not stat.S_ISREG(st.st_mode):
                found[key] = ("other",)
                continue
            with open(p, "rb") as f:
                data = hash(f.read())
            found[key] = ("file", st.st_size, data,
                          stat.S_IMODE(st.st_mode) if "modes" in what else 0,
                          int(st.st_mtime) if "times" in what else 0,
                          st.st_blocks * 512 < st.st_size // 2
                          if "holes" in what and st.st_size > 500000 else 0)
    if "no-empty" in what:
        for key in [k for k, v in found.items() if v[0] == "dir"]:
            if not any(k.startswith(key + b"/") and v[0] != "dir"
                       for k, v in found.items()) and key != b".":
                del found[key]
    return found


def same(a, b, what):
    a, b = walk(a, what), walk(b, what)
    bad = [(k, a.get(k), b.get(k)) for k in sorted(set(a) | set(b))
           if a.get(k) != b.get(k)]
    for k, x, y in bad[:8]:
        print("%r: %r, %r" % (k[-80:], x, y))
    if bad:
        print("%d names differ of %d" % (len(bad), len(a)))
    return 1 if bad or not a else 0


args = [os.fsencode(a) for a in sys.argv[2:]]
os.umask(0o022)
if sys.argv[1] == "make":
    make(args[0], sys.argv[3:])
elif sys.argv[1] == "many":
    many(args[0], int(args[1]), int(args[2]) if args[2:] else 64)
elif sys.argv[1] == "same":
    sys.exit(same(args[0], args[1], sys.argv[4:]))
else:
    sys.exit(__doc__)
