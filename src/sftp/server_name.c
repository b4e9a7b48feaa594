/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users and groups, and the line that "ls -l" shows for a file.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/str.h"
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

static char
type_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return '-';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFBLK:
		return 'b';
	case S_IFCHR:
		return 'c';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	default:
		return '?';
	}
}

static void
mode_text(mode_t mode, char ret[11])
{
	static const char letters[] = "rwxrwxrwx";
	int i;

	ret[0] = type_letter(mode);
	for (i = 0; i < 9; i++)
		ret[i + 1] = mode >> (8 - i) & 1 ? letters[i] : '-';
	if (mode & S_ISUID)
		ret[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		ret[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		ret[9] = mode & S_IXOTH ? 't' : 'T';
	ret[10] = '\0';
}

/* As ls(1): the hour of what is at most half a year old, else the year. */
static void
time_text(time_t when, char *ret, size_t size)
{
	const time_t half_a_year = 365 * 24 * 3600 / 2;
	time_t now = time(NULL);
	struct tm tm;

	*ret = '\0';
	if (localtime_r(&when, &tm))
		(void)strftime(ret, size,
		    when > now - half_a_year && when <= now ? "%b %e %H:%M"
							    : "%b %e  %Y",
		    &tm);
}

size_t
oe_sftp__longname(struct oe_sftp__names *t, const char *name,
    const struct stat *st, char *ret, size_t size)
{
	char mode[11], when[32], user[16], group[16];
	const char *u = oe_sftp__name(t, false, st->st_uid),
		   *g = oe_sftp__name(t, true, st->st_gid);
	int n;

	mode_text(st->st_mode, mode);
	time_text(st->st_mtim.tv_sec, when, sizeof when);
	snprintf(user, sizeof user, "%u", (unsigned)st->st_uid);
	snprintf(group, sizeof group, "%u", (unsigned)st->st_gid);
	n = snprintf(ret, size, "%s %3ju %-8s %-8s %8ju %s %s", mode,
	    (uintmax_t)st->st_nlink, u ? u : user, g ? g : group,
	    (uintmax_t)st->st_size, when, name);
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}
