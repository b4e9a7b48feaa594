/* SPDX-License-Identifier: Apache-2.0 */
#include "client/names.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"

static int
place(void *arg, struct oe_sshconf *c, struct oe_err *err)
{
	struct oe_peer_names *n = arg;

	return n->names->place(n->book, c, err);
}

void
oe_peer_names_open(struct oe_peer_names *n, const struct oe_cli_names *names,
    const struct oe_values *v, struct oe_sshconf_env *env)
{
	n->names = names;
	n->book = names ? names->open(v) : NULL;
	if (!n->book)
		return;
	env->place = place;
	env->place_arg = n;
}

void
oe_peer_names_close(struct oe_peer_names *n)
{
	if (n->names)
		n->names->close(&n->book);
}

bool
oe_peer_names_has_way(const struct oe_sshconf *c)
{
	const char *command = oe_sshconf_str(c, OE_SSHCONF_PROXYCOMMAND);

	return (oe_sshconf_is_set(c, OE_SSHCONF_HOSTNAME) &&
		   !oe_sshconf_is(c, OE_SSHCONF_HOSTNAME, "%h")) ||
	       (command && !oe_str_eq_nocase(command, "none"));
}

static int
ask_way(void *arg, struct oe_sshconf *c, struct oe_err *err)
{
	bool *has_way = arg;

	(void)err;
	*has_way = oe_peer_names_has_way(c);
	return 0;
}

/* Does ssh_config say where @host is, or how to get there? */
static bool
is_configured(
    const struct oe_sshconf_env *env, const char *file, const char *host)
{
	struct oe_sshconf_env mine = *env;
	struct oe_err err = OE_ERR_INIT;
	struct oe_sshconf *c;
	bool has_way = false;

	mine.place = ask_way;
	mine.place_arg = &has_way;
	c = oe_sshconf_new(&mine);
	/* what is wrong with it is told when it is read in earnest */
	if (oe_sshconf_resolve(c, host, file, &err) < 0)
		oe_log_debug(NULL, "ssh_config: %s", oe_err_text(&err));
	oe_sshconf_free(&c);
	return has_way;
}

/* "user@name" and "network" become "user" and "name@network". */
static void
move_at(struct oe_hoststr *host, const char *at, const char *name)
{
	char *longer = oe_mem_printf("%s@%s", name, host->host);
	char *user =
	    at ? oe_mem_strndup(host->user, (size_t)(at - host->user)) : NULL;

	free(host->host);
	free(host->user);
	host->host = longer;
	host->user = user;
}

int
oe_peer_names_split(struct oe_peer_names *n, const struct oe_sshconf_env *env,
    const char *file, struct oe_hoststr *host, struct oe_err *err)
{
	const char *at, *name;
	int r;

	if (!n || !n->book || !host->user || strchr(host->host, ':') ||
	    !n->names->is_group(n->book, host->host) ||
	    is_configured(env, file, host->host))
		return 0;
	at = strrchr(host->user, '@');
	name = at ? at + 1 : host->user;
	if (!*name || at == host->user)
		return 0;
	r = n->names->has(n->book, name, host->host, !at, err);
	if (r == 1)
		move_at(host, at, name);
	return r < 0 ? r : 0;
}
