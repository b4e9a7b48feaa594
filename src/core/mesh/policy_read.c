/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a document so that every mistake has a place.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/mesh/policy_internal.h"
#include "core/mesh/policy_place.h"

#define POINTER_MAX 1024
#define FAULT_MAX   320

static void
pointer_put(struct oe_buf *b, const char *key)
{
	for (; *key; key++) {
		if (*key == '~')
			(void)oe_buf_printf(b, "~0");
		else if (*key == '/')
			(void)oe_buf_printf(b, "~1");
		else
			(void)oe_buf_put_u8(b, (uint8_t)*key);
	}
}

static char *
read_pointer(const struct oe_policy__reader *r)
{
	char shown[POINTER_MAX], *s;
	struct oe_buf b;
	size_t i;

	oe_buf_init(&b, POINTER_MAX);
	for (i = 0; i < r->depth; i++) {
		(void)oe_buf_put_u8(&b, '/');
		if (r->path[i].key)
			pointer_put(&b, r->path[i].key);
		else
			(void)oe_buf_printf(&b, "%zu", r->path[i].index);
	}
	oe_str_escape((const char *)oe_buf_head(&b), oe_buf_left(&b), shown,
	    sizeof shown);
	s = oe_mem_strdup(shown);
	oe_buf_done(&b);
	return s;
}

static unsigned
read_line(const struct oe_policy__reader *r)
{
	size_t steps[OE_POLICY__DEPTH], i;

	if (!r->text)
		return 0;
	for (i = 0; i < r->depth; i++)
		steps[i] = r->path[i].index;
	return oe_policy__place(r->text, r->n, steps, r->depth);
}

static void
read_tell(struct oe_policy__reader *r, bool warning, const char *text)
{
	struct oe_policy_fault f = {.warning = warning, .text = text};
	bool first = !warning && r->mistakes++ == 0;
	bool tell = r->faults && r->told < OE_POLICY_FAULTS_MAX;
	char *pointer;

	if (!first && !tell)
		return;
	pointer = read_pointer(r);
	f.pointer = pointer;
	f.line = read_line(r);
	if (first && f.line)
		oe_err_set(r->err, OE_EINVAL, "line %u, %s: %s", f.line,
		    *pointer ? pointer : "/", text);
	else if (first)
		oe_err_set(r->err, OE_EINVAL, "%s: %s",
		    *pointer ? pointer : "/", text);
	if (tell) {
		r->told++;
		r->faults->tell(r->faults->arg, &f);
	}
	free(pointer);
}

void
oe_policy__fault(struct oe_policy__reader *r, const char *fmt, ...)
{
	char text[FAULT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	read_tell(r, false, text);
}

void
oe_policy__warn(struct oe_policy__reader *r, const char *fmt, ...)
{
	char text[FAULT_MAX];
	va_list ap;

	if (!r->faults)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	read_tell(r, true, text);
}

void
oe_policy__enter(struct oe_policy__reader *r, const char *key, size_t index)
{
	r->path[r->depth].key = key;
	r->path[r->depth++].index = index;
}

void
oe_policy__leave(struct oe_policy__reader *r)
{
	r->depth--;
}

static const struct oe_policy__field *
read_field(const struct oe_policy__field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (!strcmp(fields->name, name))
			return fields;
	return NULL;
}

static void
read_member(struct oe_policy__reader *r, const struct oe_policy__field *f,
    const char *key, const struct oe_jval *v, void *to)
{
	char shown[64];

	if (!f) {
		oe_str_escape(key, strlen(key), shown, sizeof shown);
		oe_policy__fault(r, "there is no field '%s' here", shown);
	} else if (oe_jval_kind(v) != OE_JVAL_NULL) {
		f->read(r, v, (char *)to + f->offset);
		if (f->given)
			*(bool *)((char *)to + f->given - 1) = true;
	}
}

void
oe_policy__object(struct oe_policy__reader *r, const struct oe_jval *v,
    const struct oe_policy__field *fields, void *to)
{
	const struct oe_policy__field *f;
	const struct oe_jval *member;
	const char *key;
	void *iter = NULL;
	size_t i = 0;

	if (oe_jval_kind(v) != OE_JVAL_OBJECT) {
		oe_policy__fault(r, "it must be an object");
		return;
	}
	while (oe_jval_next(v, &iter, &key, &member)) {
		oe_policy__enter(r, key, i++);
		read_member(r, read_field(fields, key), key, member, to);
		oe_policy__leave(r);
	}
	for (f = fields; f->name; f++)
		if (f->required &&
		    oe_jval_kind(oe_jval_get(v, f->name)) == OE_JVAL_NULL)
			oe_policy__fault(r, "'%s' is missing", f->name);
}

void
oe_policy__each(struct oe_policy__reader *r, const struct oe_jval *v,
    size_t max,
    void (*read)(
	struct oe_policy__reader *r, const struct oe_jval *v, void *to),
    void *to)
{
	size_t n = oe_jval_size(v), i;

	if (oe_jval_kind(v) != OE_JVAL_ARRAY) {
		oe_policy__fault(r, "it must be an array");
		return;
	}
	if (n > max) {
		oe_policy__fault(r, "more than %zu items", max);
		return;
	}
	for (i = 0; i < n; i++) {
		oe_policy__enter(r, NULL, i);
		read(r, oe_jval_at(v, i), to);
		oe_policy__leave(r);
	}
}

static bool
text_is_clean(const char *s, bool lines)
{
	for (; *s; s++)
		if ((unsigned char)*s == 0x7f ||
		    ((unsigned char)*s < ' ' &&
			!(lines && (*s == '\n' || *s == '\t'))))
			return false;
	return true;
}

const char *
oe_policy__text(struct oe_policy__reader *r, const struct oe_jval *v,
    size_t max, bool lines)
{
	const char *s = oe_jval_text(v);

	if (!s)
		oe_policy__fault(r, "it must be a text");
	else if (!*s)
		oe_policy__fault(r, "it must not be empty");
	else if (strlen(s) > max)
		oe_policy__fault(r, "longer than %zu bytes", max);
	else if (!text_is_clean(s, lines))
		oe_policy__fault(r, "it has control characters");
	else
		return s;
	return NULL;
}

void
oe_policy__read_bool(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	if (!oe_jval_bool(v, to))
		oe_policy__fault(r, "it must be true or false");
}

void
oe_policy__read_name(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	*(char **)to =
	    oe_mem_strdup(oe_policy__text(r, v, OE_POLICY_NAME_MAX, false));
}

void
oe_policy__read_message(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	*(char **)to =
	    oe_mem_strdup(oe_policy__text(r, v, OE_POLICY_TEXT_MAX, true));
}

void
oe_policy__read_command(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	oe_policy__read_message(r, v, to);
}

void
oe_policy__read_url(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_TEXT_MAX, false);

	if (s && !oe_str_starts(s, "https://") &&
	    !oe_str_starts(s, "http://")) {
		oe_policy__fault(r, "it must begin with https:// or http://");
		s = NULL;
	}
	*(char **)to = oe_mem_strdup(s);
}

static void
read_url_item(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	char *s = NULL;

	oe_policy__read_url(r, v, &s);
	if (s)
		oe_strs_add_take(to, s);
}

void
oe_policy__read_urls(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	oe_policy__each(r, v, OE_POLICY_LIST_MAX, read_url_item, to);
}

void
oe_policy__read_seconds(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	int64_t s;

	if (!oe_jval_int(v, &s))
		oe_policy__fault(r, "it must be a whole number of seconds");
	else if (s < 1 || s > OE_POLICY_SECONDS_MAX)
		oe_policy__fault(r,
		    "it must be from 1 to %d seconds; leave it out for no "
		    "limit",
		    OE_POLICY_SECONDS_MAX);
	else
		*(int64_t *)to = s;
}
