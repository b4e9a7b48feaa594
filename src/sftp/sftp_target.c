/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_target.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define SCHEME "sftp://"

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 section 2.1; NULL when it is none or hides a NUL. */
static char *
percent_decode(const char *s)
{
	char *all = oe_mem_zalloc(strlen(s) + 1), *p = all;

	for (; *s; s++) {
		if (*s != '%') {
			*p++ = *s;
			continue;
		}
		if (hex(s[1]) < 0 || hex(s[2]) < 0 ||
		    (s[1] == '0' && s[2] == '0')) {
			free(all);
			return NULL;
		}
		*p++ = (char)(hex(s[1]) << 4 | hex(s[2]));
		s += 2;
	}
	return all;
}

static int
parse_uri(const char *text, struct oe_sftp_target *ret, struct oe_err *err)
{
	const char *rest = text + strlen(SCHEME);
	size_t n = strcspn(rest, "/");
	/* user, host and port are those of ssh:// */
	char *peer = oe_mem_printf("ssh://%.*s", (int)n, rest);
	int r = oe_hoststr_parse(peer, &ret->host, err);

	free(peer);
	if (r < 0 || !rest[n] || !rest[n + 1])
		return r;
	ret->path = percent_decode(rest + n + 1);
	if (!ret->path)
		return oe_err_set(
		    err, OE_EINVAL, "'%s': the path has a bad %%", text);
	return 0;
}

/* The colon before the path: outside of brackets, before any slash. */
static const char *
find_colon(const char *text)
{
	bool within = false;

	for (; *text && *text != '/'; text++) {
		if (*text == '[')
			within = true;
		else if (*text == ']')
			within = false;
		else if (*text == ':' && !within)
			return text;
	}
	return NULL;
}

int
oe_sftp_target_parse(
    const char *text, struct oe_sftp_target *ret, struct oe_err *err)
{
	const char *colon;
	char *peer;
	int r;

	if (!strncasecmp(text, SCHEME, strlen(SCHEME)))
		return parse_uri(text, ret, err);
	colon = find_colon(text);
	peer = colon ? oe_mem_strndup(text, (size_t)(colon - text))
		     : oe_mem_strdup(text);
	r = oe_hoststr_parse(peer, &ret->host, err);
	free(peer);
	if (r == 0 && colon && colon[1])
		ret->path = oe_mem_strdup(colon + 1);
	return r;
}

void
oe_sftp_target_done(struct oe_sftp_target *t)
{
	oe_hoststr_done(&t->host);
	oe_mem_free(&t->path);
}
