/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/events.h - events of devices: reading a batch, and what one means
 * for the sessions that are shown.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "control/call.h"
#include "control/store.h"

struct oe_jval;

#define OE_CTL_EVENTS_MAX     1000
#define OE_CTL_EVENT_SIZE_MAX (64 * 1024)
#define OE_CTL_EVENT_UID_MAX  64
#define OE_CTL_EVENT_NAME_MAX 64
#define OE_CTL_EVENT_CONN_MAX 64

/* One line of a batch. */
struct oe_ctl_event {
	char *body;                   /* JSON on one line; NULL: refused */
	const char *why;              /* refused: static text */
	char *uid, *name, *conn;      /* conn may be NULL */
	char *device_id, *network_id; /* as the line says, or NULL */
	int64_t time_ms;
};

struct oe_ctl_events {
	struct oe_ctl_event *v;
	size_t n;
};

/**
 * oe_ctl_events_read() - lines of NDJSON; empty ones are passed over.
 * Lines that are no events are kept as refused, so that one of them does not
 * stop those behind it.
 * @ret: oe_ctl_events_done() it in any case.
 * Return: 0 or OE_ETOOBIG (more than OE_CTL_EVENTS_MAX).
 */
int oe_ctl_events_read(const char *text, size_t n, int64_t now_ms,
    struct oe_ctl_events *ret) OE_MUST_CHECK;
void oe_ctl_events_done(struct oe_ctl_events *e);

/**
 * oe_ctl_session_note() - an event of a device that has just been stored:
 * sessions begin and end by it.
 * @network: or NULL.
 */
int oe_ctl_session_note(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_event *e, const char *device, const char *network);
