#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# omniedge sftp: commands, batch files, the dialogue on a terminal, and what
# OpenSSH's sftp prints for the same.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh sftp ssh-agent ssh-keygen cmp

start_server || bail "no server"
start_sshd || bail "no sshd"

# Far files: names with blanks, wildcards, quotes, bytes of a terminal.
F=$T/far
mkdir -p "$F/sub" "$F/with blank/deep" "$F/tree/one/two" "$T/local"
printf 'hello\n' >"$F/a.txt"
printf 'hello again\n' >"$F/b.txt"
head -c 300000 /dev/urandom >"$F/big"
printf 'x\n' >"$F/with blank/x y"
printf 'star\n' >"$F/st*r"
printf 'quote\n' >"$F/it's"
printf 'one\n' >"$F/tree/one/1"
printf 'two\n' >"$F/tree/one/two/2"
: >"$F/tree/empty"
: >"$F/.dot"
ln -s a.txt "$F/link"
ln -s nowhere "$F/dangling"
touch -d '2020-02-03 04:05' "$F/a.txt"
cd "$T/local" || bail "no folder"

SFTP_OPTIONS=(-F /dev/null -i "$T/id" -o BatchMode=yes
	-o UserKnownHostsFile="$T/known_hosts"
	-o StrictHostKeyChecking=accept-new)

# our ARG... / theirs ARG...: a client, to the peer of the moment.
our() {
	timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" sftp "${SFTP_OPTIONS[@]}" \
		-P "$PEER_PORT" "$@"
}

theirs() {
	timeout -k 5 "$RUN_LIMIT" sftp -q "${SFTP_OPTIONS[@]}" \
		-o IdentitiesOnly=yes -P "$PEER_PORT" "$@"
}

# batch LINE...: our client with a batch file.
batch() {
	printf '%s\n' "$@" >"$T/batch"
	run our -b "$T/batch" "$ME@$LO"
}

# same TEXT LINE...: both clients print the same for these commands.
same() {
	local text=$1
	shift
	printf '%s\n' "cd $F" "$@" >"$T/batch"
	theirs -b "$T/batch" "$ME@$LO" >"$T/want" 2>"$T/want.err"
	run our -b "$T/batch" "$ME@$LO"
	is "$(cat "$OUT")" "$(cat "$T/want")" "$PEER: as OpenSSH: $text" ||
		diag_file "$ERR"
}

formats() {
	same "pwd, version, help's absence" pwd version lpwd 'lumask 022'
	same "ls in columns" ls
	same "ls -1" 'ls -1' 'ls -1r' 'ls -1a sub' 'ls -1 tree'
	same "ls -l" 'ls -l' 'ls -la tree' 'ls -l a.txt' 'ls -l *.txt'
	same "ls -h" 'ls -lh'
	same "ls by size" 'ls -1S *.txt'
	same "ls of patterns" 'ls -1 *.txt' 'ls -1 "with blank"' \
		"ls -1 $F/tree" 'ls -1 w*'
	same "echo and silence" '@pwd' 'pwd' '-rm nothing' '@-rm nothing'
	same "local commands" 'lmkdir new' 'lcd new' 'lpwd' 'lcd ..' \
		'!rmdir new' '!echo said'
}

# The numbers change under us; their places do not.
room() {
	sed 's/[0-9]\{1,\}/0/g; s/  */ /g' "$1"
}

rooms() {
	printf '%s\n' "df $F" "df -i $F" "df -h $F" >"$T/batch"
	theirs -b "$T/batch" "$ME@$LO" >"$T/want" 2>"$T/want.err"
	run our -b "$T/batch" "$ME@$LO"
	is "$(room "$OUT")" "$(room "$T/want")" "$PEER: as OpenSSH: df"
}

changes() {
	local d=$T/change-$PEER
	mkdir "$d"
	printf 'one' >"$d/one"
	batch "cd $d" 'mkdir "a b"' 'rename one "a b/two"' 'chmod 640 "a b/two"' \
		'symlink two "a b/s"' 'ln "a b/two" hard' 'ln -s x y' \
		'cp hard copy' 'rm "a b/s"' 'rm y' 'mkdir gone' 'rmdir gone' \
		"chown $(id -u) copy" "chgrp $(id -g) copy"
	status_is 0 "$PEER: files are changed"
	is "$(cd "$d" && find . -type f -printf '%P %m %n %s\n' | LC_ALL=C sort)" \
		$'a b/two 640 2 3\ncopy 640 1 3\nhard 640 2 3' \
		"$PEER: as asked"
}

transfers() {
	local d=$T/up-$PEER
	mkdir "$d"
	rm -rf "${T:?}/local"/*
	batch "cd $F" 'get a.txt' 'get big copy' 'get st\*r' "get \"it's\"" \
		'get *.txt sub' 'lmkdir dir' 'get *.txt dir' 'get -r tree' \
		'get -p a.txt times' '-get sub'
	status_is 1 "$PEER: several files need a directory"
	like "$(cat "$ERR")" '"sub" is not a directory' "$PEER: and it is told"
	batch "cd $F" 'lmkdir dir' 'get *.txt dir' 'get -r tree' \
		'get -p a.txt times' '-get sub'
	status_is 0 "$PEER: downloads"
	check "$PEER: a whole file" cmp "$F/big" copy
	check "$PEER: names with wildcards" cmp "$F/st*r" 'st*r'
	check "$PEER: names with quotes" cmp "$F/it's" "it's"
	check "$PEER: a pattern" cmp "$F/b.txt" dir/b.txt
	check "$PEER: a tree" diff -r "$F/tree" tree
	is "$(stat -c %Y times)" "$(stat -c %Y "$F/a.txt")" "$PEER: times"
	check "$PEER: a directory is no file" test ! -e sub
	batch "cd $d" 'put copy' 'put copy other' 'mkdir dir' 'put *.txt dir' \
		'put -r tree' 'put -p times'
	status_is 0 "$PEER: uploads"
	check "$PEER: a whole file up" cmp copy "$d/copy"
	check "$PEER: under another name" cmp copy "$d/other"
	check "$PEER: a pattern up" cmp a.txt "$d/dir/a.txt"
	check "$PEER: a tree up" diff -r tree "$d/tree"
	is "$(stat -c %Y "$d/times")" "$(stat -c %Y times)" "$PEER: times up"
	is "$(find "$d" . -name '.*.part')" "" "$PEER: nothing is left behind"
}

resumes() {
	head -c 100000 "$F/big" >half
	head -c 100000 "$F/big" >"$T/half-$PEER"
	batch "reget $F/big half" "get -a $F/big half" "reput $F/big $T/half-$PEER"
	status_is 0 "$PEER: transfers go on"
	check "$PEER: down" cmp "$F/big" half
	check "$PEER: up" cmp "$F/big" "$T/half-$PEER"
}

operands() {
	rm -rf "${T:?}/local"/*
	run our "$ME@$LO:$F/a.txt"
	status_is 0 "$PEER: a file beside the peer"
	check "$PEER: is fetched" cmp "$F/a.txt" a.txt
	run our "$ME@$LO:$F/a.txt" other
	check "$PEER: under a name" cmp "$F/a.txt" other
	run our "$ME@$LO:$F/*.txt" .
	check "$PEER: by a pattern" cmp "$F/b.txt" b.txt
	run our -P 1 "sftp://$ME@$LO:$PEER_PORT/$F/with%20blank/x%20y"
	check "$PEER: by a URI, whose port wins over -P" cmp "$F/with blank/x y" 'x y'
	run our -r "$ME@$LO:$F/tree" .
	check "$PEER: a tree with -r" diff -r "$F/tree" tree
	run our "$ME@$LO:$F/nothing"
	status_is 1 "$PEER: what is not there"
	run our "$ME@$LO:$F/sub" <<<'pwd'
	like "$(cat "$OUT")" "^Remote working directory: .*/far/sub\$" \
		"$PEER: a directory is where it begins"
	run our -b - "$ME@$LO:$F" <<<'ls -1 *.txt'
	is "$(cat "$OUT")" $'sftp> ls -1 *.txt\na.txt\nb.txt' \
		"$PEER: -b - reads standard input"
}

failures() {
	batch pwd 'rm /nonexistent/x' pwd
	status_is 1 "$PEER: a batch ends at a failure"
	is "$(grep -c '^Remote' "$OUT")" 1 "$PEER: and does no more"
	like "$(cat "$ERR")" '/nonexistent/x: No such file' "$PEER: words"
	batch '-rm /nonexistent/x' '@-cd /nonexistent' '-nonsense' pwd
	status_is 0 "$PEER: failures are ignored"
	run our "$ME@$LO" <<<$'rm /nonexistent/x\npwd\n'
	status_is 0 "$PEER: a pipe goes on"
	like "$(cat "$OUT")" '^Remote' "$PEER: to its end"
	batch "cd '$F"
	status_is 1 "$PEER: a quote that is not closed"
	run our "$ME@$LO" <<<$'exit\npwd\n'
	is "$STATUS $(cat "$OUT")" '0 sftp> exit' "$PEER: exit ends"
	run our -s nosuchsystem "$ME@$LO" <<<pwd
	status_is 255 "$PEER: no such subsystem"
}

each_peer formats
each_peer rooms
each_peer changes
each_peer transfers
each_peer resumes
each_peer operands
each_peer failures

# --- no network --------------------------------------------------------------

direct() {
	timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" sftp -D "$@"
}

for server in "$OMNIEDGE sftp-server" /usr/lib/openssh/sftp-server; do
	name=${server##*/}
	[ -x "${server%% *}" ] || continue
	run direct "$server" <<<$"cd $F
ls -1 *.txt
get a.txt direct"
	status_is 0 "-D '$name'"
	like "$(cat "$OUT")" '^b.txt$' "-D '$name': a listing"
	check "-D '$name': a file" cmp "$F/a.txt" direct
	rm -f direct
done
run direct /nonexistent/server <<<pwd
status_is 255 "-D without a server"
run direct false <<<pwd
status_is 255 "-D with a server that ends"

use_port "$(free_port)"
run our "$ME@$LO" <<<pwd
status_is 255 "nobody listens"
use_port "$SERVER_PORT"
run our -b "$T/none" "$ME@$LO"
status_is 255 "a batch file that is not there"
run our -S ssh "$ME@$LO"
status_is 64 "-S is refused"
like "$(cat "$ERR")" 'ProxyCommand' "with what to do instead"
run our
status_is 64 "no peer"
run our -X nonsense=1 "$ME@$LO"
status_is 64 "-X knows its names"
run our -q -4 -C -c aes128-ctr -B 1000 -R 3 -l 100000 -X nrequests=8 -j 2 -p \
	--verify --in-place --no-sync "$ME@$LO:$F/big" tuned
status_is 0 "options"
check "and the file is right" cmp "$F/big" tuned
run our --json -q "$ME@$LO:$F/a.txt" json
like "$(cat "$OUT")" '^\{.*a\.txt' "--json"

# An agent goes along with -A, and not because a file says so.
printf 'Host *\nForwardAgent yes\n' >"$T/agent.conf"
eval "$(ssh-agent -s)" >"$T/agent.out"
own "$SSH_AGENT_PID"
cat >"$T/has-agent" <<'SH'
#!/bin/sh
echo "${SSH_AUTH_SOCK:-none}" >"${0%/*}/agent.seen"
exec /usr/lib/openssh/sftp-server
SH
chmod +x "$T/has-agent"
if [ -x /usr/lib/openssh/sftp-server ]; then
	use_port "$SSHD_PORT"
	run our -s "$T/has-agent" -F "$T/agent.conf" "$ME@$LO" <<<pwd
	is "$STATUS $(cat "$T/agent.seen")" '0 none' "no agent by ssh_config"
	run our -s "$T/has-agent" -A "$ME@$LO" <<<pwd
	like "$(cat "$T/agent.seen")" '/' "an agent with -A"
	run our -s "$T/has-agent" -oForwardAgent=yes "$ME@$LO" <<<pwd
	like "$(cat "$T/agent.seen")" '/' "and with -o"
	use_port "$SERVER_PORT"
fi
unset SSH_AUTH_SOCK SSH_AGENT_PID

# --- hostile names -----------------------------------------------------------

H=$T/hostile
mkdir "$H"
: >"$H/"$'esc\e]0;title\a\e[2J'
: >"$H/"$'new\nline'
: >"$H/"$'bad\xff\xfeutf'
: >"$H/"$'c1\xc2\x9b2J'
run our "$ME@$LO" <<<"ls $H
ls -1 $H
ls -l $H
rm $H/*"
is "$(LC_ALL=C tr -d '\n -~' <"$OUT" | wc -c)" 0 \
	"names with control characters are shown escaped"
is "$(ls -A "$H")" "" "and can be removed"

# --- a terminal --------------------------------------------------------------

if ! command -v tmux >/dev/null; then
	skip "the dialogue on a terminal" "no tmux"
	done_testing
	exit
fi
TM=(tmux -L "oe$$" -f /dev/null)
trap '"${TM[@]}" kill-server 2>/dev/null; cleanup' EXIT
cat >"$T/rc" <<RC
PS1='local> '
stty sane
cd "$T/local"
c() { "$OMNIEDGE" sftp -F /dev/null -i "$T/id" -P "$SERVER_PORT" \
	-o UserKnownHostsFile="$T/known_hosts" -o ServerAliveInterval=60 \
	-o StrictHostKeyChecking=accept-new "\$@"; }
RC
"${TM[@]}" new-session -d -x 80 -y 50 "bash --noprofile --rcfile $T/rc -i" \
	3>&- || bail "no tmux"

key() {
	"${TM[@]}" send-keys "$@"
}

text() {
	"${TM[@]}" send-keys -l "$1"
}

line() {
	text "$1"
	key Enter
}

screen() {
	"${TM[@]}" capture-pane -p -S -200
}

shows() {
	screen | grep -qE -e "$1"
}

# sees REGEX TEXT: within 10 seconds.
sees() {
	if wait_for 10 shows "$1"; then
		ok "$2"
	else
		not_ok "$2"
		diag "wanted: $1" "$(screen | grep -v '^$' | tail -n 20)"
	fi
}

# ended STATUS TEXT: the shell is back, its terminal as it was.
ended() {
	wait_for 10 shows '^local> ?$'
	line "echo ended=\$?; stty -g >$T/after"
	sees "^ended=$1" "$2"
	wait_for 5 test -s "$T/after"
	is "$(cat "$T/after")" "$(cat "$T/before")" "the terminal is as it was"
	rm -f "$T/after"
	"${TM[@]}" send-keys C-l
	"${TM[@]}" clear-history
}

wait_for 5 shows '^local> ?$'
line "stty -g >$T/before; clear"
wait_for 5 test -s "$T/before"
line "c $ME@$LO:$F"
sees '^sftp> ?$' "a prompt"
text 'ver'
key Tab
key Enter
sees '^SFTP protocol version 3' "Tab completes a command"
text 'ls -1 wi'
key Tab
sees '^sftp> ls -1 with\\ blank/$' "a remote name with a blank"
key Enter
sees '^with blank/x y' "which is what it names"
text "ls -1 'with b"
key Tab
sees "^sftp> ls -1 'with blank/$" "the same within quotes"
key C-c
wait_for 5 shows '^sftp> ?$'
line 'pwd'
sees '^Remote working directory' "Ctrl-C clears the line"
text 'get '
key Tab
sees 'a.txt .*b.txt' "a choice of names"
key C-c
wait_for 5 shows '^sftp> ?$'
: >"$T/local/local-name"
text 'put loc'
key Tab
sees '^sftp> put local-name' "a local name"
key C-c
wait_for 5 shows '^sftp> ?$'
line 'lpwd'
sees '^Local working directory' "a command"
"${TM[@]}" send-keys C-l
"${TM[@]}" clear-history
key Up Up
sees '^sftp> pwd' "the line before comes back"
key Enter
sees '^Remote working directory' "and can be run again"
line '!sleep 30'
wait_for 5 pgrep -f '^sleep 30$'
key C-c
sees 'ended by signal 2' "Ctrl-C ends a local command only"
line 'help rename'
sees 'rename \[-l\]' "help"
key C-z
sees 'Stopped' "Ctrl-Z"
line 'fg'
wait_for 5 shows '^sftp> ?$'
line 'version'
sees '^SFTP protocol' "and back"
key C-d
ended 0 "Ctrl-D ends"

# A transfer that is slow enough to be stopped.
line "c -l 4000 $ME@$LO:$F"
wait_for 10 shows '^sftp> ?$'
head -c 5000000 /dev/urandom >"$F/slow"
line 'get slow'
wait_for 10 eval "ls -A '$T/local' | grep -q 'slow.*part'" ||
	diag "$(screen | tail -n 20)"
key C-c
sees 'Interrupted' "Ctrl-C stops a transfer"
check "no half file is there" test ! -e "$T/local/slow"
key C-d
ended 0 "the dialogue went on"
line "c $ME@$LO:$F"
wait_for 10 shows '^sftp> ?$'
line 'reget slow'
wait_for 10 cmp "$F/slow" "$T/local/slow"
check "reget goes on with it" cmp "$F/slow" "$T/local/slow"

# The peer goes away while nothing happens.
stop_server
sees 'onnection closed' "a lost connection is told at once"
ended 255 "and ends the program"
done_testing
