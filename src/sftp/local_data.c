/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/local.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/ssh/digest.h"

/* Extents of one request, as on the wire. */
#define EXTENTS_MAX 1024

/* One digest of up to @n bytes at @at.  Bytes hashed, or -1 with errno. */
static ssize_t
hash_some(
    struct oe_sftp_fs *fs, struct oe_digest *d, int fd, uint64_t at, uint64_t n)
{
	uint8_t *buf = oe_sftp__local_buf(fs);
	uint64_t all = 0;
	size_t want;
	ssize_t r;

	while (all < n) {
		want = n - all > LOCAL_BUF ? LOCAL_BUF : (size_t)(n - all);
		r = oe_sftp__local_pread(fd, buf, want, at + all);
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		oe_digest_update(d, buf, (size_t)r);
		all += (uint64_t)r;
	}
	return (ssize_t)all;
}

struct hashing {
	struct oe_sftp_op *op;
	struct oe_digest *d;
	int fd;
	uint64_t offset, length;
	uint32_t block;
	uint8_t *out; /* OE_SFTP_HASHES_MAX digests */
};

/*
 * All blocks.  Whatever the length says, the end of the file ends it; the one
 * digest of an empty range is that of no bytes.
 */
static void
hash_blocks(struct oe_sftp_fs *fs, struct hashing *h)
{
	size_t size = oe_digest_size(h->d), done = 0;
	uint64_t left = h->length ? h->length : INT64_MAX, at = h->offset, n;
	uint8_t sum[OE_DIGEST_MAX];
	ssize_t r;

	do {
		n = h->block && h->block < left ? h->block : left;
		r = hash_some(fs, h->d, h->fd, at, n);
		if (r == 0 && done)
			break;
		if (r < 0)
			oe_sftp__local_errno(h->op, errno);
		else if (done == OE_SFTP_HASHES_MAX)
			oe_sftp__local_fail(
			    h->op, OE_ETOOBIG, "too many blocks");
		else if (oe_digest_final(h->d, sum, NULL) < 0)
			oe_sftp__local_fail(h->op, OE_ELIB, "no digest");
		if (h->op->status < 0)
			return;
		memcpy(h->out + done++ * size, sum, size);
		at += (uint64_t)r;
		left -= (uint64_t)r;
	} while (h->block && left && (uint64_t)r == n);
	h->op->hash = h->out;
	h->op->hash_len = done * size;
}

void
oe_sftp__local_hash(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, const char *algorithm, uint64_t offset,
    uint64_t length, uint32_t block)
{
	struct hashing h = {.op = op, .fd = file->fd, .block = block};

	h.offset = offset;
	h.length = length;
	if (oe_digest_new(algorithm, &h.d, NULL) < 0) {
		oe_sftp__local_fail(op, OE_EINVAL, "no such hash");
	} else {
		h.out = oe_mem_zalloc(
		    (block ? OE_SFTP_HASHES_MAX : 1) * oe_digest_size(h.d));
		hash_blocks(fs, &h);
	}
	oe_sftp__local_end(op);
	oe_digest_free(&h.d);
	free(h.out);
}

/* The extent at or after *@at; 1, 0 (no more), -1 with errno. */
static int
next_extent(int fd, uint64_t *at, struct oe_sftp_extent *ret)
{
	off_t data, hole;

	data = lseek(fd, (off_t)*at, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? 0 : -1;
	hole = lseek(fd, data, SEEK_HOLE);
	if (hole < 0)
		return errno == ENXIO ? 0 : -1;
	ret->offset = (uint64_t)data;
	ret->length = (uint64_t)(hole - data);
	*at = (uint64_t)hole;
	return 1;
}

void
oe_sftp__local_extents(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset)
{
	struct oe_sftp_extent x;
	unsigned n;
	int r = 1;

	(void)fs;
	for (n = 0; n < EXTENTS_MAX; n++) {
		r = next_extent(file->fd, &offset, &x);
		if (r <= 0)
			break;
		op->extent(op, &x);
	}
	op->last = r == 0;
	oe_sftp__local_sys(op, r);
}

/* Where the kernel cannot copy between the two: by hand. */
static ssize_t
copy_by_hand(
    struct oe_sftp_fs *fs, int from, off_t *a, int to, off_t *b, size_t n)
{
	uint8_t *buf = oe_sftp__local_buf(fs);
	ssize_t r, w;

	r = oe_sftp__local_pread(
	    from, buf, n < LOCAL_BUF ? n : LOCAL_BUF, (uint64_t)*a);
	if (r <= 0)
		return r;
	w = pwrite(to, buf, (size_t)r, *b);
	if (w > 0) {
		*a += w;
		*b += w;
	}
	return w;
}

static bool
cannot_copy(int e)
{
	return e == EXDEV || e == EINVAL || e == ENOSYS || e == EOPNOTSUPP ||
	       e == EBADF;
}

#define COPY_STEP (64u * 1024 * 1024)

void
oe_sftp__local_copy(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *from, uint64_t from_offset, uint64_t length,
    struct oe_sftp_file *to, uint64_t to_offset)
{
	uint64_t left = length ? length : INT64_MAX;
	off_t a = (off_t)from_offset, b = (off_t)to_offset;
	bool by_hand = false;
	size_t want;
	ssize_t r = 0;

	while (left) {
		want = left < COPY_STEP ? (size_t)left : COPY_STEP;
		r = by_hand
			? copy_by_hand(fs, from->fd, &a, to->fd, &b, want)
			: copy_file_range(from->fd, &a, to->fd, &b, want, 0);
		if (r < 0 && errno == EINTR)
			continue;
		if (!by_hand && r < 0 && cannot_copy(errno)) {
			by_hand = true;
			continue;
		}
		if (r <= 0)
			break;
		left -= (uint64_t)r;
	}
	oe_sftp__local_sys(op, r < 0 ? -1 : 0);
}
