# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# lab.sh - machines with a network, a host name, a home and a /run of their
# own, on one wire with this one, and a mesh over it; source it after lib.sh,
# in a network and mount namespace of the test's own.
#
#	lab_begin			the wire; we are $LAB_WIRE.1 on it
#	machine NAME N			another one, $LAB_WIRE.N
#	on NAME COMMAND...		root's command there
#	serve NAME [OPTION...]		ssh-server there, on port 22
#	mesh_n2n NAME...		mesh0 on each, by what 'device join
#	mesh_wireguard NAME...		--secret-file' wrote to NAME's home

LAB_WIRE=10.99.0
declare -A LAB_PID=() LAB_HOME=() LAB_N=() LAB_EDGE=() SERVE_PID=()

# What a machine of this lab cannot be made without; skips the test.
lab_needs() {
	need ip nsenter unshare setpriv ssh ssh-keygen jq curl python3 "$@"
	if [ ! -c /dev/net/tun ]; then
		mkdir -p /dev/net && mount -t tmpfs tmpfs /dev/net &&
			mknod /dev/net/tun c 10 200
	fi
	(: <>/dev/net/tun) 2>"$ERR" ||
		skip_all "no /dev/net/tun: $(head -n 1 "$ERR")"
}

lab_begin() {
	ip link set lo up
	# its own address: else it takes one of a machine's that comes later,
	# and those that were there go on sending to the other
	ip link add wire0 address 02:00:00:00:01:00 type bridge ||
		skip_all "the kernel has no bridges"
	ip addr add "$LAB_WIRE.1/24" dev wire0
	ip link set wire0 up
}

machine() {
	local name=$1 pid
	LAB_HOME[$name]=$T/$name LAB_N[$name]=$2
	mkdir -p "$T/$name"
	unshare --net --mount --uts --propagation private \
		sleep 1000 3>&- 9>&- &
	pid=$!
	own "$pid"
	LAB_PID[$name]=$pid
	wait_for 20 grep -qx sleep "/proc/$pid/comm" ||
		bail "no machine $name"
	ip link add "w$2" type veth peer name eth0 netns "$pid" ||
		skip_all "the kernel has no veth"
	ip link set "w$2" master wire0 up
	on "$name" sh -c "hostname $name; mount -t tmpfs tmpfs /run
		ip link set lo up; ip link set eth0 up
		ip addr add $LAB_WIRE.$2/24 dev eth0
		for i in all default eth0; do
			echo 0 >/proc/sys/net/ipv4/conf/\$i/rp_filter
		done" >&2
}

# at NAME: sets AT, what begins a command there; for those that go on in the
# background, whose process is to be theirs and not a function's.
at() {
	AT=(nsenter --net --mount --uts -t "${LAB_PID[$1]}"
		env HOME="${LAB_HOME[$1]}")
}

on() {
	local AT
	at "$1"
	shift
	"${AT[@]}" "$@"
}

# answers NAME PORT: something listens there.
answers() {
	awk -v p=":$(printf %04X "$2")" '$4 == "0A" &&
		substr($2, length($2) - 4) == p { f = 1 } END { exit !f }' \
		"/proc/${LAB_PID[$1]}/net/tcp"
}

# serve: sets SERVE_PID[NAME] and SERVER_LOG.
serve() {
	local name=$1 AT
	shift
	look_at "$name"
	at "$name"
	"${AT[@]}" "$OMNIEDGE" ssh-server -p 22 -b 0.0.0.0 -b :: \
		--host-key-path "$T/$name/hostkeys" --log-format json \
		--authorized-keys "$T/none" --api --api-interval 1 "$@" \
		>>"$SERVER_LOG" 2>&1 3>&- &
	SERVE_PID[$name]=$!
	own $!
	wait_for 60 eval "answers $name 22 || ! alive $!" && alive $! && return
	diag_file "$SERVER_LOG"
	return 1
}

# look_at NAME: whose events the functions of lib.sh mean.
look_at() {
	SERVER_LOG=$T/$1.log
}

# joined NAME MEMBER: of what the control API told when NAME joined.
joined() {
	jq -r ".$2" "$T/$1/joined"
}

mesh_n2n() {
	local name
	supernode -l 7654 >"$T/supernode.log" 2>&1 3>&- &
	own $!
	for name; do
		n2n_edge "$name" "$(joined "$name" virtual_ip)" \
			"02:00:00:00:00:0${LAB_N[$name]}"
	done
}

# n2n_edge NAME ADDRESS MAC [OPTION...]: sets LAB_EDGE[NAME].  Addresses are
# what each edge says that they are.
n2n_edge() {
	local AT
	at "$1"
	N2N_KEY=$(joined "$1" secret_key) "${AT[@]}" edge -d mesh0 -u 0 -g 0 \
		-c "$(joined "$1" community)" -a "$2" -m "$3" \
		-s "$(joined "$1" subnet_mask)" -l "$LAB_WIRE.1:7654" -p 7655 \
		"${@:4}" >"$T/$1.edge" 2>&1 3>&- &
	LAB_EDGE[$1]=$!
	own $!
	wait_for 30 on "$1" ip link show mesh0 && return
	diag_file "$T/$1.edge"
	bail "no mesh on $1"
}

# Keys are made where they are used; what others are told of is the public
# half and the addresses that are this device's alone.
mesh_wireguard() {
	local name other peers AT
	for name; do
		on "$name" sh -c 'umask 77; wg genkey >~/wg.key
			wg pubkey <~/wg.key >~/wg.pub'
		at "$name"
		WG_PROCESS_FOREGROUND=1 "${AT[@]}" wireguard-go -f mesh0 \
			>"$T/$name.wg" 2>&1 3>&- &
		own $!
	done
	for name; do
		wait_for 30 on "$name" wg show mesh0 || {
			diag_file "$T/$name.wg"
			bail "no mesh on $name"
		}
		peers=()
		for other; do
			[ "$other" = "$name" ] || peers+=(
				peer "$(cat "$T/$other/wg.pub")"
				allowed-ips "$(addresses "$other" /32 /128)"
				endpoint "$LAB_WIRE.${LAB_N[$other]}:51820")
		done
		on "$name" wg set mesh0 listen-port 51820 \
			private-key "$T/$name/wg.key" "${peers[@]}"
		for other in $(addresses "$name" /24 /64 | tr , ' '); do
			on "$name" ip addr add "$other" dev mesh0
		done
		on "$name" ip link set mesh0 up
	done
}

# addresses NAME V4-SUFFIX V6-SUFFIX: joined by a comma.
addresses() {
	jq -r --arg a "$2" --arg b "$3" '[(.virtual_ip + $a),
		((.virtual_ip_v6 // empty) + $b)] | join(",")' "$T/$1/joined"
}
