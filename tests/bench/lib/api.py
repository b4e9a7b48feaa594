# SPDX-License-Identifier: Apache-2.0
"""api - a control-server of a run's own, and api.c, which asks it."""
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
EMAIL, PASSWORD = "bench@example.org", "bench bench bench"
UNIQUE = "@" * 16
LOGIN = "/api/v2/auth/login/password"


class Server:
    """A server of this run, with an administrator who is logged in."""

    def __init__(self, program, folder, database="", options=()):
        self.dir = os.path.join(folder, "data")
        base = [program, "control-server", "--data-dir", self.dir]
        if database:
            base += ["--database", database]
        out = subprocess.run(base[:2] + ["init", "--email", EMAIL] + base[2:],
                             check=True, capture_output=True, text=True)
        once = re.search("one-time password: (.*)", out.stdout)[1]
        self.log = open(os.path.join(folder, "log"), "w+")
        self.proc = subprocess.Popen(
            base + ["--quiet", "--listen", "127.0.0.1:0", "--listen",
                    "http://127.0.0.1:0", *options],
            stderr=self.log)
        while "pin" not in self.said():
            if self.proc.poll() is not None:
                raise SystemExit("control: " + self.said())
            time.sleep(0.05)
        self.http = re.search("http://[0-9.:]+", self.said())[0]
        self.https = re.search("https://[0-9.:]+", self.said())[0]
        self.token = None
        self.login(once)
        self.call("PUT", "/api/v2/profile/password",
                  {"old_password": once, "password": PASSWORD})

    def said(self):
        self.log.flush()
        with open(self.log.name) as f:
            return f.read()

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            self.http + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"})
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def login(self, password):
        self.token = self.call("POST", LOGIN, {
            "email": EMAIL, "password": password})["data"]["token"]

    def etag(self, path):
        request = urllib.request.Request(self.http + path, headers={
            "Authorization": "Bearer " + self.token})
        with urllib.request.urlopen(request) as reply:
            return reply.headers["ETag"]

    def port(self, tls):
        return (self.https if tls else self.http).rsplit(":", 1)[1]

    def memory(self):
        with open("/proc/%d/status" % self.proc.pid) as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])

    def cpu(self):
        """Seconds that all threads have run and, in sum, have waited for a
        processor."""
        ran = waited = 0
        for task in os.listdir("/proc/%d/task" % self.proc.pid):
            with open("/proc/%d/task/%s/schedstat"
                      % (self.proc.pid, task)) as f:
                fields = f.read().split()
            ran += int(fields[0])
            waited += int(fields[1])
        return ran / 1e9, waited / 1e9

    def disk(self):
        return sum(os.path.getsize(os.path.join(self.dir, name))
                   for name in os.listdir(self.dir)
                   if name.startswith("control.db"))

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        self.proc.wait()


class Asker:
    """api.c, built for this run."""

    def __init__(self, folder):
        self.folder = folder
        self.program = os.path.join(folder, "api")
        subprocess.run(["cc", "-O2", "-o", self.program,
                        os.path.join(HERE, "api.c"),
                        os.path.join(HERE, "api_conn.c"), "-lssl",
                        "-lcrypto"], check=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def file(self, requests):
        """The requests of a stream, in a file of its own."""
        fd, path = tempfile.mkstemp(dir=self.folder)
        with os.fdopen(fd, "w") as f:
            f.write("\0".join(requests))
        return path

    def start(self, server, seconds, *streams):
        """Each a dict as api.c has it, "requests" in place of "file"."""
        words, tls = [], streams[0].get("tls", 1)
        for stream in streams:
            stream = dict(stream, tls=tls)
            stream["file"] = self.file(stream.pop("requests"))
            words.append(",".join("%s=%s" % i for i in stream.items()))
        return subprocess.Popen(
            [self.program, server.port(tls), str(seconds), *words],
            stdout=subprocess.PIPE, text=True)

    def ask(self, server, seconds, *streams):
        """The results of each stream, by its name."""
        proc = self.start(server, seconds, *streams)
        out = proc.communicate()[0]
        if proc.returncode:
            raise SystemExit("control: api ended with %d" % proc.returncode)
        return {r["name"]: r for r in map(json.loads, out.splitlines())}

    def each(self, server, requests, conns=32):
        """What the server says to each of the requests."""
        save = self.path("saved")
        got = self.ask(server, 0, {
            "name": "each", "requests": requests, "conns": conns,
            "count": len(requests), "save": save, "tls": 0})["each"]
        if got["bad"] or got["broken"] or got["open"]:
            raise SystemExit("control: %s of %d requests failed: %s"
                             % (got["bad"] + got["broken"] + got["open"],
                                len(requests), requests[0]))
        with open(save) as f:
            return [json.loads(line)["data"] for line in f]


def request(token, method, path, body=None, kind="application/json",
            more=""):
    """A request as it is sent."""
    text = "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n" % (method, path)
    if token:
        text += "Authorization: Bearer %s\r\n" % token
    if body is not None:
        body = body if isinstance(body, str) else json.dumps(body)
        text += "Content-Type: %s\r\nContent-Length: %d\r\n" % (
            kind, len(body.encode()))
    return text + more + "\r\n" + (body or "")


def batch(token, network, lines=10):
    """Events as a server sends them; 230 bytes each."""
    return request(token, "POST", "/api/ssh/v1/events", "".join(
        '{"v":1,"ts":"2026-01-01T00:00:00.000Z","event":"session.report",'
        '"uid":"%s-%d","conn":"%s","network_id":"%s","user":"demo",'
        '"src":"10.64.0.2","channel":"session","bytes_in":4096,'
        '"bytes_out":123456}\n' % (UNIQUE, i, UNIQUE, network)
        for i in range(lines)), "application/x-ndjson")


def reads(server, network):
    """What a device and its user ask all the time: directory and policy that
    have not changed, who one is, networks, peers."""
    token = server.token
    texts = []
    for kind in ("directory", "policy"):
        path = "/api/ssh/v1/%s?network_id=%s" % (kind, network)
        tag = "If-None-Match: %s\r\n" % server.etag(path)
        texts.append(request(token, "GET", path, more=tag))
    for path in ("/api/v2/profile", "/api/v2/virtual-networks",
                 "/api/v2/virtual-networks/%s/devices?per_page=10" % network):
        texts.append(request(token, "GET", path))
    return texts


class Fleet:
    """Devices of a network, each with a login of its own."""

    def __init__(self, server, asker, count, join=True):
        me = server.call("GET", "/api/v2/profile")["data"]["id"]
        server.call("PUT", "/api/ssh/v1/users/" + me,
                    {"device_limit": 1000000})
        self.network = server.call("POST", "/api/v2/virtual-networks", {
            "name": "fleet", "ip_range": "10.64.0.0/12"})["data"]["id"]
        key = server.call("POST", "/api/v2/security-keys", {
            "name": "fleet", "type": 1})["data"]
        # who logs in at the same time from one address is held to be guessing
        login = request(None, "POST", "/api/v2/auth/login/security-key",
                        {"key": key["key"]})
        self.tokens = [r["token"] for r in
                       asker.each(server, [login] * count, conns=8)]
        self.names = ["fleet-%05d" % i for i in range(count)]
        self.ids = [r["id"] for r in asker.each(server, [
            request(t, "POST", "/api/v2/devices", {
                "name": n, "hardware_uuid": n, "platform": "linux"})
            for t, n in zip(self.tokens, self.names)])]
        if join:
            asker.each(server, [request(
                server.token, "POST", "/api/v2/virtual-networks/%s/devices/%s"
                % (self.network, i)) for i in self.ids])

    def heartbeats(self):
        return [request(t, "POST", "/api/v2/devices/heartbeat",
                        {"hardware_id": n})
                for t, n in zip(self.tokens, self.names)]
