#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clients that want to hurt our sftp-server, or to leave its bounds.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/sftp.sh"
need python3
has_command sftp-server || skip_all "no module sftp in this build"

login_user h
install -d -m 777 "$T/as"
for group in packets bounds mutate rules escape; do
	RESULTS_USER=$LOGIN sftp_results "hostile client" "$PYTHON" \
		"$TESTLIB/sftp_hostile_client.py" "$group" "$T/as/$group" \
		"$OMNIEDGE" || diag_file "$T/as/$group.err"
done
done_testing
