#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Devices with odd names, by an API that vouches for them: a name is shown
# escaped, means what it is exactly, and is never an option, a path, a command
# or somebody else's host.  And what our own control-server lets users call
# their devices, two of which have one name.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/mesh.sh"
. "$OE_SRCDIR/tests/lib/control.sh"
need python3 jq ssh-keygen curl
"$OMNIEDGE" login --help >/dev/null 2>&1 || skip_all "module mesh is not built"
python3 -c 'import cryptography' 2>/dev/null ||
	skip_all "no python3-cryptography, directories cannot be signed"

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY
PWNED=$T/pwned

start_api
start_server -b 0.0.0.0 || bail "no server"
HOST_KEY=$(ssh-keygen -y -f "$T/hostkeys/ssh_host_ed25519_key" | cut -d' ' -f1,2)
mapfile -d '' NAMES < <(python3 "$OE_SRCDIR/tests/lib/odd_names.py" "$PWNED")
say POST /api/v2/auth/login/security-key 200 \
	'{"token":"jwt1","refresh_token":"r1"}'
say GET /api/v2/profile 200 '{"id":"usr_1","name":"Me","email":"me@x.org"}'
say GET /api/v2/virtual-networks/all/list 200 \
	'[{"id":"vnw_lab","name":"lab","devices":[]}]'
say GET /api/ssh/v1/keys/signing 200 "{\"key\":\"$(
	python3 "$OE_SRCDIR/tests/lib/sign_directory.py" 7 0 x)\"}"
say GET /api/ssh/v1/keys 200 '[]'
say POST /api/ssh/v1/keys 200 '{"id":"k"}'
say GET /api/ssh/v1/directory 200 "$(
	python3 "$OE_SRCDIR/tests/lib/sign_directory.py" 7 1 vnw_lab "$(
		python3 "$OE_SRCDIR/tests/lib/odd_names.py" "$PWNED" "$HOST_KEY")")"
echo key | "$OMNIEDGE" login -s - --api "$API" 2>"$ERR" ||
	bail "no login: $(cat "$ERR")"
cat "$HOME/.omniedge/ssh_user_ed25519.pub" >>"$T/authorized_keys"
mkdir -p "$HOME/.ssh"
printf 'Host taken\n\tHostName 192.0.2.5\n' >"$T/conf"

# --- shown -----------------------------------------------------------------------

# clean FILE TEXT: nothing in it acts on a terminal.
clean() {
	python3 - "$1" <<-'PY'
		import sys, unicodedata
		text = open(sys.argv[1], "rb").read().decode()
		bad = {c for c in text if c != "\n" and
		       (unicodedata.category(c) in ("Cc", "Cs") or
		        unicodedata.bidirectional(c) in
		        ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI", "FSI", "PDF"))}
		sys.exit(f"{bad!r}" if bad else 0)
	PY
	is $? 0 "$2"
}
run "$OMNIEDGE" peers
status_is 0 "peers"
is "$(wc -l <"$OUT")" $((${#NAMES[@]} + 1)) "each on a line of its own"
clean "$OUT" "and none of them acts on the terminal"
run "$OMNIEDGE" peers --json
is "$(jq -s length "$OUT")" "${#NAMES[@]}" "in JSON, too"
is "$(jq -r 'select(.device_id == "dev_15").name' "$OUT" | head -n 1)" x \
	"where they are exact"
run "$OMNIEDGE" peers --names
is "$(grep -vcE '^[A-Za-z0-9_][A-Za-z0-9._-]*$' "$OUT")" 0 \
	"to shells, which complete them, only plain ones are told"
run "$OMNIEDGE" networks
clean "$OUT" "networks"

# --- meant -----------------------------------------------------------------------

wrong=0
for i in "${!NAMES[@]}"; do
	name=${NAMES[i]} want=127.0.1.$((i + 1))
	case $name in
	dev_1) want=127.0.1.2 ;; # an id goes before a name
	127.0.0.50 | ::1) want=$name ;; # an address is itself
	localhost) want='127.0.0.1|::1' ;;
	LOCALHOST.) want='127.0.0.1|::1|' ;; # if the system knows it
	esac
	run "$OMNIEDGE" resolve -- "$name"
	[[ "|$want|" == *"|$(cat "$OUT")|"* ]] && continue
	wrong=$((wrong + 1))
	diag "$(printf %q "$name"): $(cat "$OUT" "$ERR"), not $want"
done
is "$wrong" 0 "resolve: each name means its device, and no other"
run "$OMNIEDGE" resolve dev_12
is "$(cat "$OUT")" 127.0.1.13 "and an id"
run "$OMNIEDGE" resolve localhost@lab
is "$(cat "$OUT")" 127.0.1.46 "a device called localhost goes by its network"
for name in 'two' 'caf' $'caf\u00e9 ' 'CAF\u00c9' 'n' "../etc/passwd" \
	$'\u673a\u5668' 'orsted' 'zero' $'a\u0308'; do
	run "$OMNIEDGE" resolve -- "$name"
	is "$STATUS" 1 "nearly is not it: $(printf %q "$name")"
	clean "$ERR" "and is said so that the terminal lives"
done
run "$OMNIEDGE" resolve -- $'no\x1b[2Jbody\nhere'
clean "$ERR" "what is typed is shown escaped"
is "$(wc -l <"$ERR")" 1 "on one line"

# --- reached ---------------------------------------------------------------------

oe() {
	local command=$1
	shift
	run "$OMNIEDGE" "$command" -F "$T/conf" \
		-o "UserKnownHostsFile=$T/known" \
		-o GlobalKnownHostsFile=none -o BatchMode=yes "$@"
}
for name in $'caf\u00e9' $'cafe\u0301' $'\u673a\u5668\u4eba' $'\U0001f916' \
	.hidden .. 2130706433 dev_0 dev_12 dev_18; do
	oe ssh -p "$SERVER_PORT" -l "$ME" -- "$name" 'echo in'
	is "$STATUS $(cat "$OUT")" "0 in" "ssh to $(printf %q "${name:0:40}")" ||
		diag_file "$ERR"
done
# what no host is called goes by its id
for name in 'two words' "-oProxyCommand=touch $PWNED" --help \
	"\$(touch $PWNED)" "x;touch $PWNED" '%h' '~root' '*' $'\x1b[2J\x1b[H' \
	$'x\nHost *\n\tProxyCommand touch '"$PWNED"; do
	oe ssh -p "$SERVER_PORT" -l "$ME" -- "$name" 'echo in'
	is "$STATUS $(cat "$OUT")" "64 " \
		"no host is called $(printf %q "${name:0:40}")"
	is "$(wc -l <"$ERR")" 1 "says one line"
	clean "$ERR" "that is clean"
done
oe ssh -p "$SERVER_PORT" -l "$ME" -G -- localhost
is "$(sed -n 's/^hostname //p' "$OUT")" localhost \
	"localhost is this machine, whoever is called so"
oe ssh -G -- taken
is "$(sed -n 's/^hostname //p' "$OUT")" 192.0.2.5 "a host of ssh_config is it"
for name in dev_0 $'\u673a\u5668\u4eba'; do
	oe scp -P "$SERVER_PORT" "$OE_SRCDIR/tests/lib.sh" "$name:$T/copied"
	is "$STATUS" 0 "scp to $(printf %q "$name")" || diag_file "$ERR"
	check "it is there" cmp "$OE_SRCDIR/tests/lib.sh" "$T/copied"
	rm -f "$T/copied"
	like "$(timeout 20 "$OMNIEDGE" nc -- "$name" "$SERVER_PORT" </dev/null |
		head -n 1)" '^SSH-2.0' "nc to $(printf %q "$name")"
done
run "$OMNIEDGE" ssh-config --proxy -p "$SERVER_PORT"
status_is 0 "ssh-config"
cp "$OUT" "$T/written"
tr -d '\t' <"$T/written" >"$T/without"
clean "$T/without" "has nothing in it that acts"
clean "$ERR" "nor have its words"
is "$(grep -vcE '^(#.*|Host( [A-Za-z0-9_.:-]+)+|	[A-Za-z]+ .*)$' "$T/written")" 0 \
	"and is made of hosts and settings"
is "$(grep '^Host ' "$T/written" | grep -cE ' (-|\.|lab@|localhost|dev_1 .* dev_1)')" 0 \
	"none of which is an option or this machine"
is "$(grep -c 'touch' "$T/written")" 0 "nor a command"
if command -v ssh >/dev/null; then
	chmod 600 "$T/written"
	ssh -G -F "$T/written" dev_12 >"$OUT" 2>"$ERR"
	like "$(cat "$OUT")" '^hostname 127.0.1.13$' "ssh of OpenSSH reads it"
	ssh -G -F "$T/written" nobody.example >"$OUT" 2>"$ERR"
	unlike "$(cat "$OUT")" '^proxycommand' "which leaves other hosts alone"
fi
check "no name was a command" test ! -e "$PWNED"
stop_server

# --- our own control-server ---------------------------------------------------------

if ! "$OMNIEDGE" control-server --help >/dev/null 2>&1; then
	skip "our own" "module control is not built"
	done_testing
	exit
fi
start_control || bail "no control-server"
control_login || bail "no login at the control-server"
NAMES+=('' "$(printf 'o%.0s' {1..256})")
# controls, and what cannot be seen but turns the direction of a line
mapfile -t BAD < <(python3 -c 'import sys, unicodedata
for name in sys.argv[1:]:
    print(any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")
              for c in name) or not 0 < len(name.strip().encode()) <= 255)' \
	"${NAMES[@]}")
taken=0 refused=0 other=0
for i in "${!NAMES[@]}"; do
	name=${NAMES[i]}
	body=$(jq -nc --arg n "$name" \
		'{name: $n, hardware_uuid: "h", platform: "linux"}')
	api POST /api/v2/devices "$body" >"$T/made"
	case ${BAD[i]}:$(cut -c1-3 "$T/made") in
	False:200)
		taken=$((taken + 1))
		# a plan has few
		api DELETE "/api/v2/devices/$(field id "$(cat "$T/made")")" \
			>"$T/deleted"
		;;
	True:422) refused=$((refused + 1)) ;;
	*)
		other=$((other + 1))
		diag "$(printf %q "${name:0:60}"): $(cat "$T/made")"
		;;
	esac
done
is "$other" 0 "names of 1 to 255 bytes without controls are taken ($taken)"
[ "$refused" -ge 8 ]
is $? 0 "and the others are not ($refused)"
is "$(grep -a '^{' "$T/control.events" | jq -es length >/dev/null; echo $?)" 0 \
	"its events are JSON all the same"
clean "$T/control.log" "and its log is clean"

# two users, one network, one name
api POST /api/v2/virtual-networks \
	'{"name":"lab","ip_range":"100.64.9.0/24"}' >"$T/network"
NETWORK=$(field id "$(cat "$T/network")")
twin() { # NAME: joins the network; prints its id
	local id
	api POST /api/v2/devices "{\"name\":\"$1\",\"hardware_uuid\":\"twin\",
		\"platform\":\"linux\"}" >"$T/made"
	id=$(field id "$(cat "$T/made")")
	api POST "/api/v2/virtual-networks/$NETWORK/devices/$id" >"$T/joined"
	echo "$id"
}
first=$(twin twin)
admin=$TOKEN
api POST /api/ssh/v1/users '{"email":"bob@example.org","name":"Bob"}' \
	>"$T/bob"
api POST "/api/v2/virtual-networks/$NETWORK/invitations" \
	'{"email":"bob@example.org"}' >"$T/invited"
email=$CONTROL_EMAIL
CONTROL_EMAIL=bob@example.org
CONTROL_ONCE=$(field one_time_password "$(cat "$T/bob")")
control_login || diag "$(cat "$T/login" "$T/bob")"
api PUT "/api/v2/invitations/$(field id "$(cat "$T/invited")")" \
	'{"status":2}' >"$T/accepted"
second=$(twin Twin)
TOKEN=$admin CONTROL_EMAIL=$email
printf '%s\n' "$CONTROL_PASSWORD" >"$T/password"
rm -rf "$HOME/.omniedge"
run "$OMNIEDGE" login -u "$CONTROL_EMAIL" --password-file "$T/password" \
	--api "$CONTROL_HTTP"
status_is 0 "a login"
run "$OMNIEDGE" resolve twin
is "$STATUS" 1 "a name that two users have given"
like "$(cat "$ERR")" "write ($first|$second) .*; ($first|$second) " \
	"is answered with how to write each"
run "$OMNIEDGE" resolve --json "$second"
is "$(jq -r '.owner + " " + .name' "$OUT")" "bob@example.org Twin" \
	"which is that one and no other"
run "$OMNIEDGE" resolve twin@lab
is "$STATUS" 1 "the network does not say which"
run "$OMNIEDGE" ssh -F none -G twin
is "$STATUS" 255 "and ssh does not guess"
stop_control
done_testing
