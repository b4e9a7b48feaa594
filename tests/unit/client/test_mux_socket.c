/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mux_socket.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/fd.h"

static char folder[] = "/tmp/oe-mux-XXXXXX";
static char path[64];

static int
make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/s", folder);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

/* Names in the folder. */
static int
names(void)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
birth(void **state)
{
	struct oe_mux_socket s, other;
	struct stat st;
	int fd, client;

	(void)state;
	assert_int_equal(oe_mux_socket_listen(path, &s, NULL), 0);
	assert_int_equal(names(), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	/* the place is taken, and nothing is left of the attempt */
	assert_int_equal(oe_mux_socket_listen(path, &other, NULL), OE_EEXIST);
	assert_int_equal(names(), 1);
	client = oe_mux_socket_connect(path, NULL);
	assert_true(client >= 0);
	fd = oe_mux_socket_accept(&s);
	assert_true(fd >= 0);
	assert_int_equal(oe_mux_socket_peer(fd), getpid());
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	oe_fd_close(&fd);
	oe_fd_close(&client);
	oe_mux_socket_close(&s);
	assert_int_equal(names(), 0);
}

static void
stale(void **state)
{
	struct oe_mux_socket dead, s;

	(void)state;
	assert_int_equal(oe_mux_socket_listen(path, &dead, NULL), 0);
	oe_mux_socket_forget(&dead);
	assert_int_equal(names(), 1);
	assert_int_equal(oe_mux_socket_connect(path, NULL), OE_ECLOSED);
	assert_int_equal(oe_mux_socket_listen(path, &s, NULL), 0);
	assert_int_equal(names(), 1);
	oe_mux_socket_close(&s);
}

/* Its name was given to another meanwhile: that one keeps it. */
static void
replaced(void **state)
{
	struct oe_mux_socket old, s;

	(void)state;
	assert_int_equal(oe_mux_socket_listen(path, &old, NULL), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(oe_mux_socket_listen(path, &s, NULL), 0);
	oe_mux_socket_close(&old);
	assert_int_equal(names(), 1);
	oe_mux_socket_close(&s);
}

static void
not_ours(void **state)
{
	struct oe_mux_socket s;
	int fd;

	(void)state;
	assert_int_equal(oe_mux_socket_connect(path, NULL), OE_ENOENT);
	assert_int_equal(oe_mux_socket_listen(path, &s, NULL), 0);
	assert_int_equal(chmod(path, 0660), 0);
	assert_int_equal(oe_mux_socket_connect(path, NULL), OE_EPERM);
	oe_mux_socket_close(&s);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(oe_mux_socket_connect(path, NULL), OE_EPERM);
	assert_int_equal(oe_mux_socket_listen(path, &s, NULL), OE_EEXIST);
	assert_int_equal(unlink(path), 0);
}

static void
lengths(void **state)
{
	char name[200];
	struct oe_err err = OE_ERR_INIT;

	(void)state;
	memset(name, 'x', sizeof name);
	name[90] = '\0';
	assert_int_equal(oe_mux_socket_check(name, NULL), 0);
	name[90] = 'x';
	name[91] = '\0';
	assert_int_equal(oe_mux_socket_check(name, &err), OE_ETOOBIG);
	assert_non_null(strstr(err.msg, "90 bytes"));
	name[91] = 'x';
	name[108] = '\0';
	assert_int_equal(oe_mux_socket_connect(name, NULL), OE_ETOOBIG);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(birth),
	    cmocka_unit_test(stale),
	    cmocka_unit_test(replaced),
	    cmocka_unit_test(not_ours),
	    cmocka_unit_test(lengths),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
