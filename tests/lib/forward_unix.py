# SPDX-License-Identifier: Apache-2.0
"""forward_unix.py KEY PORT USER PATH: a Unix socket through our server, asked
for as doc/protocol/forwarding.md says; prints the answer or "refused CODE"."""
import sys

import paramiko


def main():
    key, port, user, path = sys.argv[1:]
    t = paramiko.Transport(("127.0.0.1", int(port)))
    t.connect(username=user,
              pkey=paramiko.Ed25519Key.from_private_key_file(key))
    try:
        c = t.open_channel("direct-tcpip", (path, 0), ("127.0.0.1", 1))
        c.sendall(b"sabc")
        c.shutdown_write()
        print(c.recv(100).decode().strip())
    except paramiko.ChannelException as e:
        print("refused", e.code)
    t.close()


main()
