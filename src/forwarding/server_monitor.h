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
	bool is_unix; /* host is the path of a Unix socket */
	char *host;   /* as the peer wrote it */
	unsigned port;
	unsigned real_port; /* LISTENER: what it is bound to */
	char *origin;
	unsigned origin_port;
	uint32_t listener;                      /* REMOTE: whose */
	struct oe_addr addrs[OE_FWD_ADDRS_MAX]; /* permitted */
	size_t naddrs;
	char address[OE_ADDR_TEXT_MAX]; /* what was connected to */
	int64_t since_ms;
};

struct oe_srv_forwards {
	struct oe_srv_conn *conn;
	struct oe_fwd_mailbox *net;       /* notices */
	struct oe_fwd_mailbox *forwarder; /* or NULL */
	int forwarder_fd;
	pid_t pid; /* of the forwarder; 0: none */
	struct fwd_item *items;
	unsigned nconnections, nlisteners;
	uint32_t last_id;
};

/* server_monitor.c */
int oe_fwd__request(struct oe_srv_conn *c, struct oe_ipc_msg *m);
bool oe_fwd__reaped(struct oe_srv_conn *c, pid_t pid, int status);
void oe_fwd__end(struct oe_srv_conn *c);

/* server_start.c */
/** oe_fwd__forwarder_start() - fork the forwarder, unless it runs; false: it
 * cannot. */
bool oe_fwd__forwarder_start(struct oe_srv_forwards *f,
    void (*got)(void *arg, struct oe_ipc_msg *m), void (*lost)(void *arg));
/** oe_fwd__forwarder_stop() - end it and its mailbox. */
void oe_fwd__forwarder_stop(struct oe_srv_forwards *f);
/**
 * oe_fwd__rules() - the rules of this connection as of now.
 * @own: room for the addresses of this machine.
 */
void oe_fwd__rules(const struct oe_srv_conn *c, struct oe_addr *own, size_t max,
    struct oe_fwd_rules *ret);
/**
 * oe_fwd__listen_addrs() - where to bind for @host as GatewayPorts has it.
 * Return: how many of @ret[2]; 0: @host is no address.
 */
size_t oe_fwd__listen_addrs(
    const struct oe_srv_conn *c, const char *host, struct oe_addr ret[2]);

/* server_net.c */
struct oe_srv_net_forwards *
oe_fwd__net_new(struct oe_loop *loop, struct oe_ssh *ssh, int rpc);
void oe_fwd__net_notice(struct oe_srv_net_forwards *f, struct oe_ipc_msg *m);
uint64_t oe_fwd__net_traffic(const struct oe_srv_net_forwards *f);
void oe_fwd__net_lost(struct oe_srv_net_forwards *f);
