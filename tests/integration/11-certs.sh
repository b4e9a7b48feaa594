#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# User certificates of --trusted-ca: who they let in, when, from where and to
# do what.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh ssh-keygen

login_user c
make_key id
make_key ca
make_key other-ca ecdsa
make_key rsa-ca rsa -b 2048
{
	echo "# authorities"
	cat "$T/ca.pub" "$T/rsa-ca.pub"
} >"$T/cas"
: >"$T/none"
start_server --ban-after 0 --trusted-ca "$T/cas" \
	--authorized-keys "$T/none" || bail "the server does not start"

# sign [OPTION...]: $T/id-cert.pub; -n, -V, -s and -I have defaults.
sign() {
	local args=() a=" $*"
	[[ $a == *" -s "* ]] || args+=(-s "$T/ca")
	[[ $a == *" -n "* ]] || args+=(-n "$LOGIN")
	[[ $a == *" -V "* ]] || args+=(-V -5m:+5m)
	[[ $a == *" -I "* ]] || args+=(-I test)
	ssh-keygen -q "${args[@]}" "$@" "$T/id.pub"
}

kept_out "the key without a certificate"
sign
gets_in "a valid certificate"
check "the log tells method and key" event_seen auth \
	'"method":"certificate".*"success":true.*"key":"SHA256:'
sign -s "$T/rsa-ca" -t rsa-sha2-512
gets_in "signed by an RSA authority"
sign -s "$T/rsa-ca" -t ssh-rsa
kept_out "signed with SHA-1"
sign -s "$T/other-ca"
kept_out "signed by an authority that is not trusted"

# --- when --------------------------------------------------------------------

sign -V -10m:-1m
kept_out "expired"
sign -V +5m:+10m
kept_out "not valid yet"
sign -V always:forever
gets_in "without an end"

# --- who ---------------------------------------------------------------------

sign -n somebody
kept_out "another principal"
sign -n "somebody,$LOGIN"
gets_in "one of several principals"
sign -n "$LOGIN-more,x$LOGIN"
kept_out "principals that only resemble the name"
sign -n '*'
kept_out "a principal is no pattern"
ssh-keygen -q -s "$T/ca" -I test -V -5m:+5m "$T/id.pub"
kept_out "no principals: nobody"
sign -h
kept_out "a host certificate"

# --- what --------------------------------------------------------------------

sign -O source-address=127.0.0.0/8,10.0.0.0/8
gets_in "source-address"
sign -O source-address=10.0.0.0/8
kept_out "source-address of somebody else"
sign -O 'force-command=echo forced; echo "$SSH_ORIGINAL_COMMAND"'
run ossh "$LOGIN@$LO" 'echo in'
is "$(cat "$OUT")" $'forced\necho in' "force-command"
sign -O critical:x@example.org
kept_out "an unknown critical option"
sign -O critical:x@example.org=1
kept_out "with a value too"
sign -O verify-required
kept_out "verify-required, which libssh does not let us check"
sign -O extension:x@example.org
gets_in "an unknown extension does no harm"
sign
run ossh -tt "$LOGIN@$LO" 'test -t 0 && echo terminal'
like "$(cat "$OUT")" terminal "permit-pty"
sign -O no-pty
run ossh -tt "$LOGIN@$LO" 'test -t 0 && echo terminal'
unlike "$(cat "$OUT")" terminal "no permit-pty"
gets_in "but a command runs"
sign -O clear
gets_in "no permit at all: a command runs"

# --- damaged -----------------------------------------------------------------

sign
read -r type blob _ <"$T/id-cert.pub"
# The last byte of the signature, and one of the serial number.
for where in 3 -3; do
	python3 - "$T/id-cert.pub" "$type" "$blob" "$where" <<'PY'
import base64, sys
_, path, kind, blob, where = sys.argv
b = bytearray(base64.b64decode(blob))
if int(where) < 0:
    b[int(where)] ^= 1
else:
    n = int.from_bytes(b[0:4], "big") + 4       # type
    n += int.from_bytes(b[n:n + 4], "big") + 4  # nonce
    n += int.from_bytes(b[n:n + 4], "big") + 4  # key
    b[n + int(where)] ^= 1                      # serial
open(path, "w").write("%s %s test\n" % (kind, base64.b64encode(b).decode()))
PY
	kept_out "a damaged certificate (byte $where)"
done

# --- in an authorized_keys of no CA ------------------------------------------

sign -n somebody
cp "$T/id.pub" "$T/none"
mv "$T/id-cert.pub" "$T/aside"
gets_in "the plain key is authorized"
mv "$T/aside" "$T/id-cert.pub"
gets_in "with a bad certificate beside it too"
: >"$T/none"
stop_server

# --- revoked -----------------------------------------------------------------

sign -z 7
printf 'serial: 7\n' >"$T/spec"
ssh-keygen -q -k -f "$T/revoked" -s "$T/ca.pub" "$T/spec"
start_server --ban-after 0 --trusted-ca "$T/cas" \
	--authorized-keys "$T/none" --revoked-keys "$T/revoked"
kept_out "a revoked serial"
sign -z 8
gets_in "the next serial"
sign -z 7 -s "$T/rsa-ca"
gets_in "the same serial of another authority"
printf 'serial: 5-9\n' >"$T/spec"
ssh-keygen -q -k -u -f "$T/revoked" -s "$T/ca.pub" "$T/spec"
sign -z 8
kept_out "a range of serials"
printf 'id: gone\n' >"$T/spec"
ssh-keygen -q -k -f "$T/revoked" -s "$T/ca.pub" "$T/spec"
sign -z 8 -I gone
kept_out "a revoked key id"
sign -z 8 -I here
gets_in "another key id"
cp "$T/ca.pub" "$T/revoked"
kept_out "a revoked authority"
cp "$T/id.pub" "$T/revoked"
kept_out "a revoked key within a certificate"
stop_server

# --- the authority's file ----------------------------------------------------

start_server --ban-after 0 --trusted-ca "$T/cas" --authorized-keys "$T/none"
sign
gets_in "as at first"
cp "$T/other-ca.pub" "$T/cas"
kept_out "an authority that was taken away"
rm "$T/cas"
kept_out "no file of authorities any more"
stop_server
done_testing
