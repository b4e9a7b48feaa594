/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fs.h promises, of each file system there is: this machine's, one
 * behind our server, one behind OpenSSH's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/net/loop.h"
#include "sftp/server.h"
#include "sftp/session.h"

static const char openssh[] = "/usr/lib/openssh/sftp-server";

/* A file system and what is behind it. */
struct world {
	struct oe_loop *loop;
	struct oe_sftp_fs *fs;
	struct oe_sftp_session *s;
	struct oe_watch *watch;
	int fd, ready;
	pid_t pid;
	char dir[32];
};

struct told {
	struct oe_buf data; /* bytes, names and ids as text */
	unsigned n;         /* entries, extents */
	uint64_t covered;   /* bytes of extents */
};

static size_t
pipe_room(void *arg)
{
	const struct world *w = arg;
	struct pollfd p = {.fd = w->fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && p.revents & POLLOUT ? 4096 : 0;
}

static int
pipe_write(void *arg, const void *p, size_t n)
{
	const struct world *w = arg;

	return oe_fd_write_all(w->fd, p, n) < 0 ? OE_ECLOSED : 0;
}

static void
pipe_ready(void *arg, int status, const struct oe_err *err)
{
	struct world *w = arg;

	(void)err;
	w->ready = status == 0 ? 1 : status;
}

static void
pipe_in(void *arg, short revents)
{
	struct world *w = arg;
	static char buf[100000];
	ssize_t n;

	oe_sftp_session_writable(w->s);
	if (!(revents & POLLIN))
		return;
	n = read(w->fd, buf, sizeof buf);
	if (n > 0)
		oe_sftp_session_input(w->s, buf, (size_t)n);
	else
		oe_sftp_session_lost(w->s, NULL);
}

static void
serve(int fd)
{
	struct oe_sftp_server_rules rules = {.read_only = false};
	struct oe_sftp_server *s;

	if (oe_sftp_server_new(&rules, &s, NULL) < 0)
		_exit(1);
	oe_sftp_server_run(s, fd, fd, NULL);
	oe_sftp_server_free(&s);
	_exit(0);
}

/* @program: NULL is our own. */
static void
start_server(struct world *w, const char *program)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	w->pid = fork();
	assert_true(w->pid >= 0);
	if (w->pid == 0) {
		close(sv[0]);
		if (!program)
			serve(sv[1]);
		dup2(sv[1], 0);
		dup2(sv[1], 1);
		oe_fd_close_from(3);
		execl(program, program, (char *)NULL);
		_exit(127);
	}
	close(sv[1]);
	w->fd = sv[0];
}

static void
start_session(struct world *w)
{
	struct oe_sftp_session_plan plan = {.loop = w->loop,
	    .stream = {pipe_room, pipe_write, w},
	    .host = "here",
	    .ready = pipe_ready,
	    .arg = w};

	w->watch = oe_loop_watch(w->loop, w->fd, POLLIN | POLLOUT, pipe_in, w);
	w->s = oe_sftp_session_new(&plan);
	w->fs = oe_sftp_session_fs(w->s);
	while (!w->ready)
		assert_int_equal(oe_loop_once(w->loop, 5000), 0);
	assert_int_equal(w->ready, 1);
}

static void
world_open(struct world *w, const char *program, bool local)
{
	memset(w, 0, sizeof *w);
	w->fd = -1;
	snprintf(w->dir, sizeof w->dir, "/tmp/oe-fs-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chdir(w->dir), 0);
	w->loop = oe_loop_new();
	if (local) {
		w->fs = oe_sftp_local_new();
		return;
	}
	start_server(w, program);
	start_session(w);
}

static void
world_close(struct world *w)
{
	char cmd[64];
	int status = 0;

	oe_sftp_fs_free(&w->fs);
	oe_watch_free(&w->watch);
	oe_fd_close(&w->fd);
	oe_loop_free(&w->loop);
	if (w->pid) {
		assert_int_equal(waitpid(w->pid, &status, 0), w->pid);
		assert_int_equal(status, 0);
	}
	assert_int_equal(chdir("/"), 0);
	snprintf(cmd, sizeof cmd, "rm -r %s", w->dir);
	assert_int_equal(system(cmd), 0);
}

/* --- requests --- */

static void
on_data(struct oe_sftp_op *op, uint64_t offset, const uint8_t *p, size_t n)
{
	struct told *t = op->arg;

	(void)offset;
	assert_int_equal(oe_buf_put(&t->data, p, n), 0);
}

static void
on_entry(struct oe_sftp_op *op, const struct oe_sftp_entry *e)
{
	struct told *t = op->arg;

	t->n++;
	assert_int_equal(oe_buf_printf(&t->data, "%s ", e->name), 0);
}

static void
on_extent(struct oe_sftp_op *op, const struct oe_sftp_extent *x)
{
	struct told *t = op->arg;

	t->n++;
	t->covered += x->length;
}

static void
on_done(struct oe_sftp_op *op)
{
	struct told *t = op->arg;

	if (op->text)
		assert_int_equal(oe_buf_printf(&t->data, "%s", op->text), 0);
	if (op->hash)
		assert_int_equal(
		    oe_buf_put(&t->data, op->hash, op->hash_len), 0);
}

/* The next request; what the last one told is forgotten. */
static struct oe_sftp_op *
fresh(struct oe_sftp_op *op, struct told *t)
{
	oe_buf_done(&t->data);
	memset(t, 0, sizeof *t);
	oe_buf_init(&t->data, 1024 * 1024);
	memset(op, 0, sizeof *op);
	op->arg = t;
	op->done = on_done;
	op->data = on_data;
	op->entry = on_entry;
	op->extent = on_extent;
	return op;
}

#define WAIT(w, op) oe_sftp_wait((w)->loop, op, NULL)

/* One request and its status. */
#define DO(w, op, t, request, ...)                                             \
	((w)->fs->ops->request((w)->fs, fresh(op, t), __VA_ARGS__), WAIT(w, op))

static void
heard(const struct told *t, const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(oe_buf_left(&t->data), n);
	assert_memory_equal(oe_buf_head(&t->data), text, n);
}

static struct oe_sftp_file *
opened(struct world *w, const char *path, uint32_t pflags)
{
	struct told t = {.n = 0};
	struct oe_sftp_op op;

	assert_int_equal(DO(w, &op, &t, open, path, pflags, NULL), 0);
	oe_buf_done(&t.data);
	return op.file;
}

static void
closed(struct world *w, struct oe_sftp_file *f)
{
	struct told t = {.n = 0};
	struct oe_sftp_op op;

	assert_int_equal(DO(w, &op, &t, close, f), 0);
	oe_buf_done(&t.data);
}

static void
check_files(struct world *w)
{
	static uint8_t big[100000];
	struct oe_err err = OE_ERR_INIT;
	struct told t = {.n = 0};
	struct oe_sftp_file *f;
	struct oe_sftp_op op;
	size_t i;

	for (i = 0; i < sizeof big; i++)
		big[i] = (uint8_t)(i * 7 + i / 256);
	f = opened(
	    w, "f", OE_FXF_READ | OE_FXF_WRITE | OE_FXF_CREAT | OE_FXF_TRUNC);
	assert_int_equal(DO(w, &op, &t, write, f, 0, big, sizeof big), 0);
	assert_int_equal(DO(w, &op, &t, read, f, 1, sizeof big), 0);
	assert_int_equal(op.n, sizeof big - 1);
	assert_memory_equal(oe_buf_head(&t.data), big + 1, sizeof big - 1);
	assert_int_equal(DO(w, &op, &t, read, f, sizeof big, 10), OE_ESHORT);
	if (w->fs->features & OE_FS_FSYNC)
		assert_int_equal(DO(w, &op, &t, fsync, f), 0);
	assert_int_equal(DO(w, &op, &t, fstat, f), 0);
	assert_int_equal(op.attrs.size, sizeof big);
	closed(w, f);
	assert_int_equal(
	    DO(w, &op, &t, open, "none/x\33", OE_FXF_READ, NULL), OE_ENOENT);
	assert_int_equal(oe_sftp_op_error(&op, "none/x\33", &err), OE_ENOENT);
	assert_string_equal(err.msg, "none/x\\x1b: No such file or directory");
	oe_buf_done(&t.data);
}

static void
check_names(struct world *w)
{
	struct oe_sftp_attrs a = {
	    .flags = OE_ATTR_ACMODTIME, .atime = 7, .mtime = 8};
	struct told t = {.n = 0};
	struct oe_sftp_op op;
	char want[64];

	assert_int_equal(DO(w, &op, &t, mkdir, "d", 0700), 0);
	assert_true(DO(w, &op, &t, mkdir, "d", 0700) < 0);
	closed(w, opened(w, "d/a", OE_FXF_WRITE | OE_FXF_CREAT));
	closed(w, opened(w, "d/b", OE_FXF_WRITE | OE_FXF_CREAT));
	assert_true(DO(w, &op, &t, rename, "d/a", "d/b", false) < 0);
	assert_int_equal(DO(w, &op, &t, rename, "d/a", "d/b", true), 0);
	assert_int_equal(DO(w, &op, &t, rename, "d/b", "d/a", false), 0);
	assert_int_equal(DO(w, &op, &t, symlink, "a", "d/l"), 0);
	assert_int_equal(DO(w, &op, &t, readlink, "d/l"), 0);
	heard(&t, "a");
	assert_int_equal(DO(w, &op, &t, hardlink, "d/a", "d/h"), 0);
	assert_int_equal(DO(w, &op, &t, setstat, "d/l", &a, false), 0);
	assert_int_equal(DO(w, &op, &t, stat, "d/l", false), 0);
	assert_true(S_ISLNK(op.attrs.mode));
	assert_int_equal(op.attrs.mtime, 8);
	assert_int_equal(DO(w, &op, &t, stat, "d/l", true), 0);
	assert_true(S_ISREG(op.attrs.mode));
	assert_int_not_equal(op.attrs.mtime, 8);
	assert_int_equal(DO(w, &op, &t, realpath, "d/../d"), 0);
	snprintf(want, sizeof want, "%s/d", w->dir);
	heard(&t, want);
	assert_int_equal(DO(w, &op, &t, expand, "~root"), 0);
	heard(&t, "/root");
	assert_int_equal(DO(w, &op, &t, statvfs, "."), 0);
	assert_true(op.vfs.bsize > 0 && op.vfs.namemax >= 64);
	assert_true(DO(w, &op, &t, rmdir, "d") < 0);
	assert_int_equal(DO(w, &op, &t, remove, "d/h"), 0);
	assert_int_equal(DO(w, &op, &t, remove, "d/l"), 0);
	assert_int_equal(DO(w, &op, &t, remove, "d/a"), 0);
	assert_int_equal(DO(w, &op, &t, rmdir, "d"), 0);
	assert_int_equal(DO(w, &op, &t, stat, "d", true), OE_ENOENT);
	oe_buf_done(&t.data);
}

static void
check_many(struct world *w)
{
	struct told t = {.n = 0};
	struct oe_sftp_file *d;
	struct oe_sftp_op op;
	unsigned i, n = 0;
	char name[32];

	assert_int_equal(mkdir("many", 0755), 0);
	for (i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "many/%u", i);
		closed(w, opened(w, name, OE_FXF_WRITE | OE_FXF_CREAT));
	}
	assert_int_equal(DO(w, &op, &t, opendir, "many"), 0);
	d = op.file;
	while (DO(w, &op, &t, readdir, d) == 0)
		n += t.n;
	assert_int_equal(op.status, OE_ESHORT);
	assert_int_equal(n, 500);
	closed(w, d);
	oe_buf_done(&t.data);
}

static void
check_whole(struct world *w)
{
	struct told t = {.n = 0};
	struct oe_sftp_op op, more[3];
	char name[8];
	unsigned i;

	if (!(w->fs->features & OE_FS_WHOLE))
		return;
	assert_int_equal(DO(w, &op, &t, put_file, "w", 0, NULL, "one", 3), 0);
	assert_int_equal(
	    DO(w, &op, &t, put_file, "w", 0, NULL, "two", 3), OE_EEXIST);
	assert_int_equal(
	    DO(w, &op, &t, put_file, "w", OE_PUT_SYNC, NULL, "two", 3),
	    OE_EEXIST);
	assert_int_equal(DO(w, &op, &t, get_file, "w", 3, false), 0);
	heard(&t, "one");
	assert_int_equal(op.attrs.size, 3);
	assert_int_equal(DO(w, &op, &t, get_file, "w", 2, false), OE_ETOOBIG);
	assert_int_equal(op.attrs.size, 3);
	assert_int_equal(DO(w, &op, &t, put_file, "w",
			     OE_PUT_SYNC | OE_PUT_REPLACE, NULL, "", 0),
	    0);
	assert_int_equal(DO(w, &op, &t, get_file, "w", 9, false), 0);
	heard(&t, "");
	assert_int_equal(symlink("w", "wl"), 0);
	assert_int_equal(DO(w, &op, &t, get_file, "wl", 9, true), 0);
	assert_true(DO(w, &op, &t, get_file, "wl", 9, false) < 0);
	assert_int_equal(DO(w, &op, &t, get_file, "none", 9, false), OE_ENOENT);
	assert_true(DO(w, &op, &t, get_file, ".", 9, false) < 0);
	/* several at a time */
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "w%u", i);
		memset(&more[i], 0, sizeof more[i]);
		more[i].done = oe_sftp_op_noop;
		w->fs->ops->put_file(
		    w->fs, &more[i], name, OE_PUT_SYNC, NULL, name, 2);
	}
	for (i = 0; i < 3; i++)
		assert_int_equal(WAIT(w, &more[i]), 0);
	assert_int_equal(DO(w, &op, &t, get_file, "w2", 9, false), 0);
	heard(&t, "w2");
	oe_buf_done(&t.data);
}

static void
check_hash(struct world *w)
{
	/* of "abc" */
	static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf};
	struct told t = {.n = 0};
	struct oe_sftp_file *f;
	struct oe_sftp_op op;

	if (!(w->fs->features & OE_FS_HASH))
		return;
	assert_int_equal(oe_fd_write_file("h", "xabcx", 5, 0644, NULL), 0);
	f = opened(w, "h", OE_FXF_READ);
	assert_int_equal(DO(w, &op, &t, hash, f, "sha256", 1, 3, 0), 0);
	assert_int_equal(oe_buf_left(&t.data), 32);
	assert_memory_equal(oe_buf_head(&t.data), abc, sizeof abc);
	/* beyond the end it is that of no bytes */
	assert_int_equal(DO(w, &op, &t, hash, f, "sha256", 0, 0, 256), 0);
	assert_int_equal(oe_buf_left(&t.data), 32);
	assert_true(DO(w, &op, &t, hash, f, "rot13", 0, 0, 0) < 0);
	closed(w, f);
	oe_buf_done(&t.data);
}

static void
check_data(struct world *w)
{
	struct told t = {.n = 0};
	struct oe_sftp_file *f, *g;
	struct oe_sftp_op op;
	int fd;

	fd = open("holes", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 10 << 20), 0);
	assert_int_equal(pwrite(fd, "end", 3, (5 << 20) - 3), 3);
	close(fd);
	f = opened(w, "holes", OE_FXF_READ);
	if (w->fs->features & OE_FS_EXTENTS) {
		assert_int_equal(DO(w, &op, &t, extents, f, 0), 0);
		assert_true(op.last);
		assert_true(t.n >= 1 && t.covered < 10 << 20);
		assert_int_equal(DO(w, &op, &t, extents, f, 10 << 20), 0);
		assert_true(op.last && t.n == 0);
	}
	if (w->fs->features & OE_FS_COPY_DATA) {
		g = opened(
		    w, "copy", OE_FXF_READ | OE_FXF_WRITE | OE_FXF_CREAT);
		assert_int_equal(
		    DO(w, &op, &t, copy, f, (5 << 20) - 3, 3, g, 1), 0);
		assert_int_equal(DO(w, &op, &t, read, g, 0, 100), 0);
		assert_int_equal(op.n, 4);
		assert_memory_equal(oe_buf_head(&t.data), "\0end", 4);
		closed(w, g);
	}
	closed(w, f);
	oe_buf_done(&t.data);
}

static void
check_users(struct world *w)
{
	static const uint32_t uids[] = {0, 4000000000u}, gids[] = {0};
	struct told t = {.n = 0};
	struct oe_sftp_op op;

	if (!(w->fs->features & OE_FS_USERS))
		return;
	assert_int_equal(DO(w, &op, &t, users, uids, 2, gids, 1), 0);
	assert_int_equal(t.n, 3);
	heard(&t, "root  root ");
	oe_buf_done(&t.data);
}

static void
check_all(const char *program, bool local)
{
	struct world w;

	world_open(&w, program, local);
	check_files(&w);
	check_names(&w);
	check_many(&w);
	check_whole(&w);
	check_hash(&w);
	check_data(&w);
	check_users(&w);
	assert_int_equal(w.fs->outstanding, 0);
	world_close(&w);
}

static void
test_local(void **state)
{
	(void)state;
	check_all(NULL, true);
}

static void
test_our_server(void **state)
{
	(void)state;
	check_all(NULL, false);
}

static void
test_openssh(void **state)
{
	(void)state;
	if (access(openssh, X_OK) < 0)
		skip();
	check_all(openssh, false);
}

/* A server that goes away is told once to each that waits. */
static void
test_cut(void **state)
{
	struct told t = {.n = 0};
	struct world w;
	struct oe_sftp_op op;

	(void)state;
	world_open(&w, NULL, false);
	assert_int_equal(shutdown(w.fd, SHUT_RDWR), 0);
	assert_int_equal(DO(&w, &op, &t, mkdir, "x", 0755), OE_ECLOSED);
	assert_non_null(strstr(op.message, "here"));
	assert_int_equal(DO(&w, &op, &t, mkdir, "x", 0755), OE_ECLOSED);
	assert_true(w.fs->failed);
	oe_buf_done(&t.data);
	world_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_our_server),
	    cmocka_unit_test(test_openssh),
	    cmocka_unit_test(test_cut),
	};

	/* of a socket that was shut down */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
