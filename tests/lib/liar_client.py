#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the client does with each lie of liar.py.

    liar_client.py PROGRAM FOLDER HOME KEY NETWORK WHICH

FOLDER is the liar's, HOME one that is logged in to it and has the list of
peers on disk, with robot-1 among them; KEY a file with a security key that
works more than once, NETWORK another network of the user.  WHICH is "quick"
or "slow".  Results are lines "ok TEXT" and "not ok TEXT".
"""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

PROGRAM, FOLDER, HOME, KEY, NETWORK, WHICH = sys.argv[1:]
NEVER_S = 170
# what a reply may cost beside what the program takes anyway
MEMORY_KB = 160 * 1024
DOCUMENTS = "/(directory|directories|policy)[?]"

# mode, more of it, what peers say, what a login says ("" as peers, None: is
# not tried)
LIES = [
    ("signature", {"path": DOCUMENTS}, "signature is wrong", None),
    ("unsigned", {"path": DOCUMENTS}, "no signed document", None),
    ("key", {"path": DOCUMENTS}, "another key", None),
    ("key_name", {"path": DOCUMENTS}, "signature is wrong", None),
    ("content", {"path": DOCUMENTS}, "signature is wrong", None),
    ("old", {"path": DOCUMENTS}, "version [0-9]+ is older than", None),
    ("network", {"path": DOCUMENTS, "network": NETWORK}, "another network",
     None),
    ("kind", {"path": DOCUMENTS}, "no directory", None),
    ("forbidden", {"path": DOCUMENTS}, "HTTP 403", None),
    ("nothing", {"path": DOCUMENTS}, "no list", None),
    ("cut", {}, "no JSON", ""),
    ("empty", {}, "no list", "no usable token"),
    ("html", {}, "no JSON", ""),
    ("deep", {}, "nested", ""),
    ("deep_object", {}, "nested", ""),
    ("wide", {}, "more values|larger than", ""),
    ("twice", {}, "no JSON.*duplicate", ""),
    ("nan", {}, "no JSON", ""),
    ("huge_number", {}, "no JSON", ""),
    ("long_number", {}, "no JSON", ""),
    ("utf8", {}, "no JSON", ""),
    ("nul", {}, "no JSON", ""),
    ("big", {}, "larger than|no list", "larger than"),
    ("endless", {}, "larger than", ""),
    ("chunks", {}, "larger than", ""),
    ("bomb", {}, "no JSON|larger than", ""),
    ("transfer_bomb", {}, "no JSON|larger than|control API https", ""),
    ("header", {}, "control API https", ""),
    ("headers", {}, "larger than|control API https", ""),
    ("continues", {}, "larger than|control API https", ""),
    ("no_http", {}, "control API https", ""),
    ("redirect", {}, "elsewhere", ""),
    ("redirect", {"status": 308}, "elsewhere", ""),
    ("redirect_tls", {}, "elsewhere", ""),
    ("short", {}, "control API https", ""),
    ("torn", {}, "no JSON|control API https", ""),
    ("reset", {}, "control API https", ""),
    ("busy", {}, "HTTP 429", ""),
    ("broken", {}, r"line one\\nline two\\x1b\[2J.*HTTP 500", ""),
    ("away", {}, "HTTP 503", ""),
    ("refused", {}, "login has expired|HTTP 401", "HTTP 401"),
    ("teapot", {}, "HTTP 418", ""),
    ("nothing", {}, "no list", "no usable token"),
    ("unchanged", {}, "no list|HTTP 304", "no usable token|HTTP 304"),
    ("", {"tls": "wrong"}, "[Cc]ertificate|SSL", ""),
    ("", {"tls": "expired"}, "expired", ""),
    ("", {"tls": "host"}, "no alternative|does not match", ""),
]
SLOW = [
    ("silent", {}, "[Tt]imed? ?out|timeout", ""),
    ("drip", {"pause": 1}, "[Tt]imed? ?out|timeout", ""),
]
# what is odd, and yet no lie
ODD = ["old_http", "continue", "cookie"]


def say(good, text, detail=""):
    detail = str(detail).strip().replace("\n", " / ")
    print(f"ok {text}" if good else f"not ok {text}: {detail}", flush=True)


class Run:
    """A command in a copy of HOME."""

    def __init__(self, *args, cache=False):
        home = tempfile.mkdtemp(dir=os.path.dirname(HOME))
        shutil.copytree(HOME, home, dirs_exist_ok=True)
        self.folder = os.path.join(home, ".omniedge")
        if not cache:
            for f in os.listdir(self.folder + "/cache"):
                if f.startswith("peers-"):
                    os.unlink(f"{self.folder}/cache/{f}")
        self.before = self.kept()
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        p = subprocess.Popen([PROGRAM, *args], stdout=out, stderr=err,
                             stdin=subprocess.DEVNULL,
                             env={**os.environ, "HOME": home})
        self.late, end = False, time.monotonic() + NEVER_S
        while True:
            pid, status, usage = os.wait4(p.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                self.late, end = True, end + NEVER_S
                p.kill()
            time.sleep(0.005)
        p.returncode = self.status = os.waitstatus_to_exitcode(status)
        self.kb = usage.ru_maxrss
        self.out, self.err = self.text(out), self.text(err)
        self.after = self.kept()
        shutil.rmtree(home)

    @staticmethod
    def text(f):
        f.seek(0)
        return f.read().decode(errors="backslashreplace")

    def kept(self):
        """All that matters of what is on disk, without notes and locks."""
        kept = {}
        for top, _, files in os.walk(self.folder):
            for f in files:
                if not re.search(r"\.(lock|away|renewing)$", f):
                    with open(os.path.join(top, f), "rb") as one:
                        kept[f] = one.read()
        login = json.loads(kept["omniedge-ssh.json"])
        # it is noted before it is tried
        login.pop("renewing", None)
        kept["omniedge-ssh.json"] = login
        return kept

    def fault(self, statuses, words, lines=1, same=True):
        """What is wrong with it; None: nothing."""
        said = self.err.split("\n")[:-1]
        if self.late:
            return "it does not end"
        if self.status not in statuses:
            return f"status {self.status}: {self.err}"
        if words and not re.search(words, self.err):
            return f"it says {self.err}"
        if len(said) != lines or any(not x.startswith("omniedge") or
                                     len(x) > 600 for x in said):
            return f"not {lines} lines: {self.err}"
        if not self.err.replace("\n", "").isprintable():
            return f"control characters: {self.err!r}"
        if same and self.before != self.after:
            changed = {k for k in self.before.keys() | self.after.keys()
                       if self.before.get(k) != self.after.get(k)}
            return f"what is on disk has changed: {changed}"
        if self.kb > base + MEMORY_KB:
            return f"{self.kb} KB of memory, {base} without a lie"
        return None


def lie(mode, **more):
    with open(FOLDER + "/mode.new", "w", encoding="utf-8") as f:
        json.dump({"mode": mode, **more}, f)
    os.rename(FOLDER + "/mode.new", FOLDER + "/mode")


def check(text, fault):
    say(not fault, text, fault)


def try_one(mode, more, words, at_login):
    lie(mode, **more)
    text = mode or "certificate: " + more["tls"]
    if "status" in more:
        text += f" {more['status']}"
    # without a login there is nothing to be shown
    r = Run("peers", "--refresh", cache=True)
    known = mode != "refused"
    check(f"{text}: peers on disk", r.fault([0 if known else 255], words) or
          (known and r.out != usual.out and "other output: " + r.out))
    r = Run("peers")
    check(f"{text}: no peers", r.fault([1, 255], words) or
          (r.out and "output: " + r.out))
    if mode in ("refused", "nothing", "signature", "old") or more.get("tls"):
        r = Run("resolve", "robot-1@other")
        check(f"{text}: resolve", r.fault([1], words, lines=2))
        r = Run("ssh", "-F", "none", "-G", "robot-1")
        check(f"{text}: ssh", r.fault([0], "peers are not known.*" + words))
    if at_login is not None:
        r = Run("login", "-s", KEY)
        check(f"{text}: login", r.fault([1, 255], at_login or words))


def slow():
    """At the same time, since each takes its time."""
    for mode, more, words, _ in SLOW:
        lie(mode, **more)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = [pool.submit(Run, *args, cache=cache) for args, cache in (
                (("peers", "--refresh"), True), (("peers",), False),
                (("login", "-s", KEY), False),
                (("ssh", "-F", "none", "-G", "robot-1"), False))]
        for r, statuses, what in zip(runs, ([0], [255], [255], [0]), (
                "peers on disk", "no peers", "login", "ssh")):
            check(f"{mode}: {what}", r.result().fault(statuses, words))


def quick():
    for one in LIES:
        try_one(*one)
    for mode in ODD:
        lie(mode)
        r = Run("peers", "--refresh", cache=True)
        check(f"{mode} is as good", r.fault([0], "", 0, same=False) or
              (r.out != usual.out and "other output: " + r.out))
    lie("")
    with open(FOLDER + "/log", encoding="utf-8") as f:
        log = [json.loads(line) for line in f]
    say(not any(e["cookie"] for e in log), "no cookie is sent back")
    say(not os.path.exists(FOLDER + "/stolen"), "nobody is followed elsewhere")
    r = Run("peers", "--refresh", cache=True)
    check("the truth is taken again", r.fault([0], "", 0, same=False))


lie("")
usual = Run("peers", "--refresh", cache=True)
base = usual.kb
say("robot-1" in usual.out and not usual.err, "without a lie", usual.err)
quick() if WHICH == "quick" else slow()
