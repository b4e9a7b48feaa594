/* SPDX-License-Identifier: Apache-2.0 */
#include "fakefs.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"

enum what {
	DATA,
	ENTRY,
	EXTENT,
};

/* Something the request called back with, kept for the answer. */
struct kept {
	struct kept *next;
	enum what what;
	uint64_t offset;
	size_t n;
	struct oe_sftp_attrs attrs;
	struct oe_sftp_extent extent;
	uint8_t bytes[];
};

struct fakefs_op {
	struct fakefs_op *next;
	struct fakefs *f;
	struct oe_sftp_op inner, *outer;
	struct kept *kept, **kept_last;
	uint8_t *text;
	size_t text_len;
	bool is_text;
	size_t unacked;
};

static struct fakefs *
fake(struct oe_sftp_fs *fs)
{
	return (struct fakefs *)fs;
}

static unsigned
roll(struct fakefs *f, unsigned n)
{
	f->random = f->random * 1103515245u + 12345u;
	return f->random / 65536u % n;
}

static void
keep(struct fakefs_op *o, struct kept *k)
{
	*o->kept_last = k;
	o->kept_last = &k->next;
}

static void
on_data(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	struct fakefs_op *o = op->arg;
	struct kept *k = oe_mem_zalloc(sizeof *k + n);

	k->what = DATA;
	k->offset = offset;
	k->n = n;
	memcpy(k->bytes, p, n);
	keep(o, k);
}

static void
on_entry(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	struct fakefs_op *o = op->arg;
	size_t n = strlen(e->name) + 1;
	struct kept *k = oe_mem_zalloc(sizeof *k + n);

	k->what = ENTRY;
	k->attrs = e->attrs;
	memcpy(k->bytes, e->name, n);
	keep(o, k);
}

static void
on_extent(struct oe_sftp_op *op, const struct oe_sftp_extent *x)
{
	struct fakefs_op *o = op->arg;
	struct kept *k = oe_mem_zalloc(sizeof *k);

	k->what = EXTENT;
	k->extent = *x;
	keep(o, k);
}

static void
on_done(struct oe_sftp_op *op)
{
	struct fakefs_op *o = op->arg;

	if (op->text) {
		o->text = (uint8_t *)oe_mem_strdup(op->text);
		o->is_text = true;
	} else if (op->hash) {
		o->text = oe_mem_zalloc(op->hash_len + 1);
		memcpy(o->text, op->hash, op->hash_len);
		o->text_len = op->hash_len;
	}
}

static void
tell(struct oe_sftp_op *op, const struct kept *k)
{
	struct oe_sftp_entry e = {
	    .name = (const char *)k->bytes, .longname = "", .attrs = k->attrs};
	size_t at, n;

	switch (k->what) {
	case DATA:
		/* in pieces, as from a network */
		for (at = 0; at < k->n; at += n) {
			n = k->n - at < 30000 ? k->n - at : 30000;
			op->data(op, k->offset + at, k->bytes + at, n);
		}
		break;
	case ENTRY:
		op->entry(op, &e);
		break;
	case EXTENT:
		op->extent(op, &k->extent);
		break;
	}
}

static void
op_free(struct fakefs_op *o)
{
	struct kept *k;

	while ((k = o->kept)) {
		o->kept = k->next;
		free(k);
	}
	free(o->text);
	free(o);
}

static void
answer(struct fakefs *f, struct fakefs_op *o)
{
	struct oe_sftp_op *op = o->outer, *in = &o->inner;
	struct kept *k;

	f->out--;
	f->fs.outstanding = f->out;
	f->bytes_unacked -= o->unacked;
	if (f->fs.failed) {
		op->status = OE_ECLOSED;
		if (in->file && in->status == 0) {
			/* an OPEN nobody heard of */
			struct oe_sftp_op c = {.done = oe_sftp_op_noop};

			f->inner->ops->close(f->inner, &c, in->file);
			f->files_open--;
		}
	} else {
		for (k = o->kept; k; k = k->next)
			tell(op, k);
		op->status = in->status;
		op->fx = in->fx;
		memcpy(op->message, in->message, sizeof op->message);
		op->n = in->n;
		op->file = in->file;
		op->attrs = in->attrs;
		op->vfs = in->vfs;
		op->last = in->last;
		op->text = o->is_text ? (char *)o->text : NULL;
		op->hash = o->is_text ? NULL : o->text;
		op->hash_len = o->text_len;
	}
	op->finished = true;
	op->done(op);
	op_free(o);
}

static bool
idle(void *arg)
{
	struct fakefs *f = arg;
	unsigned n = f->out ? 1 + roll(f, f->out) : 0, i;
	bool full = f->room_max && f->bytes_unacked >= f->room_max;
	struct fakefs_op **at, *o;

	if (!n)
		return false;
	while (n--) {
		at = &f->first;
		for (i = roll(f, f->out); i && (*at)->next; i--)
			at = &(*at)->next;
		o = *at;
		if (!o)
			break;
		*at = o->next;
		answer(f, o);
	}
	if (full && f->fs.writable)
		f->fs.writable(f->fs.writable_arg);
	return true;
}

void
fakefs_cut(struct fakefs *f)
{
	f->fs.failed = true;
}

/* The request with its callbacks on this side; NULL: it ended, lost. */
static struct fakefs_op *
begin(struct oe_sftp_fs *fs, struct oe_sftp_op *op)
{
	struct fakefs *f = fake(fs);
	struct fakefs_op *o, **at = &f->first;

	f->requests++;
	if (f->cut_after && f->requests >= f->cut_after)
		fakefs_cut(f);
	if (fs->failed) {
		op->status = OE_ECLOSED;
		op->finished = true;
		op->done(op);
		return NULL;
	}
	o = oe_mem_zalloc(sizeof *o);
	o->f = f;
	o->outer = op;
	o->kept_last = &o->kept;
	o->inner.done = on_done;
	o->inner.arg = o;
	o->inner.data = on_data;
	o->inner.entry = on_entry;
	o->inner.extent = on_extent;
	while (*at)
		at = &(*at)->next;
	*at = o;
	if (++f->out > f->out_max)
		f->out_max = f->out;
	fs->outstanding = f->out;
	return o;
}

#define INNER(fs) (fake(fs)->inner)

static void
fake_open(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    uint32_t pflags, const struct oe_sftp_attrs *a)
{
	struct fakefs_op *o = begin(fs, op);

	fake(fs)->opens++;
	if (!o)
		return;
	INNER(fs)->ops->open(
	    INNER(fs), &o->inner, path, pflags & ~OE_FXF_NOFOLLOW, a);
	fake(fs)->files_open += o->inner.status == 0;
	/* as version 3 tells it */
	if (o->inner.status == OE_EEXIST)
		o->inner.status = OE_ESYS;
}

static void
fake_close(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file)
{
	struct fakefs_op *o = begin(fs, op);
	struct oe_sftp_op lost = {.done = oe_sftp_op_noop};

	fake(fs)->files_open--;
	INNER(fs)->ops->close(INNER(fs), o ? &o->inner : &lost, file);
}

static void
fake_read(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset, size_t len)
{
	struct fakefs_op *o = begin(fs, op);
	unsigned most = fake(fs)->short_max;

	fake(fs)->reads++;
	if (most && len > most)
		len = most;
	if (o)
		INNER(fs)->ops->read(INNER(fs), &o->inner, file, offset, len);
}

static void
fake_write(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset, const void *p, size_t n)
{
	struct fakefs_op *o = begin(fs, op);
	struct fakefs *f = fake(fs);
	uint8_t *zeros;

	f->writes++;
	if (!o)
		return;
	o->unacked = n;
	f->bytes_unacked += n;
	if (f->disk && f->bytes_written + n > f->disk) {
		o->inner.status = OE_ESYS;
		oe_str_copy(o->inner.message, sizeof o->inner.message,
		    "No space left on device");
		return;
	}
	f->bytes_written += n;
	zeros = f->lose_bytes ? oe_mem_zalloc(n) : NULL;
	INNER(fs)->ops->write(
	    INNER(fs), &o->inner, file, offset, zeros ? zeros : p, n);
	free(zeros);
}

static void
fake_stat(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path, bool follow)
{
	struct fakefs_op *o = begin(fs, op);

	fake(fs)->stats++;
	if (o)
		INNER(fs)->ops->stat(INNER(fs), &o->inner, path, follow);
}

static void
fake_fstat(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->fstat(INNER(fs), &o->inner, file);
}

static void
fake_setstat(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    const struct oe_sftp_attrs *a, bool follow)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->setstat(INNER(fs), &o->inner, path, a, follow);
}

static void
fake_fsetstat(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, const struct oe_sftp_attrs *a)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->fsetstat(INNER(fs), &o->inner, file, a);
}

static void
fake_fsync(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *file)
{
	(void)file;
	begin(fs, op);
}

static void
fake_opendir(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	struct fakefs_op *o = begin(fs, op);

	if (!o)
		return;
	INNER(fs)->ops->opendir(INNER(fs), &o->inner, path);
	fake(fs)->files_open += o->inner.status == 0;
}

static void
fake_readdir(
    struct oe_sftp_fs *fs, struct oe_sftp_op *op, struct oe_sftp_file *dir)
{
	struct fakefs_op *o = begin(fs, op);
	struct fakefs *f = fake(fs);
	struct oe_sftp_entry e = {.longname = ""};

	f->readdirs++;
	if (!o)
		return;
	e.attrs.flags = OE_ATTR_SIZE | OE_ATTR_PERMISSIONS;
	e.attrs.mode = S_IFREG | 0644;
	while (f->names && *f->names) {
		e.name = *f->names++;
		on_entry(&o->inner, &e);
	}
	f->names = NULL;
	INNER(fs)->ops->readdir(INNER(fs), &o->inner, dir);
	if (o->kept)
		o->inner.status = 0;
}

static void
fake_mkdir(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    uint32_t mode)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->mkdir(INNER(fs), &o->inner, path, mode);
}

static void
fake_rmdir(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->rmdir(INNER(fs), &o->inner, path);
}

static void
fake_remove(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->remove(INNER(fs), &o->inner, path);
}

static void
fake_rename(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *from,
    const char *to, bool over)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->rename(INNER(fs), &o->inner, from, to, over);
}

static void
fake_symlink(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *target,
    const char *path)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->symlink(INNER(fs), &o->inner, target, path);
}

static void
fake_readlink(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->readlink(INNER(fs), &o->inner, path);
}

static void
fake_hash(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, const char *algorithm, uint64_t offset,
    uint64_t length, uint32_t block)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->hash(INNER(fs), &o->inner, file, algorithm,
		    offset, length, block);
}

static void
fake_extents(struct oe_sftp_fs *fs, struct oe_sftp_op *op,
    struct oe_sftp_file *file, uint64_t offset)
{
	struct fakefs_op *o = begin(fs, op);

	if (o)
		INNER(fs)->ops->extents(INNER(fs), &o->inner, file, offset);
}

static void
fake_get_file(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    size_t max, bool follow)
{
	struct fakefs_op *o = begin(fs, op);

	fake(fs)->gets++;
	if (o)
		INNER(fs)->ops->get_file(
		    INNER(fs), &o->inner, path, max, follow);
}

static void
fake_put_file(struct oe_sftp_fs *fs, struct oe_sftp_op *op, const char *path,
    uint32_t flags, const struct oe_sftp_attrs *a, const void *p, size_t n)
{
	struct fakefs_op *o = begin(fs, op);

	fake(fs)->puts++;
	/* a server answers each: nothing is held back */
	if (o)
		INNER(fs)->ops->put_file(
		    INNER(fs), &o->inner, path, flags & ~OE_PUT_SYNC, a, p, n);
}

static void
fake_free(struct oe_sftp_fs *fs)
{
	struct fakefs *f = fake(fs);
	struct fakefs_op *o;

	fs->failed = true;
	while ((o = f->first)) {
		f->first = o->next;
		answer(f, o);
	}
	oe_idle_free(f->loop, &f->idle);
	oe_sftp_fs_free(&f->inner);
	free(f);
}

static uint64_t
fake_room(struct oe_sftp_fs *fs)
{
	struct fakefs *f = fake(fs);

	if (!f->room_max)
		return 1 << 20;
	return f->bytes_unacked < f->room_max ? f->room_max - f->bytes_unacked
					      : 0;
}

static const struct oe_sftp_fs_ops fake_ops = {
    .open = fake_open,
    .close = fake_close,
    .read = fake_read,
    .write = fake_write,
    .stat = fake_stat,
    .fstat = fake_fstat,
    .setstat = fake_setstat,
    .fsetstat = fake_fsetstat,
    .fsync = fake_fsync,
    .opendir = fake_opendir,
    .readdir = fake_readdir,
    .mkdir = fake_mkdir,
    .rmdir = fake_rmdir,
    .remove = fake_remove,
    .rename = fake_rename,
    .symlink = fake_symlink,
    .readlink = fake_readlink,
    .hash = fake_hash,
    .extents = fake_extents,
    .get_file = fake_get_file,
    .put_file = fake_put_file,
    .free = fake_free,
};

struct fakefs *
fakefs_new(struct oe_loop *loop, unsigned features)
{
	struct fakefs *f = oe_mem_zalloc(sizeof *f);

	f->fs.ops = &fake_ops;
	f->fs.features = features & ~OE_FS_LOCAL;
	f->fs.limits.read = OE_SFTP_DATA_SAFE;
	f->fs.limits.write = OE_SFTP_DATA_SAFE;
	f->fs.room = fake_room;
	oe_str_copy(f->fs.host, sizeof f->fs.host, "fake");
	f->inner = oe_sftp_local_new();
	f->loop = loop;
	f->random = 1;
	f->idle = oe_loop_idle(loop, idle, f);
	return f;
}
