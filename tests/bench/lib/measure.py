# SPDX-License-Identifier: Apache-2.0
"""What is measured.  Each function takes the peers and the settings, and
returns rows; what runs against what is in table.PAIRS."""
import fcntl
import os
import select
import signal
import subprocess
import termios
import time

from . import proc
from .peers import OPENSSH, OURS, BenchError
from .table import BOTH, IN, NAMES, OUT, PAIRS, THEM, Row, compare, median, \
    rounds, tell

MB = 1e6
LIMIT_S = 600
READY_S = 60
SETTLE_S = 10
PROOF = 8 << 20


def finish(child, what):
    """Wait for a process; it must succeed."""
    try:
        err = child.communicate(timeout=LIMIT_S)[1]
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise BenchError("%s: not done after %d s" % (what, LIMIT_S)) from None
    if child.returncode != 0:
        raise BenchError("%s: exit status %d: %s" % (
            what, child.returncode, (err or b"").decode().strip()))


def settle(server):
    """Wait until connections of the round before are gone."""
    deadline = time.monotonic() + SETTLE_S
    while server.own() and time.monotonic() < deadline:
        time.sleep(0.05)


def timed(peers, argv, **how):
    """Wall time of a process from its start to its end."""
    begin = time.perf_counter()
    child = peers.spawn(argv, stderr=subprocess.PIPE, **how)
    finish(child, "this pairing")
    took = time.perf_counter() - begin
    peers.children.remove(child)
    return took


# --- once, before anything is timed -------------------------------------------

def prove(peers):
    """Each pairing carries bytes both ways without losing one.  It warms
    what is cached as well."""
    for pair in PAIRS:
        argv = peers.client(*pair)
        with hole(PROOF) as f:
            out = subprocess.run(argv + ["wc -c"], stdin=f, env=peers.env,
                                 capture_output=True, check=False,
                                 timeout=LIMIT_S)
        if out.returncode != 0 or int(out.stdout or b"0") != PROOF:
            raise BenchError("%s does not work: exit status %d, %r %r" % (
                NAMES[pair], out.returncode, out.stdout[:100],
                out.stderr[:500]))
        got = subprocess.run(argv + ["head -c %d /dev/zero" % PROOF],
                             stdin=subprocess.DEVNULL, env=peers.env,
                             capture_output=True, check=False,
                             timeout=LIMIT_S)
        if got.returncode != 0 or len(got.stdout) != PROOF:
            raise BenchError("%s loses bytes: %d of %d came, %r" % (
                NAMES[pair], len(got.stdout), PROOF, got.stderr[:500]))


def hole(size):
    """A descriptor to read that many zeros from, as a file in memory that
    takes none: /dev/zero is the source on the way in, too."""
    fd = os.memfd_create("zeros")
    os.ftruncate(fd, size)
    return os.fdopen(fd, "rb")


# --- bulk ---------------------------------------------------------------------

def start_bulk(peers, pair, way, size):
    argv = peers.client(*pair)
    if way == "in":
        return peers.spawn(argv + ["head -c %d /dev/zero" % size],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with hole(size) as f:
        return peers.spawn(argv + ["cat >/dev/null"], stdin=f,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def run_bulk(peers, pair, way, size):
    begin = time.perf_counter()
    child = start_bulk(peers, pair, way, size)
    finish(child, "this pairing")
    took = time.perf_counter() - begin
    peers.children.remove(child)
    return size / MB / took


def bulk(peers, settings):
    rows = []
    for way, goal in (("out", "≥ 1.3"), ("in", "≥ 1.6")):
        what = "bulk %s (MB/s)" % way
        got = rounds(peers, what, settings.runs, PAIRS,
                     lambda pair, way=way: run_bulk(peers, pair, way,
                                                    settings.size))
        rows += compare(what, got, "%.0f",
                        {BOTH: goal, OUT: "≥ 1.0", IN: "≥ 1.0"})
    return rows


# --- connections --------------------------------------------------------------

LOOP = 'n=$1; shift; while [ "$n" -gt 0 ]; do "$@" || exit; n=$((n-1)); done'
BURST = 'n=$1 p=$2; shift 2; seq "$n" | xargs -P "$p" -I{} "$@"'


def connections(peers, settings):
    what = "%d × `true`, one after another (s)" % settings.conns

    def sample(pair):
        return timed(peers, ["/bin/sh", "-c", LOOP, "sh", str(settings.conns)]
                     + peers.client(*pair) + ["true"])
    got = rounds(peers, what, settings.runs, PAIRS, sample)
    return compare(what, got, "%.2f",
                   {BOTH: "≤ 0.125", OUT: "≤ 0.6", IN: "≤ 0.6"})


def burst(peers, settings):
    what = "%d × `true`, %d at a time (s)" % (settings.burst,
                                              settings.parallel)

    def sample(pair):
        return timed(peers, ["/bin/sh", "-c", BURST, "sh",
                             str(settings.burst), str(settings.parallel)]
                     + peers.client(*pair) + ["true"])
    got = rounds(peers, what, settings.runs, (BOTH, THEM), sample)
    return compare(what, got, "%.2f", {BOTH: "≤ 0.4"})


# --- memory -------------------------------------------------------------------

def hold_sessions(peers, server, count):
    """Sessions that do nothing until their standard input ends."""
    held = []
    argv = peers.client(OPENSSH, server) + ["echo ready; exec cat"]
    for _ in range(count):
        held.append(peers.spawn(argv, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE))
    for child in held:
        if not select.select([child.stdout], [], [], READY_S)[0] or \
                os.read(child.stdout.fileno(), 100) != b"ready\n":
            raise BenchError("a session does not start")
    return held


def end_sessions(peers, held):
    for child in held:
        child.stdin.close()
    for child in held:
        child.stdout.close()
        try:
            child.wait(READY_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        peers.children.remove(child)


def idle_kb(peers, name, count):
    """(PSS, processes) per idle session on the server side."""
    server = peers.servers[name]
    held = []
    settle(server)
    try:
        held = hold_sessions(peers, name, count)
        time.sleep(2)           # memory of the login is given back
        pids = server.own()
        sizes = [proc.pss_kb(pid) for pid in pids]
        if None in sizes:
            raise BenchError("its processes hide their memory from us; "
                             "run as root")
        return sum(sizes) / count / 1024, len(pids) / count
    finally:
        end_sessions(peers, held)


def memory(peers, settings):
    what = "PSS per idle session, server side, of %d (MB)" % settings.sessions
    got = rounds(peers, what, settings.runs, (OURS, OPENSSH),
                 lambda name: idle_kb(peers, name, settings.sessions))
    rows = []
    for n, (text, form, goal) in enumerate((
            (what, "%.2f", "≤ 0.5"),
            ("processes per idle session, server side", "%.1f", ""))):
        for name, values in got.items():
            tell(text, name, [v[n] for v in values], form)
        rows.append(Row(text, median([v[n] for v in got.get(OURS, [])]),
                        median([v[n] for v in got.get(OPENSSH, [])]),
                        form, goal))
    return rows


# --- a keystroke's echo -------------------------------------------------------

def on_terminal(peers, argv):
    """Start a process on a pseudo-terminal; (process, master)."""
    master, slave = os.openpty()
    try:
        child = peers.spawn(
            argv, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    finally:
        os.close(slave)
    return child, master


def wait_ready(master):
    seen = b""
    while b"ready" not in seen or not seen.endswith(b"\n"):
        if not select.select([master], [], [], READY_S)[0]:
            raise BenchError("the terminal stays silent: %r" % seen[-300:])
        try:
            seen += os.read(master, 1000)
        except OSError:         # EIO: the client left
            raise BenchError("the client ended: %r" % seen[-300:]) from None


def echo_times(master, count):
    """Microseconds from each byte written to the same byte read, sorted."""
    took = []
    for _ in range(count):
        begin = time.perf_counter_ns()
        os.write(master, b"x")
        if not select.select([master], [], [], READY_S)[0]:
            raise BenchError("a keystroke got lost")
        got = os.read(master, 100)
        took.append((time.perf_counter_ns() - begin) / 1000)
        if got != b"x":
            raise BenchError("the echo of 'x' is %r" % got)
        time.sleep(0.001)
    return sorted(took)


def echo_once(peers, pair, count):
    """(p50, p99) in µs."""
    child, master = on_terminal(
        peers, peers.client(*pair, "-tt") +
        ["stty raw -echo; echo ready; exec cat"])
    try:
        wait_ready(master)
        time.sleep(0.2)
        took = echo_times(master, count)
        return took[len(took) // 2], took[len(took) * 99 // 100]
    finally:
        # The remote cat ends with its terminal.
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        os.close(master)
        peers.children.remove(child)


def echo(peers, settings):
    what = "a keystroke's echo"
    got = rounds(peers, what, settings.runs, PAIRS,
                 lambda pair: echo_once(peers, pair, settings.keys))
    rows = []
    for n, name in enumerate(("p50", "p99")):
        rows += compare("%s, %s (µs)" % (what, name),
                        {pair: [v[n] for v in values]
                         for pair, values in got.items()},
                        "%.0f", {BOTH: "≤ 1.0", OUT: "", IN: ""})
    return rows


# --- what it costs ------------------------------------------------------------

def watch_bulk(peers, pair, way, size):
    """One bulk run, watched: what each process of a side needed."""
    server = peers.servers[pair[1]]
    settle(server)
    child = start_bulk(peers, pair, way, size)
    watch = proc.Watch(server.child.pid, server.path, child.pid)
    try:
        finish(child, "this pairing")
    finally:
        watch.end()
        peers.children.remove(child)
    cpu = sorted(watch.cpu_s.values(), reverse=True)
    per_gb = 1e9 / size
    rss = [kb / 1024 for kb in watch.rss_kb.values()]
    if not rss or not cpu:
        raise BenchError("over before it could be watched; take more SIZE")
    return {"client": watch.client_rss_kb / 1024, "largest": max(rss),
            "all": sum(rss), "cpu": sum(cpu) * per_gb,
            "others": sum(cpu[1:]) * per_gb}


def cost_bulk(peers, settings):
    """Peak memory and CPU time in bulk, from runs that are not timed."""
    rows = []
    for way in ("out", "in"):
        got = rounds(peers, "cost of bulk " + way, settings.runs, (BOTH, THEM),
                     lambda pair, way=way: watch_bulk(peers, pair, way,
                                                      settings.size))
        for key, what, form in (
                ("client", "peak RSS of the client (MB)", "%.1f"),
                ("largest", "peak RSS of the largest server process (MB)",
                 "%.1f"),
                ("all", "peak RSS of all server processes, shared pages "
                        "counted in each (MB)", "%.1f"),
                ("cpu", "CPU of the server's processes per GB (s)", "%.2f"),
                ("others", "of that, outside the busiest process (s)",
                 "%.2f")):
            values = {pair: [v[key] for v in vs] for pair, vs in got.items()}
            what = "bulk %s, %s" % (way, what)
            for pair, vs in values.items():
                tell(what, pair, vs, form)
            rows.append(Row(what, median(values.get(BOTH)),
                            median(values.get(THEM)), form))
    return rows


def cpu_of_connections(peers, name, count):
    """CPU milliseconds per connection on the server side: what the
    listener needed itself, and all processes below it that have ended."""
    server = peers.servers[name]

    def spent():
        return (proc.cpu_s(server.child.pid) or 0.0) + \
            proc.cpu_reaped_s(server.child.pid)
    settle(server)
    peers.reap()
    before = spent()
    timed(peers, ["/bin/sh", "-c", LOOP, "sh", str(count)] +
          peers.client(OURS, name) + ["true"])
    settle(server)
    return (spent() - before + peers.reap()) / count * 1000


def cost_connection(peers, settings):
    what = "CPU per connection, server side, shell and `true` included (ms)"
    got = rounds(peers, what, settings.runs, (OURS, OPENSSH),
                 lambda name: cpu_of_connections(peers, name, settings.conns))
    for name, values in got.items():
        tell(what, name, values, "%.1f")
    return [Row(what, median(got.get(OURS)), median(got.get(OPENSSH)),
                "%.1f")]


def cost(peers, settings):
    return cost_bulk(peers, settings) + cost_connection(peers, settings)


ALL = {"bulk": bulk, "connections": connections, "burst": burst,
       "memory": memory, "echo": echo, "cost": cost}
