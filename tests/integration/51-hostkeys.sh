#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Host keys: unknown, known, hashed, changed, revoked; what is asked, what is
# remembered and what a refusal tells.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen ssh-keyscan expect

start_server || bail "no server"
mkdir -p "$T/sshd"
for type in ed25519 ecdsa rsa; do
	ssh-keygen -q -t "$type" -N '' -f "$T/sshd/host-$type"
done
start_sshd "HostKey $T/sshd/host-ecdsa" "HostKey $T/sshd/host-rsa" ||
	bail "no sshd"

KH=$T/kh

# hk ARG...: our client with no opinion about host keys.
hk() {
	timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" ssh -F /dev/null -i "$T/id" \
		-o UserKnownHostsFile="${USER_KH:-$KH}" \
		-o GlobalKnownHostsFile="${GLOBAL_KH:-/dev/null}" \
		-p "$PEER_PORT" "$@"
}

# hk_expect ANSWER: the same on a terminal of expect's, which types ANSWER at
# the question; leaves what was seen in $OUT.
hk_expect() {
	cat >"$T/ask.exp" <<-'EXP'
	set timeout 20
	spawn -noecho {*}[lrange $argv 1 end]
	expect {
		"fingerprint\])? " { send -- "[lindex $argv 0]\r" }
		timeout { exit 99 }
		eof { exit 98 }
	}
	expect {
		"or the fingerprint: " { send "no\r"; exp_continue }
		timeout { exit 97 }
		eof {}
	}
	exit [lindex [wait] 3]
	EXP
	expect -f "$T/ask.exp" -- "$1" "$OMNIEDGE" ssh -F /dev/null \
		-i "$T/id" -o UserKnownHostsFile="$KH" \
		-o GlobalKnownHostsFile=/dev/null -p "$PEER_PORT" \
		"$LO" 'echo was $((1+1)) in' >"$OUT" 2>"$ERR"
	STATUS=$?
}

scan() {
	ssh-keyscan -p "$PEER_PORT" "$@" "$LO" 2>/dev/null
}

unknown() {
	rm -f "$KH"
	run hk "$LO" true
	status_is 255 "$PEER: an unknown key without a terminal is refused"
	like "$(cat "$ERR")" 'not known .*SHA256:' "$PEER: with its fingerprint"
	like "$(cat "$ERR")" 'accept-new' "$PEER: and how to accept it"
	check "$PEER: nothing is remembered" test ! -s "$KH"
	run hk -o StrictHostKeyChecking=yes "$LO" true
	status_is 255 "$PEER: StrictHostKeyChecking yes"
	run hk -o BatchMode=yes "$LO" true
	status_is 255 "$PEER: BatchMode"
	hk_expect no
	status_is 255 "$PEER: the answer no"
	check "$PEER: is not remembered" test ! -s "$KH"
	hk_expect maybe
	status_is 255 "$PEER: another answer is asked for again"
	hk_expect yes
	is "$STATUS" 0 "$PEER: the answer yes"
	check "$PEER: is remembered" grep -qF "[$LO]:$PEER_PORT " "$KH"
	run hk "$LO" 'echo known'
	is "$(cat "$OUT")" known "$PEER: and counts the next time"
	rm -f "$KH"
	local print
	print=$(scan >"$T/scan" && ssh-keygen -lf "$T/scan" |
		awk '{ print $2 }')
	hk_expect "SHA256:0000000000000000000000000000000000000000000"
	status_is 255 "$PEER: a wrong fingerprint as the answer"
	local p got=
	for p in $print; do
		rm -f "$KH"
		hk_expect "$p"
		got+=$STATUS
	done
	like "$got" 0 "$PEER: the right fingerprint as the answer"
}

accept_new() {
	rm -f "$KH"
	run hk -o StrictHostKeyChecking=accept-new "$LO" true
	status_is 0 "$PEER: accept-new takes a new host"
	like "$(cat "$ERR")" 'Permanently added' "$PEER: with a word"
	rm -f "$KH"
	run hk -o StrictHostKeyChecking=no "$LO" true
	status_is 0 "$PEER: StrictHostKeyChecking no"
	check "$PEER: remembers too" test -s "$KH"
	rm -f "$KH"
	USER_KH=/dev/null run hk -o StrictHostKeyChecking=accept-new \
		"$LO" true
	status_is 0 "$PEER: /dev/null as known_hosts"
}

# $KH holds another key for the host.
changed() {
	{
		echo '# a comment'
		echo "[$LO]:$PEER_PORT $(cut -d' ' -f1,2 "$T/other.pub")"
	} >"$KH"
	local mode
	for mode in ask yes accept-new; do
		run hk -o StrictHostKeyChecking=$mode \
			-o HostKeyAlgorithms="$OTHER_ALGOS" "$LO" true
		status_is 255 "$PEER: a changed key is refused ($mode)"
	done
	like "$(cat "$ERR")" "$KH:2" "$PEER: with file and line"
	like "$(cat "$ERR")" "ssh-keygen -R" "$PEER: and what to do"
	like "$(cat "$ERR")" "HAS CHANGED" "$PEER: loudly"
	run hk -o StrictHostKeyChecking=no \
		-o HostKeyAlgorithms="$OTHER_ALGOS" "$LO" 'echo on'
	is "$STATUS $(cat "$OUT")" "0 on" "$PEER: StrictHostKeyChecking no"
}

files() {
	local name="[$LO]:$PEER_PORT"
	scan >"$KH"
	run hk -o StrictHostKeyChecking=yes "$LO" true
	status_is 0 "$PEER: what ssh-keyscan wrote"
	ssh-keygen -q -H -f "$KH" >/dev/null 2>&1
	rm -f "$KH.old"
	like "$(head -n 1 "$KH")" '^\|1\|' "$PEER: ssh-keygen hashes"
	run hk -o StrictHostKeyChecking=yes "$LO" true
	status_is 0 "$PEER: hashed names"
	rm -f "$KH"
	run hk -o HashKnownHosts=yes -o StrictHostKeyChecking=accept-new \
		"$LO" true
	like "$(cat "$KH")" '^\|1\|' "$PEER: HashKnownHosts"
	check "$PEER: as ssh-keygen finds it" \
		ssh-keygen -F "$name" -f "$KH"
	run hk -o StrictHostKeyChecking=yes "$LO" true
	status_is 0 "$PEER: and we do"
	rm -f "$KH"
	run hk -o HostKeyAlias=robot -o StrictHostKeyChecking=accept-new \
		"$LO" true
	like "$(cat "$KH")" '^robot ' "$PEER: HostKeyAlias"
	run hk -o HostKeyAlias=robot -o StrictHostKeyChecking=yes "$LO" true
	status_is 0 "$PEER: found by its alias"
	run hk -o StrictHostKeyChecking=yes "$LO" true
	status_is 255 "$PEER: but not by its address"
	scan | sed "s/^[^ ]*/$LO/" >"$KH"
	run hk -o StrictHostKeyChecking=yes "$LO" true
	status_is 255 "$PEER: a name without the port is another one"
	scan | sed "s/^[^ ]*/[127.0.*]:*/" >"$KH"
	run hk -o StrictHostKeyChecking=yes "$LO" true
	status_is 0 "$PEER: patterns"
	scan | sed 's/^/@revoked /' >"$KH"
	scan >>"$KH"
	run hk -o StrictHostKeyChecking=no "$LO" true
	status_is 255 "$PEER: a revoked key is refused even so"
	like "$(cat "$ERR")" 'revoked' "$PEER: and called so"
	# the type we have is asked for, though the server has others
	scan -t "$LAST_TYPE" >"$KH"
	run hk -o StrictHostKeyChecking=yes "$LO" true
	status_is 0 "$PEER: known by its $LAST_TYPE key only"
	: >"$KH"
	scan >"$T/kh2"
	USER_KH="$KH $T/kh2" run hk "$LO" true
	status_is 0 "$PEER: a second file of known hosts"
	GLOBAL_KH=$T/kh2 run hk "$LO" true
	status_is 0 "$PEER: a global file of known hosts"
}

# remember_nowhere FILE TEXT
remember_nowhere() {
	USER_KH=$1 run hk -o StrictHostKeyChecking=accept-new "$LO" 'echo on'
	is "$STATUS $(cat "$OUT")" "0 on" "$PEER: $2: the connection works"
	like "$(cat "$ERR")" 'not remembered' "$PEER: $2: with a warning"
}

unwritable() {
	remember_nowhere "$T/id/kh" "a file in place of the directory"
	remember_nowhere /proc/oe-no-such-dir/kh "an unwritable directory"
	if [ -c /dev/full ]; then
		ln -sf /dev/full "$T/full"
		remember_nowhere "$T/full" "a full disk"
	fi
}

peer_checks() {
	if [ "$PEER" = ours ]; then
		LAST_TYPE=rsa OTHER_ALGOS=ssh-ed25519
		make_key other
	else
		LAST_TYPE=rsa OTHER_ALGOS=ecdsa-sha2-nistp256
		rm -f "$T"/other*
		make_key other ecdsa
	fi
	unknown
	accept_new
	changed
	files
	unwritable
}
each_peer peer_checks
done_testing
