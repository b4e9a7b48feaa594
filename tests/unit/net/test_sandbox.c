/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From inside: each case is a process of its own that enters the sandbox and
 * tries something.  System calls are made plainly, so that no library stands
 * between the test and the filter.
 */
#include "core/net/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/net/ipc.h"

#define NOBODY 65534

enum { EXIT_AS_WANTED = 0, EXIT_OTHERWISE = 1, EXIT_NOT_ENTERED = 2 };

static struct oe_sandbox *box;
/* Made before the sandbox is entered, inherited by the cases. */
static int idle_socket = -1, pair[2] = {-1, -1};

static int
group_setup(void **state)
{
	struct oe_err err = OE_ERR_INIT;

	(void)state;
	idle_socket = socket(AF_INET, SOCK_STREAM, 0);
	if (idle_socket < 0 || oe_ipc_pair(pair, &err) < 0)
		return -1;
	return oe_sandbox_new(&box, &err);
}

static int
group_teardown(void **state)
{
	(void)state;
	oe_fd_close(&idle_socket);
	oe_fd_close(&pair[0]);
	oe_fd_close(&pair[1]);
	oe_sandbox_free(&box);
	oe_sandbox_free(&box);
	return 0;
}

/* As a plain user, or as root that becomes one. */
static int
enter(bool from_root)
{
	struct oe_sandbox_identity id = {
	    .change = from_root,
	    .uid = NOBODY,
	    .gid = NOBODY,
	    .die_with_parent = true,
	};

	if (!from_root && geteuid() == 0 &&
	    (setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		setresuid(NOBODY, NOBODY, NOBODY) < 0))
		return OE_ESYS;
	return oe_sandbox_enter(box, &id, NULL);
}

static long
try_open(void)
{
	return syscall(SYS_open, "/etc/passwd", O_RDONLY);
}

static long
try_openat(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long
try_create(void)
{
	return syscall(
	    SYS_openat, AT_FDCWD, "/tmp/oe-sandbox", O_WRONLY | O_CREAT, 0600);
}

static long
try_stat(void)
{
	return syscall(SYS_newfstatat, AT_FDCWD, "/etc", NULL, 0);
}

static long
try_socket(void)
{
	return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static long
try_socket_unix(void)
{
	return syscall(SYS_socket, AF_UNIX, SOCK_DGRAM, 0);
}

static long
try_setsockopt(void)
{
	int on = 1;

	return syscall(
	    SYS_setsockopt, idle_socket, SOL_SOCKET, SO_DEBUG, &on, sizeof on);
}

static long
try_prlimit(void)
{
	struct rlimit l = {1024, 1024};

	return syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &l, NULL);
}

static long
try_connect(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(9);
	return syscall(SYS_connect, idle_socket, &to, sizeof to);
}

static long
try_bind(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	return syscall(SYS_bind, idle_socket, &to, sizeof to);
}

static long
try_listen(void)
{
	return syscall(SYS_listen, idle_socket, 1);
}

static long
try_execve(void)
{
	char *argv[] = {NULL};

	return syscall(SYS_execve, "/bin/true", argv, argv);
}

static long
try_execveat(void)
{
	char *argv[] = {NULL};

	return syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, argv, 0);
}

static long
try_fork(void)
{
	long r = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);

	if (r == 0)
		_exit(0);
	return r;
}

static long
try_clone3(void)
{
	struct clone_args a = {.exit_signal = SIGCHLD};
	long r = syscall(SYS_clone3, &a, sizeof a);

	if (r == 0)
		_exit(0);
	return r;
}

static long
try_unshare(void)
{
	return syscall(SYS_unshare, CLONE_NEWUSER);
}

static long
try_kill_parent(void)
{
	return syscall(SYS_kill, getppid(), 0);
}

static long
try_kill_self(void)
{
	return syscall(SYS_kill, getpid(), 0);
}

static long
try_tgkill_other_signal(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), SIGTERM);
}

static long
try_ptrace(void)
{
	return syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL);
}

static long
try_readv_other(void)
{
	return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}

static long
try_map_exec(void)
{
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long
try_protect_exec(void)
{
	static char page[8192] __attribute__((aligned(4096)));

	return syscall(
	    SYS_mprotect, page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}

static long
try_setuid(void)
{
	return syscall(SYS_setuid, 0);
}

static long
try_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long
try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long
try_memfd(void)
{
	return syscall(SYS_memfd_create, "x", 0);
}

static long
try_dumpable(void)
{
	return syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long
try_set_owner(void)
{
	return syscall(SYS_fcntl, idle_socket, F_SETOWN, getppid());
}

static long
try_push_terminal(void)
{
	return syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, "x");
}

static long
try_unlink(void)
{
	return syscall(SYS_unlinkat, AT_FDCWD, "/tmp/oe-sandbox", 0);
}

#ifdef __x86_64__
/* The 32-bit table of system calls has other numbers. */
static long
try_other_abi(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	return r;
}
#endif

struct attempt {
	const char *what;
	long (*fn)(void);
	int sys_errno; /* 0: the process is killed */
};

static const struct attempt attempts[] = {
    {"open", try_open, EPERM},
    {"openat", try_openat, EPERM},
    {"create a file", try_create, EPERM},
    {"stat", try_stat, EPERM},
    {"socket", try_socket, EPERM},
    {"unix socket", try_socket_unix, EPERM},
    {"setsockopt", try_setsockopt, EPERM},
    {"prlimit", try_prlimit, EPERM},
    {"connect", try_connect, 0},
    {"bind", try_bind, 0},
    {"listen", try_listen, 0},
    {"execve", try_execve, 0},
    {"execveat", try_execveat, 0},
    {"fork", try_fork, 0},
    {"clone3", try_clone3, 0},
    {"unshare", try_unshare, 0},
    {"kill the parent", try_kill_parent, 0},
    {"kill itself", try_kill_self, 0},
    {"tgkill", try_tgkill_other_signal, 0},
    {"ptrace", try_ptrace, 0},
    {"process_vm_readv", try_readv_other, 0},
    {"mmap executable", try_map_exec, 0},
    {"mprotect executable", try_protect_exec, 0},
    {"setuid(0)", try_setuid, 0},
    {"bpf", try_bpf, 0},
    {"io_uring", try_io_uring, 0},
    {"memfd_create", try_memfd, 0},
    {"become dumpable", try_dumpable, 0},
    {"F_SETOWN", try_set_owner, 0},
    {"TIOCSTI", try_push_terminal, 0},
    {"unlink", try_unlink, 0},
#ifdef __x86_64__
    {"32-bit system call", try_other_abi, 0},
#endif
};

static void
child_attempt(const struct attempt *a, bool from_root)
{
	long r;

	if (enter(from_root) < 0)
		_exit(EXIT_NOT_ENTERED);
	r = a->fn();
	_exit(r < 0 && errno == a->sys_errno ? EXIT_AS_WANTED : EXIT_OTHERWISE);
}

static void
check_attempts(bool from_root)
{
	size_t i;
	int status;
	pid_t pid;

	for (i = 0; i < OE_ARRAY_LEN(attempts); i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			child_attempt(&attempts[i], from_root);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (attempts[i].sys_errno
			? status != 0
			: !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status 0x%x", attempts[i].what, status);
	}
}

/* What net lives from: bytes and descriptors on what it has. */
static void
child_useful(bool from_root)
{
	struct oe_ipc_msg m;
	char *block;
	char c;
	int fd;

	if (enter(from_root) < 0)
		_exit(EXIT_NOT_ENTERED);
	if (oe_ipc_recv(pair[1], -1, &m, NULL) < 0 || m.nfds != 1)
		_exit(10);
	fd = oe_ipc_msg_claim(&m, 0);
	oe_ipc_msg_done(&m);
	if (write(fd, "a", 1) != 1 || read(fd, &c, 1) != 1 || c != 'b')
		_exit(11);
	if (oe_fd_set_nonblock(fd, true) < 0)
		_exit(12);
	block = malloc(8 << 20);
	if (!block)
		_exit(13);
	memset(block, 1, 8 << 20);
	free(block);
	oe_ipc_msg_init(&m, 2);
	m.fds[0] = fd;
	m.nfds = 1;
	if (oe_ipc_send(pair[1], &m, NULL) < 0)
		_exit(14);
	_exit(0);
}

static void
check_useful(bool from_root)
{
	struct oe_ipc_msg m;
	int sv[2], status;
	char c = 0;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child_useful(from_root);
	oe_ipc_msg_init(&m, 1);
	m.fds[0] = sv[1];
	m.nfds = 1;
	assert_int_equal(oe_ipc_send(pair[0], &m, NULL), 0);
	assert_int_equal(read(sv[0], &c, 1), 1);
	assert_int_equal(c, 'a');
	assert_int_equal(write(sv[0], "b", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(oe_ipc_recv(pair[0], 0, &m, NULL), 0);
	assert_int_equal(m.nfds, 1);
	oe_ipc_msg_done(&m);
	oe_fd_close(&sv[0]);
	oe_fd_close(&sv[1]);
}

/* One line of /proc/PID/status without its name and blanks. */
static void
status_line(const char *text, const char *name, char *ret, size_t size)
{
	const char *at = strstr(text, name);
	size_t n;

	assert_non_null(at);
	at += strlen(name);
	at += strspn(at, " \t");
	n = strcspn(at, "\n");
	assert_true(n < size);
	memcpy(ret, at, n);
	ret[n] = 0;
}

static void
check_status_of(pid_t pid)
{
	static const struct {
		const char *name, *want;
	} lines[] = {
	    {"\nUid:", "65534\t65534\t65534\t65534"},
	    {"\nGid:", "65534\t65534\t65534\t65534"},
	    {"\nCapEff:", "0000000000000000"},
	    {"\nCapPrm:", "0000000000000000"},
	    {"\nNoNewPrivs:", "1"},
	    {"\nSeccomp:", "2"},
	};
	char path[64], got[128], text[8192];
	ssize_t n;
	size_t i;
	int fd;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	n = read(fd, text, sizeof text - 1);
	assert_true(n > 0);
	text[n] = 0;
	for (i = 0; i < OE_ARRAY_LEN(lines); i++) {
		if (geteuid() != 0 && strstr(lines[i].name, "id:"))
			continue;
		status_line(text, lines[i].name, got, sizeof got);
		assert_string_equal(got, lines[i].want);
	}
	oe_fd_close(&fd);
}

static void
check_status(bool from_root)
{
	char c = 0;
	int sv[2], status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (enter(from_root) < 0)
			_exit(EXIT_NOT_ENTERED);
		if (write(sv[1], "r", 1) != 1 || read(sv[1], &c, 1) != 1)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(read(sv[0], &c, 1), 1);
	check_status_of(pid);
	assert_int_equal(write(sv[0], "q", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	oe_fd_close(&sv[0]);
	oe_fd_close(&sv[1]);
}

static void
test_plain_user(void **state)
{
	(void)state;
	check_attempts(false);
	check_useful(false);
	check_status(false);
}

static void
test_root(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message(
		    "# not root: the change of identity is untested\n");
		skip();
	}
	check_attempts(true);
	check_useful(true);
	check_status(true);
}

/* Without the right to, the change of identity fails, and so does enter. */
static void
test_cannot_become(void **state)
{
	struct oe_sandbox_identity id = {.change = true};
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 &&
		    (setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
			setresuid(NOBODY, NOBODY, NOBODY) < 0))
			_exit(2);
		_exit(oe_sandbox_enter(box, &id, NULL) == OE_ESYS ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* To become root is not to give anything up. */
static void
test_root_is_no_sandbox(void **state)
{
	struct oe_sandbox_identity id = {.change = true};
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(oe_sandbox_enter(box, &id, NULL) == OE_EPERM ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
test_describe(void **state)
{
	(void)state;
	assert_non_null(strstr(oe_sandbox_describe(), "seccomp"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain_user),
	    cmocka_unit_test(test_root),
	    cmocka_unit_test(test_cannot_become),
	    cmocka_unit_test(test_root_is_no_sandbox),
	    cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
