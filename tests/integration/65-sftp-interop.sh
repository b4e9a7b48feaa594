#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our sftp-server, run by our ssh-server and by OpenSSH's sshd, for other
# people's clients; its every request and extension byte by byte.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/sftp.sh"
need ssh ssh-keygen python3

login_user f
# without PAM, sshd takes no account that is locked
am_root && usermod -p '*' "$LOGIN"
make_key id
authorize "$(cat "$T/id.pub")"
# libssh2 of curl knows no other before its version 1.11
macs=hmac-sha2-256-etm@openssh.com,hmac-sha2-256
if has_command sftp-server; then
	kind=ours
	serve=("$OMNIEDGE" sftp-server)
	start_server --ban-after 0 --max-startups 500 --macs "$macs"
else
	kind=other
	serve=("$OPENSSH_SFTP_SERVER" -e)
	start_server --ban-after 0 --max-startups 500 --macs "$macs" \
		--subsystem "sftp:$OPENSSH_SFTP_SERVER"
fi || bail "the server does not start"
server_log=$SERVER_LOG
to=$LOGIN@$LO
install -d -m 777 "$T/as"

# --- byte by byte ------------------------------------------------------------

RESULTS_USER=$LOGIN sftp_results "requests" "$PYTHON" \
	"$TESTLIB/sftp_requests.py" "$T/as/raw" "${serve[@]}"
if [ "$kind" = ours ] && [ -x "$OPENSSH_SFTP_SERVER" ]; then
	RESULTS_USER=$LOGIN sftp_results "the same of OpenSSH's" "$PYTHON" \
		"$TESTLIB/sftp_requests.py" "$T/as/raw2" "$OPENSSH_SFTP_SERVER"
fi

# --- what goes there and back ------------------------------------------------

trees() {
	tree "$T/hard" names bytes links sparse
	tree "$T/nolinks" names bytes sparse
	tree "$T/utf8" names sparse
	tree "$T/plain"
	chmod -R a+rX "$T/hard" "$T/nolinks" "$T/utf8" "$T/plain"
	"$PYTHON" "$TESTLIB/tree.py" many "$T/many" "${OE_FILES:-3000}"
	"$PYTHON" "$TESTLIB/tree.py" many "$T/some" 200
}
trees

# from NAME PORT: what follows goes to that server, into a folder of its own.
from() {
	PEER=$1 PEER_PORT=$2
	far=$T/far-$1 near=$T/near-$1
	install -d -m 777 "$far"
	mkdir "$near"
	cat >"$T/ssh-$1" <<-WRAPPER
	#!/bin/bash
	exec ssh -F /dev/null -i $T/id -o IdentitiesOnly=yes \\
		-o BatchMode=yes -o LogLevel=ERROR \\
		-o UserKnownHostsFile=$T/known-$1 \\
		-o StrictHostKeyChecking=accept-new -p $2 "\$@"
	WRAPPER
	chmod 755 "$T/ssh-$1"
	via=$T/ssh-$1
	"$via" "$to" true
}

# same TEXT A B [WHAT...]
same() {
	check "$PEER: $1" same_tree "${@:2}"
}

openssh_sftp() {
	cat >"$T/batch" <<-BATCH
	put -Rp $T/nolinks $far/sftp
	get -Rp $far/sftp $near/sftp
	cd $far
	mkdir box
	put $T/plain/size3000001 box/one
	chmod 600 box/one
	ln box/one box/two
	ln -s one box/three
	rename box/two box/four
	symlink box/one box/five
	df -h .
	ls -la box
	reget box/one $near/one
	rm box/five
	cp box/one box/copy
	BATCH
	grep -q '"cp"' "$(command -v sftp)" 2>/dev/null ||
		sed -i 's/^cp /-cp /' "$T/batch"
	check "$PEER: OpenSSH sftp" sftp -q -S "$via" -b "$T/batch" "$to"
	same "OpenSSH sftp: there" "$T/nolinks" "$far/sftp" times modes
	same "OpenSSH sftp: and back" "$T/nolinks" "$near/sftp" times modes
	is "$(stat -c %h "$far/box/four") $(readlink "$far/box/three")" \
		"2 one" "$PEER: OpenSSH sftp: links"
	# once is enough: the program that serves them is the same
	local many=$T/many
	[ "$PEER" = ours ] || many=$T/some
	printf '%s\n' "put -R $many $far/many" "get -R $far/many $near/many" \
		>"$T/batch"
	check "$PEER: OpenSSH sftp: small files" sftp -q -S "$via" \
		-b "$T/batch" "$to"
	same "OpenSSH sftp: small files" "$many" "$near/many"
}

openssh_scp() {
	check "$PEER: OpenSSH scp there" scp -q -s -rp -S "$via" \
		"$T/nolinks" "$to:$far/scp"
	check "$PEER: OpenSSH scp back" scp -q -s -rp -S "$via" \
		"$to:$far/scp" "$near/scp"
	same "OpenSSH scp: there" "$T/nolinks" "$far/scp" times modes
	same "OpenSSH scp: and back" "$T/nolinks" "$near/scp" times modes
	check "$PEER: OpenSSH scp: ~ and a pattern" scp -q -s -S "$via" \
		"$to:$far/scp/size3*" "$near/"
	check "$PEER: it is the same" cmp "$T/nolinks/size32768" "$near/size32768"
}

putty() {
	local print
	command -v psftp pscp puttygen >/dev/null ||
		{ skip "$PEER: PuTTY" "no psftp here" && return; }
	[ -f "$T/id.ppk" ] || puttygen "$T/id" -O private -o "$T/id.ppk"
	print=$(ssh-keyscan -t ed25519 -p "$PEER_PORT" "$LO" 2>/dev/null |
		ssh-keygen -lf - | cut -d' ' -f2)
	local with=(-batch -i "$T/id.ppk" -hostkey "$print" -P "$PEER_PORT")
	cat >"$T/batch" <<-BATCH
	cd $far
	put -r $T/plain psftp
	get -r psftp $near/psftp
	mkdir putty
	mkdir pscp
	put $T/plain/size131073 putty/one
	reput $T/plain/size131073 putty/one
	mv putty/one putty/two
	chmod 600 putty/two
	ls putty
	BATCH
	check "$PEER: psftp" psftp -b "$T/batch" "${with[@]}" "$to"
	same "psftp: and back" "$T/plain" "$near/psftp"
	check "$PEER: pscp -sftp there" pscp -sftp -q -r -p "${with[@]}" \
		"$T/plain" "$to:$far/pscp/"
	check "$PEER: pscp -sftp back" pscp -sftp -q -r -p "${with[@]}" \
		"$to:$far/pscp/plain" "$near/"
	same "pscp: and back" "$T/plain" "$near/plain" times
}

python_clients() {
	if "$PYTHON" -c 'import paramiko' 2>/dev/null; then
		sftp_results "$PEER: paramiko" "$PYTHON" \
			"$TESTLIB/sftp_paramiko.py" "$PEER_PORT" "$LOGIN" \
			"$T/id" "$far" "$kind"
	else
		skip "$PEER: paramiko" "no paramiko here"
	fi
	if "$PYTHON" -c 'import asyncssh' 2>/dev/null; then
		sftp_results "$PEER: asyncssh" "$PYTHON" \
			"$TESTLIB/sftp_asyncssh.py" "$PEER_PORT" "$LOGIN" \
			"$T/id" "$far" "$T/nolinks" "$near/asyncssh"
		same "asyncssh: and back" "$T/nolinks" "$near/asyncssh" \
			times modes
	else
		skip "$PEER: asyncssh" "no asyncssh here"
	fi
}

curl_client() {
	local url=sftp://$LO:$PEER_PORT
	curl --version 2>/dev/null | grep -q '^Protocols:.* sftp' ||
		{ skip "$PEER: curl" "no curl with sftp here" && return; }
	local c=(curl -sS -k --key "$T/id" --pubkey "$T/id.pub" -u "$LOGIN:")
	check "$PEER: curl: upload" "${c[@]}" --ftp-create-dirs \
		-T "$T/plain/size3000001" "$url$far/curl/new/folder/file"
	check "$PEER: curl: download" "${c[@]}" -o "$near/curl" \
		"$url$far/curl/new/folder/file"
	check "$PEER: curl: it is the same" cmp "$T/plain/size3000001" \
		"$near/curl"
	check "$PEER: curl: a range" "${c[@]}" -r 1000-200000 \
		-o "$near/range" "$url$far/curl/new/folder/file"
	check "$PEER: curl: it is that part" cmp "$near/range" \
		<(tail -c +1001 "$T/plain/size3000001" | head -c 199001)
	head -c 1234567 "$T/plain/size3000001" >"$near/curl"
	check "$PEER: curl: -C - down" "${c[@]}" -C - -o "$near/curl" \
		"$url$far/curl/new/folder/file"
	check "$PEER: curl: it is whole" cmp "$T/plain/size3000001" \
		"$near/curl"
	as_user "$LOGIN" truncate -s 1234567 "$far/curl/new/folder/file"
	check "$PEER: curl: -C up" "${c[@]}" -C 1234567 \
		-T "$T/plain/size3000001" "$url$far/curl/new/folder/file"
	check "$PEER: curl: it is whole there" cmp "$T/plain/size3000001" \
		"$far/curl/new/folder/file"
	run "${c[@]}" -l "$url$far/curl/new/folder/"
	like "$(cat "$OUT")" '^file$' "$PEER: curl: names of a folder"
	run "${c[@]}" "$url$far/curl/new/"
	like "$(cat "$OUT")" '^drwx.* folder$' "$PEER: curl: ls of a folder"
	check "$PEER: curl: commands" "${c[@]}" -o /dev/null \
		-Q "mkdir $far/curl/q" \
		-Q "rename $far/curl/new/folder/file $far/curl/q/f" \
		-Q "chmod 640 $far/curl/q/f" \
		-Q "ln $far/curl/q/f $far/curl/q/l" \
		-Q "rmdir $far/curl/new/folder" -Q "pwd" -Q "statvfs $far" \
		"$url$far/curl/"
	is "$(stat -c %a "$far/curl/q/f") $(readlink "$far/curl/q/l")" \
		"640 $far/curl/q/f" "$PEER: curl: what they did"
	run "${c[@]}" "$url$far/none"
	is "$STATUS" 78 "$PEER: curl: no such file"
}

lftp_client() {
	command -v lftp >/dev/null ||
		{ skip "$PEER: lftp" "no lftp here" && return; }
	cat >"$T/lftp" <<-LFTP
	set sftp:connect-program "$via -a -x"
	set cmd:fail-exit yes
	set net:max-retries 2
	set sftp:max-packets-in-flight 64
	open -u $LOGIN,none sftp://$LO
	mirror -R --parallel=3 $T/plain $far/lftp
	mirror --parallel=3 $far/lftp $near/lftp
	pget -n 3 $far/lftp/size3000001 -o $near/pget
	mv $far/lftp/size1 $far/lftp/other
	chmod 600 $far/lftp/other
	cls -la $far/lftp
	rm -r $far/lftp/sub
	LFTP
	check "$PEER: lftp" timeout 60 lftp --norc -f "$T/lftp"
	same "lftp: mirror both ways" "$T/plain" "$near/lftp" times no-empty
	check "$PEER: lftp: pget" cmp "$T/plain/size3000001" "$near/pget"
}

rclone_client() {
	local there what=$T/utf8
	[ "$PEER" = ours ] || what=$T/plain
	command -v rclone >/dev/null ||
		{ skip "$PEER: rclone" "no rclone here" && return; }
	there=":sftp,host=$LO,port=$PEER_PORT,user=$LOGIN,key_file=$T/id"
	there+=",shell_type=none,disable_hashcheck=true,md5sum_command=none"
	there+=",sha1sum_command=none:$far/rclone"
	local r=(timeout 60 rclone --config "$T/rclone.conf" --retries 1 -q
		--transfers 8)
	check "$PEER: rclone there" "${r[@]}" copy "$what" "$there"
	check "$PEER: rclone check" "${r[@]}" check --download "$what" \
		"$there"
	check "$PEER: rclone back" "${r[@]}" copy "$there" "$near/rclone"
	same "rclone: and back" "$what" "$near/rclone" times no-empty
	check "$PEER: rclone purge" "${r[@]}" purge "$there"
	check "$PEER: rclone: it is gone" test ! -e "$far/rclone"
}

sshfs_client() {
	local m=$T/mount-$PEER
	command -v sshfs fusermount3 >/dev/null ||
		{ skip "$PEER: sshfs" "no sshfs here" && return; }
	am_root || { skip "$PEER: sshfs" "mounting needs root" && return; }
	mkdir "$m"
	if ! [ -c /dev/fuse ] || ! : 2>/dev/null <>/dev/fuse; then
		skip "$PEER: sshfs" "this kernel or container has no FUSE"
		return
	fi
	check "$PEER: sshfs: mount" sshfs -o ssh_command="$via" \
		"$to:$far" "$m" || return
	OWN_MOUNTS+=("$m")
	check "$PEER: sshfs: cp there" timeout 60 cp -r \
		--preserve=timestamps,mode "$T/nolinks" "$m/fs"
	same "sshfs: it is there" "$T/nolinks" "$far/fs" modes times
	check "$PEER: sshfs: cp back" timeout 60 cp -r \
		--preserve=timestamps,mode "$m/fs" "$near/fs"
	same "sshfs: and back" "$T/nolinks" "$near/fs" modes times
	check "$PEER: sshfs: mv over a file" mv "$m/fs/a" "$m/fs/b.txt"
	check "$PEER: sshfs: ln" ln "$m/fs/b.txt" "$m/fs/hard"
	check "$PEER: sshfs: ln -s" ln -s "to where" "$m/fs/soft"
	is "$(readlink "$m/fs/soft") $(readlink "$far/fs/soft")" \
		"to where to where" "$PEER: sshfs: readlink"
	check "$PEER: sshfs: append" eval "echo more >>'$m/fs/exec'"
	is "$(tail -n1 "$far/fs/exec")" more "$PEER: sshfs: it is appended"
	check "$PEER: sshfs: truncate" truncate -s 3 "$m/fs/size32769"
	check "$PEER: sshfs: df" df "$m"
	check "$PEER: sshfs: touch" touch -d @1234567890 "$m/fs/exec"
	is "$(stat -c %Y "$far/fs/exec")" 1234567890 "$PEER: sshfs: its time"
	check "$PEER: sshfs: rm" rm -r "$m/fs/sub"
	check "$PEER: sshfs: unmount" fusermount3 -u "$m"
}

all_clients() {
	local c start
	for c in openssh_sftp openssh_scp putty python_clients curl_client \
		lftp_client rclone_client sshfs_client; do
		start=${EPOCHREALTIME/./}
		$c
		diag "$PEER $c: $(((${EPOCHREALTIME/./} - start) / 1000)) ms"
	done
}

from ours "$SERVER_PORT"
all_clients
stop_server
quiet_log "$server_log" "our ssh-server"
if start_sshd "Subsystem sftp ${serve[*]}"; then
	from sshd "$SSHD_PORT"
	all_clients
	stop "$SSHD_PID"
	quiet_log "$SSHD_LOG" "sshd"
else
	skip "sshd" "no sshd here"
fi
done_testing
