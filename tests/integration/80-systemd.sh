#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a service manager sees: readiness, reload, watchdog, stopping, sockets
# that are handed over; and units that systemd accepts.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need python3 ssh-keygen systemd-analyze

# notify.py SOCKET LOG: writes down what a service says.
cat >"$T/notify.py" <<'PY'
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
with open(sys.argv[2], "w", buffering=1) as log:
    while True:
        log.write(s.recv(65536).decode() + "\n")
PY
python3 "$T/notify.py" "$T/notify" "$T/said" &
own $!
wait_for 10 test -S "$T/notify"

said() {
	wait_for 10 grep -qE -e "$1" "$T/said"
}

export NOTIFY_SOCKET=$T/notify WATCHDOG_USEC=400000
unset WATCHDOG_PID
start_server || bail "the server does not start"
unset NOTIFY_SOCKET WATCHDOG_USEC
check "READY=1 when it listens" said '^READY=1'
check "WATCHDOG=1 while it lives" said '^WATCHDOG=1'
run oe_ssh "$ME@$LO" 'echo "[$NOTIFY_SOCKET$WATCHDOG_USEC$LISTEN_FDS]"'
is "$(cat "$OUT")" "[]" "a session does not get the manager's variables"
kill -HUP "$SERVER_PID"
check "RELOADING=1 on SIGHUP" said '^RELOADING=1'
check "and it is ready again" wait_for 10 eval \
	'[ "$(grep -c "^READY=1" "$T/said")" -ge 2 ]'
kill -TERM "$SERVER_PID"
check "STOPPING=1 on SIGTERM" said '^STOPPING=1'
stop_server

# sd_listen_fds(3): descriptor 3, LISTEN_PID is the server's own.
cat >"$T/activate.py" <<'PY'
import os, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(64)
if s.fileno() != 3:
    os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = "1"
os.execv(sys.argv[2], sys.argv[2:])
PY
start_listening ACTIVE "$T/active.log" python3 "$T/activate.py" @PORT@ \
	"$OMNIEDGE" ssh-server --host-key-path "$T/hostkeys" \
	--no-strict-modes \
	--authorized-keys "$T/authorized_keys" --log-format json
use_port "$ACTIVE_PORT"
run oe_ssh "$ME@$LO" 'echo over the given socket'
is "$(cat "$OUT")" "over the given socket" "socket activation"
stop "$ACTIVE_PID"

# The units, with a program that exists in the place of the installed one.
mkdir "$T/units"
for u in "$OE_SRCDIR"/contrib/systemd/*.service.in \
	"$OE_SRCDIR"/contrib/systemd/*.socket; do
	sed -e "s|@bindir[@]/omniedge|$OMNIEDGE|; s|@sysconfdir[@]|/etc|" "$u" \
		>"$T/units/$(basename "$u" .in)"
done
check "units are valid" systemd-analyze verify --man=no "$T"/units/*
is "$(cat "$OUT" "$ERR")" "" "without a warning"
mkdir "$T/units/omniedge-ssh-server.service.d"
cp "$OE_SRCDIR/contrib/systemd/restricted.conf" \
	"$T/units/omniedge-ssh-server.service.d/"
check "and with the restricting drop-in" \
	systemd-analyze verify --man=no "$T/units/omniedge-ssh-server.service"
is "$(cat "$OUT" "$ERR")" "" "without a warning"
done_testing
