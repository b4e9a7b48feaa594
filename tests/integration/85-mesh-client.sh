#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The client of a control API against one that replays what the real service
# is known to say, and what it should not: every way of logging in, every
# spelling and form of error, pages, refreshing, names, and lies.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/mesh.sh"
need python3 jq

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
LOGIN_FILE=$HOME/.omniedge/omniedge-ssh.json

oe() {
	run "$OMNIEDGE" "$@"
}

# good_login: a login that works, with token jwt1 and refresh token r1.
good_login() {
	hear_nothing
	say POST /api/v2/auth/login/security-key 200 '{"code":200,"data":
		{"type":"bearer","token":"jwt1","refreshToken":"r1",
		"expires_at":"2099-01-01T00:00:00.000+08:00"}}'
	profile
	rm -rf "$HOME/.omniedge"
	echo key | "$OMNIEDGE" login -s - --api "$API" 2>/dev/null
	hear_nothing
}

profile() {
	say GET /api/v2/profile 200 '{"code":200,"data":{"id":"usr_1",
		"name":"Me","email":"me@example.org"}}' "$@"
}

start_api

# --- a login in a browser takes the longest: it goes on behind the others -----

flow_api() {
	say POST /api/v2/oauth/device/code 200 '{"device_code":"dc",
		"user_code":"ABCD-\u001b[31mX","verification_uri":
		"https://connect.example/device","verification_uri_complete":
		"https://connect.example/device?c=ABCD","expires_in":900,
		"interval":1}'
	say POST /api/v2/oauth/token 400 '{"error":"authorization_pending"}' \
		'"times":1'
	say POST /api/v2/oauth/token 400 '{"error":"slow_down"}' '"times":1'
	say POST /api/v2/oauth/token 200 '{"access_token":"oat","id_token":"i",
		"refresh_token":"oar","expires_in":600}' '"body_has":"dc"'
	profile
}
flow_api
cp "$API_RULES" "$T/flow.rules"
python3 "$OE_SRCDIR/tests/lib/replay_api.py" "$T/flow.rules" "$T/flow.log" \
	"$T/flow.port" 3>&- &
own $!
wait_for 30 test -s "$T/flow.port"
mkdir "$T/flow"
HOME=$T/flow timeout 60 "$OMNIEDGE" login --browser \
	--api "http://127.0.0.1:$(cat "$T/flow.port")" \
	>"$T/flow.out" 2>"$T/flow.err" 3>&- &
FLOW=$!

# --- ways to log in ---------------------------------------------------------------

oe whoami
status_is 255 "not logged in is a failed authentication"
like "$(cat "$ERR")" "omniedge login" "and says what to do"

hear_nothing
say POST /api/v2/auth/login/security-key 200 '{"code":200,"data":{"type":
	"bearer","token":"jwt1","refreshToken":"r1"}}' '"body_has":"the-key"'
profile
echo the-key >"$T/key"
oe login --security-key-file "$T/key" --api "$API/api/v2/"
status_is 0 "login by a security key in a file"
is "$(stat -c %a "$LOGIN_FILE")" 600 "the login is private"
is "$(jq -r .origin "$LOGIN_FILE")" "$API" "and knows its API"
like "$(cat "$ERR")" "no SSH policy" "an API without our part is told of"
is "$(asked '"path": "/api/v2/auth/login/security-key".*"authorization": null')" \
	1 "no token is sent to get one"
oe whoami --json
is "$(jq -r .email "$OUT")" me@example.org "whoami"
is "$(asked '"Bearer jwt1"')" 3 "the token goes with each call"
rm -rf "$HOME/.omniedge"
OMNIEDGE_SECRET_KEY=the-key oe login --api "$API"
status_is 0 "login by OMNIEDGE_SECRET_KEY"
say POST /api/v2/auth/login/security-key 401 '{"code":"E_TOKEN_INVALID",
	"message":"no such key","errors":{}}'
OMNIEDGE_SECRET_KEY=bad oe login --api "$API"
is "$STATUS" 255 "an unknown key"
: >"$T/empty"
oe login --security-key-file "$T/empty" --api "$API"
is "$STATUS" 1 "an empty key file"

for reply in '{"token":"jwt1","refresh_token":"r1"}' \
	'{"code":"200","data":{"access_token":"jwt1","refreshToken":"r1"}}' \
	'{"message":"ok","data":{"accessToken":"Bearer jwt1","refresh_token":"r1","refreshToken":"r1","expires_in":60}}'; do
	hear_nothing
	say POST /api/v2/auth/login/password 200 "$reply" \
		'"body_has":"me@example.org.*secret"'
	profile
	rm -rf "$HOME/.omniedge"
	echo secret | "$OMNIEDGE" login -u me@example.org --password-file - \
		--api "$API" 2>"$ERR"
	is "$(jq -r '.token + " " + .refresh_token' "$LOGIN_FILE")" "jwt1 r1" \
		"tokens out of $(cut -c1-40 <<<"$reply")"
done

# no echo on the terminal, and no password in the arguments of a process
rm -rf "$HOME/.omniedge"
python3 - "$OMNIEDGE" "$API" >"$OUT" 2>"$ERR" <<-'PY'
	import os, pty, sys
	pid, fd = pty.fork()
	if pid == 0:
	    os.execv(sys.argv[1], [sys.argv[1], "login", "-u", "me@example.org",
	                           "--api", sys.argv[2]])
	seen, sent = b"", False
	while True:
	    try:
	        got = os.read(fd, 4096)
	    except OSError:
	        break
	    if not got:
	        break
	    seen += got
	    if b"Password" in seen and not sent:
	        sent = True
	        os.write(fd, b"secret\n")
	status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
	print(status, "secret" in seen.decode())
PY
is "$(cat "$OUT")" "0 False" "a password is asked for without echo"

# four forms of errors
while IFS='|' read -r status reply words; do
	hear_nothing
	say POST /api/v2/auth/login/password "$status" "$reply"
	echo secret | "$OMNIEDGE" login -u me@example.org --password-file - \
		--api "$API" 2>"$ERR"
	is "$?" 255 "refused: $words"
	like "$(cat "$ERR")" "$words" "says: $words"
done <<'CASES'
400|{"code":"E_INVALID_AUTH_PASSWORD","message":"E_INVALID_AUTH_PASSWORD: Password does not match"}|says Password does not match
401|{"code":"E_EMAIL_PASSWORD_NOT_MATCH","message":"wrong","errors":{}}|says wrong
401|{"code":401,"message":"no such user"}|no such user
400|{"error":"invalid_grant","error_description":"not you"}|not you
500|{"message":"internal"}|internal .HTTP 500
CASES
hear_nothing
say POST /api/v2/auth/login/password 422 '{"code":"E_VALIDATION_FAILED",
	"message":"E_VALIDATION_FAILED: [object Object]","errors":
	{"email":{"email":"not an email"}}}'
echo x | "$OMNIEDGE" login -u nobody --password-file - --api "$API" 2>"$ERR"
like "$(cat "$ERR")" "email: not an email" "a validation tells the field"
is "$(asked)" 1 "a login is not tried twice"

oe login --api http://192.0.2.1 --browser
is "$STATUS" 64 "http to another machine"
oe login --password-file "$T/key" --api "$API"
is "$STATUS" 64 "whose password?"

# --- refreshing -------------------------------------------------------------------

refused='{"code":"E_UNAUTHORIZED_ACCESS","message":"E_UNAUTHORIZED_ACCESS: Unauthorized access"}'
good_login
say GET /api/v2/profile 401 "$refused" '"token":"jwt1"'
say POST /api/v2/auth/refresh 200 '{"code":200,"data":{"token":"jwt2",
	"refreshToken":"r2"}}' '"body_has":"\"r1\"","token":"","times":1'
profile '"token":"jwt2"'
for i in 1 2 3 4 5 6; do
	timeout 60 "$OMNIEDGE" whoami >"$T/who.$i" 2>&1 3>&- &
	pids[i]=$!
done
good=0
for i in 1 2 3 4 5 6; do
	wait "${pids[i]}" && good=$((good + 1))
done
is "$good" 6 "six processes at once live through the end of a token"
is "$(asked '/auth/refresh')" 1 "which one of them has renewed, once"
is "$(jq -r '.token + .refresh_token' "$LOGIN_FILE")" jwt2r2 "and kept"
is "$(stat -c %a "$LOGIN_FILE")" 600 "in a private file"

hear_nothing
say GET /api/v2/profile 401 "$refused"
say POST /api/v2/auth/refresh 401 '{"code":401,"message":"refresh token is incorrect"}'
oe whoami
status_is 255 "a refresh token that is used up"
like "$(cat "$ERR")" "omniedge login" "wants a new login"

good_login
say GET /api/v2/profile 401 "$refused"
say POST /api/v2/auth/refresh 200 null '"how":"hang","times":1'
say POST /api/v2/auth/refresh 401 '{"code":401,"message":"refresh token is incorrect"}'
(trap '' XFSZ; ulimit -f 0; "$OMNIEDGE" whoami 2>&1) | cat >"$T/full"
like "$(cat "$T/full")" "not renewed" "no room for a new token: told"
is "$(asked '/auth/refresh')" 0 "and the old one not used up"
is "$(jq -r '.token + .refresh_token' "$LOGIN_FILE")" jwt1r1 "but kept"
"$OMNIEDGE" whoami >"$OUT" 2>&1 3>&- &
pid=$!
wait_for 30 eval "[ \$(asked '/auth/refresh') = 1 ]"
kill -KILL $pid
wait $pid 2>/dev/null
is "$(jq -r '.token + .refresh_token' "$LOGIN_FILE")" jwt1r1 \
	"killed while it renews: the file is whole"
oe whoami
status_is 255 "what it used up is gone"
like "$(cat "$ERR")" "broken off.*omniedge login" "and why"
good_login
profile
oe whoami
status_is 0 "a new login is one"

good_login
hear_nothing
say GET /api/v2/profile 401 "$refused" '"token":"jwt1"'
say POST /api/v2/auth/refresh 200 '{"token":"jwt2","refresh_token":"r2"}'
profile '"token":"jwt2"'
oe whoami
is "$(jq -r '.token + (.renewing | tostring)' "$LOGIN_FILE")" jwt2null \
	"a renewal that went well leaves no trace"

hear_nothing
say GET /api/v2/profile 401 "$refused" '"token":"jwt2"'
say POST /api/v2/oauth/token 200 '{"access_token":"jwt3","expires_in":60}' \
	'"body_has":"refresh_token"'
profile '"token":"jwt3"'
oe whoami
status_is 0 "an API that refreshes at /oauth/token only"
is "$(jq -r '.token + .refresh_token' "$LOGIN_FILE")" jwt3r2 \
	"what it leaves out of its reply stays"

# the files of other clients
rm "$LOGIN_FILE"
for shape in go rust; do
	if [ $shape = go ]; then
		echo '{"authresponse":{"token":"jwt1","refreshtoken":"r1"},
			"device":{"uuid":"dev_x"},"password":"p"}'
	else
		echo '{"auth_response":{"token":"jwt1","access_token":"jwt1",
			"refresh_token":"r1","user_id":"usr_1"},
			"device_uuid":"dev_x","identity_private_key":"k"}'
	fi >"$HOME/.omniedge/auth.json"
	chmod 644 "$HOME/.omniedge/auth.json"
	cp "$HOME/.omniedge/auth.json" "$T/was.json"
	hear_nothing
	profile
	OMNIEDGE_API_BASE_URL=$API/api/v2 oe whoami
	status_is 0 "auth.json of the client in $shape"
	check "is left alone" cmp "$HOME/.omniedge/auth.json" "$T/was.json"
	hear_nothing
	say GET /api/v2/profile 401 "$refused" '"token":"jwt1"'
	for path in /api/v2/auth/refresh /api/v2/oauth/token; do
		say POST $path 200 '{"token":"jwt2","refresh_token":"r2"}' \
			'"times":1'
	done
	profile '"token":"jwt2"'
	OMNIEDGE_API_BASE_URL=$API oe whoami
	status_is 0 "a refused token in it is renewed"
	is "$(asked 'POST')" 1 "once"
	is "$(jq -c '[.. | strings] | map(select(. == "jwt1" or . == "r1"))' \
		"$HOME/.omniedge/auth.json")" '[]' "nothing used up stays in it"
	is "$(jq -r '.password // .identity_private_key' \
		"$HOME/.omniedge/auth.json")" \
		"$([ $shape = go ] && echo p || echo k)" "everything else does"
	oe logout
	status_is 0 "logout"
	like "$(cat "$ERR")" "another" "leaves another client's file and says so"
	check "it is there" test -f "$HOME/.omniedge/auth.json"
done
rm "$HOME/.omniedge/auth.json"

good_login
chmod 640 "$LOGIN_FILE"
oe whoami
is "$STATUS" 1 "a login that others can read is not used"
is "$(asked)" 0 "not even once"
good_login
OMNIEDGE_API_BASE_URL=https://elsewhere.example oe whoami
is "$STATUS" 255 "a token is for its own API"
like "$(cat "$ERR")" "not logged in to https://elsewhere.example" "and for no other"

# --- networks and peers ---------------------------------------------------------


LAB='{"id":"vnw_lab","name":"lab","ip_range":"100.64.0.0/24","role":2,"devices":[
	{"id":"dev_1","name":"Robot-1","virtual_ip":"100.64.0.1","online":true,"tags":["arm"]},
	{"uuid":"dev_2","name":"two words","virtualIp":"100.64.0.2","isOnline":false},
	{"id":"dev_3","name":"\u001b]0;x\u0007..","virtual_IP":"100.64.0.3"},
	{"id":"dev_4","name":"twin","virtual_ip":"100.64.0.4"},
	{"id":"dev_5","name":"Twin","virtual_ip":"100.64.0.5"}]}'
HOME_NET='{"id":"vnw_home","name":"home","role":1,"devices":[
	{"id":"dev_6","name":"robot-1","virtual_ip":"100.100.0.9"}]}'

good_login
say GET /api/v2/virtual-networks/all/list 200 \
	"{\"code\":200,\"data\":[$LAB,$HOME_NET]}"
oe peers
status_is 0 peers
is "$(wc -l <"$OUT")" 7 "one line a peer, and titles"
like "$(cat "$OUT")" '^Robot-1 +100.64.0.1 +lab +yes +- +arm$' "a peer with all its columns"
like "$(cat "$OUT")" '^two words +100.64.0.2 +lab +no ' "the other spelling"
like "$(cat "$OUT")" '^\\x1b\]0;x\\x07\.\. +100.64.0.3 +lab +unknown' \
	"control characters are shown, not obeyed"
is "$(tr -d '\n[:print:]' <"$OUT" | wc -c)" 0 "nothing unprintable comes out"
is "$(asked)" 1 "in one call"
oe peers --json --name 'ROBOT-*' --network LAB --tag arm --online
is "$(jq -c '[.device_id,.network_id,.virtual_ip,.online,.tags]' "$OUT")" \
	'["dev_1","vnw_lab","100.64.0.1",true,["arm"]]' "filters and JSON"
oe peers --names
is "$(sort "$OUT" | tr '\n' ' ')" "Robot-1 Twin robot-1 twin " \
	"bare names, only those that can be typed"
oe peers --name 'nobody*'
is "$STATUS $(wc -l <"$OUT")" "0 1" "none that matches"
like "$(cat "$ERR")" "no peer is what was asked for" "is told"
oe peers --name 'nobody*' --json
is "$STATUS $(cat "$OUT")" "0 " "and nothing for programs"
oe peers --network "$(printf 'x\e[2J')"
status_is 1 "no such network"
like "$(cat "$ERR")" "no network of yours is 'x.x1b.2J'" "is told, escaped"
oe networks
like "$(cat "$OUT")" '^lab +vnw_lab +100.64.0.0/24 +admin +5$' networks
is "$(asked)" 1 "for a minute nobody is asked again"
oe resolve robot-1@LAB
is "$(cat "$OUT")" 100.64.0.1 "a name in a network"
oe resolve dev_6
is "$(cat "$OUT")" 100.100.0.9 "an id"
oe resolve robot-1
status_is 1 "two of that name"
like "$(cat "$ERR")" 'Robot-1@lab .dev_1, 100.64.0.1.' "are told"
like "$(cat "$ERR")" 'robot-1@home .dev_6, 100.100.0.9.' "each with how to write it"
oe resolve twin@lab
like "$(cat "$ERR")" 'write dev_[45] .*dev_[45] ' "two in one network go by their ids"
oe resolve robot
is "$STATUS" 1 "a part of a name is no name"
oe resolve 'two words'
is "$(cat "$OUT")" 100.64.0.2 "a name with a blank"
oe resolve 192.0.2.77
is "$(cat "$OUT")" 192.0.2.77 "an address is itself"
oe resolve --json 100.64.0.1
is "$(jq -r '.source + .device_id' "$OUT")" apidev_1 "or a peer's"
oe resolve localhost
like "$(cat "$OUT")" '^(127.0.0.1|::1)$' "what the API does not know, the system may"
mkdir -p "$HOME/.ssh"
printf 'Host alias\n\tHostName 192.0.2.5\n' >"$HOME/.ssh/config"
chmod 600 "$HOME/.ssh/config"

# the API goes away
hear_nothing
say GET /api/v2/virtual-networks/all/list 503 '{"message":"busy"}'
oe peers --refresh
status_is 0 "without an API the list on disk serves"
like "$(cat "$ERR")" "busy.*as it was [0-9]+ second" "and its age is told"
is "$(wc -l <"$OUT")" 7 "whole"
oe resolve --offline robot-1@lab
is "$STATUS $(cat "$OUT")" "0 100.64.0.1" "offline"
rm -rf "$HOME/.omniedge/cache"
oe peers --offline
is "$STATUS" 1 "offline, and nothing on disk"
oe peers
is "$STATUS" 255 "no API, and nothing on disk"

hear_nothing
rm -rf "$HOME/.omniedge/cache"
say GET /api/v2/virtual-networks/all/list 200 \
	'[{"id":"vnw_e","name":"empty","devices":[]}]'
say GET /api/v2/virtual-networks/vnw_e/devices 200 '[]'
oe peers
is "$STATUS $(wc -l <"$OUT")" "0 1" "an empty network"
like "$(cat "$ERR")" "no peers in your networks" "is told"
hear_nothing
say GET /api/v2/virtual-networks/all/list 200 '[]'
oe peers --refresh
like "$STATUS $(cat "$ERR")" "^0 .*you are in no network" "no network at all"

# what does not fit in a list is passed over, what is no list is refused
while IFS='|' read -r rule words; do
	hear_nothing
	say GET /api/v2/virtual-networks/all/list 200 null "$rule"
	rm -rf "$HOME/.omniedge/cache"
	oe peers
	is "$STATUS" 255 "lie: $words"
	like "$(cat "$ERR")" "$words" "is told as: $words"
	is "$(find "$HOME/.omniedge/cache" -name 'peers-*' ! -name '*.away' -size +0 2>/dev/null)" '' \
		"and not kept"
done <<'CASES'
"text":"<html>portal</html>","type":"text/html"|no JSON
"text":"{\"code\":200,\"data\":[{\"id\":"|no JSON
"text":"{\"code\":200,\"data\":{}}"|no list
"how":"big"|larger than
"text":"[]","how":"truncate"|control API
"how":"reset"|control API
"status":302,"headers":{"Location":"https://evil.example/"}|elsewhere
"status":200,"text":""|no list
CASES
is "$(asked evil)" 0 "a redirect is not followed"

# pages; the list of a network for its admin; and without that
good_login
say GET /api/v2/virtual-networks/all/list 200 '{"code":200,"data":
	[{"id":"vnw_big","name":"big"},{"id":"vnw_no","name":"no"}]}'
printf '%s\n' '{"path":"/api/v2/virtual-networks/vnw_big/devices","how":"generate","rows":{"count":25,"per_page":10,"prefix":"unit"},"body":{"code":200,"data":{"meta":{"total":25,"per_page":10,"last_page":3},"data":"ROWS"}}}' \
	>>"$API_RULES"
say GET /api/v2/virtual-networks/vnw_no/devices 403 '{"code":403,"message":
	"Permission denied"}'
oe peers
is "$STATUS $(grep -c '^unit-000' "$OUT")" "0 25" "three pages"
is "$(asked 'vnw_big/devices')" 3 "are three calls"
like "$(cat "$OUT")" '^unit-00024 ' "the last of the last"
good_login
say GET /api/v2/virtual-networks 200 '{"code":200,"data":{"meta":{"last_page":2},
	"data":[{"id":"vnw_big","name":"big"}]}}' '"query":"^page=1&"'
say GET /api/v2/virtual-networks 200 '{"code":200,"data":{"meta":{"last_page":2},
	"data":[{"id":"vnw_b","name":"b"}]}}' '"query":"^page=2&"'
say GET '/api/v2/virtual-networks/vnw_big/devices' 200 '[{"id":"dev_1","name":"n",
	"virtual_ip":"100.64.0.1"}]'
oe networks --json
is "$(jq -r .network_id "$OUT" | tr '\n' ' ')" "vnw_big vnw_b " \
	"an API without all/list"
oe peers
is "$(awk 'END { print $1, $2, $3 }' "$OUT")" "n 100.64.0.1 big" \
	"and with bare rows"

# --- devices ------------------------------------------------------------------

good_login
say POST /api/v2/devices 200 '{"code":200,"data":{"id":"dev_me","name":"me",
	"hardware_id":"hw","platform":"linux"}}' \
	'"body_has":"(?s)\"name\":\"me\".*\"hardware_uuid\":\"hw\""'
say PUT /api/v2/devices/dev_me 200 '{"code":200,"data":{"id":"dev_me"}}' \
	'"body_has":"\"name\":\"new\""'
printf '%s\n' '{"path":"/api/v2/devices","how":"generate","rows":{"count":12,"per_page":10},"body":{"code":200,"data":{"meta":{"last_page":"2"},"data":"ROWS"}}}' >>"$API_RULES"
say GET /api/v2/virtual-networks 200 '{"data":{"meta":{"last_page":1},"data":[
	{"id":"vnw_lab","name":"lab"},{"id":"vnw_x","name":"same"},
	{"id":"vnw_y","name":"Same"}]}}'
say POST /api/v2/virtual-networks/vnw_lab/devices/dev_me 200 '{"data":{
	"community_name":"c","secret_key":"topsecret","virtual_ip":"100.64.0.7",
	"subnet_mask":"255.255.255.0","cluster":"c","virtual_ip_v6":null,
	"server":{"name":"s","host":"h:7777","country":"US"}}}'
say DELETE /api/v2/virtual-networks/vnw_lab/devices/dev_me 403 \
	'{"code":403,"message":"Permission denied"}'
say DELETE /api/v2/virtual-networks/vnw_x/devices/dev_me 200 \
	'{"code":200,"message":"removed"}'
oe device join lab
is "$STATUS" 64 "join before register"
oe device register me --hardware-id hw
is "$STATUS $(cat "$OUT")" "0 dev_me" register
oe device join LAB --secret-file "$T/overlay.json"
is "$STATUS $(cat "$OUT")" "0 100.64.0.7" "join tells the address"
is "$(stat -c %a "$T/overlay.json") $(jq -r .secret_key "$T/overlay.json")" \
	"600 topsecret" "and keeps the overlay's key to itself"
oe device join lab --json
is "$(jq -r '.virtual_ip + .subnet_mask + (.secret_key // "")' "$OUT")" \
	100.64.0.7255.255.255.0 "in JSON too"
oe device join same
status_is 1 "two networks of one name"
oe device leave vnw_x
status_is 0 leave
oe device leave lab
is "$STATUS" 1 "leaving is an admin's affair there"
like "$(cat "$ERR")" "Permission denied" "and the API's words are told"
oe device rename new
status_is 0 rename
oe device ls --json
is "$(wc -l <"$OUT")" 12 "all devices of the account"
oe device fly
is "$STATUS" 64 "a verb that is none"
hear_nothing
say POST /api/v2/devices 400 '{"code":400,"message":"device limit reached"}'
oe device register me --hardware-id hw
is "$STATUS" 1 "the limit of a plan"
like "$(cat "$ERR")" "device limit reached" "is told"

# --- the SSH part: signed directories --------------------------------------------

if python3 -c 'import cryptography' 2>/dev/null; then
	sign() {
		python3 "$OE_SRCDIR/tests/lib/sign_directory.py" "$@"
	}
	NODE='[{"id":"dev_1","name":"real","virtual_ip":"100.64.0.1","tags":["t"],"host_keys":["ssh-ed25519 AAAA"],"owner":{"id":"usr_2","email":"you@example.org"}}]'
	# signed_lists DOCUMENT [UNCHANGED]: in one call, or in one for each.
	signed_lists() {
		if [ "$WAY" = each ]; then
			say GET /api/v2/virtual-networks/all/list 200 "[$LAB]"
			[ "$1" = null ] || say GET /api/ssh/v1/directory 200 "$1"
			return
		fi
		say GET /api/ssh/v1/directories 200 "{\"code\":200,\"data\":[{
			\"id\":\"vnw_lab\",\"name\":\"lab\",\"now\":9000000,
			\"etag\":\"e1\",\"unchanged\":${2-false},\"directory\":$1,
			\"live\":[[\"dev_1\",\"linux\",8999999],[],[\"x\"],7,
			[\"../x\",1,\"y\"]]}]}"
	}
	signed_api() { # SEED VERSION DEVICES
		hear_nothing
		say POST /api/v2/auth/login/security-key 200 \
			'{"token":"jwt1","refresh_token":"r1"}'
		profile
		signed_lists "$(sign "$1" "$2" vnw_lab "$3")"
		say GET /api/ssh/v1/keys/signing 200 \
			"{\"code\":200,\"data\":{\"key\":\"$(sign "$1" 0 x)\"}}"
		say GET /api/ssh/v1/keys 200 '{"code":200,"data":[]}'
		say POST /api/ssh/v1/keys 200 '{"code":200,"data":{"id":"k"}}'
	}
	WAY=each
	rm -rf "$HOME/.omniedge"
	signed_api 7 5 "$NODE"
	oe login --security-key-file "$T/key" --api "$API"
	status_is 0 "login to an API with the SSH part"
	is "$(jq -r .signing_key "$LOGIN_FILE")" "$(sign 7 0 x)" \
		"its signing key is kept"
	KEY=$HOME/.omniedge/ssh_user_ed25519
	is "$(stat -c %a "$KEY")" 600 "a key of this machine is made"
	is "$(ssh-keygen -y -f "$KEY" | cut -d' ' -f1,2)" \
		"$(cut -d' ' -f1,2 "$KEY.pub")" "that OpenSSH reads"
	is "$(jq -r 'select(.path == "/api/ssh/v1/keys" and .method == "POST").body' \
		"$API_LOG" | jq -r .key)" "$(cut -d' ' -f1,2 "$KEY.pub")" \
		"and its public half registered"
	oe resolve --json real
	is "$(jq -c '[.device_id,.online,.tags,.host_keys,.signed,.owner]' "$OUT")" \
		'["dev_1",true,["t"],["ssh-ed25519 AAAA"],true,"you@example.org"]' \
		"what is signed counts, what is live is added"
	oe resolve robot-1
	is "$STATUS" 1 "what was not signed for is not there"

	refused() { # TEXT WORDS
		oe resolve --refresh real
		is "$STATUS $(cat "$OUT")" "0 100.64.0.1" "$1: the last good one serves"
		rm -f "$HOME"/.omniedge/cache/peers-*
		oe resolve --refresh real
		is "$STATUS" 1 "$1: refused without one"
		like "$(cat "$ERR")" "$2" "$1: told"
		signed_api 7 6 "$NODE"
		oe peers --refresh
		is "$STATUS" 0 "$1: mended"
	}
	for WAY in each all; do
		EVIL='[{"id":"dev_1","name":"real","virtual_ip":"100.64.0.66"}]'
		signed_api 8 9 "$EVIL"
		refused "$WAY, another key" "another key"
		signed_api 7 4 "$EVIL"
		refused "$WAY, rolled back" "older"
		signed_api 7 9 "$EVIL"
		sed -i 's/100.64.0.66/100.64.0.67/' "$API_RULES"
		refused "$WAY, changed on the way" "signature"
		hear_nothing
		signed_lists null
		refused "$WAY, no longer there" "has none"
		signed_api 7 9 "$EVIL"
		sed -i 's/\\"network_id\\": \\"vnw_lab\\"/\\"network_id\\": \\"vnw_xyz\\"/' \
			"$API_RULES"
		refused "$WAY, of another network" "signature"
	done
	hear_nothing
	signed_lists null true
	oe resolve --json --refresh real
	is "$(jq -r '.address + (.stale | tostring)' "$OUT")" 100.64.0.1false \
		"a document that is not sent again serves on"
	is "$(asked)" "$(asked 'have=vnw_lab%3Ae1')" "by one call, which tells of it"
	sed -i 's/"etag":"e1"/"etag":"e2"/' "$API_RULES"
	refused "unchanged, but another" "has none"
	signed_api 9 9 "$NODE"
	oe login --security-key-file "$T/key" --api "$API"
	is "$STATUS" 1 "a login to an API whose key has changed"
	like "$(cat "$ERR")" "new-signing-key" "says what would accept it"
	oe login --security-key-file "$T/key" --api "$API" --new-signing-key
	is "$STATUS" 0 "and that does"
else
	skip "signed directories" "no python3-cryptography"
fi

# --- TLS ------------------------------------------------------------------------

if command -v openssl >/dev/null; then
	for name in good other; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
			-nodes -days 2 -subj /CN=api -addext \
			subjectAltName=IP:127.0.0.1 -keyout "$T/$name.key" \
			-out "$T/$name.pem" 2>/dev/null
	done
	pin() {
		printf sha256//
		openssl x509 -in "$1" -pubkey -noout | openssl pkey -pubin \
			-outform der | openssl dgst -sha256 -binary | base64
	}
	good_login
	hear_nothing
	say POST /api/v2/auth/login/security-key 200 '{"token":"jwt1"}'
	profile
	stop "$API_PID"
	start_api "$T/good.pem" "$T/good.key"
	oe login -s "$T/key" --api "$API"
	is "$STATUS" 255 "a certificate of nobody"
	oe login -s "$T/key" --api "$API" --pin "$(pin "$T/other.pem")"
	is "$STATUS" 255 "another key than the pinned one"
	oe login -s "$T/key" --api "$API" --ca-file "$T/other.pem"
	is "$STATUS" 255 "another authority"
	is "$(asked)" 0 "nobody got the key that way"
	oe login -s "$T/key" --api "$API" --ca-file "$T/good.pem"
	status_is 0 "its authority"
	oe whoami
	status_is 0 "which is kept with the login"
	rm "$LOGIN_FILE"
	oe login -s "$T/key" --api "$API" --pin "$(pin "$T/good.pem")"
	status_is 0 "its key"
	oe whoami
	status_is 0 "kept too"
	oe login -s "$T/key" --api "$API" --pin sha256//AAAA
	is "$STATUS" 78 "a pin that is none"
else
	skip "TLS" "no openssl"
fi

oe logout
status_is 0 logout
check "nothing of the login is left" test ! -e "$LOGIN_FILE"
is "$(find "$HOME/.omniedge" -name 'peers-*')" '' "nor of its peers"
oe logout
status_is 0 "logout without a login"

# --- the login in a browser --------------------------------------------------------

wait "$FLOW"
is "$?" 0 "a login in a browser"
like "$(cat "$T/flow.err")" 'https://connect.example/device$' "shows the page"
like "$(cat "$T/flow.err")" 'ABCD-\\x1b\[31mX' "and the code, escaped"
is "$(jq -r '.token + .refresh_token' "$T/flow/.omniedge/omniedge-ssh.json")" \
	oatoar "and keeps the tokens"
is "$(grep -c /oauth/token "$T/flow.log")" 3 "it asks until it is told"
is "$(jq -r 'select(.path | endswith("/oauth/token")).body' "$T/flow.log" |
	jq -r '.client_id + " " + .grant_type' | sort -u)" \
	"omniedge-cli urn:ietf:params:oauth:grant-type:device_code" \
	"in JSON, as the real client does"
hear_nothing
done_testing
