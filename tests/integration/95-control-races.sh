#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# control-server: calls at the same time, of which one may win, on both stores.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need curl python3
. "$OE_SRCDIR/tests/lib/control.sh"
"$OMNIEDGE" control-server --help >/dev/null 2>&1 ||
	skip_all "module control is not built"

rounds=${OE_LONG:+30}

# races STORE: the driver against the server that runs.
races() {
	local verdict text
	while read -r verdict text; do
		case $verdict in
		ok) ok "$1: $text" ;;
		*) not_ok "$1: ${text#ok }" ;;
		esac
	done < <(timeout -k 5 250 python3 "$OE_SRCDIR/tests/lib/control_races.py" \
		"$CONTROL_HTTP" "$CONTROL_EMAIL" "$CONTROL_ONCE" \
		"${rounds:-8}" 2>"$T/races.err" ||
		echo "not ok all races: $(tail -n 3 "$T/races.err")")
}

start_control || bail "no server"
races sqlite
stop_control

pg=$T/pg
url=$("$OE_SRCDIR/tests/lib/postgres.sh" start "$pg" $$)
case $? in
0)
	own "$(head -n 1 "$pg/data/postmaster.pid")"
	CONTROL_DB=$url CONTROL_ONCE=''
	start_control || not_ok "a server on PostgreSQL"
	races postgresql
	stop_control
	"$OE_SRCDIR/tests/lib/postgres.sh" stop "$pg"
	;;
77) skip "PostgreSQL" "not installed, or root without its account" ;;
*) not_ok "a PostgreSQL of our own" ;;
esac
done_testing
