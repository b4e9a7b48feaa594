/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions that ask about the machine and its users.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/str.h"
#include "sftp/server_internal.h"

/* Ids of one users-groups-by-id, of each kind. */
#define IDS_MAX 1024
_Static_assert(2 * IDS_MAX * (4 + OE_SFTP__NAME_MAX) + 64 < OE_SFTP__REPLY_MAX,
    "the names fit an answer");

int
oe_sftp__do_limits(struct oe_sftp_server *s, struct oe_buf *req)
{
	size_t start = oe_sftp__reply(s, OE_FXP_EXTENDED_REPLY);

	(void)req;
	oe_buf_put_u64(&s->out, OE_SFTP_PACKET_MAX);
	oe_buf_put_u64(&s->out, OE_SFTP_DATA_MAX);
	oe_buf_put_u64(&s->out, OE_SFTP_DATA_MAX);
	oe_buf_put_u64(&s->out, s->handles.max);
	return oe_sftp__reply_end(s, start);
}

static int
reply_vfs(struct oe_sftp_server *s, const struct statvfs *v)
{
	const struct oe_sftp_vfs w = {
	    .bsize = v->f_bsize,
	    .frsize = v->f_frsize,
	    .blocks = v->f_blocks,
	    .bfree = v->f_bfree,
	    .bavail = v->f_bavail,
	    .files = v->f_files,
	    .ffree = v->f_ffree,
	    .favail = v->f_favail,
	    .fsid = v->f_fsid,
	    .flag = (v->f_flag & ST_RDONLY ? OE_VFS_RDONLY : 0) |
		    (v->f_flag & ST_NOSUID ? OE_VFS_NOSUID : 0),
	    .namemax = v->f_namemax,
	};
	size_t start = oe_sftp__reply(s, OE_FXP_EXTENDED_REPLY);

	oe_sftp_put_vfs(&s->out, &w);
	return oe_sftp__reply_end(s, start);
}

int
oe_sftp__do_statvfs(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	struct statvfs v;
	int fd, r;

	if (!path)
		return OE_FX_BAD_MESSAGE;
	fd = oe_sftp__open(&s->roots, path, O_PATH, 0);
	r = fd < 0 ? -1 : fstatvfs(fd, &v);
	oe_fd_close(&fd);
	return r < 0 ? oe_sftp__fail(s) : reply_vfs(s, &v);
}

int
oe_sftp__do_fstatvfs(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h;
	struct statvfs v;

	if (oe_sftp__get_handle(s, req, &h) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!h)
		return OE_FX_NO_SUCH_FILE;
	return fstatvfs(h->fd, &v) < 0 ? oe_sftp__fail(s) : reply_vfs(s, &v);
}

/* Home of @user; "" is whoever this process is.  NULL when unknown. */
static const char *
home_of(const char *user)
{
	const struct passwd *pw = *user ? getpwnam(user) : getpwuid(getuid());

	return pw ? pw->pw_dir : NULL;
}

/* "~user/rest" into s->text. */
static int
expand(struct oe_sftp_server *s, char *path)
{
	size_t n = strcspn(path + 1, "/");
	const char *home, *rest = path + 1 + n;
	char user[256];

	snprintf(user, sizeof user, "%.*s", (int)(n < 255 ? n : 255), path + 1);
	home = home_of(user);
	if (!home) {
		s->why = "No such user";
		return OE_FX_NO_SUCH_FILE;
	}
	n = (size_t)snprintf(s->text, sizeof s->text, "%s%s", home, rest);
	if (n > OE_SFTP_PATH_MAX || n >= sizeof s->text) {
		errno = ENAMETOOLONG;
		return oe_sftp__fail(s);
	}
	memcpy(path, s->text, n + 1);
	return OE_FX_OK;
}

int
oe_sftp__do_expand(struct oe_sftp_server *s, struct oe_buf *req)
{
	int fx = OE_FX_OK;

	if (!oe_sftp__get_path(s, req, 0))
		return OE_FX_BAD_MESSAGE;
	if (s->path[0][0] == '~')
		fx = expand(s, s->path[0]);
	if (fx != OE_FX_OK)
		return fx;
	if (oe_sftp__realpath(&s->roots, s->path[0], s->text) < 0)
		return oe_sftp__fail(s);
	return oe_sftp__reply_name(s, s->text);
}

int
oe_sftp__do_home(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_buf user;
	const char *home;
	char name[256];
	size_t n;

	if (oe_buf_get_string(req, &user) < 0)
		return OE_FX_BAD_MESSAGE;
	n = oe_buf_left(&user);
	if (n >= sizeof name || memchr(oe_buf_head(&user), 0, n))
		return OE_FX_BAD_MESSAGE;
	memcpy(name, oe_buf_head(&user), n);
	name[n] = '\0';
	home = home_of(name);
	if (!home) {
		s->why = "No such user";
		return OE_FX_FAILURE;
	}
	if (!oe_sftp__roots_allow(&s->roots, home))
		return OE_FX_PERMISSION_DENIED;
	return oe_sftp__reply_name(s, home);
}

/* A string of strings: a name for each id, "" for those without. */
static void
put_names(struct oe_sftp_server *s, bool is_group, struct oe_buf *ids)
{
	size_t start = s->out.len, end;
	uint32_t id;

	oe_buf_put_u32(&s->out, 0);
	while (oe_buf_get_u32(ids, &id) == 0)
		oe_buf_put_cstring(
		    &s->out, oe_sftp__name(&s->names, is_group, id));
	end = s->out.len;
	s->out.len = start;
	oe_buf_put_u32(&s->out, (uint32_t)(end - start - 4));
	s->out.len = end;
}

int
oe_sftp__do_users(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_buf uids, gids;
	size_t start;

	if (oe_buf_get_string(req, &uids) < 0 ||
	    oe_buf_get_string(req, &gids) < 0 || oe_buf_left(&uids) % 4 ||
	    oe_buf_left(&gids) % 4)
		return OE_FX_BAD_MESSAGE;
	if (oe_buf_left(&uids) > 4 * IDS_MAX ||
	    oe_buf_left(&gids) > 4 * IDS_MAX) {
		s->why = "Too many ids";
		return OE_FX_FAILURE;
	}
	start = oe_sftp__reply(s, OE_FXP_EXTENDED_REPLY);
	put_names(s, false, &uids);
	put_names(s, true, &gids);
	return oe_sftp__reply_end(s, start);
}
