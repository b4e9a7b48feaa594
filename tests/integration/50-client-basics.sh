#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Commands and streams of "omniedge ssh": exit statuses, bytes, half-close,
# the options and forms of a peer's name, ssh_config.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen sha256sum

start_server -b "$LO" -b ::1 --accept-env 'LC_*,OE_*' || bail "no server"
start_sshd 'ListenAddress ::1' 'AcceptEnv LC_* OE_*' || bail "no sshd"

# oe_at ARG...: oe_ssh without a port of its own.
oe_at() {
	timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" ssh -F "${CONF:-/dev/null}" \
		-i "$T/id" -o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new "$@"
}

statuses() {
	local n got=
	for n in 0 1 2 63 64 126 127 128 254 255; do
		oe_ssh "$LO" "exit $n" >/dev/null 2>&1
		got+=" $?"
	done
	is "$got" " 0 1 2 63 64 126 127 128 254 255" "$PEER: exit statuses"
	got=
	for n in TERM KILL SEGV USR1; do
		oe_ssh "$LO" "kill -$n \$\$" >/dev/null 2>&1
		got+=" $?"
	done
	is "$got" " 143 137 139 138" "$PEER: a signal n gives 128+n"
}

head -c 20M /dev/urandom >"$T/blob"
BLOB_SUM=$(sha256sum <"$T/blob")

bytes() {
	oe_ssh "$LO" 'tee /dev/stderr' <"$T/blob" 2>"$T/back.err" |
		sha256sum >"$T/sum.out"
	is "$(cat "$T/sum.out")" "$BLOB_SUM" "$PEER: 20 MB there and back"
	is "$(sha256sum <"$T/back.err")" "$BLOB_SUM" \
		"$PEER: and on standard error, not mixed"
	oe_ssh "$LO" sha256sum <"$T/blob" >"$OUT" 2>"$ERR"
	is "$(cat "$OUT")" "$BLOB_SUM" "$PEER: a file as standard input"
	printf '\n~.\n~~\r\n~?\0\377' >"$T/odd"
	oe_ssh "$LO" cat <"$T/odd" >"$T/odd.back" 2>"$ERR"
	check "$PEER: no byte is special without a terminal" \
		cmp "$T/odd" "$T/odd.back"
	printf 'in' | oe_ssh "$LO" 'cat; sleep 0.2; printf " after"' >"$OUT"
	is "$(cat "$OUT")" "in after" "$PEER: output after the end of input"
	oe_ssh "$LO" 'exec <&-; sleep 0.2; echo x' <"$T/blob" >"$OUT" 2>"$ERR"
	is "$? $(cat "$OUT")" "0 x" "$PEER: input that nobody reads"
}

inputs() {
	run oe_ssh -n "$LO" 'cat; echo end' <"$T/odd"
	is "$STATUS $(cat "$OUT")" "0 end" "$PEER: -n takes no input"
	is "$({ oe_ssh -n "$LO" true && cat; } <<<left 2>&1)" left \
		"$PEER: -n leaves input to others"
	oe_ssh "$LO" 'cat; echo end' <&- >"$OUT" 2>"$ERR"
	is "$? $(cat "$OUT")" "0 end" "$PEER: closed standard input"
	oe_ssh "$LO" 'echo out' </dev/null >&- 2>"$ERR"
	like "$?" '^(0|1|141)$' "$PEER: closed standard output does not hang"
	run oe_ssh "$LO" 'cat; echo end' </dev/null
	is "$STATUS $(cat "$OUT")" "0 end" "$PEER: /dev/null as input"
}

outputs() {
	local s t0=$SECONDS
	oe_ssh "$LO" 'yes' 2>"$ERR" | head -n 1 >"$OUT"
	s=${PIPESTATUS[0]}
	is "$s $(cat "$OUT")" "141 y" "$PEER: output closed early gives 141"
	check "$PEER: at once" test $((SECONDS - t0)) -lt 10
	oe_ssh "$LO" 'head -c 100000 /dev/zero' >/dev/full 2>"$ERR"
	s=$?
	like "$(cat "$ERR")" 'No space left' "$PEER: /dev/full as output is told"
	is "$s" 1 "$PEER: and is a failure"
}

# sshd gives no terminal when it is not root's.
has_terminals() {
	[ "$PEER" = ours ] || am_root
}

terminals() {
	run oe_ssh -tt "$LO" 'tty'
	like "$(cat "$OUT")" '^/dev/pts/' "$PEER: -tt"
	run oe_ssh -o RequestTTY=force "$LO" 'tty'
	like "$(cat "$OUT")" '^/dev/pts/' "$PEER: RequestTTY force"
}

ttys() {
	run oe_ssh -T "$LO" 'tty'
	like "$(cat "$OUT")" 'not a tty' "$PEER: -T"
	run oe_ssh "$LO" 'tty'
	like "$(cat "$OUT")" 'not a tty' "$PEER: a command has no terminal"
	has_terminals && terminals
	run oe_ssh -t "$LO" 'tty'
	like "$(cat "$OUT" "$ERR")" 'not a tty' "$PEER: -t without a terminal"
	like "$(cat "$ERR")" 'no terminal is asked for' "$PEER: and says so"
	run oe_ssh -e none "$LO" 'true'
	status_is 0 "$PEER: -e none"
}

messages() {
	rm -f "$T/known_hosts"
	run oe_ssh "$LO" true
	like "$(cat "$ERR")" 'Permanently added' "$PEER: a word on a new key"
	rm -f "$T/known_hosts"
	run oe_ssh -q "$LO" true
	is "$STATUS $(cat "$ERR")" "0 " "$PEER: -q is silent"
	run oe_ssh -v "$LO" true
	for step in "connecting to $LO" 'exchanging versions and keys' \
		'checking the host key' 'authenticating with'; do
		like "$(cat "$ERR")" "$step" "$PEER: -v: $step"
	done
	rm -f "$T/log"
	run oe_ssh -v -E "$T/log" "$LO" 'echo err >&2'
	is "$(cat "$ERR")" err "$PEER: -E leaves standard error alone"
	like "$(cat "$T/log")" 'checking the host key' "$PEER: and has the log"
}

forms() {
	local p=$PEER_PORT form
	for form in "$ME@$LO:$p" "$LO:$p" "[::1]:$p" \
		"ssh://$LO:$p" "ssh://$ME@$LO:$p" "ssh://$ME@[::1]:$p" \
		"$ME@[::1]:$p"; do
		run oe_at "$form" 'echo $LOGNAME'
		is "$(cat "$OUT")" "$ME" "$PEER: ${form//$p/PORT}" ||
			diag_file "$ERR"
	done
	run oe_at -p "$p" -l "$ME" "$LO" 'echo $LOGNAME'
	is "$(cat "$OUT")" "$ME" "$PEER: -p -l"
	run oe_at -p "$p" "$LO" -l "$ME" 'echo $LOGNAME'
	is "$(cat "$OUT")" "$ME" "$PEER: options after the host"
	run oe_at -p "$p" "$LO" echo -l -v
	is "$(cat "$OUT")" "-l -v" "$PEER: what follows the command is its own"
	run oe_at -p "$p" "$LO" -- echo -- x
	is "$(cat "$OUT")" "-- x" "$PEER: -- before the command"
	run oe_at -oPort="$p" -o "user $ME" -o HostName="$LO" nowhere 'echo hi'
	is "$(cat "$OUT")" hi "$PEER: -o"
}

config() {
	cat >"$T/config" <<-CONF
	# a comment
	Include $T/config.d/*.conf
	Host far*
		HostName $LO
		Port $PEER_PORT
	Match originalhost far-cmd
		RemoteCommand echo remote %n; tty
		RequestTTY force
	Match host $LO user $ME exec "test -n '%h'"
		SetEnv OE_SET="a b"
		SendEnv OE_SENT LC_*
	Host far-bad
		User nobody-here
	CONF
	mkdir -p "$T/config.d"
	printf 'Host far-inc\n HostName %s\n Port %s\n IdentityFile %s\n' \
		"$LO" "$PEER_PORT" "$T/id" >"$T/config.d/a.conf"
	CONF=$T/config
	export OE_SENT="x  y" OE_NOT=no
	run oe_at far 'echo "$OE_SET|$OE_SENT|$OE_NOT"'
	is "$(cat "$OUT")" "a b|x  y|" "$PEER: Host, Match, SetEnv, SendEnv"
	unset OE_SENT OE_NOT
	run oe_at far-cmd
	has_terminals && like "$(tr -d '\r' <"$OUT" | tr '\n' ' ')" \
		'^remote far-cmd /dev/pts/' "$PEER: RemoteCommand, RequestTTY"
	run oe_at far-cmd 'echo x'
	status_is 64 "$PEER: a command besides RemoteCommand is refused"
	run timeout 30 "$OMNIEDGE" ssh -F "$T/config" \
		-o UserKnownHostsFile="$T/known_hosts" far-inc 'echo inc'
	is "$(cat "$OUT")" inc "$PEER: Include, IdentityFile" ||
		diag_file "$ERR"
	CONF=''
}

peer_checks() {
	statuses
	bytes
	inputs
	outputs
	ttys
	messages
	forms
	config
}
each_peer peer_checks

# What needs no server.
run oe_at -e xx "$LO" true
status_is 64 "-e xx"
run oe_at -p 0 "$LO" true
status_is 64 "-p 0"
run oe_at -p 70000 "$LO" true
status_is 64 "-p 70000"
run oe_at "[::1:22" true
status_is 64 "a broken host"
run oe_at -o NoSuchKey=1 "$LO" true
status_is 64 "-o with an unknown key"
like "$(cat "$ERR")" NoSuchKey "that names it"
CONF=$T/no-such-file run oe_at "$LO" true
like "$STATUS $(cat "$ERR")" '^255 .*no-such-file' \
	"-F names a file that is not there"
printf 'Host *\nPort 0\n' >"$T/bad"
CONF=$T/bad run oe_at "$LO" true
like "$STATUS $(cat "$ERR")" "^(78|255) .*$T/bad:2:" \
	"a mistake is told with file and line"
done_testing
