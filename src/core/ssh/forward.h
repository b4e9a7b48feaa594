/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/forward.h - connections and listeners that one side asks of the
 * other: RFC 4254 section 7, both roles.
 *
 * A question of the peer is a request that may be answered later, so that a
 * target that does not answer delays nobody else.  Text in it is the peer's:
 * ended by NUL, at most OE_SSH_FORWARD_TEXT_MAX bytes, otherwise unchecked.
 * What libssh 0.10 cannot do is told by oe_ssh_can().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/ssh/ssh.h"

struct oe_err;
struct oe_ssh_listen;
struct oe_ssh_request;

#define OE_SSH_FORWARD_TEXT_MAX 1024
/* Requests that wait for an answer at a time; more are refused. */
#define OE_SSH_REQUESTS_MAX 1024

enum oe_ssh_request_kind {
	OE_SSH_REQUEST_DIRECT,    /* server: connect to host:port */
	OE_SSH_REQUEST_LISTEN,    /* server: listen on host:port */
	OE_SSH_REQUEST_CANCEL,    /* server: listen no more */
	OE_SSH_REQUEST_FORWARDED, /* client: a listener there got this */
};

struct oe_ssh_request_text {
	enum oe_ssh_request_kind kind;
	const char *host; /* target, or address to listen on; "" is all */
	int port;
	const char *origin; /* who connects; "" for LISTEN and CANCEL */
	int origin_port;
};

struct oe_ssh_forward_ops {
	/*
	 * The peer asks; answer now or later with one of the functions below.
	 * A request that is not answered when the connection ends is ended by
	 * oe_ssh_request_refuse() all the same.
	 */
	void (*asked)(void *arg, struct oe_ssh_request *r);
};

/** oe_ssh_forward_serve() - take the peer's requests from now on. */
void oe_ssh_forward_serve(
    struct oe_ssh *s, const struct oe_ssh_forward_ops *ops, void *arg);
/** oe_ssh_request_text() - what is asked; valid until it is answered. */
const struct oe_ssh_request_text *
oe_ssh_request_text(const struct oe_ssh_request *r);
/**
 * oe_ssh_request_accept() - DIRECT, FORWARDED: open the channel.
 * @ops: set before anything arrives.
 * Return: the channel, the callee's; NULL when the connection is gone.
 */
struct oe_ssh_chan *oe_ssh_request_accept(
    struct oe_ssh_request **r, const struct oe_ssh_chan_ops *ops, void *arg);
/** oe_ssh_request_grant() - LISTEN, CANCEL: done; @port is the real one. */
void oe_ssh_request_grant(struct oe_ssh_request **r, int port);
/** oe_ssh_request_refuse() - no; libssh chooses the words. */
void oe_ssh_request_refuse(struct oe_ssh_request **r);

/**
 * oe_ssh_listen_start() - client: tcpip-forward, RFC 4254 section 7.1.
 * @host: "" all, "localhost", or an address; @port 0: the server chooses.
 * @done: called once, never from within this function; 0 and the port, or
 * OE_EPERM (refused), OE_ECLOSED.
 * Requests are sent one at a time; keepalives wait for them.
 */
struct oe_ssh_listen *
oe_ssh_listen_start(struct oe_ssh *s, const char *host, int port,
    void (*done)(void *arg, int status, int port, const struct oe_err *err),
    void *arg);
/** oe_ssh_listen_free() - cancel-tcpip-forward when it was granted. */
void oe_ssh_listen_free(struct oe_ssh_listen **l);

enum oe_ssh_ability {
	OE_SSH_CAN_OPEN_UNIX,   /* client: direct-streamlocal@openssh.com */
	OE_SSH_CAN_SERVE_UNIX,  /* server: the same, and its path */
	OE_SSH_CAN_LISTEN_UNIX, /* streamlocal-forward@openssh.com */
};
/** oe_ssh_can() - can the libssh of this build do that? */
bool oe_ssh_can(enum oe_ssh_ability what);
