#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls of the control API at the same time, of which one may win.

    control_races.py URL EMAIL ONE-TIME-PASSWORD ROUNDS

Results are lines "ok TEXT" and "not ok TEXT".  What is checked holds in every
order of events; rounds only make it likely that the bad ones come up.
"""
import sys
import threading
import time

from control_api import SSH, V2, Api, check, first_password, new_user, same


def together(*calls):
    """All calls at once; their results in order."""
    start, out = threading.Barrier(len(calls)), [None] * len(calls)

    def one(i):
        start.wait()
        out[i] = calls[i]()

    threads = [threading.Thread(target=one, args=(i,))
               for i in range(len(calls))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return out


def again(api):
    """Another connection of the same login."""
    return Api(api.url, api.token)


def statuses(replies):
    return sorted(r.status for r in replies)


class Net:
    def __init__(self, alice):
        self.alice = alice
        self.id = alice.post(V2 + "/virtual-networks", {
            "name": "n", "ip_range": "10.0.0.0/16"}).data["id"]
        self.path = f"{V2}/virtual-networks/{self.id}"

    def invite(self, email):
        return self.alice.post(self.path + "/invitations",
                               {"email": email}).data["id"]

    def let_in(self, api, email):
        i = self.invite(email)
        return again(api).put(f"{V2}/invitations/{i}", {"status": 2})


def invitations(net, bob, bob_id, rounds):
    won = []
    for _ in range(rounds):
        i = f"{V2}/invitations/{net.invite('bob@example.org')}"
        out = together(*[lambda a=again(bob): a.put(i, {"status": 2})
                         for _ in range(4)])
        won.append(statuses(out))
        net.alice.delete(f"{net.path}/users/{bob_id}")
    same([w for w in won if w != [200, 404, 404, 404]], [],
         "an invitation is accepted once")
    i = f"{V2}/invitations/{net.invite('bob@example.org')}"
    both = together(lambda: again(bob).put(i, {"status": 2}),
                    lambda: again(net.alice).delete(
                        f"{net.path}/invitations/{i.split('/')[-1]}"))
    members = [u["id"] for u in net.alice.get(net.path + "/users").rows]
    same(bob_id in members, both[0].status == 200,
         "or withdrawn, and nothing between")
    net.alice.delete(f"{net.path}/users/{bob_id}")


def leaving(net, bob, bob_id, rounds):
    """Who is being removed does not leave a device behind."""
    left = []
    device = bob.post(V2 + "/devices", {
        "name": "d", "hardware_uuid": "h", "platform": "x"}).data["id"]
    for _ in range(rounds):
        net.let_in(bob, "bob@example.org")
        joins = [lambda a=again(bob): a.post(f"{net.path}/devices/{device}")
                 for _ in range(3)]
        together(lambda: again(net.alice).delete(
            f"{net.path}/users/{bob_id}"), *joins)
        rows = net.alice.get(net.path + "/devices").rows
        left += [d["id"] for d in rows if d["id"] == device]
    same(left, [], "a join beside a removal leaves no device behind")


def last_admin(net, bob, bob_id, alice_id, rounds):
    none = 0
    net.let_in(bob, "bob@example.org")
    users = net.path + "/users/"
    for _ in range(rounds):
        net.alice.put(users + bob_id, {"role": 2})
        together(lambda: again(net.alice).put(users + bob_id, {"role": 1}),
                 lambda: again(bob).put(users + alice_id, {"role": 1}))
        roles = [u["role"] for u in net.alice.get(net.path + "/users").rows]
        none += 2 not in roles
        # back to Alice, whoever is left
        bob.put(users + alice_id, {"role": 2})
        net.alice.put(users + bob_id, {"role": 1})
    same(none, 0, "a network keeps an administrator")


def server_admins(root, alice, alice_id, root_id, rounds):
    none = 0
    users = SSH + "/users/"
    for _ in range(rounds):
        root.put(users + alice_id, {"server_admin": True})
        together(lambda: again(root).put(users + alice_id,
                                         {"server_admin": False}),
                 lambda: again(alice).put(users + root_id,
                                          {"server_admin": False}))
        if root.get(SSH + "/users").status == 200:
            continue
        none += alice.put(users + root_id,
                          {"server_admin": True}).status != 200
    same(none, 0, "the server keeps one")
    root.put(users + alice_id, {"server_admin": False})


def policies(net, rounds):
    wrong, put = [], {"network_id": net.id, "policy": {"rules": []}}
    for _ in range(rounds):
        tag = net.alice.get(SSH + "/policy", network_id=net.id).headers["ETag"]
        out = together(*[lambda a=again(net.alice): a.call(
            "PUT", SSH + "/policy", put, {"If-Match": tag}) for _ in range(4)])
        if statuses(out) != [200, 412, 412, 412]:
            wrong.append(statuses(out))
    same(wrong, [], "of four who change one policy one does")
    out = together(*[lambda a=again(net.alice): a.put(SSH + "/policy", put)
                     for _ in range(6)])
    versions = [r.data["version"] for r in out]
    same(len(set(versions)), 6, "each policy has a version of its own")


def by_key(url, key):
    """Failures before have made the server wait for us."""
    while True:
        r = Api(url).post(V2 + "/auth/login/security-key", {"key": key})
        if r.status != 429:
            return r
        time.sleep(int(r.headers["Retry-After"]))


def keys(alice):
    wrong = []
    for _ in range(2):
        k = alice.post(V2 + "/security-keys", {"name": "x", "type": 2}).data
        out = together(*[lambda: Api(alice.url).post(
            V2 + "/auth/login/security-key", {"key": k["key"]})
            for _ in range(4)])
        if statuses(out) != [200, 401, 401, 401]:
            wrong.append(statuses(out))
    same([w for w in wrong if 429 not in w], [], "a temporary key is good once")


def ended(alice, rounds):
    """A refresh beside the end of its login leaves nothing that is alive."""
    alive = 0
    for _ in range(rounds):
        k = alice.post(V2 + "/security-keys", {"name": "x", "type": 1}).data
        t = by_key(alice.url, k["key"]).data
        out = together(
            lambda: Api(alice.url).post(V2 + "/auth/refresh", {
                "refresh_token": t["refresh_token"]}),
            lambda: again(alice).delete(f"{V2}/security-keys/{k['id']}"))
        if out[0].status == 200:
            alive += Api(alice.url, out[0].data["token"]).get(
                V2 + "/profile").status == 200
    same(alive, 0, "a refresh does not save a login whose key goes")


def main():
    url, email, once, rounds = *sys.argv[1:4], int(sys.argv[4])
    root = first_password(url, email, once)
    root_id = root.get(V2 + "/profile").data["id"]
    alice, alice_id = new_user(root, "alice")
    bob, bob_id = new_user(root, "bob")
    net = Net(alice)
    invitations(net, bob, bob_id, rounds)
    leaving(net, bob, bob_id, rounds)
    last_admin(net, bob, bob_id, alice_id, rounds)
    policies(net, rounds)
    keys(alice)
    ended(alice, min(rounds, 12))
    server_admins(root, alice, alice_id, root_id, rounds)
    check(True, "all races were run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
