/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "control/events.h"
#include "control/resource.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* A text of the line within bounds; NULL when it is missing or is not. */
static char *
text_of(const struct oe_jval *v, const char *key, size_t max)
{
	const char *text = oe_jval_get_text(v, key);

	if (text == NULL || !*text || strlen(text) > max)
		return NULL;
	return oe_mem_strdup(text);
}

/* What is wrong with a line, or NULL. */
static const char *
read_fields(const struct oe_jval *v, int64_t now_ms, struct oe_ctl_event *ret)
{
	if (oe_jval_kind(v) != OE_JVAL_OBJECT)
		return "not a JSON object";
	ret->uid = text_of(v, "uid", OE_CTL_EVENT_UID_MAX);
	ret->name = text_of(v, "event", OE_CTL_EVENT_NAME_MAX);
	ret->conn = text_of(v, "conn", OE_CTL_EVENT_CONN_MAX);
	ret->device_id = text_of(v, "device_id", OE_CTL_ID_SIZE - 1);
	ret->network_id = text_of(v, "network_id", OE_CTL_ID_SIZE - 1);
	if ((ret->device_id == NULL && oe_jval_get(v, "device_id") != NULL) ||
	    (ret->network_id == NULL && oe_jval_get(v, "network_id") != NULL))
		return "device_id or network_id is no id";
	if (ret->uid == NULL)
		return "no uid of 1 to 64 bytes";
	if (ret->name == NULL)
		return "no event of 1 to 64 bytes";
	if (oe_str_starts(ret->name, "control."))
		return "events control.* are the server's own";
	if (!oe_ctl_time_parse(oe_jval_get_text(v, "ts"), &ret->time_ms))
		ret->time_ms = now_ms;
	return NULL;
}

static void
read_line(const char *line, size_t n, int64_t now_ms, struct oe_ctl_event *ret)
{
	struct oe_jval *v = NULL;

	if (n > OE_CTL_EVENT_SIZE_MAX)
		ret->why = "longer than 65536 bytes";
	else if (oe_jval_parse(line, n, &v, NULL))
		ret->why = "not JSON";
	else
		ret->why = read_fields(v, now_ms, ret);
	if (ret->why == NULL)
		ret->body = oe_jval_dump(v, 0);
	oe_jval_free(&v);
}

static bool
is_blank(const char *line, size_t n)
{
	while (n > 0 && strchr(" \t\r", line[n - 1]))
		n--;
	return n == 0;
}

int
oe_ctl_events_read(
    const char *text, size_t n, int64_t now_ms, struct oe_ctl_events *ret)
{
	const char *end = text + n, *nl;
	struct oe_ctl_event *e;

	ret->n = 0;
	ret->v = oe_mem_zalloc(OE_CTL_EVENTS_MAX * sizeof(*ret->v));
	for (; text < end; text = nl + 1) {
		nl = memchr(text, '\n', (size_t)(end - text));
		if (nl == NULL)
			nl = end;
		if (is_blank(text, (size_t)(nl - text)))
			continue;
		if (ret->n == OE_CTL_EVENTS_MAX)
			return OE_ETOOBIG;
		e = &ret->v[ret->n++];
		read_line(text, (size_t)(nl - text), now_ms, e);
	}
	return 0;
}

void
oe_ctl_events_done(struct oe_ctl_events *e)
{
	size_t i;

	for (i = 0; i < e->n; i++) {
		free(e->v[i].body);
		free(e->v[i].uid);
		free(e->v[i].name);
		free(e->v[i].conn);
		free(e->v[i].device_id);
		free(e->v[i].network_id);
	}
	oe_mem_free(&e->v);
	e->n = 0;
}
