#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files and functions that a reader can hold: the limits are above the aims
# of DESIGN.md, so that what breaks them wants splitting, not a discussion.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
FILE_MAX=700
FUNCTION_MAX=90
IF_PER_1000=2

(cd "$OE_SRCDIR" && c_files | xargs awk -v max="$FILE_MAX" '
	FNR == 1 && name != "" && n > max { print name ": " n " lines" }
	{ name = FILENAME; n = FNR }
	END { if (n > max) print name ": " n " lines" }') |
	verdict "no file above $FILE_MAX lines"

# A function runs from a "{" in column 0 to the "}" in column 0.
(cd "$OE_SRCDIR" && c_files | xargs awk -v max="$FUNCTION_MAX" '
	FNR == 1 { start = 0; head = "" }
	/^\{/ { start = FNR; fn = head }
	/^\}/ && start {
		if (FNR - start - 1 > max)
			print FILENAME ":" start ": " fn " " FNR - start - 1 " lines"
		start = 0
	}
	/^[a-z_A-Z0-9]+\(/ { head = $1 }') |
	verdict "no function above $FUNCTION_MAX lines"

(cd "$OE_SRCDIR" && files -o -name '*.c' | grep '^src/' | xargs awk \
	-v max="$IF_PER_1000" '
	{ lines++ }
	/^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)/ {
		n++
		where = where "\n" FILENAME ":" FNR ": " $0
	}
	END {
		if (n * 1000 > lines * max)
			print n " conditionals in " lines " lines:" where
	}') | verdict "at most $IF_PER_1000 #if in 1000 lines"

(cd "$OE_SRCDIR" && c_files | grep -v '^tests/' | xargs awk '
	{
		gsub(/\t/, "        ")
		if (length($0) > 80)
			print FILENAME ":" FNR ": " length($0) " columns"
	}') | verdict "80 columns"
done_testing
