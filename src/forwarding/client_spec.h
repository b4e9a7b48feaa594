/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/client_spec.h - what -L, -R and -D say.
 *
 * Forms, as in ssh(1): [bind:]port:host:hostport, with a path, which is what
 * holds a '/', instead of either side, and [bind:]port alone for -D and for
 * -R (a SOCKS proxy).  Addresses with colons stand in brackets, a backslash
 * takes away the meaning of what follows it.  A port may be the name of a TCP
 * service, services(5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/compiler.h"

struct oe_err;

#define OE_FWD_SPEC_MAX 2048 /* bytes of one text */
#define OE_FWD_HOST_MAX 255  /* a name as DNS has them, or an address */
#define OE_FWD_PATH_MAX 1000 /* of a Unix socket at the other side */

enum oe_fwd_kind {
	OE_FWD_LOCAL,   /* -L */
	OE_FWD_REMOTE,  /* -R */
	OE_FWD_DYNAMIC, /* -D */
};

/* A TCP port or a Unix socket. */
struct oe_fwd_end {
	char *host; /* as written; listening: NULL none given, "" all */
	int port;
	char *path; /* of a Unix socket; then host is NULL and port 0 */
};

struct oe_fwd_spec {
	enum oe_fwd_kind kind;
	bool socks; /* the target is asked of each connection */
	struct oe_fwd_end listen;
	struct oe_fwd_end target; /* empty with socks */
};

/**
 * oe_fwd_spec_parse() - read one.
 * @ret: filled on success, else untouched; oe_fwd_spec_done() it.
 * Return: 0, OE_EINVAL or OE_ETOOBIG with a message.
 */
int oe_fwd_spec_parse(enum oe_fwd_kind kind, const char *text,
    struct oe_fwd_spec *ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_fwd_spec_parse_listen() - only where to listen: "[bind:]port" or a path,
 * to name a forward that is to end.  Otherwise as oe_fwd_spec_parse().
 */
int oe_fwd_spec_parse_listen(enum oe_fwd_kind kind, const char *text,
    struct oe_fwd_spec *ret, struct oe_err *err) OE_MUST_CHECK;
void oe_fwd_spec_done(struct oe_fwd_spec *s);

/** oe_fwd_spec_same_listen() - would both listen at the same place? */
bool oe_fwd_spec_same_listen(
    const struct oe_fwd_spec *a, const struct oe_fwd_spec *b);
/** oe_fwd_spec_letter() - 'L', 'R' or 'D'. */
char oe_fwd_spec_letter(const struct oe_fwd_spec *s);
/**
 * oe_fwd_end_text() - "host:port", "[v6]:port", "port" or a path; cut when
 * @size is too small.
 */
void oe_fwd_end_text(const struct oe_fwd_end *e, char *ret, size_t size);
/** oe_fwd_spec_text() - one that oe_fwd_spec_parse() reads; free() it. */
char *oe_fwd_spec_text(const struct oe_fwd_spec *s) OE_MUST_CHECK;
