# SPDX-License-Identifier: Apache-2.0
"""sftp_paramiko.py PORT USER KEY FOLDER ours|other: paramiko's SFTP client as
WinSCP and scripts use it."""
import hashlib
import io
import logging
import os
import stat
import sys
import threading

import paramiko

from sftpraw import Results

logging.disable(logging.CRITICAL)
port, user, key, far, kind = sys.argv[1:]
t = Results()
c = paramiko.SSHClient()
c.set_missing_host_key_policy(paramiko.AutoAddPolicy())
c.connect("127.0.0.1", int(port), user, key_filename=key, allow_agent=False,
          look_for_keys=False)
f = c.open_sftp()
far += "/paramiko"
f.mkdir(far, 0o750)
f.chdir(far)
t.equal(f.getcwd(), os.path.realpath(far), "chdir, getcwd")
data = os.urandom(5000000)


def whole():
    f.putfo(io.BytesIO(data), "whole", len(data), confirm=True)
    t.equal(f.stat("whole").st_size, len(data), "put, with the size checked")
    b = io.BytesIO()
    f.getfo("whole", b)
    t.ok(b.getvalue() == data, "get with prefetch")
    with f.open("piped", "wb") as g:
        g.set_pipelined(True)
        for i in range(0, len(data), 30000):
            g.write(data[i:i + 30000])
    with f.open("piped", "rb") as g:
        g.prefetch()
        t.ok(g.read() == data, "pipelined writes, prefetched reads")
    with f.open("piped", "rb") as g:
        parts = [(i * 7919 % 4900000, 1 + i * 997 % 60000) for i in range(60)]
        got = list(g.readv(parts))
        t.ok(got == [data[o:o + n] for o, n in parts], "readv")


def handle():
    with f.open("handle", "w+b") as g:
        g.write(b"0123456789")
        g.chmod(0o604)
        g.truncate(6)
        g.utime((5, 77))
        st = g.stat()
        t.equal((st.st_size, stat.S_IMODE(st.st_mode), st.st_mtime),
                (6, 0o604, 77), "setstat on a handle")
        g.seek(0)
        t.equal(g.read(), b"012345", "read what was truncated")
        g.chown(st.st_uid, st.st_gid)
    with f.open("handle", "ab") as g:
        g.write(b"abc")
    with f.open("handle") as g:
        t.equal(g.read(), b"012345abc", "append")
    try:
        f.open("handle", "xb")
        t.ok(False, "exclusive open of what is there")
    except IOError:
        t.ok(True, "exclusive open of what is there")


def names():
    # WinSCP: upload as .filepart, then move over what is there
    with f.open("doc.txt.filepart", "wb") as g:
        g.write(b"new")
    with f.open("doc.txt", "wb") as g:
        g.write(b"old")
    try:
        f.rename("doc.txt.filepart", "doc.txt")
        t.ok(False, "rename does not replace")
    except IOError:
        t.ok(True, "rename does not replace")
    f.posix_rename("doc.txt.filepart", "doc.txt")
    with f.open("doc.txt") as g:
        t.equal(g.read(), b"new", "posix_rename does")
    f.symlink("doc.txt", "link")
    t.equal(f.readlink("link"), "doc.txt", "symlink, readlink")
    t.ok(stat.S_ISLNK(f.lstat("link").st_mode), "lstat of it")
    t.equal(f.normalize("link/../x/.."), os.path.realpath(far), "normalize") \
        if kind == "none" else None
    for n in ("a b", "ü", "'", '"', "\n", "-x", "x" * 255, "*"):
        f.putfo(io.BytesIO(n.encode()), n)
    found = {a.filename: a for a in f.listdir_attr(".")}
    t.ok(all(n in found for n in ("a b", "ü", "\n", "x" * 255)), "names")
    t.equal(found["ü"].st_size, 2, "their attributes")
    t.equal(sorted(a.filename for a in f.listdir_iter(".", 4)),
            sorted(found), "listdir_iter: READDIR in flight")
    f.mkdir("dir", 0o700)
    t.equal(stat.S_IMODE(f.stat("dir").st_mode), 0o700, "mkdir with a mode")
    f.rename("dir", "dir2")
    f.rmdir("dir2")
    f.unlink("link")
    f.chmod("doc.txt", 0o444)
    f.utime("doc.txt", (1, 2))
    f.truncate("doc.txt", 1) if os.getuid() == 0 and user == "root" else None
    t.equal(f.stat("doc.txt").st_mtime, 2, "chmod, utime")
    try:
        f.stat("none")
    except FileNotFoundError:
        t.ok(True, "no such file is told as that")


def check():
    with f.open("whole", "rb") as g:
        t.equal(g.check("sha1"), hashlib.sha1(data).digest(), "check sha1")
        t.equal(g.check("md5", 1000, 50000),
                hashlib.md5(data[1000:51000]).digest(), "check md5 of a part")
        part = data[:600000]
        t.equal(g.check("sha256", 0, len(part), 65536),
                b"".join(hashlib.sha256(part[i:i + 65536]).digest()
                         for i in range(0, len(part), 65536)),
                "check sha256 by blocks")


def parallel():
    bad = []

    def one(i):
        s = c.open_sftp()
        n, d = "p%d" % i, os.urandom(300000)
        s.putfo(io.BytesIO(d), far + "/" + n)
        b = io.BytesIO()
        s.getfo(far + "/" + n, b)
        if b.getvalue() != d:
            bad.append(n)
        s.close()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(4)]
    for x in threads:
        x.start()
    for x in threads:
        x.join(60)
    t.equal(bad, [], "four subsystems on one connection")


for step in [whole, handle, names, parallel] + \
        ([check] if kind == "ours" else []):
    t.group(step.__name__, step)
f.close()
c.close()
