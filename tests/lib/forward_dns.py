# SPDX-License-Identifier: Apache-2.0
"""forward_dns.py ADDRESS: a name server on port 53 there, for the tests of
forwarding; prints "ready", then each question as "TYPE NAME".

NAME.test           what RECORDS says
rebind.test         192.0.2.7 once, then 169.254.169.254 for ever
slow.test           no answer at all
"""
import socket
import struct
import sys

A, AAAA = 1, 28
RECORDS = {
    "plain.test": {A: ["192.0.2.7"]},
    "meta.test": {A: ["169.254.169.254"]},
    "meta6.test": {AAAA: ["fd00:ec2::254"]},
    "link6.test": {AAAA: ["fe80::1234"]},
    "mapped.test": {AAAA: ["::ffff:169.254.169.254"]},
    "self.test": {A: ["192.0.2.7"]},
    "routed.test": {A: ["203.0.113.9"]},
    "mixed.test": {A: ["169.254.169.254", "192.0.2.7", "100.100.100.200"],
                   AAAA: ["fd00:ec2::254", "fe80::1234"]},
    "outside.test": {A: ["198.51.100.1"], AAAA: ["2001:db8:1::9"]},
}


def addresses(name, kind, seen):
    if name == "rebind.test":
        if kind != A:
            return []
        return ["192.0.2.7" if seen == 1 else "169.254.169.254"]
    return RECORDS.get(name, {}).get(kind, [])


def answer(question, seen):
    labels, at = [], 12
    while question[at]:
        n = question[at]
        labels.append(question[at + 1:at + 1 + n].decode().lower())
        at += 1 + n
    kind = struct.unpack("!H", question[at + 1:at + 3])[0]
    name = ".".join(labels)
    seen[name, kind] = seen.get((name, kind), 0) + 1
    print({A: "A", AAAA: "AAAA"}.get(kind, kind), name, flush=True)
    if name == "slow.test":
        return None
    found = addresses(name, kind, seen[name, kind])
    known = name in RECORDS or name == "rebind.test"
    out = question[:2] + struct.pack(
        "!HHHHH", 0x8580 | (0 if known else 3), 1, len(found), 0, 0)
    out += question[12:at + 5]
    for a in found:
        data = socket.inet_pton(
            socket.AF_INET if kind == A else socket.AF_INET6, a)
        # nothing may be kept: the time to live is 0
        out += struct.pack("!HHHIH", 0xC00C, kind, 1, 0, len(data)) + data
    return out


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 53))
    print("ready", flush=True)
    seen = {}
    while True:
        question, peer = s.recvfrom(4096)
        out = answer(question, seen)
        if out:
            s.sendto(out, peer)


main()
