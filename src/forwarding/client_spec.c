/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client_spec.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define FIELDS_MAX 4
/* Bytes of a service's name; the longest registered ones have 15. */
#define SERVICE_MAX 64

/* A text taken apart at its colons. */
struct fields {
	char *v[FIELDS_MAX];
	size_t n;
	enum oe_fwd_kind kind;
	const char *text; /* all of it, for messages */
};

static void
fields_done(struct fields *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		free(f->v[i]);
}

static char
kind_letter(enum oe_fwd_kind kind)
{
	return kind == OE_FWD_LOCAL ? 'L' : kind == OE_FWD_REMOTE ? 'R' : 'D';
}

static int
bad(const struct fields *f, const char *why, struct oe_err *err)
{
	return oe_err_set(
	    err, OE_EINVAL, "bad forwarding '%s': %s", f->text, why);
}

/* One field from *@p; stops at a colon outside brackets, or at the end. */
static int
next_field(
    const struct fields *f, const char **p, char **ret, struct oe_err *err)
{
	const char *s = *p;
	bool bracket = *s == '[';
	char *out;
	size_t n = 0;

	out = oe_mem_zalloc(strlen(s) + 1);
	if (bracket)
		s++;
	for (; *s && *s != (bracket ? ']' : ':'); s++) {
		if (*s == '\\' && s[1])
			s++;
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			break;
		out[n++] = *s;
	}
	if (bracket && *s == ']')
		s++;
	else if (bracket || (*s && *s != ':'))
		goto out;
	if (*s && *s != ':')
		goto out;
	*p = s;
	*ret = out;
	return 0;
out:
	free(out);
	return bad(f,
	    bracket ? "a bracket is not closed before the next ':'"
		    : "it has a character that cannot be",
	    err);
}

static int
split(struct fields *f, struct oe_err *err)
{
	const char *p = f->text;
	int r;

	if (strlen(p) > OE_FWD_SPEC_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "a forwarding is longer than %d bytes", OE_FWD_SPEC_MAX);
	for (;;) {
		if (f->n == FIELDS_MAX)
			return bad(f, "it has too many parts", err);
		r = next_field(f, &p, &f->v[f->n], err);
		if (r < 0)
			return r;
		f->n++;
		if (!*p)
			return 0;
		p++;
	}
}

static bool
is_path(const char *s)
{
	return strchr(s, '/') != NULL;
}

static int
take_path(const struct fields *f, const char *text, struct oe_fwd_end *ret,
    struct oe_err *err)
{
	if (strlen(text) > OE_FWD_PATH_MAX)
		return bad(f, "the path is too long", err);
	ret->path = oe_mem_strdup(text);
	return 0;
}

/* A name of services(5), or -1; the database is not asked for anything. */
static int
service_port(const char *name)
{
	const struct servent *s;
	const char *p;

	for (p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.+*", *p))
			return -1;
	if (p == name || p - name > SERVICE_MAX)
		return -1;
	s = getservbyname(name, "tcp");
	return s ? ntohs((uint16_t)s->s_port) : -1;
}

static int
take_port(const struct fields *f, const char *text, int min, int *ret,
    struct oe_err *err)
{
	int64_t port;

	if (oe_str_parse_int(text, min, 65535, &port) < 0)
		port = service_port(text);
	if (port < min)
		return oe_err_set(err, OE_EINVAL,
		    "bad forwarding '%s': '%s' is not a port (%d to 65535, or "
		    "the name of a service)",
		    f->text, text, min);
	*ret = (int)port;
	return 0;
}

static int
take_host(const struct fields *f, const char *text, struct oe_fwd_end *ret,
    struct oe_err *err)
{
	if (strlen(text) > OE_FWD_HOST_MAX)
		return bad(f, "the host is too long", err);
	if (strpbrk(text, " []\\") || is_path(text))
		return bad(f, "a host is none", err);
	ret->host = oe_mem_strdup(text);
	return 0;
}

/* Where to listen: @n fields from the first on, 1 or 2. */
static int
take_listen(
    struct fields *f, size_t n, struct oe_fwd_spec *s, struct oe_err *err)
{
	/* only the other side may choose: nobody would know ours */
	int min = f->kind == OE_FWD_REMOTE ? 0 : 1, r;

	if (n == 1 && is_path(f->v[0]))
		return take_path(f, f->v[0], &s->listen, err);
	r = take_port(f, f->v[n - 1], min, &s->listen.port, err);
	if (r < 0 || n == 1)
		return r;
	return take_host(
	    f, oe_str_eq(f->v[0], "*") ? "" : f->v[0], &s->listen, err);
}

/* The target: @n fields up to the last, 1 or 2. */
static int
take_target(
    struct fields *f, size_t n, struct oe_fwd_spec *s, struct oe_err *err)
{
	const char *host = f->v[f->n - n];
	int r;

	if (n == 1)
		return take_path(f, host, &s->target, err);
	if (!*host)
		return bad(f, "the target has no host", err);
	r = take_port(f, f->v[f->n - 1], 1, &s->target.port, err);
	return r < 0 ? r : take_host(f, host, &s->target, err);
}

/* How many of the fields say where to listen; 0: that is no form. */
static size_t
listen_fields(const struct fields *f)
{
	bool path = is_path(f->v[f->n - 1]);

	if (f->n == 1)
		return f->kind == OE_FWD_LOCAL ? 0 : 1;
	if (f->kind == OE_FWD_DYNAMIC)
		return f->n == 2 ? 2 : 0;
	if (f->n == 2)
		return path ? 1 : f->kind == OE_FWD_REMOTE ? 2 : 0;
	if (f->n == 3)
		return path && !is_path(f->v[0]) ? 2 : 1;
	return path ? 0 : 2;
}

static int
take(struct fields *f, struct oe_fwd_spec *s, struct oe_err *err)
{
	size_t listen = listen_fields(f);
	int r;

	if (!listen)
		return bad(f,
		    f->kind == OE_FWD_DYNAMIC
			? "write [bind_address:]port"
			: "write [bind_address:]port:host:hostport, or the "
			  "path of a socket for either side",
		    err);
	r = take_listen(f, listen, s, err);
	if (r < 0)
		return r;
	s->socks = listen == f->n;
	return s->socks ? 0 : take_target(f, f->n - listen, s, err);
}

static int
parse(enum oe_fwd_kind kind, const char *text, bool only_listen,
    struct oe_fwd_spec *ret, struct oe_err *err)
{
	struct fields f = {.kind = kind, .text = text};
	struct oe_fwd_spec s = {.kind = kind};
	int r = split(&f, err);

	if (r == 0 && only_listen)
		r = f.n > 2 ? bad(&f, "write [bind_address:]port", err)
			    : take_listen(&f, f.n, &s, err);
	else if (r == 0)
		r = take(&f, &s, err);
	fields_done(&f);
	if (r < 0)
		oe_fwd_spec_done(&s);
	else
		*ret = s;
	return r;
}

int
oe_fwd_spec_parse(enum oe_fwd_kind kind, const char *text,
    struct oe_fwd_spec *ret, struct oe_err *err)
{
	return parse(kind, text, false, ret, err);
}

int
oe_fwd_spec_parse_listen(enum oe_fwd_kind kind, const char *text,
    struct oe_fwd_spec *ret, struct oe_err *err)
{
	return parse(kind, text, true, ret, err);
}

static void
end_done(struct oe_fwd_end *e)
{
	oe_mem_free(&e->host);
	oe_mem_free(&e->path);
	e->port = 0;
}

void
oe_fwd_spec_done(struct oe_fwd_spec *s)
{
	end_done(&s->listen);
	end_done(&s->target);
}

static bool
same_text(const char *a, const char *b)
{
	return a && b ? oe_str_eq(a, b) : a == b;
}

bool
oe_fwd_spec_same_listen(
    const struct oe_fwd_spec *a, const struct oe_fwd_spec *b)
{
	bool far = a->kind == OE_FWD_REMOTE;

	/* -L and -D share the ports of this side */
	return far == (b->kind == OE_FWD_REMOTE) &&
	       a->listen.port == b->listen.port &&
	       same_text(a->listen.host, b->listen.host) &&
	       same_text(a->listen.path, b->listen.path);
}

char
oe_fwd_spec_letter(const struct oe_fwd_spec *s)
{
	return kind_letter(s->kind);
}

/* What has a meaning of its own would not be read back as it stands. */
static void
end_path(const char *path, char *ret, size_t size)
{
	size_t n = 0;

	for (; *path && n + 2 < size; path++) {
		if (*path == ':' || *path == '\\' || *path == '[')
			ret[n++] = '\\';
		ret[n++] = *path;
	}
	ret[n] = '\0';
}

void
oe_fwd_end_text(const struct oe_fwd_end *e, char *ret, size_t size)
{
	const char *host = e->host;

	if (e->path)
		end_path(e->path, ret, size);
	else if (!host)
		snprintf(ret, size, "%d", e->port);
	else if (!*host)
		snprintf(ret, size, "*:%d", e->port);
	else if (strchr(host, ':'))
		snprintf(ret, size, "[%s]:%d", host, e->port);
	else
		snprintf(ret, size, "%s:%d", host, e->port);
}

char *
oe_fwd_spec_text(const struct oe_fwd_spec *s)
{
	char listen[OE_FWD_SPEC_MAX + 8], target[OE_FWD_SPEC_MAX + 8];

	oe_fwd_end_text(&s->listen, listen, sizeof listen);
	if (s->socks)
		return oe_mem_strdup(listen);
	oe_fwd_end_text(&s->target, target, sizeof target);
	return oe_mem_printf("%s:%s", listen, target);
}
