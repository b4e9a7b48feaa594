/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/loop.h - the thread that talks to the network.
 *
 * libwebsockets holds the sockets, TLS and the wait; it hands on plain bytes,
 * which conn.h makes requests of.  Its own HTTP reader is not used: it joins
 * repeated headers, takes bare line feeds and closes without a word where a
 * status is due.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_ctl_loop;
struct oe_ctl_server;
struct oe_ctl_tls;

struct oe_ctl_listener {
	int fd; /* listening and non-blocking; stays the caller's */
	bool tls;
};

struct oe_ctl_loop_plan {
	struct oe_ctl_server *server;
	const struct oe_ctl_listener *listeners;
	size_t n_listeners;
	struct oe_ctl_tls *tls; /* NULL when no listener has it */
	unsigned workers;       /* that read; three times as many write */
	unsigned hashing;       /* passwords at a time */
	size_t max_connections, max_per_address;
	int64_t head_ms, body_ms, idle_ms; /* limits of time */
};

/**
 * oe_ctl_loop_new() - nothing is accepted yet.
 * @plan: the lists in it are borrowed for this call only; one more owner is
 *	made of tls.
 * Return: 0, OE_ELIB, OE_ENOMEM, OE_EABSENT (a library is not installed).
 */
int oe_ctl_loop_new(const struct oe_ctl_loop_plan *plan,
    struct oe_ctl_loop **ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_loop_free() - after oe_ctl_loop_run() has returned. */
void oe_ctl_loop_free(struct oe_ctl_loop **l);
/** oe_ctl_loop_run() - serve until oe_ctl_loop_stop(). */
void oe_ctl_loop_run(struct oe_ctl_loop *l);

/* From any thread: */

/**
 * oe_ctl_loop_stop() - accept no more, finish what is being answered, at most
 * @grace_ms, and return from oe_ctl_loop_run().
 */
void oe_ctl_loop_stop(struct oe_ctl_loop *l, int64_t grace_ms);
/**
 * oe_ctl_loop_set_tls() - new connections get this certificate.
 * @tls: taken over.
 */
void oe_ctl_loop_set_tls(struct oe_ctl_loop *l, struct oe_ctl_tls *tls);
/** oe_ctl_loop_beat() - how often the loop has come round; wakes it once. */
uint64_t oe_ctl_loop_beat(struct oe_ctl_loop *l);
