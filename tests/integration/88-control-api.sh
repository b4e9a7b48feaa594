#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# control-server: each call of the API, with roles, pages and shapes, on both
# stores; the OpenAPI document is held to the replies.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need curl python3 openssl ssh-keygen
. "$OE_SRCDIR/tests/lib/control.sh"
"$OMNIEDGE" control-server --help >/dev/null 2>&1 ||
	skip_all "module control is not built"

# The document is read with libraries that are not part of Python.
doc=
if python3 -c 'import jsonschema, yaml' 2>/dev/null; then
	doc=$OE_SRCDIR/doc/api/openapi.yaml
else
	skip "the OpenAPI document" "no python3-jsonschema and python3-yaml"
fi

# each_call STORE: the driver against the server that runs.
each_call() {
	local verdict text
	mkdir "$T/keys.$1"
	while read -r verdict text; do
		case $verdict in
		ok) ok "$1: $text" ;;
		*) not_ok "$1: ${text#ok }" ;;
		esac
	done < <(timeout -k 5 250 python3 \
		"$OE_SRCDIR/tests/lib/control_api.py" "$CONTROL_HTTP" \
		"$CONTROL_EMAIL" "$CONTROL_ONCE" "$T/keys.$1" ${doc:+"$doc"} \
		2>"$T/api.err.$1" ||
		echo "not ok all calls: $(tail -n 3 "$T/api.err.$1")")
}

start_control || bail "no server"
each_call sqlite
stop_control

pg=$T/pg
url=$("$OE_SRCDIR/tests/lib/postgres.sh" start "$pg" $$)
case $? in
0)
	own "$(head -n 1 "$pg/data/postmaster.pid")"
	CONTROL_DB=$url CONTROL_ONCE=''
	start_control || not_ok "a server on PostgreSQL"
	each_call postgresql
	stop_control
	"$OE_SRCDIR/tests/lib/postgres.sh" stop "$pg"
	;;
77) skip "PostgreSQL" "not installed, or root without its account" ;;
*) not_ok "a PostgreSQL of our own" ;;
esac
done_testing
