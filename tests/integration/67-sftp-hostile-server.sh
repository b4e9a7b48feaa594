#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Our scp and sftp on servers that want to hurt them, or to write where they
# were not asked to.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/sftp.sh"
need python3
has_command scp || skip_all "no module sftp in this build"

login_user v
install -d -m 777 "$T/as"
for group in get put tree hello shell; do
	RESULTS_USER=$LOGIN sftp_results "hostile server" "$PYTHON" \
		"$TESTLIB/sftp_hostile_server_run.py" "$group" \
		"$T/as/$group" "$OMNIEDGE"
done
done_testing
