/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/jval.h - JSON values of any shape (RFC 8259), read from bytes
 * that somebody else wrote and built to be sent.
 *
 * One line of one flat object for other programs: json.h.
 *
 * Readers never fail on a value of another kind than they expect: they tell
 * that it is not there, so that lenient readers are short.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_jval;

/* Nesting that oe_jval_parse() accepts. */
#define OE_JVAL_DEPTH_MAX 32
/*
 * Values, so that what is made of a text has a bound (some 400 MB) however
 * the text was written: each counts one, an array or object four more.
 */
#define OE_JVAL_PARTS_MAX  4000000
#define OE_JVAL_PARTS_OPEN 5

enum oe_jval_kind {
	OE_JVAL_NULL, /* also what NULL is */
	OE_JVAL_BOOL,
	OE_JVAL_INT,
	OE_JVAL_REAL,
	OE_JVAL_TEXT,
	OE_JVAL_ARRAY,
	OE_JVAL_OBJECT,
};

/**
 * oe_jval_parse() - a whole JSON text, UTF-8, no key twice in an object.
 * @p: @n bytes; the caller bounds them.
 * @ret: oe_jval_free() it; untouched on failure.
 * Return: 0, OE_EPROTO ("line 3, column 7: ..."), OE_ETOOBIG (too deep, too
 * many values).
 */
int oe_jval_parse(const void *p, size_t n, struct oe_jval **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_jval_free() - give up one reference; empties the pointer. */
void oe_jval_free(struct oe_jval **v);
/** oe_jval_ref() - one reference more to @v; NULL stays NULL. */
struct oe_jval *oe_jval_ref(const struct oe_jval *v);

enum oe_jval_kind oe_jval_kind(const struct oe_jval *v);
/** oe_jval_get() - member of an object, borrowed, or NULL. */
const struct oe_jval *oe_jval_get(const struct oe_jval *v, const char *key);
/** oe_jval_size() - items of an array, members of an object, else 0. */
size_t oe_jval_size(const struct oe_jval *v);
/** oe_jval_at() - item of an array, borrowed, or NULL. */
const struct oe_jval *oe_jval_at(const struct oe_jval *v, size_t i);
/**
 * oe_jval_next() - members of an object in the order of the text.
 * @iter: NULL before the first.
 * Return: false after the last; @key and @ret are borrowed.
 */
bool oe_jval_next(const struct oe_jval *v, void **iter, const char **key,
    const struct oe_jval **ret);
/** oe_jval_text() - borrowed, without NUL inside; NULL when not a text. */
const char *oe_jval_text(const struct oe_jval *v);
/** oe_jval_int() - false when @v is no integer; @ret is untouched then. */
bool oe_jval_int(const struct oe_jval *v, int64_t *ret);
bool oe_jval_bool(const struct oe_jval *v, bool *ret);

/* Members in short: NULL, or @otherwise, when it is not there. */
const char *oe_jval_get_text(const struct oe_jval *v, const char *key);
int64_t
oe_jval_get_int(const struct oe_jval *v, const char *key, int64_t otherwise);
bool oe_jval_get_bool(const struct oe_jval *v, const char *key, bool otherwise);

/* Makers.  What cannot stand in JSON (bytes that are no UTF-8) becomes U+FFFD
 * byte by byte.  @text NULL makes null. */
struct oe_jval *oe_jval_object(void);
struct oe_jval *oe_jval_array(void);
struct oe_jval *oe_jval_of_text(const char *text);
struct oe_jval *oe_jval_of_int(int64_t i);
struct oe_jval *oe_jval_of_bool(bool b);
struct oe_jval *oe_jval_null(void);

/** oe_jval_set() - put @member, taken over, under @key of an object. */
void oe_jval_set(struct oe_jval *v, const char *key, struct oe_jval *member);
void oe_jval_set_text(struct oe_jval *v, const char *key, const char *text);
void oe_jval_set_int(struct oe_jval *v, const char *key, int64_t i);
void oe_jval_set_bool(struct oe_jval *v, const char *key, bool b);
/** oe_jval_add() - put @item, taken over, at the end of an array. */
void oe_jval_add(struct oe_jval *v, struct oe_jval *item);

/**
 * oe_jval_dump() - as text in UTF-8, members in their order; free() it.
 * @indent: columns a level for people; 0: one line.
 */
char *oe_jval_dump(const struct oe_jval *v, unsigned indent);
