#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Forwarding through our server when something fails: targets, clients and our
# own processes, killed while they do something; what is left behind, and what
# a target or a client that does not answer or read costs the others.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/forward.sh"
need ssh ssh-keygen python3 ps

export OE_GATE=$T/gate
targets "$T/targets" "$LO" || bail "no target"
PORT=$(head -n 1 "$T/targets")
L=$(free_port) L2=$(free_port) R=$(free_port)
# what was freed is not kept, so that memory can be looked at
SERVER_ENV=("ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=4")
start_server || bail "no server"

# in_back COMMAND...: a peer in the background; its output is $T/back.N, its
# pid in BACK.
BACK=()
in_back() {
	"$PYTHON" "$FORWARD_PEER" "$@" <&9 >"$T/back.${#BACK[@]}" \
		2>/dev/null 3>&- &
	BACK+=($!)
	own $!
}

end_back() {
	kill -KILL "${BACK[@]}" 2>/dev/null
	wait "${BACK[@]}" 2>/dev/null
	rm -f "$T"/back.*
	BACK=()
}

# all_said N TEXT: so many of them have said it.
all_said() {
	[ "$(cat "$T"/back.* 2>/dev/null | grep -c "$2")" -ge "$1" ]
}

# works PORT TEXT: a connection through it.
works() {
	is "$(peer ask "$1" e 100000)" same "$2"
}

# nothing_left TEXT: no process, no listener, and the server serves on.
nothing_left() {
	check "$1: no process is left" none_left
	check "$1: no listener is left" wait_for 10 eval "! listening $R"
	is "$(stdio "$LO:$PORT")" 3 "$1: the next one is served" ||
		diag_file "$ERR"
	none_left
}

# --- a channel closed by its peer while the target still reads -----------------

"$PYTHON" "$OE_SRCDIR/tests/lib/forward_close.py" "$T/id" "$SERVER_PORT" \
	"$ME" "$PORT" <&9 >"$T/closed" 2>"$ERR" 3>&- &
own $!
CLOSER=$!
check "a peer sends and closes" wait_for 60 grep -q closed "$T/closed" ||
	diag_file "$ERR"
# what follows on the same connection is behind the close
touch "$OE_GATE"
check "a slow target gets all that came before the close" \
	wait_for 20 grep -qx "late $(sed 's/closed //' "$T/closed")" \
	"$T/targets" || diag "$(grep late "$T/targets") of $(cat "$T/closed")"
rm "$OE_GATE"
kill "$CLOSER"
wait "$CLOSER" 2>/dev/null
none_left

# --- targets that do not answer, and that do not read --------------------------

"$PYTHON" - >"$T/deaf" 3>&- <<-'PY' &
	import socket, time
	s = socket.socket()
	s.bind(("127.0.0.1", 0))
	s.listen(0)
	held = []
	for _ in range(4):
	    c = socket.socket()
	    c.setblocking(False)
	    c.connect_ex(s.getsockname())
	    held.append(c)
	time.sleep(0.5)
	print(s.getsockname()[1], flush=True)
	time.sleep(300)
PY
own $!
wait_for 10 test -s "$T/deaf"
hold -L "$L:$LO:$PORT" -L "$L2:$LO:$(cat "$T/deaf")" -R "$R:$LO:$PORT"
held_up "$L" "$L2" "$R"
# connections to it that nobody has taken; the first of them are its own
syn_sent() {
	awk -v p="$(printf ':%04X' "$(cat "$T/deaf")")" '$4 == "02" &&
		substr($3, length($3) - 4) == p { n++ } END { print n + 0 }' \
		/proc/net/tcp
}
SYN_SENT=$(syn_sent)
DEAF=()
for n in 1 2 3; do
	peer ask "$L2" e 10 >/dev/null 2>&1 3>&- &
	DEAF+=($!)
	own $!
done
check "targets that do not answer are tried" \
	wait_for 20 eval '[ "$(syn_sent)" -ge $((SYN_SENT + 3)) ]'
works "$L" "they delay nobody"
is "$(for p in "${DEAF[@]}"; do alive "$p" && echo yes; done | wc -l)" 3 \
	"and are tried all the while"
kill "${DEAF[@]}" 2>/dev/null

# memory: the most that one of the server's processes has, in KB.
memory() {
	local p kb most=0
	for p in $(children_of "$SERVER_PID"); do
		kb=$(awk '/^VmRSS:/ { print $2 }' "/proc/$p/status")
		[ "${kb:-0}" -gt "$most" ] && most=$kb
	done
	echo "$most"
}
# bounded FROM TEXT: no process of the server grew by more than the window of
# a session (16 MB), one of each channel (1.25 MB), and as much once more.
bounded() {
	local grown=$(($(memory) - $1))
	is $((grown < 43000)) 1 "$2" || diag "grew by $grown KB"
}
before=$(memory)
for n in 1 2 3 4; do
	in_back stuff "$L" z
done
check "targets that do not read" wait_for 60 all_said 4 '^[0-9]'
is "$(cat "$T"/back.* | awk '$1 >= 67108864' | wc -l)" 0 \
	"who writes to them has to wait"
bounded "$before" "nobody keeps what they do not read"
works "$L" "they delay nobody"
end_back
before=$(memory)
for n in 1 2 3 4; do
	in_back starve "$L" f
done
check "clients that do not read" wait_for 30 all_said 4 ready
wait_for 20 eval '[ "$(events forward.open | wc -l)" -ge 11 ]'
works "$L" "they delay nobody"
bounded "$before" "nobody keeps what they do not read"
end_back
unhold
nothing_left "after targets that are stuck"

# --- a target that dies ----------------------------------------------------------

mortal() {
	targets "$T/mortal" "$LO" || bail "no target"
	MORTAL=$(head -n 1 "$T/mortal")
}
mortal
hold -L "$L:$LO:$MORTAL" -L "$L2:$LO:$PORT" -R "$R:$LO:$PORT"
held_up "$L" "$L2" "$R"
in_back hold "$L" 5
in_back starve "$L" f
check "connections to a target" wait_for 30 all_said 2 ready
kill -KILL "$TARGETS_PID"
wait "$TARGETS_PID" 2>/dev/null
unlike "$(peer ask "$L" e 10 2>/dev/null)" same "no more can be had"
check "which an event says" event_seen forward.refused \
	"\"port\":$MORTAL,.*\"why\":\"connect to "
works "$L2" "others go on"
# the other half is the client's to end
end_back
check "those that there were end" wait_for 20 eval \
	"[ \$(events forward.close | grep -c '\"port\":$MORTAL,') -ge 6 ]"
unhold
nothing_left "after a target that died"

# --- a client that dies ----------------------------------------------------------

# busy: a session with everything: idle, both ways, starving, deaf.
busy() {
	hold -L "$L:$LO:$PORT" -L "$L2:$LO:$(cat "$T/deaf")" \
		-R "$R:$LO:$PORT"
	held_up "$L" "$L2" "$R"
	in_back hold "$L" 5
	in_back hold "$R" 5
	in_back starve "$R" f
	in_back stuff "$L" z
	in_back ask "$L2" e 10
	wait_for 40 all_said 3 ready && wait_for 40 all_said 1 '^[0-9]'
}
check "a busy session" busy
kill -KILL "$HOLD_PID"
wait "$HOLD_PID" 2>/dev/null
nothing_left "after a client that was killed"
end_back

# --- our own processes ---------------------------------------------------------

check "a busy session" busy
FORWARDER=$(forwarder_pids)
kill -KILL "$FORWARDER"
check "without the forwarder there is no listener" \
	wait_for 20 eval "! listening $R"
check "which an event says" event_seen forward.close '"kind":"listen"'
works "$L" "a new one is there when it is needed"
is "$(forwarder_pids | grep -cvx "$FORWARDER")" 1 "one"
is "$(for p in "${BACK[@]:0:4}"; do alive "$p" && echo; done | wc -l)" 4 \
	"connections go on"
# again and again: what waits for it fails, and nothing piles up
for n in 1 2 3 4 5; do
	kill -KILL "$(forwarder_pids)" 2>/dev/null
	peer ask "$L" e 10 >/dev/null 2>&1
done
works "$L" "killed again and again"
is "$(forwarder_pids | wc -l)" 1 "there is one forwarder"
# one that is stopped is not waited for by anybody else
kill -STOP "$(forwarder_pids)"
peer ask "$L" e 10 >/dev/null 2>&1 3>&- &
own $!
run oe_ssh "$ME@$LO" 'echo here'
is "$(cat "$OUT")" here "a stopped forwarder stops no other connection" ||
	diag_file "$ERR"
end_back
unhold
nothing_left "after a forwarder that was stopped"

check "a busy session" busy
kill -KILL "$(net_pids)"
nothing_left "after the network process was killed"
end_back
unhold
check "a busy session" busy
kill -KILL "$(monitor_pids)"
nothing_left "after the monitor was killed"
end_back
unhold

# --- descriptors -----------------------------------------------------------------

# descriptors: of all processes of the only connection.
descriptors() {
	local p
	for p in $(children_of "$SERVER_PID"); do
		find "/proc/$p/fd" -mindepth 1 | wc -l
	done | paste -sd ' '
}
hold -L "$L:$LO:$PORT" -R "$R:$LO:$PORT"
held_up "$L" "$R"
works "$L" "a connection"
works "$R" "and one back"
if am_root; then
	settled() {
		[ "$(descriptors)" = "$before" ]
	}
	before=$(descriptors)
	is "$(peer many "$L" 200) $(peer many "$R" 200)" "200 200" "many of both"
	is "$(peer ask "$L2" e 10 2>/dev/null)" "" "one to nowhere"
	check "leave no descriptor behind" wait_for 20 settled ||
		diag "before $before, after $(descriptors)"
else
	skip "descriptors" "looking at them needs root"
fi
unhold
nothing_left "in the end"
done_testing
