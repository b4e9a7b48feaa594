#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every C file is as clang-format would write it (.clang-format).
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
command -v clang-format >/dev/null || skip_all "no clang-format"

for f in $(c_files); do
	(cd "$OE_SRCDIR" && clang-format --dry-run -Werror --style=file "$f" 2>&1 |
		grep -E 'error:' | head -n 3)
done | verdict "clang-format has nothing to change"

(cd "$OE_SRCDIR" && c_files | xargs awk '
	/[ \t]$/ { print FILENAME ":" FNR ": space at the end of the line" }
	/\r/ { print FILENAME ":" FNR ": carriage return" }') |
	verdict "no stray white space"
done_testing
