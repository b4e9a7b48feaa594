#!/bin/sh
# Tables, help and manual pages say the same; TAP.
# Needs the built program ($OMNIEDGE) and pages ($OE_BUILDDIR/doc/man).
set -u
: "${OMNIEDGE:?}" "${OE_SRCDIR:?}" "${OE_BUILDDIR:?}"
man=$OE_BUILDDIR/doc/man
n=0

ok()
{
	n=$((n + 1))
	echo "ok $n - $1"
}

not_ok()
{
	n=$((n + 1))
	echo "not ok $n - $1"
}

# say RESULT NAME
say()
{
	if [ "$1" -eq 0 ]; then ok "$2"; else not_ok "$2"; fi
}

# The page of a command: its own, or omniedge.1 for those of every build.
page_of()
{
	for p in "$man/omniedge-$1".[18]; do
		[ -f "$p" ] && echo "$p" && return
	done
	grep -q "^\.It Nm Cm $1\( \|\$\)" "$man/omniedge.1" &&
		echo "$man/omniedge.1"
}

check_command()
{
	page=$(page_of "$1")
	test -n "$page"
	say $? "$1 has a page"
	[ -n "$page" ] || return
	missing=
	for option in $("$OMNIEDGE" __manual names "$1"); do
		grep -q "^\.It .*Fl -$option\( \|\$\)" "$page" ||
			missing="$missing $option"
		"$OMNIEDGE" "$1" --help | grep -q -e "--\(\[no-\]\)\?$option\>" ||
			missing="$missing $option(help)"
	done
	test -z "$missing"
	say $? "$1: every option is in page and help$missing"
	grep -q "^\.It Nm Cm $1\( \|\$\)" "$man/omniedge.1"
	say $? "$1 is listed in omniedge.1"
}

# No command may have a page of its own that the program does not know.
check_pages()
{
	for p in "$man"/omniedge-*.[18]; do
		[ -f "$p" ] || continue
		c=${p##*/omniedge-}
		"$OMNIEDGE" __manual list | grep -qx -e "${c%.*}"
		say $? "page ${p##*/} belongs to a command"
	done
}

check_lint()
{
	if ! command -v mandoc >/dev/null; then
		ok "manual pages # SKIP no mandoc"
		return
	fi
	for p in "$man"/*.[158]; do
		# pages of modules that are off, and ssh(1), may be missing here
		out=$(mandoc -Tlint -W warning "$p" 2>&1)
		test -z "$out"
		say $? "mandoc accepts ${p##*/}"
		[ -z "$out" ] || echo "$out" | sed 's/^/# /'
	done
}

# Each code of exitcode.h is an item of EXIT STATUS.
check_exit_codes()
{
	codes=$(sed -n 's/^\tOE_EXIT_[A-Z]* = \([0-9]*\),.*/\1/p' \
		"$OE_SRCDIR/src/core/app/exitcode.h")
	test -n "$codes"
	say $? "exitcode.h was read"
	for code in $codes; do
		sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EXAMPLES/p' \
			"$man/omniedge.1" | grep -q "^\.It $code\(+\| \|\$\)"
		say $? "exit status $code is in omniedge.1"
	done
}

for command in $("$OMNIEDGE" __manual list); do
	check_command "$command"
done
check_pages
check_lint
check_exit_codes
echo "1..$n"
