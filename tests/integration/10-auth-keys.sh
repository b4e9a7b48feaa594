#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Public keys: types, every option of authorized_keys that applies, the files
# that are trusted and those that are not, revocation.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen

login_user k
make_key id
make_key other
pub=$(cat "$T/id.pub")
authorize "$pub"
start_server --ban-after 0 || bail "the server does not start"

# --- types -------------------------------------------------------------------

gets_in "ed25519"
for bits in 256 384 521; do
	make_key "ecdsa$bits" ecdsa -b "$bits"
	authorize "$(cat "$T/ecdsa$bits.pub")"
	SSH_KEY=$T/ecdsa$bits gets_in "ecdsa $bits"
done
make_key rsa rsa -b 2048
authorize "$(cat "$T/rsa.pub")"
for alg in rsa-sha2-256 rsa-sha2-512; do
	SSH_KEY=$T/rsa gets_in "$alg" -o PubkeyAcceptedAlgorithms="$alg"
done
SSH_KEY=$T/rsa kept_out "rsa with SHA-1" -o PubkeyAcceptedAlgorithms=ssh-rsa

# --- which key ---------------------------------------------------------------

authorize "$(cat "$T/other.pub")"
kept_out "a key that is not listed"
authorize "# comment" "" "this is no key" "ssh-ed25519 AAAAbroken x" \
	"$(cat "$T/rsa.pub")" "$(cat "$T/other.pub")" "$pub"
gets_in "the last of several lines, with broken ones before it"
SSH_KEY=$T/other gets_in "another of them"
printf %s "$pub" >"$T/authorized_keys"
gets_in "no newline at the end"
printf '%s\r\n' "$pub" >"$T/authorized_keys"
gets_in "a line ended by CR LF"
: >"$T/authorized_keys"
kept_out "an empty file"
rm "$T/authorized_keys"
kept_out "no file"

# A client with many keys: the right one within the limit of tries.
authorize "$pub"
gets_in "two wrong keys first" -i "$T/other" -i "$T/rsa"

# --- options -----------------------------------------------------------------

# with OPTIONS: the key's line has these.
with() {
	authorize "$1 $pub"
}

while IFS='|' read -r from what; do
	with "from=\"$from\""
	"$what" "from=$from"
done <<'END'
127.0.0.1|gets_in
127.0.0.0/8|gets_in
10.0.0.0/8,127.*|gets_in
127.0.0.1,::1|gets_in
10.0.0.0/8|kept_out
!127.0.0.1,127.0.0.0/8|kept_out
127.0.0.2|kept_out
|kept_out
END

with 'command="echo forced; echo \"$SSH_ORIGINAL_COMMAND\""'
run ossh "$LOGIN@$LO" 'cat  "a b"'
status_is 0 "command: exit status"
is "$(cat "$OUT")" $'forced\ncat  "a b"' "and what was asked for"
run ossh "$LOGIN@$LO" </dev/null
is "$(cat "$OUT")" forced "a shell is displaced too"
run ossh -s "$LOGIN@$LO" sftp
is "$(cat "$OUT")" $'forced\nsftp' "a subsystem is displaced too"

# has_pty: the server gave a terminal.
has_pty() {
	run ossh -tt "$LOGIN@$LO" 'test -t 0 && echo terminal'
	grep -q terminal "$OUT"
}

with restrict
gets_in "restrict: a command runs"
check "and there is no terminal" eval "! has_pty"
with restrict,pty
check "restrict,pty: a terminal" has_pty
with no-pty
check "no-pty" eval "! has_pty"
gets_in "no-pty: a command runs"

need ssh-agent ssh-add
eval "$(ssh-agent -a "$T/agent")" >/dev/null
own "$SSH_AGENT_PID"
ssh-add -q "$T/id"
agent='test -S "$SSH_AUTH_SOCK" && echo agent'
authorize "$pub"
run ossh -A "$LOGIN@$LO" "$agent"
is "$(cat "$OUT")" agent "agent forwarding"
for options in no-agent-forwarding restrict; do
	with "$options"
	run ossh -A "$LOGIN@$LO" "$agent"
	is "$(cat "$OUT")" "" "$options: no agent"
done
with restrict,agent-forwarding
run ossh -A "$LOGIN@$LO" "$agent"
is "$(cat "$OUT")" agent "restrict,agent-forwarding"
unset SSH_AUTH_SOCK SSH_AGENT_PID

with 'environment="OE_A=one two",environment="OE_B=2"'
run ossh "$LOGIN@$LO" 'echo "$OE_A,$OE_B"'
is "$(cat "$OUT")" "one two,2" "environment"
for bad in LD_PRELOAD=/x.so LD_AUDIT=/x.so PATH=/x HOME=/x SSH_CONNECTION=x \
	IFS=x BASH_ENV=/x; do
	with "environment=\"$bad\""
	run ossh "$LOGIN@$LO" "tr '\\0' '\\n' </proc/\$\$/environ"
	check "environment=$bad has no effect" eval \
		"! grep -qxF '$bad' '$OUT'"
done

for t in 20200101 202001010000 20200101000000Z "$(date -d '-1 minute' +%Y%m%d%H%M%S)"
do
	with "expiry-time=\"$t\""
	kept_out "expiry-time=$t"
done
for t in 20990101 209901012359 "$(date -d '+1 minute' +%Y%m%d%H%M%S)"; do
	with "expiry-time=\"$t\""
	gets_in "expiry-time=$t"
done
with 'expiry-time="soon"'
kept_out "a broken expiry-time"

for options in permitopen=\"h:1\" permitlisten=\"localhost:1\" \
	no-port-forwarding no-X11-forwarding no-user-rc tunnel=\"0\" \
	'RESTRICT,PTY'; do
	with "$options"
	gets_in "$options is understood"
done
for options in no-such-option restricted 'command="unclosed' \
	'from="127.0.0.1" restrict' permitopen=\"h:0\" ','; do
	with "$options"
	kept_out "a line with $options"
done

# --- certificates by authorized_keys -----------------------------------------

make_key ca
ca=$(cat "$T/ca.pub")
ssh-keygen -q -s "$T/ca" -I by-name -n "$LOGIN" -V -5m:+5m "$T/id.pub"
authorize "$ca"
kept_out "a CA's line without cert-authority"
authorize "cert-authority $ca"
gets_in "cert-authority"
authorize "cert-authority,from=\"10.0.0.1\" $ca"
kept_out "cert-authority,from"
authorize "cert-authority,principals=\"ops,dev\" $ca"
kept_out "principals that the certificate has not"
ssh-keygen -q -s "$T/ca" -I by-name -n dev -V -5m:+5m "$T/id.pub"
gets_in "principals that it has"
authorize "cert-authority,principals=\"dev\",command=\"echo forced\" $ca"
run ossh "$LOGIN@$LO" 'echo in'
is "$(cat "$OUT")" forced "and a command on that line"
authorize "cert-authority $ca"
kept_out "without principals= the user's name is wanted"
rm "$T/id-cert.pub"

# --- files -------------------------------------------------------------------

stop_server

# What is above the home is not looked at, and $T is below /tmp: so this is
# inside the home.
below=$(as_user "$LOGIN" mktemp -d "$LOGIN_HOME/.oe-test.XXXXXX") ||
	bail "the home cannot be written to"
OWN_FOLDERS+=("$below")
chmod 711 "$below"
file=$below/keys
put_keys() {
	rm -f "$file"
	printf '%s\n' "$pub" >"$file"
	chown "$LOGIN" "$file"
}
put_keys
start_server --ban-after 0 --strict-modes --authorized-keys "$file"
gets_in "modes: nobody else can write the file"
chmod 664 "$file"
kept_out "a file that the group can write"
check "the log says what to do" grep -q "chmod go-w '$file'" "$SERVER_LOG"
chmod 646 "$file"
kept_out "a file that everybody can write"
chmod 644 "$file"
chmod 731 "$below"
kept_out "a directory that the group can write"
chmod 713 "$below"
kept_out "a directory that everybody can write"
chmod 711 "$below"
gets_in "as it was"
mv "$file" "$below/real"
ln -s real "$file"
gets_in "a link to a good file"
chmod 664 "$below/real"
kept_out "a link to a bad file"
rm "$file" "$below/real"
mkfifo "$file"
kept_out "a FIFO"
rm "$file"
mkdir "$file"
kept_out "a directory"
rmdir "$file"
ln -s keys "$file"
kept_out "a link to itself"
rm "$file"
authorize "$pub"
ln -s "$T/authorized_keys" "$file"
kept_out "a link to a file below a folder that everybody can write"
put_keys
gets_in "as it was"

if am_root; then
	make_user l
	chown "$USER_NAME" "$file"
	kept_out "a file of another user"
	chown root: "$file"
	gets_in "a file of root's"
	chmod 600 "$file"
	kept_out "a file that the user cannot read"
	chown "$USER_NAME" "$below"
	put_keys
	kept_out "a directory of another user"
	chown "$LOGIN" "$below"
	gets_in "as it was"
	chmod 770 "$LOGIN_HOME"
	kept_out "a home that the group can write"
	chmod 755 "$LOGIN_HOME"
	stop_server

	start_server --ban-after 0 --strict-modes \
		--authorized-keys .ssh/authorized_keys
	kept_out "no ~/.ssh"
	allow_key "$LOGIN" "$LOGIN_HOME" "$T/id.pub"
	gets_in ".ssh/authorized_keys of the home"
	run ossh "$USER_NAME@$LO" true
	status_is 255 "it opens no other account"
	ln -s "$LOGIN_HOME/.ssh" "$USER_HOME/.ssh"
	run ossh "$USER_NAME@$LO" true
	status_is 255 "a link into another home opens nothing"
	stop_server

	mkdir "$T/by-user"
	cp "$T/id.pub" "$T/by-user/$LOGIN"
	start_server --ban-after 0 --authorized-keys "$T/by-user/%u"
	gets_in "%u"
	run ossh "$USER_NAME@$LO" true
	status_is 255 "%u of somebody else"
	stop_server
	start_server --ban-after 0 --authorized-keys %h/.ssh/authorized_keys
	gets_in "%h"
	stop_server
else
	stop_server
	start_server --ban-after 0 --authorized-keys "$T/authorized%%_%u"
	cp "$T/id.pub" "$T/authorized%_$LOGIN"
	gets_in "%u and %%"
	run ossh "root@$LO" true
	status_is 255 "a plain user's server has no way to root"
	run ossh "nobody@$LO" true
	status_is 255 "or to another user"
	stop_server
fi

start_server --ban-after 0 --authorized-keys "$T/other.pub" \
	--authorized-keys "$T/id.pub"
gets_in "several files"
stop_server
# --- revocation --------------------------------------------------------------

authorize "$pub" "$(cat "$T/other.pub")"
cp "$T/other.pub" "$T/revoked"
start_server --ban-after 0 --revoked-keys "$T/revoked" \
	--authorized-keys "$T/authorized_keys"
gets_in "a key that is not revoked"
SSH_KEY=$T/other kept_out "a revoked key, from a list of keys"
ssh-keygen -q -k -f "$T/revoked" "$T/id.pub"
kept_out "a revoked key, from a KRL"
SSH_KEY=$T/other gets_in "the other is not in that one"
printf 'SSHKRL\nbroken' >"$T/revoked"
kept_out "a broken list revokes everything"
rm "$T/revoked"
kept_out "so does a lost one"
stop_server
done_testing
