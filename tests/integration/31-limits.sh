#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Peers that want too much, say nothing or say nonsense: each limit holds, and
# the server stays usable for a good client.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

login_user m
make_key id
make_key wrong
authorize "$(cat "$T/id.pub")"

cat >"$T/peers.py" <<'PY'
"""peers.py PORT SOURCE COUNT KIND [SECONDS]: COUNT peers at a time.

Prints how many were served a version ("greeted"), how many were ended by the
server, and after how many seconds the last was.
"""
import select, socket, sys, time
port, source, count, kind = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
limit = float(sys.argv[5]) if len(sys.argv) > 5 else 3
start = time.monotonic()
peers = {}
greeted = ended = 0
last = 0.0
for i in range(count):
    s = socket.socket()
    s.bind((source, 0))
    s.connect(("127.0.0.1", port))
    s.setblocking(False)
    peers[s] = False
    try:
        if kind == "garbage":
            s.send(b"GET / HTTP/1.0\r\n\r\n")
        elif kind == "binary":
            s.send(bytes(range(256)) * 16)
        elif kind == "long":
            s.send(b"SSH-2.0-" + b"x" * 100000)
        elif kind == "old":
            s.send(b"SSH-1.5-old\r\n")
        elif kind == "packet":
            s.send(b"SSH-2.0-x\r\n" + b"\xff" * 4096)
        elif kind == "huge":
            s.send(b"SSH-2.0-x\r\n" + b"\x7f\xff\xff\xff" + b"\0" * 4096)
    except OSError:
        pass
slow = b"SSH-2.0-slow_peer_that_takes_its_time_to_say_its_name" + b"y" * 150
sent = 0
while peers and time.monotonic() - start < limit:
    for s in select.select(list(peers), [], [], 0.1)[0]:
        try:
            data = s.recv(65536)
        except OSError:
            data = b""
        if not data:
            s.close()
            del peers[s]
            ended += 1
            last = time.monotonic() - start
        elif not peers[s]:
            peers[s] = True
            greeted += 1
    if kind == "slow" and time.monotonic() - start > sent:
        for s in peers:
            try:
                s.send(slow[sent:sent + 1])
            except OSError:
                pass
        sent += 1
print("greeted %d ended %d last %d" % (greeted, ended, round(last)), flush=True)
if limit > 50:
    time.sleep(600)
PY
peers() {
	run python3 "$T/peers.py" "$SERVER_PORT" "$@"
}
got() {
	sed -n "s/.*$1 \([0-9]*\).*/\1/p" "$OUT"
}
# No monitor and no net is left.
all_gone() {
	wait_for 10 eval '[ -z "$(children_of "$SERVER_PID")" ]'
}

# --- nonsense ----------------------------------------------------------------

start_server --login-grace 5s --ban-after 0 || bail "the server does not start"
for kind in garbage binary long old packet huge; do
	peers "$LO" 5 "$kind" 8
	is "$(got ended)" 5 "$kind: let go" || diag_file "$OUT"
	check "$kind: not only by --login-grace" test "$(got last)" -le 4
	gets_in "$kind: a good client gets in"
done
check "nothing is left of them" all_gone
unlike "$(cat "$SERVER_LOG")" 'Sanitizer|ended by signal' "nothing crashed"
stop_server

# --- silence -----------------------------------------------------------------

start_server --login-grace 2s --ban-after 0
peers "$LO" 10 silent 9
is "$(got ended)" 10 "silent peers are ended by --login-grace"
last=$(got last)
check "in time" test "$last" -ge 1 -a "$last" -le 5
check "the log says why" event_seen disconnect login-grace
peers "$LO" 10 slow 9
is "$(got ended)" 10 "one byte a second does not prolong it"
check "in time" test "$(got last)" -le 5
check "nothing is left of them" all_gone
run ossh "$LOGIN@$LO" 'sleep 4; echo in'
is "$(cat "$OUT")" in "a session outlives the time for logging in"
stop_server

# --- --max-startups ----------------------------------------------------------

start_server --max-startups 10 --login-grace 30s --ban-after 0
python3 "$T/peers.py" "$SERVER_PORT" 127.0.0.9 25 silent 2 >"$T/counts" &
pid=$!
own $pid
sleep 1
run python3 "$T/peers.py" "$SERVER_PORT" 127.0.0.8 3 silent 1
is "$(got greeted)" 0 "--max-startups: full is full"
wait $pid
cp "$T/counts" "$OUT"
is "$(got greeted)" 10 "as many as it says were let in"
is "$(got ended)" 15 "the others not"
check "the log says why" event_seen refused startups
wait_for 10 all_gone
gets_in "when they are gone a good client gets in"
stop_server

start_server --max-startups 5:50:60 --login-grace 30s --ban-after 0
python3 "$T/peers.py" "$SERVER_PORT" 127.0.0.9 40 silent 6 >"$T/counts" &
pid=$!
own $pid
sleep 1
in=0
for n in 1 2 3 4 5 6 7 8 9 10; do
	run ossh "$LOGIN@$LO" 'echo in'
	[ "$(cat "$OUT")" = in ] && in=1 && break
done
is "$in" 1 "random early drop: a good client gets through (try $n)"
wait $pid
cp "$T/counts" "$OUT"
ended=$(got ended) greeted=$(got greeted)
check "some were dropped" test "$ended" -ge 5
check "some were not" test "$greeted" -ge 6
stop_server

# --- per source --------------------------------------------------------------

start_server --source-startups 3 --login-grace 30s --ban-after 0
python3 "$T/peers.py" "$SERVER_PORT" 127.0.0.9 8 silent 5 >"$T/counts" &
pid=$!
own $pid
sleep 1
gets_in "--source-startups: another source is not concerned"
wait $pid
cp "$T/counts" "$OUT"
is "$(got greeted)" 3 "as many as it says"
stop_server

start_server --source-rate 5 --ban-after 0
for n in 1 2 3 4 5 6 7 8; do
	run ossh -b 127.0.0.9 "$LOGIN@$LO" 'echo in'
	cat "$OUT"
done >"$T/ins"
is "$(grep -c in "$T/ins")" 5 "--source-rate: as many a minute"
check "the log says why" event_seen refused rate
gets_in "another source is not concerned"
stop_server

# --- bans --------------------------------------------------------------------

start_server --ban-after 3 --ban-time 3s
for n in 1 2 3; do
	SSH_KEY=$T/wrong run ossh -b 127.0.0.9 "$LOGIN@$LO" true
done
# an offered key is no attempt; a proven one that is refused is
check "offered keys alone ban nobody" eval \
	'[ -z "$(events ban)" ]'
stop_server
start_server --ban-after 3 --ban-time 3s --ban-exempt 127.0.0.7
cat >"$T/guess.py" <<'PY'
# Prove a key that is not authorised, without asking first.
import logging, os, paramiko, socket, sys
logging.disable(logging.CRITICAL)
port, user, source = int(sys.argv[1]), sys.argv[2], sys.argv[3]
key = paramiko.Ed25519Key.from_private_key_file(os.environ["T"] + "/wrong")
s = socket.socket()
s.bind((source, 0))
s.connect(("127.0.0.1", port))
t = paramiko.Transport(s)
t.start_client(timeout=20)
for n in range(3):
    try:
        t.auth_publickey(user, key)
    except Exception:
        pass
t.close()
PY
run /usr/bin/python3 -W ignore "$T/guess.py" "$SERVER_PORT" "$LOGIN" 127.0.0.9
check "--ban-after: an event" event_seen ban '"src":"127.0.0.9"'
run python3 "$T/peers.py" "$SERVER_PORT" 127.0.0.9 1 silent 1
is "$(cat "$OUT")" "greeted 0 ended 1 last 0" "the source is shut out"
gets_in "another is not"
sleep 3
gets_in "--ban-time: afterwards it gets in" -b 127.0.0.9
run /usr/bin/python3 -W ignore "$T/guess.py" "$SERVER_PORT" "$LOGIN" 127.0.0.7
gets_in "--ban-exempt" -b 127.0.0.7
stop_server

# --- tries, sessions ---------------------------------------------------------

start_server --max-auth-tries 2 --ban-after 0
make_key w1
make_key w2
run ossh -i "$T/w1" -i "$T/w2" -i "$T/id" "$LOGIN@$LO" 'echo in'
is "$(cat "$OUT")" in "--max-auth-tries: the first key is right"
SSH_KEY=$T/w1 run ossh -i "$T/w2" -i "$T/id" "$LOGIN@$LO" 'echo in'
is "$STATUS" 255 "a third key is one too many"
check "the log says why" event_seen disconnect too-many-tries
stop_server

start_server --max-sessions 2 --ban-after 0
for n in 1 2; do
	ossh "$LOGIN@$LO" 'echo up; cat' >"$T/s$n" 2>/dev/null \
		< <(sleep 30) &
	own $!
	wait_for 10 grep -q up "$T/s$n"
done
run ossh "$LOGIN@$LO" 'sleep 1; echo in'
is "$STATUS $(cat "$OUT")" "255 " "--max-sessions"
check "the log says why" event_seen refused sessions
stop_server
done_testing
