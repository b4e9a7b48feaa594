/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/net/http_internal.h"

/* The value of header @name in @line, cut to @size; false: another header. */
static bool
value_of(const char *line, const char *name, char *ret, size_t size)
{
	size_t n = strlen(name);
	const char *end;

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return false;
	line += n + 1;
	line += strspn(line, " \t");
	end = line + strlen(line);
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	n = (size_t)(end - line);
	if (n >= size)
		n = 0; /* half a value is none */
	memcpy(ret, line, n);
	ret[n] = '\0';
	return true;
}

/* Retry-After: seconds or a date (RFC 9110 section 10.2.3). */
static int64_t
pause_of(const struct oe_http__try *t, const char *value)
{
	int64_t s;
	time_t at;

	if (!oe_str_parse_int(value, 0, 86400, &s))
		return s * 1000;
	at = t->http->lib.getdate(value, NULL);
	if (at == (time_t)-1)
		return -1;
	s = (int64_t)at * 1000 - oe_time_wall_ms();
	return s > 0 ? s : 0;
}

static void
take(struct oe_http__try *t, const char *line)
{
	struct oe_http_reply *r = &t->reply;
	char value[OE_HTTP_ETAG_MAX], *p;
	time_t at;

	if (value_of(line, "ETag", r->etag, sizeof r->etag))
		return;
	if (value_of(line, "Content-Type", value, sizeof value)) {
		value[strcspn(value, "; \t")] = '\0';
		for (p = value; *p; p++)
			*p = (char)tolower((unsigned char)*p);
		oe_str_copy(r->type, sizeof r->type, value);
	} else if (value_of(line, "Date", value, sizeof value)) {
		at = t->http->lib.getdate(value, NULL);
		r->date_s = at == (time_t)-1 ? 0 : (int64_t)at;
	} else if (value_of(line, "Retry-After", value, sizeof value)) {
		t->pause_ms = pause_of(t, value);
	}
}

size_t
oe_http__header(char *line, size_t size, size_t n, void *arg)
{
	struct oe_http__try *t = arg;
	char *copy;

	n *= size;
	t->headers += n;
	if (t->headers > OE_HTTP_HEADERS_MAX) {
		t->too_big = true;
		return 0;
	}
	/* a 1xx reply goes before: what it said is not of the reply */
	if (n > 5 && !strncmp(line, "HTTP/", 5)) {
		memset(&t->reply, 0, sizeof t->reply);
		t->pause_ms = -1;
		return n;
	}
	copy = oe_mem_strndup(line, n);
	take(t, copy);
	free(copy);
	return n;
}
