#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The process that speaks with the control API for ssh-server: what it is and
# what it has, TLS and names from inside its sandbox, and how the login that
# it has no file of is renewed.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/control.sh"
need ssh ssh-keygen jq curl python3 pgrep

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
LOGIN=$ME
LOGIN_FILE=$T/device.json
STATE=$T/state
make_key id

start_control --tls-name localhost --access-lifetime 60 ||
	bail "no control-server"
control_login || bail "no login at the control-server"
printf '%s\n' "$CONTROL_PASSWORD" >"$T/password"
chmod 600 "$T/password"
# by name, so that one has to be looked up
API=https://localhost:${CONTROL_URL##*:}
mkdir "$T/private"
cp "$CONTROL_DIR"/*.crt "$T/private/ca" 2>/dev/null ||
	cp "$CONTROL_DIR"/*cert*.pem "$T/private/ca"
chmod 600 "$T/private/ca"
chmod 700 "$T/private"

oe() {
	run "$OMNIEDGE" "$@"
}

api POST /api/v2/virtual-networks \
	'{"name":"lab","ip_range":"100.64.9.0/24"}' >"$T/network"
NETWORK=$(field id "$(cat "$T/network")")
api POST /api/v2/security-keys '{"name":"k","type":1}' >"$T/made"
field key "$(cat "$T/made")" >"$T/securitykey"
chmod 600 "$T/securitykey"

# enrol FILE OPTION...: a login, a device, a member of the network.
enrol() {
	local file=$1
	shift
	oe login -u "$CONTROL_EMAIL" --password-file "$T/password" \
		--file "$file" --api "$API" "$@"
	status_is 0 "login ${1:-}"
	oe device register "robot-$SERVER_N" --hardware-id "000$SERVER_N" \
		--file "$file"
	oe device join lab --file "$file"
	status_is 0 "device join"
}

run_server() {
	start_server --api --api-login "$LOGIN_FILE" --api-state "$STATE" \
		--api-interval 1 --authorized-keys "$T/authorized_keys" "$@"
}
: >"$T/authorized_keys"

keeper() {
	pgrep -P "$SERVER_PID" -x api-keeper
}

courier() {
	local k
	k=$(keeper)
	[ -n "$k" ] && pgrep -P "$k" -x api-courier
}

# status FIELD: of the courier's /proc/PID/status.
status() {
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$(courier)/status"
}

says() {
	grep -aq "$1" "$SERVER_LOG"
}

N=0
# policy: give the API another one, and wait until the server has it.
policy() {
	local i rules=
	N=$((N + 1))
	for i in $(seq $N); do
		rules+="${rules:+,}{\"id\":\"r$i\",\"principals\":[{\"user_email\":
			\"$CONTROL_EMAIL\"}],\"ssh_users\":{\"$ME\":\"$ME\"},
			\"action\":{\"accept\":true}}"
	done
	control_login
	api PUT /api/ssh/v1/policy "{\"network_id\":\"$NETWORK\",\"policy\":
		{\"version\":1,\"updated_at\":\"2026-01-01T00:00:00Z\",
		\"rules\":[$rules]}}" >"$T/put"
	grep -q '^200' "$T/put" || diag_file "$T/put"
	EVENT_LIMIT=60 event_seen policy.change "\"$N rule" || {
		diag_file "$SERVER_LOG"
		return 1
	}
}

# --- what it is ----------------------------------------------------------------

enrol "$LOGIN_FILE" --pin "$CONTROL_PIN"
run_server || bail "no server"
check "a policy comes by TLS from a name, with a pin" policy
check "there is a courier" courier
is "$(status Seccomp)" 2 "in a system call filter"
is "$(status NoNewPrivs)" 1 "with no new privileges"
is "$(status CapEff)" 0000000000000000 "without capabilities"
like "$(tr '\0' ' ' <"/proc/$(courier)/cmdline")" '^omniedge __api-courier $' \
	"nothing on its command line"
if [ "$(id -u)" = 0 ]; then
	unlike "$(status Uid)" '^0|[[:space:]]0([[:space:]]|$)' \
		"of an account that is not root's"
	is "$(status Groups)" '' "in no groups"
	# shellcheck disable=SC2012 # names of links that the kernel made
	ls -l "/proc/$(courier)/fd" | sed -n 's/.*[0-9] -> //p' | sort -u \
		>"$T/fds"
	unlike "$(cat "$T/fds")" "hostkeys|device.json|securitykey|/policy" \
		"no file of the server's is open"
	like "$(cat "$T/fds")" "$STATE/events" "but the events"
	like "$(grep -h flags "/proc/$(courier)/fdinfo/$(
		find "/proc/$(courier)/fd" -lname "$STATE/events" -printf %f
	)")" '0$' "to read them"
	grep -aq OPENSSH "/proc/$(courier)/environ"
	unlike "$(tr '\0' '\n' <"/proc/$(courier)/environ")" 'OMNIEDGE|HOME=' \
		"and nothing of its environment"
else
	skip 6 "accounts and descriptors of the courier: needs root"
fi
is "$(find "$STATE" ! -type d -perm /077)" '' "its state is nobody else's"
is "$(stat -c %a "$STATE")" 700 "nor is the folder"

# --- how the login is renewed --------------------------------------------------

token() {
	jq -r .token "$1"
}
another_token() {
	[ "$(token "$LOGIN_FILE")" != "$1" ]
}
was=$(token "$LOGIN_FILE")
# a token that the API does not know: the next call gets 401
revoke() {
	jq --arg t "$1" ".$2 = \$t" "$LOGIN_FILE" >"$T/edited"
	chmod 600 "$T/edited"
	cp "$T/edited" "$LOGIN_FILE"
}
kill -KILL "$(courier)"
revoke "x.y.z" token
is "$(token "$LOGIN_FILE")" x.y.z "a token that has expired"
check "is renewed, and the file has the new one" wait_for 60 another_token x.y.z
check "and the policy comes" policy
unlike "$(cat "$SERVER_LOG")" 'renew the login|expired' "without a complaint"
is "$(stat -c %a "$LOGIN_FILE")" 600 "the file is nobody else's"

stop_server
run_server --api-key "$T/securitykey" || bail "no server"
check "a policy" policy
kill -KILL "$(courier)"
revoke x.y.z token
revoke "spent" refresh_token
check "a login that cannot be renewed begins anew by its security key" \
	wait_for 60 says 'logged in to the control API by security key'
check "the file has the token" wait_for 60 another_token x.y.z
check "and the policy comes" policy

# --- its end, and another ------------------------------------------------------

another_courier() {
	local now
	now=$(courier)
	[ -n "$now" ] && [ "$now" != "$1" ]
}
old=$(courier)
kill -KILL "$old"
check "a courier that was killed is started again" wait_for 60 \
	another_courier "$old"
check "and works" policy
old=$(courier)
oldkeeper=$(keeper)
kill -HUP "$SERVER_PID"
check "a reload has another" wait_for 60 another_courier "$old"
check "and ends the old" wait_for 60 eval "! alive $old && ! alive $oldkeeper"
check "which works" policy
gets_in_with_key() {
	control_login
	api POST /api/ssh/v1/keys \
		"{\"name\":\"k\",\"key\":\"$(cat "$T/id.pub")\"}" >"$T/key"
	wait_for 60 eval 'ossh "$ME@$LO" true 2>/dev/null'
}
check "and lets in" gets_in_with_key
old=$(courier)
stop_server
check "it ends with the server" wait_for 60 eval "! alive $old"

# --- certificates that only the server can read --------------------------------

LOGIN_FILE=$T/device2.json
STATE=$T/state2
enrol "$LOGIN_FILE" --ca-file "$T/private/ca"
run_server || bail "no server"
check "a policy comes by TLS that authorities vouch for" policy
stop_server
unlike "$(cat "$T"/server[0-9]*.log)" 'Sanitizer|runtime error' \
	"no complaint in the log"
done_testing
