/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "sftp/session_internal.h"

/* Requests that are gathered before they go to the stream anyway. */
#define GATHER_MAX (64u * 1024)
/* Data from here on goes past the buffer; less is cheaper to copy than to give
 * a packet of the stream of its own. */
#define DIRECT_MIN (32u * 1024)

static uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* --- requests without an answer --- */

static void
slots_grow(struct oe_sftp_session *s)
{
	uint32_t old = s->cap_slots, i;

	s->cap_slots = old ? old * 2 : 64;
	s->slots =
	    oe_mem_realloc_array(s->slots, s->cap_slots, sizeof *s->slots);
	for (i = s->cap_slots; i-- > old;) {
		s->slots[i] =
		    (struct oe_sftp__slot){.next_free = s->first_free};
		s->first_free = i + 1;
	}
}

static void
slot_take(struct oe_sftp_session *s, struct oe_sftp_op *op)
{
	struct oe_sftp__slot *t;
	uint32_t i;

	if (!s->first_free)
		slots_grow(s);
	i = s->first_free - 1;
	t = &s->slots[i];
	s->first_free = t->next_free;
	t->op = op;
	/* an answer that comes twice will not fit the next user of the slot */
	op->id = (uint32_t)t->turn++ << 16 | i;
	s->fs.outstanding++;
}

struct oe_sftp_op *
oe_sftp__slot_find(const struct oe_sftp_session *s, uint32_t id)
{
	uint32_t i = id & 0xffff;
	struct oe_sftp_op *op = i < s->cap_slots ? s->slots[i].op : NULL;

	return op && op->id == id ? op : NULL;
}

struct oe_sftp_op *
oe_sftp__slot_any(const struct oe_sftp_session *s)
{
	uint32_t i;

	for (i = 0; i < s->cap_slots; i++)
		if (s->slots[i].op)
			return s->slots[i].op;
	return NULL;
}

static bool
is_bulk(const struct oe_sftp_op *op)
{
	return op->kind == OE_ASK_WRITE || op->kind == OE_ASK_DATA ||
	       op->kind == OE_ASK_GET;
}

/* Quick to believe that it is shorter, slow that it is longer. */
static void
round_trip(struct oe_sftp_fs *fs, uint64_t us)
{
	if (fs->rtt_us == 0)
		fs->rtt_us = us ? us : 1;
	else if (us < fs->rtt_us)
		fs->rtt_us = (fs->rtt_us + us) / 2 + 1;
	else
		fs->rtt_us += (us - fs->rtt_us) / 8;
}

void
oe_sftp__slot_release(struct oe_sftp_session *s, struct oe_sftp_op *op)
{
	uint32_t i = op->id & 0xffff;

	s->slots[i].op = NULL;
	s->slots[i].next_free = s->first_free;
	s->first_free = i + 1;
	s->fs.outstanding--;
	if (op->kind == OE_ASK_WRITE)
		s->writes--;
	if (op->kind == OE_ASK_COPY || op->kind == OE_ASK_HASH)
		s->slow--;
	if (is_bulk(op))
		s->bulk--;
	else if (op->sent_us && s->state != OE_SESSION_FAILED)
		round_trip(&s->fs, now_us() - op->sent_us);
}

/* --- what goes out --- */

/* Told by the loop: nobody expects other ops to end inside a request. */
static void
broken(struct oe_sftp_session *s, int status)
{
	if (s->why.code == 0)
		oe_err_set(&s->why, status == OE_ETOOBIG ? status : OE_ECLOSED,
		    "%s: connection lost", s->fs.host);
	oe_buf_reset(&s->out);
}

static size_t
stream_room(const struct oe_sftp_session *s)
{
	return s->why.code ? 0 : s->plan.stream.room(s->plan.stream.arg);
}

/* Bytes of @p that the stream took. */
static size_t
stream_write(struct oe_sftp_session *s, const void *p, size_t n)
{
	size_t room = stream_room(s);
	int r;

	if (n > room)
		n = room;
	if (n == 0)
		return 0;
	r = s->plan.stream.write(s->plan.stream.arg, p, n);
	if (r < 0) {
		broken(s, r);
		return 0;
	}
	oe_sftp__session_progress(s);
	return n;
}

void
oe_sftp__session_flush(struct oe_sftp_session *s)
{
	size_t n = oe_buf_left(&s->out);

	if (n == 0)
		return;
	n = stream_write(s, oe_buf_head(&s->out), n);
	oe_buf_skip(&s->out, n);
	if (oe_buf_left(&s->out) == 0)
		oe_buf_reset(&s->out);
}

uint64_t
oe_sftp__session_room(struct oe_sftp_fs *fs)
{
	struct oe_sftp_session *s = oe_sftp__session(fs);
	size_t room = 0, queued = oe_buf_left(&s->out);

	if (s->state == OE_SESSION_READY && s->writes < OE_SESSION_WRITES_MAX)
		room = stream_room(s);
	room = room > queued ? room - queued : 0;
	s->starved = room == 0;
	/* one whole WRITE, or a stream with little room would never have it */
	if (room && room < fs->limits.write)
		return fs->limits.write;
	return room;
}

void
oe_sftp__session_wake(struct oe_sftp_session *s)
{
	if (!s->starved || !s->fs.writable ||
	    oe_sftp__session_room(&s->fs) == 0)
		return;
	s->starved = false;
	s->fs.writable(s->fs.writable_arg);
}

/* done() may free @op: nothing of it is read after that. */
static int
refused(struct oe_sftp_session *s, struct oe_sftp_op *op, bool hello)
{
	const char *words = NULL;
	int r = OE_ECLOSED;

	if (s->state == OE_SESSION_FAILED || s->freed)
		words = s->why.msg;
	else if (s->state != OE_SESSION_READY && !hello)
		words = "not open yet";
	else if (s->fs.outstanding >= OE_SESSION_OUT_MAX) {
		r = OE_EAGAIN;
		words = "too many requests at a time";
	}
	if (!words)
		return 0;
	oe_sftp__session_refuse(s, op, r, words);
	return r;
}

int
oe_sftp__ask_begin(struct oe_sftp__ask *q, struct oe_sftp_session *s,
    struct oe_sftp_op *op, enum oe_sftp_type type, enum oe_sftp__kind kind)
{
	int r = refused(s, op, kind == OE_ASK_LIMITS);

	if (r < 0)
		return r;
	*q = (struct oe_sftp__ask){.s = s, .op = op, .b = &s->out};
	q->start = oe_buf_left(&s->out);
	op->kind = (uint8_t)kind;
	slot_take(s, op);
	q->bad = oe_buf_put_u32(q->b, 0);
	q->bad |= oe_buf_put_u8(q->b, (uint8_t)type);
	q->bad |= oe_buf_put_u32(q->b, op->id);
	return 0;
}

static void
ask_giveup(struct oe_sftp__ask *q, int status, const char *words)
{
	q->b->len = q->b->off + q->start;
	q->op->sent_us = 0;
	/* the slot was not counted as a write yet */
	q->op->kind = OE_ASK_STATUS;
	oe_sftp__slot_release(q->s, q->op);
	oe_sftp__session_refuse(q->s, q->op, status, words);
}

static void
ask_count(struct oe_sftp_session *s, struct oe_sftp_op *op)
{
	if (op->kind == OE_ASK_WRITE)
		s->writes++;
	if (op->kind == OE_ASK_COPY || op->kind == OE_ASK_HASH)
		s->slow++;
	if (is_bulk(op))
		s->bulk++;
	/* one that queues behind data would tell of the queue */
	op->sent_us = s->bulk ? 0 : now_us();
	if (s->fs.outstanding == 1)
		oe_sftp__session_progress(s);
}

/*
 * What waits goes before the data where its owner left room, so that the
 * stream gets both in one piece.  false: there is no such room.
 */
static bool
send_joined(struct oe_sftp_session *s, const struct oe_sftp_op *op, uint8_t *p,
    size_t n)
{
	size_t before = oe_buf_left(&s->out), took;

	if (n < DIRECT_MIN || before > op->headroom || stream_room(s) <= before)
		return false;
	p -= before;
	n += before;
	memcpy(p, oe_buf_head(&s->out), before);
	oe_buf_reset(&s->out);
	took = stream_write(s, p, n);
	if (n > took && !s->why.code &&
	    oe_buf_put(&s->out, p + took, n - took) < 0)
		broken(s, OE_ETOOBIG);
	return true;
}

/* The tail goes to the stream as it is, as far as that takes it. */
static size_t
send_direct(struct oe_sftp_session *s, const void *p, size_t n)
{
	if (n < DIRECT_MIN)
		return 0;
	oe_sftp__session_flush(s);
	return oe_buf_left(&s->out) ? 0 : stream_write(s, p, n);
}

void
oe_sftp__ask_send(struct oe_sftp__ask *q, const void *p, size_t n)
{
	struct oe_sftp_session *s = q->s;
	size_t len = oe_buf_left(q->b) - q->start - 4 + n, took;
	uint8_t *at = q->b->data + q->b->off + q->start;

	if (q->bad || oe_buf_room(q->b) < n) {
		ask_giveup(q, OE_EAGAIN, "too much waits to be sent");
		return;
	}
	if (len > OE_SFTP_PACKET_MAX) {
		ask_giveup(q, OE_EINVAL, "too long for a request");
		return;
	}
	at[0] = (uint8_t)(len >> 24);
	at[1] = (uint8_t)(len >> 16);
	at[2] = (uint8_t)(len >> 8);
	at[3] = (uint8_t)len;
	ask_count(s, q->op);
	/* the caller's promise about headroom is what makes @p writable */
	if (q->op->headroom &&
	    send_joined(s, q->op, (uint8_t *)(uintptr_t)p, n))
		return;
	took = send_direct(s, p, n);
	if (s->why.code) {
		oe_buf_reset(&s->out);
		return;
	}
	if (n > took &&
	    oe_buf_put(&s->out, (const uint8_t *)p + took, n - took) < 0)
		broken(s, OE_ETOOBIG);
	if (oe_buf_left(&s->out) >= GATHER_MAX)
		oe_sftp__session_flush(s);
}
