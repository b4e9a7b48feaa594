/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the lines of core/base/event.h have to be, made by jansson: slow, and
 * by another road.  For tests and fuzzers that compare.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/event.h"
#include "core/base/str.h"

static bool
reference_is_text(const json_t *v)
{
	const char *s = json_string_value(v);
	size_t i, n = json_string_length(v);

	for (i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return n < 1024;
}

static bool
reference_is_member(const char *name, json_t *v)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz_.");

	if (n == 0 || n > 32 || name[n])
		return false;
	return json_is_integer(v) || json_is_boolean(v) ||
	       (json_is_string(v) && reference_is_text(v));
}

/*
 * What somebody else wrote, without what is ours; NULL: refused.  A zero byte
 * is no JSON; jansson overlooks one behind a number or a word.
 */
static json_t *
reference_foreign(const char *text, size_t n)
{
	static const char *const ours[] = {
	    "v", "ts", "node", "conn", "src", "src_port", "user", "local_user"};
	json_t *o = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL), *v;
	const char *name;
	size_t i;
	bool good = json_is_object(o) && !memchr(text, 0, n) &&
		    json_object_size(o) <= OE_EVENT_FOREIGN_MAX;

	json_object_foreach (o, name, v)
		good = good && reference_is_member(name, v);
	if (!good) {
		json_decref(o);
		return NULL;
	}
	for (i = 0; i < OE_ARRAY_LEN(ours); i++)
		json_object_del(o, ours[i]);
	return o;
}

static json_t *
reference_text(const char *value)
{
	char safe[1024];

	oe_str_escape(value, strlen(value), safe, sizeof safe);
	return json_string(safe);
}

/* An event as oe_event_begin() makes it, at the time that is faked as 0. */
static json_t *
reference_begin(const char *name, const char *node)
{
	json_t *o = json_object();

	json_object_set_new(o, "v", json_integer(OE_EVENT_VERSION));
	json_object_set_new(o, "ts", json_string("1970-01-01T00:00:00.000Z"));
	json_object_set_new(o, "event", reference_text(name));
	json_object_set_new(o, "node", reference_text(node));
	return o;
}

static void
reference_longest(json_t *o, json_t **in, const char **longest, size_t *most)
{
	const char *key;
	json_t *v;

	json_object_foreach (o, key, v) {
		if (json_is_object(v))
			reference_longest(v, in, longest, most);
		if (json_is_string(v) && json_string_length(v) > *most) {
			*most = json_string_length(v);
			*longest = key;
			*in = o;
		}
	}
}

/* Its line, OE_EVENT_LINE_MAX bytes of room; returns bytes.  Frees @o. */
static size_t
reference_line(json_t *o, char *line)
{
	const char *longest;
	json_t *in;
	size_t n, most;

	for (;;) {
		n = json_dumpb(o, line, OE_EVENT_LINE_MAX,
		    JSON_COMPACT | JSON_ENSURE_ASCII);
		most = 64;
		longest = NULL;
		if (n >= OE_EVENT_LINE_MAX)
			reference_longest(o, &in, &longest, &most);
		if (!longest)
			break;
		json_object_set_new(in, longest, json_string("(too long)"));
	}
	json_decref(o);
	if (n >= OE_EVENT_LINE_MAX)
		return 0;
	line[n++] = '\n';
	return n;
}
