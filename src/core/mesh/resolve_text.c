/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/mesh_internal.h"
#include "core/mesh/resolve.h"

char *
oe_mesh_shown(const char *text)
{
	size_t n = strlen(text), size = 4 * n + 8;
	char *s = oe_mem_zalloc(size);

	oe_str_escape(text, n, s, size);
	return s;
}

void
oe_mesh_age(int64_t ms, char *ret, size_t size)
{
	static const struct {
		int64_t s;
		const char *one, *many;
	} units[] = {
	    {86400, "day", "days"},
	    {3600, "hour", "hours"},
	    {60, "minute", "minutes"},
	    {1, "second", "seconds"},
	};
	int64_t s = ms > 0 ? ms / 1000 : 0, n;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(units) - 1 && s < units[i].s; i++)
		continue;
	n = s / units[i].s;
	snprintf(ret, size, "%lld %s", (long long)n,
	    n == 1 ? units[i].one : units[i].many);
}

/* Can be typed in a shell and after "user@" as it is? */
static bool
is_plain(const char *s)
{
	return *s && *s != '-' &&
	       !s[strspn(s, "0123456789abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-")];
}

/* How many of the candidates are this, as far as it is given? */
static size_t
count(const struct oe_mesh_entry *all, size_t n, const char *id,
    const char *network_id, const char *network_name)
{
	size_t i, found = 0;

	for (i = 0; i < n; i++)
		if ((!id || !strcmp(all[i].id, id)) &&
		    (!network_id || !strcmp(all[i].network_id, network_id)) &&
		    (!network_name ||
			oe_str_eq_nocase(all[i].network_name, network_name)))
			found++;
	return found;
}

char *
oe_mesh__write_as(const struct oe_mesh_entry *all, size_t n, size_t i)
{
	const struct oe_mesh_entry *e = &all[i];

	if (is_plain(e->name) && is_plain(e->network_name) &&
	    count(all, n, NULL, NULL, e->network_name) == 1)
		return oe_mem_printf("%s@%s", e->name, e->network_name);
	if (is_plain(e->name) && count(all, n, NULL, e->network_id, NULL) == 1)
		return oe_mem_printf("%s@%s", e->name, e->network_id);
	if (count(all, n, e->id, NULL, NULL) == 1)
		return oe_mem_strdup(e->id);
	return oe_mem_printf("%s@%s", e->id, e->network_id);
}

int
oe_mesh__ambiguous(const char *text, const struct oe_mesh_entry *all, size_t n,
    struct oe_err *err)
{
	size_t have = n < OE_MESH_CANDIDATES_MAX ? n : OE_MESH_CANDIDATES_MAX;
	char list[OE_ERR_MSG_MAX] = "", *as, *shown = oe_mesh_shown(text);
	size_t i, at = 0;
	int len = 0;

	for (i = 0; i < have; i++) {
		as = oe_mesh__write_as(all, have, i);
		len = snprintf(list + at, sizeof list - at, "%s%s (%s, %s)",
		    i ? "; " : "", as, all[i].id,
		    *all[i].ip ? all[i].ip : all[i].ip6);
		free(as);
		/* half a candidate is none */
		if (len < 0 || (size_t)len >= sizeof list - at - 100)
			break;
		at += (size_t)len;
	}
	list[at] = '\0';
	oe_err_set(err, OE_EEXIST, "'%.60s' is %zu peers: write %s%s", shown, n,
	    list, i < n ? "; and more" : "");
	free(shown);
	return OE_EEXIST;
}
