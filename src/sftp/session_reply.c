/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/session_internal.h"

/* Data extents of one answer. */
#define EXTENTS_MAX 1024
/* SFTP version 4's word for it, which servers send in version 3, too. */
#define FX_FILE_ALREADY_EXISTS 11

/* Text with its end, in @ret of @size.  0, OE_ESHORT, OE_EPROTO. */
static int
get_text(struct oe_buf *b, char *ret, size_t size)
{
	struct oe_buf part;
	size_t n;

	if (oe_buf_get_string(b, &part) < 0)
		return OE_ESHORT;
	n = oe_buf_left(&part);
	if (n >= size || memchr(oe_buf_head(&part), 0, n))
		return OE_EPROTO;
	memcpy(ret, oe_buf_head(&part), n);
	ret[n] = 0;
	return 0;
}

/* Words of a server, made safe; old ones have none. */
static int
get_message(struct oe_sftp_op *op, struct oe_buf *b)
{
	struct oe_buf text;

	if (oe_buf_left(b) == 0)
		return 0;
	if (oe_buf_get_string(b, &text) < 0)
		return OE_ESHORT;
	oe_str_escape((const char *)oe_buf_head(&text), oe_buf_left(&text),
	    op->message, sizeof op->message);
	return 0;
}

/* The end of what is read in pieces; nothing else has one. */
static bool
may_end(const struct oe_sftp_op *op)
{
	return op->kind == OE_ASK_DATA || op->kind == OE_ASK_NAMES;
}

static int
status_of(const struct oe_sftp_op *op)
{
	if (op->fx == OE_FX_EOF)
		return may_end(op) ? OE_ESHORT : OE_ESYS;
	/* version 3 has no code for it */
	if (op->fx == FX_FILE_ALREADY_EXISTS ||
	    (op->fx == OE_FX_FAILURE && strstr(op->message, "exists")))
		return OE_EEXIST;
	return oe_sftp_fx_status(op->fx);
}

static int
reply_status(struct oe_sftp_op *op, struct oe_buf *b)
{
	bool only = op->kind == OE_ASK_STATUS || op->kind == OE_ASK_WRITE ||
		    op->kind == OE_ASK_COPY;

	if (oe_buf_get_u32(b, &op->fx) < 0 || get_message(op, b) < 0)
		return OE_ESHORT;
	/* done, but without what was asked for */
	if (op->fx == OE_FX_OK && !only)
		return OE_EPROTO;
	op->status = status_of(op);
	return 0;
}

static int
reply_handle(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	struct oe_sftp_file *f;
	struct oe_buf h;

	(void)s;
	if (oe_buf_get_string(b, &h) < 0)
		return OE_ESHORT;
	if (oe_buf_left(&h) > OE_SFTP_HANDLE_MAX)
		return OE_EPROTO;
	f = oe_mem_zalloc(sizeof *f + oe_buf_left(&h));
	f->len = oe_buf_left(&h);
	memcpy(f->handle, oe_buf_head(&h), f->len);
	op->file = f;
	return 0;
}

static int
reply_attrs(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	(void)s;
	return oe_sftp_get_attrs(b, &op->attrs);
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int
get_name(struct oe_sftp_session *s, struct oe_buf *b, struct oe_sftp_entry *ret)
{
	int r = get_text(b, s->name, sizeof s->name);

	if (r == 0)
		r = get_text(b, s->longname, sizeof s->longname);
	if (r == 0)
		r = oe_sftp_get_attrs(b, &ret->attrs);
	ret->name = s->name;
	ret->longname = s->longname;
	return r;
}

/* No names at all are how some servers tell the end. */
static int
reply_names(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	struct oe_sftp_entry e;
	uint32_t n;
	int r;

	if (oe_buf_get_u32(b, &n) < 0)
		return OE_ESHORT;
	if (n > OE_SESSION_NAMES_MAX)
		return OE_ETOOBIG;
	if (n == 0)
		op->status = OE_ESHORT;
	for (; n && s->state != OE_SESSION_FAILED; n--) {
		r = get_name(s, b, &e);
		if (r < 0)
			return r;
		if (!is_dots(e.name))
			op->entry(op, &e);
	}
	return 0;
}

static int
reply_name(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	uint32_t n;

	if (oe_buf_get_u32(b, &n) < 0 || n != 1)
		return OE_EPROTO;
	op->text = s->name;
	/* the rest of the entry says nothing here, and is not always there */
	return get_text(b, s->name, sizeof s->name);
}

static int
reply_vfs(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	(void)s;
	return oe_sftp_get_vfs(b, &op->vfs);
}

static int
reply_hash(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	struct oe_buf what, algorithm;

	(void)s;
	if (oe_buf_get_string(b, &what) < 0 ||
	    oe_buf_get_string(b, &algorithm) < 0)
		return OE_ESHORT;
	op->hash = oe_buf_head(b);
	op->hash_len = oe_buf_left(b);
	return 0;
}

/* In order and apart, or a caller would run for ever or backwards. */
static int
reply_extents(
    struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	struct oe_sftp_extent x;
	uint64_t at = op->offset;
	uint8_t last;
	uint32_t n;

	if (oe_buf_get_u8(b, &last) < 0 || oe_buf_get_u32(b, &n) < 0)
		return OE_ESHORT;
	if (n > EXTENTS_MAX || (n == 0 && !last))
		return OE_EPROTO;
	for (; n && s->state != OE_SESSION_FAILED; n--) {
		if (oe_buf_get_u64(b, &x.offset) < 0 ||
		    oe_buf_get_u64(b, &x.length) < 0)
			return OE_ESHORT;
		if (x.offset < at || x.length == 0 || x.length > INT64_MAX ||
		    x.offset > INT64_MAX - x.length)
			return OE_EPROTO;
		at = x.offset + x.length;
		op->extent(op, &x);
	}
	op->last = last;
	return 0;
}

static int
reply_get(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	struct oe_buf data;

	(void)s;
	if (oe_sftp_get_attrs(b, &op->attrs) < 0 ||
	    oe_buf_get_string(b, &data) < 0)
		return OE_ESHORT;
	if (!(op->attrs.flags & OE_ATTR_SIZE))
		return OE_EPROTO;
	if (op->attrs.size > op->asked) {
		op->status = OE_ETOOBIG;
		oe_str_copy(
		    op->message, sizeof op->message, "larger than asked for");
		return oe_buf_left(&data) ? OE_EPROTO : 0;
	}
	if (op->attrs.size != oe_buf_left(&data))
		return OE_EPROTO;
	op->n = oe_buf_left(&data);
	if (op->n)
		op->data(op, 0, oe_buf_head(&data), op->n);
	return 0;
}

/* One name for each id, in their order. */
static int
tell_ids(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *names,
    bool groups)
{
	const struct oe_sftp__ids *ids = op->own;
	const uint32_t *v = groups ? ids->v + ids->n_uids : ids->v;
	size_t n = groups ? ids->n_gids : ids->n_uids, i;
	struct oe_sftp_entry e = {.name = s->name, .longname = ""};
	int r;

	for (i = 0; i < n && s->state != OE_SESSION_FAILED; i++) {
		r = get_text(names, s->name, sizeof s->name);
		if (r < 0)
			return r;
		e.attrs.flags = OE_ATTR_UIDGID;
		e.attrs.uid = groups ? UINT32_MAX : v[i];
		e.attrs.gid = groups ? v[i] : UINT32_MAX;
		op->entry(op, &e);
	}
	return 0;
}

static int
reply_users(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	struct oe_buf users, groups;
	int r;

	if (oe_buf_get_string(b, &users) < 0 ||
	    oe_buf_get_string(b, &groups) < 0)
		return OE_ESHORT;
	r = tell_ids(s, op, &users, false);
	return r == 0 && s->state != OE_SESSION_FAILED
		   ? tell_ids(s, op, &groups, true)
		   : r;
}

static int
reply_limits(struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b)
{
	struct oe_sftp_limits l;

	(void)op;
	if (oe_buf_get_u64(b, &l.packet) < 0 ||
	    oe_buf_get_u64(b, &l.read) < 0 || oe_buf_get_u64(b, &l.write) < 0 ||
	    oe_buf_get_u64(b, &l.handles) < 0)
		return OE_ESHORT;
	s->fs.limits = l;
	return 0;
}

/* By kind: the packet that is the answer besides STATUS, and its reader. */
static const struct {
	uint8_t type;
	int (*read)(
	    struct oe_sftp_session *s, struct oe_sftp_op *op, struct oe_buf *b);
} answers[] = {
    [OE_ASK_HANDLE] = {OE_FXP_HANDLE, reply_handle},
    [OE_ASK_NAMES] = {OE_FXP_NAME, reply_names},
    [OE_ASK_NAME] = {OE_FXP_NAME, reply_name},
    [OE_ASK_ATTRS] = {OE_FXP_ATTRS, reply_attrs},
    [OE_ASK_VFS] = {OE_FXP_EXTENDED_REPLY, reply_vfs},
    [OE_ASK_HASH] = {OE_FXP_EXTENDED_REPLY, reply_hash},
    [OE_ASK_EXTENTS] = {OE_FXP_EXTENDED_REPLY, reply_extents},
    [OE_ASK_GET] = {OE_FXP_EXTENDED_REPLY, reply_get},
    [OE_ASK_USERS] = {OE_FXP_EXTENDED_REPLY, reply_users},
    [OE_ASK_LIMITS] = {OE_FXP_EXTENDED_REPLY, reply_limits},
};

void
oe_sftp__session_reply(struct oe_sftp_session *s, struct oe_sftp_op *op,
    uint8_t type, struct oe_buf *b)
{
	int r = OE_EPROTO;

	if (type == OE_FXP_STATUS)
		r = reply_status(op, b);
	else if (op->kind < OE_ARRAY_LEN(answers) && answers[op->kind].read &&
		 answers[op->kind].type == type)
		r = answers[op->kind].read(s, op, b);
	else
		oe_sftp__session_fail(s, OE_EPROTO,
		    "sent an answer of the wrong type (%u)", (unsigned)type);
	/* a callback ended the session, and with it this op */
	if (s->state == OE_SESSION_FAILED)
		return;
	if (r < 0) {
		oe_mem_free(&op->file);
		oe_sftp__session_fail(s, OE_EPROTO,
		    "sent a broken answer (type %u)", (unsigned)type);
		return;
	}
	oe_sftp__slot_release(s, op);
	oe_sftp__session_end(op);
}
