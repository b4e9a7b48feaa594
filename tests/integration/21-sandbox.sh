#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The process that speaks to the network, as the kernel describes it while a
# connection waits for its login and while a session runs.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen ps

# status_of PID NAME: one field of /proc/PID/status.
status_of() {
	awk -v n="$2:" '$1 == n { $1 = ""; sub(/^[ \t]+/, ""); print }' \
		"/proc/$1/status"
}

# net_of: the process without children below the server, at the end of the
# line listener - monitor - net; sessions run a program of their own.
net_of() {
	local p
	for p in $(children_of "$SERVER_PID"); do
		# exe of a process that may not be dumped is for root to read
		[ "$(cat "/proc/$p/comm" 2>/dev/null)" = "${OMNIEDGE##*/}" ] &&
			[ "$(status_of "$p" Seccomp)" = 2 ] && echo "$p"
	done
}

have_net() {
	[ "$(net_of | wc -l)" = 1 ]
}

# check_net WHEN: what net has, and what it has not.
check_net() {
	local pid uid fd to bad=
	wait_for 10 have_net || { not_ok "$1: a net process in a sandbox"; return; }
	ok "$1: a net process in a sandbox"
	pid=$(net_of)
	is "$(status_of "$pid" NoNewPrivs)" 1 "$1: no new privileges"
	is "$(status_of "$pid" CapEff)" 0000000000000000 "$1: no capabilities"
	is "$(status_of "$pid" CapPrm)" 0000000000000000 "$1: none to be had"
	if am_root; then
		uid=$(status_of "$pid" Uid)
		unlike "$uid" '(^| )0( |$)' "$1: not root in any way"
		unlike "$(status_of "$pid" Gid)" '(^| )0( |$)' "$1: nor its group"
		is "$(status_of "$pid" Groups | tr -d ' ')" "" "$1: no groups"
		# a process that may not be dumped belongs to root in /proc
		is "$(stat -c %u "/proc/$pid/mem")" 0 "$1: not dumpable"
	fi
	for fd in "/proc/$pid/fd"/*; do
		to=$(readlink "$fd") || continue
		case ${fd##*/}:$to in
		[01]:/dev/null) ;;
		2:*) ;;
		*:socket:* | *:pipe:* | */dev/ptmx | */dev/pts/ptmx) ;;
		*) bad="$bad ${fd##*/}:$to" ;;
		esac
	done
	if am_root; then
		is "$bad" "" "$1: no descriptor that it does not need"
		is "$(awk '/open files/ { print ($4 <= 4096) }' \
			"/proc/$pid/limits")" 1 "$1: few descriptors"
	fi
	is "$(awk '/core file size/ { print $5 }' "/proc/$pid/limits")" 0 \
		"$1: no core"
	is "$(awk '/processes/ { print $3 }' "/proc/$pid/limits")" 0 \
		"$1: no processes"
}

start_server --no-strict-modes || bail "the server does not start"

# Before the login: a peer that says who it is and then nothing.
exec 9<>"/dev/tcp/$LO/$SERVER_PORT" || bail "cannot connect"
printf 'SSH-2.0-test\r\n' >&9
check_net "before login"
exec 9>&-
check "it ends with its peer" wait_for 10 eval '! have_net'

# With a session: the program's process is outside, net still inside.
ossh "$ME@$LO" 'echo up; read -r x' >"$T/session" 2>"$T/session.err" \
	< <(sleep 60) &
own $!
client=$!
check "a session runs" wait_for 20 grep -q up "$T/session"
check_net "in a session"

# Without its monitor net does not live on.
net=$(net_of)
monitor=$(ps -o ppid= -p "$net" | tr -d ' ')
if [ "$monitor" -gt 1 ] && [ "$monitor" != "$SERVER_PID" ]; then
	kill -KILL "$monitor"
	check "it dies with its monitor" wait_for 10 eval "! alive $net"
else
	not_ok "it dies with its monitor"
fi
check "the server lives on" alive "$SERVER_PID"
stop "$client"
run ossh "$ME@$LO" 'echo again'
is "$(cat "$OUT")" again "and serves others"
done_testing
