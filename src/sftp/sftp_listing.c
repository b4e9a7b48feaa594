/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "sftp/sftp_shell.h"

/* A file older than this shows its year, not its hour. */
#define HALF_A_YEAR_S (182 * 86400 + 43200)

void
oe_sftp_scaled(uint64_t n, char ret[16])
{
	static const char units[] = "BKMGTPE";
	size_t unit = 0;
	uint64_t tenths;
	long double v = (long double)n;

	while (v >= 1024 && unit + 2 < sizeof units) {
		v /= 1024;
		unit++;
	}
	tenths = (uint64_t)(v * 10 + 0.5L);
	if (unit == 0 || tenths >= 1000)
		snprintf(ret, 16, "%llu%c", (unsigned long long)(v + 0.5L),
		    units[unit]);
	else
		snprintf(ret, 16, "%llu.%llu%c",
		    (unsigned long long)tenths / 10,
		    (unsigned long long)tenths % 10, units[unit]);
}

static char
type_letter(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return '-';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	}
	return '?';
}

void
oe_sftp_mode(uint32_t mode, char ret[11])
{
	static const struct {
		uint32_t bit;
		int at;
		char plain, both;
	} special[] = {{S_ISUID, 3, 'S', 's'}, {S_ISGID, 6, 'S', 's'},
	    {S_ISVTX, 9, 'T', 't'}};
	size_t i;

	ret[0] = type_letter(mode);
	for (i = 0; i < 9; i++)
		ret[1 + i] = mode & (0400u >> i) ? "rwxrwxrwx"[i] : '-';
	for (i = 0; i < 3; i++)
		if (mode & special[i].bit)
			ret[special[i].at] = ret[special[i].at] == 'x'
						 ? special[i].both
						 : special[i].plain;
	ret[10] = 0;
}

static void
format_time(int64_t when, int64_t now, char ret[32])
{
	bool recent = when <= now && now - when < HALF_A_YEAR_S;
	time_t t = (time_t)when;
	struct tm tm;

	ret[0] = 0;
	if (localtime_r(&t, &tm))
		strftime(ret, 32, recent ? "%b %e %H:%M" : "%b %e  %Y", &tm);
}

char *
oe_sftp_long(const struct oe_sftp_long *l)
{
	const struct oe_sftp_attrs *a = l->attrs;
	char mode[11], size[24], when[32] = "", uid[16], gid[16];

	oe_sftp_mode(a->flags & OE_ATTR_PERMISSIONS ? a->mode : 0, mode);
	snprintf(uid, sizeof uid, "%u", a->uid);
	snprintf(gid, sizeof gid, "%u", a->gid);
	if (l->scaled)
		oe_sftp_scaled(a->size, size);
	else
		snprintf(
		    size, sizeof size, "%llu", (unsigned long long)a->size);
	if (a->flags & OE_ATTR_ACMODTIME)
		format_time(a->mtime, l->now, when);
	return oe_mem_printf("%s %3s %-8s %-8s %8s %s %s", mode, "?",
	    l->user && *l->user ? l->user : uid,
	    l->group && *l->group ? l->group : gid, size, when, l->name);
}

void
oe_sftp_columns(struct oe_sftp_shell *sh, const struct oe_strs *names,
    size_t longest, size_t width)
{
	size_t columns = width / (longest + 2), space, i, pad, used;
	char *safe;

	if (!columns)
		columns = 1;
	space = width / columns;
	for (i = 0; i < names->n; i++) {
		safe = oe_sftp_text(names->v[i]);
		used = oe_sftp_text_width(safe);
		pad = used < space ? space - used : 0;
		fprintf(sh->out, "%s%*s", safe, (int)pad, "");
		free(safe);
		if ((i + 1) % columns == 0 || i + 1 == names->n)
			fputc('\n', sh->out);
	}
	fflush(sh->out);
}

size_t
oe_sftp_width(void)
{
	struct winsize ws;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &ws) < 0 || !ws.ws_col)
		return 80;
	return ws.ws_col;
}
