/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "sftp/fs.h"

static char dir[] = "/tmp/oe-local-XXXXXX";
static struct oe_sftp_fs *fs;

/* One request and what it was told. */
struct asked {
	struct oe_sftp_op op;
	int done;
	struct oe_buf data; /* of data(), or "NAME MODE\n" of entry() */
	struct oe_sftp_extent x[16];
	unsigned n_x, n_names;
	char text[512];
};

static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return -1;
	fs = oe_sftp_local_new();
	return 0;
}

static int
teardown(void **state)
{
	char cmd[sizeof dir + 16];

	(void)state;
	oe_sftp_fs_free(&fs);
	if (chdir("/") < 0)
		return -1;
	snprintf(cmd, sizeof cmd, "rm -r %s", dir);
	return system(cmd);
}

static void
on_done(struct oe_sftp_op *op)
{
	struct asked *a = op->arg;

	assert_true(op->finished);
	a->done++;
	if (op->text)
		snprintf(a->text, sizeof a->text, "%s", op->text);
	if (op->hash)
		assert_int_equal(
		    oe_buf_put(&a->data, op->hash, op->hash_len), 0);
}

static void
on_data(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	struct asked *a = op->arg;

	(void)offset;
	assert_int_equal(oe_buf_put(&a->data, p, n), 0);
}

static void
on_entry(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	struct asked *a = op->arg;

	a->n_names++;
	assert_int_equal(
	    oe_buf_printf(&a->data, "%s %o\n", e->name, e->attrs.mode & S_IFMT),
	    0);
}

static void
on_extent(struct oe_sftp_op *op, const struct oe_sftp_extent *x)
{
	struct asked *a = op->arg;

	assert_true(a->n_x < OE_ARRAY_LEN(a->x));
	a->x[a->n_x++] = *x;
}

/* An op to be issued; what the last one on @a left is forgotten. */
static struct oe_sftp_op *
op_of(struct asked *a)
{
	oe_buf_done(&a->data);
	memset(a, 0, sizeof *a);
	a->op.arg = a;
	a->op.done = on_done;
	a->op.data = on_data;
	a->op.entry = on_entry;
	a->op.extent = on_extent;
	oe_buf_init(&a->data, 1024 * 1024);
	return &a->op;
}

static void
is(const struct asked *a, int status)
{
	if (a->done != 1 || a->op.status != status)
		fail_msg("done %d, status %d not %d: %s", a->done, a->op.status,
		    status, a->op.message);
}

static void
make(const char *path, const char *text)
{
	assert_int_equal(
	    oe_fd_write_file(path, text, strlen(text), 0644, NULL), 0);
}

static void
holds(const char *path, const char *text)
{
	struct oe_buf b;

	assert_int_equal(oe_fd_read_file(path, 100000, &b, NULL), 0);
	assert_string_equal((const char *)oe_buf_head(&b), text);
	oe_buf_done(&b);
}

static unsigned
names_in(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static struct oe_sftp_file *
file(const char *path, uint32_t pflags)
{
	struct asked a = {.done = 0};

	fs->ops->open(fs, op_of(&a), path, pflags, NULL);
	is(&a, 0);
	return a.op.file;
}

static void
close_file(struct oe_sftp_file *f)
{
	struct asked a = {.done = 0};

	fs->ops->close(fs, op_of(&a), f);
	is(&a, 0);
}

static void
test_open(void **state)
{
	static const struct {
		const char *path;
		uint32_t pflags;
		int status;
		const char *words;
	} cases[] = {
	    {"o/file", OE_FXF_READ, 0, ""},
	    {"o/file", OE_FXF_READ | OE_FXF_NOFOLLOW, 0, ""},
	    {"o/link", OE_FXF_READ, 0, ""},
	    {"o/link", OE_FXF_READ | OE_FXF_NOFOLLOW, OE_EPERM,
		"It is a symbolic link"},
	    {"o/link", OE_FXF_WRITE | OE_FXF_NOFOLLOW, OE_EPERM,
		"It is a symbolic link"},
	    {"o/none", OE_FXF_READ, OE_ENOENT, "No such file or directory"},
	    {"o/file/x", OE_FXF_READ, OE_ENOENT, "Not a directory"},
	    {"o/fifo", OE_FXF_READ, OE_EINVAL, "not a regular file"},
	    {"o", OE_FXF_READ, OE_EINVAL, "not a regular file"},
	    {"/dev/zero", OE_FXF_READ, OE_EINVAL, "not a regular file"},
	    {"/dev/null", OE_FXF_WRITE | OE_FXF_TRUNC | OE_FXF_CREAT, 0, ""},
	    {"o/file", OE_FXF_WRITE | OE_FXF_CREAT | OE_FXF_EXCL, OE_EEXIST,
		"File exists"},
	    {"o", OE_FXF_WRITE, OE_ESYS, "Is a directory"},
	};
	struct asked a = {.done = 0};
	size_t i;

	(void)state;
	assert_int_equal(mkdir("o", 0755), 0);
	make("o/file", "x");
	assert_int_equal(symlink("file", "o/link"), 0);
	assert_int_equal(mkfifo("o/fifo", 0600), 0);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		fs->ops->open(
		    fs, op_of(&a), cases[i].path, cases[i].pflags, NULL);
		is(&a, cases[i].status);
		assert_string_equal(a.op.message, cases[i].words);
		if (a.op.file)
			close_file(a.op.file);
	}
}

static void
test_read_write(void **state)
{
	struct oe_sftp_file *f;
	struct oe_sftp_attrs at = {
	    .flags = OE_ATTR_ACMODTIME | OE_ATTR_PERMISSIONS,
	    .mode = 0600,
	    .atime = 5,
	    .mtime = 6};
	struct asked a = {.done = 0};

	(void)state;
	f = file("rw", OE_FXF_READ | OE_FXF_WRITE | OE_FXF_CREAT);
	fs->ops->write(fs, op_of(&a), f, 2, "cdef", 4);
	is(&a, 0);
	fs->ops->write(fs, op_of(&a), f, 0, "ab", 2);
	is(&a, 0);
	fs->ops->read(fs, op_of(&a), f, 1, 100);
	is(&a, 0);
	assert_int_equal(a.op.n, 5);
	assert_memory_equal(oe_buf_head(&a.data), "bcdef", 5);
	fs->ops->read(fs, op_of(&a), f, 6, 100);
	is(&a, OE_ESHORT);
	fs->ops->fsync(fs, op_of(&a), f);
	is(&a, 0);
	fs->ops->fsetstat(fs, op_of(&a), f, &at);
	is(&a, 0);
	fs->ops->fstat(fs, op_of(&a), f);
	is(&a, 0);
	assert_int_equal(a.op.attrs.size, 6);
	assert_int_equal(a.op.attrs.mtime, 6);
	assert_int_equal(a.op.attrs.mode, S_IFREG | 0600);
	close_file(f);
	oe_buf_done(&a.data);
}

static void
test_readdir(void **state)
{
	struct oe_sftp_file *d;
	struct asked a = {.done = 0};
	unsigned i, n = 0;
	char name[32];

	(void)state;
	assert_int_equal(mkdir("many", 0755), 0);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "many/%u", i);
		make(name, "");
	}
	fs->ops->opendir(fs, op_of(&a), "many");
	is(&a, 0);
	d = a.op.file;
	for (;;) {
		fs->ops->readdir(fs, op_of(&a), d);
		if (a.op.status)
			break;
		assert_in_range(a.n_names, 1, 128);
		n += a.n_names;
	}
	is(&a, OE_ESHORT);
	assert_int_equal(n, 300);
	close_file(d);
	fs->ops->opendir(fs, op_of(&a), "many/1");
	is(&a, OE_ENOENT);
	oe_buf_done(&a.data);
}

static void
test_names(void **state)
{
	const struct oe_sftp_fs_ops *o = fs->ops;
	struct asked a = {.done = 0};
	char want[512];

	(void)state;
	o->mkdir(fs, op_of(&a), "n", 0755);
	is(&a, 0);
	o->mkdir(fs, op_of(&a), "n", 0755);
	is(&a, OE_EEXIST);
	make("n/a", "a");
	make("n/b", "b");
	o->rename(fs, op_of(&a), "n/a", "n/b", false);
	is(&a, OE_EEXIST);
	o->rename(fs, op_of(&a), "n/a", "n/c", false);
	is(&a, 0);
	o->rename(fs, op_of(&a), "n/c", "n/b", true);
	is(&a, 0);
	holds("n/b", "a");
	o->symlink(fs, op_of(&a), "b", "n/l");
	is(&a, 0);
	o->readlink(fs, op_of(&a), "n/l");
	is(&a, 0);
	assert_string_equal(a.text, "b");
	o->hardlink(fs, op_of(&a), "n/b", "n/h");
	is(&a, 0);
	o->realpath(fs, op_of(&a), "n/../n/l");
	is(&a, 0);
	snprintf(want, sizeof want, "%s/n/b", dir);
	assert_string_equal(a.text, want);
	o->realpath(fs, op_of(&a), "n/../n/none/");
	is(&a, 0);
	snprintf(want, sizeof want, "%s/n/none", dir);
	assert_string_equal(a.text, want);
	o->realpath(fs, op_of(&a), "none/none");
	is(&a, OE_ENOENT);
	setenv("HOME", "/home/x", 1);
	o->expand(fs, op_of(&a), "~/y");
	is(&a, 0);
	assert_string_equal(a.text, "/home/x/y");
	o->expand(fs, op_of(&a), "~root");
	is(&a, 0);
	assert_string_equal(a.text, "/root");
	o->expand(fs, op_of(&a), "~no-such-user-here/x");
	is(&a, OE_ENOENT);
	o->statvfs(fs, op_of(&a), ".");
	is(&a, 0);
	assert_true(a.op.vfs.blocks > 0);
	o->remove(fs, op_of(&a), "n");
	assert_true(a.op.status < 0);
	o->rmdir(fs, op_of(&a), "n");
	assert_true(a.op.status < 0);
	oe_buf_done(&a.data);
}

static void
test_setstat(void **state)
{
	const struct oe_sftp_fs_ops *o = fs->ops;
	struct oe_sftp_attrs at = {
	    .flags = OE_ATTR_ACMODTIME, .atime = 7, .mtime = 8};
	struct asked a = {.done = 0};
	struct stat st;

	(void)state;
	make("set", "12345");
	assert_int_equal(symlink("set", "setl"), 0);
	o->setstat(fs, op_of(&a), "setl", &at, false);
	is(&a, 0);
	assert_int_equal(lstat("setl", &st), 0);
	assert_int_equal(st.st_mtime, 8);
	assert_int_equal(stat("setl", &st), 0);
	assert_int_not_equal(st.st_mtime, 8);
	at.flags = OE_ATTR_SIZE;
	at.size = 2;
	o->setstat(fs, op_of(&a), "setl", &at, false);
	is(&a, OE_EINVAL);
	o->setstat(fs, op_of(&a), "setl", &at, true);
	is(&a, 0);
	holds("set", "12");
	o->stat(fs, op_of(&a), "setl", false);
	is(&a, 0);
	assert_true(S_ISLNK(a.op.attrs.mode));
	oe_buf_done(&a.data);
}

static void
test_get_file(void **state)
{
	const struct oe_sftp_fs_ops *o = fs->ops;
	struct asked a = {.done = 0};

	(void)state;
	make("g", "12345");
	make("ge", "");
	assert_int_equal(symlink("g", "gl"), 0);
	assert_int_equal(mkfifo("gf", 0600), 0);
	o->get_file(fs, op_of(&a), "g", 5, true);
	is(&a, 0);
	assert_int_equal(a.op.n, 5);
	assert_int_equal(a.op.attrs.size, 5);
	assert_memory_equal(oe_buf_head(&a.data), "12345", 5);
	o->get_file(fs, op_of(&a), "g", 4, true);
	is(&a, OE_ETOOBIG);
	assert_int_equal(a.op.attrs.size, 5);
	assert_int_equal(oe_buf_left(&a.data), 0);
	o->get_file(fs, op_of(&a), "ge", 5, true);
	is(&a, 0);
	assert_int_equal(a.op.n, 0);
	o->get_file(fs, op_of(&a), "gl", 5, true);
	is(&a, 0);
	o->get_file(fs, op_of(&a), "gl", 5, false);
	is(&a, OE_EPERM);
	o->get_file(fs, op_of(&a), "gf", 5, true);
	is(&a, OE_EINVAL);
	/* it says that it is empty */
	o->get_file(fs, op_of(&a), "/proc/self/status", 100000, true);
	is(&a, 0);
	assert_true(a.op.n > 100);
	o->get_file(fs, op_of(&a), "/proc/self/status", 100, true);
	is(&a, OE_ETOOBIG);
	oe_buf_done(&a.data);
}

static void
test_put_file(void **state)
{
	const struct oe_sftp_fs_ops *o = fs->ops;
	struct oe_sftp_attrs at = {
	    .flags = OE_ATTR_PERMISSIONS | OE_ATTR_ACMODTIME,
	    .mode = 0666,
	    .mtime = 9};
	struct asked a = {.done = 0};
	struct stat st;
	char longest[256 + 2] = "p/";

	(void)state;
	umask(022);
	assert_int_equal(mkdir("p", 0755), 0);
	o->put_file(fs, op_of(&a), "p/a", 0, &at, "one", 3);
	is(&a, 0);
	holds("p/a", "one");
	assert_int_equal(stat("p/a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	o->put_file(fs, op_of(&a), "p/a", 0, &at, "two", 3);
	is(&a, OE_EEXIST);
	holds("p/a", "one");
	assert_int_equal(chmod("p/a", 0640), 0);
	o->put_file(fs, op_of(&a), "p/a", OE_PUT_REPLACE, &at, "two", 3);
	is(&a, 0);
	holds("p/a", "two");
	/* as a write into it */
	assert_int_equal(stat("p/a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	o->put_file(fs, op_of(&a), "p/a",
	    OE_PUT_REPLACE | OE_PUT_MODE | OE_PUT_TIMES, &at, "", 0);
	is(&a, 0);
	assert_int_equal(stat("p/a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_int_equal(st.st_mtime, 9);
	assert_int_equal(st.st_size, 0);
	memset(longest + 2, 'n', 255);
	o->put_file(fs, op_of(&a), longest, 0, NULL, "x", 1);
	is(&a, 0);
	o->put_file(fs, op_of(&a), "p/none/x", 0, NULL, "x", 1);
	is(&a, OE_ENOENT);
	o->put_file(fs, op_of(&a), ".", OE_PUT_REPLACE, NULL, "x", 1);
	assert_true(a.op.status < 0);
	assert_int_equal(mkdir("p/d", 0755), 0);
	o->put_file(fs, op_of(&a), "p/d", OE_PUT_REPLACE, NULL, "x", 1);
	assert_true(a.op.status < 0);
	/* nothing is left of what failed */
	assert_int_equal(names_in("p"), 3);
	oe_buf_done(&a.data);
}

static void
test_put_together(void **state)
{
	const struct oe_sftp_fs_ops *o = fs->ops;
	static struct asked a[OE_LOCAL_HELD_MAX + 1];
	struct asked s = {.done = 0};
	char name[32];
	unsigned i;

	(void)state;
	assert_int_equal(mkdir("t", 0755), 0);
	assert_int_equal(mkdir("t/u", 0755), 0);
	for (i = 0; i <= OE_LOCAL_HELD_MAX; i++) {
		snprintf(name, sizeof name, i & 1 ? "t/%u" : "t/u/%u", i);
		o->put_file(fs, op_of(&a[i]), name, OE_PUT_SYNC, NULL, name, 3);
		if (i == 0)
			assert_int_equal(access(name, F_OK), -1);
		assert_int_equal(a[0].done, i >= OE_LOCAL_HELD_MAX - 1);
	}
	for (i = 0; i < OE_LOCAL_HELD_MAX; i++)
		is(&a[i], 0);
	assert_int_equal(a[OE_LOCAL_HELD_MAX].done, 0);
	/* another name does not disturb it, its own does */
	o->stat(fs, op_of(&s), "t/1", true);
	is(&s, 0);
	assert_int_equal(a[OE_LOCAL_HELD_MAX].done, 0);
	o->stat(fs, op_of(&s), "t/u/64", true);
	is(&s, 0);
	is(&a[OE_LOCAL_HELD_MAX], 0);
	assert_int_equal(names_in("t/u"), 33);

	/* one that exists by then */
	o->put_file(fs, op_of(&a[0]), "t/new", OE_PUT_SYNC, NULL, "x", 1);
	o->put_file(fs, op_of(&a[1]), "t/1", OE_PUT_SYNC, NULL, "x", 1);
	oe_sftp_local_flush(fs);
	is(&a[0], 0);
	is(&a[1], OE_EEXIST);
	/* waited for without a loop */
	o->put_file(fs, op_of(&a[0]), "t/new2", OE_PUT_SYNC, NULL, "x", 1);
	assert_int_equal(oe_sftp_wait(NULL, &a[0].op, NULL), 0);
	assert_int_equal(names_in("t"), 1 + 32 + 2);
	for (i = 0; i <= OE_LOCAL_HELD_MAX; i++)
		oe_buf_done(&a[i].data);
	oe_buf_done(&s.data);
}

static void
test_free_drops(void **state)
{
	struct oe_sftp_fs *mine = oe_sftp_local_new();
	struct asked a = {.done = 0};

	(void)state;
	assert_int_equal(mkdir("drop", 0755), 0);
	mine->ops->put_file(
	    mine, op_of(&a), "drop/x", OE_PUT_SYNC, NULL, "x", 1);
	assert_int_equal(a.done, 0);
	oe_sftp_fs_free(&mine);
	is(&a, OE_ECLOSED);
	assert_int_equal(names_in("drop"), 0);
	oe_buf_done(&a.data);
}

static void
test_data(void **state)
{
	/* of "abc", and of nothing */
	static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf},
			     nothing[] = {0xe3, 0xb0, 0xc4, 0x42};
	const struct oe_sftp_fs_ops *o = fs->ops;
	struct oe_sftp_file *f, *g;
	struct asked a = {.done = 0};

	(void)state;
	make("h", "abcabcab");
	f = file("h", OE_FXF_READ);
	o->hash(fs, op_of(&a), f, "sha256", 3, 3, 0);
	is(&a, 0);
	assert_int_equal(oe_buf_left(&a.data), 32);
	assert_memory_equal(oe_buf_head(&a.data), abc, 4);
	o->hash(fs, op_of(&a), f, "sha256", 0, 0, 3);
	is(&a, 0);
	assert_int_equal(oe_buf_left(&a.data), 96);
	assert_memory_equal(oe_buf_head(&a.data) + 32, abc, 4);
	o->hash(fs, op_of(&a), f, "sha256", 0, 6, 3);
	is(&a, 0);
	assert_int_equal(oe_buf_left(&a.data), 64);
	o->hash(fs, op_of(&a), f, "sha256", 100, 0, 0);
	is(&a, 0);
	assert_memory_equal(oe_buf_head(&a.data), nothing, 4);
	o->hash(fs, op_of(&a), f, "rot13", 0, 0, 0);
	is(&a, OE_EINVAL);
	g = file("hc", OE_FXF_WRITE | OE_FXF_CREAT);
	o->copy(fs, op_of(&a), f, 2, 4, g, 1);
	is(&a, 0);
	o->copy(fs, op_of(&a), f, 6, 0, g, 0);
	is(&a, 0);
	close_file(g);
	close_file(f);
	holds("hc", "ababc");
	oe_buf_done(&a.data);
}

static void
test_extents(void **state)
{
	struct oe_sftp_file *f;
	struct asked a = {.done = 0};
	uint64_t end = 0;
	unsigned i;
	int fd;

	(void)state;
	fd = open("holes", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 10 << 20), 0);
	assert_int_equal(pwrite(fd, "x", 1, 5 << 20), 1);
	close(fd);
	f = file("holes", OE_FXF_READ);
	fs->ops->extents(fs, op_of(&a), f, 0);
	is(&a, 0);
	assert_true(a.op.last);
	assert_true(a.n_x >= 1);
	for (i = 0; i < a.n_x; i++) {
		assert_true(a.x[i].offset >= end);
		end = a.x[i].offset + a.x[i].length;
	}
	assert_in_range(end, (5 << 20) + 1, 10 << 20);
	fs->ops->extents(fs, op_of(&a), f, 10 << 20);
	is(&a, 0);
	assert_true(a.op.last);
	assert_int_equal(a.n_x, 0);
	close_file(f);
	oe_buf_done(&a.data);
}

static void
test_users(void **state)
{
	static const uint32_t uids[] = {0, 4000000000u}, gids[] = {0};
	struct asked a = {.done = 0};

	(void)state;
	fs->ops->users(fs, op_of(&a), uids, 2, gids, 1);
	is(&a, 0);
	assert_int_equal(a.n_names, 3);
	assert_memory_equal(oe_buf_head(&a.data), "root 0\n 0\nroot 0\n", 17);
	oe_buf_done(&a.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_open),
	    cmocka_unit_test(test_read_write),
	    cmocka_unit_test(test_readdir),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_setstat),
	    cmocka_unit_test(test_get_file),
	    cmocka_unit_test(test_put_file),
	    cmocka_unit_test(test_put_together),
	    cmocka_unit_test(test_free_drops),
	    cmocka_unit_test(test_data),
	    cmocka_unit_test(test_extents),
	    cmocka_unit_test(test_users),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
