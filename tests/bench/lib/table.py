# SPDX-License-Identifier: Apache-2.0
"""Rounds of samples, medians, and the rows of the table."""
import statistics
import sys

from .peers import OPENSSH, OURS, BenchError, tail

BOTH = (OURS, OURS)
THEM = (OPENSSH, OPENSSH)
OUT = (OURS, OPENSSH)
IN = (OPENSSH, OURS)
PAIRS = (BOTH, THEM, OUT, IN)
NAMES = {BOTH: "omniedge both ends", THEM: "ssh to sshd",
         OUT: "omniedge to sshd", IN: "ssh to our server"}


def say(text):
    print(text, file=sys.stderr, flush=True)


def complain(peers, what, case, error):
    say("%s, %s: %s" % (what, NAMES.get(case, case), error))
    name = case if isinstance(case, str) else \
        case[1] if isinstance(case, tuple) else case.server
    server = peers.servers[name]
    for line in tail(server.log).splitlines()[-4:]:
        say("  log of %s: %s" % (server.name, line[:200]))


def rounds(peers, what, runs, cases, sample):
    """Take sample(case) for each case in turn, runs times: A B A B, so that
    what else the machine does meets all of them.  A case that fails once is
    left out from there on.  Returns {case: [sample, ...]}, without those."""
    got = {case: [] for case in cases}
    for n in range(runs):
        for case in list(got):
            try:
                got[case].append(sample(case))
            except BenchError as e:
                complain(peers, what, case, e)
                del got[case]
        say("%s: round %d of %d" % (what, n + 1, runs))
    return got


def tell(what, case, values, form):
    """All samples, for who wants to see how far they are apart."""
    say("  %s, %s: %s" % (what, NAMES.get(case, case),
                          " ".join(form % v for v in values)))


def median(values):
    return statistics.median(values) if values else None


class Row:
    """One line: ours, theirs, ours / theirs, goal.  None is "not had"."""

    def __init__(self, what, ours, theirs, form, goal=""):
        self.what = what
        self.ours = ours
        self.theirs = theirs
        self.form = form
        self.goal = goal

    def text(self):
        ratio = "-"
        if self.ours is not None and self.theirs:
            ratio = "%.2f" % (self.ours / self.theirs)
            if self.ours / self.theirs < 0.2:
                ratio = "%.3f" % (self.ours / self.theirs)
        cells = [self.what] + [
            "-" if v is None else self.form % v
            for v in (self.ours, self.theirs)] + [ratio, self.goal]
        return "| %s |" % " | ".join(cells)


def compare_best(what, got, form, goals, best):
    """Rows of each case in goals against the better (the greater) median of
    the cases named in best; cases tell their names themselves."""
    for case, values in got.items():
        tell(what, case, values, form)
    theirs = max([median(got[c]) for c in best if got.get(c)], default=None)
    return [Row("%s, %s" % (what, NAMES.get(case, case)),
                median(got.get(case)), theirs, form, goal)
            for case, goal in goals.items()]


def compare(what, got, form, goals):
    """Rows of each pairing that has an entry in goals (may be "") against
    ssh to sshd."""
    for case, values in got.items():
        tell(what, case, values, form)
    theirs = median(got.get(THEM))
    return [Row("%s, %s" % (what, NAMES[case]), median(got.get(case)),
                theirs, form, goal) for case, goal in goals.items()]


def head():
    return "| what | measured | OpenSSH | ratio | goal |\n|---|---|---|---|---|"
