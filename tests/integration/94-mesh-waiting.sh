#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a login costs those who do not need it, and who waits for the control
# API: addresses and hosts of ssh_config ask nobody, unknown names ask once and
# then for a while not, and what is on disk is renewed behind the command.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/mesh.sh"
need python3 jq
"$OMNIEDGE" login --help >/dev/null 2>&1 || skip_all "module mesh is not built"

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
CACHE=$HOME/.omniedge/cache
LIST=/api/v2/virtual-networks/all/list

# settings ARG...: where ssh would go, without going there.
settings() {
	run "$OMNIEDGE" ssh -F "$T/conf" -G "$@"
}

# goes_to ADDRESS TEXT: what settings left.
goes_to() {
	is "$(sed -n 's/^hostname //p' "$OUT")" "$1" "$2" || diag_file "$ERR"
}

# network ADDRESS: with one device there.
network() {
	echo "[{\"id\":\"vnw_lab\",\"name\":\"lab\",\"devices\":[{\"id\":\"dev_1\",
		\"name\":\"robot-1\",\"virtual_ip\":\"$1\"}]}]"
}

# directory: the file of the peers.
directory() {
	find "$CACHE" -name 'peers-*' ! -name '*.*'
}

# older SECONDS: the directory is, by so much.
older() {
	python3 - "$(directory)" "$1" <<-'PY'
		import struct, sys
		with open(sys.argv[1], "r+b") as f:
		    f.seek(16)
		    ms = struct.unpack("=q", f.read(8))[0]
		    f.seek(16)
		    f.write(struct.pack("=q", ms - 1000 * int(sys.argv[2])))
	PY
}

# renewing: some process is at it.
renewing() {
	! flock -n "$(directory).renewing" true
}

# offline ADDRESS: the peer is there, says the disk.
offline() {
	[ "$("$OMNIEDGE" resolve --offline robot-1 2>/dev/null)" = "$1" ]
}

cat >"$T/conf" <<-'CONF'
	Host named
	    HostName 192.0.2.7
	Host proxied
	    ProxyCommand nc %h %p
CONF

start_api
say POST /api/v2/auth/login/security-key 200 '{"token":"jwt1","refresh_token":"r1"}'
say GET /api/v2/profile 200 '{"id":"usr_1","email":"me@example.org"}'
echo key | "$OMNIEDGE" login -s - --api "$API" 2>"$ERR" || bail "no login"

# --- who asks nobody ------------------------------------------------------------

hear_nothing
for host in 192.0.2.1 me@192.0.2.1 2001:db8::1 127.0.0.1 named me@named proxied \
	me@proxied; do
	settings "$host"
	status_is 0 "$host: where it is"
	is "$(asked)" 0 "$host: no call for it, nothing being on disk"
done
run "$OMNIEDGE" nc -w 1 127.0.0.1 1
is "$(asked)" 0 "nor for nc to an address"

# --- one try, and then none for a while ---------------------------------------------

say GET $LIST 503 '{"message":"busy"}'
settings me@unknown
goes_to unknown "an API that is away: the name is the system's"
like "$(cat "$ERR")" "peers are not known: .*busy" "which is told"
is "$(asked $LIST)" 1 "it was asked once"
settings unknown
goes_to unknown "and again"
like "$(cat "$ERR")" "not known: .*a moment ago" "told, too"
is "$(asked $LIST)" 1 "without asking"
for step in '15 0' '10 1' '25 0' '20 1' '60 0' '30 1'; do
	read -r ago more <<<"$step"
	before=$(asked $LIST)
	# the note is so much older than it was
	touch -d "$(stat -c %y "$(echo "$CACHE"/*.away)") $ago seconds ago" \
		"$CACHE"/*.away
	settings unknown
	is "$(($(asked $LIST) - before))" "$more" \
		"pauses that grow: $ago s later, calls"
done
run "$OMNIEDGE" peers
is "$(($(asked $LIST) - before))" 4 "who asks for peers asks, and insists"
hear_nothing
say GET $LIST 200 "$(network 100.64.0.1)"
run "$OMNIEDGE" peers
status_is 0 "an API that is back"
check "is no longer noted to be away" test ! -e "$(directory).away"

# --- what a shell completes ---------------------------------------------------------

odd() {
	printf '{"id":"dev_%s","name":"%s","virtual_ip":"100.64.0.1%s"}' \
		"$1" "$2" "$1"
}
hear_nothing
say GET $LIST 200 "[{\"id\":\"vnw_lab\",\"name\":\"lab\",\"devices\":[
	$(odd 1 robot-1),$(odd 2 "robot\$(touch $T/x)"),$(odd 3 -robot)]}]" \
	'"times":1'
"$OMNIEDGE" peers --refresh >"$T/peers" 2>&1
is "$(wc -l <"$T/peers")" 4 "three peers, two of which have odd names"
hear_nothing
mkdir "$T/bin" "$T/empty"
ln -s "$OMNIEDGE" "$T/bin/omniedge"
for shell in bash zsh; do
	command -v $shell >/dev/null || {
		skip "completion of $shell" "not installed"
		continue
	}
	"$OMNIEDGE" completion $shell >"$T/complete.$shell"
	while IFS='|' read -r line want; do
		is "$(cd "$T/empty" && PATH=$T/bin:$PATH timeout 90 python3 \
			"$OE_SRCDIR/tests/lib/complete.py" $shell \
			"$T/complete.$shell" "omniedge $line")" \
			"omniedge $want<END>" "$shell: $line"
	done <<-'LINES'
		ssh rob|ssh robot-1 
		ssh -p 22 me@rob|ssh -p 22 me@robot-1 
		ssh -J rob|ssh -J robot-1 
		sftp rob|sftp robot-1 
		nc rob|nc robot-1 
		scp rob|scp robot-1:
		scp -r x me@rob|scp -r x me@robot-1:
		forward --keep rob|forward --keep robot-1 
		forward stop rob|forward stop robot-1 
	LINES
done
is "$(asked)" 0 "which asks nobody"
check "and runs no device's name" test ! -e "$T/x"
say GET $LIST 200 "$(network 100.64.0.1)"
"$OMNIEDGE" peers --refresh >"$T/peers" 2>&1
hear_nothing

# --- behind the command ---------------------------------------------------------------

settings robot-1
goes_to 100.64.0.1 "a peer"
is "$(asked)" 0 "from the disk"
say GET $LIST 200 "$(network 100.64.0.2)"
older 300
where=$(timeout 60 "$OMNIEDGE" ssh -F "$T/conf" -G robot-1 2>&1)
like "$where" '^hostname 100.64.0.1$' "minutes later: still from there"
check "and renewed behind" wait_for 30 offline 100.64.0.2
is "$(asked $LIST)" 1 "in one call"
settings robot-1
goes_to 100.64.0.2 "which the next one has"

hear_nothing
say GET $LIST 200 "$(network 100.64.0.3)" '"how":"hang"'
older 300
for n in 1 2 3; do
	where=$(timeout 60 "$OMNIEDGE" ssh -F "$T/conf" -G robot-1 2>&1)
	like "$where" '^hostname 100.64.0.2$' "an API that hangs holds nobody, $n"
done
check "somebody waits for it" renewing
check "who asked" wait_for 30 eval "[ \$(asked $LIST) = 1 ]"
check "alone" renewing
older 7200
before=$(directory | xargs stat -c %Y)
say GET $LIST 200 "$(network 100.64.0.4)"
settings -o User=x 100.64.0.2
goes_to 100.64.0.2 "an address that a peer has"
stop "$API_PID"
check "one that breaks lets go" wait_for 60 eval '! renewing'
settings robot-1
goes_to 100.64.0.2 "hours later without it: as it was"
like "$(cat "$ERR")" "as it was 2 hours ago" "which is told"

older 7200
where=$(trap '' XFSZ; ulimit -f 0
	timeout 60 "$OMNIEDGE" ssh -F "$T/conf" -G robot-1 2>&1)
like "$where" '^hostname 100.64.0.2$' "a full disk is in nobody's way"

# --- places that cannot be written to --------------------------------------------------

rm -rf "$CACHE"
: >"$CACHE"
settings unknown
goes_to unknown "no place for notes: names of the system work"
done_testing
