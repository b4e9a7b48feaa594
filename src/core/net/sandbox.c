/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/net/sandbox_internal.h"

/* Newer than the headers that we may be compiled with. */
#define OE_LANDLOCK_NET_ALL   UINT64_C(3) /* ABI 4: bind, connect over TCP */
#define OE_LANDLOCK_NET_BIND  UINT64_C(1)
#define OE_LANDLOCK_SCOPE_ALL UINT64_C(3) /* ABI 6: sockets, signals */
#define OE_SANDBOX_FILTER_MAX 4096        /* instructions (BPF_MAXINSNS) */
/* One for each connection that is forwarded, and a few. */
#define OE_SANDBOX_NOFILE        4096
#define OE_SANDBOX_CLIENT_NOFILE 64

/* struct landlock_ruleset_attr as of ABI 6. */
struct sandbox_ruleset {
	uint64_t fs, net, scoped;
};

static const int sandbox_allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sched_yield),
    SCMP_SYS(rseq),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* what the same calls are named on 32-bit machines */
    SCMP_SYS(send),
    SCMP_SYS(recv),
    SCMP_SYS(_llseek),
    SCMP_SYS(fstat64),
    SCMP_SYS(ppoll_time64),
    SCMP_SYS(futex_time64),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(clock_nanosleep_time64),
    SCMP_SYS(getuid32),
    SCMP_SYS(geteuid32),
    SCMP_SYS(getgid32),
    SCMP_SYS(getegid32),
    SCMP_SYS(sigreturn),
};

/* Libraries try these and live without them. */
static const int sandbox_refused[] = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(openat2),
    SCMP_SYS(creat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(uname),
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(sysinfo),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrlimit),
};

int
oe_sandbox__allow_fcntl(scmp_filter_ctx c)
{
	static const int fcntls[] = {
	    F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD_CLOEXEC};
	int r = 0;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(fcntls) && r == 0; i++) {
		struct scmp_arg_cmp which =
		    SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntls[i]);

		r = seccomp_rule_add_array(
		    c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, &which);
		if (r == 0)
			r = seccomp_rule_add_array(
			    c, SCMP_ACT_ALLOW, SCMP_SYS(fcntl64), 1, &which);
	}
	return r;
}

/* Calls that depend on their arguments. */
static int
sandbox_add_arguments(scmp_filter_ctx c)
{
	const struct scmp_arg_cmp no_exec =
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	const struct {
		int call;
		uint32_t action;
		unsigned n;
		struct scmp_arg_cmp arg[2];
	} rules[] = {
	    /* memory, but never memory that can be executed */
	    {SCMP_SYS(mmap), SCMP_ACT_ALLOW, 1, {no_exec}},
	    {SCMP_SYS(mmap2), SCMP_ACT_ALLOW, 1, {no_exec}},
	    {SCMP_SYS(mprotect), SCMP_ACT_ALLOW, 1, {no_exec}},
	    {SCMP_SYS(ioctl), SCMP_ACT_ALLOW, 1,
		{SCMP_A1(SCMP_CMP_EQ, FIONREAD)}},
	    /* TIOCSTI and the like would reach another terminal */
	    {SCMP_SYS(ioctl), SCMP_ACT_ERRNO(ENOTTY), 1,
		{SCMP_A1(SCMP_CMP_EQ, TCGETS)}},
	    /* quick acknowledgements, and no other option of a socket */
	    {SCMP_SYS(setsockopt), SCMP_ACT_ALLOW, 2,
		{SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP),
		    SCMP_A2(SCMP_CMP_EQ, TCP_QUICKACK)}},
	    {SCMP_SYS(setsockopt), SCMP_ACT_ERRNO(EPERM), 1,
		{SCMP_A1(SCMP_CMP_NE, IPPROTO_TCP)}},
	    {SCMP_SYS(setsockopt), SCMP_ACT_ERRNO(EPERM), 2,
		{SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP),
		    SCMP_A2(SCMP_CMP_NE, TCP_QUICKACK)}},
	    /* abort() raises a signal in itself */
	    {SCMP_SYS(tgkill), SCMP_ACT_ALLOW, 1,
		{SCMP_A2(SCMP_CMP_EQ, SIGABRT)}},
	};
	int r = 0;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(rules) && r == 0; i++)
		r = seccomp_rule_add_array(c, rules[i].action, rules[i].call,
		    rules[i].n, rules[i].arg);
	return r == 0 ? oe_sandbox__allow_fcntl(c) : r;
}

int
oe_sandbox__export(scmp_filter_ctx c, struct oe_sandbox *s, struct oe_err *err)
{
	size_t size = OE_SANDBOX_FILTER_MAX * sizeof(struct sock_filter);
	int fd = memfd_create("filter", MFD_CLOEXEC), r;
	ssize_t n;

	if (fd < 0)
		return oe_err_sys(err, "memory for the filter");
	r = seccomp_export_bpf(c, fd);
	if (r < 0) {
		oe_fd_close(&fd);
		return oe_err_set(
		    err, OE_ELIB, "compile the system call filter");
	}
	s->prog.filter = oe_mem_zalloc(size);
	n = pread(fd, s->prog.filter, size, 0);
	oe_fd_close(&fd);
	if (n <= 0 || (size_t)n == size)
		return oe_err_set(
		    err, OE_ELIB, "system call filter is too long");
	s->prog.len = (unsigned short)((size_t)n / sizeof(struct sock_filter));
	return 0;
}

int
oe_sandbox_new(struct oe_sandbox **ret, struct oe_err *err)
{
	struct oe_sandbox *s = oe_mem_zalloc(sizeof *s);
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
	size_t i;
	int r = c ? 0 : -1;

	if (c)
		(void)seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (i = 0; i < OE_ARRAY_LEN(sandbox_allowed) && r == 0; i++)
		r = seccomp_rule_add(c, SCMP_ACT_ALLOW, sandbox_allowed[i], 0);
	for (i = 0; i < OE_ARRAY_LEN(sandbox_refused) && r == 0; i++)
		r = seccomp_rule_add(
		    c, SCMP_ACT_ERRNO(EPERM), sandbox_refused[i], 0);
	if (r == 0)
		r = sandbox_add_arguments(c);
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
oe_sandbox_free(struct oe_sandbox **s)
{
	if (!*s)
		return;
	free((*s)->prog.filter);
	free(*s);
	*s = NULL;
}

/* Of a client, threads count as processes do, with those of its account. */
static int
sandbox_limits(const struct oe_sandbox *s, struct oe_err *err)
{
	const struct {
		int what;
		rlim_t max;
	} limits[] = {
	    {RLIMIT_CORE, 0},
	    {RLIMIT_NPROC, s->client ? RLIM_INFINITY : 0},
	    {RLIMIT_MSGQUEUE, 0},
	    {RLIMIT_NOFILE,
		s->client ? OE_SANDBOX_CLIENT_NOFILE : OE_SANDBOX_NOFILE},
	};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(limits); i++) {
		struct rlimit l;

		if (limits[i].max == RLIM_INFINITY)
			continue;

		if (getrlimit((__rlimit_resource_t)limits[i].what, &l) < 0)
			return oe_err_sys(err, "get a resource limit");
		if (l.rlim_max > limits[i].max)
			l.rlim_max = limits[i].max;
		l.rlim_cur = l.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].what, &l) < 0)
			return oe_err_sys(err, "set a resource limit");
	}
	return 0;
}

static int
sandbox_become(const struct oe_sandbox_identity *id, struct oe_err *err)
{
	if (!id->change)
		return 0;
	if (setgroups(0, NULL) < 0 ||
	    setresgid(id->gid, id->gid, id->gid) < 0 ||
	    setresuid(id->uid, id->uid, id->uid) < 0)
		return oe_err_sys(err, "become the network account");
	if (setuid(0) == 0 || getuid() != id->uid || geteuid() != id->uid)
		return oe_err_set(
		    err, OE_EPERM, "privileges could be regained");
	return 0;
}

static int
sandbox_landlock_abi(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
}

/*
 * No rule is added: everything that the ruleset handles is refused.  A client
 * connects where it will, and reads what its libraries are set up by.
 */
static int
sandbox_landlock(const struct oe_sandbox *s, struct oe_err *err)
{
	struct sandbox_ruleset a = {0};
	int abi = sandbox_landlock_abi(), fd, r = 0;
	size_t size;

	if (abi < 1)
		return 0; /* seccomp stands alone on such a kernel */
	a.fs = abi >= 5   ? (UINT64_C(1) << 16) - 1
	       : abi >= 3 ? (UINT64_C(1) << 15) - 1
	       : abi == 2 ? (UINT64_C(1) << 14) - 1
			  : (UINT64_C(1) << 13) - 1;
	a.net = abi < 4     ? 0
		: s->client ? OE_LANDLOCK_NET_BIND
			    : OE_LANDLOCK_NET_ALL;
	a.scoped = abi >= 6 ? OE_LANDLOCK_SCOPE_ALL : 0;
	size = abi >= 6 ? sizeof a : abi >= 4 ? 2 * sizeof a.fs : sizeof a.fs;
	fd = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
	if (fd < 0)
		return oe_err_sys(err, "make a Landlock ruleset");
	if (s->client)
		oe_sandbox__client_paths(fd);
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = oe_err_sys(err, "enter Landlock");
	oe_fd_close(&fd);
	return r;
}

int
oe_sandbox_enter(const struct oe_sandbox *s,
    const struct oe_sandbox_identity *id, struct oe_err *err)
{
	int r = sandbox_limits(s, err);

	if (r == 0)
		r = sandbox_become(id, err);
	if (r < 0)
		return r;
	/* a change of identity clears it, so only now */
	if (id->die_with_parent &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return oe_err_sys(err, "tie to the parent");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return oe_err_sys(err, "give up privileges");
	r = sandbox_landlock(s, err);
	if (r < 0)
		return r;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &s->prog) < 0)
		return oe_err_sys(err, "enter the system call filter");
	return 0;
}

const char *
oe_sandbox_describe(void)
{
	static char text[64];
	int abi = sandbox_landlock_abi();

	if (abi >= 1)
		snprintf(text, sizeof text, "seccomp, Landlock ABI %d", abi);
	else
		snprintf(text, sizeof text, "seccomp, no Landlock");
	return text;
}
