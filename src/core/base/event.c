/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/event.h"

#include <jansson.h>
#include <string.h>

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

/* Drop the longest text, so that what remains fits a line. */
static bool
event_shorten(json_t *o)
{
	const char *key, *longest = NULL;
	size_t most = 64;
	json_t *v;

	json_object_foreach (o, key, v) {
		if (json_is_string(v) && json_string_length(v) > most) {
			most = json_string_length(v);
			longest = key;
		}
	}
	if (!longest)
		return false;
	json_object_set_new(o, longest, json_string("(too long)"));
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
	json_decref(e->fields);
	e->fields = NULL;
}
