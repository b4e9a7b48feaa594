#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Options and settings of forwards: their forms, tokens, what ssh -G says of
# them, what is refused, and what is said when a target cannot be had.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

start_sshd || skip_all "no sshd here"
start_server || bail "no server"
export XDG_RUNTIME_DIR=$T/run
mkdir -m 700 "$T/run"
py() {
	timeout -k 5 900 python3 "$OE_SRCDIR/tests/lib/forward.py" "$@"
}
forward() {
	timeout -k 5 60 "$OMNIEDGE" forward "$@"
}
py serve 0 "$T/echo.sock" >"$T/echo.out" 2>&1 &
own $!
wait_for 20 grep -q ready "$T/echo.out" || bail "no target"
ECHO=$(head -n 1 "$T/echo.out")
L1=$(free_port) CLOSED=$(free_port)

talks() {
	is "$(py talk "$1" hello 2>&1)" "helloend:5" "$2"
}

# --- what ssh -G says --------------------------------------------------------

cat >"$T/config" <<CONF
Host all
	LocalForward 8080 localhost:80
	LocalForward [::1]:8081 [fe80::1%lo]:http
	LocalForward *:8082 h:1
	LocalForward 127.0.0.1:http-alt h:https
	LocalForward 8083 %d/%r.sock
	LocalForward \${OE_TEST_DIR}/a.sock /run/b.sock
	LocalForward /run/c.sock h:1
	LocalForward relative/d.sock h:1
	RemoteForward 2222 localhost:ssh
	RemoteForward 0 [::1]:22
	RemoteForward *:2223 h:22
	RemoteForward 1081
	RemoteForward 127.0.0.1:1082
	RemoteForward 2224 /run/e.sock
	DynamicForward 1080
	DynamicForward [::1]:socks
	GatewayPorts yes
	ExitOnForwardFailure yes
	StreamLocalBindUnlink yes
	PermitRemoteOpen localhost:80 *:443 [::1]:*
Host cleared
	LocalForward 8080 localhost:80
	RemoteForward 1081
	DynamicForward 1080
	ClearAllForwardings yes
CONF
# Of ssh without those that it lists once more: to sockets, as -D.
forwards_of() {
	OE_TEST_DIR=$T "$@" 2>/dev/null | grep -E '^(local|remote|dynamic)forward '\
'|^(gatewayports|exitonforward|streamlocalbind|permitremoteopen|clearall)' |
		grep -vxE "dynamicforward (8083|$T/a.sock)" | sort
}
for host in all cleared; do
	is "$(forwards_of "$OMNIEDGE" ssh -G -F "$T/config" "$host")" \
		"$(forwards_of ssh -G -F "$T/config" "$host")" \
		"-G of the forwards of '$host'"
done
given=(-L 1:a:2 -L '[::]:3:[::1]:4' -L "/tmp/x y:b:5" -D '*:6' -R 7
	-R 'c:8:d:9' -R 10:/e -g -o StreamLocalBindMask=0117)
is "$(forwards_of "$OMNIEDGE" ssh -G -F /dev/null "${given[@]}" h)" \
	"$(forwards_of ssh -G -F /dev/null "${given[@]}" h)" \
	"-G of options"

# --- names, tokens, variables ------------------------------------------------

export OE_TEST_SOCK=$T/by-name.sock OE_TEST_PORT=$L1
mkdir "$T/%"
cd "$T" || exit
"$OMNIEDGE" ssh -F /dev/null -i "$T/id" -p "$SSHD_PORT" \
	-o UserKnownHostsFile="$T/known_hosts" \
	-o StrictHostKeyChecking=accept-new -N \
	-L "$T/%p-%r.sock:$LO:$ECHO" -L "\${OE_TEST_SOCK}:$T/%%/../echo.sock" \
	-L "./near.sock:$LO:$ECHO" -L "\${OE_TEST_PORT}:$LO:$ECHO" \
	"$ME@$LO" >"$T/hold" 2>&1 3>&- &
PID=$!
own "$PID"
cd / || exit
wait_for 30 listening "$L1" || diag_file "$T/hold"
talks "$T/$SSHD_PORT-$ME.sock" "tokens in the path of a socket"
talks "$OE_TEST_SOCK" "a variable for a path, tokens in one of the peer"
talks "$T/near.sock" "a path from here on"
talks "$LO:$L1" "a variable for a port"
check "forward add knows tokens" wait_for 20 forward add \
	-L "$T/late-%h-%n-%L.sock:$LO:$ECHO" "$PID"
talks "$T/late-$LO-$LO-$(hostname | cut -d. -f1).sock" "and they are replaced"
run forward add -L "near2.sock/x:$LO:$ECHO" "$PID"
like "$STATUS $(cat "$ERR")" "^1 .*begin the path of a socket with /" \
	"forward add takes whole paths only"
run forward add -L "$T/%y.sock:$LO:$ECHO" "$PID"
like "$STATUS $(cat "$ERR")" "^1 .*holds '%y', which is no token" \
	"a token that there is not"
run forward add -L "\${OE_NO_SUCH_THING}:$LO:$ECHO" "$PID"
like "$STATUS $(cat "$ERR")" "^1 .*has no 'OE_NO_SUCH_THING'" \
	"a variable that there is not"

# several clients at once, and several callers of one
"$OMNIEDGE" ssh -F /dev/null -i "$T/id" -p "$SSHD_PORT" \
	-o UserKnownHostsFile="$T/known_hosts" -N -D "$(free_port)" \
	"$ME@$LO" >"$T/hold2" 2>&1 3>&- &
PID2=$!
own "$PID2"
check "two clients are listed" wait_for 30 eval \
	"[ \$(forward ls | awk 'NR > 1 { sub(/\\..*/, \"\"); print }' |
		sort -u | wc -l) = 2 ]"
kill -STOP "$PID2"
run forward ls
like "$STATUS $(cat "$OUT" "$ERR" | tr '\n' ' ')" \
	"^0 .*$PID.*client $PID2-$LO: the client does not answer" \
	"one that is suspended hides none of the others"
run forward ls "$PID2"
is "$STATUS" 1 "asked for by name, that is a failure"
kill -CONT "$PID2"
run forward stop "$LO"
like "$STATUS $(cat "$ERR")" "^1 .*several clients are connected to $LO" \
	"a name that means both"
adders=()
for i in 1 2 3 4 5 6 7 8; do
	forward add -R "0:$LO:$ECHO" "$PID" >"$T/added.$i" 2>&1 &
	adders+=($!)
done
wait "${adders[@]}"
is "$(cat "$T"/added.* | grep -c '^port [0-9]*$')" 8 "eight callers at once"
is "$(cat "$T"/added.* | sort -u | wc -l)" 8 "each with its own port"
chmod 777 "$T/run/omniedge"
run forward ls
like "$STATUS $(cat "$ERR")" '^1 .*not a folder that only you can write to' \
	"a folder that others can write to is not trusted"
chmod 700 "$T/run/omniedge"
check "both can be ended" forward stop "$PID" "$PID2"
kill "$PID" "$PID2"
wait "$PID" "$PID2" 2>/dev/null

# --- what is said ------------------------------------------------------------

refusal() {
	local want='administratively prohibited'
	# our server does not tell a refusal by its rules from another
	[ "$PEER" = ours ] || want='connect failed: Connection refused'
	: >"$T/in"
	run oe_ssh -W "$LO:$CLOSED" "$ME@$LO"
	is "$STATUS" 255 "$PEER: -W of a port that nobody listens at"
	like "$(cat "$ERR")" \
		"refused to open a connection to $LO port $CLOSED: $want" \
		"its words"
	unlike "$(cat "$ERR")" 'Channel opening failure|error \(' \
		"none of them the library's"
	printf 'hello' >"$T/in"
	is "$(oe_ssh -W "$LO:$ECHO" "$ME@$LO" <"$T/in")" "helloend:5" \
		"$PEER: -W, ended half by half"
	if [ -e /proc/net/if_inet6 ] && ip -6 addr show lo 2>/dev/null |
		grep -q ::1; then
		run oe_ssh -W "[::1]:$CLOSED" "$ME@$LO"
		like "$(cat "$ERR")" "to ::1 port $CLOSED:" "$PEER: -W, IPv6"
	else
		skip "$PEER: -W, IPv6" "no IPv6 here"
	fi
	run oe_ssh -L "$L1:$T/nobody.sock" "$ME@$LO" \
		"exec 3<>/dev/tcp/$LO/$L1; cat <&3"
	like "$(cat "$ERR")" "connection to $T/nobody.sock: " \
		"$PEER: a socket that is not there" || diag_file "$OUT"
	run oe_ssh -R "$T/far.sock:$LO:$ECHO" "$ME@$LO" echo on
	is "$STATUS $(cat "$OUT")" "0 on" \
		"$PEER: -R of a socket there is told, the session goes on"
	like "$(cat "$ERR")" "libssh of this build cannot" "its words"
}
each_peer refusal

use_port "$SSHD_PORT"
for wrong in "-w 0:0" "-o Tunnel=yes" "-L 1:h:no-such-service" "-D 0" \
	"-o PermitRemoteOpen=x" "-o LocalForward=1" "-L \${OE_NO_SUCH}:h:1" \
	"-o StreamLocalBindMask=9" "-o GatewayPorts=clientspecified"; do
	# shellcheck disable=SC2086 # words
	run oe_ssh $wrong "$ME@$LO" true
	is "$STATUS" 64 "wrong: $wrong" || diag_file "$ERR"
done
done_testing
