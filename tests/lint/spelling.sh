#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Common misspellings, in code, scripts and documents.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
command -v codespell >/dev/null || skip_all "no codespell"

# After -L: names of variables and of options, and mistakes on purpose.
(cd "$OE_SRCDIR" && files -o -name '*.[ch]' -o -name '*.md' -o -name '*.sh' \
	-o -name '*.inc' -o -name '*.ac' -o -name '*.m4' -o -name '*.[158]' \
	-o -name '*.in' -o -name NEWS -o -path './contrib/*' \
	-o -path './debian/*' |
	xargs codespell -L inflight,fpr,nd,ro,te,ans,inout,clen,ue,hist,iff,chage,smaple,sampel,clos \
		2>/dev/null) | verdict "codespell finds nothing"
done_testing
