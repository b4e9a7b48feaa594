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
done_testing
