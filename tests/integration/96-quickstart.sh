#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# contrib/quickstart, step by step: a control server, three hosts with names,
# a policy by tag, a login by name, a refusal in words; in a shell; interrupted;
# failing; and that nothing is left of it.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 ip unshare nsenter setpriv
# each run is a dozen programs, and the machine may have better to do
RUN_LIMIT=240
for m in client server mesh control; do
	has_module "$m" || skip_all "module $m is not built"
done
namespaces=(--net --uts --mount)
am_root || namespaces+=(--user --map-current-user --keep-caps)
unshare "${namespaces[@]}" ip link add name t type bridge 2>/dev/null ||
	skip_all "no namespaces here: that takes root and its privileges"

REAL_HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
export TMPDIR=$T/tmp
mkdir "$TMPDIR"
QUICKSTART=("$OE_SRCDIR/contrib/quickstart" --program "$OMNIEDGE")

# own_files: what must be as it was.
own_files() {
	find "$REAL_HOME"/{.ssh,.omniedge,.config/omniedge} /etc/omniedge \
		-printf '%p %s %T@ %C@\n' 2>/dev/null | sort
}

# nothing_left TEXT: of one that has ended.
nothing_left() {
	check "$1: its folder is gone" \
		wait_for 20 eval '[ -z "$(ls "$TMPDIR")" ]'
	# by the folder, which all of them have in command line or environment
	check "$1: and its processes" wait_for 20 eval \
		'! grep -qalF "$TMPDIR/omniedge-quickstart" /proc/[0-9]*/environ'
}

before=$(own_files)
run "${QUICKSTART[@]}" --no-shell
status_is 0 "it works"
said() {
	like "$(cat "$OUT" "$ERR")" "$1" "$2"
}
said '^one-time password: ' "an administrator with a one-time password"
said 'logged in to https://192.0.2.1:8443 as you@demo.example' \
	"who logs in over TLS, known by its pin"
is "$(grep -c '^dev_' "$OUT")" 3 "three devices"
is "$(grep -c '^100\.64\.9\.' "$OUT")" 3 "with addresses"
said '^laptop +100\.64\.9\.[0-9]+ +lab +yes .*operator$' "the laptop's tag"
said '^robot-2 +100\.64\.9\.[0-9]+ +lab +yes .*-$' "robot-2 has none"
said "^this is robot-1, you are ${SUDO_USER:-$ME}\$" "in, by name"
unlike "$(cat "$OUT" "$ERR")" 'authenticity|yes/no|Permanently added' \
	"no question about a host key"
said '^refused by the policy: operators only' "a refusal in words"
unlike "$(cat "$OUT" "$ERR")" "${TMPDIR}[^ ]*/password|Sanitizer" "no complaint"
nothing_left "at the end"

# --- the shell ---------------------------------------------------------------------

# -n: what is typed ahead is for the shell
run python3 "$OE_SRCDIR/tests/lib/typist.py" \
	'after you have changed it' 'echo "at $(hostname) in ${PWD##*/}"' \
	'at laptop in laptop' 'omniedge ssh -n demo@robot-2 hostname' \
	$'robot-2\r' 'omniedge device tag lab' \
	'device tag lab' 'until ! omniedge ssh -n demo@robot-1 true; do sleep 1; done' \
	'operators only' 'exit' \
	-- "${QUICKSTART[@]}"
status_is 0 "on a terminal it stays in a shell, where all of this is at hand"
unlike "$(cat "$ERR")" 'never asked' "and all of it happened"
nothing_left "left by exit"

# --- ends that were not foreseen -----------------------------------------------------

# interrupted SIGNAL STATUS WHEN: while it is at that.
interrupted() {
	setsid "${QUICKSTART[@]}" --no-shell >"$T/cut" 2>&1 3>&- &
	local pid=$!
	own "$pid"
	wait_for 60 grep -q "$3" "$T/cut" || diag_file "$T/cut"
	kill -"$1" "$pid"
	wait "$pid"
	is "$?" "$2" "ended by $1"
	nothing_left "by $1"
}
interrupted TERM 143 'each host logs in'
# with nobody left to clean up, its servers end all the same
setsid "${QUICKSTART[@]}" --no-shell >"$T/cut" 2>&1 3>&- &
own $!
wait_for 60 grep -q 'robots serve SSH' "$T/cut" || diag_file "$T/cut"
kill -KILL $!
wait $! 2>/dev/null
check "killed: no server stays" wait_for 20 eval \
	'! grep -qalF "$TMPDIR/omniedge-quickstart" /proc/[0-9]*/environ'
rm -rf "${TMPDIR:?}"/*

cat >"$T/broken" <<-SH
	#!/bin/sh
	[ "\$1" != ssh-policy ] || { echo 'no such luck' >&2; exit 9; }
	exec '$OMNIEDGE' "\$@"
SH
chmod 755 "$T/broken"
run "$OE_SRCDIR/contrib/quickstart" --no-shell --program "$T/broken"
is "$STATUS" 9 "a step that fails is the end"
said 'no such luck' "with its words"
unlike "$(cat "$OUT")" 'it works' "and no success"
nothing_left "failed"
run "$OE_SRCDIR/contrib/quickstart" --nonsense
is "$STATUS" 64 "an option that is none"
run "$OE_SRCDIR/contrib/quickstart" --program "$T/nowhere"
is "$STATUS" 64 "a program that is not there"
is "$(own_files)" "$before" "nothing of one's own was touched"
done_testing
