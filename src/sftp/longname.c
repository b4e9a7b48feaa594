/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/longname.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/str.h"

#define HALF_YEAR_S (183 * 24 * 3600)

static char
type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
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
	case S_IFREG:
		return '-';
	default:
		return '?';
	}
}

/* An 'x' that a special bit is shown in. */
static void
special(char *x, bool on, char with_x)
{
	if (on)
		*x = *x == 'x' ? with_x : (char)(with_x - 'a' + 'A');
}

void
oe_sftp_longname_mode(uint32_t mode, char ret[11])
{
	static const char bits[] = "rwxrwxrwx";
	unsigned i;

	ret[0] = type_of(mode);
	for (i = 0; i < 9; i++)
		ret[1 + i] = mode & (0400u >> i) ? bits[i] : '-';
	special(&ret[3], mode & S_ISUID, 's');
	special(&ret[6], mode & S_ISGID, 's');
	special(&ret[9], mode & S_ISVTX, 't');
	ret[10] = 0;
}

static void
number_or(const char *text, bool known, uint64_t v, char ret[32])
{
	if (text)
		oe_str_copy(ret, 32, text);
	else if (known)
		snprintf(ret, 32, "%" PRIu64, v);
	else
		oe_str_copy(ret, 32, "?");
}

static void
time_text(const struct oe_longname *l, char ret[32])
{
	time_t t = (time_t)l->attrs->mtime;
	int64_t age = l->now_s - (int64_t)t;
	bool recent = age < HALF_YEAR_S && age >= -3600;
	struct tm tm;

	if (!(l->attrs->flags & OE_ATTR_ACMODTIME) || !localtime_r(&t, &tm) ||
	    !strftime(ret, 32, recent ? "%b %e %H:%M" : "%b %e  %Y", &tm))
		oe_str_copy(ret, 32, "?");
}

void
oe_sftp_longname(
    const struct oe_longname *l, const char *name, char *ret, size_t size)
{
	const struct oe_sftp_attrs *a = l->attrs;
	char mode[11] = "??????????";
	char links[32], user[32], group[32], bytes[32], when[32];
	bool ids = a->flags & OE_ATTR_UIDGID;

	if (a->flags & OE_ATTR_PERMISSIONS)
		oe_sftp_longname_mode(a->mode, mode);
	number_or(NULL, l->links, l->links, links);
	number_or(l->user, ids, a->uid, user);
	number_or(l->group, ids, a->gid, group);
	number_or(l->size, a->flags & OE_ATTR_SIZE, a->size, bytes);
	time_text(l, when);
	snprintf(ret, size, "%s %4s %-8s %-8s %8s %12s %s", mode, links, user,
	    group, bytes, when, name);
}
