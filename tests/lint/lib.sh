# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# lib.sh - what lints share.  A lint prints TAP and looks at the source tree
# ($OE_SRCDIR) or the build tree ($OE_BUILDDIR), of a checkout or of a
# release alike: it asks find, not git.

set -u
here=$(dirname "$0")
OE_SRCDIR=$(cd "${OE_SRCDIR:-$here/../..}" && pwd)
OE_BUILDDIR=${OE_BUILDDIR:-$PWD}
export LC_ALL=C.UTF-8
LINT_TMP=$(mktemp -d) || exit 1
trap 'rm -rf "$LINT_TMP"' EXIT

# verdict TEXT: one result; complaints are on stdin, none is good.
verdict() {
	complaints=$(cat)
	# counted in a file: a pipe's last command may be a subshell
	echo >>"$LINT_TMP/count"
	n=$(wc -l <"$LINT_TMP/count")
	if [ -z "$complaints" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$complaints" | sed 's/^/# /'
	fi
}

skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

done_testing() {
	echo "1..$(wc -l <"$LINT_TMP/count")"
}

# files PATTERN...: source files whose name matches, relative to the source
# tree; build trees, and what autotools write, are not source.
files() {
	(cd "$OE_SRCDIR" && find . \
		\( -name .git -o -name 'build-*' -o -name build \
		-o -name autom4te.cache -o -path ./omniedge-0\* \
		-o -name _build -o -name _inst \
		-o -path ./debian/omniedge -o -path ./debian/tmp \
		-o -path ./debian/.debhelper -o -path ./tests/fuzz/corpus \) -prune \
		-o -type f \( -false "$@" \) -print) | sed 's|^\./||' | sort
}

c_files() {
	files -o -name '*.[ch]'
}
