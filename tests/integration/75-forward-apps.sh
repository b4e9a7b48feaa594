#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What people use forwards for: a browser's page, a database on a Unix socket,
# git, curl through the SOCKS proxy, sessions over a jump host.
. "${OE_SRCDIR:-$(dirname "$0")/../..}/tests/lib.sh"
need ssh-keygen python3 curl git psql chromium

start_sshd || skip_all "no sshd here"
start_server || bail "no server"
PG_BIN=$(printf "%s\n" /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
[ -x "$PG_BIN/initdb" ] || skip_all "no PostgreSQL server here"

# --- what is reached ---------------------------------------------------------

mkdir "$T/www" "$T/repo"
cat >"$T/www/page.html" <<HTML
<html><body><script src="script.js"></script></body></html>
HTML
cat >"$T/www/script.js" <<'JS'
document.write("<p>written by a " + "script</p>");
JS
# Git's default branch and the user's name come from nowhere but here.
export GIT_CONFIG_GLOBAL=$T/gitconfig GIT_CONFIG_NOSYSTEM=1
git config --global init.defaultBranch main
git config --global user.email test@example.org
git config --global user.name test
git config --global safe.directory '*'
(
	cd "$T/repo" || exit
	git init -q .
	head -c 300000 /dev/urandom >blob
	git add blob
	git commit -q -m one
) || bail "no repository"
git clone -q --bare "$T/repo" "$T/www/repo.git"
git -C "$T/www/repo.git" update-server-info
COMMIT=$(git -C "$T/repo" rev-parse HEAD)

start_listening WEB "$T/web.log" python3 -m http.server --bind "$LO" \
	--directory "$T/www" @PORT@ || bail "no web server"
WEB6_PORT=
if [ -e /proc/net/if_inet6 ] && ip -6 addr show lo 2>/dev/null | grep -q ::1
then
	start_listening WEB6 "$T/web6.log" python3 -m http.server --bind ::1 \
		--directory "$T/www" @PORT@ || bail "no web server on ::1"
fi

# PostgreSQL refuses to run as root.
PG_USER=$ME
if am_root; then
	make_user pg || bail "cannot make a user"
	PG_USER=$USER_NAME
fi
install -d -m 711 -o "$PG_USER" "$T/pg"
as_user "$PG_USER" "$PG_BIN/initdb" -D "$T/pg/data" -A trust -U tester \
	-E UTF8 --locale=C --no-sync >"$T/initdb.log" 2>&1 || {
	diag_file "$T/initdb.log"
	bail "initdb"
}
# its socket only; a folder that others may enter
as_user "$PG_USER" "$PG_BIN/postgres" -D "$T/pg/data" -k "$T/pg" \
	-c listen_addresses= -c fsync=off >"$T/postgres.log" 2>&1 3>&- &
own $!
PG_SOCKET=$T/pg/.s.PGSQL.5432
wait_for 60 grep -q 'ready to accept connections' "$T/postgres.log" || {
	diag_file "$T/postgres.log"
	bail "no PostgreSQL server"
}

# --- with what ---------------------------------------------------------------

# browser URL: the page as the browser has it after its scripts ran.
browser() {
	timeout -k 5 120 chromium --headless --no-sandbox --disable-gpu \
		--disable-dev-shm-usage --disable-background-networking \
		--no-first-run --user-data-dir="$T/chromium" \
		--dump-dom "$1" 2>"$T/browser.log"
}

database() {
	PGCONNECT_TIMEOUT=60 timeout -k 5 120 psql -X -A -t -v ON_ERROR_STOP=1 \
		-h "$LO" -p "$1" -U tester -d postgres -c "$2" "${@:3}"
}

fetch() {
	curl -sS --max-time 60 --noproxy '' --proxy "$1" "$2"
}

apps() {
	local l1 l2 d1 d2 r1 how dir=$T/clone-$PEER
	l1=$(free_port) l2=$(free_port) d1=$(free_port) r1=$(free_port)
	d2=$T/socks-$PEER.sock
	"$OMNIEDGE" ssh -F /dev/null -i "$T/id" -p "$PEER_PORT" \
		-o UserKnownHostsFile="$T/known_hosts" \
		-o StrictHostKeyChecking=accept-new -N \
		-L "$l1:localhost:$WEB_PORT" -L "$l2:$PG_SOCKET" -D "$d1" \
		-D "$d2" -R "$r1" "$ME@$LO" >"$T/hold-$PEER" 2>&1 3>&- &
	local pid=$!
	own "$pid"
	wait_for 30 listening "$r1" || diag_file "$T/hold-$PEER"

	like "$(browser "http://$LO:$l1/page.html")" '<p>written by a script</p>' \
		"$PEER: a browser's page and its script through -L" ||
		diag_file "$T/browser.log"

	is "$(database "$l2" 'select 6 * 7')" 42 \
		"$PEER: PostgreSQL's Unix socket through -L"
	seq 1 50000 >"$T/rows"
	database "$l2" 'create table t (n int)' >/dev/null
	database "$l2" '\copy t from stdin' <"$T/rows" >/dev/null
	check "$PEER: 50000 rows in and out again" cmp "$T/rows" \
		<(database "$l2" '\copy (select n from t order by n) to stdout')
	database "$l2" 'drop table t' >/dev/null
	run database "$l2" 'select pg_terminate_backend(pg_backend_pid())'
	like "$STATUS $(cat "$ERR")" '^2 .*terminating connection' \
		"$PEER: its last words arrive when it ends the connection"

	run git clone -q "http://$LO:$l1/repo.git" "$dir"
	is "$(git -C "$dir" rev-parse HEAD)" "$COMMIT" \
		"$PEER: git clone of http through -L"

	for how in socks5h socks5 socks4a socks4; do
		is "$(fetch "$how://$LO:$d1" "http://localhost:$WEB_PORT/script.js")" \
			"$(cat "$T/www/script.js")" "$PEER: curl, $how"
	done
	is "$(fetch "socks5h://localhost$d2" \
		"http://localhost:$WEB_PORT/script.js")" \
		"$(cat "$T/www/script.js")" "$PEER: curl, -D on a Unix socket"
	is "$(fetch "socks5h://$LO:$r1" "http://localhost:$WEB_PORT/script.js")" \
		"$(cat "$T/www/script.js")" "$PEER: curl, the proxy of -R"
	if [ -n "$WEB6_PORT" ]; then
		for how in "socks5h://$LO:$d1" "socks5h://$LO:$r1"; do
			is "$(fetch "$how" "http://[::1]:$WEB6_PORT/script.js")" \
				"$(cat "$T/www/script.js")" \
				"$PEER: curl, an IPv6 target, ${how%%:*}"
		done
	else
		skip "$PEER: curl, an IPv6 target" "no IPv6 here"
	fi
	like "$(browser_by_proxy "$d1")" '<p>written by a script</p>' \
		"$PEER: a browser that has -D for its proxy" ||
		diag_file "$T/browser.log"

	kill "$pid"
	wait "$pid" 2>/dev/null
}

browser_by_proxy() {
	timeout -k 5 120 chromium --headless --no-sandbox --disable-gpu \
		--disable-dev-shm-usage --disable-background-networking \
		--no-first-run --user-data-dir="$T/chromium" \
		--proxy-server="socks5://$LO:$1" \
		--proxy-bypass-list='<-loopback>' --dump-dom \
		"http://localhost:$WEB_PORT/page.html" 2>"$T/browser.log"
}
each_peer apps
use_port ''

# --- over one peer to the other ----------------------------------------------

cat >"$T/config" <<CONF
Host *
	IdentityFile $T/id
	UserKnownHostsFile $T/known_hosts
	StrictHostKeyChecking accept-new
Host ours sshd
	HostName $LO
	User $ME
Host ours
	Port $SERVER_PORT
Host sshd
	Port $SSHD_PORT
CONF

# over GATE PEER: -J and -W, a forward at the end of it, git with either.
over() {
	local gate=$1 peer=$2 l dir=$T/clone-$1-$2
	l=$(free_port)
	"$OMNIEDGE" ssh -F "$T/config" -J "$gate" -N \
		-o LocalForward="$l localhost:$WEB_PORT" "$peer" \
		>"$T/over" 2>&1 3>&- &
	local pid=$!
	own "$pid"
	wait_for 30 listening "$l" || diag_file "$T/over"
	is "$(curl -sS --max-time 60 "http://$LO:$l/script.js")" \
		"$(cat "$T/www/script.js")" "-L at $peer, -J over $gate"
	kill "$pid"
	wait "$pid" 2>/dev/null

	GIT_SSH_COMMAND="$OMNIEDGE ssh -F $T/config -J $gate" \
		run git clone -q "$peer:$T/www/repo.git" "$dir-J"
	is "$(git -C "$dir-J" rev-parse HEAD)" "$COMMIT" \
		"git clone from $peer, -J over $gate" || diag_file "$ERR"
	GIT_SSH_COMMAND="$OMNIEDGE ssh -F $T/config -o \
		ProxyCommand='$OMNIEDGE ssh -F $T/config -W %h:%p $gate'" \
		run git clone -q "$peer:$T/www/repo.git" "$dir-W"
	is "$(git -C "$dir-W" rev-parse HEAD)" "$COMMIT" \
		"git clone from $peer, -W of $gate as ProxyCommand" ||
		diag_file "$ERR"
	GIT_SSH_COMMAND="ssh -F $T/config -o \
		ProxyCommand='$OMNIEDGE ssh -F $T/config -W %h:%p $gate'" \
		run git clone -q "$peer:$T/www/repo.git" "$dir-ssh"
	is "$(git -C "$dir-ssh" rev-parse HEAD)" "$COMMIT" \
		"the same, for OpenSSH's client" || diag_file "$ERR"
}
over ours sshd
over sshd ours
done_testing
