#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Passwords of omniedge login: one that is good once has to be replaced, on a
# terminal and by scripts; wrong ones, two that differ, none, Ctrl-C.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/control.sh"
need python3 jq curl
# typist.py has a limit of its own
RUN_LIMIT=90

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
LOGIN_FILE=$HOME/.omniedge/omniedge-ssh.json
ASK="Password of $CONTROL_EMAIL: " NEW='New password: ' AGAIN='password, again: '

start_control || bail "no control-server"
secret() {
	printf '%s\n' "$2" >"$T/$1"
	chmod 600 "$T/$1"
}
secret once "$CONTROL_ONCE"
secret short short
secret good 'a long enough one'

login() {
	run "$OMNIEDGE" login --api "$CONTROL_HTTP" -u "$CONTROL_EMAIL" "$@"
}

# typed [PROMPT ANSWER]...: log in on a terminal; MORE are further options.
MORE=()
typed() {
	run python3 "$OE_SRCDIR/tests/lib/typist.py" "$@" -- "$OMNIEDGE" \
		login --api "$CONTROL_HTTP" -u "$CONTROL_EMAIL" "${MORE[@]}"
}

none_yet() {
	check "$1: nothing is kept" test ! -e "$LOGIN_FILE"
}

# --- what options go together ----------------------------------------------------

run "$OMNIEDGE" login --new-password
status_is 64 "--new-password needs --email"
run "$OMNIEDGE" login --new-password-file "$T/good"
status_is 64 "so does --new-password-file"
login --password-file - --new-password-file -
status_is 64 "standard input is one password"
login --new-password --new-password-file "$T/good"
status_is 64 "asked for or in a file"

# --- scripts ---------------------------------------------------------------------

run setsid -w "$OMNIEDGE" login --api "$CONTROL_HTTP" -u "$CONTROL_EMAIL" \
	--password-file "$T/once"
is "$STATUS" 1 "a password that is good once, and no terminal"
like "$(cat "$ERR")" '--new-password-file' "tells how to give another one"
none_yet "without another one"
login --password-file "$T/once" --new-password-file "$T/short"
is "$STATUS" 1 "one that is too short"
like "$(cat "$ERR")" 'at least 10 characters' "tells how long it must be"
unlike "$(cat "$ERR")" 'short"|: short' "and not what it was"
login --password-file "$T/once" --new-password-file "$T/once"
like "$(cat "$ERR")" 'is the old one' "the same one again"
none_yet "none of these"

# --- a terminal ------------------------------------------------------------------

run python3 "$OE_SRCDIR/tests/lib/typist.py" "$ASK" x -- "$OMNIEDGE" \
	login --api "$CONTROL_URL" -u "$CONTROL_EMAIL"
is "$STATUS" 255 "a certificate that nobody vouches for"
unlike "$(cat "$OUT")" Password "is found before a password is typed"
like "$(cat "$OUT")" 'give as --pin.*self-signed' "and what to do is told"
typed "$ASK" ^C
is "$STATUS" 130 "Ctrl-C at the password"
like "$(cat "$ERR")" 'echo on' "gives the terminal back as it was"
# pressed as soon as it asks, between two system calls for all one knows
n=0
for _ in $(seq 20); do
	typed "$ASK" ^C
	n=$((n + (STATUS == 130)))
done
is "$n" 20 "however early"
typed "$ASK" "$CONTROL_ONCE" "$NEW" ^C
is "$STATUS" 130 "Ctrl-C at the new one"
like "$(cat "$ERR")" 'echo on' "does so too"
typed "$ASK" ''
is "$STATUS" 1 "none"
typed "$ASK" "$CONTROL_ONCE" "$NEW" ''
is "$STATUS" 1 "no new one"
none_yet "interrupted"
typed "$ASK" nonsense "$ASK" rubbish "$ASK" "$CONTROL_ONCE" \
	"$NEW" one-that-is-long "$AGAIN" another-that-is "$NEW" short \
	"$AGAIN" short "$NEW" 'a long enough one' "$AGAIN" 'a long enough one'
status_is 0 "wrong, wrong, right; different, too short, good"
like "$(cat "$OUT")" 'do not match.*once more' "wrong ones are told"
like "$(cat "$OUT")" 'not the same' "and that two differ"
like "$(cat "$OUT")" 'at least 10' "and what is too short"
like "$(cat "$OUT")" "logged in to $CONTROL_HTTP as $CONTROL_EMAIL" "then in"
unlike "$(cat "$OUT")" 'nonsense|rubbish|long enough one|no SSH policy' \
	"nothing that was typed is shown"
check "the login is kept" test -s "$LOGIN_FILE"
run "$OMNIEDGE" networks
status_is 0 "and good for everything"

# --- ordinary passwords ----------------------------------------------------------

cp "$LOGIN_FILE" "$T/elsewhere.json"
login --password-file "$T/good"
status_is 0 "a login with it sets no other"
MORE=(--new-password)
typed "$ASK" 'a long enough one' "$NEW" 'Another One!' "$AGAIN" 'Another One!'
status_is 0 "--new-password changes it"
run "$OMNIEDGE" networks --file "$T/elsewhere.json"
is "$STATUS" 255 "which ends other logins"
run "$OMNIEDGE" networks
status_is 0 "not this one"
login --password-file "$T/good"
is "$STATUS" 255 "the old one is over"
secret last 'the very last one'
secret other 'Another One!'
login --password-file "$T/other" --new-password-file - <"$T/last"
status_is 0 "from standard input"
login --password-file - <"$T/last"
status_is 0 "and it is in force"

# --- guessing --------------------------------------------------------------------

MORE=(--new-password)
typed "$ASK" no "$ASK" no "$ASK" no
is "$STATUS" 255 "three wrong ones are enough"
unlike "$(cat "$OUT")" "$NEW" "and lead nowhere"
done_testing
