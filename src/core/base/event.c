/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/event.h"

#include <jansson.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/fd.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define OE_EVENT_STR_MAX 1024

void
oe_event_begin(
    struct oe_event *e, const struct oe_eventlog *log, const char *name)
{
	char ts[40];

	e->fields = NULL;
	if (log->fd < 0)
		return;
	oe_time_format(oe_time_wall_ms(), ts, sizeof ts);
	e->fields = json_object();
	oe_event_int(e, "v", OE_EVENT_VERSION);
	oe_event_str(e, "ts", ts);
	oe_event_str(e, "event", name);
	oe_event_str(e, "node", log->node);
}

void
oe_event_str(struct oe_event *e, const char *key, const char *value)
{
	char safe[OE_EVENT_STR_MAX];

	if (!e->fields || !value)
		return;
	oe_str_escape(value, strlen(value), safe, sizeof safe);
	json_object_set_new(e->fields, key, json_string(safe));
}

void
oe_event_int(struct oe_event *e, const char *key, int64_t value)
{
	if (e->fields)
		json_object_set_new(e->fields, key, json_integer(value));
}

void
oe_event_bool(struct oe_event *e, const char *key, bool value)
{
	if (e->fields)
		json_object_set_new(e->fields, key, json_boolean(value));
}

/* Names that the writer of the whole line knows better. */
static bool
foreign_is_ours(const char *key)
{
	static const char *const ours[] = {
	    "v", "ts", "node", "conn", "src", "src_port", "user", "local_user"};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(ours); i++)
		if (oe_str_eq(key, ours[i]))
			return true;
	return false;
}

static bool
foreign_is_name(const char *key)
{
	size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyz_.");

	return n > 0 && n <= 32 && !key[n];
}

static bool
foreign_is_text(const json_t *v)
{
	const char *s = json_string_value(v);
	size_t i, n = json_string_length(v);

	if (n >= OE_EVENT_STR_MAX)
		return false;
	for (i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return true;
}

static bool
foreign_is_flat(json_t *o)
{
	const char *key;
	json_t *v;

	if (!json_is_object(o) || json_object_size(o) > OE_EVENT_FOREIGN_MAX)
		return false;
	json_object_foreach (o, key, v) {
		if (!foreign_is_name(key))
			return false;
		if (!json_is_integer(v) && !json_is_boolean(v) &&
		    !(json_is_string(v) && foreign_is_text(v)))
			return false;
	}
	return true;
}

bool
oe_event_foreign(
    struct oe_event *e, const char *key, const char *text, size_t n)
{
	const char *name;
	void *next;
	json_t *o, *v;

	if (!e->fields)
		return true;
	o = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
	if (!foreign_is_flat(o)) {
		json_decref(o);
		return false;
	}
	json_object_foreach_safe(o, next, name, v)
	{
		if (foreign_is_ours(name))
			json_object_del(o, name);
	}
	json_object_set_new(e->fields, key, o);
	return true;
}

void
oe_event_drop(struct oe_event *e)
{
	json_decref(e->fields);
	e->fields = NULL;
}

/* The longest text of an object and of those in it. */
static void
event_longest(json_t *o, json_t **in, const char **longest, size_t *most)
{
	const char *key;
	json_t *v;

	json_object_foreach (o, key, v) {
		if (json_is_object(v))
			event_longest(v, in, longest, most);
		if (json_is_string(v) && json_string_length(v) > *most) {
			*most = json_string_length(v);
			*longest = key;
			*in = o;
		}
	}
}

/* Drop the longest text, so that what remains fits a line. */
static bool
event_shorten(json_t *o)
{
	const char *longest = NULL;
	json_t *in = NULL;
	size_t most = 64;

	event_longest(o, &in, &longest, &most);
	if (!longest)
		return false;
	json_object_set_new(in, longest, json_string("(too long)"));
	return true;
}

void
oe_event_end(struct oe_event *e, const struct oe_eventlog *log)
{
	char line[OE_EVENT_LINE_MAX + 1];
	size_t n;

	if (!e->fields)
		return;
	do {
		n = json_dumpb(e->fields, line, OE_EVENT_LINE_MAX,
		    JSON_COMPACT | JSON_ENSURE_ASCII);
	} while (n >= OE_EVENT_LINE_MAX && event_shorten(e->fields));
	if (n && n < OE_EVENT_LINE_MAX) {
		line[n++] = '\n';
		(void)oe_fd_write_all(log->fd, line, n);
	}
	oe_event_drop(e);
}
