/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/sshconf_internal.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/sshconf_keys.h"

/* Longest expanded text; a bound, not a rule of ssh_config. */
#define EXPANDED_MAX (64 * 1024)

static const char *
value_or(const struct oe_sshconf *c, enum oe_sshconf_key key, const char * or)
{
	const char *s = oe_sshconf_str(c, key);

	return s ? s : or ;
}

/* %C: hash of %l%h%p%r, as ssh_config(5) defines it. */
static int
put_connection_hash(const struct oe_sshconf *c, struct oe_buf *b)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int n = 0, i;
	char *text;

	text = oe_mem_printf("%s%s%s%s", c->env->local_host,
	    value_or(c, OE_SSHCONF_HOSTNAME, c->host),
	    value_or(c, OE_SSHCONF_PORT, "22"),
	    value_or(c, OE_SSHCONF_USER, c->env->local_user));
	if (EVP_Digest(text, strlen(text), md, &n, EVP_sha1(), NULL) != 1)
		n = 0;
	free(text);
	for (i = 0; i < n; i++)
		oe_buf_printf(b, "%02x", md[i]);
	return n ? 0 : OE_ELIB;
}

static int
put_token(const struct oe_sshconf *c, char token, struct oe_buf *b)
{
	const char *local = c->env->local_host;

	switch (token) {
	case '%':
		return oe_buf_put_u8(b, '%');
	case 'h':
		return oe_buf_printf(
		    b, "%s", value_or(c, OE_SSHCONF_HOSTNAME, c->host));
	case 'p':
		return oe_buf_printf(
		    b, "%s", value_or(c, OE_SSHCONF_PORT, "22"));
	case 'r':
		return oe_buf_printf(
		    b, "%s", value_or(c, OE_SSHCONF_USER, c->env->local_user));
	case 'u':
		return oe_buf_printf(b, "%s", c->env->local_user);
	case 'd':
		return oe_buf_printf(b, "%s", c->env->home);
	case 'n':
		return oe_buf_printf(b, "%s", c->host);
	case 'k':
		return oe_buf_printf(
		    b, "%s", value_or(c, OE_SSHCONF_HOSTKEYALIAS, c->host));
	case 'l':
		return oe_buf_printf(b, "%s", local);
	case 'L':
		return oe_buf_printf(
		    b, "%.*s", (int)strcspn(local, "."), local);
	case 'i':
		return oe_buf_printf(b, "%u", (unsigned)getuid());
	case 'C':
		return put_connection_hash(c, b);
	default:
		return OE_ECONF;
	}
}

static char *
buf_text(const struct oe_buf *b)
{
	return oe_mem_strndup((const char *)oe_buf_head(b), oe_buf_left(b));
}

int
oe_sshconf_expand(const struct oe_sshconf *c, const char *text, char **ret,
    struct oe_err *err)
{
	struct oe_buf b;
	const char *s;
	int r = 0;

	oe_buf_init(&b, EXPANDED_MAX);
	for (s = text; *s && r == 0; s++) {
		if (*s != '%') {
			r = oe_buf_put_u8(&b, (uint8_t)*s);
			continue;
		}
		s++;
		r = put_token(c, *s, &b);
		if (!*s)
			break;
	}
	if (r == OE_ECONF)
		oe_err_set(err, r, "'%s' holds '%%%.1s', which is no token",
		    text, *s ? s - 1 : "");
	else if (r < 0)
		oe_err_set(err, OE_ECONF, "'%s' grows too long", text);
	else
		*ret = buf_text(&b);
	oe_buf_done(&b);
	return r < 0 ? OE_ECONF : 0;
}

/* An unset one is an error as in ssh. */
int
oe_sshconf_expand_env(const struct oe_sshconf *c, const char *text, char **ret,
    struct oe_err *err)
{
	const char *whole = text;
	struct oe_buf b;
	int r = 0;

	oe_buf_init(&b, EXPANDED_MAX);
	while (*text && r == 0) {
		const char *end = strchr(text, '}'), *value;
		char *name;

		if (text[0] != '$' || text[1] != '{' || !end) {
			r = oe_buf_put_u8(&b, (uint8_t)*text++);
			continue;
		}
		name = oe_mem_strndup(text + 2, (size_t)(end - text - 2));
		value = c->env->getenv ? c->env->getenv(name) : NULL;
		if (!value)
			r = oe_err_set(
			    err, OE_ECONF, "the environment has no '%s'", name);
		else
			r = oe_buf_printf(&b, "%s", value);
		free(name);
		text = end + 1;
	}
	if (r == OE_ETOOBIG)
		r = oe_err_set(err, OE_ECONF, "'%s' grows too long", whole);
	if (r == 0)
		*ret = buf_text(&b);
	oe_buf_done(&b);
	return r;
}

static int
expand_path(const struct oe_sshconf *c, const char *text, char **ret,
    struct oe_err *err)
{
	char *home = NULL, *env = NULL;
	int r;

	if (text[0] == '~' && (text[1] == '/' || !text[1]))
		home = oe_mem_printf("%s%s", c->env->home, text + 1);
	else
		home = oe_mem_strdup(text);
	r = oe_sshconf_expand_env(c, home, &env, err);
	if (r == 0)
		r = oe_sshconf_expand(c, env, ret, err);
	free(home);
	free(env);
	return r;
}

static int
expand_key(struct oe_sshconf *c, enum oe_sshconf_key key, struct oe_err *err)
{
	struct oe_strs *v = &c->v[key];
	char *s;
	size_t i;
	int r;

	for (i = 0; i < v->n; i++) {
		if (oe_str_eq(v->v[i], "none"))
			continue;
		r = expand_path(c, v->v[i], &s, err);
		if (r < 0)
			return oe_err_wrap(
			    err, r, "%s", oe_sshconf_defs[key].name);
		free(v->v[i]);
		v->v[i] = s;
	}
	return 0;
}

/* HostName knows only %h (the name as written) and %%. */
static int
settle_hostname(struct oe_sshconf *c, struct oe_err *err)
{
	struct oe_strs old = c->v[OE_SSHCONF_HOSTNAME];
	char *name = NULL;
	int r;

	c->v[OE_SSHCONF_HOSTNAME] = (struct oe_strs){NULL, 0};
	r = oe_sshconf_expand(c, old.n ? old.v[0] : "%h", &name, err);
	if (r == 0)
		oe_strs_add_take(&c->v[OE_SSHCONF_HOSTNAME], name);
	oe_strs_done(&old);
	return r;
}

/*
 * ProxyCommand and "Match exec" hand these to a shell: refuse what could be
 * more than a name there.  As ssh(1), which refuses such host and user names.
 */
static int
check_names(const struct oe_sshconf *c, struct oe_err *err)
{
	const char *host = oe_sshconf_str(c, OE_SSHCONF_HOSTNAME);
	const char *user = oe_sshconf_str(c, OE_SSHCONF_USER);
	const unsigned char *p;

	for (p = (const unsigned char *)host; *p; p++)
		if (*p <= ' ' || *p == 0x7f || strchr("'`\"$\\;&<>|(){},", *p))
			return oe_err_set(
			    err, OE_EINVAL, "'%s' is not a host name", host);
	if (!*host || *host == '-')
		return oe_err_set(
		    err, OE_EINVAL, "'%s' is not a host name", host);
	for (p = (const unsigned char *)user; *p; p++)
		if (iscntrl(*p) || strchr("'`\";&<>|(){}", *p))
			return oe_err_set(
			    err, OE_EINVAL, "'%s' is not a user name", user);
	if (!*user || *user == '-')
		return oe_err_set(
		    err, OE_EINVAL, "'%s' is not a user name", user);
	return 0;
}

int
oe_sshconf__finish(struct oe_sshconf *c, struct oe_err *err)
{
	size_t i;
	int r;

	r = settle_hostname(c, err);
	if (r < 0)
		return oe_err_wrap(err, r, "HostName");
	if (!c->v[OE_SSHCONF_USER].n)
		oe_strs_add(&c->v[OE_SSHCONF_USER], c->env->local_user);
	for (i = 0; i < OE_SSHCONF_COUNT; i++)
		if (!c->v[i].n && oe_sshconf_defs[i].fallback)
			oe_strs_split(
			    &c->v[i], oe_sshconf_defs[i].fallback, ' ');
	/* as ssh -G: none is nothing at all */
	if (oe_sshconf_is(c, OE_SSHCONF_CONTROLPATH, "none"))
		oe_strs_done(&c->v[OE_SSHCONF_CONTROLPATH]);
	r = check_names(c, err);
	for (i = 0; i < OE_SSHCONF_COUNT && r == 0; i++)
		if (oe_sshconf_defs[i].expands)
			r = expand_key(c, (enum oe_sshconf_key)i, err);
	if (r == 0 && !oe_sshconf_is(c, OE_SSHCONF_IDENTITYAGENT, "none") &&
	    !oe_sshconf_is(c, OE_SSHCONF_IDENTITYAGENT, "SSH_AUTH_SOCK") &&
	    c->v[OE_SSHCONF_IDENTITYAGENT].n &&
	    c->v[OE_SSHCONF_IDENTITYAGENT].v[0][0] != '$')
		r = expand_key(c, OE_SSHCONF_IDENTITYAGENT, err);
	if (r == 0)
		oe_sshconf__add_known(c);
	return r;
}

void
oe_sshconf_rewrite(struct oe_sshconf *c, enum oe_sshconf_key key,
    char *(*fn)(const struct oe_sshconf *c, const char *value))
{
	struct oe_strs old = c->v[key];
	char *value;
	size_t i;

	c->v[key] = (struct oe_strs){NULL, 0};
	for (i = 0; i < old.n; i++) {
		value = fn(c, old.v[i]);
		if (value)
			oe_strs_add_take(&c->v[key], value);
	}
	oe_strs_done(&old);
}

static void
lower(const char *s, char *ret, size_t size)
{
	size_t i;

	for (i = 0; s[i] && i + 1 < size; i++)
		ret[i] = (char)tolower((unsigned char)s[i]);
	ret[i] = '\0';
}

char *
oe_sshconf_print(const struct oe_sshconf *c)
{
	struct oe_buf b;
	char name[64], *ret;
	size_t i, k;

	oe_buf_init(&b, 16 * 1024 * 1024);
	oe_buf_printf(&b, "host %s\n", c->host);
	for (i = 0; i < OE_SSHCONF_COUNT; i++) {
		const struct oe_sshconf_def *d = &oe_sshconf_defs[i];
		bool own_line = d->adds || i == OE_SSHCONF_SETENV;

		lower(d->name, name, sizeof name);
		for (k = 0; k < c->v[i].n; k++) {
			if (k == 0 || own_line)
				oe_buf_printf(&b, "%s", name);
			oe_buf_printf(&b, " %s", c->v[i].v[k]);
			if (own_line || k + 1 == c->v[i].n)
				oe_buf_printf(&b, "\n");
		}
	}
	ret = buf_text(&b);
	oe_buf_done(&b);
	return ret;
}
