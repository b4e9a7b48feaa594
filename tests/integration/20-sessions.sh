#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a session is: terminal, environment, signals, exit, streams, several
# at a time, keepalive and new keys under way.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen ssh-agent ssh-add python3 tmux expect sha256sum cmp

login_user s
make_key id
printf 'This is\nthe banner.\n' >"$T/banner"
start_server --banner "$T/banner" --accept-env 'LANG,LC_*,OE_*,LD_*,PATH,TERM' \
	--subsystem 'upper:tr a-z A-Z' --subsystem 'who:id -un' ||
	bail "the server does not start"

# --- exit --------------------------------------------------------------------

# One connection for many commands.
mux=(-o ControlPath="$T/mux" -o ControlMaster=auto -o ControlPersist=60)
ossh "${mux[@]}" "$LOGIN@$LO" true
wrong=
for n in {1..30}; do
	ossh "${mux[@]}" "$LOGIN@$LO" "exit $n"
	[ $? = "$n" ] || wrong+=" $n"
done
is "$wrong" "" "exit statuses, in one connection"
run ossh "${mux[@]}" "$LOGIN@$LO" no-such-command-here
status_is 127 "no such command"
run ossh "${mux[@]}" "$LOGIN@$LO" /dev/null
status_is 126 "not a program"

for n in {1..8}; do
	ossh "${mux[@]}" "$LOGIN@$LO" "sleep 0.5; echo $n" >"$T/many.$n" &
	pids[n]=$!
done
wait "${pids[@]}"
is "$(cat "$T"/many.* | tr '\n' ' ')" "1 2 3 4 5 6 7 8 " \
	"eight sessions at a time in one connection"
ossh "${mux[@]}" -O exit "$LOGIN@$LO" 2>/dev/null

cat >"$T/client.py" <<'PY'
# Facts that OpenSSH's client does not show, as "name: value" lines.
import asyncio, asyncssh, os, sys
port, user, T = int(sys.argv[1]), sys.argv[2], os.environ["T"]

def say(name, value):
    print("%s: %s" % (name, value), flush=True)

async def died(c, name):
    p = await c.create_process("exec sleep 60")
    await asyncio.sleep(0.3)
    p.send_signal(name)
    r = await asyncio.wait_for(p.wait(), 10)
    say("signal " + name, r.exit_signal and r.exit_signal[0])

async def main():
    c = await asyncssh.connect("127.0.0.1", port, username=user,
        client_keys=[T + "/id"], known_hosts=None)
    done = []
    async def leaves(n):
        async with limit:
            r = await c.run("exit %d" % n)
            done.append(r.exit_status == n)
    limit = asyncio.Semaphore(8)
    await asyncio.gather(*[leaves(n) for n in range(256)])
    say("exit statuses 0 to 255", "%d right" % sum(done))
    for name in "TERM", "INT", "KILL", "HUP", "QUIT", "USR1":
        await died(c, name)
    p = await c.create_process("trap 'echo got it; exit 9' TERM; echo ready; "
                               "while :; do sleep 0.1; done")
    await p.stdout.readline()
    p.send_signal("TERM")
    r = await asyncio.wait_for(p.wait(), 10)
    say("trapped", "%s %s" % (r.stdout.strip(), r.exit_status))
    p = await c.create_process("echo ready; sleep 1; echo alive")
    await p.stdout.readline()
    p.send_signal("NONSENSE")
    r = await asyncio.wait_for(p.wait(), 10)
    say("unknown signal", r.stdout.strip())
    r = await c.run("kill -SEGV $$")
    say("crash", r.exit_signal and r.exit_signal[0])

    # half-close, both ways
    p = await c.create_process("cat; echo done")
    p.stdin.write("x" * 100000)
    p.stdin.write_eof()
    r = await asyncio.wait_for(p.wait(), 10)
    say("half-close", "%d %s" % (len(r.stdout), r.stdout[100000:].strip()))
    p = await c.create_process("exec >&- 2>&-; read x; exit $x")
    await asyncio.wait_for(p.stdout.read(), 10)
    say("stdout closed early", "eof")
    p.stdin.write("5\n")
    r = await asyncio.wait_for(p.wait(), 10)
    say("and the input is read", r.exit_status)

    # terminal
    p = await c.create_process("stty size; read x; stty size", term_type="xterm",
                               term_size=(81, 24, 640, 480))
    first = await p.stdout.readline()
    p.change_terminal_size(132, 43)
    await asyncio.sleep(0.3)
    p.stdin.write("\n")
    r = await asyncio.wait_for(p.wait(), 10)
    say("size", first.strip() + " then " + r.stdout.split()[-2] + " " +
        r.stdout.split()[-1])
    modes = {asyncssh.PTY_VERASE: 8, asyncssh.PTY_VINTR: 7,
             asyncssh.PTY_ECHO: 0, asyncssh.PTY_ONLCR: 0,
             asyncssh.PTY_IUTF8: 1, asyncssh.PTY_VEOF: 255,
             asyncssh.PTY_OP_ISPEED: 38400, asyncssh.PTY_OP_OSPEED: 38400,
             asyncssh.PTY_IXON: 0, asyncssh.PTY_PARENB: 1}
    r = await c.run("stty -a; tty", term_type="vt100", term_modes=modes)
    out = r.stdout.replace(";", " ;")
    for want in ("erase = ^H", "intr = ^G", "-echo", "-onlcr", "iutf8",
                 "eof = <undef>", "speed 38400", "-ixon", " icanon"):
        say("mode " + want, want in out)

    # limits
    many = []
    try:
        for i in range(40):
            many.append(await c.create_process("cat"))
    except asyncssh.ChannelOpenError as e:
        say("channels", len(many))
        say("channel refused", "%s" % e.reason)
    for p in many:
        p.close()
        await p.wait_closed()
    r = await c.run("echo again")
    say("after closing them", r.stdout.strip())
    try:
        await asyncio.wait_for(c.open_connection("127.0.0.1", port), 10)
        say("forwarding", "open")
    except asyncssh.ChannelOpenError as e:
        say("forwarding", "refused")
    c.close()
asyncio.run(main())
PY
/usr/bin/python3 -W ignore "$T/client.py" "$SERVER_PORT" "$LOGIN" >"$T/facts" \
	2>"$T/facts.err" || { diag_file "$T/facts.err"; not_ok "client.py"; }
fact() {
	is "$(sed -n "s/^$1: //p" "$T/facts")" "$2" "$1"
}
fact "exit statuses 0 to 255" "256 right"
for s in TERM INT KILL HUP QUIT USR1; do
	fact "signal $s" "$s"
done
fact trapped "got it 9"
fact "unknown signal" alive
fact crash SEGV
fact half-close "100005 done"
fact "stdout closed early" eof
fact "and the input is read" 5
fact size "24 81 then 43 132"
for m in "erase = ^H" "intr = ^G" -echo -onlcr iutf8 "eof = <undef>" \
	"speed 38400" -ixon " icanon"; do
	is "$(grep -F "mode $m: " "$T/facts")" "mode $m: True" "terminal: $m"
done
fact channels 10
fact "after closing them" again
fact forwarding refused

# --- streams -----------------------------------------------------------------

run ossh "$LOGIN@$LO" 'echo out; echo err >&2'
is "$(cat "$OUT")" out "stdout"
is "$(grep -v banner "$ERR" | grep -v '^This is')" err "stderr apart from it"
is "$(printf abc | ossh "$LOGIN@$LO" 'cat; echo done' 2>/dev/null)" abcdone \
	"end of input, then output"
head -c 30000000 /dev/urandom >"$T/blob"
sum=$(sha256sum <"$T/blob")
is "$(ossh "$LOGIN@$LO" sha256sum <"$T/blob" 2>/dev/null)" "$sum" \
	"30 MB to the server"
ossh "$LOGIN@$LO" cat <"$T/blob" >"$T/back" 2>/dev/null
check "there and back" cmp "$T/blob" "$T/back"
ossh "$LOGIN@$LO" 'cat >&2' <"$T/blob" 2>"$T/back" >/dev/null
check "by stderr" eval 'tail -c 30000000 "$T/back" | cmp - "$T/blob"'
run ossh "$LOGIN@$LO" '(sleep 1; echo late) & echo started'
is "$(cat "$OUT")" $'started\nlate' "what a background job says is not lost"
run ossh "$LOGIN@$LO" 'sleep 60 >/dev/null 2>&1 </dev/null & echo $!'
status_is 0 "one that holds no stream holds nobody"
job=$(cat "$OUT")
check "and lives on" kill -0 "$job"
kill "$job"
run ossh "$LOGIN@$LO" 'yes' 2>/dev/null | head -n 2 >/dev/null
ok "a reader that goes away ends it"
check "no process of it is left" wait_for 5 eval \
	"! pgrep -u '$LOGIN' -x yes >/dev/null"

# --- environment -------------------------------------------------------------

OE_A='one two' OE_B=2 LC_X=x OTHER=1 LD_PRELOAD='' PATH=$PATH run ossh \
	-o SendEnv='OE_* LC_X OTHER' -o SetEnv='LD_LIBRARY_PATH=/x' \
	"$LOGIN@$LO" 'env'
cp "$OUT" "$T/env"
check "an allowed variable" grep -qxF 'OE_A=one two' "$T/env"
check "another" grep -qx LC_X=x "$T/env"
check "one that is not allowed" eval "! grep -q ^OTHER= '$T/env'"
check "LD_* never, even when it is listed" eval "! grep -q ^LD_ '$T/env'"
run ossh -o SetEnv='LD_PRELOAD=/nowhere.so PATH=/nowhere BASH_ENV=/x IFS=x' \
	"$LOGIN@$LO" 'env; ls / >/dev/null && echo fine'
cp "$OUT" "$T/env"
check "LD_PRELOAD and PATH are not the client's" eval \
	"grep -qx fine '$T/env' && ! grep -q nowhere '$T/env'"
run ossh "$LOGIN@$LO" env
cp "$OUT" "$T/env"
for v in "USER=$LOGIN" "LOGNAME=$LOGIN" "HOME=$LOGIN_HOME"; do
	check "$v" grep -qxF "$v" "$T/env"
done
check "SSH_CONNECTION" grep -qE "^SSH_CONNECTION=127.0.0.1 [0-9]+ 127.0.0.1 $SERVER_PORT\$" \
	"$T/env"
check "nothing of the server's own" eval \
	"! grep -qE '^(OMNIEDGE|ASAN|UBSAN|NOTIFY|LISTEN|OE_)' '$T/env'"
run ossh "$LOGIN@$LO" 'pwd; umask; id; ls /proc/self/fd | wc -l'
is "$(sed -n 1p "$OUT")" "$LOGIN_HOME" "it begins in the home directory"
like "$(sed -n 2p "$OUT")" '^00?[02][0-7]$' "umask"
is "$(sed -n 3p "$OUT")" "$(as_user "$LOGIN" id)" "user and groups"
is "$(sed -n 4p "$OUT")" 4 "no other descriptors are open"

# --- subsystems, agent, X11 --------------------------------------------------

is "$(echo abc | ossh -s "$LOGIN@$LO" upper 2>/dev/null)" ABC "--subsystem"
is "$(ossh -s "$LOGIN@$LO" who 2>/dev/null)" "$LOGIN" "as the user"
run ossh -s "$LOGIN@$LO" nonsense
check "an unknown subsystem fails" test "$STATUS" != 0
run ossh -s "$LOGIN@$LO" upp
check "half of a name too" test "$STATUS" != 0

eval "$(ssh-agent -a "$T/agent")" >/dev/null
own "$SSH_AGENT_PID"
make_key carried
ssh-add -q "$T/carried"
run ossh -A "$LOGIN@$LO" 'ssh-add -l'
like "$(cat "$OUT")" carried "ssh -A: the agent's keys are seen"
run ossh -A "$LOGIN@$LO" "ssh-add -T $T/carried.pub"
status_is 0 "and they sign"
run ossh -A "$LOGIN@$LO" 'd=$(dirname "$SSH_AUTH_SOCK"); stat -c "%U %a" "$d"; echo "$d"'
is "$(head -n 1 "$OUT")" "$LOGIN 700" "its directory is the user's alone"
check "and gone with the connection" wait_for 5 test ! -e "$(tail -n 1 "$OUT")"
run ossh -a "$LOGIN@$LO" 'echo "[$SSH_AUTH_SOCK]"'
is "$(cat "$OUT")" "[]" "without -A there is none"
unset SSH_AUTH_SOCK SSH_AGENT_PID

if command -v xauth >/dev/null; then
	SSH_SAYS=INFO DISPLAY=:97 run ossh -X "$LOGIN@$LO" 'echo "[$DISPLAY]"'
	is "$(cat "$OUT")" "[]" "X11: no DISPLAY"
	like "$(cat "$ERR")" 'X11 forwarding request failed' \
		"the client hears that it is refused"
	check "and it is an event" event_seen request.refused x11
fi
mkdir -p "$T/rc"
if am_root; then
	as_user "$LOGIN" mkdir -p "$LOGIN_HOME/.ssh"
	echo "touch $LOGIN_HOME/rc-ran" >"$LOGIN_HOME/.ssh/rc"
	chmod 755 "$LOGIN_HOME/.ssh/rc"
	run ossh "$LOGIN@$LO" true
	check ".ssh/rc is not run" test ! -e "$LOGIN_HOME/rc-ran"
fi

# --- a terminal --------------------------------------------------------------

SSH_SAYS=INFO run ossh "$LOGIN@$LO" true
like "$(cat "$ERR")" 'the banner\.' "--banner"

tmux_do() {
	tmux -S "$T/tmux" -f /dev/null "$@"
}
screen() {
	tmux_do capture-pane -p
}
on_screen() {
	wait_for 15 eval "screen | grep -qE -e '$1'"
}
cat >"$T/term" <<TERM
#!/bin/bash
stty erase ^H intr ^G
exec ssh -F /dev/null -i $T/id -o IdentitiesOnly=yes -o LogLevel=ERROR \\
	-o UserKnownHostsFile=$T/known_hosts -o StrictHostKeyChecking=accept-new \\
	-p $SERVER_PORT $LOGIN@$LO
TERM
chmod 755 "$T/term"
touch "$LOGIN_HOME/.hushlogin-oe" 2>/dev/null && rm -f "$LOGIN_HOME/.hushlogin-oe"
tmux_do new-session -d -x 90 -y 30 "$T/term; sleep 60"
own "$(tmux_do display -p '#{pid}')"
check "a shell on a terminal" on_screen '[$#] *$'
tmux_do send-keys 'PS1="ready> "; stty -a | grep -oE "intr = ..|erase = .."; echo "si""ze $(stty size)"' Enter
check "characters of the client's terminal" on_screen 'intr = \^G'
check "and its size" on_screen 'size 30 90'
tmux_do resize-window -x 100 -y 35
sleep 0.3
tmux_do send-keys 'echo "now $(stty size)"' Enter
check "a new size" on_screen 'now 35 100'
tmux_do send-keys 'sleep 100' Enter
sleep 0.3
tmux_do send-keys C-g
tmux_do send-keys 'echo "status $?"' Enter
check "the interrupt character interrupts" on_screen 'status 130'
tmux_do send-keys 'stty intr ^C; sleep 100' Enter
sleep 0.3
tmux_do send-keys C-c
tmux_do send-keys 'echo "again $?"' Enter
check "Ctrl-C too" on_screen 'again 130'
tmux_do send-keys 'test -t 0 && test -t 2 && echo "tty $SSH_TTY $(tty) $TERM"' Enter
check "SSH_TTY and TERM" on_screen 'tty (/dev/pts/[0-9]+) \1 (tmux|screen)'
if am_root; then
	[ -e /run/utmp ] || skip "who" "no /run/utmp here"
	[ ! -e /run/utmp ] || check "who lists the session" eval "who | grep -q '^$LOGIN '"
fi
if command -v vi >/dev/null; then
	tmux_do send-keys "vi -u NONE -n $T/rc/../none-\$\$" Enter
	check "vi draws its screen" on_screen '^~ *$'
	tmux_do send-keys i 'typed in vi' Escape
	check "and takes keys" on_screen '^typed in vi'
	tmux_do send-keys ':q!' Enter
	check "and gives the screen back" on_screen 'ready> *$'
fi
tmux_do send-keys 'exit 3' Enter
wait_for 10 eval "! pgrep -u '$LOGIN' -f 'ready' >/dev/null"
if am_root; then
	check "who does not list it any more" wait_for 5 eval \
		"! who | grep -q '^$LOGIN '"
fi
tmux_do kill-server
check "the end has the status" event_seen session.end '"status":3'
stop_server

# --- keepalive, idle, new keys -----------------------------------------------

start_server --keepalive 1 --keepalive-max 2
ossh -o ServerAliveInterval=1 -o ServerAliveCountMax=2 "$LOGIN@$LO" \
	'sleep 5; echo alive' >"$OUT" 2>"$ERR"
is "$(cat "$OUT")" alive "keepalives both ways keep a quiet session"
ossh "$LOGIN@$LO" 'sleep 60' 2>"$ERR" &
pid=$!
wait_for 10 event_matches session.start '"conn"' && sleep 0.5
client=$(children_of $pid | tail -n 1)
kill -STOP "$client"
check "a client that answers no keepalive is let go" eval \
	'EVENT_LIMIT=10 wait_for 10 eval "[ \$(events disconnect | wc -l) -ge 2 ]"'
kill -CONT "$client"
wait $pid 2>/dev/null
stop_server

start_server --idle-timeout 1
start=$SECONDS
run ossh "$LOGIN@$LO" 'sleep 30'
status_is 255 "--idle-timeout ends a quiet connection"
check "in time" test $((SECONDS - start)) -le 5
run ossh "$LOGIN@$LO" 'for i in 1 2 3 4 5 6; do sleep 0.4; echo $i; done'
status_is 0 "not a busy one"
stop_server

start_server
for way in "to" "from"; do
	rm -f "$T/back"
	if [ $way = to ]; then
		got=$(SSH_SAYS=DEBUG3 ossh -o RekeyLimit=1M "$LOGIN@$LO" \
			sha256sum <"$T/blob" 2>"$T/debug")
	else
		got=$(SSH_SAYS=DEBUG3 ossh -o RekeyLimit=1M "$LOGIN@$LO" \
			cat "$T/blob" 2>"$T/debug" | sha256sum)
	fi
	is "${got%% *}" "${sum%% *}" "30 MB $way the server with new keys each 1 MB"
	check "there were new keys" test \
		"$(grep -c 'SSH2_MSG_NEWKEYS received' "$T/debug")" -ge 10
done
stop_server
for option in "--rekey-bytes 1M" "--rekey-time 1s"; do
	# shellcheck disable=SC2086 # two words
	start_server $option
	got=$(SSH_SAYS=DEBUG1 ossh "$LOGIN@$LO" \
		"sha256sum; sleep 2; cat '$T/blob'" <"$T/blob" 2>"$T/debug" |
		tail -c 30000000 | sha256sum)
	is "$got" "$sum" "$option: 30 MB both ways"
	check "the server asked for new keys" test \
		"$(grep -c 'SSH2_MSG_NEWKEYS received' "$T/debug")" -ge 2
	stop_server
done
done_testing
