#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How forwards end: the link cut at each stage, signals, -f, a client that was
# killed, a server that comes back.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh-keygen python3 expect

start_sshd 'AddressFamily inet' || skip_all "no sshd here"
start_server || bail "no server"
LIB=$OE_SRCDIR/tests/lib
export XDG_RUNTIME_DIR=$T/run
mkdir -m 700 "$T/run"

py() {
	timeout -k 5 900 python3 "$LIB/forward.py" "$@"
}
load() {
	timeout -k 5 900 python3 "$LIB/forward_load.py" "$@"
}
forward() {
	timeout -k 5 60 "$OMNIEDGE" forward "$@"
}
py serve 0 >"$T/echo.out" 2>&1 &
own $!
py stuck >"$T/stuck.out" 2>&1 &
own $!
load flood 64 >"$T/flood.out" &
own $!
wait_for 20 grep -q ready "$T/echo.out" || bail "no target"
wait_for 20 test -s "$T/stuck.out" || bail "no target"
wait_for 20 test -s "$T/flood.out" || bail "no target"
ECHO=$(head -n 1 "$T/echo.out") STUCK=$(cat "$T/stuck.out")
FLOOD=$(cat "$T/flood.out")
L1=$(free_port) L2=$(free_port) R1=$(free_port)
SOCK=$T/here.sock

CLIENT=("$OMNIEDGE" ssh -F /dev/null -i "$T/id"
	-o UserKnownHostsFile="$T/known_hosts"
	-o StrictHostKeyChecking=accept-new)

# hold OPTION...: a client that only forwards; sets HOLD_PID.
hold() {
	# a signal that a shell's & has set to be ignored is not what users have
	env --default-signal=INT,QUIT "${CLIENT[@]}" -p "$PEER_PORT" -N \
		-L "$L1:$LO:$ECHO" -L "$SOCK:$LO:$ECHO" -R "$R1:$LO:$ECHO" \
		"$@" "$ME@$LO" >"$T/hold" 2>&1 3>&- &
	HOLD_PID=$!
	own "$HOLD_PID"
	wait_for 30 eval "forward ls --json $HOLD_PID |
		grep '\"R\"' | grep -q '\"up\"'" || diag_file "$T/hold"
}

talks() {
	is "$(py talk "$1" hello 2>&1)" "helloend:5" "$2"
}

# the processes that serve our connection
far_end() {
	children_of "$([ "$PEER" = ours ] && echo "$SERVER_PID" ||
		echo "$SSHD_PID")"
}
cut() {
	far_end | xargs kill -KILL
}

# is_over STATUS TEXT: the client ends so, and leaves nothing.
is_over() {
	local status
	wait_for 30 eval "! alive $HOLD_PID" || diag "it goes on: $2"
	wait "$HOLD_PID"
	status=$?
	is "$status" "$1" "$PEER: $2" || diag_file "$T/hold"
	check "nothing is left of it" eval "! listening $L1 && ! [ -e $SOCK ] &&
		[ -z \"\$(ls $T/run/omniedge)\" ]"
	check "nor at the peer" wait_for 30 eval "! listening $R1"
}

# --- the link is cut ---------------------------------------------------------

cuts() {
	hold
	cut
	is_over 255 "cut while nothing happens"
	like "$(cat "$T/hold")" "connection to $LO lost" "its words"

	hold -L "$L2:$LO:$STUCK"
	py idle "$LO:$L2" 3 >"$T/idle.out" &
	own $!
	wait_for 20 eval "forward ls | grep -q ' 3 .*-L $L2'"
	cut
	is_over 255 "cut while the peer connects"

	hold -L "$L2:$LO:$FLOOD"
	rm -f "$T/go"
	load read "$LO:$L2" "$T/go" >"$T/read.out" 2>&1 &
	reader=$!
	own "$reader"
	wait_for 30 eval "forward ls --json | grep -F '$L2:$LO' |
		grep -qE '\"received\":[1-9]'"
	cut
	is_over 255 "cut while data flows"
	: >"$T/go"
	wait "$reader"
	read -r got _ < <(tail -n 1 "$T/read.out")
	check "the reader has a part of it and the end ($got)" \
		eval '[ "$got" -gt 0 ] && [ "$got" -lt $((64 * 1048576)) ]'

	hold
	far_end | xargs kill -STOP
	forward add -R "0:$LO:$ECHO" "$HOLD_PID" >"$T/add.out" 2>&1 &
	adding=$!
	wait_for 20 eval "forward ls --json | grep -q '\"waiting\"'"
	is "$(forward ls --json | grep -c '"waiting"')" 1 \
		"$PEER: a peer that does not answer: waiting"
	cut
	is_over 255 "cut while the peer is asked to listen"
	wait "$adding"
	is "$?" 1 "forward add fails then"
	like "$(cat "$T/add.out")" 'the client has ended' "says so"

	hold -o ServerAliveInterval=1 -o ServerAliveCountMax=2
	far_end | xargs kill -STOP
	wait_for 30 eval "! alive $HOLD_PID"
	like "$(cat "$T/hold")" "$LO does not answer any more" \
		"$PEER: ServerAliveInterval ends a silent link"
	cut
	is_over 255 "with a failure"

	hold
	kill -KILL "$HOLD_PID"
	wait "$HOLD_PID" 2>/dev/null
	check "$PEER: killed: the peer listens no more" \
		wait_for 30 eval "! listening $R1"
	is "$(forward ls; ls "$T/run/omniedge")" "" \
		"its control socket is cleaned up by forward ls"
	run oe_ssh -L "$SOCK:$LO:$ECHO" -o ExitOnForwardFailure=yes "$ME@$LO" true
	like "$STATUS $(cat "$ERR")" "^255 .*bind $SOCK: Address already in use" \
		"its socket is not taken over unasked"
	rm -f "$SOCK"
}
each_peer cuts

# --- signals -----------------------------------------------------------------

PEER=sshd
use_port "$SSHD_PORT"
for sig in INT:130 TERM:143 HUP:129; do
	hold
	talks "$SOCK" "before SIG${sig%:*}"
	kill -s "${sig%:*}" "$HOLD_PID"
	is_over "${sig#*:}" "SIG${sig%:*}"
done
hold
kill -STOP "$(far_end | head -n 1)"
kill -TERM "$HOLD_PID"
wait_for 30 eval "! alive $HOLD_PID"
cut
is_over 143 "SIGTERM while the peer does not answer"

cat >"$T/int.exp" <<EXP
set timeout 60
spawn ${CLIENT[@]} -p $SSHD_PORT -N -L $L1:$LO:$ECHO -L $SOCK:$LO:$ECHO $ME@$LO
while {![file exists $SOCK]} { sleep 0.1 }
send "\003"
expect eof
puts "ended [lrange [wait] 4 end]"
EXP
check "Ctrl-C with -N" expect "$T/int.exp"
like "$(tail -n 1 "$OUT")" 'SIGINT' "ends it by the signal" || diag_file "$OUT"
check "nothing is left" eval "! listening $L1 && ! [ -e $SOCK ]"

# --- the one that asked is gone ----------------------------------------------

# A session over a shared connection types ~C, and is killed before the peer
# answers: its master goes on.
PEER=ours
use_port "$SERVER_PORT"
hold -M -S "$T/control"
cat >"$T/gone.exp" <<EXP
set timeout 60
spawn ${CLIENT[@]} -p $SERVER_PORT -S $T/control -tt $ME@$LO {PS1= sh -c "echo re''ady; cat"}
expect ready
exec kill -STOP $(far_end | xargs)
send "\r~C"
expect "omniedge> "
send -- "-R 0:$LO:$ECHO\r"
while {[catch {exec $OMNIEDGE forward ls --json $HOLD_PID | grep waiting}]} { sleep 0.1 }
exec kill -KILL [exp_pid]
exec kill -CONT $(far_end | xargs)
expect eof
EXP
check "a shared session asks for -R, and is killed" expect "$T/gone.exp"
check "its master hears the answer" wait_for 30 eval \
	"[ \$(forward ls --json $HOLD_PID | grep -c '\"up\"') = 4 ]"
kill "$HOLD_PID"
is_over 143 "and goes on until it is ended"

# --- -f ----------------------------------------------------------------------

BUSY=$ECHO
run oe_ssh -f -N -o ExitOnForwardFailure=yes -L "$L1:$LO:$ECHO" \
	-L "$SOCK:$LO:$ECHO" -R "$R1:$LO:$ECHO" "$ME@$LO"
status_is 0 "-f -N"
talks "$LO:$L1" "-f -N: -L is there at once"
talks "$LO:$R1" "-f -N: -R too"
pid=$(forward ls --json | python3 -c 'import json, sys
print(json.loads(sys.stdin.readline())["pid"])')
check "its process can be reached" forward stop "$pid"
check "and has stopped its forwards" wait_for 20 eval \
	"! listening $L1 && ! listening $R1"
kill "$pid"
check "and ends by a signal" wait_for 20 eval "! alive $pid"
for what in "-L $BUSY:$LO:1" "-R $BUSY:$LO:1" "-D $BUSY"; do
	# shellcheck disable=SC2086 # words
	run oe_ssh -f -N -o ExitOnForwardFailure=yes -L "$L1:$LO:$ECHO" $what \
		"$ME@$LO"
	is "$STATUS" 255 "-f -N ${what%% *}: a port in use is told before it forks"
	check "nothing stays" eval "! listening $L1 && [ -z \"\$(forward ls)\" ]"
done
run oe_ssh -f "$ME@$LO"
is "$STATUS" 64 "-f without anything to do"
run oe_ssh -o ForkAfterAuthentication=yes "$ME@$LO"
is "$STATUS" 64 "the same by its setting"
run oe_ssh -f -o SessionType=none -L "$L1:$LO:$ECHO" "$ME@$LO"
status_is 0 "-f with SessionType=none"
talks "$LO:$L1" "its forward"
pid=$(basename "$T/run/omniedge/"*)
pid=${pid%%-*}
kill "$pid"

# --- Ctrl-C at a prompt ------------------------------------------------------

ssh-keygen -q -t ed25519 -N secret -f "$T/locked"
cat "$T/locked.pub" >>"$T/authorized_keys"
cat >"$T/prompt.exp" <<EXP
set timeout 60
spawn $OMNIEDGE forward --keep -F /dev/null -i $T/locked -p $SERVER_PORT -o UserKnownHostsFile=$T/known_hosts -o IdentitiesOnly=yes -L $SOCK:$LO:$ECHO $ME@$LO
expect "passphrase"
send "\003"
expect eof
puts "ended [lrange [wait] 3 end]"
EXP
check "Ctrl-C at a prompt of --keep" expect "$T/prompt.exp"
like "$(tail -n 1 "$OUT")" 'ended 130' "ends it" || diag_file "$OUT"
check "nothing is left" eval "! [ -e $SOCK ]"

# --- a server that comes back ------------------------------------------------

PORT=$SERVER_PORT
"$OMNIEDGE" forward --keep -F /dev/null -i "$T/id" -p "$PORT" \
	-o UserKnownHostsFile="$T/known_hosts" \
	-L "$L1:$LO:$ECHO" -L "$SOCK:$LO:$ECHO" -D "$L2" \
	-R "$R1:$LO:$ECHO" -R "0:$LO:$ECHO" "$ME@$LO" >"$T/keep" 2>&1 3>&- &
KEEP=$!
own "$KEEP"
ready() {
	[ "$(forward ls --json | grep -c '"up"')" = 5 ] &&
		forward ls --json | grep -q '"connected":true'
}
check "--keep is up" wait_for 30 ready
check "one more, at run time" forward add -R "0:$LO:$ECHO" "$LO"
forward stop "$KEEP.6"
for round in 1 2; do
	stop_server
	wait_for 30 eval "forward ls | grep -q 'no link'"
	like "$(forward ls --json | head -n 1)" '"connected":false' \
		"no server, $round: forward ls says so"
	check "what listens here stays" eval "listening $L1 && [ -S $SOCK ]"
	"$OMNIEDGE" ssh-server -p "$PORT" -b "$LO" --no-strict-modes \
		--host-key-path "$T/hostkeys" \
		--authorized-keys "$T/authorized_keys" \
		>"$T/server-again" 2>&1 3>&- &
	SERVER_PID=$!
	own "$SERVER_PID"
	check "it comes back" wait_for 60 ready || diag_file "$T/keep"
	talks "$LO:$L1" "-L is there again"
	talks "$SOCK" "on a Unix socket too"
	talks "$LO:$R1" "-R is there again"
	port=$(forward ls --json | grep -F '"0:' |
		sed 's/.*"port":\([0-9]*\).*/\1/')
	talks "$LO:$port" "-R 0 is there again, at a port that ls tells"
done
kill "$KEEP"
wait "$KEEP"
is "$?" 143 "--keep ends by a signal"
check "nothing is left of it" eval \
	"! listening $L1 && ! [ -e $SOCK ] && [ -z \"\$(ls $T/run/omniedge)\" ]"
done_testing
