#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of forwarding through our server share; source it after
# tests/lib.sh.
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3
FORWARD_PEER=$OE_SRCDIR/tests/lib/forward_peer.py
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
# who logs in, and where the server is
LOGIN=$ME AT=$LO
# what a peer reads that is ended by a signal
mkfifo "$T/never"
exec 9<>"$T/never"

peer() {
	timeout -k 5 60 "$PYTHON" "$FORWARD_PEER" "$@"
}

# targets FILE WHERE...: serve on each; the ports are the lines of FILE.
targets() {
	local file=$1
	shift
	"$PYTHON" "$FORWARD_PEER" serve "$@" >"$file" 2>"$file.err" 3>&- &
	own $!
	TARGETS_PID=$!
	wait_for 20 eval "[ \$(wc -l <'$file') -ge $# ] || ! alive $!" &&
		alive $!
}

# hold OPTION...: OpenSSH's client in the background; sets HOLD_PID.
hold() {
	ssh -F /dev/null -i "${SSH_KEY:-$T/id}" -o IdentitiesOnly=yes \
		-o BatchMode=yes -o LogLevel=INFO \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new -p "$SERVER_PORT" \
		-N "$@" "$LOGIN@$AT" >"$T/hold" 2>&1 3>&- &
	HOLD_PID=$!
	own "$HOLD_PID"
}

unhold() {
	kill "$HOLD_PID" 2>/dev/null
	wait "$HOLD_PID" 2>/dev/null
}

# held_up PORT...: all of them are listened on.
held_up() {
	local p
	for p; do
		wait_for 20 listening "$p" || { diag_file "$T/hold"; return 1; }
	done
}

# none_left: the server has no connection any more.
none_left() {
	wait_for 20 eval '[ -z "$(children_of "$SERVER_PID")" ]'
}

# stdio TARGET [CLIENT]: what comes back of "abc" through -W.
stdio() {
	printf 'sabc' | "${2:-ossh}" -W "$1" "$LOGIN@$AT" 2>"$ERR"
}

# sock PATH: the same of a Unix socket, or "refused CODE".
sock() {
	timeout -k 5 60 "$PYTHON" "$OE_SRCDIR/tests/lib/forward_unix.py" \
		"${SSH_KEY:-$T/id}" "$SERVER_PORT" "$LOGIN" "$1" 2>"$ERR"
}

# refused TARGET WHY TEXT: -W to it is refused, and an event says why.
refused() {
	local host=${1%:*}
	host=${host#[} host=${host%]}
	is "$(stdio "$1")" "" "$3" || return
	refused_event "$host" "$2" "$3"
}

# refused_event HOST WHY TEXT: there is an event about this target.
refused_event() {
	event_seen forward.refused "\"host\":\"$1\".*\"why\":\"$2" && return
	not_ok "$3: its event"
	events forward.refused | tail -n 3 | sed 's/^/# /' >&3
	return 1
}

# Processes of the connections: the monitors, and below each of them net and
# the forwarder, which has a name of its own.
monitor_pids() {
	ps -o pid= --ppid "$SERVER_PID" | tr -d ' '
}

forwarder_pids() {
	local p
	for p in $(children_of "$SERVER_PID"); do
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" = omniedge-fwd ] &&
			echo "$p"
	done
}

net_pids() {
	local m p
	for m in $(monitor_pids); do
		for p in $(ps -o pid= --ppid "$m"); do
			[ "$(cat "/proc/$p/comm" 2>/dev/null)" = omniedge ] &&
				echo "$p"
		done
	done
}
