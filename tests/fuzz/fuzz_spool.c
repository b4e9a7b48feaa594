/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spool and its mark as somebody left them: what is read lies in the file,
 * each line once and in order, reading comes to an end, and what was
 * acknowledged stays so.
 *
 * Input: u8 flags (1: the first line is a good one, and the mark's id is its
 * own; 2: more junk than a chunk holds is in the middle), u8 length of the
 * mark, the mark, the rest of the file.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/mesh/spool.h"

#define ID   "0123456789abcdef"
#define HEAD "omniedge spool 1 " ID "\n"
#define JUNK (OE_SPOOL_CHUNK + 4096)

enum { FUZZ_HEAD = 1, FUZZ_JUNK = 2 };

struct place {
	char folder[64], events[80], mark[80];
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stand-in: the linker prefers it to libc's. */
int
fsync(int fd)
{
	(void)fd;
	return 0;
}

static struct place *
place(void)
{
	static struct place p;

	return &p;
}

static void
clean(void)
{
	(void)unlink(place()->events);
	(void)unlink(place()->mark);
	(void)rmdir(place()->folder);
}

static void
setup(void)
{
	struct place *p = place();

	if (*p->folder)
		return;
	strcpy(p->folder, "/tmp/fuzz_spool.XXXXXX");
	if (!mkdtemp(p->folder) || atexit(clean))
		abort();
	snprintf(p->events, sizeof p->events, "%.63s/events", p->folder);
	snprintf(p->mark, sizeof p->mark, "%.63s/events.sent", p->folder);
	oe_log_setup(OE_LOG_ERROR, OE_LOG_TEXT,
	    open("/dev/null", O_WRONLY | O_CLOEXEC), false);
}

static void
put_file(const char *path, const struct oe_buf *b)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || oe_fd_write_all(fd, oe_buf_head(b), oe_buf_left(b)) < 0)
		abort();
	oe_fd_close(&fd);
}

/* Both files; @file: what is in the larger one. */
static void
put_files(struct oe_buf *in, struct oe_buf *file)
{
	static const char junk[JUNK];
	uint8_t flags = 0, n = 0;
	struct oe_buf mark;
	size_t half;

	(void)!oe_buf_get_u8(in, &flags);
	(void)!oe_buf_get_u8(in, &n);
	half = oe_buf_left(in) < n ? oe_buf_left(in) : n;
	oe_buf_init(&mark, 1024);
	if (flags & FUZZ_HEAD)
		(void)oe_buf_put(&mark, ID " ", strlen(ID " "));
	(void)oe_buf_put(&mark, oe_buf_head(in), half);
	oe_buf_skip(in, half);
	put_file(place()->mark, &mark);
	oe_buf_done(&mark);

	if (flags & FUZZ_HEAD)
		(void)oe_buf_put(file, HEAD, strlen(HEAD));
	half = oe_buf_left(in) / 2;
	(void)oe_buf_put(file, oe_buf_head(in), half);
	oe_buf_skip(in, half);
	if (flags & FUZZ_JUNK)
		(void)oe_buf_put(file, junk, sizeof junk);
	(void)oe_buf_put(file, oe_buf_head(in), oe_buf_left(in));
	put_file(place()->events, file);
}

/* It is in the file, and between it and @from there are empty lines only. */
static void
judge(const struct oe_buf *file, const struct oe_spool_line *l, uint64_t from)
{
	const uint8_t *p = oe_buf_head(file);
	uint64_t at = l->end - 1 - l->n;

	if (!l->n || l->end > oe_buf_left(file) || at < from ||
	    p[l->end - 1] != '\n' || memcmp(p + at, l->text, l->n) ||
	    memchr(l->text, '\n', l->n) || strlen(l->uid) > OE_SPOOL_UID_MAX)
		abort();
	for (; from < at; from++)
		if (p[from] != '\n')
			abort();
}

/* One chunk; where it ends. */
static uint64_t
read_chunk(struct oe_spool *s, const struct oe_buf *file)
{
	uint64_t at = s->sent;
	struct oe_spool_line l;

	if (oe_spool_rewind(s, NULL) < 0)
		abort();
	while (oe_spool_next(s, &l)) {
		judge(file, &l, at);
		at = l.end;
	}
	return at > s->sent ? at : s->sent;
}

static void
read_all(struct oe_spool *s, const struct oe_buf *file)
{
	uint64_t size = oe_buf_left(file), was, at;

	do {
		was = s->sent;
		at = read_chunk(s, file);
		if (at > size || oe_spool_commit(s, size + 1, NULL) == 0 ||
		    (was && oe_spool_commit(s, was - 1, NULL) == 0) ||
		    oe_spool_commit(s, at, NULL) < 0 || s->sent != at)
			abort();
	} while (at > was);
	if (oe_spool_waits(s) != size - at || size - at >= OE_SPOOL_CHUNK)
		abort();
}

/* As the server and the courier see it. */
static void
look(uint64_t sent, uint64_t size)
{
	struct oe_spool s;
	int fd = -1;

	if (oe_spool_open(place()->folder, &s, NULL) < 0 || s.sent != sent ||
	    oe_spool_fill(place()->folder, s.fd) != size - sent)
		abort();
	oe_spool_close(&s);
	if (oe_spool_reader(place()->folder, &fd, NULL) < 0 ||
	    oe_spool_adopt(fd, UINT64_MAX, &s, NULL) < 0 ||
	    oe_spool_waits(&s) || oe_spool_rewind(&s, NULL) == 0)
		abort();
	oe_spool_close(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_buf in, file;
	struct oe_spool s;
	uint64_t n, sent;
	int r;

	setup();
	oe_buf_view(&in, data, size);
	oe_buf_init(&file, 64 << 20);
	put_files(&in, &file);
	n = oe_buf_left(&file);
	r = oe_spool_open(place()->folder, &s, NULL);
	if (r < 0 ? r != OE_EPROTO : s.sent < strlen(HEAD) || s.sent > n)
		abort();
	if (r == 0)
		read_all(&s, &file);
	sent = s.sent;
	oe_spool_close(&s);
	if (r == 0)
		look(sent, n);
	oe_buf_done(&file);
	return 0;
}
