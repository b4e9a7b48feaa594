#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# doc/protocol/events.md names each event and each field that the server
# writes.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
cd "$OE_SRCDIR" || exit 1

names=$(cat src/core/base/event.c src/server/*.c src/forwarding/*.c src/sftp/*.c \
	src/control/*.c src/core/app/daemon.c | tr '\n' ' ' |
	grep -oE '(oe_event_(begin|str|int|bool)\(|oe_daemon_[a-z]+\(|oe_(srv__|ctl_)event\(|(session|item)_event\()[^;"]*("[a-z._]+"[^";]*)+' |
	grep -oE '"[a-z]+([._][a-z]+)*"' | tr -d '"' | sort -u
	# the server of files has a table of them
	grep -ohE '"sftp\.[a-z]+"' src/sftp/*.c | tr -d '"' | sort -u)

[ -n "$names" ] || echo "no event found"
for n in $names; do
	grep -q "\`$n\`" doc/protocol/events.md || echo "$n"
done | verdict "each event and field is in doc/protocol/events.md"
done_testing
