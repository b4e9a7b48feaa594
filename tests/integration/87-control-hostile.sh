#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# control-server among people who mean harm: guessing through many names and
# addresses, connections that never end, proxies that lie, certificates that
# change, a stop with work in hand.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need curl python3 openssl
. "$OE_SRCDIR/tests/lib/control.sh"
"$OMNIEDGE" control-server --help >/dev/null 2>&1 ||
	skip_all "module control is not built"

rude() {
	timeout -k 5 200 python3 "$OE_SRCDIR/tests/lib/control_raw.py" "$@"
}

# --- settings ----------------------------------------------------------------

cs() {
	run "$OMNIEDGE" control-server --data-dir "$T/none" --check-config "$@"
}

cs --database 'postgresql://ann:s3:cr@et@db/control?password=s3cret2'
like "$(cat "$OUT")" '^database = postgresql://ann:\*\*\*@db/control\?\*\*\* ' \
	"--check-config prints no password of the database"
cs --database /srv/a@b:c.db
like "$(cat "$OUT")" '^database = /srv/a@b:c.db ;' "a file as it is"
cs --trusted-proxy 10.0.0.1/8
is "$STATUS" 64 "a trusted proxy that is no network"
for bad in http://example.org http://localhost.example.org http://127.0.0.10; do
	cs --public-url "$bad"
	is "$STATUS" 78 "no page for passwords at $bad"
done
cs --public-url http://localhost:8080
status_is 0 "but on this machine"

# A machine that listens everywhere is reached by its name.
"$OMNIEDGE" control-server --data-dir "$T/any" --listen 0.0.0.0:0 \
	--listen "http://$LO:0" >"$T/any.events" 2>"$T/any.log" 3>&- &
any=$!
own "$any"
wait_for 60 grep -q control.start "$T/any.events"
CONTROL_HTTP=$(grep -o 'http://127[0-9.:]*' "$T/any.log" | head -n 1)
like "$(api POST /api/v2/oauth/device/code '{"client_id":"x"}')" \
	"\"verification_uri\":\"https://$(uname -n):[0-9]+/device\"" \
	"the page's address has a name where 0.0.0.0 is listened on"
stop "$any"

# --- guessing ----------------------------------------------------------------

start_control || bail "no server"
HP=${CONTROL_HTTP#http://}
check "the administrator logs in" control_login
# Pauses end: what is asked is whether one is met within a few tries, which
# double it each time.  Addresses of each test are its own.
is "$(rude guess "$HP" 127.1.0.1 100 'no%d@example.org')" 429 \
	"one address, many accounts"
rude press "$HP" 127.1.0.1 200 victim@example.org
is "$(rude guess "$HP" 127.1.0.2 1 victim@example.org)" 401 \
	"who has to wait makes nobody else wait"
for i in {1..50}; do
	got=$(rude guess "$HP" "127.1.1.$i" 1 "$CONTROL_EMAIL")
	[ "$got" = 429 ] && break
done
is "$got" 429 "many addresses, one account"
check "its owner gets in where he was before" control_login
for i in {61..64}; do
	rude guess "$HP" "127.1.1.$i" 1 "$CONTROL_EMAIL"
done >"$T/guesses"
check "and that forgives nobody else" grep -q 429 "$T/guesses"
rude guess "$HP" 127.1.2.1 1 liar@example.org 203.0.113.9 >/dev/null
like "$(grep liar@ "$T/control.events")" '"src":"127.1.2.1"' \
	"X-Forwarded-For of anybody is nothing"
is "$(curl -sS -m 60 -o /dev/null -w '%{http_code}' \
	"$CONTROL_HTTP/healthz?a=1&b=2&a=3")" 400 "a parameter twice"
is "$(curl -sS -m 60 -o /dev/null -w '%{http_code}' \
	"$CONTROL_HTTP/healthz?a=%ff")" 400 "a parameter that is no text"
stop_control

# --- a proxy in front --------------------------------------------------------

start_control --trusted-proxy 127.2.0.0/16 --max-per-address 2 ||
	bail "no server"
HP=${CONTROL_HTTP#http://}
is "$(rude guess "$HP" 127.2.0.1 100 'no%d@example.org' 203.0.113.9)" 429 \
	"one address behind the proxy"
is "$(rude guess "$HP" 127.2.0.1 1 bob@example.org 203.0.113.10)" 401 \
	"another behind it"
rude guess "$HP" 127.2.0.1 1 eve@example.org \
	'203.0.113.20, 203.0.113.21, 127.2.9.9' >/dev/null
like "$(grep eve@ "$T/control.events")" '"src":"203.0.113.21"' \
	"what a client wrote before is not believed"
is "$(rude guess "$HP" 127.2.0.1 100 'no%d@example.org' '2001:db8:1:2::2')" \
	429 "an IPv6 address"
is "$(rude guess "$HP" 127.2.0.1 4 'yes%d@example.org' \
	'2001:db8:1:2:3::4')" 429 "and all of its network"
is "$(rude guess "$HP" 127.2.0.1 4 'yes%d@example.org' \
	'2001:db8:1:3::4')" 401 "but no other"
like "$(grep bob@ "$T/control.events" | head -n 1)" '"src":"203.0.113.10"' \
	"events name the client"
is "$(rude hold "$HP" 5 127.2.0.1)" 5 "the proxy may have many connections"
is "$(rude hold "$HP" 5 127.3.0.1)" 2 "others not"
stop_control

# --- connections that do not end ---------------------------------------------

start_control --max-connections 20 --max-per-address 20 --head-timeout 60s ||
	bail "no server"
HP=${CONTROL_HTTP#http://}
rude sit "$HP" 20 >"$T/sit" 3>&- &
own $!
check "20 of 20 connections say nothing" wait_for 60 grep -q sitting "$T/sit"
get_ok() {
	[ "$(curl -sS -m 60 "$CONTROL_HTTP/healthz" 2>/dev/null)" = ok ]
}
check "others are served" wait_for 60 get_ok
stop $!
control_login
is "$(rude large "$HP" "$TOKEN" | tr '\n' ' ')" "3 503 100 " \
	"large bodies have a bound all together, and get through after others"
stop_control

# More of them than it has descriptors for.
printf '#!/bin/bash\nulimit -n 80\nexec "%s" "$@"\n' "$OMNIEDGE" >"$T/few"
chmod 755 "$T/few"
program=$OMNIEDGE
OMNIEDGE=$T/few
start_control --max-per-address 1000 --stop-grace 2s || bail "no server"
OMNIEDGE=$program
rude halves "${CONTROL_HTTP#http://}" 100 >"$T/halves" 3>&- &
own $!
full() {
	grep -q 'resting a moment' "$T/control.log"
}
check "no descriptors are left" wait_for 60 full
kill -TERM "$CONTROL_PID"
wait "$CONTROL_PID"
is $? 0 "it stops all the same"
is "$(grep -c 'resting a moment' "$T/control.log")" 1 "and has said it once"
stop $!

start_control --head-timeout 1s --idle-timeout 1s || bail "no server"
HP=${CONTROL_HTTP#http://}
is "$(rude blanks "$HP")" closed "empty lines are no request"
rude dribble "$HP" 4 >"$T/dribble" 3>&- &
pid=$!
rude dribble "${CONTROL_URL#https://}" 4 >"$T/dribble.tls" 3>&- &
wait $! "$pid"
is "$(cat "$T/dribble")" "4 closed" "who never stops sending is left"
is "$(cat "$T/dribble.tls")" "4 closed" "also instead of TLS"
stop_control

# --- parser ------------------------------------------------------------------

start_control --max-per-address 1000 || bail "no server"
rude differ "${CONTROL_HTTP#http://}" 1 500 >"$T/differ"
is "$(tail -n 1 "$T/differ")" "no difference" \
	"requests are taken and refused as the grammar of RFC 9112 says"
diag_file "$T/differ"

# --- certificates ------------------------------------------------------------

like "$(timeout 30 openssl s_client -connect "${CONTROL_URL#https://}" \
	-tls1_2 </dev/null 2>&1)" 'Session-ID: *$' "no session to resume"
unlike "$(timeout 30 openssl s_client -connect "${CONTROL_URL#https://}" \
	-tls1_2 </dev/null 2>&1)" 'session ticket' "and no ticket"
key=$(openssl pkey -in "$CONTROL_DIR/tls-key.pem" -pubout)
pin=$CONTROL_PIN
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other \
	-keyout "$T/rsa.key" -out "$T/rsa.pem" 2>/dev/null
cp "$CONTROL_DIR/tls-key.pem" "$T/ec.key"
cp "$T/rsa.key" "$CONTROL_DIR/tls-key.pem"
cp "$T/rsa.pem" "$CONTROL_DIR/tls-cert.pem"
kill -HUP "$CONTROL_PID"
serves() {
	timeout 30 openssl s_client -connect "${CONTROL_URL#https://}" "$@" \
		</dev/null 2>/dev/null | sed -n 's/^subject=//p'
}
is_new() {
	[ "$(serves)" = "CN = other" ]
}
check "SIGHUP: a certificate with another kind of key" wait_for 60 is_new
is "$(serves -sigalgs ECDSA+SHA256)" "" "and the old one is gone"
check "one that ends soon is told of" wait_for 60 \
	grep -q 'ends in [0-2] days' "$T/control.log"
like "$(curl -sS -m 60 "$CONTROL_HTTP/metrics")" \
	'certificate_end_time_seconds [1-9]' "also in metrics"
openssl req -x509 -newkey rsa:1024 -nodes -days 2 -subj /CN=weak \
	-keyout "$CONTROL_DIR/tls-key.pem" -out "$CONTROL_DIR/tls-cert.pem" \
	2>/dev/null
kill -HUP "$CONTROL_PID"
check "one that is too weak is refused" wait_for 60 \
	grep -q 'old configuration stays' "$T/control.log"
check "and the old one stays" is_new
stop_control
cp "$T/ec.key" "$CONTROL_DIR/tls-key.pem"
rm "$CONTROL_DIR/tls-cert.pem"
start_control || bail "no server"
is "$CONTROL_PIN" "$pin" "a certificate made again has the same pin"
is "$(openssl pkey -in "$CONTROL_DIR/tls-key.pem" -pubout)" "$key" \
	"because the key is the same"
stop_control
start_control --tls-name new.example.org || bail "no server"
like "$(cat "$T/control.log")" "not good for 'new.example.org'" \
	"a name that came later is told of"

# --- a stop with work in hand ------------------------------------------------

stop_control
start_control --stop-grace 0s || bail "no server"
rude many "${CONTROL_HTTP#http://}" 30 >"$T/many" 3>&- &
many=$!
waits() {
	grep -q begun "$T/many"
}
check "30 passwords on their way" wait_for 60 waits
kill -TERM "$CONTROL_PID"
wait "$CONTROL_PID"
is $? 0 "it stops"
wait "$many"
unlike "$(cat "$T/control.log")" 'Sanitizer|runtime error' "in order"
done_testing
