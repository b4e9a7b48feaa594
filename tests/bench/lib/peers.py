# SPDX-License-Identifier: Apache-2.0
"""Both servers on loopback, with keys, configuration and a user of their
own, and the command lines of both clients.

Everything is made below one folder and taken away by close(): processes by
the pids that were started here, the user by name.
"""
import copy
import ctypes
import getpass
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import proc

LOOPBACK = "127.0.0.1"
CIPHER = "aes128-gcm@openssh.com"
KEX = "curve25519-sha256"
SSHD = "/usr/sbin/sshd"
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
START_S = 30
PR_SET_CHILD_SUBREAPER = 36
OURS, OPENSSH = "omniedge", "OpenSSH"


class BenchError(Exception):
    """A measurement could not be taken; the text says why."""


class Server:
    """A running server: its process, program, port and log."""

    def __init__(self, name, child, path, port, log):
        self.name = name
        self.child = child
        self.path = os.path.realpath(path)
        self.port = port
        self.log = log

    def own(self):
        """Its processes below the listener, without the sessions' commands."""
        return proc.running(self.child.pid, self.path)


def free_port():
    with socket.socket() as s:
        s.bind((LOOPBACK, 0))
        return s.getsockname()[1]


def tail(path):
    try:
        with open(path, "rb") as f:
            return f.read()[-2000:].decode("utf-8", "replace")
    except OSError:
        return ""


def quiet_run(*argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL,
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise BenchError("%s: %s" % (" ".join(argv), done.stderr.decode()))
    return done.stdout


class Peers:
    """Two servers, two clients."""

    def __init__(self, omniedge, pam):
        self.root = os.geteuid() == 0
        self.omniedge = omniedge
        self.pam = pam and self.root
        self.user = None
        self.made_user = False
        self.servers = {}
        self.children = []
        self.prefix = []        # of each command: where it runs
        self.place = ""         # of names of files, for the same reason
        # What loses its parent becomes our child: its CPU time is counted,
        # and it is ended with the run.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.dir = tempfile.mkdtemp(prefix="oe-bench.")
        os.chmod(self.dir, 0o711)
        # The caller's agent, home and settings are no part of the figures.
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                    "LC_ALL": "C.UTF-8", "HOME": self.path("client")}
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def path(self, *names):
        return os.path.join(self.dir, *names)

    # --- what servers and clients need ---------------------------------------

    def start(self):
        os.mkdir(self.path("client"), 0o700)
        quiet_run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                  "bench", "-f", self.path("id"))
        quiet_run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                  "bench", "-f", self.path("sshd_host"))
        self.keys = self.make_user() if self.root else self.be_oneself()
        self.start_servers()

    def start_servers(self):
        self.servers = {}
        self.servers[OURS] = self.start_ours(self.keys)
        self.servers[OPENSSH] = self.start_sshd(self.keys)
        self.write_known_hosts()

    def elsewhere(self, pid, name):
        """The same with servers of its own in the network namespace of a
        process; close() of either ends both."""
        other = copy.copy(self)
        other.prefix = ["nsenter", "--net=/proc/%d/ns/net" % pid, "--"]
        other.place = "." + name
        other.start_servers()
        return other

    def make_user(self):
        """A user without rc files, whose shell starts fast; returns the
        place of its authorized_keys."""
        name = "oebench%d" % os.getpid()
        home = self.path("home")
        self.made_user = True
        self.user = name
        quiet_run("useradd", "--create-home", "--home-dir", home, "--skel",
                  os.devnull, "--shell", "/bin/sh", "--comment",
                  "omniedge bench", name)
        entry = pwd.getpwnam(name)
        ssh_dir = os.path.join(home, ".ssh")
        keys = os.path.join(ssh_dir, "authorized_keys")
        os.mkdir(ssh_dir, 0o700)
        shutil.copy(self.path("id.pub"), keys)
        for p in (ssh_dir, keys):
            os.chown(p, entry.pw_uid, entry.pw_gid)
        os.chmod(keys, 0o600)
        return keys

    def be_oneself(self):
        self.user = getpass.getuser()
        shutil.copy(self.path("id.pub"), self.path("authorized_keys"))
        os.chmod(self.path("authorized_keys"), 0o600)
        return self.path("authorized_keys")

    def start_ours(self, keys):
        def argv(port):
            return [self.omniedge, "ssh-server", "-b", LOOPBACK,
                    "-p", str(port), "--host-key-path", self.path("hostkeys"),
                    "--authorized-keys", keys, "--max-startups", "1000",
                    "--max-sessions", "0", "--ban-after", "0",
                    "--log-format", "json"] + \
                ([] if self.pam or not self.root else ["--no-pam"]) + \
                ([] if self.root else ["--no-strict-modes"])
        return self.listen(OURS, self.omniedge, argv)

    def start_sshd(self, keys):
        if self.root:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)

        def argv(port):
            with open(self.path("sshd_config" + self.place), "w", encoding="ascii") as f:
                f.write("\n".join([
                    "Port %d" % port,
                    "ListenAddress " + LOOPBACK,
                    "HostKey " + self.path("sshd_host"),
                    "AuthorizedKeysFile " + keys,
                    "PasswordAuthentication no",
                    "KbdInteractiveAuthentication no",
                    "UsePAM " + ("yes" if self.pam else "no"),
                    # Oneself has no home of the run's own: its keys are
                    # below /tmp, which all may write to.
                    "StrictModes " + ("yes" if self.root else "no"),
                    "PidFile none",
                    "MaxStartups 1000",
                    "Subsystem sftp " + SFTP_SERVER,
                    "Ciphers " + CIPHER,
                    "KexAlgorithms " + KEX, ""]))
            return [SSHD, "-D", "-e", "-f", self.path("sshd_config" + self.place)]
        return self.listen(OPENSSH, SSHD, argv)

    def listen(self, name, path, argv):
        """Start a server and wait until it listens; another port when the
        one chosen was taken meanwhile."""
        log = self.path(name + self.place + ".log")
        for _ in range(5):
            port = free_port()
            with open(log, "wb") as f:
                child = subprocess.Popen(
                    self.prefix + argv(port), stdin=subprocess.DEVNULL,
                    stdout=f, stderr=f, env=self.env, start_new_session=True)
            self.children.append(child)
            end = time.monotonic() + START_S
            while child.poll() is None and time.monotonic() < end:
                if proc.listens(child.pid, port):
                    return Server(name, child, path, port, log)
                time.sleep(0.05)
            self.stop(child)
        raise BenchError("%s does not start:\n%s" % (name, tail(log)))

    def write_known_hosts(self):
        pubs = {OURS: glob.glob(self.path("hostkeys", "*ed25519*.pub")),
                OPENSSH: [self.path("sshd_host.pub")]}
        with open(self.path("known_hosts" + self.place), "w", encoding="ascii") as f:
            for name, server in self.servers.items():
                if pubs[name]:
                    with open(pubs[name][0], encoding="ascii") as pub:
                        key = pub.read().split()[:2]
                else:
                    key = self.scan(server.port)
                f.write("[%s]:%d %s\n"
                        % (LOOPBACK, server.port, " ".join(key)))

    def scan(self, port):
        out = quiet_run(*self.prefix, "ssh-keyscan", "-t", "ed25519", "-p",
                        str(port), LOOPBACK).decode().split()
        return out[1:3]

    def options(self):
        """Of every client: no configuration but this."""
        argv = ["-F", "/dev/null"]
        for option in (
                "Ciphers=" + CIPHER, "KexAlgorithms=" + KEX,
                "HostKeyAlgorithms=ssh-ed25519", "IdentitiesOnly=yes",
                "IdentityFile=" + self.path("id"), "BatchMode=yes",
                "UserKnownHostsFile=" + self.path("known_hosts" + self.place),
                "GlobalKnownHostsFile=/dev/null", "LogLevel=ERROR",
                "StrictHostKeyChecking=yes"):
            argv += ["-o", option]
        return argv

    def host(self):
        return "%s@%s" % (self.user, LOOPBACK)

    def client(self, client, server, *more):
        """Command line of a client, up to and with the host."""
        head = [self.omniedge, "ssh"] if client == OURS else ["/usr/bin/ssh"]
        return head + self.options() + \
            ["-p", str(self.servers[server].port)] + list(more) + [self.host()]

    def spawn(self, argv, **how):
        """A process that close() ends if nobody else did."""
        how.setdefault("stdin", subprocess.DEVNULL)
        child = subprocess.Popen(self.prefix + argv, env=self.env, **how)
        self.children.append(child)
        return child

    def orphans(self):
        """Children that we did not start ourselves."""
        started = [child.pid for child in self.children]
        return [pid for pid in proc.children(os.getpid())
                if pid not in started]

    def reap(self):
        """Wait for orphans that have ended; their CPU time in seconds,
        with that of what they waited for themselves."""
        spent = 0.0
        for pid in self.orphans():
            done, _, usage = os.wait4(pid, os.WNOHANG)
            if done:
                spent += usage.ru_utime + usage.ru_stime
        return spent

    # --- the way out ---------------------------------------------------------

    def stop(self, child):
        """TERM, then KILL, for a process started here and what is below."""
        below = proc.descendants(child.pid)
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        end = time.monotonic() + 2
        while any(map(proc.alive, below)) and time.monotonic() < end:
            time.sleep(0.05)
        for pid in filter(proc.alive, below):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if child in self.children:
            self.children.remove(child)

    def close(self):
        for child in list(reversed(self.children)):
            self.stop(child)
        for pid in self.orphans():
            for one in [pid] + proc.descendants(pid):
                if proc.alive(one):
                    os.kill(one, signal.SIGKILL)
        if self.made_user:
            self.remove_user()
        shutil.rmtree(self.dir, ignore_errors=True)

    def remove_user(self):
        try:
            uid = pwd.getpwnam(self.user).pw_uid
        except KeyError:
            return
        for name in filter(str.isdigit, os.listdir("/proc")):
            status = proc.read("/proc/%s/status" % name) or ""
            if "\nUid:\t%d\t" % uid in status and proc.alive(int(name)):
                os.kill(int(name), signal.SIGKILL)
        time.sleep(0.1)
        subprocess.run(["userdel", "-f", self.user], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
