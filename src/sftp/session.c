/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "sftp/session_internal.h"

/* What a silent server gets once more when its time is over. */
#define LAST_CALL_MS 5000

struct oe_sftp_session *
oe_sftp__session(struct oe_sftp_fs *fs)
{
	return (struct oe_sftp_session *)fs;
}

struct oe_sftp_fs *
oe_sftp_session_fs(struct oe_sftp_session *s)
{
	return &s->fs;
}

void
oe_sftp__session_end(struct oe_sftp_op *op)
{
	oe_mem_free(&op->own);
	op->finished = true;
	op->done(op);
}

void
oe_sftp__session_refuse(struct oe_sftp_session *s, struct oe_sftp_op *op,
    int status, const char *words)
{
	(void)s;
	op->status = status;
	oe_str_copy(op->message, sizeof op->message, words);
	oe_sftp__session_end(op);
}

void
oe_sftp__session_progress(struct oe_sftp_session *s)
{
	bool waits =
	    (s->fs.outstanding && !s->slow) || s->state == OE_SESSION_HELLO;

	s->silent = false;

	if (s->timer)
		oe_timer_set(s->timer, waits ? s->plan.answer_ms : -1);
}

/* --- the end --- */

static void
session_let_go(struct oe_sftp_session *s)
{
	oe_buf_done(&s->out);
	oe_buf_done(&s->in);
	free(s->slots);
	free(s);
}

static void
session_enter(struct oe_sftp_session *s)
{
	s->busy++;
}

/* True when the session is gone. */
static bool
session_leave(struct oe_sftp_session *s)
{
	if (--s->busy || !s->freed)
		return false;
	session_let_go(s);
	return true;
}

static void
end_all(struct oe_sftp_session *s, int status)
{
	struct oe_sftp_op *op;

	s->data_op = NULL;
	while ((op = oe_sftp__slot_any(s))) {
		oe_sftp__slot_release(s, op);
		oe_sftp__session_refuse(s, op, status, s->why.msg);
	}
}

/* s->why says how. */
static void
session_over(struct oe_sftp_session *s)
{
	bool was_ready = s->state == OE_SESSION_READY;

	if (s->state == OE_SESSION_FAILED)
		return;
	session_enter(s);
	s->state = OE_SESSION_FAILED;
	s->fs.failed = true;
	if (s->timer)
		oe_timer_set(s->timer, -1);
	oe_buf_reset(&s->out);
	end_all(s, s->why.code);
	if (s->freed)
		;
	else if (!was_ready)
		s->plan.ready(s->plan.arg, s->why.code, &s->why);
	else if (s->plan.failed)
		s->plan.failed(s->plan.arg, &s->why);
	session_leave(s);
}

int
oe_sftp__session_fail(
    struct oe_sftp_session *s, int status, const char *fmt, ...)
{
	char words[OE_ERR_MSG_MAX];
	va_list ap;

	if (s->state == OE_SESSION_FAILED)
		return status;
	va_start(ap, fmt);
	vsnprintf(words, sizeof words, fmt, ap);
	va_end(ap);
	oe_err_set(&s->why, status, "%s: %.400s", s->fs.host, words);
	session_over(s);
	return status;
}

void
oe_sftp_session_lost(struct oe_sftp_session *s, const struct oe_err *err)
{
	if (s->state == OE_SESSION_FAILED)
		return;
	if (err && err->code && err->msg[0])
		s->why = *err;
	else if (s->why.code == 0)
		oe_err_set(
		    &s->why, OE_ECLOSED, "%s: connection lost", s->fs.host);
	session_over(s);
}

static void
on_silence(void *arg)
{
	struct oe_sftp_session *s = arg;

	/* after a stop of this process the answer may wait to be read */
	if (!s->silent) {
		s->silent = true;
		oe_timer_set(s->timer, LAST_CALL_MS);
		return;
	}
	oe_sftp__session_fail(s, OE_ETIMEOUT, "no answer for %lld s",
	    (long long)(s->plan.answer_ms / 1000));
}

/* What gathered goes out; what broke since is told. */
static bool
before_wait(void *arg)
{
	struct oe_sftp_session *s = arg;

	if (s->state == OE_SESSION_FAILED)
		return false;
	oe_sftp__session_flush(s);
	if (s->why.code == 0)
		return false;
	session_over(s);
	return true;
}

/* --- what comes in --- */

static uint32_t
u32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* A login script that prints is the usual reason. */
static void
fail_text(struct oe_sftp_session *s)
{
	char shown[64];

	oe_str_escape((const char *)s->head, s->head_len, shown, sizeof shown);
	oe_sftp__session_fail(s, OE_EPROTO,
	    "sent text instead of SFTP ('%s...'): does a login script print?",
	    shown);
}

static bool
looks_like_text(const struct oe_sftp_session *s)
{
	size_t i;

	for (i = 0; i < 4; i++)
		if (s->head[i] != '\n' && s->head[i] != '\r' &&
		    s->head[i] != 27 && (s->head[i] < ' ' || s->head[i] > '~'))
			return false;
	return s->state == OE_SESSION_HELLO;
}

/* DATA: a length that must fill its packet, then bytes passed on. */
static int
data_begin(struct oe_sftp_session *s, struct oe_sftp_op *op, const uint8_t *len)
{
	uint32_t n = u32_at(len);

	if (n != s->left)
		return oe_sftp__session_fail(
		    s, OE_EPROTO, "sent DATA with a wrong length");
	if (n > op->asked)
		return oe_sftp__session_fail(
		    s, OE_EPROTO, "sent more data than asked for");
	/* the end is told by a STATUS; this would be a file cut short */
	if (n == 0 && op->asked)
		return oe_sftp__session_fail(
		    s, OE_EPROTO, "sent DATA without data");
	s->data_op = op;
	s->data_left = n;
	return 0;
}

/* Where a packet's fields are, when they came whole: no copy is made. */
static void
packet_whole(struct oe_sftp_session *s, struct oe_buf *b)
{
	uint8_t type = s->head[4];
	uint32_t id = u32_at(s->head + 5);
	struct oe_sftp_op *op;

	s->head_len = 0;
	if (s->state == OE_SESSION_HELLO) {
		if (type == OE_FXP_VERSION)
			oe_sftp__session_version(s, id, b);
		else
			oe_sftp__session_fail(s, OE_EPROTO,
			    "sent packet type %u instead of a version", type);
		return;
	}
	op = oe_sftp__slot_find(s, id);
	if (op)
		oe_sftp__session_reply(s, op, type, b);
	else
		oe_sftp__session_fail(s, OE_EPROTO,
		    "sent an answer to a request that there is not (%u)",
		    (unsigned)id);
}

static int
head_whole(struct oe_sftp_session *s)
{
	uint32_t len = u32_at(s->head);

	if (looks_like_text(s)) {
		fail_text(s);
		return OE_EPROTO;
	}
	if (len < 5 || len > OE_SFTP_PACKET_MAX)
		return oe_sftp__session_fail(s, OE_EPROTO,
		    "sent a packet of %lu bytes", (unsigned long)len);
	s->left = len - 5;
	return 0;
}

/* Passes data on; its end ends the READ. */
static size_t
take_data(struct oe_sftp_session *s, const uint8_t *p, size_t n)
{
	struct oe_sftp_op *op = s->data_op;
	uint64_t at = op->offset + op->n;

	if (n > s->data_left)
		n = s->data_left;
	s->data_left -= n;
	s->left -= n;
	op->n += n;
	if (n)
		op->data(op, at, p, n);
	/* data() may have ended it all */
	if (s->data_left || s->data_op != op)
		return n;
	s->data_op = NULL;
	s->head_len = 0;
	oe_sftp__slot_release(s, op);
	if (op->n == 0 && op->asked) {
		op->status = OE_ESHORT;
		op->fx = OE_FX_EOF;
	}
	oe_sftp__session_end(op);
	return n;
}

/* Is the packet at hand DATA for a READ? */
static struct oe_sftp_op *
data_for(const struct oe_sftp_session *s)
{
	struct oe_sftp_op *op;

	if (s->head[4] != OE_FXP_DATA || s->state != OE_SESSION_READY)
		return NULL;
	op = oe_sftp__slot_find(s, u32_at(s->head + 5));
	return op && op->kind == OE_ASK_DATA ? op : NULL;
}

static size_t
take_head(struct oe_sftp_session *s, const uint8_t *p, size_t n)
{
	size_t want = sizeof s->head - s->head_len;
	bool had_length = s->head_len >= 4;

	if (n > want)
		n = want;
	memcpy(s->head + s->head_len, p, n);
	s->head_len += n;
	if (!had_length && s->head_len >= 4)
		(void)head_whole(s);
	return n;
}

/* The fields of a packet: all of them, or more of what is gathered. */
static size_t
take_body(struct oe_sftp_session *s, const uint8_t *p, size_t n)
{
	struct oe_sftp_op *op = data_for(s);
	size_t want = op ? 4 - oe_buf_left(&s->in) : s->left;
	struct oe_buf b;

	if (op && s->left + oe_buf_left(&s->in) < 4) {
		oe_sftp__session_fail(
		    s, OE_EPROTO, "sent DATA with a wrong length");
		return 0;
	}
	if (n > want)
		n = want;
	s->left -= n;
	if (n == want && oe_buf_left(&s->in) == 0) {
		oe_buf_view(&b, p, n);
	} else {
		/* never above OE_SFTP_PACKET_MAX, which is its bound */
		(void)oe_buf_put(&s->in, p, n);
		oe_buf_view(&b, oe_buf_head(&s->in), oe_buf_left(&s->in));
	}
	if (n < want)
		return n;
	if (op)
		(void)data_begin(s, op, oe_buf_head(&b));
	else
		packet_whole(s, &b);
	oe_buf_reset(&s->in);
	return n;
}

static size_t
take(struct oe_sftp_session *s, const uint8_t *p, size_t n)
{
	if (s->data_op)
		return take_data(s, p, n);
	if (s->head_len < sizeof s->head)
		return take_head(s, p, n);
	return take_body(s, p, n);
}

/* What is at hand can be gone on with though no byte is left: a packet
 * without fields, DATA without data. */
static bool
needs_no_byte(const struct oe_sftp_session *s)
{
	if (s->data_op)
		return s->data_left == 0;
	return s->head_len == sizeof s->head && s->left == 0;
}

void
oe_sftp_session_input(struct oe_sftp_session *s, const void *p, size_t n)
{
	const uint8_t *at = p;
	size_t took;

	if (s->state == OE_SESSION_FAILED)
		return;
	session_enter(s);
	oe_sftp__session_progress(s);
	while ((n || needs_no_byte(s)) && s->state != OE_SESSION_FAILED &&
	       !s->freed) {
		took = take(s, at, n);
		at += took;
		n -= took;
	}
	if (s->state != OE_SESSION_FAILED && !s->freed) {
		oe_sftp__session_wake(s);
		oe_sftp__session_progress(s);
	}
	if (s->state != OE_SESSION_FAILED && !s->freed)
		oe_sftp__session_flush(s);
	session_leave(s);
}

void
oe_sftp_session_writable(struct oe_sftp_session *s)
{
	if (s->state == OE_SESSION_FAILED)
		return;
	session_enter(s);
	oe_sftp__session_flush(s);
	oe_sftp__session_wake(s);
	if (!s->freed && s->state != OE_SESSION_FAILED)
		oe_sftp__session_flush(s);
	session_leave(s);
}

/* --- life --- */

void
oe_sftp__session_free(struct oe_sftp_fs *fs)
{
	struct oe_sftp_session *s = oe_sftp__session(fs);

	if (s->freed)
		return;
	session_enter(s);
	s->freed = true;
	if (s->why.code == 0)
		oe_err_set(
		    &s->why, OE_ECLOSED, "%s: session ended", s->fs.host);
	s->state = OE_SESSION_FAILED;
	s->fs.failed = true;
	oe_timer_free(&s->timer);
	oe_idle_free(s->plan.loop, &s->idle);
	end_all(s, OE_ECLOSED);
	session_leave(s);
}

struct oe_sftp_session *
oe_sftp_session_new(const struct oe_sftp_session_plan *plan)
{
	struct oe_sftp_session *s = oe_mem_zalloc(sizeof *s);

	s->plan = *plan;
	s->fs.ops = &oe_sftp__session_ops;
	s->fs.room = oe_sftp__session_room;
	oe_str_copy(s->fs.host, sizeof s->fs.host, plan->host);
	s->plan.host = s->fs.host;
	oe_buf_init(&s->out, OE_SESSION_QUEUE_MAX);
	oe_buf_init(&s->in, OE_SFTP_PACKET_MAX);
	s->fs.limits.read = s->fs.limits.write = OE_SFTP_DATA_SAFE;
	s->idle = oe_loop_idle(plan->loop, before_wait, s);
	if (plan->answer_ms > 0)
		s->timer =
		    oe_loop_timer(plan->loop, plan->answer_ms, on_silence, s);
	oe_sftp__session_hello(s);
	return s;
}
