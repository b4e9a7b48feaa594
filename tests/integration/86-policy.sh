#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ssh-server under a policy: who gets in by what, each field of an action as
# allowed and as refused, and what happens to live sessions when it changes.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh sftp ssh-keygen python3

make_key id
make_key other
make_key ca
FP=$(ssh-keygen -lf "$T/id.pub" | cut -d' ' -f2)
OTHER_FP=$(ssh-keygen -lf "$T/other.pub" | cut -d' ' -f2)
: >"$T/authorized_keys"
POLICY=$T/conf/policy.json
mkdir "$T/conf" "$T/files" "$T/files/in" "$T/more"
echo inside >"$T/files/in/a"
echo outside >"$T/more/b"

# document RULE...: a policy of these rules, on standard output.
document() {
	local IFS=,
	printf '{"version":1,"updated_at":"2026-01-01T00:00:00Z",\n'
	printf '"rules":[%s]}\n' "$*"
}

# rule ID PRINCIPALS ACTION [MORE]: one rule for $ME.
rule() {
	printf '{"id":"%s","principals":[%s],"ssh_users":{"%s":"%s"},' \
		"$1" "$2" "$ME" "$ME"
	printf '"action":{%s}%s}' "$3" "${4:+,$4}"
}

# changes: how often a new policy was taken, or not.
changes() {
	events policy.change | wc -l
}

more_changes() {
	[ "$(changes)" -gt "$1" ]
}

# policy RULE...: put a new document into force, and wait for that.
policy() {
	local before
	document "$@" >"$T/conf/new"
	if cmp -s "$T/conf/new" "$POLICY"; then
		return
	fi
	before=$(changes)
	mv "$T/conf/new" "$POLICY"
	wait_for 20 more_changes "$before" || diag "the policy was not taken"
}

ME_KEY="{\"fingerprint\":\"$FP\"}"
# permit ACTION [MORE]: one rule for our key that accepts.
permit() {
	policy "$(rule mine "$ME_KEY" "\"accept\":true${1:+,$1}" "${2:-}")"
}

says() {
	run ossh "$ME@$LO" "$1"
	is "$STATUS $(cat "$OUT")" "$2" "$3" || diag_file "$ERR"
}

# refuses COMMAND STATUS REGEX TEXT: it is not run, and says why.
refuses() {
	run ossh "$ME@$LO" "$1"
	is "$STATUS $(cat "$OUT")" "$2 " "$4" || diag_file "$ERR"
	like "$(cat "$ERR")" "$3" "$4: and is told"
}

# files COMMANDS: a batch of OpenSSH's sftp; succeeds when all did.
files() {
	printf '%s\n' "$@" | timeout -k 5 60 sftp -q -F /dev/null -i "$T/id" \
		-o IdentitiesOnly=yes -o LogLevel=ERROR \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new -P "$SERVER_PORT" \
		-b - "$ME@$LO" >"$OUT" 2>"$ERR"
}

not() {
	! "$@"
}

# --- start -------------------------------------------------------------------

document "$(rule mine "$ME_KEY" '"acept":true')" >"$POLICY"
run "$OMNIEDGE" ssh-server --check-config --policy "$POLICY"
status_is 78 "a policy with a mistake does not start"
like "$(cat "$ERR")" 'line 2, /rules/0/action/acept: there is no field' \
	"and its place is told"
document "$(rule mine "$ME_KEY" '"accept":true')" >"$POLICY"
run "$OMNIEDGE" ssh-server --check-config --policy "$POLICY" --user-map a:b
is "$STATUS" 78 "not together with --user-map" 
run "$OMNIEDGE" ssh-server --check-config --policy "$POLICY" --trust-network
is "$STATUS" 78 "not together with --trust-network"
chmod 666 "$POLICY"
run "$OMNIEDGE" ssh-server --check-config --policy "$POLICY" \
	--host-key-path "$T/hostkeys"
is "$STATUS" 78 "nor a policy that everybody may write"
chmod 644 "$POLICY"

start_server --policy "$POLICY" --trusted-ca "$T/ca.pub" \
	--authorized-keys "$T/authorized_keys" || bail "no server"
check "event policy.change at the start" event_seen policy.change '"1 rule"'

# --- who ---------------------------------------------------------------------

says 'echo in' '0 in' "a key that the policy names, in no other file"
check "the rule is in the event" event_seen auth '"rule":"mine"'
run oe_ssh "$ME@$LO" 'echo in'
is "$STATUS $(cat "$OUT")" '0 in' "our client"
LOGIN=$ME
SSH_KEY=$T/other kept_out "a key that it does not name"
LOGIN=nobody-here kept_out "a user that it does not name"

policy "$(rule net '{"cidr":"127.0.0.0/8"},{"any":true}' '"accept":true')"
kept_out "a rule about networks is no word for a key"
cp "$T/id.pub" "$T/authorized_keys"
gets_in "it is for a key of authorized_keys"
policy "$(rule net '{"cidr":"10.99.0.0/16"}' '"accept":true')"
kept_out "another network, for the same key"
policy "$(rule net '{"node_ip":"127.0.0.1"}' '"accept":true')"
gets_in "the address of the node"
: >"$T/authorized_keys"

policy "$(rule cert '{"cert_principal":"team"},{"user_email":"*@example.org"}' \
	'"accept":true')"
kept_out "a key without its certificate"
for p in team ann@example.org; do
	ssh-keygen -q -s "$T/ca" -I test -n "$p" "$T/id.pub"
	gets_in "a certificate for $p" -o CertificateFile="$T/id-cert.pub"
done
ssh-keygen -q -s "$T/ca" -I test -n "another" "$T/id.pub"
kept_out "a certificate for another" -o CertificateFile="$T/id-cert.pub"
ssh-keygen -q -s "$T/other" -I test -n team "$T/id.pub"
kept_out "a certificate of a stranger" -o CertificateFile="$T/id-cert.pub"
ssh-keygen -q -s "$T/ca" -I test -n team -O force-command='echo forced' \
	"$T/id.pub"
run ossh -o CertificateFile="$T/id-cert.pub" "$ME@$LO" 'echo in'
is "$(cat "$OUT")" forced "what the certificate forces stays forced"
policy "$(rule group '{"group":"dev"}' '"accept":true')"
ssh-keygen -q -s "$T/ca" -I test -n group:dev "$T/id.pub"
gets_in "a group of the certificate" -o CertificateFile="$T/id-cert.pub"
rm "$T/id-cert.pub"

policy "$(rule old "$ME_KEY" '"accept":true' \
	'"expires":"2020-01-01T00:00:00Z"')" \
	"$(rule new "$ME_KEY" '"accept":true')"
gets_in "an expired rule is passed over"
is "$(events auth | tail -n 1 | grep -c '"rule":"new"')" 1 "for the next one"
policy "$(rule no "$ME_KEY" '"accept":true,"reject":true,"message":"ask Ann"')" \
	"$(rule yes "$ME_KEY" '"accept":true')"
SSH_SAYS=INFO run ossh "$ME@$LO" 'echo in'
is "$STATUS $(cat "$OUT")" "255 " "the first rule decides, and reject wins"
like "$(cat "$ERR")" 'refused by the policy: ask Ann' "with its message"
SSH_SAYS=INFO SSH_KEY=$T/other run ossh "$ME@$LO" 'echo in'
unlike "$(cat "$ERR")" 'ask Ann' "which strangers do not hear"
policy "$(rule held "$ME_KEY" \
	'"accept":true,"hold_and_delegate":"https://example.org/"')"
SSH_SAYS=INFO run ossh "$ME@$LO" true
is "$STATUS" 255 "hold_and_delegate: nobody to ask, so no"
policy "{\"id\":\"star\",\"principals\":[$ME_KEY],\"ssh_users\":{\"*\":\"=\"},
	\"action\":{\"accept\":true}}"
if am_root; then
	SSH_SAYS=INFO run ossh "$ME@$LO" true
	is "$STATUS" 255 "root is not reached through '*'"
else
	gets_in "'*' and '=' are the same name"
fi

# --- what --------------------------------------------------------------------

permit '"message":"Welcome\nto the machine"'
SSH_SAYS=INFO run ossh "$ME@$LO" 'echo in'
is "$STATUS $(cat "$OUT")" '0 in' "an accepting rule with a message"
like "$(tr '\n' ' ' <"$ERR")" 'Welcome to the machine' "which is said"

# commands
permit
says 'echo $((6*7))' '0 42' "without lists every command"
permit '"allowed_commands":["^echo [a-z]+$"]'
says 'echo hello' '0 hello' "allowed_commands: one that matches"
refuses 'echo hello; id' 253 'none of allowed_commands' \
	"allowed_commands: one that does not"
refuses '' 253 'permits no shell' "allowed_commands: no shell"
run ossh -tt "$ME@$LO" 'echo hello' </dev/null
like "$(cat "$ERR")" 'PTY allocation request failed' \
	"allowed_commands: a terminal is refused"
check "event session.refused" event_seen session.refused \
	'none of allowed_commands'
permit '"blocked_commands":["\\bid\\b"]'
says 'echo hello' '0 hello' "blocked_commands: another"
refuses 'true; id' 253 'one of blocked_commands' "blocked_commands: that one"
refuses '' 253 'permits no shell' "blocked_commands: no shell"
permit '"force_command":"echo forced $SSH_ORIGINAL_COMMAND"'
says 'id' '0 forced id' "force_command"

# files
permit
check "sftp by default" files "get $T/files/in/a $T/got" \
	"put $T/more/b $T/files/in/c"
is "$(cat "$T/got")" inside "its content"
rm -f "$T/got" "$T/files/in/c"
permit '"allow_sftp":false'
check "allow_sftp false: no sftp" not files "ls"
like "$(cat "$ERR")" 'permits no file transfer' "and is told"
says 'echo hello' '0 hello' "but commands"
permit '"sftp":{"mode":"read"}'
check "mode read: get" files "get $T/files/in/a $T/got"
check "mode read: no put" not files "put $T/more/b $T/files/in/c"
check "mode read: nothing is there" not test -e "$T/files/in/c"
permit '"sftp":{"mode":"write"}'
check "mode write: put" files "put $T/more/b $T/files/in/c"
check "mode write: no get" not files "get $T/files/in/a $T/got2"
permit "\"sftp\":{\"roots\":[\"$T/files\"]}"
check "roots: inside" files "get $T/files/in/a $T/got"
check "roots: not outside" not files "get $T/more/b $T/got2"
check "roots: not by .." not files "get $T/files/../more/b $T/got2"
permit "\"allowed_paths\":[\"$T/files\"]"
check "allowed_paths: inside" files "get $T/files/in/a $T/got"
check "allowed_paths: not outside" not files "get $T/more/b $T/got2"
refuses "cat $T/more/b" 253 'bounds files' "allowed_paths: no command around it"
refuses '' 253 'permits no shell' "allowed_paths: no shell"
permit "\"allowed_paths\":[\"$T/files\"],\"sftp\":{\"roots\":[\"$T/more\"]}"
check "allowed_paths and roots that share nothing" not files "ls"
permit '"read_only":true'
check "read_only: get" files "get $T/files/in/a $T/got"
check "read_only: no put" not files "put $T/more/b $T/files/in/d"
refuses "touch $T/files/in/d" 253 'bounds files' "read_only: no command"
permit '"read_only":true,"allowed_commands":["^uptime$","^echo hi$"]'
says 'echo hi' '0 hi' "read_only: a command that it names"
check "no file came through" not test -e "$T/files/in/d"

# environment
permit
run ossh -o 'SetEnv FOO_1=a LC_TEST=b' "$ME@$LO" 'echo $FOO_1.$LC_TEST'
is "$(cat "$OUT")" .b "without accept_env the server's list"
permit '' '"accept_env":["FOO_*"]'
run ossh -o 'SetEnv FOO_1=a LC_TEST=b' "$ME@$LO" 'echo $FOO_1.$LC_TEST'
is "$(cat "$OUT")" a. "accept_env instead of it"
permit '' '"accept_env":[]'
run ossh -o 'SetEnv FOO_1=a LC_TEST=b' "$ME@$LO" 'echo $FOO_1.$LC_TEST'
is "$(cat "$OUT")" . "an empty accept_env"
permit '' '"accept_env":["*"]'
run ossh -o 'SetEnv LD_PRELOAD=x FOO_1=a' "$ME@$LO" 'echo $LD_PRELOAD.$FOO_1'
is "$(cat "$OUT")" .a "and never what steers the loader"

# the agent
eval "$(ssh-agent -a "$T/agent")" >/dev/null
own "$SSH_AGENT_PID"
permit
run ossh -A "$ME@$LO" 'test -S "$SSH_AUTH_SOCK"'
is "$STATUS" 1 "no agent forwarding by default"
permit '"allow_agent_forwarding":true'
run ossh -A "$ME@$LO" 'test -S "$SSH_AUTH_SOCK"'
is "$STATUS" 0 "allow_agent_forwarding"

# recording: there is no recorder
for how in '"record":"meta"' '"record":"output"' '"record":"full"' \
	'"record_session":true'; do
	permit "$how,\"allow_local_port_forwarding\":true"
	refuses 'echo in' 254 'asks for a recording' "$how: not without"
done
refuses '' 254 'asks for a recording' "nor a shell"
check "nor files" not files "ls"
permit '"record":"full","on_recording_failure":
	{"reject_session_with_message":"call the desk"}'
refuses 'echo in' 254 'call the desk' "on_recording_failure has the words"
permit '"record":"off"'
says 'echo in' '0 in' "record off"

# --- forwarding --------------------------------------------------------------

if "$OMNIEDGE" ssh-server --help | grep -q allow-forwarding; then
	python3 "$OE_SRCDIR/tests/lib/forward_peer.py" serve "$LO" \
		"$T/target.sock" >"$T/targets" 2>/dev/null 3>&- &
	own $!
	wait_for 10 grep -q sock "$T/targets" || bail "no target"
	TARGET=$(head -n 1 "$T/targets")
	through() {
		printf 'sabc' | ossh -W "$1" "$ME@$LO" 2>"$ERR"
	}
	reached() {
		is "$(through "$1")" 3 "$2" || diag_file "$ERR"
	}
	kept_from() {
		is "$(through "$1")" '' "$2"
	}
	permit
	kept_from "$LO:$TARGET" "no local forwarding by default"
	permit '"allow_local_port_forwarding":true'
	reached "$LO:$TARGET" "allow_local_port_forwarding"
	permit "\"allow_local_port_forwarding\":true,\"permit_open\":[]"
	kept_from "$LO:$TARGET" "an empty permit_open"
	for item in "$LO:$TARGET" "127.0.0.0/8:*" "*:$TARGET" \
		"$LO:$((TARGET - 1))-$((TARGET + 1))"; do
		permit "\"allow_local_port_forwarding\":true,
			\"permit_open\":[\"$item\"]"
		reached "$LO:$TARGET" "permit_open ${item%:*}"
	done
	for item in "$LO:$((TARGET + 1))" "10.0.0.0/8:*" "*:1-99" \
		"localhost:*"; do
		permit "\"allow_local_port_forwarding\":true,
			\"permit_open\":[\"$item\"]"
		kept_from "$LO:$TARGET" "permit_open ${item%:*}, something else"
	done
	permit "\"allow_local_port_forwarding\":true,
		\"permit_open\":[\"10.0.0.0/8:*\"]"
	kept_from "localhost:$TARGET" "a name is judged by its address"
	listens() {
		run ossh -o ExitOnForwardFailure=yes -R "$1:$LO:$TARGET" \
			"$ME@$LO" true
		is "$STATUS" "$2" "$3"
	}
	R=$(free_port)
	permit
	listens "$R" 255 "no remote forwarding by default"
	permit '"allow_remote_port_forwarding":true'
	listens "$R" 0 "allow_remote_port_forwarding"
	permit "\"allow_remote_port_forwarding\":true,
		\"permit_listen\":[\"*:$R\"]"
	listens "$R" 0 "permit_listen"
	listens "$((R + 1))" 255 "permit_listen, another port"
	permit '"allow_remote_port_forwarding":true,
		"allow_local_port_forwarding":true,"record":"full"'
	kept_from "$LO:$TARGET" "what cannot be recorded is not forwarded"
else
	skip "port forwarding" "this build has none"
fi

# --- how long, how many ------------------------------------------------------

# hold COMMAND: a session in the background; sets HOLD_PID.
hold() {
	: >"$T/hold" # the last one was here as well
	SSH_SAYS=INFO ossh -o ServerAliveInterval=0 "$ME@$LO" "$1" \
		>"$T/hold" 2>&1 3>&- &
	HOLD_PID=$!
	own "$HOLD_PID"
	wait_for 20 grep -q here "$T/hold" || diag_file "$T/hold"
}

# ended REGEX TEXT: the held session ends, and is told why.
ended() {
	check "$2" wait_for 20 eval "! alive $HOLD_PID"
	like "$(cat "$T/hold")" "$1" "$2: and is told"
	wait "$HOLD_PID" 2>/dev/null
}

lives() {
	check "$1" alive "$HOLD_PID"
}

permit '"session_duration":3'
hold 'echo here; sleep 300'
ended 'as long as the policy permits' "session_duration"
check "event disconnect" event_seen disconnect '"reason":"policy"'
permit '"idle_timeout":1'
hold 'echo here; sleep 300'
ended 'idle for too long' "idle_timeout"
permit '"max_sessions":1'
ossh -M -S "$T/mux" -f -N "$ME@$LO" 3>&-
own "$(ssh -S "$T/mux" -O check x 2>&1 | sed 's/.*pid=\([0-9]*\).*/\1/')"
: >"$T/hold"
ssh -S "$T/mux" x 'echo here; sleep 300' >"$T/hold" 2>&1 3>&- &
HOLD_PID=$!
own "$HOLD_PID"
wait_for 20 grep -q here "$T/hold"
run ssh -o ControlMaster=no -S "$T/mux" x 'echo second'
unlike "$(cat "$OUT")" second "max_sessions: not one more"
ssh -S "$T/mux" -O exit x 2>/dev/null
wait "$HOLD_PID" 2>/dev/null

# --- times -------------------------------------------------------------------

TODAY=$(LC_ALL=C date -u +%A)
YESTERDAY=$(LC_ALL=C date -u -d yesterday +%A)
permit "\"time_restrictions\":{\"allowed_days\":[\"$YESTERDAY\"]}"
SSH_SAYS=INFO run ossh "$ME@$LO" true
is "$STATUS" 255 "another day"
like "$(cat "$ERR")" 'outside of the hours or days' "and is told"
permit "\"time_restrictions\":{\"allowed_days\":[\"$YESTERDAY\",\"$TODAY\",
	\"$(LC_ALL=C date -u -d tomorrow +%A)\"],\"timezone\":\"UTC\"}"
hold 'echo here; sleep 300'
lives "today"
permit "\"time_restrictions\":{\"allowed_days\":[\"$YESTERDAY\"]}"
ended 'no longer permits' "the window was closed"
# a rule that expires while somebody is in
permit '' "\"expires\":\"$(date -u -d '+4 seconds' +%Y-%m-%dT%H:%M:%SZ)\""
hold 'echo here; sleep 300'
ended 'no longer permits' "the rule expired"

# --- changes -----------------------------------------------------------------

permit
hold 'echo here; sleep 300'
before=$(changes)
echo '{"rules":[' >"$T/conf/new" && mv "$T/conf/new" "$POLICY"
wait_for 20 more_changes "$before"
check "event of an invalid policy" event_seen policy.change '"success":false'
check "and a message" grep -q 'the old policy stays in force' "$SERVER_LOG"
lives "an invalid policy changes nothing"
says 'echo in' '0 in' "nor for new logins"
before=$(changes)
rm "$POLICY"
wait_for 20 more_changes "$before"
says 'echo in' '0 in' "a policy that is gone leaves the old one"
# the same document once more, written in place
before=$(changes)
document "$(rule mine "$ME_KEY" '"accept":true')" >"$POLICY"
check "a file written in place is seen" wait_for 20 more_changes "$before"
lives "the session goes on"
# a narrower rule: 96-policy-narrower.sh has more of it
permit '"allowed_commands":["^echo ok$","^echo here"]'
lives "a narrower rule ends nothing that it permits"
refuses 'echo more' 253 'none of allowed_commands' "but new commands"
# the rule goes, and a program that does not want to
permit
stop "$HOLD_PID"
hold "trap '' HUP TERM; echo here; echo \$\$ >$T/pid; while :; do sleep 1; done"
wait_for 20 test -s "$T/pid"
policy "$(rule other "{\"fingerprint\":\"$OTHER_FP\"}" '"accept":true')"
ended 'no longer permits' "a session whose rule is gone"
check "and its program" wait_for 10 eval "! alive $(cat "$T/pid")"
SSH_KEY=$T/other gets_in "the one whom the policy names now"
kept_out "and nobody else"
# SIGHUP reads it as well
permit
hold 'echo here; sleep 300'
before=$(changes)
kill -HUP "$SERVER_PID"
wait_for 20 more_changes "$before"
lives "a reload without a change ends nothing"
document "$(rule none "$ME_KEY" '"reject":true,"message":"closed"')" \
	>"$T/conf/new" && mv "$T/conf/new" "$POLICY"
ended 'no longer permits this login: closed' "a rule that rejects, afterwards"

# --- a new program in place --------------------------------------------------

permit
hold 'echo here; sleep 300'
kill -USR2 "$SERVER_PID"
check "the program is replaced" wait_for 30 eval \
	'[ "$(events server.start | wc -l)" = 2 ]'
lives "a session outlives that"
before=$(changes)
policy "$(rule other "{\"fingerprint\":\"$OTHER_FP\"}" '"accept":true')"
ended 'no longer permits' "and is still held to the policy"

stop_server
unlike "$(cat "$SERVER_LOG")" 'Sanitizer|runtime error' "no complaint in the log"
done_testing
