/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/ask.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "sftp/ask_internal.h"
#include "sftp/path.h"

int
oe_ask_remove(const struct oe_ask *a, const char *path, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->remove(a->fs, &q->op, path);
	return oe_ask__end(a, q, path, err);
}

int
oe_ask_rmdir(const struct oe_ask *a, const char *path, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->rmdir(a->fs, &q->op, path);
	return oe_ask__end(a, q, path, err);
}

int
oe_ask_rename(const struct oe_ask *a, const char *from, const char *to,
    bool over, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->rename(a->fs, &q->op, from, to, over);
	return oe_ask__end(a, q, from, err);
}

int
oe_ask_symlink(const struct oe_ask *a, const char *target, const char *path,
    struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->symlink(a->fs, &q->op, target, path);
	return oe_ask__end(a, q, path, err);
}

int
oe_ask_hardlink(const struct oe_ask *a, const char *from, const char *to,
    struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->hardlink(a->fs, &q->op, from, to);
	return oe_ask__end(a, q, to, err);
}

int
oe_ask_setstat(const struct oe_ask *a, const char *path,
    const struct oe_sftp_attrs *attrs, bool follow, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->setstat(a->fs, &q->op, path, attrs, follow);
	return oe_ask__end(a, q, path, err);
}

int
oe_ask_statvfs(const struct oe_ask *a, const char *path,
    struct oe_sftp_vfs *ret, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);
	int r;

	a->fs->ops->statvfs(a->fs, &q->op, path);
	r = oe_ask__answer(a, q, path, err);
	if (r < 0)
		return r;
	*ret = q->op.vfs;
	oe_ask__free(q);
	return 0;
}

static int
open_file(const struct oe_ask *a, const char *path, uint32_t pflags,
    const struct oe_sftp_attrs *attrs, struct oe_sftp_file **ret,
    struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->open(a->fs, &q->op, path, pflags, attrs);
	return oe_ask__opened(a, q, path, ret, err);
}

/* Opening the target empties it, so it must not be the source. */
static int
check_differ(const struct oe_ask *a, const char *from, const char *to,
    struct oe_err *err)
{
	char *real_from = NULL, *real_to = NULL;
	int r = oe_ask_realpath(a, from, &real_from, err);

	/* a target that is not there yet may have no real path */
	if (r == 0 && oe_ask_realpath(a, to, &real_to, NULL) == 0 &&
	    strcmp(real_from, real_to) == 0)
		r = oe_err_set(err, OE_EINVAL, "both paths are the same file");
	free(real_from);
	free(real_to);
	return r;
}

static int
copy_data(const struct oe_ask *a, struct oe_sftp_file *in,
    struct oe_sftp_file *out, const char *path, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);

	a->fs->ops->copy(a->fs, &q->op, in, 0, 0, out, 0);
	return oe_ask__end(a, q, path, err);
}

int
oe_ask_copy(const struct oe_ask *a, const char *from, const char *to,
    struct oe_err *err)
{
	struct oe_sftp_file *in = NULL, *out = NULL;
	struct oe_sftp_attrs st = {0};
	struct oe_ask_question *q;
	int r;

	r = oe_ask_stat(a, from, true, &st, err);
	if (r == 0 && (st.flags & OE_ATTR_PERMISSIONS) && !S_ISREG(st.mode))
		r = oe_err_set(err, OE_EINVAL, "not a regular file");
	if (r == 0)
		r = check_differ(a, from, to, err);
	if (r == 0)
		r = open_file(a, from, OE_FXF_READ, NULL, &in, err);
	st.flags &= OE_ATTR_PERMISSIONS;
	st.mode &= 0777;
	if (r == 0)
		r = open_file(a, to, OE_FXF_WRITE | OE_FXF_CREAT | OE_FXF_TRUNC,
		    &st, &out, err);
	if (r == 0)
		r = copy_data(a, in, out, to, err);
	if (in)
		oe_ask__close(a, in);
	if (!out)
		return r;
	if (r < 0) {
		oe_ask__close(a, out);
		return r;
	}
	q = oe_ask__new(a);
	a->fs->ops->close(a->fs, &q->op, out);
	return oe_ask__end(a, q, to, err);
}

void
oe_ask_list_add(struct oe_ask_list *l, const char *name, const char *longname,
    const struct oe_sftp_attrs *attrs)
{
	struct oe_ask_entry *e;

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->v = oe_mem_realloc_array(l->v, l->room, sizeof *l->v);
	}
	e = &l->v[l->n++];
	e->name = oe_mem_strdup(name);
	e->longname = oe_mem_strdup(longname);
	e->attrs = *attrs;
	l->bytes += strlen(name) + strlen(longname);
}

void
oe_ask_list_done(struct oe_ask_list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].longname);
	}
	free(l->v);
	memset(l, 0, sizeof *l);
}

static bool
is_full(const struct oe_ask_list *l)
{
	return l->n >= OE_ASK_NAMES_MAX || l->bytes >= OE_ASK_LIST_BYTES;
}

static void
on_entry(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	struct oe_ask_question *q = op->arg;

	if (is_full(&q->list))
		q->too_many = true;
	else if (oe_sftp_name_ok(e->name))
		oe_ask_list_add(&q->list, e->name, e->longname, &e->attrs);
}

/* Some names; OE_ESHORT when there are no more. */
static int
read_some(const struct oe_ask *a, struct oe_sftp_file *f, const char *dir,
    struct oe_ask_list *ret, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);
	size_t i;
	int r;

	q->op.entry = on_entry;
	a->fs->ops->readdir(a->fs, &q->op, f);
	r = oe_ask__answer(a, q, dir, err);
	if (r < 0)
		return r;
	for (i = 0; i < q->list.n; i++)
		oe_ask_list_add(ret, q->list.v[i].name, q->list.v[i].longname,
		    &q->list.v[i].attrs);
	if (q->too_many || is_full(ret))
		r = oe_err_set(err, OE_ETOOBIG, "%s: more than %d names", dir,
		    OE_ASK_NAMES_MAX);
	oe_ask__free(q);
	return r;
}

int
oe_ask_list(const struct oe_ask *a, const char *dir, struct oe_ask_list *ret,
    struct oe_err *err)
{
	struct oe_sftp_file *f = NULL;
	int r = oe_ask__open_dir(a, dir, &f, err);

	if (r < 0)
		return r;
	while (r == 0)
		r = read_some(a, f, dir, ret, err);
	oe_ask__close(a, f);
	return r == OE_ESHORT ? 0 : r;
}

static void
on_user(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	struct oe_ask_question *q = op->arg;

	oe_strs_add(&q->names, e->name);
}

int
oe_ask_users(const struct oe_ask *a, const struct oe_ask_ids *ids,
    struct oe_strs *ret, struct oe_err *err)
{
	struct oe_ask_question *q = oe_ask__new(a);
	size_t i;
	int r;

	q->op.entry = on_user;
	a->fs->ops->users(
	    a->fs, &q->op, ids->uids, ids->n_uids, ids->gids, ids->n_gids);
	r = oe_ask__answer(a, q, NULL, err);
	if (r < 0)
		return r;
	for (i = 0; i < q->names.n; i++)
		oe_strs_add(ret, q->names.v[i]);
	oe_ask__free(q);
	return 0;
}
