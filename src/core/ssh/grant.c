/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/grant.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/net/cidr.h"

#define PERMIT_HOST_MAX 255 /* RFC 1035 2.3.4 */

/* A permit item in its two halves. */
struct permit {
	char host[PERMIT_HOST_MAX + 1]; /* without brackets */
	char port[6];                   /* number or "*" */
};

void
oe_grant_init(struct oe_grant *g, bool all)
{
	memset(g, 0, sizeof *g);
	g->pty = g->agent = g->x11 = g->user_rc = g->port_forwarding = all;
	g->not_after_s = OE_GRANT_FOREVER;
}

void
oe_grant_done(struct oe_grant *g)
{
	oe_strs_done(&g->permit_open);
	oe_strs_done(&g->permit_listen);
	oe_strs_done(&g->env);
	oe_strs_done(&g->principals);
	oe_mem_free(&g->force_command);
	oe_grant_init(g, false);
}

static void
strs_copy(struct oe_strs *to, const struct oe_strs *from)
{
	size_t i;

	memset(to, 0, sizeof *to);
	for (i = 0; i < from->n; i++)
		oe_strs_add(to, from->v[i]);
}

void
oe_grant_copy(struct oe_grant *to, const struct oe_grant *from)
{
	*to = *from;
	strs_copy(&to->permit_open, &from->permit_open);
	strs_copy(&to->permit_listen, &from->permit_listen);
	strs_copy(&to->env, &from->env);
	strs_copy(&to->principals, &from->principals);
	to->force_command = oe_mem_strdup(from->force_command);
}

/* Read an item.  Return: 0 or OE_EINVAL. */
static int
permit_parse(const char *text, bool bare_port, struct permit *ret)
{
	const char *port = strrchr(text, ':'), *host = text;
	struct oe_addr a;
	size_t n;
	int64_t num;

	if (!port && bare_port) {
		host = "*";
		n = 1;
		port = text;
	} else if (!port) {
		return OE_EINVAL;
	} else {
		n = (size_t)(port++ - text);
	}
	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
		if (!memchr(host, ':', n))
			return OE_EINVAL;
	} else if (memchr(host, ':', n)) {
		return OE_EINVAL;
	}
	if (!n || n > PERMIT_HOST_MAX || strlen(port) >= sizeof ret->port)
		return OE_EINVAL;
	memcpy(ret->host, host, n);
	ret->host[n] = 0;
	for (; n; n--)
		if (!isgraph((unsigned char)ret->host[n - 1]))
			return OE_EINVAL;
	if (ret->host[strcspn(ret->host, "[]/@,")])
		return OE_EINVAL;
	if (strchr(ret->host, ':') && oe_addr_parse(ret->host, &a, NULL) < 0)
		return OE_EINVAL;
	if (strcmp(port, "*") && oe_str_parse_int(port, 1, 65535, &num) < 0)
		return OE_EINVAL;
	(void)oe_str_copy(ret->port, sizeof ret->port, port);
	return 0;
}

static char *
permit_format(const struct permit *p)
{
	return strchr(p->host, ':') ? oe_mem_printf("[%s]:%s", p->host, p->port)
				    : oe_mem_printf("%s:%s", p->host, p->port);
}

int
oe_grant_permit_check(
    const char *text, bool bare_port, char **ret, struct oe_err *err)
{
	struct permit p;
	char shown[80];

	if (permit_parse(text, bare_port, &p) < 0) {
		oe_str_escape(text, strlen(text), shown, sizeof shown);
		return oe_err_set(err, OE_EINVAL,
		    "'%s' is not host:port, [IPv6]:port or with '*' for "
		    "either part",
		    shown);
	}
	*ret = permit_format(&p);
	return 0;
}

static int
permit_add(
    struct oe_strs *l, const char *text, bool bare_port, struct oe_err *err)
{
	char *item;
	int r;

	if (l->n >= OE_GRANT_PERMIT_MAX)
		return oe_err_set(err, OE_ETOOBIG, "more than %d targets",
		    OE_GRANT_PERMIT_MAX);
	r = oe_grant_permit_check(text, bare_port, &item, err);
	if (r == 0)
		oe_strs_add_take(l, item);
	return r;
}

int
oe_grant_add_open(struct oe_grant *g, const char *text, struct oe_err *err)
{
	int r = permit_add(&g->permit_open, text, false, err);

	if (r == 0)
		g->open_listed = true;
	return r;
}

int
oe_grant_add_listen(struct oe_grant *g, const char *text, struct oe_err *err)
{
	int r = permit_add(&g->permit_listen, text, true, err);

	if (r == 0)
		g->listen_listed = true;
	return r;
}

static bool
env_has(const struct oe_strs *env, const char *text, size_t name_len)
{
	size_t i;

	for (i = 0; i < env->n; i++)
		if (!strncmp(env->v[i], text, name_len + 1))
			return true;
	return false;
}

int
oe_grant_add_env(struct oe_grant *g, const char *text, struct oe_err *err)
{
	size_t i, n = strcspn(text, "=");

	if (!n || !text[n] || isdigit((unsigned char)*text))
		return oe_err_set(
		    err, OE_EINVAL, "an environment entry is NAME=value");
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return oe_err_set(err, OE_EINVAL,
			    "an environment name has letters, digits and "
			    "'_' only");
	if (oe_str_starts(text, "LD_"))
		return oe_err_set(err, OE_EINVAL,
		    "%.*s steers the dynamic loader and is never set", (int)n,
		    text);
	if (env_has(&g->env, text, n))
		return 0;
	if (g->env.n >= OE_GRANT_ENV_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "more than %d environment entries", OE_GRANT_ENV_MAX);
	oe_strs_add(&g->env, text);
	return 0;
}

static bool
is_glob(const char *s)
{
	return s[strcspn(s, "*?")] != 0;
}

static bool
host_equal(const char *a, const char *b)
{
	struct oe_addr x, y;

	if (!strcasecmp(a, b))
		return true;
	return oe_addr_parse(a, &x, NULL) == 0 &&
	       oe_addr_parse(b, &y, NULL) == 0 && oe_addr_equal(&x, &y);
}

static void
lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

/* Does @pattern cover the literal @host? */
static bool
host_covers(const char *pattern, const char *host, bool globs)
{
	char p[PERMIT_HOST_MAX + 1], h[PERMIT_HOST_MAX + 1];

	if (!strcmp(pattern, "*") || host_equal(pattern, host))
		return true;
	if (!globs || !oe_str_copy(p, sizeof p, pattern) ||
	    !oe_str_copy(h, sizeof h, host))
		return false;
	lower(p);
	lower(h);
	return oe_str_match(p, h);
}

/* What @a and @b have in common; false: nothing that can be written. */
static bool
permit_common(const struct permit *a, const struct permit *b, bool globs,
    struct permit *ret)
{
	if (host_covers(a->host, b->host, globs && !is_glob(b->host)))
		*ret = *b;
	else if (host_covers(b->host, a->host, globs && !is_glob(a->host)))
		*ret = *a;
	else
		return false;
	if (strcmp(a->port, "*") && strcmp(b->port, "*") &&
	    strcmp(a->port, b->port))
		return false;
	memcpy(ret->port, strcmp(a->port, "*") ? a->port : b->port,
	    sizeof ret->port);
	return true;
}

/* @a becomes the pairwise common part of @a and @b. */
static void
permits_narrow(struct oe_strs *a, const struct oe_strs *b, bool globs)
{
	struct oe_strs out = {NULL, 0};
	struct permit x, y, both;
	size_t i, j;
	char *item;

	for (i = 0; i < a->n; i++) {
		if (permit_parse(a->v[i], false, &x) < 0)
			continue;
		for (j = 0; j < b->n; j++) {
			if (out.n >= OE_GRANT_PERMIT_MAX ||
			    permit_parse(b->v[j], false, &y) < 0 ||
			    !permit_common(&x, &y, globs, &both))
				continue;
			item = permit_format(&both);
			if (oe_strs_has(&out, item))
				free(item);
			else
				oe_strs_add_take(&out, item);
		}
	}
	oe_strs_done(a);
	*a = out;
}

static void
lists_intersect(struct oe_strs *a, bool *a_listed, const struct oe_strs *b,
    bool b_listed, bool globs)
{
	if (*a_listed && b_listed) {
		permits_narrow(a, b, globs);
	} else if (b_listed) {
		oe_strs_done(a);
		strs_copy(a, b);
		*a_listed = true;
	}
}

static void
flags_intersect(struct oe_grant *a, const struct oe_grant *b)
{
	a->pty = a->pty && b->pty;
	a->agent = a->agent && b->agent;
	a->x11 = a->x11 && b->x11;
	a->user_rc = a->user_rc && b->user_rc;
	a->port_forwarding = a->port_forwarding && b->port_forwarding;
	/* both sides must waive the touch, either side may ask for the PIN */
	a->no_touch_required = a->no_touch_required && b->no_touch_required;
	a->verify_required = a->verify_required || b->verify_required;
	if (b->not_after_s < a->not_after_s)
		a->not_after_s = b->not_after_s;
}

int
oe_grant_intersect(
    struct oe_grant *a, const struct oe_grant *b, struct oe_err *err)
{
	size_t i;

	if (a->force_command && b->force_command &&
	    strcmp(a->force_command, b->force_command))
		return oe_err_set(err, OE_EPERM,
		    "two different forced commands apply; make them the same "
		    "or remove one");
	if (!a->force_command)
		a->force_command = oe_mem_strdup(b->force_command);
	flags_intersect(a, b);
	lists_intersect(&a->permit_open, &a->open_listed, &b->permit_open,
	    b->open_listed, false);
	lists_intersect(&a->permit_listen, &a->listen_listed, &b->permit_listen,
	    b->listen_listed, true);
	for (i = 0; i < b->env.n; i++)
		(void)oe_grant_add_env(a, b->env.v[i], NULL);
	for (i = 0; i < b->principals.n; i++)
		if (!oe_strs_has(&a->principals, b->principals.v[i]))
			oe_strs_add(&a->principals, b->principals.v[i]);
	return 0;
}

static bool
permits_cover(
    const struct oe_strs *l, const char *host, unsigned port, bool globs)
{
	struct permit p;
	char num[12];
	size_t i;

	snprintf(num, sizeof num, "%u", port);
	for (i = 0; i < l->n; i++)
		if (permit_parse(l->v[i], false, &p) == 0 &&
		    (!strcmp(p.port, "*") || !strcmp(p.port, num)) &&
		    host_covers(p.host, host, globs))
			return true;
	return false;
}

bool
oe_grant_may_open(const struct oe_grant *g, const char *host, unsigned port)
{
	return g->port_forwarding &&
	       (!g->open_listed ||
		   permits_cover(&g->permit_open, host, port, false));
}

bool
oe_grant_may_listen(const struct oe_grant *g, const char *host, unsigned port)
{
	return g->port_forwarding &&
	       (!g->listen_listed ||
		   permits_cover(&g->permit_listen, host, port, true));
}
