#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Options, configuration and user names that are wrong: the exit status, and
# a message that says what and where.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

login_user b
make_key id
authorize "$(cat "$T/id.pub")"

# bad STATUS REGEX OPTION...: the server refuses to start.
bad() {
	local status=$1 regex=$2
	shift 2
	RUN_LIMIT=20 run "$OMNIEDGE" ssh-server --host-key-path "$T/hostkeys" \
		-b "$LO" "$@"
	is "$STATUS" "$status" "$(printf '%q ' "$@" | cut -c1-120): $status" ||
		diag_file "$ERR"
	like "$(cat "$ERR")" "$regex" "and says why"
}

bad 64 no-such-option --no-such-option
bad 64 -- "-Z" -Z
bad 64 operand operand
bad 64 '(-p|port)' -p 0
bad 64 '(-p|port)' -p 70000
bad 64 '(-p|port)' -p ssh
bad 64 '(-p|port)' -p -1
bad 64 '(-p|port)' -p ''
bad 64 '(-p|port)' -p
bad 64 allow-network --allow-network 10.0.0.0/33
bad 64 allow-network --allow-network 10.0.0.0/-1
bad 64 allow-network --allow-network 10.0.0.1/8
bad 64 allow-network --allow-network 10.0.0/8
bad 64 allow-network --allow-network ''
bad 64 allow-network --allow-network fe80::/129
bad 64 allow-network --allow-network localhost
bad 64 bind --bind example.org
bad 64 bind --bind 1.2.3.4.5
bad 64 auth --auth magic
bad 64 login-grace --login-grace soon
bad 64 max-startups --max-startups 10:200:20
bad 64 max-startups --max-startups 0
bad 64 max-auth-tries --max-auth-tries 0
bad 64 rekey-bytes --rekey-bytes 1X
bad 64 log-format --log-format xml
bad 78 oe-nobody-here --user-map a:oe-nobody-here -p "$(free_port)"
bad 78 user-map --user-map nocolon -p "$(free_port)"
bad 78 user-map --user-map a:b:c -p "$(free_port)"
bad 78 oe-nobody-here --default-user oe-nobody-here -p "$(free_port)"
bad 78 no-such-ca --trusted-ca "$T/no-such-ca" -p "$(free_port)"
bad 78 no-such-list --revoked-keys "$T/no-such-list" -p "$(free_port)"
bad 78 no-such-banner --banner "$T/no-such-banner" -p "$(free_port)"
bad 78 subsystem --subsystem sftp -p "$(free_port)"
bad 78 rot13 --ciphers rot13 -p "$(free_port)"
bad 78 'address|assign' --bind 192.0.2.1 -p "$(free_port)"
touch "$T/ca-writable"
chmod 666 "$T/ca-writable"
bad 78 ca-writable --trusted-ca "$T/ca-writable" -p "$(free_port)"
if am_root; then
	bad 78 'root|uid 0' --default-user root -p "$(free_port)"
else
	bad 78 root --user-map "$ME:root" -p "$(free_port)"
	bad 78 '[Pp]ermission denied' -p 1
fi

# --- host keys ---------------------------------------------------------------

start_server || bail "the server does not start"
bad 78 'has this port' -p "$SERVER_PORT"
gets_in "the one that has the port goes on"
stop_server
is "$(stat -c %a "$T"/hostkeys/*_key 2>/dev/null | sort -u)" 600 \
	"host keys are made with mode 0600"
sums=$(cat "$T"/hostkeys/* | sha256sum)
for key in "$T"/hostkeys/*ed25519*key; do
	chmod 644 "$key"
	bad 78 "$(basename "$key").*(chmod|mode|readable|others)" \
		-p "$(free_port)"
	chmod 600 "$key"
	cp -p "$key" "$T/kept"
	echo garbage >"$key"
	bad 78 "$(basename "$key")" -p "$(free_port)"
	is "$(cat "$key")" garbage "a broken host key is not replaced"
	cp -p "$T/kept" "$key"
	if ! am_root; then
		chmod 0 "$key"
		bad 78 "$(basename "$key").*[Pp]ermission" -p "$(free_port)"
		chmod 600 "$key"
	fi
done
start_server
stop_server
is "$(cat "$T"/hostkeys/* | sha256sum)" "$sums" "a restart keeps the host keys"

# --- configuration -----------------------------------------------------------

conf=$T/server.conf
# conf_bad STATUS REGEX LINE...: a file of these lines.
conf_bad() {
	local status=$1 regex=$2
	shift 2
	printf '%s\n' "$@" >"$conf"
	run "$OMNIEDGE" ssh-server --config "$conf" --check-config \
		--host-key-path "$T/hostkeys"
	is "$STATUS" "$status" "config: $(printf '%s | ' "$@")" ||
		diag_file "$ERR"
	like "$(cat "$OUT" "$ERR")" "$regex" "and says where"
}
conf_bad 78 'server\.conf:2.*no-such-key' '[ssh-server]' 'no-such-key = 1'
conf_bad 78 'server\.conf:3' '[ssh-server]' '# comment' 'port = 0'
conf_bad 78 'server\.conf:2' '[ssh-server]' 'port'
conf_bad 78 'server\.conf:2' '[ssh-server]' 'allow-network = 10.0.0.0/99'
conf_bad 78 'server\.conf:2' '[ssh-server]' 'user-map = a:oe-nobody-here'
conf_bad 78 'server\.conf:1' '[no-such-section]' 'x = 1'
conf_bad 78 'server\.conf:1' '[ssh-server' 'port = 22'
conf_bad 78 'server\.conf:3' '[ssh-server]' 'permissive = yes' \
	'localhost-only = yes'
conf_bad 78 'server\.conf:2' '[ssh-server]' 'permissive = perhaps'
conf_bad 78 'server\.conf:2' '[ssh-server]' "trusted-ca = $T/no-such-ca"
run "$OMNIEDGE" ssh-server --config "$T/no-such.conf" --check-config
status_is 78 "no such file of configuration"
like "$(cat "$OUT" "$ERR")" 'no-such\.conf' "and it is named"
printf '[ssh-server]\nport = 2200\nmax-startups = 5:50:9\n' >"$conf"
run "$OMNIEDGE" ssh-server --config "$conf" --check-config \
	--host-key-path "$T/hostkeys" --login-grace 7s
status_is 0 "--check-config of a good one"
like "$(cat "$OUT")" '^port = 2200' "prints what the file says"
like "$(cat "$OUT")" '^login-grace = 7' "and what the command line says"
like "$(cat "$OUT")" '^#? ?max-sessions = 256' "and defaults"
OMNIEDGE_SSH_SERVER_PORT=2201 run "$OMNIEDGE" ssh-server --check-config \
	--config "$conf" --host-key-path "$T/hostkeys"
like "$(cat "$OUT")" '^port = 220[01]' "the environment has its place"

# --- user names --------------------------------------------------------------

cat >"$T/names.py" <<'PY'
# Log in by a good key as names that are no names; one line each.
import asyncio, asyncssh, os, paramiko, socket, logging, sys
logging.disable(logging.CRITICAL)
port, T = int(sys.argv[1]), os.environ["T"]
key = paramiko.Ed25519Key.from_private_key_file(T + "/id")
for name in ["-x", "root\n", "\nroot", "../x", "a" * 1000, "a" * 100000, "0",
             "12345", "root\0", "\0", "", " ", "root ", "a:b", "a/b", ".",
             "..", "%s%n", "\x1b[2J", "ä\u202e", "$(id)", "`id`", "*",
             sys.argv[2] + "\0", sys.argv[2] + "/", sys.argv[2].upper()]:
    t = paramiko.Transport(socket.create_connection(("127.0.0.1", port)))
    t.banner_timeout = 30
    t.auth_timeout = 3
    try:
        t.start_client(timeout=30)
        t.auth_publickey(name, key)
        print("IN %r" % name[:40])
    except Exception as e:
        print("refused %r" % name[:40])
    t.close()
PY
start_server --ban-after 0
run /usr/bin/python3 -W ignore "$T/names.py" "$SERVER_PORT" "$LOGIN"
status_is 0 "strange user names"
is "$(grep -c ^refused "$OUT")" 26 "all of them are refused" ||
	diag_file "$OUT"
unlike "$(cat "$OUT")" '^IN' "none gets in"
check "the log has no raw control byte" eval \
	"! LC_ALL=C grep -q '[[:cntrl:]]' '$SERVER_LOG'"
check "the log is JSON, line by line" python3 -c '
import json, sys
for line in open(sys.argv[1], encoding="ascii"):
    json.loads(line)' "$SERVER_LOG"
gets_in "and a good client still gets in"
stop_server
unlike "$(cat "$SERVER_LOG")" 'Sanitizer|ended by signal' "nothing crashed"
done_testing
