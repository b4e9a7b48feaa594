#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# omniedge scp against our server and OpenSSH's, and side by side with
# OpenSSH's scp where the two must agree.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"

need scp jq
start_server || bail "our server did not start"
start_sshd || bail "sshd did not start"
L=$T/l R=$T/r

# --- helpers -----------------------------------------------------------------

oe_scp() {
	timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" scp -F /dev/null -i "$T/id" \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new -P "$PEER_PORT" "$@"
}

# o_scp ARG...: OpenSSH's, the same way.
o_scp() {
	timeout -k 5 "$RUN_LIMIT" scp -q -F /dev/null -i "$T/id" \
		-o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o GlobalKnownHostsFile=/dev/null \
		-o StrictHostKeyChecking=accept-new -P "$PEER_PORT" "$@"
}

# fresh: two folders with nothing in them; we stand in the local one.
fresh() {
	cd "$T" || exit
	rm -rf "$L" "$R"
	mkdir "$L" "$R"
	cd "$L" || exit
}

# listing DIR: names, types, permissions and contents.
listing() {
	(cd "$1" && find . -mindepth 1 -printf '%P %y %m\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0r sha256sum)
}

# same A B TEXT: two trees are equal, to the byte.
same() {
	is "$(listing "$1")" "$(listing "$2")" "$3"
}

# nothing_left DIR TEXT: no temporary file.
nothing_left() {
	is "$(find "$1" -name '.*.part')" '' "$2"
}

# odd_tree DIR: names and files that have broken programs before.
odd_tree() {
	local long
	long=$(printf 'x%.0s' {1..255})
	mkdir -p "$1/sub dir/deeper" "$1/empty"
	(
		cd "$1" || exit
		echo one >'a b'
		echo two >$'new\nline'
		echo three >-dash
		echo four >'qu"o'\''te$(x)`y`'
		echo five >$'inv\xffalid'
		echo six >'größe 日本'
		echo seven >"$long"
		echo eight >'back\slash'
		echo nine >'*star[1]?'
		: >nothing
		head -c 300000 /dev/urandom >'sub dir/deeper/random'
		head -c 5000000 /dev/urandom >'sub dir/large'
		echo ten >'sub dir/.hidden'
		chmod 640 'a b'
	)
}

# --- as OpenSSH's scp: the same commands, the same result ----------------------

# One row: TEXT | things that are there | arguments.  L/ is the local folder,
# R/ the peer's; "f" files, "d/" folders with a file in them.
ROWS_UP='a file into a directory|L/f R/d/|f R/d
a file into a directory with a slash|L/f R/d/|f R/d/
a file to a new name|L/f|f R/n
a file over a file|L/f R/o|f R/o
a file to a missing directory|L/f|f R/n/
a file below a missing directory|L/f|f R/n/x
two files into a directory|L/f L/g R/d/|f g R/d
two files to nothing|L/f L/g|f g R/n
two files over a file|L/f L/g R/o|f g R/o
a directory without -r|L/d/ R/e/|d R/e
a directory to a new name|L/d/|-r d R/n
a directory into a directory|L/d/ R/e/|-r d R/e
a directory with a slash|L/d/ R/e/|-r d/ R/e
the content of a directory|L/d/ R/e/|-r d/. R/e
a directory over its like|L/d/ R/e/ R/e/d/ R/e/d/old|-r d R/e
a directory over a file|L/d/ R/o|-r d R/o
a directory and a file|L/d/ L/f R/e/|-r d f R/e
a source that is not there|R/d/|nosuch R/d
the home|L/f R/d/|f R/d/../d'
ROWS_DOWN='a file into a directory|R/f L/d/|R/f d
a file into here|R/f|R/f .
a file to a new name|R/f|R/f n
a file over a file|R/f L/o|R/f o
a file to a missing directory|R/f|R/f n/
a file below a missing directory|R/f|R/f n/x
two files into a directory|R/f R/g L/d/|R/f R/g d
two files to nothing|R/f R/g|R/f R/g n
two files over a file|R/f R/g L/o|R/f R/g o
a directory without -r|R/d/ L/e/|R/d e
a directory to a new name|R/d/|-r R/d n
a directory into a directory|R/d/ L/e/|-r R/d e
a directory with a slash|R/d/ L/e/|-r R/d/ e
the content of a directory|R/d/ L/e/|-r R/d/. e
a directory over its like|R/d/ L/e/ L/e/d/ L/e/d/old|-r R/d e
a directory over a file|R/d/ L/o|-r R/d o
a source that is not there|L/d/|R/nosuch d
a pattern|R/f1 R/f2 R/g L/d/|R/f* d
a pattern with ? and []|R/f1 R/f2 R/g3 L/d/|R/?[1-2] d
a pattern to nothing|R/f1 R/f2|R/f* n
a pattern of one file to nothing|R/f1|R/f* n
a pattern over a file|R/f1 R/f2 L/o|R/f* o
a pattern that matches nothing|R/f L/d/|R/x* d
a pattern of directories|R/a1/ R/a2/ R/b/ L/e/|-r R/a* e
a pattern below a pattern|R/a1/ R/a2/ L/e/|R/a*/inside e
a quoted star|R/* R/f L/d/|R/\* d'

furnish() {
	local thing
	for thing; do
		case $thing in
		*/)
			mkdir -p "$T/${thing,}"
			echo "in $thing" >"$T/${thing,}inside"
			;;
		*) echo "this is $thing" >"$T/${thing,}" ;;
		esac
	done
}

# outcome TOOL THINGS ARGS: what a row leads to.
outcome() {
	local args=() word
	fresh
	# shellcheck disable=SC2086 # words
	(set -f && furnish $2)
	set -f
	for word in $3; do
		case $word in
		R/*) args+=("$ME@$LO:$R/${word#R/}") ;;
		*) args+=("$word") ;;
		esac
	done
	set +f
	run "$1" "${args[@]}"
	echo "status $((STATUS != 0))"
	(cd "$L" && find . -type f | sort | xargs -r -d '\n' grep -H .)
	(cd "$R" && find . -type f | sort | xargs -r -d '\n' grep -H .)
	(cd "$T" && find l r -type d | sort)
}

rows() {
	local text things args
	while IFS='|' read -r text things args; do
		is "$(outcome oe_scp "$things" "$args")" \
			"$(outcome o_scp "$things" "$args")" \
			"as OpenSSH's, $1: $text"
	done
}

as_openssh() {
	rows up <<<"$ROWS_UP"
	rows down <<<"$ROWS_DOWN"
}

# --- round trips ---------------------------------------------------------------

trees() {
	fresh
	odd_tree "$L/t"
	run oe_scp -r t "$ME@$LO:$R/t"
	status_is 0 "$PEER: a tree of odd names goes"
	same "$L/t" "$R/t" "$PEER: and is whole"
	run oe_scp -r "$ME@$LO:$R/t" back
	status_is 0 "$PEER: and comes back"
	same "$L/t" "$L/back" "$PEER: as it was"
	nothing_left "$T" "$PEER: no temporary file is left"
}

names() {
	local name
	fresh
	for name in 'a b' -dash 'qu"o'\''te$(x)`y`' $'inv\xffalid' 'größe' \
		$'new\nline' '~' '#x;y&z'; do
		echo "$name" >"$R/$name"
		run oe_scp "$ME@$LO:$R/$name" "$L/"
		is "$STATUS $(cat "$L/$name" 2>/dev/null)" "0 $name" \
			"$PEER: $(printf %q "$name") by its name"
	done
	echo star >"$R/*"
	echo other >"$R/other"
	run oe_scp "$ME@$LO:$R/\\*" "$L/got"
	is "$(cat "$L/got")" star "$PEER: a backslash quotes"
	echo colon >"$L/a:b"
	run oe_scp ./a:b "$ME@$LO:$R/"
	is "$(cat "$R/a:b")" colon "$PEER: a local name with a colon"
}

preserve() {
	fresh
	mkdir d
	echo x >d/f
	chmod 604 d/f
	chmod 701 d
	touch -d '2001-02-03 04:05:06' d/f d
	run oe_scp -rp d "$ME@$LO:$R/d"
	is "$STATUS $(stat -c '%a %Y' "$R/d" "$R/d/f" | tr '\n' ' ')" \
		"0 $(stat -c '%a %Y' d d/f | tr '\n' ' ')" "$PEER: -p goes"
	run oe_scp -rp "$ME@$LO:$R/d" back
	is "$STATUS $(stat -c '%a %Y' back back/f | tr '\n' ' ')" \
		"0 $(stat -c '%a %Y' d d/f | tr '\n' ' ')" "$PEER: -p comes back"
}

forms() {
	local form
	fresh
	echo hello >"$R/f x"
	for form in "scp://$ME@$LO:$PEER_PORT/$R/f%20x" "$LO:$R/f x" \
		"scp://$LO:$PEER_PORT/$R/f x" "$ME@$LO:$R/./f x"; do
		rm -f got
		run oe_scp "$form" got
		is "$STATUS $(cat got 2>/dev/null)" "0 hello" \
			"$PEER: ${form//$PEER_PORT/PORT}"
	done
	# the port of a URI is its own, whatever -P says
	rm -f got
	run "$OMNIEDGE" scp -F /dev/null -i "$T/id" -P 1 \
		-o UserKnownHostsFile="$T/known_hosts" \
		"scp://$ME@$LO:$PEER_PORT/$R/f%20x" got
	is "$STATUS $(cat got 2>/dev/null)" "0 hello" \
		"$PEER: the port of a URI wins over -P"
}

homes() {
	local home name=oe-scp-$$
	home=$(getent passwd "$ME" | cut -d: -f6)
	fresh
	[ -w "$home" ] || {
		skip "$PEER: the home" "the home cannot be written to"
		return
	}
	OWN_FOLDERS+=("$home/$name")
	echo home >f
	run oe_scp f "$ME@$LO:$name"
	is "$STATUS $(cat "$home/$name")" "0 home" "$PEER: below the home"
	run oe_scp "$ME@$LO:~/$name" "$ME@$LO:~$ME/$name" .
	is "$STATUS $(cat "$name")" "0 home" "$PEER: ~/ and ~$ME/"
	run oe_scp "scp://$ME@$LO:$PEER_PORT/$name" uri
	is "$STATUS $(cat uri)" "0 home" "$PEER: a URI without a second slash"
	rm -f "$home/$name"
	run oe_scp "$name" "$ME@$LO:"
	is "$STATUS $(cat "$home/$name")" "0 home" "$PEER: an empty path"
	rm -f "$home/$name"
}

failures() {
	fresh
	echo x >f
	run oe_scp "$ME@$LO:$R/nosuch" .
	is "$STATUS $(cat "$ERR")" \
		"1 scp: $R/nosuch: No such file or directory" \
		"$PEER: a file that is not there"
	run oe_scp nosuch "$ME@$LO:$R"
	is "$STATUS $(cat "$ERR")" "1 scp: nosuch: No such file or directory" \
		"$PEER: a local one"
	mkdir d
	run oe_scp d "$ME@$LO:$R"
	is "$STATUS $(cat "$ERR")" "1 scp: d: is a directory" \
		"$PEER: a directory without -r"
	run oe_scp nosuch f "$ME@$LO:$R"
	is "$STATUS $(cat "$R/f")" "1 x" "$PEER: the others still go"
	mkfifo p
	run oe_scp p f "$ME@$LO:$R"
	is "$STATUS" 1 "$PEER: a fifo is not waited for"
}

options() {
	fresh
	mkdir -p d/cache d/keep
	echo 1 >d/a.o
	echo 2 >d/a.c
	echo 3 >d/cache/x
	echo 4 >d/keep/cache
	run oe_scp -r --exclude '*.o' --exclude cache/ d "$ME@$LO:$R"
	is "$STATUS $(cd "$R" && find . -type f | sort | tr '\n' ' ')" \
		"0 ./d/a.c ./d/keep/cache " "$PEER: --exclude"
	run oe_scp -rn d "$ME@$LO:$R/new"
	is "$STATUS $(ls "$R")" "0 d" "$PEER: -n copies nothing"
	like "$(cat "$OUT")" "^d/a.c -> $R/new/a.c$" "$PEER: and tells"
	head -c 200000 /dev/urandom >big
	run oe_scp -l 100000 -C -X nrequests=3 -X buffer=8K --verify \
		--no-sync big "$ME@$LO:$R/"
	status_is 0 "$PEER: -l -C -X --verify --no-sync"
	check "$PEER: and the file is whole" cmp big "$R/big"
	run oe_scp -j 3 --in-place "$ME@$LO:$R/big" back
	status_is 0 "$PEER: -j 3 --in-place"
	check "$PEER: whole too" cmp big back
	ln -s big link
	run oe_scp --links link "$ME@$LO:$R/"
	is "$STATUS $(readlink "$R/link")" "0 big" "$PEER: --links"
	run oe_scp link "$ME@$LO:$R/followed"
	check "$PEER: without it links are followed" cmp big "$R/followed"
}

json() {
	fresh
	odd_tree t
	run oe_scp -r --json --verify t nosuch "$ME@$LO:$R/"
	is "$STATUS" 1 "$PEER: --json with a failure"
	cp "$OUT" "$T/json"
	check "$PEER: every line is JSON" jq -se . "$T/json"
	is "$(jq -r 'select(.type == "total") | .failed' "$T/json")" 1 \
		"$PEER: the last line counts it"
	is "$(jq -r 'select(.status == "failed") | .from' "$T/json")" nosuch \
		"$PEER: and its line names it"
	is "$(jq -r 'select(.from_base64) | .from_base64' "$T/json" |
		base64 -d)" $'t/inv\xffalid' "$PEER: bytes are told exactly"
	is "$(jq -r 'select(.from == "t/a b") | .sha256' "$T/json")" \
		"$(sha256sum <'t/a b' | cut -d' ' -f1)" "$PEER: the hash"
	is "$(jq -r 'select(.kind == "file" and .status == "ok") | .size' \
		"$T/json" | awk '{ n += $1 } END { print n }')" \
		"$(find t -type f -printf '%s\n' |
			awk '{ n += $1 } END { print n }')" \
		"$PEER: the sizes"
}

resume() {
	fresh
	head -c 3000000 /dev/urandom >big
	run oe_scp --resume big "$ME@$LO:$R/"
	status_is 0 "$PEER: --resume with nothing there"
	run oe_scp -p big "$ME@$LO:$R/"
	run oe_scp -p --resume --json big "$ME@$LO:$R/"
	is "$(jq -r 'select(.type == "file") | .status' "$OUT")" skipped \
		"$PEER: --resume leaves alone what is there"
}

# on_terminal ARG...: our scp with a terminal of 80 columns; what it showed.
on_terminal() {
	local line
	printf -v line '%q ' "$OMNIEDGE" scp -F /dev/null -i "$T/id" \
		-o UserKnownHostsFile="$T/known_hosts" -P "$PEER_PORT" "$@"
	timeout -k 5 60 script -qec "stty cols 80; $line" /dev/null \
		</dev/null | tr '\r' '\n'
}

meter() {
	local shown
	fresh
	head -c 3000000 /dev/urandom >big
	echo small >small
	shown=$(on_terminal big "$ME@$LO:$R/")
	like "$shown" '^big +100% +2.9MB +[0-9.]+[KMG]?B/s +00:0' \
		"$PEER: the meter's last line"
	shown=$(on_terminal -q big "$ME@$LO:$R/")
	is "$shown" '' "$PEER: none with -q"
	shown=$(on_terminal small big "$ME@$LO:$R/")
	like "$shown" '^2 files +100% +2.9MB' "$PEER: the sum of several"
	shown=$(on_terminal -v small "$ME@$LO:$R/")
	like "$shown" "^scp: small -> $R/small" "$PEER: -v names files"
	shown=$(oe_scp big "$ME@$LO:$R/" 2>&1)
	is "$shown" '' "$PEER: nothing without a terminal"
}

interrupt() {
	local pid
	fresh
	head -c 40000000 /dev/urandom >big
	echo old >"$R/big"
	# a shell lets what it puts into the background not hear Ctrl-C
	env --default-signal=INT \
		"$OMNIEDGE" scp -F /dev/null -i "$T/id" -l 80000 \
		-P "$PEER_PORT" -o UserKnownHostsFile="$T/known_hosts" \
		big "$ME@$LO:$R/" >"$OUT" 2>"$ERR" &
	pid=$!
	wait_for 20 eval "[ -n \"\$(find '$R' -name '.*.part' -size +6M)\" ]"
	kill -INT "$pid"
	wait "$pid"
	is "$?" 130 "$PEER: Ctrl-C ends it by the signal"
	is "$(head -c 100 "$R/big" | tr -d '\0')" old \
		"$PEER: the old file is whole"
	like "$(cat "$ERR")" 'with --resume goes on' "$PEER: and how to go on"
	run oe_scp --resume --json big "$ME@$LO:$R/"
	status_is 0 "$PEER: which works"
	# without hashes of the server the last 32 MiB are not trusted
	[ "$PEER" != ours ] ||
		like "$(jq -r 'select(.type == "file") | .resumed' "$OUT")" \
			'^[1-9][0-9]+$' "$PEER: a part was there already"
	check "$PEER: the file is whole" cmp big "$R/big"
	nothing_left "$R" "$PEER: no temporary file is left"
}

peers() {
	trees
	names
	preserve
	forms
	homes
	failures
	options
	json
	resume
	meter
	interrupt
}
each_peer peers
# The rules are the client's: one server will do.
PEER_PORT=$SERVER_PORT
as_openssh

# --- two peers, and none ---------------------------------------------------------

fresh
mkdir "$R/a" "$R/b"
odd_tree "$R/a/t"
PEER_PORT=1
run oe_scp -3 -r "scp://$ME@$LO:$SERVER_PORT/$R/a/t" \
	"scp://$ME@$LO:$SSHD_PORT/$R/b"
status_is 0 "from our server to OpenSSH's"
same "$R/a/t" "$R/b/t" "all of it"
run oe_scp -r "scp://$ME@$LO:$SSHD_PORT/$R/a/t" \
	"scp://$ME@$LO:$SERVER_PORT/$R/c"
status_is 0 "and the other way"
same "$R/a/t" "$R/c" "all of it too"
run oe_scp "scp://$ME@$LO:$SSHD_PORT/$R/a/t/a b" \
	"scp://$ME@$LO:$SSHD_PORT/$R/d"
is "$STATUS $(cat "$R/d")" "0 one" "within one peer"
echo 1 >f
run oe_scp "scp://$ME@$LO:$SSHD_PORT/$R/a/t/a b" f \
	"scp://$ME@$LO:$SERVER_PORT/$R/a/t/-dash" .
is "$(cat 'a b' ./-dash)" $'one\nthree' "from two peers at once"
mkdir here
run oe_scp -r "$R/a/t" here
same "$R/a/t" here/t "from here to here"

run oe_scp f "$ME@$LO:x"
is "$STATUS" 255 "no connection: 255"
is "$(wc -l <"$ERR")" 1 "one line says why"
for args in '-O f x:' '-R x:a y:b' '-S ssh f x:' '-X x=1 f x:' \
	'-X buffer=0 f x:' '-l 0 f x:' '-j 99 f x:' 'f' '--nosuch f x:' \
	'f -x:y' 'scp://h/%zz .'; do
	# shellcheck disable=SC2086 # words
	run oe_scp $args
	is "$STATUS" 64 "refused: $args"
done

# --- a server program here ---------------------------------------------------------

for server in /usr/lib/openssh/sftp-server "$OMNIEDGE sftp-server"; do
	[ -x "${server%% *}" ] || continue
	rm -f "$R/f" g
	run oe_scp -D "$server" f any:"$R/"
	is "$STATUS $(cat "$R/f")" "0 1" "-D ${server##*/}: there"
	run oe_scp -D "$server" any:"$R/f" g
	is "$STATUS $(cat g)" "0 1" "-D ${server##*/}: and back"
done
done_testing
