# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# liar.sh - a control API between client and control-server that lies; source
# it after control.sh.
#
#	certificates		$T/good.pem for 127.0.0.1, and wrong, expired
#				and host, each with its key
#	start_liar NAME		sets LIAR_API and LIAR_PID; its folder is
#				$T/NAME, see liar.py
#	lie NAME MODE [MORE]	what it says from now on; MORE: JSON members
#	old_documents NAME NET	what is signed now is what it says as "old"
#	network_of NAME RANGE	sets NETWORK
#	device_of NAME NETWORK	a device in it; prints its id

# shellcheck disable=SC2034 # for the tests
unset http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY

certificates() {
	local name
	for name in good wrong expired host; do
		openssl ecparam -name prime256v1 -genkey -noout \
			-out "$T/$name.key" 2>/dev/null
	done
	# self-signed, and trusted by being named
	openssl req -x509 -new -key "$T/good.key" -days 2 -subj /CN=api \
		-addext subjectAltName=IP:127.0.0.1 \
		-addext basicConstraints=critical,CA:TRUE -out "$T/good.pem"
	openssl req -x509 -new -key "$T/wrong.key" -days 2 -subj /CN=api \
		-addext subjectAltName=IP:127.0.0.1 -out "$T/wrong.pem"
	signed_for expired IP:127.0.0.1 \
		-startdate 20200101000000Z -enddate 20200102000000Z
	signed_for host DNS:elsewhere.example -days 2
}

# signed_for NAME ALTNAME OPTION...: by the key of good.pem.
signed_for() {
	local name=$1 for=$2
	shift 2
	mkdir -p "$T/ca"
	: >"$T/ca/index"
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\n%s\n' \
		"$T/ca/index" "$T/ca" 'default_md=sha256
rand_serial=yes
policy=p
unique_subject=no
copy_extensions=copy
[p]
commonName=supplied' >"$T/ca/conf"
	openssl req -new -key "$T/$name.key" -subj "/CN=$name" \
		-addext "subjectAltName=$for" -out "$T/ca/$name.csr"
	openssl ca -batch -notext -config "$T/ca/conf" -in "$T/ca/$name.csr" \
		-cert "$T/good.pem" -keyfile "$T/good.key" "$@" \
		-out "$T/$name.pem" 2>"$T/ca/err" || diag_file "$T/ca/err"
}

start_liar() {
	mkdir -p "$T/$1"
	cp "$T"/{good,wrong,expired,host}.{pem,key} "$T/$1"
	rm -f "$T/$1/port"
	python3 "$OE_SRCDIR/tests/lib/liar.py" "${CONTROL_HTTP#http://}" \
		"$T/$1" 2>"$T/$1/err" 3>&- &
	LIAR_PID=$!
	own "$LIAR_PID"
	wait_for 30 test -s "$T/$1/port" || {
		diag_file "$T/$1/err"
		bail "the liar does not start"
	}
	LIAR_API=https://127.0.0.1:$(cat "$T/$1/port")
}

lie() {
	printf '{"mode":"%s"%s}\n' "$2" "${3:+,$3}" >"$T/$1/mode.new"
	mv "$T/$1/mode.new" "$T/$1/mode"
}

old_documents() {
	local kind
	for kind in policy directory; do
		curl -sS -m 60 -H "Authorization: Bearer $TOKEN" \
			"$CONTROL_HTTP/api/ssh/v1/$kind?network_id=$2" \
			>"$T/$1/old.$kind"
	done
}

network_of() {
	api POST /api/v2/virtual-networks \
		"{\"name\":\"$1\",\"ip_range\":\"$2\"}" >"$T/network"
	NETWORK=$(field id "$(cat "$T/network")")
}

device_of() {
	local id
	api POST /api/v2/devices "{\"name\":\"$1\",
		\"hardware_uuid\":\"$1\",\"platform\":\"linux\"}" >"$T/device"
	id=$(field id "$(cat "$T/device")")
	api POST "/api/v2/virtual-networks/$2/devices/$id" >"$T/joined"
	echo "$id"
}
