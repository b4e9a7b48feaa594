#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The client of a control API that lies: between it and the real one is a
# liar, and whatever that says, the client ends soon, says one clear line,
# stays small, and keeps what it had.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/control.sh"
. "$OE_SRCDIR/tests/lib/liar.sh"
need python3 jq curl openssl
python3 -c 'import cryptography' 2>/dev/null || skip_all "no python3-cryptography"
"$OMNIEDGE" control-server --help >/dev/null 2>&1 ||
	skip_all "module control is not built"
"$OMNIEDGE" login --help >/dev/null 2>&1 || skip_all "module mesh is not built"

start_control || bail "no control-server"
control_login || bail "no login at the control-server"
api POST /api/v2/security-keys '{"name":"k","type":1}' >"$T/made"
field key "$(cat "$T/made")" >"$T/key"
chmod 600 "$T/key"
network_of lab 100.64.9.0/24
LAB=$NETWORK
network_of other 100.64.8.0/24
OTHER=$NETWORK
DEVICE=$(device_of robot-1 "$LAB")
certificates

# home NAME: one that is logged in to the liar of that name, with its peers.
home() {
	start_liar "$1"
	mkdir -p "$T/$1.home/x"
	HOME=$T/$1.home/x run "$OMNIEDGE" login -s "$T/key" --api "$LIAR_API" \
		--ca-file "$T/good.pem"
	status_is 0 "a login by the liar $1"
	HOME=$T/$1.home/x run "$OMNIEDGE" peers
	like "$(cat "$OUT")" 'robot-1' "which tells the truth at first" ||
		diag_file "$ERR"
}

# lies NAME WHICH: the results of all, by the liar of that name.
lies() {
	timeout -k 5 280 python3 "$OE_SRCDIR/tests/lib/liar_client.py" \
		"$OMNIEDGE" "$T/$1" "$T/$1.home/x" "$T/key" "$OTHER" "$2" \
		>"$T/$2.tap" 2>"$T/$2.err" ||
		echo "not ok $2 lies ended: $(tail -n 3 "$T/$2.err")" \
			>>"$T/$2.tap"
}

results() {
	local verdict text
	while read -r verdict text; do
		case $verdict in
		ok) ok "$text" ;;
		*) not_ok "${text#ok }" ;;
		esac
	done <"$T/$1.tap"
}

# what was right once: the version is higher afterwards
home one
home two
old_documents one "$LAB"
api PUT "/api/ssh/v1/devices/$DEVICE/tags" \
	"{\"network_id\":\"$LAB\",\"tags\":[\"arm\"]}" >"$T/tags"
for name in one two; do
	HOME=$T/$name.home/x run "$OMNIEDGE" peers --refresh
	like "$(cat "$OUT")" 'robot-1 .*arm' "and knows of a change" ||
		diag_file "$T/tags"
done

lies two slow 3>&- &
SLOW=$!
lies one quick
results quick
wait "$SLOW"
results slow
stop_control
done_testing
