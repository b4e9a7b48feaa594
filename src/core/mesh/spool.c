/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* First line of the file: this and the id. */
#define HEAD     "omniedge spool 1 "
#define HEAD_LEN (sizeof HEAD - 1 + OE_SPOOL_ID + 1)
#define MARK_MAX 128
/* Holes are of whole blocks, and not made for less than this. */
#define HOLE_MIN   (1u << 20)
#define HOLE_BLOCK 65536u

static char *
spool_path(const char *folder)
{
	return oe_mem_printf("%s/events", folder);
}

/* A new file appears with its first line, or not at all. */
static int
spool_make(const char *path, struct oe_err *err)
{
	char *new = oe_mem_printf("%s.%ld", path, (long)getpid());
	char text[HEAD_LEN + 1], id[OE_SPOOL_ID / 2];
	int r;

	memcpy(text, HEAD, sizeof HEAD);
	oe_random_bytes(id, sizeof id);
	oe_hex_put(id, sizeof id, text + sizeof HEAD - 1);
	text[HEAD_LEN - 1] = '\n';
	r = oe_fd_write_file(new, text, HEAD_LEN, 0600, err);
	if (r == 0 && link(new, path) < 0 && errno != EEXIST)
		r = oe_err_sys(err, "make '%s'", path);
	(void)unlink(new);
	free(new);
	return r;
}

static int
spool_open_file(const char *path, int flags, int *ret_fd, struct oe_err *err)
{
	struct stat st;
	int fd;

	if (access(path, F_OK) < 0 && errno == ENOENT) {
		int r = spool_make(path, err);

		if (r < 0)
			return r;
	}
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return oe_err_sys(err, "open '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) ||
	    st.st_uid != geteuid()) {
		oe_fd_close(&fd);
		return oe_err_set(err, OE_EPERM,
		    "'%s' must be a file of ours that nobody else can open",
		    path);
	}
	*ret_fd = fd;
	return 0;
}

int
oe_spool_append(const char *folder, int *ret_fd, struct oe_err *err)
{
	char *path = spool_path(folder);
	int r = spool_open_file(path, O_RDWR | O_APPEND, ret_fd, err);

	free(path);
	return r;
}

static int
spool_read_head(int fd, char id[OE_SPOOL_ID + 1])
{
	char text[HEAD_LEN];

	if (pread(fd, text, HEAD_LEN, 0) != (ssize_t)HEAD_LEN ||
	    memcmp(text, HEAD, sizeof HEAD - 1) || text[HEAD_LEN - 1] != '\n')
		return OE_EPROTO;
	memcpy(id, text + sizeof HEAD - 1, OE_SPOOL_ID);
	id[OE_SPOOL_ID] = 0;
	return strspn(id, "0123456789abcdef") == OE_SPOOL_ID ? 0 : OE_EPROTO;
}

/* Another file's mark, or none that can be read, is the beginning. */
static uint64_t
spool_read_mark(const char *mark, const char *id, uint64_t size)
{
	uint64_t sent = HEAD_LEN;
	struct oe_buf text;
	int64_t at;
	char *s, *end;

	if (oe_fd_read_file(mark, MARK_MAX, &text, NULL) < 0)
		return sent;
	s = oe_mem_strndup(
	    (const char *)oe_buf_head(&text), oe_buf_left(&text));
	oe_buf_done(&text);
	end = strchr(s, '\n');
	if (end && !strncmp(s, id, OE_SPOOL_ID) && s[OE_SPOOL_ID] == ' ') {
		*end = 0;
		if (oe_str_parse_int(s + OE_SPOOL_ID + 1, (int64_t)HEAD_LEN,
			(int64_t)size, &at) == 0)
			sent = (uint64_t)at;
	}
	free(s);
	return sent;
}

static uint64_t
spool_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

int
oe_spool_open(const char *folder, struct oe_spool *ret, struct oe_err *err)
{
	char *path = spool_path(folder);
	int r;

	*ret = (struct oe_spool){.fd = -1};
	ret->mark = oe_mem_printf("%s.sent", path);
	ret->chunk = oe_mem_zalloc(OE_SPOOL_CHUNK);
	r = spool_open_file(path, O_RDWR, &ret->fd, err);
	if (r == 0 && flock(ret->fd, LOCK_EX | LOCK_NB) < 0)
		r = oe_err_set(
		    err, OE_EAGAIN, "another process reads '%s'", path);
	if (r == 0 && spool_read_head(ret->fd, ret->id) < 0)
		r = oe_err_set(err, OE_EPROTO, "'%s' is no spool", path);
	if (r == 0)
		ret->sent =
		    spool_read_mark(ret->mark, ret->id, spool_size(ret->fd));
	free(path);
	return r;
}

int
oe_spool_reader(const char *folder, int *ret_fd, struct oe_err *err)
{
	char *path = spool_path(folder);
	int r = spool_open_file(path, O_RDONLY, ret_fd, err);

	free(path);
	return r;
}

int
oe_spool_adopt(int fd, uint64_t sent, struct oe_spool *ret, struct oe_err *err)
{
	*ret = (struct oe_spool){.fd = fd, .sent = sent};
	ret->chunk = oe_mem_zalloc(OE_SPOOL_CHUNK);
	if (spool_read_head(fd, ret->id) < 0)
		return oe_err_set(err, OE_EPROTO, "it is no spool");
	return 0;
}

void
oe_spool_close(struct oe_spool *s)
{
	oe_fd_close(&s->fd);
	oe_mem_free(&s->mark);
	oe_mem_free(&s->chunk);
}

uint64_t
oe_spool_waits(const struct oe_spool *s)
{
	uint64_t size = spool_size(s->fd);

	return size > s->sent ? size - s->sent : 0;
}

int
oe_spool_rewind(struct oe_spool *s, struct oe_err *err)
{
	ssize_t n = pread(s->fd, s->chunk, OE_SPOOL_CHUNK, (off_t)s->sent);

	s->n = s->next = 0;
	s->lines = false;
	if (n < 0)
		return oe_err_sys(err, "read the events that wait");
	s->chunk_at = s->sent;
	s->n = (size_t)n;
	return 0;
}

bool
oe_spool_next(struct oe_spool *s, struct oe_spool_line *ret)
{
	const char *p, *end;

	for (;;) {
		p = s->chunk + s->next;
		end = memchr(p, '\n', s->n - s->next);
		if (!end)
			break;
		s->next = (size_t)(end - s->chunk) + 1;
		if (end == p)
			continue;
		ret->text = p;
		ret->n = (size_t)(end - p);
		snprintf(ret->uid, sizeof ret->uid, "%s-%" PRIu64, s->id,
		    s->chunk_at + (uint64_t)(p - s->chunk));
		ret->end = s->chunk_at + s->next;
		s->lines = true;
		return true;
	}
	/* a chunk without any line is nothing that we wrote */
	if (!s->lines && s->n == OE_SPOOL_CHUNK) {
		oe_log_error(NULL,
		    "%d bytes of the spool are no events: "
		    "they are passed over",
		    OE_SPOOL_CHUNK);
		s->next = s->n;
		s->sent += s->n;
	}
	return false;
}

/* The file system may not know how: then the file is as long as it is. */
static void
spool_free_room(struct oe_spool *s)
{
	uint64_t from = s->freed ? s->freed : HOLE_BLOCK;
	uint64_t to = s->sent - s->sent % HOLE_BLOCK;

	if (to < from + HOLE_MIN)
		return;
	if (fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		(off_t)from, (off_t)(to - from)) < 0)
		oe_log_debug(NULL, "spool: no hole: %s", strerror(errno));
	s->freed = to;
}

int
oe_spool_commit(struct oe_spool *s, uint64_t end, struct oe_err *err)
{
	char text[MARK_MAX];
	int r;

	/* holes are for good: only what was there and is not given up yet */
	if (end < s->sent || end > spool_size(s->fd))
		return oe_err_set(err, OE_EPROTO,
		    "no events end at %" PRIu64 " of the spool", end);
	snprintf(text, sizeof text, "%s %" PRIu64 "\n", s->id, end);
	s->sent = end;
	s->n = s->next = 0;
	if (!s->mark)
		return 0;
	r = oe_fd_write_file(s->mark, text, strlen(text), 0600, err);
	if (r == 0)
		spool_free_room(s);
	return r;
}

int
oe_spool_sync(struct oe_spool *s)
{
	return fdatasync(s->fd) < 0 ? OE_ESYS : 0;
}

uint64_t
oe_spool_fill(const char *folder, int fd)
{
	char *mark = oe_mem_printf("%s/events.sent", folder);
	uint64_t size = spool_size(fd), sent;
	char id[OE_SPOOL_ID + 1];

	sent =
	    spool_read_head(fd, id) < 0 ? 0 : spool_read_mark(mark, id, size);
	free(mark);
	return size - sent;
}
