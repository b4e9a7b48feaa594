/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/server_monitor.h - the forwards of one connection as its monitor
 * sees them, and the hooks of server/forwarding.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/net/cidr.h"
#include "core/ssh/forward.h"
#include "forwarding/server_proto.h"
#include "forwarding/server_rules.h"

struct oe_fwd_mailbox;
struct oe_ipc_msg;
struct oe_loop;
struct oe_srv_conn;
struct oe_srv_net_forwards;
struct oe_ssh;

/* Connections and listeners of one connection at a time. */
#define OE_FWD_CONNECTIONS_MAX 2048
#define OE_FWD_LISTENERS_MAX   64
/* Those of both that wait for the forwarder: refused here, with an event,
 * before core/ssh refuses them without. */
#define OE_FWD_PENDING_MAX (OE_SSH_REQUESTS_MAX - 1)
/* Addresses of one listener. */
#define OE_FWD_BIND_MAX 2

enum fwd_state {
	FWD_RESOLVING,
	FWD_CONNECTING, /* LISTENER: to be bound */
	FWD_OPEN,
};

enum fwd_kind {
	FWD_LOCAL,    /* direct-tcpip */
	FWD_REMOTE,   /* a listener took it */
	FWD_LISTENER, /* tcpip-forward */
};

struct fwd_item {
	struct fwd_item *next;
	enum fwd_kind kind;
	enum fwd_state state;
	uint32_t id;
	uint32_t token; /* LOCAL: net's name for it */
	bool is_unix;   /* host is the path of a Unix socket */
	bool cut;       /* it is not permitted any more, and is ending */
	char *host;     /* as the peer wrote it */
	unsigned port;
	unsigned real_port;  /* LISTENER: what it is bound to */
	unsigned asked_port; /* REMOTE: what its listener was asked for as */
	char *origin;
	unsigned origin_port;
	uint32_t listener;                      /* REMOTE: whose */
	struct oe_addr addrs[OE_FWD_ADDRS_MAX]; /* permitted */
	size_t naddrs;
	char address[OE_ADDR_TEXT_MAX]; /* what was connected to */
	/* LOCAL, REMOTE: the socket that net has, to cut it off; or -1 */
	int fd;
	int64_t since_ms;
};

struct oe_srv_forwards {
	struct oe_srv_conn *conn;
	struct oe_fwd_mailbox *net;       /* notices */
	struct oe_fwd_mailbox *forwarder; /* or NULL */
	int forwarder_fd;
	pid_t pid;           /* of the forwarder; 0: none */
	bool forwarder_lost; /* it is gone, or to be */
	struct fwd_item *items;
	unsigned nconnections, nlisteners, npending;
	uint32_t last_id;
};

/* server_monitor.c */
int oe_fwd__request(struct oe_srv_conn *c, struct oe_ipc_msg *m);
bool oe_fwd__reaped(struct oe_srv_conn *c, pid_t pid, int status);
void oe_fwd__end(struct oe_srv_conn *c);

/* server_recheck.c */
void oe_fwd__recheck(struct oe_srv_conn *c);

/* server_item.c */
struct fwd_item *
oe_fwd__item_new(struct oe_srv_forwards *f, enum fwd_kind kind);
void oe_fwd__item_free(struct oe_srv_forwards *f, struct fwd_item *i);
struct fwd_item *oe_fwd__item_find(struct oe_srv_forwards *f, uint32_t id);
/** oe_fwd__item_refused() - the event of it. */
void oe_fwd__item_refused(
    struct oe_srv_forwards *f, const struct fwd_item *i, const char *why);
/** oe_fwd__item_opened() - it is open; @name of the event. */
void oe_fwd__item_opened(
    struct oe_srv_forwards *f, struct fwd_item *i, const char *name);
/** oe_fwd__item_closed() - the event, if it was open; then it is freed. */
void oe_fwd__item_closed(struct oe_srv_forwards *f, struct fwd_item *i,
    uint64_t sent, uint64_t received);
/**
 * oe_fwd__item_answer() - tell net how it went.
 * @fd: the connected socket, closed when sent; -1: none.
 * @why: it failed, and is refused and freed; NULL: it is open.
 */
void oe_fwd__item_answer(
    struct oe_srv_forwards *f, struct fwd_item *i, int fd, const char *why);
/**
 * oe_fwd__item_hold() - keep a descriptor of what net is given; when there is
 * no room for one, the item cannot be cut off without its connection.
 */
void oe_fwd__item_hold(struct fwd_item *i, int fd);
/** oe_fwd__item_order() - begin an order to the forwarder about @i. */
void oe_fwd__item_order(
    const struct fwd_item *i, enum oe_fwd_order what, struct oe_ipc_msg *ret);
/** oe_fwd__item_order_addrs() - CONNECT or LISTEN, at its addresses. */
void oe_fwd__item_order_addrs(struct oe_srv_forwards *f, struct fwd_item *i,
    enum oe_fwd_order what, unsigned port);
/** oe_fwd__item_order_text() - RESOLVE or UNIX, with its host. */
void oe_fwd__item_order_text(
    struct oe_srv_forwards *f, struct fwd_item *i, enum oe_fwd_order what);
/**
 * oe_fwd__item_permit() - keep those of @addrs that may be reached.
 * @n: at most OE_FWD_ADDRS_MAX.
 * Return: allowed if there is one, else the verdict of the last; its address
 * is then the item's, for the event.
 */
enum oe_fwd_verdict oe_fwd__item_permit(struct oe_srv_forwards *f,
    struct fwd_item *i, const struct oe_addr *addrs, size_t n);

/* server_report.c */
/** oe_fwd__forwarder_got() - a message of it; for the mailbox. */
void oe_fwd__forwarder_got(void *arg, struct oe_ipc_msg *m);
/**
 * oe_fwd__forwarder_lost() - it is gone, or of no use any more: what waits
 * for it has failed, its listeners are closed; what net has goes on.
 */
void oe_fwd__forwarder_lost(void *arg);

/* server_start.c */
/**
 * oe_fwd__forwarder_start() - fork the forwarder, unless it runs; false: it
 * cannot.
 */
bool oe_fwd__forwarder_start(struct oe_srv_forwards *f);
/** oe_fwd__forwarder_stop() - end it and its mailbox. */
void oe_fwd__forwarder_stop(struct oe_srv_forwards *f);
/** oe_fwd__rules() - the rules of this connection. */
void oe_fwd__rules(const struct oe_srv_conn *c, struct oe_fwd_rules *ret);
/**
 * oe_fwd__listen_addrs() - where to bind for @host as GatewayPorts has it.
 * Return: how many of @ret; 0: @host is no address.
 */
size_t oe_fwd__listen_addrs(const struct oe_srv_conn *c, const char *host,
    struct oe_addr ret[OE_FWD_BIND_MAX]);

/* server_net.c */
struct oe_srv_net_forwards *
oe_fwd__net_new(struct oe_loop *loop, struct oe_ssh *ssh, int rpc);
void oe_fwd__net_notice(struct oe_srv_net_forwards *f, struct oe_ipc_msg *m);
uint64_t oe_fwd__net_traffic(const struct oe_srv_net_forwards *f);
void oe_fwd__net_lost(struct oe_srv_net_forwards *f);
