#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may connect: the lists, the addresses that are listened on, and that
# the source is judged before a byte is sent.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

login_user n
make_key id
cat >"$T/greet.py" <<'PY'
# What a server says first to a peer from this address: its bytes, or EOF.
import socket, sys
host, port, source = sys.argv[1:]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_STREAM)
s.settimeout(10)
s.bind((source, 0))
s.connect((host, int(port)))
try:
    got = s.recv(4096)
except ConnectionResetError:
    got = b""
print(got.decode("latin-1").split("\r\n")[0] if got else "EOF without a byte")
PY
greet() {
	python3 "$T/greet.py" "$1" "$SERVER_PORT" "$2"
}
banner='^SSH-2\.0-'
nothing='EOF without a byte'

# --- the default list --------------------------------------------------------

# Only loopback is at hand: that it is in the list is seen by connecting, the
# rest of the list by --check-config of unit tests (test_cidr).
start_server -b 0.0.0.0 || bail "the server does not start"
like "$(greet "$LO" "$LO")" "$banner" "by default: 127.0.0.1"
like "$(greet "$LO" 127.9.9.9)" "$banner" "and 127.9.9.9"
gets_in "and a login"
stop_server

# --- --allow-network ---------------------------------------------------------

start_server --allow-network 127.0.1.0/24 --allow-network 127.0.2.2
like "$(greet "$LO" 127.0.1.7)" "$banner" "--allow-network: inside"
like "$(greet "$LO" 127.0.2.2)" "$banner" "a single address"
is "$(greet "$LO" 127.0.2.3)" "$nothing" "its neighbour"
is "$(greet "$LO" "$LO")" "$nothing" "it replaces the default list"
check "a refusal is an event with the reason" event_seen refused \
	'"src":"127.0.0.1".*"reason":"source"'
run ossh "$LOGIN@$LO" true
status_is 255 "a client of the wrong network"
run ossh -b 127.0.1.9 "$LOGIN@$LO" 'echo in'
is "$(cat "$OUT")" in "a client of the right one"
check "no connection event for those that were refused" eval \
	'! events connect | grep -q "\"src\":\"127.0.0.1\""'
stop_server

start_server --allow-network 0.0.0.0/0
like "$(greet "$LO" "$LO")" "$banner" "--allow-network 0.0.0.0/0"
stop_server
start_server --allow-network 10.0.0.0/8 -b "$LO"
is "$(greet "$LO" "$LO")" "$nothing" "a list without loopback"
stop_server

# --- --localhost-only, --permissive ------------------------------------------

start_server --localhost-only
gets_in "--localhost-only"
like "$(greet "$LO" 127.1.2.3)" "$banner" "all of 127.0.0.0/8"
stop_server
start_server --permissive
gets_in "--permissive"
like "$(cat "$SERVER_LOG")" 'permissive: connections from ANY address' \
	"it says so loudly"
stop_server

# --- clashes -----------------------------------------------------------------

for clash in "--permissive --localhost-only" \
	"--permissive --allow-network 10.0.0.0/8" \
	"--localhost-only --allow-network 10.0.0.0/8" \
	"--permissive --trust-network"; do
	# shellcheck disable=SC2086 # options
	run "$OMNIEDGE" ssh-server --host-key-path "$T/hostkeys" -p 1 $clash
	status_is 64 "$clash"
	for option in $clash; do
		[[ $option == --* ]] || continue
		like "$(cat "$ERR")" "$option" "the message names $option"
	done
done
printf '[ssh-server]\npermissive = yes\nlocalhost-only = yes\n' >"$T/clash.conf"
run "$OMNIEDGE" ssh-server --config "$T/clash.conf" --check-config
status_is 78 "a clash within the file"
like "$(cat "$OUT" "$ERR")" 'permissive.*localhost-only|localhost-only.*permissive' \
	"and the message names both"

# --- IPv6 --------------------------------------------------------------------

if python3 -c 'import socket
socket.socket(socket.AF_INET6).bind(("::1", 0))' 2>/dev/null; then
	start_server -b ::1
	like "$(greet ::1 ::1)" "$banner" "-b ::1"
	run ossh "$LOGIN@::1" 'echo "$SSH_CONNECTION"'
	like "$(cat "$OUT")" "^::1 [0-9]+ ::1 $SERVER_PORT\$" "a login by IPv6"
	run python3 "$T/greet.py" "$LO" "$SERVER_PORT" "$LO"
	check "not by IPv4" eval '[ "$STATUS" != 0 ]'
	stop_server

	start_server -b :: --allow-network 127.0.0.0/8 --allow-network ::1
	like "$(greet ::1 ::1)" "$banner" "-b ::"
	run python3 "$T/greet.py" "$LO" "$SERVER_PORT" "$LO"
	check "IPv4 is an address of its own" eval '[ "$STATUS" != 0 ]'
	stop_server

	# A socket of a service manager may take both: an IPv4 peer then has
	# an IPv4-mapped address.
	cat >"$T/dual.py" <<'PY'
import os, socket, sys
s = socket.socket(socket.AF_INET6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("::", int(sys.argv[1])))
s.listen(64)
if s.fileno() != 3:
    os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = "1"
os.execv(sys.argv[2], sys.argv[2:])
PY
	dual() {
		SERVER_LOG=$T/dual$1.log
		DAEMON_CONF='' start_listening SERVER "$SERVER_LOG" \
			python3 "$T/dual.py" @PORT@ "$OMNIEDGE" ssh-server \
			--host-key-path "$T/hostkeys" --log-format json \
			--no-strict-modes \
			--authorized-keys "$T/authorized_keys" \
			--allow-network "$2"
	}
	dual 1 127.0.0.0/8
	like "$(greet "$LO" "$LO")" "$banner" \
		"an IPv4-mapped peer is held against IPv4 networks"
	check "the event has the IPv4 address" event_seen connect \
		'"src":"127.0.0.1"'
	is "$(greet ::1 ::1)" "$nothing" "an IPv6 peer is not in them"
	gets_in "and a login by it"
	run ossh "$LOGIN@$LO" 'echo "$SSH_CLIENT"'
	like "$(cat "$OUT")" '^127\.0\.0\.1 ' "SSH_CLIENT has the IPv4 address"
	stop_server
	dual 2 ::/0
	like "$(greet ::1 ::1)" "$banner" "all of IPv6"
	is "$(greet "$LO" "$LO")" "$nothing" "an IPv4-mapped peer is not in it"
	stop_server
	dual 3 ::ffff:127.0.0.1
	like "$(greet "$LO" "$LO")" "$banner" "a mapped address in the list"
	stop_server
	start_server -b "$LO" -b ::1
	like "$(greet ::1 ::1)$(greet "$LO" "$LO")" 'SSH.*SSH' "two addresses"
	stop_server
	start_server -b 0.0.0.0 -b ::
	like "$(greet ::1 ::1)$(greet "$LO" "$LO")" 'SSH.*SSH' \
		"all of both families"
	stop_server
else
	skip "IPv6" "no IPv6 here"
fi

# --- --trust-network ---------------------------------------------------------

: >"$T/none"
start_server --trust-network --authorized-keys "$T/none"
gets_in "--trust-network: no key is needed" \
	-o PreferredAuthentications=none
like "$(cat "$SERVER_LOG")" 'WITHOUT any' "the log says so loudly"
check "an event tells the method" event_seen auth \
	'"method":"none","success":true'
run ossh "root@$LO" 'echo in'
is "$(cat "$OUT")" "" "never root"
run ossh "oe-nobody-here@$LO" 'echo in'
is "$(cat "$OUT")" "" "nobody who does not exist"
stop_server
if am_root; then
	start_server --trust-network --authorized-keys "$T/none" \
		--user-map ops:root
	run ossh "ops@$LO" 'echo in'
	is "$(cat "$OUT")" "" "not by a map to root either"
	stop_server
	cp "$T/id.pub" "$T/authorized_keys"
	start_server --user-map ops:root --user-map "op:$LOGIN" \
		--default-user "$LOGIN"
	run ossh "ops@$LO" 'id -u'
	is "$(cat "$OUT")" 0 "--user-map to root, by key"
	run ossh "op@$LO" 'id -un'
	is "$(cat "$OUT")" "$LOGIN" "--user-map"
	run ossh "whoever@$LO" 'id -un; echo "$USER $LOGNAME $HOME"'
	is "$(cat "$OUT")" "$LOGIN"$'\n'"$LOGIN $LOGIN $LOGIN_HOME" \
		"--default-user"
	stop_server
else
	cp "$T/id.pub" "$T/authorized_keys"
	start_server --user-map "op:$LOGIN"
	run ossh "op@$LO" 'id -un'
	is "$(cat "$OUT")" "$LOGIN" "--user-map to ourselves"
	stop_server
fi
start_server --trust-network --authorized-keys "$T/none" --allow-network 0.0.0.0/0
gets_in "a private address of a wide list may" \
	-o PreferredAuthentications=none
stop_server
done_testing
