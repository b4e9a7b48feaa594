/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/notify.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fd.h"
#include "core/base/mem.h"

static char dir[] = "/tmp/oe-notify-XXXXXX";

static int
group_setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
group_teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int
clean(void **state)
{
	static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC",
	    "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "JOURNAL_STREAM"};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(names); i++)
		unsetenv(names[i]);
	return 0;
}

/* A manager's socket at @name ('@': an abstract one). */
static int
manager(const char *name)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0 && len < sizeof sa.sun_path);
	memcpy(sa.sun_path, name, len);
	if (*name == '@')
		sa.sun_path[0] = 0;
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&sa,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	    0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
heard(int fd, const char *want)
{
	char got[1024];
	ssize_t n = recv(fd, got, sizeof got - 1, 0);

	assert_true(n >= 0);
	got[n] = 0;
	assert_string_equal(got, want);
}

static void
test_notify(void **state)
{
	char path[64];
	int fd;

	(void)state;
	snprintf(path, sizeof path, "%s/s", dir);
	fd = manager(path);
	oe_notify("READY=1\nSTATUS=%d connections", 3);
	heard(fd, "READY=1\nSTATUS=3 connections");
	oe_fd_close(&fd);
	/* nobody there: no harm */
	oe_notify("STOPPING=1");
	unlink(path);
	oe_notify("STOPPING=1");
	snprintf(path, sizeof path, "@oe-notify-%ld", (long)getpid());
	fd = manager(path);
	oe_notify("WATCHDOG=1");
	heard(fd, "WATCHDOG=1");
	oe_fd_close(&fd);
}

static void
test_notify_nowhere(void **state)
{
	char path[200];
	int fd;

	(void)state;
	/* neither a path nor an abstract name, or too long for an address */
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	oe_notify("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	oe_notify("READY=1");
	memset(path, 'a', sizeof path - 1);
	path[0] = '/';
	path[sizeof path - 1] = 0;
	setenv("NOTIFY_SOCKET", path, 1);
	oe_notify("READY=1");
	/* and no descriptor was left behind */
	fd = dup(0);
	oe_notify("READY=1");
	oe_fd_close(&fd);
}

static void
test_watchdog(void **state)
{
	static const struct {
		const char *usec, *pid;
		int64_t want;
	} cases[] = {
	    {NULL, NULL, 0},
	    {"30000000", NULL, 15000},
	    {"30000000", "self", 15000},
	    {"30000000", "1", 0},
	    {"30000000", "nonsense", 0},
	    {"1", NULL, 1},
	    {"0", NULL, 0},
	    {"-5", NULL, 0},
	    {"12x", NULL, 0},
	    {"99999999999999999999", NULL, 0},
	};
	char self[24];
	size_t i;

	snprintf(self, sizeof self, "%ld", (long)getpid());
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		clean(state);
		if (cases[i].usec)
			setenv("WATCHDOG_USEC", cases[i].usec, 1);
		if (cases[i].pid)
			setenv("WATCHDOG_PID",
			    strcmp(cases[i].pid, "self") ? cases[i].pid : self,
			    1);
		assert_int_equal(oe_notify_watchdog_ms(), cases[i].want);
	}
}

/* In a child, where descriptors 3 and 4 can be had without harm. */
static int
listen_child(const char *fds, bool ours)
{
	char pid[24];
	int n;

	if (dup2(0, 3) < 0 || dup2(0, 4) < 0)
		return 100;
	snprintf(pid, sizeof pid, "%ld", ours ? (long)getpid() : 1L);
	setenv("LISTEN_FDS", fds, 1);
	setenv("LISTEN_PID", pid, 1);
	n = oe_notify_listen_fds();
	if (n > 0 && !(fcntl(3, F_GETFD) & FD_CLOEXEC))
		return 101;
	return n;
}

static void
test_listen_fds(void **state)
{
	static const struct {
		const char *fds;
		bool ours;
		int want;
	} cases[] = {
	    {"1", true, 1},
	    {"2", true, 2},
	    {"2", false, 0},
	    {"0", true, 0},
	    {"-1", true, 0},
	    {"65", true, 0},
	    {"2 ", true, 0},
	};
	int status;
	pid_t pid;
	size_t i;

	(void)state;
	assert_int_equal(oe_notify_listen_fds(), 0);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(listen_child(cases[i].fds, cases[i].ours));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, cases[i].want << 8);
	}
}

static void
test_journal(void **state)
{
	char text[64];
	struct stat st;

	(void)state;
	assert_false(oe_notify_under_journal());
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", text, 1);
	assert_true(oe_notify_under_journal());
	/* stderr was redirected since: the variable is about something else */
	snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino + 1);
	setenv("JOURNAL_STREAM", text, 1);
	assert_false(oe_notify_under_journal());
	setenv("JOURNAL_STREAM", "nonsense", 1);
	assert_false(oe_notify_under_journal());
	setenv("JOURNAL_STREAM", "", 1);
	assert_false(oe_notify_under_journal());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_notify, clean),
	    cmocka_unit_test_setup(test_notify_nowhere, clean),
	    cmocka_unit_test_setup(test_watchdog, clean),
	    cmocka_unit_test_setup(test_listen_fds, clean),
	    cmocka_unit_test_setup(test_journal, clean),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
