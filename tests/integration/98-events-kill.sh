#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Events of ssh-server while control-server and the processes that speak with it
# are killed again and again: each arrives, once.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/control.sh"
need ssh ssh-keygen jq curl python3

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
LOGIN=$ME
STATE=$T/state
CONTROL_PORT=$(free_port)
make_key id
start_control --listen "http://$LO:$CONTROL_PORT" || bail "no control-server"
control_login || bail "no login at the control-server"
# it is started again at the same address
CONTROL_HTTP=http://$LO:$CONTROL_PORT
printf '%s\n' "$CONTROL_PASSWORD" >"$T/password"
chmod 600 "$T/password"
api POST /api/v2/virtual-networks \
	'{"name":"lab","ip_range":"100.64.9.0/24"}' >"$T/network"
NETWORK=$(field id "$(cat "$T/network")")
on_device() {
	run "$OMNIEDGE" "$@" --file "$T/device.json"
	[ "$STATUS" = 0 ] || diag_file "$ERR"
}
on_device login -u "$CONTROL_EMAIL" --password-file "$T/password" \
	--api "$CONTROL_HTTP"
status_is 0 "the device's login"
on_device device register robot-1 --hardware-id 0001
on_device device join lab
api POST /api/ssh/v1/keys "{\"name\":\"k\",\"key\":\"$(cat "$T/id.pub")\"}" \
	>"$T/key"

# policy ID: this user may get in, by a rule of that id.
policy() {
	api PUT /api/ssh/v1/policy "{\"network_id\":\"$NETWORK\",\"policy\":
		{\"version\":1,\"updated_at\":\"2026-01-01T00:00:00Z\",
		\"rules\":[{\"id\":\"$1\",
		\"principals\":[{\"user_email\":\"$CONTROL_EMAIL\"}],
		\"ssh_users\":{\"$ME\":\"$ME\"},\"action\":{\"accept\":true}}]}}" \
		>"$T/put"
	grep -q '^200' "$T/put" || diag_file "$T/put"
}
: >"$T/authorized_keys"
run_server() {
	start_server --api --api-login "$T/device.json" --api-state "$STATE" \
		--api-interval 1 --authorized-keys "$T/authorized_keys" "$@"
}

policy first
run_server || bail "no server"
wait_for 60 eval 'ossh "$ME@$LO" true 2>/dev/null'
python3 - "$STATE/events" >"$T/written" 3>&- <<-'PY' &
	import os, sys, time
	fd = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
	for n in range(1, 3001):
	    os.write(fd, b'\n{"v":1,"event":"spooled","conn":"n%d"}\n' % n)
	    if n % 10 == 0:
	        time.sleep(0.02)
	print(n)
PY
WRITER=$!
own "$WRITER"
kills=0
while alive "$WRITER" || [ "$kills" -lt 10 ]; do
	kills=$((kills + 1))
	kill -KILL "$CONTROL_PID"
	wait "$CONTROL_PID" 2>/dev/null
	if [ $((kills % 3)) = 0 ]; then
		for p in $(children_of "$SERVER_PID"); do
			kill -KILL "$p" 2>/dev/null
		done
	fi
	start_control --listen "http://$LO:$CONTROL_PORT" || bail "no control"
	CONTROL_HTTP=http://$LO:$CONTROL_PORT
	# so that some get through
	sleep "0.$((RANDOM % 10))"
done
spooled() {
	local after=0 last
	: >"$T/spooled"
	while :; do
		api GET "/api/ssh/v1/events?network_id=$NETWORK&name=spooled&per_page=1000&after=$after" |
			sed 's/^[0-9]* //' >"$T/page"
		jq -r '.data.data[] | (.body? // .) | .conn' "$T/page" \
			>>"$T/spooled" || return 1
		last=$(jq -r '.data.data[-1].seq // empty' "$T/page")
		[ -n "$last" ] || break
		after=$last
	done
	[ "$(sort -u "$T/spooled" | wc -l)" -ge 3000 ]
}
check "3000 events arrive through $kills kills" wait_for 100 spooled
is "$(sort "$T/spooled" | uniq -d | wc -l)" 0 "none twice"
is "$(wc -l <"$T/spooled")" 3000 "nor one more"
stop_server
stop_control
unlike "$(cat "$T"/server[0-9]*.log "$T/control.log")" \
	'Sanitizer|runtime error' "no complaint in the logs"
done_testing
