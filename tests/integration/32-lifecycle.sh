#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The server's processes: what a signal or a sudden end of one of them does
# to the others.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

login_user f
make_key id
conf=$T/server.conf
printf '[ssh-server]\nban-after = 0\n' >"$conf"
cp "$T/id.pub" "$T/authorized_keys"
start() {
	start_server --config "$conf" --authorized-keys "$T/authorized_keys" \
		"$@" || bail "the server does not start"
}

# long NAME: a session that answers each line of $T/NAME.in; LONG_PID.
long() {
	mkfifo "$T/$1.in"
	ossh "$LOGIN@$LO" "echo up; cat" <"$T/$1.in" >"$T/$1.out" \
		2>"$T/$1.err" &
	LONG_PID=$!
	own $LONG_PID
	exec {fd}>"$T/$1.in"
	eval "FD_$1=$fd"
	wait_for 10 grep -q up "$T/$1.out"
}
# answers NAME TEXT: it is still there.
answers() {
	local fd=FD_$1
	echo "$2" >&"${!fd}"
	wait_for 10 grep -qx "$2" "$T/$1.out"
}
hang_up() {
	local fd=FD_$1
	fd=${!fd}
	exec {fd}>&-
}
monitors() {
	ps -o pid= --ppid "$1" 2>/dev/null
}
no_zombies() {
	! ps -o stat= --ppid "$SERVER_PID" | grep -q '^Z'
}

# --- SIGHUP ------------------------------------------------------------------

start
long a
printf '[ssh-server]\nban-after = 0\nforce-command = echo forced\n' >"$conf"
kill -HUP "$SERVER_PID"
check "SIGHUP: an event" event_seen server.reload '"success":true'
run ossh "$LOGIN@$LO" 'echo in'
is "$(cat "$OUT")" forced "the new configuration is in force"
check "the session goes on" answers a one
printf '[ssh-server]\nban-after = 0\nport = 99999\n' >"$conf"
kill -HUP "$SERVER_PID"
check "SIGHUP with a bad file: an event that says why" event_seen \
	server.reload '"success":false.*server\.conf:3'
run ossh "$LOGIN@$LO" 'echo in'
is "$(cat "$OUT")" forced "the old configuration stays in force"
check "the session goes on" answers a two
printf '[ssh-server]\nban-after = 0\n' >"$conf"
kill -HUP "$SERVER_PID"
wait_for 5 eval '[ "$(events server.reload | wc -l)" = 3 ]'
gets_in "and it can be mended"

# --- SIGUSR2 -----------------------------------------------------------------

kill -USR2 "$SERVER_PID"
check "SIGUSR2: it starts again in place" wait_for 20 eval \
	'[ "$(events server.start | wc -l)" = 2 ] && listening "$SERVER_PORT"'
check "with the same pid" alive "$SERVER_PID"
check "the session goes on" answers a three
gets_in "and new ones come"
long b
kill -USR2 "$SERVER_PID"
wait_for 20 eval '[ "$(events server.start | wc -l)" = 3 ]'
check "twice too" answers a four
check "with the session between" answers b five

# --- SIGTERM -----------------------------------------------------------------

kill -TERM "$SERVER_PID"
check "SIGTERM: it ends" wait_for 15 eval "! alive $SERVER_PID"
check "nobody listens" eval "! listening $SERVER_PORT"
check "the sessions ended" wait_for 5 eval "! alive $LONG_PID"
like "$(cat "$T/b.err")" 'shutting down' "and were told why"
check "the last event" eval 'events | tail -n 1 | grep -q server.stop'
hang_up a
hang_up b

# --- kill -9 of the listener -------------------------------------------------

start
port=$SERVER_PORT
old=$SERVER_PID
long c
old_monitor=$(monitors "$old")
own "$old_monitor"
kill -KILL "$old"
wait "$old" 2>/dev/null
check "kill -9 of the listener: the session goes on" answers c six
SERVER_LOG=$T/again.log
"$OMNIEDGE" ssh-server -p "$port" -b "$LO" --host-key-path "$T/hostkeys" \
	--no-strict-modes --config "$conf" --log-format json \
	--authorized-keys "$T/authorized_keys" >"$SERVER_LOG" 2>&1 3>&- &
SERVER_PID=$!
own $SERVER_PID
check "a new one takes the port" wait_for 20 listening "$port"
gets_in "and serves"
check "the old session goes on beside it" answers c seven
hang_up c
check "and ends with its client" wait_for 10 eval "! alive $old_monitor"
stop_server

# --- kill -9 of the others ---------------------------------------------------

cat >"$T/half.py" <<'PY'
# A peer that says its version and then nothing more.
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"SSH-2.0-half\r\n")
while s.recv(4096):
    pass
PY
start
long d
keeper=$(monitors "$SERVER_PID")
others_fine() {
	check "$1: the other session goes on" answers d "$RANDOM-$RANDOM"
	check "$1: no zombie is left" wait_for 5 no_zombies
	check "$1: nothing else is left" wait_for 10 eval \
		'[ "$(monitors "$SERVER_PID" | tr -d " ")" = "$(tr -d " " <<<"$keeper")" ]'
	gets_in "$1: new connections come"
	# else its monitor could be taken for the next one's
	wait_for 10 eval '[ -z "$(newest_monitor)" ]'
}
# newest_monitor: the one that is not the keeper.
newest_monitor() {
	monitors "$SERVER_PID" | tr -d ' ' |
		grep -vx "$(tr -d ' ' <<<"$keeper")" | head -n 1
}
for what in monitor net; do
	python3 "$T/half.py" "$SERVER_PORT" &
	peer=$!
	own $peer
	wait_for 10 eval '[ -n "$(newest_monitor)" ]'
	m=$(newest_monitor)
	wait_for 10 eval "[ -n \"\$(monitors $m)\" ]"
	n=$(monitors "$m" | tr -d ' ')
	if [ $what = monitor ]; then kill -KILL "$m"; else kill -KILL "$n"; fi
	check "kill -9 of $what before authentication: the peer is let go" \
		wait_for 10 eval "! alive $peer"
	check "both are gone" wait_for 10 eval "! alive $m && ! alive $n"
	wait $peer
	others_fine "$what before authentication"

	before=$(events auth | grep -c '"success":true')
	ossh -N "$LOGIN@$LO" 2>/dev/null &
	peer=$!
	own $peer
	wait_for 10 eval \
		"[ \$(events auth | grep -c '\"success\":true') -gt $before ]"
	m=$(newest_monitor)
	n=$(monitors "$m" | tr -d ' ')
	if [ $what = monitor ]; then kill -KILL "$m"; else kill -KILL "$n"; fi
	check "kill -9 of $what after authentication: the peer is let go" \
		wait_for 10 eval "! alive $peer"
	check "both are gone" wait_for 10 eval "! alive $m && ! alive $n"
	others_fine "$what after authentication"

	mark=$((700 + RANDOM))
	ossh "$LOGIN@$LO" "sleep $mark" 2>/dev/null </dev/null &
	peer=$!
	own $peer
	wait_for 10 eval "pgrep -u '$LOGIN' -fx 'sleep $mark' >/dev/null"
	shell=$(pgrep -u "$LOGIN" -fx "sleep $mark" | head -n 1)
	m=$(newest_monitor)
	n=$(monitors "$m" | tr -d ' ' | grep -vx "$shell" | head -n 1)
	if [ $what = monitor ]; then kill -KILL "$m"; else kill -KILL "$n"; fi
	check "kill -9 of $what in a session: the peer is let go" \
		wait_for 10 eval "! alive $peer"
	check "both are gone" wait_for 10 eval "! alive $m && ! alive $n"
	[ $what = monitor ] || check "and the session's process" wait_for 10 \
		eval "! alive $shell"
	kill -KILL "$shell" 2>/dev/null
	others_fine "$what in a session"
done
stop_server
hang_up d
done_testing
