/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "sftp/path.h"

static char *
absolute_word(struct oe_sftp_shell *sh, const char *word)
{
	char *plain = oe_sftp_glob_plain(word);
	char *path = oe_sftp_absolute(sh, plain);

	free(plain);
	return path;
}

/* Everything that a word matches; a failure is told. */
static int
matches(struct oe_sftp_shell *sh, const char *word, struct oe_strs *ret)
{
	struct oe_err err = OE_ERR_INIT;
	char *pattern = oe_sftp_absolute_pattern(sh, word);
	int r =
	    oe_sftp_glob(sh->loop, sh->remote, pattern, sh->stop, ret, &err);

	free(pattern);
	if (r < 0)
		oe_sftp_fail(sh, "%s", oe_err_text(&err));
	return r;
}

/* Do @one with each file that the last word matches. */
static int
for_each(struct oe_sftp_shell *sh, const struct oe_sftp_args *a,
    int (*one)(struct oe_sftp_shell *sh, const struct oe_sftp_args *a,
	const char *path))
{
	struct oe_strs found = {NULL, 0};
	int r = matches(sh, a->words[a->n - 1], &found), each;
	size_t i;

	for (i = 0; i < found.n && !oe_sftp_shell_stopped(sh); i++) {
		each = one(sh, a, found.v[i]);
		if (each < 0)
			r = each;
		if (each < 0 && (a->stop_at_error || sh->remote->failed))
			break;
	}
	oe_strs_done(&found);
	return r;
}

/* A number in the first word; @base as in strtoull(). */
static int
number(struct oe_sftp_shell *sh, const struct oe_sftp_args *a, int base,
    uint32_t *ret)
{
	const char *s = a->words[0];
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(s, &end, base);
	if (*s < '0' || *s > '9' || *end || errno || v > UINT32_MAX)
		return oe_sftp_fail(sh, "%s: '%s' is not %s number",
		    a->cmd->name, s, base == 8 ? "an octal" : "a");
	*ret = (uint32_t)v;
	return 0;
}

static int
set(struct oe_sftp_shell *sh, const struct oe_sftp_args *a, const char *path,
    const struct oe_sftp_attrs *attrs)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	int r;

	r = oe_ask_setstat(&at, path, attrs, !oe_sftp_has(a, 'h'), &err);
	if (r < 0)
		oe_sftp_fail(
		    sh, "Couldn't change attributes: %s", oe_err_text(&err));
	return r;
}

static int
chmod_one(
    struct oe_sftp_shell *sh, const struct oe_sftp_args *a, const char *path)
{
	struct oe_sftp_attrs attrs = {.flags = OE_ATTR_PERMISSIONS};

	if (number(sh, a, 8, &attrs.mode) < 0)
		return OE_EINVAL;
	oe_sftp_tell(sh, "Changing mode on %s", path);
	return set(sh, a, path, &attrs);
}

/* SFTP sets both at once: the other stays what it is. */
static int
own_one(struct oe_sftp_shell *sh, const struct oe_sftp_args *a,
    const char *path, bool group)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	struct oe_sftp_attrs attrs = {0};
	uint32_t id = 0;
	int r = number(sh, a, 0, &id);

	if (r < 0)
		return r;
	r = oe_ask_stat(&at, path, !oe_sftp_has(a, 'h'), &attrs, &err);
	if (r < 0) {
		oe_sftp_fail(sh, "Couldn't stat: %s", oe_err_text(&err));
		return r;
	}
	if (!(attrs.flags & OE_ATTR_UIDGID))
		return oe_sftp_fail(
		    sh, "The server does not tell who owns %s", path);
	attrs.flags = OE_ATTR_UIDGID;
	*(group ? &attrs.gid : &attrs.uid) = id;
	oe_sftp_tell(sh, "Changing %s on %s", group ? "group" : "owner", path);
	return set(sh, a, path, &attrs);
}

static int
chown_one(
    struct oe_sftp_shell *sh, const struct oe_sftp_args *a, const char *path)
{
	return own_one(sh, a, path, false);
}

static int
chgrp_one(
    struct oe_sftp_shell *sh, const struct oe_sftp_args *a, const char *path)
{
	return own_one(sh, a, path, true);
}

int
oe_sftp_cmd_chmod(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return for_each(sh, a, chmod_one);
}

int
oe_sftp_cmd_chown(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return for_each(sh, a, chown_one);
}

int
oe_sftp_cmd_chgrp(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return for_each(sh, a, chgrp_one);
}

static int
rm_one(struct oe_sftp_shell *sh, const struct oe_sftp_args *a, const char *path)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	int r;

	(void)a;
	oe_sftp_tell(sh, "Removing %s", path);
	r = oe_ask_remove(&at, path, &err);
	if (r < 0)
		oe_sftp_fail(sh, "Couldn't remove: %s", oe_err_text(&err));
	return r;
}

int
oe_sftp_cmd_rm(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return for_each(sh, a, rm_one);
}

int
oe_sftp_cmd_mkdir(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	char *path = absolute_word(sh, a->words[0]);
	int r = oe_ask_mkdir(&at, path, 0777, &err);

	free(path);
	if (r < 0)
		oe_sftp_fail(
		    sh, "Couldn't make directory: %s", oe_err_text(&err));
	return r;
}

int
oe_sftp_cmd_rmdir(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	char *path = absolute_word(sh, a->words[0]);
	int r = oe_ask_rmdir(&at, path, &err);

	free(path);
	if (r < 0)
		oe_sftp_fail(
		    sh, "Couldn't remove directory: %s", oe_err_text(&err));
	return r;
}

/* A server without the extension for it says only "not supported". */
static int
needs(struct oe_sftp_shell *sh, unsigned feature, const char *what)
{
	if (sh->remote->features & feature)
		return 0;
	return oe_sftp_fail(sh, "The server does not %s", what);
}

int
oe_sftp_cmd_cp(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	char *from, *to;
	int r = needs(sh, OE_FS_COPY_DATA, "copy files (copy-data)");

	if (r < 0)
		return r;
	from = absolute_word(sh, a->words[0]);
	to = absolute_word(sh, a->words[1]);
	r = oe_ask_copy(&at, from, to, &err);
	if (r < 0)
		oe_sftp_fail(sh, "Couldn't copy \"%s\" to \"%s\": %s", from, to,
		    oe_err_text(&err));
	free(from);
	free(to);
	return r;
}

int
oe_sftp_cmd_rename(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	char *from = absolute_word(sh, a->words[0]);
	char *to = absolute_word(sh, a->words[1]);
	bool over =
	    !oe_sftp_has(a, 'l') && (sh->remote->features & OE_FS_RENAME_OVER);
	int r = oe_ask_rename(&at, from, to, over, &err);

	if (r < 0)
		oe_sftp_fail(
		    sh, "Couldn't rename to \"%s\": %s", to, oe_err_text(&err));
	free(from);
	free(to);
	return r;
}

static int
link_one(struct oe_sftp_shell *sh, const struct oe_sftp_args *a, bool symbolic)
{
	struct oe_ask at = oe_sftp_at(sh);
	struct oe_err err = OE_ERR_INIT;
	char *from, *to;
	int r = symbolic ? 0 : needs(sh, OE_FS_HARDLINK, "make hard links");

	if (r < 0)
		return r;
	/* what a symbolic link holds is text, read from where the link is */
	from = symbolic ? oe_sftp_glob_plain(a->words[0])
			: absolute_word(sh, a->words[0]);
	to = absolute_word(sh, a->words[1]);
	r = symbolic ? oe_ask_symlink(&at, from, to, &err)
		     : oe_ask_hardlink(&at, from, to, &err);
	if (r < 0)
		oe_sftp_fail(
		    sh, "Couldn't link to \"%s\": %s", from, oe_err_text(&err));
	free(from);
	free(to);
	return r;
}

int
oe_sftp_cmd_ln(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return link_one(sh, a, oe_sftp_has(a, 's'));
}

int
oe_sftp_cmd_symlink(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	return link_one(sh, a, true);
}
