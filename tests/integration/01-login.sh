#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The thin path through everything: a command's output over a key login, ours
# on both ends and OpenSSH on either; and what the event log says about it.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

start_server || bail "the server does not start"
ok "the server starts"

command='echo out; echo err >&2; exit 7'
for client in oe_ssh ossh; do
	run "$client" "$ME@$LO" "$command"
	status_is 7 "$client on our server: exit status"
	is "$(cat "$OUT")" out "stdout"
	like "$(cat "$ERR")" '^err$' "stderr"
done

make_key stranger
mv "$T/id" "$T/id.real"
cp "$T/stranger" "$T/id"
run oe_ssh "$ME@$LO" 'echo must not run'
status_is 255 "a key that is not authorised: 255"
is "$(cat "$OUT")" "" "nothing ran"
mv "$T/id.real" "$T/id"

# One event line for each fact, each of them JSON.
cat >"$T/events.py" <<'PY'
import json, sys
names = set()
with open(sys.argv[1], "rb") as f:
    for line in f:
        if not line.startswith(b"{"):
            continue
        e = json.loads(line)
        if "event" not in e:
            continue  # a diagnostic of standard error
        assert e["v"] == 1 and e["ts"].endswith("Z") and e["node"], e
        names.add(e["event"])
want = {"server.start", "connect", "auth", "session.start", "session.end",
        "disconnect"}
assert want <= names, "missing: %s" % sorted(want - names)
PY
check "events are JSON lines with the fields of doc/protocol/events.md" \
	python3 "$T/events.py" "$SERVER_LOG"
check "a failed login is an event" event_seen auth '"success":false'
check "an exit status is an event" event_seen session.end '"status":7'

if start_sshd; then
	use_port "$SSHD_PORT"
	run oe_ssh "$ME@$LO" "$command"
	status_is 7 "our client on sshd: exit status"
	is "$(cat "$OUT")" out "stdout"
	use_port ''
else
	not_ok "sshd starts"
fi

stop_server
check "the server ends on SIGTERM" eval "! alive $SERVER_PID"
check "and says so" event_seen server.stop
done_testing
