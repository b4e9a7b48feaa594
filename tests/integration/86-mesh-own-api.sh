#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The client of a control API against our own control-server over HTTPS:
# login, device, network, peers, names out of a signed directory, logout.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/control.sh"
need python3 jq curl

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
LOGIN_FILE=$HOME/.omniedge/omniedge-ssh.json

oe() {
	run "$OMNIEDGE" "$@"
}

start_control || bail "no control-server"
control_login || bail "no login at the control-server"
printf '%s\n' "$CONTROL_PASSWORD" >"$T/password"
chmod 600 "$T/password"

oe login -u "$CONTROL_EMAIL" --password-file "$T/password" --api "$CONTROL_URL"
is "$STATUS" 255 "a certificate that nobody vouches for is not enough"
oe login -u "$CONTROL_EMAIL" --password-file "$T/password" \
	--api "$CONTROL_URL" --pin "$CONTROL_PIN"
status_is 0 "with its pin it is the right one"
is "$(jq -r '.signing_key | length' "$LOGIN_FILE")" 44 "its signing key is kept"
unlike "$(cat "$ERR")" "no SSH policy|not registered" "and our key registered"
oe login -u "$CONTROL_EMAIL" --password-file "$T/password"
status_is 0 "a second login needs to be told nothing more"
api GET /api/ssh/v1/keys >"$T/keys"
is "$(grep -o "$(cut -d' ' -f2 "$HOME/.omniedge/ssh_user_ed25519.pub")" \
	"$T/keys" | wc -l)" 1 "this machine's key is there, once"
oe whoami --json
is "$(jq -r '.email + (.ssh_policy | tostring)' "$OUT")" "${CONTROL_EMAIL}true" \
	whoami

oe device register 'Robot 1' --hardware-id 0001
status_is 0 "device register"
device=$(cat "$OUT")
oe device register 'Robot 1' --hardware-id 0001
is "$(cat "$OUT")" "$device" "twice is the same device"
api POST /api/v2/virtual-networks '{"name":"lab","ip_range":"100.64.9.0/24"}' \
	>"$T/network"
like "$(cat "$T/network")" '^20' "a network is made"
network=$(field id "$(cat "$T/network")")
oe device join lab --json
status_is 0 "device join"
ip=$(jq -r .virtual_ip "$OUT")
like "$ip" '^100\.64\.9\.' "gives an address of the network"
oe device rename robot-1
status_is 0 "device rename"
oe peers --json
is "$(jq -r '[.name,.device_id,.virtual_ip,.network_id] | join(" ")' "$OUT")" \
	"robot-1 $device $ip $network" peers
oe resolve --json ROBOT-1
is "$(jq -r '[.address,.device_id,(.signed|tostring),.owner] | join(" ")' \
	"$OUT")" "$ip $device true $CONTROL_EMAIL" "a name, vouched for"
oe resolve --json --refresh robot-1@lab
status_is 0 "the directory is asked for again, by its ETag"
for n in $(seq 12); do
	api POST /api/v2/devices "{\"name\":\"unit-$n\",\"hardware_uuid\":\"u$n\",\"platform\":\"linux\"}" \
		>"$T/made"
	id=$(field id "$(cat "$T/made")")
	api POST "/api/v2/virtual-networks/$network/devices/$id" >/dev/null
done
oe peers --refresh --name 'unit-*'
is "$(grep -c ^unit- "$OUT")" 12 "more than a page of devices"
oe device ls --json
is "$(wc -l <"$OUT")" 13 "all of the account's"

cp -r "$HOME" "$T/copy"
HOME=$T/copy oe whoami
status_is 0 "a copy of the login works"
OMNIEDGE_API_BASE_URL=https://elsewhere.example oe logout
is "$STATUS $(cat "$ERR")" "0 " "logout, whatever API is meant now"
check "the login is gone" test ! -e "$LOGIN_FILE"
is "$(find "$HOME/.omniedge/cache" -name 'peers-*')" '' "and its peers"
HOME=$T/copy oe whoami
status_is 255 "a copy of it is worth nothing"
oe login -u "$CONTROL_EMAIL" --password-file "$T/password" \
	--api "$CONTROL_URL" --pin "$CONTROL_PIN"
oe device register robot-1 --hardware-id 0001
oe peers
stop_control
oe resolve --refresh robot-1
is "$STATUS $(cat "$OUT")" "0 $ip" "without its server, names are as they were"
like "$(cat "$ERR")" "as it was" "which is told"
oe device leave lab
is "$STATUS" 255 "nor does anything else work without it"
oe logout
status_is 0 "logout works without it"
like "$(cat "$ERR")" "gone from here, but the control API was not told" \
	"and tells that it was alone"
check "nothing of the login is left" test ! -e "$LOGIN_FILE"
done_testing
