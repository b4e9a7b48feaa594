/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/ssh/strictmodes.h"

static char home[] = "/tmp/oe-strict-XXXXXX";

static char *
at(const char *name)
{
	return oe_mem_printf("%s/%s", home, name);
}

static void
run(const char *cmd)
{
	char *all = oe_mem_printf("cd '%s' && { %s; }", home, cmd);

	assert_int_equal(system(all), 0);
	free(all);
}

static int
group_begin(void **state)
{
	(void)state;
	if (!mkdtemp(home))
		return -1;
	run("mkdir .ssh && chmod 700 .ssh && echo key >.ssh/f && "
	    "chmod 600 .ssh/f");
	return 0;
}

static int
group_end(void **state)
{
	char *cmd = oe_mem_printf("rm -rf '%s'", home);
	int r = system(cmd);

	(void)state;
	free(cmd);
	return r;
}

/* Prepare, open @name, put things back. */
static void
test_cases(void **state)
{
	static const struct {
		const char *before, *name, *after;
		int status;
		const char *word;
	} t[] = {
	    {":", ".ssh/f", ":", 0, NULL},
	    {"chmod 644 .ssh/f", ".ssh/f", "chmod 600 .ssh/f", 0, NULL},
	    {"chmod 660 .ssh/f", ".ssh/f", "chmod 600 .ssh/f", OE_EPERM,
		"chmod go-w"},
	    {"chmod 602 .ssh/f", ".ssh/f", "chmod 600 .ssh/f", OE_EPERM,
		".ssh/f'"},
	    {"chmod 770 .ssh", ".ssh/f", "chmod 700 .ssh", OE_EPERM, ".ssh'"},
	    {"chmod 777 .", ".ssh/f", "chmod 700 .", OE_EPERM, "chmod go-w"},
	    {":", ".ssh/none", ":", OE_ENOENT, "does not exist"},
	    {":", ".ssh", ":", OE_EINVAL, "not a regular file"},
	    {"mkfifo .ssh/p", ".ssh/p", "rm .ssh/p", OE_EINVAL,
		"not a regular file"},
	    {"ln -s f .ssh/l", ".ssh/l", "rm .ssh/l", 0, NULL},
	    {"ln -s .ssh s", "s/f", "rm s", 0, NULL},
	    /* the link is fine, where it leads is not */
	    {"mkdir -m 777 w; cp .ssh/f w; ln -s ../w/f .ssh/l", ".ssh/l",
		"rm -r w .ssh/l", OE_EPERM, "/w'"},
	    {"ln -s none .ssh/l", ".ssh/l", "rm .ssh/l", OE_ENOENT, NULL},
	    {"ln -s l .ssh/l", ".ssh/l", "rm .ssh/l", OE_ESYS, NULL},
	    {":", ".ssh/../.ssh/f", ":", 0, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_err err = OE_ERR_INIT;
		char *path = at(t[i].name);
		int fd = -1, r;

		run(t[i].before);
		r = oe_strictmodes_open(path, getuid(), home, &fd, &err);
		run(t[i].after);
		if (r != t[i].status || (r == 0) != (fd >= 0) ||
		    (t[i].word && !strstr(err.msg, t[i].word)))
			fail_msg("%zu %s: %d %s", i, t[i].name, r, err.msg);
		if (r == 0)
			assert_int_equal(
			    fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
		oe_fd_close(&fd);
		free(path);
	}
}

static void
test_outside_home(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	char *path = at(".ssh/f"), *other = at(".ss");
	int fd;

	(void)state;
	/* /tmp is writable by all, and nothing stops above it */
	assert_int_equal(
	    oe_strictmodes_open(path, getuid(), NULL, &fd, &err), OE_EPERM);
	assert_non_null(strstr(err.msg, "'/tmp'"));
	/* a home that is only a prefix of the name does not count */
	assert_int_equal(
	    oe_strictmodes_open(path, getuid(), other, &fd, &err), OE_EPERM);
	assert_int_equal(
	    oe_strictmodes_open(".ssh/f", getuid(), home, &fd, &err),
	    OE_EINVAL);
	free(path);
	free(other);
}

static void
test_owner(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	char *path = at(".ssh/f");
	int fd;

	(void)state;
	if (getuid() == 0) {
		/* root's files serve everybody; those of others do not */
		assert_int_equal(
		    oe_strictmodes_open(path, 12345, home, &fd, &err), 0);
		oe_fd_close(&fd);
		assert_int_equal(chown(path, 12346, 0), 0);
	}
	assert_int_equal(
	    oe_strictmodes_open(path, 12345, home, &fd, &err), OE_EPERM);
	assert_non_null(strstr(err.msg, "belongs to"));
	if (getuid() == 0)
		assert_int_equal(chown(path, 0, 0), 0);
	free(path);
}

static void
test_read(void **state)
{
	char *path = at(".ssh/f");
	struct oe_buf b;

	(void)state;
	assert_int_equal(
	    oe_strictmodes_read(path, getuid(), home, 4, &b, NULL), 0);
	assert_memory_equal(oe_buf_head(&b), "key\n", 4);
	oe_buf_done(&b);
	assert_int_equal(
	    oe_strictmodes_read(path, getuid(), home, 3, &b, NULL), OE_ETOOBIG);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cases),
	    cmocka_unit_test(test_outside_home),
	    cmocka_unit_test(test_owner),
	    cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, group_begin, group_end);
}
