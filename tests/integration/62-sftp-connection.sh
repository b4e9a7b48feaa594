#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The way of sftp to its server: what is said when there is none or it is
# cut, a server run here, Ctrl-C, and further connections.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3 cmp

start_server || bail "no server"
start_sshd 'Subsystem sftp /nowhere/sftp-server' || bail "no sshd"

# Bytes from here to PORT and back, by a process whose id is in $T/relay.
cat >"$T/relay.py" <<'PY'
import os, select, socket, sys
with open(sys.argv[1], "w") as f:
    f.write("%d\n" % os.getpid())
s = socket.create_connection((sys.argv[2], int(sys.argv[3])))
to = {0: s.fileno(), s.fileno(): 1}
while True:
    for fd in select.select(list(to), [], [])[0]:
        data = os.read(fd, 65536)
        if not data:
            sys.exit(0)
        while data:
            data = data[os.write(to[fd], data):]
PY

# our ARG...: the client, to the peer of the moment.
our() {
	timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" sftp -F /dev/null -i "$T/id" \
		-o BatchMode=yes -o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new -P "$PEER_PORT" "$@"
}

# batch ARG... -- LINE...: with these commands.
batch() {
	local args=()
	while [ "$1" != -- ]; do
		args+=("$1")
		shift
	done
	shift
	printf '%s\n' "$@" >"$T/batch"
	run our -b "$T/batch" "${args[@]}"
}

# fails REGEX TEXT: the last run did, saying so.
fails() {
	if [ "$STATUS" -ne 0 ]; then
		ok "$2: fails"
	else
		not_ok "$2: fails"
	fi
	like "$(cat "$ERR")" "$1" "$2: what is said"
}

# --- no server ---------------------------------------------------------------

use_port "$SSHD_PORT"
batch "$ME@$LO" -- pwd
fails "(no sftp server|sftp server of .* ended at once)" \
	"sshd's program is missing"

batch -s gone "$ME@$LO" -- pwd
fails "refuses the subsystem 'gone'" "an unknown subsystem of sshd"

use_port "$SERVER_PORT"
batch -s gone "$ME@$LO" -- pwd
fails "refuses the subsystem 'gone'" "an unknown subsystem of ours"

batch -s /nowhere/sftp-server "$ME@$LO" -- pwd
fails "has no sftp server: its program is missing .*127" \
	"a command that is not there"

batch -s 'echo oops >&2; exec /bin/false' "$ME@$LO" -- pwd
fails "ended at once .*exit status 1" "a command that fails"
like "$(cat "$ERR")" "^oops$" "and what it said itself"

batch -s 'kill -KILL $$; /bin/true' "$ME@$LO" -- pwd
fails "ended at once .*signal KILL" "a command that is killed"

# --- cut ---------------------------------------------------------------------

proxy="python3 $T/relay.py $T/relay %h %p"
batch -o ProxyCommand="$proxy" "$ME@$LO" -- pwd \
	"!kill -KILL \$(cat $T/relay)" 'ls' 'pwd'
fails "connection to $LO lost" "the connection is cut"

batch -s "$OMNIEDGE sftp-server & echo \$! >$T/far.pid; wait" "$ME@$LO" \
	-- pwd
fails "ended at once" "a server in the background reads nothing"

batch -s "sh -c 'echo \$\$ >$T/far.pid; exec $OMNIEDGE sftp-server'" \
	"$ME@$LO" -- pwd "!kill -TERM \$(cat $T/far.pid)" 'ls' 'pwd'
fails "$LO closed the sftp session" "the server is ended"

# --- Ctrl-C ends a transfer, not the way to the peer -------------------------

batch -o ProxyCommand="$proxy" "$ME@$LO" -- \
	"!kill -INT \$(cat $T/relay); sleep 0.2" pwd
status_is 0 "a proxy does not hear Ctrl-C"

# --- further connections ------------------------------------------------------

head -c 12000000 /dev/zero >"$T/large"

# lanes ARG...: how many connections a copy of $T/large had; slowed down, so
# that they are there in time.
lanes() {
	rm -f "$T/large.copy"
	run timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" scp -v -F /dev/null \
		-i "$T/id" -j 3 -l 80000 -o BatchMode=yes -P "$PEER_PORT" "$@" \
		"$T/large" "$ME@$LO:$T/large.copy"
	cmp -s "$T/large" "$T/large.copy" || not_ok "the copy differs"
	LANES=$(grep -c 'key exchange and cipher' "$ERR")
}

known=(-o UserKnownHostsFile="$T/known_hosts" -o StrictHostKeyChecking=yes)
lanes "${known[@]}"
status_is 0 "a copy over several connections"
is "$LANES" 3 "as many as asked for"

lanes "${known[@]}" -o ProxyCommand="$proxy"
is "$LANES" 3 "through a proxy command each"

# a key that is accepted but not remembered is the only one for the others
lanes -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no
is "$LANES" 3 "with a key that only this run knows"
is "$(grep -c 'Permanently added' "$ERR")" 1 "which is told once"

# --- a server that runs here -------------------------------------------------

head -c 3000000 /dev/urandom >"$T/big"
batch -D "\"$OMNIEDGE\" sftp-server" -- "put $T/big $T/copy" \
	"get $T/copy $T/back"
status_is 0 "-D: a server run here"
if cmp -s "$T/big" "$T/back"; then
	ok "-D: there and back"
else
	not_ok "-D: there and back"
fi

batch -D "/nowhere/sftp-server -e" -- pwd
fails "run /nowhere/sftp-server: No such file" "-D: a missing program"

batch -D "/bin/true" -- pwd
fails "/bin/true has ended" "-D: a program that ends"


done_testing
