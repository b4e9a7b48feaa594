#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# omniedge ssh on other people's servers: dropbear and asyncssh.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh-keygen

login_user o
make_key id
head -c 3000000 /dev/urandom >"$T/blob"
want=$(sha256sum <"$T/blob")

# peer NAME PORT USER: commands, status, both directions, a terminal.
peer() {
	local name=$1 to=$3@$LO
	use_port "$2"
	run oe_ssh "$to" 'echo out; echo err >&2; exit 7'
	status_is 7 "$name: exit status"
	is "$(cat "$OUT")" out "$name: stdout"
	like "$(cat "$ERR")" '^err$' "$name: stderr"
	run oe_ssh "$to" sha256sum <"$T/blob"
	is "$(cat "$OUT")" "$want" "$name: 3 MB in"
	run oe_ssh "$to" "cat $T/blob"
	is "$(sha256sum <"$OUT")" "$want" "$name: 3 MB out"
	run oe_ssh -tt "$to" 'tty && stty size'
	like "$(cat "$OUT")" '^/dev/pts/' "$name: a terminal"
}

chmod 644 "$T/blob"
if command -v dropbear dropbearkey >/dev/null; then
	home=$LOGIN_HOME
	if am_root; then
		allow_key "$LOGIN" "$home" "$T/id.pub"
		chmod 755 "$home"
		dropbearkey -t ed25519 -f "$T/dbhost" >/dev/null 2>&1
		start_listening DROPBEAR "$T/dropbear.log" \
			dropbear -F -E -s -r "$T/dbhost" -p "$LO:@PORT@" -P "$T/db.pid" ||
			bail "dropbear does not start"
		peer dropbear "$DROPBEAR_PORT" "$LOGIN"
	else
		# it reads ~/.ssh of the account, which is not the test's
		skip dropbear "needs root: else it reads our own ~/.ssh"
	fi
else
	skip dropbear "no dropbear here"
fi

cat >"$T/server.py" <<'PY'
import asyncio, asyncssh, os, sys

T = os.environ["T"]

async def handle(p):
    sub = await asyncio.create_subprocess_shell(
        p.command, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, err = await sub.communicate(await p.stdin.read())
    p.stdout.write(out)
    p.stderr.write(err)
    p.exit(sub.returncode)

async def main():
    await asyncssh.listen("127.0.0.1", int(sys.argv[1]),
        server_host_keys=[T + "/ahost"],
        authorized_client_keys=T + "/id.pub",
        encoding=None, process_factory=handle)
    await asyncio.Event().wait()

asyncio.run(main())
PY
if /usr/bin/python3 -c 'import asyncssh' 2>/dev/null; then
	make_key ahost
	start_listening ASYNC "$T/async.log" \
		/usr/bin/python3 "$T/server.py" @PORT@ ||
		bail "asyncssh does not start"
	use_port "$ASYNC_PORT"
	to=whoever@$LO
	run oe_ssh -n "$to" 'echo out; echo err >&2; exit 7'
	status_is 7 "asyncssh: exit status"
	is "$(cat "$OUT")" out "asyncssh: stdout"
	like "$(cat "$ERR")" '^err$' "asyncssh: stderr"
	run oe_ssh "$to" sha256sum <"$T/blob"
	is "$(cat "$OUT")" "$want" "asyncssh: 3 MB in"
	run oe_ssh -n "$to" "cat $T/blob"
	is "$(sha256sum <"$OUT")" "$want" "asyncssh: 3 MB out"
else
	skip asyncssh "no asyncssh here"
fi
done_testing
