# SPDX-License-Identifier: Apache-2.0
"""Processes as /proc shows them: trees, memory, time on a CPU."""
import os
import threading
import time

TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def read(path):
    """The text of a file of /proc; None when the process is gone or closed
    to us."""
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "replace")
    except OSError:
        return None


def stat(pid):
    """Fields of /proc/PID/stat from the state on, None when it is gone."""
    text = read("/proc/%d/stat" % pid)
    return text[text.rindex(")") + 2:].split() if text else None


def alive(pid):
    fields = stat(pid)
    return fields is not None and fields[0] not in "ZX"


def families():
    """{pid: [pid of a child, ...]} of all processes."""
    found = {}
    for name in os.listdir("/proc"):
        fields = stat(int(name)) if name.isdigit() else None
        if fields:
            found.setdefault(int(fields[1]), []).append(int(name))
    return found


def children(pid):
    return families().get(pid, [])


def descendants(root):
    """Pids below root, all generations, without root."""
    tree = families()
    found = []
    todo = [root]
    while todo:
        below = tree.get(todo.pop(), [])
        found += below
        todo += below
    return found


HIDDEN = "(hidden)"


def program(pid):
    """Path of what it runs; None for a zombie, HIDDEN when the process does
    not let itself be looked at."""
    try:
        return os.readlink("/proc/%d/exe" % pid)
    except PermissionError:
        return HIDDEN
    except OSError:
        return None


def running(root, path):
    """Descendants of root that run this program: the server's own, without
    the shells and commands of its sessions.  Those hide nothing, so what is
    hidden is the server's."""
    return [p for p in descendants(root) if program(p) in (path, HIDDEN)]


def field_kb(text, name):
    for line in (text or "").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    return None


def pss_kb(pid):
    """Proportional set size; None when the kernel does not tell us."""
    return field_kb(read("/proc/%d/smaps_rollup" % pid), "Pss")


def peak_rss_kb(pid):
    return field_kb(read("/proc/%d/status" % pid), "VmHWM")


def cpu_s(pid):
    """User and system time of a process so far, None when it is gone."""
    fields = stat(pid)
    return (int(fields[11]) + int(fields[12])) * TICK_S if fields else None


def cpu_reaped_s(pid):
    """The same of all its descendants that ended and were waited for."""
    fields = stat(pid)
    return (int(fields[13]) + int(fields[14])) * TICK_S if fields else 0.0


def listens(pid, port):
    """Something has this TCP port of 127.0.0.1 or of any address in the
    network namespace of a process.  A look, where trying to connect would
    be a connection."""
    want = (":%04X" % port, "0A")
    for line in (read("/proc/%d/net/tcp" % pid) or "").splitlines()[1:]:
        fields = line.split()
        if (fields[1][8:], fields[3]) == want:
            return True
    return False


class Watch:
    """Peak memory and CPU time of a server's processes and of one client,
    sampled while they run.  Both only grow, so the last sample before the
    end is short by one interval at most."""

    def __init__(self, server_pid, server_path, client_pid):
        self.server_pid = server_pid
        self.server_path = server_path
        self.client_pid = client_pid
        self.client_rss_kb = 0
        self.rss_kb = {}
        self.cpu_s = {}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def loop(self):
        pids = []
        look = 0.0
        while not self.stop.wait(0.02):
            now = time.monotonic()
            if now >= look:
                pids = running(self.server_pid, self.server_path)
                look = now + 0.2
            for pid in pids:
                self.rss_kb[pid] = max(self.rss_kb.get(pid, 0),
                                       peak_rss_kb(pid) or 0)
                self.cpu_s[pid] = max(self.cpu_s.get(pid, 0.0),
                                      cpu_s(pid) or 0.0)
            self.client_rss_kb = max(self.client_rss_kb,
                                     peak_rss_kb(self.client_pid) or 0)

    def end(self):
        self.stop.set()
        self.thread.join()


class WatchTrees:
    """Peak memory of all processes below some, by name of the tree: "pss"
    of the whole tree at one moment in kB, "rss" of the largest process.
    RSS is the kernel's own maximum; of PSS there is none, so it is looked
    at often, and a short peak can be missed."""

    def __init__(self, below, whole=()):
        """@below: {name: pid} without the process itself, @whole: with."""
        self.below = dict(below)
        self.whole = dict(whole)
        self.pss_kb = dict.fromkeys([*self.below, *self.whole], 0)
        self.rss_kb = dict(self.pss_kb)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def pids(self):
        found = {name: descendants(pid) for name, pid in self.below.items()}
        for name, pid in self.whole.items():
            found[name] = [pid] + descendants(pid)
        return found

    def look(self, trees):
        for name, pids in trees.items():
            pss = sum(pss_kb(pid) or 0 for pid in pids)
            rss = max([peak_rss_kb(pid) or 0 for pid in pids] + [0])
            self.pss_kb[name] = max(self.pss_kb[name], pss)
            self.rss_kb[name] = max(self.rss_kb[name], rss)

    def loop(self):
        trees = {}
        again = 0.0
        while not self.stop.wait(0.01):
            if time.monotonic() >= again:
                trees = self.pids()
                again = time.monotonic() + 0.1
            self.look(trees)

    def end(self):
        self.stop.set()
        self.thread.join()
