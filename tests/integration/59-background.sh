#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# -f and -N: to the background once logged in, and gone with the connection.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen

start_server || bail "no server"
start_sshd || bail "no sshd"

# in_background: pids of our clients that talk to the port of this peer.
in_background() {
	pgrep -f "^$OMNIEDGE ssh .*-p $PEER_PORT "
}

gone() {
	wait_for "$1" eval '! in_background'
}

# what serves the connections of this peer
server_pids() {
	local daemon=$SSHD_PID
	[ "$PEER" = ours ] && daemon=$SERVER_PID
	children_of "$daemon"
}

commands() {
	rm -f "$T/done"
	local t0=$SECONDS
	run oe_ssh -f "$LO" "sleep 2; echo late; touch $T/done"
	status_is 0 "$PEER: -f with a command"
	check "$PEER: comes back at once" test $((SECONDS - t0)) -le 1
	check "$PEER: the command goes on" wait_for 10 test -e "$T/done"
	check "$PEER: and we end with it" gone 5
	# the streams of the one who started it are not held
	is "$(oe_ssh -f "$LO" 'cat; sleep 1; echo late')" "late" \
		"$PEER: its output arrives, its input is empty"
	gone 5
	run oe_ssh -f -o BatchMode=yes -o PubkeyAuthentication=no "$LO" true
	status_is 255 "$PEER: a failed login is told before"
	run oe_ssh -f -N -l nobody-here "$LO"
	status_is 255 "$PEER: and so is an unknown user"
	check "$PEER: nobody is in the background" gone 2
}

nothing() {
	local p
	run oe_ssh -f -N "$LO"
	status_is 0 "$PEER: -f -N"
	check "$PEER: it is there" in_background
	p=$(in_background)
	sleep 0.5
	check "$PEER: and stays" alive "$p"
	is "$(readlink "/proc/$p/fd/0")" /dev/null "$PEER: without a stdin"
	check "$PEER: in a session of its own" \
		test "$(ps -o sid= -p "$p" | tr -d ' ')" = "$p"
	for p in $(server_pids); do
		kill -KILL "$p" 2>/dev/null
	done
	check "$PEER: it ends with the connection" gone 5
	run oe_ssh -f -N "$LO"
	kill -TERM "$(in_background)"
	check "$PEER: and on a signal" gone 5
	oe_ssh -N "$LO" >"$OUT" 2>"$ERR" &
	p=$!
	own "$p"
	wait_for 10 in_background
	sleep 1
	check "$PEER: -N alone waits" alive "$p"
	stop "$p"
	check "$PEER: until it is told to end" gone 5
}

peer_checks() {
	run oe_ssh "$LO" true
	commands
	nothing
}
each_peer peer_checks
done_testing
