/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/request.h - a request on its way from the loop through a worker and
 * back.
 *
 * The loop makes it of what a connection sent, a worker turns it into the
 * bytes of a reply, the loop sends these.  One thread has it at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/http.h"
#include "control/routes.h"
#include "core/base/buf.h"

struct oe_ctl_text;

struct oe_ctl_request {
	struct oe_ctl_request *next; /* in a queue */
	void *owner; /* for the loop only; NULL: its connection is gone */
	char *text;  /* the head, which h points into */
	struct oe_ctl_head h;
	struct oe_ctl_match match;
	struct oe_buf body;
	size_t body_want;
	int refuse; /* status to refuse it with, or 0 */
	bool tls;
	char address[OE_ADDR_TEXT_MAX]; /* of the other end */
	char id[24];
	int64_t began_us; /* monotonic */
	/* filled by the worker */
	bool close; /* the connection ends after the reply */
	int status;
	char *out;
	size_t out_len;
	struct oe_ctl_text *shared; /* follows out, or NULL */
};

void oe_ctl_request_free(struct oe_ctl_request **r);
