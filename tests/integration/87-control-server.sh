#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# control-server: its life, TLS, HTTP met with and without manners, logins,
# tokens, the login of a terminal by a browser, limits.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need curl python3 openssl
. "$OE_SRCDIR/tests/lib/control.sh"
"$OMNIEDGE" version | grep -q . || bail "no program"
"$OMNIEDGE" control-server --help >/dev/null 2>&1 ||
	skip_all "module control is not built"

rude() {
	timeout -k 5 150 python3 "$OE_SRCDIR/tests/lib/control_raw.py" "$@"
}

# --- settings ----------------------------------------------------------------

cs() {
	run "$OMNIEDGE" control-server --data-dir "$T/none" "$@"
}

cs --check-config --listen 127.0.0.1:0
status_is 0 "settings that are right"
like "$(cat "$OUT")" '^listen = 127.0.0.1:0' "and what they are"
for bad in 'http://0.0.0.0:80' 'http://[::]:80' 'http://192.0.2.1:80' \
	'1.2.3.4' 'localhost:80' 'ftp://127.0.0.1:1' '127.0.0.1:65536' '::1:80'; do
	cs --check-config --listen "$bad"
	is "$STATUS" 64 "refused: --listen $bad"
done
cs --check-config --listen 'http://[::1]:80' --listen http://127.9.9.9:80
status_is 0 "plain HTTP on loopback"
printf '[control-server]\nlisten = 127.0.0.1:1\ntls-cert = /x\n' >"$T/c.conf"
cs --check-config --config "$T/c.conf"
is "$STATUS" 78 "a certificate without its key"
like "$(cat "$ERR")" 'c\.conf:3' "with file and line"
printf '[control-server]\n\nlisten = http://10.0.0.1:80\n' >"$T/c.conf"
cs --check-config --config "$T/c.conf"
is "$STATUS" 78 "plain HTTP off loopback in a file"
like "$(cat "$ERR")" 'c\.conf:3.*loopback' "with file and line, and why"
cs run
is "$STATUS" 64 "an unknown sub-command"
cs init
is "$STATUS" 64 "init without an address"
cs init --email 'no address'
is "$STATUS" 64 "init with something else"
[ -e "$T/none" ]
is $? 1 "none of these has made the directory"

# --- libraries that are not there --------------------------------------------

# absent SONAME ARG...: control-server where that library cannot be loaded.
absent() {
	mkdir -p "$T/lib.$1" || return 1
	: >"$T/lib.$1/$1"
	run timeout 60 env LD_LIBRARY_PATH="$T/lib.$1" "$OMNIEDGE" \
		control-server --data-dir "$T/absent" \
		--listen 127.0.0.1:0 "${@:2}"
}

# The names that the program loads them by.
soname() {
	grep -ao "$1\\.so\\.[0-9]*" "$OMNIEDGE" | head -n 1
}

absent "$(soname libpq)" --database postgresql://127.0.0.1:1/none
is "$STATUS" 69 "PostgreSQL without libpq"
like "$(cat "$ERR")" 'libpq5' "names the package"
absent "$(soname libwebsockets)"
is "$STATUS" 69 "no libwebsockets"
like "$(cat "$ERR")" 'libwebsockets17' "names the package"

# --- first start -------------------------------------------------------------

start_control --max-per-address 40 -v -v || bail "no server"
like "$CONTROL_ONCE" '^[0-9A-Za-z]{20}$' "init prints a one-time password"
run "$OMNIEDGE" control-server init --data-dir "$CONTROL_DIR" \
	--email other@example.org
is "$STATUS" 1 "init makes no second administrator"
unlike "$(cat "$OUT")" password "and prints no password"
run "$OMNIEDGE" control-server migrate --data-dir "$CONTROL_DIR"
status_is 0 "migrate beside a running server"
is "$(stat -c %a "$CONTROL_DIR" "$CONTROL_DIR/tls-key.pem" \
	"$CONTROL_DIR/control.db" | tr '\n' ' ')" "700 600 600 " \
	"nobody else reads the directory, the key, the database"

HP=${CONTROL_HTTP#http://}
is "$(curl -sS -m 30 -k --pinnedpubkey "$CONTROL_PIN" "$CONTROL_URL/healthz")" \
	ok "HTTPS with the pin that was printed"
is "$(curl -sS -m 30 --cacert "$CONTROL_DIR/tls-cert.pem" \
	"https://localhost:${CONTROL_URL##*:}/readyz")" ok \
	"the certificate is good for localhost"
curl -sS -m 30 -k --pinnedpubkey sha256//AAAA "$CONTROL_URL/healthz" \
	>/dev/null 2>&1
is $? 90 "another pin is refused"
fp=$(openssl x509 -in "$CONTROL_DIR/tls-cert.pem" -noout -fingerprint -sha256)
like "$(cat "$T/control.log")" "certificate SHA256:${fp#*=}" \
	"the fingerprint that was printed"
text=$(openssl x509 -in "$CONTROL_DIR/tls-cert.pem" -noout -text)
like "$text" 'prime256v1' "P-256"
like "$text" 'DNS:localhost.*IP Address:127.0.0.1' "and its names"
tls() {
	timeout 30 openssl s_client -connect "${CONTROL_URL#https://}" "$@" \
		</dev/null 2>&1 | sed -n 's/.*Cipher is \(.*\)/\1/p' | head -n 1
}
like "$(tls -tls1_3)" 'TLS_' "TLS 1.3"
like "$(tls -tls1_2)" 'ECDHE-ECDSA-.*(GCM|CHACHA20)' "TLS 1.2"
unlike "$(tls -tls1_1 -cipher ALL:@SECLEVEL=0)" 'ECDHE|AES' "no TLS 1.1"
unlike "$(tls -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA)" 'ECDHE' "no CBC"
is "$(timeout 30 openssl s_client -connect "${CONTROL_URL#https://}" \
	-alpn h2,http/1.1 </dev/null 2>&1 | sed -n 's/^ALPN protocol: //p')" \
	http/1.1 "HTTP/1.1 is what is spoken"
like "$(curl -sS -m 30 "http://${CONTROL_URL#https://}/healthz" 2>&1)" \
	'curl' "no plain HTTP on the TLS port"

# --- HTTP --------------------------------------------------------------------

# http CURL-OPTION...: the status.
http() {
	curl -sS -m 60 -o "$T/api.body" -D "$T/api.head" -w '%{http_code}' "$@"
}

is "$(http "$CONTROL_HTTP/nothing")" 404 "404"
like "$(cat "$T/api.body")" '"code":"E_ROUTE_NOT_FOUND"' "as the real one"
is "$(http -X PATCH "$CONTROL_HTTP/healthz")" 405 "405"
like "$(cat "$T/api.head")" '^Allow: GET, HEAD, OPTIONS' "tells what is"
is "$(http -X OPTIONS "$CONTROL_HTTP/api/v2/profile/password")" 204 OPTIONS
like "$(cat "$T/api.head")" '^Allow: PUT, OPTIONS' "tells what is, too"
is "$(http -I "$CONTROL_HTTP/healthz")" 200 HEAD
like "$(cat "$T/api.head")" '^Content-Length: 3' "has a length, and no body"
like "$(cat "$T/api.head")" '^X-Content-Type-Options: nosniff' nosniff
like "$(cat "$T/api.head")" '^Content-Security-Policy: default-src' CSP
like "$(cat "$T/api.head")" '^Cache-Control: no-store' no-store
like "$(cat "$T/api.head")" '^X-Request-Id: [0-9A-Za-z]{16}' "a request id"
id=$(sed -n 's/^X-Request-Id: \([0-9A-Za-z]*\).*/\1/p' "$T/api.head")
like "$(cat "$T/control.log")" "request=$id" "that stands in the log"
LOGIN=$CONTROL_HTTP/api/v2/auth/login/password
is "$(http -d 'a=b' "$LOGIN")" 415 "415 for a form where JSON is due"
is "$(http -H 'Content-Type: application/json' -d '{' "$LOGIN")" 400 \
	"400 for broken JSON"
is "$(http -H 'Content-Type: application/json' -d '[]' "$LOGIN")" 400 \
	"400 for what is no object"
is "$(http -H 'Content-Type: application/json' -d '{}' "$LOGIN")" 422 \
	"422 for what is missing"
like "$(cat "$T/api.body")" '"password":\{"required"' "says what"
head -c 100000 /dev/zero >"$T/big"
is "$(http -H 'Content-Type: application/json' --data-binary "@$T/big" \
	"$LOGIN")" 413 "413 for a body over its limit"
is "$(http -k -H Expect: -H 'Content-Type: application/json' \
	--data-binary "@$T/big" "${LOGIN/$CONTROL_HTTP/$CONTROL_URL}")" 413 \
	"the same over TLS, without waiting to be asked"
is "$(http -H 'Content-Type: application/x-ndjson' --data-binary "@$T/big" \
	"$CONTROL_HTTP/api/ssh/v1/events")" 401 "401 before a large body is read"
is "$(http "$CONTROL_HTTP/healthz?a=%00")" 400 "400 for a NUL in the query"
is "$(http --path-as-is "$CONTROL_HTTP/api/v2/../../healthz")" 404 \
	"dots are no way up"
is "$(http -H "X: $(printf '%20000s' x)" "$CONTROL_HTTP/healthz")" 431 \
	"431 for large headers"
is "$(http "$CONTROL_HTTP/$(printf '%5000s' x | tr ' ' x)")" 414 \
	"414 for a long address"

send() {
	printf %b "$1" | rude raw "$HP"
}
G='GET /healthz HTTP/1.1\r\nHost: a\r\n'
C='Connection: close\r\n\r\n'
is "$(send "$G\r\n${G}X: y\r\n\r\n$G$C$G\r\n")" "200 200 200" \
	"three in one go, none after close"
is "$(send "GET /healthz HTTP/1.0\r\n\r\n$G\r\n")" 200 "HTTP/1.0 ends it"
is "$(send "\r\n\r\n$G$C")" 200 "empty lines before a request"
for bad in \
	"400 GET /healthz HTTP/1.1\n\n" \
	"400 GET /healthz HTTP/1.1\r\n\r\n" \
	"400 ${G}Host: b\r\n\r\n" \
	"400 ${G}A : b\r\n\r\n" \
	"400 ${G} folded\r\n\r\n" \
	"400 ${G}A: b\n\r\n" \
	"400 ${G}A: b\rc\r\n\r\n" \
	"400 ${G}Content-Length: 1\r\nContent-Length: 1\r\n\r\na" \
	"400 ${G}Content-Length: +1\r\n\r\na" \
	"400 ${G}Content-Length: 1, 1\r\n\r\na" \
	"400 ${G}Content-Length: \r\n\r\n" \
	"411 ${G}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" \
	"411 ${G}Content-Length: 1\r\nTransfer-Encoding: x\r\n\r\na" \
	"413 ${G}Content-Length: 99999999999999999999999\r\n\r\na" \
	"417 ${G}Expect: more\r\n\r\n" \
	"400 GET healthz HTTP/1.1\r\nHost: a\r\n\r\n" \
	"400 GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n" \
	"400 GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n" \
	"505 GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n" \
	"400 G(T /healthz HTTP/1.1\r\nHost: a\r\n\r\n" \
	"400 hello\n\n"; do
	is "$(send "${bad#* }$G$C")" "${bad%% *}" \
		"one reply and the end: $(head -n 3 <<<"${bad//\\r/}" | cut -c1-70)"
done
is "$(send "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n")" 400 "no proxy"
is "$(send "${G}Upgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n")" \
	200 "no other protocol"
is "$(send "GET http://a/healthz HTTP/1.1\r\nHost: a\r\n$C")" 200 \
	"an absolute address"
held=$(rude hold "$HP" 60)
# Of those before, one may still be on its way out.
like "$held" '^(3[5-9]|40)$' "40 connections of an address, no more"
rude flood "$HP" 1 150
rude flood "${CONTROL_URL#https://}" 2 50
rude cut "$HP" 50
is "$(curl -sS -m 60 "$CONTROL_HTTP/healthz")" ok "it has survived all that"

# --- logins ------------------------------------------------------------------

is "$(api GET /api/v2/profile | cut -c1-3)" 401 "no token"
like "$(cat "$T/api.body")" '"code":"E_UNAUTHORIZED_ACCESS"' "as the real one"
like "$(api POST /api/v2/auth/login/password \
	"{\"email\":\"$CONTROL_EMAIL\",\"password\":\"wrong\"}")" \
	'^401 .*E_EMAIL_PASSWORD_NOT_MATCH' "a wrong password"
wrong=$(cat "$T/api.body")
api POST /api/v2/auth/login/password \
	'{"email":"no@example.org","password":"wrong"}' >/dev/null
is "$(cat "$T/api.body")" "$wrong" "an unknown account gets the same answer"
check "the one-time password" password_login "$CONTROL_ONCE"
like "$(cat "$T/login")" '"type":"bearer".*"refreshToken":"[0-9a-f]{64}"' \
	"the reply in the form of the real one"
like "$(base64 -d 2>/dev/null <<<"${TOKEN%%.*}")" '^\{"alg":"HS512"\}' "a JWT"
like "$(api GET /api/v2/profile)" '"one_time_password":true' \
	"it shows the profile"
like "$(api PUT /api/v2/profile/password '{"old_password":"x",
	"password":"correct horse battery"}')" '^400 .*E_INVALID_AUTH_PASSWORD' \
	"a change needs the old password"
like "$(api PUT /api/v2/profile/password "{\"old_password\":\"$CONTROL_ONCE\",
	\"password\":\"short\"}")" '^422 .*minLength' "and a long one"
like "$(api PUT /api/v2/profile/password "{\"old_password\":\"$CONTROL_ONCE\",
	\"password\":\"$CONTROL_PASSWORD\"}")" '^200 ' "the change"
like "$(api GET /api/v2/profile)" '"one_time_password":false' "is in force"
password_login "$CONTROL_ONCE"
is $? 1 "the one-time password is used up"
check "the new one" password_login "$CONTROL_PASSWORD"

ACCESS1=$TOKEN REFRESH1=$REFRESH
like "$(api POST /api/v2/auth/refresh "{\"refresh_token\":\"$REFRESH1\"}")" \
	'^200 ' "a refresh"
TOKEN=$(field token) REFRESH=$(field refresh_token)
is "$(api GET /api/v2/profile | cut -c1-3)" 200 "its access token"
NEW=$TOKEN TOKEN=$ACCESS1
is "$(api GET /api/v2/profile | cut -c1-3)" 401 "ends the one before at once"
like "$(api POST /api/v2/auth/refresh "{\"refresh_token\":\"$REFRESH1\"}")" \
	'^401 .*"message":"refresh token is incorrect"' "a refresh token twice"
TOKEN=$NEW
is "$(api GET /api/v2/profile | cut -c1-3)" 401 "ends the whole family"
like "$(api POST /api/v2/auth/refresh "{\"refresh_token\":\"$REFRESH\"}")" \
	'^401 ' "also its latest refresh token"
like "$(cat "$T/control.events")" '"event":"control.refresh_reused"' \
	"and is told in the event log"
check "another login" control_login
like "$(api POST /api/v2/oauth/token "{\"grant_type\":\"refresh_token\",
	\"client_id\":\"omniedge-desktop\",\"refresh_token\":\"$REFRESH\"}")" \
	'^200 \{"access_token"' "a refresh by the way of OAuth"
TOKEN=$(field access_token)
is "$(api POST /api/v2/auth/logout | cut -c1-3)" 200 "logout"
is "$(api GET /api/v2/profile | cut -c1-3)" 401 "and nothing is left of it"
TOKEN=${TOKEN%?}x
is "$(api GET /api/v2/profile | cut -c1-3)" 401 "a forged token"
TOKEN=
like "$(api POST /api/v2/auth/login/security-key '{"key":"nope"}')" \
	'^401 .*E_TOKEN_INVALID' "a security key that is none"

# --- a terminal and a browser ------------------------------------------------

device() {
	api POST /api/v2/oauth/device/code \
		'{"client_id":"omniedge-cli","scope":"openid"}' >/dev/null
	DEVICE=$(field device_code) CODE=$(field user_code)
}
poll() {
	api POST /api/v2/oauth/token "{\"client_id\":\"omniedge-cli\",
		\"device_code\":\"$DEVICE\",\"grant_type\":
		\"urn:ietf:params:oauth:grant-type:device_code\"}"
}
# browse PATH NAME=VALUE...: the page that a form leads to.
browse() {
	local path=$1 a=() f
	shift
	for f; do
		a+=(--data-urlencode "$f")
	done
	curl -sS -m 60 "${a[@]}" "$CONTROL_HTTP$path"
}
hidden() {
	sed -n "s/.*name=\"$1\" value=\"\([^\"]*\)\".*/\1/p" <<<"$PAGE" |
		head -n 1
}
# One input a line.
page_lines() {
	PAGE=${PAGE//<input/$'\n'<input}
}
answer() {
	browse /device/decide "user_code=$(hidden user_code)" \
		"user=$(hidden user)" "until=$(hidden until)" \
		"ticket=${2-$(hidden ticket)}" "answer=$1"
}

device
like "$CODE" '^[B-Z]{4}-[B-Z]{4}$' "a code to type"
like "$(poll)" '^400 .*authorization_pending' "pending"
too_often() {
	poll | grep -q '^400 .*slow_down'
}
check "asked too often" wait_for 60 too_often
like "$(curl -sS -m 60 "$CONTROL_HTTP/device?user_code=%22%3E%3Cb%3E")" \
	'value="&#34;&#62;&#60;b&#62;"' "what a link carries is text"
like "$(browse /device "user_code=$CODE" "email=$CONTROL_EMAIL" password=no)" \
	'do not fit' "the page refuses a wrong password"
like "$(browse /device user_code=BBBB-BBBB "email=$CONTROL_EMAIL" \
	"password=$CONTROL_PASSWORD")" 'No device waits' "and a wrong code"
PAGE=$(browse /device "user_code=${CODE,,}" "email=$CONTROL_EMAIL" \
	"password=$CONTROL_PASSWORD")
page_lines
like "$PAGE" '<b>omniedge-cli</b> at the address <b>127.0.0.1</b>' \
	"it says who asks"
like "$(answer approve 00)" 'took too long' "an answer without its ticket"
like "$(poll)" '^400 .*(pending|slow_down)' "is none"
like "$(answer approve)" 'Approved' "approved"
like "$(answer approve)" 'No device waits' "once"
like "$(poll)" '^200 \{"access_token".*"expires_in":[0-9]+' "tokens"
TOKEN=$(field access_token)
is "$(api GET /api/v2/profile | cut -c1-3)" 200 "that are good"
TOKEN=
like "$(poll)" '^400 .*expired_token' "once, too"
device
PAGE=$(browse /device "user_code=$CODE" "email=$CONTROL_EMAIL" \
	"password=$CONTROL_PASSWORD")
page_lines
like "$(answer deny)" 'Denied' "denied"
like "$(poll)" '^400 .*access_denied' "the terminal hears of it"

# --- metrics -----------------------------------------------------------------

curl -sS -m 60 "$CONTROL_HTTP/metrics" >"$T/metrics"
like "$(cat "$T/metrics")" '^omniedge_control_replies_total\{class="4xx"\} [1-9]' \
	"metrics count"
if command -v promtool >/dev/null; then
	run promtool check metrics <"$T/metrics"
	is "$STATUS$(cat "$OUT" "$ERR")" 0 "promtool has nothing to say"
else
	skip "promtool has nothing to say" "no promtool here"
fi
like "$(curl -sS -m 60 "$CONTROL_HTTP/health")" \
	'^\{"code":200,"data":\{"status":"ok"' "health in the real form"

# --- guessing ----------------------------------------------------------------

# The pauses grow: however slow this machine is, one is met.
n=0 got=
while [ $n -lt 20 ] && [ "$got" != 429 ]; do
	n=$((n + 1))
	got=$(http -H 'Content-Type: application/json' -d \
		'{"email":"guessed@example.org","password":"wrong"}' "$LOGIN")
done
like "$(cat "$T/api.body")" 'E_TOO_MANY_REQUESTS' "guessing is slowed"
like "$(cat "$T/api.head")" '^Retry-After: [1-9]' "and told for how long"
is $((n > 4)) 1 "but not before the fifth"
is "$(curl -sS -m 60 "$CONTROL_HTTP/healthz")" ok "others are served"

# --- slow clients ------------------------------------------------------------

stop_control
is "$(tail -n 1 "$T/control.events" | grep -c control.stop)" 1 \
	"it has stopped in order"
cat "$T/control.log" "$T/control.events" >"$T/said"
start_control --head-timeout 1s --body-timeout 1s -v || bail "no server"
HP=${CONTROL_HTTP#http://}
pids=()
# slow PLACE WHAT WANT: again when the server was too slow itself to see that
# a request has begun.
slow() {
	local try got
	for try in 1 2 3 4 5; do
		got=$(rude slow "$1" "$2")
		[ "$got" = "$3" ] && break
		diag "try $try: $got"
	done
	echo "$got"
}
for what in line headers body; do
	slow "$HP" $what "closed 408" >"$T/slow.$what" &
	pids+=($!)
done
slow "$HP" nothing "closed " >"$T/slow.nothing" &
pids+=($!)
slow "${CONTROL_URL#https://}" nothing "closed " >"$T/slow.tls" &
pids+=($!)
wait "${pids[@]}"
for what in line headers body; do
	is "$(cat "$T/slow.$what")" "closed 408" "within a request: $what"
done
for what in nothing tls; do
	is "$(cat "$T/slow.$what")" "closed " "before a request: $what"
done
stop_control
start_control -v -v || bail "no server"

# --- reload and stop ---------------------------------------------------------

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
	-subj /CN=new -keyout "$CONTROL_DIR/tls-key.pem" \
	-out "$CONTROL_DIR/tls-cert.pem" 2>/dev/null
: >"$T/reloaded"
kill -HUP "$CONTROL_PID"
serves_new() {
	timeout 30 openssl s_client -connect "${CONTROL_URL#https://}" \
		</dev/null 2>/dev/null | grep -q 'subject=CN = new'
}
check "SIGHUP: the new certificate" wait_for 30 serves_new
echo junk >"$CONTROL_DIR/tls-cert.pem"
kill -HUP "$CONTROL_PID"
check "a bad one is refused" wait_for 30 grep -q 'old configuration stays' \
	"$T/control.log"
check "and the old one stays" serves_new
stop_control
secrets=$(cat "$T/said" "$T/control.log" "$T/control.events")
unlike "$secrets" "$CONTROL_ONCE|$CONTROL_PASSWORD|${REFRESH1:-none}|eyJhbGci" \
	"no password and no token in what it has said"
unlike "$secrets" "${DEVICE:-none}|${CODE:-none}|wrong" "and no code"
unlike "$secrets" 'Sanitizer|runtime error' "and no complaint of sanitizers"
rm "$CONTROL_DIR"/tls-*.pem
start_control || bail "no second start"
check "it starts again, and knows its users" control_login
kill -KILL "$CONTROL_PID"
wait "$CONTROL_PID" 2>/dev/null
start_control || bail "no start after SIGKILL"
check "what was acknowledged is there after SIGKILL" control_login
stop_control
chmod 755 "$CONTROL_DIR"
run "$OMNIEDGE" control-server --data-dir "$CONTROL_DIR" --listen "$LO:0"
is "$STATUS" 78 "a directory that others may read is refused"

# --- a service manager -------------------------------------------------------

chmod 700 "$CONTROL_DIR"
cat >"$T/notify.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "w", buffering=1) as log:
    while True:
        log.write(s.recv(65536).decode() + "\n")
PY
python3 "$T/notify.py" "$T/notify" "$T/notified" 3>&- &
own $!
wait_for 20 test -S "$T/notify"
export NOTIFY_SOCKET=$T/notify WATCHDOG_USEC=400000
start_control || bail "no server under a manager"
unset NOTIFY_SOCKET WATCHDOG_USEC
notified() {
	wait_for 30 grep -q "^$1" "$T/notified"
}
check "READY=1" notified READY=1
check "WATCHDOG=1 while the loop turns" notified WATCHDOG=1
kill -HUP "$CONTROL_PID"
check "RELOADING=1" notified RELOADING=1
kill -TERM "$CONTROL_PID"
check "STOPPING=1" notified STOPPING=1
stop_control
# The example has each setting, with the default that is in force.
example=$OE_SRCDIR/contrib/omniedge.conf.example
run "$OMNIEDGE" control-server --config "$example" --check-config
status_is 0 "the example as it is"
lacks=$(sed -n 's/^; \(.*\) is not set$/\1 =/p; s/ ; default$//p' "$OUT" |
	while read -r line; do
		sed -n '/^\[control-server\]/,$p' "$example" |
			grep -qF "#$line" || echo "$line"
	done)
is "$lacks" "" "the example shows every default"

# --- two servers on one PostgreSQL -------------------------------------------

# Who owns the database has to reach its folder.
pg=$T/pg
CONTROL_DB=$(bash "$OE_SRCDIR/tests/lib/postgres.sh" start "$pg" \
	2>"$T/pg.err")
case $? in
0)
	own "$(head -n 1 "$pg/data/postmaster.pid")"
	CONTROL_DIR=$T/one CONTROL_ONCE=
	start_control || bail "no server on PostgreSQL"
	first_pid=$CONTROL_PID first=$CONTROL_HTTP
	CONTROL_DIR=$T/two
	start_control || bail "no second server"
	check "a login at one of two servers" control_login
	second=$CONTROL_HTTP CONTROL_HTTP=$first
	is "$(api GET /api/v2/profile | cut -c1-3)" 200 "is good at the other"
	CONTROL_HTTP=$second
	is "$(api POST /api/v2/auth/logout | cut -c1-3)" 200 "a logout"
	ended() {
		[ "$(api GET /api/v2/profile | cut -c1-3)" = 401 ]
	}
	check "ends it there" ended
	CONTROL_HTTP=$first
	check "and at the other" wait_for 20 ended
	stop "$first_pid"
	stop_control
	bash "$OE_SRCDIR/tests/lib/postgres.sh" stop "$pg"
	;;
77) skip "two servers on one PostgreSQL" "there is none here" ;;
*)
	not_ok "a PostgreSQL starts"
	diag_file "$T/pg.err"
	;;
esac
done_testing
