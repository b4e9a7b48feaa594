#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What users do to files over our server is in its event log, under the name
# of their connection, and costs nothing where nobody reads it.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh sftp ssh-keygen python3 cmp

login_user f
make_key id
install -d -m 700 "$T/place"
am_root && chown "$LOGIN:" "$T/place"
start_server || bail "the server does not start"

# batch LINE...: a session of OpenSSH's sftp.
batch() {
	printf '%s\n' "$@" >"$T/batch"
	timeout -k 5 "$RUN_LIMIT" sftp -F /dev/null -q -b "$T/batch" \
		-i "$T/id" -o IdentitiesOnly=yes -o BatchMode=yes \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o GlobalKnownHostsFile=/dev/null \
		-o StrictHostKeyChecking=accept-new -P "$SERVER_PORT" \
		"$LOGIN@$LO"
}

# report EVENT [REGEX]: such a report came, with what follows its name.
report() {
	event_seen session.report "\"report\":\{\"event\":\"$1\"${2:-}"
}

head -c 300000 /dev/urandom >"$T/data"
run batch "put $T/data $T/place/up" "get $T/place/up $T/down" \
	"mkdir $T/place/folder" "rename $T/place/up $T/place/folder/moved" \
	"symlink $T/place/folder/moved $T/place/link" "rm $T/place/link" \
	"chmod 600 $T/place/folder/moved" \
	"rm $T/place/folder/moved" "rmdir $T/place/folder"
status_is 0 "files come and go"
check "and stay what they are" cmp "$T/data" "$T/down"

p=$T/place
check "an upload is told with its bytes" \
	report sftp.upload ".*\"path\":\"$p/up\".*\"bytes\":300000"
check "a download" report sftp.download ".*\"path\":\"$p/up\".*\"bytes\":300000"
check "a new folder" report sftp.mkdir ".*\"path\":\"$p/folder\""
check "a new name" report sftp.rename ".*\"to\":\"$p/folder/moved\""
check "a link" report sftp.symlink ".*\"$p/link\""
check "a removed file" report sftp.remove ".*\"path\":\"$p/folder/moved\""
check "a removed folder" report sftp.rmdir ".*\"path\":\"$p/folder\""

check "the session ended" event_seen session.end '"command":"sftp"'
events | grep -aF '"event":' >"$T/events"
run python3 - "$T/events" "$LOGIN" <<'PY'
import json, sys
with open(sys.argv[1]) as f:
    all = [json.loads(line) for line in f]
user = sys.argv[2]
start = [e for e in all if e["event"] == "session.start"][0]
reports = [e for e in all if e["event"] == "session.report"]
assert len(reports) >= 7
for e in reports:
    for key in ("conn", "src", "src_port", "user", "session", "local_user"):
        assert e[key] == start[key], key
        assert key == "session" or key not in e["report"], key
    assert e["user"] == user
names = [e["event"] for e in all]
last = len(names) - 1 - names[::-1].index("session.report")
assert names.index("session.start") < names.index("session.report")
assert last < names.index("session.end")
assert "reports_refused" not in all[names.index("session.end")]
PY
status_is 0 "reports are their connection's, within their session"

run batch "-put $T/data /nonexistent/file" "-rm $T/place/nothing"
status_is 0 "what fails"
check "is told as failed" event_seen session.report '"/nonexistent/file"'

name=$'new\nline\e[31m'
cp "$T/data" "$T/$name"
run batch "put \"$T/new\"* $T/place/"
status_is 0 "a name with control characters"
check "is escaped" report sftp.upload '.*new\\\\.*line'
cp "$T/data" "$T/größe"
run batch "put $T/größe $T/place/"
status_is 0 "a name beyond ASCII"
check "is told by its bytes" \
	report sftp.upload '.*gr\\\\xC3\\\\xB6\\\\xC3\\\\x9Fe'
stop_server

# --- nobody reads ------------------------------------------------------------

start_server --quiet || bail "the server does not start"
batch "!touch $T/up; while [ ! -e $T/go ]; do sleep 0.05; done" >&2 &
held=$!
wait_for 10 test -e "$T/up"
for pid in $(children_of "$SERVER_PID"); do
	tr '\0' ' ' <"/proc/$pid/cmdline"
	echo
done | grep -a 'sftp-server' >"$T/cmdline"
like "$(cat "$T/cmdline")" 'sftp-server' "the sftp server of a quiet server"
unlike "$(cat "$T/cmdline")" 'audit' "has nobody to report to"
touch "$T/go"
wait "$held"
is "$(events | grep -aF '"event":')" "" "and there are no events"
done_testing
