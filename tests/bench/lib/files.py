# SPDX-License-Identifier: Apache-2.0
"""Files: one large, many small, and one at a distance; what memory that
takes.  Everything is on a tmpfs, and each copy is looked at."""
import filecmp
import os
import pwd
import shutil
import subprocess
import tempfile

from . import far, movers, proc
from .measure import MB, finish, settle, timed
from .movers import BEST, BOTH, IN, OUT, RIVALS, THEIR_SCP, Job
from .peers import BenchError
from .table import Row, compare_best, rounds, say

TMPFS = "/dev/shm"
SMALL = 4096
PER_FOLDER = 1000
BLOCK = 1 << 20
ROUND_TRIP_MS = 50


class Shelf:
    """Where the files are: sources that everyone may read, and a place on
    either side to put them."""

    def __init__(self, peers):
        self.dir = tempfile.mkdtemp(prefix="oe-bench.", dir=TMPFS)
        os.chmod(self.dir, 0o755)
        self.proven = set()
        for side in ("client", "server"):
            os.mkdir(self.path(side))
        if peers.root:
            entry = pwd.getpwnam(peers.user)
            os.chown(self.path("server"), entry.pw_uid, entry.pw_gid)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def job(self, way, source, tree):
        if way == "put":
            return Job(way, tree, self.path(source),
                       self.path("server", "copy"))
        return Job(way, tree, self.path("client", "copy"), self.path(source))

    def make_file(self, name, size):
        """Bytes without a pattern: nothing can leave out zeros."""
        with open(self.path(name), "wb") as f:
            while size > 0:
                size -= f.write(os.urandom(min(size, BLOCK)))

    def make_tree(self, name, count):
        for n in range(count):
            folder = self.path(name, "folder%d" % (n // PER_FOLDER))
            if n % PER_FOLDER == 0:
                os.makedirs(folder)
            with open(os.path.join(folder, "file%d" % n), "wb") as f:
                f.write(os.urandom(SMALL))

    def clear(self):
        for side in ("client", "server"):
            for name in os.listdir(self.path(side)):
                path = self.path(side, name)
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                else:
                    os.unlink(path)

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def listing(top):
    """{path below top: size}."""
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = os.stat(path).st_size
    return found


def check(shelf, mover, job):
    """The copy is what it should be: sizes each time; each byte once per
    way, kind and mover."""
    source, target = job.source(), job.target()
    key = (mover, job.way, source)
    if not os.path.lexists(target):
        raise BenchError("there is no copy")
    if job.tree:
        names = listing(source)
        if listing(target) != names:
            raise BenchError("the tree differs")
    else:
        names = [""]
        if os.stat(target).st_size != os.stat(source).st_size:
            raise BenchError("the size differs")
    if len(os.listdir(os.path.dirname(target))) != 1:
        raise BenchError("something is left beside the copy")
    if key in shelf.proven:
        return
    for name in names:
        if not filecmp.cmp(os.path.join(source, name) if name else source,
                           os.path.join(target, name) if name else target,
                           shallow=False):
            raise BenchError("the content differs: %s" % name)
    shelf.proven.add(key)


def move(peers, shelf, mover, job):
    """Seconds that it took; the copy is checked and gone after it."""
    shelf.clear()
    settle(peers.servers[mover.server])
    try:
        took = timed(peers, mover.command(peers, job),
                     stdout=subprocess.DEVNULL)
        check(shelf, mover, job)
    finally:
        shelf.clear()
    return took


def case(peers, shelf, settings, what, job, amount, goals):
    """Rows of one case; more is better.  @goals: of ours by mover."""
    rivals = RIVALS if settings.rivals else ()
    cases = [m for m in (*goals, *BEST, *rivals) if m.there()]
    got = rounds(peers, what, settings.runs, cases,
                 lambda mover: amount / move(peers, shelf, mover, job))
    goals = dict(goals)
    goals.update((m, "") for m in cases if m not in goals)
    return compare_best(what, got, "%.0f", goals, BEST)


# --- memory -------------------------------------------------------------------

def watched(peers, shelf, mover, job):
    """{side: (PSS, RSS)} in MB of one copy that is not timed; None for what
    the processes hide from us."""
    shelf.clear()
    server = peers.servers[mover.server]
    settle(server)
    child = peers.spawn(mover.command(peers, job), stdout=subprocess.DEVNULL,
                        stderr=subprocess.PIPE)
    watch = proc.WatchTrees({"server": server.child.pid},
                            {"client": child.pid})
    try:
        finish(child, "this pairing")
    finally:
        watch.end()
        peers.children.remove(child)
        shelf.clear()
    return {side: [kb / 1024 if kb else None
                   for kb in (watch.pss_kb[side], watch.rss_kb[side])]
            for side in ("client", "server")}


def memory(peers, shelf, what, job):
    got = {}
    for mover in (BOTH, THEIR_SCP):
        try:
            got[mover] = watched(peers, shelf, mover, job)
        except BenchError as e:
            say("%s, memory, %s: %s" % (what, mover, e))
    rows = []
    for side in ("client", "server"):
        for n, text in enumerate(("PSS of the %s's processes",
                                  "RSS of the %s's largest process")):
            figures = [got[m][side][n] if m in got else None
                       for m in (BOTH, THEIR_SCP)]
            rows.append(Row("%s, peak %s (MB)" % (what, text % side),
                            *figures, "%.1f", "≤ 64 MB"))
    return rows


# --- the cases ----------------------------------------------------------------

def size_text(size):
    for unit, letter in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size % unit == 0:
            return "%d %s" % (size // unit, letter)
    return "%d bytes" % size


def large(peers, shelf, settings):
    shelf.make_file("large", settings.size)
    rows, more = [], []
    for way, goal in (("put", "≥ 2.2"), ("get", "≥ 1.5")):
        what = "%s of %s" % (way, size_text(settings.size))
        job = shelf.job(way, "large", False)
        rows += case(peers, shelf, settings, what + " (MB/s)", job,
                     settings.size / MB,
                     {BOTH: goal, OUT: "≥ 1.0", IN: "≥ 1.0"})
        more += memory(peers, shelf, what, job)
    return rows + more


def small(peers, shelf, settings):
    shelf.make_tree("small", settings.files)
    rows, more = [], []
    for way in ("put", "get"):
        what = "%s of %d files of 4 KiB" % (way, settings.files)
        job = shelf.job(way, "small", True)
        rows += case(peers, shelf, settings, what + " (files/s)", job,
                     settings.files, {BOTH: "≥ 15", OUT: "≥ 8", IN: ""})
        more += memory(peers, shelf, what, job)
    return rows + more


def distant(peers, shelf, settings):
    try:
        there = far.start(peers, ROUND_TRIP_MS)
    except BenchError as e:
        say("distant: left out: %s" % e)
        return []
    shelf.make_file("middle", settings.far_size)
    rows, more = [], []
    for way in ("put", "get"):
        what = "%s of %s, round trip of %d ms" % (
            way, size_text(settings.far_size), ROUND_TRIP_MS)
        job = shelf.job(way, "middle", False)
        rows += case(there, shelf, settings, what + " (MB/s)", job,
                     settings.far_size / MB, {BOTH: "≥ 3", OUT: ""})
        more += memory(there, shelf, what, job)
    return rows + more


def part(function):
    def measure(peers, settings):
        for mover in movers.ALL:
            if not mover.there():
                say("%s is not here and left out" % mover.program)
        shelf = Shelf(peers)
        try:
            return function(peers, shelf, settings)
        finally:
            shelf.close()
    return measure


ALL = {"large": part(large), "small": part(small), "distant": part(distant)}
