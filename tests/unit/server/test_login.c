/* SPDX-License-Identifier: Apache-2.0 */
#include "server/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmpx.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "server/user.h"

static const uint8_t peer[16] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};

struct place {
	char dir[32], utmp[64], wtmp[64], btmp[64], lastlog[64];
	struct oe_srv_login_paths paths;
};

static void
place_make(struct place *p, bool files)
{
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/oe-login-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->utmp, sizeof(p->utmp), "%s/utmp", p->dir);
	(void)snprintf(p->wtmp, sizeof(p->wtmp), "%s/wtmp", p->dir);
	(void)snprintf(p->btmp, sizeof(p->btmp), "%s/btmp", p->dir);
	(void)snprintf(p->lastlog, sizeof(p->lastlog), "%s/lastlog", p->dir);
	p->paths.utmp = p->utmp;
	p->paths.wtmp = p->wtmp;
	p->paths.btmp = p->btmp;
	p->paths.lastlog = p->lastlog;
	if (!files)
		return;
	(void)oe_fd_write_file(p->utmp, "", 0, 0600, NULL);
	(void)oe_fd_write_file(p->wtmp, "", 0, 0600, NULL);
	(void)oe_fd_write_file(p->btmp, "", 0, 0600, NULL);
	(void)oe_fd_write_file(p->lastlog, "", 0, 0600, NULL);
}

static void
place_done(struct place *p)
{
	(void)unlink(p->utmp);
	(void)unlink(p->wtmp);
	(void)unlink(p->btmp);
	(void)unlink(p->lastlog);
	assert_int_equal(rmdir(p->dir), 0);
}

static void
login_of(struct oe_srv_login *l, const struct oe_srv_user *u)
{
	memset(l, 0, sizeof(*l));
	l->user = u;
	l->pid = getpid();
	l->tty = "/dev/pts/4321";
	l->host = "192.0.2.1";
	memcpy(l->addr, peer, sizeof(peer));
	l->time_ms = 1700000000500;
}

static size_t
records(const char *path, struct utmpx *ret, size_t max)
{
	struct oe_buf b;
	size_t n;

	assert_int_equal(oe_fd_read_file(path, 1 << 20, &b, NULL), 0);
	n = oe_buf_left(&b) / sizeof(*ret);
	assert_true(n <= max);
	if (n > 0)
		memcpy(ret, oe_buf_head(&b), n * sizeof(*ret));
	oe_buf_done(&b);
	return n;
}

static void
begin_end(void **state)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	struct oe_srv_login l;
	struct utmpx r[4];
	struct oe_buf text;
	struct place p;

	(void)state;
	u.name = (char *)"alice";
	u.uid = 7;
	place_make(&p, true);
	login_of(&l, &u);
	oe_buf_init(&text, 1024);
	oe_srv_login_last(u.uid, &p.paths, &text);
	assert_int_equal(oe_buf_left(&text), 0);
	oe_srv_login_begin(&l, &p.paths);
	assert_int_equal(records(p.utmp, r, 4), 1);
	assert_int_equal(r[0].ut_type, USER_PROCESS);
	assert_string_equal(r[0].ut_line, "pts/4321");
	assert_string_equal(r[0].ut_user, "alice");
	assert_memory_equal(r[0].ut_id, "4321", 4);
	assert_memory_equal(r[0].ut_addr_v6, peer + 12, 4);
	assert_int_equal(r[0].ut_tv.tv_sec, 1700000000);
	assert_int_equal(r[0].ut_tv.tv_usec, 500000);
	oe_srv_login_last(u.uid, &p.paths, &text);
	assert_int_equal(oe_buf_put_u8(&text, 0), 0);
	assert_non_null(
	    strstr((const char *)oe_buf_head(&text), "2023 from 192.0.2.1\n"));
	oe_srv_login_end(&l, &p.paths);
	assert_int_equal(records(p.utmp, r, 4), 1);
	assert_int_equal(r[0].ut_type, DEAD_PROCESS);
	assert_string_equal(r[0].ut_user, "");
	assert_int_equal(records(p.wtmp, r, 4), 2);
	oe_buf_done(&text);
	place_done(&p);
}

static void
failed(void **state)
{
	struct utmpx r[4];
	struct place p;

	(void)state;
	place_make(&p, true);
	oe_srv_login_failed("ro\not", "192.0.2.1", peer, 1, 1000, &p.paths);
	assert_int_equal(records(p.btmp, r, 4), 1);
	assert_string_equal(r[0].ut_user, "ro\\not");
	/* a file that everybody reads gets no passwords */
	assert_int_equal(chmod(p.btmp, 0644), 0);
	oe_srv_login_failed("secret", "192.0.2.1", peer, 1, 1000, &p.paths);
	assert_int_equal(records(p.btmp, r, 4), 1);
	place_done(&p);
}

static void
absent(void **state)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	struct oe_srv_login l;
	struct oe_buf text;
	struct place p;

	(void)state;
	u.name = (char *)"alice";
	u.uid = 7;
	place_make(&p, false);
	login_of(&l, &u);
	oe_srv_login_begin(&l, &p.paths);
	oe_srv_login_end(&l, &p.paths);
	oe_srv_login_failed("x", "h", peer, 1, 1, &p.paths);
	oe_buf_init(&text, 100);
	oe_srv_login_last(7, &p.paths, &text);
	assert_int_equal(oe_buf_left(&text), 0);
	oe_buf_done(&text);
	/* no file was made */
	assert_int_equal(rmdir(p.dir), 0);
}

static void
texts(void **state)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	const char *files[] = {"/no/such/file", NULL, NULL};
	struct oe_buf text;
	char hush[64];
	struct place p;

	(void)state;
	place_make(&p, false);
	u.home = p.dir;
	files[1] = p.utmp;
	assert_int_equal(oe_fd_write_file(p.utmp, "hi\n", 3, 0644, NULL), 0);
	oe_buf_init(&text, 100);
	oe_srv_login_motd(&u, files, &text);
	assert_int_equal(oe_buf_left(&text), 3);
	(void)snprintf(hush, sizeof(hush), "%s/.hushlogin", p.dir);
	assert_int_equal(oe_fd_write_file(hush, "", 0, 0644, NULL), 0);
	oe_srv_login_motd(&u, files, &text);
	assert_int_equal(oe_buf_left(&text), 3);
	oe_buf_done(&text);
	assert_int_equal(oe_srv_login_banner(p.utmp, &text, NULL), 0);
	assert_int_equal(oe_buf_left(&text), 3);
	oe_buf_done(&text);
	assert_int_equal(oe_srv_login_banner(p.wtmp, &text, NULL), OE_ESYS);
	assert_int_equal(oe_srv_login_banner(p.dir, &text, NULL), OE_EINVAL);
	assert_int_equal(oe_fd_write_file(p.utmp, "h\0i", 3, 0644, NULL), 0);
	assert_int_equal(oe_srv_login_banner(p.utmp, &text, NULL), OE_EINVAL);
	(void)unlink(hush);
	place_done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(begin_end),
	    cmocka_unit_test(failed),
	    cmocka_unit_test(absent),
	    cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
