#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Port forwarding through our server: OpenSSH's client and ours, what is
# refused, what is left behind, many at a time.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/forward.sh"
need ssh ssh-keygen python3 ps

# Targets for all tests: IPv4, a Unix socket, IPv6 where there is one.
targets "$T/targets" "$LO" "$T/target.sock" || bail "no target"
PORT=$(head -n 1 "$T/targets")
targets "$T/targets6" ::1
PORT6=$(head -n 1 "$T/targets6")

start_server || bail "no server"

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
"$PYTHON" "$FORWARD_PEER" hold "$L" 20 <&9 >"$T/held" 3>&- &
HELD=$!
own "$HELD"
wait_for 20 grep -q 'ready 20' "$T/held"
before=$(cpu)
sleep 2
spent=$(($(cpu) - before))
check "idle forwards use no processor" [ "$spent" -le 2 ] ||
	diag "$spent ticks in two seconds"
kill "$HELD"
wait "$HELD" 2>/dev/null
unhold
wait_for 5 eval "! listening $R"
check "listeners end with the connection" \
	eval "! listening $R && ! listening $R0"
check "and so does every process" none_left

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

is "$(sock "$T/target.sock")" 3 "a Unix socket"
is "$(sock "$T/none.sock")" "refused 1" "one that is not there"
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
"$PYTHON" "$FORWARD_PEER" hold "$L" 1000 <&9 >"$T/held" 3>&- &
HELD=$!
own "$HELD"
wait_for 60 grep -q ready "$T/held"
is "$(cat "$T/held")" "ready 1000" "1000 connections through one session"
is "$(peer ask "$L" e 100000)" same "one more beside them"
kill "$HELD"
wait "$HELD" 2>/dev/null
check "the session lives" alive "$HOLD_PID"
unhold
done_testing
