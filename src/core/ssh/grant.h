/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/grant.h - what an accepted identity may do on this connection.
 *
 * An authorized_keys line, a user certificate and a policy each yield one;
 * together they can only narrow (oe_grant_intersect()).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/compiler.h"
#include "core/base/str.h"

struct oe_err;

#define OE_GRANT_FOREVER INT64_MAX
/* Bounds for one grant, so that one line cannot grow without end. */
#define OE_GRANT_PERMIT_MAX 1024
#define OE_GRANT_ENV_MAX    64

struct oe_grant {
	bool pty;
	bool agent;
	bool x11;
	bool user_rc;
	bool port_forwarding;
	bool no_touch_required; /* a touch of the security key is optional */
	bool verify_required;   /* the security key must have asked a PIN */
	/*
	 * "host:port", "[v6]:port", either part may be "*".  With *_listed
	 * only these are open, without it every target is.
	 */
	bool open_listed, listen_listed;
	struct oe_strs permit_open, permit_listen;
	char *force_command;       /* runs instead of any request, or NULL */
	struct oe_strs env;        /* "NAME=value" */
	struct oe_strs principals; /* names of the certificate, for the log */
	int64_t not_after_s;       /* wall clock; OE_GRANT_FOREVER: no end */
};

/** oe_grant_init() - everything permitted (@all), or nothing. */
void oe_grant_init(struct oe_grant *g, bool all);
/** oe_grant_done() - free; the grant permits nothing after. */
void oe_grant_done(struct oe_grant *g);
/** oe_grant_copy() - @to is initialised by this function. */
void oe_grant_copy(struct oe_grant *to, const struct oe_grant *from);
/**
 * oe_grant_intersect() - narrow @a to what @b permits too.
 * Lists keep the entries that both sides cover; two different wildcard
 * patterns have no common entry.  Environment: names of @a win.
 * Return: 0, or OE_EPERM (two different forced commands; @a untouched).
 */
int oe_grant_intersect(
    struct oe_grant *a, const struct oe_grant *b, struct oe_err *err);
/**
 * oe_grant_permit_check() - syntax of one permit_open or permit_listen item.
 * @bare_port: "port" alone is accepted and means every host.
 * @ret: canonical item; free() it.
 * Return: 0 or OE_EINVAL.
 */
int oe_grant_permit_check(const char *text, bool bare_port, char **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_grant_add_open() - permit one more target; 0, OE_EINVAL, OE_ETOOBIG. */
int oe_grant_add_open(struct oe_grant *g, const char *text, struct oe_err *err);
/** oe_grant_add_listen() - permit one more listener; as above. */
int
oe_grant_add_listen(struct oe_grant *g, const char *text, struct oe_err *err);
/**
 * oe_grant_add_env() - "NAME=value"; the first value of a name stays.
 * Return: 0, OE_EINVAL (bad name, or one that the loader reads), OE_ETOOBIG.
 */
int oe_grant_add_env(struct oe_grant *g, const char *text, struct oe_err *err);
/**
 * oe_grant_may_open() - may a connection go to @host:@port?
 * Hosts compare without case, IP addresses by value.
 */
bool
oe_grant_may_open(const struct oe_grant *g, const char *host, unsigned port);
/** oe_grant_may_listen() - may @host:@port be listened on? Patterns apply. */
bool
oe_grant_may_listen(const struct oe_grant *g, const char *host, unsigned port);
