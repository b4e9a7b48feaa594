#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ssh-server under the policy of a control-server: who gets in, what a change
# of policy or of the directory does, and what the server does while the API
# is away, lies, or gives orders.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/control.sh"
need ssh ssh-keygen jq curl python3 pgrep

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
LOGIN=$ME
LOGIN_FILE=$T/device.json
STATE=$T/state
make_key id
make_key other

# an address that it has again when it is back
API_PORT=$(free_port)
API=http://$LO:$API_PORT
start_control --listen "$API" || bail "no control-server"
control_login || bail "no login at the control-server"
printf '%s\n' "$CONTROL_PASSWORD" >"$T/password"
chmod 600 "$T/password"

oe() {
	run "$OMNIEDGE" "$@"
}

oe login -u "$CONTROL_EMAIL" --password-file "$T/password" \
	--file "$LOGIN_FILE" --api "$API"
status_is 0 "the device's login"
run "$OMNIEDGE" ssh-server --check-config --api --api-login "$LOGIN_FILE"
status_is 78 "a machine that is not registered does not start"
oe device register robot-1 --hardware-id 0001 --file "$LOGIN_FILE"
status_is 0 "device register"
DEVICE=$(cat "$OUT")
api POST /api/v2/virtual-networks \
	'{"name":"lab","ip_range":"100.64.9.0/24"}' >"$T/network"
NETWORK=$(field id "$(cat "$T/network")")
oe device join lab --file "$LOGIN_FILE"
status_is 0 "device join"
run "$OMNIEDGE" ssh-server --check-config --api --api-login "$LOGIN_FILE" \
	--policy "$T/x"
status_is 64 "not together with --policy"

# document RULE...: a policy of these rules, on standard output.
document() {
	local IFS=,
	printf '{"version":1,"updated_at":"2026-01-01T00:00:00Z","rules":[%s]}' \
		"$*"
}

# rule ID PRINCIPALS ACTION: one rule for $ME.
rule() {
	printf '{"id":"%s","principals":[%s],"ssh_users":{"%s":"%s"},' \
		"$1" "$2" "$ME" "$ME"
	printf '"action":{%s}}' "$3"
}

# policy RULE...: give the API a new one.
policy() {
	api PUT /api/ssh/v1/policy "{\"network_id\":\"$NETWORK\",
		\"policy\":$(document "$@")}" >"$T/put"
	grep -q '^200' "$T/put" || diag_file "$T/put"
}

# now TEXT RULE...: the same, and wait until it is in force.
changes() {
	events policy.change | wc -l
}

more_changes() {
	[ "$(changes)" -gt "$1" ]
}

in_force() {
	local before
	before=$(changes)
	policy "$@"
	wait_for 60 more_changes "$before" || diag "the policy was not taken"
}

# hold COMMAND: a session in the background; sets HOLD_PID.
hold() {
	: >"$T/hold" # the last one was here as well
	SSH_SAYS=INFO ossh -o ServerAliveInterval=0 "$ME@$LO" "$1" \
		>"$T/hold" 2>&1 3>&- &
	HOLD_PID=$!
	own "$HOLD_PID"
	wait_for 20 grep -q here "$T/hold" || diag_file "$T/hold"
}

# ended REGEX TEXT: the held session ends, and is told why.
ended() {
	check "$2" wait_for 60 eval "! alive $HOLD_PID"
	like "$(cat "$T/hold")" "$1" "$2: and is told"
	wait "$HOLD_PID" 2>/dev/null
}

: >"$T/authorized_keys"
run_server() {
	start_server --api --api-login "$LOGIN_FILE" --api-state "$STATE" \
		--api-interval 1 --authorized-keys "$T/authorized_keys" "$@"
}

# --- who ---------------------------------------------------------------------

policy "$(rule mail "{\"user_email\":\"$CONTROL_EMAIL\"}" '"accept":true')"
run_server || bail "no server"
check "the policy is fetched" wait_for 60 event_seen policy.change '"1 rule"'
kept_out "a key that nobody registered"
before=$(changes)
api POST /api/ssh/v1/keys "{\"name\":\"k\",\"key\":\"$(cat "$T/id.pub")\"}" \
	>"$T/key"
KEY=$(field id "$(cat "$T/key")")
check "the directory changes" wait_for 60 more_changes "$before"
gets_in "a registered key, in no other file"
SSH_KEY=$T/other kept_out "and no other"
api POST /api/ssh/v1/certificates "{\"network_id\":\"$NETWORK\",
	\"key\":\"$(cat "$T/other.pub")\"}" >"$T/cert"
field certificate "$(cat "$T/cert")" >"$T/other-cert.pub"
SSH_KEY=$T/other gets_in "a certificate of the network's authority" \
	-o CertificateFile="$T/other-cert.pub"
HOST_KEY=$(ssh-keygen -yf "$T/hostkeys/ssh_host_ed25519_key" | cut -d' ' -f2)
has_host_key() {
	api GET "/api/ssh/v1/networks/$NETWORK/host-keys" |
		grep -qF "${HOST_KEY:?}"
}
check "the host keys are registered" wait_for 60 has_host_key

has_port() {
	curl -sS -H "Authorization: Bearer $TOKEN" \
		"$API/api/ssh/v1/directory?network_id=$NETWORK" |
		jq -r .payload | jq -e ".devices[0].ssh_port == $SERVER_PORT"
}
check "and its port, for peers to go to" has_port

# --- changes -----------------------------------------------------------------

hold 'echo here; sleep 300'
in_force "$(rule none '{"user_email":"nobody@example.org"}' '"accept":true')"
ended 'no longer permits' "a session whose rule is gone"
in_force "$(rule mail "{\"user_email\":\"$CONTROL_EMAIL\"}" '"accept":true')"
hold 'echo here; sleep 300'
api DELETE "/api/ssh/v1/keys/$KEY" >"$T/deleted"
ended 'no longer permits' "a session whose key is registered no more"
SSH_KEY=$T/other kept_out "nor does a certificate let in of before that" \
	-o CertificateFile="$T/other-cert.pub"
api POST /api/ssh/v1/certificates "{\"network_id\":\"$NETWORK\",
	\"key\":\"$(cat "$T/other.pub")\"}" >"$T/cert"
field certificate "$(cat "$T/cert")" >"$T/other-cert.pub"
SSH_KEY=$T/other gets_in "but one of after it does" \
	-o CertificateFile="$T/other-cert.pub"
api POST /api/ssh/v1/keys "{\"name\":\"k\",\"key\":\"$(cat "$T/id.pub")\"}" \
	>"$T/key"
wait_for 60 eval 'ossh "$ME@$LO" true 2>/dev/null'

# --- orders ------------------------------------------------------------------

hold 'echo here; sleep 300'
CONN=$(events session.start | tail -n1 | jq -r .conn)
# the one that is held: others may be told as live a little longer
live() {
	api GET "/api/ssh/v1/sessions?network_id=$NETWORK" >"$T/live"
	grep -q "\"conn\":\"${CONN:?}\"" "$T/live"
}
check "the session is shown by the API" wait_for 60 live
SESSION=$(jq -r --arg c "$CONN" '.. | objects | select(.conn == $c) | .id' \
	"$T/live")
api POST "/api/ssh/v1/sessions/$SESSION/kill" '{"reason":"test"}' >"$T/kill"
ended 'an administrator has ended' "a session that is ordered to end"
check "event disconnect" event_seen disconnect '"reason":"order"'
no_orders() {
	[ "$(api GET "/api/ssh/v1/devices/$DEVICE/orders" | grep -c ord)" = 0 ]
}
check "the order is acknowledged" wait_for 60 no_orders

# --- the API is away, and lies -----------------------------------------------

says() {
	grep -aq "$1" "$SERVER_LOG"
}

# documents that were signed once, and are old by now
curl -sS -H "Authorization: Bearer $TOKEN" \
	"$API/api/ssh/v1/policy?network_id=$NETWORK" >"$T/old"
curl -sS -H "Authorization: Bearer $TOKEN" \
	"$API/api/ssh/v1/directory?network_id=$NETWORK" >"$T/old.directory"
in_force "$(rule none '{"user_email":"nobody@example.org"}' '"accept":true')"
in_force "$(rule mail "{\"user_email\":\"$CONTROL_EMAIL\"}" '"accept":true')" \
	"$(rule more '{"user_email":"nobody@example.org"}' '"accept":true')"
hold 'echo here; sleep 300'
stop_control
gets_in "what it said last holds"
check "that the API is away is told" wait_for 60 says 'events: they wait on disk'
before=$(changes)
start_liar() {
	python3 "$OE_SRCDIR/tests/lib/lying_api.py" "$LO" "$API_PORT" \
		"$T/mode" "$T/old" "http://$LO:1/" >"$T/lies" 2>&1 3>&- &
	LIAR=$!
	own "$LIAR"
	wait_for 30 listening "$API_PORT"
}
told() {
	[ "$(grep -c "^$1\$" "$T/lies")" -ge 3 ]
}
echo forged >"$T/mode"
start_liar || bail "no liar"
for lie in forged old other cut big redirect broken; do
	echo "$lie" >"$T/mode"
	check "a reply that is $lie" wait_for 60 told "$lie"
done
check "refused, loudly" says 'REFUSED'
check "a rolled-back one by its version" says 'policy: .*REFUSED: .*version'
check "the signature is looked at" says 'directory: .*REFUSED: its signature'
unlike "$(cat "$SERVER_LOG")" 'has ended: it is started again' \
	"the keeper survives all of it"
is "$(changes)" "$before" "nothing of it is in force"
gets_in "and what was before holds"
check "for sessions, too" alive "$HOLD_PID"
echo slow >"$T/mode"
check "an API that does not answer" wait_for 60 grep -q slow "$T/lies"
gets_in "does not hold up a login"
kill "$LIAR"
wait "$LIAR" 2>/dev/null

# --- a keeper and a server that are killed -----------------------------------

keeper() {
	pgrep -P "$SERVER_PID" -x api-keeper
}
another_keeper() {
	local now
	now=$(keeper)
	[ -n "$now" ] && [ "$now" != "$1" ]
}
old=$(keeper)
kill -KILL "$old"
check "a keeper that was killed is started again" wait_for 60 \
	another_keeper "$old"
stop "$HOLD_PID"
run ossh "$ME@$LO" 'echo kept'
orphan=$(keeper)
kill -KILL "$SERVER_PID"
wait "$SERVER_PID" 2>/dev/null
check "which ends with its server" wait_for 30 eval "! alive ${orphan:-1}"
run_server || bail "no server without its API"
gets_in "a start without the API, from what is on disk"

# --- it is back --------------------------------------------------------------

start_control --listen "$API" || bail "the control-server does not come back"
control_login || bail "no login"
connects() {
	cat "$T"/server[0-9]*.log | grep -a '^{' | grep -acF '"event":"connect"'
}
arrived() {
	local page=1
	: >"$T/arrived"
	while :; do
		api GET "/api/ssh/v1/events?network_id=$NETWORK&name=connect&page=$page&per_page=100" \
			>"$T/page"
		sed 's/^[0-9]* //' "$T/page" | jq -r \
			'(.data.data? // .data)[] | (.body? // .) | .conn' \
			>"$T/conns" 2>/dev/null || return 1
		[ -s "$T/conns" ] || break
		cat "$T/conns" >>"$T/arrived"
		page=$((page + 1))
	done
	[ "$(wc -l <"$T/arrived")" -ge "$(connects)" ]
}
check "all events arrive" wait_for 60 arrived
is "$(sort "$T/arrived" | uniq -d | wc -l)" 0 "none of them twice"
is "$(wc -l <"$T/arrived")" "$(connects)" "nor one more"
in_force "$(rule back "{\"user_email\":\"$CONTROL_EMAIL\"}" '"accept":true')"
gets_in "and policy is as it says again"

# --- too old -----------------------------------------------------------------

stop_server
stop_control
run_server --policy-max-age 2 || bail "no server"
check "a policy that is too old permits nothing" wait_for 60 event_seen \
	policy.change 'none: the control API has been away'
kept_out "nobody gets in then"
stop_server

# --- no room -----------------------------------------------------------------

for _ in $(seq 400); do
	printf '\n{"v":1,"event":"x","filler":"%0200d"}\n' 0
done >>"$STATE/events"
run_server --api-spool 64K || bail "no server"
run ossh "$ME@$LO" true
is "$STATUS" 255 "with too many events that wait, nobody is let in"
check "which is told" says 'NO connections are taken'
check "with an event" event_seen refused '"reason":"spool"'
stop_server
unlike "$(cat "$T"/server[0-9]*.log)" 'Sanitizer|runtime error' \
	"no complaint in the log"
done_testing
