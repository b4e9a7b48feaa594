#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# control-server: kill -9 in the middle of writes loses nothing that was
# acknowledged; a copy made while it writes is whole.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need curl python3
. "$OE_SRCDIR/tests/lib/control.sh"
"$OMNIEDGE" control-server --help >/dev/null 2>&1 ||
	skip_all "module control is not built"

# kills ROUNDS CRASH [OPTION...]: of a new store that these options name.
kills() {
	local verdict text once rounds=$1 crash=$2
	shift 2
	once=$("$OMNIEDGE" control-server init --data-dir "$CONTROL_DIR" "$@" \
		--email "$CONTROL_EMAIL" 2>"$T/init" |
		sed -n 's/^one-time password: //p')
	[ -n "$once" ]
	is $? 0 "a store" || diag_file "$T/init"
	while read -r verdict text; do
		case $verdict in
		ok) ok "$text" ;;
		*) not_ok "${text#ok }" ;;
		esac
	done < <(timeout -k 5 250 python3 \
		"$OE_SRCDIR/tests/lib/control_kill.py" "$rounds" "$T" \
		"$CONTROL_EMAIL" "$once" "$crash" \
		"$OMNIEDGE" control-server --data-dir "$CONTROL_DIR" \
		--listen "http://$LO:0" "$@" 2>"$T/kill.err" ||
		echo "not ok the test of kills ended: $(tail -n 3 "$T/kill.err")")
}

# --- PostgreSQL: the server is killed, and so is its database -----------------

pg=$T/pg
url=$("$OE_SRCDIR/tests/lib/postgres.sh" start "$pg" $$)
case $? in
0)
	kills 12 "$OE_SRCDIR/tests/lib/postgres.sh crash $pg" --database "$url"
	"$OE_SRCDIR/tests/lib/postgres.sh" stop "$pg"
	rm -rf "$CONTROL_DIR"
	;;
77) skip "PostgreSQL" "not installed, or root without its account" ;;
*) not_ok "a PostgreSQL of our own" ;;
esac

# --- SQLite ------------------------------------------------------------------

kills "$((${OE_LONG:+10*}100))" ''

# --- backup and restore ------------------------------------------------------

CONTROL_ONCE=none CONTROL_PASSWORD='correct horse battery'
start_control || bail "no server"
control_login
is $? 0 "the password of before the kills"
backup() {
	run "$OMNIEDGE" control-server --data-dir "$CONTROL_DIR" "$@"
}
backup backup "$T/copy.db"
status_is 0 "backup beside a running server"
is "$(stat -c %a "$T/copy.db")" 600 "which others cannot read"
backup backup "$T/copy.db"
is "$STATUS" 1 "not over a file that is there"
like "$(cat "$ERR")" 'is there already' "and why"
backup restore "$T/copy.db"
is "$STATUS" 1 "nor a restore over a store"
mv "$CONTROL_DIR/control.db" "$T/away.db"
backup restore "$T/copy.db"
is "$STATUS" 1 "nor beside the last writes of one that a server has open"
like "$(cat "$ERR")" 'control.db-(wal|shm).* stop its server' "and why"
[ -e "$CONTROL_DIR/control.db" ]
is $? 1 "and nothing is made"
mv "$T/away.db" "$CONTROL_DIR/control.db"
net=$(field id "$(api GET /api/v2/virtual-networks)")
before=$(api GET "/api/ssh/v1/directory?network_id=$net" |
	grep -oE '"version\\":[0-9]+' | grep -oE '[0-9]+')
stop_control
mv "$CONTROL_DIR/control.db" "$T/old.db"
rm -f "$CONTROL_DIR"/control.db-*
head -c 20000 "$T/copy.db" >"$T/cut.db"
backup restore "$T/cut.db"
is "$STATUS" 1 "a copy that is cut is refused"
[ -e "$CONTROL_DIR/control.db" ]
is $? 1 "and nothing is made of it"
backup restore "$T/copy.db"
status_is 0 "restore"
is "$(stat -c %a "$CONTROL_DIR/control.db")" 600 "which others cannot read"
start_control || bail "no server after the restore"
like "$(api GET /api/v2/profile)" '^401 ' "tokens of before are no good"
control_login
is $? 0 "the password is"
after=$(api GET "/api/ssh/v1/directory?network_id=$net" |
	grep -oE '"version\\":[0-9]+' | grep -oE '[0-9]+')
[ "${after:-0}" -gt "${before:-0}" ]
is $? 0 "versions grow, so that devices take the documents ($before, $after)"
stop_control
run "$OMNIEDGE" control-server backup "$T/x.db" \
	--data-dir "$CONTROL_DIR" --database 'postgres://nowhere/x'
is "$STATUS" 1 "no backup of PostgreSQL"
like "$(cat "$ERR")" pg_dump "but a word about pg_dump"
for bad in 'backup' 'restore' 'init x' 'migrate x' 'backup a --email a@b.c'; do
	# shellcheck disable=SC2086
	run "$OMNIEDGE" control-server $bad --data-dir "$CONTROL_DIR"
	is "$STATUS" 64 "refused: $bad"
done
done_testing
