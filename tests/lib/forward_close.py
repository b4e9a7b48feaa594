# SPDX-License-Identifier: Apache-2.0
"""forward_close.py KEY PORT USER TARGET: a channel to port TARGET, a target
that does not read, is filled until nothing is taken any more and then closed;
prints how many bytes there were, ends with stdin."""
import socket
import sys

import paramiko


def main():
    key, port, user, target = sys.argv[1:]
    t = paramiko.Transport(("127.0.0.1", int(port)))
    t.connect(username=user,
              pkey=paramiko.Ed25519Key.from_private_key_file(key))
    c = t.open_channel("direct-tcpip", ("127.0.0.1", int(target)),
                       ("127.0.0.1", 1))
    c.sendall(b"l")
    c.settimeout(3)
    n = 0
    try:
        while True:
            n += c.send(b"x" * 32000)
    except socket.timeout:
        pass
    # end of file and close, one right after the other
    c.close()
    print("closed", n, flush=True)
    sys.stdin.read()
    t.close()


main()
