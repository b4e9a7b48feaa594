# SPDX-License-Identifier: Apache-2.0
"""Programs that move files over SSH: their command lines for one job."""
import os
import shlex

from .peers import LOOPBACK, OPENSSH, OURS


class Job:
    """One file or one tree, from here to there ("put") or back ("get")."""

    def __init__(self, way, tree, here, there):
        self.way = way
        self.tree = tree
        self.here = here        # path on the client's side
        self.there = there      # and on the server's

    def order(self, here, there):
        return [here, there] if self.way == "put" else [there, here]

    def source(self):
        return self.here if self.way == "put" else self.there

    def target(self):
        return self.there if self.way == "put" else self.here


def scp(program):
    def argv(peers, port, job):
        return program(peers) + peers.options() + ["-q", "-P", str(port)] + \
            (["-r"] if job.tree else []) + \
            job.order(job.here, "%s:%s" % (peers.host(), job.there))
    return argv


def sftp(program):
    def argv(peers, port, job):
        batch = peers.path("batch")
        with open(batch, "w", encoding="utf-8") as f:
            f.write(" ".join(
                [job.way] + (["-r"] if job.tree else []) +
                job.order(job.here, job.there)) + "\n")
        return program(peers) + ["-q", "-b", batch] + peers.options() + \
            ["-P", str(port), peers.host()]
    return argv


def rsync(peers, port, job):
    shell = shlex.join(["/usr/bin/ssh", *peers.options(), "-p", str(port)])
    end = "/" if job.tree else ""
    return ["rsync", "--whole-file", "-e", shell] + \
        (["-r"] if job.tree else []) + \
        job.order(job.here + end,
                  "%s:%s%s" % (peers.host(), job.there, end))


def lftp(peers, port, job):
    shell = shlex.join(["/usr/bin/ssh", "-a", "-x", *peers.options()])
    if job.tree:
        move = "mirror --parallel=4 %s%s" % (
            "-R " if job.way == "put" else "",
            " ".join(job.order(job.here, job.there)))
    elif job.way == "put":
        move = "put %s -o %s" % (job.here, job.there)
    else:
        move = "pget -n 4 %s -o %s" % (job.there, job.here)
    return ["lftp", "--norc", "-c",
            "set sftp:connect-program \"%s\"; "
            "open -p %d sftp://%s:@%s; %s"
            % (shell, port, peers.user, LOOPBACK, move)]


def rclone(peers, port, job):
    # it would ask the remote shell for hashes, what nobody else does
    return ["rclone", "--config", os.devnull,
            "copy" if job.tree else "copyto"] + \
        job.order(job.here, ":sftp:" + job.there) + \
        ["--sftp-host", LOOPBACK, "--sftp-port", str(port),
         "--sftp-user", peers.user, "--sftp-key-file", peers.path("id"),
         "--sftp-known-hosts-file", peers.path("known_hosts" + peers.place),
         "--sftp-disable-hashcheck"]


class Mover:
    """A program and the server that it talks to."""

    def __init__(self, name, server, argv, program):
        self.name = name
        self.server = server
        self.argv = argv
        self.program = program  # a path, or None: ours

    def __str__(self):
        return "%s to %s" % (self.name,
                             "our server" if self.server == OURS else "sshd")

    def there(self):
        """Its program is on this machine."""
        return not self.program or os.access(self.program, os.X_OK)

    def command(self, peers, job):
        return self.argv(peers, peers.servers[self.server].port, job)


def ours(name):
    return lambda peers: [peers.omniedge, name]


def theirs(path):
    return lambda peers: [path]


SCP, SFTP = "/usr/bin/scp", "/usr/bin/sftp"
BOTH = Mover("omniedge scp", OURS, scp(ours("scp")), None)
OUT = Mover("omniedge scp", OPENSSH, scp(ours("scp")), None)
IN = Mover("OpenSSH's sftp", OURS, sftp(theirs(SFTP)), SFTP)
THEIR_SFTP = Mover("OpenSSH's sftp", OPENSSH, sftp(theirs(SFTP)), SFTP)
THEIR_SCP = Mover("OpenSSH's scp", OPENSSH, scp(theirs(SCP)), SCP)
BEST = (THEIR_SFTP, THEIR_SCP)
RIVALS = (Mover("rclone", OPENSSH, rclone, "/usr/bin/rclone"),
          Mover("lftp", OPENSSH, lftp, "/usr/bin/lftp"),
          Mover("rsync", OPENSSH, rsync, "/usr/bin/rsync"))
ALL = (BOTH, OUT, IN) + BEST + RIVALS
