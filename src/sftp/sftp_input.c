/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "sftp/sftp_parse.h"

struct oe_sftp_input {
	struct oe_loop *loop;
	const bool *lost;
	struct oe_watch *watch;
	int fd;
	bool readable, ended;
	size_t n; /* bytes that wait in buf */
	char buf[OE_SFTP_LINE_MAX + 1];
};

static void
on_input(void *arg, short revents)
{
	struct oe_sftp_input *in = arg;

	(void)revents;
	in->readable = true;
	oe_watch_set(in->watch, 0);
}

struct oe_sftp_input *
oe_sftp_input_new(struct oe_loop *loop, int fd, const bool *lost)
{
	struct oe_sftp_input *in = oe_mem_zalloc(sizeof *in);

	in->loop = loop;
	in->lost = lost;
	in->fd = fd;
	in->watch = oe_loop_watch(loop, fd, 0, on_input, in);
	return in;
}

void
oe_sftp_input_free(struct oe_sftp_input **pin)
{
	struct oe_sftp_input *in = *pin;

	if (!in)
		return;
	*pin = NULL;
	oe_watch_free(&in->watch);
	free(in);
}

/* More bytes: 0, or OE_ECLOSED. */
static int
fill(struct oe_sftp_input *in)
{
	ssize_t n;

	in->readable = false;
	oe_watch_set(in->watch, POLLIN);
	while (!in->readable && !*in->lost)
		if (oe_loop_once(in->loop, -1) < 0)
			return OE_ECLOSED;
	oe_watch_set(in->watch, 0);
	if (*in->lost)
		return OE_ECLOSED;
	n = read(in->fd, in->buf + in->n, sizeof in->buf - in->n);
	if (n > 0)
		in->n += (size_t)n;
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		in->ended = true;
	return 0;
}

int
oe_sftp_input_line(struct oe_sftp_input *in, char **ret)
{
	char *end;
	size_t n;
	int r;

	while (!(end = memchr(in->buf, '\n', in->n)) && !in->ended) {
		if (in->n == sizeof in->buf)
			return OE_ETOOBIG;
		r = fill(in);
		if (r < 0)
			return r;
	}
	if (!end && !in->n)
		return OE_ESHORT;
	n = end ? (size_t)(end - in->buf) : in->n;
	*ret = oe_mem_strndup(in->buf, n);
	n += end ? 1 : 0;
	in->n -= n;
	memmove(in->buf, in->buf + n, in->n);
	return 0;
}
