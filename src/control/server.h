/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/server.h - the serving process: what all workers share.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/auth.h"
#include "control/call.h"
#include "control/metrics.h"
#include "core/base/event.h"

struct oe_ctl_request;

struct oe_ctl_server {
	const struct oe_ctl_route *const *routes;
	struct oe_ctl_store *store;
	struct oe_ctl_auth *auth;
	struct oe_ctl_kept *kept; /* documents; NULL: none are kept */
	struct oe_ctl_metrics metrics;
	struct oe_eventlog events;
	struct oe_cidr_list *proxies; /* whose X-Forwarded-For is believed */
	char *public_url; /* "https://host:port", without a slash at the end */
	char *host;       /* name of this machine */
	int64_t started_ms;
};

/**
 * oe_ctl_dispatch() - in a worker: from a request to the bytes of its reply;
 * never fails.
 */
void oe_ctl_dispatch(struct oe_ctl_server *s, struct oe_ctl_request *r);
/** oe_ctl_reply_make() - put the reply of @call into @r, head and all. */
void oe_ctl_reply_make(struct oe_ctl_call *call, struct oe_ctl_request *r);
/**
 * oe_ctl_admit() - who calls, what is allowed, and a good body: fills
 * caller, role and json of @call.
 * Return: true when the handler may run; else a reply has been made.
 */
bool oe_ctl_admit(struct oe_ctl_call *call, const struct oe_ctl_request *r,
    struct oe_jval **ret_json);
/** oe_ctl_event() - begin an event about @call; oe_ctl_event_end() it. */
void oe_ctl_event(
    struct oe_event *e, const struct oe_ctl_call *call, const char *name);
void oe_ctl_event_end(struct oe_event *e, const struct oe_ctl_call *call);
