#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Devices that ssh-server knows by their address in the mesh: in by the
# interface of the mesh only, only where a rule permits, and never as root.
# Two hosts in network namespaces with two links: one is the mesh.
if [ "$(id -u)" = 0 ] && [ -z "${OE_IN_NAMESPACE:-}" ] &&
	command -v unshare ip >/dev/null &&
	unshare --net --mount true 2>/dev/null
then
	OE_IN_NAMESPACE=1 exec unshare --net --mount --propagation private \
		bash "$0" "$@"
fi
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
[ -n "${OE_IN_NAMESPACE:-}" ] || skip_all "a network namespace needs root"
. "$OE_SRCDIR/tests/lib/control.sh"
need ssh ssh-keygen jq curl ip nsenter

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
LOGIN_FILE=$T/device.json
ip link set lo up
login_user mesh
start_control || bail "no control-server"
control_login || bail "no login at the control-server"
printf '%s\n' "$CONTROL_PASSWORD" >"$T/password"
run "$OMNIEDGE" login -u "$CONTROL_EMAIL" --password-file "$T/password" \
	--file "$LOGIN_FILE" --api "$CONTROL_HTTP"
status_is 0 "the device's login"
run "$OMNIEDGE" device register robot-1 --hardware-id 0001 --file "$LOGIN_FILE"
api POST /api/v2/virtual-networks \
	'{"name":"lab","ip_range":"100.64.9.0/24"}' >"$T/network"
NETWORK=$(field id "$(cat "$T/network")")
run "$OMNIEDGE" device join lab --json --file "$LOGIN_FILE"
OURS=$(jq -r .virtual_ip "$OUT")
api POST /api/v2/devices \
	'{"name":"peer","hardware_uuid":"u2","platform":"linux"}' >"$T/made"
PEER=$(field id "$(cat "$T/made")")
api POST "/api/v2/virtual-networks/$NETWORK/devices/$PEER" >"$T/joined"
THEIRS=$(field virtual_ip "$(cat "$T/joined")")
like "$OURS $THEIRS" '^100\.64\.9\.[0-9]+ 100\.64\.9\.[0-9]+$' "two devices"

unshare --net sleep 300 3>&- 9>&- &
FAR=$!
own "$FAR"
wait_for 10 eval "[ \$(readlink /proc/$FAR/ns/net) != \$(readlink /proc/self/ns/net) ]"
{
	ip link add mesh0 type veth peer name mesh0 netns "$FAR" &&
		ip link add lan0 type veth peer name lan0 netns "$FAR"
} || skip_all "no veth here"
for i in all default mesh0 lan0; do
	echo 0 >"/proc/sys/net/ipv4/conf/$i/rp_filter"
done
ip addr add "$OURS/24" dev mesh0
ip addr add 10.77.0.1/24 dev lan0
ip link set mesh0 up
ip link set lan0 up
far() {
	nsenter --net -t "$FAR" "$@"
}
far sh -c "ip link set lo up; ip link set mesh0 up; ip link set lan0 up
	ip addr add $THEIRS/24 dev mesh0; ip addr add 100.64.9.99/24 dev mesh0
	ip addr add 10.77.0.2/24 dev lan0"

# policy PRINCIPAL: for $LOGIN and root; each has another number of rules, as
# the directory changes too, and what comes then is no answer to this.
RULES=0
policy() {
	local filler='' i
	RULES=$((RULES + 1))
	for ((i = 1; i < RULES; i++)); do
		filler+=",{\"id\":\"f$i\",\"principals\":[{\"user_email\":
			\"nobody@example.net\"}],\"ssh_users\":{\"x\":\"x\"},
			\"action\":{\"accept\":true}}"
	done
	api PUT /api/ssh/v1/policy "{\"network_id\":\"$NETWORK\",\"policy\":
		{\"version\":1,\"updated_at\":\"2026-01-01T00:00:00Z\",
		\"rules\":[{\"id\":\"r\",\"principals\":[$1],\"ssh_users\":
		{\"$LOGIN\":\"$LOGIN\",\"root\":\"root\"},
		\"action\":{\"accept\":true}}$filler]}}" >"$T/put"
	grep -q '^200' "$T/put" || diag_file "$T/put"
}
in_force() {
	policy "$1"
	EVENT_LIMIT=60 event_seen policy.change "\"$RULES rule" ||
		diag "the policy was not taken"
}

changes() {
	events policy.change | wc -l
}
more() {
	[ "$(changes)" -gt "$1" ]
}

# visit USER FROM [HOST]: without any key, from the other host.
visit() {
	run far timeout -k 5 60 ssh -F /dev/null -o BatchMode=yes \
		-o IdentityFile=none -o IdentityAgent=none -b "$2" \
		-o LogLevel=ERROR -o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=no -o ConnectTimeout=30 \
		-p "$SERVER_PORT" "$1@${3:-$OURS}" 'echo in'
}
comes_in() {
	visit "$LOGIN" "$THEIRS"
	is "$STATUS $(cat "$OUT")" "0 in" "$1" || diag_file "$ERR"
}
# stays_out TEXT USER FROM [HOST]: by authentication, not otherwise.
stays_out() {
	local text=$1
	shift
	visit "$@"
	is "$STATUS $(cat "$OUT")" "255 " "$text"
	like "$(cat "$ERR")" 'Permission denied' "$text: by authentication"
}

OWNER="{\"user_email\":\"$CONTROL_EMAIL\"}"
policy "$OWNER"
start_server -b 0.0.0.0 --permissive --api --api-login "$LOGIN_FILE" \
	--api-state "$T/state" --api-interval 1 --mesh-interface mesh0 \
	--mesh-trust-members --authorized-keys "$T/none" || bail "no server"
wait_for 60 event_seen policy.change '"1 rule"' || bail "no policy"

comes_in "a device of an owner whom a rule permits"
check "as method none" event_seen auth '"method":"none","success":true'
stays_out "not as root, though the rule names root" root "$THEIRS"
stays_out "an address of the mesh that is no device's" "$LOGIN" 100.64.9.99
stays_out "an address of another network" "$LOGIN" 10.77.0.2 10.77.0.1
stays_out "a device of the mesh, to another address of ours" "$LOGIN" \
	"$THEIRS" 10.77.0.1
in_force '{"user_email":"nobody@example.org"}'
stays_out "a device whose owner no rule permits" "$LOGIN" "$THEIRS"
in_force "{\"node_id\":\"$PEER\"}"
comes_in "a rule for the device"

# the same address by the other link: both hosts believe it is there
ip route add "$THEIRS/32" dev lan0
far ip route add "$OURS/32" dev lan0 src "$THEIRS"
stays_out "its address, in by another interface" "$LOGIN" "$THEIRS"
ip route del "$THEIRS/32" dev lan0
far ip route del "$OURS/32" dev lan0
comes_in "and by the mesh again"
in_force '{"any":true}'
comes_in "any of the network"
before=$(changes)
api DELETE "/api/v2/virtual-networks/$NETWORK/devices/$PEER" >"$T/left"
wait_for 60 more "$before"
stays_out "a device that has left the network" "$LOGIN" "$THEIRS"
stop_server
unlike "$(cat "$SERVER_LOG")" 'Sanitizer|runtime error' "no complaint in the log"
done_testing
