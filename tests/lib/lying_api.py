#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A control API that lies.

lying_api.py ADDRESS PORT MODE POLICY ELSEWHERE

POLICY and POLICY with .directory behind it are files with documents that the
real API once signed.  MODE, a file,
says how GET /policy and /directory are answered: forged (the document with
other content), old (as it was signed, long ago), other (another network's),
cut, big (10 MB), redirect (to ELSEWHERE), slow (never), broken (status 500).
The name of each request's mode is printed.
"""
import http.server
import json
import sys
import time

ADDRESS, PORT, MODE, POLICY, ELSEWHERE = sys.argv[1:]


def body(mode, name):
    with open(name, encoding="utf-8") as f:
        text = f.read()
    if mode == "forged":
        d = json.loads(text)
        p = json.loads(d["payload"])
        p["version"] += 1000
        d["payload"] = json.dumps(p)
        return json.dumps(d)
    if mode == "other":
        d = json.loads(text)
        d["payload"] = d["payload"].replace('"network_id":"', '"network_id":"x')
        return json.dumps(d)
    if mode == "cut":
        return text[:len(text) // 2]
    if mode == "big":
        return '{"payload":"' + "x" * 10_000_000 + '"}'
    return text


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, text, **headers):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        with open(MODE, encoding="utf-8") as f:
            mode = f.read().strip()
        if "/policy" not in self.path and "/directory" not in self.path:
            self.reply(503, "{}")
            return
        print(mode, flush=True)
        if mode == "slow":
            time.sleep(600)
        elif mode == "redirect":
            self.reply(302, "{}", Location=ELSEWHERE)
        elif mode == "broken":
            self.reply(500, "{}")
        else:
            self.reply(200, body(mode, POLICY + (
                ".directory" if "/directory" in self.path else "")))

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.reply(503, "{}")

    do_PUT = do_DELETE = do_POST

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


Server((ADDRESS, int(PORT)), Handler).serve_forever()
