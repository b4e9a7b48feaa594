#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ssh-server under the policy of a control API that lies: nothing of a lie
# comes into force, what was before holds, it is told once and not at each try,
# and its processes stay small.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/control.sh"
. "$OE_SRCDIR/tests/lib/liar.sh"
need ssh ssh-keygen jq curl python3 openssl
python3 -c 'import cryptography' 2>/dev/null || skip_all "no python3-cryptography"

# what a sanitizer keeps of freed memory is not the server's
SERVER_ENV=("ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1")
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
certificates
start_liar one

network_of other 100.64.8.0/24
OTHER=$NETWORK
network_of lab 100.64.9.0/24
on_device() {
	run "$OMNIEDGE" "$@" --file "$T/device.json"
	[ "$STATUS" = 0 ] || diag_file "$ERR"
}
on_device login -u "$CONTROL_EMAIL" --password-file "$T/password" \
	--api "$LIAR_API" --ca-file "$T/good.pem"
status_is 0 "the device's login, by the liar"
on_device device register robot-1 --hardware-id 0001
DEVICE=$(cat "$OUT")
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
changes() {
	events policy.change | wc -l
}
more_changes() {
	[ "$(changes)" -gt "$1" ]
}
: >"$T/authorized_keys"
run_server() {
	start_server --api --api-login "$T/device.json" --api-state "$STATE" \
		--api-interval 1 --authorized-keys "$T/authorized_keys" "$@"
}

policy first
run_server || bail "no server"
check "the policy is fetched" wait_for 60 event_seen policy.change '"1 rule"'
wait_for 60 eval 'ossh "$ME@$LO" true 2>/dev/null'
gets_in "without a lie"
before=$(changes)
old_documents one "$NETWORK"
policy second
api PUT "/api/ssh/v1/devices/$DEVICE/tags" \
	"{\"network_id\":\"$NETWORK\",\"tags\":[\"arm\"]}" >"$T/tags"
# old documents are old only to who has seen newer ones
seen_newer() {
	local kind
	for kind in policy directory; do
		curl -sS -m 60 -H "Authorization: Bearer $TOKEN" -o "$T/now" \
			"$CONTROL_HTTP/api/ssh/v1/$kind?network_id=$NETWORK"
		grep -qF "$(jq -r .signature "$T/now" | tr -d '\n')" \
			"$STATE/$kind" || return 1
	done
}
check "a change is taken" wait_for 60 seen_newer
before=$(changes)

# --- lies --------------------------------------------------------------------

# memory: what the server's processes have had at most, in KB.
memory() {
	local p
	for p in "$SERVER_PID" $(children_of "$SERVER_PID"); do
		sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$p/status"
	done 2>/dev/null | sort -n | tail -n 1
}
lies_told() {
	[ "$(grep -F "\"mode\": \"$1\"" "$T/one/log" | grep -c "$2")" -ge 2 ]
}
# what the server has said since line $LINE about documents.
said() {
	tail -n "+$LINE" "$SERVER_LOG" | grep -a 'control API: \(policy\|directory\): '
}
usual=$(memory)
# server_lie MODE PATH WORDS [MORE]
server_lie() {
	LINE=$(($(wc -l <"$SERVER_LOG") + 1))
	: >"$T/one/log"
	lie one "$1" "\"path\":\"$2\"${4:+,$4}"
	# the second of the directory's was told, or not, before the policy's
	wait_for 100 lies_told "$1" /policy && wait_for 100 lies_told "$1" \
		/directory
	is $? 0 "$1: twice of each"
	like "$(said)" "$3" "$1: is told as what it is"
	is "$(said | sed 's/control API: \([a-z]*\):.*/\1/' | sort | uniq -d)" \
		'' "$1: once" || diag "$(said)"
	[ "$(changes)" = "$before" ] ||
		is "$(changes)" "$before" "$1: changes nothing"
}
DOCUMENTS='/(policy|directory)[?]'
while IFS=';' read -r mode words more; do
	server_lie "$mode" "$DOCUMENTS" "$words" "$more"
done <<CASES
signature;REFUSED: its signature is wrong
unsigned;it is no signed document
key_name;REFUSED: its signature is wrong
key;REFUSED: .*another key
content;REFUSED: its signature is wrong
old;REFUSED: .*older
network;REFUSED: .*another network;"network":"$OTHER"
kind;REFUSED: it is no
cut;no JSON
wide;more values
big;no signed document
endless;larger than
redirect;elsewhere
transfer_bomb;no JSON|larger than
reset;control API https
broken;line one.*HTTP 500
busy;HTTP 429
CASES
gets_in "what was before all of them holds"
# what is connected is not asked for its certificate
lie one reset '"tls":"expired"'
check "an expired certificate is told" wait_for 60 grep -q \
	'certificate has expired' "$SERVER_LOG"
server_lie refused '' 'HTTP 401|login'
gets_in "still"
is "$(changes)" "$before" "nothing of all that came into force"
unlike "$(cat "$SERVER_LOG")" 'has ended|started again' \
	"no process of the server has ended for it"
now=$(memory)
[ "${now:-0}" -lt $((usual + 300000)) ]
is $? 0 "its processes stay small ($usual KB, then $now KB)"
[ -e "$T/one/stolen" ]
is $? 1 "nobody was followed elsewhere"
lie one ''
stop_server

# --- one that only confirms ------------------------------------------------------

# in its place is one that has the key: it signs nothing anew, or does
public=$(python3 "$OE_SRCDIR/tests/lib/sign_directory.py" 7 0 x)
jq --arg key "$public" '.signing_key = $key' "$T/device.json" >"$T/evil.json"
chmod 600 "$T/evil.json"
at() {
	date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ
}
lie one issued "\"path\":\"$DOCUMENTS\",\"issued_at\":\"$(at '-50 min')\""
start_server --api --api-login "$T/evil.json" --api-state "$T/evil" \
	--api-interval 1 --policy-max-age 600 \
	--authorized-keys "$T/authorized_keys" || bail "no server"
check "a document that is not an hour old" wait_for 60 event_seen \
	policy.change '"1 rule"'
gets_in "is as good as new"
lie one issued "\"path\":\"$DOCUMENTS\",\"issued_at\":\"$(at '-2 hours')\""
check "one of two hours, confirmed now" wait_for 60 event_seen \
	policy.change 'none: the control API has been away'
kept_out "is not"
lie one ''
stop_server

stop_control
unlike "$(cat "$T"/server[0-9]*.log "$T/control.log")" \
	'Sanitizer|runtime error' "no complaint in the logs"
done_testing
