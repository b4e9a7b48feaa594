/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open files of a session.  What the peer holds is a slot and a random
 * number that is new for each use of the slot, so that an old handle, or a
 * guessed one, is none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "sftp/server_internal.h"

static int
grow(struct oe_sftp__handles *t)
{
	uint32_t n = t->n ? t->n * 2 : 16, i;

	if (n > t->max)
		n = t->max;
	if (n <= t->n) {
		errno = EMFILE;
		return -1;
	}
	t->v = oe_mem_realloc_array(t->v, n, sizeof *t->v);
	for (i = n; i-- > t->n;) {
		memset(&t->v[i], 0, sizeof t->v[i]);
		t->v[i].fd = -1;
		t->v[i].next_free = t->free;
		t->free = i + 1;
	}
	t->n = n;
	return 0;
}

int
oe_sftp__handle_new(struct oe_sftp__handles *t, const struct oe_sftp__handle *h,
    uint8_t ret[OE_SFTP__HANDLE_LEN])
{
	struct oe_sftp__handle *slot;
	uint32_t i, generation;
	int k;

	if (!t->free && grow(t) < 0)
		return -1;
	i = t->free - 1;
	slot = &t->v[i];
	t->free = slot->next_free;
	generation = oe_mem_random(0);
	*slot = *h;
	slot->generation = generation;
	slot->path = oe_mem_strdup(h->path);
	for (k = 0; k < 4; k++) {
		ret[k] = (uint8_t)(i >> (24 - 8 * k));
		ret[4 + k] = (uint8_t)(generation >> (24 - 8 * k));
	}
	return 0;
}

struct oe_sftp__handle *
oe_sftp__handle_get(struct oe_sftp__handles *t, const struct oe_buf *wire)
{
	struct oe_buf b = *wire;
	uint32_t i, generation;

	if (oe_buf_left(&b) != OE_SFTP__HANDLE_LEN ||
	    oe_buf_get_u32(&b, &i) < 0 || oe_buf_get_u32(&b, &generation) < 0)
		return NULL;
	if (i >= t->n || t->v[i].fd < 0 || t->v[i].generation != generation)
		return NULL;
	return &t->v[i];
}

int
oe_sftp__handle_close(struct oe_sftp__handles *t, struct oe_sftp__handle *h)
{
	int r = h->dir ? closedir(h->dir) : close(h->fd);

	oe_mem_free(&h->path);
	h->fd = -1;
	h->dir = NULL;
	h->next_free = t->free;
	t->free = (uint32_t)(h - t->v) + 1;
	return r;
}

void
oe_sftp__handles_done(struct oe_sftp__handles *t)
{
	uint32_t i;

	for (i = 0; i < t->n; i++)
		if (t->v[i].fd >= 0)
			(void)oe_sftp__handle_close(t, &t->v[i]);
	free(t->v);
	memset(t, 0, sizeof *t);
}
