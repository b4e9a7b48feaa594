# SPDX-License-Identifier: Apache-2.0
"""Port forwarding: streams, requests and SOCKS through a client that is
held, to a target of our own (target.c), asked by load.c and curl."""
import os
import select
import shutil
import subprocess
import time

from . import proc
from .measure import LIMIT_S, MB, READY_S
from .peers import LOOPBACK, BenchError, free_port
from .table import BOTH, IN, OUT, PAIRS, compare, rounds, say

HERE = os.path.dirname(os.path.realpath(__file__))
PARALLEL = 64
SMALL = 1024                    # body that curl asks for, as load's requests
ROLES = ("sink", "source", "answer", "http")
MORE = {BOTH: "≥ 1.2", OUT: "", IN: ""}
FASTER = {BOTH: "≥ 1.0", OUT: "", IN: ""}
SOONER = {BOTH: "≤ 1.0", OUT: "", IN: ""}


def build(peers, name):
    """A program of this folder, compiled once a run."""
    program = peers.path(name)
    if os.path.exists(program):
        return program
    if not shutil.which("cc", path=peers.env["PATH"]):
        raise BenchError("needs cc")
    done = subprocess.run(
        ["cc", "-O2", "-o", program, os.path.join(HERE, name + ".c")],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
        env=peers.env)
    if done.returncode != 0:
        raise BenchError("cc: " + done.stderr.decode())
    return program


class Tunnel:
    """One client with all its forwards, until close()."""

    def __init__(self, peers, pair, targets):
        self.peers = peers
        self.ports = {"socks": free_port()}
        more = ["-N", "-D", self.at("socks"), "-o",
                "ExitOnForwardFailure=yes"]
        for role, port in targets.items():
            for way in "LR":
                self.ports[way + role] = free_port()
                more += ["-" + way, "%s:%s:%d" % (
                    self.at(way + role), LOOPBACK, port)]
        self.child = peers.spawn(peers.client(*pair, *more),
                                 stderr=subprocess.PIPE)
        try:
            self.wait()
        except BenchError:
            self.close()
            raise

    def at(self, name):
        return "%s:%d" % (LOOPBACK, self.ports[name])

    def wait(self):
        end = time.monotonic() + READY_S
        while not all(proc.listens(os.getpid(), p)
                      for p in self.ports.values()):
            if self.child.poll() is not None:
                raise BenchError("the client ended: %r"
                                 % self.child.stderr.read()[-500:])
            if time.monotonic() > end:
                raise BenchError("the forwards do not come")
            time.sleep(0.02)

    def close(self):
        self.peers.stop(self.child)


class Lab:
    """The target, and a tunnel to it for each pairing, made when it is
    first wanted and kept: what is timed is the forwarding alone."""

    def __init__(self, peers):
        self.peers = peers
        self.load = build(peers, "load")
        self.tunnels = {}
        self.child = peers.spawn([build(peers, "target")],
                                 stdout=subprocess.PIPE)
        if not select.select([self.child.stdout], [], [], READY_S)[0]:
            raise BenchError("the target does not start")
        ports = map(int, self.child.stdout.readline().split())
        self.targets = dict(zip(ROLES, ports))

    def port(self, pair, name):
        if pair not in self.tunnels:
            self.tunnels[pair] = Tunnel(self.peers, pair, self.targets)
        return self.tunnels[pair].ports[name]

    def numbers(self, *argv):
        """What a program writes, as numbers."""
        try:
            done = subprocess.run(
                [str(a) for a in argv], stdin=subprocess.DEVNULL,
                capture_output=True, check=False, env=self.peers.env,
                timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise BenchError("not done after %d s" % LIMIT_S) from None
        if done.returncode != 0:
            raise BenchError("exit status %d: %s" % (
                done.returncode, done.stderr.decode()[-500:].strip()))
        return [float(v) for v in done.stdout.split()]

    def curl(self, pair, *argv):
        return self.numbers(
            "curl", "-q", "-s", "-S", "-f", "-o", os.devnull, "--noproxy", "",
            "--socks5-hostname", "%s:%d" % (LOOPBACK,
                                            self.port(pair, "socks")), *argv)

    def url(self, path):
        return "http://%s:%d/%s" % (LOOPBACK, self.targets["http"], path)

    def close(self):
        for tunnel in self.tunnels.values():
            tunnel.close()
        self.peers.stop(self.child)


def with_lab(measure):
    """A lab for one measurement; without its tools that is left out."""
    def run(peers, settings):
        try:
            lab = Lab(peers)
        except BenchError as e:
            say("forwarding cannot be measured: %s" % e)
            return []
        try:
            return measure(lab, peers, settings)
        finally:
            lab.close()
    return run


# --- streams ------------------------------------------------------------------

def throughput(lab, pair, kind, way, size, streams):
    port = lab.port(pair, kind + ("sink" if way == "out" else "source"))
    return size / MB / lab.numbers(lab.load, way, port, size, streams)[0]


@with_lab
def stream(lab, peers, settings):
    rows = []
    for kind in "LR":
        for way in ("out", "in"):
            what = "one stream through -%s, %s (MB/s)" % (kind, way)
            got = rounds(peers, what, settings.runs, PAIRS,
                         lambda pair, kind=kind, way=way: throughput(
                             lab, pair, kind, way, settings.size, 1))
            rows += compare(what, got, "%.0f", MORE)
    return rows


@with_lab
def parallel(lab, peers, settings):
    rows = []
    for way in ("out", "in"):
        what = "%d streams through -L, %s (MB/s)" % (PARALLEL, way)
        got = rounds(peers, what, settings.runs, PAIRS,
                     lambda pair, way=way: throughput(
                         lab, pair, "L", way, settings.size, PARALLEL))
        rows += compare(what, got, "%.0f", MORE)
    return rows


# --- requests -----------------------------------------------------------------

def request_rows(what, got):
    """Rows of {pair: [(requests per second, p50, p99), ...]}."""
    rows = []
    for n, (text, goals) in enumerate((("requests/s", FASTER),
                                       ("p50 (µs)", SOONER),
                                       ("p99 (µs)", SOONER))):
        rows += compare("%s, %s" % (what, text),
                        {pair: [v[n] for v in values]
                         for pair, values in got.items()}, "%.0f", goals)
    return rows


@with_lab
def request(lab, peers, settings):
    rows = []
    for how, part, what in (
            ("kept", 1, "1 KB and back through -L, one connection"),
            ("new", 4, "1 KB and back through -L, a connection each")):
        got = rounds(peers, what, settings.runs, PAIRS,
                     lambda pair, how=how, part=part: lab.numbers(
                         lab.load, how, lab.port(pair, "Lanswer"),
                         max(settings.requests // part, 10)))
        rows += request_rows(what, got)
    return rows


# --- SOCKS --------------------------------------------------------------------

def bodies(lab, pair, count, more):
    """curl asks for small bodies, one after another; it knows best how
    long each took, which is what a second is made of here."""
    took = sorted(lab.curl(pair, "-w", "%{time_total}\n", *more,
                           lab.url("%d?[1-%d]" % (SMALL, count))))
    if len(took) != count:
        raise BenchError("%d of %d bodies came" % (len(took), count))
    return (count / sum(took), took[count // 2] * 1e6,
            took[count * 99 // 100] * 1e6)


@with_lab
def socks(lab, peers, settings):
    if not shutil.which("curl", path=peers.env["PATH"]):
        say("socks: needs curl (contrib/install-deps --tests)")
        return []
    what = "curl through -D, large (MB/s)"
    got = rounds(peers, what, settings.runs, PAIRS, lambda pair: lab.curl(
        pair, "-w", "%{speed_download}", lab.url(settings.size))[0] / MB)
    rows = compare(what, got, "%.0f", MORE)
    for what, part, more in (
            ("curl of 1 KB through -D, one connection", 4, []),
            ("curl of 1 KB through -D, a connection each", 8,
             ["-H", "Connection: close"])):
        got = rounds(peers, what, settings.runs, PAIRS,
                     lambda pair, part=part, more=more: bodies(
                         lab, pair, max(settings.requests // part, 10), more))
        rows += request_rows(what, got)
    return rows


ALL = {"stream": stream, "parallel": parallel, "request": request,
       "socks": socks}
