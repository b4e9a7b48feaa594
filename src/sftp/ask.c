/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/ask.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "sftp/path.h"

/* One question; on the heap, since an interrupted one outlives its asker. */
struct question {
	struct oe_sftp_op op;
	struct oe_strs names;
	char *text;
	bool left; /* nobody waits for it any more */
	bool too_many;
};

static void
free_question(struct question *q)
{
	oe_strs_done(&q->names);
	free(q->text);
	free(q);
}

static void
on_done(struct oe_sftp_op *op)
{
	struct question *q = op->arg;

	if (q->left)
		free_question(q);
	else if (op->status == 0 && op->text)
		q->text = oe_mem_strdup(op->text);
}

static void
on_entry(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	struct question *q = op->arg;

	if (q->names.n >= OE_ASK_NAMES_MAX)
		q->too_many = true;
	else if (oe_sftp_name_ok(e->name))
		oe_strs_add(&q->names, e->name);
}

static struct question *
new_question(void)
{
	struct question *q = oe_mem_zalloc(sizeof *q);

	q->op.done = on_done;
	q->op.entry = on_entry;
	q->op.arg = q;
	return q;
}

/*
 * Wait for the answer.  After OE_ECANCEL the question is no longer the
 * caller's; after another failure it is freed too.
 */
static int
answer(const struct oe_ask *a, struct question *q, const char *path,
    struct oe_err *err)
{
	int r = oe_sftp_wait(a->loop, &q->op, a->stop);

	if (r == OE_ECANCEL && !q->op.finished) {
		q->left = true;
		return oe_err_set(err, r, "interrupted");
	}
	if (r < 0) {
		r = oe_sftp_op_error(&q->op, path, err);
		free_question(q);
	}
	return r;
}

int
oe_ask_stat(const struct oe_ask *a, const char *path, bool follow,
    struct oe_sftp_attrs *ret, struct oe_err *err)
{
	struct question *q = new_question();
	int r;

	a->fs->ops->stat(a->fs, &q->op, path, follow);
	r = answer(a, q, path, err);
	if (r < 0)
		return r;
	if (ret)
		*ret = q->op.attrs;
	free_question(q);
	return 0;
}

/* An answer that is a path. */
static int
answer_text(const struct oe_ask *a, struct question *q, const char *path,
    char **ret, struct oe_err *err)
{
	int r = answer(a, q, path, err);

	if (r < 0)
		return r;
	*ret = q->text ? q->text : oe_mem_strdup("");
	q->text = NULL;
	free_question(q);
	return 0;
}

int
oe_ask_realpath(
    const struct oe_ask *a, const char *path, char **ret, struct oe_err *err)
{
	struct question *q = new_question();

	a->fs->ops->realpath(a->fs, &q->op, path);
	return answer_text(a, q, path, ret, err);
}

int
oe_ask_expand(
    const struct oe_ask *a, const char *path, char **ret, struct oe_err *err)
{
	struct question *q = new_question();

	a->fs->ops->expand(a->fs, &q->op, path);
	return answer_text(a, q, path, ret, err);
}

static int
open_dir(const struct oe_ask *a, const char *dir, struct oe_sftp_file **ret,
    struct oe_err *err)
{
	struct question *q = new_question();
	int r;

	a->fs->ops->opendir(a->fs, &q->op, dir);
	r = answer(a, q, dir, err);
	if (r < 0)
		return r;
	*ret = q->op.file;
	free_question(q);
	return 0;
}

/* Some names; OE_ESHORT when there are no more. */
static int
read_dir(const struct oe_ask *a, struct oe_sftp_file *f, const char *dir,
    struct oe_strs *ret, struct oe_err *err)
{
	struct question *q = new_question();
	size_t i;
	int r;

	a->fs->ops->readdir(a->fs, &q->op, f);
	r = answer(a, q, dir, err);
	if (r < 0)
		return r;
	for (i = 0; i < q->names.n; i++) {
		oe_strs_add_take(ret, q->names.v[i]);
		q->names.v[i] = NULL;
	}
	q->names.n = 0;
	if (q->too_many || ret->n > OE_ASK_NAMES_MAX)
		r = oe_err_set(err, OE_ETOOBIG, "%s: more than %d names", dir,
		    OE_ASK_NAMES_MAX);
	free_question(q);
	return r;
}

static void
close_dir(const struct oe_ask *a, struct oe_sftp_file *f, const char *dir)
{
	struct question *q = new_question();

	a->fs->ops->close(a->fs, &q->op, f);
	if (answer(a, q, dir, NULL) == 0)
		free_question(q);
}

int
oe_ask_names(const struct oe_ask *a, const char *dir, struct oe_strs *ret,
    struct oe_err *err)
{
	struct oe_sftp_file *f = NULL;
	int r = open_dir(a, dir, &f, err);

	if (r < 0)
		return r;
	while (r == 0)
		r = read_dir(a, f, dir, ret, err);
	close_dir(a, f, dir);
	return r == OE_ESHORT ? 0 : r;
}

int
oe_ask_mkdir(
    const struct oe_ask *a, const char *path, uint32_t mode, struct oe_err *err)
{
	struct question *q = new_question();
	int r;

	a->fs->ops->mkdir(a->fs, &q->op, path, mode);
	r = answer(a, q, path, err);
	if (r == 0)
		free_question(q);
	return r;
}
