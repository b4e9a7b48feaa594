/* SPDX-License-Identifier: Apache-2.0 */
/* Paths by their words, and what is beneath a root. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* after what it needs */
#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "sftp/server_internal.h"

static char base[64], in[96], out[96];

static void
test_lexical(void **state)
{
	static const struct {
		const char *dir, *path, *want;
	} cases[] = {
	    {"/d", "", "/d"},
	    {"/d", ".", "/d"},
	    {"/d", "a", "/d/a"},
	    {"/d", "./a//b/./", "/d/a/b"},
	    {"/d", "..", "/"},
	    {"/d", "../../..", "/"},
	    {"/d", "/", "/"},
	    {"/d", "/../x", "/x"},
	    {"/d", "a/../b", "/d/b"},
	    {"/d", "/a/..", "/"},
	    {"/d", "...", "/d/..."},
	    {"/", "a", "/a"},
	    {"/d/e", "../f", "/d/f"},
	    {"/d", "..a", "/d/..a"},
	};
	char got[OE_SFTP_PATH_MAX + 1], longest[OE_SFTP_PATH_MAX + 1];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    oe_sftp__lexical(cases[i].dir, cases[i].path, got), 0);
		assert_string_equal(got, cases[i].want);
	}
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	longest[0] = '/';
	assert_int_equal(oe_sftp__lexical("/", longest, got), 0);
	assert_string_equal(got, longest);
	longest[0] = 'x';
	assert_int_equal(oe_sftp__lexical("/", longest, got), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void
make(const char *dir, const char *name, const char *content)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static void
make_link(const char *name, const char *target)
{
	char path[256];

	snprintf(path, sizeof path, "%s/%s", in, name);
	assert_int_equal(symlink(target, path), 0);
}

static int
setup(void **state)
{
	char path[256];

	(void)state;
	snprintf(base, sizeof base, "/tmp/oe-path-XXXXXX");
	if (!mkdtemp(base))
		return -1;
	snprintf(in, sizeof in, "%s/in", base);
	snprintf(out, sizeof out, "%s/in-side", base);
	if (mkdir(in, 0700) < 0 || mkdir(out, 0700) < 0)
		return -1;
	snprintf(path, sizeof path, "%s/sub", in);
	if (mkdir(path, 0700) < 0)
		return -1;
	make(in, "file", "inside");
	make(out, "secret", "outside");
	make_link("good", "sub/../file");
	make_link("self", "sub");
	make_link("up", "../in-side");
	make_link("up-file", "../in-side/secret");
	make_link("abs", out);
	make_link("proc", "/proc/self/root");
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = {"in/file", "in/good", "in/self",
	    "in/up", "in/up-file", "in/abs", "in/proc", "in-side/secret"};
	char path[256];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", base, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof path, "%s/sub", in);
	rmdir(path);
	rmdir(in);
	rmdir(out);
	return rmdir(base);
}

static void
open_roots(struct oe_sftp__roots *r)
{
	struct oe_strs paths = {NULL, 0};

	memset(r, 0, sizeof *r);
	oe_strs_add(&paths, in);
	assert_int_equal(oe_sftp__roots_open(r, &paths, NULL), 0);
	oe_strs_done(&paths);
}

/* Whole path of a name in the tree; relative ones begin at the root. */
static const char *
full(const char *path, char *ret, size_t size)
{
	if (*path != '+')
		return path;
	snprintf(ret, size, "%s%s", base, path + 1);
	return ret;
}

static void
test_beneath(void **state)
{
	static const struct {
		const char *path; /* "+" is the base */
		int want;         /* errno, 0: opened */
	} cases[] = {
	    {"file", 0},
	    {".", 0},
	    {"+/in", 0},
	    {"+/in/", 0},
	    {"+/in/file", 0},
	    {"+/in-side/../in/file", 0},
	    {"good", 0},
	    {"self", 0},
	    {"sub/../file", 0},
	    {"none", ENOENT},
	    {"file/x", ENOTDIR},
	    {"..", EACCES},
	    {"/", EACCES},
	    {"/etc/passwd", EACCES},
	    {"../in-side/secret", EACCES},
	    {"+/in-side/secret", EACCES},
	    {"+/inn", EACCES},
	    {"up", EACCES},
	    {"up/secret", EACCES},
	    {"up-file", EACCES},
	    {"abs/secret", EACCES},
	    {"proc/etc/passwd", EACCES},
	};
	struct oe_sftp__roots r;
	struct oe_sftp__place at;
	char path[256];
	size_t i;
	int fd;

	(void)state;
	open_roots(&r);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		errno = 0;
		fd = oe_sftp__open(
		    &r, full(cases[i].path, path, sizeof path), O_RDONLY, 0);
		if (fd < 0 ? errno != cases[i].want : cases[i].want != 0)
			fail_msg("'%s': %s", cases[i].path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	/* what does not follow the last name may hold the link itself */
	assert_int_equal(oe_sftp__place(&r, "up", &at), 0);
	assert_string_equal(at.name, "up");
	oe_sftp__place_done(&at);
	assert_int_equal(oe_sftp__place(&r, "sub/new", &at), 0);
	assert_string_equal(at.name, "new");
	assert_true(at.owned);
	oe_sftp__place_done(&at);
	assert_int_equal(oe_sftp__place(&r, ".", &at), 0);
	assert_string_equal(at.name, ".");
	assert_int_equal(oe_sftp__place(&r, "up/new", &at), -1);
	assert_int_equal(oe_sftp__place(&r, "../new", &at), -1);
	oe_sftp__roots_done(&r);
}

static void
test_links(void **state)
{
	static const struct {
		const char *path, *target;
		bool ok;
	} cases[] = {
	    {"l", "file", true},
	    {"sub/l", "../file", true},
	    {"l", "+/in/file", true},
	    {"l", "../x", false},
	    {"sub/l", "../../x", false},
	    {"l", "/etc", false},
	    {"l", "+/in-side", false},
	    {"l", "sub/../..", false},
	};
	struct oe_sftp__roots r;
	char path[256];
	size_t i;

	(void)state;
	open_roots(&r);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++)
		assert_int_equal(oe_sftp__roots_link(&r, cases[i].path,
				     full(cases[i].target, path, sizeof path)),
		    cases[i].ok);
	oe_sftp__roots_done(&r);
	/* no roots, no bounds */
	assert_true(oe_sftp__roots_link(&r, "l", "/etc"));
}

static void
test_real(void **state)
{
	struct oe_sftp__roots none = {NULL, 0, NULL}, r;
	char got[OE_SFTP_PATH_MAX + 1], want[256], path[256];

	(void)state;
	assert_int_equal(
	    oe_sftp__realpath(&none, full("+/in/good", path, 256), got), 0);
	assert_string_equal(got, full("+/in/file", want, 256));
	assert_int_equal(
	    oe_sftp__realpath(&none, full("+/in/self/new/", path, 256), got),
	    0);
	assert_string_equal(got, full("+/in/sub/new", want, 256));
	assert_int_equal(oe_sftp__realpath(&none, "/none", got), 0);
	assert_string_equal(got, "/none");
	assert_int_equal(oe_sftp__realpath(&none, "/none/x", got), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(oe_sftp__realpath(&none, "/none/..", got), -1);
	open_roots(&r);
	assert_int_equal(oe_sftp__realpath(&r, ".", got), 0);
	assert_string_equal(got, in);
	assert_int_equal(oe_sftp__realpath(&r, "..", got), -1);
	assert_int_equal(errno, EACCES);
	oe_sftp__roots_done(&r);
}

static void
test_no_root(void **state)
{
	struct oe_sftp__roots r = {NULL, 0, NULL};
	struct oe_strs paths = {NULL, 0};
	struct oe_err err = OE_ERR_INIT;

	(void)state;
	oe_strs_add(&paths, "/nonexistent/root");
	assert_int_equal(oe_sftp__roots_open(&r, &paths, &err), OE_ESYS);
	assert_non_null(strstr(err.msg, "/nonexistent/root"));
	oe_sftp__roots_done(&r);
	oe_strs_done(&paths);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lexical),
	    cmocka_unit_test(test_beneath),
	    cmocka_unit_test(test_links),
	    cmocka_unit_test(test_real),
	    cmocka_unit_test(test_no_root),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
