/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/source.h - a policy that comes from elsewhere, and changes.
 *
 * Handed over as struct oe_module.server_source.  The listener opens a feed,
 * takes what it says now, and again whenever its descriptor is readable; what
 * it took is bytes, which reach the monitors as they are (server/snapshot.h)
 * and are parsed by each.  So monitors need no files, no network, and no word
 * from the listener but that there is something new.
 */
#pragma once

#include <stddef.h>

#include "server/policy.h"

#define OE_SRV_ORDER_MAX 64 /* an id of a connection */

struct oe_buf;
struct oe_err;
struct oe_module_set;
struct oe_srv_doc;  /* parsed bytes; the module's own */
struct oe_srv_feed; /* where they come from; the module's own */
struct oe_values;

struct oe_srv_source {
	/*
	 * @v: of ssh-server; the module's own options are in it.
	 * @ret: left NULL when they do not ask for this source.
	 */
	int (*open)(const struct oe_values *v, struct oe_srv_feed **ret,
	    struct oe_err *err);
	void (*close)(struct oe_srv_feed **f);
	/*
	 * Begin to watch: a descriptor, which stays the feed's, that is
	 * readable when take() may have something new; -1: never.  Before it
	 * a feed holds no descriptor: the listener closes what it inherited.
	 * @host_keys: public keys of this server, borrowed; lines as
	 *             authorized keys have them.
	 * @port: where it listens.
	 */
	int (*watch)(struct oe_srv_feed *f, const struct oe_strs *host_keys,
	    int port, struct oe_err *err);
	/*
	 * The bytes as of now; @ret is initialised by this function, and
	 * wants oe_buf_done() on success.  Must not block for long.
	 * Return: 0, OE_EAGAIN (as they were at the last success), or an
	 * error: what was taken before stays in force.
	 */
	int (*take)(
	    struct oe_srv_feed *f, struct oe_buf *ret, struct oe_err *err);

	/*
	 * What a watched feed may do besides; each may be NULL.
	 * events(): a descriptor that events are appended to as well, which
	 * stays the feed's; -1: none.
	 */
	int (*events)(const struct oe_srv_feed *f);
	/*
	 * room(): OE_ETOOBIG: no connection can be taken now, for the reason
	 * in @err; OE_EAGAIN: none may go on either.
	 */
	int (*room)(const struct oe_srv_feed *f, struct oe_err *err);
	/* order(): the next connection that is to be ended; false: no more */
	bool (*order)(struct oe_srv_feed *f, char conn[OE_SRV_ORDER_MAX]);

	/* listener and monitor */
	int (*parse)(const void *p, size_t n, struct oe_srv_doc **ret,
	    struct oe_err *err);
	void (*free)(struct oe_srv_doc **d);
	/* borrows @d */
	struct oe_srv_policy (*policy)(const struct oe_srv_doc *d);
	/* "12 rules", for the log; free() it */
	char *(*describe)(const struct oe_srv_doc *d);
};

/** oe_srv_source_of() - of the module that has it; NULL: none. */
const struct oe_srv_source *
oe_srv_source_of(const struct oe_module_set *modules);
