/* SPDX-License-Identifier: Apache-2.0 */
/*
 * put-file: whole small files, each written under another name and then
 * renamed.  Those that have to be on the disk before they are answered wait
 * for those that follow at once, so that one write to the disk serves all.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "sftp/server_internal.h"

/*
 * Signals that end the process wait while there are temporary names: a disk
 * may take longer for a group than a hangup leaves (cmd_sftp_server.c).
 */
static void
puts_guard(struct oe_sftp__puts *t)
{
	sigset_t set;

	if (t->guarded)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	t->guarded = sigprocmask(SIG_BLOCK, &set, &t->before) == 0;
}

static void
puts_unguard(struct oe_sftp__puts *t)
{
	if (!t->guarded || t->n)
		return;
	t->guarded = false;
	(void)sigprocmask(SIG_SETMASK, &t->before, NULL);
}

/* The directory @path (its first @n bytes), kept open for this group. */
static int
put_dir(struct oe_sftp_server *s, const char *path, size_t n)
{
	struct oe_sftp__puts *t = &s->puts;
	unsigned i;
	char *dir;
	int fd;

	for (i = t->n_dirs; i-- > 0;)
		if (strncmp(t->dirs[i].path, path, n) == 0 &&
		    t->dirs[i].path[n] == '\0')
			return (int)i;
	if (t->n_dirs == OE_SFTP__PUTS_DIRS)
		oe_sftp__puts_flush(s);
	dir = oe_mem_strndup(path, n);
	fd = oe_sftp__open(&s->roots, n ? dir : ".", O_PATH | O_DIRECTORY, 0);
	if (fd < 0) {
		free(dir);
		return -1;
	}
	t->dirs[t->n_dirs].fd = fd;
	t->dirs[t->n_dirs].path = dir;
	return (int)t->n_dirs++;
}

static int
write_all(int fd, const uint8_t *p, size_t n)
{
	ssize_t w;

	while (n) {
		w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/*
 * What replaces a file takes its place with its owner and permissions, as
 * writing into it would have left them: without the set-id bits.  What was
 * for a group that cannot be kept is for nobody.
 */
static int
put_inherit(int fd, const struct stat *old)
{
	mode_t mode = old->st_mode & 0777;

	if ((old->st_uid != geteuid() || old->st_gid != getegid()) &&
	    fchown(fd, old->st_uid, old->st_gid) < 0 &&
	    fchown(fd, (uid_t)-1, old->st_gid) < 0)
		mode &= ~(mode_t)0070;
	return fchmod(fd, mode);
}

static int
put_content(const struct oe_sftp__put *u, const struct oe_sftp_attrs *a,
    const struct oe_buf *data)
{
	const struct timespec times[2] = {
	    {.tv_sec = a->atime}, {.tv_sec = a->mtime}};

	if (write_all(u->fd, oe_buf_head(data), oe_buf_left(data)) < 0)
		return -1;
	if (u->flags & OE_PUT_MODE && a->flags & OE_ATTR_PERMISSIONS &&
	    fchmod(u->fd, a->mode & 07777) < 0)
		return -1;
	if (u->flags & OE_PUT_TIMES && a->flags & OE_ATTR_ACMODTIME &&
	    futimens(u->fd, times) < 0)
		return -1;
	return 0;
}

/* Without RENAME_NOREPLACE a link keeps what is there. */
static int
move_new(int dirfd, const char *from, const char *to)
{
	if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(dirfd, from, dirfd, to, 0) < 0)
		return -1;
	return unlinkat(dirfd, from, 0);
}

static int
put_move(const struct oe_sftp__puts *t, const struct oe_sftp__put *u)
{
	int dirfd = t->dirs[u->dir].fd;

	return u->flags & OE_PUT_REPLACE
		   ? renameat(dirfd, u->temporary, dirfd, u->name)
		   : move_new(dirfd, u->temporary, u->name);
}

static void
put_discard(const struct oe_sftp__puts *t, const struct oe_sftp__put *u)
{
	int saved = errno;

	(void)unlinkat(t->dirs[u->dir].fd, u->temporary, 0);
	errno = saved;
}

/* Writes the file beside its place. */
static int
put_write(struct oe_sftp_server *s, struct oe_sftp__put *u,
    const struct oe_sftp_attrs *a, const struct oe_buf *data)
{
	struct oe_sftp__puts *t = &s->puts;
	mode_t mode = a->flags & OE_ATTR_PERMISSIONS ? a->mode & 07777 : 0666;
	struct stat st, old;
	bool inherit;

	inherit = u->flags & OE_PUT_REPLACE && !(u->flags & OE_PUT_MODE) &&
		  fstatat(t->dirs[u->dir].fd, u->name, &old,
		      AT_SYMLINK_NOFOLLOW) == 0 &&
		  S_ISREG(old.st_mode);
	snprintf(u->temporary, sizeof u->temporary, ".oe-put-%08x%08x-%x",
	    (unsigned)t->random[0], (unsigned)t->random[1],
	    (unsigned)t->count++);
	u->fd = openat(t->dirs[u->dir].fd, u->temporary,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    inherit ? 0600 : mode);
	if (u->fd < 0)
		return -1;
	if (put_content(u, a, data) < 0 ||
	    (inherit && put_inherit(u->fd, &old) < 0) ||
	    (u->flags & OE_PUT_SYNC && fstat(u->fd, &st) < 0)) {
		put_discard(t, u);
		oe_fd_close(&u->fd);
		return -1;
	}
	if (u->flags & OE_PUT_SYNC)
		u->dev = st.st_dev;
	return 0;
}

/* Nobody asked for the disk: at its place and answered at once. */
static int
put_now(struct oe_sftp_server *s, struct oe_sftp__put *u)
{
	int r = close(u->fd);

	u->fd = -1;
	if (r == 0)
		r = put_move(&s->puts, u);
	if (r < 0)
		put_discard(&s->puts, u);
	return r;
}

static void
put_hold(struct oe_sftp_server *s, const struct oe_sftp__put *u)
{
	struct oe_sftp__puts *t = &s->puts;

	if (!t->v)
		t->v =
		    oe_mem_realloc_array(NULL, OE_SFTP__PUTS_MAX, sizeof *t->v);
	t->v[t->n] = *u;
	t->v[t->n].path = oe_mem_strdup(u->path);
	t->v[t->n].name = t->v[t->n].path + (u->name - u->path);
	t->n++;
	t->bytes += u->size;
	if (t->n == OE_SFTP__PUTS_MAX || t->bytes >= OE_SFTP__PUTS_BYTES)
		oe_sftp__puts_flush(s);
}

int
oe_sftp__put_file(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0), *slash;
	struct oe_sftp__put u = {.id = s->id, .fd = -1};
	struct oe_sftp_attrs a;
	struct oe_buf data;
	size_t head;
	int dir = -1, r = -1;

	if (!path || oe_buf_get_u32(req, &u.flags) < 0 ||
	    oe_sftp_get_attrs(req, &a) < 0 ||
	    oe_buf_get_string(req, &data) < 0 ||
	    oe_buf_left(&data) > OE_SFTP_WHOLE_MAX)
		return OE_FX_BAD_MESSAGE;
	u.path = s->path[0];
	slash = strrchr(path, '/');
	u.name = slash ? slash + 1 : path;
	u.size = oe_buf_left(&data);
	head = slash ? (size_t)(slash - path) + (slash == path) : 0;
	/* two files for one place keep their order */
	if (!(u.flags & OE_PUT_SYNC) && s->puts.n)
		oe_sftp__puts_flush(s);
	errno = EISDIR;
	if (*u.name && strcmp(u.name, ".") != 0 && strcmp(u.name, "..") != 0)
		dir = put_dir(s, path, head);
	s->id = u.id; /* others may have been answered */
	puts_guard(&s->puts);
	if (dir >= 0) {
		u.dir = (unsigned)dir;
		r = put_write(s, &u, &a, &data);
	}
	if (r == 0 && u.flags & OE_PUT_SYNC) {
		put_hold(s, &u);
		return OE_SFTP__ANSWERED;
	}
	if (r == 0)
		r = put_now(s, &u);
	puts_unguard(&s->puts);
	oe_sftp__tell(s, OE_SFTP_AUDIT_PUT_FILE, path, NULL, u.size, r);
	return r < 0 ? oe_sftp__fail(s) : OE_FX_OK;
}

/* --- a group --- */

static unsigned
count_on(const struct oe_sftp__puts *t, dev_t dev)
{
	unsigned i, n = 0;

	for (i = 0; i < t->n; i++)
		n += t->v[i].dev == dev;
	return n;
}

/* Content to the disk: one write for a file system, or one for each file. */
static void
sync_files(struct oe_sftp__puts *t)
{
	unsigned i, k;
	int r;

	for (i = 0; i < t->n; i++) {
		if (t->v[i].fd < 0)
			continue;
		if (count_on(t, t->v[i].dev) < OE_SFTP__PUTS_TOGETHER) {
			r = fsync(t->v[i].fd);
			t->v[i].sys_errno = r < 0 ? errno : 0;
			oe_fd_close(&t->v[i].fd);
			continue;
		}
		r = syncfs(t->v[i].fd) < 0 ? errno : 0;
		for (k = t->n; k-- > i;) {
			if (t->v[k].dev != t->v[i].dev)
				continue;
			t->v[k].sys_errno = r;
			oe_fd_close(&t->v[k].fd);
		}
	}
}

/* Names to the disk.  0 or errno. */
static int
sync_dir(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	/* who may write to a directory need not be able to read it */
	if (fd < 0 && errno == EACCES)
		return 0;
	if (fd < 0 || fsync(fd) < 0)
		r = errno;
	oe_fd_close(&fd);
	/* some file systems have nothing to do for a directory */
	return r == EINVAL ? 0 : r;
}

static void
place_files(struct oe_sftp__puts *t)
{
	int told[OE_SFTP__PUTS_DIRS];
	bool changed[OE_SFTP__PUTS_DIRS] = {false};
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (t->v[i].sys_errno == 0 && put_move(t, &t->v[i]) < 0)
			t->v[i].sys_errno = errno;
		if (t->v[i].sys_errno)
			put_discard(t, &t->v[i]);
		else
			changed[t->v[i].dir] = true;
	}
	for (i = 0; i < t->n_dirs; i++)
		told[i] = changed[i] ? sync_dir(t->dirs[i].fd) : 0;
	for (i = 0; i < t->n; i++)
		if (t->v[i].sys_errno == 0)
			t->v[i].sys_errno = told[t->v[i].dir];
}

static void
forget(struct oe_sftp__puts *t)
{
	unsigned i;

	for (i = 0; i < t->n; i++)
		free(t->v[i].path);
	for (i = 0; i < t->n_dirs; i++) {
		oe_fd_close(&t->dirs[i].fd);
		free(t->dirs[i].path);
	}
	t->n = t->n_dirs = 0;
	t->bytes = 0;
	puts_unguard(t);
}

void
oe_sftp__puts_flush(struct oe_sftp_server *s)
{
	struct oe_sftp__puts *t = &s->puts;
	uint32_t id = s->id;
	unsigned i;
	int fx;

	if (t->n) {
		sync_files(t);
		place_files(t);
	}
	for (i = 0; i < t->n; i++) {
		errno = t->v[i].sys_errno;
		s->why = NULL;
		fx = errno ? oe_sftp__fail(s) : OE_FX_OK;
		oe_sftp__status(s, t->v[i].id, (uint32_t)fx, s->why);
		errno = t->v[i].sys_errno;
		oe_sftp__tell(s, OE_SFTP_AUDIT_PUT_FILE, t->v[i].path, NULL,
		    t->v[i].size, errno ? -1 : 0);
	}
	forget(t);
	s->id = id;
	s->why = NULL;
}

void
oe_sftp__puts_done(struct oe_sftp_server *s)
{
	struct oe_sftp__puts *t = &s->puts;
	unsigned i;

	for (i = 0; i < t->n; i++) {
		put_discard(t, &t->v[i]);
		oe_fd_close(&t->v[i].fd);
	}
	forget(t);
	oe_mem_free(&t->v);
}
