# SPDX-License-Identifier: Apache-2.0
"""sftp_requests.py FOLDER COMMAND...: each request and extension of an SFTP
server, byte by byte.  Extensions that a server does not announce are only
told, except for ours (when it announces any of omniedge.io)."""
import hashlib
import os
import pwd
import grp
import stat
import sys

from sftpraw import *

folder, argv = sys.argv[1], sys.argv[2:]
t = Results()
os.makedirs(folder)
os.chdir(folder)
B = os.fsencode(folder)
BAD = (FAILURE, BAD_MESSAGE, OP_UNSUPPORTED, NO_SUCH_FILE)
REFUSED = BAD + (PERMISSION_DENIED,)


def there(name, data=b"text", mode=0o644):
    with open(name, "wb") as f:
        f.write(data)
    os.chmod(name, mode)


def content(name):
    with open(name, "rb") as f:
        return f.read()


def mode(name):
    return stat.S_IMODE(os.lstat(name).st_mode)


def version(c):
    t.equal(c.version, 3, "VERSION is 3")
    for name, v in (("posix-rename@openssh.com", b"1"),
                    ("statvfs@openssh.com", b"2"),
                    ("fstatvfs@openssh.com", b"2"),
                    ("hardlink@openssh.com", b"1"),
                    ("fsync@openssh.com", b"1"),
                    ("lsetstat@openssh.com", b"1"),
                    ("limits@openssh.com", b"1"),
                    ("expand-path@openssh.com", b"1"),
                    ("copy-data", b"1"), ("home-directory", b"1"),
                    ("users-groups-by-id@openssh.com", b"1")):
        t.equal(c.ext.get(name), v, "VERSION announces " + name)
    if ours(c):
        for name in ("get-file", "put-file", "extents"):
            t.equal(c.ext.get(name + "@omniedge.io"), b"1",
                    "VERSION announces %s@omniedge.io" % name)
        t.ok(b"sha256" in c.ext.get("check-file", b"").split(b","),
             "VERSION announces check-file with sha256")


def ours(c):
    return any("omniedge" in e for e in c.ext)


def files(c):
    for name, pflags, here, want in (
            ("r", R, True, OK), ("r-none", R, False, NO_SUCH_FILE),
            ("w-none", W, False, NO_SUCH_FILE),
            ("wc", W | CREAT, False, OK), ("wc2", W | CREAT, True, OK),
            ("wct", W | CREAT | TRUNC, True, OK),
            ("wt", W | TRUNC, True, OK),
            ("rw", R | W, True, OK), ("rwc", R | W | CREAT, False, OK),
            ("wcx", W | CREAT | EXCL, False, OK),
            ("wcx2", W | CREAT | EXCL, True, FAILURE),
            ("wca", W | CREAT | APPEND, True, OK)):
        if here:
            there(name, b"0123456789")
        text = "OPEN %s of %s file" % (name, "a" if here else "no")
        if want != OK:
            t.fails(want, text, c.open, name, pflags)
            continue
        h = t.works(text, c.open, name, pflags)
        if h is None:
            continue
        t.ok(0 < len(h) <= 256, text + ": a handle of 1..256 bytes")
        if pflags & W:
            c.write(h, 2, b"ab")
        else:
            t.fails(REFUSED, text + ": no WRITE", c.write, h, 0, b"x")
        if pflags & R and here:
            t.equal(c.read(h, 0, 100)[:2], b"01", text + ": READ")
        elif not pflags & R:
            t.fails(REFUSED, text + ": no READ", c.read, h, 0, 1)
        c.close(h)
        t.fails(BAD, text + ": closed twice", c.close, h)
        wanted = {"wct": b"\0\0ab", "wt": b"\0\0ab", "wc": b"\0\0ab",
                  "wca": b"0123456789ab", "r": b"0123456789",
                  "rwc": b"\0\0ab", "wcx": b"\0\0ab"}
        t.equal(content(name), wanted.get(name, b"01ab456789"),
                text + ": contents")
    h = c.open("m1", W | CREAT, attrs(mode=0o600))
    c.close(h)
    t.equal(mode("m1"), 0o600, "OPEN with permissions")
    h = c.open("m2", W | CREAT, attrs(mode=0o666))
    c.close(h)
    t.equal(mode("m2"), 0o644, "OPEN minds the umask")
    h = c.open("m3", W | CREAT, attrs(mode=0o600, uid=0, gid=0, size=5,
                                      mtime=9, pairs=[(b"a", b"b")]))
    c.close(h)
    t.ok(os.path.exists("m3"), "OPEN with every attribute")
    t.fails(REFUSED, "OPEN without READ and WRITE",
            lambda: c.write(c.open("r", 0), 0, b"x"))


def reading(c):
    data = os.urandom(300000)
    there("big", data)
    h = c.open("big")
    for off, n in ((0, 1), (0, 32768), (100000, 32768), (299999, 1),
                   (299990, 100)):
        t.equal(c.read(h, off, n), data[off:off + n],
                "READ %d at %d" % (n, off))
    t.fails(EOF, "READ at the end", c.read, h, 300000, 10)
    t.fails(EOF, "READ behind the end", c.read, h, 1 << 40, 10)
    r = t.works("READ of 0 bytes", lambda: c.call(
        READ, s(h) + u64(5) + u32(0)).type)
    t.ok(r in (STATUS, DATA), "READ of 0 bytes: STATUS or no data")
    got = t.works("READ of 1 GB", c.read, h, 0, 1 << 30) or b""
    t.ok(got and data.startswith(got), "READ of 1 GB gives what fits")
    ids = [c.send(READ, s(h) + u64(i * 3000) + u32(3000))
           for i in range(100)]
    got = {}
    for _ in ids:
        r = c.reply()
        got[r.id] = r.want(DATA).s()
    t.equal(b"".join(got[i] for i in ids), data, "100 READs in flight")
    c.close(h)
    h = c.open("new", W | CREAT | TRUNC)
    body = [c.make(WRITE, s(h) + u64(i * 3000) +
                   s(data[i * 3000:i * 3000 + 3000]), 1000 + i)
            for i in range(99, -1, -1)]
    c.raw(b"".join(body))
    seen = set()
    for _ in body:
        r = c.reply()
        r.ok()
        seen.add(r.id)
    t.equal(len(seen), 100, "100 WRITEs in flight, last part first")
    c.close(h)
    t.equal(content("new"), data, "and the contents")
    h = c.open("large", W | CREAT)
    n = 255 * 1024
    t.works("WRITE of 255 KiB", c.write, h, 0, data[:n])
    c.write(h, 5 << 30, b"end")
    t.equal(c.fstat(h)["size"], (5 << 30) + 3, "WRITE at 5 GiB")
    c.close(h)
    h = c.open("large")
    t.equal(c.read(h, (5 << 30) - 1, 10), b"\0end", "READ at 5 GiB")
    c.close(h)
    os.unlink("large")


def attributes(c):
    there("a", b"12345", 0o640)
    os.utime("a", (1000000, 1234567890))
    os.symlink("a", "a-link")
    st = os.stat("a")
    want = {"flags": 15, "size": 5, "uid": st.st_uid, "gid": st.st_gid,
            "mode": st.st_mode, "atime": 1000000, "mtime": 1234567890}
    t.equal(c.stat("a"), want, "STAT")
    t.equal(c.stat("a-link"), want, "STAT of a link follows")
    t.ok(stat.S_ISLNK(c.lstat("a-link")["mode"]), "LSTAT does not")
    h = c.open("a", R | W)
    t.equal(c.fstat(h), want, "FSTAT")
    c.fsetstat(h, size=3)
    t.equal(content("a"), b"123", "FSETSTAT size")
    c.fsetstat(h, mode=0o600)
    t.equal(mode("a"), 0o600, "FSETSTAT permissions")
    c.fsetstat(h, atime=5, mtime=7)
    t.equal((os.stat("a").st_atime, os.stat("a").st_mtime), (5, 7),
            "FSETSTAT times")
    c.fsetstat(h, uid=os.getuid(), gid=os.getgid())
    c.fsetstat(h)
    t.ok(True, "FSETSTAT of own uid and gid, and of nothing")
    c.close(h)
    c.setstat("a", size=10, mode=0o604, atime=8, mtime=9)
    st = os.stat("a")
    t.equal((st.st_size, mode("a"), st.st_atime, st.st_mtime),
            (10, 0o604, 8, 9), "SETSTAT of all in one")
    c.setstat("a-link", mode=0o640)
    t.equal(mode("a"), 0o640, "SETSTAT follows a link")
    c.setstat("a", atime=1, mtime=0xffffffff)
    t.equal(os.stat("a").st_mtime, 0xffffffff, "SETSTAT of the last second")
    t.equal(c.stat("a")["mtime"], 0xffffffff, "and STAT of it")
    if os.getuid():
        t.fails((PERMISSION_DENIED, FAILURE), "SETSTAT uid of another",
                c.setstat, "a", uid=0, gid=0)
    t.fails(NO_SUCH_FILE, "STAT of nothing", c.stat, "none")
    t.fails(NO_SUCH_FILE, "LSTAT of nothing", c.lstat, "none")
    t.fails(NO_SUCH_FILE, "SETSTAT of nothing", c.setstat, "none", mode=1)
    t.fails(BAD, "FSTAT of no handle", c.fstat, b"none")
    os.mkdir("ad")
    c.setstat("ad", mode=0o711, mtime=77)
    t.equal((mode("ad"), os.stat("ad").st_mtime), (0o711, 77),
            "SETSTAT of a directory")


def folders(c):
    c.mkdir("d")
    t.ok(os.path.isdir("d"), "MKDIR")
    t.fails(FAILURE, "MKDIR of what is there", c.mkdir, "d")
    c.mkdir("d2", mode=0o700)
    t.equal(mode("d2"), 0o700, "MKDIR with permissions")
    t.fails(NO_SUCH_FILE, "MKDIR below nothing", c.mkdir, "no/no")
    names = [b"-x", b"sp ace", b"new\nline", b"\xff\xfe", "ü".encode(),
             b"n" * 255, b"quo'te\"", b"\x1b[2J", b"*?[", b".hidden"]
    for n in names:
        c.whole(b"d/" + n, n)
    os.symlink("nowhere", "d/link")
    os.mkdir("d/sub")
    got = {n: (long, a) for n, long, a in c.listdir("d")}
    t.equal(sorted(set(got) - {b".", b".."}),
            sorted(names + [b"link", b"sub"]), "READDIR gives each name")
    for n in names:
        if content(b"d/" + n) != n or c.bytes_of(b"d/" + n) != n:
            t.ok(False, "contents of %r" % n)
    t.ok(stat.S_ISLNK(got[b"link"][1]["mode"]), "READDIR follows no link")
    t.ok(stat.S_ISDIR(got[b"sub"][1]["mode"]), "READDIR tells directories")
    line = got[b"-x"][0].split()
    t.ok(line[0] == b"-rw-r--r--" and line[4] == b"2" and line[-1] == b"-x",
         "READDIR's long name is as ls -l prints", line)
    t.ok(got[b"sub"][0].startswith(b"drwx") and
         got[b"link"][0].startswith(b"lrwx"), "it knows kinds")
    os.mkdir("many")
    for i in range(1000):
        open("many/%04d" % i, "w").close()
    t.equal(len(c.listdir("many")), 1002, "READDIR of 1000 names")
    h = c.opendir("d")
    t.fails(REFUSED, "READ of a directory", c.read, h, 0, 1)
    t.fails(REFUSED, "WRITE to a directory", c.write, h, 0,
            b"x")
    if ours(c):
        t.works("FSTAT of a directory", c.fstat, h)
    c.close(h)
    t.fails(BAD, "READDIR of a closed handle", c.readdir, h)
    t.fails(NO_SUCH_FILE, "OPENDIR of nothing", c.opendir, "none")
    t.fails((FAILURE, NO_SUCH_FILE), "OPENDIR of a file", c.opendir, "d/-x")
    t.fails((FAILURE, PERMISSION_DENIED), "OPEN of a directory to write",
            c.open, "d", W)
    t.fails(FAILURE, "RMDIR of a full one", c.rmdir, "d")
    t.fails((FAILURE, NO_SUCH_FILE), "RMDIR of a file", c.rmdir, "d/-x")
    t.fails((FAILURE, PERMISSION_DENIED), "REMOVE of a directory",
            c.remove, "d/sub")
    c.rmdir("d/sub")
    c.remove("d/link")
    for n in names:
        c.remove(b"d/" + n)
    c.rmdir("d")
    t.ok(not os.path.exists("d"), "REMOVE and RMDIR")
    t.fails(NO_SUCH_FILE, "REMOVE of nothing", c.remove, "none")
    t.fails(NO_SUCH_FILE, "RMDIR of nothing", c.rmdir, "none")


def paths(c):
    os.makedirs("p/q")
    there("p/f", b"F")
    R_ = os.path.realpath(B)
    os.symlink("q", "p/l")
    for path, want in ((".", R_), ("", R_), ("p/q/../f", R_ + b"/p/f"),
                       ("p/l", R_ + b"/p/q"), ("/", b"/"),
                       ("p//q/.", R_ + b"/p/q"),
                       ("p/none", R_ + b"/p/none"), ("/..", b"/")):
        t.equal(t.works("REALPATH %r" % path, c.realpath, path), want,
                "REALPATH %r is right" % path)
    c.symlink("../t a\nrget", "p/s")
    t.equal(os.readlink("p/s"), "../t a\nrget", "SYMLINK")
    t.equal(c.readlink("p/s"), b"../t a\nrget", "READLINK")
    t.fails(BAD, "READLINK of a file", c.readlink, "p/f")
    t.fails(FAILURE, "SYMLINK where something is", c.symlink, "x", "p/f")
    there("o1", b"1")
    there("o2", b"2")
    t.fails(FAILURE, "RENAME does not replace", c.rename, "o1", "o2")
    t.equal(content("o2"), b"2", "and leaves what was there")
    c.rename("o1", "o3")
    t.equal((content("o3"), os.path.exists("o1")), (b"1", False), "RENAME")
    c.rename("p", "p2")
    t.ok(os.path.isdir("p2/q"), "RENAME of a directory")
    os.mkdir("p3")
    t.fails(FAILURE, "RENAME of a directory on one", c.rename, "p2", "p3")
    c.rename("p2/s", "p2/s2")
    t.ok(os.path.islink("p2/s2"), "RENAME of a link that leads nowhere")
    t.fails(NO_SUCH_FILE, "RENAME of nothing", c.rename, "none", "o4")
    c.extended("posix-rename@openssh.com", s("o3") + s("o2")).ok()
    t.equal((content("o2"), os.path.exists("o3")), (b"1", False),
            "posix-rename replaces")
    t.fails(NO_SUCH_FILE, "posix-rename of nothing", lambda: c.extended(
        "posix-rename@openssh.com", s("none") + s("o2")).ok())
    c.extended("hardlink@openssh.com", s("o2") + s("o5")).ok()
    t.equal(os.stat("o5").st_nlink, 2, "hardlink")
    t.fails(FAILURE, "hardlink where something is", lambda: c.extended(
        "hardlink@openssh.com", s("o2") + s("o5")).ok())


def extensions(c):
    there("x", b"x" * 1000)
    os.symlink("x", "x-link")
    os.symlink("none", "dangling")
    v = os.statvfs(".")
    for name, arg in (("statvfs@openssh.com", s("x")),
                      ("fstatvfs@openssh.com", s(c.open("x")))):
        r = c.extended(name, arg).want(EXTENDED_REPLY)
        got = [r.u64() for _ in range(11)]
        r.end(0)
        t.equal((got[0], got[1], got[2], got[5], got[10]),
                (v.f_bsize, v.f_frsize, v.f_blocks, v.f_files, v.f_namemax),
                name)
        t.ok(got[9] & ~3 == 0, name + ": only flags that it has")
    t.fails(NO_SUCH_FILE, "statvfs of nothing", lambda: c.extended(
        "statvfs@openssh.com", s("none")).want(EXTENDED_REPLY))
    t.fails(BAD, "fstatvfs of no handle", lambda: c.extended(
        "fstatvfs@openssh.com", s("none")).want(EXTENDED_REPLY))
    h = c.open("x", R | W)
    c.extended("fsync@openssh.com", s(h)).ok()
    t.ok(True, "fsync")
    t.fails(BAD, "fsync of no handle", lambda: c.extended(
        "fsync@openssh.com", s("none")).ok())
    c.close(h)
    c.extended("lsetstat@openssh.com", s("x-link") +
               attrs(atime=11, mtime=12)).ok()
    t.equal((os.lstat("x-link").st_mtime, os.stat("x").st_mtime == 12),
            (12, False), "lsetstat times of a link itself")
    c.extended("lsetstat@openssh.com", s("dangling") +
               attrs(uid=os.getuid(), gid=os.getgid(), mtime=13)).ok()
    t.equal(os.lstat("dangling").st_mtime, 13, "lsetstat of one to nowhere")
    c.extended("lsetstat@openssh.com", s("x") + attrs(mode=0o604)).ok()
    t.equal(mode("x"), 0o604, "lsetstat permissions of a file")
    r = c.extended("limits@openssh.com").want(EXTENDED_REPLY)
    lim = [r.u64() for _ in range(4)]
    r.end(0)
    t.ok(lim[0] >= 34000 and 32768 <= lim[1] <= lim[0] and
         32768 <= lim[2] <= lim[0] and lim[3] > 0, "limits", lim)
    home = pwd.getpwuid(os.getuid())
    here = os.path.realpath(B)
    for path, want in (("~", here), ("~/x", here + b"/x"),
                       ("~%s/x" % home.pw_name,
                        os.fsencode(os.path.realpath(home.pw_dir)) + b"/x"),
                       ("x", here + b"/x"), ("", here), ("/", b"/")):
        got = c._name(c.extended("expand-path@openssh.com", s(path)))
        t.ok(got == want or path.startswith("~") and
             got == want.replace(here, os.fsencode(home.pw_dir)),
             "expand-path %r" % path, got, want)
    t.fails(BAD, "expand-path of no user", lambda: c._name(c.extended(
        "expand-path@openssh.com", s("~no-such-user-here/x"))))
    t.equal(c._name(c.extended("home-directory", s(home.pw_name))),
            os.fsencode(home.pw_dir), "home-directory")
    t.fails(BAD, "home-directory of nobody", lambda: c._name(c.extended(
        "home-directory", s("no-such-user-here"))))
    r = c.extended("users-groups-by-id@openssh.com", s(
        u32(os.getuid()) + u32(3999999999)) + s(u32(0) + u32(os.getgid())))
    r.want(EXTENDED_REPLY)
    users, groups = Reader(r.s()), Reader(r.s())
    r.end(0)
    t.equal([users.s() for _ in range(2)] + [groups.s() for _ in range(2)],
            [home.pw_name.encode(), b"", grp.getgrgid(0).gr_name.encode(),
             grp.getgrgid(os.getgid()).gr_name.encode()],
            "users-groups-by-id")
    t.equal((users.left(), groups.left()), (0, 0), "one name for each id")
    r = c.extended("users-groups-by-id@openssh.com", s("") + s(""))
    t.equal(r.want(EXTENDED_REPLY).rest(), s("") + s(""), "and none for none")


def copy_data(c):
    data = os.urandom(200000)
    there("c1", data)

    def copy(off, n, to, name="c2", **kw):
        r, w = c.open("c1"), c.open(name, W | CREAT)
        try:
            c.extended("copy-data", s(r) + u64(off) + u64(n) + s(w) +
                       u64(to)).ok()
        finally:
            c.close(r)
            c.close(w)
        return content(name)
    t.equal(copy(0, 0, 0), data, "copy-data, whole")
    t.equal(copy(100, 1000, 5, "c3"), b"\0" * 5 + data[100:1100],
            "copy-data, a part")
    t.equal(copy(150000, 0, 0, "c4"), data[150000:], "copy-data to the end")
    try:
        copy(199990, 100, 0, "c5")
    except Fx as e:
        t.equal(e.code, EOF, "copy-data of more than there is")
    t.equal(content("c5"), data[199990:],
            "copy-data of more than there is gives what there is")
    h = c.open("c1", R | W)
    t.fails(FAILURE, "copy-data onto itself", lambda: c.extended(
        "copy-data", s(h) + u64(0) + u64(100) + s(h) + u64(50)).ok())
    t.fails(BAD, "copy-data to no handle", lambda: c.extended(
        "copy-data", s(h) + u64(0) + u64(10) + s("no") + u64(100)).ok())
    c.close(h)


def check_file(c):
    data = os.urandom(5000)
    there("h", data)

    def check(name, what, algorithms, off=0, n=0, block=0):
        r = c.extended(name, s(what) + s(algorithms) + u64(off) + u64(n) +
                       u32(block)).want(EXTENDED_REPLY)
        t.equal(r.s(), b"check-file", "%s %s: its name" % (name, algorithms))
        used = r.s().decode()
        return used, r.rest()
    h = c.open("h")
    for a in ("sha256", "sha512", "sha384", "sha224", "sha1", "md5"):
        t.equal(check("check-file-name", "h", a),
                (a, hashlib.new(a, data).digest()), "check-file-name " + a)
        t.equal(check("check-file-handle", h, a),
                (a, hashlib.new(a, data).digest()), "check-file-handle " + a)
    t.equal(check("check-file", h, "sha256"),
            ("sha256", hashlib.sha256(data).digest()), "check-file")
    t.equal(check("check-file-name", "h", "crc9,sha1,sha256")[0], "sha1",
            "the first algorithm that it knows is used")
    for off, n, block in ((0, 0, 1000), (100, 0, 256), (0, 4096, 1024),
                          (0, 1000, 0), (4990, 100, 0), (100, 1000, 256),
                          (5000, 0, 256)):
        part = data[off:off + n] if n else data[off:]
        want = b"".join(hashlib.sha256(part[i:i + block]).digest()
                        for i in range(0, len(part), block)) if block \
            else hashlib.sha256(part).digest()
        try:
            got = check("check-file-handle", h, "sha256", off, n, block)[1]
        except Fx as e:
            got = e
        t.equal(got, want, "check-file %d+%d by %d" % (off, n, block))
    for text, arg in (
            ("a block of 255", s(h) + s("md5") + u64(0) + u64(0) + u32(255)),
            ("no algorithm that is known",
             s(h) + s("crc9") + u64(0) + u64(0) + u32(0)),
            ("no algorithm", s(h) + s("") + u64(0) + u64(0) + u32(0)),
            ("no handle", s("no") + s("md5") + u64(0) + u64(0) + u32(0))):
        t.fails(BAD, "check-file with " + text, lambda: c.extended(
            "check-file-handle", arg).want(EXTENDED_REPLY))
    c.close(h)
    with open("h2", "wb") as f:
        f.truncate(1025 * 256)
    t.fails(FAILURE, "more than 1024 hashes", lambda: check(
        "check-file-name", "h2", "sha256", 0, 0, 256))
    t.equal(len(check("check-file-name", "h2", "sha256", 256, 0, 256)[1]),
            32 * 1024, "1024 hashes")
    os.mkfifo("fifo")
    t.fails(BAD, "check-file of a fifo is not waited for", lambda: check(
        "check-file-name", "fifo", "sha256"))
    t.fails(BAD, "check-file of a directory", lambda: check(
        "check-file-name", ".", "sha256"))


def get_put(c):
    ext = "get-file@omniedge.io"
    data = os.urandom(100000)
    there("g", data, 0o640)
    os.symlink("g", "g-link")

    def get(path, most=131072, flags=0):
        r = c.extended(ext, s(path) + u32(most) + u32(flags))
        r.want(EXTENDED_REPLY)
        a = r.attrs()
        return a, r.end(r.s())
    a, got = get("g")
    t.equal(got, data, "get-file")
    t.equal(a, c.stat("g"), "get-file: attributes")
    t.equal(get("g-link")[1], data, "get-file follows a link")
    t.fails(REFUSED, "but not with flag 1", get, "g-link",
            131072, 1)
    a, got = get("g", 99999)
    t.equal((a["size"], got), (100000, b""), "get-file of a larger one")
    t.equal(get("g", 100000)[1], data, "get-file of one that just fits")
    there("g0", b"")
    t.equal(get("g0")[1], b"", "get-file of an empty one")
    t.fails(NO_SUCH_FILE, "get-file of nothing", get, "none")
    os.mkfifo("g-fifo")
    for what in (".", "g-fifo"):
        t.fails(FAILURE, "get-file of %s" % what, get, what)
    with open("g1", "wb") as f:
        f.truncate(131073)
    t.equal(get("g1", 1 << 30)[1], b"", "get-file of 128 KiB and one")
    ext2 = "put-file@omniedge.io"

    def put(path, data, flags=0, **a):
        return c.extended(ext2, s(path) + u32(flags) + attrs(**a) +
                          s(data)).ok()
    put("n1", data)
    t.equal(content("n1"), data, "put-file")
    t.equal(mode("n1"), 0o644, "put-file: permissions as by OPEN")
    t.fails(FAILURE, "put-file does not replace", put, "n1", b"x")
    t.equal(content("n1"), data, "and what was there is whole")
    put("n1", b"x", 1)
    t.equal(content("n1"), b"x", "put-file with flag 1 does")
    put("n2", b"", 2)
    t.equal(content("n2"), b"", "put-file of an empty file, on disk")
    put("n3", b"y", 4, mtime=1234567, atime=99)
    t.equal(os.stat("n3").st_mtime, 1234567, "put-file: times")
    put("n4", b"y", 8, mode=0o666)
    t.equal(mode("n4"), 0o666, "put-file: permissions exactly")
    put("n5", b"y", 0, mode=0o666)
    t.equal(mode("n5"), 0o644, "put-file: permissions and umask")
    put("n6", b"y", 15, mode=0o600, mtime=5)
    t.equal((mode("n6"), os.stat("n6").st_mtime), (0o600, 5),
            "put-file: all flags")
    os.symlink("n6", "n-link")
    t.fails(FAILURE, "put-file on a link without flag 1", put, "n-link", b"z")
    put("n-link", b"z", 1)
    t.equal((content("n6"), content("n-link")), (b"y", b"z"),
            "put-file replaces a link, not what it points to")
    t.fails(NO_SUCH_FILE, "put-file below nothing", put, "no/no", b"x")
    os.mkdir("n-dir")
    t.fails(REFUSED, "put-file on a directory", put,
            "n-dir", b"x", 1)
    t.fails(BAD, "put-file of too much", put, "n7", b"x" * 131073)
    put("n8", b"x" * 131072)
    t.equal(os.stat("n8").st_size, 131072, "put-file of 128 KiB")
    os.mkdir("b")
    c.raw(b"".join(c.make(EXTENDED, s(ext2) + s("b/%d" % i) + u32(2) +
                          attrs() + s(b"%d" % i), 5000 + i)
                   for i in range(300)) + c.make(STAT, s("b/299"), 6000))
    seen = {}
    for _ in range(301):
        r = c.reply()
        seen[r.id] = r.code()[0] if r.type == STATUS else r.type
    t.equal(seen.pop(6000), ATTRS, "STAT after 300 put-file sees the last")
    t.equal(sorted(seen), list(range(5000, 5300)), "each has its answer")
    t.equal(set(seen.values()), {OK}, "and is OK")
    t.equal(sorted(os.listdir("b"), key=int),
            [str(i) for i in range(300)], "and its file, and no other")
    left = [n for n in os.listdir(".") if n.startswith(".")]
    t.equal(left, [], "no other file is left")


def extents(c):
    with open("sparse", "wb") as f:
        f.truncate(64 << 20)
        for at in (1 << 20, 33 << 20):
            f.seek(at)
            f.write(b"d" * 65536)

    def ask(h, off):
        r = c.extended("extents@omniedge.io", s(h) + u64(off))
        r.want(EXTENDED_REPLY)
        last = r.u8()
        got = [(r.u64(), r.u64()) for _ in range(r.u32())]
        return r.end((last, got))
    h = c.open("sparse")
    last, got = ask(h, 0)
    want, at, fd = [], 0, os.open("sparse", os.O_RDONLY)
    while True:
        try:
            a = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        at = os.lseek(fd, a, os.SEEK_HOLE)
        want.append((a, at - a))
    os.close(fd)
    t.equal((last, got), (1, want), "extents of a file with holes")
    t.equal(ask(h, 40 << 20), (1, []), "extents behind the last data")
    t.equal(ask(h, 1 << 40), (1, []), "extents behind the end")
    c.close(h)
    there("empty", b"")
    h = c.open("empty")
    t.equal(ask(h, 0), (1, []), "extents of an empty file")
    c.close(h)
    t.fails(BAD, "extents of no handle", ask, "no", 0)
    with open("many-holes", "wb") as f:
        for i in range(1500):
            f.seek(i * 65536)
            f.write(b"x")
    h, all_, at, last = c.open("many-holes"), [], 0, 0
    while not last:
        last, got = ask(h, at)
        if not got:
            break
        t.ok(len(got) <= 1024, "at most 1024 extents")
        all_ += got
        at = got[-1][0] + got[-1][1]
    t.equal(sum(n for _, n in all_) >= 1500, True, "extents of many holes")
    t.equal((last, all_ == sorted(all_)), (1, True), "in order, to the last")
    c.close(h)


def unknown(c):
    t.fails(OP_UNSUPPORTED, "an extension that nobody has",
            lambda: c.extended("none@example.org", b"abc").ok())
    for kind in (0, 21, 50, 99, 106, 199, 202, 255):
        t.fails((OP_UNSUPPORTED, BAD_MESSAGE, FAILURE), "type %d" % kind,
                lambda: c.call(kind, b"").ok())
    t.equal(c.realpath("/"), b"/", "it goes on after those")


os.umask(0o022)
with Sftp(argv) as c:
    steps = [version, files, reading, attributes, folders, paths, extensions,
             copy_data]
    if ours(c):
        steps += [check_file, get_put, extents, unknown]
    for i, step in enumerate(steps):
        t.prefix = step.__name__ + ": "
        try:
            step(c)
        except Exception as e:
            import traceback
            t.ok(False, "goes to its end", repr(e),
                 *traceback.format_exc().splitlines()[-8:])
            if c.p.poll() is not None or isinstance(e, (Bad, TimeoutError)):
                c.kill()
                c = Sftp(argv)
    t.prefix = ""
    t.equal(c.shut(), 0, "end of input: it exits with 0")
