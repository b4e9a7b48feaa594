#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What README says about a mesh of one's own is done as it stands there: three
# hosts, a control server, an account that must set a password, a network, a
# policy, a login by name.  Its lines "HOST$ COMMAND" and "HOST# COMMAND" run on
# that host, as a user or as root, in their order.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
am_root || skip_all "hosts of its own, and a robot that runs as root: needs root"
need python3 ip unshare nsenter setpriv
for m in client server mesh control; do
	has_module "$m" || skip_all "module $m is not built"
done
[ -f "$OE_SRCDIR/README.md" ] || skip_all "no README.md here"

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
make_user readme || bail "cannot make a user"
DEMO=oedemo$$
PASSWORD='one for the walk-through'
chmod 755 "$T"
mkdir "$T/bin"
cp "$OMNIEDGE" "$T/bin/omniedge"

# --- hosts: namespaces on a bridge, each with eth0 -----------------------------------

declare -A HOST
unshare --net sleep infinity 3>&- &
own $!
HUB=$!
apart() {
	[ "$(readlink "/proc/$1/ns/$2")" != "$(readlink "/proc/$$/ns/$2")" ] &&
		[ "$(cat "/proc/$1/comm")" = sleep ]
}
wait_for 30 apart "$HUB" net || skip_all "no network namespaces, even for root"
nsenter -t "$HUB" --net ip link add name lan type bridge 2>"$T/bridge" ||
	skip_all "no bridge between namespaces, even for root"
nsenter -t "$HUB" --net ip link set lan up
n=1
for h in control laptop robot-1; do
	unshare --net --uts sleep infinity 3>&- &
	own $!
	HOST[$h]=$!
	wait_for 30 apart "${HOST[$h]}" uts || bail "no host $h"
	nsenter -t "$HUB" --net ip link add "to$n" type veth peer name eth0 \
		netns "${HOST[$h]}"
	nsenter -t "$HUB" --net ip link set "to$n" master lan up
	nsenter -t "${HOST[$h]}" --net --uts sh -c "hostname $h
		ip link set lo up; ip link set eth0 up
		ip addr add 192.0.2.$n/24 dev eth0"
	n=$((n + 1))
	mkdir "$T/$h"
done
chown "$USER_NAME:" "$T/control" "$T/laptop"

# place HOST PROMPT: sets at, what a command runs by there.
place() {
	at=(nsenter -t "${HOST[$1]}" --net --uts --wdns="$T/$1")
	[ "$2" = '#' ] || at+=(setpriv --reuid "$USER_NAME" --regid \
		"$(id -g "$USER_NAME")" --init-groups)
	at+=(env "HOME=$T/$1" "PATH=$T/bin:$PATH"
		"OMNIEDGE_SSH_SERVER_HOST_KEY_PATH=$T/$1/hostkeys")
}

# --- README ----------------------------------------------------------------------------

# Lines of the section; one that goes on has a quote that is still open.
sed -n '/^## A mesh, by name/,/^## The server/p' "$OE_SRCDIR/README.md" |
	awk '/^    [a-z0-9-]+[$#] / { if (c) print c; c = substr($0, 5)
			q = gsub(/\047/, "&", $0) % 2; next }
		q { c = c " " substr($0, 5); q = (gsub(/\047/, "&", $0) + 1) % 2
			next }
		{ if (c) print c; c = "" }' >"$T/lines"
is "$(grep -c . "$T/lines")" 14 "README has its commands"

in_background() {
	local at
	place "$1" "$2"
	"${at[@]}" bash -c "exec $3" >"$T/$1.out" 2>"$T/$1.log" 3>&- &
	own $!
}

# step HOST PROMPT COMMAND
step() {
	local at what="README: $1$2 ${3%%#*}" c=$3
	place "$1" "$2"
	c=${c//demo/$DEMO}
	case $c in
	*'control-server --public-url'*)
		in_background "$@"
		check "$what" wait_for 60 grep -q 'log in with' "$T/$1.log"
		PIN=$(grep -o 'sha256//[^ ]*' "$T/$1.log" | head -n 1)
		return
		;;
	*'ssh-server --api'*)
		in_background "$@"
		check "$what" wait_for 60 grep -q '"1 rule"' "$T/$1.out"
		return
		;;
	*'omniedge login'*)
		run python3 "$OE_SRCDIR/tests/lib/typist.py" \
			"${TYPE[@]}" -- "${at[@]}" bash -c "${c//sha256\/\/.../$PIN}"
		TYPE=('Password of you@example.org: ' "$PASSWORD")
		;;
	sudo*)
		# shellcheck disable=SC2046 # the words of a command
		set -- $("${at[@]}" bash -c "${c/sudo/echo}")
		run nsenter -t "${HOST[laptop]}" --net "$@"
		;;
	*)
		run "${at[@]}" bash -c "$c"
		;;
	esac
	[[ $c != useradd* ]] || OWN_USERS+=("$DEMO")
	status_is 0 "$what"
	case $c in
	*' init '*)
		TYPE=('Password of you@example.org: '
			"$(sed -n 's/^one-time password: //p' "$OUT")"
			'New password: ' "$PASSWORD"
			'New password, again: ' "$PASSWORD")
		;;
	esac
}

while read -r -u 4 line; do
	h=${line%%[\$#] *}
	p=${line:${#h}:1}
	# the robot's keys have to be with the API before it can be known by them
	if [[ $line == *'omniedge ssh demo@'* ]]; then
		place laptop "\$"
		wait_for 60 eval '"${at[@]}" omniedge resolve --refresh --json \
			robot-1 | grep -q ssh_port'
	fi
	step "$h" "$p" "${line#*[\$#] }"
done 4<"$T/lines"
is "$(cat "$OUT")" robot-1 "and there one is, by name"
unlike "$(cat "$ERR")" 'authenticity|Permanently' "without a question"
done_testing
