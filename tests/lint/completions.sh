#!/bin/sh
# The completion scripts are accepted by their shells and offer what the
# tables say; TAP.  A shell that is not here is skipped.
set -u
: "${OMNIEDGE:?}"
n=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
ln -s "$OMNIEDGE" "$dir/omniedge"
PATH=$dir:$PATH

say()
{
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# say what SHELL offers after LINE; the last word is completed
offer_bash()
{
	bash --norc -c '
		. "$1"; shift
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"
		_omniedge
		printf "%s\n" "${COMPREPLY[@]}"' - "$dir/bash" "$@"
}

offer_fish()
{
	# shellcheck disable=SC2016
	fish --no-config -c 'source $argv[1]; complete -C "$argv[2..-1]"' \
		"$dir/fish" "$@" | sed 's/\t.*//'
}

# Options and commands as the program itself lists them.
check_offers()
{
	"$OMNIEDGE" __manual list | sort >"$dir/want"
	"offer_$1" omniedge '' | sort >"$dir/got"
	cmp -s "$dir/want" "$dir/got"
	say $? "$1 offers every command"
	for c in $("$OMNIEDGE" __manual list); do
		{
			echo help
			"$OMNIEDGE" __manual names "$c"
		} | sort -u >"$dir/want"
		"offer_$1" omniedge "$c" -- | grep '^--' |
			grep -v '^--no-' | sed 's/^--//' | sort -u >"$dir/got"
		grep -v '^no-' "$dir/want" | cmp -s - "$dir/got"
		say $? "$1 offers every option of $c"
	done
}

for shell in bash zsh fish; do
	"$OMNIEDGE" completion $shell >"$dir/$shell"
	say $? "script for $shell"
	if ! command -v $shell >/dev/null; then
		n=$((n + 1))
		echo "ok $n - $shell # SKIP not installed"
		continue
	fi
	$shell -n "$dir/$shell"
	say $? "$shell accepts it"
	[ $shell = zsh ] || check_offers $shell
done
if command -v shellcheck >/dev/null; then
	shellcheck -s bash "$dir/bash" | sed 's/^/# /' >"$dir/lint"
	cat "$dir/lint"
	test ! -s "$dir/lint"
	say $? "shellcheck accepts the script for bash"
fi
echo "1..$n"
