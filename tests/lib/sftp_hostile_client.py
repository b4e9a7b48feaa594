# SPDX-License-Identifier: Apache-2.0
"""sftp_hostile_client.py GROUP FOLDER OMNIEDGE: what a client may send to hurt
our sftp-server.  Groups: packets, bounds, mutate, rules, escape."""
import os
import random
import resource
import shutil
import stat
import sys
import tempfile
import threading
import time

from sftpraw import *

group, folder, omniedge = sys.argv[1:4]
SERVER = [omniedge, "sftp-server"]
t = Results(group + ": ")
SANITIZED = b"__asan_init" in open(omniedge, "rb").read()
ERR = open(folder + ".err", "a+b")
CLEAN = (0, 1, 255)
os.umask(0o022)
os.makedirs(folder)
os.chdir(folder)


def start(*options, init=True, cwd=None, **kw):
    return Sftp(SERVER + list(options), init=init, cwd=cwd or folder,
                stderr=ERR, **kw)


def crashed():
    ERR.seek(0)
    text = ERR.read()
    return b"Sanitizer" in text or b"runtime error" in text


def clean_end(c, text, status=CLEAN):
    """The server is to end by itself, without a crash."""
    try:
        got = c.ended()
    except Exception as e:
        got = repr(e)
    c.kill()
    return t.ok(got in status and not crashed(), text + ": a clean end", got)


def write(name, data=b"data"):
    with open(name, "wb") as f:
        f.write(data)


def samples(h=b"h", d=b"d"):
    """Each request, valid for a folder with "f", "g" and "dir"."""
    x = s("g") + u64(0) + u32(0)
    yield "OPEN", OPEN, s("f") + u32(R) + attrs()
    yield "OPEN w", OPEN, s("new") + u32(W | CREAT | TRUNC) + attrs(
        mode=0o600)
    yield "CLOSE", CLOSE, s(h)
    yield "READ", READ, s(h) + u64(0) + u32(10)
    yield "WRITE", WRITE, s(h) + u64(0) + s("abc")
    for name, kind in (("LSTAT", LSTAT), ("STAT", STAT),
                       ("OPENDIR", OPENDIR), ("REALPATH", REALPATH),
                       ("REMOVE", REMOVE), ("RMDIR", RMDIR),
                       ("READLINK", READLINK)):
        yield name, kind, s({"OPENDIR": "dir", "REMOVE": "rm",
                             "RMDIR": "rmdir", "READLINK": "link"}
                            .get(name, "f"))
    yield "FSTAT", FSTAT, s(h)
    yield "READDIR", READDIR, s(d)
    a = attrs(size=4, uid=os.getuid(), gid=os.getgid(), mode=0o644, mtime=5,
              pairs=[("a", "b")])
    yield "SETSTAT", SETSTAT, s("f") + a
    yield "FSETSTAT", FSETSTAT, s(h) + a
    yield "MKDIR", MKDIR, s("mk") + attrs(mode=0o700)
    yield "RENAME", RENAME, s("ren1") + s("ren2")
    yield "SYMLINK", SYMLINK, s("f") + s("sl")

    def ext(name, body, short=None):
        return name.split("@")[0], EXTENDED, s(name) + body
    yield ext("posix-rename@openssh.com", s("ren3") + s("ren4"))
    yield ext("statvfs@openssh.com", s("f"))
    yield ext("fstatvfs@openssh.com", s(h))
    yield ext("hardlink@openssh.com", s("f") + s("hl"))
    yield ext("fsync@openssh.com", s(h))
    yield ext("lsetstat@openssh.com", s("link") + attrs(mtime=5))
    yield ext("expand-path@openssh.com", s("~/x"))
    yield ext("copy-data", s(h) + u64(0) + u64(2) + s(h) + u64(5))
    yield ext("home-directory", s("root"))
    yield ext("users-groups-by-id@openssh.com", s(u32(0)) + s(u32(0)))
    body = s("sha256") + u64(0) + u64(0) + u32(0)
    yield ext("check-file", s(h) + body)
    yield ext("check-file-handle", s(h) + body)
    yield ext("check-file-name", s("f") + body)
    yield ext("get-file@omniedge.io", s("f") + u32(1000) + u32(0))
    yield ext("put-file@omniedge.io", s("pf") + u32(15) +
              attrs(mode=0o600, mtime=5) + s("data"))
    yield ext("extents@omniedge.io", s(h) + u64(0))
    yield ext("limits@openssh.com", b"")


def scene():
    for n in ("f", "g", "rm", "ren1", "ren3"):
        write(n)
    for n in ("dir", "rmdir"):
        os.makedirs(n, exist_ok=True)
    if not os.path.islink("link"):
        os.symlink("f", "link")
    for n in ("new", "ren2", "ren4", "sl", "hl", "pf"):
        if os.path.lexists(n):
            os.unlink(n)
    if os.path.isdir("mk"):
        os.rmdir("mk")


def fresh(top):
    """An empty folder, whatever requests made of the one before."""
    os.chdir(folder)
    if os.path.lexists(top):
        os.chmod(top, 0o700)
        for d, ds, _ in os.walk(top):
            for n in ds:
                if not os.path.islink(os.path.join(d, n)):
                    os.chmod(os.path.join(d, n), 0o700)
        shutil.rmtree(top)
    os.mkdir(top)
    os.chdir(top)


# --- packets -----------------------------------------------------------------


def lengths():
    for n in (0, PACKET_MAX + 1, 0x7fffffff, 0x80000000, 0xffffffff):
        c = start()
        c.raw(u32(n) + b"x" * 100)
        clean_end(c, "length %d" % n)
    for n in (1, 2, 4):
        c = start()
        c.raw(u32(n) + b"\x05\0\0\0"[:n] + c.make(REALPATH, s("/")))
        clean_end(c, "length %d, no id" % n) if c_ended(c) else c.kill()
    for junk in (b"", b"\0", b"\0\0\0\x09\x11", b"\0\0\xff\xff" + b"x" * 999):
        c = start()
        c.raw(junk)
        c.p.stdin.close()
        clean_end(c, "end of input after %r" % junk[:8])
    for first, text in ((u32(5) + u8(INIT) + u32(3), "INIT"),
                        (u32(9) + u8(STAT) + u32(1) + s(""), "a request"),
                        (u32(1) + u8(INIT), "a short INIT"),
                        (u32(5) + u8(VERSION) + u32(3), "VERSION")):
        c = start(init=text == "INIT")
        c.raw(first)
        clean_end(c, "%s %s" % ("a second" if text == "INIT" else
                                "first comes", text))
    c = start(init=False)
    c.raw(u32(5 + 8 + 9) + u8(INIT) + u32(77) + s("a@b.") + s("value"))
    r = Reader(c.packet())
    t.equal((r.u8(), r.u32()), (VERSION, 3), "INIT of a later version")
    t.equal(c.shut(), 0, "and the end")
    c.kill()


def c_ended(c):
    try:
        r = c.reply()
        t.ok(True, "a packet without an id: goes on")
        return False
    except Exception:
        return True


def truncated():
    scene()
    c = start()
    sent = 0
    for name, kind, body in samples(c.open("f", R | W), c.opendir("dir")):
        for n in range(len(body)):
            # what is cut where a field ends may be a request still
            sent += 1
            try:
                r = c.call(kind, body[:n])
                if r.type == STATUS:
                    r.code()
            except Exception as e:
                t.ok(False, "%s cut at %d" % (name, n), repr(e))
                c.kill()
                c = start()
                break
    t.ok(c.realpath("/") == b"/" and not crashed(),
         "%d requests cut short: each has an answer" % sent)
    for name, kind, body in samples(c.open("f", R | W), c.opendir("dir")):
        c.call(kind, body + b"trailing")
    t.ok(not crashed(), "bytes behind a request")
    t.equal(c.shut(), 0, "and it ends")
    c.kill()


def odd_fields():
    scene()
    c = start()
    f, d = c.open("f", R | W), c.opendir("dir")
    gone = c.open("f")
    c.close(gone)
    other = {"of a directory": d, "of a file": f, "closed": gone,
             "empty": b"", "long": b"x" * 5000, "of zeros": b"\0" * len(f),
             "of ones": b"\xff" * len(f), "half": f[:-1], "more": f + b"x",
             "next": f[:-1] + bytes([f[-1] + 9 & 0xff])}
    for text, h in other.items():
        for (name, kind, body), (_, _, without) in zip(samples(h, h),
                                                       samples(b"?", b"?")):
            if body != without:
                if name == "CLOSE" and h in (d, f):
                    continue
                r = c.call(kind, body)
                bad = text not in ("of a directory", "of a file")
                if r.type == STATUS:
                    code = r.code()[0]
                    t.ok(code != OK or not bad, "%s, handle %s: %d" %
                         (name, text, code))
                else:
                    t.ok(not bad, "%s, handle %s" % (name, text))
    for pairs in (0xffffffff, 0x10000, 65, 2):
        r = c.call(SETSTAT, s("f") + u32(A_EXT) + u32(pairs) + s("a") + s("b"))
        t.ok(r.code()[0] != OK, "ATTRS with %d pairs told, one there" % pairs)
    r = c.call(SETSTAT, s("f") + u32(A_EXT) + u32(1) + u32(0xffffffff))
    t.ok(r.code()[0] != OK, "ATTRS with a pair of 4 GB")
    r = c.call(SETSTAT, s("f") + u32(0xffffffff) + u64(1) * 4)
    t.ok(r.type == STATUS, "ATTRS with all flags")
    for name in (b"a\0b", b"\0", b"f\0", b"x" * 256, b"x" * 4097, b"x" * 9999,
                 b"a/" * 2500, b"./" * 2000 + b"f", b"x" * 200000):
        for what, kind, body in (
                ("STAT", STAT, s(name)), ("LSTAT", LSTAT, s(name)),
                ("OPEN", OPEN, s(name) + u32(W | CREAT) + attrs()),
                ("OPENDIR", OPENDIR, s(name)), ("MKDIR", MKDIR,
                                                s(name) + attrs()),
                ("REMOVE", REMOVE, s(name)),
                ("RMDIR", RMDIR, s(name)),
                ("READLINK", READLINK, s(name)),
                ("RENAME", RENAME, s("f") + s(name)),
                ("SYMLINK", SYMLINK, s("f") + s(name)),
                ("SYMLINK to", SYMLINK, s(name) + s("sl2")),
                ("put", EXTENDED, s("put-file@omniedge.io") + s(name) +
                 u32(1) + attrs() + s("x")),
                ("get", EXTENDED, s("get-file@omniedge.io") + s(name) +
                 u32(10) + u32(0))):
            r = c.call(kind, body)
            if b"\0" in name or len(name) >= 4097:
                t.ok(r.type == STATUS and r.code()[0] != OK,
                     "%s of a name %r... (%d)" % (what, name[:5], len(name)))
            if os.path.lexists("sl2"):
                os.unlink("sl2")
        scene()
    t.ok(os.path.exists("f") and not os.path.lexists("a"),
         "a NUL does not cut a name")
    # a ':' user list, ids that are not whole
    for body in (s(b"\0\0\0") + s(b""), s(b"") + s(b"\0"),
                 s(u32(0) * 30000) + s(b"")):
        c.call(EXTENDED, s("users-groups-by-id@openssh.com") + body)
    t.ok(c.realpath("/") == b"/" and not crashed(), "it goes on")
    c.kill()


def numbers():
    scene()
    c = start()
    h, g = c.open("f", R | W), c.open("g", R | W)
    big = (1 << 63, (1 << 64) - 1, (1 << 63) - 1, (1 << 63) - 4)
    for off in big:
        for name, kind, body in (
                ("READ", READ, s(h) + u64(off) + u32(100)),
                ("WRITE", WRITE, s(h) + u64(off) + s(b"x" * 100)),
                ("FSETSTAT", FSETSTAT, s(h) + attrs(size=off)),
                ("copy-data from", EXTENDED, s("copy-data") + s(h) +
                 u64(off) + u64(10) + s(g) + u64(0)),
                ("copy-data to", EXTENDED, s("copy-data") + s(h) +
                 u64(0) + u64(4) + s(g) + u64(off)),
                ("extents", EXTENDED, s("extents@omniedge.io") + s(h) +
                 u64(off)),
                ("check-file at", EXTENDED, s("check-file-handle") + s(h) +
                 s("md5") + u64(off) + u64(off) + u32(0)),
                ("check-file of", EXTENDED, s("check-file-handle") + s(h) +
                 s("md5") + u64(1) + u64(off) + u32(256))):
            r = c.call(kind, body)
            if name in ("WRITE", "FSETSTAT", "copy-data to") and off != 0:
                t.ok(r.code()[0] != OK, "%s at %x is refused" % (name, off))
    t.ok(os.stat("f").st_size < 100, "nothing was made large")
    r = c.call(READ, s(h) + u64(0) + u32(0xffffffff))
    t.equal(r.want(DATA).s(), b"data", "READ of 4 GB")
    r = c.call(EXTENDED, s("get-file@omniedge.io") + s("f") +
               u32(0xffffffff) + u32(0))
    r.attrs()
    t.equal(r.s(), b"data", "get-file of up to 4 GB")
    # hours of hashing must not be had for one packet
    with open("huge", "wb") as f:
        f.truncate(1 << 42)
    until = time.monotonic()
    r = c.call(EXTENDED, s("check-file-name") + s("huge") + s("sha256") +
               u64(0) + u64(1 << 42) + u32(256))
    t.ok(r.code()[0] != OK and time.monotonic() - until < 5,
         "check-file by blocks of a huge file is refused at once")
    os.unlink("huge")
    t.ok(c.realpath("/") == b"/" and not crashed(), "it goes on")
    c.kill()


# --- bounds ------------------------------------------------------------------


def handles():
    scene()
    c = start()
    r = c.extended("limits@openssh.com").want(EXTENDED_REPLY)
    most = [r.u64() for _ in range(4)][3]
    n, had = 0, []
    c.raw(b"".join(c.make(OPEN, s("f") + u32(R) + attrs(), i)
                   for i in range(5000)))
    for _ in range(5000):
        r = c.reply()
        if r.type == HANDLE:
            had.append(r.s())
        else:
            n += 1
            r.code()
    t.ok(16 <= len(had) <= most and len(set(had)) == len(had),
         "5000 OPEN: %d handles of at most %d" % (len(had), most))
    t.ok(n == 5000 - len(had), "the others have a STATUS")
    t.works("REALPATH still works", c.realpath, "/")
    t.works("STAT still works", c.stat, "f")
    for h in had[::2]:
        c.close(h)
    t.works("after CLOSE there are handles again", c.opendir, "dir")
    t.works("for files too", c.open, "g")
    t.works("and their data", c.read, had[1], 0, 10)
    ok = [c.call(EXTENDED, s("put-file@omniedge.io") + s("pf") + u32(3) +
                 attrs() + s("x")).code()[0] for _ in range(20)]
    t.equal(set(ok), {OK}, "put-file works beside them")
    t.equal(c.shut(), 0, "it ends")
    c.kill()


def never_read():
    """A client that sends and sends, and reads nothing."""
    data = os.urandom(1 << 20)
    write("big", data)
    for i in range(2000):
        write("dir/%0100d" % i)
    bound = 160000 if SANITIZED else 40000
    c = start(patience=30)
    h = c.open("big")
    for name, kind, body in (
            ("READ", READ, s(h) + u64(0) + u32(255 * 1024)),
            ("READDIR", READDIR, None),
            ("REALPATH", REALPATH, s("dir/" * 500)),
            ("get-file", EXTENDED, s("get-file@omniedge.io") + s("g") +
             u32(100000) + u32(0)),
            ("put-file", EXTENDED, s("put-file@omniedge.io") + s("pfx") +
             u32(3) + attrs() + s(b"x" * 60000))):
        before = c.rss_kib()[0]
        if name == "READDIR":
            ids = [c.opendir("dir") for _ in range(60)]
            packets = [c.make(READDIR, s(i), 9) for i in ids
                       for _ in range(40)]
        else:
            packets = [c.make(kind, body, 9)] * 3000
        b = memoryview(b"".join(packets))
        total, sent, quiet = len(b), 0, time.monotonic()
        while sent < total and time.monotonic() - quiet < 0.4:
            if select.select([], [c.out], [], 0.1)[1]:
                sent += os.write(c.out, b[sent:sent + 65536])
                quiet = time.monotonic()
        now = c.rss_kib()[0]
        t.ok(now - before < bound, "%s unread: %d KiB more" %
             (name, now - before))
        got = 0
        c.patience = 60
        while got < len(packets):
            if sent < total and select.select([], [c.out], [], 0)[1]:
                sent += os.write(c.out, b[sent:sent + 65536])
            if c.buf or select.select([c.inp], [], [], 0.05)[0]:
                c.reply()
                got += 1
        t.equal(got, len(packets), "%s: and then each has its answer" % name)
        for i in ids if name == "READDIR" else []:
            c.close(i)
    peak = c.rss_kib()[1]
    t.ok(peak < (400000 if SANITIZED else 64 * 1024),
         "its memory was at most %d KiB" % peak)
    t.ok(not crashed(), "no crash")
    # gone without reading
    c.raw(b"".join(c.make(READ, s(h) + u64(0) + u32(255 * 1024), 9)
                   for _ in range(20)), read=False)
    c.p.stdout.close()
    c.p.stdin.close()
    try:
        t.ok(c.p.wait(20) in CLEAN and not crashed(),
             "a client that is gone ends it")
    except Exception as e:
        t.ok(False, "a client that is gone ends it", repr(e))
    shutil.rmtree("dir")
    c.kill()


def garbage():
    rnd = random.Random(7)
    c = start("--root", folder)
    b = b""
    n = 0
    for i in range(3000):
        body = rnd.randbytes(rnd.randrange(0, 60))
        b += c.make(rnd.choice((3, 5, 6, 7, 9, 11, 12, 16, 17, 19, 20, 200,
                                99, 150)), body, i)
        n += 1
    c.raw(b)
    try:
        seen = [c.reply().id for _ in range(n)]
        t.equal(sorted(seen), list(range(n)), "3000 packets of garbage: "
                "each has its answer")
    except Exception as e:
        t.ok(False, "3000 packets of garbage", repr(e))
    t.ok(not crashed(), "no crash")
    c.kill()


# --- mutate ------------------------------------------------------------------


def mutate():
    batches = int(os.environ.get("OE_MUTATE", "400"))
    seed = int(os.environ.get("OE_SEED", "1"))
    rnd = random.Random(seed)
    # a file that SETSTAT made of 16 TB may be hashed, but not in this test
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))
    top = os.path.join(folder, "m")
    c, rounds, ends = None, 0, {}
    for _ in range(batches):
        if c is None:
            fresh(top)
            scene()
            c = start("--root", top, cwd=top, patience=15, xfsz=True)
            h, d = c.open("f", R | W), c.opendir("dir")
            base = list(samples(h, d))
        b, lied = b"", False
        for i in range(60):
            _, kind, body = rnd.choice(base)
            p = bytearray(u8(kind) + u32(i) + body)
            for _ in range(rnd.choice((0, 1, 1, 2, 5))):
                what = rnd.randrange(4)
                at = rnd.randrange(min(len(p), 5 if rnd.random() < .9
                                       else 0), len(p) + 1)
                if what == 0 and at < len(p):
                    p[at] = rnd.choice((0, 1, 4, 127, 128, 255,
                                        rnd.randrange(256)))
                elif what == 1:
                    p[at:at] = rnd.randbytes(rnd.choice((1, 4, 40)))
                elif what == 2:
                    del p[at:at + rnd.choice((1, 4, 8))]
                elif len(p) > 9:
                    at = rnd.randrange(5, len(p) - 3)
                    p[at:at + 4] = rnd.choice(
                        (u32(0), u32(0xffffffff), u32(0x7fffffff),
                         u32(len(p)), u32(len(p) - at)))
            if not p:
                p = bytearray(b"\x05")
            n = len(p)
            if rnd.random() < 0.002:
                n, lied = rnd.choice((0, 1, n + 1, 0xffffffff)), True
            b += u32(n & 0xffffffff) + bytes(p)
        rounds += 60
        try:
            c.raw(b + c.make(REALPATH, s("/"), 0xfeedface))
            if lied:
                # a length told too large waits for what it swallows
                c.p.stdin.close()
            while True:
                r = c.packet()
                if r is None or r[1:5] == u32(0xfeedface):
                    break
            if r is None:
                raise BrokenPipeError
        except TimeoutError as e:
            t.ok(False, "hangs (seed %d)" % seed, repr(e))
            break
        except (Bad, OSError):
            try:
                code = c.p.wait(15)
            except Exception:
                code = "hangs"
            ends[code] = ends.get(code, 0) + 1
            c.kill()
            c = None
        if crashed():
            break
        if c and rnd.random() < .02:
            c.p.stdin.close()
            code = c.ended()
            ends[code] = ends.get(code, 0) + 1
            c.kill()
            c = None
    if c:
        c.kill()
    t.ok(not crashed(), "%d mutated packets: no crash (seed %d)" %
         (rounds, seed), repr(ends))
    t.ok(all(k in CLEAN for k in ends), "ends are clean: %r (seed %d)" %
         (ends, seed))
    os.chdir(folder)


# --- rules -------------------------------------------------------------------

READS = {"OPEN", "READ", "OPENDIR", "READDIR", "READLINK", "check-file",
         "check-file-handle", "check-file-name", "get-file", "extents"}
WRITES = {"OPEN w", "WRITE", "SETSTAT", "FSETSTAT", "REMOVE", "MKDIR",
          "RMDIR", "RENAME", "SYMLINK", "posix-rename", "hardlink",
          "lsetstat", "put-file", "fsync"}
BOTH = {"copy-data"}


def state():
    out = {}
    for d, ds, fs in os.walk("."):
        for n in ds + fs:
            st = os.lstat(os.path.join(d, n))
            out[os.path.join(d, n)] = (st.st_mode, st.st_size, st.st_mtime_ns,
                                       st.st_nlink, st.st_ino)
    return out


def table(option, refused):
    scene()
    c = start(option)
    h = d = b"none"
    if option == "--read-only":
        h, d = c.open("f"), c.opendir("dir")
    else:
        h = c.open("f", W)
    before = state()
    for name, kind, body in samples(h, d):
        if name in ("CLOSE",) or option == "--write-only" and \
                name == "READDIR":
            continue
        r = c.call(kind, body)
        code = r.code()[0] if r.type == STATUS else OK
        if name in refused or name in BOTH:
            t.equal(code, PERMISSION_DENIED, "%s: %s" % (option, name))
        elif option == "--read-only":
            t.ok(code in (OK, EOF), "%s: %s is done" % (option, name), code)
        else:
            t.ok(code != PERMISSION_DENIED, "%s: %s is not refused" %
                 (option, name), code)
    if option == "--read-only":
        for flags in (W, R | W, R | CREAT, R | TRUNC, R | CREAT | TRUNC,
                      W | APPEND, R | APPEND | CREAT, CREAT, TRUNC,
                      R | EXCL | CREAT):
            for n in ("f", "made"):
                r = c.call(OPEN, s(n) + u32(flags) + attrs(size=0))
                t.ok(r.type == STATUS and r.code()[0] != OK,
                     "%s: OPEN with flags %d" % (option, flags))
        t.equal(state(), before, "%s: nothing has changed" % option)
    else:
        for flags in (R, R | W, R | W | CREAT | TRUNC):
            t.fails(PERMISSION_DENIED, "%s: OPEN with flags %d" %
                    (option, flags), c.open, "f", flags)
    c.kill()


def rules():
    table("--read-only", WRITES)
    table("--write-only", READS)
    scene()
    for options, want in (
            (["-u", "027"], (0o640, 0o750)), (["-u", "0"], (0o666, 0o777)),
            (["-u", "777"], (0, 0)), ([], (0o644, 0o755))):
        for n in ("u1", "u3"):
            if os.path.lexists(n):
                os.unlink(n)
        if os.path.isdir("u2"):
            os.rmdir("u2")
        c = start(*options)
        c.close(c.open("u1", W | CREAT, attrs(mode=0o666)))
        c.mkdir("u2", mode=0o777)
        c.extended("put-file@omniedge.io", s("u3") + u32(0) +
                   attrs(mode=0o666) + s("x")).ok()
        t.equal(tuple(stat.S_IMODE(os.stat(n).st_mode)
                      for n in ("u1", "u2", "u3")),
                want + want[:1], "umask %s" % options)
        c.kill()
    c = start("-P", "remove,rename,posix-rename,check-file,put-file")
    for name, kind, body in samples(c.open("f", R | W), c.opendir("dir")):
        r = c.call(kind, body)
        code = r.code()[0] if r.type == STATUS else OK
        if name in ("REMOVE", "RENAME", "posix-rename", "put-file") or \
                name.startswith("check-file"):
            t.equal(code, PERMISSION_DENIED, "-P: %s" % name)
        elif name != "CLOSE":
            t.ok(code != PERMISSION_DENIED, "-P: %s is not refused" % name)
    c.kill()
    c = start("-p", "open,read,close,stat")
    h = c.open("f")
    t.equal(c.read(h, 0, 9), b"data", "-p: what is allowed works")
    t.equal(c.stat("f")["size"], 4, "-p: so does stat")
    for name, kind, body in samples(h, h):
        if name not in ("OPEN", "OPEN w", "CLOSE", "READ", "STAT"):
            r = c.call(kind, body)
            t.equal(r.code()[0] if r.type == STATUS else OK,
                    PERMISSION_DENIED, "-p: %s" % name)
    c.kill()
    for bad in (["-P", "no-such-request"], ["-u", "9"],
                ["--root", folder + "/none"], ["operand"], ["--no-such"]):
        c = start(*bad, init=False)
        c.p.stdin.close()
        got = c.ended()
        t.ok(got not in (0, -11, -6), "%s is refused: %d" % (bad, got))
        c.kill()
    t.ok(not crashed(), "no crash")


# --- escapes -----------------------------------------------------------------

SECRET = b"SECRET of outside"


def outside():
    out = {}
    for d, ds, fs in os.walk("outside"):
        for n in ["."] + ds + fs:
            p = os.path.join(d, n)
            st = os.lstat(p)
            data = open(p, "rb").read() if stat.S_ISREG(st.st_mode) else b""
            out[p] = (st.st_mode, st.st_size, st.st_mtime_ns, st.st_nlink,
                      st.st_uid, data)
    return out


def escape_scene():
    os.makedirs("root/sub/deep")
    os.makedirs("outside/dir")
    write("outside/secret", SECRET)
    write("outside/dir/secret", SECRET)
    write("root/inside", b"inside")
    write("root/sub/inside", b"inside")
    far = os.path.join(folder, "outside")
    for n, to in (("abs", far), ("abs-file", far + "/secret"),
                  ("rel", "../outside"), ("rel-file", "../outside/secret"),
                  ("chain", "rel"), ("up", ".."), ("sub/up2", "../.."),
                  ("proc", "/proc/self/cwd/../outside"), ("slash", "/"),
                  ("new-link", "../outside/new"), ("abs-new", far + "/new2")):
        os.symlink(to, "root/" + n)


def escapes():
    escape_scene()
    root, far = folder + "/root", folder + "/outside"
    before = outside()
    ways = ["../outside/secret", far + "/secret", "abs/secret", "abs-file",
            "rel/secret", "rel-file", "chain/secret", "up/outside/secret",
            "sub/up2/outside/secret", "sub/../../outside/secret",
            "sub/deep/../../../outside/secret", "slash" + far + "/secret",
            "proc/secret", "/proc/self/cwd/../outside/secret",
            "/proc/self/root" + far + "/secret", root + "/../outside/secret",
            root + "/rel/secret", "//" + far + "/secret",
            "./.././outside/./secret", "/../" + far + "/secret",
            "/etc/passwd", "/proc/self/environ", "/dev/../etc/passwd",
            root + "x/../outside/secret", "~/../outside/secret"]
    c = start("--root", root, cwd=root)
    leaks = []
    h = c.open("inside", R | W)
    for way in ways:
        folder_ = way.rsplit("/", 1)[0] if "/" in way else way
        new = folder_ + "/new-name" if "/" in way else "new-link"
        requests = [
            ("OPEN", OPEN, s(way) + u32(R) + attrs()),
            ("OPEN w", OPEN, s(way) + u32(W) + attrs()),
            ("OPEN trunc", OPEN, s(way) + u32(W | CREAT | TRUNC) + attrs()),
            ("OPEN new", OPEN, s(new) + u32(W | CREAT) + attrs()),
            ("OPENDIR", OPENDIR, s(folder_)),
            ("OPENDIR 2", OPENDIR, s(folder_ + "/dir")),
            ("STAT", STAT, s(way)),
            ("SETSTAT", SETSTAT, s(way) + attrs(mode=0o777, mtime=5)),
            ("SETSTAT size", SETSTAT, s(way) + attrs(size=0)),
            ("MKDIR", MKDIR, s(new) + attrs()),
            ("RMDIR", RMDIR, s(folder_ + "/dir")),
            ("RENAME out", RENAME, s("inside") + s(new)),
            ("SYMLINK", SYMLINK, s("x") + s(new)),
            ("posix-rename out", EXTENDED, s("posix-rename@openssh.com") +
             s("inside") + s(new)),
            ("statvfs", EXTENDED, s("statvfs@openssh.com") + s(way)),
            ("hardlink out", EXTENDED, s("hardlink@openssh.com") +
             s("inside") + s(new)),
            ("check-file", EXTENDED, s("check-file-name") + s(way) +
             s("md5") + u64(0) + u64(0) + u32(0)),
            ("get-file", EXTENDED, s("get-file@omniedge.io") + s(way) +
             u32(1000) + u32(0)),
            ("put-file", EXTENDED, s("put-file@omniedge.io") + s(new) +
             u32(1) + attrs() + s("x"))]
        if "/" in way:
            # of a link itself it may be done, that is inside
            requests += [
                ("LSTAT", LSTAT, s(way)), ("READLINK", READLINK, s(way)),
                ("REMOVE", REMOVE, s(way)),
                ("RENAME in", RENAME, s(way) + s("taken")),
                ("posix-rename in", EXTENDED,
                 s("posix-rename@openssh.com") + s(way) + s("taken")),
                ("posix-rename over", EXTENDED,
                 s("posix-rename@openssh.com") + s("inside") + s(way)),
                ("hardlink in", EXTENDED, s("hardlink@openssh.com") +
                 s(way) + s("taken")),
                ("lsetstat", EXTENDED, s("lsetstat@openssh.com") + s(way) +
                 attrs(mode=0o777, mtime=5)),
                ("put-file over", EXTENDED, s("put-file@omniedge.io") +
                 s(way) + u32(1) + attrs() + s("x"))]
        for name, kind, body in requests:
            r = c.call(kind, body)
            if r.type == STATUS and r.code()[0] != OK:
                continue
            if new == "new-link" and name in (
                    "put-file", "RENAME out", "posix-rename out"):
                # the link itself may be replaced, what it names not
                continue
            leaks.append("%s %s" % (name, way))
            if r.type == HANDLE:
                c.close(r.s())
            if not os.path.exists("root/inside"):
                write("root/inside", b"inside")
        if not os.path.lexists("root/inside"):
            write("root/inside", b"inside")
        for n, to in (("new-link", "../outside/new"),):
            if not os.path.islink("root/" + n):
                if os.path.lexists("root/" + n):
                    os.unlink("root/" + n)
                os.symlink(to, "root/" + n)
    t.equal(leaks, [], "--root: %d ways out are closed" % len(ways))
    t.equal(outside(), before, "--root: outside nothing has changed")
    t.ok(not os.path.lexists("root/taken"), "--root: nothing came in")
    for path in ("..", "/", "../outside", "rel", "abs", "~", "~root", ""):
        for kind, body in ((REALPATH, s(path)),
                           (EXTENDED, s("expand-path@openssh.com") + s(path))):
            r = c.call(kind, body)
            if r.type == NAME:
                name = r.names()[0][0]
                t.ok(b"/.." not in name, "--root: REALPATH %r" % path, name)
    t.equal(c.realpath("."), os.fsencode(root), "--root: REALPATH of the root")
    t.works("--root: what is inside can be used", c.write, h, 0, b"x")
    c.whole(root + "/sub/abs-made", b"1")
    t.equal(c.bytes_of("sub/deep/../abs-made"), b"1",
            "--root: .. within it, and an absolute path into it")
    names = {n for n, _, _ in c.listdir(".")}
    t.ok(b"inside" in names and b"secret" not in names, "--root: READDIR")
    c.kill()
    c = start("--root", root, cwd=folder)
    t.equal(c.realpath("."), os.fsencode(root),
            "--root: begins there when the working directory is outside")
    c.kill()
    c = start("--root", root + "/sub", "--root", folder + "/outside/dir",
              cwd=root)
    t.equal(c.bytes_of(folder + "/outside/dir/secret"), SECRET,
            "two roots: the second")
    t.works("two roots: the first", c.stat, root + "/sub/inside")
    for p in (root + "/inside", far + "/secret", folder):
        t.fails((PERMISSION_DENIED, NO_SUCH_FILE, FAILURE),
                "two roots: not %s" % p[len(folder):], c.open, p)
    c.kill()


def races():
    """Names that change while they are walked."""
    for d in ("root", "outside"):
        shutil.rmtree(d, ignore_errors=True)
    os.makedirs("root/real")
    os.makedirs("root/a/b")
    os.makedirs("outside/dir")
    write("outside/secret", SECRET)
    write("root/real/secret", b"fine")
    write("root/a/secret", b"fine")
    write("root/a/b/secret", b"fine")
    os.symlink("../outside", "root/evil")
    os.rename("root/real", "root/flip")
    before = outside()
    root, stop = folder + "/root", threading.Event()
    before = {k: v for k, v in before.items() if k != "outside/."}

    def flip():
        while not stop.is_set():
            os.rename("root/flip", "root/real")
            os.rename("root/evil", "root/flip")
            os.rename("root/flip", "root/evil")
            os.rename("root/real", "root/flip")

    def move():
        while not stop.is_set():
            os.rename("root/a/b", "outside/b")
            os.rename("outside/b", "root/a/b")
    threads = [threading.Thread(target=f) for f in (flip, move)]
    for x in threads:
        x.start()
    c = start("--root", root, cwd=root)
    end, n, got, bad = time.monotonic() + 2, 0, {}, []
    try:
        while time.monotonic() < end:
            b, kinds = b"", []
            for i in range(20):
                for name, kind, body in (
                        ("get", EXTENDED, s("get-file@omniedge.io") +
                         s("flip/secret") + u32(1000) + u32(0)),
                        ("put", EXTENDED, s("put-file@omniedge.io") +
                         s("flip/new%d" % i) + u32(1) + attrs() + s("x")),
                        ("mkdir", MKDIR, s("flip/d%d" % i) + attrs()),
                        ("chmod", SETSTAT, s("flip/secret") +
                         attrs(mode=0o640)),
                        ("remove", REMOVE, s("flip/new%d" % i)),
                        ("link", EXTENDED, s("hardlink@openssh.com") +
                         s("flip/secret") + s("hard%d" % i)),
                        ("unlink", REMOVE, s("hard%d" % i)),
                        ("get", EXTENDED, s("get-file@omniedge.io") +
                         s("a/b/../secret") + u32(1000) + u32(0)),
                        ("get", EXTENDED, s("get-file@omniedge.io") +
                         s("a/b/../../outside/secret") + u32(1000) + u32(0))):
                    b += c.make(kind, body, 1000 + len(kinds))
                    kinds.append(name)
            c.raw(b)
            for _ in kinds:
                r = c.reply()
                n += 1
                name = kinds[r.id - 1000]
                ok = r.type != STATUS or r.code()[0] == OK
                got[name, ok] = got.get((name, ok), 0) + 1
                if SECRET in r.b:
                    bad.append(name)
    finally:
        stop.set()
        for x in threads:
            x.join()
        c.kill()
    after = {k: v for k, v in outside().items() if k != "outside/."}
    t.equal(bad, [], "names swapped in the way: %d requests, no secret" % n)
    t.equal(after, before, "and outside nothing has changed")
    t.ok(got.get(("get", True), 0) > 0 and
         got.get(("get", False), 0) + got.get(("put", False), 0) > 0,
         "the race was run both ways", repr(got))
    t.ok(not crashed(), "no crash")


GROUPS = {"packets": [lengths, truncated, odd_fields, numbers],
          "bounds": [handles, never_read, garbage], "mutate": [mutate],
          "rules": [rules], "escape": [escapes, races]}
for f in GROUPS[group]:
    t.group(f.__name__, f)
t.ok(not crashed(), "nothing crashed")
