# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# lab_story.sh - three machines of lab.sh under one control-server, from its
# first start to a mesh; source it after lab.sh and control.sh.
#
# robot-1 is the administrator's and knows devices by their address in the
# mesh; robot-2 is Bob's and does not; the laptop is Ann's, who is no root.

# account NAME: NAME@example.org, with a password of theirs in $T/NAME.pw.
account() {
	local once admin=$TOKEN
	api POST /api/ssh/v1/users \
		"{\"email\":\"$1@example.org\",\"name\":\"$1\"}" >"$T/$1.made"
	once=$(field one_time_password "$(cat "$T/$1.made")")
	CONTROL_EMAIL=$1@example.org password_login "$once"
	api PUT /api/v2/profile/password "{\"old_password\":\"$once\",
		\"password\":\"the password of $1\"}" >/dev/null
	printf 'the password of %s\n' "$1" >"$T/$1.pw"
	chmod 644 "$T/$1.pw"
	TOKEN=$admin
}

# member NAME: who is asked into the network, and accepts.
member() {
	local admin=$TOKEN id
	api POST "/api/v2/virtual-networks/$NETWORK/invitations" \
		"{\"email\":\"$1@example.org\"}" >"$T/$1.invited"
	id=$(field id "$(cat "$T/$1.invited")")
	CONTROL_EMAIL=$1@example.org password_login "the password of $1"
	api PUT "/api/v2/invitations/$id" '{"status":2}' >"$T/$1.accepted"
	TOKEN=$admin
}

# tags NAME TAG...: all that the device has.
tags() {
	local id list=
	id=$(joined "$1" device_id)
	shift
	[ $# = 0 ] || list=$(printf ',"%s"' "$@")
	api PUT "/api/ssh/v1/devices/$id/tags" \
		"{\"network_id\":\"$NETWORK\",\"tags\":[${list#,}]}" >"$T/tags"
	grep -q '^200' "$T/tags" || diag_file "$T/tags"
}

# policy RULE...: what the control-server tells from now on.
policy() {
	local rules
	rules=$(printf ',%s' "$@")
	api PUT /api/ssh/v1/policy "{\"network_id\":\"$NETWORK\",\"policy\":
		{\"version\":1,\"updated_at\":\"2026-01-01T00:00:00Z\",
		\"rules\":[${rules#,}]}}" >"$T/put"
	grep -q '^200' "$T/put" || diag_file "$T/put"
}

# rule ID PRINCIPAL [ACTION]: demo is the local user $LOGIN.
rule() {
	printf '{"id":"%s","principals":[%s],"ssh_users":{"demo":"%s",' \
		"$1" "$2" "$LOGIN"
	printf '"root":"root"},"action":{%s}}' \
		"${3:-\"accept\":true,\"allow_local_port_forwarding\":true}"
}

# changes: how often the policy or the directory changed at the server that
# is looked at; in_force COMMAND...: run it, and wait until that is seen.
changes() {
	events policy.change | wc -l
}

more_changes() {
	[ "$(changes)" -gt "$1" ]
}

in_force() {
	local before
	before=$(changes)
	"$@"
	wait_for 60 more_changes "$before" || diag "no change: $*"
}

# ann COMMAND...: hers, on the laptop.
ann() {
	local AT
	at laptop
	timeout -k 5 "${ANN_LIMIT:-60}" "${AT[@]}" setpriv --reuid "$ANN" --regid "$ANN" --clear-groups \
		env HOME="$ANN_HOME" USER="$ANN" LOGNAME="$ANN" "$@"
}

story_accounts() {
	login_user demo
	DEMO_HOME=$LOGIN_HOME
	make_user ann || bail "cannot make a user"
	ANN=$USER_NAME ANN_HOME=$USER_HOME
	lab_begin
	start_control --listen "$LAB_WIRE.1:8443" || bail "no control-server"
	CONTROL_URL=https://$LAB_WIRE.1:8443
	control_login || bail "no login at the control-server"
	printf '%s\n' "$CONTROL_PASSWORD" >"$T/admin.pw"
	account ann
	account bob
	api POST /api/v2/virtual-networks \
		'{"name":"lab","ip_range":"100.64.9.0/24"}' >"$T/network"
	NETWORK=$(field id "$(cat "$T/network")")
	member ann
	member bob
	api GET "/api/v2/virtual-networks/$NETWORK/users" >"$T/users"
	is "$(grep -o '[a-z]*@example.org' "$T/users" | sort -u | xargs)" \
		"admin@example.org ann@example.org bob@example.org" \
		"a network of three people"
	cp "$CONTROL_DIR/tls-cert.pem" "$T/ca.pem"
	chmod 644 "$T/ca.pem"
}

# robot NAME N OWNER: told of the certificate by a copy of it.
robot() {
	machine "$1" "$2"
	on "$1" "$OMNIEDGE" login --api "$CONTROL_URL" --ca-file "$T/ca.pem" \
		-u "$3@example.org" --password-file "$T/$3.pw" >"$OUT" 2>"$ERR"
	is $? 0 "$1: login" || diag_file "$ERR"
	on "$1" "$OMNIEDGE" device register --hardware-id "0$2" >"$OUT"
	is $? 0 "$1: device register"
	on "$1" "$OMNIEDGE" device join lab --secret-file "$T/$1/joined" \
		>"$OUT" 2>"$ERR"
	is "$? $(cat "$OUT")" "0 $(joined "$1" virtual_ip)" "$1: device join"
}

# The laptop was told the pin of the certificate.
story_machines() {
	robot robot-1 2 admin
	robot robot-2 3 bob
	machine laptop 4
	run ann "$OMNIEDGE" login --api "$CONTROL_URL" -u ann@example.org \
		--password-file "$T/ann.pw"
	is "$STATUS" 255 "a control-server that nobody vouches for"
	run ann "$OMNIEDGE" login --api "$CONTROL_URL" --pin "$CONTROL_PIN" \
		-u ann@example.org --password-file "$T/ann.pw"
	status_is 0 "laptop: login with the pin"
	run ann "$OMNIEDGE" device register --hardware-id 04
	run ann "$OMNIEDGE" device join lab --secret-file "$ANN_HOME/joined"
	status_is 0 "laptop: device join"
	ln "$ANN_HOME/joined" "$T/laptop/joined"
	run ann "$OMNIEDGE" networks
	like "$(cat "$OUT")" lab "networks"
	R1=$(joined robot-1 virtual_ip) R2=$(joined robot-2 virtual_ip)
	L=$(joined laptop virtual_ip)
}

story_servers() {
	policy "$(rule ann '{"user_email":"ann@example.org"}')"
	serve robot-2 || bail "no server on robot-2"
	wait_for 60 event_seen policy.change '"1 rule"' || bail "no policy"
	serve robot-1 --mesh-interface mesh0 "$@" ||
		bail "no server on robot-1"
	wait_for 60 event_seen policy.change '"1 rule"' || bail "no policy"
	for host in "$R1" "$R2"; do
		check "the mesh carries to $host" wait_for 60 on laptop \
			timeout 3 bash -c "exec 3<>/dev/tcp/$host/22"
	done
}


has_host_keys() {
	api GET "/api/ssh/v1/networks/$NETWORK/host-keys" >"$T/host-keys"
	[ "$(grep -o 'ssh-ed25519' "$T/host-keys" | wc -l)" = 2 ]
}

# in_by TEXT COMMAND...: Ann's command says "in".
in_by() {
	local text=$1
	shift
	run ann "$@"
	is "$STATUS $(cat "$OUT")" "0 in" "$text" || diag_file "$ERR"
}

story_by_name() {
	local robot
	check "host keys are known" wait_for 60 has_host_keys
	run ann "$OMNIEDGE" peers --refresh
	is "$(awk 'NR > 1 { print $1, $2, $3 }' "$OUT" | sort | xargs)" \
		"laptop $L lab robot-1 $R1 lab robot-2 $R2 lab" "peers"
	run ann "$OMNIEDGE" resolve robot-1
	is "$(cat "$OUT")" "$R1" "resolve"
	for robot in 1 2; do
		run ann "$OMNIEDGE" ssh "demo@robot-$robot" 'hostname; id -un'
		is "$STATUS $(xargs <"$OUT")" "0 robot-$robot $LOGIN" \
			"ssh demo@robot-$robot, with no key and no question" ||
			diag_file "$ERR"
	done
	in_by "ssh demo@robot-1@lab" "$OMNIEDGE" ssh demo@robot-1@lab 'echo in'
	in_by "over one robot to the other" "$OMNIEDGE" ssh -J demo@robot-1 \
		demo@robot-2 'echo in'
	cp "$OE_SRCDIR/README.md" "$ANN_HOME/file"
	run ann "$OMNIEDGE" scp "$ANN_HOME/file" demo@robot-2:copied
	status_is 0 "scp"
	check "it is there" cmp "$ANN_HOME/file" "$DEMO_HOME/copied"
}

# Plain OpenSSH, by two ways.
story_openssh() {
	in_by "ssh of OpenSSH through nc" ssh -o BatchMode=yes \
		-o "ProxyCommand=$OMNIEDGE nc %h %p" \
		-o StrictHostKeyChecking=accept-new \
		-i "$ANN_HOME/.omniedge/ssh_user_ed25519" demo@robot-2 'echo in'
	run ann "$OMNIEDGE" ssh-config --install -u demo
	status_is 0 "ssh-config"
	in_by "ssh robot-2" ssh -o BatchMode=yes robot-2 'echo in'
	run ann scp -o BatchMode=yes robot-1:copied "$ANN_HOME/back"
	status_is 0 "scp robot-1:"
	check "and back it is" cmp "$ANN_HOME/file" "$ANN_HOME/back"
}

# hold: a session of Ann's on robot-1 that stays; sets HOLD_PID.
hold() {
	: >"$T/hold" # the last one was here as well
	ANN_LIMIT=600 ann "$OMNIEDGE" ssh demo@robot-1 'echo here; sleep 600' \
		>"$T/hold" 2>&1 3>&- &
	HOLD_PID=$!
	own "$HOLD_PID"
	wait_for 30 grep -q here "$T/hold" || diag_file "$T/hold"
}

# ended TEXT REGEX: the held session ends, and is told why.
ended() {
	check "$1" wait_for 60 eval "! alive $HOLD_PID"
	stop "$HOLD_PID"
	wait "$HOLD_PID" 2>/dev/null
	like "$(cat "$T/hold")" "$2" "$1: and is told"
}

# Seconds from the last change until the last connection was ended by it.
lasted() {
	grep -a '^{' "$SERVER_LOG" | jq -rs 'def last(f): [.[] | select(f)][-1]
		.ts | sub("\\.[0-9]+Z"; "Z") | fromdate;
		last(.event == "disconnect" and .reason == "policy") -
		last(.event == "policy.change")'
}

TAGGED='{"tag":"ops"}'
story_policy() {
	hold
	in_force policy "$(rule bob '{"user_email":"bob@example.org"}')"
	ended "a session whose rule is gone" 'no longer permits'
	like "$(lasted)" '^[0-5]$' "within five seconds of the change"
	run ann "$OMNIEDGE" ssh demo@robot-1 'echo in'
	is "$STATUS $(cat "$OUT")" "255 " "and nobody comes back"
	in_force tags laptop ops
	in_force policy "$(rule ops "$TAGGED")"
	in_by "a device with the tag" "$OMNIEDGE" ssh demo@robot-1 'echo in'
	run on robot-2 "$OMNIEDGE" ssh -o BatchMode=yes demo@robot-1 'echo in'
	is "$STATUS $(cat "$OUT")" "255 " "a device without it"
	like "$(cat "$ERR")" 'permission denied' "by authentication"
	run ann "$OMNIEDGE" ssh demo@robot-2 'echo in'
	is "$STATUS $(cat "$OUT")" "255 " \
		"a server that knows no device by its address"
	hold
	in_force tags laptop
	ended "a tag that is taken away" 'no longer permits'
	in_force tags laptop ops
}

# visit MACHINE FROM [USER@HOST [OPTION...]]: without any key.
visit() {
	local machine=$1 from=$2 to=${3:-demo@$R1}
	shift "$(($# < 3 ? $# : 3))"
	run on "$machine" timeout -k 5 60 ssh -F /dev/null -o BatchMode=yes \
		-o IdentityFile=none -o IdentityAgent=none -b "$from" "$@" \
		-o LogLevel=ERROR -o UserKnownHostsFile=/dev/null \
		-o StrictHostKeyChecking=no -o ConnectTimeout=30 \
		"$to" 'echo in'
}

# comes_in / stays_out TEXT MACHINE FROM...: the latter by authentication.
comes_in() {
	visit "${@:2}"
	is "$STATUS $(cat "$OUT")" "0 in" "$1" || diag_file "$ERR"
}

stays_out() {
	visit "${@:2}"
	is "$STATUS $(cat "$OUT")" "255 " "$1"
	like "$(cat "$ERR")" 'Permission denied' "$1: by authentication"
}

story_identity() {
	comes_in "a device is its owner, without a key" laptop "$L"
	check "as method none" event_seen auth \
		'"src":"'"$L"'".*"method":"none","success":true'
	stays_out "never as root" laptop "$L" "root@$R1"
	stays_out "not where no interface is the mesh's" laptop "$L" "demo@$R2"
	stays_out "not outside of the mesh" laptop "$LAB_WIRE.4" \
		"demo@$LAB_WIRE.2"
	stays_out "not by a rule for others" robot-2 "$R2"
	in_force policy "$(rule id "{\"node_id\":\"$(joined laptop device_id)\"}")"
	comes_in "a rule for the device" laptop "$L"
	in_force policy "$(rule mail '{"user_email":"ann@example.org"}')"
	comes_in "a rule for its owner" laptop "$L"
}

# underlay TEXT: robot-2 has the laptop's address, and by an odd route, which
# takes both ends, a connection from there comes to be outside of the mesh.
story_underlay() {
	on robot-2 ip addr add "$L/32" dev lo
	on robot-2 ip route add "$R1/32" via "$LAB_WIRE.2" src "$L"
	on robot-1 ip route add "$L/32" via "$LAB_WIRE.3"
	stays_out "another's address, on the wire below the mesh" robot-2 "$L"
	on robot-1 ip route del "$L/32" via "$LAB_WIRE.3"
	on robot-2 ip route del "$R1/32" via "$LAB_WIRE.2"
	on robot-2 ip addr del "$L/32" dev lo
}

# What is on robot-1 itself has all its addresses to choose from.
story_itself() {
	local to=${R1/*:*/[$R1]} from=${L/*:*/[$L]}
	stays_out "a server's own address" robot-1 "$R1"
	on robot-1 ip addr add "$L/${1:-32}" dev lo
	stays_out "another's, that it has taken" robot-1 "$L"
	visit robot-1 "$L" "demo@$R1" -o ConnectTimeout=2 -o \
		"ProxyCommand=socat - TCP:$to:22,bind=$from,so-bindtodevice=mesh0"
	is "$STATUS $(cat "$OUT")" "255 " "and by the interface of the mesh"
	on robot-1 ip addr del "$L/${1:-32}" dev lo
}

# --- the server is replaced, the control-server away ---------------------------

# renewed SIGNAL: robot-1's server has obeyed, and knows its policy.
renewed() {
	local event=server.reload before
	[ "$1" = HUP ] || event=server.start
	before=$(events "$event" | wc -l)
	kill "-$1" "${SERVE_PID[robot-1]}"
	wait_for 60 eval '[ "$(events "$event" | wc -l)" -gt "$before" ]' &&
		wait_for 60 settled
}

# settled: a policy is in force, and that of these tests.
settled() {
	events policy.change | tail -n 1 | grep -qF '"1 rule"'
}

story_replaced() {
	local signal
	for signal in HUP USR2; do
		hold
		check "SIG$signal" renewed "$signal"
		comes_in "after SIG$signal: a device without a key" laptop "$L"
		stays_out "after SIG$signal: one that no rule permits" \
			robot-2 "$R2"
		check "after SIG$signal: what lived lives" alive "$HOLD_PID"
		in_force policy "$(rule bob '{"user_email":"bob@example.org"}')"
		ended "after SIG$signal: until its rule is gone" \
			'no longer permits'
		in_force policy "$(rule mail '{"user_email":"ann@example.org"}')"
	done
	hold
	check "SIGUSR2 again" renewed USR2
	check "the session is shown by the API" wait_for 60 live || return
	api POST "/api/ssh/v1/sessions/$SESSION/kill" '{"reason":"test"}' \
		>"$T/kill"
	ended "an order for what an earlier program began" \
		'administrator has ended'
}

# live: sets SESSION to the one of Ann's.
live() {
	api GET "/api/ssh/v1/sessions?network_id=$NETWORK" >"$T/live"
	[ "$(grep -o '"id":"ses' "$T/live" | wc -l)" = 1 ] || return
	SESSION=$(grep -o '"id":"ses[^"]*' "$T/live" | cut -d'"' -f4)
}

connects() {
	cat "$T"/robot-[12].log | grep -a '^{' | grep -acF '"event":"connect"'
}

# Every connection of both robots, once.
arrived() {
	local page=1
	: >"$T/arrived"
	while :; do
		api GET "/api/ssh/v1/events?network_id=$NETWORK&name=connect&page=$page&per_page=100" \
			>"$T/page"
		sed 's/^[0-9]* //' "$T/page" | jq -r \
			'(.data.data? // .data)[] | (.body? // .) | .conn' \
			>"$T/conns" 2>/dev/null || return 1
		[ -s "$T/conns" ] || break
		cat "$T/conns" >>"$T/arrived"
		page=$((page + 1))
	done
	[ "$(wc -l <"$T/arrived")" -ge "$(connects)" ]
}

says() {
	grep -aq "$1" "$SERVER_LOG"
}

story_away() {
	hold
	stop_control
	in_by "a new login by name" "$OMNIEDGE" ssh demo@robot-1 'echo in'
	comes_in "and one without a key" laptop "$L"
	check "their events wait, which is told" wait_for 60 \
		says 'events: they wait on disk'
	run ann "$OMNIEDGE" resolve --offline robot-2
	is "$STATUS $(cat "$OUT")" "0 $R2" "names from the disk"
	run ann "$OMNIEDGE" peers --refresh
	like "$(cat "$ERR")" 'as it was' "whose age is told"
	check "what lived lives" alive "$HOLD_PID"
	stop "$HOLD_PID"
	stop "${SERVE_PID[robot-2]}"
	serve robot-2 --policy-max-age 2 || bail "no server on robot-2"
	check "a policy that is too old" wait_for 60 event_seen \
		policy.change 'none: the control API has been away'
	run ann "$OMNIEDGE" ssh demo@robot-2 'echo in'
	is "$STATUS $(cat "$OUT")" "255 " "lets nobody in"
	look_at robot-1
	start_control --listen "$LAB_WIRE.1:8443" ||
		bail "the control-server does not come back"
	control_login || bail "no login"
	check "it is back: all events arrive" wait_for 60 arrived
	is "$(wc -l <"$T/arrived") $(sort "$T/arrived" | uniq -d | wc -l)" \
		"$(connects) 0" "each of them once"
	check "robots are online" wait_for 60 online
	check "and the old policy is good again" wait_for 60 ann "$OMNIEDGE" \
		ssh demo@robot-2 true
}

online() {
	ann "$OMNIEDGE" peers --refresh >"$T/online" &&
		[ "$(grep -c ' yes ' "$T/online")" = 2 ]
}

story_ends() {
	local name
	for name in robot-1 robot-2; do
		stop "${SERVE_PID[$name]}"
	done
	unlike "$(cat "$T"/*.log)" 'Sanitizer|runtime error' \
		"no complaint in the logs"
	done_testing
}
