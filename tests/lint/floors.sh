#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Calls go down only: no archive of a floor uses a symbol of a floor above it
# or beside it, and each third-party library is met in its own folder.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
command -v nm >/dev/null || skip_all "no nm"

# upward ARCHIVE...: from the lowest up, oe_* symbols that an archive uses
# and that neither it nor one before it defines.
upward() {
	known=$LINT_TMP/known
	: >"$known"
	for a; do
		lib=$OE_BUILDDIR/lib$a.a
		[ -f "$lib" ] || continue
		nm -g --defined-only "$lib" 2>/dev/null |
			awk '$3 ~ /^oe_/ { print $3 }' >>"$known"
		nm -gu "$lib" 2>/dev/null | awk -v known="$known" -v lib="$a" '
		BEGIN { while ((getline s <known) > 0) have[s] = 1 }
		/:$/ { object = $0 }
		$1 == "U" && $2 ~ /^oe_/ && !($2 in have) {
			print "lib" lib ".a: " object " " $2
		}'
	done | sort -u
}

[ -f "$OE_BUILDDIR/libbase.a" ] || skip_all "no archives in $OE_BUILDDIR"

# Siblings (net beside app, client beside server) get a run each.
upward base net | verdict "net calls base only"
upward base app | verdict "app calls base only"
upward base net app sshfloor | verdict "ssh calls base, net and app only"
upward base net app coremesh |
	verdict "mesh calls base, net and app only"
upward base net app sshfloor coremesh control |
	verdict "control calls core only"
upward base net app sshfloor coremesh client mesh |
	verdict "the mesh module calls core and client only"
upward base net app sshfloor client |
	verdict "client calls core only"
upward base net app sshfloor server |
	verdict "server calls core only"
upward base net app sshfloor client sftp |
	verdict "sftp calls core and client only"

# only FOLDER-REGEX HEADER-REGEX: includes of that library elsewhere.
only() {
	(cd "$OE_SRCDIR" && c_files | grep '^src/' | grep -Ev "^src/($1)(/|\$)" |
		xargs grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" \
			/dev/null)
}

only 'core/ssh' 'libssh/' | verdict "libssh in core/ssh"
only 'core/ssh|control/(tls_cert\.c|ssl_lib\.h)' 'openssl/' |
	verdict "libcrypto in core/ssh and in control's certificate"
only 'core/net' 'libcidr\.h|seccomp\.h|curl/' |
	verdict "libcidr, libseccomp and libcurl in core/net"
only 'control' 'sqlite3\.h|libpq-fe\.h|libwebsockets\.h' |
	verdict "SQLite, libpq and libwebsockets in control"
only 'core/app' 'ini\.h' | verdict "libinih in core/app"
only 'core/base' 'jansson\.h|sodium' |
	verdict "jansson and libsodium in core/base"
only 'sftp' 'histedit\.h' | verdict "libedit in sftp"
only 'server' 'security/' | verdict "PAM in server"

# Headers: an include line names a floor, so it can be judged too.
include_up() {
	(cd "$OE_SRCDIR" && c_files | grep "^src/$1/" |
		xargs grep -nE "^#include \"($2)/" /dev/null)
}
include_up core/base 'core/(net|app|ssh|mesh)|client|server' |
	verdict "base includes nothing from above"
include_up core/net 'core/(app|ssh|mesh)|client|server' |
	verdict "net includes base only"
include_up core/app 'core/(net|ssh|mesh)|client|server' |
	verdict "app includes base only"
include_up core/ssh 'client|server' | verdict "ssh includes core only"
include_up client 'server' | verdict "client does not include server"
include_up server 'client' | verdict "server does not include client"
include_up '(client|server)' 'sftp' |
	verdict "client and server do not include sftp"
include_up sftp 'server' | verdict "sftp does not include server"
done_testing
