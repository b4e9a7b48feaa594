#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Forwarding to addresses that are protected, in a network namespace that has
# them, by names that a name server of the test makes up; and links that are
# cut.  Each target answers where it is not the server that refuses.
if [ "$(id -u)" = 0 ] && [ -z "${OE_IN_NAMESPACE:-}" ] &&
	command -v unshare ip >/dev/null &&
	unshare --net --mount true 2>/dev/null
then
	OE_IN_NAMESPACE=1 exec unshare --net --mount --propagation private \
		bash "$0" "$@"
fi
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
[ -n "${OE_IN_NAMESPACE:-}" ] || skip_all "a network namespace needs root"
. "$OE_SRCDIR/tests/lib/forward.sh"
need ssh ssh-keygen python3 ip nsenter

# --- addresses and names -------------------------------------------------------

ip link set lo up
V4="192.0.2.7 169.254.169.254 169.254.170.2 169.254.1.1 100.100.100.200
	168.63.129.16 192.0.0.192"
V6="fd00:ec2::254 fd00:ec2::23 fd20:ce::254 2001:db8::7"
for a in $V4; do
	ip addr add "$a/32" dev lo || bail "no address $a"
done
for a in $V6; do
	ip -6 addr add "$a/128" dev lo nodad || bail "no address $a"
done
# a whole network that is this machine, and is no address of an interface
ip route add local 203.0.113.0/24 dev lo || bail "no local route"

printf 'nameserver 127.0.0.53\noptions timeout:1 attempts:30\n' \
	>"$T/resolv.conf"
printf 'hosts: files dns\npasswd: files\ngroup: files\nshadow: files\n' \
	>"$T/nsswitch.conf"
for f in resolv.conf nsswitch.conf; do
	# as a link it leads out of the namespace's /etc
	mount --bind "$T/$f" "$(readlink -f "/etc/$f")" || bail "no $f"
done
"$PYTHON" "$OE_SRCDIR/tests/lib/forward_dns.py" 127.0.0.53 >"$T/dns" \
	2>"$T/dns.err" 3>&- &
own $!
wait_for 20 grep -q ready "$T/dns" || bail "no name server"

targets "$T/targets" 0.0.0.0 || bail "no target"
PORT=$(head -n 1 "$T/targets")
targets "$T/targets6" :: || bail "no target over IPv6"
PORT6=$(head -n 1 "$T/targets6")
targets "$T/targets7" fd00:ec2::254 || bail "no target over IPv6"

# at TARGET: the address at which the target was reached through the server.
at() {
	printf a | ossh -W "$1" "$ME@$LO" 2>"$ERR"
}
# control: without the server each of them answers
direct() {
	"$PYTHON" -c 'import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
s.sendall(b"a")
print(s.recv(100).decode().strip())' "$1" "$2"
}
for a in $V4 203.0.113.9; do
	is "$(direct "$a" "$PORT")" "$a" "$a is there"
done
for a in $V6; do
	is "$(direct "$a" "$PORT6")" "$a" "$a is there"
done

start_server -b 0.0.0.0 -b :: || bail "no server"
is "$(at "192.0.2.7:$PORT")" 192.0.2.7 "an address that is not protected"
is "$(at "[2001:db8::7]:$PORT6")" 2001:db8::7 "over IPv6"
is "$(at "203.0.113.9:$PORT")" 203.0.113.9 "one that is routed here"
for a in 169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 \
	192.0.0.192; do
	refused "$a:$PORT" "a metadata service" "$a"
	refused "[::ffff:$a]:$PORT" "a metadata service" "::ffff:$a"
done
for a in fd00:ec2::254 fd00:ec2::23 fd20:ce::254; do
	refused "[$a]:$PORT6" "a metadata service" "$a"
done
refused "169.254.1.1:$PORT" "a link-local address" 169.254.1.1
refused "2852039166:$PORT" "a metadata service" \
	"169.254.169.254 as one number"
refused "0xa9fea9fe:$PORT" "a metadata service" "as a hexadecimal one"
refused "169.16689662:$PORT" "a metadata service" "in two parts"
for a in 127.0.0.1 127.8.8.8 0.0.0.0 192.0.2.7 169.254.1.1 203.0.113.9 \
	::1 :: 2001:db8::7 ::ffff:192.0.2.7 ::ffff:0.0.0.0 localhost self.test \
	routed.test; do
	h=$a
	[[ $a == *:* ]] && h="[$a]"
	refused "$h:$SERVER_PORT" "the server's own SSH port" \
		"our own port at $a"
done

# --- names -----------------------------------------------------------------------

is "$(at "plain.test:$PORT")" 192.0.2.7 "a name"
refused "meta.test:$PORT" "a metadata service" "a name of a metadata address"
check "the event has the address" event_seen forward.refused \
	'"host":"meta.test".*"address":"169.254.169.254"'
refused "meta6.test:$PORT6" "a metadata service" "over IPv6"
refused "mapped.test:$PORT" "a metadata service" "as an IPv4-mapped address"
refused "link6.test:$PORT6" "a link-local address" "a link-local address"
is "$(at "mixed.test:$PORT")" 192.0.2.7 \
	"of several addresses only what is permitted"
is "$(at "rebind.test:$PORT")" 192.0.2.7 "a name, the first time"
is "$(grep -c '^A rebind.test' "$T/dns")" 1 "it was asked for once"
refused "rebind.test:$PORT" "a metadata service" "rebound"
is "$(grep -c '^A rebind.test' "$T/dns")" 2 "and once more"
stop_server

# a name server that does not answer delays its own name only
start_server
L=$(free_port) L2=$(free_port) R=$(free_port)
hold -L "$L:plain.test:$PORT" -L "$L2:slow.test:$PORT"
held_up "$L" "$L2"
SLOW=()
for n in 1 2 3; do
	peer ask "$L2" e 10 >/dev/null 2>&1 3>&- &
	SLOW+=($!)
	own $!
done
wait_for 20 grep -q slow.test "$T/dns"
is "$(peer ask "$L" e 1000)" same "a name beside one that is not answered"
is "$(for p in "${SLOW[@]}"; do alive "$p" && echo; done | wc -l)" 3 \
	"which is waited for all the while"
kill "${SLOW[@]}" 2>/dev/null
unhold
stop_server

# by a network: what the name stands for decides, each time
start_server --permit-open "192.0.2.0/24:$PORT" --permit-open "[2001:db8::/120]:*"
is "$(at "plain.test:$PORT")" 192.0.2.7 "a name within a permitted network"
is "$(at "mixed.test:$PORT")" 192.0.2.7 "of several only what is within"
is "$(at "[2001:db8::7]:$PORT6")" 2001:db8::7 "an IPv6 network"
refused "outside.test:$PORT" "not permitted by --permit-open" "one outside"
stop_server
# what is named is open, and nothing beside it
start_server --permit-open "169.254.169.254:$PORT" \
	--permit-open "[fd00:ec2::254]:$PORT6" --permit-open "any"
is "$(at "169.254.169.254:$PORT")" 169.254.169.254 "a metadata address by name"
is "$(at "meta.test:$PORT")" 169.254.169.254 "by a name of it"
is "$(at "[fd00:ec2::254]:$PORT6")" fd00:ec2::254 "over IPv6"
refused "100.100.100.200:$PORT" "a metadata service" "not another"
refused "169.254.169.254:$PORT6" "a metadata service" "nor another port"
stop_server
is "$(grep -c '^at 169.254.169.254' "$T/targets")" 3 \
	"it was reached only then"
is "$(grep -cE '^at (169\.254\.1(70)?\.|100|168|192\.0\.0)' "$T/targets")" 5 \
	"and the others only without the server"

# --- a link that is cut ----------------------------------------------------------

unshare --net sleep 300 3>&- 9>&- &
FAR=$!
own "$FAR"
wait_for 10 eval "[ \$(readlink /proc/$FAR/ns/net) != \$(readlink /proc/self/ns/net) ]"
ip link add near type veth peer name far netns "$FAR" || {
	skip "a link that is cut" "no veth here"
	done_testing
	exit
}
ip addr add 10.77.0.1/24 dev near
ip link set near up
nsenter --net -t "$FAR" sh -c "ip link set lo up; ip link set far up
	ip addr add 10.77.0.2/24 dev far"

start_server -b 10.77.0.1 --keepalive 1s --keepalive-max 2 \
	--permit-open any || bail "no server"
# far_hold OPTION...: the client is behind the link.
far_hold() {
	nsenter --net -t "$FAR" ssh -F /dev/null -i "$T/id" -o BatchMode=yes \
		-o ConnectionAttempts=20 \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new -p "$SERVER_PORT" \
		-N "$@" "$ME@10.77.0.1" >"$T/hold" 2>&1 3>&- &
	HOLD_PID=$!
	own "$HOLD_PID"
}
far_peer() {
	nsenter --net -t "$FAR" timeout -k 5 60 "$PYTHON" "$FORWARD_PEER" "$@"
}
# a target at an address whose packets go nowhere: not even a refusal comes
ip neigh add 10.77.0.9 lladdr 02:00:00:00:00:09 dev near
for state in idle busy connecting; do
	far_hold -L "$L:$LO:$PORT" -L "$L2:10.77.0.9:$PORT" -R "$R:$LO:1"
	check "$state: a session over a link" wait_for 20 listening "$R" ||
		diag_file "$T/hold"
	PEER=
	case $state in
	busy) far_peer starve "$L" f <&9 >"$T/far" 2>/dev/null 3>&- & PEER=$! ;;
	connecting) far_peer ask "$L2" e 9 >/dev/null 2>&1 3>&- & PEER=$! ;;
	esac
	[ -n "$PEER" ] && own "$PEER"
	opened=$(events forward.open | wc -l)
	[ "$state" = busy ] && wait_for 20 eval \
		"[ \$(events forward.open | wc -l) -gt 0 ]"
	if [ "$state" = connecting ]; then
		check "connecting: a target whose packets are lost" wait_for 20 \
			eval "grep -qi ' 09004D0A:.* 02 ' /proc/net/tcp"
		is "$(far_peer ask "$L" e 50000)" same \
			"connecting: delays nobody"
	fi
	ip link set near down
	check "$state: the server notices that the link is cut" \
		wait_for 60 eval '[ -z "$(children_of "$SERVER_PID")" ]'
	check "$state: by keepalives" event_seen disconnect '"reason":"'
	check "$state: no listener is left" wait_for 10 eval "! listening $R"
	[ -n "$PEER" ] && kill "$PEER" 2>/dev/null
	kill -KILL "$HOLD_PID"
	wait "$HOLD_PID" 2>/dev/null
	ip link set near up
	ip neigh replace 10.77.0.9 lladdr 02:00:00:00:00:09 dev near
done
far_hold -L "$L:$LO:$PORT" -R "$R:$LO:1"
check "mended, the next one is served" wait_for 20 listening "$R" ||
	diag_file "$T/hold"
unhold
done_testing
