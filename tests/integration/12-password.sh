#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Passwords and keyboard-interactive through PAM: only when asked for, never
# for root, and with one answer for everybody who fails.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
am_root || skip_all "PAM can only check passwords for root"
need ssh sshpass expect chpasswd chage usermod python3

# AddressSanitizer stands in for crypt_r(), and finds no real one when only a
# PAM module, loaded later, brings it.
if is_sanitized; then
	# shellcheck disable=SC2034 # for start_server
	SERVER_ENV=(LD_PRELOAD=libcrypt.so.1
		ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0")
fi

# set_password USER PASSWORD
set_password() {
	printf '%s:%s\n' "$1" "$2" | chpasswd -c SHA256 -s 1000
}

make_user p
LOGIN=$USER_NAME
secret='s3cret with spaces ü'
set_password "$LOGIN" "$secret"
make_key id

# by METHOD PASSWORD USER COMMAND: with that method only.
by() {
	local method=$1 word=$2 user=$3
	shift 3
	sshpass -p "$word" timeout -k 5 "$RUN_LIMIT" ssh -F /dev/null \
		-o PreferredAuthentications="$method" -o PubkeyAuthentication=no \
		-o NumberOfPasswordPrompts=1 -o LogLevel=ERROR \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new \
		-p "$SERVER_PORT" "$user@$LO" "$@"
}

methods() {
	ssh -F /dev/null -v -o PreferredAuthentications=none -o BatchMode=yes \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new -p "$SERVER_PORT" "$1@$LO" \
		true 2>&1 | sed -n 's/.*that can continue: //p' | tr -d '\r'
}

# --- not unless asked for ----------------------------------------------------

start_server --ban-after 0 || bail "the server does not start"
is "$(methods "$LOGIN")" publickey "by default there are keys only"
run by password "$secret" "$LOGIN" 'echo in'
status_is 255 "no password by default"
run by keyboard-interactive "$secret" "$LOGIN" 'echo in'
status_is 255 "no keyboard-interactive by default"
cat >"$T/force.py" <<'PY'
# A client that does not care what the server offers.
import logging, paramiko, socket, sys
logging.disable(logging.CRITICAL)
host, port, user, word = sys.argv[1:]
t = paramiko.Transport(socket.create_connection((host, int(port))))
t.start_client()
try:
    t.auth_password(user, word, fallback=False)
except Exception as e:
    print("%s: %s" % (type(e).__name__, e))
else:
    print("in")
t.close()
PY
run /usr/bin/python3 "$T/force.py" "$LO" "$SERVER_PORT" "$LOGIN" "$secret"
unlike "$(cat "$OUT")" '^in' "not even for a client that insists"
stop_server

# --- both --------------------------------------------------------------------

start_server --ban-after 0 --auth publickey,password,keyboard-interactive ||
	bail "the server does not start"
is "$(methods "$LOGIN")" publickey,keyboard-interactive,password \
	"the methods that were asked for"
for m in password keyboard-interactive; do
	run by "$m" "$secret" "$LOGIN" 'id -un; exit 3'
	status_is 3 "$m"
	is "$(cat "$OUT")" "$LOGIN" "$m: as that user"
	run by "$m" wrong "$LOGIN" 'echo in'
	is "$(cat "$OUT")" "" "$m: a wrong one"
	check "$m: the log says so" event_seen auth \
		"\"method\":\"$m\",\"success\":false"
	run by "$m" '' "$LOGIN" 'echo in'
	is "$(cat "$OUT")" "" "$m: an empty one"
	run by "$m" "$(printf 'x%.0s' {1..5000})" "$LOGIN" 'echo in'
	is "$(cat "$OUT")" "" "$m: one of 5000 bytes"
done

cat >"$T/type.exp" <<'EXP'
set timeout 30
spawn -noecho ssh -F /dev/null -o PreferredAuthentications=keyboard-interactive \
	-o PubkeyAuthentication=no -o UserKnownHostsFile=$env(T)/known_hosts \
	-p [lindex $argv 0] [lindex $argv 1]@127.0.0.1 {echo "logged-in: $(id -un)"}
expect "assword:" { send "wrong\r" }
expect "assword:" { send "$env(SECRET)\r" }
expect eof
EXP
SECRET=$secret run expect "$T/type.exp" "$SERVER_PORT" "$LOGIN"
like "$(cat "$OUT")" "logged-in: $LOGIN" "typed: wrong first, then right"
unlike "$(cat "$OUT")" "s3cret" "without an echo"

# --- never for root ----------------------------------------------------------

# root's own password is not to be touched: an account with uid 0 has the
# same right, and a user map to it must not start; the name root is asked
# with what may be root's password or not.
run by password "$secret" root 'echo in'
is "$(cat "$OUT")" "" "root: not by password"
run by keyboard-interactive "$secret" root 'echo in'
is "$(cat "$OUT")" "" "root: not by keyboard-interactive"

# --- one answer --------------------------------------------------------------

cat >"$T/answers.py" <<'PY'
# What the server says to a failed login, and how long it took.
import logging, paramiko, socket, sys, time
logging.disable(logging.CRITICAL)
host, port, method, user = sys.argv[1:]
t = paramiko.Transport(socket.create_connection((host, int(port))))
t.start_client()
said = []
def ask(title, text, prompts):
    said.append("ask %r %r %r" % (title, text, prompts))
    return ["wrong"] * len(prompts)
def key():
    return paramiko.Ed25519Key.from_private_key_file("%s/stranger" % sys.path[0])
spent = []
for n in range(2):
    start = time.monotonic()
    try:
        if method == "password":
            t.auth_password(user, "wrong", fallback=False)
        elif method == "publickey":
            t.auth_publickey(user, key())
        else:
            t.auth_interactive(user, ask)
        said.append("in")
    except Exception as e:
        said.append("%s %s %s" % (type(e).__name__, e,
                                  getattr(e, "allowed_types", "")))
    spent.append("%.0f" % ((time.monotonic() - start) * 1000))
t.close()
print("\n".join(said).replace(user, "USER"))
print("%s ms" % " ".join(spent), file=sys.stderr)
PY
make_key stranger
cp "$T/stranger" "$T/stranger.pem"
make_user locked
locked=$USER_NAME
usermod -L "$locked"
users="oe-nobody-here root $locked -x 12345 a/../b"
for m in publickey password keyboard-interactive; do
	rm -f "$T"/said.*
	pids=
	n=0
	for user in "$LOGIN" $users; do
		/usr/bin/python3 "$T/answers.py" "$LO" "$SERVER_PORT" "$m" \
			"$user" >"$T/said.$n" 2>"$T/took.$n" &
		pids+=" $!"
		n=$((n + 1))
	done
	# shellcheck disable=SC2086 # several
	wait $pids
	diag "$m: a known user: $(tail -n 1 "$T/took.0")"
	like "$(cat "$T/said.0")" AuthenticationException "$m fails"
	n=0
	for user in $users; do
		n=$((n + 1))
		is "$(cat "$T/said.$n")" "$(cat "$T/said.0")" \
			"$m: the same answers for $user"
		diag "$user: $(tail -n 1 "$T/took.$n")"
	done
done

# --- accounts ----------------------------------------------------------------

in_by_password() {
	run by password "$secret" "$LOGIN" 'echo in'
	[ "$(cat "$OUT")" = in ]
}
in_by_key() {
	run ossh "$LOGIN@$LO" 'echo in'
	[ "$(cat "$OUT")" = in ]
}
check "a good account: password" in_by_password
check "a good account: key" in_by_key
chage -E 2020-01-01 "$LOGIN"
check "an expired account: no password" eval "! in_by_password"
check "an expired account: no key" eval "! in_by_key"
chage -E -1 "$LOGIN"
usermod -L "$LOGIN"
check "a locked password" eval "! in_by_password"
usermod -U "$LOGIN"
chage -d 0 "$LOGIN"
check "a password that must be changed" eval "! in_by_password"
chage -d "$(date +%F)" "$LOGIN"
usermod -s "$T/no-such-shell" "$LOGIN"
check "a shell that is not there: no password" eval "! in_by_password"
check "a shell that is not there: no key" eval "! in_by_key"
usermod -s /bin/bash "$LOGIN"
check "as it was: password" in_by_password

# /etc is everybody's: only where nothing of the kind is there already.
if [ -e /run/nologin ] || [ -e /etc/nologin ]; then
	skip "nologin" "logins are closed here already"
else
	OWN_FOLDERS+=(/run/nologin)
	echo "closed for works" >/run/nologin
	check "nologin: no password" eval "! in_by_password"
	check "nologin: no key" eval "! in_by_key"
	cp "$T/id.pub" "$T/authorized_keys"
	run ossh "root@$LO" 'echo in'
	is "$(cat "$OUT")" in "nologin: root gets in by key"
	rm /run/nologin
	check "and everybody again without it" in_by_key
fi
stop_server

# --- tries -------------------------------------------------------------------

start_server --ban-after 0 --auth password --max-auth-tries 2
cat >"$T/tries.exp" <<'EXP'
set timeout 60
spawn -noecho ssh -F /dev/null -o PreferredAuthentications=password \
	-o NumberOfPasswordPrompts=9 -o PubkeyAuthentication=no \
	-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=$env(T)/known_hosts \
	-p [lindex $argv 0] [lindex $argv 1]@127.0.0.1 true
set n 0
expect {
	"assword:" { incr n; send "wrong\r"; exp_continue }
	eof
}
puts "prompts: $n"
EXP
run expect "$T/tries.exp" "$SERVER_PORT" "$LOGIN"
# ssh may ask again before it has read that the connection ends; what it then
# sends is not looked at
is "$(events auth | grep -c '"success":false')" 2 "--max-auth-tries"
like "$(cat "$OUT")" 'too many authentication failures' "and it says why"
check "so does the log" event_seen disconnect too-many-tries
is "$(methods "$LOGIN")" password "--auth password: no keys"
stop_server
done_testing
