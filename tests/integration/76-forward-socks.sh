#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The SOCKS proxies of -D and -R: what is spoken, what is refused and how,
# peers that say little, PermitRemoteOpen, and that no name is resolved here.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh-keygen python3 curl

# a descriptor for each of a thousand connections, in each process
ulimit -n "$(ulimit -Hn)"
start_sshd || skip_all "no sshd here"
start_server || bail "no server"
LIB=$OE_SRCDIR/tests/lib
timeout -k 5 900 python3 "$LIB/forward.py" serve 0 >"$T/echo.out" 2>&1 &
own $!
wait_for 20 grep -q ready "$T/echo.out" || bail "no target"
ECHO=$(head -n 1 "$T/echo.out")
mkdir "$T/www"
echo 'a page' >"$T/www/page"
start_listening WEB "$T/web.log" python3 -m http.server --bind "$LO" \
	--directory "$T/www" @PORT@ || bail "no web server"
D=$(free_port) R=$(free_port) R2=$(free_port) L=$(free_port)

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

let_go() {
	kill "$HOLD_PID"
	wait "$HOLD_PID" 2>/dev/null
	# the next client takes the same port of the peer
	wait_for 20 eval "! listening $R && ! listening $R2"
}

socks() {
	timeout -k 5 900 python3 "$LIB/socks.py" "$@"
}

talks() {
	is "$(timeout -k 5 60 python3 "$LIB/forward.py" talk "$1" hello 2>&1)" \
		"helloend:5" "$2"
}

# answers REFUSED: the table's results; REFUSED is what version 5 says of a
# target that nobody listens at.
answers() {
	cat <<-LIST
	v5 address: granted textend:4
	v5 name: granted textend:4
	v5 in bytes: granted textend:4
	v5 in one: 0 earlyend:5
	v5 refused: $1
	v5 bind: 7
	v5 udp: 7
	v5 no such: 7
	v5 kind: 8
	v5 port 0: 1
	v5 empty name: 1
	v5 nul in name: 1
	v5 password only: 05ff
	v5 long name: True
	v4 address: granted textend:4
	v4a name: granted textend:4
	v4 no user: granted textend:4
	v4 refused: 91
	v4 bind: 91
	v4a long name: 91
	v4a longer name: 91
	http: nothing
	tls: nothing
	half: 0500
	noise: nothing
	LIST
}

table() {
	local refused=5
	# our server does not tell a refusal by its rules from another
	[ "$PEER" = sshd ] || refused=2
	hold "$T/hold-$PEER" -D "$D" -R "$R"
	wait_for 30 listening "$R" || diag_file "$T/hold-$PEER"
	is "$(socks table "$LO:$D" "$ECHO")" "$(answers "$refused")" \
		"$PEER: what -D answers"
	is "$(socks table "$LO:$R" "$ECHO")" "$(answers 5)" \
		"$PEER: what the proxy of -R answers"
	let_go
}
each_peer table

# --- names are the peer's affair ---------------------------------------------

use_port "$SERVER_PORT"
hold "$T/hold-name" -D "$D"
wait_for 30 listening "$D"
for how in socks5h socks4a; do
	run curl -sS --max-time 60 --proxy "$how://$LO:$D" \
		"http://only-there-$how.invalid/"
	check "$how: the peer is asked for the name" event_seen \
		forward.refused "\"host\":\"only-there-$how.invalid\""
done
like "$(cat "$T/hold-name")" \
	'to only-there-socks5h.invalid port 80: administratively prohibited' \
	"the user is told"
unlike "$(cat "$T/hold-name")" 'Channel opening failure' "in words of ours"
let_go

# --- PermitRemoteOpen --------------------------------------------------------

use_port "$SSHD_PORT"
hold "$T/hold-permit" -R "$R" -o PermitRemoteOpen="localhost:$ECHO" \
	-R "$R2:$LO:$ECHO"
wait_for 30 listening "$R2"
like "$(socks table "$LO:$R" "$ECHO" | sed -n 1,2p | xargs)" \
	'v5 address: 2 v5 name: granted textend:4' \
	"PermitRemoteOpen: one name, and not its address"
like "$(cat "$T/hold-permit")" \
	"the peer asked for $LO port $ECHO: refused by PermitRemoteOpen" \
	"the user is told"
talks "$LO:$R2" "another -R is not concerned"
let_go
hold "$T/hold-none" -R "$R" -o PermitRemoteOpen=none
wait_for 30 listening "$R"
is "$(socks table "$LO:$R" "$ECHO" | grep -c granted)" 0 \
	"PermitRemoteOpen=none"
let_go
run oe_ssh -R "$R" -o PermitRemoteOpen=localhost "$ME@$LO" true
is "$STATUS" 64 "PermitRemoteOpen that cannot be read"
like "$(cat "$ERR")" "PermitRemoteOpen: 'localhost' is not host:port" \
	"says so"

# --- peers that say little ---------------------------------------------------

# A thousand at each proxy: the oldest make room, a deadline ends the rest,
# though they say a byte now and then.
hold "$T/hold-loris" -D "$D" -R "$R" -L "$L:$LO:$ECHO"
wait_for 30 listening "$R"
rss() {
	awk '/^VmRSS/ { print $2 }' "/proc/$HOLD_PID/status"
}
fds() {
	find "/proc/$HOLD_PID/fd" -type l 2>/dev/null | wc -l
}
before=$(rss)
socks loris "$LO:$D" 1000 >"$T/loris.D" &
own $!
socks loris "$LO:$R" 1000 >"$T/loris.R" &
own $!
wait_for 60 grep -q held "$T/loris.D"
wait_for 60 grep -q held "$T/loris.R"
check "no more than 256 of them are kept" wait_for 30 eval "[ \$(fds) -lt 300 ]"
talks "$LO:$L" "another forward goes on meanwhile"
is "$(curl -sS --max-time 60 --proxy "socks5h://$LO:$D" \
	"http://localhost:$WEB_PORT/page")" "a page" "and -D itself"
is "$(curl -sS --max-time 60 --proxy "socks4a://$LO:$R" \
	"http://localhost:$WEB_PORT/page")" "a page" "and the proxy of -R"
check "all of them are ended" wait_for 90 grep -qx 'closed 1000' "$T/loris.D"
check "those at the peer too" wait_for 90 grep -qx 'closed 1000' "$T/loris.R"
grown=$(($(rss) - before))
check "the memory stays small (grew by $grown KB)" [ "$grown" -lt 65536 ]
talks "$LO:$L" "the other forward still goes on"
let_go
done_testing
