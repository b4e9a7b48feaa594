#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every call of the control API against a running server.

    control_api.py URL EMAIL ONE-TIME-PASSWORD DIR [OPENAPI]

URL is plain HTTP on loopback.  DIR is for keys.  Results are lines "ok TEXT"
and "not ok TEXT".  With OPENAPI each reply is held to that document too, and
each of its operations must have been called.
"""
import base64
import collections
import datetime
import http.client
import ipaddress
import json
import os
import re
import subprocess
import sys
import time
import urllib.parse

failed = 0
ROUTES = collections.Counter()


def check(good, text, detail=None):
    global failed
    if good:
        print(f"ok {text}")
    else:
        failed += 1
        shown = "" if detail is None else f": {detail!r}"[:400]
        print(f"not ok {text}{shown}")
    sys.stdout.flush()


def same(got, want, text):
    check(got == want, text, got)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None

    @property
    def data(self):
        return self.json["data"]

    @property
    def rows(self):
        return self.json["data"]["data"]


class Document:
    """The OpenAPI document, when the machine can read it."""

    def __init__(self, path):
        import jsonschema
        import yaml

        with open(path, encoding="utf-8") as f:
            self.doc = yaml.safe_load(f)
        self.paths = []
        for path in self.doc["paths"]:
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", path)
            self.paths.append((re.compile(pattern + "$"), path))
        # a path without parameters is before one with
        self.paths.sort(key=lambda p: p[1].count("{"))
        self.validator = jsonschema.Draft7Validator
        self.jsonschema = jsonschema

    def operation(self, method, path):
        for pattern, name in self.paths:
            if pattern.match(path) and method.lower() in self.doc["paths"][name]:
                return name, self.doc["paths"][name][method.lower()]
        return None, None

    def fault(self, method, path, reply):
        name, op = self.operation(method, path)
        if op is None:
            return f"{method} {path} is not in the document"
        ROUTES[f"{method} {name}"] += 1
        answer = op["responses"].get(str(reply.status))
        if answer is None:
            answer = op["responses"].get("default")
        if answer is None:
            return f"{method} {name}: {reply.status} is not in the document"
        while "$ref" in answer:
            answer = self.resolve(answer["$ref"])
        content = answer.get("content", {}).get("application/json")
        if content is None or reply.json is None:
            return None
        schema = dict(self.nullable(content["schema"]))
        schema["components"] = self.nullable(self.doc["components"])
        for e in self.validator(schema).iter_errors(reply.json):
            where = "/".join(str(p) for p in e.absolute_path)
            return f"{method} {name} {reply.status}: {where}: {e.message}"
        return None

    def resolve(self, ref):
        v = self.doc
        for part in ref.removeprefix("#/").split("/"):
            v = v[part]
        return v

    def nullable(self, v):
        """OpenAPI 3.0 writes null in its own way."""
        if isinstance(v, list):
            return [self.nullable(x) for x in v]
        if not isinstance(v, dict):
            return v
        out = {k: self.nullable(x) for k, x in v.items() if k != "nullable"}
        if v.get("nullable") is True:
            return {"anyOf": [out, {"type": "null"}]}
        return out


class Api:
    document = None
    faults = []

    def __init__(self, url, token=None):
        self.host = urllib.parse.urlsplit(url).netloc
        self.url, self.token = url, token
        self.conn = http.client.HTTPConnection(self.host, timeout=120)

    def call(self, method, path, body=None, headers=None, raw=None, **query):
        head = dict(headers or {})
        if self.token:
            head["Authorization"] = f"Bearer {self.token}"
        if raw is None and body is not None:
            raw = json.dumps(body)
            head.setdefault("Content-Type", "application/json")
        full = path
        if query:
            full += "?" + urllib.parse.urlencode(query)
        try:
            self.conn.request(method, full, raw, head)
            r = self.conn.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            self.conn.close()
            self.conn.request(method, full, raw, head)
            r = self.conn.getresponse()
        reply = Reply(r.status, dict(r.getheaders()), r.read())
        if Api.document is not None:
            fault = Api.document.fault(method, path, reply)
            if fault:
                Api.faults.append(fault)
        return reply

    def get(self, path, **query):
        return self.call("GET", path, **query)

    def post(self, path, body=None, **query):
        return self.call("POST", path, {} if body is None else body, **query)

    def put(self, path, body, **query):
        return self.call("PUT", path, body, **query)

    def delete(self, path):
        return self.call("DELETE", path)


V2, SSH = "/api/v2", "/api/ssh/v1"
ID = {p: re.compile(p + r"_[0-9A-Za-z]{20}$")
      for p in ("dev", "vnw", "usr", "sck", "inv", "key", "ses", "ord")}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def first_password(url, email, once):
    """A one-time password is changed before all else."""
    api = Api(url)
    r = api.post(V2 + "/auth/login/password", {"email": email, "password": once})
    api.token = r.data["token"]
    password = "correct horse battery " + email
    r = api.put(V2 + "/profile/password",
                {"old_password": once, "password": password})
    if r.status != 200:
        check(False, f"a password for {email}", (r.status, r.body))
    r = Api(url).post(V2 + "/auth/login/password",
                      {"email": email, "password": password})
    both = {"token", "refreshToken", "refresh_token"}
    check(both <= set(r.data), "tokens have both spellings", sorted(r.data))
    api.token = r.data["token"]
    return api


def new_user(admin, name):
    r = admin.post(SSH + "/users", {"email": f"{name}@Example.org", "name": name})
    if r.status != 200:
        check(False, f"an account for {name}", (r.status, r.body))
    return first_password(admin.url, r.data["email"],
                          r.data["one_time_password"]), r.data["id"]


def key(folder, name, kind="ed25519"):
    path = os.path.join(folder, name)
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "x y",
                    "-f", path], check=True)
    with open(path + ".pub", encoding="utf-8") as f:
        return " ".join(f.read().split()[:2])


def fingerprint(line):
    import hashlib
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def devices(root, alice, bob):
    body = {"name": "r\u00f6bot 1 ../x", "hardware_uuid": "AABB-01",
            "platform": "linux"}
    r = alice.post(V2 + "/devices", body)
    dev = r.data
    same(r.status, 200, "a device is registered")
    check(ID["dev"].match(dev["id"]), "its id has the form", dev["id"])
    same((dev["name"], dev["hardware_id"], dev["online"], dev["ddb_uuid"]),
         (body["name"], "aabb-01", False, None), "and its fields")
    check(TIME.match(dev["created_at"]), "and its time", dev["created_at"])
    same(alice.post(V2 + "/devices", body).data["id"], dev["id"],
         "the same machine again is the same device")
    body["name"] = "other"
    other = alice.post(V2 + "/devices", body).data["id"]
    check(other != dev["id"], "by another name it is another device")
    r = alice.post(V2 + "/devices", {"name": "x"})
    same((r.status, r.json["code"], r.json["message"]),
         (422, "E_VALIDATION_FAILED", "E_VALIDATION_FAILED: [object Object]"),
         "a missing field is told as the real service tells it")
    same(sorted(r.json["errors"]), ["hardware_uuid", "platform"],
         "with the fields")
    same(bob.get(V2 + "/devices/" + dev["id"]).status, 404,
         "another's device is not there")
    for method, args in (("PUT", {"name": "mine"}), ("DELETE", None)):
        r = bob.call(method, V2 + "/devices/" + dev["id"], args)
        same(r.status, 404, f"nor for {method}")
    r = alice.put(V2 + "/devices/" + other, {"name": "renamed"})
    same(r.data["name"], "renamed", "rename")
    same(alice.put(V2 + "/devices/" + other, {"name": "a\x1b[31m"}).status, 422,
         "a name with an escape is refused")
    for bad in ("a\x9b31m", "\u202e1-tobor", "robot\u200b-1", "a\u00a0b", "\ufeffa"):
        same(alice.put(V2 + "/devices/" + other, {"name": bad}).status, 422,
             f"a name with {bad!a}")
    for hw in ("AABB-01", dev["id"]):
        r = alice.post(V2 + "/devices/heartbeat", {"hardware_id": hw})
        same((r.status, r.data["exit_nodes"]), (200, {}), "heartbeat")
    check(alice.get(V2 + "/devices/" + dev["id"]).data["online"],
          "the device is online after it")
    same(bob.post(V2 + "/devices/heartbeat",
                  {"hardware_id": dev["id"]}).status, 404,
         "another's heartbeat is none")
    same(alice.delete(V2 + "/devices/" + other).json,
         {"code": 200, "message": "Device deleted"}, "delete")
    same(alice.get(V2 + "/devices/" + other).json,
         {"code": 404, "message": "Device not found"}, "and gone")
    return dev["id"]


def pages(alice):
    for i in range(24):
        alice.post(V2 + "/devices", {"name": f"p-{i:02d}",
                                     "hardware_uuid": f"hw-{i}",
                                     "platform": "Linux"})
    r = alice.post(V2 + "/devices", {"name": "p-25", "hardware_uuid": "h",
                                     "platform": "linux"})
    same((r.status, r.json["code"]), (400, 400), "the limit of devices")
    r = alice.post(V2 + "/devices", {"name": "p-03", "hardware_uuid": "HW-3",
                                     "platform": "Linux"})
    same(r.status, 200, "does not stop one that is there")
    seen, page, meta = [], 1, None
    while page:
        r = alice.get(V2 + "/devices", page=page, per_page=3)
        meta = r.data["meta"]
        seen += [d["id"] for d in r.rows]
        page = page + 1 if page < meta["last_page"] else 0
    same((len(seen), len(set(seen))), (25, 25), "25 devices in pages, each once")
    same((meta["per_page"], meta["current_page"], meta["last_page"],
          meta["next_page_url"], meta["previous_page_url"],
          meta["first_page_url"]),
         (10, 3, 3, None, "/?page=2", "/?page=1"), "meta of the third page")
    r = alice.get(V2 + "/devices", page=9)
    same((r.rows, r.data["meta"]["total"]), ([], 25), "a page past the last")
    same(alice.get(V2 + "/devices", name="p-0").data["meta"]["total"], 10,
         "filter by name")
    same(alice.get(V2 + "/devices", name="P-0").data["meta"]["total"], 0,
         "which minds case")
    same(alice.get(V2 + "/devices", platform="LIN",
                   per_page=100).data["meta"]["total"], 25,
         "filter by platform does not")
    same(alice.get(V2 + "/devices", name="%").data["meta"]["total"], 0,
         "a percent sign is itself")
    for d in seen:
        if d != seen[0]:
            alice.delete(V2 + "/devices/" + d)


def network(alice, bob, carol, dev):
    for bad in ("8.8.8.0/24", "10.0.0.1/24", "10.0.0.0/31", "10.0.0.0", "x",
                "10.0.0.0/8", "010.0.0.0/24"):
        r = alice.post(V2 + "/virtual-networks",
                       {"name": "n", "ip_range": bad})
        same(r.status, 422, f"no network of {bad}")
    r = alice.post(V2 + "/virtual-networks",
                   {"name": "Home", "ip_range": "100.100.0.0/29",
                    "server": {"host": "mesh.example.org", "port": 51820}})
    net = r.data["id"]
    check(ID["vnw"].match(net), "a network has an id", net)
    same((r.data["role"], r.data["users_count"], r.data["devices_count"],
          r.data["server"]["host"]), (2, 1, 0, "mesh.example.org:51820"),
         "and its fields")
    p = f"{V2}/virtual-networks/{net}"
    same(bob.get(p).status, 404, "a stranger does not see it")
    r = alice.post(f"{p}/devices/{dev}")
    join = r.data
    ip = ipaddress.ip_address(join["virtual_ip"])
    check(ip in list(ipaddress.ip_network("100.100.0.0/29"))[2:-1],
          "an address of the range", join["virtual_ip"])
    same((join["subnet_mask"], join["cluster"], len(join["community_name"]),
          join["server"]["name"]),
         ("255.255.255.248", join["community_name"], 15,
          "mesh.example.org:51820"), "the join reply")
    check(re.match("[0-9a-f]{64}$", join["secret_key"]), "its secret")
    same(alice.post(f"{p}/devices/{dev}").data, join, "joining again is the same")
    same(bob.post(f"{p}/devices/{dev}").status, 404, "a stranger does not join")
    r = alice.post(V2 + "/virtual-networks",
                   {"name": "Two", "ip_range": "100.100.0.0/29"})
    two = alice.post(f"{V2}/virtual-networks/{r.data['id']}/devices/{dev}").data
    check(two["secret_key"] != join["secret_key"], "secrets differ")
    alice.delete(f"{V2}/virtual-networks/{r.data['id']}")
    # invitations
    r = alice.post(f"{p}/invitations", {"email": "BOB@example.org"})
    inv = r.data
    same((inv["status"], inv["email"]), (1, "bob@example.org"), "an invitation")
    same(alice.post(f"{p}/invitations",
                    {"email": "bob@example.org"}).status, 409, "only once")
    same(len(alice.get(f"{p}/invitations").rows), 1, "listed for the network")
    same([i["id"] for i in bob.get(V2 + "/invitations").rows], [inv["id"]],
         "and for whom it is")
    same(carol.put(f"{V2}/invitations/{inv['id']}", {"status": 2}).status, 404,
         "another does not accept it")
    same(bob.put(f"{V2}/invitations/{inv['id']}", {"status": 2}).status, 200,
         "accepted")
    same(bob.put(f"{V2}/invitations/{inv['id']}", {"status": 2}).status, 404,
         "once")
    inv2 = alice.post(f"{p}/invitations", {"email": "nobody@example.org"}).data
    same(alice.delete(f"{p}/invitations/{inv2['id']}").status, 200, "withdrawn")
    # what an administrator began ends with the role
    alice.put(f"{p}/users/{BOB}", {"role": 2})
    inv3 = bob.post(f"{p}/invitations", {"email": "carol@example.org"}).data
    alice.put(f"{p}/users/{BOB}", {"role": 1})
    same(carol.put(f"{V2}/invitations/{inv3['id']}", {"status": 2}).status, 404,
         "nobody is let in by one who administers no more")
    # roles
    same(bob.get(p).data["role"], 1, "a member has role 1")
    for method, path, body in (
            ("DELETE", "", None), ("PUT", "", {"name": "Bob's"}),
            ("GET", "/devices", None), ("GET", "/invitations", None),
            ("POST", "/invitations", {"email": "x@example.org"}),
            ("PUT", "/users/x", {"role": 2}),
            ("DELETE", f"/devices/{dev}", None),
            ("DELETE", "/users/" + ALICE, None)):
        r = bob.call(method, p + path, body)
        same((r.status, r.json.get("code")), (403, 403),
             f"a member may not {method} {path or 'the network'}")
        r = carol.call(method, p + path, body)
        same(r.status, 404, "and for a stranger it is not there")
    r = bob.get(V2 + "/virtual-networks/all/list")
    same((r.data[0]["id"], [d["virtual_ip"] for d in r.data[0]["devices"]],
          len(r.data[0]["users"])), (net, [join["virtual_ip"]], 2),
         "all/list is open to members")
    same([d["id"] for d in alice.get(f"{p}/devices").rows], [dev],
         "an administrator lists devices")
    same(len(bob.get(f"{p}/users").rows), 2, "a member lists users")
    # addresses run out
    used, last = {join["virtual_ip"]}, None
    for i in range(5):
        d = bob.post(V2 + "/devices", {"name": f"b{i}", "hardware_uuid": "b",
                                       "platform": "linux"}).data["id"]
        last = bob.post(f"{p}/devices/{d}")
        if last.status == 200:
            used.add(last.data["virtual_ip"])
    same((len(used), last.status), (5, 400), "five of five addresses, then none")
    same(bob.delete(f"{p}/devices/{d}").status, 404,
         "who is not in a network does not leave it")
    same(alice.put(p, {"name": "H", "ip_range": "10.9.0.0/24"}).status, 400,
         "a range in use stays")
    same(alice.put(p, {"name": "Home 2"}).data["name"], "Home 2", "renamed")
    same(alice.delete(f"{p}/users/{ALICE}").status, 400,
         "the last administrator stays")
    same(alice.put(f"{p}/users/{BOB}", {"role": 3}).status, 422, "no role 3")
    same(len(alice.get(V2 + "/servers").data), 1, "servers")
    same(len(bob.get(V2 + "/virtual-networks", name="Home").rows), 1,
         "networks of a member")
    return net, join["virtual_ip"]


def security_keys(alice, bob):
    for kind, size in ((1, 64), (2, 32)):
        r = alice.post(V2 + "/security-keys", {"name": f"k{kind}", "type": kind})
        k = r.data
        check(re.match(f"[0-9A-Za-z]{{{size}}}$", k["key"]),
              f"a security key of {size} characters")
        again = alice.get(f"{V2}/security-keys/{k['id']}").data
        check("key" not in again and again["type"] == kind, "shown only once")
        same(bob.get(f"{V2}/security-keys/{k['id']}").status, 404, "not to others")
        login = V2 + "/auth/login/security-key"
        same(Api(alice.url).post(login, {"key": k["key"]}).status, 200, "logs in")
        same(Api(alice.url).post(login, {"key": k["key"]}).status,
             200 if kind == 1 else 401,
             "and again" if kind == 1 else "a temporary one once")
    rows = alice.get(V2 + "/security-keys").rows
    same(len(rows), 1, "the used one is gone")
    r = alice.post(V2 + "/security-keys", {"name": "lost", "type": 1}).data
    device = Api(alice.url).post(login, {"key": r["key"]}).data
    thief = Api(alice.url, device["token"])
    same(thief.get(V2 + "/profile").status, 200, "a device logs in by a key")
    same(thief.post(V2 + "/security-keys", {"name": "x", "type": 1}).status,
         403, "which makes no other key")
    again = thief.post(V2 + "/auth/refresh",
                       {"refresh_token": device["refresh_token"]}).data
    thief = Api(alice.url, again["token"])
    same(thief.post(V2 + "/security-keys", {"name": "x", "type": 1}).status,
         403, "nor after a refresh")
    alice.delete(f"{V2}/security-keys/{r['id']}")
    same(thief.get(V2 + "/profile").status, 401,
         "when the key is deleted its logins end")
    same(thief.post(V2 + "/auth/refresh",
                    {"refresh_token": again["refresh_token"]}).status, 401,
         "for good")
    same(alice.put(f"{V2}/security-keys/{rows[0]['id']}",
                   {"name": "new"}).data["name"], "new", "renamed")
    same(alice.delete(f"{V2}/security-keys/{rows[0]['id']}").status, 200,
         "deleted")
    same(alice.post(V2 + "/security-keys", {"name": "x", "type": 3}).status, 422,
         "no type 3")


def openssl_verify(public, message, signature, folder):
    der = bytes.fromhex("302a300506032b6570032100") + public
    paths = [os.path.join(folder, n) for n in ("pub.der", "msg", "sig")]
    for path, data in zip(paths, (der, message, signature)):
        with open(path, "wb") as f:
            f.write(data)
    r = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey",
                        paths[0], "-keyform", "DER", "-rawin", "-in", paths[1],
                        "-sigfile", paths[2]], capture_output=True, check=False)
    return r.returncode == 0


def signed(api, kind, net, folder, etag=None):
    head = {"If-None-Match": etag} if etag else None
    r = api.call("GET", f"{SSH}/{kind}", None, head, network_id=net)
    if r.status != 200:
        return r, None
    pinned = api.get(SSH + "/keys/signing").data["key"]
    good = r.json["key"] == pinned and openssl_verify(
        base64.b64decode(pinned),
        b"omniedge signed document 1\n" + r.json["payload"].encode(),
        base64.b64decode(r.json["signature"]), folder)
    check(good, f"the {kind} is signed by the key that is pinned")
    payload = json.loads(r.json["payload"])
    same((payload["kind"], payload["network_id"]), (kind, net), "and says of what")
    return r, payload


def policy(alice, bob, carol, net, dev, ip, folder):
    r, p = signed(bob, "policy", net, folder)
    same(p["policy"]["rules"], [], "without a policy nobody is let in")
    old = p["version"]
    etag = r.headers["ETag"]
    same(signed(bob, "policy", net, folder, etag)[0].status, 304,
         "unchanged for who has it")
    same(carol.get(SSH + "/policy", network_id=net).status, 404,
         "not for strangers")
    good = {"version": 1, "updated_at": "2031-01-01T00:00:00Z", "rules": [
        {"id": "r1", "principals": [{"tag": "robot"}],
         "ssh_users": {"*": "demo"},
         "action": {"accept": True, "session_duration": None}},
        {"id": "r2", "principals": [{"group": "ops"}],
         "ssh_users": {"root": "root"},
         "action": {"accept": True, "session_duration": 60}}]}
    put = {"network_id": net, "policy": good}
    same(bob.put(SSH + "/policy", put).status, 403, "a member does not set it")
    r = alice.put(SSH + "/policy", {"network_id": net, "policy": {
        "version": 1, "updated_at": "2031-01-01T00:00:00Z", "rules": [
            {"id": "r", "principals": [{"any": True}],
             "ssh_users": {"*": "demo"}, "wrong": 1,
             "action": {"accept": True, "session_duration": None}}]}})
    same((r.status, r.json["code"]), (422, "E_VALIDATION_FAILED"),
         "a mistake is refused")
    check(any(k.startswith("/rules/0") for k in r.json["errors"]),
          "with its place", r.json["errors"])
    r = alice.put(SSH + "/policy", put)
    same(r.status, 200, "a policy is stored")
    r, p = signed(bob, "policy", net, folder, etag)
    same((p["policy"], p["version"] > old), (good, True), "and given out, newer")
    seen = {"If-Match": r.headers["ETag"]}
    r = alice.call("PUT", SSH + "/policy", put, {"If-Match": etag})
    same((r.status, r.json["code"]), (412, "E_PRECONDITION_FAILED"),
         "not over one that the author has not seen")
    r = alice.call("PUT", SSH + "/policy", put, seen)
    again = r.data["version"]
    check(again > p["version"], "versions grow")
    same(alice.call("PUT", SSH + "/policy", put, seen).status, 412,
         "of two who have seen the same the second is told")
    for _ in range(55):
        again = alice.put(SSH + "/policy", put).data["version"]
    same(alice.get(SSH + "/policy", network_id=net).json["payload"].count(
        f'"version":{again},'), 1, "the last of many is in force")
    ask = {"network_id": net, "user": "alice@example.org", "as": "x", "from": ip}
    r = alice.post(SSH + "/policy/test", ask)
    same(r.data["outcome"], "no-match", "a dry run without the tag")
    same(alice.put(f"{SSH}/devices/{dev}/tags", {"tags": ["robot", "robot"]})
         .status, 200, "a tag")
    for who in (dev, ip):
        r = alice.post(SSH + "/policy/test", dict(ask, **{"from": who}))
        same((r.data["outcome"], r.data["rule_id"], r.data["local_user"],
              r.data["matched"]), ("accept", "r1", "demo", ["tag"]),
             "a dry run with it")
    same(bob.post(SSH + "/policy/test", ask).status, 403, "not by a member")
    same(alice.post(SSH + "/policy/test", dict(ask, user="x")).status, 404,
         "of an unknown user")
    # who names one's device as another's, or as its address, is not it
    for d in bob.get(V2 + "/devices", per_page=100).rows[1:]:
        # the network is full
        bob.delete(f"{V2}/virtual-networks/{net}/devices/{d['id']}")
    name = alice.get(V2 + "/devices/" + dev).data["name"]
    mine = []
    for n in (name, ip):
        d = bob.post(V2 + "/devices", {"name": n, "hardware_uuid": "fake",
                                       "platform": "x"}).data["id"]
        mine.append(d)
        bob.post(f"{V2}/virtual-networks/{net}/devices/{d}")
    same(alice.post(SSH + "/policy/test", dict(ask, **{"from": name})).status,
         400, "of a name that two devices have")
    r = alice.post(SSH + "/policy/test", dict(ask, **{"from": ip}))
    same(r.data["rule_id"], "r1", "an address is no other's name")
    for d in mine:
        bob.delete(V2 + "/devices/" + d)
    r = alice.post(SSH + "/policy/test", {
        "network_id": net, "as": "root", "user": "bob@example.org"})
    same(r.data["outcome"], "no-match", "a user without the group")
    same(alice.put(f"{SSH}/users/{BOB}/groups",
                   {"groups": ["ops"], "network_id": net}).status, 200, "a group")
    r = alice.post(SSH + "/policy/test", {
        "network_id": net, "as": "root", "user": BOB})
    same((r.data["outcome"], r.data["local_user"]), ("accept", "root"),
         "and with it")


def labels(alice, bob, carol, net, dev):
    same(bob.put(f"{SSH}/devices/{dev}/tags", {"tags": []}).status, 403,
         "a member sets no tags")
    same(bob.put(f"{SSH}/users/{BOB}/groups", {"groups": ["x"]}).status, 403,
         "nor groups")
    same(alice.put(f"{SSH}/devices/{dev}/tags", {"tags": ["a b"]}).status, 422,
         "a tag with a blank")
    # an administrator of one network grants nothing in another
    r = bob.post(V2 + "/virtual-networks",
                 {"name": "Bob's", "ip_range": "10.1.0.0/24"})
    own = r.data["id"]
    d = bob.get(V2 + "/devices").rows[0]["id"]
    bob.post(f"{V2}/virtual-networks/{own}/devices/{d}")
    same(bob.put(f"{SSH}/devices/{d}/tags", {"tags": ["robot"]}).status, 200,
         "tags in a network of one's own")
    same(bob.put(f"{SSH}/users/{BOB}/groups", {"groups": ["ops", "god"]}).status,
         200, "and groups")
    payload = json.loads(alice.get(SSH + "/directory",
                                   network_id=net).json["payload"])
    mine = [x for x in payload["devices"] if x["id"] == d]
    same([x["tags"] for x in mine], [[]], "are not seen in another")
    same([u["groups"] for u in payload["users"] if u["id"] == BOB], [["ops"]],
         "nor the groups")
    same(bob.put(f"{SSH}/devices/{d}/tags",
                 {"tags": ["x"], "network_id": net}).status, 403,
         "nor set there")
    bob.delete(f"{V2}/virtual-networks/{own}")


def host_keys(alice, bob, carol, net, dev, folder):
    one, two = key(folder, "host1"), key(folder, "host2")
    path = f"{SSH}/devices/{dev}/host-keys"
    same(carol.put(path, {"keys": [one]}).status, 404, "a stranger's device")
    same(bob.put(path, {"keys": [one]}).status, 403, "a member's fellow")
    for bad in ([], ["ssh-dss AAAA"], ["x"], [one] * 17, "x", [1]):
        same(alice.put(path, {"keys": bad}).status, 422, f"no keys: {bad!r:.30}")
    same(alice.put(path, {"keys": [one + " comment"]}).status, 200,
         "the owner sets host keys")
    same(alice.put(path, {"keys": [one]}).status, 200, "the same again")
    for bad in (0, 65536, -1, "x", 1.5, None):
        same(alice.put(path, {"keys": [one], "ssh_port": bad}).status, 422,
             f"no port: {bad!r}")
    same(alice.put(path, {"keys": [one], "ssh_port": 2222}).status, 200,
         "with the port of its SSH server")
    same(bob.put(path, {"keys": [one], "ssh_port": 22}).status, 403,
         "which is not for others to move")
    same(alice.put(path, {"keys": [one]}).status, 200, "nor forgotten")
    # Alice administers this network: make that Bob, so that she is owner only
    p = f"{V2}/virtual-networks/{net}/users"
    alice.put(f"{p}/{BOB}", {"role": 2})
    bob.put(f"{p}/{ALICE}", {"role": 1})
    same(alice.put(path, {"keys": [two]}).status, 403,
         "the owner alone does not change them")
    text = f"omniedge host keys 1\n{dev}\n{two}\n".encode()
    proof = {"key": one, "signature": ssh_sign(folder, "host1", text)}
    same(alice.put(path, {"keys": [two], "proof": dict(
        proof, signature=ssh_sign(folder, "host2", text))}).status, 403,
         "nor with a signature of another key")
    same(alice.put(path, {"keys": [two], "proof": {
        "key": two, "signature": ssh_sign(folder, "host2", text)}}).status, 403,
         "nor with the new key's own")
    same(alice.put(path, {"keys": [two, one], "proof": proof}).status, 403,
         "nor with a proof of other keys")
    same(alice.put(path, {"keys": [two], "proof": proof}).status, 200,
         "with a proof of the old key")
    same(alice.put(path, {"keys": [one], "proof": proof}).status, 403,
         "which is of no use again")
    same(bob.put(path, {"keys": [one]}).status, 200, "an administrator does")
    bob.put(f"{p}/{ALICE}", {"role": 2})
    alice.put(f"{p}/{BOB}", {"role": 1})
    same(bob.get(f"{SSH}/networks/{net}/host-keys").data,
         [{"device_id": dev, "keys": [one]}], "listed for the network")
    r = bob.get(SSH + "/whois", network_id=net, fingerprint=fingerprint(one))
    same(r.data["device"]["id"], dev, "whois by a host key")
    d = bob.post(V2 + "/devices", {"name": "copy", "hardware_uuid": "copy",
                                   "platform": "x"}).data["id"]
    bob.post(f"{V2}/virtual-networks/{net}/devices/{d}")
    bob.put(f"{SSH}/devices/{d}/host-keys", {"keys": [one]})
    r = bob.get(SSH + "/whois", network_id=net, fingerprint=fingerprint(one))
    same(r.data["device"], None, "which is nobody's when two claim it")
    bob.delete(V2 + "/devices/" + d)
    told = [(e["event"], e["subject"]) for e in alice.get(
        SSH + "/events", network_id=net, name="control.device.",
        per_page=1000).rows]
    for what in ("join", "host_keys", "delete"):
        check((f"control.device.{what}", d) in told,
              f"administrators of its networks are told: {what}", told)
    return one


def ssh_sign(folder, name, data):
    """An SSH signature blob, out of the SSHSIG that ssh-keygen makes is of no
    use: it signs something else.  So the raw key signs, by openssl."""
    path = os.path.join(folder, name)
    with open(path, encoding="ascii") as f:
        body = "".join(f.read().splitlines()[1:-1])
    blob = base64.b64decode(body)
    # the seed is the first half of the last 64-byte string
    at = blob.index(b"\x00\x00\x00\x40", 100) + 4
    der = bytes.fromhex("302e020100300506032b657004220420") + blob[at:at + 32]
    key_path, msg, out = (os.path.join(folder, n) for n in ("k.der", "m", "s"))
    with open(key_path, "wb") as f:
        f.write(der)
    with open(msg, "wb") as f:
        f.write(data)
    subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key_path, "-keyform",
                    "DER", "-rawin", "-in", msg, "-out", out], check=True)
    with open(out, "rb") as f:
        raw = f.read()
    wire = b"\0\0\0\x0bssh-ed25519" + b"\0\0\0\x40" + raw
    return base64.b64encode(wire).decode()


def user_keys(alice, bob, net, folder):
    line = key(folder, "user1")
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
        hours=1)
    r = bob.post(SSH + "/keys", {"name": "laptop", "key": line + " x",
                                 "expires_at": soon.isoformat()})
    k = r.data
    same((k["key"], k["fingerprint"]), (line, fingerprint(line)), "a user's key")
    check(TIME.match(k["expires_at"]), "with its end", k["expires_at"])
    same(alice.post(SSH + "/keys", {"name": "x", "key": line}).status, 409,
         "which is no other's")
    same(bob.post(SSH + "/keys", {"name": "x", "key": key(folder, "u2"),
                                  "expires_at": "2001-01-01T00:00:00Z"}).status,
         422, "an end in the past")
    same(bob.post(SSH + "/keys", {"name": "x", "key": "ssh-rsa AAAA"}).status,
         422, "a broken key")
    same([x["id"] for x in bob.get(SSH + "/keys").rows], [k["id"]], "listed")
    r = alice.get(SSH + "/whois", network_id=net, fingerprint=k["fingerprint"])
    same((r.data["user"]["id"], r.data["device"], r.data["user"]["groups"]),
         (BOB, None, ["ops"]), "whois by a key")
    same(alice.delete(f"{SSH}/keys/{k['id']}").status, 404,
         "another does not delete it")
    return k


def certificates(bob, carol, net, folder):
    for kind in ("ed25519", "ecdsa", "rsa"):
        line = key(folder, "c-" + kind, kind)
        r = bob.post(SSH + "/certificates",
                     {"network_id": net, "key": line, "ttl": 600})
        if r.status != 200:
            check(False, f"a certificate of {kind}", r.body)
            continue
        path = os.path.join(folder, f"c-{kind}-cert.pub")
        with open(path, "w", encoding="utf-8") as f:
            f.write(r.data["certificate"] + " x\n")
        text = subprocess.run(["ssh-keygen", "-L", "-f", path], check=False,
                              capture_output=True, text=True).stdout
        for want in ("user certificate", 'Key ID: "bob@example.org"',
                     "bob@example.org\n", f"user:{BOB}\n", "group:ops\n",
                     "permit-pty", "permit-port-forwarding",
                     f"Serial: {r.data['serial']}"):
            check(want in text, f"{kind}: ssh-keygen -L shows {want.strip()}",
                  text)
        ca = bob.get(SSH + "/ca", network_id=net).data["keys"]
        check(fingerprint(ca[0]) in text, "signed by the network's authority")
    same(bob.post(SSH + "/certificates", {"network_id": net, "key": line,
                                          "ttl": 57601}).status, 422,
         "at most 16 hours")
    same(carol.post(SSH + "/certificates",
                    {"network_id": net, "key": line}).status, 404,
         "not for strangers")
    same(bob.post(SSH + "/certificates", {
        "network_id": net, "key": r.data["certificate"]}).status, 422,
         "not for a certificate")
    same(carol.get(SSH + "/ca", network_id=net).status, 404,
         "nor is its authority")


def directory(alice, bob, net, dev, ip, host, user_key, folder):
    r, d = signed(bob, "directory", net, folder)
    mine = [x for x in d["devices"] if x["id"] == dev][0]
    same((mine["virtual_ip"], mine["tags"], mine["host_keys"],
          mine["owner"]["email"]), (ip, ["robot"], [host], "alice@example.org"),
         "a device in the directory")
    same({u["id"]: u["groups"] for u in d["users"]}, {ALICE: [], BOB: ["ops"]},
         "its users")
    same([(k["user_id"], k["fingerprint"], k["key"]) for k in d["keys"]],
         [(BOB, user_key["fingerprint"], user_key["key"])], "their keys")
    same(d["user_ca"], alice.get(SSH + "/ca", network_id=net).data["keys"],
         "and the authority")
    same(signed(bob, "directory", net, folder, r.headers["ETag"])[0].status, 304,
         "unchanged")
    rows = {x["id"]: x for x in bob.get(SSH + "/directories").data}
    same(sorted(rows), sorted(x["id"] for x in bob.get(
        V2 + "/virtual-networks/all/list").data), "all networks at once")
    same((json.loads(rows[net]["directory"]["payload"]), rows[net]["etag"]),
         (d, r.headers["ETag"].strip('"')), "each with its directory")
    live = [x for x in rows[net]["live"] if x[0] == dev]
    same((len(live), live[0][1], rows[net]["unchanged"]), (1, "linux", False),
         "and what is not signed")
    have = ",".join(f"{i}:{x['etag']}" for i, x in rows.items())
    again = bob.get(SSH + "/directories", have=have).data
    same({(x["unchanged"], x["directory"]) for x in again}, {(True, None)},
         "what one has is not sent")
    again = bob.get(SSH + "/directories", have=f"{net}:x,,:,y").data
    same([x["unchanged"] for x in again if x["id"] == net], [False],
         "but what has changed is")
    gone = time.time()
    bob.delete(f"{SSH}/keys/{user_key['id']}")
    r, e = signed(bob, "directory", net, folder, r.headers["ETag"])
    same((e["keys"], e["version"] > d["version"]), ([], True),
         "newer when a key went")
    void = datetime.datetime.fromisoformat(
        [u["certificates_after"] for u in e["users"] if u["id"] == BOB][0]
        .replace("Z", "+00:00")).timestamp()
    # they are valid from a minute before they are made
    check(void + 60 >= int(gone), "which makes certificates of before void",
          (void, gone))
    r = bob.get(SSH + "/whois", network_id=net, ip=ip)
    same((r.data["device"]["id"], r.data["device"]["tags"],
          r.data["user"]["email"]), (dev, ["robot"], "alice@example.org"),
         "whois by address")
    same(bob.get(SSH + "/whois", network_id=net, ip="10.9.9.9").data,
         {"device": None, "user": None}, "whois of nobody")
    same(bob.get(SSH + "/whois", network_id=net).status, 422, "whois of nothing")


def events(alice, bob, carol, net, dev):
    def send(api, lines, **query):
        raw = "\n".join(json.dumps(x) if not isinstance(x, str) else x
                        for x in lines)
        return api.call("POST", SSH + "/events", raw=raw.encode(), headers={
            "Content-Type": "application/x-ndjson"}, **query)

    base = {"v": 1, "ts": "2031-01-01T00:00:00.000Z", "conn": "c1"}
    lines = [dict(base, uid=f"u{i}", event="auth" if i % 2 else "session.start",
                  user="demo", n=i) for i in range(25)]
    r = send(alice, lines, device_id=dev)
    same(r.data, {"accepted": 25, "duplicates": 0, "refused": []}, "events")
    r = send(alice, lines + [dict(base, uid="new", event="hello")],
             device_id=dev)
    same((r.data["accepted"], r.data["duplicates"]), (1, 25), "once each")
    r = send(alice, ["", "{", "[]", {"uid": "a"}, {"event": "x"},
                     dict(base, uid="z", event="control.lie"),
                     dict(base, uid="ok", event="y")], device_id=dev)
    same((r.data["accepted"], [x["line"] for x in r.data["refused"]]),
         (1, [1, 2, 3, 4, 5]), "a bad line does not stop the others")
    r = send(bob, [dict(base, uid="u0", event="auth")], device_id=dev)
    same((r.data["accepted"], len(r.data["refused"])), (0, 1),
         "not for another's device")
    r = send(carol, [dict(base, uid="u0", event="auth")], network_id=net)
    same(len(r.data["refused"]), 1, "nor for a network of others")
    for bad in ({"device_id": "d" * 40}, {"network_id": net + "x" * 20},
                {"device_id": 7}):
        r = send(alice, [dict(base, uid="u0", event="auth", **bad)])
        same(len(r.data["refused"]), 1, f"nor for what is no id: {bad}")
    r = send(alice, [dict(base, uid="long", event="auth")], device_id="d" * 40)
    same(len(r.data["refused"]), 1, "nor in the query")
    same(send(alice, [dict(base, uid=f"m{i}", event="x")
                      for i in range(1001)]).status, 413, "1001 are too many")
    path = SSH + "/events"
    same(bob.get(path, network_id=net).status, 403, "members read none")
    got, page = [], 1
    while page:
        r = alice.get(path, network_id=net, page=page, conn="c1")
        got += r.rows
        page = page + 1 if page < r.data["meta"]["last_page"] else 0
    same([e["uid"] for e in got], [f"u{i}" for i in range(25)] + ["new", "ok"],
         "read in order, in pages")
    same((got[3]["n"], got[3]["device_id"], got[3]["network_id"]),
         (3, dev, net), "as they were sent, and whose")
    r = alice.get(path, network_id=net, name="session.*", per_page=100)
    same(r.data["meta"]["total"], 13, "by the beginning of a name")
    r = alice.get(path, network_id=net, name="auth")
    same(r.data["meta"]["total"], 12, "by name")
    r = alice.get(path, network_id=net, since="2031-06-01T00:00:00+02:00")
    same(r.data["meta"]["total"], 0, "since a time")
    same(alice.get(path, network_id=net, since="yesterday").status, 422,
         "which must be one")
    r = alice.get(path, network_id=net, after=got[-1]["seq"], conn="c1")
    same(r.rows, [], "after a number")
    names = {e["event"] for e in alice.get(path, network_id=net, per_page=200,
                                           name="control.").rows}
    check({"control.network.create", "control.policy.put",
           "control.device.tags", "control.certificate.issue",
           "control.member.role"} <= names,
          "what administrators did is there", names)
    # sessions
    live = alice.get(SSH + "/sessions", network_id=net).rows
    same([(s["conn"], s["user"], s["device"]["id"]) for s in live],
         [("c1", "demo", dev)], "a live session")
    same(bob.get(SSH + "/sessions", network_id=net).status, 403, "not for members")
    kill = f"{SSH}/sessions/{live[0]['id']}/kill"
    same(bob.post(kill, {}).status, 403, "nor to end")
    same(carol.post(kill, {}).status, 404, "and to strangers it is not there")
    order = alice.post(kill, {"reason": "enough"}).data["order_id"]
    path = f"{SSH}/devices/{dev}/orders"
    same(bob.get(path).data, [], "orders are the owner's")
    got = alice.get(path).data
    same([(o["id"], o["kind"], o["conn"], o["reason"]) for o in got],
         [(order, "kill", "c1", "enough")], "an order for the device")
    same(bob.delete(f"{path}/{order}").status, 404, "not acknowledged by another")
    same(alice.delete(f"{path}/{order}").status, 200, "acknowledged")
    same(alice.get(path).data, [], "and gone")
    send(alice, [dict(base, uid="upgrade", event="server.start",
                      replaced=True)], device_id=dev)
    same(len(alice.get(SSH + "/sessions", network_id=net).rows), 1,
         "it lives on with a program that took another's place")
    send(alice, [dict(base, uid="end", event="disconnect")], device_id=dev)
    same(alice.get(SSH + "/sessions", network_id=net).rows, [], "it ended")
    send(alice, [dict(base, uid="c2", conn="c2", event="session.start"),
                 dict(base, uid="restart", event="server.start")],
         device_id=dev)
    same(alice.get(SSH + "/sessions", network_id=net).rows, [],
         "not with one that was started anew")


def accounts(root, alice, carol):
    same(alice.get(SSH + "/users").status, 403, "accounts are not for users")
    same(alice.post(SSH + "/users", {"email": "x@y", "name": "x"}).status, 403,
         "nor to make")
    same(root.post(SSH + "/users", {"email": "alice@example.org",
                                    "name": "again"}).status, 409,
         "an email is one account's")
    for bad in ("no", "group:ops@example.org", "a b@example.org", "a@b@c", "@x",
                "a@", "\u202ea@example.org"):
        same(root.post(SSH + "/users", {"email": bad, "name": "x"}).status, 422,
             f"and must be one: {bad!a}")
    same(root.post(SSH + "/users", {"email": "q@example.org", "name": "x",
                                    "server_admin": "true"}).status, 422,
         "an administrator is one by true and not by a text")
    rows = root.get(SSH + "/users", per_page=50).rows
    same(len(rows), 4, "accounts")
    me = [u["id"] for u in rows if u["server_admin"]][0]
    same(root.put(f"{SSH}/users/{me}", {"status": 2}).status, 400,
         "nobody locks oneself out")
    same(carol.get(V2 + "/profile").status, 200, "a user is let in")
    who = [u["id"] for u in rows if u["name"] == "carol"][0]
    same(root.put(f"{SSH}/users/{who}", {"status": 2}).data["status"], 2,
         "an account is blocked")
    same(carol.get(V2 + "/profile").status, 401, "and at once nobody")
    same(root.put(f"{SSH}/users/{who}", {"device_limit": 30}).data[
        "device_limit"], 30, "limits")
    same(root.put(f"{SSH}/users/usr_x", {"status": 1}).status, 404,
         "of no account")


def rest(root, alice, net):
    r = root.get(SSH + "/events", per_page=100)
    check(r.status == 200 and "control.user.create" in
          {e["event"] for e in r.rows},
          "an administrator of the server reads events of no network",
          r.status)
    same(alice.get(SSH + "/events").status in (403, 404, 422), True,
         "which others do not")
    big = {"version": 1, "updated_at": "2031-01-01T00:00:00Z", "rules": [
        {"id": f"r{i}", "principals": [{"tag": f"t{i}"}],
         "ssh_users": {"*": "demo"}, "action": {
             "accept": True, "session_duration": None, "message": "m" * 1500}}
        for i in range(1200)]}
    same(alice.put(SSH + "/policy", {"network_id": net, "policy": big}).status,
         200, "a policy of two megabytes")
    same(alice.get(SSH + "/policy", network_id=net).json["payload"].count(
        "mmm") > 0, True, "is given out")
    p = alice.get(V2 + "/profile").data
    same((p["id"], p["email"], p["usage_limits"]["virtual_networks"]["usage"]),
         (ALICE, "alice@example.org", 1), "the profile")
    same(Api(alice.url).get(V2 + "/devices").json["code"],
         "E_UNAUTHORIZED_ACCESS", "nothing without a token")
    same(alice.delete(f"{V2}/virtual-networks/{net}").status, 200,
         "an administrator deletes the network")
    same(alice.get(f"{V2}/virtual-networks/{net}").status, 404, "and it is gone")
    same(alice.get(SSH + "/policy", network_id=net).status, 404, "with its policy")


def uncalled(url):
    """What the document has and nobody called answers: there is a route."""
    stranger, absent = Api(url), []
    for path, item in Api.document.doc["paths"].items():
        for method in item:
            if ROUTES[f"{method.upper()} {path}"]:
                continue
            r = stranger.call(method.upper(), re.sub(r"{[^}]+}", "x", path),
                              headers={"Content-Length": "0"})
            if r.status in (404, 405, 500) or (
                    r.json and r.json.get("code") == "E_ROUTE_NOT_FOUND"):
                absent.append((method, path, r.status))
    same(absent, [], "each route of the document answers")


def main():
    global ALICE, BOB
    url, email, once, folder = sys.argv[1:5]
    if len(sys.argv) > 5:
        Api.document = Document(sys.argv[5])
    root = first_password(url, email, once)
    alice, ALICE = new_user(root, "alice")
    bob, BOB = new_user(root, "bob")
    carol, _ = new_user(root, "carol")
    dev = devices(root, alice, bob)
    pages(alice)
    net, ip = network(alice, bob, carol, dev)
    security_keys(alice, bob)
    policy(alice, bob, carol, net, dev, ip, folder)
    labels(alice, bob, carol, net, dev)
    host = host_keys(alice, bob, carol, net, dev, folder)
    k = user_keys(alice, bob, net, folder)
    certificates(bob, carol, net, folder)
    directory(alice, bob, net, dev, ip, host, k, folder)
    events(alice, bob, carol, net, dev)
    accounts(root, alice, carol)
    rest(root, alice, net)
    if Api.document is not None:
        same(Api.faults[:5], [], "every reply is as the document says")
        uncalled(url)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
