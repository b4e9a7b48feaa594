#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What may be forwarded through our server: by default, by its lists, by keys
# and certificates; every refusal has an event with its target.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/forward.sh"
need ssh ssh-keygen python3

targets "$T/targets" "$LO" "$T/target.sock" || bail "no target"
PORT=$(head -n 1 "$T/targets")
L=$(free_port) R=$(free_port)

# --- by default --------------------------------------------------------------

start_server || bail "no server"
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

# --- by the server's lists ---------------------------------------------------

# listens TEXT WANT [BIND:]PORT: -R of it is had (yes), or not (no).
listens() {
	local got=no
	hold -o ExitOnForwardFailure=yes -R "$3:$LO:$PORT"
	wait_for 20 eval "listening ${3##*:} || ! alive $HOLD_PID"
	listening "${3##*:}" && got=yes
	unhold
	none_left
	is "$got" "$2" "$1"
}
start_server --permit-open "127.0.0.0/8:$PORT" --permit-open "$T/target.sock" \
	--permit-open "*.localhost:$((PORT - 3))-$((PORT + 3))" \
	--permit-listen "localhost:$R"
is "$(stdio "$LO:$PORT")" 3 "--permit-open: a network and a port"
is "$(stdio "localhost:$PORT")" 3 "a name that resolves into it"
is "$(stdio "[::ffff:$LO]:$PORT")" 3 "an IPv4 address within an IPv6 one"
refused "$LO:$((PORT - 1))" "not permitted by --permit-open" "another port"
refused "10.255.0.1:$PORT" "not permitted by --permit-open" \
	"an address outside"
refused "[fd00::1]:$PORT" "not permitted by --permit-open" \
	"an IPv6 address outside"
is "$(sock "$T/target.sock")" 3 "a Unix socket that is named"
is "$(sock "$T/./target.sock")" "refused 1" "not by another path"
check "which an event says" event_seen forward.refused \
	'/\./target.sock".*"why":"not permitted by --permit-open'
listens "--permit-listen: what is named" yes "localhost:$R"
listens "another port" no "localhost:$L"
listens "another host" no "*:$R"
check "which an event says" event_seen forward.refused \
	"\"kind\":\"listen\",\"host\":\"\",\"port\":$R,.*--permit-listen"
stop_server

start_server --permit-open none --permit-listen none
refused "$LO:$PORT" "not permitted by --permit-open" "--permit-open none"
is "$(sock "$T/target.sock")" "refused 1" "nor a Unix socket"
listens "--permit-listen none" no "localhost:$R"
stop_server
start_server --permit-open any --permit-listen any
is "$(stdio "$LO:$PORT")" 3 "--permit-open any"
is "$(sock "$T/target.sock")" 3 "and any Unix socket"
refused "$LO:$SERVER_PORT" "the server's own SSH port" \
	"but our own port has to be named"
listens "--permit-listen any" yes "localhost:$R"
stop_server
# an address there speaks of where is bound, not of what is asked for
start_server --gateway-ports clientspecified --permit-listen "127.0.0.1:$R" \
	--permit-open "$LO:$PORT"
listens "--permit-listen of an address" yes "$LO:$R"
listens "is not all of them" no "*:$R"
listens "nor all by their own name" no "0.0.0.0:$R"
refused "$LO:$((PORT + 1))" "not permitted by --permit-open" "an address"
stop_server

# --- by the key --------------------------------------------------------------

# key_options OPTIONS: the server's only key has them.
key_options() {
	sed "s|^|$1 |" "$T/id.pub" >"$T/limited"
}
key_options "restrict,port-forwarding,permitopen=\"localhost:$PORT\""
start_server --authorized-keys "$T/limited" --permit-open "any" \
	--permit-listen "localhost:1024-65535"
is "$(stdio "localhost:$PORT")" 3 "permitopen of a key"
refused "$LO:$PORT" "not permitted by the key" "not by its address"
is "$(sock "$T/target.sock")" "refused 1" "nor a Unix socket"
listens "permitopen says nothing about listening" yes "localhost:$R"
key_options "permitopen=\"*:$((PORT + 1))\",permitopen=\"$LO:*\""
is "$(stdio "$LO:$PORT")" 3 "one of two, with a wildcard"
refused "localhost:$PORT" "not permitted by the key" "the other"
key_options "permitlisten=\"localhost:$R\""
listens "permitlisten of a key" yes "localhost:$R"
listens "another port" no "localhost:$L"
is "$(stdio "$LO:$PORT")" 3 "and says nothing about connections"
key_options "permitlisten=\"80\",permitlisten=\"$L\""
listens "both lists have to agree" yes "localhost:$L"
listens "both lists have to agree" no "*:$L"
for options in restrict no-port-forwarding restrict,pty; do
	key_options "$options"
	refused "$LO:$PORT" "not permitted by the key" "$options"
	listens "$options: nor listening" no "localhost:$R"
done
key_options "permitopen=\"localhost:$SERVER_PORT\""
refused "localhost:$SERVER_PORT" "the server's own SSH port" \
	"a key does not open what is protected"
stop_server

# --- by the certificate --------------------------------------------------------

make_key ca
sign() {
	ssh-keygen -q -s "$T/ca" -I test -n "$ME" -V -5m:+5m "$@" "$T/id.pub"
}
start_server --trusted-ca "$T/ca.pub" --permit-open "$LO:$PORT"
sign
is "$(stdio "$LO:$PORT")" 3 "a certificate that permits it"
refused "$LO:$((PORT + 1))" "not permitted by --permit-open" \
	"but not what the server does not"
listens "and listening" yes "localhost:$R"
for options in clear no-port-forwarding; do
	sign -O "$options"
	refused "$LO:$PORT" "not permitted by the key" "-O $options"
	listens "-O $options: nor listening" no "localhost:$R"
done
sign -O clear -O permit-port-forwarding
is "$(stdio "$LO:$PORT")" 3 "-O permit-port-forwarding alone"
rm "$T/id-cert.pub"
stop_server

# --- by --allow-forwarding -----------------------------------------------------

for way in no remote local; do
	start_server --allow-forwarding "$way"
	if [ "$way" = local ]; then
		is "$(stdio "localhost:$PORT")" 3 "--allow-forwarding local"
	else
		refused "localhost:$PORT" "not allowed by --allow-forwarding" \
			"--allow-forwarding $way"
	fi
	[ "$way" = remote ] && may=yes || may=no
	listens "--allow-forwarding $way: listening" "$may" "localhost:$R"
	stop_server
done

# --- as whom -------------------------------------------------------------------

if am_root; then
	make_user f || bail "no user"
	allow_key "$USER_NAME" "$USER_HOME" "$T/id.pub"
	chmod 755 "$T"
	printf '%s' "$(id -u "$USER_NAME")" >"$T/uid"
	SERVER_ENV=()
	start_server --authorized-keys .ssh/authorized_keys
	LOGIN=$USER_NAME
	chmod 600 "$T/target.sock"
	is "$(sock "$T/target.sock")" "refused 1" \
		"a Unix socket of somebody else"
	check "by the kernel" event_seen forward.refused \
		'target.sock".*"why":"connect: Permission denied'
	ln -s "$T/target.sock" "$USER_HOME/link.sock"
	is "$(sock "$USER_HOME/link.sock")" "refused 1" "nor by a link to it"
	chmod 666 "$T/target.sock"
	is "$(sock "$USER_HOME/link.sock")" 3 "one that everybody may use"
	listens "a port below 1024" no "localhost:993"
	check "is for root only" event_seen forward.refused \
		'"port":993,.*"why":"a port that only root may listen on'
	hold -R "$R:$LO:$PORT"
	held_up "$R"
	p=$(forwarder_pids)
	is "$(awk '$1 == "Uid:" || $1 == "Gid:" { print $2, $3, $4, $5 }' \
		"/proc/$p/status" | tr ' ' '\n' | sort -u | wc -l)" \
		"$([ "$(id -u "$LOGIN")" = "$(id -g "$LOGIN")" ] && echo 1 ||
			echo 2)" "the forwarder is the user, in every way"
	is "$(awk '$1 == "Uid:" { print $2 }' "/proc/$p/status")" \
		"$(id -u "$LOGIN")" "the one that logged in"
	is "$(awk '$1 == "Groups:" { $1 = ""; print }' "/proc/$p/status" |
		tr ' ' '\n' | grep -v '^$' | sort | paste -sd ' ')" \
		"$(id -G "$LOGIN" | tr ' ' '\n' | sort | paste -sd ' ')" \
		"with the user's groups"
	is "$(awk '/^Cap[EPIA]/ { print $2 }' "/proc/$p/status" |
		sort -u)" 0000000000000000 "without capabilities"
	is "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$p/status")" 1 \
		"and none to be had"
	check "its memory and descriptors are not the user's to look at" \
		as_user "$LOGIN" sh -c "! ls /proc/$p/fd && ! cat /proc/$p/maps"
	is "$(find "/proc/$p/fd" -mindepth 1 -printf '%f %l\n' |
		grep -c ' socket:')" 3 "it has its socket and the listeners"
	is "$(readlink "/proc/$p/fd/1")" /dev/null "and not where events go"
	unhold
	stop_server
	LOGIN=$ME
else
	skip "as whom" "another user needs root"
fi
done_testing
