/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/scp_target.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define URI "scp://"

/* The colon behind the host, or NULL: a local path. */
static const char *
find_colon(const char *text)
{
	const char *p = text;
	bool bracket = false;

	if (*p == ':')
		return NULL;
	for (; *p && *p != '/'; p++) {
		if (*p == '[' && (p == text || p[-1] == '@'))
			bracket = true;
		else if (*p == ']' && bracket && p[1] == ':')
			return p + 1;
		else if (*p == ':' && !bracket)
			return p;
	}
	return NULL;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 section 2.1; a path cannot hold a NUL. */
static char *
percent_decode(const char *s)
{
	char *all = oe_mem_zalloc(strlen(s) + 1), *to = all;
	int high, low;

	for (; *s; s++) {
		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		high = hex(s[1]);
		low = high < 0 ? -1 : hex(s[2]);
		if (low < 0 || (!high && !low)) {
			free(all);
			return NULL;
		}
		*to++ = (char)(high << 4 | low);
		s += 2;
	}
	return all;
}

static int
parse_host(const char *text, size_t n, const char *scheme,
    struct oe_hoststr *ret, struct oe_err *err)
{
	char *host = oe_mem_printf("%s%.*s", scheme, (int)n, text);
	int r = oe_hoststr_parse(host, ret, err);

	free(host);
	return r < 0 ? OE_EUSAGE : 0;
}

static int
parse_uri(const char *text, struct oe_scp_target *ret, struct oe_err *err)
{
	const char *authority = text + strlen(URI);
	size_t n = strcspn(authority, "/");
	char *path = percent_decode(authority[n] ? authority + n + 1 : "");
	int r;

	if (!path)
		return oe_err_set(err, OE_EUSAGE,
		    "%s: a %% is not followed by two hexadecimal digits", text);
	r = parse_host(authority, n, "ssh://", &ret->host, err);
	if (r < 0) {
		free(path);
		return oe_err_wrap(err, r, "%s", text);
	}
	ret->path = path;
	ret->remote = true;
	return 0;
}

int
oe_scp_target_parse(
    const char *text, struct oe_scp_target *ret, struct oe_err *err)
{
	struct oe_scp_target t;
	const char *colon;
	int r = 0;

	memset(&t, 0, sizeof t);
	if (!*text)
		return oe_err_set(err, OE_EUSAGE, "an empty file name");
	colon = find_colon(text);
	if (oe_str_starts(text, URI)) {
		r = parse_uri(text, &t, err);
	} else if (colon) {
		r = parse_host(text, (size_t)(colon - text), "", &t.host, err);
		t.path = r < 0 ? NULL : oe_mem_strdup(colon + 1);
		t.remote = true;
	} else {
		t.path = oe_mem_strdup(text);
	}
	if (r == 0)
		*ret = t;
	return r;
}

void
oe_scp_target_done(struct oe_scp_target *t)
{
	if (t->remote)
		oe_hoststr_done(&t->host);
	oe_mem_free(&t->path);
	memset(t, 0, sizeof *t);
}

char *
oe_scp_home(const char *path)
{
	if (*path != '~')
		return oe_mem_strdup(*path ? path : ".");
	if (path[1] && path[1] != '/')
		return NULL;
	path += 1 + strspn(path + 1, "/");
	return oe_mem_strdup(*path ? path : ".");
}

int
oe_scp_where(const struct oe_scp_place *to, size_t sources, size_t matches,
    struct oe_err *err)
{
	if (to->is_dir)
		return OE_SCP_INTO;
	if (sources <= 1 && matches <= 1)
		return OE_SCP_EXACTLY;
	if (to->exists)
		return oe_err_set(err, OE_EINVAL,
		    "%s: several files, but this is not a directory", to->path);
	/* scp makes it for a pattern, and at a peer; it does not go local */
	if (to->remote || sources <= 1)
		return OE_SCP_MAKE_DIR;
	return oe_err_set(
	    err, OE_ENOENT, "%s: No such file or directory", to->path);
}
