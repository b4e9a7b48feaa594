#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Forwards of our client: every kind, both ends of a connection, failures,
# many at a time, at run time.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh-keygen python3 curl expect

start_sshd || skip_all "no sshd here"
use_port "$SSHD_PORT"
py() {
	timeout -k 5 60 python3 "$OE_SRCDIR/tests/lib/forward.py" "$@"
}

# Targets: a port and a path that echo, a small web server.
py serve 0 "$T/echo.sock" >"$T/echo.out" 2>&1 &
own $!
wait_for 10 grep -q ready "$T/echo.out" || bail "no target"
ECHO=$(head -n 1 "$T/echo.out")
mkdir "$T/www"
echo 'a page' >"$T/www/page"
start_listening WEB "$T/web.log" python3 -m http.server --bind "$LO" \
	--directory "$T/www" @PORT@ || bail "no web server"

# hold LOG OPTION...: a client that only forwards; sets HOLD_PID.
hold() {
	local log=$1
	shift
	oe_ssh -N "$@" "$ME@$LO" >"$log" 2>&1 3>&- &
	HOLD_PID=$!
	own "$HOLD_PID"
}

# --- -L ----------------------------------------------------------------------

L1=$(free_port) L2=$(free_port) L3=$(free_port) L4=$(free_port)
D1=$(free_port) R1=$(free_port) R2=$(free_port) R3=$(free_port)
hold "$T/hold" -L "$L1:$LO:$ECHO" -L "$LO:$L2:$LO:$WEB_PORT" \
	-L "$L3:$T/echo.sock" -L "$T/local.sock:$LO:$ECHO" \
	-L "$T/both.sock:$T/echo.sock" -L "[::1]:$L4:[$LO]:$ECHO" \
	-D "$D1" -R "$R1:$LO:$ECHO" -R "$R2" -R "$R3:$T/echo.sock" \
	-R "0:localhost:$ECHO"
wait_for 10 eval "listening $L1 && listening $R3 &&
	grep -q Allocated $T/hold" || diag_file "$T/hold"

talks() {
	is "$(py talk "$1" hello 2>&1)" "helloend:5" "$2"
}
talks "$LO:$L1" "-L port, ended half by half"
is "$(curl -sS "http://$LO:$L2/page")" "a page" "-L bind:port, a web page"
talks "$LO:$L3" "-L port to a socket of the peer"
talks "$T/local.sock" "-L socket to a port"
talks "$T/both.sock" "-L socket to socket"
is "$(stat -c %a "$T/local.sock")" 600 "its mode"
if [ -e /proc/net/if_inet6 ] && ip -6 addr show lo 2>/dev/null | grep -q ::1
then
	talks "::1:$L4" "-L on an IPv6 address"
else
	skip "-L on an IPv6 address" "no IPv6 here"
fi

# --- -D ----------------------------------------------------------------------

for how in socks5h socks5 socks4a socks4; do
	is "$(curl -sS --proxy "$how://$LO:$D1" \
		"http://localhost:$WEB_PORT/page")" "a page" "-D, $how"
done
run curl -sS --max-time 20 --proxy "socks5h://$LO:$D1" \
	"http://$LO:$(free_port)/"
is "$STATUS" 97 "-D: a refusal arrives as one"
is "$(printf 'GET / HTTP/1.0\r\n\r\n' |
	timeout 10 python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"GET / HTTP/1.0\r\n\r\n")
print(len(s.recv(100)))' "$D1" 2>&1 | tail -n 1)" 0 "-D: what is not SOCKS ends"

# --- -R ----------------------------------------------------------------------

talks "$LO:$R1" "-R port"
talks "$LO:$R3" "-R port to a socket of ours"
is "$(curl -sS --proxy "socks5h://$LO:$R2" \
	"http://localhost:$WEB_PORT/page")" "a page" "-R port alone is SOCKS"
is "$(curl -sS --proxy "socks4a://$LO:$R2" \
	"http://localhost:$WEB_PORT/page")" "a page" "and of version 4a"
PORT0=$(sed -n 's/.*Allocated port \([0-9]*\) .*/\1/p' "$T/hold")
talks "$LO:${PORT0:-0}" "-R 0: the port that was chosen"
like "$(cat "$T/hold")" "Allocated port $PORT0 for remote forward to localhost:$ECHO" \
	"its words"

# --- many --------------------------------------------------------------------

is "$(py many "$LO:$L1" 200)" 200 "200 connections at once through -L"
is "$(py many "$LO:$R1" 200)" 200 "200 connections at once through -R"
cpu() {
	local pid
	pid=$(children_of "$HOLD_PID" | head -n 1)
	awk '{ print $14 + $15 }' "/proc/$pid/stat"
}
before=$(cpu)
sleep 1
is $(($(cpu) - before)) 0 "idle forwards use no processor"

kill "$HOLD_PID"
wait "$HOLD_PID" 2>/dev/null
wait_for 5 eval "! listening $L1 && ! listening $R1"
check "everything ends with the session" \
	eval "! listening $L1 && ! listening $R1 && ! [ -e $T/local.sock ]"

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

# A target that does not answer holds up nobody.
hold "$T/hold2" -L "$L1:192.0.2.1:9" -L "$L2:$LO:$ECHO"
wait_for 10 listening "$L2"
python3 -c '
import socket, sys, time
s = [socket.create_connection(("127.0.0.1", int(sys.argv[1])))
     for i in range(5)]
time.sleep(20)' "$L1" &
own $!
talks "$LO:$L2" "beside a target that does not answer"
kill "$HOLD_PID"

# -f goes to the background when the forwards are there.
run oe_ssh -f -L "$L3:$LO:$ECHO" -o ExitOnForwardFailure=yes "$ME@$LO" \
	'sleep 1'
status_is 0 "-f"
talks "$LO:$L3" "-f: the forward is there at once"
check "and ends with the command" wait_for 10 eval "! listening $L3"

# The session waits for what goes through it.
oe_ssh -L "$L4:$LO:$ECHO" "$ME@$LO" 'sleep 1' &
pid=$!
wait_for 10 listening "$L4"
is "$(python3 -c '
import socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
time.sleep(2.5)
s.sendall(b"late")
print(s.recv(9).decode())' "$L4")" late "a connection outlives the command"
check "then the client ends" wait "$pid"

# --- ~C and ~# ---------------------------------------------------------------

cat >"$T/escape.exp" <<EXP
set timeout 20
spawn $OMNIEDGE ssh -tt -F /dev/null -i $T/id -o UserKnownHostsFile=$T/known_hosts -p $SSHD_PORT $ME@$LO {PS1= sh -c "echo re''ady; cat"}
expect ready
send "\r~C"
expect "omniedge> "
send -- "-L $L1:$LO:$ECHO\r"
expect "Forwarding port."
exec python3 $OE_SRCDIR/tests/lib/forward.py talk $LO:$L1 abc >$T/escape.talk
send "\r~#"
expect "3 bytes sent, 8 received"
puts "\nLISTED"
send "\r~C"
expect "omniedge> "
send -- "-KL $L1\r"
expect "Canceled forwarding."
puts "\nENDED"
send "\r~C"
expect "omniedge> "
send -- "-X\r"
expect "Invalid command"
send "\r~."
expect eof
EXP
run expect "$T/escape.exp"
is "$(cat "$T/escape.talk")" "abcend:3" "~C adds a forward"
check "~# lists it with its bytes" grep -q LISTED "$OUT"
check "~C ends it" grep -q ENDED "$OUT"
done_testing
