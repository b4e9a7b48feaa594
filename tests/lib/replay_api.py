#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A control API that says what a script tells it to, lies included.

    replay_api.py RULES LOG PORT_FILE [CERT KEY]

RULES has a JSON object a line and is read anew for each request.  The first
rule that fits answers:
    method, path    what was asked; path is a regular expression for all of
                    the path without its query
    query, body_has regular expressions that must be found in the query, in
                    the body
    token           the bearer token that must be there; "" for none
    times           how often it answers; without it, always
    status, body    the reply; body is any JSON, or raw text under "text"
    type, headers   Content-Type, and more headers
    how             "truncate": half of the body and the end of the connection
                    "reset": the connection is cut without a word
                    "hang": nothing until the client goes
                    "big": ten megabytes of a list
                    "generate": a list of rows, see generate()
LOG gets a JSON object for each request.
"""
import http.server
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading

rules_file, log_file, port_file = sys.argv[1:4]
used = {}
lock = threading.Lock()


def generate(spec):
    """{"count":N,"page":P,"per_page":R,"prefix":"dev"}: rows of devices."""
    first = (spec.get("page", 1) - 1) * spec.get("per_page", 10**9)
    last = min(spec["count"], first + spec.get("per_page", 10**9))
    return [
        {
            "id": "dev_%020d" % i,
            "name": "%s-%05d" % (spec.get("prefix", "dev"), i),
            "hardware_id": "00000000-0000-0000-0000-%012d" % i,
            "platform": "linux",
            "created_at": "2021-12-25T22:48:35.641+08:00",
            "ddb_uuid": None,
            "virtual_ip": "100.64.%d.%d" % (i // 250, i % 250 + 1),
            "last_seen": "2021-12-25T14:48:35.641Z",
        }
        for i in range(first, last)
    ]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def fits(self, rule, path, query, body):
        if rule.get("method", "GET") != self.command:
            return False
        if not re.fullmatch(rule["path"], path):
            return False
        if "query" in rule and not re.search(rule["query"], query):
            return False
        if "body_has" in rule and not re.search(rule["body_has"], body):
            return False
        if "token" in rule:
            want = "Bearer " + rule["token"] if rule["token"] else None
            if self.headers.get("Authorization") != want:
                return False
        return True

    def choose(self, path, query, body):
        with lock, open(rules_file) as f:
            for n, line in enumerate(f):
                if not line.strip():
                    continue
                rule = json.loads(line)
                if not self.fits(rule, path, query, body):
                    continue
                key = (n, line)
                if "times" in rule and used.get(key, 0) >= rule["times"]:
                    continue
                used[key] = used.get(key, 0) + 1
                return rule
        return {"status": 404, "body": {"code": "E_ROUTE_NOT_FOUND",
                "message": "E_ROUTE_NOT_FOUND: Cannot %s" % self.command}}

    def note(self, path, query, body):
        with lock, open(log_file, "a") as f:
            f.write(json.dumps({
                "method": self.command, "path": path, "query": query,
                "authorization": self.headers.get("Authorization"),
                "type": self.headers.get("Content-Type"),
                "body": body}) + "\n")

    def payload(self, rule, query):
        if "text" in rule:
            return rule["text"].encode()
        if rule.get("how") == "big":
            return json.dumps({"code": 200, "data": [
                {"id": "x" * 60, "name": "y" * 900}] * 11000}).encode()
        body = rule.get("body")
        if rule.get("how") == "generate":
            spec = dict(rule["rows"])
            for name in ("page", "per_page"):
                m = re.search(r"\b%s=(\d+)" % name, query)
                if m:
                    spec[name] = min(int(m.group(1)), spec.get(name, 10**9)) \
                        if name == "per_page" else int(m.group(1))
            text = json.dumps(body)
            return text.replace('"ROWS"', json.dumps(generate(spec))).encode()
        return b"" if body is None else json.dumps(body).encode()

    def cut(self):
        self.connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def answer(self):
        path, _, query = self.path.partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode(errors="replace")
        self.note(path, query, body)
        rule = self.choose(path, query, body)
        how = rule.get("how")
        if how == "reset":
            return self.cut()
        if how == "hang":
            self.close_connection = True
            try:
                self.connection.recv(1)
            except OSError:
                pass
            return None
        data = self.payload(rule, query)
        self.send_response_only(rule.get("status", 200))
        self.send_header("Content-Type", rule.get("type", "application/json"))
        self.send_header("Content-Length", str(len(data)))
        for name, value in rule.get("headers", {}).items():
            self.send_header(name, value)
        self.end_headers()
        if how == "truncate":
            data = data[:len(data) // 2]
            self.close_connection = True
        try:
            self.wfile.write(data)
        except OSError:
            self.close_connection = True
        return None

    do_GET = do_POST = do_PUT = do_DELETE = answer


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 5:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[4], sys.argv[5])
    server.socket = tls.wrap_socket(server.socket, server_side=True)
with open(port_file + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(port_file + ".new", port_file)
server.serve_forever()
