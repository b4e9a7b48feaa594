/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/routes.h - all tables of routes, and finding one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/call.h"

/* Each table is ended by method NULL; the list by NULL. */
extern const struct oe_ctl_route *const oe_ctl_routes[];

/* What a path led to. */
struct oe_ctl_match {
	const struct oe_ctl_route *route; /* NULL: none for this method */
	bool path_known;                  /* another method exists: 405 */
	char allow[64];                   /* of the path, for 405 and OPTIONS */
	/* keys reach to the end of the pattern: oe_ctl_param() knows */
	struct oe_ctl_pair params[OE_CTL_PARAMS_MAX];
	size_t n_params;
};

/**
 * oe_ctl_route_find() - the route of a request.
 * @method: HEAD finds GET.
 * @path: begins with a slash, without query, percent-encoded; the pieces are
 *	  decoded in place and @ret points into it.  A piece that decodes to
 *	  nothing, to a slash, to a control byte or to what is no UTF-8
 *	  matches no parameter.
 */
void oe_ctl_route_find(const struct oe_ctl_route *const *tables,
    const char *method, char *path, struct oe_ctl_match *ret);
