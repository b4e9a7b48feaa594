/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "sftp/sftp_shell.h"

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

char *
oe_sftp_long(const char *name, const struct oe_longname *l, bool scaled)
{
	size_t room = strlen(name) + OE_LONGNAME_ROOM;
	struct oe_longname line = *l;
	char size[16], *all;

	/* names of accounts are the server's: any length */
	if (l->user)
		room += strlen(l->user);
	if (l->group)
		room += strlen(l->group);
	all = oe_mem_zalloc(room);
	if (scaled) {
		oe_sftp_scaled(l->attrs->size, size);
		line.size = size;
	}
	oe_sftp_longname(&line, name, all, room);
	return all;
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
