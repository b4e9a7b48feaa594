/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/buf.h - bounded byte buffers and the SSH wire types on them.
 *
 * A buffer states its maximum when it is made.  Wire types are those of
 * RFC 4251 section 5: big-endian integers, strings with a u32 length.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_buf {
	uint8_t *data; /* bytes [off, len) are the content */
	size_t off, len, cap, max;
	bool view; /* borrowed, read-only: never grown, never freed */
};

/** oe_buf_init() - empty buffer that will never hold more than @max bytes. */
void oe_buf_init(struct oe_buf *b, size_t max);
/** oe_buf_view() - read-only buffer over @n bytes that somebody else owns. */
void oe_buf_view(struct oe_buf *b, const void *p, size_t n);
/** oe_buf_done() - wipe and free; the buffer is empty and unusable after. */
void oe_buf_done(struct oe_buf *b);
/** oe_buf_reset() - forget the content, keep the memory. */
void oe_buf_reset(struct oe_buf *b);
/** oe_buf_left() - unread bytes. */
size_t oe_buf_left(const struct oe_buf *b);
/** oe_buf_head() - first unread byte; valid until the next put. */
const uint8_t *oe_buf_head(const struct oe_buf *b);
/** oe_buf_room() - bytes that may still be put. */
size_t oe_buf_room(const struct oe_buf *b);

/* Each put returns 0 or OE_ETOOBIG (past max; nothing was put). */
int oe_buf_put(struct oe_buf *b, const void *p, size_t n);
int oe_buf_put_u8(struct oe_buf *b, uint8_t v);
int oe_buf_put_u32(struct oe_buf *b, uint32_t v);
int oe_buf_put_u64(struct oe_buf *b, uint64_t v);
int oe_buf_put_string(struct oe_buf *b, const void *p, size_t n);
/** oe_buf_put_cstring() - @s as an SSH string; NULL is the empty string. */
int oe_buf_put_cstring(struct oe_buf *b, const char *s);
int oe_buf_printf(struct oe_buf *b, const char *fmt, ...) OE_PRINTF(2, 3);

/* Each get returns 0 or OE_ESHORT; on failure nothing is consumed. */
int oe_buf_get_u8(struct oe_buf *b, uint8_t *ret) OE_MUST_CHECK;
int oe_buf_get_u32(struct oe_buf *b, uint32_t *ret) OE_MUST_CHECK;
int oe_buf_get_u64(struct oe_buf *b, uint64_t *ret) OE_MUST_CHECK;
/** oe_buf_get_string() - view of an SSH string; the bytes stay in @b. */
int oe_buf_get_string(struct oe_buf *b, struct oe_buf *ret) OE_MUST_CHECK;
/**
 * oe_buf_get_cstring() - SSH string as C text in memory of its own.
 * @max: longest accepted text in bytes.
 * @ret: free() it; untouched on failure.
 * Return: 0, OE_ESHORT, OE_ETOOBIG, or OE_EPROTO (the text holds a NUL).
 */
int oe_buf_get_cstring(struct oe_buf *b, size_t max, char **ret) OE_MUST_CHECK;
/** oe_buf_skip() - drop @n unread bytes; more than there are drops all. */
void oe_buf_skip(struct oe_buf *b, size_t n);
