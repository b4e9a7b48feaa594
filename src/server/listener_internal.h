/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/listener_internal.h - the listener's books: sockets and children.
 */
#pragma once

#include "server/internal.h"
#include "server/limits.h"

struct oe_ctx;
struct oe_timer;
struct oe_watch;

#define OE_SRV_SOCKS_MAX 64
/*
 * "pid,pid,...;fd,fd,...;fd" left by the program before a re-exec: monitors,
 * sockets, and the memory of the policy.
 */
#define OE_SRV_KEPT "OMNIEDGE_KEPT"

struct sock {
	struct listener *listener;
	int fd;
	struct oe_watch *watch;
	bool given; /* by the service manager: never closed on reload */
	char text[OE_ADDR_TEXT_MAX + 16];
};

/* One monitor. */
struct child {
	struct child *next;
	pid_t pid;
	uint8_t key[16];
	char id[OE_SRV_CONN_ID_MAX], text[OE_ADDR_TEXT_MAX];
	bool authenticated;
	bool adopted; /* of the program before a re-exec: not in limits */
	int64_t since_ms;
};

struct listener {
	struct oe_srv srv;
	const struct oe_ctx *ctx;
	struct oe_srv_config **cfg;
	struct oe_loop *loop;
	struct oe_srv_limits *limits;
	struct sock socks[OE_SRV_SOCKS_MAX];
	size_t n_socks;
	struct child *children[1024]; /* by pid */
	size_t n_children;
	int signals, reports;
	struct oe_timer *rest, *kill, *watchdog, *sweep;
	struct oe_watch *policy; /* something new about it; or NULL */
	bool full; /* no connections are taken: their events have no room */
	bool stopping, killed;
	bool replaced; /* an earlier program's children live on with us */
};

/* listener_sock.c */
/**
 * listener_rebind() - open what the configuration names, close the rest.
 * On failure the sockets are as they were.
 */
int listener_rebind(struct listener *l, struct oe_err *err);
/**
 * listener_port() - that of the first socket, which the service manager may
 * have given; 0: there is none.
 */
int listener_port(const struct listener *l);
/** listener_inherit() - sockets that were handed to us; before any open. */
void listener_inherit(struct listener *l);
/** listener_identify() - addresses of an accepted socket, and its options. */
int
listener_identify(const struct listener *l, int fd, struct oe_srv_peer *ret);
void listener_on_accept(void *arg, short revents);
/** listener_self_path() - this program's file; static. */
const char *listener_self_path(void);
/** listener_reexec() - become the program that is on disk now; sockets and
 * children stay.  Returns only when that failed. */
void listener_reexec(struct listener *l);
/** listener_adopt() - take over what a re-exec left. */
void listener_adopt(struct listener *l);

/* listener_policy.c */
/** listener_policy_stop() - before its configuration goes. */
void listener_policy_stop(struct listener *l);
/**
 * listener_policy_room() - may connections be taken?  No while their events
 * could not be kept; when there is no room at all, those that live end.
 */
bool listener_policy_room(struct listener *l);
/** listener_policy_start() - give the configuration's policy to monitors. */
int listener_policy_start(struct listener *l, struct oe_err *err);
/**
 * listener_policy_keep() - what monitors read outlives a re-exec, and stands
 * in @kept; NULL: it shall not.
 */
void listener_policy_keep(struct listener *l, struct oe_buf *kept);
/** listener_policy_adopt() - what is left is in @kept, as OE_SRV_KEPT has it.
 */
void listener_policy_adopt(struct listener *l, const char *kept);

/* listener_child.c */
void listener_add_child(
    struct listener *l, pid_t pid, const struct oe_srv_peer *peer);
struct child *listener_find_child(const struct listener *l, pid_t pid);
void listener_reap(struct listener *l);
void listener_signal_children(const struct listener *l, int sig);
void listener_forget_children(struct listener *l);
void listener_banned(struct listener *l, const struct child *c, int64_t ms);
/** listener_on_sweep() - timer: kill monitors stuck past the login grace. */
void listener_on_sweep(void *arg);
