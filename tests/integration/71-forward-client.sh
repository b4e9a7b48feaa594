#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Forwards of our client: every kind, both ends of a connection, failures,
# many at a time, at run time.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh-keygen python3 curl expect

# one family, so that a port is free or is not
start_sshd 'AddressFamily inet' || skip_all "no sshd here"
start_server || bail "no server"
py() {
	timeout -k 5 60 python3 "$OE_SRCDIR/tests/lib/forward.py" "$@"
}
# target LOG ARG...: one that serves as long as the test.
target() {
	local log=$1
	shift
	timeout -k 5 900 python3 "$OE_SRCDIR/tests/lib/forward.py" "$@" \
		>"$log" 2>&1 3>&- &
	own $!
}

# Targets: a port and a path that echo, a small web server.
target "$T/echo.out" serve 0 "$T/echo.sock"
wait_for 30 grep -q ready "$T/echo.out" || bail "no target"
ECHO=$(head -n 1 "$T/echo.out")
mkdir "$T/www"
echo 'a page' >"$T/www/page"
start_listening WEB "$T/web.log" python3 -m http.server --bind "$LO" \
	--directory "$T/www" @PORT@ || bail "no web server"

# hold LOG OPTION...: a client that only forwards; sets HOLD_PID.
hold() {
	local log=$1
	shift
	"$OMNIEDGE" ssh -F /dev/null -i "$T/id" -p "$PEER_PORT" \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new \
		-N "$@" "$ME@$LO" >"$log" 2>&1 3>&- &
	HOLD_PID=$!
	own "$HOLD_PID"
}

talks() {
	is "$(py talk "$1" hello 2>&1)" "helloend:5" "$2"
}

cpu() {
	awk '{ print $14 + $15 }' "/proc/$HOLD_PID/stat"
}
# a second in which it does nothing
idles() {
	local before
	before=$(cpu)
	sleep 1
	[ "$(cpu)" = "$before" ]
}

L1=$(free_port) L2=$(free_port) L3=$(free_port) L4=$(free_port)
D1=$(free_port) R1=$(free_port) R2=$(free_port) R3=$(free_port)

# --- every kind, through both servers ----------------------------------------

forwards() {
	local how before
	hold "$T/hold" -L "$L1:$LO:$ECHO" -L "$LO:$L2:$LO:$WEB_PORT" \
		-L "$L3:$T/echo.sock" -L "$T/local.sock:$LO:$ECHO" \
		-L "$T/both.sock:$T/echo.sock" -L "[::1]:$L4:[$LO]:$ECHO" \
		-D "$D1" -R "$R1:$LO:$ECHO" -R "$R2" -R "$R3:$T/echo.sock" \
		-R "0:localhost:$ECHO"
	wait_for 30 eval "listening $L1 && listening $R3 &&
		grep -q Allocated $T/hold" || diag_file "$T/hold"

	talks "$LO:$L1" "$PEER: -L port, ended half by half"
	is "$(curl -sS "http://$LO:$L2/page")" "a page" "$PEER: -L bind:port, a web page"
	talks "$LO:$L3" "$PEER: -L port to a socket of the peer"
	talks "$T/local.sock" "$PEER: -L socket to a port"
	talks "$T/both.sock" "$PEER: -L socket to socket"
	is "$(stat -c %a "$T/local.sock")" 600 "its mode"
	if [ -e /proc/net/if_inet6 ] && ip -6 addr show lo 2>/dev/null | grep -q ::1
	then
		talks "::1:$L4" "$PEER: -L on an IPv6 address"
	else
		skip "-L on an IPv6 address" "no IPv6 here"
	fi

	# -D
	for how in socks5h socks5 socks4a socks4; do
		is "$(curl -sS --proxy "$how://$LO:$D1" \
			"http://localhost:$WEB_PORT/page")" "a page" "$PEER: -D, $how"
	done
	run curl -sS --max-time 20 --proxy "socks5h://$LO:$D1" \
		"http://$LO:$(free_port)/"
	is "$STATUS" 97 "-D: a refusal arrives as one"
	run curl -sS --max-time 20 "http://$LO:$D1/"
	like "$STATUS" '^(52|56)$' "-D: what is not SOCKS ends"

	# -R
	talks "$LO:$R1" "$PEER: -R port"
	talks "$LO:$R3" "$PEER: -R port to a socket of ours"
	is "$(curl -sS --proxy "socks5h://$LO:$R2" \
		"http://localhost:$WEB_PORT/page")" "a page" "$PEER: -R port alone is SOCKS"
	is "$(curl -sS --proxy "socks4a://$LO:$R2" \
		"http://localhost:$WEB_PORT/page")" "a page" "$PEER: and of version 4a"
	PORT0=$(sed -n 's/.*Allocated port \([0-9]*\) .*/\1/p' "$T/hold")
	talks "$LO:${PORT0:-0}" "$PEER: -R 0: the port that was chosen"
	like "$(cat "$T/hold")" "Allocated port $PORT0 for remote forward to localhost:$ECHO" \
		"its words"

	# many
	is "$(py many "$LO:$L1" 200)" 200 "200 connections at once through -L"
	is "$(py many "$LO:$R1" 200)" 200 "200 connections at once through -R"
	check "idle forwards use no processor" wait_for 30 idles

	kill "$HOLD_PID"
	wait "$HOLD_PID" 2>/dev/null
	wait_for 30 eval "! listening $L1 && ! listening $R1"
	check "everything ends with the session" \
		eval "! listening $L1 && ! listening $R1 && ! [ -e $T/local.sock ]"
}
each_peer forwards
use_port "$SSHD_PORT"

# --- failures ----------------------------------------------------------------

run oe_ssh -o ExitOnForwardFailure=yes -L "$WEB_PORT:$LO:1" "$ME@$LO" echo no
is "$STATUS $(cat "$OUT")" "255 " "-L: a port in use, ExitOnForwardFailure"
like "$(cat "$ERR")" "bind \[$LO\]:$WEB_PORT: Address already in use" \
	"its words"
run oe_ssh -L "$WEB_PORT:$LO:1" "$ME@$LO" echo yes
is "$STATUS $(cat "$OUT")" "0 yes" "without it the session goes on"
run oe_ssh -o ExitOnForwardFailure=yes -R "$WEB_PORT:$LO:1" "$ME@$LO" echo no
is "$STATUS $(cat "$OUT")" "255 " "-R: a port in use, ExitOnForwardFailure"
like "$(cat "$ERR")" "remote port forwarding failed for listen port $WEB_PORT" \
	"its words"
run oe_ssh -R "$T/far.sock:$LO:1" -o ExitOnForwardFailure=yes "$ME@$LO" true
is "$STATUS" 255 "-R of a socket at the peer"
like "$(cat "$ERR")" "libssh of this build cannot" "says what cannot be"
run oe_ssh -L nonsense "$ME@$LO" true
is "$STATUS" 64 "a forward that cannot be read"
run oe_ssh -o LocalForward="$L1 $LO:$ECHO" -o ClearAllForwardings=yes \
	"$ME@$LO" "exec bash -c 'exec 3<>/dev/tcp/$LO/$L1' 2>/dev/null"
is "$STATUS" 1 "ClearAllForwardings"

# A target that does not answer, and SOCKS clients that say nothing, hold up
# nobody.
target "$T/stuck.out" stuck
wait_for 30 test -s "$T/stuck.out"
STUCK=$(cat "$T/stuck.out")
hold "$T/hold2" -L "$L1:$LO:$STUCK" -L "$L2:$LO:$ECHO" -R "$R1:$LO:$STUCK" \
	-R "$R2:$LO:$ECHO" -D "$D1"
wait_for 30 listening "$R2"
py idle "$LO:$L1" 20 >/dev/null &
own $!
py idle "$LO:$R1" 20 >/dev/null &
own $!
py idle "$LO:$D1" 400 >"$T/idle.out" &
own $!
wait_for 30 test -s "$T/idle.out"
talks "$LO:$L2" "-L beside a target that does not answer"
talks "$LO:$R2" "-R beside a target that does not answer"
is "$(curl -sS --proxy "socks5h://$LO:$D1" \
	"http://localhost:$WEB_PORT/page")" "a page" "-D beside silent clients"
check "the oldest of those are let go" wait_for 30 eval \
	"[ \$(ls /proc/$HOLD_PID/fd | wc -l) -lt 350 ]"
kill "$HOLD_PID"
wait "$HOLD_PID" 2>/dev/null

# Where it listens.
listens_at() {
	awk -v at="$1:$(printf %04X "$2")" '$4 == "0A" && $2 == at { f = 1 }
		END { exit !f }' /proc/net/tcp
}
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/stale.sock"
hold "$T/hold4" -g -L "$L1:$LO:$ECHO" -L "localhost:$L2:$LO:$ECHO" \
	-D "*:$D1" -o StreamLocalBindUnlink=yes -L "$T/stale.sock:$LO:$ECHO" \
	-o StreamLocalBindMask=0117
wait_for 30 listening "$D1"
check "-g: every address" listens_at 00000000 "$L1"
check "an address that is named stays" listens_at 0100007F "$L2"
check "*: every address" listens_at 00000000 "$D1"
talks "$T/stale.sock" "StreamLocalBindUnlink"
is "$(stat -c %a "$T/stale.sock")" 660 "StreamLocalBindMask"
kill "$HOLD_PID"
wait "$HOLD_PID" 2>/dev/null
python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/stale.sock"
run oe_ssh -L "$T/stale.sock:$LO:$ECHO" "$ME@$LO" true
like "$(cat "$ERR")" "bind $T/stale.sock: Address already in use" \
	"a socket that is there is not taken over"
hold "$T/hold5" -L "$L1:$LO:$ECHO"
wait_for 30 listening "$L1"
check "without -g: this machine only" listens_at 0100007F "$L1"
kill "$HOLD_PID"
wait "$HOLD_PID" 2>/dev/null

# -f goes to the background when the forwards are there.
run oe_ssh -f -L "$L3:$LO:$ECHO" -o ExitOnForwardFailure=yes "$ME@$LO" \
	"until [ -e $T/enough ]; do sleep 0.1; done"
status_is 0 "-f"
talks "$LO:$L3" "-f: the forward is there at once"
: >"$T/enough"
check "and ends with the command" wait_for 30 eval "! listening $L3"

# The session waits for what goes through it.
oe_ssh -L "$L4:$LO:$ECHO" "$ME@$LO" \
	"until [ -e $T/connected ]; do sleep 0.1; done" &
pid=$!
wait_for 30 listening "$L4"
is "$(python3 -c '
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"early")
s.recv(9)
open(sys.argv[2], "w").close()
time.sleep(2)
s.sendall(b"late")
print(s.recv(9).decode())' "$L4" "$T/connected")" late "a connection outlives the command"
check "then the client ends" wait "$pid"

# --- ~C and ~# ---------------------------------------------------------------

# At our server: an sshd that is not root gives no terminal.
cat >"$T/escape.exp" <<EXP
set timeout 60
spawn $OMNIEDGE ssh -tt -L $L4:$LO:1 -F /dev/null -i $T/id -o UserKnownHostsFile=$T/known_hosts -p $SERVER_PORT $ME@$LO {PS1= sh -c "echo re''ady; cat"}
expect ready
send "\r~C"
expect "omniedge> "
send -- "-L $L1:$LO:$ECHO\r"
expect "Forwarding port."
exec python3 $OE_SRCDIR/tests/lib/forward.py talk $LO:$L1 abc >$T/escape.talk
exec python3 -c {import socket, sys
s = socket.create_connection(("$LO", $L4))
s.recv(1)}
expect -re {refused to open[^\n]*\r\n}
puts "\nTOLD"
send "\r~#"
expect "3 bytes sent, 8 received"
puts "\nLISTED"
send "\r~C"
expect "omniedge> "
send -- "-KL $L1\r"
expect "Canceled forwarding."
puts "\nENDED"
foreach {what answer} {
	"-R $R1:$LO:$ECHO" "Forwarding port."
	"-R $WEB_PORT:$LO:$ECHO" "remote port forwarding failed"
	"-KR $R1" "Canceled forwarding."
	"-D $D1" "Forwarding port."
	"-KD $D1" "Canceled forwarding."
	"-KD $D1" "Unknown port forwarding."
} {
	send "\r~C"
	expect "omniedge> "
	send -- "\$what\r"
	expect "\$answer" { puts "\nANSWERED" }
}
send "\r~C"
expect "omniedge> "
send -- "\033\[A-Xé\177\177X\r"
expect "Invalid command"
send "\r~C"
expect "omniedge> "
send -- "-D \033\[3~$D1é\177\r"
expect "Forwarding port."
puts "\nEDITED"
send "\r~."
expect eof
EXP
run expect "$T/escape.exp"
cp "$OUT" "$T/escape.out"
is "$(cat "$T/escape.talk")" "abcend:3" "~C adds a forward"
check "a refusal is told on a raw terminal" grep -q TOLD "$T/escape.out"
check "~# lists it with its bytes" grep -q LISTED "$T/escape.out"
check "~C knows special keys and longer characters" \
	grep -q EDITED "$T/escape.out"
check "~C ends it" grep -q ENDED "$T/escape.out"
is "$(grep -c '^ANSWERED' "$T/escape.out")" 6 "~C: -R, -D, -KR and -KD"

# --- omniedge forward --------------------------------------------------------

export XDG_RUNTIME_DIR=$T/run
mkdir -m 700 "$T/run"
forward() {
	timeout -k 5 30 "$OMNIEDGE" forward "$@"
}
is "$(forward ls; echo "$?")" 0 "forward ls without any client"
hold "$T/hold3" -L "$L1:$LO:$ECHO"
wait_for 30 eval "forward ls | grep -q -- '-L $L1'"
talks "$LO:$L1" "a forward to be listed"
like "$(forward ls)" "^$HOLD_PID\.1 +$LO +up +0 +5 +10 +-L $L1:$LO:$ECHO$" \
	"forward ls: state and bytes"
is "$(forward ls --json | python3 -c '
import json, sys
j = json.loads(sys.stdin.read())
print(j["v"], j["pid"], j["peer"], j["kind"], j["forward"], j["state"],
      j["connections"], j["sent"], j["received"])')" \
	"1 $HOLD_PID $LO L $L1:$LO:$ECHO up 1 5 10" "forward ls --json"
is "$(stat -c %a "$T/run/omniedge" "$T/run/omniedge/$HOLD_PID-$LO" | xargs)" \
	"700 600" "modes of the folder and the socket"
check "forward add -L" forward add -L "$L2:$LO:$ECHO" "$LO"
talks "$LO:$L2" "it works"
run forward add -R "0:$LO:$ECHO" "$HOLD_PID"
port=$(sed -n 's/^port //p' "$OUT")
talks "$LO:${port:-0}" "forward add -R 0: the port is told"
run forward add -L "$WEB_PORT:$LO:1" "$LO"
is "$STATUS" 1 "forward add of what cannot be"
like "$(cat "$ERR")" "Address already in use" "says why"
run forward add -R "$WEB_PORT:$LO:1" "$LO"
like "$STATUS $(cat "$ERR")" "^1 .*remote port forwarding failed" \
	"the same at the peer"
is "$(forward ls | grep -c -- '-[LR] ')" 3 "neither is left over"
check "forward stop ID" forward stop "$HOLD_PID.2"
check "nobody listens there" eval "! listening $L2"
run forward stop "$HOLD_PID.2"
is "$STATUS" 1 "forward stop of none"
check "forward stop PEER" forward stop "$LO"
check "nobody listens there either" eval "! listening $L1"
kill "$HOLD_PID"
wait "$HOLD_PID" 2>/dev/null
is "$(ls "$T/run/omniedge")" "" "the socket goes with the client"
run forward stop "$LO"
like "$STATUS $(cat "$ERR")" "^1 .*no running client" "no client"
for wrong in "" "nonsense" "add $LO" "stop" "--keep $LO"; do
	# shellcheck disable=SC2086 # words
	run forward $wrong
	is "$STATUS" 64 "wrong: forward $wrong"
done

# --- --keep ------------------------------------------------------------------

python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)' "$T/notify" >"$T/notified" &
own $!
wait_for 30 grep -q ready "$T/notified"
NOTIFY_SOCKET=$T/notify \
	"$OMNIEDGE" forward --keep -F /dev/null -i "$T/id" -p "$SSHD_PORT" \
	-o UserKnownHostsFile="$T/known_hosts" -L "$L1:$LO:$ECHO" \
	-L "$T/keep.sock:$LO:$ECHO" -R "$R1:$LO:$ECHO" "$ME@$LO" \
	>"$T/keep" 2>&1 3>&- &
KEEP=$!
own "$KEEP"
wait_for 30 listening "$R1"
talks "$LO:$L1" "--keep: -L"
talks "$LO:$R1" "--keep: -R"
inode=$(stat -c %i "$T/keep.sock")
# the process of sshd that serves it
children_of "$SSHD_PID" | xargs kill -KILL
wait_for 30 grep -q "lost the connection" "$T/keep"
wait_for 30 eval "[ \$(grep -c 'connected to' $T/keep) = 2 ] &&
	forward ls --json | grep '\"R\"' | grep -q '\"up\"'"
talks "$LO:$L1" "--keep: -L after a lost connection"
talks "$LO:$R1" "--keep: -R after a lost connection"
is "$(stat -c %i "$T/keep.sock")" "$inode" "its listeners stayed"
kill "$KEEP"
wait "$KEEP"
is "$?" 143 "--keep ends by a signal"
wait_for 30 grep -q '^STOPPING' "$T/notified"
is "$(grep -E '^(READY|STOPPING|STATUS=(connected|lost))' "$T/notified" |
	sed 's/ .*//' | xargs)" "STATUS=connected READY=1 STATUS=lost \
STATUS=connected READY=1 STOPPING=1" "what the service manager was told"
check "nothing is left of it" eval "! listening $L1 && ! [ -e $T/keep.sock ]"

# A server that is not there yet.
"$OMNIEDGE" forward --keep -F /dev/null -i "$T/id" -p "$(free_port)" \
	-L "$L1:$LO:$ECHO" "$ME@$LO" >"$T/keep2" 2>&1 3>&- &
KEEP=$!
own "$KEEP"
wait_for 30 grep -q "next attempt" "$T/keep2"
like "$(py talk "$LO:$L1" x 2>&1 | tail -n 1)" '^$|ConnectionReset|Broken|not connected' \
	"--keep without a connection: closed at once"
like "$(forward ls)" "no link" "forward ls says so"
check "forward stop ends --keep with its last forward" forward stop "$LO"
wait "$KEEP"
is "$?" 0 "and that is no failure"
done_testing
