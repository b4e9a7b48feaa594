/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/conn.h - requests out of the bytes of one connection.
 *
 * Knows no sockets: bytes come in, requests come out, one at a time.  While a
 * request is being worked on its successors wait in the buffer, which the
 * caller keeps short by not reading on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/request.h"
#include "core/base/buf.h"

/* What may wait unread: a head, and what one read brings with it. */
#define OE_CTL_CONN_READ_MAX 16384
#define OE_CTL_CONN_IN_MAX   (OE_CTL_HEAD_MAX + OE_CTL_CONN_READ_MAX)

enum oe_ctl_conn_state {
	OE_CTL_CONN_HEAD, /* waits for a request, or for the rest of its head */
	OE_CTL_CONN_BODY,
	OE_CTL_CONN_BUSY,   /* a request is out */
	OE_CTL_CONN_LINGER, /* answered for the last time; input is dropped */
};

struct oe_ctl_conn {
	enum oe_ctl_conn_state state;
	const struct oe_ctl_route *const *routes;
	struct oe_buf in;
	size_t searched;            /* bytes of in without the end of a head */
	struct oe_ctl_request *req; /* under construction */
	bool say_continue;          /* "100 Continue" is due */
	/*
	 * Asked before a body above OE_CTL_CONN_SMALL is taken: 0, or a status
	 * to refuse it with.  NULL: all are taken.
	 */
	int (*may_send)(void *arg, const struct oe_ctl_request *r);
	void *arg;
};

/* What anybody may send without having shown who they are. */
#define OE_CTL_CONN_SMALL 65536

void oe_ctl_conn_init(
    struct oe_ctl_conn *c, const struct oe_ctl_route *const *routes);
void oe_ctl_conn_done(struct oe_ctl_conn *c);
/**
 * oe_ctl_conn_feed() - take what was read.
 * Return: 0 or OE_ETOOBIG (more than OE_CTL_CONN_READ_MAX while busy).
 */
int oe_ctl_conn_feed(struct oe_ctl_conn *c, const void *p, size_t n);
/**
 * oe_ctl_conn_next() - the next request, when it is whole; the connection is
 * busy then until oe_ctl_conn_answered().
 * Return: NULL when more is needed; else oe_ctl_request_free() it.
 */
struct oe_ctl_request *oe_ctl_conn_next(struct oe_ctl_conn *c);
/** oe_ctl_conn_answered() - the reply is sent; @last: nothing follows. */
void oe_ctl_conn_answered(struct oe_ctl_conn *c, bool last);
/** oe_ctl_conn_idle() - has nothing of a request come yet? */
bool oe_ctl_conn_idle(const struct oe_ctl_conn *c);
