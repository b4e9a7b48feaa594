/* SPDX-License-Identifier: Apache-2.0 */
#include "server/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

/* At the beginning; the bytes follow. */
struct header {
	uint64_t number, n;
	uint8_t hash[OE_SHA256_SIZE]; /* of number, n and the bytes' hash */
};

static void
snapshot_hash(const struct header *h, const void *p, uint8_t *ret)
{
	uint8_t all[16 + OE_SHA256_SIZE];

	memcpy(all, &h->number, 8);
	memcpy(all + 8, &h->n, 8);
	oe_sha256(p, h->n, all + 16);
	oe_sha256(all, sizeof all, ret);
}

int
oe_srv_snapshot_open(struct oe_srv_snapshot *s, struct oe_err *err)
{
	s->number = 0;
	s->fd = memfd_create("omniedge-policy", MFD_CLOEXEC);
	return s->fd < 0 ? oe_err_sys(err, "memory for the policy") : 0;
}

void
oe_srv_snapshot_adopt(struct oe_srv_snapshot *s, int fd)
{
	struct header h;

	s->fd = fd;
	s->number = 0;
	if (pread(fd, &h, sizeof h, 0) == sizeof h)
		s->number = h.number;
}

void
oe_srv_snapshot_close(struct oe_srv_snapshot *s)
{
	oe_fd_close(&s->fd);
}

static int
snapshot_write(int fd, const void *p, size_t n, off_t at, struct oe_err *err)
{
	const char *from = p;
	ssize_t k;

	while (n) {
		k = pwrite(fd, from, n, at);
		if (k <= 0)
			return oe_err_sys(err, "write the policy for monitors");
		from += k;
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

int
oe_srv_snapshot_put(
    struct oe_srv_snapshot *s, const void *p, size_t n, struct oe_err *err)
{
	struct header h = {.number = s->number + 1, .n = n};
	int r;

	if (n > OE_SRV_SNAPSHOT_MAX)
		return oe_err_set(err, OE_ETOOBIG, "the policy is too large");
	snapshot_hash(&h, p, h.hash);
	r = snapshot_write(s->fd, p, n, sizeof h, err);
	if (r == 0)
		r = snapshot_write(s->fd, &h, sizeof h, 0, err);
	if (r == 0)
		s->number = h.number;
	return r;
}

int
oe_srv_snapshot_get(
    struct oe_srv_snapshot *s, struct oe_buf *ret, struct oe_err *err)
{
	uint8_t hash[OE_SHA256_SIZE], *p;
	struct header h;
	struct oe_buf b;
	size_t got = 0;
	ssize_t k = 1;

	if (pread(s->fd, &h, sizeof h, 0) != sizeof h || h.number <= s->number)
		return OE_EAGAIN;
	if (h.n > OE_SRV_SNAPSHOT_MAX)
		return oe_err_set(
		    err, OE_ESYS, "the policy's memory is broken");
	p = oe_mem_zalloc(h.n + 1);
	while (got < h.n && k > 0) {
		k = pread(s->fd, p + got, h.n - got, (off_t)(sizeof h + got));
		got += k > 0 ? (size_t)k : 0;
	}
	if (got == h.n)
		snapshot_hash(&h, p, hash);
	if (got < h.n || memcmp(hash, h.hash, sizeof hash)) {
		free(p);
		return OE_EAGAIN;
	}
	oe_buf_init(&b, h.n + 1);
	(void)oe_buf_put(&b, p, h.n);
	free(p);
	s->number = h.number;
	*ret = b;
	return 0;
}
