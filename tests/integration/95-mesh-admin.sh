#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a network's administrator does without curl: accounts at the server,
# networks, invitations, tags, the policy; and what is refused, with its words.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
. "$OE_SRCDIR/tests/lib/control.sh"
need python3 jq curl

unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY

start_control || bail "no control-server"
printf '%s\n' "$CONTROL_ONCE" >"$T/once"
printf '%s\n' "$CONTROL_PASSWORD" >"$T/password"
chmod 600 "$T/once" "$T/password"

# as NAME COMMAND...: with a home of that name.
as() {
	mkdir -p "$T/home-$1"
	HOME=$T/home-$1 run "$OMNIEDGE" "${@:2}"
}

# comes NAME EMAIL: the first login, with the password in $T/once.
comes() {
	as "$1" login --api "$CONTROL_HTTP" -u "$2" --password-file "$T/once" \
		--new-password-file "$T/password"
}

says() {
	like "$(cat "$ERR" "$OUT")" "$1" "$2"
}

comes ann "$CONTROL_EMAIL"
status_is 0 "the administrator's first login"

# --- accounts at the server, while it serves --------------------------------------

server() {
	run "$OMNIEDGE" control-server "$@" --data-dir "$CONTROL_DIR"
}
server user
status_is 64 "a user needs an address"
server user nobody
status_is 64 "which has to be one"
server user Bob@Example.org
status_is 0 "a user"
sed -n 's/^one-time password: //p' "$OUT" >"$T/once"
says '^user: bob@example.org' "told by address"
server user bob@example.org
is "$STATUS" 1 "once"
says 'there is a user bob@example.org already' "and told so"
comes bob bob@example.org
status_is 0 "who logs in"
control_login || bail "no login"
api GET "/api/ssh/v1/users" >"$T/users"
like "$(cat "$T/users")" '"email":"bob@example.org".*"server_admin":false' \
	"and is no administrator"
server password carol@example.org
is "$STATUS" 1 "no password for nobody"
says 'there is no user carol' "told"
server password bob@example.org
status_is 0 "another password for somebody"
sed -n 's/^one-time password: //p' "$OUT" >"$T/once"
as bob login -u bob@example.org --password-file "$T/password"
is "$STATUS" 255 "the old one is void"
comes bob bob@example.org
status_is 0 "the new one is good for setting another"
api GET "/api/ssh/v1/events?per_page=100" >"$T/events"
for e in control.user.create control.user.password; do
	like "$(cat "$T/events")" "\"$e\"" "event $e"
done
unlike "$(cat "$T/events")" "$(cat "$T/once")" "without the password"

# --- networks and who is in them --------------------------------------------------

for words in "add lab" "add" "invite lab" "accept" "accept a b" "make x y"; do
	# shellcheck disable=SC2086 # words
	as ann networks $words
	status_is 64 "networks $words"
done
as ann networks add lab 8.8.8.0/24
is "$STATUS" 1 "addresses of others"
says 'ip_range: .*10.0.0.0/8' "are refused with those that can be had"
as ann networks add lab 100.64.9.0/24
status_is 0 "a network"
LAB=$(cat "$OUT")
as ann networks
says "^lab +$LAB +100.64.9.0/24 +admin" "which is one's own at once"
as bob networks
unlike "$(cat "$OUT")" lab "and not others'"
as bob networks accept lab
is "$STATUS" 1 "nobody comes in without an invitation"
says "no invitation into 'lab' waits" "which is told"
as bob networks invite "$LAB" bob@example.org
is "$STATUS" 1 "nor invites oneself"
as ann networks invite lab nobody
is "$STATUS" 1 "an invitation of no address"
as ann networks invite lab bob@example.org
status_is 0 "an invitation"
says "omniedge networks accept $LAB" "tells what to do with it"
as ann networks invite LAB bob@example.org
is "$STATUS" 1 "is not sent twice"
as bob networks accept lab
status_is 0 "accepted"
as bob networks
says "^lab +$LAB +100.64.9.0/24 +user" "and in"
as bob networks accept "$LAB"
is "$STATUS" 1 "once"

# --- tags --------------------------------------------------------------------------

as ann device tag lab x
status_is 64 "tags of no device"
as bob device register 'Robot 1' --hardware-id 1
ROBOT=$(cat "$OUT")
as bob device join lab
status_is 0 "a device of the other member"
as bob device tag lab operator
is "$STATUS" 1 "whose owner does not choose its tags"
says 'administer' "which is the administrator's"
as ann device tag lab operator red --device "$ROBOT"
status_is 0 "the administrator does"
tags() {
	as ann peers --json
	is "$(jq -c .tags "$OUT")" "$1" "$2"
}
tags '["operator","red"]' "seen at once"
as ann device tag lab --device "$ROBOT"
tags '[]' "none, when none are given"
as ann device tag lab 'two words' --device "$ROBOT"
is "$STATUS" 1 "a tag with a blank"
as ann device tag nowhere x --device "$ROBOT"
says "no network of yours is 'nowhere'" "a network that is none"
as ann device leave lab more
status_is 64 "words too many"

# --- the policy ---------------------------------------------------------------------

cat >"$T/policy.json" <<'POLICY'
{"rules": [
  {"id": "operators", "principals": [{"tag": "operator"}],
   "ssh_users": {"demo": "="}, "action": {"accept": true}}]}
POLICY
sed 's/principals/principal/' "$T/policy.json" >"$T/bad.json"
as ann ssh-policy put lab
status_is 64 "put needs a file"
as ann ssh-policy put lab "$T/bad.json"
status_is 78 "a policy with a mistake"
says 'bad.json:2: .*principal' "is told by its place"
as ann ssh-policy put nowhere "$T/policy.json"
is "$STATUS" 1 "a network that is none"
as bob ssh-policy put lab "$T/policy.json"
is "$STATUS" 1 "one that one does not administer"
in_force() {
	api GET "/api/ssh/v1/policy?network_id=$LAB" | sed 's/^[0-9]* //' |
		jq -r .payload | jq -r '[.policy.rules[].id] | join(" ")'
}
is "$(in_force)" "" "none of these is in force"
as ann ssh-policy put lab "$T/policy.json"
status_is 0 "a good one"
says 'the policy of lab is version [0-9]+' "is told by its version"
is "$(in_force)" operators "and in force"
as nobody ssh-policy put lab "$T/policy.json"
is "$STATUS" 255 "without a login"
as nobody networks add lab 100.64.9.0/24
is "$STATUS" 255 "nothing works"
done_testing
