#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Other people's clients and tools on our server.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

login_user i
make_key id
authorize "$(cat "$T/id.pub")"
sftp_server=/usr/lib/openssh/sftp-server
start_server --ban-after 0 --subsystem "sftp:$sftp_server" ||
	bail "the server does not start"
to=$LOGIN@$LO
command='echo out; echo err >&2; exit 7'

# client NAME COMMAND...: exit status and both streams are right.
client() {
	local name=$1
	shift
	run "$@" "$command"
	status_is 7 "$name: exit status"
	like "$(cat "$OUT")" '^out.?$' "$name: stdout"
	like "$(cat "$ERR")" '^err.?$' "$name: stderr"
}

client OpenSSH ossh "$to"
run ossh -tt "$to" 'tty; stty size'
like "$(cat "$OUT")" '^/dev/pts/' "OpenSSH: a terminal"

if command -v dbclient dropbearconvert >/dev/null; then
	ssh-keygen -q -t ed25519 -N '' -m PEM -f "$T/pem" -C pem
	dropbearconvert openssh dropbear "$T/pem" "$T/db" 2>/dev/null
	cat "$T/pem.pub" >>"$T/authorized_keys"
	client dbclient dbclient -y -y -i "$T/db" -p "$SERVER_PORT" "$to"
	run script -qec "dbclient -y -y -t -i $T/db -p $SERVER_PORT $to tty" \
		/dev/null
	like "$(cat "$OUT")" '/dev/pts/' "dbclient: a terminal"
else
	skip dbclient "no dropbear here"
fi

if command -v plink puttygen >/dev/null; then
	puttygen "$T/id" -O private -o "$T/id.ppk" 2>/dev/null
	print=$(ssh-keyscan -t ed25519 -p "$SERVER_PORT" "$LO" 2>/dev/null |
		ssh-keygen -lf - | cut -d' ' -f2)
	client plink plink -batch -ssh -i "$T/id.ppk" -hostkey "$print" \
		-P "$SERVER_PORT" "$to"
	run plink -batch -ssh -t -i "$T/id.ppk" -hostkey "$print" \
		-P "$SERVER_PORT" "$to" tty
	like "$(cat "$OUT")" '^/dev/pts/' "plink: a terminal"
else
	skip plink "no PuTTY here"
fi

cat >"$T/paramiko_client.py" <<'PY'
import logging, os, paramiko, sys
logging.disable(logging.CRITICAL)
c = paramiko.SSHClient()
c.set_missing_host_key_policy(paramiko.AutoAddPolicy())
c.connect("127.0.0.1", int(sys.argv[1]), sys.argv[2], key_filename=os.environ["T"] + "/id",
          allow_agent=False, look_for_keys=False)
if len(sys.argv) > 3:
    i, o, e = c.exec_command(sys.argv[3])
    sys.stdout.write(o.read().decode())
    sys.stderr.write(e.read().decode())
    sys.exit(o.channel.recv_exit_status())
i, o, e = c.exec_command("tty", get_pty=True)
print(o.read().decode())
s = c.open_sftp()
with s.open("/dev/null", "r") as f:
    print("sftp", len(f.read()))
c.close()
PY
if /usr/bin/python3 -W ignore -c 'import paramiko' 2>/dev/null; then
	client paramiko /usr/bin/python3 -W ignore "$T/paramiko_client.py" \
		"$SERVER_PORT" "$LOGIN"
	run /usr/bin/python3 -W ignore "$T/paramiko_client.py" "$SERVER_PORT" "$LOGIN"
	like "$(cat "$OUT")" '^/dev/pts/' "paramiko: a terminal"
	like "$(cat "$OUT")" '^sftp 0' "paramiko: sftp"
else
	skip paramiko "no paramiko here"
fi

cat >"$T/asyncssh_client.py" <<'PY'
import asyncio, asyncssh, os, sys
async def main():
    async with asyncssh.connect("127.0.0.1", int(sys.argv[1]), username=sys.argv[2],
            client_keys=[os.environ["T"] + "/id"], known_hosts=None, agent_path=None) as c:
        if len(sys.argv) > 3:
            r = await c.run(sys.argv[3])
            sys.stdout.write(r.stdout)
            sys.stderr.write(r.stderr)
            return r.exit_status
        r = await c.run("tty", term_type="xterm")
        print(r.stdout)
        return 0
sys.exit(asyncio.run(main()))
PY
if /usr/bin/python3 -W ignore -c 'import asyncssh' 2>/dev/null; then
	client asyncssh /usr/bin/python3 -W ignore "$T/asyncssh_client.py" \
		"$SERVER_PORT" "$LOGIN"
	run /usr/bin/python3 -W ignore "$T/asyncssh_client.py" \
		"$SERVER_PORT" "$LOGIN"
	like "$(cat "$OUT")" '^/dev/pts/' "asyncssh: a terminal"
else
	skip asyncssh "no asyncssh here"
fi

# --- tools over ssh ----------------------------------------------------------

cat >"$T/ssh" <<SSH
#!/bin/bash
exec ssh -F /dev/null -i $T/id -o IdentitiesOnly=yes -o BatchMode=yes \\
	-o LogLevel=ERROR -o UserKnownHostsFile=$T/known_hosts \\
	-o StrictHostKeyChecking=accept-new -p $SERVER_PORT "\$@"
SSH
chmod 755 "$T/ssh"
install -d -m 777 "$T/far"
far=$T/far
if command -v git >/dev/null; then
	export GIT_SSH=$T/ssh GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t \
		GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t \
		GIT_COMMITTER_EMAIL=t@example.org
	as_user "$LOGIN" git init -q --bare "$far/r.git" 2>/dev/null
	git init -q "$T/work" 2>/dev/null
	head -c 3000000 /dev/urandom >"$T/work/big"
	git -C "$T/work" add big
	git -C "$T/work" commit -qm one
	check "git push" git -C "$T/work" push -q "$to:$far/r.git" HEAD:refs/heads/main
	check "git clone" git clone -q -b main "$to:$far/r.git" "$T/clone"
	check "it is the same" cmp "$T/work/big" "$T/clone/big"
else
	skip git "no git here"
fi
mkdir "$T/tree"
head -c 5000000 /dev/urandom >"$T/tree/a"
seq 1 100000 >"$T/tree/b"
if command -v rsync >/dev/null; then
	check "rsync there" rsync -a -e "$T/ssh" "$T/tree" "$to:$far/"
	echo more >>"$T/tree/b"
	check "rsync again" rsync -a -e "$T/ssh" "$T/tree" "$to:$far/"
	check "rsync back" rsync -a -e "$T/ssh" "$to:$far/tree/" "$T/back/"
	check "it is the same" diff -r "$T/tree" "$T/back"
else
	skip rsync "no rsync here"
fi
if [ -x "$sftp_server" ]; then
	printf 'put %s %s\nget %s %s\n' "$T/tree/a" "$far/sftp" \
		"$far/sftp" "$T/sftp" >"$T/batch"
	check "sftp" sftp -q -S "$T/ssh" -b "$T/batch" "$to"
	check "it is the same" cmp "$T/tree/a" "$T/sftp"
	check "scp" scp -q -S "$T/ssh" "$T/tree/a" "$to:$far/scp"
	check "scp -O (the old protocol)" scp -q -O -S "$T/ssh" \
		"$to:$far/scp" "$T/scp"
	check "it is the same" cmp "$T/tree/a" "$T/scp"
else
	skip sftp "no sftp-server here"
fi
if command -v ansible >/dev/null; then
	printf 'far ansible_host=%s ansible_port=%s ansible_user=%s ansible_ssh_private_key_file=%s ansible_python_interpreter=/usr/bin/python3\n' \
		"$LO" "$SERVER_PORT" "$LOGIN" "$T/id" >"$T/hosts"
	ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_LOCAL_TEMP=$T/ansible \
		run ansible -i "$T/hosts" far -m ping
	like "$(cat "$OUT")" '"ping": "pong"' "ansible ping" || diag_file "$ERR"
else
	skip ansible "no ansible here"
fi
if command -v ssh-audit >/dev/null; then
	run ssh-audit -n -p "$SERVER_PORT" "$LO"
	like "$(cat "$OUT")" '\(kex\) kex-strict-s-v00@openssh\.com' \
		"strict key exchange is offered"
	# older than strict key exchange, it calls that unknown
	grep -v 'kex-strict-s-v00' "$OUT" >"$T/audit"
	like "$(cat "$T/audit")" '\(kex\) curve25519-sha256' "ssh-audit ran"
	unlike "$(cat "$T/audit")" '\[(fail|warn)\]' "no fail and no warn"
else
	skip ssh-audit "no ssh-audit here"
fi
stop_server
done_testing
