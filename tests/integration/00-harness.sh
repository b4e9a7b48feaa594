#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The helpers of tests/lib.sh themselves, against OpenSSH on both sides: when
# this fails, no other integration test can be believed.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

is "$(ls -A "$HOME")" "" "an empty home"
check "omniedge runs" "$OMNIEDGE" version

port=$(free_port)
check "a free port can be bound" python3 -c '
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))' "$port"
check "nobody listens there" eval "! listening $port"

sleep 300 &
own $!
stop $!
check "stop ends a process" eval "! alive $!"

if start_sshd; then
	ok "sshd starts"
	use_port "$SSHD_PORT"
	run ossh "$ME@$LO" 'echo out; echo err >&2; exit 7'
	status_is 7 "remote exit status"
	is "$(cat "$OUT")" out "stdout"
	is "$(cat "$ERR")" err "stderr"
	stop "$SSHD_PID"
	check "sshd ends" eval "! listening $SSHD_PORT"
else
	not_ok "sshd starts"
fi

if am_root; then
	make_user a
	is "$(as_user "$USER_NAME" id -un)" "$USER_NAME" "a user is made"
	as_user "$USER_NAME" sleep 300 2>/dev/null &
	pid=$!
	wait_for 5 eval "[ -n \"\$(ps -o pid= -U $USER_NAME)\" ]"
	remove_user "$USER_NAME"
	wait "$pid"
	check "and removed with its processes" eval \
		"! id $USER_NAME && ! alive $pid"
fi
done_testing
