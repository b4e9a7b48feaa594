#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Transfers that are cut, run out of disk or lose a side, and go on later.
# OE_LONG=1: more of it, 5 GB, 100,000 files.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/sftp.sh"
need ssh-keygen python3
has_command scp || skip_all "no module sftp in this build"

login_user e
make_key id
authorize "$(cat "$T/id.pub")"
install -d -m 777 "$T/as"

# --- cut at random bytes, and resumed ----------------------------------------

cuts=${OE_CUTS:-180} limit=120
[ -z "${OE_LONG:-}" ] || cuts=2000 limit=3000
RESULTS_LIMIT=$limit RESULTS_USER=$LOGIN sftp_results "cuts" \
	"$PYTHON" "$TESTLIB/sftp_cut_resume.py" "$T/as/cuts" "$OMNIEDGE" \
	"$cuts"

start_server --ban-after 0 --max-startups 500 ||
	bail "no server"
cp "$T/id" "$T/as/id"
chown "$LOGIN" "$T/as/id"
cat >"$T/as/config" <<CONF
Host *
	IdentityFile $T/as/id
	UserKnownHostsFile $T/as/known_hosts
	StrictHostKeyChecking accept-new
CONF
RESULTS_USER=$LOGIN sftp_results "cuts over ssh" "$PYTHON" \
	"$TESTLIB/sftp_cut_resume.py" "$T/as/ssh" "$OMNIEDGE" 24 \
	"$SERVER_PORT" "$LOGIN" "$T/as/config"

# --- a side that is killed ---------------------------------------------------

serve="$OMNIEDGE sftp-server"
# killed WHO WAY: a transfer of a few seconds; client or server is killed in
# the middle of it.
killed() {
	local who=$1 way=$2 dir=$T/kill-$1-$2 pid victim
	mkdir -p "$dir/to"
	head -c 12000000 /dev/urandom >"$dir/from"
	echo old >"$dir/to/file"
	local args=("$dir/from" "x:$dir/to/file")
	[ "$way" = put ] || args=("x:$dir/from" "$dir/to/file")
	"$OMNIEDGE" scp --resume -l 60000 -D "$serve" "${args[@]}" \
		>"$dir/out" 2>"$dir/err" &
	pid=$!
	wait_for 20 eval "[ \"\$(stat -c %s '$dir'/to/.*.part | head -n1)\" -gt 6000000 ]"
	victim=$pid
	[ "$who" = client ] || victim=$(children_of "$pid" | head -n1)
	kill -KILL "$victim"
	wait "$pid" 2>/dev/null
	STATUS=$?
	if [ "$who" = server ]; then
		is "$STATUS" 255 "$way: the server is killed: exit status" ||
			diag_file "$dir/err"
		like "$(cat "$dir/err")" 'file|from' "$way: the file is named"
	fi
	is "$(cat "$dir/to/file")" old "$way, $who killed: the old file is whole"
	check "$way, $who killed: goes on" "$OMNIEDGE" scp --resume --json \
		-D "$serve" "${args[@]}"
	like "$(cat "$OUT")" '"resumed": ?[1-9][0-9]{5}' \
		"$way, $who killed: not from the beginning"
	check "$way, $who killed: it is the same" cmp "$dir/from" "$dir/to/file"
	is "$(ls -A "$dir/to")" file "$way, $who killed: nothing is left"
}
killed client put
killed client get
killed server put
killed server get

# --- the disk is full --------------------------------------------------------

# full WAY NAME SERVER...: to a file system of 10 MB.
full() {
	local way=$1 dir=$T/full-$1-$2 serve=${*:3}
	local args=("$T/blob" "x:$dir/file")
	[ "$way" = put ] || args=("x:$T/blob" "$dir/file")
	on_tmpfs "$dir" 10m || {
		skip "$way: disk full" "needs root, and a mount"
		return
	}
	head -c 100000 /dev/urandom >"$dir/file"
	cp "$dir/file" "$T/old"
	run "$OMNIEDGE" scp --resume -D "$serve" "${args[@]}"
	is "$STATUS" 1 "$way, $2: the disk is full: exit status"
	like "$(cat "$ERR")" "/(blob|file): " "$way, $2: the file is named"
	if [ "$way" = get ]; then
		like "$(cat "$ERR")" 'No space left' "$way, $2: and why"
	fi
	check "$way, $2: the old file is whole" cmp "$T/old" "$dir/file"
	mount -o remount,size=40m "$dir"
	check "$way, $2: with space it goes on" "$OMNIEDGE" scp --resume --json \
		-D "$serve" "${args[@]}"
	# without hashes, what was written last is not trusted
	[ "$2" = OpenSSH ] || like "$(cat "$OUT")" \
		'"resumed": ?[1-9][0-9]{5}' "$way, $2: not from the beginning"
	check "$way, $2: it is the same" cmp "$T/blob" "$dir/file"
	is "$(ls -A "$dir")" file "$way, $2: nothing is left"
	umount "$dir"
}
head -c 16000000 /dev/urandom >"$T/blob"
full put ours "$serve"
full get ours "$serve"
if [ -x "$OPENSSH_SFTP_SERVER" ]; then
	full put OpenSSH "$OPENSSH_SFTP_SERVER"
fi
# many small ones: the ones that fit are there, the others are told
if on_tmpfs "$T/few" 1m; then
	"$PYTHON" "$TESTLIB/tree.py" many "$T/small" 1000 3000
	for way in put get; do
		args=("$T/small" "x:$T/few/")
		[ "$way" = put ] || args=("x:$T/small" "$T/few/")
		run "$OMNIEDGE" scp -r -D "$serve" "${args[@]}"
		is "$STATUS" 1 "$way: full by small files: exit status"
		mount -o remount,size=20m "$T/few"
		check "$way: with space it goes on" "$OMNIEDGE" scp -r \
			--resume -D "$serve" "${args[@]}"
		check "$way: it is the same" same_tree "$T/small" "$T/few/small"
		rm -rf "$T/few/small"
		mount -o remount,size=1m "$T/few"
	done
else
	skip "full by small files" "needs root, and a mount"
fi

# --- many, and large ---------------------------------------------------------

many=${OE_FILES:-5000}
[ -z "${OE_LONG:-}" ] || many=100000
"$PYTHON" "$TESTLIB/tree.py" many "$T/many" "$many"
start=${EPOCHREALTIME/./}
check "put of $many files" "$OMNIEDGE" scp -r -D "$serve" "$T/many" "x:$T/up"
check "they are the same" same_tree "$T/many" "$T/up"
check "get of $many files" "$OMNIEDGE" scp -r -D "$serve" "x:$T/many" "$T/down"
check "they are the same" same_tree "$T/many" "$T/down"
diag "$many files both ways and compared: $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
rm -rf "$T/up" "$T/down"
if [ -n "${OE_LONG:-}" ]; then
	truncate -s 5G "$T/huge"
	for at in 0 1000 4095 5119; do
		dd if=/dev/urandom of="$T/huge" bs=1M seek="$at" count=1 \
			conv=notrunc status=none
	done
	start=${EPOCHREALTIME/./}
	RUN_LIMIT=600 check "put of 5 GB with holes" "$OMNIEDGE" scp \
		-D "$serve" "$T/huge" "x:$T/up"
	check "it is the same" cmp "$T/huge" "$T/up"
	like "$(du -m "$T/up" | cut -f1)" '^[0-9]{1,2}$' "it has the holes"
	RUN_LIMIT=600 check "get of 5 GB with holes" "$OMNIEDGE" scp \
		-D "$serve" "x:$T/huge" "$T/down"
	check "it is the same" cmp "$T/huge" "$T/down"
	like "$(du -m "$T/down" | cut -f1)" '^[0-9]{1,2}$' "it has the holes"
	RUN_LIMIT=600 check "get of 5 GB without" "$OMNIEDGE" scp --no-sparse \
		-D "$OPENSSH_SFTP_SERVER" "x:$T/huge" "$T/down2"
	check "it is the same" cmp "$T/huge" "$T/down2"
	diag "5 GB three times: $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
fi
stop_server
quiet_log "$SERVER_LOG" "our ssh-server"
done_testing
