/* SPDX-License-Identifier: Apache-2.0 */
#include "control/routes.h"

#include <string.h>

#include "control/http.h"
#include "core/base/str.h"

/* Pieces of a path, more than any pattern has. */
#define PIECES_MAX 12

struct pieces {
	char *v[PIECES_MAX];
	size_t n;
};

/* Split "/a/b" and decode each piece; false: no pattern can match. */
static bool
split(char *path, struct pieces *p)
{
	unsigned char *c;
	char *s = path;

	p->n = 0;
	while (s) {
		if (*s != '/' || p->n == PIECES_MAX)
			return false;
		*s++ = '\0';
		p->v[p->n++] = s;
		s = strchr(s, '/');
	}
	for (size_t i = 0; i < p->n; i++) {
		if (!oe_ctl_percent_decode(p->v[i], false) ||
		    !oe_str_is_utf8(p->v[i]))
			return false;
		for (c = (unsigned char *)p->v[i]; *c; c++)
			if (*c < 0x20 || *c == 0x7f || *c == '/')
				return false;
	}
	return p->n > 0;
}

/* Does @pattern stand for these pieces?  Parameters go to @ret. */
static bool
fits(const char *pattern, const struct pieces *p, struct oe_ctl_match *ret)
{
	size_t i, len;

	ret->n_params = 0;
	for (i = 0; i < p->n; i++) {
		if (*pattern++ != '/')
			return false;
		len = strcspn(pattern, "/");
		if (*pattern == ':') {
			if (!*p->v[i] || ret->n_params == OE_CTL_PARAMS_MAX)
				return false;
			ret->params[ret->n_params].key = pattern + 1;
			ret->params[ret->n_params++].value = p->v[i];
		} else if (strlen(p->v[i]) != len ||
			   memcmp(p->v[i], pattern, len) != 0) {
			return false;
		}
		pattern += len;
	}
	return *pattern == '\0';
}

static void
allow(struct oe_ctl_match *m, const char *method)
{
	size_t n = strlen(m->allow);

	if (strstr(m->allow, method))
		return;
	if (n && n + 2 < sizeof m->allow) {
		memcpy(m->allow + n, ", ", 3);
		n += 2;
	}
	(void)oe_str_copy(m->allow + n, sizeof m->allow - n, method);
	if (oe_str_eq(method, "GET"))
		allow(m, "HEAD");
}

void
oe_ctl_route_find(const struct oe_ctl_route *const *tables, const char *method,
    char *path, struct oe_ctl_match *ret)
{
	const struct oe_ctl_route *r;
	struct oe_ctl_match m = {.route = NULL}, try;
	struct pieces p;

	memset(ret, 0, sizeof *ret);
	if (!split(path, &p))
		return;
	if (oe_str_eq(method, "HEAD"))
		method = "GET";
	for (; *tables; tables++) {
		for (r = *tables; r->method; r++) {
			memset(&try, 0, sizeof try);
			if (!fits(r->pattern, &p, &try))
				continue;
			m.path_known = true;
			allow(&m, r->method);
			/* the first in the tables wins: literal before ":x" */
			if (!m.route && oe_str_eq(r->method, method)) {
				m.route = r;
				m.n_params = try.n_params;
				memcpy(m.params, try.params, sizeof m.params);
			}
		}
	}
	if (m.path_known)
		allow(&m, "OPTIONS");
	*ret = m;
}
