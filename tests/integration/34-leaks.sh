#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Thousands of connections in a row leave nothing behind: no descriptor, no
# process, no memory.  OE_LONG=1 makes it 10,000.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen python3

login_user x
make_key id
make_key wrong
authorize "$(cat "$T/id.pub")"
bare=1900 full=100
[ -z "${OE_LONG:-}" ] || bare=9500 full=500

cat >"$T/many.py" <<'PY'
# many.py PORT USER BARE FULL: bare peers come and go, some say a little;
# full ones log in and run a command, every fourth with a wrong key.
import asyncio, asyncssh, os, sys
port, user, bare, full = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
T = os.environ["T"]
good = asyncssh.read_private_key(T + "/id")
wrong = asyncssh.read_private_key(T + "/wrong")
limit = asyncio.Semaphore(8)
well = 0

async def bare_one(n):
    async with limit:
        r, w = await asyncio.open_connection("127.0.0.1", port)
        if n % 3:
            await asyncio.wait_for(r.readline(), 30)
        if n % 3 == 2:
            w.write(b"SSH-2.0-leak\r\n" if n % 2 else b"nonsense\r\n\r\n")
        w.close()

async def full_one(n):
    global well
    async with limit:
        key = good if n % 4 else wrong
        try:
            async with asyncssh.connect("127.0.0.1", port, username=user,
                    client_keys=[key], known_hosts=None, agent_path=None) as c:
                r = await c.run("echo in")
                well += r.stdout == "in\n"
        except asyncssh.PermissionDenied:
            well += n % 4 == 0

async def main():
    await asyncio.gather(*[bare_one(n) for n in range(bare)],
                         return_exceptions=True)
    r = await asyncio.gather(*[full_one(n) for n in range(full)],
                             return_exceptions=True)
    print("%d" % well)
    for e in r:
        if e is not None:
            print(repr(e), file=sys.stderr)
asyncio.run(main())
PY
many() {
	RUN_LIMIT=600 run /usr/bin/python3 -W ignore "$T/many.py" \
		"$SERVER_PORT" "$LOGIN" "$1" "$2"
}
descriptors() {
	find "/proc/$SERVER_PID/fd" -mindepth 1 | wc -l
}
rss_kb() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$SERVER_PID/status"
}
alone() {
	wait_for 15 eval '[ -z "$(ps -o pid= --ppid "$SERVER_PID")" ]'
}

# ASan keeps freed memory for a while: that is no growth of ours.
# shellcheck disable=SC2034 # for start_server
SERVER_ENV=(ASAN_OPTIONS="${ASAN_OPTIONS:-}:quarantine_size_mb=1")
start_server --ban-after 0 --max-startups 100 --quiet ||
	bail "the server does not start"
many 100 8
alone
fds=$(descriptors) rss=$(rss_kb)
many "$bare" "$full"
is "$(cat "$OUT")" "$full" "$bare bare and $full full connections: all served" ||
	diag_file "$ERR"
check "no process is left, and no zombie" alone
is "$(descriptors)" "$fds" "as many descriptors as before"
now=$(rss_kb)
diag "memory of the listener: $rss kB, then $now kB"
check "no memory is left behind" test $((now - rss)) -lt 2048
run ossh "$LOGIN@$LO" 'echo in'
is "$(cat "$OUT")" in "a good client gets in"
stop_server
unlike "$(cat "$SERVER_LOG")" 'Sanitizer|ended by signal' "nothing crashed"
done_testing
