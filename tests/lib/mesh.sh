# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# mesh.sh - a control API that says what a test tells it to (replay_api.py);
# source it after lib.sh.

API_RULES=$T/api.rules API_LOG=$T/api.log API_PORT=
: >"$API_RULES"
: >"$API_LOG"

# start_api [CERT KEY]: sets API_PORT and API, its address.
start_api() {
	rm -f "$T/api.port"
	python3 "$OE_SRCDIR/tests/lib/replay_api.py" "$API_RULES" "$API_LOG" \
		"$T/api.port" "$@" 2>"$T/api.err" 3>&- &
	API_PID=$!
	own "$API_PID"
	wait_for 30 test -s "$T/api.port" || {
		diag_file "$T/api.err"
		bail "the replaying API does not start"
	}
	API_PORT=$(cat "$T/api.port")
	API=http://127.0.0.1:$API_PORT
	[ $# = 0 ] || API=https://127.0.0.1:$API_PORT
}

# say METHOD PATH STATUS BODY [MORE]: one more rule; BODY and MORE are JSON,
# MORE members of the rule ('"times":1').  Earlier rules go first.
say() {
	printf '{"method":"%s","path":"%s","status":%s,"body":%s%s}\n' \
		"$1" "$2" "$3" "$(tr -d '\n\t' <<<"$4")" "${5:+,$5}" \
		>>"$API_RULES"
}

# hear_nothing: no rules, nothing asked so far.
hear_nothing() {
	: >"$API_RULES"
	: >"$API_LOG"
}

# asked [REGEX]: how many requests fit.
asked() {
	grep -cE -e "${1:-.}" "$API_LOG"
}
