/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions on the content of files: copies, hashes, holes, small files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/str.h"
#include "core/ssh/digest.h"
#include "sftp/server_internal.h"

/* Digests and extents of one answer; see doc/protocol/sftp.md. */
#define HASHES_MAX     1024
#define HASH_BLOCK_MIN 256
#define EXTENTS_MAX    1024
/* Bytes after which a long request looks whether somebody still waits. */
#define LOOK (64ull * 1024 * 1024)

/* --- copy-data --- */

struct copy {
	struct oe_sftp__handle *from, *to;
	uint64_t from_at, to_at, left, done;
	bool by_hand; /* the system cannot copy between these */
};

/* 1, 0 at the end, or -1. */
static int
copy_by_hand(struct oe_sftp_server *s, struct copy *c)
{
	uint8_t *p = oe_sftp__scratch(s);
	size_t want =
	    c->left < OE_SFTP__SCRATCH ? (size_t)c->left : OE_SFTP__SCRATCH;
	ssize_t n = pread(c->from->fd, p, want, (off_t)c->from_at), w, at;

	for (at = 0; at < n; at += w) {
		w = pwrite(
		    c->to->fd, p + at, (size_t)(n - at), (off_t)c->to_at + at);
		if (w < 0)
			return -1;
	}
	if (n <= 0)
		return (int)n;
	c->from_at += (uint64_t)n;
	c->to_at += (uint64_t)n;
	c->left -= (uint64_t)n;
	c->done += (uint64_t)n;
	return 1;
}

static int
copy_step(struct oe_sftp_server *s, struct copy *c)
{
	off_t in = (off_t)c->from_at, out = (off_t)c->to_at;
	ssize_t n;

	if (c->by_hand)
		return copy_by_hand(s, c);
	n = copy_file_range(c->from->fd, &in, c->to->fd, &out,
	    c->left < LOOK ? (size_t)c->left : (size_t)LOOK, 0);
	/* files of /proc say 0 where read() has something to say */
	if ((n < 0 && errno != ENOSPC && errno != EIO && errno != EDQUOT &&
		errno != EFBIG) ||
	    (n == 0 && c->done == 0)) {
		c->by_hand = true;
		return 1;
	}
	if (n > 0) {
		c->from_at += (uint64_t)n;
		c->to_at += (uint64_t)n;
		c->left -= (uint64_t)n;
		c->done += (uint64_t)n;
	}
	return n < 0 ? -1 : n > 0;
}

/* Would a copy to the same file read what it has written? */
static int
copy_check(struct copy *c)
{
	struct stat a, b;
	uint64_t size;

	if (fstat(c->from->fd, &a) < 0 || fstat(c->to->fd, &b) < 0)
		return -1;
	if (c->left == 0)
		c->left = INT64_MAX - c->from_at;
	if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return 0;
	/* what the copy adds is no part of what is copied */
	size = (uint64_t)a.st_size;
	if (c->from_at >= size)
		c->left = 0;
	else if (c->left > size - c->from_at)
		c->left = size - c->from_at;
	if (c->to->pflags & OE_FXF_APPEND)
		c->to_at = size;
	if (c->from_at < c->to_at + c->left &&
	    c->to_at < c->from_at + c->left) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

int
oe_sftp__do_copy(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct copy c = {.from = NULL};
	uint64_t looked = 0;
	int r;

	if (oe_sftp__get_handle(s, req, &c.from) < 0 ||
	    oe_buf_get_u64(req, &c.from_at) < 0 ||
	    oe_buf_get_u64(req, &c.left) < 0 ||
	    oe_sftp__get_handle(s, req, &c.to) < 0 ||
	    oe_buf_get_u64(req, &c.to_at) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!c.from || !c.to || c.from->dir || c.to->dir)
		return OE_FX_NO_SUCH_FILE;
	if (c.from_at > INT64_MAX || c.to_at > INT64_MAX ||
	    c.left > INT64_MAX) {
		errno = EFBIG;
		return oe_sftp__fail(s);
	}
	if (copy_check(&c) < 0) {
		if (errno == EINVAL)
			s->why = "The ranges overlap";
		return errno == EINVAL ? OE_FX_FAILURE : oe_sftp__fail(s);
	}
	for (r = 1; r > 0 && c.left;) {
		r = copy_step(s, &c);
		if (r > 0 && c.done - looked >= LOOK) {
			looked = c.done;
			if (oe_sftp__peer_gone(s)) {
				errno = EPIPE;
				r = -1;
			}
		}
	}
	c.to->bytes_written += c.done;
	oe_sftp__tell(
	    s, OE_SFTP_AUDIT_COPY, c.from->path, c.to->path, c.done, r);
	return r < 0 ? oe_sftp__fail(s) : OE_FX_OK;
}

/* --- check-file --- */

struct hashing {
	int fd;
	uint64_t offset, left;
	uint32_t block;
	struct oe_digest *d;
	uint64_t seen;
};

/* The next block; 1, 0 when there was nothing left for one, or -1. */
static int
hash_block(struct oe_sftp_server *s, struct hashing *h)
{
	uint64_t left = h->block && h->block < h->left ? h->block : h->left;
	uint8_t *p = oe_sftp__scratch(s), md[OE_DIGEST_MAX];
	bool any = h->block == 0;
	ssize_t n = 1;

	while (left && n > 0) {
		n = pread(h->fd, p,
		    left < OE_SFTP__SCRATCH ? (size_t)left : OE_SFTP__SCRATCH,
		    (off_t)h->offset);
		if (n < 0)
			return -1;
		oe_digest_update(h->d, p, (size_t)n);
		any = any || n > 0;
		h->offset += (uint64_t)n;
		h->left -= (uint64_t)n;
		h->seen += (uint64_t)n;
		left -= (uint64_t)n;
		if (h->seen >= LOOK && oe_sftp__peer_gone(s)) {
			errno = EPIPE;
			return -1;
		}
		h->seen %= LOOK;
	}
	if (n == 0)
		h->left = 0;
	if (!any)
		return 0;
	if (oe_digest_final(h->d, md, NULL) < 0) {
		errno = EIO;
		return -1;
	}
	oe_buf_put(&s->out, md, oe_digest_size(h->d));
	return 1;
}

static int
hash_all(struct oe_sftp_server *s, struct hashing *h, const char *name)
{
	size_t start = oe_sftp__reply(s, OE_FXP_EXTENDED_REPLY);
	int r, saved;

	oe_buf_put_cstring(&s->out, "check-file");
	oe_buf_put_cstring(&s->out, name);
	do {
		r = hash_block(s, h);
	} while (r > 0 && h->left && h->block);
	if (r >= 0)
		return oe_sftp__reply_end(s, start);
	saved = errno;
	oe_sftp__reply_drop(s, start);
	errno = saved;
	return oe_sftp__fail(s);
}

/* The first algorithm of the peer's list that is known here. */
static int
hash_choose(
    struct oe_buf *list, struct oe_digest **ret, char *ret_name, size_t size)
{
	struct oe_strs names = {NULL, 0};
	char text[256];
	size_t n = oe_buf_left(list), i;
	int r = OE_ENOENT;

	if (n >= sizeof text || memchr(oe_buf_head(list), 0, n))
		return OE_ENOENT;
	memcpy(text, oe_buf_head(list), n);
	text[n] = '\0';
	oe_strs_split(&names, text, ',');
	for (i = 0; i < names.n && r < 0; i++) {
		r = oe_digest_new(names.v[i], ret, NULL);
		if (r == 0)
			(void)oe_str_copy(ret_name, size, names.v[i]);
	}
	oe_strs_done(&names);
	return r;
}

/* What follows handle or path; @fd and @path are the file. */
static int
hash_request(
    struct oe_sftp_server *s, struct oe_buf *req, int fd, const char *path)
{
	struct hashing h = {.fd = fd};
	struct oe_buf list;
	struct stat st;
	char name[16];
	int fx;

	if (oe_buf_get_string(req, &list) < 0 ||
	    oe_buf_get_u64(req, &h.offset) < 0 ||
	    oe_buf_get_u64(req, &h.left) < 0 ||
	    oe_buf_get_u32(req, &h.block) < 0 || h.offset > INT64_MAX ||
	    (h.block && h.block < HASH_BLOCK_MIN))
		return OE_FX_BAD_MESSAGE;
	if (fstat(fd, &st) < 0)
		return oe_sftp__fail(s);
	if (!S_ISREG(st.st_mode)) {
		s->why = "Not a regular file";
		return OE_FX_FAILURE;
	}
	if (h.left == 0 || h.left > INT64_MAX - h.offset)
		h.left = INT64_MAX - h.offset;
	if (h.block && h.offset < (uint64_t)st.st_size) {
		/* by what is there now; what comes meanwhile is not asked */
		if (h.left > (uint64_t)st.st_size - h.offset)
			h.left = (uint64_t)st.st_size - h.offset;
		if ((h.left - 1) / h.block >= HASHES_MAX) {
			s->why = "Too many hashes";
			return OE_FX_FAILURE;
		}
	} else if (h.block) {
		h.left = 0;
	}
	if (hash_choose(&list, &h.d, name, sizeof name) < 0) {
		s->why = "No such hash algorithm";
		return OE_FX_FAILURE;
	}
	fx = hash_all(s, &h, name);
	oe_digest_free(&h.d);
	oe_sftp__tell(s, OE_SFTP_AUDIT_HASH, path, NULL, 0,
	    fx == OE_SFTP__ANSWERED ? 0 : -1);
	return fx;
}

int
oe_sftp__do_hash_handle(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h;

	if (oe_sftp__get_handle(s, req, &h) < 0)
		return OE_FX_BAD_MESSAGE;
	if (!h || h->dir)
		return OE_FX_NO_SUCH_FILE;
	return hash_request(s, req, h->fd, h->path);
}

int
oe_sftp__do_hash_name(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	int fd, fx;

	if (!path)
		return OE_FX_BAD_MESSAGE;
	fd = oe_sftp__open(&s->roots, path, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return oe_sftp__fail(s);
	fx = hash_request(s, req, fd, path);
	oe_fd_close(&fd);
	return fx;
}

/* --- extents --- */

/*
 * The next extent at or after *@at, which moves behind it.
 * 1, 0 when there is no more data, or -1.
 */
static int
next_extent(int fd, off_t size, off_t *at, off_t *ret_begin)
{
	off_t begin, end;

	if (*at >= size)
		return 0;
	begin = lseek(fd, *at, SEEK_DATA);
	if (begin < 0 && errno == ENXIO)
		return 0;
	/* a file system that does not know has data everywhere */
	if (begin < 0 && errno == EINVAL) {
		*ret_begin = *at;
		*at = size;
		return 1;
	}
	end = begin < 0 ? -1 : lseek(fd, begin, SEEK_HOLE);
	if (end < 0)
		return -1;
	*ret_begin = begin;
	*at = end;
	return end > begin;
}

int
oe_sftp__do_extents(struct oe_sftp_server *s, struct oe_buf *req)
{
	struct oe_sftp__handle *h;
	uint64_t offset;
	uint32_t n = 0;
	size_t start, end;
	struct stat st;
	off_t at, begin = 0;
	int r = 1;

	if (oe_sftp__get_handle(s, req, &h) < 0 ||
	    oe_buf_get_u64(req, &offset) < 0 || offset > INT64_MAX)
		return OE_FX_BAD_MESSAGE;
	if (!h || h->dir)
		return OE_FX_NO_SUCH_FILE;
	if (fstat(h->fd, &st) < 0)
		return oe_sftp__fail(s);
	at = (off_t)offset;
	start = oe_sftp__reply(s, OE_FXP_EXTENDED_REPLY);
	oe_buf_put_u8(&s->out, 0);
	oe_buf_put_u32(&s->out, 0);
	while (n < EXTENTS_MAX &&
	       (r = next_extent(h->fd, st.st_size, &at, &begin)) > 0) {
		oe_buf_put_u64(&s->out, (uint64_t)begin);
		oe_buf_put_u64(&s->out, (uint64_t)(at - begin));
		n++;
	}
	if (r < 0) {
		oe_sftp__reply_drop(s, start);
		return oe_sftp__fail(s);
	}
	end = s->out.len;
	s->out.len = start + 9;
	oe_buf_put_u8(&s->out, r == 0 || at >= st.st_size);
	oe_buf_put_u32(&s->out, n);
	s->out.len = end;
	return oe_sftp__reply_end(s, start);
}

/* --- get-file --- */

static ssize_t
read_whole(int fd, uint8_t *p, size_t n)
{
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = pread(fd, p + got, n - got, (off_t)got);
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

static int
get_opened(struct oe_sftp_server *s, int fd, uint32_t max, uint64_t *ret_bytes)
{
	struct oe_sftp_attrs a;
	size_t start, mark, want;
	struct stat st;
	ssize_t n = 0;

	if (fstat(fd, &st) < 0)
		return oe_sftp__fail(s);
	if (!S_ISREG(st.st_mode)) {
		s->why = "Not a regular file";
		return OE_FX_FAILURE;
	}
	oe_sftp_attrs_of(&st, &a);
	start = oe_sftp__reply(s, OE_FXP_EXTENDED_REPLY);
	mark = s->out.len;
	oe_sftp_put_attrs(&s->out, &a);
	oe_buf_put_u32(&s->out, 0);
	/* a file of /proc has size 0 and still something to say */
	want = st.st_size ? (size_t)a.size : (size_t)max + 1;
	if (a.size <= max)
		n = read_whole(fd, s->out.data + s->out.len, want);
	if (n < 0) {
		oe_sftp__reply_drop(s, start);
		return oe_sftp__fail(s);
	}
	if (a.size <= max)
		a.size = (uint64_t)n;
	if (a.size > max)
		n = 0;
	s->out.len = mark;
	oe_sftp_put_attrs(&s->out, &a);
	oe_buf_put_u32(&s->out, (uint32_t)n);
	s->out.len += (size_t)n;
	*ret_bytes = (uint64_t)n;
	return oe_sftp__reply_end(s, start);
}

int
oe_sftp__do_get_file(struct oe_sftp_server *s, struct oe_buf *req)
{
	const char *path = oe_sftp__get_path(s, req, 0);
	uint64_t bytes = 0;
	uint32_t max, flags;
	int fd, fx;

	if (!path || oe_buf_get_u32(req, &max) < 0 ||
	    oe_buf_get_u32(req, &flags) < 0)
		return OE_FX_BAD_MESSAGE;
	if (max > OE_SFTP_WHOLE_MAX)
		max = OE_SFTP_WHOLE_MAX;
	fd = oe_sftp__open(&s->roots, path,
	    O_RDONLY | O_NONBLOCK | (flags & 1 ? O_NOFOLLOW : 0), 0);
	if (fd < 0) {
		oe_sftp__tell(s, OE_SFTP_AUDIT_GET_FILE, path, NULL, 0, -1);
		return oe_sftp__fail(s);
	}
	fx = get_opened(s, fd, max, &bytes);
	oe_fd_close(&fd);
	oe_sftp__tell(s, OE_SFTP_AUDIT_GET_FILE, path, NULL, bytes,
	    fx == OE_SFTP__ANSWERED ? 0 : -1);
	return fx;
}
