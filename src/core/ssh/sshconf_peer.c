/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/sshconf_internal.h"

static void
put(struct oe_sshconf *c, enum oe_sshconf_key key, const char *value)
{
	oe_strs_done(&c->v[key]);
	oe_strs_add(&c->v[key], value);
	c->set[key] = true;
}

/* HostName may hold tokens, an address does not mean any. */
static char *
without_tokens(const char *text)
{
	char *ret = oe_mem_zalloc(2 * strlen(text) + 1), *to = ret;

	for (; *text; *to++ = *text++)
		if (*text == '%')
			*to++ = '%';
	return ret;
}

void
oe_sshconf_know(struct oe_sshconf *c, const struct oe_sshconf_peer *p)
{
	const char *alias = oe_sshconf_str(c, OE_SSHCONF_HOSTKEYALIAS);
	char *address = without_tokens(p->address), port[16];
	size_t i;

	put(c, OE_SSHCONF_HOSTNAME, address);
	free(address);
	if (p->port && !c->set[OE_SSHCONF_PORT]) {
		snprintf(port, sizeof port, "%d", p->port);
		put(c, OE_SSHCONF_PORT, port);
	}
	if (!alias && p->alias)
		put(c, OE_SSHCONF_HOSTKEYALIAS, p->alias);
	oe_strs_done(&c->host_keys);
	if (!alias || oe_str_eq_nocase(alias, p->alias))
		for (i = 0; p->host_keys && i < p->host_keys->n; i++)
			oe_strs_add(&c->host_keys, p->host_keys->v[i]);
	free(c->identity);
	free(c->certificate);
	c->identity = oe_mem_strdup(p->identity);
	c->certificate = oe_mem_strdup(p->certificate);
}

const struct oe_strs *
oe_sshconf_host_keys(const struct oe_sshconf *c)
{
	return &c->host_keys;
}

/* Puts @item, taken over, before all others. */
static void
add_first(struct oe_strs *s, const char *item)
{
	struct oe_strs all = {NULL, 0};
	size_t i;

	oe_strs_add(&all, item);
	for (i = 0; i < s->n; i++)
		oe_strs_add(&all, s->v[i]);
	oe_strs_done(s);
	*s = all;
}

/*
 * After the keys that somebody chose and before those that only have a usual
 * name: servers let few keys be tried.
 */
void
oe_sshconf__add_known(struct oe_sshconf *c)
{
	struct oe_strs *files = &c->v[OE_SSHCONF_IDENTITYFILE];
	bool chosen = c->set[OE_SSHCONF_IDENTITYFILE];

	if (c->certificate)
		oe_strs_add(&c->v[OE_SSHCONF_CERTIFICATEFILE], c->certificate);
	if (!c->identity || oe_strs_has(files, c->identity) ||
	    (chosen && oe_strs_has(files, "none")))
		return;
	if (chosen)
		oe_strs_add(files, c->identity);
	else
		add_first(files, c->identity);
}
