#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# postgres.sh - a PostgreSQL of a test's own, on a Unix socket in its folder.
#
#	postgres.sh start DIR [PID]	prints the URL; DIR is made; it ends
#				with process PID, however that ends
#	postgres.sh stop DIR	ends it and removes DIR
#	postgres.sh crash DIR	ends it without a word to anybody, as a kill
#				does, and starts it again
#
# Run as root it is the account postgres, which the package makes, that owns
# it.  Exit status 77: there is no PostgreSQL here.
set -u
verb=$1 dir=$2

# The newest version that Debian has installed, or what is in PATH.
bin=
for d in /usr/lib/postgresql/*/bin; do
	[ -x "$d/initdb" ] && bin=$d
done
if [ -z "$bin" ]; then
	d=$(command -v initdb) || exit 77
	bin=$(dirname "$d")
fi

as_owner() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
	else
		"$@"
	fi
}

start() {
	mkdir -m 700 "$dir" || exit 1
	if [ "$(id -u)" = 0 ]; then
		id postgres >/dev/null 2>&1 || exit 77
		chown postgres: "$dir" || exit 1
	fi
	cd / && as_owner "$bin/initdb" -D "$dir/data" -U test -A trust -N \
		-E UTF8 --locale=C >"$dir.log" 2>&1 || return 1
	run || return 1
	printf 'postgresql:///postgres?host=%s&user=test\n' "$dir"
}

# The folder is short-lived: nothing of it has to survive the machine.
run() {
	as_owner "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 120 \
		-o "-k '$dir' -c listen_addresses= -c fsync=off" start \
		>>"$dir.log" 2>&1
}

crash() {
	cd / || return 1
	as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 120 stop \
		>>"$dir.log" 2>&1 && run
}

stop() {
	as_owner "$bin/pg_ctl" -D "$dir/data" -m immediate -w -t 120 stop \
		>/dev/null 2>&1
	rm -rf "$dir" "$dir.log"
}

# watch PID: a test that crashes cannot stop it itself.
watch() {
	while kill -0 "$1" && [ -d "$dir" ]; do
		sleep 1
	done
	[ ! -d "$dir" ] || stop
}

case $verb in
start)
	start || {
		cat "$dir.log" >&2
		[ -f "$dir/log" ] && cat "$dir/log" >&2
		exit 1
	}
	# as a list behind "&" it would keep the caller's pipe open
	if [ -n "${3-}" ]; then
		watch "$3" >/dev/null 2>&1 </dev/null 3>&- &
	fi
	;;
stop) stop ;;
crash) crash ;;
esac
