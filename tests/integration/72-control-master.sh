#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One connection for several commands: our masters and OpenSSH's, with the
# clients of both; terminals, forwards, files, bad clients, and every end.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3 sha256sum cmp

start_server --max-channels 64 --no-print-motd --no-print-last-login ||
	bail "no server"
start_sshd 'MaxSessions 64' 'PrintMotd no' 'PrintLastLog no' ||
	skip_all "no sshd here"
py() {
	timeout -k 5 90 python3 "$OE_SRCDIR/tests/lib/mux.py" "$@"
}

# Sockets in a folder with a short name.
S=$T/s
has() {
	"$OMNIEDGE" "$1" --help >/dev/null 2>&1
}
OPTS=(-F /dev/null -i "$T/id" -o UserKnownHostsFile="$T/known_hosts"
	-o StrictHostKeyChecking=accept-new -o IdentitiesOnly=yes)

# master FUNCTION [OPTION...]: one that stays, by oe_ssh or ossh.
master() {
	"$1" -o ControlMaster=auto -o ControlPersist=120 -S "$S" "${@:2}" \
		"$ME@$LO" true
}

# by FUNCTION ARG...: a client that makes no connection of its own: nobody
# listens at the port that it would go to.
NOWHERE=$(free_port)
by() {
	PEER_PORT=$NOWHERE "$1" -S "$S" "${@:2}"
}

master_pid() {
	oe_ssh -S "$S" -O check "$ME@$LO" 2>&1 |
		sed -n 's/.*pid=\([0-9]*\).*/\1/p'
}

gone() {
	[ ! -e "$S" ]
}

end_master() {
	local pid
	pid=$(master_pid)
	oe_ssh -S "$S" -O exit "$ME@$LO" 2>/dev/null
	wait_for 20 gone && wait_for 20 eval "! alive ${pid:-0}"
}

# --- every master, every client ----------------------------------------------

head -c 3000000 /dev/urandom >"$T/random"
RANDOM_SUM=$(sha256sum <"$T/random")

combination() {
	local who="$PEER: $M's master, $C's client"

	run by "$C" "$ME@$LO" 'cat; echo to-stderr >&2; exit 7' \
		< <(echo to-stdout)
	is "$STATUS $(cat "$OUT") $(tail -n 1 "$ERR")" \
		"7 to-stdout to-stderr" "$who: streams and exit status"
	is "$(by "$C" "$ME@$LO" cat <"$T/random" | sha256sum)" "$RANDOM_SUM" \
		"$who: bytes both ways"
	run by "$C" -n "$ME@$LO" 'cat; echo end'
	is "$(cat "$OUT")" end "$who: -n"
	is "$(printf 'a\nb\n' | by "$C" "$ME@$LO" 'wc -l; exec 1>&-; sleep 0.1')" \
		2 "$who: the end of input arrives"
	run by "$C" -O check "$ME@$LO"
	like "$STATUS $(tr -d '\r' <"$ERR")" '^0 Master running \(pid=[0-9]+\)$' \
		"$who: -O check"
	# an SSH server answers first, and nobody needs to be told
	is "$(by "$C" -W "$LO:$SSHD_PORT" "$ME@$LO" 2>"$ERR" </dev/null |
		head -c 8)" SSH-2.0- "$who: -W"
	if [ "$PEER" = sshd ] && ! am_root; then
		# it ends the connection when it cannot give the terminal away
		skip "$who: a terminal" "sshd needs root for a terminal"
		return
	fi
	py tty 'expect:rows 24; columns 80' 'size:33x99' 'send:x\n' \
		'expect:rows 33; columns 99' -- \
		"${TTY_CLIENT[@]}" -tt "$ME@$LO" \
		'trap "stty -a | head -1; exit 9" WINCH; stty -a | head -1
		read a; while :; do sleep 0.1; done' >"$OUT" 2>&1
	like "$(tr -d '\r' <"$OUT")" '^status=9$' "$who: a terminal, its size" ||
		diag_file "$OUT"
	like "$(cat "$OUT")" '^restored=yes$' "$who: the terminal afterwards"
}

# What runs on a terminal is no function.
tty_client() {
	TTY_CLIENT=(ssh "${OPTS[@]}" -p "$NOWHERE" -S "$S")
	[ "$1" = ossh ] || TTY_CLIENT=("$OMNIEDGE" ssh "${OPTS[@]}" -p "$NOWHERE" -S "$S")
}

combinations() {
	for M in oe_ssh ossh; do
		master "$M" 2>"$ERR" || diag_file "$ERR"
		for C in oe_ssh ossh; do
			[ "$M$C" = osshossh ] && continue
			tty_client "$C"
			combination
		done
		check "$PEER: $M's master ends when told" end_master
	done
}
each_peer combinations
use_port "$SERVER_PORT"

# --- the first command -------------------------------------------------------

run oe_ssh -o ControlMaster=auto -o ControlPersist=yes -S "$S" "$ME@$LO" \
	'cat; echo two >&2; exit 3' < <(echo one)
is "$STATUS $(cat "$OUT") $(tail -n 1 "$ERR")" "3 one two" \
	"the command that starts the master"
is "$(stat -c '%a %F' "$S")" "600 socket" "the socket is closed to others"
pid=$(master_pid)
is "$(readlink "/proc/$pid/fd"/* | grep -c "$T/o")" 0 \
	"the master holds no file of that command"
is "$(oe_ssh -o ControlMaster=auto -S "$S" "$ME@$LO" 'exit 4'; echo $?)" 4 \
	"the same settings use it"
is "$(master_pid)" "$pid" "which is the same one"
end_master

tty_client oe_ssh
TTY_FIRST=("$OMNIEDGE" ssh "${OPTS[@]}" -p "$SERVER_PORT" -S "$S"
	-o ControlMaster=auto -o ControlPersist=yes -tt "$ME@$LO")
py tty 'expect:ready' 'send:~?' 'expect:list what runs' 'send:\r~#' \
	'expect:session: [0-9]+ bytes' 'send:\r~.' -- \
	"${TTY_FIRST[@]}" 'stty -echo; echo ready; cat' >"$OUT" 2>&1
like "$(tr -d '\r' <"$OUT" | tr '\n' ' ')" \
	'Connection ended.*status=255 restored=yes' \
	"escapes: ~? ~# ~. end the session" || diag_file "$OUT"
check "and not the connection" oe_ssh -S "$S" -O check "$ME@$LO"
py tty 'expect:ready' 'send:\r~\x1a' 'stopped:' 'cooked:' 'signal:SIGCONT' \
	'send:after\r' 'expect:got after' -- "${TTY_FIRST[@]}" \
	'stty -echo; echo ready; while read -r a; do
	[ -z "$a" ] || { echo "got $a"; exit 6; }; done' >"$OUT" 2>&1
like "$(tr -d '\r' <"$OUT" | tr '\n' ' ')" \
	'cooked=yes.*status=6 restored=yes' \
	"~^Z stops the client with its terminal as it was" || diag_file "$OUT"

py tty 'expect:pid=' 'signal:SIGTERM' -- "${TTY_FIRST[@]}" \
	"echo \$\$ >$T/far; echo pid=; exec sleep 1000" >"$OUT" 2>&1
like "$(tr '\r\n' '  ' <"$OUT")" 'status=143 +restored=yes' \
	"a signal ends the client"
check "and its session at the server" wait_for 20 eval \
	"! alive $(cat "$T/far")"
# ~C: a forward typed into a session of the master
if has forward; then
	L=$(free_port)
	py tty 'expect:ready' 'send:\r~C' 'expect:omniedge> ' \
		"send:-L $L:$LO:$SSHD_PORT\\r" 'expect:Forwarding port' \
		'send:\x04' -- "${TTY_FIRST[@]}" \
		'stty -echo; echo ready; cat' >"$OUT" 2>&1
	check "~C forwards a port" wait_for 20 listening "$L"
fi
end_master

# --- every end ---------------------------------------------------------------

# begin LOG ARG...: a client that runs until its input ends.
begin() {
	local log=$1
	shift
	rm -f "$log"
	[ -p "$T/in" ] || mkfifo "$T/in"
	oe_ssh "$@" "$ME@$LO" 'echo $$; cat; echo ended' <"$T/in" \
		>"$log" 2>"$log.err" 3>&- &
	CLIENT_PID=$!
	own "$CLIENT_PID"
	exec 5>"$T/in"
	wait_for 20 test -s "$log"
}

# without ControlPersist it lives as long as somebody uses it
begin "$T/one" -o ControlMaster=auto -S "$S"
first=$CLIENT_PID
is "$(by oe_ssh "$ME@$LO" 'echo in')" in "a master that is not to stay"
exec 5>&-
wait "$first"
is "$? $(tail -n 1 "$T/one")" "0 ended" "its first command"
check "it has gone with it" wait_for 20 gone

begin "$T/one" -o ControlMaster=auto -S "$S"
first=$CLIENT_PID
mkfifo "$T/in2"
by oe_ssh "$ME@$LO" 'echo here; cat' <"$T/in2" >"$T/two" 2>&1 3>&- 5>&- &
second=$!
exec 6>"$T/in2"
wait_for 20 test -s "$T/two"
exec 5>&-
wait "$first"
is "$(by oe_ssh "$ME@$LO" 'echo still')" still \
	"it outlives its first command while another runs"
echo more >&6
exec 6>&-
wait "$second"
is "$? $(tail -n 1 "$T/two")" "0 more" "which ends as it should"
check "and then it goes" wait_for 20 gone

run oe_ssh -o ControlMaster=auto -o ControlPersist=1 -S "$S" "$ME@$LO" true
status_is 0 "ControlPersist=1"
check "its time passes" wait_for 30 gone

# a master that is killed
run master oe_ssh
pid=$(master_pid)
begin "$T/one" -S "$S"
kill -KILL "$pid"
wait "$CLIENT_PID"
is $? 255 "the master is killed: its client ends with 255"
like "$(cat "$T/one.err")" 'its master has ended' "and says why"
exec 5>&-
is "$(oe_ssh -o ControlMaster=auto -o ControlPersist=yes -S "$S" "$ME@$LO" \
	'echo again' 2>"$ERR")" again "its socket is replaced"
check "by a master that answers" oe_ssh -S "$S" -O check "$ME@$LO"
pid=$(master_pid)
py tty 'expect:ready' "send:kill\\r" 'expect:lost: its master' -- \
	"$OMNIEDGE" ssh "${OPTS[@]}" -p "$NOWHERE" -S "$S" -tt "$ME@$LO" \
	"echo ready; read -r a; kill -KILL $pid; sleep 1000" >"$OUT" 2>&1
like "$(tr '\r\n' '  ' <"$OUT")" 'status=255 +restored=yes' \
	"with a terminal it is restored" || diag_file "$OUT"
rm -f "$S"

# the server goes away
run master oe_ssh
begin "$T/one" -S "$S"
monitor=$(children_of "$SERVER_PID" | tr '\n' ' ')
# shellcheck disable=SC2086 # several
kill -KILL $monitor 2>/dev/null
wait "$CLIENT_PID"
is $? 255 "the connection is lost: 255"
exec 5>&-
check "and the master with it" wait_for 20 gone

# a client that is killed
run master oe_ssh
pid=$(master_pid)
begin "$T/one" -S "$S"
far=$(head -n 1 "$T/one")
for p in $(children_of "$CLIENT_PID"); do
	kill -KILL "$p"
done
exec 5>&-
check "a client is killed: its session ends at the server" \
	wait_for 20 eval "! alive $far"
is "$(master_pid)" "$pid" "the master lives"

# -O stop: nobody new, those inside go on
begin "$T/one" -S "$S"
run oe_ssh -S "$S" -O stop "$ME@$LO"
is "$STATUS $(tr -d '\r' <"$ERR")" "0 Stop listening request sent." "-O stop"
check "the socket is gone" wait_for 20 gone
exec 5>&-
wait "$CLIENT_PID"
is "$? $(tail -n 1 "$T/one")" "0 ended" "its client goes on to its end"
check "the master ends then" wait_for 20 eval "! alive $pid"

# -M -N in the foreground; -f -N in the background
oe_ssh -M -N -S "$S" "$ME@$LO" 2>"$T/m.err" 3>&- &
own $!
check "-M -N is a master" wait_for 20 oe_ssh -S "$S" -O check "$ME@$LO"
is "$(by ossh "$ME@$LO" 'echo in')" in "that serves"
run oe_ssh -S "$S" -O exit "$ME@$LO"
is "$STATUS $(tr -d '\r' <"$ERR")" "0 Exit request sent." "-O exit"
wait $!
is $? 0 "and ends when told"
run oe_ssh -f -N -M -S "$S" "$ME@$LO"
status_is 0 "-f -N -M comes back"
is "$(by oe_ssh "$ME@$LO" 'echo in')" in "and leaves a master"
run by oe_ssh -f "$ME@$LO" "sleep 0.2; echo done >$T/f"
status_is 0 "-f of a client comes back"
check "and its command runs to its end" wait_for 20 test -s "$T/f"
end_master

# --- refusals ----------------------------------------------------------------

run oe_ssh -S "$T/none" -O check "$ME@$LO"
is "$STATUS" 255 "-O without a master"
like "$(cat "$ERR")" "Control socket connect\($T/none\): No such file" \
	"says what there is not"
run oe_ssh -O check "$ME@$LO"
is "$STATUS" 255 "-O without a socket"
run oe_ssh -O proxy -S "$S" "$ME@$LO"
is "$STATUS" 64 "-O proxy is not there"
run oe_ssh -M -S "$T/$(printf 'x%.0s' {1..120})" "$ME@$LO" true
like "$STATUS $(cat "$ERR")" '^0 .*too long.*disabling multiplexing' \
	"a path that is too long"
: >"$T/file"
run oe_ssh -M -S "$T/file" "$ME@$LO" 'echo ok'
like "$STATUS $(cat "$OUT" "$ERR" | tr '\n' ' ')" \
	'^0 ok.*ControlSocket .* already exists, disabling multiplexing' \
	"a file is in the way" || diag "$(cat "$OUT" "$ERR")"
is "$(stat -c %F "$T/file")" "regular empty file" "and is left alone"
run master oe_ssh
run oe_ssh -M -S "$S" "$ME@$LO" 'echo ok'
like "$STATUS $(cat "$OUT" "$ERR" | tr '\n' ' ')" \
	'^0 ok.*ControlSocket .* already exists, disabling multiplexing' \
	"-M with a master there"
chmod 644 "$S"
run oe_ssh -S "$S" "$ME@$LO" 'echo own'
like "$STATUS $(cat "$OUT" "$ERR" | tr '\n' ' ')" \
	'^0 own.*closed to others' "a socket that others may use is not used"
run oe_ssh -S "$S" -O check "$ME@$LO"
is "$STATUS" 255 "nor asked"
chmod 600 "$S"
if am_root; then
	make_user other
	cp "$T/id" "$USER_HOME/id"
	chown "$USER_NAME" "$S" "$USER_HOME/id"
	run oe_ssh -S "$S" -O check "$ME@$LO"
	is "$STATUS" 255 "nor one of another user"
	run as_user "$USER_NAME" env HOME="$USER_HOME" "$OMNIEDGE" ssh \
		-F /dev/null -S "$S" -O check "$LO"
	is "$STATUS" 255 "another user is not served"
	chown "$(id -u)" "$S"
	check "the owner is" oe_ssh -S "$S" -O check "$ME@$LO"
else
	skip "nor one of another user" "needs root"
fi
end_master

# sessions that the server refuses go over a connection of their own
stop_server
start_server --max-channels 1 || bail "no server"
use_port "$SERVER_PORT"
run master oe_ssh
begin "$T/one" -S "$S"
run oe_ssh -S "$S" "$ME@$LO" 'echo own'
like "$STATUS $(cat "$OUT" "$ERR" | tr '\n' ' ')" \
	'^0 own.*refused to open a session' "one session too many"
exec 5>&-
wait "$CLIENT_PID"
end_master
stop_server
start_server --max-channels 64 || bail "no server"
use_port "$SERVER_PORT"

# asking
cat >"$T/yes" <<'SH'
#!/bin/sh
echo "$SSH_ASKPASS_PROMPT $1" >>"$T/asked"
SH
cat >"$T/no" <<'SH'
#!/bin/sh
exit 1
SH
chmod 755 "$T/yes" "$T/no"
for answer in yes no; do
	SSH_ASKPASS=$T/$answer SSH_ASKPASS_REQUIRE=force oe_ssh -f -N \
		-o ControlMaster=autoask -S "$S" "$ME@$LO" 2>"$ERR"
	run oe_ssh -S "$S" "$ME@$LO" 'echo let in'
	if [ "$answer" = yes ]; then
		is "$STATUS $(cat "$OUT" "$ERR")" "0 let in" \
			"ControlMaster=autoask: allowed"
		is "$(cat "$T/asked")" \
			"confirm Allow shared connection to $LO? " \
			"the question"
		end_master
	else
		like "$(cat "$ERR")" 'refused: Permission denied' \
			"ControlMaster=autoask: not allowed"
		run oe_ssh -S "$S" -O exit "$ME@$LO"
		is "$STATUS" 255 "nor may anybody end it"
		kill "$(master_pid)"
		wait_for 20 gone
	fi
done

# --- many, and two at once ---------------------------------------------------

for n in {1..6}; do
	oe_ssh -o ControlMaster=auto -o ControlPersist=yes -S "$S" "$ME@$LO" \
		"echo $n" >"$T/born.$n" 2>"$T/born.$n.err" 3>&- &
	born[n]=$!
done
wait "${born[@]}"
is "$(cat "$T"/born.[1-6] | sort | tr '\n' ' ')" "1 2 3 4 5 6 " \
	"six masters are born at once: all commands run"
connections() {
	ss -Htn state established "( sport = :$SERVER_PORT )" | wc -l
}
one_connection() {
	[ "$(connections)" = 1 ]
}
if command -v ss >/dev/null; then
	check "one connection is left" wait_for 20 one_connection
fi
is "$(find "$T" -maxdepth 1 -type s | wc -l)" 1 \
	"and one socket"
for n in {1..20}; do
	by oe_ssh "$ME@$LO" cat <"$T/random" 2>"$T/many.$n.err" 3>&- |
		sha256sum >"$T/many.$n" &
	many[n]=$!
done
wait "${many[@]}"
is "$(cat "$T"/many.? "$T"/many.?? | sort -u)" "$RANDOM_SUM" \
	"twenty sessions at once, bytes both ways"
if command -v ss >/dev/null; then
	is "$(connections)" 1 "over one connection"
fi

# --- bad clients -------------------------------------------------------------

pid=$(master_pid)
open_files() {
	find "/proc/$pid/fd" -type l | wc -l
}
before=$(open_files)
for kind in huge early short empty version fds-unasked fds-many fds-none \
	fds-some flood; do
	is "$(py hostile "$S" "$kind")" closed "a bad client: $kind"
done
is "$(py hostile "$S" unknown | tr '\n' ' ')" \
	"answer 80000003 3 answer 80000005 7 " "an unknown request is refused"
as_before() {
	[ "$(open_files)" = "$before" ]
}
check "no descriptor is left of them" wait_for 20 as_before
mkfifo "$T/hold"
for kind in half silent fds-wait; do
	py hostile "$S" "$kind" <"$T/hold" >"$T/hostile.$kind" 3>&- &
done
exec 7>"$T/hold"
wait_for 20 eval "[ \$(cat $T/hostile.* | wc -l) = 3 ]"
is "$(by oe_ssh "$ME@$LO" 'echo served')" served \
	"clients that stop half way hold up nobody"
exec 7>&-
check "and leave nothing" wait_for 20 as_before
is "$(master_pid)" "$pid" "the master has seen it all"

# --- forwards ----------------------------------------------------------------

if has forward; then
	run by oe_ssh -O forward "$ME@$LO"
	is "$STATUS" 255 "-O forward of nothing"
	echo page >"$T/page"
	start_listening WEB "$T/web.log" python3 -m http.server --bind "$LO" \
		--directory "$T" @PORT@ || bail "no web server"
	fetch() {
		python3 -c 'import sys, urllib.request as u
print(u.urlopen("http://127.0.0.1:%s/page" % sys.argv[1], timeout=20)
	.read().decode().strip())' "$1" 2>/dev/null
	}
	forwards() {
		local L R who
		for C in oe_ssh ossh; do
			who="$M's master, $C's client"
			L=$(free_port)
			run by "$C" -O forward -L "$LO:$L:$LO:$WEB_PORT" \
				"$ME@$LO"
			status_is 0 "$who: -O forward -L"
			is "$(fetch "$L")" page "$who: it leads there"
			run by "$C" -O cancel -L "$LO:$L:$LO:$WEB_PORT" \
				"$ME@$LO"
			status_is 0 "$who: -O cancel -L"
			check "$who: nobody listens any more" \
				wait_for 20 eval "! listening $L"
			run by "$C" -O forward -R "$LO:0:$LO:$WEB_PORT" \
				"$ME@$LO"
			R=$(cat "$OUT")
			is "$(fetch "$R")" page "$who: -R 0, its port is told"
			run by "$C" -O cancel -R "$LO:0:$LO:$WEB_PORT" \
				"$ME@$LO"
			status_is 0 "$who: -O cancel -R"
			check "$who: it is gone" \
				wait_for 20 eval "! listening ${R:-0}"
			run by "$C" -L "$LO:$L:$LO:$WEB_PORT" "$ME@$LO" \
				'echo with it'
			is "$STATUS $(cat "$OUT")" "0 with it" \
				"$who: a session that brings a forward"
			is "$(fetch "$L")" page "$who: which stays"
			run by "$C" -O forward -L "$LO:$WEB_PORT:$LO:1" \
				"$ME@$LO"
			is "$STATUS" 255 "$who: a port that is taken"
		done
	}
	M=oe_ssh
	forwards
	end_master
	M=ossh
	use_port "$SSHD_PORT"
	master ossh
	forwards
	end_master
	use_port "$SERVER_PORT"
	# forwards of the command that becomes the master
	L=$(free_port)
	run master oe_ssh -L "$LO:$L:$LO:$WEB_PORT"
	is "$(fetch "$L")" page "the master keeps its own -L"
	end_master
	run master oe_ssh -o ExitOnForwardFailure=yes \
		-L "$LO:$WEB_PORT:$LO:1"
	is "$STATUS" 255 "ExitOnForwardFailure: no master"
	like "$(cat "$ERR")" 'could not be set up' "and why"
	check "and no socket" wait_for 20 gone
fi

# --- over other hosts --------------------------------------------------------

cat >"$T/config" <<CONF
Host *
	IdentityFile $T/id
	UserKnownHostsFile $T/known_hosts
	StrictHostKeyChecking accept-new
	User $ME
Host gate
	HostName $LO
	Port $SSHD_PORT
Host far-* other-*
	HostName $LO
	Port $SERVER_PORT
	ControlPath $S
	ControlMaster auto
	ControlPersist yes
Host far-*
	ProxyJump gate
Host other-*
	ProxyCommand $OMNIEDGE ssh -F $T/config -W %h:%p gate
CONF
for way in far-jump other-command; do
	run timeout -k 5 60 "$OMNIEDGE" ssh -F "$T/config" "$way" 'echo first'
	is "$STATUS $(cat "$OUT")" "0 first" "$way: its output ends"
	pid=$(master_pid)
	is "$(by oe_ssh "$ME@$LO" 'echo second')" second \
		"$way: the way outlives the first command"
	end_master
	check "$way: and ends with the master" wait_for 20 eval \
		"! pgrep -f 'ssh -F $T/config'"
done

# --- files -------------------------------------------------------------------

files() {
	local o=("${OPTS[@]}" -o ControlPath="$S" -o ControlMaster=auto
		-o ControlPersist=120)

	rm -f "$T/copy"
	run timeout 60 "$OMNIEDGE" scp -q "${o[@]}" -P "$PEER_PORT" \
		"$T/random" "$ME@$LO:$T/copy"
	is "$STATUS $(sha256sum <"$T/copy")" "0 $RANDOM_SUM" \
		"$PEER: scp starts a master"
	is "$(by oe_ssh "$ME@$LO" 'echo in')" in "$PEER: which serves ssh"
	rm -f "$T/copy"
	run timeout 60 "$OMNIEDGE" scp -q "${o[@]}" -P "$NOWHERE" \
		"$ME@$LO:$T/random" "$T/copy"
	is "$STATUS $(sha256sum <"$T/copy")" "0 $RANDOM_SUM" \
		"$PEER: and the next scp"
	run timeout 60 "$OMNIEDGE" sftp "${o[@]}" -P "$NOWHERE" -b - "$ME@$LO" \
		< <(echo "ls $T/random")
	like "$STATUS $(cat "$OUT")" "random" "$PEER: and sftp"
	end_master
	master ossh
	rm -f "$T/copy"
	run timeout 60 "$OMNIEDGE" scp -q "${o[@]}" -P "$NOWHERE" \
		"$T/random" "$ME@$LO:$T/copy"
	is "$STATUS $(sha256sum <"$T/copy")" "0 $RANDOM_SUM" \
		"$PEER: scp over OpenSSH's master"
	run timeout 60 "$OMNIEDGE" sftp "${o[@]}" -P "$NOWHERE" -b - "$ME@$LO" \
		< <(echo "ls $T/random")
	like "$STATUS $(cat "$OUT")" "random" "$PEER: and sftp"
	end_master
	run timeout 60 "$OMNIEDGE" scp -q "${OPTS[@]}" -o ControlPath="$S" \
		-o ControlMaster=auto -P "$PEER_PORT" "$T/random" \
		"$ME@$LO:$T/copy"
	is "$STATUS" 0 "$PEER: scp as a master that is not to stay"
	check "$PEER: goes when it has ended" wait_for 20 gone
}
has scp && each_peer files

done_testing
