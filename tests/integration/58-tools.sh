#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Programs that run ssh: git, rsync, scp, ansible, each over ours, to our
# server and to sshd.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen

start_server || bail "no server"
start_sshd || bail "no sshd"

mkdir -p "$T/bin" "$T/files/sub"
head -c 3M /dev/urandom >"$T/files/blob"
echo text >"$T/files/sub/text"
ln -s text "$T/files/sub/link"
: >"$T/ansible.cfg"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

# ssh, as those programs call it: ours, with the test's settings.
wrapper() {
	cat >"$T/config" <<-CONF
	Host *
		IdentityFile $T/id
		UserKnownHostsFile $T/known_hosts
		StrictHostKeyChecking accept-new
	Host far
		HostName $LO
		Port $PEER_PORT
	CONF
	printf '#!/bin/sh\nexec "%s" ssh -F "%s" "$@"\n' "$OMNIEDGE" \
		"$T/config" >"$T/bin/ssh"
	chmod +x "$T/bin/ssh"
}

git_checks() {
	command -v git >/dev/null || { skip "git" "not here" && return; }
	export GIT_SSH_COMMAND="$OMNIEDGE ssh -F $T/config"
	rm -rf "$T/repo.git" "$T/clone" "$T/again"
	git init -q --bare -b main "$T/repo.git"
	check "$PEER: git clone" git clone -q "far:$T/repo.git" "$T/clone"
	cp -r "$T/files/." "$T/clone/"
	git -C "$T/clone" add -A
	git -C "$T/clone" -c user.name=a -c user.email=a@b commit -qm one
	check "$PEER: git push" git -C "$T/clone" push -q origin HEAD:main
	check "$PEER: git clone by URL" git clone -q -b main \
		"ssh://$ME@$LO:$PEER_PORT$T/repo.git" "$T/again"
	check "$PEER: with the same files" \
		diff -r --exclude .git "$T/files" "$T/again"
	check "$PEER: git fetch" git -C "$T/again" fetch -q
	check "$PEER: git ls-remote fails on what is not there" \
		eval '! git ls-remote "far:$T/none.git"'
}

rsync_checks() {
	command -v rsync >/dev/null || { skip "rsync" "not here" && return; }
	rm -rf "$T/there" "$T/here"
	check "$PEER: rsync there" rsync -a -e "$OMNIEDGE ssh -F $T/config" \
		"$T/files/" "far:$T/there/"
	check "$PEER: rsync back" rsync -az -e "$OMNIEDGE ssh -F $T/config" \
		"far:$T/there/" "$T/here/"
	check "$PEER: the same files" diff -r "$T/files" "$T/here"
	run rsync -a -e "$OMNIEDGE ssh -F $T/config" "far:$T/none" "$T/here/"
	status_is 23 "$PEER: rsync's own exit status"
}

scp_checks() {
	rm -rf "$T/copied"
	check "$PEER: scp -O there" scp -q -O -S "$T/bin/ssh" -r \
		"$T/files" "far:$T/copied"
	check "$PEER: the same files" diff -r "$T/files" "$T/copied"
	rm -f "$T/blob"
	check "$PEER: scp -O back" scp -q -O -S "$T/bin/ssh" \
		"far:$T/copied/blob" "$T/blob"
	check "$PEER: the same bytes" cmp "$T/files/blob" "$T/blob"
	# the SFTP subsystem is sshd's
	[ "$PEER" = sshd ] || return
	rm -rf "$T/copied" "$T/blob"
	check "$PEER: scp over SFTP" scp -q -S "$T/bin/ssh" -r \
		"$T/files" "far:$T/copied"
	check "$PEER: the same files" diff -r "$T/files" "$T/copied"
	echo "get $T/copied/blob $T/blob" >"$T/batch"
	check "$PEER: sftp" sftp -q -b "$T/batch" -S "$T/bin/ssh" far
	check "$PEER: the same bytes" cmp "$T/files/blob" "$T/blob"
}

ansible_checks() {
	command -v ansible >/dev/null || { skip "ansible" "not here" && return; }
	# ansible asks for a terminal, which sshd hands out as root only
	if [ "$PEER" = sshd ] && ! am_root; then
		skip "sshd: ansible" "sshd needs root for a terminal"
		return
	fi
	export ANSIBLE_LOCAL_TEMP=$T/ansible \
		ANSIBLE_REMOTE_TEMP=$T/ansible-far ANSIBLE_NOCOLOR=1 \
		ANSIBLE_HOME=$T/ansible ANSIBLE_CONFIG=$T/ansible.cfg \
		ANSIBLE_SSH_TRANSFER_METHOD=piped
	run ansible -i 'far,' all -m ping \
		-e ansible_python_interpreter=/usr/bin/python3 \
		-e "ansible_ssh_executable=$T/bin/ssh"
	is "$STATUS" 0 "$PEER: ansible ping" || diag_file "$OUT"
	like "$(cat "$OUT")" '"ping": "pong"' "$PEER: pong"
}

peer_checks() {
	wrapper
	git_checks
	rsync_checks
	scp_checks
	ansible_checks
}
each_peer peer_checks
done_testing
