#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Forwards under load: a reader that is stuck, directions that end one after
# the other, a thousand connections.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh-keygen python3

# a descriptor for each of a thousand connections, in each process
ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -ge 4096 ] || skip_all "4096 descriptors are not allowed here"
start_sshd || skip_all "no sshd here"
start_server || bail "no server"
LIB=$OE_SRCDIR/tests/lib
MIB=128
# KB: a window and its buffers; a sanitizer keeps what was freed for a while
HELD_MAX=20000
is_sanitized && HELD_MAX=60000

load() {
	timeout -k 5 900 python3 "$LIB/forward_load.py" "$@"
}
load flood "$MIB" >"$T/flood.out" &
own $!
load ender >"$T/ender.out" &
own $!
timeout -k 5 900 python3 "$LIB/forward.py" serve 0 "$T/echo.sock" \
	>"$T/echo.out" 2>&1 &
own $!
wait_for 20 test -s "$T/flood.out" || bail "no target"
wait_for 20 test -s "$T/ender.out" || bail "no target"
wait_for 20 grep -q ready "$T/echo.out" || bail "no target"
FLOOD=$(cat "$T/flood.out") ENDER=$(cat "$T/ender.out")
ECHO=$(head -n 1 "$T/echo.out")

talks() {
	is "$(timeout -k 5 60 python3 "$LIB/forward.py" talk "$1" hello 2>&1)" \
		"helloend:5" "$2"
}

rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

# stands PID: its traffic has come to rest; nothing more is taken in.
stands() {
	local now last=
	for _ in $(seq 100); do
		now=$(awk '/^[rw]char/' "/proc/$1/io")
		[ "$now" = "$last" ] && return
		last=$now
		sleep 0.3
	done
	return 1
}

# stuck TEXT WHERE: a reader at WHERE takes nothing, then everything.
stuck() {
	local before after
	rm -f "$T/go"
	before=$(rss "$PID")
	load read "$2" "$T/go" >"$T/read.out" 2>&1 &
	local reader=$!
	own "$reader"
	wait_for 20 grep -q there "$T/read.out"
	check "$1: the flow comes to rest" stands "$PID"
	after=$(rss "$PID")
	check "$1: little is held meanwhile ($((after - before)) KB)" \
		[ $((after - before)) -lt "$HELD_MAX" ]
	talks "$LO:$L2" "$1: -L beside it goes on"
	talks "$LO:$R2" "$1: -R beside it goes on"
	: >"$T/go"
	wait "$reader"
	is "$(tail -n 1 "$T/read.out")" $((MIB * 1048576)) \
		"$1: then all of it arrives"
}

loaded() {
	L1=$(free_port) L2=$(free_port) L3=$(free_port)
	R1=$(free_port) R2=$(free_port) R3=$(free_port)
	"$OMNIEDGE" ssh -F /dev/null -i "$T/id" -p "$PEER_PORT" \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new -N \
		-L "$L1:$LO:$FLOOD" -L "$L2:$T/echo.sock" \
		-L "$L3:$LO:$ENDER" -R "$R1:$LO:$FLOOD" \
		-R "$R2:$T/echo.sock" -R "$R3:$LO:$ENDER" "$ME@$LO" \
		>"$T/hold" 2>&1 3>&- &
	PID=$!
	own "$PID"
	wait_for 30 listening "$R3" || diag_file "$T/hold"

	stuck "$PEER: stuck reader of -L" "$LO:$L1"
	stuck "$PEER: stuck reader of -R" "$LO:$R1"

	ended=$(grep -c '^got' "$T/ender.out")
	is "$(load after "$LO:$L3" 300000)" hello "$PEER: -L, the target ends first"
	check "it gets what comes then" wait_for 30 eval \
		"[ \$(grep -c '^got 300000' $T/ender.out) = $((ended + 1)) ]"
	is "$(load after "$LO:$R3" 300000)" hello "$PEER: -R, the target ends first"
	check "it gets what comes then" wait_for 30 eval \
		"[ \$(grep -c '^got 300000' $T/ender.out) = $((ended + 2)) ]"

	is "$(timeout -k 5 120 python3 "$LIB/forward.py" many "$LO:$L2" 1000)" \
		1000 "$PEER: 1000 connections at once through -L"
	is "$(timeout -k 5 120 python3 "$LIB/forward.py" many "$LO:$R2" 1000)" \
		1000 "$PEER: 1000 connections at once through -R"
	check "$PEER: all of them are let go" wait_for 30 eval \
		"[ \$(find /proc/$PID/fd -type l | wc -l) -lt 100 ]"
	kill "$PID"
	wait "$PID" 2>/dev/null
}
each_peer loaded
done_testing
