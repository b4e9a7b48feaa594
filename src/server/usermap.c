/* SPDX-License-Identifier: Apache-2.0 */
#include "server/usermap.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "server/user.h"

void
oe_srv_usermap_init(struct oe_srv_usermap *m, const char *self)
{
	memset(m, 0, sizeof(*m));
	m->self = oe_mem_strdup(self);
}

void
oe_srv_usermap_done(struct oe_srv_usermap *m)
{
	size_t i;

	for (i = 0; i < m->n; i++) {
		oe_mem_free(&m->v[i].ssh);
		oe_mem_free(&m->v[i].local);
	}
	oe_mem_free(&m->v);
	oe_mem_free(&m->default_user);
	oe_mem_free(&m->self);
	m->n = 0;
}

int
oe_srv_usermap_parse(
    const char *spec, char **ret_ssh, char **ret_local, struct oe_err *err)
{
	const char *colon = strchr(spec, ':');

	if (colon == NULL || strchr(colon + 1, ':') != NULL)
		return oe_err_set(err, OE_EINVAL,
		    "'%.300s' is not of the form SSH:LOCAL, as in ops:alice",
		    spec);
	if (!oe_srv_user_name_ok(spec, (size_t)(colon - spec)))
		return oe_err_set(err, OE_EINVAL,
		    "'%.300s': not a user name before the colon", spec);
	if (!oe_srv_user_name_ok(colon + 1, strlen(colon + 1)))
		return oe_err_set(err, OE_EINVAL,
		    "'%.300s': not a user name after the colon", spec);
	*ret_ssh = oe_mem_strndup(spec, (size_t)(colon - spec));
	*ret_local = oe_mem_strdup(colon + 1);
	return 0;
}

static const char *
map_find(const struct oe_srv_usermap *m, const char *ssh)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (oe_str_eq(m->v[i].ssh, ssh))
			return m->v[i].local;
	return NULL;
}

/* Is @local an account that a map of this server may point at? */
static int
target_check(const struct oe_srv_usermap *m, const char *local, bool root_ok,
    struct oe_err *err)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	int rc;

	rc = oe_srv_user_lookup(local, &u, err);
	if (rc == OE_ENOENT)
		return oe_err_set(err, rc,
		    "local user '%s' does not exist on this machine", local);
	if (rc != 0)
		return rc;
	if (u.uid == 0 && !root_ok)
		rc = oe_err_set(err, OE_EPERM,
		    "'%s' is uid 0: root is reached only by the name root or "
		    "by a map entry NAME:root",
		    local);
	else if (m->self != NULL && !oe_str_eq(m->self, u.name))
		rc = oe_err_set(err, OE_EPERM,
		    "'%s': this server runs as %s and can log in nobody else",
		    local, m->self);
	oe_srv_user_done(&u);
	return rc;
}

int
oe_srv_usermap_add(
    struct oe_srv_usermap *m, const char *spec, struct oe_err *err)
{
	char *ssh = NULL, *local = NULL;
	int rc;

	rc = oe_srv_usermap_parse(spec, &ssh, &local, err);
	if (rc != 0)
		return rc;
	if (map_find(m, ssh) != NULL)
		rc = oe_err_set(err, OE_EEXIST,
		    "'%s': user '%s' is mapped to '%s' already", spec, ssh,
		    map_find(m, ssh));
	else if (m->n >= OE_SRV_USERMAP_MAX)
		rc = oe_err_set(err, OE_ETOOBIG, "more than %d entries",
		    OE_SRV_USERMAP_MAX);
	else
		rc = target_check(m, local, oe_str_eq(local, "root"), err);
	if (rc != 0)
		goto out;
	m->v = oe_mem_realloc_array(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n].ssh = ssh;
	m->v[m->n].local = local;
	m->n++;
	ssh = local = NULL;
out:
	oe_mem_free(&ssh);
	oe_mem_free(&local);
	return rc;
}

int
oe_srv_usermap_set_default(
    struct oe_srv_usermap *m, const char *name, struct oe_err *err)
{
	int rc;

	if (!oe_srv_user_name_ok(name, strlen(name)))
		return oe_err_set(
		    err, OE_EINVAL, "'%.300s' is not a user name", name);
	rc = target_check(m, name, false, err);
	if (rc != 0)
		return rc;
	oe_mem_free(&m->default_user);
	m->default_user = oe_mem_strdup(name);
	return 0;
}

const char *
oe_srv_usermap_name(const struct oe_srv_usermap *m, const char *requested)
{
	const char *local;

	if (!oe_srv_user_name_ok(requested, strlen(requested)))
		return NULL;
	local = map_find(m, requested);
	if (local == NULL)
		local = m->default_user != NULL ? m->default_user : requested;
	if (m->self != NULL && !oe_str_eq(m->self, local))
		return NULL;
	return local;
}

int
oe_srv_usermap_resolve(const struct oe_srv_usermap *m, const char *requested,
    struct oe_srv_user *ret, struct oe_err *err)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	const char *local;
	int rc;

	local = oe_srv_usermap_name(m, requested);
	if (local == NULL)
		return oe_err_set(err, OE_ENOENT,
		    m->self == NULL ? "not an acceptable user name"
				    : "not the user of this server");
	rc = oe_srv_user_lookup(local, &u, err);
	if (rc != 0)
		return rc == OE_ESYS ? rc : OE_ENOENT;
	/* a server of a plain user is judged by self, also when that is 0 */
	if (u.uid == 0 && m->self == NULL && !oe_str_eq(local, "root")) {
		oe_srv_user_done(&u);
		return oe_err_set(err, OE_ENOENT,
		    "account has uid 0 under another name than root");
	}
	*ret = u;
	return 0;
}
