/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/ssh/digest.h"
#include "sftp/copy_internal.h"

/* READs of one round where a side has no hashes. */
#define READS 8

/* One side of a file whose hash is wanted. */
struct side {
	struct oe_copy_job *j;
	struct oe_sftp_fs *fs;
	struct oe_sftp_file *file; /* the job's */
	struct oe_sftp_op op;      /* HASH */
	bool asked;                /* it answers by itself */
	bool done;
	struct oe_digest *digest; /* else: of what was read back */
	uint64_t at;
	uint8_t hash[OE_DIGEST_MAX];
};

struct oe_copy_verify {
	struct side side[2];
	struct side *reading;
	size_t piece;
	uint8_t *buf; /* READS pieces */
	size_t got[READS];
};

static oe_copy_step next, read_back, settle;

void
oe_copy__verify_free(struct oe_copy_verify *v)
{
	if (!v)
		return;
	oe_digest_free(&v->side[0].digest);
	oe_digest_free(&v->side[1].digest);
	free(v->buf);
	free(v);
}

static void
hash_done(struct oe_sftp_op *op)
{
	struct side *s = op->arg;
	struct oe_copy_job *j = s->j;
	struct oe_sftp_copy *c = j->c;

	if (!c->orphan) {
		if (op->status == 0 && op->hash_len == 32)
			memcpy(s->hash, op->hash, 32);
		else if (op->status == 0)
			op->status = OE_EPROTO;
		s->done = true;
		j->large->out--;
		if (j->parked)
			oe_copy__ready(j);
	}
	oe_copy__out_end(c);
}

/* Both sides of an empty file are hashed here: "to the end" of nothing. */
static int
side_begin(struct oe_copy_job *j, struct side *s, struct oe_err *err)
{
	s->j = j;
	if (s->fs->features & OE_FS_LOCAL || !(s->fs->features & OE_FS_HASH) ||
	    !j->large->size)
		return oe_digest_new("sha256", &s->digest, err);
	s->asked = true;
	s->op.done = hash_done;
	s->op.arg = s;
	j->large->out++;
	j->c->outs++;
	s->fs->ops->hash(s->fs, &s->op, s->file, "sha256", 0, 0, 0);
	return 0;
}

void
oe_copy__verify(struct oe_copy_job *j)
{
	struct oe_copy_verify *v = oe_mem_zalloc(sizeof *v);
	struct oe_err err = OE_ERR_INIT;
	struct oe_sftp_attrs size = {
	    .flags = OE_ATTR_SIZE, .size = j->large->size};

	j->large->verify = v;
	v->side[0].fs = j->from->fs;
	v->side[0].file = j->ff;
	v->side[1].fs = j->to->fs;
	v->side[1].file = j->tf;
	j->step = next;
	j->used = 0;
	/* a hole at the end is there only when the size is */
	if (j->large->written != j->large->size ||
	    j->large->old > j->large->size)
		j->to->fs->ops->fsetstat(
		    j->to->fs, oe_copy__op(j, 0), j->tf, &size);
	if (side_begin(j, &v->side[0], &err) < 0 ||
	    side_begin(j, &v->side[1], &err) < 0)
		oe_copy__fail_text(
		    j, OE_ELIB, oe_copy__to(j), oe_err_text(&err));
}

/* --- reading back --- */

static void
next(struct oe_copy_job *j)
{
	struct oe_copy_verify *v = j->large->verify;
	unsigned i;

	v->reading = NULL;
	for (i = 0; i < 2 && !v->reading; i++)
		if (!v->side[i].asked && !v->side[i].done)
			v->reading = &v->side[i];
	j->step = v->reading ? read_back : settle;
}

static void
take(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	struct oe_copy_job *j = op->arg;
	struct oe_copy_verify *v = j->large->verify;
	size_t i = (size_t)(op - j->op);

	(void)offset;
	if (j->c->orphan || n > v->piece - v->got[i])
		return;
	memcpy(v->buf + i * v->piece + v->got[i], p, n);
	v->got[i] += n;
}

static oe_copy_step took;

static void
read_back(struct oe_copy_job *j)
{
	struct oe_copy_verify *v = j->large->verify;
	struct side *s = v->reading;
	uint64_t at = s->at;
	unsigned i;

	if (!v->buf) {
		v->piece = (size_t)s->fs->limits.read;
		if (v->piece > OE_SFTP_DATA_MAX)
			v->piece = OE_SFTP_DATA_MAX;
		v->buf = oe_mem_zalloc(READS * v->piece);
	}
	j->step = took;
	j->used = 0;
	memset(v->got, 0, sizeof v->got);
	for (i = 0; i < READS && at < j->large->size; i++) {
		struct oe_sftp_op *op = oe_copy__op(j, i);
		uint64_t n = j->large->size - at;

		n = n < v->piece ? n : v->piece;
		if (n > s->fs->limits.read)
			n = s->fs->limits.read;
		op->data = take;
		s->fs->ops->read(s->fs, op, s->file, at, (size_t)n);
		at += n;
	}
}

static void
took(struct oe_copy_job *j)
{
	struct oe_copy_verify *v = j->large->verify;
	struct side *s = v->reading;
	struct oe_err err = OE_ERR_INIT;
	uint64_t before = s->at;
	unsigned i;

	j->step = read_back;
	for (i = 0; i < READS && j->used & 1u << i; i++) {
		const struct oe_sftp_op *op = &j->op[i];
		size_t want = v->piece;

		if (want > s->fs->limits.read)
			want = (size_t)s->fs->limits.read;
		if (op->status < 0 && op->status != OE_ESHORT) {
			oe_copy__fail(j, op, oe_copy__to(j));
			return;
		}
		oe_digest_update(s->digest, v->buf + i * v->piece, v->got[i]);
		s->at += v->got[i];
		/* after a short answer the next one is not the next bytes */
		if (v->got[i] < want)
			break;
	}
	oe_copy__yield(j);
	if (s->at < j->large->size && s->at > before)
		return;
	s->done = true;
	if (oe_digest_final(s->digest, s->hash, &err) < 0)
		oe_copy__fail_text(
		    j, OE_ELIB, oe_copy__to(j), oe_err_text(&err));
	else
		j->step = next;
}

/* --- the verdict --- */

static void
hex(const uint8_t *p, char ret[65])
{
	static const char digits[] = "0123456789abcdef";
	unsigned i;

	for (i = 0; i < 32; i++) {
		ret[2 * i] = digits[p[i] >> 4];
		ret[2 * i + 1] = digits[p[i] & 15];
	}
	ret[64] = '\0';
}

static void
settle(struct oe_copy_job *j)
{
	struct oe_copy_verify *v = j->large->verify;
	unsigned i;

	for (i = 0; i < 2; i++) {
		if (!v->side[i].done) {
			j->parked = true;
			return;
		}
		if (v->side[i].op.status < 0) {
			oe_copy__fail(j, &v->side[i].op,
			    i ? oe_copy__to(j) : oe_copy__from(j));
			return;
		}
	}
	if (memcmp(v->side[0].hash, v->side[1].hash, 32) != 0) {
		j->keep = false;
		oe_copy__fail_text(j, OE_EPROTO, oe_copy__to(j),
		    "the hashes of both sides differ: damaged on the way, or "
		    "changed meanwhile");
		return;
	}
	hex(v->side[0].hash, j->sha256);
	j->used = 0;
	oe_copy__finish(j);
}
