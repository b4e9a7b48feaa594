/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_commands.h"

#include <stdlib.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "sftp/path.h"
#include "sftp/sftp_listing.h"

int
oe_sftp_cmd_cd(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	struct oe_sftp_attrs st = {0};
	char *plain = oe_sftp_glob_plain(a->n ? a->words[0] : "");
	char *path = oe_sftp_absolute(sh, *plain ? plain : sh->start);
	char *real = NULL;
	int r;

	r = oe_ask_realpath(&at, path, &real, &err);
	if (r == 0)
		r = oe_ask_stat(&at, real, true, &st, &err);
	if (r < 0)
		oe_sftp_fail(
		    sh, "Couldn't change directory: %s", oe_err_text(&err));
	else if (!(st.flags & OE_ATTR_PERMISSIONS) || !S_ISDIR(st.mode))
		r = oe_sftp_fail(sh,
		    "Couldn't change directory: \"%s\" is not a directory",
		    real);
	if (r == 0) {
		free(sh->cwd);
		sh->cwd = real;
		real = NULL;
	}
	free(real);
	free(path);
	free(plain);
	return r;
}

int
oe_sftp_cmd_pwd(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	(void)a;
	oe_sftp_say(sh, "Remote working directory: %s", sh->cwd);
	return 0;
}

int
oe_sftp_cmd_version(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	(void)a;
	oe_sftp_say(sh, "SFTP protocol version %d", OE_SFTP_VERSION);
	return 0;
}

int
oe_sftp_cmd_progress(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	(void)a;
	sh->meter = !sh->meter;
	oe_sftp_say(
	    sh, "Progress meter %s", sh->meter ? "enabled" : "disabled");
	return 0;
}

/* @used of @all in percent, as a table shows it. */
static void
percent(uint64_t used, uint64_t all, char ret[16])
{
	if (!all)
		snprintf(ret, 16, "ERR");
	else
		snprintf(ret, 16, "%3.0f%%",
		    (double)(int64_t)(100.0 * (double)used / (double)all));
}

static void
df_inodes(struct oe_sftp_shell *sh, const struct oe_sftp_vfs *v)
{
	char used[16];

	percent(v->files - v->ffree, v->files, used);
	oe_sftp_say(sh,
	    "     Inodes        Used       Avail      (root)    %%Capacity");
	oe_sftp_say(sh, "%11llu %11llu %11llu %11llu         %s",
	    (unsigned long long)v->files,
	    (unsigned long long)(v->files - v->ffree),
	    (unsigned long long)v->favail, (unsigned long long)v->ffree, used);
}

/* Numbers come from a server: their product may be anything. */
static uint64_t
bytes(const struct oe_sftp_vfs *v, uint64_t blocks)
{
	uint64_t n;

	return __builtin_mul_overflow(blocks, v->frsize, &n) ? UINT64_MAX : n;
}

static void
df_blocks(struct oe_sftp_shell *sh, const struct oe_sftp_vfs *v, bool human)
{
	const uint64_t n[4] = {bytes(v, v->blocks),
	    bytes(v, v->blocks - v->bfree), bytes(v, v->bavail),
	    bytes(v, v->bfree)};
	char used[16], s[4][16];
	size_t i;

	percent(v->blocks - v->bfree, v->blocks, used);
	if (!human) {
		oe_sftp_say(sh, "        Size         Used        Avail       "
				"(root)    %%Capacity");
		oe_sftp_say(sh, "%12llu %12llu %12llu %12llu         %s",
		    (unsigned long long)n[0] / 1024,
		    (unsigned long long)n[1] / 1024,
		    (unsigned long long)n[2] / 1024,
		    (unsigned long long)n[3] / 1024, used);
		return;
	}
	for (i = 0; i < 4; i++)
		oe_sftp_scaled(n[i], s[i]);
	oe_sftp_say(sh, "    Size     Used    Avail   (root)    %%Capacity");
	oe_sftp_say(
	    sh, "%7sB %7sB %7sB %7sB         %s", s[0], s[1], s[2], s[3], used);
}

int
oe_sftp_cmd_df(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	struct oe_sftp_vfs v;
	char *plain, *path;
	int r;

	if (!(sh->remote->features & OE_FS_STATVFS))
		return oe_sftp_fail(
		    sh, "The server does not tell its room (statvfs)");
	plain = oe_sftp_glob_plain(a->n ? a->words[0] : "");
	path = oe_sftp_absolute(sh, *plain ? plain : sh->cwd);
	r = oe_ask_statvfs(&at, path, &v, &err);
	free(plain);
	free(path);
	if (r < 0)
		oe_sftp_fail(sh, "Couldn't statvfs: %s", oe_err_text(&err));
	else if (oe_sftp_has(a, 'i'))
		df_inodes(sh, &v);
	else
		df_blocks(sh, &v, oe_sftp_has(a, 'h'));
	return r;
}
