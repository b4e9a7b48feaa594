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

# device ID NAME ADDRESS [KEY [PORT]]
device() {
	printf '{"id":"%s","name":"%s","virtual_ip":"%s","host_keys":[%s]%s}' \
		"$1" "$2" "$3" "${4:+\"$4\"}" "${5:+,\"ssh_port\":$5}"
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
		-o "UserKnownHostsFile=${KNOWN:-$T/known}" \
		-o GlobalKnownHostsFile=none -o BatchMode=yes "$@"
}

start_api
start_server -b 0.0.0.0 || bail "no server"
PLAIN_PORT=$SERVER_PORT
# a server reaches itself for nobody
start_server -b 0.0.0.0 || bail "no second server"
JUMP_PORT=$SERVER_PORT SERVER_PORT=$PLAIN_PORT
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
	"$(device dev_30 ported 127.0.0.30 "$HOST_KEY" "$SERVER_PORT")"
	"$(device dev_31 misled 127.0.0.31 "$HOST_KEY" 1)"
)
api_tells 1 "${DEVICES[@]}"
echo key | "$OMNIEDGE" login -s - --api "$API" 2>"$ERR" ||
	bail "no login: $(cat "$ERR")"
cat "$USER_KEY.pub" >>"$T/authorized_keys"

# --- names ------------------------------------------------------------------

oe ssh -p "$SERVER_PORT" "$ME@robot-1" 'echo in'
is "$STATUS $(cat "$OUT")" "0 in" "ssh by name, with no key and no question"
is "$(cat "$T/known" 2>/dev/null)" '' "nothing had to be remembered"

# in TEXT COMMAND-ARG...: it gets in.
in_by() {
	local text=$1
	shift
	oe ssh -p "$SERVER_PORT" "$@" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "$text" || diag_file "$ERR"
}

# out_by TEXT WORDS ARG...: it does not, and says so.
out_by() {
	local text=$1 words=$2
	shift 2
	oe ssh -p "$SERVER_PORT" "$@" 'echo in'
	is "$STATUS $(cat "$OUT")" "255 " "$text"
	like "$(cat "$ERR")" "$words" "$text: told"
}

in_by "name@network" robot-1@lab
in_by "user@name@network" "$ME@robot-1@lab"
in_by "the id of a network" "$ME@ROBOT-1@vnw_lab"
in_by "the id of a device" dev_1
in_by "one of two twins" "$ME@twin@home"
in_by "over a peer, to a peer" -J "$ME@robot-1@lab:$JUMP_PORT" dev_4
out_by "over one with a wrong key" "jump host .* host key" \
	-J "changed:$JUMP_PORT" dev_4
out_by "a name of two" "twin@lab.*twin@home|twin@home.*twin@lab" twin
out_by "what is not there" "resolve|no peer" nobody-here
in_by "a user whose name is a device, at a peer" "$ME@robot-1"

oe ssh ported 'echo in'
is "$STATUS $(cat "$OUT")" "0 in" "the port that the directory tells"
oe scp "ported:$T/authorized_keys" "$T/ported"
is "$STATUS" 0 "for scp, too"
in_by "one that is given goes first" misled
cat >"$T/port.conf" <<-CONF
	Host misled
	    Port $SERVER_PORT
CONF
CONF=$T/port.conf oe ssh misled 'echo in'
is "$STATUS $(cat "$OUT")" "0 in" "and so does ssh_config's"
like "$(timeout 20 "$OMNIEDGE" nc ported </dev/null | head -n 1)" '^SSH-2.0' \
	"nc takes it too"
is "$("$OMNIEDGE" resolve --json ported | jq .ssh_port)" "$SERVER_PORT" \
	"resolve tells it"

oe scp -P "$SERVER_PORT" "$OE_SRCDIR/tests/lib.sh" "$ME@robot-1@lab:$T/copied"
is "$STATUS" 0 "scp to user@name@network:path"
check "it is there" cmp "$OE_SRCDIR/tests/lib.sh" "$T/copied"
oe scp -P "$SERVER_PORT" "robot-1:$T/copied" "$T/back"
is "$STATUS" 0 "scp from name:path"
echo "ls $T/copied" >"$T/batch"
oe sftp -b "$T/batch" -P "$SERVER_PORT" "$ME@robot-1@lab"
like "$(cat "$OUT")" "$T/copied" "sftp"

# --- host keys ----------------------------------------------------------------

out_by "another host key than the API tells" "host key of changed refused" \
	changed
out_by "whatever the settings say" "host key of changed refused" \
	-o StrictHostKeyChecking=no changed
out_by "a peer without a key" "host key of dev_3.vnw_lab.omniedge refused" \
	nokey
in_by "is remembered as itself" -o StrictHostKeyChecking=accept-new nokey
like "$(cat "$T/known")" '^dev_3\.vnw_lab\.omniedge ssh-ed25519 ' \
	"by network and device, not by name or port"
echo "@revoked * $HOST_KEY" >"$T/revoked"
KNOWN=$T/revoked out_by "a key that the user has revoked" "revoked" robot-1
out_by "no peers, if so wanted" "resolve" --no-peers robot-1

# --- whose name it is ---------------------------------------------------------

cat >"$T/own" <<-CONF
	Host taken
	    HostName 127.0.0.7
	    IdentityFile $USER_KEY
CONF
CONF=$T/own KNOWN=$T/known_own in_by \
	"a name that ssh_config gives an address is not a peer's" \
	-o StrictHostKeyChecking=accept-new taken
like "$(cat "$T/known_own")" "127.0.0.7" "it is known as what it is"
CONF=$T/own out_by "but name@network is" "host key of taken@lab refused" \
	taken@lab

# --- keys to log in with --------------------------------------------------------

ssh-keygen -q -t ed25519 -N '' -f "$T/ca"
start_server -b 0.0.0.0 --trusted-ca "$T/ca.pub" || bail "no third server"
CA_PORT=$SERVER_PORT SERVER_PORT=$PLAIN_PORT
certificate() { # VALIDITY
	cp "$USER_KEY.pub" "$T/certify.pub"
	ssh-keygen -q -s "$T/ca" -I me -n "$ME" -V "$1" "$T/certify.pub"
	key_of "$T/certify-cert.pub"
}
tells_certificate() {
	say POST /api/ssh/v1/certificates 200 \
		"{\"code\":200,\"data\":{\"certificate\":\"$1\"}}"
}
rm -f "$HOME"/.omniedge/cache/cert-*
SERVER_PORT=$CA_PORT out_by "a server that wants a certificate" "denied|fail" \
	robot-1
rm -f "$HOME"/.omniedge/cache/cert-*
tells_certificate "$(certificate -1h:+1h)"
SERVER_PORT=$CA_PORT in_by "gets one that was fetched" robot-1
n=$(asked /certificates)
SERVER_PORT=$CA_PORT in_by "and again" robot-1
is "$(asked /certificates)" "$n" "without being fetched again"
is "$(stat -c %a "$HOME"/.omniedge/cache/cert-*.pub)" 600 "kept for this user"

# past most of its life it is used, and renewed behind
CERT=$(echo "$HOME"/.omniedge/cache/cert-*.pub)
certificate -50m:+10m >"$CERT"
cp "$CERT" "$T/cert.was"
api_tells 1 "${DEVICES[@]}"
tells_certificate "$(certificate -1h:+1h)"
SERVER_PORT=$CA_PORT in_by "one that is good still is used" robot-1
check "and renewed behind" wait_for 30 eval '! cmp -s "$CERT" "$T/cert.was"'
is "$(asked /certificates)" 1 "in one call"
certificate -50m:+10m >"$CERT"
cp "$CERT" "$T/cert.was"
api_tells 1 "${DEVICES[@]}"
say POST /api/ssh/v1/certificates 200 null '"how":"hang"'
for n in 1 2; do
	SERVER_PORT=$CA_PORT in_by "an API that hangs holds nobody, $n" robot-1
done
check "somebody asks" wait_for 30 eval '[ "$(asked /certificates)" = 1 ]'
check "alone" eval '! flock -n "$CERT.renewing" true'
check "the old one stays" cmp "$CERT" "$T/cert.was"
api_tells 2 "${DEVICES[@]}"
tells_certificate "$(key_of "$T/other.pub")"
rm -f "$HOME"/.omniedge/cache/cert-*
in_by "no certificate is not the end" robot-1
like "$(cat "$ERR")" "no certificate" "but told"

# --- nc and plain OpenSSH -------------------------------------------------------

run "$OMNIEDGE" nc nobody-here@lab 1
is "$STATUS" 255 "nc to nobody"
run "$OMNIEDGE" nc robot-1 0
is "$STATUS" 64 "nc to no port"
like "$(timeout 20 "$OMNIEDGE" nc robot-1 "$SERVER_PORT" </dev/null |
	head -n 1)" '^SSH-2.0' "nc passes the end of input on, and what comes"

plain() {
	local command=("$1")
	shift
	[ "${command[0]}" != "$OMNIEDGE" ] || { command+=("$1") && shift; }
	run "${command[@]}" -F "$T/ssh.conf" -o BatchMode=yes "$@"
}
install -m 600 /dev/stdin "$T/ssh.conf" <<-CONF
	# mine
	Host taken
	    HostName 127.0.0.7
	Host *
	    LogLevel ERROR
CONF
DEVICES+=(
	"$(device dev_7 "two words" 127.0.0.10 "$HOST_KEY")"
	"$(device dev_8 '*' 127.0.0.11 "$HOST_KEY")"
	"$(device dev_9 '-oProxyCommand=x' 127.0.0.12 "$HOST_KEY")"
	"$(device dev_10 'x\\nHost *\\nProxyCommand x' 127.0.0.13 "$HOST_KEY")"
	"$(device dev_11 github.example.com 127.0.0.14 "$HOST_KEY")"
	"$(device dev_12 "q\\\"x" 127.0.0.15 "$HOST_KEY")"
	"$(device dev_13 lab 127.0.0.16 "$HOST_KEY")"
)
api_tells 3 "${DEVICES[@]}"
renew
out_by "a network that is a peer too" "may be the peer" "$ME@lab"
in_by "is reached with -l" -l "$ME" lab
in_by "and the other one with its user" "$ME@$ME@lab"
cp "$T/ssh.conf" "$T/before.conf"
for i in 1 2; do
	run "$OMNIEDGE" ssh-config --install -F "$T/ssh.conf" -p "$SERVER_PORT"
	status_is 0 "ssh-config, $i"
done
is "$(grep -c Include "$T/ssh.conf")" 1 "one line includes it"
is "$(head -n 1 "$T/ssh.conf" | cut -d' ' -f1)" Include "at the top"
is "$(tail -n +2 "$T/ssh.conf")" "$(cat "$T/before.conf")" "the rest stays"
is "$(stat -c %a "$T/ssh.conf")" 600 "with its mode"
MINE=$HOME/.omniedge/ssh_config
is "$(grep -cE 'two|\*|-o|ProxyCommand|github|taken|q"|twin' "$MINE")" 0 \
	"names that could be something else are left out"
for name in 'two words' 'github.example.com' taken twin; do
	like "$(cat "$ERR")" "'$name' is left out" "$name: told"
done
if command -v ssh >/dev/null; then
	plain ssh robot-1 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "ssh of OpenSSH by name" ||
		diag_file "$ERR"
	plain ssh "$ME@dev_7" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "and by device id"
	plain ssh changed 'echo in'
	is "$STATUS" 255 "a wrong host key"
	like "$(cat "$ERR")" "verification failed" "is refused"
	plain ssh -o StrictHostKeyChecking=yes nokey 'echo in'
	is "$STATUS" 255 "what has no key is not known"
	plain ssh -G taken
	like "$(cat "$OUT")" '^hostname 127.0.0.7$' "the user's own stays his"
	plain scp "$OE_SRCDIR/tests/lib.sh" "robot-1:$T/scp"
	check "scp" cmp "$OE_SRCDIR/tests/lib.sh" "$T/scp"
	if command -v rsync >/dev/null; then
		run rsync -e "ssh -F $T/ssh.conf" "$OE_SRCDIR/tests/lib.sh" \
			"robot-1:$T/rsync"
		check "rsync" cmp "$OE_SRCDIR/tests/lib.sh" "$T/rsync"
	else
		skip rsync "no rsync"
	fi
	if command -v git >/dev/null; then
		git init -q --bare "$T/repo.git"
		GIT_SSH_COMMAND="ssh -F $T/ssh.conf" run git ls-remote \
			"robot-1:$T/repo.git"
		is "$STATUS" 0 "git" || diag_file "$ERR"
	else
		skip git "no git"
	fi
	run "$OMNIEDGE" ssh-config --install -F "$T/ssh.conf" --proxy \
		--suffix .mesh -p "$SERVER_PORT"
	plain ssh robot-1.mesh 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "through nc, with a suffix" ||
		diag_file "$ERR"
	plain ssh github.example.com.mesh 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "with which dots do no harm"
	plain "$OMNIEDGE" ssh robot-1.mesh 'echo in'
	is "$STATUS" 0 "our client reads it too" || diag_file "$ERR"
else
	skip "plain OpenSSH" "no ssh"
fi
run "$OMNIEDGE" ssh-config --uninstall -F "$T/ssh.conf"
check "uninstalled, all is as it was" cmp "$T/ssh.conf" "$T/before.conf"
check "and nothing is left" test ! -e "$MINE"
mv "$T/ssh.conf" "$T/real.conf"
ln -s real.conf "$T/ssh.conf"
run "$OMNIEDGE" ssh-config --install -F "$T/ssh.conf"
check "a link stays one" test -L "$T/ssh.conf"
like "$(cat "$T/real.conf")" '^Include ' "and what it leads to is changed"

# --- a peer that moves --------------------------------------------------------------

if has_module forwarding; then
	export XDG_RUNTIME_DIR=$T/run
	install -d -m 700 "$XDG_RUNTIME_DIR"
	start_server -b 127.0.0.21 || bail "no server to move from"
	api_tells 20 "${DEVICES[@]}" "$(device dev_m mover 127.0.0.21 \
		"$HOST_KEY" "$SERVER_PORT")"
	renew
	L1=$(free_port)
	"$OMNIEDGE" forward --keep -F /dev/null -o BatchMode=yes \
		-L "$L1:$LO:$PLAIN_PORT" mover >"$T/keep" 2>&1 3>&- &
	KEEP=$!
	own "$KEEP"
	through() {
		timeout 5 "$OMNIEDGE" nc "$LO" "$L1" </dev/null |
			head -n 1 | grep -q '^SSH-2.0'
	}
	check "forward --keep to a peer" wait_for 60 through ||
		diag_file "$T/keep"
	stop_server
	start_server -b 127.0.0.22 || bail "no server to move to"
	# whoever has the name now is another device
	api_tells 21 "${DEVICES[@]}" "$(device dev_n mover 127.0.0.22 \
		"$OTHER_KEY" "$SERVER_PORT")"
	renew
	check "does not go to another device of the name" wait_for 60 \
		grep -q 'lost the connection' "$T/keep"
	api_tells 22 "${DEVICES[@]}" "$(device dev_m mover 127.0.0.22 \
		"$HOST_KEY" "$SERVER_PORT")"
	renew
	check "finds it where it is now" wait_for 90 through ||
		diag_file "$T/keep"
	unlike "$(cat "$T/keep")" "host key" "and was nowhere else"
	kill "$KEEP"
	wait "$KEEP"
	stop_server
	SERVER_PORT=$PLAIN_PORT
	api_tells 23 "${DEVICES[@]}"
	renew
else
	skip "forward --keep" "no forwarding module"
fi

# --- the API is away ---------------------------------------------------------------

stop "$API_PID"
find "$HOME/.omniedge/cache" -name 'peers-*' ! -name '*.lock' \
	-exec touch -d '1 hour ago' {} +
in_by "with the control API away" robot-1
out_by "a wrong host key is still wrong" "host key of changed refused" changed
run "$OMNIEDGE" resolve --refresh robot-1
like "$(cat "$ERR")" "as it was .* ago" "the age is told"
rm -f "$HOME"/.omniedge/cache/*
out_by "nothing on disk either" "peers are not known" robot-1
"$OMNIEDGE" logout 2>/dev/null
oe ssh -p "$SERVER_PORT" -v robot-1 true
unlike "$(cat "$ERR")" "peers are not known" "without a login nobody is asked"
done_testing
