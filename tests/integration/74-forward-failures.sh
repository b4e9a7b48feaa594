#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Forwarding through our server when something fails: targets, clients, links
# and our own processes; what is left behind, and what nobody may hold.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/forward.sh"
need ssh ssh-keygen python3 ps

targets "$T/targets" "$LO" || bail "no target"
PORT=$(head -n 1 "$T/targets")
L=$(free_port) R=$(free_port)
start_server || bail "no server"

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
	time.sleep(0.2)
	print(s.getsockname()[1], flush=True)
	time.sleep(60)
PY
own $!
wait_for 5 test -s "$T/deaf"
L2=$(free_port)
hold -L "$L:$LO:$PORT" -L "$L2:$LO:$(cat "$T/deaf")"
held_up "$L" "$L2"
for n in 1 2 3; do
	peer ask "$L2" e 10 >/dev/null 2>&1 3>&- &
	own $!
done
sleep 0.5
start=$SECONDS
is "$(peer ask "$L" e 100000)" same "a target that does not answer beside it"
is $((SECONDS - start < 5)) 1 "delays nobody"
peer ask "$L" z 60000000 >/dev/null 2>&1 3>&- &
own $!
sleep 1.5
most=0
for p in $(children_of "$SERVER_PID"); do
	kb=$(awk '/^VmRSS:/ { print $2 }' "/proc/$p/status")
	[ "$kb" -gt "$most" ] && most=$kb
done
is $((most < 60000)) 1 "nobody holds what a target does not read" ||
	diag "$most KB"
is "$(peer ask "$L" e 100000)" same "which delays nobody either"
unhold

# A forwarder that is killed takes its listeners, not the session.
none_left
hold -L "$L:$LO:$PORT" -R "$R:$LO:$PORT"
held_up "$L" "$R"
kill -KILL "$(forwarder_pids)"
check "without the forwarder there is no listener" \
	wait_for 5 eval "! listening $R"
is "$(peer ask "$L" s 1000)" 1000 "and a new one is there when it is needed"
unhold
done_testing
