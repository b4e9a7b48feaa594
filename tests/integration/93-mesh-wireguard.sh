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
lab_needs wg wireguard-go socat

# What a control-server does not give yet, but its directory carries: IPv6.
with_ipv6() {
	local name
	for name in robot-1 robot-2 laptop; do
		jq ".virtual_ip_v6 = \"fd09::${LAB_N[$name]}\"" \
			"$T/$name/joined" >"$T/$name/both"
		mv "$T/$name/both" "$T/$name/joined"
		python3 - "$CONTROL_DIR/control.db" "fd09::${LAB_N[$name]}" \
			"$(joined "$name" device_id)" <<-PYTHON
			import sqlite3, sys
			with sqlite3.connect(sys.argv[1], timeout=60) as db:
			    db.execute("UPDATE network_devices SET virtual_ip_v6"
			               " = ? WHERE device_id = ?", sys.argv[2:])
		PYTHON
	done
}

# silent TEXT FROM TO: the mesh itself drops what another member sends from
# there; nothing of it reaches the server.
silent() {
	local before
	before=$(events connect | grep -cF "\"src\":\"$2\"")
	visit robot-2 "$2" "demo@$3" -o ConnectTimeout=2
	is "$STATUS $(cat "$OUT")" "255 " "$1"
	is "$(events connect | grep -cF "\"src\":\"$2\"")" "$before" \
		"$1: nothing of it arrives"
}

story_accounts
story_machines
with_ipv6
mesh_wireguard robot-1 robot-2 laptop
story_servers
story_by_name
in_by "ssh -6 by name" "$OMNIEDGE" ssh -6 demo@robot-1 'echo in'
story_openssh
story_policy
story_identity
story_underlay
story_itself
on robot-2 ip addr add "$L/32" dev mesh0
silent "another member's address" "$L" "$R1"
on robot-2 ip addr del "$L/32" dev mesh0

R1_4=$R1 L_4=$L
R1=$(joined robot-1 virtual_ip_v6) L=$(joined laptop virtual_ip_v6)
comes_in "IPv6: a device without a key" laptop "$L"
stays_out "IPv6: never as root" laptop "$L" "root@$R1"
stays_out "IPv6: not by a rule for others" robot-2 \
	"$(joined robot-2 virtual_ip_v6)"
story_itself 128
on robot-2 ip addr add "$L/128" dev mesh0
silent "IPv6: another member's address" "$L" "$R1"
on robot-2 ip addr del "$L/128" dev mesh0
R1=$R1_4 L=$L_4

story_replaced
story_away
story_ends
