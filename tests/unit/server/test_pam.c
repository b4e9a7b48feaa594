/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs itself again under libpam_wrapper, with services and passwords in a
 * directory of its own, so that neither root nor the system's PAM matters.
 */
#include "server/pam.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define MODULES "/usr/lib/x86_64-linux-gnu/pam_wrapper/"

static struct oe_srv_pam *
start(const char *service, const char *user, bool permitted, int64_t delay)
{
	struct oe_srv_pam_params in = {
	    service, user, permitted, "192.0.2.1", NULL, delay};
	struct oe_srv_pam *p = NULL;

	assert_int_equal(oe_srv_pam_start(&p, &in, NULL), 0);
	return p;
}

static void
passwords(void **state)
{
	static const struct {
		const char *user, *password;
		bool permitted;
		int rc;
	} cases[] = {
	    {"nobody", "right", true, 0},
	    {"nobody", "wrong", true, OE_EAUTH},
	    {"nobody", "", true, OE_EAUTH},
	    {"nobody", "right", false, OE_EAUTH},
	    {"root", "right", true, OE_EAUTH},
	    {"no-such-user-here", "right", true, OE_EAUTH},
	    {"bad name\n", "right", true, OE_EAUTH},
	    {"-x", "right", true, OE_EAUTH},
	};
	struct oe_srv_pam *p;
	char *longest;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		p = start("oe-plain", cases[i].user, cases[i].permitted, 0);
		assert_int_equal(
		    oe_srv_pam_password(p, cases[i].password, NULL),
		    cases[i].rc);
		oe_srv_pam_free(&p);
		assert_null(p);
	}
	longest = oe_mem_zalloc(OE_SRV_PAM_PASSWORD_MAX + 2);
	memset(longest, 'a', OE_SRV_PAM_PASSWORD_MAX + 1);
	p = start("oe-plain", "nobody", true, 0);
	assert_int_equal(oe_srv_pam_password(p, longest, NULL), OE_EAUTH);
	/* a second try in the same transaction */
	assert_int_equal(oe_srv_pam_password(p, "right", NULL), 0);
	oe_srv_pam_free(&p);
	free(longest);
}

struct asked {
	const char *answer; /* NULL: refuse to answer */
	size_t calls, prompts;
	bool echo;
	char text[64];
};

static int
ask(void *arg, const char *info, const struct oe_srv_pam_prompt *prompts,
    size_t n, char **ret)
{
	struct asked *a = arg;
	size_t i;

	(void)info;
	a->calls++;
	a->prompts += n;
	for (i = 0; i < n; i++) {
		a->echo = prompts[i].echo;
		(void)oe_str_copy(a->text, sizeof(a->text), prompts[i].text);
		if (a->answer == NULL)
			return OE_ECLOSED;
		ret[i] = oe_mem_strdup(a->answer);
	}
	return 0;
}

static void
questions(void **state)
{
	static const struct {
		const char *user, *answer;
		bool permitted;
		int rc;
	} cases[] = {
	    {"nobody", "right", true, 0},
	    {"nobody", "wrong", true, OE_EAUTH},
	    {"nobody", NULL, true, OE_ECANCEL},
	    {"nobody", "right", false, OE_EAUTH},
	    {"root", "right", true, OE_EAUTH},
	    {"no-such-user-here", "right", true, OE_EAUTH},
	    {"../x", "right", true, OE_EAUTH},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct asked a = {cases[i].answer, 0, 0, true, ""};
		struct oe_srv_pam_ask how = {ask, &a};
		struct oe_srv_pam *p;

		p = start("oe-plain", cases[i].user, cases[i].permitted, 0);
		assert_int_equal(oe_srv_pam_ask(p, &how, NULL), cases[i].rc);
		/* everybody is asked the same */
		assert_int_equal(a.prompts, 1);
		assert_false(a.echo);
		assert_string_equal(a.text, "Password: ");
		oe_srv_pam_free(&p);
	}
}

static void
delay(void **state)
{
	struct oe_srv_pam *p;
	int64_t t;

	(void)state;
	p = start("oe-plain", "nobody", true, 60);
	t = oe_time_mono_ms();
	assert_int_equal(oe_srv_pam_password(p, "wrong", NULL), OE_EAUTH);
	assert_true(oe_time_mono_ms() - t >= 50);
	oe_srv_pam_free(&p);
}

static void
session(void **state)
{
	struct oe_strs env = {NULL, 0};
	struct oe_err err = OE_ERR_INIT;
	struct oe_srv_pam *p;
	struct oe_buf text;

	(void)state;
	p = start("oe-session", "nobody", true, 0);
	assert_int_equal(oe_srv_pam_account(p, NULL), 0);
	if (oe_srv_pam_open(p, "/dev/pts/1", &err) != 0)
		fail_msg("%s", err.msg);
	oe_srv_pam_environ(p, &env);
	assert_true(oe_strs_has(&env, "FROM_PAM=yes"));
	assert_false(oe_strs_has(&env, "LD_PRELOAD=evil"));
	assert_false(oe_strs_has(&env, "HOME=/evil"));
	oe_buf_init(&text, 64 * 1024);
	(void)oe_buf_put(&text, oe_buf_head(oe_srv_pam_text(p)),
	    oe_buf_left(oe_srv_pam_text(p)));
	(void)oe_buf_put_u8(&text, 0);
	assert_non_null(
	    strstr((const char *)oe_buf_head(&text), "Welcome home"));
	oe_srv_pam_close(p);
	oe_srv_pam_close(p);
	oe_srv_pam_free(&p);
	oe_buf_done(&text);
	oe_strs_done(&env);
	/* refused account, refused session */
	p = start("oe-closed", "nobody", true, 0);
	assert_int_equal(oe_srv_pam_account(p, &err), OE_EPERM);
	assert_int_equal(oe_srv_pam_open(p, NULL, &err), OE_EPERM);
	oe_srv_pam_free(&p);
}

static void
service(void **state)
{
	(void)state;
	assert_non_null(oe_srv_pam_service());
}

static void
put(const char *dir, const char *name, const char *text)
{
	char *path = oe_mem_printf("%s/%s", dir, name);

	assert_int_equal(
	    oe_fd_write_file(path, text, strlen(text), 0644, NULL), 0);
	oe_mem_free(&path);
}

static void
wrapper_files(const char *dir)
{
	static const char *const users[] = {
	    "nobody", "root", "no-such-user-here", "_refused", "-x", NULL};
	char *s = oe_mem_strdup(""), *t;
	size_t i;

	for (i = 0; users[i] != NULL; i++) {
		t = s;
		s = oe_mem_printf("%s%s:right:oe-plain\n", t, users[i]);
		free(t);
	}
	put(dir, "db", s);
	free(s);
	s = oe_mem_printf("auth required " MODULES
			  "pam_matrix.so passdb=%s/db\n"
			  "account required pam_permit.so\n",
	    dir);
	put(dir, "oe-plain", s);
	free(s);
	put(dir, "environment", "FROM_PAM=yes\nLD_PRELOAD=evil\nHOME=/evil\n");
	s = oe_mem_printf("auth required pam_permit.so\n"
			  "account required pam_permit.so\n"
			  "session required pam_env.so readenv=1 "
			  "envfile=%s/environment conffile=/dev/null\n"
			  "session required pam_echo.so Welcome home\n",
	    dir);
	put(dir, "oe-session", s);
	free(s);
	put(dir, "other", "auth required pam_deny.so\n");
	put(dir, "oe-closed",
	    "auth required pam_deny.so\naccount required pam_deny.so\n"
	    "session required pam_deny.so\n");
}

static int
wrapper_run(char **argv)
{
	static const char *const names[] = {"db", "oe-plain", "environment",
	    "oe-session", "oe-closed", "other", NULL};
	char dir[] = "/tmp/oe-pam-XXXXXX";
	int status = 1;
	size_t i;
	pid_t pid;

	if (access(MODULES "pam_matrix.so", R_OK) != 0) {
		printf("1..0 # SKIP libpam-wrapper is not installed\n");
		return 0;
	}
	if (mkdtemp(dir) == NULL)
		return 1;
	wrapper_files(dir);
	pid = fork();
	if (pid == 0) {
		setenv("LD_PRELOAD", "libpam_wrapper.so", 1);
		setenv("PAM_WRAPPER", "1", 1);
		setenv("PAM_WRAPPER_SERVICE_DIR", dir, 1);
		/* ASan wants to come first and cannot do RTLD_DEEPBIND */
		setenv("UID_WRAPPER_DISABLE_DEEPBIND", "1", 1);
		setenv("ASAN_OPTIONS",
		    "verify_asan_link_order=0:detect_leaks=0", 1);
		(void)execl("/proc/self/exe", argv[0], "inside", (char *)NULL);
		_exit(127);
	}
	(void)waitpid(pid, &status, 0);
	for (i = 0; names[i] != NULL; i++) {
		char *path = oe_mem_printf("%s/%s", dir, names[i]);

		(void)unlink(path);
		oe_mem_free(&path);
	}
	(void)rmdir(dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(passwords),
	    cmocka_unit_test(questions),
	    cmocka_unit_test(delay),
	    cmocka_unit_test(session),
	    cmocka_unit_test(service),
	};

	if (argc < 2)
		return wrapper_run(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
