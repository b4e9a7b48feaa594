#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Peers by name in ssh, scp and sftp, and in plain OpenSSH through nc and
# ssh-config: whose name it is, whose host key, whose key to log in with, what
# happens when the control API is away.  Addresses 127.0.0.x are the mesh.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/mesh.sh"
need python3 jq ssh-keygen
"$OMNIEDGE" login --help >/dev/null 2>&1 || skip_all "module mesh is not built"
python3 -c 'import cryptography' 2>/dev/null ||
	skip_all "no python3-cryptography, directories cannot be signed"

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
USER_KEY=$HOME/.omniedge/ssh_user_ed25519

sign() {
	python3 "$OE_SRCDIR/tests/lib/sign_directory.py" "$@"
}

# key_of FILE: a public key without its comment.
key_of() {
	cut -d' ' -f1,2 "$1"
}

# device ID NAME ADDRESS [KEY]
device() {
	printf '{"id":"%s","name":"%s","virtual_ip":"%s","host_keys":[%s]}' \
		"$1" "$2" "$3" "${4:+\"$4\"}"
}

# api_tells VERSION DEVICE...: the network "lab" has these, "home" has one
# that the API knows of, but that it signs nothing for.
api_tells() {
	local version=$1 list
	shift
	list=$(printf ',%s' "$@")
	hear_nothing
	say POST /api/v2/auth/login/security-key 200 \
		'{"token":"jwt1","refresh_token":"r1"}'
	say GET /api/v2/profile 200 '{"code":200,"data":{"id":"usr_1",
		"name":"Me","email":"me@example.org"}}'
	say GET /api/v2/virtual-networks/all/list 200 "[{\"id\":\"vnw_lab\",
		\"name\":\"lab\",\"devices\":[]},{\"id\":\"vnw_home\",
		\"name\":\"home\",\"devices\":[]}]"
	say GET /api/ssh/v1/keys/signing 200 \
		"{\"code\":200,\"data\":{\"key\":\"$(sign 7 0 x)\"}}"
	say GET /api/ssh/v1/keys 200 '{"code":200,"data":[]}'
	say POST /api/ssh/v1/keys 200 '{"code":200,"data":{"id":"k"}}'
	say GET /api/ssh/v1/directory 200 \
		"$(sign 7 "$version" vnw_lab "[${list#,}]")" \
		'"query":"vnw_lab"'
	say GET /api/ssh/v1/directory 200 \
		"$(sign 7 "$version" vnw_home "[$(
			device dev_h twin 127.0.0.9 "$HOST_KEY")]")" \
		'"query":"vnw_home"'
}

renew() {
	"$OMNIEDGE" peers --refresh >/dev/null 2>"$ERR" || diag_file "$ERR"
}

# oe COMMAND [ARG...]: our client with no settings but those that are given.
oe() {
	local command=$1
	shift
	run "$OMNIEDGE" "$command" -F "${CONF:-/dev/null}" \
		-o "UserKnownHostsFile=$T/known" \
		-o GlobalKnownHostsFile=none -o BatchMode=yes "$@"
}

start_api
start_server -b 0.0.0.0 || bail "no server"
HOST_KEY=$(key_of "$T/hostkeys/ssh_host_ed25519_key.pub" 2>/dev/null ||
	ssh-keygen -y -f "$T/hostkeys/ssh_host_ed25519_key" | cut -d' ' -f1,2)
ssh-keygen -q -t ed25519 -N '' -f "$T/other"
OTHER_KEY=$(key_of "$T/other.pub")
DEVICES=(
	"$(device dev_1 Robot-1 127.0.0.2 "$HOST_KEY")"
	"$(device dev_2 changed 127.0.0.3 "$OTHER_KEY")"
	"$(device dev_3 nokey 127.0.0.4)"
	"$(device dev_4 twin 127.0.0.5 "$HOST_KEY")"
	"$(device dev_5 taken 127.0.0.99 "$OTHER_KEY")"
	"$(device dev_6 "$ME" 127.0.0.6 "$HOST_KEY")"
)
api_tells 1 "${DEVICES[@]}"
echo key | "$OMNIEDGE" login -s - --api "$API" 2>"$ERR" ||
	bail "no login: $(cat "$ERR")"
cat "$USER_KEY.pub" >>"$T/authorized_keys"

# --- names ------------------------------------------------------------------

oe ssh -p "$SERVER_PORT" "$ME@robot-1" 'echo in'
is "$STATUS $(cat "$OUT")" "0 in" "ssh by name, with no key and no question"
is "$(cat "$T/known" 2>/dev/null)" '' "nothing had to be remembered"
oe ssh -p "$SERVER_PORT" robot-1@lab 'echo in'
is "$STATUS $(cat "$OUT")" "0 in" "name@network"
done_testing
