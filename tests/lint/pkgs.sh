#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One list of packages: what the Debian package builds with, what tests ask
# for with "need", and what contrib/install-deps installs agree.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lint/lib.sh"
cd "$OE_SRCDIR" || exit 1

build=$(contrib/install-deps --list)
all=$(contrib/install-deps --tests --list)

printf '%s\n' "$all" | sort | uniq -d | verdict "no package is named twice"

# gcc, make and libc6-dev come with build-essential; no package is built out of
# a checkout, nor tried in one.
if [ -f debian/control ]; then
	control=$(sed -n '/^Build-Depends:/,/^[A-Z]/p' debian/control |
		tr ',' '\n' | sed -n 's/^\(Build-Depends:\)\{0,1\} *\([a-z0-9.+-]\{2,\}\).*/\2/p')
	for p in $build; do
		case $p in
		gcc | make | libc6-dev | iproute2 | autoconf | automake) ;;
		*) printf '%s\n' "$control" | grep -qx -e "$p" ||
			echo "$p is not in Build-Depends" ;;
		esac
	done | verdict "debian/control builds with the same"
	for p in $control; do
		printf '%s\n' "$all" debhelper-compat dh-sequence-installsysusers | grep -qx -e "$p" ||
			echo "$p is not in contrib/install-deps"
	done | verdict "and with nothing else"
fi

# Programs that a test names in "need": program, package.
owner() {
	case $1 in
	ssh | ssh-keygen | ssh-agent | ssh-add | ssh-keyscan | scp | sftp)
		echo openssh-client ;;
	sshd) echo openssh-server ;;
	dbclient | dropbear | dropbearkey | dropbearconvert) echo dropbear-bin ;;
	plink | puttygen | pscp) echo putty-tools ;;
	ansible | ansible-playbook) echo ansible-core ;;
	nc) echo netcat-openbsd ;;
	ss | ip) echo iproute2 ;;
	vi | vim.tiny) echo vim-tiny ;;
	chage | chpasswd | useradd | userdel | usermod) echo passwd ;;
	psql) echo postgresql ;;
	ps | pgrep) echo procps ;;
	systemd-analyze | systemd-run) echo systemd ;;
	cmp | sha256sum | stty) echo bash ;; # diffutils, coreutils: everywhere
	setpriv | runuser | script | nsenter | unshare | last | lastlog) echo util-linux ;;
	*) echo "$1" ;;
	esac
}
sed -n 's/^[[:space:]]*need \(.*\)/\1/p' tests/integration/*.sh | tr ' ' '\n' |
	sort -u | while read -r program; do
	p=$(owner "$program")
	printf '%s\n' "$all" | grep -qx -e "$p" ||
		echo "$program ($p) is not in contrib/install-deps --tests"
done | verdict "tests need only what install-deps --tests installs"
done_testing
