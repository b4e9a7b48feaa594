#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The way over other hosts: -J, ProxyJump, ProxyCommand, -W; dead hops, and
# that no process is left behind.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen sha256sum nc

start_server || bail "no server"
start_sshd || bail "no sshd"
DEAD_PORT=$(free_port)

cat >"$T/config" <<-CONF
	Host *
		IdentityFile $T/id
		IdentitiesOnly yes
		UserKnownHostsFile $T/known_hosts
		StrictHostKeyChecking accept-new
		HostName $LO
	Host ours-*
		Port $SERVER_PORT
	Host sshd-*
		Port $SSHD_PORT
	Host dead
		Port $DEAD_PORT
	Host *-far
		ProxyJump sshd-a,sshd-b
	Host *-chain
		ProxyJump sshd-chain2
	Host *-chain2
		ProxyJump sshd-c
	Host *-command
		ProxyCommand $OMNIEDGE ssh -F $T/config -W %h:%p sshd-gate
	Host *-ssh
		ProxyCommand ssh -F $T/config -W %h:%p sshd-gate
	Host *-nc
		ProxyCommand nc %h %p
CONF

jump() {
	timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" ssh -F "$T/config" "$@"
}

# nobody_left TEXT: none of our clients is there any more.
nobody_left() {
	local text=$1
	wait_for 5 eval '! pgrep -f "ssh -F $T/config" ' && ok "$text" && return
	not_ok "$text"
	diag "$(pgrep -af "ssh -F $T/config")"
}

# reaches TEXT ARG...
reaches() {
	local text=$1
	shift
	run jump "$@" 'echo there; exit 5'
	is "$STATUS $(cat "$OUT")" "5 there" "$text" || diag_file "$ERR"
}

head -c 5M /dev/urandom >"$T/blob"
BLOB_SUM=$(sha256sum <"$T/blob")

for to in ours sshd; do
	reaches "$to: one hop" -J sshd-a "$to-t"
	reaches "$to: three hops" -J sshd-a,sshd-b,sshd-c "$to-t"
	reaches "$to: user and port of a hop" \
		-J "$ME@$LO:$SSHD_PORT,ssh://$ME@$LO:$SSHD_PORT" "$to-t"
	reaches "$to: ProxyJump" "$to-far"
	reaches "$to: a hop that has a hop" "$to-chain"
	reaches "$to: -J none" -J none "$to-far"
	reaches "$to: ProxyCommand with -W over sshd" "$to-command"
	reaches "$to: ProxyCommand with ssh -W" "$to-ssh"
	reaches "$to: ProxyCommand nc" "$to-nc"
	jump -J sshd-a,sshd-b "$to-t" cat <"$T/blob" 2>"$ERR" |
		sha256sum >"$OUT"
	is "$(cat "$OUT")" "$BLOB_SUM" "$to: 5 MB over two hops and back"
done
sleep 2 | jump -W "$LO:$SSHD_PORT" sshd-a 2>"$ERR" | head -n 1 >"$OUT"
like "$(cat "$OUT")" '^SSH-2.0-OpenSSH' "-W"
nobody_left "no client is left"

run jump -J dead ours-t true
status_is 255 "a hop where nobody listens: 255"
like "$(cat "$ERR")" "jump host $LO:.*refused" "which, and why"
run jump -J sshd-a,dead,sshd-b ours-t true
status_is 255 "a dead hop in the middle: 255"
like "$(cat "$ERR")" "jump host" "which"
run jump -J sshd-a dead true
status_is 255 "a dead host behind a hop: 255"
like "$(cat "$ERR")" "no connection to the peer" "what happened"
run jump -o ProxyCommand='exit 3' ours-t true
status_is 255 "a ProxyCommand that ends: 255"
run jump -o ProxyCommand="/nonexistent/proxy" ours-t true
status_is 255 "a ProxyCommand that is not there: 255"
run jump -o ProxyCommand='sleep 31' -o ConnectTimeout=1 ours-t true
status_is 255 "a ProxyCommand that says nothing: 255"
like "$(cat "$ERR")" "no answer within 1 s" "after ConnectTimeout"
run jump -W "$LO:$DEAD_PORT" sshd-a
status_is 255 "-W to a dead port: 255"
like "$(cat "$ERR")" "to $LO port $DEAD_PORT: .*[Cc]onnection refused" \
	"what happened"
run jump -J 'a b,,c' ours-t true
status_is 64 "-J with nonsense"

# A signal takes the hops' processes along.
jump -J sshd-a,sshd-b ours-t 'echo up; sleep 30' >"$OUT" 2>"$ERR" &
job=$!
own "$job"
wait_for 10 grep -q up "$OUT"
kill -TERM "$(children_of "$job" | head -n 1)" 2>/dev/null
wait "$job"
nobody_left "nor after a signal, nor after dead hops"
check "nor the proxy command" eval "! pgrep -f '^sleep 31\$'"
done_testing
