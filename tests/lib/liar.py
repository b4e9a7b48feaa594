#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A control API that is the real one as long as it is not told to lie.

    liar.py UPSTREAM FOLDER

It ends TLS and passes requests on to UPSTREAM, "HOST:PORT" of a control-server
on plain HTTP.  FOLDER has good.pem and good.key, and other such pairs; the
liar writes there port, elsewhere (a port too), log (a JSON object for each
request) and stolen (what came to that other port).  FOLDER/mode is read anew
for each connection and request: a JSON object with
    mode   what becomes of a reply, "" or no file: nothing; see the functions
           below whose names begin with lie_
    path   regular expression that must be found in the path, else it passes
    tls    the pair to show, "good" when it is missing
    pause  seconds between two bytes of a reply that drips
"""
import base64
import gzip
import http.client
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time

UPSTREAM, FOLDER = sys.argv[1:]
MEG = 1 << 20
lock = threading.Lock()


def name(file):
    return os.path.join(FOLDER, file)


def current():
    try:
        with open(name("mode"), encoding="utf-8") as f:
            return json.load(f)
    except FileNotFoundError:
        return {}


def note(file, **what):
    with lock, open(name(file), "a", encoding="utf-8") as f:
        f.write(json.dumps(what) + "\n")


def context(pair):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(name(pair + ".pem"), name(pair + ".key"))
    return tls


class Request:
    def __init__(self, conn):
        raw = b""
        while b"\r\n\r\n" not in raw:
            got = conn.recv(65536)
            if not got:
                raise EOFError
            raw += got
        head, _, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.method, self.path, _ = first.split(" ")
        self.headers = {k.lower(): v.strip() for k, _, v in
                        (x.partition(":") for x in lines)}
        length = int(self.headers.get("content-length", 0))
        while len(body) < length:
            body += conn.recv(length - len(body))
        self.body = body

    def ask(self, path=None):
        upstream = http.client.HTTPConnection(UPSTREAM, timeout=120)
        headers = {k: v for k, v in self.headers.items()
                   if k in ("authorization", "content-type", "if-none-match")}
        upstream.request(self.method, path or self.path, self.body, headers)
        r = upstream.getresponse()
        reply = (r.status, r.getheader("ETag"), r.read())
        upstream.close()
        return reply

    def fresh(self, path=None):
        """The same, whatever the caller has of it."""
        self.headers.pop("if-none-match", None)
        return self.ask(path)


def reply(conn, status, body, version="1.1", length=True, **headers):
    lines = [f"HTTP/{version} {status} x", "Content-Type: application/json"]
    if length is not False:
        lines.append("Content-Length: %d" %
                     (len(body) if length is True else length))
    lines += [k.replace("_", "-") + ": " + v for k, v in headers.items() if v]
    conn.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return True


def good(conn, status, body, etag=None):
    return reply(conn, status, body, ETag=etag)


# --- documents ---------------------------------------------------------------

def document(conn, r, change):
    """@change takes a document and the network that it is to be of."""
    status, etag, body = r.fresh(re.sub("have=[^&]*", "", r.path))
    if status != 200:
        return good(conn, status, body, etag)
    d = json.loads(body)
    if "payload" in d:
        d = change(d, re.search("network_id=([^&]*)", r.path)[1])
    for row in d.get("data", []):
        if "directory" in row:
            row["directory"] = change(row["directory"], row["id"])
    return good(conn, 200, json.dumps(d).encode(), '"lie"')


def sign(d, **changes):
    """Signed by a key that nobody pinned, unless a test made it so."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import \
        Ed25519PrivateKey
    key = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    payload = json.dumps({**json.loads(d["payload"]), **changes})
    public = key.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    signature = key.sign(b"omniedge signed document 1\n" + payload.encode())
    return {"payload": payload, "key": base64.b64encode(public).decode(),
            "signature": base64.b64encode(signature).decode()}


def lie_signature(conn, r, mode):
    def change(d, network):
        s = bytearray(base64.b64decode(d["signature"]))
        s[0] ^= 1
        return {**d, "signature": base64.b64encode(s).decode()}
    return document(conn, r, change)


def lie_unsigned(conn, r, mode):
    return document(conn, r, lambda d, network: json.loads(d["payload"]))


def lie_key(conn, r, mode):
    return document(conn, r, lambda d, network: sign(d))


def lie_key_name(conn, r, mode):
    return document(conn, r,
                    lambda d, network: {**sign(d), "key": d["key"]})


def lie_content(conn, r, mode):
    """The same version with other content."""
    def change(d, network):
        p = json.loads(d["payload"])
        p["users"] = p["rules"] = []
        return {**d, "payload": json.dumps(p)}
    return document(conn, r, change)


def lie_old(conn, r, mode):
    """What was right once: FOLDER/old.KIND."""
    kind = "policy" if "/policy" in r.path else "directory"
    with open(name("old." + kind), encoding="utf-8") as f:
        old = json.load(f)
    about = json.loads(old["payload"])["network_id"]
    return document(conn, r,
                    lambda d, network: old if network == about else d)


def lie_network(conn, r, mode):
    """Of the network that mode has."""
    kind = "policy" if "/policy" in r.path else "directory"
    other = r.fresh(f"/api/ssh/v1/{kind}?network_id={mode['network']}")[2]
    return document(conn, r, lambda d, network: json.loads(other))


def lie_kind(conn, r, mode):
    other = "directory" if "/policy" in r.path else "policy"

    def change(d, network):
        return json.loads(r.fresh(
            f"/api/ssh/v1/{other}?network_id={network}")[2])
    return document(conn, r, change)


def lie_issued(conn, r, mode):
    """Signed with the liar's key, at the time that mode has."""
    return document(conn, r, lambda d, network: sign(
        d, issued_at=mode["issued_at"]))


# --- JSON ----------------------------------------------------------------------

def lie_cut(conn, r, mode):
    body = r.fresh()[2]
    return good(conn, 200, body[:len(body) // 2])


def text(body):
    def lie(conn, r, mode):
        return good(conn, 200, body if isinstance(body, bytes) else body())
    return lie


lie_empty = text(b"")
lie_html = text(b"<html>Welcome to the hotel</html>")
lie_deep = text(b"[" * 200000)
lie_deep_object = text(b'{"data":' * 50000 + b"1" + b"}" * 50000)
lie_wide = text(lambda: b'{"data":[' + b"[]," * 2000000 + b"[]]}")
lie_twice = text(b'{"code":200,"data":[],"data":[{"id":"vnw_evil"}]}')
lie_nan = text(b'{"code":200,"data":NaN}')
lie_huge_number = text(b'{"code":1e999,"data":[]}')
lie_long_number = text(b'{"code":' + b"9" * 1000 + b',"data":[]}')
lie_utf8 = text(b'{"code":200,"data":[{"id":"vnw_1","name":"\xff\xfe"}]}')
lie_nul = text(b'{"code":200,"data":[{"id":"vnw_1","name":"a\\u0000b"}]}')
lie_big = text(lambda: b'{"code":200,"data":{"x":"' + b"x" * 10 * MEG + b'"}}')


# --- HTTP ----------------------------------------------------------------------

def lie_endless(conn, r, mode):
    reply(conn, 200, b"[", length=False, Connection="close")
    while True:
        conn.sendall(b'"' + b"x" * MEG + b'",')


def lie_chunks(conn, r, mode):
    reply(conn, 200, b"", length=False, Transfer_Encoding="chunked")
    while True:
        conn.sendall(b"100000\r\n" + b" " * MEG + b"\r\n")


def lie_bomb(conn, r, mode):
    return reply(conn, 200, gzip.compress(b" " * 200 * MEG, 6),
                 Content_Encoding="gzip")


def lie_transfer_bomb(conn, r, mode):
    return not reply(conn, 200, gzip.compress(b" " * 200 * MEG, 6),
                     length=False, Transfer_Encoding="gzip")


def lie_header(conn, r, mode):
    return not reply(conn, 200, b"[]", X_Long="x" * MEG)


def lie_headers(conn, r, mode):
    conn.sendall(b"HTTP/1.1 200 x\r\n")
    while True:
        conn.sendall(b"X-More: %s\r\n" % (b"y" * 1000) * 100)


def lie_continues(conn, r, mode):
    while True:
        conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def lie_no_http(conn, r, mode):
    conn.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    return False


def lie_redirect(conn, r, mode):
    return reply(conn, mode.get("status", 302), b"{}",
                 Location=f"http://127.0.0.1:{elsewhere_port}{r.path}")


def lie_redirect_tls(conn, r, mode):
    return reply(conn, 307, b"{}",
                 Location=f"https://127.0.0.1:{elsewhere_port}{r.path}")


def lie_short(conn, r, mode):
    """Less than was promised, and TLS ended properly."""
    body = r.fresh()[2]
    reply(conn, 200, body[:len(body) // 2], length=len(body))
    conn.unwrap()
    return False


def lie_torn(conn, r, mode):
    """Half of it, no length, and TLS not ended: was that all?"""
    body = r.fresh()[2]
    reply(conn, 200, body[:len(body) // 2], length=False, version="1.0")
    os.close(conn.detach())
    return False


def lie_reset(conn, r, mode):
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    return False


def lie_silent(conn, r, mode):
    conn.recv(1)
    return False


def lie_drip(conn, r, mode):
    for byte in b"HTTP/1.1 200 x\r\nContent-Length: 1000\r\n\r\n" + b" " * 999:
        conn.sendall(bytes([byte]))
        time.sleep(mode["pause"])
    return False


def status(code, **headers):
    def lie(conn, r, mode):
        body = {"code": code, "message": "line one\nline two\x1b[2J"}
        return reply(conn, code, json.dumps(body).encode(), **headers)
    return lie


lie_busy = status(429, Retry_After="86400")
lie_broken = status(500)
lie_away = status(503, Retry_After="100000")
lie_refused = status(401)
lie_forbidden = status(403)
lie_teapot = status(418)
lie_nothing = status(204)


def lie_unchanged(conn, r, mode):
    """304, whether or not the caller has it."""
    return reply(conn, 304, b"", length=False)


# --- odd, and yet right -----------------------------------------------------------

def lie_old_http(conn, r, mode):
    code, etag, body = r.ask()
    reply(conn, code, body, version="1.0", length=False, ETag=etag)
    conn.unwrap()
    return False


def lie_continue(conn, r, mode):
    conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"
                 b"HTTP/1.1 103 Early Hints\r\nETag: \"evil\"\r\n\r\n")
    code, etag, body = r.ask()
    return good(conn, code, body, etag)


def lie_cookie(conn, r, mode):
    code, etag, body = r.ask()
    return reply(conn, code, body, ETag=etag, Set_Cookie="evil=1; Path=/",
                 Strict_Transport_Security="max-age=99999999",
                 Alt_Svc=f'h2="127.0.0.1:{elsewhere_port}"')


def serve(conn):
    with conn:
        conn = context(current().get("tls", "good")).wrap_socket(
            conn, server_side=True)
        keep = True
        while keep:
            r = Request(conn)
            mode = current()
            what = mode.get("mode", "")
            if what and not re.search(mode.get("path", ""), r.path):
                what = ""
            note("log", mode=what, method=r.method, path=r.path,
                 authorization=r.headers.get("authorization"),
                 cookie=r.headers.get("cookie"))
            if what:
                keep = globals()["lie_" + what](conn, r, mode)
            else:
                code, etag, body = r.ask()
                keep = good(conn, code, body, etag)


def steal(conn):
    with conn:
        conn.settimeout(5)
        note("stolen", got=conn.recv(65536).decode(errors="replace"))


def listen(file, serve_one):
    s = socket.create_server(("127.0.0.1", 0))
    with open(name(file + ".new"), "w", encoding="utf-8") as f:
        f.write(str(s.getsockname()[1]))
    os.rename(name(file + ".new"), name(file))

    def one(conn):
        try:
            serve_one(conn)
        except (OSError, EOFError, ValueError):
            pass  # the client has had enough

    def loop():
        while True:
            conn = s.accept()[0]
            threading.Thread(target=one, args=(conn,), daemon=True).start()

    threading.Thread(target=loop).start()
    return s.getsockname()[1]


elsewhere_port = listen("elsewhere", steal)
listen("port", serve)
