#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Names that somebody may give to a device.

    odd_names.py PATH           each name, ended by NUL
    odd_names.py PATH KEY       devices with these names as JSON, KEY being
                                their host key; dev_0 has 127.0.1.1, and so on

PATH is a file that no name may bring about.
"""
import json
import sys

PATH = sys.argv[1]
NAMES = [
    "two words", " leading", "caf\u00e9", "cafe\u0301", "\u202egnp.exe",
    "\u673a\u5668\u4eba", "\U0001f916", "../../etc/passwd", "/etc/passwd",
    ".", "..", ".hidden", "-oProxyCommand=touch " + PATH, "--help", "-",
    "x\nHost *\n\tProxyCommand touch " + PATH, "cr\rlf", "tab\there",
    "\x1b]0;pwned\x07", "\x1b[2J\x1b[H", "\x9b31m", "bell\x07",
    "n" * 255, "m" * 1024, "$(touch " + PATH + ")", "`touch " + PATH + "`",
    "x;touch " + PATH, "x|touch " + PATH, "'\"", "%h", "%%", "~root",
    "user@evil", "robot:22", "[::1]", "ssh://host", "*", "?", "!x", "#x",
    "127.0.0.50", "10.1", "0x7f000001", "2130706433", "::1", "localhost",
    "LOCALHOST.", "taken", "dev_1", "vnw_lab", "lab", "none", "a,b", "a=b",
    "\\", "\u200bzero", "\ufeffbom", "null", "ba\u0308r", "\u043ersted",
]

if len(sys.argv) < 3:
    sys.stdout.buffer.write(b"".join(n.encode() + b"\0" for n in NAMES))
else:
    print(json.dumps([
        {"id": f"dev_{i}", "name": n, "virtual_ip": f"127.0.1.{i + 1}",
         "host_keys": [sys.argv[2]]} for i, n in enumerate(NAMES)]))
