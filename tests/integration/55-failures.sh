#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Connections that fail: each in time, with 255 and a line that says what
# failed and what to try.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

start_server || bail "no server"
start_sshd || bail "no sshd"

# A peer that says something wrong: BAD MODE on a port of its own.
cat >"$T/bad.py" <<'PY'
import os, socket, sys, time
mode, port = sys.argv[1], int(sys.argv[2])
host = sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1"
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((host, port))
s.listen(8)
held = []
while True:
    c, _ = s.accept()
    try:
        if mode == "silent":
            held.append(c)
            continue
        if mode == "garbage":
            c.sendall(os.urandom(3000) + b"\n")
        elif mode == "long":
            c.sendall(b"x" * 200000)
        elif mode == "banner":
            c.sendall(b"SSH-2.0-Nobody\r\n")
        elif mode == "old":
            c.sendall(b"SSH-1.5-Old\r\n")
        elif mode == "http":
            c.recv(100)
            c.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif mode == "escape":
            c.sendall(b"SSH-2.0-\x1b]0;title\x07\r\n")
            time.sleep(0.2)
            c.sendall(os.urandom(400))
        elif mode == "kex":
            c.sendall(b"SSH-2.0-Nobody\r\n")
            held.append(c)
            continue
        time.sleep(0.2)
        c.close()
    except OSError:
        pass
PY

# bad MODE [HOST]: sets BAD_PORT.
bad() {
	DAEMON_CONF='' start_listening BAD "$T/bad.log" \
		python3 "$T/bad.py" "$1" @PORT@ "${2:-$LO}" ||
		bail "no peer that is $1"
}

# fails SECONDS REGEX TEXT ARG...: 255 within that time, with such a message
# of one line.
fails() {
	local limit=$1 regex=$2 text=$3 t0=$EPOCHREALTIME ms
	shift 3
	run oe_ssh "$@" true
	ms=$(((${EPOCHREALTIME/./} - ${t0/./}) / 1000))
	is "$STATUS" 255 "$text: 255"
	like "$(cat "$ERR")" "$regex" "$text: what happened"
	is "$(grep -c . "$ERR")" 1 "$text: one line" || diag_file "$ERR"
	[ "$ms" -lt $((limit * 1000)) ] && ok "$text: in time" && return
	not_ok "$text: in time"
	diag "$ms ms"
}

use_port "$(free_port)"
fails 5 'connect to .*refused' "nothing listens" "$LO"
fails 5 'no-such-host.invalid' "no such name" no-such-host.invalid
fails 5 'IPv6|family|127.0.0.1' "-6 with an IPv4 address" -6 "$LO"

bad silent
use_port "$BAD_PORT"
fails 4 'no answer within 1 s while exchanging versions' \
	"a peer that never answers" -o ConnectTimeout=1 "$LO"
bad kex
use_port "$BAD_PORT"
fails 4 'no answer within 1 s while exchanging' \
	"a peer that stops after its version" -o ConnectTimeout=1 "$LO"
for mode in garbage long http old; do
	bad $mode
	use_port "$BAD_PORT"
	fails 10 'version|banner|SSH server|protocol' "a peer with $mode" \
		-o ConnectTimeout=5 "$LO"
done
bad banner
use_port "$BAD_PORT"
fails 5 'closed|disconnected|reset' "a peer that hangs up after its version" \
	"$LO"
bad escape
use_port "$BAD_PORT"
run oe_ssh -v -o ConnectTimeout=3 "$LO" true
status_is 255 "a version with control characters"
unlike "$(cat "$ERR")" $'\e' "which never reach the terminal"

start_sshd 'KexAlgorithms diffie-hellman-group14-sha256' \
	'Ciphers aes256-ctr' || bail "no second sshd"
use_port "$SSHD_PORT"
fails 5 'no algorithm in common' "no key exchange in common" \
	-o KexAlgorithms=curve25519-sha256 "$LO"
like "$(cat "$ERR")" 'diffie-hellman-group14' "what the server has"
fails 5 'no algorithm in common' "no cipher in common" \
	-o KexAlgorithms=+diffie-hellman-group14-sha256 \
	-o Ciphers=aes128-ctr "$LO"

# --- in the middle of a session ----------------------------------------------

start_sshd || bail "no sshd"

in_session() {
	# what the last session said must not be taken for this one's
	: >"$OUT"
	oe_ssh -o ServerAliveInterval=1 -o ServerAliveCountMax=1 "$@" \
		"$LO" 'echo up; exec sleep 20' >"$OUT" 2>"$ERR" &
	JOB=$!
	own "$JOB"
	wait_for 10 grep -q up "$OUT"
}

# server_pids: what serves the connection on our port, seen from outside.
server_pids() {
	local daemon=$SSHD_PID
	[ "$PEER" = ours ] && daemon=$SERVER_PID
	children_of "$daemon"
}

killed() {
	local p
	in_session -o ServerAliveInterval=0
	for p in $(server_pids); do
		kill -KILL "$p" 2>/dev/null
	done
	wait_for 10 eval "! alive $JOB"
	wait "$JOB"
	is "$?" 255 "$PEER: a server killed in the session: 255"
	like "$(cat "$ERR")" "connection to $LO lost" "$PEER: and a line"
}

stopped() {
	local p s t0
	in_session
	s=$(server_pids)
	for p in $s; do
		kill -STOP "$p" 2>/dev/null
	done
	t0=$SECONDS
	wait_for 15 eval "! alive $JOB"
	wait "$JOB"
	is "$?" 255 "$PEER: a stopped server is noticed: 255"
	check "$PEER: in time" test $((SECONDS - t0)) -le 6
	for p in $s; do
		kill -CONT "$p" 2>/dev/null
	done
}

stopped_told() {
	in_session
	sleep 3
	is "$(alive "$JOB" && echo yes)" yes \
		"$PEER: a quiet server that answers stays"
	stop "$JOB"
}

peer_checks() {
	killed
	stopped
	stopped_told
}
each_peer peer_checks

# --- addresses ---------------------------------------------------------------

use_port "$SSHD_PORT"
fast() {
	local t0=$EPOCHREALTIME ms
	run oe_ssh "${@:2}" 'echo in'
	ms=$(((${EPOCHREALTIME/./} - ${t0/./}) / 1000))
	is "$STATUS $(cat "$OUT")" "0 in" "$1" || diag_file "$ERR"
	[ "$ms" -lt 3000 ] && ok "$1: at once" && return
	not_ok "$1: at once"
	diag "$ms ms"
}
# where the system's localhost is IPv4 only there is nothing to race
if getent ahosts localhost | grep -q '^::1 '; then
	fast "localhost, nobody on ::1" localhost
	run oe_ssh -6 localhost true
	status_is 255 "-6 localhost"
	like "$(cat "$ERR")" '::1.*refused' "goes to ::1"
fi
fast "-4 localhost" -4 localhost
done_testing
