#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may call what: each operation of the OpenAPI document, by each kind of
caller, with the status that is due.

    control_authz.py URL EMAIL ONE-TIME-PASSWORD DATABASE OPENAPI

DATABASE is the server's SQLite file: a token is put past its time there.
Results are lines "ok TEXT" and "not ok TEXT".  An operation that no row is
about is a failure, so whoever adds a route says here who may call it.
"""
import base64
import itertools
import json
import os
import re
import sqlite3
import string
import sys
import urllib.parse

from control_api import SSH, V2, Api, check, first_password, new_user, same

NUMBER = itertools.count(1)

# Who is let in nowhere, and who is let in: a user of no network; a member of
# network "home"; its administrator, whose things are asked for; one who
# administers another network only; an administrator of the server; and logins
# by security key of the member and of the one with the other network, as
# devices have them.
OUT = ("nobody", "garbage", "expired", "revoked", "blocked")
IN = ("other", "member", "admin", "foreign", "root", "agent", "away")

# Statuses in the order of IN.
ALL = "200 200 200 200 200 200 200"
OWNER = "404 404 200 404 404 404 404"  # the administrator owns it
MEMBERS = "404 200 200 404 404 200 404"
ADMINS = "404 403 200 404 404 403 404"
SERVER = "403 403 403 403 200 403 403"
# Not for a login by a security key.
PERSONS = "200 200 200 200 200 403 403"
KEY_OWNER = "404 404 200 404 404 403 403"
# Labels say the same of what is not there and of what is another's.
LABELS = "403 403 200 403 403 403 403"


def public_key():
    raw = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + os.urandom(32)
    return "ssh-ed25519 " + base64.b64encode(raw).decode()


def made(reply, text):
    if reply.status != 200:
        check(False, text, (reply.status, reply.body))
        raise SystemExit(1)
    return reply.json.get("data")


class World:
    def __init__(self, url, email, once, database):
        self.url, self.database = url, database
        self.who, self.ids, self.password = {}, {}, {}
        self.who["root"] = first_password(url, email, once)
        self.email = {"root": email}
        for role in ("other", "member", "admin", "foreign", "third"):
            self.who[role], self.ids[role] = new_user(self.who["root"],
                                                     "x-" + role)
            self.email[role] = f"x-{role}@example.org"
            made(self.who["root"].put(
                f"{SSH}/users/{self.ids[role]}",
                {"device_limit": 1000, "network_limit": 1000}), "limits")
        self.ids["root"] = self.who["root"].get(V2 + "/profile").data["id"]
        self.who["agent"] = self.by_key("member")
        self.who["away"] = self.by_key("foreign")
        for agent, of in (("agent", "member"), ("away", "foreign")):
            self.ids[agent], self.email[agent] = self.ids[of], self.email[of]
        self.shut_out()
        self.home = self.network("admin")
        self.let_in("member")
        self.far = self.network("foreign")
        self.device = {r: self.joined(r, self.home)
                       for r in ("admin", "member")}
        self.device["foreign"] = self.joined("foreign", self.far)

    def login(self, role):
        email = self.email[role]
        r = Api(self.url).post(V2 + "/auth/login/password", {
            "email": email, "password": "correct horse battery " + email})
        return Api(self.url, made(r, "login")["token"])

    def by_key(self, role):
        k = made(self.who[role].post(V2 + "/security-keys",
                                     {"name": "agent", "type": 1}), "a key")
        r = Api(self.url).post(V2 + "/auth/login/security-key",
                               {"key": k["key"]})
        return Api(self.url, made(r, "login by key")["token"])

    def shut_out(self):
        self.who["nobody"] = Api(self.url)
        self.who["garbage"] = Api(self.url, "eyJhbGciOiJub25lIn0.e30.")
        late = self.login("admin")
        db = sqlite3.connect(self.database, timeout=60)
        db.execute("UPDATE tokens SET access_expires_at = 1 WHERE created_at ="
                   " (SELECT MAX(created_at) FROM tokens)")
        db.commit()
        db.close()
        self.who["expired"] = late
        self.who["revoked"] = self.login("admin")
        made(self.who["revoked"].post(V2 + "/auth/logout"), "logout")
        self.who["blocked"], who = new_user(self.who["root"], "blocked")
        made(self.who["root"].put(f"{SSH}/users/{who}", {"status": 2}), "block")
        r = self.who["root"].post(SSH + "/users", {
            "email": "once@example.org", "name": "once"})
        password = made(r, "an account")["one_time_password"]
        r = Api(self.url).post(V2 + "/auth/login/password", {
            "email": "once@example.org", "password": password})
        self.who["once"] = Api(self.url, made(r, "first login")["token"])

    def network(self, role):
        return made(self.who[role].post(V2 + "/virtual-networks", {
            "name": f"net {next(NUMBER)}", "ip_range": "10.0.0.0/16"}),
            "a network")["id"]

    def invited(self, role, net=None):
        return made(self.who["admin"].post(
            f"{V2}/virtual-networks/{net or self.home}/invitations",
            {"email": self.email[role]}), "an invitation")["id"]

    def let_in(self, role, net=None):
        rows = self.who["admin"].get(
            f"{V2}/virtual-networks/{net or self.home}/users",
            per_page=100).rows
        if self.ids[role] not in [u["id"] for u in rows]:
            made(self.who[role].put(
                f"{V2}/invitations/{self.invited(role, net)}", {"status": 2}),
                "accepted")

    def new_device(self, role):
        n = next(NUMBER)
        return made(self.who[role].post(V2 + "/devices", {
            "name": f"dev {n}", "hardware_uuid": f"hw-{n}",
            "platform": "linux"}), "a device")["id"]

    def joined(self, role, net):
        device = self.new_device(role)
        made(self.who[role].post(
            f"{V2}/virtual-networks/{net}/devices/{device}"), "joined")
        return device

    def with_host_key(self, role):
        device = self.joined(role, self.home)
        made(self.who[role].put(f"{SSH}/devices/{device}/host-keys",
                                {"keys": [public_key()]}), "a host key")
        return device

    def session(self):
        conn = f"c{next(NUMBER)}"
        send(self.who["admin"], self.device["admin"], conn)
        rows = self.who["admin"].get(SSH + "/sessions", network_id=self.home,
                                     per_page=1000).rows
        return [s["id"] for s in rows if s["conn"] == conn][0]

    def order(self):
        return made(self.who["admin"].post(
            f"{SSH}/sessions/{self.session()}/kill"), "an order")["order_id"]


def send(api, device, conn="c"):
    line = {"uid": f"u{next(NUMBER)}", "event": "session.start", "conn": conn,
            "ts": "2031-01-01T00:00:00Z"}
    return api.call("POST", SSH + "/events", raw=json.dumps(line),
                    headers={"Content-Type": "application/x-ndjson"},
                    device_id=device)


POLICY = {"rules": []}


def rows(w):
    """(operation, about, path parameters, body or query, statuses).

    Parameters and bodies may be functions of the caller's role, called for
    each.  Statuses are those of IN, or one for everybody, "=".
    """
    home = {"network_id": w.home}
    net = {"id": w.home}
    mine = {"id": w.device["admin"]}
    n = lambda: next(NUMBER)
    V, S = V2, SSH
    nets = V + "/virtual-networks"
    return [
        # open to everybody; what they do is tested elsewhere
        ("POST " + V + "/auth/login/password", "", {}, {}, "=422"),
        ("POST " + V + "/auth/login/security-key", "", {}, {}, "=422"),
        ("POST " + V + "/auth/refresh", "", {}, {}, "=422"),
        ("POST " + V + "/oauth/device/code", "", {}, {}, "=400"),
        ("POST " + V + "/oauth/token", "", {}, {}, "=400"),
        ("GET /health", "", {}, {}, "=200"),
        ("GET /healthz", "", {}, {}, "=200"),
        ("GET /readyz", "", {}, {}, "=200"),
        ("GET /metrics", "", {}, {}, "=200"),
        ("GET /device", "", {}, {}, "=200"),
        ("POST /device", "", {}, {}, "=400"),
        ("POST /device/decide", "", {}, {}, "=403"),
        # one's own
        ("POST " + V + "/auth/logout", "", {}, {}, ALL),
        ("GET " + V + "/profile", "", {}, {}, ALL),
        ("PUT " + V + "/profile/password", "", {}, {},
         "422 422 422 422 422 422 422"),
        ("POST " + V + "/devices", "", {}, lambda r: {
            "name": f"d{n()}", "hardware_uuid": f"h{n()}", "platform": "x"},
         ALL),
        ("GET " + V + "/devices", "", {}, {}, ALL),
        ("POST " + V + "/devices/heartbeat", "", {},
         {"hardware_id": w.device["admin"]}, OWNER),
        ("GET " + V + "/devices/{id}", "", mine, {}, OWNER),
        ("PUT " + V + "/devices/{id}", "", mine, lambda r: {"name": f"n{n()}"},
         OWNER),
        ("DELETE " + V + "/devices/{id}", "",
         lambda r: {"id": w.joined("admin", w.home)}, {}, OWNER),
        ("DELETE " + V + "/devices/{id}", "a member's",
         lambda r: {"id": w.joined("member", w.home)}, {},
         "404 200 404 404 404 200 404"),
        # networks
        ("GET " + nets, "", {}, {}, ALL),
        ("POST " + nets, "", {},
         lambda r: {"name": f"n{n()}", "ip_range": "10.1.0.0/24"}, ALL),
        ("GET " + nets + "/all/list", "", {}, {}, ALL),
        ("GET " + V + "/servers", "", {}, {}, ALL),
        ("GET " + nets + "/{id}", "", net, {}, MEMBERS),
        ("PUT " + nets + "/{id}", "", net, {"name": "home"}, ADMINS),
        ("DELETE " + nets + "/{id}", "", lambda r: net_with_member(w), {},
         ADMINS),
        ("GET " + nets + "/{id}/devices", "", net, {}, ADMINS),
        ("POST " + nets + "/{id}/devices/{device_id}", "another's",
         dict(net, device_id=w.device["admin"]), {}, OWNER),
        ("POST " + nets + "/{id}/devices/{device_id}", "the caller's",
         lambda r: dict(net, device_id=w.new_device(r)), {}, MEMBERS),
        ("DELETE " + nets + "/{id}/devices/{device_id}", "another's",
         lambda r: dict(net, device_id=w.joined("admin", w.home)), {}, ADMINS),
        ("DELETE " + nets + "/{id}/devices/{device_id}", "a member's",
         lambda r: dict(net, device_id=w.joined("member", w.home)), {},
         MEMBERS),
        ("GET " + nets + "/{id}/users", "", net, {}, MEMBERS),
        ("PUT " + nets + "/{id}/users/{user_id}", "",
         dict(net, user_id=w.ids["member"]), {"role": 1}, ADMINS),
        ("PUT " + nets + "/{id}/users/{user_id}", "oneself, up",
         lambda r: dict(net, user_id=w.ids[r]), {"role": 2}, ADMINS),
        ("DELETE " + nets + "/{id}/users/{user_id}", "another",
         lambda r: (w.let_in("third"),
                    dict(net, user_id=w.ids["third"]))[1], {}, ADMINS),
        ("DELETE " + nets + "/{id}/users/{user_id}", "oneself",
         lambda r: (w.let_in("member"), dict(net, user_id=w.ids[r]))[1], {},
         "404 200 400 404 404 200 404"),
        ("GET " + nets + "/{id}/invitations", "",
         lambda r: (w.let_in("member"), net)[1], {}, ADMINS),
        ("POST " + nets + "/{id}/invitations", "", net,
         lambda r: {"email": f"x{n()}@example.org"}, ADMINS),
        ("DELETE " + nets + "/{id}/invitations/{invitation_id}", "",
         lambda r: dict(net, invitation_id=once_invited(w)), {}, ADMINS),
        ("GET " + V + "/invitations", "", {}, {}, ALL),
        ("PUT " + V + "/invitations/{id}", "another's",
         lambda r: {"id": once_invited(w)}, {"status": 3},
         "200 404 404 404 404 404 404"),
        # keys that let one in
        ("GET " + V + "/security-keys", "", {}, {}, PERSONS),
        ("POST " + V + "/security-keys", "", {}, {"name": "x", "type": 2},
         PERSONS),
        ("GET " + V + "/security-keys/{id}", "", lambda r: new_key(w), {},
         KEY_OWNER),
        ("PUT " + V + "/security-keys/{id}", "", lambda r: new_key(w),
         {"name": "y"}, KEY_OWNER),
        ("DELETE " + V + "/security-keys/{id}", "", lambda r: new_key(w), {},
         KEY_OWNER),
        ("GET " + S + "/keys", "", {}, {}, ALL),
        ("POST " + S + "/keys", "", {},
         lambda r: {"name": "x", "key": public_key()}, ALL),
        ("DELETE " + S + "/keys/{id}", "", lambda r: {"id": made(
            w.who["admin"].post(S + "/keys", {"name": "x",
                                              "key": public_key()}),
            "a key")["id"]}, {}, OWNER),
        ("POST " + S + "/certificates", "", {},
         lambda r: dict(home, key=public_key()), MEMBERS),
        ("GET " + S + "/ca", "of a network", {}, home, MEMBERS),
        ("GET " + S + "/ca", "one's own", {}, {}, ALL),
        # what a network's devices go by
        ("GET " + S + "/policy", "", {}, home, MEMBERS),
        ("PUT " + S + "/policy", "", {}, dict(home, policy=POLICY), ADMINS),
        ("POST " + S + "/policy/test", "", {}, {"network_id": w.home,
                                                "as": "x"}, ADMINS),
        ("GET " + S + "/directory", "", {}, home, MEMBERS),
        ("GET " + S + "/directories", "", {}, {}, ALL),
        ("GET " + S + "/keys/signing", "", {}, {}, ALL),
        ("GET " + S + "/whois", "", {}, dict(home, ip="10.0.0.2"), MEMBERS),
        ("GET " + S + "/networks/{id}/host-keys", "", net, {}, MEMBERS),
        ("PUT " + S + "/devices/{id}/host-keys", "the first",
         lambda r: {"id": w.joined("admin", w.home)},
         lambda r: {"keys": [public_key()]}, "404 403 200 404 200 403 404"),
        ("PUT " + S + "/devices/{id}/host-keys", "others",
         lambda r: {"id": w.with_host_key("admin")},
         lambda r: {"keys": [public_key()]}, "404 403 200 404 200 403 404"),
        ("PUT " + S + "/devices/{id}/host-keys", "others of a member's",
         lambda r: {"id": w.with_host_key("member")},
         lambda r: {"keys": [public_key()]}, "404 403 200 404 200 403 404"),
        ("PUT " + S + "/devices/{id}/tags", "", mine, {"tags": ["a"]}, LABELS),
        ("PUT " + S + "/devices/{id}/tags", "a member's own",
         lambda r: {"id": w.joined("member", w.home)},
         dict(home, tags=["a"]), LABELS),
        ("PUT " + S + "/devices/{id}/tags", "in a network of others",
         {"id": w.device["foreign"]}, {"tags": ["a"], "network_id": w.home},
         "403 403 403 403 403 403 403"),
        ("PUT " + S + "/users/{id}/groups", "", {"id": w.ids["member"]},
         dict(home, groups=["a"]), LABELS),
        # events and what comes of them
        ("POST " + S + "/events", "", {}, "events",
         "200/0 200/0 200/1 200/0 200/0 200/0 200/0"),
        ("GET " + S + "/events", "of a network", {}, home,
         "404 403 200 404 200 403 404"),
        ("GET " + S + "/events", "of none", {}, {}, SERVER),
        ("GET " + S + "/sessions", "", {}, home, ADMINS),
        ("POST " + S + "/sessions/{id}/kill", "",
         lambda r: {"id": w.session()}, {}, ADMINS),
        ("GET " + S + "/devices/{id}/orders", "",
         lambda r: (w.order(), mine)[1], "orders",
         "200/no 200/no 200/some 200/no 200/no 200/no 200/no"),
        ("DELETE " + S + "/devices/{id}/orders/{order_id}", "",
         lambda r: dict(mine, order_id=w.order()), {}, OWNER),
        # the server's
        ("GET " + S + "/users", "", {}, {}, SERVER),
        ("POST " + S + "/users", "", {},
         lambda r: {"name": "x", "email": f"y{n()}@example.org"}, SERVER),
        ("PUT " + S + "/users/{id}", "oneself",
         lambda r: {"id": w.ids.get(r, w.ids["admin"])},
         {"server_admin": True, "device_limit": 1000}, SERVER),
    ]


# May be called before a one-time password has been changed.
EARLY = {"POST " + V2 + "/auth/logout", "GET " + V2 + "/profile",
         "PUT " + V2 + "/profile/password"}


def net_with_member(w):
    net = w.network("admin")
    w.let_in("member", net)
    return {"id": net}


def once_invited(w):
    """One that waits for the one who is a member of nothing."""
    nets = f"{V2}/virtual-networks/{w.home}/invitations"
    for i in w.who["admin"].get(nets, per_page=1000).rows:
        if i["email"] == w.email["other"] and i["status"] == 1:
            return i["id"]
    return w.invited("other")


def new_key(w):
    return {"id": made(w.who["admin"].post(
        V2 + "/security-keys", {"name": "k", "type": 2}), "a key")["id"]}


def value(x, role):
    return x(role) if callable(x) else x


def ask(w, role, op, params, body):
    method, path = op.split(" ", 1)
    for k, v in params.items():
        path = path.replace("{" + k + "}", urllib.parse.quote(v))
    api = w.who[role]
    if op.endswith("/auth/logout") and role in IN + ("once",):
        api = spare(w, role)
    if body == "events":
        r = send(api, w.device["admin"])
        return r, (f"{r.status}/{r.data['accepted']}" if r.status == 200
                   else str(r.status))
    if body == "orders":
        r = api.get(path)
        return r, (f"{r.status}/{'some' if r.data else 'no'}"
                   if r.status == 200 else str(r.status))
    if method in ("GET", "DELETE"):
        r = api.call(method, path, None, None, None, **body)
    else:
        r = api.call(method, path, body)
    return r, str(r.status)


def spare(w, role):
    """A login that may be ended."""
    if role == "once":
        return w.who["nobody"]
    return w.login({"agent": "member", "away": "foreign"}.get(role, role))


def strange(text):
    """An id of the same form that is nobody's."""
    letters = string.ascii_letters
    return re.sub(r"^(...)_\w{20}$", lambda m: m[1] + "_" + "".join(
        letters[b % 52] for b in os.urandom(20)), text)


def hides(w, op, params, body, reply):
    """What is not there is answered as what one may not know of."""
    if not isinstance(body, dict):
        return True
    new = {k: strange(v) for k, v in params.items()}
    other = {k: strange(v) if k == "network_id" else v for k, v in body.items()}
    if new == params and other == body:
        return True
    r, _ = ask(w, "other", op, new, other)
    return (r.status, r.body) == (reply.status, reply.body)


def one_row(w, row):
    op, about, params, body, want = row
    wrong, told = [], True
    due = {}
    if want[0] == "=":
        due = {r: want[1:] for r in OUT + ("once",) + IN}
    else:
        due = {r: "401" for r in OUT}
        due.update(zip(IN, want.split()))
        if op not in EARLY:
            due["once"] = "403"
    for role, status in due.items():
        p, b = value(params, role if role in w.device or role in IN
                     else "admin"), value(body, role)
        r, got = ask(w, role, op, p, b)
        if got != status:
            wrong.append((role, got, status))
        if role == "other" and got in ("403", "404"):
            told = hides(w, op, p, b, r)
    text = op + (f" ({about})" if about else "")
    check(not wrong, text, wrong)
    if not told:
        check(False, text + ": tells what is there")


def operations(path):
    """Those of the document, which is laid out by a program."""
    found, at = set(), None
    with open(path, encoding="utf-8") as f:
        for line in f:
            m = re.match(r"  (/[^:]*):$", line)
            if m:
                at = m[1]
            m = re.match(r"    (get|put|post|delete|patch):$", line)
            if m and at:
                found.add(m[1].upper() + " " + at)
    return found


def main():
    url, email, once, database, document = sys.argv[1:6]
    w = World(url, email, once, database)
    table = rows(w)
    every = operations(document)
    check(len(every) > 50, "the document was read", len(every))
    same(sorted(every - {r[0] for r in table}), [],
         "each operation of the document is in the table")
    same(sorted({r[0] for r in table} - every), [], "and no other")
    only = os.environ.get("ONLY", "")
    for row in table:
        if only in row[0]:
            one_row(w, row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
