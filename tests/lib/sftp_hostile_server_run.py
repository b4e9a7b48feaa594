# SPDX-License-Identifier: Apache-2.0
"""sftp_hostile_server_run.py GROUP FOLDER OMNIEDGE: our scp and sftp on
hostile_sftp_server.py.  Whatever it does, the client ends in time, with words
that a terminal can have, without a crash, and nothing but the target is
touched.  Groups: get, put, tree, hello, shell."""
import concurrent.futures
import os
import re
import resource
import shutil
import subprocess
import sys
import time

from sftpraw import Results

group, folder, omniedge = sys.argv[1:4]
HERE = os.path.dirname(os.path.abspath(__file__))
t = Results(group + ": ")
LIMIT = float(os.environ.get("OE_CASE_S", "20"))
SANITIZED = b"__asan_init" in open(omniedge, "rb").read()
EVIL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\x9b")
DATA = os.urandom(700001)
KINDS = ("OPEN", "READ", "WRITE", "CLOSE", "STAT", "LSTAT", "FSTAT",
         "FSETSTAT", "SETSTAT", "OPENDIR", "READDIR", "MKDIR", "REALPATH",
         "RENAME", "REMOVE", "READLINK", "EXTENDED")


def fresh(top):
    """far: what is served; near: what is sent; to: the target; out: around."""
    os.makedirs(top + "/out/to")
    os.makedirs(top + "/far/tree/sub")
    os.makedirs(top + "/far/up")
    os.makedirs(top + "/near/tree/sub")
    for d in ("far", "near"):
        for n, data in (("file", DATA), ("small", b"small"),
                        ("tree/good", b"good"), ("tree/sub/in", b"in"),
                        ("tree/a.txt", b"a" * 50000),
                        ("tree/big", DATA[:300000])):
            with open("%s/%s/%s" % (top, d, n), "wb") as f:
                f.write(data)
    os.symlink("../..", top + "/far/link")
    with open(top + "/out/victim", "wb") as f:
        f.write(b"victim")
    with open(top + "/out/to/old", "wb") as f:
        f.write(b"old contents")


def shot(top):
    out = {}
    for d, ds, fs in os.walk(os.fsencode(top)):
        for n in ds + fs:
            p = os.path.join(d, n)
            out[p[len(top):]] = os.readlink(p) if os.path.islink(p) else \
                open(p, "rb").read() if os.path.isfile(p) else "dir"
    return out


def peak(who):
    return max(who.ru_maxrss, 0)


class Case:
    """One run; args may hold {SRV}, {to}, {near}."""

    def __init__(self, scenario, command, want, look=None, batch=None,
                 limit=None):
        self.scenario, self.command, self.want = scenario, command, want
        self.look, self.batch, self.limit = look, batch, limit or LIMIT
        self.text = "%s: %s" % (scenario, " ".join(command))[:110]

    def run(self, number):
        top = "%s/%s-%d" % (folder, group, number)
        fresh(top)
        self.to, self.far = top + "/out/to", top + "/far"
        srv = "%s %s/hostile_sftp_server.py %s %s" % (
            sys.executable, HERE, self.scenario, self.far)
        argv = [omniedge] + [a.format(SRV=srv, to=self.to, top=top,
                                      near=top + "/near")
                             for a in self.command]
        if self.batch:
            with open(top + "/batch", "w") as f:
                f.write(self.batch.format(to=self.to, near=top + "/near"))
        before = shot(top + "/out")
        start = time.monotonic()
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             cwd=top, start_new_session=True)
        timer = None
        try:
            self.out, self.err = p.communicate(timeout=self.limit)
            self.status = p.returncode
        except subprocess.TimeoutExpired:
            self.rss = open("/proc/%d/status" % p.pid).read()
            os.killpg(p.pid, 9)
            self.out, self.err = p.communicate()
            self.status = "still there after %d s" % self.limit
        self.took = time.monotonic() - start
        after = shot(top + "/out")
        self.changed = {k for k in set(before) | set(after)
                        if before.get(k) != after.get(k)}
        self.after = after
        self.bad = list(self.faults())
        shutil.rmtree(top, ignore_errors=True)
        return self

    def faults(self):
        both = self.out + self.err
        if b"Sanitizer" in both or b"runtime error" in both:
            yield "a sanitizer speaks"
        if not isinstance(self.status, int) or self.status < 0 or \
                self.status > 128 and self.status != 255:
            yield "exit status %s" % self.status
        elif self.want == "works" and self.status != 0:
            yield "exit status %s, not 0" % self.status
        elif self.want == "fails" and self.status == 0:
            yield "exit status 0"
        if self.status not in (0, None) and not self.err.strip():
            yield "no message"
        if EVIL.search(both):
            yield "raw control bytes: %r" % EVIL.search(both)
        for p in self.changed:
            if not p.startswith(b"/to/") or p == b"/to/old":
                yield "touched: %r" % p
        if self.look:
            yield from self.look(self) or ()

    def files(self):
        """What came, without folders."""
        return {k[4:]: v for k, v in self.after.items()
                if k.startswith(b"/to/") and v != "dir" and k != b"/to/old"}


def whole(data=DATA, name=b"file"):
    """The file is there whole, or it is not there; no part beside it."""
    def look(c):
        got = c.files()
        if c.status == 0 and got.get(name) != data:
            yield "exit status 0, but the file is not right"
        if c.status != 0 and name in got and got[name] != data:
            yield "failed, but there is a file (%d bytes)" % len(got[name])
        for n in got:
            if n != name and not n.endswith(b".part"):
                yield "another file: %r" % n
    return look


def put_whole(name="up/file", data=DATA):
    def look(c):
        p = os.path.join(c.far, name)
        there = open(p, "rb").read() if os.path.exists(p) else None
        if c.status == 0 and there != data:
            yield "exit status 0, but the file is not there"
        if c.status != 0 and there not in (None, data):
            yield "failed, but there is a file (%d bytes)" % len(there)
    return look


def only(*names):
    def look(c):
        for n in c.files():
            if n not in names and not n.endswith(b".part"):
                yield "not asked for: %r" % n
    return look


GET = ["scp", "-D", "{SRV}", "x:/file", "{to}/file"]
SMALL = ["scp", "-D", "{SRV}", "x:/small", "{to}/small"]
TREE = ["scp", "-r", "-D", "{SRV}", "x:/tree", "{to}/"]
PUT = ["scp", "-D", "{SRV}", "{near}/file", "x:/up/file"]
PUT_SMALL = ["scp", "-D", "{SRV}", "{near}/small", "x:/up/small"]
PUT_TREE = ["scp", "-r", "-D", "{SRV}", "{near}/tree", "x:/up/"]
SHELL = ["sftp", "-D", "{SRV}", "-b", "{top}/batch"]


def verify(command):
    return command[:1] + ["--verify"] + command[1:]


def cases():
    if group == "get":
        for good in ("good", "reorder", "tiny", "drip=OPEN", "slow=OPEN,0.3",
                     "good+ours", "good+openssh", "reorder+ours",
                     "reorder+openssh", "tiny+ours"):
            yield Case(good, GET, "works", whole())
            yield Case(good, SMALL, "works", whole(b"small", b"small"))
        for kind in KINDS:
            for level in ("", "+ours"):
                for how in ("", ",half"):
                    yield Case("quit=%s%s%s" % (kind, how, level), GET,
                               "either", whole())
        for kind in ("OPEN", "READ", "CLOSE", "STAT", "EXTENDED"):
            for n in ("0", "4", "40001", "7fffffff", "ffffffff"):
                yield Case("length=%s,%s" % (kind, n), GET, "either", whole())
            for how in ("id", "twice", "unasked-reply", "flood", "stream"):
                yield Case("%s=%s" % (how, kind), GET, "either", whole())
        for kind, ways in (
                ("OPEN", "ok eof fail denied none data name attrs type bare"),
                ("READ", "ok fail odd handle name attrs lying request zero"),
                ("READ", "version reply nothing long"),
                ("STAT", "ok eof handle data name bare unsupported"),
                ("FSTAT", "ok fail handle data"),
                ("CLOSE", "fail eof handle data"),
                ("EXTENDED", "ok eof fail reply attrs data huge-names")):
            for how in ways.split():
                yield Case("wrong=%s,%s" % (kind, how), GET, "either",
                           whole())
                if kind == "EXTENDED":
                    yield Case("wrong=%s,%s+ours" % (kind, how), GET,
                               "either", whole())
                    yield Case("wrong=%s,%s+ours" % (kind, how), SMALL,
                               "either", whole(b"small", b"small"))
        yield Case("second=READ,fail", GET, "fails", whole())
        yield Case("second=READ,eof", GET, "either", whole())
        for n in (0, 1, 10, 700000, 700002, 900000, 1 << 40, (1 << 63) - 1,
                  1 << 63, (1 << 64) - 1):
            yield Case("size=%d" % n, GET, "either", end_of_lie)
            yield Case("size=%d+ours" % n, SMALL, "either", end_of_lie)
        for n in (1, 100, 100000):
            yield Case("data-long=%d" % n, GET, "fails", whole())
        yield Case("endless-data", GET, "bounded", limit=5)
        yield Case("data-zero", GET, "fails", whole())
        yield Case("data-other+ours", verify(GET), "fails", whole())
        yield Case("good+ours", verify(GET), "works", whole())
        for how in ("wrong", "short", "none", "long", "other"):
            yield Case("hash=%s+ours" % how, verify(GET), "either" if
                       how == "other" else "fails", whole())
        for n in ("5", "131072", "131073", "250000"):
            yield Case("get-long=%s+ours" % n, SMALL, "either",
                       whole(b"small", b"small") if n != "5" else None)
        yield Case("get-short+ours", SMALL, "fails",
                   whole(b"small", b"small"))
        for how in ("endless", "none", "back", "beyond", "wrap", "many",
                    "lie", "zero", "unsorted"):
            yield Case("extents=%s+ours" % how, GET, "either",
                       None if how in ("lie", "zero", "none", "back",
                                       "unsorted", "endless", "many",
                                       "beyond")
                       else whole())
        for n in ("0,0,0,0", "1,1,1,1", "34000,1,1,0", "5,100,100,1",
                  "18446744073709551615,18446744073709551615,"
                  "18446744073709551615,18446744073709551615",
                  "100,4294967296,4294967296,1"):
            yield Case("limits=%s+openssh" % n, GET, "either", whole())
        for n in ("256", "257", "300000"):
            yield Case("handle-long=" + n, GET,
                       "works" if n == "256" else "fails", whole())
        yield Case("handle-empty", GET, "either", whole())
        yield Case("no-attrs", GET, "either", whole())
        for m in ("010000", "020000", "060000", "120000", "140000", "0",
                  "177777", "37777777777"):
            yield Case("mode=" + m, GET, "either", whole())
        for n in ("0", "4294967295"):
            yield Case("times=" + n, GET[:1] + ["-p"] + GET[1:], "either",
                       whole())
        for n in ("1", "64", "65", "4294967295"):
            yield Case("pairs=" + n, GET, "either", whole())
        yield Case("escapes", GET[:3] + ["x:/none", "{to}/file"], "fails")
        yield Case("escapes", ["scp", "-vvv"] + GET[1:3] +
                   ["x:/none", "{to}/file"], "fails")
    elif group == "put":
        for good in ("good", "reorder", "good+ours", "good+openssh",
                     "reorder+ours", "reorder+openssh"):
            yield Case(good, PUT, "works", put_whole())
            yield Case(good, PUT_SMALL, "works",
                       put_whole("up/small", b"small"))
            yield Case(good, PUT_TREE, "works",
                       put_whole("up/tree/sub/in", b"in"))
        for kind in KINDS:
            for level in ("", "+ours"):
                yield Case("quit=%s%s" % (kind, level), PUT, "either",
                           put_whole())
            for how in ("fail", "data", "handle", "ok"):
                yield Case("wrong=%s,%s" % (kind, how), PUT, "either",
                           None if kind in ("RENAME", "WRITE") and
                           how == "ok" else put_whole())
            yield Case("length=%s,ffffffff" % kind, PUT, "either",
                       put_whole())
        yield Case("second=WRITE,fail", PUT, "fails", put_whole())
        yield Case("wrong=EXTENDED,fail+ours", PUT_SMALL, "either",
                   put_whole("up/small", b"small"))
        yield Case("wrong=EXTENDED,reply+ours", PUT_SMALL, "either")
        yield Case("wrong=EXTENDED,ok+ours", PUT, "either")
        yield Case("put-other+ours", verify(PUT_SMALL), "either",
                   put_whole("up/small", b"small"))
        yield Case("put-nothing+ours", verify(PUT_SMALL), "either",
                   put_whole("up/small", b"small"))
        yield Case("write-lost", verify(PUT), "fails")
        yield Case("write-lost+ours", verify(PUT), "fails")
        yield Case("handle-same", PUT, "works", put_whole())
        for n in ("1,1,1,1", "34000,1,1,0", "0,0,0,0"):
            yield Case("limits=%s+openssh" % n, PUT_SMALL, "either",
                       put_whole("up/small", b"small"))
        yield Case("quit=MKDIR", PUT_TREE, "fails")
        yield Case("wrong=MKDIR,fail", PUT_TREE, "either")
    elif group == "tree":
        yield from trees()
    elif group == "hello":
        for v in ("0", "1", "2", "4", "6", "4294967295"):
            yield Case("version=" + v, GET, "either", whole())
        for v in ("status", "empty", "zero", "huge", "text", "escape",
                  "pairs", "odd", "cut", "twice", "quit"):
            yield Case("hello=" + v, GET, "either", whole())
            yield Case("hello=" + v, SHELL, "either", batch="pwd\n")
        for v in ("etc", "up", "ctl", "empty", "nul", "long"):
            yield Case("realpath=" + v, SHELL, "either",
                       batch="pwd\ncd tree\npwd\n-get /none {to}/none\n")
            yield Case("realpath=" + v, TREE, "either")
        for v in ("0", "2", "4294967295"):
            yield Case("realpath-count=" + v, SHELL, "fails", batch="pwd\n")
    elif group == "shell":
        batch = "ls\nls -la\nls -l /tree\ncd /tree\nls -1\npwd\n" \
            "get good {to}/good\n-get none\n-df\n-df -h\n-df -i\n" \
            "-readlink /link\n-rm none\n-mkdir /tree\n-lls\n-ls none*\n" \
            "-get -r /tree {to}/t\n-chmod 600 good\n-put {near}/file up\n" \
            "-get a* {to}/\n-reget big {to}/big\n-reput {near}/file big\n"
        for v in ("good", "good+ours", "good+openssh", "reorder+ours"):
            yield Case(v, SHELL, "works", batch=batch)
        for v in ("escapes", "escapes+ours", "names=ctl", "names=nl",
                  "names=dotdot", "names=abs", "names=slash", "names=nul",
                  "names=empty", "names=utf8", "names=huge", "no-attrs",
                  "evil-link=../../victim", "unasked", "size=10",
                  "data-zero", "data-long=10", "tiny", "count=more",
                  "count=fewer", "count=huge", "endless-empty", "handle-long=300", "mode=177777",
                  "times=4294967295", "vfs=0+openssh",
                  "vfs=18446744073709551615+openssh", "twice=READDIR",
                  "id=READDIR", "pairs=65"):
            yield Case(v, SHELL, "either", batch=batch.replace("\n", "\n-")
                       .replace("--", "-").rstrip("-"))
        yield Case("endless-same", SHELL, "bounded", batch=batch, limit=4)
        for kind in KINDS:
            yield Case("quit=" + kind, SHELL, "either", batch=batch)
            yield Case("wrong=%s,handle" % kind, SHELL, "either",
                       batch=batch)


def end_of_lie(c):
    """Size and contents do not agree: never success with other contents than
    those told, never without end."""
    if c.took > 15:
        yield "took %d s" % c.took


def trees():
    yield Case("good", TREE, "works", only(
        b"tree/good", b"tree/sub/in", b"tree/a.txt", b"tree/big"))
    yield Case("good+ours", TREE, "works", only(
        b"tree/good", b"tree/sub/in", b"tree/a.txt", b"tree/big"))
    good = (b"tree/good", b"tree/sub/in", b"tree/a.txt", b"tree/big")
    for level in ("", "+ours"):
        for v in ("dotdot", "abs", "slash", "empty", "dot", "nul", "ctl",
                  "nl", "long", "huge", "dup", "backslash", "utf8", "deep",
                  "trail"):
            def look(c, v=v):
                if v in ("backslash", "utf8", "nl", "ctl", "dup", "dot"):
                    return
                for n in c.files():
                    if n not in good and not n.endswith(b".part"):
                        yield "came: %r" % n
            yield Case("names=%s%s" % (v, level), TREE, "fails" if v in (
                "abs", "slash", "empty", "nul", "long", "huge", "deep",
                "trail") else "either", look)
        for v in ("reorder", "drip=READDIR", "twice=READDIR", "id=READDIR",
                  "count=more", "count=fewer", "count=huge", "loop",
                  "endless-empty"):
            yield Case(v + level, TREE, "either", only(*good) if v != "loop"
                       else None)
    for v in ("endless-new", "endless-same"):
        yield Case(v, TREE, "bounded", limit=5)
    for link in (["--links"], []):
        for to in ("..", "../victim", "/etc", "../../victim", "/", ".",
                   "good", "a\nb", ""):
            yield Case("evil-link=" + to.replace("\n", ""),
                       TREE[:1] + link + TREE[1:], "either")
        yield Case("link-then-file=..", TREE[:1] + link + TREE[1:], "either")
        yield Case("link-then-file=../..", TREE[:1] + link + TREE[1:],
                   "either")
    yield Case("unasked", ["scp", "-D", "{SRV}", "x:/tree/*.txt", "{to}/"],
               "works", only(b"a.txt"))
    yield Case("unasked", ["scp", "-D", "{SRV}", "x:/tree/g*", "{to}/"],
               "works", only(b"good"))
    yield Case("names=dotdot", ["scp", "-r", "-D", "{SRV}", "x:/tree/*",
                                "{to}/"], "either")
    yield Case("names=slash", ["scp", "-r", "-D", "{SRV}", "x:/tree/*",
                               "{to}/"], "either")
    yield Case("names=ctl", ["scp", "-rv", "-D", "{SRV}", "x:/tree/*",
                             "{to}/"], "either")
    for kind in KINDS:
        yield Case("quit=" + kind, TREE, "either", only(*good))
        for how in ("fail", "data", "huge-names"):
            yield Case("wrong=%s,%s" % (kind, how), TREE, "either",
                       only(*good))


def bounded(c):
    """What has no end may be copied without an end."""
    if not isinstance(c.status, int):
        kib = int(re.search(r"VmHWM:\s+(\d+)", c.rss).group(1))
        c.bad = [b for b in c.bad if not b.startswith("exit status") and
                 b != "no message"]
        # the shell shows a listing whole: up to OE_ASK_LIST_BYTES of names
        most = 500000 if SANITIZED or group == "shell" else 100000
        if kib > most:
            c.bad.append("its memory: %d KiB" % kib)


os.makedirs(folder)
all_cases = list(cases())
jobs = int(os.environ.get("OE_JOBS", "3"))
with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
    for c in pool.map(lambda x: x[1].run(x[0]), enumerate(all_cases)):
        if c.want == "bounded":
            bounded(c)
        t.ok(not c.bad, c.text, *c.bad, "stderr: %.600r" % c.err) \
            if c.bad else t.ok(True, c.text)
