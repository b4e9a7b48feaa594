#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many devices on one control-server: each with a login of its own, they send
heartbeats for ten minutes in compressed time and get the directory.

    control_fleet.py URL TOKEN PID DEVICES BEATS STORE FILE

STORE is the server's file.  TOKEN is an administrator's of the server at URL, PID its process or 0 when
its memory is not to be looked at.  FILE gets a line of JSON for each device:
its name and the last_seen that the server shows at the end.  Results are lines
"ok TEXT" and "not ok TEXT".
"""
import calendar
import http.client
import json
import queue
import random
import re
import sqlite3
import sys
import threading
import time

CONNECTIONS = 8
LIMIT_S = 120
GROWTH_KB = 8192
WRITERS = 24


def say(good, text, detail=""):
    print(f"ok {text}" if good else f"not ok {text}: {detail}")
    sys.stdout.flush()


def time_ms(text):
    whole = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(whole) * 1000 + int(text[20:23])


class Client:
    def __init__(self, host):
        self.conn = http.client.HTTPConnection(host, timeout=LIMIT_S)

    def ask(self, method, path, token, body=None, head=()):
        """Status, headers and text."""
        headers = dict(head)
        if token:
            headers["Authorization"] = "Bearer " + token
        raw = None
        if body is not None:
            raw = json.dumps(body)
            headers["Content-Type"] = "application/json"
        self.conn.request(method, path, raw, headers)
        r = self.conn.getresponse()
        return r.status, r.headers, r.read()

    def call(self, method, path, token, body=None):
        status, _, text = self.ask(method, path, token, body)
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {text!r}")
        return json.loads(text).get("data")


def at_once(host, items, work):
    """work(client, item) for each, over some connections."""
    waiting, faults = queue.SimpleQueue(), []
    for item in items:
        waiting.put(item)

    def run():
        client = Client(host)
        try:
            while True:
                work(client, waiting.get_nowait())
        except queue.Empty:
            pass
        except (RuntimeError, OSError, http.client.HTTPException) as e:
            faults.append(str(e))

    threads = [threading.Thread(target=run) for _ in range(CONNECTIONS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return faults


class Device:
    def __init__(self, number):
        self.name = f"device-{number:04d}"
        self.token = self.id = None
        self.beats, self.sent, self.done = 0, 0, 0
        self.tag = None


class Fleet:
    def __init__(self, url, token, count):
        self.host = url.split("//")[1]
        self.admin = Client(self.host)
        self.token = token
        me = self.call("GET", "/api/v2/profile")["id"]
        self.call("PUT", f"/api/ssh/v1/users/{me}", {"device_limit": count})
        self.network = self.call("POST", "/api/v2/virtual-networks", {
            "name": "fleet", "ip_range": "10.1.0.0/16"})["id"]
        self.key = self.call("POST", "/api/v2/security-keys", {
            "name": "fleet", "type": 1})["key"]
        self.devices = [Device(i) for i in range(count)]
        self.directory = "/api/ssh/v1/directory?network_id=" + self.network

    def call(self, *args):
        return self.admin.call(args[0], args[1], self.token, *args[2:])

    def enter(self, client, d):
        d.token = client.call("POST", "/api/v2/auth/login/security-key", None,
                              {"key": self.key})["token"]
        d.id = client.call("POST", "/api/v2/devices", d.token, {
            "name": d.name, "hardware_uuid": d.name,
            "platform": "linux"})["id"]
        client.call("POST", f"/api/v2/virtual-networks/{self.network}"
                    f"/devices/{d.id}", d.token)

    @staticmethod
    def beat(client, d):
        sent = int(time.time() * 1000)
        client.call("POST", "/api/v2/devices/heartbeat", d.token,
                    {"hardware_id": d.name})
        d.beats += 1
        d.sent, d.done = sent, int(time.time() * 1000)

    def fetch(self, client, d):
        head = [("If-None-Match", d.tag)] if d.tag else []
        status, headers, text = client.ask(
            "GET", self.directory, d.token, None, head)
        if status not in (200, 304):
            raise RuntimeError(f"directory: {status} {text!r}")
        d.status, d.text = status, text
        d.tag = headers["ETag"]

    def seen(self):
        """Name: (last_seen, online) of all devices."""
        got, page = {}, 1
        while True:
            data = self.call(
                "GET", f"/api/v2/devices?per_page=1000&page={page}")
            for d in data["data"]:
                got[d["name"]] = (time_ms(d["last_seen"] or
                                          "1970-01-01T00:00:00.000Z"),
                                  d["online"])
            if page >= data["meta"]["last_page"]:
                return got
            page += 1


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])


def heartbeats(fleet, rounds, pid):
    order, draw = list(fleet.devices), random.Random(1)
    early = 0
    for i in range(rounds):
        draw.shuffle(order)
        faults = at_once(fleet.host, order, fleet.beat)
        if faults:
            break
        if i == rounds // 2 and pid:
            early = memory(pid)
    say(not faults and all(d.beats == rounds for d in fleet.devices),
        f"{rounds} heartbeats of {len(order)} devices", faults[:3])
    if pid:
        grown = memory(pid) - early
        say(grown < GROWTH_KB, "memory stays what it is", f"{grown} kB more")


def check_seen(fleet):
    seen = fleet.seen()
    wrong = [(d.name, d.sent, seen.get(d.name), d.done)
             for d in fleet.devices
             if not d.sent <= seen.get(d.name, (0, 0))[0] <= d.done]
    say(not wrong, "each was last seen at its last heartbeat", wrong[:3])
    say(all(online for _, online in seen.values()), "and is online")
    return seen


def directories(fleet):
    faults = at_once(fleet.host, fleet.devices, fleet.fetch)
    texts = {d.text for d in fleet.devices}
    say(not faults and len(texts) == 1, "all devices get the same directory",
        faults[:3] or len(texts))
    payload = json.loads(json.loads(texts.pop())["payload"])
    say(sorted(i["name"] for i in payload["devices"]) ==
        [d.name for d in fleet.devices], "with all of them in it")
    faults = at_once(fleet.host, fleet.devices, fleet.fetch)
    say(not faults and all(d.status == 304 and not d.text
                           for d in fleet.devices),
        "it is sent once to each", faults[:3])
    fleet.call("PUT", f"/api/ssh/v1/devices/{fleet.devices[0].id}/tags",
               {"network_id": fleet.network, "tags": ["first"]})
    faults = at_once(fleet.host, fleet.devices, fleet.fetch)
    say(not faults and all(d.status == 200 and b"first" in d.text
                           for d in fleet.devices),
        "and again when something has changed", faults[:3])


def behind_a_lock(fleet, store):
    """Somebody holds the store: who reads is answered all the same."""
    lock = sqlite3.connect(store, isolation_level=None, timeout=LIMIT_S)
    lock.execute("BEGIN IMMEDIATE")
    sent, answers, faults = threading.Semaphore(0), [], []

    def write(d):
        client = Client(fleet.host)
        body = json.dumps({"hardware_id": d.name})
        try:
            client.conn.request("POST", "/api/v2/devices/heartbeat", body, {
                "Content-Type": "application/json",
                "Authorization": "Bearer " + d.token})
            sent.release()
            answers.append(client.conn.getresponse().status)
        except (OSError, http.client.HTTPException) as e:
            faults.append(str(e))
            sent.release()

    threads = [threading.Thread(target=write, args=(d,))
               for d in fleet.devices[:WRITERS]]
    for t in threads:
        t.start()
    for t in threads:
        sent.acquire()
    for _ in range(3):
        for d in fleet.devices[:WRITERS]:
            fleet.fetch(fleet.admin, d)
            fleet.call("GET", "/api/v2/profile")
    early = list(answers)
    lock.execute("ROLLBACK")
    lock.close()
    for t in threads:
        t.join()
    say(not early and not faults, "reads are answered while writers wait",
        early or faults)
    # who has waited longer than a store may be busy is told so
    say(set(answers) <= {200, 503} and len(answers) == WRITERS,
        "who are answered then", answers)


def main():
    url, token, pid, count, rounds, store, path = sys.argv[1:]
    fleet = Fleet(url, token, int(count))
    faults = at_once(fleet.host, fleet.devices, fleet.enter)
    say(not faults, f"{count} devices log in, register and join", faults[:3])
    directories(fleet)
    behind_a_lock(fleet, store)
    heartbeats(fleet, int(rounds), int(pid))
    seen = check_seen(fleet)
    with open(path, "w", encoding="utf-8") as f:
        for name in sorted(seen):
            f.write(json.dumps([name, seen[name][0]]) + "\n")


main()
