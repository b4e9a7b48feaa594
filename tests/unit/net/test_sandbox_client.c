/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From inside the sandbox of a client: each case is a process of its own that
 * enters it and makes one call.
 */
#include "core/net/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/err.h"

#define NOBODY 65534

enum { EXIT_AS_WANTED = 0, EXIT_OTHERWISE = 1, EXIT_NOT_ENTERED = 2 };
/* Not an errno: the process is ended. */
#define DEADLY (-1)

static struct oe_sandbox *box;
static int idle_socket = -1;

static int
group_setup(void **state)
{
	(void)state;
	idle_socket = socket(AF_INET, SOCK_STREAM, 0);
	return idle_socket < 0 ? -1 : oe_sandbox_new_client(&box, NULL);
}

static int
group_teardown(void **state)
{
	(void)state;
	close(idle_socket);
	oe_sandbox_free(&box);
	return 0;
}

static long
try_read_settings(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long
try_read_elsewhere(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY);
}

static long
try_write(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY);
}

static long
try_create(void)
{
	return syscall(
	    SYS_openat, AT_FDCWD, "/tmp/oe-sandbox", O_RDONLY | O_CREAT, 0600);
}

static long
try_truncate(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY | O_TRUNC);
}

static long
try_unnamed(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/tmp", O_RDWR | O_TMPFILE, 0600);
}

static long
try_unlink(void)
{
	return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/oe-sandbox", 0);
}

static long
try_rename(void)
{
	return syscall(
	    SYS_renameat2, AT_FDCWD, "/tmp/a", AT_FDCWD, "/tmp/b", 0);
}

static long
try_memfd(void)
{
	return syscall(SYS_memfd_create, "x", 0);
}

static long
try_code(void)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long
try_code_later(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long
try_socket(void)
{
	return syscall(SYS_socket, AF_INET6, SOCK_STREAM, 0);
}

static long
try_packets(void)
{
	return syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0);
}

static long
try_connect(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons(1),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	return connect(idle_socket, (struct sockaddr *)&a, sizeof a);
}

static long
try_listen(void)
{
	return syscall(SYS_listen, idle_socket, 1);
}

static void *
thread(void *arg)
{
	return arg;
}

static long
try_thread(void)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, thread, NULL);

	if (r == 0)
		return pthread_join(t, NULL) ? -1 : 0;
	errno = r;
	return -1;
}

static long
try_fork(void)
{
	return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static long
try_exec(void)
{
	char *const none[] = {NULL};

	return syscall(SYS_execve, "/bin/true", none, none);
}

static long
try_kill(void)
{
	return syscall(SYS_kill, getppid(), 0);
}

static long
try_ptrace(void)
{
	return syscall(SYS_ptrace, 16 /* attach */, getppid(), 0, 0);
}

static long
try_become(void)
{
	return syscall(SYS_setuid, 0);
}

static long
try_limit(void)
{
	struct rlimit l = {1024, 1024};

	return syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &l, NULL);
}

static long
try_namespace(void)
{
	return syscall(SYS_unshare, CLONE_NEWUSER);
}

static const struct attempt {
	const char *name;
	long (*call)(void);
	int want; /* 0: it works, an errno, or DEADLY */
} attempts[] = {
    {"read settings", try_read_settings, 0},
    {"socket", try_socket, 0},
    {"connect", try_connect, ECONNREFUSED},
    {"thread", try_thread, 0},
    {"write", try_write, EPERM},
    {"create", try_create, EPERM},
    {"truncate", try_truncate, EPERM},
    {"file without a name", try_unnamed, EPERM},
    {"unlink", try_unlink, EPERM},
    {"rename", try_rename, EPERM},
    {"memfd", try_memfd, EPERM},
    {"code", try_code, EPERM},
    {"code later", try_code_later, EPERM},
    {"packets", try_packets, EPERM},
    {"limit", try_limit, EPERM},
    {"fork", try_fork, EPERM},
    {"listen", try_listen, DEADLY},
    {"exec", try_exec, DEADLY},
    {"kill", try_kill, DEADLY},
    {"ptrace", try_ptrace, DEADLY},
    {"become root", try_become, DEADLY},
    {"namespace", try_namespace, DEADLY},
};

static int
enter(bool from_root)
{
	const struct oe_sandbox_identity id = {.change = from_root,
	    .uid = NOBODY,
	    .gid = NOBODY,
	    .die_with_parent = true};

	if (!from_root && geteuid() == 0 &&
	    (setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return OE_ESYS;
	return oe_sandbox_enter(box, &id, NULL);
}

static void OE_NORETURN
attempt(const struct attempt *a, bool from_root)
{
	long r;

	if (enter(from_root) < 0)
		_exit(EXIT_NOT_ENTERED);
	r = a->call();
	_exit(
	    (r == -1 ? errno : 0) == a->want ? EXIT_AS_WANTED : EXIT_OTHERWISE);
}

static void
check(const struct attempt *a, bool from_root)
{
	int status, want = a->want == DEADLY ? SIGSYS : 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		attempt(a, from_root);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if ((WIFSIGNALED(status) ? WTERMSIG(status) : 0) != want ||
	    (WIFEXITED(status) && WEXITSTATUS(status)))
		fail_msg("%s%s: status %#x", a->name,
		    from_root ? " (from root)" : "", (unsigned)status);
}

static void
test_plain_user(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(attempts); i++)
		check(&attempts[i], false);
}

static void
test_root(void **state)
{
	size_t i;

	(void)state;
	if (geteuid() != 0) {
		print_message(
		    "# not root: the change of identity is untested\n");
		skip();
	}
	for (i = 0; i < OE_ARRAY_LEN(attempts); i++)
		check(&attempts[i], true);
}

/* What its libraries are not set up by is not to be read, with Landlock. */
static void
test_paths(void **state)
{
	static const struct attempt elsewhere = {
	    "read elsewhere", try_read_elsewhere, EACCES};

	(void)state;
	if (strstr(oe_sandbox_describe(), "no Landlock")) {
		print_message("# no Landlock here: paths are untested\n");
		skip();
	}
	check(&elsewhere, false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain_user),
	    cmocka_unit_test(test_root),
	    cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
