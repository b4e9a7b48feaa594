#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions that nobody should have to review, and words that have no place
# in finished source.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"

# code FILE...: the text without comments and strings, "file:line: text".
code() {
	(cd "$OE_SRCDIR" && awk '
	FNR == 1 { in_comment = 0 }
	{
		line = $0
		out = ""
		while (line != "") {
			if (in_comment) {
				i = index(line, "*/")
				if (!i) { line = ""; break }
				line = substr(line, i + 2)
				in_comment = 0
				continue
			}
			c = substr(line, 1, 1)
			if (substr(line, 1, 2) == "/*") {
				in_comment = 1
				line = substr(line, 3)
			} else if (substr(line, 1, 2) == "//") {
				line = ""
			} else if (c == "\"" && match(line, /^"([^"\\]|\\.)*"/)) {
				out = out "\"\""
				line = substr(line, RLENGTH + 1)
			} else if (c == "\047" && \
			    match(line, /^\047([^\047\\]|\\.)*\047/)) {
				out = out "0"
				line = substr(line, RLENGTH + 1)
			} else {
				out = out c
				line = substr(line, 2)
			}
		}
		if (out !~ /^[ \t]*$/)
			print FILENAME ":" FNR ": " out
	}' "$@" /dev/null)
}

# shellcheck disable=SC2046 # our file names have no spaces
code $(c_files | grep '^src/') >"$LINT_TMP/src"

# banned WHY NAME...: a call of one of the functions.
banned() {
	why=$1
	shift
	names=$(printf '%s|' "$@")
	grep -E "(^|[^A-Za-z0-9_.>])(${names%|})[[:space:]]*\(" "$LINT_TMP/src" |
		verdict "$why: $*"
}

banned "no bound" strcpy strcat stpcpy sprintf vsprintf gets
banned "hidden state" strtok localtime gmtime asctime ctime readdir_r
banned "no error result" atoi atol atoll atof
# SSH_ASKPASS may be a bare name, as ssh has it; the client runs as its user.
sed -i '/^src\/client\/prompt\.c:.*execlp(program, program, prompt,/d' "$LINT_TMP/src"
banned "a shell or a search path in between" system popen execlp execvp execvpe
banned "no limit on the stack" alloca strdupa strndupa
banned "races" tmpnam tempnam mktemp
banned "no proof of initialisation" bcopy bzero bcmp
banned "predictable" rand srand random drand48
banned "half-defined" vfork longjmp setjmp scanf sscanf fscanf
# Taking away is good; the one variable is for a listener that replaces itself.
grep -E '^src/server/' "$LINT_TMP/src" |
	grep -E '(^|[^A-Za-z0-9_])(setenv|putenv|clearenv)[[:space:]]*\(' |
	grep -v 'setenv(OE_SRV_KEPT,' |
	verdict "the server adds nothing to its own environment"

(cd "$OE_SRCDIR" && c_files | xargs grep -nE \
	'\b(TODO|FIXME|XXX|HACK)\b|for now|not (yet )?implemented' /dev/null) |
	verdict "nothing left for later"
(cd "$OE_SRCDIR" && c_files | xargs grep -L \
	'^/\* SPDX-License-Identifier: Apache-2\.0 \*/$' /dev/null |
	grep -v /dev/null) | verdict "each file names its licence"
(cd "$OE_SRCDIR" && files -o -name '*.h' | grep '^src/' |
	xargs grep -L '^#pragma once$') | verdict "each header guards itself"
grep -E '(^|[^A-Za-z0-9_])typedef[[:space:]]+(struct|enum|union)' "$LINT_TMP/src" |
	verdict "no typedef of a struct"

# goto goes to "out" only.
grep -E '(^|[^A-Za-z0-9_])goto[[:space:]]' "$LINT_TMP/src" |
	grep -vE 'goto[[:space:]]+out;' | verdict "goto goes to out only"
done_testing
