#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# contrib/omniedge.conf.example: every key exists, every value is accepted,
# and no setting of the server is missing.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
example=$OE_SRCDIR/contrib/omniedge.conf.example

run "$OMNIEDGE" ssh-server --config "$example" --check-config
status_is 0 "the example as it is"
cp "$OUT" "$T/as-is"
# Root is never a default user: where root runs this, somebody else is.
user=$ME
am_root && user=daemon

# One at a time: some exclude each other, some name files.
make_key ca
cp "$T/ca.pub" "$T/trusted-ca"
touch "$T/revoked-keys" "$T/banner"
echo '{"rules":[]}' >"$T/policy"
sed -n '/^\[ssh-server\]/,/^\[ssh\]/s/^#\([a-z][a-z-]* = .*\)/\1/p' \
	"$example" >"$T/keys"
check "it has settings" test -s "$T/keys"
while read -r key _ value; do
	# these come with the module
	case $key in
	allow-forwarding | gateway-ports | permit-open | permit-listen)
		has_module forwarding || continue
		;;
	esac
	case $value in
	/etc/omniedge) ;;
	/etc/*) value=$T/$key ;;
	operator:robot | robot) value=${value//robot/$user} ;;
	esac
	printf '[ssh-server]\n%s = %s\n' "$key" "$value" >"$T/one.conf"
	run "$OMNIEDGE" ssh-server --config "$T/one.conf" --check-config
	status_is 0 "$key = $value"
done <"$T/keys"

printf '[ssh-server]\nno-such-key = 1\n' >"$T/bad.conf"
run "$OMNIEDGE" ssh-server --config "$T/bad.conf" --check-config
status_is 78 "an unknown key exits 78"
like "$(cat "$ERR")" 'bad\.conf:2' "with file and line"

# What --check-config prints can be set, so it belongs into the example, and
# its default is the one that the example shows.
while read -r line; do
	case $line in
	'; '*' is not set')
		key=${line#; } key=${key% is not set}
		check "$key is in the example" grep -q "^#$key = " "$example"
		;;
	*' ; default')
		line=${line% ; default}
		check "$line, as in the example" grep -qxF "#$line" "$example"
		;;
	esac
done <"$T/as-is"
done_testing
