/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/event_internal.h - what the files of events share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct oe_event;

/** oe_event__put() - add @n bytes of JSON as they are. */
void oe_event__put(struct oe_event *e, const char *p, size_t n);
/**
 * oe_event__open() - the first fields of an event, in the memory that @e has
 * or in new.  @ts: the time as oe_time_format() writes it.  @node: or NULL.
 */
void oe_event__open(
    struct oe_event *e, const char *ts, const char *name, const char *node);
/**
 * oe_event__close() - make @e a line with its newline, at most
 * OE_EVENT_LINE_MAX bytes; false when that cannot be.
 */
bool oe_event__close(struct oe_event *e);
/**
 * oe_event__foreign() - what oe_event_foreign() takes, without blanks and
 * without what is ours.
 * @ret: room for @n bytes; holds anything after a refusal.
 * Return: bytes of @ret, or 0 when @text is none.
 */
size_t oe_event__foreign(const char *text, size_t n, char *ret);
