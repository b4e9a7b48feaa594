# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# lib.sh - what integration tests share; source it first:
#
#	. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
#	start_server
#	run oe_ssh "$ME@127.0.0.1" 'echo hi'
#	is "$STATUS" 0 "a command over a key login"
#	is "$(cat "$OUT")" hi "its output"
#	done_testing
#
# Results are TAP on stdout; everything else goes to stderr.  A test has a
# folder of its own, $T, and talks on loopback only.  On the way out it ends
# the processes that it started, by pid, and removes the users it made.

set -u
# What root's own shell reads at login (a version manager that waits a minute
# for the lock of one that was killed) is not part of a test: hidden in a
# mount namespace of the test's own.
if [ "$(id -u)" = 0 ] && [ -z "${OE_NO_RC:-}" ] &&
	unshare -m true 2>/dev/null; then
	# shellcheck disable=SC2016 # for the shell inside
	OE_NO_RC=1 exec unshare -m "$BASH" -c '
		for f in .bashrc .bash_profile .bash_login .profile; do
			[ ! -e "$1/$f" ] || mount --bind /dev/null "$1/$f"
		done
		shift
		exec "$BASH" "$@"' bash \
		"$(getent passwd 0 | cut -d: -f6)" "$0" "$@"
fi
OE_SRCDIR=$(cd "${OE_SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
OE_BUILDDIR=${OE_BUILDDIR:-$PWD}
OMNIEDGE=${OMNIEDGE:-$OE_BUILDDIR/omniedge}
export OE_SRCDIR OE_BUILDDIR OMNIEDGE
export LC_ALL=C.UTF-8 TZ=UTC
# Key files that others may write are refused, whatever the caller's umask.
umask 022
# The caller's agent, terminal settings and options are not part of a test.
unset SSH_AUTH_SOCK SSH_ASKPASS SSH_ASKPASS_REQUIRE DISPLAY "${!OMNIEDGE_@}"

T=$(mktemp -d "${TMPDIR:-/tmp}/oe-test.XXXXXX")
chmod 711 "$T"
export T HOME=$T/home
mkdir "$HOME"
# shellcheck disable=SC2034 # for the tests
ME=$(id -un) LO=127.0.0.1
OUT=$T/out ERR=$T/err STATUS=
exec 3>&1 </dev/null

# --- TAP ---------------------------------------------------------------------

TAP_N=0

# ok TEXT / not_ok TEXT: one result.
ok() {
	TAP_N=$((TAP_N + 1))
	printf 'ok %d - %s\n' "$TAP_N" "${1//#/}" >&3
}

not_ok() {
	TAP_N=$((TAP_N + 1))
	printf 'not ok %d - %s\n' "$TAP_N" "${1//#/}" >&3
}

# skip TEXT WHY: one result that could not be had here.
skip() {
	TAP_N=$((TAP_N + 1))
	printf 'ok %d - %s # SKIP %s\n' "$TAP_N" "${1//#/}" "$2" >&3
}

# skip_all WHY: the whole test cannot run here.
skip_all() {
	printf '1..0 # SKIP %s\n' "$1" >&3
	exit 0
}

bail() {
	printf 'Bail out! %s\n' "$1" >&3
	exit 1
}

# diag TEXT...: lines for the reader of the log.
diag() {
	printf '%s\n' "$@" | sed 's/^/# /' >&3
}

# diag_file FILE: its last lines.
diag_file() {
	[ -s "$1" ] && tail -n 30 "$1" | cat -v | sed "s|^|# ${1##*/}: |" >&3
}

done_testing() {
	printf '1..%d\n' "$TAP_N" >&3
}

# --- checks ------------------------------------------------------------------

# is GOT WANT TEXT
is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3"
		diag "got:  $(printf %s "$1" | head -c 2000 | cat -v)" \
			"want: $(printf %s "$2" | head -c 2000 | cat -v)"
		return 1
	fi
}

# like GOT REGEX TEXT: extended regular expression.
like() {
	if grep -qE -e "$2" <<<"$1"; then
		ok "$3"
	else
		not_ok "$3"
		diag "got:    $(printf %s "$1" | head -c 2000 | cat -v)" \
			"wanted: /$2/"
		return 1
	fi
}

unlike() {
	if grep -qE -e "$2" <<<"$1"; then
		not_ok "$3"
		diag "got:      $(printf %s "$1" | head -c 2000 | cat -v)" \
			"unwanted: /$2/"
		return 1
	fi
	ok "$3"
}

# check TEXT COMMAND...: the command succeeds.
check() {
	local text=$1
	shift
	if "$@" >"$OUT" 2>"$ERR"; then
		ok "$text"
	else
		not_ok "$text"
		diag "exit status $?: $*"
		diag_file "$OUT"
		diag_file "$ERR"
		return 1
	fi
}

# run COMMAND...: at most RUN_LIMIT seconds; leaves $STATUS, $OUT and $ERR.
# A function is run too, its time limit is then its own affair.
RUN_LIMIT=60
run() {
	if [ "$(type -t "$1")" = file ]; then
		timeout -k 5 "$RUN_LIMIT" "$@" >"$OUT" 2>"$ERR"
	else
		"$@" >"$OUT" 2>"$ERR"
	fi
	STATUS=$?
}

# status_is WANT TEXT: what run left; shows the output when it differs.
status_is() {
	is "$STATUS" "$1" "$2" && return
	diag_file "$OUT"
	diag_file "$ERR"
	return 1
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

need() {
	local p
	for p; do
		command -v "$p" >/dev/null || skip_all "no $p here"
	done
}

# has_module NAME: it is in this build.
has_module() {
	"$OMNIEDGE" version --json | grep -q "{\"name\":\"$1\","
}

am_root() {
	[ "$(id -u)" = 0 ]
}

# is_sanitized: $OMNIEDGE is an AddressSanitizer build.
is_sanitized() {
	grep -qa __asan_init "$OMNIEDGE"
}

# --- processes and ports -----------------------------------------------------

OWN_PIDS=()
# When each began: numbers come back, and then mean somebody else's process.
declare -A OWN_BORN=()

# born PID: when it began, as the kernel counts; nothing when it has gone.
born() {
	local s
	{ read -r s <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -ra s <<<"${s##*) }"
	echo "${s[19]}"
}

# own PID...: to be ended with the test.
own() {
	local p
	OWN_PIDS+=("$@")
	for p; do
		OWN_BORN[$p]=$(born "$p")
	done
}

# A zombie that nobody has waited for yet is not alive.
alive() {
	local s
	{ read -r s <"/proc/$1/stat"; } 2>/dev/null || return 1
	s=${s##*) }
	[ "${s%% *}" != Z ]
}

# children_of PID: the pids below it, all generations.
children_of() {
	local c
	for c in $(ps -o pid= --ppid "$1" 2>/dev/null); do
		echo "$c"
		children_of "$c"
	done
}

# stop PID: TERM, then after 5 seconds KILL for it and what is below it.
stop() {
	local below="" c
	alive "$1" || return 0
	[ "${OWN_BORN[$1]-$(born "$1")}" = "$(born "$1")" ] || return 0
	for c in $(children_of "$1"); do
		below+=" $c:$(born "$c")"
	done
	kill -TERM "$1" 2>/dev/null
	wait_for 5 eval "! alive $1" || kill -KILL "$1" 2>/dev/null
	for c in $below; do
		wait_for 1 eval "! alive ${c%:*}" ||
			[ "$(born "${c%:*}")" != "${c#*:}" ] ||
			kill -KILL "${c%:*}" 2>/dev/null
	done
	wait "$1" 2>/dev/null
	return 0
}

# listening PORT: something listens there (read from the kernel's table: a
# probe by connecting would count as a connection).
listening() {
	local hex
	hex=$(printf ':%04X' "$1")
	awk -v p="$hex" '$4 == "0A" && substr($2, length($2) - 4) == p { f = 1 }
		END { exit !f }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# free_port: a port that nobody listens on, outside the ephemeral range.
free_port() {
	local p
	while p=$((12000 + (RANDOM * 32768 + RANDOM) % 20000)); listening "$p"; do
		:
	done
	echo "$p"
}

# start_listening VAR LOG COMMAND...: run a daemon that is to listen on the
# port which replaces @PORT@ in its arguments (and in $DAEMON_CONF if set);
# tries others when the port was taken meanwhile.  Sets VAR_PID, VAR_PORT.
start_listening() {
	local var=$1 log=$2 try port pid
	shift 2
	for try in 1 2 3 4 5; do
		port=$(free_port)
		if [ -n "${DAEMON_CONF:-}" ]; then
			sed "s/@PORT@/$port/g" "$DAEMON_CONF.in" >"$DAEMON_CONF"
		fi
		"${@//@PORT@/$port}" >"$log" 2>&1 3>&- &
		pid=$!
		if wait_for 60 eval "listening $port || ! alive $pid" &&
			alive "$pid"; then
			own "$pid"
			printf -v "${var}_PID" %s "$pid"
			printf -v "${var}_PORT" %s "$port"
			return 0
		fi
		kill -KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		grep -qiE 'in use|has this port' "$log" || break
	done
	diag "did not start (try $try): $*"
	diag_file "$log"
	return 1
}

# --- our server --------------------------------------------------------------

SERVER_N=0
SERVER_ENV=() # more environment of it: NAME=VALUE

# start_server [OPTION...]: omniedge ssh-server in the background.  Unless
# they are given: -b 127.0.0.1, host keys in $T/hostkeys, the key $T/id is
# allowed, no strict modes, JSON events.  SERVER_BARE=1 leaves the defaults out.
# Sets SERVER_PID, SERVER_PORT, SERVER_LOG.
start_server() {
	local args=(-p @PORT@)
	SERVER_N=$((SERVER_N + 1))
	SERVER_LOG=$T/server$SERVER_N.log
	if [ -z "${SERVER_BARE:-}" ]; then
		[[ " $* " =~ \ (-b|--bind)[\ =] ]] || args+=(-b "$LO")
		[[ " $* " =~ \ --host-key-path[\ =] ]] ||
			args+=(--host-key-path "$T/hostkeys")
		[[ " $* " =~ \ --log-format[\ =] ]] || args+=(--log-format json)
		# $T is below /tmp, which everybody can write to
		[[ " $* " =~ \ --strict-modes\  ]] || args+=(--no-strict-modes)
		if ! [[ " $* " =~ \ (--authorized-keys|--trust-network|--trusted-ca|--config)[\ =] ]]
		then
			[ -f "$T/id" ] || make_key id
			[ -f "$T/authorized_keys" ] ||
				cp "$T/id.pub" "$T/authorized_keys"
			args+=(--authorized-keys "$T/authorized_keys")
		fi
	fi
	DAEMON_CONF='' start_listening SERVER "$SERVER_LOG" \
		env "${SERVER_ENV[@]}" "$OMNIEDGE" ssh-server "${args[@]}" "$@"
}

stop_server() {
	stop "$SERVER_PID"
}

# events [NAME]: event lines of the server started last.
events() {
	if [ $# = 0 ]; then
		grep -a '^{' "$SERVER_LOG"
	else
		grep -a '^{' "$SERVER_LOG" | grep -aF "\"event\":\"$1\""
	fi
}

# event_seen NAME [REGEX]: such an event was written (waits a little).
event_seen() {
	wait_for "${EVENT_LIMIT:-5}" event_matches "$1" "${2:-.}"
}

event_matches() {
	events "$1" | grep -qE -e "$2"
}

# use_port PORT: where oe_ssh and ossh go; else to the server started last.
PEER_PORT=
use_port() {
	PEER_PORT=$1
}

# oe_ssh ARG...: our client with the test's key and known_hosts.
oe_ssh() {
	timeout -k 5 "$RUN_LIMIT" "$OMNIEDGE" ssh -F /dev/null -i "$T/id" \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new \
		-p "${PEER_PORT:-${SERVER_PORT:-22}}" "$@"
}

# --- OpenSSH -----------------------------------------------------------------

# ossh ARG...: OpenSSH's client, the same way; SSH_KEY is the key's file,
# SSH_SAYS its LogLevel.
ossh() {
	timeout -k 5 "$RUN_LIMIT" ssh -F /dev/null -i "${SSH_KEY:-$T/id}" \
		-o IdentitiesOnly=yes -o BatchMode=yes \
		-o LogLevel="${SSH_SAYS:-ERROR}" \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o GlobalKnownHostsFile=/dev/null \
		-o StrictHostKeyChecking=accept-new \
		-p "${PEER_PORT:-${SERVER_PORT:-22}}" "$@"
}

# gets_in TEXT [OSSH-ARG...] / kept_out TEXT [OSSH-ARG...]: $LOGIN may log in
# to our server and run a command; or may not, by authentication.
gets_in() {
	local text=$1
	shift
	run ossh "$@" "$LOGIN@$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$text" && return
	diag_file "$ERR"
	return 1
}

kept_out() {
	local text=$1
	shift
	run ossh "$@" "$LOGIN@$LO" 'echo in'
	is "$STATUS $(cat "$OUT")" "255 " "$text" || return
	grep -q 'Permission denied\|authentication failures' "$ERR" && return
	diag "that was not by authentication: $text"
	diag_file "$ERR"
}

# start_sshd [CONFIG-LINE...]: OpenSSH's server with host keys of its own.
# Sets SSHD_PID, SSHD_PORT, SSHD_LOG.
start_sshd() {
	local dir=$T/sshd
	[ -x /usr/sbin/sshd ] || return 1
	mkdir -p "$dir"
	am_root && mkdir -p /run/sshd
	[ -f "$dir/host" ] ||
		ssh-keygen -q -t ed25519 -N '' -C host -f "$dir/host"
	[ -f "$T/id" ] || make_key id
	[ -f "$T/authorized_keys" ] || cp "$T/id.pub" "$T/authorized_keys"
	{
		# the first value of a keyword counts
		printf '%s\n' "$@"
		cat <<-CONF
		Port @PORT@
		ListenAddress $LO
		HostKey $dir/host
		AuthorizedKeysFile $T/authorized_keys
		StrictModes no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin yes
		PidFile none
		UsePAM no
		MaxStartups 500
		CONF
		# this one may be there once only
		[[ " $* " == *' Subsystem sftp '* ]] ||
			echo 'Subsystem sftp internal-sftp'
	} >"$dir/config.in"
	SSHD_LOG=$T/sshd.log
	DAEMON_CONF=$dir/config start_listening SSHD "$SSHD_LOG" \
		/usr/sbin/sshd -D -e -f "$dir/config"
}

# each_peer FUNCTION: run it against our server, then against sshd; both are
# running already.  Sets PEER, "ours" or "sshd", for the texts of results.
each_peer() {
	PEER=ours
	use_port "$SERVER_PORT"
	"$1"
	PEER=sshd
	use_port "$SSHD_PORT"
	"$1"
	use_port ''
}

# make_key NAME [TYPE [OPTION...]]: $T/NAME and $T/NAME.pub, no passphrase.
make_key() {
	ssh-keygen -q -t "${2:-ed25519}" -N '' -C "$1" -f "$T/$1" "${@:3}" \
		</dev/null
}

# --- users (root only) -------------------------------------------------------

OWN_USERS=()

# make_user NAME: a user called oe-NAME-PID with a home under $T; prints
# nothing, sets USER_NAME and USER_HOME.
make_user() {
	am_root || return 1
	USER_NAME=oe$1$$
	USER_HOME=$T/home-$1
	useradd --create-home --home-dir "$USER_HOME" --skel /dev/null \
		--shell "${2:-/bin/bash}" --comment "omniedge test" \
		"$USER_NAME" 2>&1 || return 1
	OWN_USERS+=("$USER_NAME")
}

# login_user NAME: who logs in by a test: as root a user made for it, else
# ourselves.  Sets LOGIN and LOGIN_HOME.
# shellcheck disable=SC2034 # for the tests
login_user() {
	LOGIN=$ME LOGIN_HOME=$(getent passwd "$ME" | cut -d: -f6)
	am_root || return 0
	make_user "$1" || bail "cannot make a user"
	LOGIN=$USER_NAME LOGIN_HOME=$USER_HOME
}

# authorize LINE...: what $T/authorized_keys consists of.
authorize() {
	printf '%s\n' "$@" >"$T/authorized_keys"
}

# allow_key USER HOME PUBFILE: ~/.ssh/authorized_keys with one more line.
allow_key() {
	install -d -m 700 -o "$1" -g "$1" "$2/.ssh"
	cat "$3" >>"$2/.ssh/authorized_keys"
	chown "$1:" "$2/.ssh/authorized_keys"
	chmod 600 "$2/.ssh/authorized_keys"
}

# as_user USER COMMAND...: run as that user; as a plain user just run.
as_user() {
	local u=$1
	shift
	if ! am_root; then
		"$@"
		return
	fi
	setpriv --reuid "$u" --regid "$(id -g "$u")" --init-groups "$@"
}

remove_user() {
	local p uid
	uid=$(id -u "$1" 2>/dev/null) || return 0
	for p in $(ps -o pid= -U "$uid"); do
		kill -KILL "$p" 2>/dev/null
	done
	wait_for 5 eval "! ps -o stat= -U $uid | grep -qv '^Z'"
	userdel -f "$1" >/dev/null 2>&1
}

# Folders that are not below $T, to be removed with the test.
OWN_FOLDERS=()

# --- the way out -------------------------------------------------------------

cleanup() {
	local status=$? p u
	trap - EXIT INT TERM HUP
	for p in "${OWN_PIDS[@]}"; do
		stop "$p"
	done
	for u in "${OWN_USERS[@]}"; do
		remove_user "$u"
	done
	[ "${#OWN_FOLDERS[@]}" = 0 ] || rm -rf "${OWN_FOLDERS[@]}"
	if [ -n "${OE_KEEP:-}" ]; then
		echo "kept: $T" >&2
	else
		rm -rf "$T"
	fi
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
