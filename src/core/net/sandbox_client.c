/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox of a process that asks a server over HTTPS.  What it needs was
 * measured (strace -f over the tests): libcurl, OpenSSL, and the resolver,
 * which runs in a thread and loads its modules when it is first asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/sandbox_internal.h"

static const int client_allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(fdatasync),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getdents64),
    SCMP_SYS(getcwd),
    SCMP_SYS(uname),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrlimit),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* what the same calls are named on 32-bit machines */
    SCMP_SYS(_llseek),
    SCMP_SYS(_newselect),
    SCMP_SYS(stat64),
    SCMP_SYS(lstat64),
    SCMP_SYS(fstat64),
    SCMP_SYS(fstatat64),
    SCMP_SYS(send),
    SCMP_SYS(recv),
    SCMP_SYS(ppoll_time64),
    SCMP_SYS(pselect6_time64),
    SCMP_SYS(recvmmsg_time64),
    SCMP_SYS(futex_time64),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(rt_sigtimedwait_time64),
    SCMP_SYS(getuid32),
    SCMP_SYS(geteuid32),
    SCMP_SYS(getgid32),
    SCMP_SYS(getegid32),
    SCMP_SYS(sigreturn),
};

/* No library tries these: whoever does is an intruder. */
static const int client_deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(setuid),
    SCMP_SYS(setresuid),
    SCMP_SYS(chroot),
    SCMP_SYS(mount),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(bpf),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
};

/* Not at all: to write, to make, to cut off. */
#define CLIENT_WRITES                                                          \
	(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND |                    \
	    (O_TMPFILE & ~O_DIRECTORY))

static int
client_open(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp at =
	    SCMP_A2(SCMP_CMP_MASKED_EQ, CLIENT_WRITES, 0);
	const struct scmp_arg_cmp plain =
	    SCMP_A1(SCMP_CMP_MASKED_EQ, CLIENT_WRITES, 0);
	int r =
	    seccomp_rule_add_array(c, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, &at);

	return r < 0 ? r
		     : seccomp_rule_add_array(
			   c, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, &plain);
}

/* IP to ask, netlink to see what addresses there are, local name services. */
static int
client_sockets(scmp_filter_ctx c)
{
	static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
	int r = 0;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(families) && r == 0; i++) {
		struct scmp_arg_cmp which =
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]);

		r = seccomp_rule_add_array(
		    c, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &which);
	}
	if (r == 0) {
		struct scmp_arg_cmp pair = SCMP_A0(SCMP_CMP_EQ, AF_UNIX);

		r = seccomp_rule_add_array(
		    c, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, &pair);
	}
	return r;
}

static int
client_rules(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp no_exec =
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct {
		int call;
		uint32_t action;
		unsigned n;
		struct scmp_arg_cmp arg[2];
	} rules[] = {
	    {SCMP_SYS(mmap), SCMP_ACT_ALLOW, 1, {no_exec}},
	    {SCMP_SYS(mmap2), SCMP_ACT_ALLOW, 1, {no_exec}},
	    {SCMP_SYS(mprotect), SCMP_ACT_ALLOW, 1, {no_exec}},
	    /* modules of the resolver: of a file, which it cannot write */
	    {SCMP_SYS(mmap), SCMP_ACT_ALLOW, 2,
		{SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC),
		    SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0)}},
	    {SCMP_SYS(mmap2), SCMP_ACT_ALLOW, 2,
		{SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC),
		    SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0)}},
	    {SCMP_SYS(ioctl), SCMP_ACT_ALLOW, 1,
		{SCMP_A1(SCMP_CMP_EQ, FIONREAD)}},
	    {SCMP_SYS(ioctl), SCMP_ACT_ALLOW, 1,
		{SCMP_A1(SCMP_CMP_EQ, FIONBIO)}},
	    /* how large stacks are: to look, not to change */
	    {SCMP_SYS(prlimit64), SCMP_ACT_ALLOW, 2,
		{SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0)}},
	    /* abort() raises a signal in itself */
	    {SCMP_SYS(tgkill), SCMP_ACT_ALLOW, 1,
		{SCMP_A2(SCMP_CMP_EQ, SIGABRT)}},
	    /* a thread, never a process */
	    {SCMP_SYS(clone), SCMP_ACT_ALLOW, 1,
		{SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)}},
	    /* its flags are in memory: the C library asks clone() then */
	    {SCMP_SYS(clone3), SCMP_ACT_ERRNO(ENOSYS), 0, {{0}}},
	};
	int r = client_open(c);
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(rules) && r == 0; i++)
		r = seccomp_rule_add_array(c, rules[i].action, rules[i].call,
		    rules[i].n, rules[i].arg);
	return r == 0 ? oe_sandbox__allow_fcntl(c) : r;
}

int
oe_sandbox_new_client(struct oe_sandbox **ret, struct oe_err *err)
{
	struct oe_sandbox *s = oe_mem_zalloc(sizeof *s);
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	size_t i;
	int r = c ? 0 : -1;

	s->client = true;
	if (c)
		(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (i = 0; i < OE_ARRAY_LEN(client_allowed) && r == 0; i++)
		r = seccomp_rule_add(c, SCMP_ACT_ALLOW, client_allowed[i], 0);
	for (i = 0; i < OE_ARRAY_LEN(client_deadly) && r == 0; i++)
		r = seccomp_rule_add(
		    c, SCMP_ACT_KILL_PROCESS, client_deadly[i], 0);
	if (r == 0)
		r = client_sockets(c);
	if (r == 0)
		r = client_rules(c);
	r = r == 0 ? oe_sandbox__export(c, s, err)
		   : oe_err_set(err, OE_ELIB, "build the system call filter");
	if (c)
		seccomp_release(c);
	if (r < 0) {
		oe_sandbox_free(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void
oe_sandbox__client_paths(int ruleset)
{
	/* settings, libraries and certificates, and the way to name services */
	static const char *const paths[] = {"/etc", "/usr", "/lib", "/lib64",
	    "/run", "/var/run", "/var/lib/ca-certificates", "/dev/null",
	    "/dev/urandom"};
	struct landlock_path_beneath_attr a;
	size_t i;
	int fd;

	for (i = 0; i < OE_ARRAY_LEN(paths); i++) {
		fd = open(paths[i], O_PATH | O_CLOEXEC);
		a = (struct landlock_path_beneath_attr){
		    .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE |
				      LANDLOCK_ACCESS_FS_READ_DIR,
		    .parent_fd = fd,
		};
		/* a file has no entries to list */
		if (oe_str_starts(paths[i], "/dev/"))
			a.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
		if (fd >= 0)
			(void)syscall(SYS_landlock_add_rule, ruleset,
			    LANDLOCK_RULE_PATH_BENEATH, &a, 0);
		oe_fd_close(&fd);
	}
}
