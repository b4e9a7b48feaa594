#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# control-server: a fleet of devices, each with its own token, that send
# heartbeats; what was acknowledged is there after a kill.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need curl python3
. "$OE_SRCDIR/tests/lib/control.sh"
"$OMNIEDGE" control-server --help >/dev/null 2>&1 ||
	skip_all "module control is not built"

devices=500 beats=10
start_control || bail "no server"
control_login || bail "no login"
pid=$CONTROL_PID
# AddressSanitizer keeps what was freed: memory says nothing there.
is_sanitized && pid=0
while read -r verdict text; do
	case $verdict in
	ok) ok "$text" ;;
	*) not_ok "${text#ok }" ;;
	esac
done < <(timeout -k 5 250 python3 "$OE_SRCDIR/tests/lib/control_fleet.py" \
	"$CONTROL_HTTP" "$TOKEN" "$pid" "$devices" "$beats" \
	"$CONTROL_DIR/control.db" "$T/seen" \
	2>"$T/fleet.err" ||
	echo "not ok the fleet ended: $(tail -n 3 "$T/fleet.err")")
[ "$pid" != 0 ] ||
	diag "memory is looked at without AddressSanitizer"
size=$(du -ck "$CONTROL_DIR"/control.db* | tail -n 1 | cut -f 1)
[ "$size" -lt 20480 ]
is $? 0 "heartbeats do not pile up in the store ($size kB)"

# last_seen_of FILE: "NAME MILLISECONDS" of each device.
last_seen_of() {
	python3 -c 'import json, sys
for line in open(sys.argv[1]):
    print(*json.loads(line))' "$1"
}
last_seen_of "$T/seen" >"$T/before"
is "$(wc -l <"$T/before")" "$devices" "the server tells of all devices"
kill -KILL "$CONTROL_PID"
wait "$CONTROL_PID" 2>/dev/null
start_control || bail "no server after the kill"
control_login || bail "no login after the kill"
api GET '/api/v2/devices?per_page=1000' >/dev/null
python3 -c 'import calendar, json, sys, time
for d in sorted(json.load(sys.stdin)["data"]["data"], key=lambda d: d["name"]):
    t = d["last_seen"]
    s = calendar.timegm(time.strptime(t[:19], "%Y-%m-%dT%H:%M:%S"))
    print(d["name"], s * 1000 + int(t[20:23]))' <"$T/api.body" >"$T/after"
cmp "$T/before" "$T/after" >"$OUT" 2>&1
is $? 0 "a kill takes back no heartbeat"
stop_control
done_testing
