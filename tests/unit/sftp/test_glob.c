/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "sftp/ask.h"
#include "sftp/fs.h"
#include "sftp/path.h"

/* A tree to search; directories end with '/'. */
static const char *const tree[] = {"a/", "a/x.c", "a/y.c", "b/", "b/x.c",
    "b/.hidden.c", "b c/", "b c/x.c", "*", "[x]", "\xff.c", "-dash"};

struct world {
	char dir[64];
	struct oe_loop *loop;
	struct oe_sftp_fs *fs;
};

static int
setup(void **state)
{
	struct world *w = oe_mem_zalloc(sizeof *w);
	size_t i, n;
	int fd;

	snprintf(w->dir, sizeof w->dir, "/tmp/oe-glob.XXXXXX");
	if (!mkdtemp(w->dir) || chdir(w->dir) < 0)
		return -1;
	for (i = 0; i < OE_ARRAY_LEN(tree); i++) {
		n = strlen(tree[i]);
		if (tree[i][n - 1] == '/') {
			if (mkdir(tree[i], 0700) < 0)
				return -1;
			continue;
		}
		fd = open(tree[i], O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0)
			return -1;
		close(fd);
	}
	w->loop = oe_loop_new();
	w->fs = oe_sftp_local_new();
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;
	size_t i = OE_ARRAY_LEN(tree);

	while (i--)
		if (remove(tree[i]) < 0)
			return -1;
	oe_sftp_fs_free(&w->fs);
	oe_loop_free(&w->loop);
	if (chdir("/") < 0 || rmdir(w->dir) < 0)
		return -1;
	free(w);
	return 0;
}

static void
test_glob(void **state)
{
	static const struct {
		const char *pattern, *want;
	} all[] = {
	    {"*/x.c", "a/x.c|b c/x.c|b/x.c|"},
	    {"*/*.c", "a/x.c|a/y.c|b c/x.c|b/x.c|"},
	    {"?/[!x]*", "a/y.c|"},
	    {"b/.*", "b/.hidden.c|"},
	    {"*/y.c", "a/y.c|"},
	    {"\\*", "*|"},
	    {"\\[x\\]", "[x]|"},
	    {"nosuch", "nosuch|"},
	    {"a/../b*/x.c", "a/../b c/x.c|a/../b/x.c|"},
	    {"?.c", "\xff.c|"},
	    {"-*", "-dash|"},
	    {"*/", "*|-dash|[x]|a|b|b c|\xff.c|"},
	};
	struct world *w = *state;
	struct oe_err err = OE_ERR_INIT;
	size_t i, k;

	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		struct oe_strs found = {NULL, 0};
		char got[512] = "";
		size_t n = 0;

		assert_int_equal(oe_sftp_glob(w->loop, w->fs, all[i].pattern,
				     NULL, &found, &err),
		    0);
		for (k = 0; k < found.n; k++)
			n += (size_t)snprintf(
			    got + n, sizeof got - n, "%s|", found.v[k]);
		assert_string_equal(got, all[i].want);
		oe_strs_done(&found);
	}
}

static void
test_no_match(void **state)
{
	struct world *w = *state;
	struct oe_strs found = {NULL, 0};
	struct oe_err err = OE_ERR_INIT;

	assert_int_equal(
	    oe_sftp_glob(w->loop, w->fs, "a/z*", NULL, &found, &err),
	    OE_ENOENT);
	assert_string_equal(
	    oe_err_text(&err), "a/z*: No such file or directory");
	assert_int_equal(
	    oe_sftp_glob(w->loop, w->fs, "*/nosuch", NULL, &found, NULL),
	    OE_ENOENT);
	assert_int_equal(found.n, 0);
}

static void
test_absolute(void **state)
{
	struct world *w = *state;
	struct oe_strs found = {NULL, 0};
	char pattern[100], want[100];

	snprintf(pattern, sizeof pattern, "%s/a/x*", w->dir);
	snprintf(want, sizeof want, "%s/a/x.c", w->dir);
	assert_int_equal(
	    oe_sftp_glob(w->loop, w->fs, pattern, NULL, &found, NULL), 0);
	assert_int_equal(found.n, 1);
	assert_string_equal(found.v[0], want);
	oe_strs_done(&found);
}

static void
test_questions(void **state)
{
	struct world *w = *state;
	struct oe_ask ask = {w->loop, w->fs, NULL};
	struct oe_strs names = {NULL, 0};
	struct oe_sftp_attrs attrs;
	struct oe_err err = OE_ERR_INIT;
	char *path;

	assert_int_equal(oe_ask_stat(&ask, "a", true, &attrs, &err), 0);
	assert_true(S_ISDIR(attrs.mode));
	assert_int_equal(
	    oe_ask_stat(&ask, "nosuch", true, &attrs, &err), OE_ENOENT);
	assert_non_null(strstr(oe_err_text(&err), "nosuch: "));
	assert_int_equal(oe_ask_realpath(&ask, "a/..", &path, &err), 0);
	assert_string_equal(path, w->dir);
	free(path);
	assert_int_equal(oe_ask_names(&ask, "a", &names, &err), 0);
	assert_int_equal(names.n, 2);
	oe_strs_done(&names);
	assert_int_equal(oe_ask_names(&ask, "nosuch", &names, &err), OE_ENOENT);
	assert_int_equal(oe_ask_mkdir(&ask, "a/new", 0700, &err), 0);
	assert_true(oe_ask_mkdir(&ask, "a/new", 0700, &err) < 0);
	assert_int_equal(rmdir("a/new"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_glob),
	    cmocka_unit_test(test_no_match),
	    cmocka_unit_test(test_absolute),
	    cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
