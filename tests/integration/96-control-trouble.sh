#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# control-server: a disk that is full, and a PostgreSQL that goes and comes.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need curl python3
. "$OE_SRCDIR/tests/lib/control.sh"
"$OMNIEDGE" control-server --help >/dev/null 2>&1 ||
	skip_all "module control is not built"

devices=/api/v2/devices

# add NAME: one more device.
add() {
	api POST "$devices" "{\"name\":\"$1\",\"hardware_uuid\":\"$1\",
		\"platform\":\"linux\"}"
}

can_add() {
	add "$1" | grep -q '^200 '
}

# --- a full disk -------------------------------------------------------------

full_disk() {
	local n
	mkdir -p "$CONTROL_DIR"
	chmod 700 "$CONTROL_DIR"
	if [ "$(id -u)" != 0 ] || ! mount -t tmpfs -o size=8m,mode=700 tmpfs \
		"$CONTROL_DIR" 2>/dev/null; then
		skip "a full disk" "needs root and a mount namespace"
		return
	fi
	start_control || return
	control_login
	like "$(add before)" '^200 ' "a device, while there is room"
	# all that is left, to the last block
	dd if=/dev/zero of="$CONTROL_DIR/filler" bs=4096 2>/dev/null
	n=0
	while can_add "fill-$n" && [ "$n" -lt 25 ]; do
		api POST /api/ssh/v1/users "{\"name\":\"u$n\",
			\"email\":\"u$n@example.org\"}" >/dev/null
		n=$((n + 1))
	done
	like "$(add full)" '^(500|503) ' "a full disk refuses a write"
	like "$(api GET "$devices?per_page=100")" '^200 .*"before"' \
		"and what was written is read"
	unlike "$(cat "$T/api.body")" '"full"' "without what was refused"
	rm "$CONTROL_DIR/filler"
	check "with room again it writes" wait_for 60 can_add after
	stop_control
	start_control
	password_login "$CONTROL_PASSWORD"
	like "$(api GET "$devices?per_page=100")" '^200 .*"after"' \
		"and has it all after a restart"
	stop_control
	umount "$CONTROL_DIR"
}

full_disk

# --- PostgreSQL ends and begins ----------------------------------------------

pg=$T/pg
url=$("$OE_SRCDIR/tests/lib/postgres.sh" start "$pg" $$)
status=$?
if [ "$status" = 77 ]; then
	skip "PostgreSQL" "not installed, or root without its account"
	done_testing
	exit 0
fi
is "$status" 0 "a PostgreSQL of our own"
own "$(head -n 1 "$pg/data/postmaster.pid")"
CONTROL_DB=$url CONTROL_ONCE='' CONTROL_DIR=$T/control2
start_control || bail "no server on PostgreSQL"
control_login
like "$(add one)" '^200 ' "a device"
# Every connection of the server is cut, those at rest as well.
psql -q "$url" -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE application_name = 'omniedge'" >"$T/cut" 2>&1
is $? 0 "its connections are cut"
check "the next calls are served" wait_for 60 can_add two
like "$(api GET "$devices")" '^200 .*"two"' "reads as well"
# What another server tells is heard again: a login that it has ended.
OTHER=$CONTROL_HTTP
first=$TOKEN
"$OMNIEDGE" control-server --data-dir "$T/control3" --database "$url" \
	--listen "http://$LO:0" >"$T/second.events" 2>"$T/second.log" 3>&- &
SECOND=$!
own "$SECOND"
wait_for 60 eval "grep -q control.start '$T/second.events'"
password_login "$CONTROL_PASSWORD"
like "$(api GET /api/v2/profile)" '^200 ' "a login at one server"
CONTROL_HTTP=$(grep -o 'http://[0-9.:]*' "$T/second.log" | head -n 1)
like "$(api POST /api/v2/auth/logout)" '^200 ' "ended at another"
CONTROL_HTTP=$OTHER
is_out() {
	api GET /api/v2/profile | grep -q '^401 '
}
check "is ended at the first" wait_for 30 is_out
TOKEN=$first
like "$(api GET /api/v2/profile)" '^200 ' "and no other is"
stop "$SECOND"
stop_control
"$OE_SRCDIR/tests/lib/postgres.sh" stop "$pg"
done_testing
