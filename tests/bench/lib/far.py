# SPDX-License-Identifier: Apache-2.0
"""Both servers and the clients with a round trip between them.

A network namespace of which nothing is left when its last process ends: the
program that delays packets (delayq.c) is its first.  All is on the loopback
interface there, with packets as large as Ethernet's.
"""
import os
import select
import shutil
import subprocess

from .peers import BenchError

HERE = os.path.dirname(os.path.realpath(__file__))
TOOLS = ("cc", "ip", "iptables-legacy", "nsenter", "unshare")
QUEUE = 1
MTU = 1500
READY_S = 20
INSIDE = """
ip link set lo mtu %d up &&
iptables-legacy -A INPUT -i lo -j NFQUEUE --queue-num %d &&
exec "$0" %d %d"""


def build(peers):
    """delayq; raises with what is missing for it."""
    missing = [tool for tool in TOOLS if not
               shutil.which(tool, path=peers.env["PATH"])]
    if missing:
        raise BenchError("needs " + " ".join(missing))
    program = peers.path("delayq")
    done = subprocess.run(
        ["cc", "-O2", "-o", program, os.path.join(HERE, "delayq.c"),
         "-lnetfilter_queue", "-lnfnetlink"],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
        env=peers.env)
    if done.returncode != 0:
        raise BenchError("needs libnetfilter-queue-dev: " +
                         done.stderr.decode().splitlines()[0])
    return program


def start(peers, round_trip_ms):
    """Peers with a round trip; raises BenchError where that cannot be had.
    Each packet is held once, on its way in, so twice in a round trip."""
    if not peers.root:
        raise BenchError("needs root, for a network namespace")
    program = build(peers)
    holder = peers.spawn(
        ["unshare", "--net", "/bin/sh", "-c",
         INSIDE % (MTU, QUEUE, QUEUE, round_trip_ms // 2), program],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ready = select.select([holder.stdout], [], [], READY_S)[0]
    if not ready or holder.stdout.readline() != b"ready\n":
        peers.stop(holder)
        raise BenchError("packets cannot be delayed here: " +
                         holder.stderr.read().decode().strip())
    return peers.elsewhere(holder.pid, "far")
