#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kill a control-server amid writes, again and again: what it acknowledged is
there when it is back.

    control_kill.py ROUNDS DIR EMAIL ONE-TIME-PASSWORD PROGRAM ARGUMENT...

PROGRAM with its arguments serves plain HTTP on loopback and says where.  Each
round starts it, lets writers write, kills it after a number of
acknowledgements that is different each time, and looks at the end.  Results
are lines "ok TEXT" and "not ok TEXT".
"""
import http.client
import json
import os
import random
import re
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
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + LIMIT_S
        while True:
            with open(self.log, encoding="utf-8") as f:
                text = f.read()
            found = re.search(r"http://(127\.0\.0\.1:\d+)", text)
            if found and "control.start" in text:
                break
            if self.process.poll() is not None or time.monotonic() > deadline:
                print(text, file=sys.stderr)
                raise SystemExit("not ok the server starts")
            time.sleep(0.02)
        self.host = found.group(1)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


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
        except (OSError, http.client.HTTPException):
            pass  # it was killed


def stored(client, network):
    seen, after = [], 0
    while True:
        rows = client.call("GET", f"/api/ssh/v1/events?network_id={network}"
                           f"&name=test&per_page=1000&after={after}")["data"]
        if not rows:
            return seen
        seen += [r["uid"] for r in rows]
        after = rows[-1]["seq"]


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


def main():
    rounds, folder, email, once = int(sys.argv[1]), *sys.argv[2:5]
    command = sys.argv[5:]
    chance = random.Random(5)
    server = Server(command, folder)
    token, network, devices = prepare(server, email, once)
    names = {d: [f"d{i}"] for i, d in enumerate(devices)}
    acked = total = 0
    everything = set()
    for number in range(rounds):
        r = Round(number, chance.randint(1, 60), names)
        threads = [threading.Thread(target=r.write,
                                    args=(server.host, token, d, i))
                   for i, d in enumerate(devices)]
        for t in threads:
            t.start()
        good = r.full.wait(LIMIT_S)
        server.kill()
        for t in threads:
            t.join()
        if not good or r.trouble:
            say(False, f"round {number}", r.trouble or "no progress")
        acked += r.acked
        everything |= r.events
        server = Server(command, folder)
        rows = Client(server.host, token).call(
            "GET", "/api/v2/devices?per_page=100")["data"]
        for row in rows:
            if row["name"] not in names[row["id"]]:
                say(False, f"round {number}: the name that was acknowledged",
                    (row["name"], names[row["id"]]))
            names[row["id"]] = [row["name"]]
        total += 1
    seen = stored(Client(server.host, token), network)
    lost = everything - set(seen)
    say(not lost, f"no acknowledged event is lost in {total} kills",
        sorted(lost)[:5])
    say(len(seen) == len(set(seen)), "none is there twice")
    say(acked >= rounds, f"writes were acknowledged before each ({acked})")
    server.kill()


main()
