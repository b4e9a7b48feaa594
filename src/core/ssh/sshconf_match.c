/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/sshconf_internal.h"

#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* The host name so far: HostName where one was set. */
static char *
current_host(const struct oe_sshconf *c)
{
	const char *name = oe_sshconf_str(c, OE_SSHCONF_HOSTNAME);
	char *ret;

	if (name && oe_sshconf_expand(c, name, &ret, NULL) == 0)
		return ret;
	return oe_mem_strdup(c->host);
}

bool
oe_sshconf__host(const struct oe_sshconf *c, const struct oe_strs *words)
{
	char *host = c->final ? current_host(c) : oe_mem_strdup(c->host);
	bool found = false, negated = false;
	size_t i;

	for (i = 0; i < words->n && !negated; i++) {
		const char *p = words->v[i];

		if (*p == '!')
			negated = oe_str_match(p + 1, host);
		else if (oe_str_match(p, host))
			found = true;
	}
	free(host);
	return found && !negated;
}

static bool
match_exec(const struct oe_sshconf *c, const char *text, bool live, int *r,
    struct oe_err *err)
{
	char *command = NULL;
	bool yes = false;

	if (!live || !c->env->exec)
		return false;
	*r = oe_sshconf_expand(c, text, &command, err);
	if (*r < 0)
		return false;
	yes = c->env->exec(c->env->arg, command);
	free(command);
	return yes;
}

static bool
match_list(const char *list, const char *text)
{
	return oe_str_match_list(list, text) == 1;
}

/* One criterion with its argument. */
static int
criterion(struct oe_sshconf *c, const char *name, const char *arg, bool live,
    bool *ret, struct oe_err *err)
{
	const char *user = oe_sshconf_str(c, OE_SSHCONF_USER);
	int r = 0;

	if (!arg)
		return oe_err_set(
		    err, OE_ECONF, "Match %s needs an argument", name);
	if (oe_str_eq_nocase(name, "host")) {
		char *host = current_host(c);

		*ret = match_list(arg, host);
		free(host);
	} else if (oe_str_eq_nocase(name, "originalhost")) {
		*ret = match_list(arg, c->host);
	} else if (oe_str_eq_nocase(name, "user")) {
		*ret = match_list(arg, user ? user : c->env->local_user);
	} else if (oe_str_eq_nocase(name, "localuser")) {
		*ret = match_list(arg, c->env->local_user);
	} else if (oe_str_eq_nocase(name, "exec")) {
		*ret = match_exec(c, arg, live, &r, err);
	} else {
		r = oe_err_set(err, OE_ECONF,
		    "Match '%s' is not known: use all, final, canonical, "
		    "host, originalhost, user, localuser or exec",
		    name);
	}
	return r;
}

/* Criteria without an argument; false: not one of them. */
static bool
plain(struct oe_sshconf *c, const char *name, bool *ret)
{
	if (oe_str_eq_nocase(name, "all")) {
		*ret = true;
	} else if (oe_str_eq_nocase(name, "final")) {
		c->want_final = true;
		*ret = c->final;
	} else if (oe_str_eq_nocase(name, "canonical")) {
		/* host names are not canonicalised */
		*ret = c->final;
	} else {
		return false;
	}
	return true;
}

int
oe_sshconf__match(struct oe_sshconf *c, const struct oe_strs *words, bool live,
    bool *ret, struct oe_err *err)
{
	bool all = words->n > 0, yes = false;
	size_t i;
	int r;

	if (words->n == 0)
		return oe_err_set(err, OE_ECONF, "Match needs criteria");
	for (i = 0; i < words->n; i++) {
		const char *name = words->v[i];
		bool negate = *name == '!';

		name += negate;
		if (!plain(c, name, &yes)) {
			r = criterion(c, name,
			    i + 1 < words->n ? words->v[i + 1] : NULL,
			    live && all, &yes, err);
			if (r < 0)
				return r;
			i++;
		}
		all = all && yes != negate;
	}
	*ret = all;
	return 0;
}
