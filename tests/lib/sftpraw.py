# SPDX-License-Identifier: Apache-2.0
"""A raw SFTP version 3 client over the pipes of a server process.

No ssh is between: what goes over the wire is exactly what a test wrote.
Source: draft-ietf-secsh-filexfer-02, OpenSSH's PROTOCOL section 4,
doc/protocol/sftp.md.
"""
import os
import select
import signal
import struct
import subprocess
import sys
import time

(INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT,
 OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK,
 SYMLINK) = range(1, 21)
STATUS, HANDLE, DATA, NAME, ATTRS = range(101, 106)
EXTENDED, EXTENDED_REPLY = 200, 201
(OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE,
 NO_CONNECTION, CONNECTION_LOST, OP_UNSUPPORTED) = range(9)
R, W, APPEND, CREAT, TRUNC, EXCL = 1, 2, 4, 8, 16, 32
A_SIZE, A_UIDGID, A_PERM, A_TIME, A_EXT = 1, 2, 4, 8, 0x80000000
PACKET_MAX = 256 * 1024


def u8(n):
    return struct.pack(">B", n)


def u32(n):
    return struct.pack(">I", n & 0xffffffff)


def u64(n):
    return struct.pack(">Q", n & 0xffffffffffffffff)


def s(b):
    if isinstance(b, str):
        b = os.fsencode(b)
    return u32(len(b)) + b


def attrs(size=None, uid=None, gid=None, mode=None, atime=None, mtime=None,
          pairs=None):
    flags, out = 0, b""
    if size is not None:
        flags |= A_SIZE
        out += u64(size)
    if uid is not None:
        flags |= A_UIDGID
        out += u32(uid) + u32(gid)
    if mode is not None:
        flags |= A_PERM
        out += u32(mode)
    if mtime is not None:
        flags |= A_TIME
        out += u32(mtime if atime is None else atime) + u32(mtime)
    if pairs is not None:
        flags |= A_EXT
        out += u32(len(pairs)) + b"".join(s(k) + s(v) for k, v in pairs)
    return u32(flags) + out


class Fx(Exception):
    """A STATUS that is not OK."""

    def __init__(self, code, text):
        super().__init__("status %d %r" % (code, text))
        self.code = code


class Bad(Exception):
    """What no server may answer."""


class Reader:
    def __init__(self, b):
        self.b, self.at = b, 0

    def take(self, n):
        if self.at + n > len(self.b):
            raise Bad("short answer: %r" % self.b[:200])
        self.at += n
        return self.b[self.at - n:self.at]

    def u8(self):
        return self.take(1)[0]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def u64(self):
        return struct.unpack(">Q", self.take(8))[0]

    def s(self):
        return self.take(self.u32())

    def left(self):
        return len(self.b) - self.at

    def rest(self):
        return self.take(self.left())

    def attrs(self):
        a = {"flags": self.u32()}
        if a["flags"] & A_SIZE:
            a["size"] = self.u64()
        if a["flags"] & A_UIDGID:
            a["uid"], a["gid"] = self.u32(), self.u32()
        if a["flags"] & A_PERM:
            a["mode"] = self.u32()
        if a["flags"] & A_TIME:
            a["atime"], a["mtime"] = self.u32(), self.u32()
        if a["flags"] & A_EXT:
            a["pairs"] = [(self.s(), self.s()) for _ in range(self.u32())]
        return a


class Reply(Reader):
    def __init__(self, packet):
        super().__init__(packet)
        self.type = self.u8()
        self.id = self.u32()

    def want(self, kind):
        if self.type == STATUS and kind != STATUS:
            self.ok()
            raise Bad("OK where type %d belongs" % kind)
        if self.type != kind:
            raise Bad("type %d, not %d" % (self.type, kind))
        return self

    def code(self):
        """Of a STATUS; it must be whole."""
        self.want(STATUS)
        code, text = self.u32(), self.s()
        self.s()
        if self.left():
            raise Bad("%d bytes after a STATUS" % self.left())
        return code, text

    def ok(self):
        code, text = self.code()
        if code != OK:
            raise Fx(code, text)

    def end(self, value):
        if self.left():
            raise Bad("%d bytes too many in type %d" % (self.left(), self.type))
        return value

    def names(self):
        self.want(NAME)
        n = [(self.s(), self.s(), self.attrs()) for _ in range(self.u32())]
        return self.end(n)


class Sftp:
    """A server process; patience is how long one answer may take."""

    def __init__(self, argv, init=True, cwd=None, env=None, patience=20,
                 umask=0o022, stderr=None, xfsz=False):
        self.p = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=cwd,
            env=env, stderr=stderr, bufsize=0, umask=umask,
            # python ignores SIGXFSZ; so does the server then
            restore_signals=not xfsz)
        self.out, self.buf = self.p.stdin.fileno(), b""
        self.inp = self.p.stdout.fileno()
        os.set_blocking(self.inp, False)
        os.set_blocking(self.out, False)
        self.patience, self.last = patience, 0
        self.version, self.ext = None, {}
        if init:
            self.init()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()
        for f in (self.p.stdin, self.p.stdout):
            try:
                f.close()
            except OSError:
                pass

    # --- bytes ---

    def fill(self, until):
        """More input into buf; False at the end."""
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.inp], [], [], left)[0]:
            raise TimeoutError("no answer in %d s" % self.patience)
        got = os.read(self.inp, 1 << 20)
        self.buf += got
        return bool(got)

    def raw(self, b, read=True):
        """Send; with read, what the server says meanwhile is kept."""
        until = time.monotonic() + self.patience
        view = memoryview(b)
        while view:
            left = until - time.monotonic()
            r, w, _ = select.select([self.inp] if read else [], [self.out],
                                    [], max(left, 0))
            if not r and not w:
                raise TimeoutError("the server takes nothing")
            if r:
                got = os.read(self.inp, 1 << 20)
                self.buf += got
                read = read and bool(got)
            if w:
                view = view[os.write(self.out, view[:65536]):]

    def packet(self):
        """One answer without its length, or None at the end."""
        until = time.monotonic() + self.patience
        while len(self.buf) < 4 or \
                len(self.buf) < 4 + struct.unpack_from(">I", self.buf)[0]:
            if not self.fill(until):
                if self.buf:
                    raise Bad("ended within an answer")
                return None
        n = struct.unpack_from(">I", self.buf)[0]
        if n > PACKET_MAX or n < 5:
            raise Bad("an answer of %d bytes" % n)
        p, self.buf = self.buf[4:4 + n], self.buf[4 + n:]
        return p

    def shut(self):
        """End of input; wait for the server: its exit status."""
        self.p.stdin.close()
        until = time.monotonic() + self.patience
        while self.fill(until):
            pass
        return self.p.wait(self.patience)

    def ended(self):
        """Exit status of a server that is to end by itself."""
        until = time.monotonic() + self.patience
        while self.fill(until):
            pass
        return self.p.wait(self.patience)

    # --- packets ---

    def init(self):
        self.raw(u32(5) + u8(INIT) + u32(3))
        r = Reader(self.packet())
        if r.u8() != VERSION:
            raise Bad("no VERSION")
        self.version = r.u32()
        while r.left():
            name = r.s()
            self.ext[name.decode()] = r.s()

    def make(self, kind, body, id=None):
        if id is None:
            self.last += 1
            id = self.last
        p = u8(kind) + u32(id) + body
        return u32(len(p)) + p

    def send(self, kind, body):
        self.raw(self.make(kind, body))
        return self.last

    def reply(self):
        p = self.packet()
        if p is None:
            raise Bad("the server has gone: %s" % self.p.wait(self.patience))
        return Reply(p)

    def call(self, kind, body):
        id = self.send(kind, body)
        r = self.reply()
        if r.id != id:
            raise Bad("answer to %d, not to %d" % (r.id, id))
        return r

    # --- requests ---

    def open(self, path, pflags=R, a=None):
        return self.call(OPEN, s(path) + u32(pflags) + (a or attrs())) \
            .want(HANDLE).s()

    def close(self, h):
        self.call(CLOSE, s(h)).ok()

    def read(self, h, off, n):
        return self.call(READ, s(h) + u64(off) + u32(n)).want(DATA).s()

    def write(self, h, off, data):
        self.call(WRITE, s(h) + u64(off) + s(data)).ok()

    def _attrs(self, kind, what):
        r = self.call(kind, s(what)).want(ATTRS)
        return r.end(r.attrs())

    def stat(self, path):
        return self._attrs(STAT, path)

    def lstat(self, path):
        return self._attrs(LSTAT, path)

    def fstat(self, h):
        return self._attrs(FSTAT, h)

    def setstat(self, path, **a):
        self.call(SETSTAT, s(path) + attrs(**a)).ok()

    def fsetstat(self, h, **a):
        self.call(FSETSTAT, s(h) + attrs(**a)).ok()

    def opendir(self, path):
        return self.call(OPENDIR, s(path)).want(HANDLE).s()

    def readdir(self, h):
        return self.call(READDIR, s(h)).names()

    def listdir(self, path):
        h, out = self.opendir(path), []
        while True:
            try:
                out += self.readdir(h)
            except Fx as e:
                if e.code != EOF:
                    raise
                break
        self.close(h)
        return out

    def remove(self, path):
        self.call(REMOVE, s(path)).ok()

    def mkdir(self, path, **a):
        self.call(MKDIR, s(path) + attrs(**a)).ok()

    def rmdir(self, path):
        self.call(RMDIR, s(path)).ok()

    def _name(self, r):
        n = r.names()
        if len(n) != 1:
            raise Bad("%d names" % len(n))
        return n[0][0]

    def realpath(self, path):
        return self._name(self.call(REALPATH, s(path)))

    def readlink(self, path):
        return self._name(self.call(READLINK, s(path)))

    def rename(self, a, b):
        self.call(RENAME, s(a) + s(b)).ok()

    def symlink(self, target, path):
        """As every server since OpenSSH's has it: target first."""
        self.call(SYMLINK, s(target) + s(path)).ok()

    def extended(self, name, body=b""):
        return self.call(EXTENDED, s(name) + body)

    def whole(self, path, data):
        h = self.open(path, W | CREAT | TRUNC)
        self.write(h, 0, data)
        self.close(h)

    def bytes_of(self, path):
        h, out = self.open(path), b""
        while True:
            try:
                out += self.read(h, len(out), 65536)
            except Fx as e:
                if e.code != EOF:
                    raise
                break
        self.close(h)
        return out

    def rss_kib(self):
        """(now, peak) of the process itself."""
        with open("/proc/%d/status" % self.p.pid) as f:
            v = dict(line.split(":", 1) for line in f if ":" in line)
        return [int(v[k].split()[0]) for k in ("VmRSS", "VmHWM")]


# --- results, as lines that sftp_results of tests/lib/sftp.sh reads ---

class Results:
    def __init__(self, prefix=""):
        self.prefix = prefix

    def ok(self, good, text, *why):
        print("%s %s%s" % ("ok" if good else "no", self.prefix, text))
        if not good:
            for w in why:
                print("# %s" % (w,))
        sys.stdout.flush()
        return good

    def equal(self, got, want, text):
        return self.ok(got == want, text, "got:  %.800r" % (got,),
                       "want: %.800r" % (want,))

    def skip(self, text, why):
        print("skip %s%s|%s" % (self.prefix, text, why))

    def fails(self, code, text, call, *args, **kw):
        """The call ends with that status (or one of a tuple)."""
        codes = code if isinstance(code, tuple) else (code,)
        try:
            got = call(*args, **kw)
        except Fx as e:
            return self.ok(e.code in codes, text, "%s, not %s" % (e, codes))
        except Exception as e:
            return self.ok(False, text, repr(e))
        return self.ok(False, text, "it worked: %.300r" % (got,))

    def works(self, text, call, *args, **kw):
        try:
            got = call(*args, **kw)
        except Exception as e:
            self.ok(False, text, repr(e))
            return None
        self.ok(True, text)
        return got

    def group(self, name, call, *args):
        """Run one group of checks; what escapes it is a failure."""
        try:
            call(*args)
        except Exception as e:
            import traceback
            self.ok(False, name, *traceback.format_exc().splitlines()[-8:])


def interrupted(*_):
    sys.exit(1)


signal.signal(signal.SIGTERM, interrupted)
