/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/loop_internal.h - between loop.c (accepts, workers) and loop_conn.c
 * (one connection).
 */
#pragma once

#include <stdatomic.h>

#include "control/conn.h"
#include "control/loop.h"
#include "control/lws_lib.h"

struct oe_ctl_pool;

/* A connection; all of it belongs to the thread of the loop. */
struct oe_ctl__link {
	struct oe_ctl__link *next, **link;
	struct oe_ctl_loop *loop;
	struct lws *wsi;
	struct oe_ctl_conn conn;
	struct oe_ctl_request *working; /* a worker has it */
	struct oe_ctl_request *sending;
	size_t sent;
	size_t expected; /* bytes of a large body */
	int64_t deadline_ms;
	int64_t since_ms; /* accepted, or began to get the reply */
	size_t dropped;   /* bytes read and ignored while lingering */
	char address[OE_ADDR_TEXT_MAX];
	char source[sizeof((struct oe_ctl_client *)NULL)->source];
	bool tls, dead, served, adopting, proxy;
};

struct oe_ctl__door {
	struct oe_ctl_loop *loop;
	struct lws *wsi;
	int fd;
	bool tls;
};

struct oe_ctl_loop {
	struct oe_ctl_loop_plan plan;
	struct lws_context *context;
	struct lws_vhost *plain_vhost, *tls_vhost, *door_vhost;
	void *ssl_ctx;
	struct oe_ctl_tls *tls; /* of new connections */
	struct oe_ctl_pool *pool;
	struct oe_ctl__door *doors;
	size_t n_doors;
	struct oe_ctl__link *first;
	size_t n_links, n_working;
	size_t expected, unsent; /* bytes of all connections */
	lws_sorted_usec_list_t tick;
	int64_t rest_until_ms, stop_at_ms, told_full_ms;
	bool stopping, freeing;
	/* from other threads */
	_Atomic int64_t grace_ms; /* -1: not stopping */
	_Atomic uint64_t beat;
	struct oe_ctl_tls *_Atomic new_tls;
};

/* libwebsockets' callback of connections. */
int oe_ctl__on_conn(struct lws *wsi, enum lws_callback_reasons why, void *user,
    void *in, size_t len);
void oe_ctl__link_in(struct oe_ctl_loop *l, struct oe_ctl__link *k);
void oe_ctl__link_out(struct oe_ctl__link **k);
/* Ends it soon, without a word. */
void oe_ctl__kill(struct oe_ctl__link *k);
/* Its reply is sent or given up. */
void oe_ctl__unsend(struct oe_ctl__link *k);
/* No large body comes, or it has been worked on. */
void oe_ctl__expect_none(struct oe_ctl__link *k);
/* Its deadline is over. */
void oe_ctl__timed_out(struct oe_ctl__link *k);
/* What is to be sent on @k, as far as it goes now. */
void oe_ctl__send(struct oe_ctl__link *k);
/* A request goes to the workers. */
void oe_ctl__hand_over(struct oe_ctl__link *k, struct oe_ctl_request *r);
/* Somebody called lws_cancel_service(). */
void oe_ctl__woken(struct oe_ctl_loop *l);
