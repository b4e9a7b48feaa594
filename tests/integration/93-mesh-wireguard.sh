#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three hosts on a mesh of WireGuard: from the control-server's first start to
# ssh by name under a policy, and who is believed by an address.
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
lab_needs wg wireguard-go

story_accounts
story_machines
mesh_wireguard robot-1 robot-2 laptop
story_servers
story_by_name
story_openssh
story_policy
story_identity
done_testing
