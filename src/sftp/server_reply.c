/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers, and the parts of requests.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "sftp/server_internal.h"

static void
set_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/*
 * What waits is at most OUT_HIGH when a request is taken, and a group of
 * put-file requests adds a STATUS each: the memory holds that and one reply.
 */
_Static_assert(
    OE_SFTP__OUT_HIGH + OE_SFTP__REPLY_MAX + OE_SFTP__PUTS_MAX * 1024 <
	OE_SFTP_SERVER_OUT,
    "an answer always has room");

size_t
oe_sftp__reply(struct oe_sftp_server *s, enum oe_sftp_type type)
{
	struct oe_buf *b = &s->out;
	size_t start;

	if (b->off == b->len)
		b->off = b->len = 0;
	if (b->off && b->cap - b->len < OE_SFTP__REPLY_MAX) {
		memmove(b->data, b->data + b->off, b->len - b->off);
		b->len -= b->off;
		b->off = 0;
	}
	start = b->len;
	oe_buf_put_u32(b, 0);
	oe_buf_put_u8(b, (uint8_t)type);
	oe_buf_put_u32(b, s->id);
	return start;
}

int
oe_sftp__reply_end(struct oe_sftp_server *s, size_t start)
{
	set_u32(s->out.data + start, (uint32_t)(s->out.len - start - 4));
	return OE_SFTP__ANSWERED;
}

void
oe_sftp__reply_drop(struct oe_sftp_server *s, size_t start)
{
	s->out.len = start;
}

void
oe_sftp__status(
    struct oe_sftp_server *s, uint32_t id, uint32_t fx, const char *why)
{
	size_t start;

	s->id = id;
	start = oe_sftp__reply(s, OE_FXP_STATUS);
	oe_buf_put_u32(&s->out, fx);
	oe_buf_put_cstring(&s->out, why ? why : oe_sftp_fx_text(fx));
	oe_buf_put_cstring(&s->out, "en");
	oe_sftp__reply_end(s, start);
}

int
oe_sftp__reply_name(struct oe_sftp_server *s, const char *name)
{
	const struct oe_sftp_attrs none = {.flags = 0};
	size_t start = oe_sftp__reply(s, OE_FXP_NAME);

	oe_buf_put_u32(&s->out, 1);
	oe_buf_put_cstring(&s->out, name);
	oe_buf_put_cstring(&s->out, name);
	oe_sftp_put_attrs(&s->out, &none);
	return oe_sftp__reply_end(s, start);
}

int
oe_sftp__reply_attrs(struct oe_sftp_server *s, const struct stat *st)
{
	size_t start = oe_sftp__reply(s, OE_FXP_ATTRS);
	struct oe_sftp_attrs a;

	oe_sftp_attrs_of(st, &a);
	oe_sftp_put_attrs(&s->out, &a);
	return oe_sftp__reply_end(s, start);
}

int
oe_sftp__fail(struct oe_sftp_server *s)
{
	enum oe_sftp_fx fx = oe_sftp_fx_of(errno);

	/* "Failure" tells a user nothing: full disk, not empty, there already
	 */
	if (fx == OE_FX_FAILURE)
		s->why = strerror(errno);
	return (int)fx;
}

void
oe_sftp__tell(struct oe_sftp_server *s, enum oe_sftp_audit_op op,
    const char *path, const char *to, uint64_t bytes, int r)
{
	struct oe_sftp_audit_item item;
	int saved = errno;

	if (!s->rules.audit)
		return;
	item = (struct oe_sftp_audit_item){.op = op,
	    .path = path,
	    .to = to,
	    .sys_errno = r < 0 ? saved : 0,
	    .bytes = bytes};
	s->rules.audit->operation(s->rules.audit->arg, &item);
	errno = saved;
}

void
oe_sftp__told(const struct oe_sftp_server *s)
{
	if (s->rules.audit && s->rules.audit->flush)
		s->rules.audit->flush(s->rules.audit->arg);
}

int
oe_sftp__result(struct oe_sftp_server *s, enum oe_sftp_audit_op op,
    const char *path, const char *to, int r)
{
	oe_sftp__tell(s, op, path, to, 0, r);
	return r < 0 ? oe_sftp__fail(s) : OE_FX_OK;
}

const char *
oe_sftp__get_path(struct oe_sftp_server *s, struct oe_buf *req, int which)
{
	char *to = s->path[which];
	struct oe_buf text;
	size_t n;

	if (oe_buf_get_string(req, &text) < 0)
		return NULL;
	n = oe_buf_left(&text);
	if (n > OE_SFTP_PATH_MAX || memchr(oe_buf_head(&text), 0, n)) {
		s->why = n > OE_SFTP_PATH_MAX ? "Path too long"
					      : "Path with a zero byte";
		return NULL;
	}
	memcpy(to, oe_buf_head(&text), n);
	to[n] = '\0';
	if (n == 0) {
		to[0] = '.';
		to[1] = '\0';
	}
	return to;
}

int
oe_sftp__get_handle(
    struct oe_sftp_server *s, struct oe_buf *req, struct oe_sftp__handle **ret)
{
	struct oe_buf wire;

	if (oe_buf_get_string(req, &wire) < 0)
		return OE_ESHORT;
	*ret = oe_sftp__handle_get(&s->handles, &wire);
	if (!*ret)
		s->why = "No such handle";
	return 0;
}

uint8_t *
oe_sftp__scratch(struct oe_sftp_server *s)
{
	if (!s->scratch)
		s->scratch = oe_mem_map(OE_SFTP__SCRATCH);
	return s->scratch;
}

bool
oe_sftp__peer_gone(const struct oe_sftp_server *s)
{
	struct pollfd p = {.fd = s->peer, .events = 0};

	/* work of this length: what was done before it can be looked up */
	oe_sftp__told(s);
	return s->peer >= 0 && poll(&p, 1, 0) > 0 &&
	       p.revents & (POLLERR | POLLNVAL);
}
