#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --print-config says of every setting that we have what "ssh -G" says.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh

mkdir -p "$T/inc"
cat >"$T/inc/one.conf" <<CONF
Host inc-*
	Port 2201
	User included
CONF
cat >"$T/config" <<CONF
# tabs, equal signs, quotes and comments
Include $T/inc/*.conf
Host	a-*  !a-not
	Port=2202
	User = "anna"
	IdentityFile	$T/key_one
	IdentityFile "$T/second key"
	CertificateFile $T/cert
	ServerAliveInterval 1m30s
	ServerAliveCountMax 7
	ConnectTimeout 9
	ConnectionAttempts 4
Host b-*
	HostName %h.example.org
	HostKeyAlias shared
	UserKnownHostsFile $T/kh1 $T/kh2
	GlobalKnownHostsFile none
	StrictHostKeyChecking accept-new
	HashKnownHosts yes
	ProxyJump gate1,me@gate2:2200
	Ciphers aes256-ctr,aes128-ctr
	MACs hmac-sha2-256
	KexAlgorithms curve25519-sha256
	HostKeyAlgorithms ssh-ed25519
	PubkeyAcceptedAlgorithms ssh-ed25519
Host c-*
	ProxyCommand nc -x "a b" %h %p
	ForwardAgent yes
	Compression yes
	BatchMode yes
	IdentitiesOnly yes
	IdentityAgent $T/agent
	AddressFamily inet6
	BindAddress ::1
	EscapeChar ^B
	LogLevel VERBOSE
	NumberOfPasswordPrompts 1
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	PubkeyAuthentication no
	PreferredAuthentications publickey,password
	RequestTTY force
	RemoteCommand echo "a b"  c
	SessionType none
	StdinNull yes
	ForkAfterAuthentication yes
	SendEnv LC_* LANG
	SetEnv A=1 B="two words"
	TCPKeepAlive no
	ServerAliveInterval 15
	NoSuchKeyAnywhere 1
	IgnoreUnknown NoSuch*
Match host a-match user anna exec "true"
	LogLevel ERROR
Match originalhost b-orig
	User orig
Match final host b-final.example.org
	User last
Host *
	Port 2299
	User fallback
	IdentityFile $T/last
CONF
# ssh stops at a key that it does not know, so this one comes first
sed -i '/IgnoreUnknown/d; 1i IgnoreUnknown NoSuch*' "$T/config"

# plain: settings in one order and spelling.  ssh -G writes some switches as
# true and false, and escapes the escape character; with
# "Match final" it repeats values of lists.
plain() {
	sed -e 's/ true$/ yes/; s/ false$/ no/; s/^escapechar .^/escapechar ^/' |
		sort -u
}

# same_as_ssh TEXT ARG...
same_as_ssh() {
	local text=$1 key
	shift
	ssh -G -F "$T/config" "$@" 2>/dev/null | plain >"$T/theirs"
	"$OMNIEDGE" ssh --print-config -F "$T/config" "$@" 2>"$ERR" |
		plain >"$T/ours"
	: >"$T/diff"
	while read -r key; do
		grep -q "^$key " "$T/theirs" || continue
		if grep -qwF "$key" <<<"$OWN_DEFAULTS" &&
			! grep -qwF "$key" <<<"$ASKED"; then
			continue
		fi
		diff <(grep "^$key " "$T/theirs") <(grep "^$key " "$T/ours") \
			>>"$T/diff"
	done < <(cut -d' ' -f1 "$T/ours" | sort -u)
	is "$(cat "$T/diff")" "" "$text"
	check "$text: and tells enough" \
		test "$(wc -l <"$T/ours")" -ge 30
}

# What each program sets in its own way when nobody asks, compared only when
# a file does ($ASKED).
OWN_DEFAULTS="ciphers macs kexalgorithms hostkeyalgorithms
pubkeyacceptedalgorithms identityfile connecttimeout"
ASKED=
printf 'Host other\n' >"$T/empty"
cp "$T/config" "$T/full"
cp "$T/empty" "$T/config"
same_as_ssh "an empty file" plain
cp "$T/full" "$T/config"
ASKED=identityfile
same_as_ssh "the last Host" plain
same_as_ssh "Include" inc-1
ASKED="identityfile connecttimeout"
same_as_ssh "Host with values of all forms" a-1
same_as_ssh "a negated pattern" a-not
same_as_ssh "Match host user exec" a-match
ASKED="identityfile ciphers macs kexalgorithms hostkeyalgorithms
pubkeyacceptedalgorithms"
same_as_ssh "names and algorithms" b-1
same_as_ssh "Match originalhost" b-orig
same_as_ssh "Match final" b-final
ASKED=identityfile
same_as_ssh "switches" c-1
same_as_ssh "options of the command line" -p 2000 -l me -o Compression=yes \
	-A -4 -e none a-1
same_as_ssh "user and host" you@a-1
same_as_ssh "a URI" ssh://you@a-1:2111

# Settings that we do not have: a file may hold them, an option may switch
# them off, and asking for one is an error.
printf 'VisualHostKey yes\nForwardX11 yes\n' >"$T/config"
run "$OMNIEDGE" ssh --print-config -v -F "$T/config" plain
status_is 0 "a file with settings that are not supported"
unlike "$(cat "$OUT")" 'visualhostkey|forwardx11' "they are not printed"
like "$(cat "$ERR")" "$T/config:1: 'VisualHostKey' is not used" "-v tells"
run "$OMNIEDGE" ssh --print-config -F none -o VisualHostKey=yes plain
status_is 64 "asking for one by -o"
like "$(cat "$ERR")" 'VisualHostKey yes' "names it"
run "$OMNIEDGE" ssh --print-config -F none -o VisualHostKey=no plain
status_is 0 "switching it off by -o"
done_testing
