#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The agent on the far side: -A, ForwardAgent, and none of it unasked.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen ssh-agent ssh-add

start_server || bail "no server"
start_sshd || bail "no sshd"
make_key guest
eval "$(ssh-agent -a "$T/agent.sock")" >/dev/null
own "$SSH_AGENT_PID"
export SSH_AUTH_SOCK=$T/agent.sock
ssh-add -q "$T/guest" 2>/dev/null
ssh-agent -a "$T/empty.sock" >"$T/empty.env"
own "$(sed -n 's/.*SSH_AGENT_PID=\([0-9]*\).*/\1/p' "$T/empty.env")"

list='ssh-add -l'
count='for i in 1 2 3 4 5 6 7 8; do ssh-add -l & done | sort | uniq -c; wait'

peer_checks() {
	run oe_ssh -A "$LO" "$list"
	like "$STATUS $(cat "$OUT")" '^0 .* guest ' "$PEER: -A"
	run oe_ssh -o ForwardAgent=yes "$LO" "$list"
	like "$STATUS $(cat "$OUT")" '^0 .* guest ' "$PEER: ForwardAgent yes"
	run oe_ssh "$LO" "$list"
	status_is 2 "$PEER: not without -A"
	run oe_ssh "$LO" 'echo "<$SSH_AUTH_SOCK>"'
	is "$(cat "$OUT")" "<>" "$PEER: no socket either"
	run oe_ssh -a -o ForwardAgent=yes "$LO" "$list"
	status_is 2 "$PEER: nor with -a"
	run oe_ssh -A "$LO" "$count"
	like "$(cat "$OUT")" '^ *8 .*guest' "$PEER: several at a time"
	run oe_ssh -A "$LO" 'echo data >'"$T"'/f
		ssh-keygen -q -Y sign -n t -f '"$T"'/guest.pub '"$T"'/f 2>&1'
	status_is 0 "$PEER: a signature over there"
	rm -f "$T/f" "$T/f.sig"
	run oe_ssh -A "$LO" 'ls -ld "${SSH_AUTH_SOCK%/*}"'
	like "$(cat "$OUT")" '^drwx------' "$PEER: the socket is the user's own"
	run oe_ssh -A "$LO" 'echo "$SSH_AUTH_SOCK"'
	check "$PEER: and goes with the session" \
		wait_for 5 test ! -e "$(cat "$OUT")"
	run oe_ssh -o ForwardAgent="$T/empty.sock" "$LO" "$list"
	like "$STATUS $(cat "$OUT")" '^1 .*no identities' \
		"$PEER: ForwardAgent names a socket"
	OTHER_SOCK=$T/empty.sock run oe_ssh -o 'ForwardAgent=$OTHER_SOCK' \
		"$LO" "$list"
	like "$STATUS $(cat "$OUT")" '^(0|1|2) ' "$PEER: or a variable"
	SSH_AUTH_SOCK='' run oe_ssh -A "$LO" 'echo "<$SSH_AUTH_SOCK>"'
	is "$STATUS" 0 "$PEER: -A without an agent is no failure"
}
each_peer peer_checks

start_server --no-agent-forwarding || bail "no server"
use_port ''
run oe_ssh -A "$LO" "$list"
status_is 2 "a server that forwards no agent"
start_sshd 'AllowAgentForwarding no' || bail "no sshd"
use_port "$SSHD_PORT"
run oe_ssh -A "$LO" "$list"
status_is 2 "sshd that forwards no agent"
done_testing
