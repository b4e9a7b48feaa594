#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real terminals, by tmux: window size, Ctrl-C, a full-screen editor, escapes,
# and the local terminal as it was after every way out.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen tmux

start_server --no-print-motd --no-print-last-login || bail "no server"
start_sshd 'PrintMotd no' 'PrintLastLog no' || bail "no sshd"

TM=(tmux -L "oe$$" -f /dev/null)
trap '"${TM[@]}" kill-server 2>/dev/null; cleanup' EXIT

# The shell in the pane: a plain prompt, and a wrapper with our options.
cat >"$T/rc" <<RC
PS1='local> '
stty sane
c() { "$OMNIEDGE" ssh -F /dev/null -i "$T/id" -p "\$PORT" \
	-o UserKnownHostsFile="$T/known_hosts" \
	-o StrictHostKeyChecking=accept-new "\$@"; }
RC
"${TM[@]}" new-session -d -x 80 -y 24 "bash --noprofile --rcfile $T/rc -i" \
	3>&- || bail "no tmux"

type_in() {
	"${TM[@]}" send-keys "$@"
}

# line TEXT: a line of input.
line() {
	"${TM[@]}" send-keys -l "$1"
	"${TM[@]}" send-keys Enter
}

screen() {
	"${TM[@]}" capture-pane -p -S -200
}

shows() {
	screen | grep -qE -e "$1"
}

# sees REGEX TEXT: within 5 seconds.
sees() {
	if wait_for 5 shows "$1"; then
		ok "$PEER: $2"
	else
		not_ok "$PEER: $2"
		diag "wanted: $1" "$(screen | grep -v '^$' | tail -n 15)"
	fi
}

clear_screen() {
	wait_for 5 shows '(^|[#$>]) ?$'
	type_in C-l
	sleep 0.2
	"${TM[@]}" clear-history
}

# log_in [ARG...]: a remote shell whose prompt is "far> ".
log_in() {
	clear_screen
	line "stty -g >$T/before; c $* $LO; echo status=\$?; stty -g >$T/after"
	wait_for 5 shows '[#$]$' || sleep 1
	line "PS1='fa''r> '; unset PROMPT_COMMAND; set +o history"
	wait_for 5 shows '^far>$' || diag "$(screen)"
}

# same_terminal TEXT: back on the local shell, with the modes of before.
same_terminal() {
	wait_for 5 shows '^status=' || diag "$(screen | tail -n 20)"
	wait_for 5 test -s "$T/after"
	is "$(cat "$T/after")" "$(cat "$T/before")" \
		"$PEER: terminal restored after $1"
	rm -f "$T/after"
}

client_pid() {
	pgrep -f "^$OMNIEDGE ssh .*-p $PEER_PORT .*$LO\$" | head -n 1
}

sizes() {
	log_in
	line 'stty size'
	sees '^24 80' "the size of the window"
	"${TM[@]}" resize-window -x 100 -y 30
	sleep 0.3
	line 'stty size'
	sees '^30 100' "and of the resized one"
	"${TM[@]}" resize-window -x 80 -y 24
	line 'echo $TERM'
	sees '^(screen|tmux)' "TERM"
}

ctrl_c() {
	line "sh -c 'trap \"echo I\"\"NT; exit\" INT; echo rea\"\"dy; \
while :; do sleep 0.1; done'"
	wait_for 5 shows '^ready'
	type_in C-c
	sees '^(\^C)?INT' "Ctrl-C reaches the far side"
	line "echo al''ive"
	sees '^alive' "and not us"
}

editor() {
	local file=$T/edited-$PEER
	rm -f "$file"
	line "vi -u NONE $file || vi $file"
	wait_for 5 shows '^~' || diag "$(screen | tail -n 25)"
	type_in i
	"${TM[@]}" send-keys -l 'written in vi'
	type_in Escape
	sleep 0.3
	line ':wq'
	wait_for 5 test -s "$file"
	is "$(cat "$file" 2>/dev/null)" "written in vi" "$PEER: vi"
	sleep 0.3
}

escapes() {
	type_in Enter
	line '~?'
	sees 'end the connection' "~? lists the escapes"
	type_in Enter
	"${TM[@]}" send-keys -l '~~'
	line ''
	type_in C-c Enter
	"${TM[@]}" send-keys -l '~'
	type_in C-z
	sees 'Stopped' "~^Z suspends us"
	clear_screen
	line "stty -g | cmp - $T/before && echo same; fg; echo status=\$?; \
stty -g >$T/after"
	sees '^same' "with the terminal as it was"
	type_in Enter
	line "echo ba''ck"
	sees '^back' "fg continues"
	type_in Enter
	"${TM[@]}" send-keys -l '~.'
	same_terminal '~.'
	sees 'status=255' "which is 255"
}

ends() {
	local sig
	log_in
	line 'exit 7'
	same_terminal 'exit'
	sees '^status=7' "the shell's status"
	for sig in TERM HUP SEGV; do
		log_in
		kill -"$sig" "$(client_pid)"
		same_terminal "kill -$sig"
	done
	log_in -e ^B
	type_in Enter
	type_in C-b
	"${TM[@]}" send-keys -l .
	same_terminal 'EscapeChar ^B .'
	log_in -e none
	type_in Enter
	line '~.'
	sees 'command not found|not found' "-e none: ~. goes to the far side"
	line exit
	same_terminal '-e none'
}

lost() {
	local victim
	log_in
	victim=$(children_of "$DAEMON")
	for victim in $victim; do
		kill -KILL "$victim" 2>/dev/null
	done
	same_terminal 'a lost connection'
	sees 'status=255' "which is 255"
	sees 'lost|closed' "and told"
}

peer_checks() {
	[ "$PEER" = ours ] && DAEMON=$SERVER_PID || DAEMON=$SSHD_PID
	line "PORT=$PEER_PORT"
	sizes
	ctrl_c
	editor
	escapes
	ends
	lost
}
if am_root; then
	each_peer peer_checks
else
	# sshd gives no terminal when it is not root's
	PEER=ours PEER_PORT=$SERVER_PORT
	peer_checks
fi
done_testing
