# SPDX-License-Identifier: Apache-2.0
"""sftp_cut_resume.py FOLDER OMNIEDGE CUTS [SSHARG...]: cut transfers at random
bytes and resume them, in all CUTS times.  With SSHARGs ("PORT USER CONFIG")
over ssh, else with the server as a child of the client."""
import concurrent.futures
import os
import random
import shutil
import subprocess
import sys
import time

from sftpraw import Results

folder, omniedge, cuts = sys.argv[1], sys.argv[2], int(sys.argv[3])
ssh = sys.argv[4:]
HERE = os.path.dirname(os.path.abspath(__file__))
OPENSSH = "/usr/lib/openssh/sftp-server"
seed = int(os.environ.get("OE_SEED", "1"))
t = Results()
SIZE = 10000000


def make(path, rnd, shape):
    """A source; what it holds, by name."""
    if shape == "tree":
        sizes = [rnd.choice((0, 1, 500, 20000, 131072, 131073, 400000))
                 for _ in range(25)] + [1500000]
        os.makedirs(path + "/sub/dir")
        for i, n in enumerate(sizes):
            p = "%s/%s/f%d" % (path, ("", "sub", "sub/dir")[i % 3], i)
            with open(p, "wb") as f:
                f.write(rnd.randbytes(n))
            os.utime(p, (1000000000 + i, 1000000000 + rnd.randrange(10**8)))
        return
    with open(path, "wb") as f:
        f.write(rnd.randbytes(SIZE if shape == "file" else 2 * SIZE))


def shot(path):
    if not os.path.isdir(path):
        return {"": open(path, "rb").read()} if os.path.exists(path) else {}
    out = {}
    for d, ds, fs in os.walk(path):
        for n in fs:
            p = os.path.join(d, n)
            out[p[len(path):]] = open(p, "rb").read()
    return out


def total(path):
    return sum(len(v) for v in shot(path).values())


class Run:
    def __init__(self, way, server, shape, number):
        self.way, self.server, self.shape = way, server, shape
        self.text = "%s %s, %s's server" % (way, shape, server)
        self.rnd = random.Random("%d %s" % (seed, self.text))
        self.top = "%s/%d" % (folder, number)
        self.bad, self.done, self.resumed = [], 0, 0
        os.makedirs(self.top + "/to")
        self.src, self.dst = self.top + "/src", self.top + "/to/dst"
        self.plan = self.top + "/plan"

    def command(self):
        argv = [omniedge, "scp", "--resume", "--no-progress"]
        if self.shape == "tree":
            argv += ["-r", "-p"]
        argv += ["-j", "3" if self.shape == "lanes" else "1"]
        server = "%s sftp-server" % omniedge if self.server == "omniedge" \
            else OPENSSH
        cut = "%s -S -E %s/cut.py %s " % (sys.executable, HERE, self.plan)
        if ssh:
            port, user, config = ssh
            argv += ["-F", config, "-P", port, "-o",
                     "ProxyCommand " + cut + "tcp " + port]
            peer = user + "@127.0.0.1:"
        else:
            argv += ["-D", cut + server]
            peer = "x:"
        if self.way == "put":
            return argv + [self.src, peer + self.dst]
        return argv + [peer + self.src, self.dst]

    def once(self, plan):
        with open(self.plan, "w") as f:
            f.write(plan)
        argv = self.command()
        if self.shape == "tree" and os.path.isdir(self.dst):
            # into what is there: "src/." would be another name
            argv[-1] = os.path.dirname(argv[-1]) + "/"
        p = subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=90,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.err = p.stderr
        if p.returncode < 0 or b"Sanitizer" in p.stderr or \
                b"runtime error" in p.stderr:
            self.bad.append("status %d: %.800r" % (p.returncode, p.stderr))
        if p.returncode and not p.stderr.strip():
            self.bad.append("status %d without words" % p.returncode)
        return p.returncode

    def fresh(self):
        for p in (self.src, self.top + "/to"):
            if os.path.isdir(p):
                shutil.rmtree(p)
            elif os.path.exists(p):
                os.unlink(p)
        os.makedirs(self.top + "/to")
        if self.shape == "tree":
            self.dst = self.top + "/to/src"
            make(self.src, self.rnd, "tree")
            os.makedirs(self.dst + "/sub")
            for n in ("f1", "f4", "f25"):
                with open(self.dst + "/sub/" + n, "wb") as f:
                    f.write(b"old " + n.encode())
        else:
            make(self.src, self.rnd, self.shape)
            with open(self.dst, "wb") as f:
                f.write(b"old contents")
        self.want, self.old = shot(self.src), shot(self.dst)

    def settle(self):
        """Our server has seconds to finish what came before the cut."""
        until = time.monotonic() + 60
        while time.monotonic() < until and any(
                n.startswith(".oe-put-")
                for _, _, names in os.walk(self.top + "/to") for n in names):
            time.sleep(0.05)

    def look(self, whole):
        """Only old files, whole files, and parts."""
        self.settle()
        got = shot(self.dst)
        for n, v in got.items():
            base = n.rsplit("/", 1)[-1]
            if base.startswith(".") and base.endswith(".part"):
                if whole:
                    self.bad.append("left: %s" % n)
            elif v not in (self.want.get(n), self.old.get(n)):
                self.bad.append("%s is neither old nor whole: %d bytes" %
                                (n, len(v)))
        left = [n for n in os.listdir(self.top + "/to")
                if n not in ("dst", "src")]
        if whole:
            if {n: v for n, v in got.items() if n in self.want} != self.want:
                self.bad.append("contents differ at the end")
            if left:
                self.bad.append("left beside it: %s" % left)
        elif any(not (n.startswith(".") and n.endswith(".part"))
                 for n in left):
            self.bad.append("another name: %s" % left)

    def all(self, n):
        while self.done < n and not self.bad:
            self.fresh()
            size = sum(map(len, self.want.values()))
            # the payload in seven pieces or so; sometimes a few bytes
            status, tries = 1, 0
            while status and self.done < n and tries < 12:
                tries += 1
                plan = "".join("%s %d\n" % self.where(size)
                               for _ in range(3))
                status = self.once(plan)
                self.done += status != 0
                self.look(False)
                if self.bad:
                    self.bad.append("after: %s; %.300r" % (
                        plan.split("\n"), self.err))
                    return self
            if status:
                status = self.once("")
            if status:
                self.bad.append("the last run: status %d: %.500r" % (
                    status, self.err))
            self.look(True)
        return self

    def where(self, size):
        big = "in" if self.way == "put" else "out"
        small = "out" if self.way == "put" else "in"
        what = self.rnd.random()
        if what < .15:
            return small, self.rnd.randrange(1, 3000)
        if what < .3:
            return big, self.rnd.randrange(1, 4000)
        return big, self.rnd.randrange(1, size // 4)


servers = ["omniedge"]
if os.path.exists(OPENSSH) and not ssh:
    servers.append("OpenSSH")
runs = []
for shape in ("file", "tree", "lanes"):
    for way in ("put", "get"):
        for server in servers:
            runs.append(Run(way, server, shape, len(runs)))
each = -(-cuts // len(runs))
with concurrent.futures.ThreadPoolExecutor(
        int(os.environ.get("OE_JOBS", "3"))) as pool:
    for r in pool.map(lambda r: r.all(each), runs):
        t.ok(not r.bad, "%s: cut %d times and resumed (seed %d)" %
             (r.text, r.done, seed), *r.bad[:6])
