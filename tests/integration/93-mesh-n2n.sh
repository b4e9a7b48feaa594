#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three hosts on a mesh of n2n: from the control-server's first start to
# ssh by name under a policy, and who is believed by an address; members of
# such a mesh choose theirs themselves.
if [ "$(id -u)" = 0 ] && [ -z "${OE_IN_NAMESPACE:-}" ] &&
	command -v unshare ip >/dev/null &&
	unshare --net --mount true 2>/dev/null
then
	OE_IN_NAMESPACE=1 exec unshare --net --mount --propagation private \
		bash "$0" "$@"
fi
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
[ -n "${OE_IN_NAMESPACE:-}" ] || skip_all "network namespaces need root"
. "$OE_SRCDIR/tests/lib/control.sh"
. "$OE_SRCDIR/tests/lib/lab.sh"
. "$OE_SRCDIR/tests/lib/lab_story.sh"
lab_needs edge supernode socat

story_accounts
story_machines
mesh_n2n robot-1 robot-2 laptop
story_servers --mesh-trust-members
story_by_name
story_openssh
story_policy
story_identity
story_underlay
story_itself
story_replaced
story_away

# anew OPTION...: robot-1's server, with these.
anew() {
	local before
	before=$(changes)
	stop "${SERVE_PID[robot-1]}"
	serve robot-1 --mesh-interface mesh0 "$@" ||
		bail "no server on robot-1"
	wait_for 60 more_changes "$before" && wait_for 60 settled
}

anew
check "that addresses are not believed is told" \
	says 'can take another.s address'
stays_out "a device without a key" laptop "$L"
in_by "while keys do as ever" "$OMNIEDGE" ssh demo@robot-1 'echo in'

# Why --mesh-trust-members is called so: nothing but their good will keeps
# members from it.
anew --mesh-trust-members
stop "${LAB_EDGE[robot-2]}"
n2n_edge robot-2 "$L" 02:00:00:00:00:03
check "a member takes another's address" wait_for 60 on robot-2 \
	timeout 3 bash -c "exec 3<>/dev/tcp/$R1/22"
comes_in "and is the other, if members are trusted" robot-2 "$L"
anew
stays_out "and nobody else" robot-2 "$L"
story_ends
