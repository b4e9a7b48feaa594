#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill a control-server amid writes, again and again: what it acknowledged is
there when it is back.

    control_kill.py ROUNDS DIR EMAIL ONE-TIME-PASSWORD CRASH PROGRAM ARG...

PROGRAM with its arguments serves plain HTTP on loopback and says where.  Each
round starts it, lets writers write, kills it after a number of
acknowledgements that is different each time, and looks at what it has when it
is back.  CRASH, if not empty, is a command that kills its database and starts
that again, which every fourth round does instead.  Results are lines "ok TEXT"
and "not ok TEXT".
"""
import http.client
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import threading
import time

WRITERS = 6
LIMIT_S = 120


def say(good, text, detail=""):
    print(f"ok {text}" if good else f"not ok {text}: {detail}")
    sys.stdout.flush()


class Server:
    def __init__(self, command, folder):
        self.log = os.path.join(folder, "server.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True)
        self.host = None
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "control.start":
                self.host = event["url"].removeprefix("http://")
                break
        else:
            with open(self.log, encoding="utf-8") as log:
                print(log.read(), file=sys.stderr)
            raise SystemExit("not ok the server starts")
        # its events are not what this is about, but it has to get rid of them
        threading.Thread(target=self.process.stdout.read).start()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


class Away(Exception):
    """The server is there, and its database is not."""


class Client:
    def __init__(self, host, token=None):
        self.conn = http.client.HTTPConnection(host, timeout=LIMIT_S)
        self.token = token

    def call(self, method, path, body=None, kind="application/json"):
        head = {"Content-Type": kind}
        if self.token:
            head["Authorization"] = "Bearer " + self.token
        raw = body if isinstance(body, (str, type(None))) else json.dumps(body)
        self.conn.request(method, path, raw, head)
        r = self.conn.getresponse()
        text = r.read()
        if r.status == 503:
            raise Away()
        if r.status != 200:
            raise RuntimeError(f"{method} {path}: {r.status} {text!r}")
        return json.loads(text)["data"] if b'"data"' in text else None


class Round:
    """What writers were told is on disk, and what they were about to say."""

    def __init__(self, number, limit, names):
        self.number, self.limit = number, limit
        self.lock = threading.Lock()
        self.acked, self.events = 0, set()
        self.names = names  # device: names that it may have
        self.full = threading.Event()
        self.trouble = None

    def note(self, n=1):
        with self.lock:
            self.acked += n
            if self.acked >= self.limit:
                self.full.set()

    def write(self, host, token, device, writer):
        client, i = Client(host, token), 0
        try:
            while True:
                i += 1
                uids = [f"r{self.number}-w{writer}-{i}-{j}" for j in range(3)]
                lines = "\n".join(json.dumps({"uid": u, "event": "test"})
                                  for u in uids)
                client.call("POST", "/api/ssh/v1/events?device_id=" + device,
                            lines, "application/x-ndjson")
                with self.lock:
                    self.events.update(uids)
                self.note()
                name = f"n-{writer}-{self.number}-{i}"
                self.names[device].append(name)
                client.call("PUT", "/api/v2/devices/" + device, {"name": name})
                self.names[device] = [name]
                self.note()
        except RuntimeError as e:
            self.trouble = str(e)
            self.full.set()
        except (OSError, http.client.HTTPException, Away):
            pass  # it was killed, or its database


def stored(client, network):
    seen, after = [], 0
    while True:
        rows = client.call("GET", f"/api/ssh/v1/events?network_id={network}"
                           f"&name=test&per_page=1000&after={after}")["data"]
        if not rows:
            return seen
        seen += [r["uid"] for r in rows]
        after = rows[-1]["seq"]


def patient(client, *call):
    """The reply, when there is one: a database may be on its way back."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            return client.call(*call)
        except Away:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def prepare(server, email, once):
    client = Client(server.host)
    login = "/api/v2/auth/login/password"
    client.token = client.call("POST", login, {"email": email,
                                               "password": once})["token"]
    password = "correct horse battery"
    client.call("PUT", "/api/v2/profile/password",
                {"old_password": once, "password": password})
    client.token = client.call("POST", login, {"email": email,
                                               "password": password})["token"]
    network = client.call("POST", "/api/v2/virtual-networks", {
        "name": "n", "ip_range": "10.0.0.0/24"})["id"]
    devices = []
    for i in range(WRITERS):
        d = client.call("POST", "/api/v2/devices", {
            "name": f"d{i}", "hardware_uuid": "h", "platform": "linux"})["id"]
        client.call("POST", f"/api/v2/virtual-networks/{network}/devices/{d}")
        devices.append(d)
    return client.token, network, devices


class Test:
    def __init__(self, folder, command, crash):
        self.folder, self.command = folder, command
        self.crash = shlex.split(crash)
        self.server = Server(command, folder)
        self.acked = self.crashes = 0
        self.events = set()

    def prepare(self, email, once):
        self.token, self.network, self.devices = prepare(
            self.server, email, once)
        self.names = {d: [f"d{i}"] for i, d in enumerate(self.devices)}

    def strike(self, number):
        if self.crash and number % 4 == 3:
            subprocess.run(self.crash, check=True, timeout=LIMIT_S,
                           stdout=subprocess.DEVNULL)
            self.crashes += 1
        else:
            self.server.kill()

    def look(self, number):
        if self.server.process.poll() is not None:
            self.server = Server(self.command, self.folder)
        rows = patient(Client(self.server.host, self.token), "GET",
                       "/api/v2/devices?per_page=100")["data"]
        for row in rows:
            may = self.names[row["id"]]
            if row["name"] not in may:
                say(False, f"round {number}: the name that was acknowledged",
                    (row["name"], may))
            self.names[row["id"]] = [row["name"]]
        if len(rows) != len(self.devices):
            say(False, f"round {number}: all devices", len(rows))

    def round(self, number, limit):
        r = Round(number, limit, self.names)
        threads = [threading.Thread(target=r.write, args=(
            self.server.host, self.token, d, i))
            for i, d in enumerate(self.devices)]
        for t in threads:
            t.start()
        good = r.full.wait(LIMIT_S)
        self.strike(number)
        for t in threads:
            t.join()
        if not good or r.trouble:
            say(False, f"round {number}", r.trouble or "no progress")
        self.acked += r.acked
        self.events |= r.events
        self.look(number)


def main():
    rounds, folder, email, once, crash = int(sys.argv[1]), *sys.argv[2:6]
    chance = random.Random(5)
    test = Test(folder, sys.argv[6:], crash)
    test.prepare(email, once)
    for number in range(rounds):
        test.round(number, chance.randint(1, 60))
    seen = stored(Client(test.server.host, test.token), test.network)
    lost = test.events - set(seen)
    say(not lost, f"no acknowledged event is lost in {rounds - test.crashes} "
        f"kills of the server and {test.crashes} of its database",
        sorted(lost)[:5])
    say(len(seen) == len(set(seen)), "none is there twice")
    say(test.acked >= rounds, f"{test.acked} writes were acknowledged")
    test.server.kill()


main()
