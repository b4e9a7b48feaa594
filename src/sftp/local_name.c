/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/local.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "sftp/proto.h"

/* A record of a user or a group with a great many members. */
#define RECORD_MAX (64 * 1024)

/* Ends @op with @text, which is freed; NULL: with errno. */
static void
end_text(struct oe_sftp_op *op, char *text)
{
	op->text = text;
	oe_sftp__local_sys(op, text ? 0 : -1);
	free(text);
}

/* As realpath(3), but the last name need not be there. */
static char *
real(const char *path)
{
	char *whole = realpath(path, NULL), *cut, *dir, *slash;

	if (whole || errno != ENOENT || !*path)
		return whole;
	cut = oe_mem_strdup(path);
	while (strlen(cut) > 1 && cut[strlen(cut) - 1] == '/')
		cut[strlen(cut) - 1] = 0;
	slash = strrchr(cut, '/');
	if (slash)
		*slash++ = 0;
	dir = realpath(!slash ? "." : *cut ? cut : "/", NULL);
	if (dir)
		whole = oe_mem_printf(
		    "%s/%s", strcmp(dir, "/") ? dir : "", slash ? slash : cut);
	free(dir);
	free(cut);
	return whole;
}

void
oe_sftp__local_realpath(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	oe_sftp__local_settle(fs, path);
	end_text(op, real(path));
}

/* Home of @user, "" is the caller; free() it.  NULL with errno. */
static char *
home_of(const char *user)
{
	char *buf, *home = NULL;
	const char *env = getenv("HOME");
	struct passwd pw, *found = NULL;

	if (!*user && env && *env == '/')
		return oe_mem_strdup(env);
	buf = oe_mem_zalloc(RECORD_MAX);
	if (*user)
		getpwnam_r(user, &pw, buf, RECORD_MAX, &found);
	else
		getpwuid_r(getuid(), &pw, buf, RECORD_MAX, &found);
	if (found)
		home = oe_mem_strdup(found->pw_dir);
	free(buf);
	errno = ENOENT;
	return home;
}

static char *
expanded(const char *path)
{
	size_t n = strcspn(path, "/");
	char *start, *user, *all = NULL;

	if (*path == '/')
		return oe_mem_strdup(path);
	if (*path == '~') {
		user = oe_mem_strndup(path + 1, n - 1);
		start = home_of(user);
		free(user);
		if (start)
			all = oe_mem_printf("%s%s", start, path + n);
	} else {
		start = getcwd(NULL, 0);
		if (start)
			all = oe_mem_printf("%s/%s", start, path);
	}
	free(start);
	return all;
}

void
oe_sftp__local_expand(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	(void)fs;
	end_text(op, expanded(path));
}

void
oe_sftp__local_readlink(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	char *buf;
	ssize_t n;

	oe_sftp__local_settle(fs, path);
	buf = oe_mem_zalloc(PATH_MAX + 1);
	n = readlink(path, buf, PATH_MAX);
	if (n < 0)
		oe_mem_free(&buf);
	end_text(op, buf);
}

static void
tell_id(struct oe_sftp_op *op, const char *name, uint32_t uid, uint32_t gid)
{
	struct oe_sftp_entry e = {.name = name ? name : "", .longname = ""};

	e.attrs.flags = OE_ATTR_UIDGID;
	e.attrs.uid = uid;
	e.attrs.gid = gid;
	op->entry(op, &e);
}

void
oe_sftp__local_users(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    const uint32_t *uids, size_t n_uids, const uint32_t *gids, size_t n_gids)
{
	char *buf = oe_mem_zalloc(RECORD_MAX);
	struct passwd pw, *u;
	struct group gr, *g;
	size_t i;

	(void)fs;
	for (i = 0; i < n_uids; i++) {
		u = NULL;
		getpwuid_r(uids[i], &pw, buf, RECORD_MAX, &u);
		tell_id(op, u ? u->pw_name : NULL, uids[i], UINT32_MAX);
	}
	for (i = 0; i < n_gids; i++) {
		g = NULL;
		getgrgid_r(gids[i], &gr, buf, RECORD_MAX, &g);
		tell_id(op, g ? g->gr_name : NULL, UINT32_MAX, gids[i]);
	}
	free(buf);
	oe_sftp__local_end(op);
}
