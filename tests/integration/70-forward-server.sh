#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Port forwarding through our server: OpenSSH's client and ours, what is
# refused, what is left behind, many at a time.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

peer() {
	timeout -k 5 60 python3 "$OE_SRCDIR/tests/lib/forward_peer.py" "$@"
}

# Targets for all tests: IPv4, a Unix socket, IPv6 where there is one.
python3 "$OE_SRCDIR/tests/lib/forward_peer.py" serve "$LO" "$T/target.sock" \
	>"$T/targets" 2>"$T/targets.err" 3>&- &
own $!
python3 "$OE_SRCDIR/tests/lib/forward_peer.py" serve ::1 \
	>"$T/targets6" 2>/dev/null 3>&- &
own $!
wait_for 10 grep -q sock "$T/targets" || bail "no target"
PORT=$(head -n 1 "$T/targets")
wait_for 2 test -s "$T/targets6"
PORT6=$(head -n 1 "$T/targets6")

start_server || bail "no server"

# hold OPTION...: OpenSSH's client in the background; sets HOLD_PID.
hold() {
	ssh -F /dev/null -i "$T/id" -o IdentitiesOnly=yes -o BatchMode=yes \
		-o LogLevel=INFO -o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new -p "$SERVER_PORT" \
		-N "$@" "$ME@$LO" >"$T/hold" 2>&1 3>&- &
	HOLD_PID=$!
	own "$HOLD_PID"
}

unhold() {
	kill "$HOLD_PID" 2>/dev/null
	wait "$HOLD_PID" 2>/dev/null
}

# stdio TARGET [CLIENT]: what comes back of "abc" through -W.
stdio() {
	printf 'sabc' | "${2:-ossh}" -W "$1" "$ME@$LO" 2>"$ERR"
}

# --- one connection of each kind ---------------------------------------------

L=$(free_port) R=$(free_port) D=$(free_port)
hold -L "$L:$LO:$PORT" -R "$R:$LO:$PORT" -R "0:$LO:$PORT" -D "$D" \
	-o ExitOnForwardFailure=yes
wait_for 10 eval "listening $L && listening $R && listening $D &&
	grep -q '^Allocated port' $T/hold" || diag_file "$T/hold"
R0=$(sed -n 's/^Allocated port \([0-9]*\) .*/\1/p' "$T/hold")
rest=3000000
for way in "L $L" "R $R" "R0 $R0"; do
	port=${way#* } way=-${way% *} rest=$((rest + 1))
	is "$(peer ask "$port" e 3000000)" same "$way: 3 MB there and back"
	is "$(peer ask "$port" s 3000000)" 3000000 \
		"$way: our end first, then the answer"
	is "$(peer ask "$port" g "$rest")" 1000000 \
		"$way: the other end first"
	check "$way: and what we say then" \
		wait_for 5 grep -q "after $rest" "$T/targets"
	is "$(peer ask "$port" h 10 2>&1 | tail -n 1)" "" \
		"$way: a target that hangs up"
	is "$(peer many "$port" 200 20000)" 200 "$way: 200 at a time"
done
is "$(peer ask "$D/localhost/$PORT" s 1000)" 1000 \
	"-D: a name that the server resolves"
check "event forward.open" event_seen forward.open \
	"\"kind\":\"local\",\"host\":\"$LO\",\"port\":$PORT"
check "event forward.listen" event_seen forward.listen "\"port\":$R,"
check "event forward.close has the bytes" event_seen forward.close \
	'"bytes_out":3000000,"bytes_in":3000001'

# the monitor, net and the forwarder of this connection
cpu() {
	local p sum=0 f
	for p in $(children_of "$SERVER_PID"); do
		read -ra f <"/proc/$p/stat" && sum=$((sum + f[13] + f[14]))
	done
	echo "$sum"
}
python3 "$OE_SRCDIR/tests/lib/forward_peer.py" hold "$L" 20 \
	< <(sleep 30) >"$T/held" 3>&- &
own $!
wait_for 20 grep -q 'ready 20' "$T/held"
before=$(cpu)
sleep 2
is $(($(cpu) - before)) 0 "idle forwards use no processor"
unhold
wait_for 5 eval "! listening $R"
check "listeners end with the connection" \
	eval "! listening $R && ! listening $R0"
wait_for 5 eval '[ -z "$(children_of "$SERVER_PID")" ]'
is "$(children_of "$SERVER_PID")" "" "and so does every process"

# --- -W, -J ------------------------------------------------------------------

is "$(stdio "$LO:$PORT")" 3 "-W"
is "$(stdio "$LO:$PORT" oe_ssh)" 3 "-W of our client"
is "$(stdio "localhost:$PORT")" 3 "-W to a name"
if [ -n "$PORT6" ]; then
	is "$(stdio "[::1]:$PORT6")" 3 "-W to an IPv6 address"
else
	skip "-W to an IPv6 address" "no IPv6 here"
fi
if start_sshd; then
	for c in ossh oe_ssh; do
		use_port "$SSHD_PORT"
		cat >"$T/jump" <<-CONF
			Host *
				IdentityFile $T/id
				IdentitiesOnly yes
				UserKnownHostsFile $T/known_hosts
				StrictHostKeyChecking accept-new
			Host hop
				HostName $LO
				Port $SERVER_PORT
			Host far
				HostName localhost
				Port $SSHD_PORT
		CONF
		if [ "$c" = ossh ]; then
			run ssh -F "$T/jump" -J hop "$ME@far" 'echo there'
		else
			run "$OMNIEDGE" ssh -F "$T/jump" -J hop "$ME@far" \
				'echo there'
		fi
		is "$STATUS $(cat "$OUT")" "0 there" "$c -J over our server" ||
			diag_file "$ERR"
	done
	use_port ''
else
	skip "-J over our server" "no sshd here"
fi

# --- a path as a target ------------------------------------------------------

sock() {
	python3 - "$T/id" "$SERVER_PORT" "$ME" "$1" <<-'PY'
	import sys
	import paramiko
	key, port, user, path = sys.argv[1:]
	t = paramiko.Transport(("127.0.0.1", int(port)))
	t.connect(username=user, pkey=paramiko.Ed25519Key.from_private_key_file(key))
	try:
	    c = t.open_channel("direct-tcpip", (path, 0), ("127.0.0.1", 1))
	    c.sendall(b"sabc")
	    c.shutdown_write()
	    print(c.recv(100).decode().strip())
	except paramiko.ChannelException as e:
	    print("refused", e.code)
	t.close()
	PY
}
if python3 -c 'import paramiko' 2>/dev/null; then
	is "$(sock "$T/target.sock")" 3 "a Unix socket"
	is "$(sock "$T/none.sock")" "refused 1" "one that is not there"
else
	skip "a Unix socket" "no paramiko"
fi

# --- refused -----------------------------------------------------------------

# refused TARGET WHY TEXT: -W to it is refused, with this event.
refused() {
	is "$(stdio "$1")" "" "$3"
	event_seen forward.refused "\"why\":\"$2" && return
	not_ok "its event"
	events forward.refused | tail -n 3 >&3
}
for host in "$LO" localhost 127.1 0.0.0.0 2130706433 '[::1]' \
	'[::ffff:127.0.0.1]'; do
	refused "$host:$SERVER_PORT" "the server's own SSH port" \
		"our own port as $host"
done
refused 169.254.169.254:80 "a metadata service" "metadata"
refused '[fd00:ec2::254]:80' "a metadata service" "metadata over IPv6"
refused 169.254.1.1:80 "a link-local address" "link-local"
refused '[fe80::1]:80' "a link-local address" "link-local over IPv6"
refused "$LO:$(free_port)" "connect to " "a port that nobody listens on"
refused no-such-host.invalid:80 "" "a name that is none"
stop_server

# by the server's lists
start_server --permit-open "127.0.0.0/8:$PORT" --permit-open "$T/target.sock" \
	--permit-listen "localhost:$R"
is "$(stdio "$LO:$PORT")" 3 "--permit-open: a network and a port"
is "$(stdio "localhost:$PORT")" 3 "a name that resolves into it"
refused "$LO:$((PORT - 1))" "not permitted by --permit-open" "another port"
refused "10.255.0.1:$PORT" "not permitted by --permit-open" \
	"an address outside"
ossh -N -o ExitOnForwardFailure=yes -R "$L:$LO:$PORT" "$ME@$LO" 2>"$ERR"
like "$(cat "$ERR")" 'remote port forwarding failed' "--permit-listen"
hold -R "$R:$LO:$PORT"
check "what it names is listened on" wait_for 10 listening "$R"
unhold
stop_server

# by the key
sed "s|^|restrict,port-forwarding,permitopen=\"localhost:$PORT\" |" \
	"$T/id.pub" >"$T/limited"
start_server --authorized-keys "$T/limited"
is "$(stdio "localhost:$PORT")" 3 "permitopen of a key"
refused "$LO:$PORT" "not permitted by the key" "not by its address"
sed 's|^|restrict |' "$T/id.pub" >"$T/limited"
refused "localhost:$PORT" "not permitted by the key" "restrict"
stop_server

start_server --allow-forwarding no
refused "localhost:$PORT" "not allowed by --allow-forwarding" \
	"--allow-forwarding no"
stop_server
start_server --allow-forwarding remote
refused "localhost:$PORT" "not allowed by --allow-forwarding" \
	"--allow-forwarding remote"
hold -R "$R:$LO:$PORT"
check "and then -R is allowed" wait_for 10 listening "$R"
unhold
stop_server

# --- who reaches a listener ----------------------------------------------------

bound() {
	awk -v p="$(printf ':%04X' "$1")" '$4 == "0A" &&
		substr($2, length($2) - 4) == p { print substr($2, 1, 8) }' \
		/proc/net/tcp
}
for way in no yes clientspecified; do
	start_server --gateway-ports "$way"
	hold -R "*:$R:$LO:$PORT"
	wait_for 10 listening "$R"
	[ "$way" = no ] && want=0100007F || want=00000000
	is "$(bound "$R")" "$want" "--gateway-ports $way"
	unhold
	stop_server
	wait_for 5 eval "! listening $R"
done

# --- many ----------------------------------------------------------------------

start_server
hold -L "$L:$LO:$PORT"
wait_for 10 listening "$L"
ulimit -n 4096 2>/dev/null
peer hold "$L" 1000 < <(sleep 6) >"$T/held" 3>&- &
HELD=$!
wait_for 30 grep -q ready "$T/held"
is "$(cat "$T/held")" "ready 1000" "1000 connections through one session"
is "$(peer ask "$L" e 100000)" same "one more beside them"
wait "$HELD"
check "the session lives" alive "$HOLD_PID"
unhold

# --- targets that do not answer, and that do not read --------------------------

python3 - >"$T/deaf" 3>&- <<-'PY' &
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
wait_for 10 eval "listening $L && listening $L2"
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
wait_for 5 eval '[ -z "$(children_of "$SERVER_PID")" ]'
hold -L "$L:$LO:$PORT" -R "$R:$LO:$PORT"
wait_for 10 eval "listening $L && listening $R"
MONITOR=$(ps -o pid= --ppid "$SERVER_PID" | head -n 1)
# the youngest of its processes
kill -KILL "$(ps -o pid= --ppid "$MONITOR" | sort -n | tail -n 1)"
check "without the forwarder there is no listener" \
	wait_for 5 eval "! listening $R"
is "$(peer ask "$L" s 1000)" 1000 "and a new one is there when it is needed"
unhold
done_testing
