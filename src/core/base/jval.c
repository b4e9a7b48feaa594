/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/jval.h"

#include <jansson.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"

/* jansson has no const values to look at, and looking changes nothing. */
static json_t *
lib(const struct oe_jval *v)
{
	return (json_t *)(uintptr_t)v;
}

static struct oe_jval *
own(json_t *j)
{
	return (struct oe_jval *)oe_mem_check(j);
}

/* What a text would cost as values, and how deep it nests. */
struct shape {
	size_t parts;
	unsigned depth, deepest;
};

/* Behind the text that begins at @p, in whose quotation mark @p is. */
static const char *
past_text(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

/*
 * Three bytes of "[]," are a hundred in memory, so that a reply of a few
 * megabytes could fill a machine: it is counted before it is parsed.
 */
static void
take_shape(const char *p, size_t n, struct shape *s)
{
	const char *end = p + n;

	while (p < end) {
		switch (*p) {
		case '"':
			p = past_text(p, end);
			continue;
		case '[':
		case '{':
			s->parts += OE_JVAL_PARTS_OPEN;
			if (++s->depth > s->deepest)
				s->deepest = s->depth;
			break;
		case ']':
		case '}':
			s->depth -= s->depth > 0;
			break;
		case ',':
			s->parts++;
			break;
		}
		p++;
	}
}

static int
check_shape(const void *p, size_t n, struct oe_err *err)
{
	struct shape s = {0, 0, 0};

	if (n)
		take_shape(p, n, &s);
	if (s.deepest > OE_JVAL_DEPTH_MAX)
		return oe_err_set(err, OE_ETOOBIG, "nested more than %d levels",
		    OE_JVAL_DEPTH_MAX);
	if (s.parts > OE_JVAL_PARTS_MAX)
		return oe_err_set(
		    err, OE_ETOOBIG, "more values than %d", OE_JVAL_PARTS_MAX);
	return 0;
}

int
oe_jval_parse(const void *p, size_t n, struct oe_jval **ret, struct oe_err *err)
{
	json_error_t e;
	json_t *j;
	int r = check_shape(p, n, err);

	if (r < 0)
		return r;
	j = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!j)
		return oe_err_set(err, OE_EPROTO, "line %d, column %d: %s",
		    e.line, e.column, e.text);
	*ret = own(j);
	return 0;
}

void
oe_jval_free(struct oe_jval **v)
{
	json_decref(lib(*v));
	*v = NULL;
}

struct oe_jval *
oe_jval_ref(const struct oe_jval *v)
{
	return (struct oe_jval *)(void *)json_incref(lib(v));
}

enum oe_jval_kind
oe_jval_kind(const struct oe_jval *v)
{
	if (!v)
		return OE_JVAL_NULL;
	switch (json_typeof(lib(v))) {
	case JSON_OBJECT:
		return OE_JVAL_OBJECT;
	case JSON_ARRAY:
		return OE_JVAL_ARRAY;
	case JSON_STRING:
		return OE_JVAL_TEXT;
	case JSON_INTEGER:
		return OE_JVAL_INT;
	case JSON_REAL:
		return OE_JVAL_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return OE_JVAL_BOOL;
	case JSON_NULL:
		break;
	}
	return OE_JVAL_NULL;
}

const struct oe_jval *
oe_jval_get(const struct oe_jval *v, const char *key)
{
	return (struct oe_jval *)(void *)json_object_get(lib(v), key);
}

size_t
oe_jval_size(const struct oe_jval *v)
{
	return json_array_size(lib(v)) + json_object_size(lib(v));
}

const struct oe_jval *
oe_jval_at(const struct oe_jval *v, size_t i)
{
	return (struct oe_jval *)(void *)json_array_get(lib(v), i);
}

bool
oe_jval_next(const struct oe_jval *v, void **iter, const char **key,
    const struct oe_jval **ret)
{
	*iter = *iter ? json_object_iter_next(lib(v), *iter)
		      : json_object_iter(lib(v));
	if (!*iter)
		return false;
	*key = json_object_iter_key(*iter);
	*ret = (struct oe_jval *)(void *)json_object_iter_value(*iter);
	return true;
}

const char *
oe_jval_text(const struct oe_jval *v)
{
	const char *s = json_string_value(lib(v));

	return s && strlen(s) == json_string_length(lib(v)) ? s : NULL;
}

bool
oe_jval_int(const struct oe_jval *v, int64_t *ret)
{
	if (!json_is_integer(lib(v)))
		return false;
	*ret = json_integer_value(lib(v));
	return true;
}

bool
oe_jval_bool(const struct oe_jval *v, bool *ret)
{
	if (!json_is_boolean(lib(v)))
		return false;
	*ret = json_is_true(lib(v));
	return true;
}

const char *
oe_jval_get_text(const struct oe_jval *v, const char *key)
{
	return oe_jval_text(oe_jval_get(v, key));
}

int64_t
oe_jval_get_int(const struct oe_jval *v, const char *key, int64_t otherwise)
{
	oe_jval_int(oe_jval_get(v, key), &otherwise);
	return otherwise;
}

bool
oe_jval_get_bool(const struct oe_jval *v, const char *key, bool otherwise)
{
	oe_jval_bool(oe_jval_get(v, key), &otherwise);
	return otherwise;
}

struct oe_jval *
oe_jval_object(void)
{
	return own(json_object());
}

struct oe_jval *
oe_jval_array(void)
{
	return own(json_array());
}

/* Each byte beyond ASCII as U+FFFD: of a text that is no UTF-8. */
static json_t *
replaced(const char *text)
{
	size_t n = strlen(text);
	char *s = oe_mem_zalloc(3 * n + 1), *to = s;
	json_t *j;

	for (; *text; text++)
		if ((unsigned char)*text < 0x80) {
			*to++ = *text;
		} else {
			memcpy(to, "\xef\xbf\xbd", 3);
			to += 3;
		}
	j = json_string(s);
	oe_mem_free(&s);
	return j;
}

struct oe_jval *
oe_jval_of_text(const char *text)
{
	json_t *j;

	if (!text)
		return oe_jval_null();
	j = json_string(text);
	return own(j ? j : replaced(text));
}

struct oe_jval *
oe_jval_of_int(int64_t i)
{
	return own(json_integer(i));
}

struct oe_jval *
oe_jval_of_bool(bool b)
{
	return own(json_boolean(b));
}

struct oe_jval *
oe_jval_null(void)
{
	return own(json_null());
}

void
oe_jval_set(struct oe_jval *v, const char *key, struct oe_jval *member)
{
	json_object_set_new(lib(v), key, lib(member));
}

void
oe_jval_set_text(struct oe_jval *v, const char *key, const char *text)
{
	oe_jval_set(v, key, oe_jval_of_text(text));
}

void
oe_jval_set_int(struct oe_jval *v, const char *key, int64_t i)
{
	oe_jval_set(v, key, oe_jval_of_int(i));
}

void
oe_jval_set_bool(struct oe_jval *v, const char *key, bool b)
{
	oe_jval_set(v, key, oe_jval_of_bool(b));
}

void
oe_jval_add(struct oe_jval *v, struct oe_jval *item)
{
	json_array_append_new(lib(v), lib(item));
}

char *
oe_jval_dump(const struct oe_jval *v, unsigned indent)
{
	size_t flags =
	    JSON_ENCODE_ANY | (indent ? JSON_INDENT(indent) : JSON_COMPACT);

	return (char *)oe_mem_check(json_dumps(lib(v), flags));
}
