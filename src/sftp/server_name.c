/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users and groups, and the line that "ls -l" shows for a file.
 */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <time.h>

#include "core/base/str.h"
#include "sftp/longname.h"
#include "sftp/server_internal.h"

const char *
oe_sftp__name(struct oe_sftp__names *t, bool is_group, uint32_t id)
{
	size_t i = id % OE_SFTP__NAMES;
	const struct passwd *pw;
	const struct group *gr;
	const char *name = NULL;

	if (t->v[is_group][i].used && t->v[is_group][i].id == id)
		return t->v[is_group][i].known ? t->v[is_group][i].name : NULL;
	if (is_group && (gr = getgrgid(id)))
		name = gr->gr_name;
	else if (!is_group && (pw = getpwuid(id)))
		name = pw->pw_name;
	t->v[is_group][i].used = true;
	t->v[is_group][i].id = id;
	t->v[is_group][i].known = name && oe_str_copy(t->v[is_group][i].name,
					      OE_SFTP__NAME_MAX, name);
	return t->v[is_group][i].known ? t->v[is_group][i].name : NULL;
}

size_t
oe_sftp__longname(struct oe_sftp__names *t, const char *name,
    const struct stat *st, const struct oe_sftp_attrs *a, char *ret,
    size_t size)
{
	const struct oe_longname l = {.attrs = a,
	    .links = st->st_nlink,
	    .user = oe_sftp__name(t, false, st->st_uid),
	    .group = oe_sftp__name(t, true, st->st_gid),
	    .now_s = time(NULL)};

	oe_sftp_longname(&l, name, ret, size);
	return strlen(ret);
}
