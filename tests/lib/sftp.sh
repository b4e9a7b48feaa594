#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of files share; source it after tests/lib.sh.
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3
TESTLIB=$OE_SRCDIR/tests/lib
OPENSSH_SFTP_SERVER=/usr/lib/openssh/sftp-server
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore

# has_command NAME: omniedge has this command.
has_command() {
	"$OMNIEDGE" "$1" --help >/dev/null 2>&1
}

# sftp_results NAME COMMAND...: run a program that prints results as lines
# "ok TEXT", "no TEXT", "skip TEXT|WHY" and "# ..."; its exit status is one
# more result.  Many that are fine make one result in all.  RESULTS_USER runs
# it, for at most RESULTS_LIMIT seconds.
sftp_results() {
	local name=$1 line good=0 bad=0 log=$T/results.err
	shift
	while IFS= read -r line; do
		case $line in
		'ok '*) good=$((good + 1)) ;;
		'no '*)
			bad=$((bad + 1))
			not_ok "$name: ${line#no }"
			;;
		'skip '*)
			line=${line#skip }
			skip "$name: ${line%%|*}" "${line#*|}"
			;;
		'# '*) diag "${line#\# }" ;;
		*) diag "$line" ;;
		esac
	done < <(as_user "${RESULTS_USER:-$ME}" timeout -k 5 \
		"${RESULTS_LIMIT:-120}" "$@" 2>"$log"
		echo "# exit status $?" >"$T/results.status")
	if [ "$(cat "$T/results.status")" != '# exit status 0' ]; then
		not_ok "$name: $(cat "$T/results.status")"
		diag_file "$log"
		return 1
	fi
	if [ "$good" = 0 ]; then
		not_ok "$name: gives results"
		return 1
	fi
	ok "$name: $good checks are fine"
	[ "$bad" = 0 ]
}

# quiet_log FILE WHO: no sanitizer and no crash speaks in it.
quiet_log() {
	if grep -aqE 'Sanitizer|runtime error:|ended by signal' "$1"; then
		not_ok "$2: nothing crashed"
		diag_file "$1"
		return 1
	fi
	ok "$2: nothing crashed"
}

# tree DIR [small]: a tree of odd names, holes, times and modes.
# same_tree A B [OPTION...]: contents, kinds, modes and times are equal.
tree() {
	"$PYTHON" "$TESTLIB/tree.py" make "$@"
}

same_tree() {
	"$PYTHON" "$TESTLIB/tree.py" same "$@"
}

# on_tmpfs DIR SIZE: mounts (root only; not in every container).
OWN_MOUNTS=()
on_tmpfs() {
	mkdir -p "$1"
	mount -t tmpfs -o "size=$2,mode=755" tmpfs "$1" 2>/dev/null || return 1
	OWN_MOUNTS+=("$1")
}

leave_mounts() {
	local m
	for m in "${OWN_MOUNTS[@]}"; do
		umount -l "$m" 2>/dev/null
	done
	OWN_MOUNTS=()
}
# cleanup of lib.sh looks at the status that the script ends with.
leave() {
	local status=$?
	leave_mounts
	(exit "$status")
	cleanup
}
trap leave EXIT
