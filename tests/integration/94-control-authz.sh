#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# control-server: who may call what: each operation of the OpenAPI document by
# each kind of caller.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need curl python3
. "$OE_SRCDIR/tests/lib/control.sh"
"$OMNIEDGE" control-server --help >/dev/null 2>&1 ||
	skip_all "module control is not built"
python3 -c 'import sqlite3' 2>/dev/null ||
	skip_all "python3 was built without sqlite3"

start_control || bail "no server"
while read -r verdict text; do
	case $verdict in
	ok) ok "$text" ;;
	*) not_ok "${text#ok }" ;;
	esac
done < <(timeout -k 5 270 python3 "$OE_SRCDIR/tests/lib/control_authz.py" \
	"$CONTROL_HTTP" "$CONTROL_EMAIL" "$CONTROL_ONCE" \
	"$CONTROL_DIR/control.db" "$OE_SRCDIR/doc/api/openapi.yaml" \
	2>"$T/authz.err" ||
	echo "not ok the whole table: $(tail -n 3 "$T/authz.err")")
stop_control
done_testing
