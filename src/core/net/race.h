/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/race.h - from a name to a connected TCP socket.
 *
 * Resolves in a thread (getaddrinfo knows no deadline), then tries the
 * addresses of both families with a head start of OE_RACE_STAGGER_MS each;
 * the first that connects wins.  Source: RFC 8305 (happy eyeballs).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"

#define OE_RACE_STAGGER_MS 250
#define OE_RACE_ADDRS_MAX  32

struct addrinfo;
struct oe_loop;
struct oe_race;

struct oe_race_plan {
	const char *host; /* name or literal, no brackets */
	/* addresses of @host that are known already, or NULL; not copied */
	const struct addrinfo *known;
	int port;
	int family;       /* AF_UNSPEC, AF_INET, AF_INET6 */
	const char *bind; /* local address, or NULL */
	int64_t step_ms;  /* limit of resolving, and of connecting */
	int attempts;     /* rounds over all addresses, one second apart */
	bool keepalive;   /* SO_KEEPALIVE */
	/* Called as each step begins: "resolving x".  NULL: none. */
	void (*step)(void *arg, const char *what);
	/*
	 * Called once, never from within oe_race_start().
	 * @fd: connected, non-blocking, the callee's; -1 when @status is not 0:
	 * OE_ENOENT (no such name), OE_ETIMEOUT, OE_ESYS, with @err's message.
	 */
	void (*done)(void *arg, int status, int fd, const struct oe_err *err);
	void *arg;
};

/** oe_race_start() - begin; @plan is copied, its strings too. */
struct oe_race *
oe_race_start(struct oe_loop *loop, const struct oe_race_plan *plan);
/** oe_race_free() - end it in any state; done() is not called. */
void oe_race_free(struct oe_race **r);
