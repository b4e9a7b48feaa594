/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/race.h"

#include <dirent.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/net/loop.h"

struct outcome {
	bool done;
	int status, fd;
	struct oe_err err;
};

static void
on_done(void *arg, int status, int fd, const struct oe_err *err)
{
	struct outcome *o = arg;

	o->done = true;
	o->status = status;
	o->fd = fd;
	o->err = *err;
}

static int
listener(int *ret_port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof sin;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*ret_port = ntohs(sin.sin_port);
	return fd;
}

static void
run(const char *host, int port, int family, struct outcome *o)
{
	struct oe_race_plan plan = {
	    .host = host,
	    .port = port,
	    .family = family,
	    .step_ms = 5000,
	    .attempts = 1,
	    .done = on_done,
	    .arg = o,
	};
	struct oe_loop *loop = oe_loop_new();
	struct oe_race *r = oe_race_start(loop, &plan);

	memset(o, 0, sizeof *o);
	assert_false(o->done);
	while (!o->done)
		assert_int_equal(oe_loop_once(loop, -1), 0);
	oe_race_free(&r);
	oe_loop_free(&loop);
}

static void
connects(void **state)
{
	int port, fd = listener(&port);
	struct outcome o;

	(void)state;
	run("127.0.0.1", port, AF_UNSPEC, &o);
	assert_int_equal(o.status, 0);
	oe_fd_close(&o.fd);
	/* ::1, where there is one, refuses; the other family is tried */
	run("localhost", port, AF_UNSPEC, &o);
	assert_int_equal(o.status, 0);
	oe_fd_close(&o.fd);
	close(fd);
}

static void
fails(void **state)
{
	int port, fd = listener(&port);
	struct outcome o;

	(void)state;
	close(fd);
	run("127.0.0.1", port, AF_UNSPEC, &o);
	assert_int_equal(o.status, OE_ESYS);
	assert_non_null(strstr(o.err.msg, "127.0.0.1:"));
	assert_int_equal(o.fd, -1);
	run("127.0.0.1", port, AF_INET6, &o);
	assert_int_equal(o.status, OE_ENOENT);
}

static void
given_up(void **state)
{
	struct oe_race_plan plan = {.host = "localhost",
	    .port = 1,
	    .step_ms = 1000,
	    .attempts = 1,
	    .done = on_done};
	struct oe_loop *loop = oe_loop_new();
	struct oe_race *r = oe_race_start(loop, &plan);

	(void)state;
	/* once begun, the resolver's thread outlives the race */
	assert_int_equal(oe_loop_once(loop, 0), 0);
	oe_race_free(&r);
	assert_null(r);
	oe_loop_free(&loop);
}

/*
 * A given-up resolver's thread frees its own lookup.  Were the process to end
 * first, what the thread still holds would be reported as lost.
 */
static int
resolvers_gone(void **state)
{
	int64_t until = oe_time_mono_ms() + 30000;
	struct dirent *e;
	int n;

	(void)state;
	do {
		DIR *d = opendir("/proc/self/task");

		if (!d)
			return -1;
		for (n = 0; (e = readdir(d));)
			n += e->d_name[0] != '.';
		closedir(d);
		sched_yield();
	} while (n > 1 && oe_time_mono_ms() < until);
	return n > 1 ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(connects),
	    cmocka_unit_test(fails),
	    cmocka_unit_test(given_up),
	};

	return cmocka_run_group_tests(tests, NULL, resolvers_gone);
}
