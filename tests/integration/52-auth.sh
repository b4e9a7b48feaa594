#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How the client authenticates: keys, passphrases, agent, certificates,
# passwords, several factors; and what a refusal tells.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen ssh-agent ssh-add expect

make_key id
ssh-keygen -q -t ed25519 -N 'open sesame' -C locked -f "$T/locked" </dev/null
for n in agent ca other byname; do make_key $n; done
cat "$T"/{id,locked,agent}.pub >"$T/authorized_keys"
for n in other byname; do
	ssh-keygen -q -s "$T/ca" -I "$n" -n "$ME" -V -1h:+1h "$T/$n.pub" \
		2>/dev/null
done
cp "$T/other" "$T/apart"
cp "$T/other.pub" "$T/apart.pub"
mv "$T/other-cert.pub" "$T/moved.pub"

start_server --authorized-keys "$T/authorized_keys" \
	--trusted-ca "$T/ca.pub" --ban-after 0 --max-auth-tries 20 ||
	bail "no server"
start_sshd "TrustedUserCAKeys $T/ca.pub" 'MaxAuthTries 20' || bail "no sshd"

# au ARG...: our client; keys come from the arguments and $SSH_AUTH_SOCK.
au() {
	timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" ssh -F /dev/null \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o GlobalKnownHostsFile=/dev/null \
		-o StrictHostKeyChecking=accept-new -p "$PEER_PORT" "$@"
}

# on_tty ANSWER... -- ARG...: au on a terminal; types the answers one after
# another whenever a prompt ends in ": ".
cat >"$T/tty.exp" <<'EXP'
set timeout 25
set cut [lsearch -exact $argv --]
set answers [lrange $argv 0 [expr {$cut - 1}]]
spawn -noecho {*}[lrange $argv [expr {$cut + 1}] end]
expect {
	-re {(assphrase|assword)[^\n]*: ?$} {
		send -- "[lindex $answers 0]\r"
		set answers [lrange $answers 1 end]
		exp_continue
	}
	timeout { exit 99 }
	eof {}
}
exit [lindex [wait] 3]
EXP
on_tty() {
	local answers=()
	while [ "$1" != -- ]; do
		answers+=("$1")
		shift
	done
	shift
	expect -f "$T/tty.exp" -- "${answers[@]}" -- "$OMNIEDGE" ssh \
		-F /dev/null -o UserKnownHostsFile="$T/known_hosts" \
		-o GlobalKnownHostsFile=/dev/null \
		-o StrictHostKeyChecking=accept-new -p "$PEER_PORT" \
		"$@" >"$OUT" 2>"$ERR"
	STATUS=$?
}

printf '#!/bin/sh\necho "$1" >%s\necho "open sesame"\n' "$T/asked" \
	>"$T/askpass"
printf '#!/bin/sh\nexit 1\n' >"$T/askpass-no"
chmod +x "$T/askpass" "$T/askpass-no"

keys() {
	run au -i "$T/id" "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: a key file"
	on_tty 'open sesame' -- -i "$T/locked" "$LO" 'echo got $((1+1)) in'
	is "$STATUS" 0 "$PEER: a passphrase on a terminal"
	like "$(cat "$OUT")" 'got 2 in' "$PEER: and the command ran"
	unlike "$(cat "$OUT")" 'sesame' "$PEER: without echo"
	on_tty wrong 'open sesame' -- -i "$T/locked" "$LO" true
	is "$STATUS" 0 "$PEER: the second answer"
	on_tty wrong wrong wrong -- -i "$T/locked" "$LO" true
	is "$STATUS" 255 "$PEER: three wrong passphrases"
	run au -i "$T/locked" -o BatchMode=yes "$LO" true
	status_is 255 "$PEER: BatchMode asks for no passphrase"
}

askpass() {
	rm -f "$T/asked"
	SSH_ASKPASS=$T/askpass SSH_ASKPASS_REQUIRE=force \
		run au -i "$T/locked" "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: SSH_ASKPASS"
	like "$(cat "$T/asked")" "passphrase.*$T/locked" "$PEER: is told why"
	DISPLAY=:99 SSH_ASKPASS=$T/askpass \
		run setsid -w "$OMNIEDGE" ssh -F /dev/null -i "$T/locked" \
		-o UserKnownHostsFile="$T/known_hosts" -p "$PEER_PORT" \
		"$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: with DISPLAY, no terminal"
	PATH=$T:$PATH SSH_ASKPASS=askpass SSH_ASKPASS_REQUIRE=force \
		run au -i "$T/locked" "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: SSH_ASKPASS found by PATH"
	SSH_ASKPASS=$T/askpass-no SSH_ASKPASS_REQUIRE=force \
		run au -i "$T/locked" "$LO" true
	status_is 255 "$PEER: SSH_ASKPASS that gives up"
	SSH_ASKPASS=$T/askpass SSH_ASKPASS_REQUIRE=never \
		run setsid -w "$OMNIEDGE" ssh -F /dev/null -i "$T/locked" \
		-o UserKnownHostsFile="$T/known_hosts" -p "$PEER_PORT" \
		"$LO" true
	status_is 255 "$PEER: SSH_ASKPASS_REQUIRE never"
}

agents() {
	SSH_AUTH_SOCK=$AGENT_SOCK run au "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: a key of the agent"
	run au -o IdentityAgent="$AGENT_SOCK" "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: IdentityAgent"
	SSH_AUTH_SOCK=$AGENT_SOCK run au -o IdentityAgent=none \
		-o IdentityFile=none "$LO" true
	status_is 255 "$PEER: IdentityAgent none"
	SSH_AUTH_SOCK=$AGENT_SOCK \
		run au -o IdentitiesOnly=yes -i "$T/ca" "$LO" true
	status_is 255 "$PEER: IdentitiesOnly leaves the agent's key out"
	SSH_AUTH_SOCK=$AGENT_SOCK \
		run au -o IdentitiesOnly=yes -i "$T/agent.pub" "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" \
		"$PEER: IdentitiesOnly and a public key name the agent's key"
	SSH_AUTH_SOCK=$T/no-such-socket run au -i "$T/id" "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: a dead agent does no harm"
}

certificates() {
	run au -i "$T/byname" "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: NAME-cert.pub beside the key"
	run au -i "$T/apart" "$LO" true
	status_is 255 "$PEER: the same key without its certificate"
	run au -i "$T/apart" -o CertificateFile="$T/moved.pub" "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: CertificateFile"
	SSH_AUTH_SOCK=$AGENT_SOCK run au -i "$T/ca" \
		-o CertificateFile="$T/no-such-file" "$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: an absent CertificateFile"
}

refusals() {
	run au -i "$T/ca" -o IdentitiesOnly=yes "$LO" true
	status_is 255 "$PEER: all refused: 255"
	is "$(wc -l <"$ERR")" 1 "$PEER: one line" || diag_file "$ERR"
	like "$(cat "$ERR")" "permission denied for user $ME" "$PEER: whom"
	like "$(cat "$ERR")" "tried key $T/ca \(refused\)" "$PEER: what"
	like "$(cat "$ERR")" 'server takes publickey' "$PEER: what is taken"
	run au -i "$T/id" -o PreferredAuthentications=password "$LO" true
	status_is 255 "$PEER: PreferredAuthentications without publickey"
	run au -i "$T/id" -o PubkeyAuthentication=no "$LO" true
	status_is 255 "$PEER: PubkeyAuthentication no"
	run au -i "$T/no-such-key" -o IdentitiesOnly=yes "$LO" true
	like "$STATUS $(cat "$ERR")" '^255 .*no-such-key' \
		"$PEER: a key that is not there is named"
	run au -i "$T/id" nobody-here@"$LO" true
	like "$STATUS $(cat "$ERR")" '^255 .*nobody-here' \
		"$PEER: an unknown user"
}

eval "$(ssh-agent -a "$T/agent.sock")" >/dev/null
own "$SSH_AGENT_PID"
AGENT_SOCK=$T/agent.sock
SSH_AUTH_SOCK=$AGENT_SOCK ssh-add -q "$T/agent" 2>/dev/null
unset SSH_AUTH_SOCK SSH_AGENT_PID

peer_checks() {
	keys
	askpass
	agents
	certificates
	refusals
}
each_peer peer_checks

# --- passwords: real accounts ------------------------------------------------

pw_auth() {
	run sshpass -p 'right pw' "$OMNIEDGE" ssh -F /dev/null -i "$T/ca" \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new \
		-o PreferredAuthentications="$METHOD" -p "$PEER_PORT" \
		"$USER_NAME@$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: $METHOD by sshpass"
	on_tty 'right pw' -- -o PreferredAuthentications="$METHOD" \
		"$USER_NAME@$LO" 'echo got $((1+1)) in'
	like "$STATUS $(cat "$OUT")" 'got 2 in' "$PEER: $METHOD on a terminal"
	run au -o BatchMode=yes -o PreferredAuthentications="$METHOD" \
		"$USER_NAME@$LO" true
	status_is 255 "$PEER: $METHOD, BatchMode"
}

pw_checks() {
	METHOD=password
	pw_auth
	METHOD=keyboard-interactive
	pw_auth
	on_tty wrong 'right pw' -- -o PreferredAuthentications="password" \
		"$USER_NAME@$LO" 'exit 3'
	is "$STATUS" 3 "$PEER: password, the second answer"
	on_tty wrong -- -o PreferredAuthentications="password" \
		-o NumberOfPasswordPrompts=1 "$USER_NAME@$LO" true
	is "$STATUS" 255 "$PEER: password, NumberOfPasswordPrompts 1"
	is "$(grep -aci "'s password: " "$OUT")" 1 "$PEER: asks once" ||
		diag_file "$OUT"
	SSH_ASKPASS=$T/askpass-pw SSH_ASKPASS_REQUIRE=force \
		run au -i "$T/ca" "$USER_NAME@$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$PEER: password by SSH_ASKPASS"
}

passwords() {
	make_user pw || return 1
	echo "$USER_NAME:right pw" | chpasswd || return 1
	printf '#!/bin/sh\necho "right pw"\n' >"$T/askpass-pw"
	chmod +x "$T/askpass-pw"
	# AddressSanitizer's crypt_r() finds no real one when only a PAM
	# module, loaded later, brings it
	is_sanitized && SERVER_ENV=(LD_PRELOAD=libcrypt.so.1
		ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0")
	start_server --auth publickey,password,keyboard-interactive \
		--ban-after 0 || return 1
	start_sshd 'PasswordAuthentication yes' 'UsePAM yes' \
		'KbdInteractiveAuthentication yes' || return 1
	each_peer pw_checks
	start_sshd 'PasswordAuthentication yes' 'UsePAM yes' \
		'AuthenticationMethods publickey,password' || return 1
	use_port "$SSHD_PORT"
	on_tty 'right pw' -- -i "$T/id" "$USER_NAME@$LO" 'exit 4'
	is "$STATUS" 4 "a key and a password, both needed"
	run au -i "$T/id" -o BatchMode=yes "$USER_NAME@$LO" true
	like "$STATUS $(cat "$ERR")" '^255 .*accepted, more is needed' \
		"the key alone: 255, and what is missing"
	run au -i "$T/ca" "$USER_NAME@$LO" true
	status_is 255 "the wrong key: 255"
}

if ! am_root; then
	skip "passwords" "needs root to make an account"
elif ! command -v sshpass >/dev/null; then
	skip "passwords" "no sshpass"
else
	passwords || not_ok "accounts and servers for passwords"
fi
done_testing
