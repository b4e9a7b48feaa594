/* SPDX-License-Identifier: Apache-2.0 */
#include "server/login.h"

#include <errno.h>
#include <fcntl.h>
#include <lastlog.h>
#include <paths.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <utmpx.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "server/user.h"

#define BTMP "/var/log/btmp"

static const struct oe_srv_login_paths usual = {
    _PATH_UTMP, _PATH_WTMP, BTMP, _PATH_LASTLOG};

static const char *
path_or(const char *path, const char *fallback)
{
	return path != NULL ? path : fallback;
}

/* utmp's fields are filled to the brim without an end. */
static void
field_put(char *to, size_t size, const char *from)
{
	memset(to, 0, size);
	memcpy(to, from, strnlen(from, size));
}

static void
addr_put(struct utmpx *u, const uint8_t addr[16])
{
	static const uint8_t mapped[12] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	memset(u->ut_addr_v6, 0, sizeof(u->ut_addr_v6));
	if (memcmp(addr, mapped, sizeof(mapped)) == 0)
		memcpy(u->ut_addr_v6, addr + 12, 4);
	else
		memcpy(u->ut_addr_v6, addr, 16);
}

static void
time_put(struct utmpx *u, int64_t time_ms)
{
	/* the record holds 32 bits */
	u->ut_tv.tv_sec = (int32_t)(uint32_t)(time_ms / 1000);
	u->ut_tv.tv_usec = (int32_t)(time_ms % 1000) * 1000;
}

static const char *
line_of(const char *tty)
{
	return oe_str_starts(tty, "/dev/") ? tty + strlen("/dev/") : tty;
}

static void
record_make(struct utmpx *u, const struct oe_srv_login *l, short type)
{
	const char *line = line_of(l->tty);
	size_t n = strlen(line);

	memset(u, 0, sizeof(*u));
	u->ut_type = type;
	u->ut_pid = l->pid;
	field_put(u->ut_line, sizeof(u->ut_line), line);
	/* the id only has to be one per line: its last characters are */
	field_put(u->ut_id, sizeof(u->ut_id),
	    n > sizeof(u->ut_id) ? line + n - sizeof(u->ut_id) : line);
	time_put(u, l->time_ms);
	if (type != USER_PROCESS)
		return;
	field_put(u->ut_user, sizeof(u->ut_user), l->user->name);
	field_put(u->ut_host, sizeof(u->ut_host), l->host);
	addr_put(u, l->addr);
	u->ut_session = (int32_t)getsid(l->pid);
}

static void
record_write(const struct utmpx *u, const struct oe_srv_login_paths *p)
{
	const char *utmp = path_or(p->utmp, usual.utmp);

	/* a path left by an earlier call would receive this record */
	if (utmpxname(utmp) == 0) {
		setutxent();
		if (pututxline(u) == NULL)
			oe_log_debug(NULL, "%s: no record written", utmp);
		endutxent();
	}
	updwtmpx(path_or(p->wtmp, usual.wtmp), u);
}

static void
lastlog_write(const struct oe_srv_login *l, const struct oe_srv_login_paths *p)
{
	off_t at = (off_t)l->user->uid * (off_t)sizeof(struct lastlog);
	struct lastlog ll;
	int fd;

	memset(&ll, 0, sizeof(ll));
	ll.ll_time = (int32_t)(uint32_t)(l->time_ms / 1000);
	field_put(ll.ll_line, sizeof(ll.ll_line), line_of(l->tty));
	field_put(ll.ll_host, sizeof(ll.ll_host), l->host);
	fd = open(path_or(p->lastlog, usual.lastlog),
	    O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (pwrite(fd, &ll, sizeof(ll), at) != (ssize_t)sizeof(ll))
		oe_log_debug(NULL, "lastlog: record not written");
	oe_fd_close(&fd);
}

void
oe_srv_login_begin(
    const struct oe_srv_login *l, const struct oe_srv_login_paths *paths)
{
	struct utmpx u;

	if (paths == NULL)
		paths = &usual;
	record_make(&u, l, USER_PROCESS);
	record_write(&u, paths);
	lastlog_write(l, paths);
}

void
oe_srv_login_end(
    const struct oe_srv_login *l, const struct oe_srv_login_paths *paths)
{
	struct utmpx u;

	record_make(&u, l, DEAD_PROCESS);
	record_write(&u, paths != NULL ? paths : &usual);
}

/* btmp holds mistyped passwords: it must be root's alone to read. */
static bool
btmp_is_private(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid() && (st.st_mode & 0006) == 0;
}

void
oe_srv_login_failed(const char *name, const char *host, const uint8_t addr[16],
    pid_t pid, int64_t time_ms, const struct oe_srv_login_paths *paths)
{
	char safe[sizeof(((struct utmpx *)0)->ut_user) + 1];
	const char *btmp = path_or(paths ? paths->btmp : NULL, usual.btmp);
	struct utmpx u;

	if (!btmp_is_private(btmp))
		return;
	memset(&u, 0, sizeof(u));
	u.ut_type = LOGIN_PROCESS;
	u.ut_pid = pid;
	field_put(u.ut_line, sizeof(u.ut_line), "ssh:notty");
	oe_str_escape(name, strlen(name), safe, sizeof(safe));
	field_put(u.ut_user, sizeof(u.ut_user), safe);
	field_put(u.ut_host, sizeof(u.ut_host), host);
	addr_put(&u, addr);
	time_put(&u, time_ms);
	updwtmpx(btmp, &u);
}

void
oe_srv_login_last(
    uid_t uid, const struct oe_srv_login_paths *paths, struct oe_buf *ret)
{
	off_t at = (off_t)uid * (off_t)sizeof(struct lastlog);
	char host[sizeof(((struct lastlog *)0)->ll_host) * 4 + 1];
	char when[64];
	struct lastlog ll;
	struct tm tm;
	time_t t;
	ssize_t n;
	int fd;

	fd = open(path_or(paths ? paths->lastlog : NULL, usual.lastlog),
	    O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = pread(fd, &ll, sizeof(ll), at);
	oe_fd_close(&fd);
	t = (time_t)(uint32_t)ll.ll_time;
	if (n != (ssize_t)sizeof(ll) || t == 0 || !localtime_r(&t, &tm))
		return;
	(void)strftime(when, sizeof(when), "%a %b %e %H:%M:%S %Y", &tm);
	oe_str_escape(ll.ll_host, strnlen(ll.ll_host, sizeof(ll.ll_host)), host,
	    sizeof(host));
	(void)oe_buf_printf(ret, "Last login: %s%s%s\n", when,
	    host[0] != '\0' ? " from " : "", host);
}

bool
oe_srv_login_is_hushed(const struct oe_srv_user *u)
{
	char *path = oe_mem_printf("%s/.hushlogin", u->home);
	bool yes = access(path, F_OK) == 0;

	oe_mem_free(&path);
	return yes;
}

void
oe_srv_login_motd(
    const struct oe_srv_user *u, const char *const *files, struct oe_buf *ret)
{
	static const char *const usual_files[] = {
	    "/run/motd.dynamic", "/etc/motd", NULL};
	struct oe_buf text;

	if (oe_srv_login_is_hushed(u))
		return;
	for (files = files ? files : usual_files; *files != NULL; files++) {
		if (oe_fd_read_file(*files, OE_SRV_MOTD_MAX, &text, NULL) != 0)
			continue;
		(void)oe_buf_put(ret, oe_buf_head(&text), oe_buf_left(&text));
		oe_buf_done(&text);
	}
}

int
oe_srv_login_banner(const char *path, struct oe_buf *ret, struct oe_err *err)
{
	struct oe_buf b;
	int rc;

	rc = oe_fd_read_file(path, OE_SRV_BANNER_MAX, &b, err);
	if (rc != 0)
		return oe_err_wrap(err, rc, "banner");
	if (memchr(oe_buf_head(&b), '\0', oe_buf_left(&b)) != NULL) {
		oe_buf_done(&b);
		return oe_err_set(
		    err, OE_EINVAL, "banner: '%s' holds a NUL byte", path);
	}
	*ret = b;
	return 0;
}
