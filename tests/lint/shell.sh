#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shell scripts: shellcheck, and the execute bit that each needs.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
command -v shellcheck >/dev/null || skip_all "no shellcheck"

scripts=$(cd "$OE_SRCDIR" && { files -o -name '*.sh'
	files -o -path './contrib/*' -o -path './.ci/*' -o -path './debian/*' \
		-o -path './tests/*' | xargs grep -lE '^#!/bin/(ba)?sh'
} | grep -vE '^(build-aux/|configure|libtool)' | sort -u)

for f in $scripts; do
	(cd "$OE_SRCDIR" && shellcheck -f gcc "$f")
done | verdict "shellcheck finds nothing"

for f in $scripts; do
	case $f in
	*/lib.sh | debian/*) ;;
	*) [ -x "$OE_SRCDIR/$f" ] || echo "$f" ;;
	esac
done | verdict "scripts can be executed"
done_testing
