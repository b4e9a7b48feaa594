#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A rule that takes something away from a connection that is in use: only that
# ends, of each kind of channel, and the rest goes on.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh sftp ssh-keygen ssh-agent ssh-add python3
for m in mesh forwarding sftp; do
	"$OMNIEDGE" version -v | grep -qw "$m" || skip_all "no $m in this build"
done
. "$OE_SRCDIR/tests/lib/forward.sh"

make_key id
FP=$(ssh-keygen -lf "$T/id.pub" | cut -d' ' -f2)
: >"$T/authorized_keys"
POLICY=$T/conf/policy.json
mkdir "$T/conf"

changes() {
	events policy.change | wc -l
}

more_changes() {
	[ "$(changes)" -gt "$1" ]
}

# permit ACTION: one rule for our key that accepts; waits until it is in force.
permit() {
	local before
	printf '{"version":1,"updated_at":"2026-01-01T00:00:00Z","rules":[
		{"id":"mine","principals":[{"fingerprint":"%s"}],
		"ssh_users":{"%s":"%s"},"action":{"accept":true%s}}]}\n' \
		"$FP" "$ME" "$ME" "${1:+,$1}" >"$T/conf/new"
	if [ -z "${SERVER_PID:-}" ]; then
		mv "$T/conf/new" "$POLICY"
		return
	fi
	before=$(changes)
	mv "$T/conf/new" "$POLICY"
	wait_for 20 more_changes "$before" || diag "the policy was not taken"
}

LOCAL='"allow_local_port_forwarding":true'
REMOTE='"allow_remote_port_forwarding":true'
AGENT='"allow_agent_forwarding":true'

eval "$(ssh-agent -s)" >/dev/null
own "$SSH_AGENT_PID"
ssh-add -q "$T/id" 2>/dev/null
targets "$T/targets" 0 "$T/target.sock" || bail "nothing to forward to"
TARGET=$(head -n 1 "$T/targets")
permit "$LOCAL,$REMOTE,$AGENT"
start_server --policy "$POLICY" --authorized-keys "$T/authorized_keys" ||
	bail "no server"

# --- one connection with all kinds of channels ---------------------------------

L=$(free_port)
R=$(free_port)
mux() {
	ssh -F /dev/null -o ControlMaster=no -S "$T/mux" "$@"
}

connect() {
	rm -f "$T/mux"
	SSH_SAYS=INFO ossh -M -S "$T/mux" -f -N -A -o ExitOnForwardFailure=yes \
		-L "$LO:$L:$LO:$TARGET" -R "$LO:$R:$LO:$TARGET" \
		"$ME@$LO" 3>&-
	MASTER=$(mux -O check x 2>&1 | sed 's/.*pid=\([0-9]*\).*/\1/')
	own "$MASTER"
	wait_for 20 listening "$L" && wait_for 20 listening "$R"
}

PID_shell='' PID_other='' PID_allowed=''
# run_on NAME COMMAND: a session of the connection in the background; sets
# PID_NAME.
run_on() {
	mux -A x "$2" >"$T/$1" 2>&1 3>&- &
	printf -v "PID_$1" %s "$!"
	own "$!"
	wait_for 20 grep -q here "$T/$1" || diag_file "$T/$1"
}

# idle NAME PORT: a connection through PORT that waits for its end.
idle() {
	rm -f "$T/$1.over"
	{
		"$PYTHON" - "$LO" "$2" "$T/$1" <<'P'
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 30)
s.sendall(b"ex")
s.settimeout(None)
s.recv(1)
open(sys.argv[3] + ".up", "w").close()
while s.recv(4096):
    pass
P
		touch "$T/$1.over"
	} >/dev/null 2>&1 3>&- &
	own "$!"
	wait_for 30 test -e "$T/$1.up"
}

is_over() {
	test -e "$T/$1.over"
}

connect || bail "no connection"
run_on shell 'echo here; sleep 300'
check "a connection to the client's side" idle local "$L"
check "and one to the server's" idle remote "$R"
mux -A x 'ssh-add -l' >"$T/agent" 2>&1
like "$(cat "$T/agent")" SHA256 "the agent"
# shellcheck disable=SC2016 # of the other side
run_on held 'echo here; while ssh-add -l; do sleep 0.2; done; echo gone'

goes_on() {
	alive "$PID_shell" && mux -O check x 2>/dev/null
}

permit "$LOCAL,$REMOTE"
check "the agent goes" wait_for 20 grep -q gone "$T/held"
check "and nothing else" goes_on
is_over local || is_over remote
is $? 1 "least of all connections"

permit "$LOCAL,\"permit_open\":[\"$LO:$TARGET\"],$REMOTE"
is_over local
is $? 1 "a list with the target in it lets its connection be"
permit "$LOCAL,\"permit_open\":[\"$LO:1\"],$REMOTE"
check "a list without the target ends its connection" wait_for 20 is_over local
check "the listener on the server stays" listening "$R"
is_over remote
is $? 1 "and what it took"
check "and the session" goes_on
check "which the event log tells" event_seen forward.close '"kind":"local"'

permit "$LOCAL"
check "a connection that a listener took ends" wait_for 20 is_over remote
gone() {
	! listening "$R"
}
check "with the listener" wait_for 20 gone
check "and not the session" goes_on
check "the event log tells of the listener" event_seen forward.close \
	'"kind":"listen"'
check "forwarding that is permitted works again" idle local "$L"
permit
check "until it is taken away" wait_for 20 is_over local
check "still, the session goes on" goes_on

# --- sessions ------------------------------------------------------------------

over() {
	! alive "$1"
}
rm -f "$T/files"
mkfifo "$T/batch"
sftp -q -F /dev/null -o ControlPath="$T/mux" -b "$T/batch" x >"$T/files" 2>&1 \
	3>&- &
FILES=$!
own "$FILES"
exec 8>"$T/batch"
echo 'pwd' >&8
check "files" wait_for 20 grep -q directory "$T/files"
run_on allowed 'echo here; sleep 301'
run_on other 'echo here; sleep 302'
permit '"allowed_commands":["sleep 30[01]$"],"allow_sftp":true'
check "a command that is not on the list ends" wait_for 20 over "$PID_other"
check "one that is goes on" alive "$PID_allowed"
check "so does the other" goes_on
check "and files, which are not bounded by it" alive "$FILES"
permit '"allowed_commands":["sleep 30[01]$"],"sftp":{"mode":"read"}'
EVENT_LIMIT=20
check "files that may only be read now: the session ends" \
	event_seen session.end '"kind":"subsystem"'
check "and no other" goes_on
exec 8>&-
permit '"allowed_commands":["sleep 301$"]'
check "the first one" wait_for 20 over "$PID_shell"
check "the connection lives" mux -O check x
permit '"record":"full"'
check "where a recording is asked for, nothing goes on" \
	wait_for 20 over "$PID_allowed"
mux -O check x 2>/dev/null
is $? 0 "but the connection, for what may come"

# a terminal is told; what does not hear is killed
permit
# shellcheck disable=SC2016 # of the other side
mux -tt x 'trap "" HUP TERM; echo here; echo $$ >'"$T/pid"'; while :; do sleep 1; done' \
	>"$T/tty" 2>&1 3>&- &
TTY=$!
own "$TTY"
wait_for 20 test -s "$T/pid"
permit '"allowed_commands":["^true$"]'
check "a program on a terminal that does not hear" wait_for 20 over "$TTY"
check "is killed" wait_for 20 over "$(cat "$T/pid")"
like "$(cat "$T/tty")" 'ended by the policy: .*allowed_commands' "and is told"
permit
run_on last 'echo here; sleep 303'
kill -KILL "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
check "a server that is killed takes its connections with it" \
	wait_for 20 over "$MASTER"
unlike "$(cat "$SERVER_LOG")" 'Sanitizer|runtime error' \
	"no complaint in the log"
done_testing
