# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# control.sh - a control-server of a test's own; source it after lib.sh.
#
#	start_control [OPTION...]	sets CONTROL_URL (https), CONTROL_HTTP
#					(plain), CONTROL_PIN, CONTROL_PID
#	control_login			sets TOKEN and REFRESH of the
#					administrator, whose one-time password
#					has been changed to $CONTROL_PASSWORD
#	api METHOD PATH [JSON]		"STATUS BODY" on stdout, with $TOKEN
#	field NAME [TEXT]		a text or number out of JSON
#	stop_control

# shellcheck disable=SC2034 # for the tests
CONTROL_DIR=$T/control CONTROL_EMAIL=admin@example.org
CONTROL_PASSWORD='correct horse battery' CONTROL_ONCE='' TOKEN='' REFRESH=''

start_control() {
	local init
	if [ -z "$CONTROL_ONCE" ]; then
		init=$("$OMNIEDGE" control-server init \
			--data-dir "$CONTROL_DIR" \
			${CONTROL_DB:+--database "$CONTROL_DB"} \
			--email "$CONTROL_EMAIL" 2>"$T/control.init") || {
			diag_file "$T/control.init"
			return 1
		}
		CONTROL_ONCE=$(sed -n 's/^one-time password: //p' <<<"$init")
	fi
	: >"$T/control.events"
	"$OMNIEDGE" control-server --data-dir "$CONTROL_DIR" \
		${CONTROL_DB:+--database "$CONTROL_DB"} \
		--listen "$LO:0" --listen "http://$LO:0" "$@" \
		>"$T/control.events" 2>"$T/control.log" 3>&- &
	CONTROL_PID=$!
	own "$CONTROL_PID"
	wait_for 60 eval "grep -q control.start '$T/control.events' ||
		! alive $CONTROL_PID"
	CONTROL_URL=$(grep -o 'https://[0-9.:]*' "$T/control.log" | head -n 1)
	CONTROL_HTTP=$(grep -o 'http://[0-9.:]*' "$T/control.log" | head -n 1)
	CONTROL_PIN=$(grep -o 'sha256//.*' "$T/control.log" | head -n 1)
	[ -n "$CONTROL_HTTP" ] && alive "$CONTROL_PID" && return
	diag_file "$T/control.log"
	return 1
}

stop_control() {
	stop "$CONTROL_PID"
}

api() {
	local method=$1 path=$2
	shift 2
	curl -sS -m 60 -X "$method" -o "$T/api.body" -w '%{http_code} ' \
		${TOKEN:+-H "Authorization: Bearer $TOKEN"} \
		${1+-H 'Content-Type: application/json' --data-binary "$1"} \
		"$CONTROL_HTTP$path" 2>"$T/api.err" || cat "$T/api.err"
	cat "$T/api.body"
}

# field NAME [TEXT]: the first member of that name, whatever it is in.
field() {
	grep -oE "\"$1\":(\"[^\"]*\"|[0-9]+|true|false|null)" \
		<<<"${2-$(cat "$T/api.body")}" | head -n 1 |
		sed 's/^"[^"]*"://; s/^"//; s/"$//'
}

# password_login PASSWORD: sets TOKEN and REFRESH.
password_login() {
	TOKEN=
	api POST /api/v2/auth/login/password \
		"{\"email\":\"$CONTROL_EMAIL\",\"password\":\"$1\"}" \
		>"$T/login"
	TOKEN=$(field token "$(cat "$T/login")")
	REFRESH=$(field refresh_token "$(cat "$T/login")")
	[ -n "$TOKEN" ]
}

control_login() {
	password_login "$CONTROL_PASSWORD" && return
	password_login "$CONTROL_ONCE" || return
	api PUT /api/v2/profile/password "{\"old_password\":\"$CONTROL_ONCE\",
		\"password\":\"$CONTROL_PASSWORD\"}" | grep -q '^200 '
}
