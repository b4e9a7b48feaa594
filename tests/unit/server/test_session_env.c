/* SPDX-License-Identifier: Apache-2.0 */
#include "server/session_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "server/user.h"

static void
names(void **state)
{
	static const struct {
		const char *name;
		bool server, system, key, client;
	} cases[] = {
	    {"LANG", true, true, true, true},
	    {"_x9", true, true, true, true},
	    {"LD_PRELOAD", false, false, false, false},
	    {"LD_", false, false, false, false},
	    {"DYLD_X", false, false, false, false},
	    {"GLIBC_TUNABLES", false, false, false, false},
	    {"GCONV_PATH", false, false, false, false},
	    {"BASH_ENV", false, false, false, false},
	    {"BASH_FUNC_ls", false, false, false, false},
	    {"ENV", false, false, false, false},
	    {"IFS", false, false, false, false},
	    {"PATH", true, true, false, false},
	    {"HOME", true, false, false, false},
	    {"SHELL", true, false, false, false},
	    {"SSH_CONNECTION", true, false, false, false},
	    {"SSH_AUTH_SOCK", true, true, false, false},
	    {"", false, false, false, false},
	    {"9A", false, false, false, false},
	    {"A-B", false, false, false, false},
	    {"A=B", false, false, false, false},
	    {"A B", false, false, false, false},
	    {"BASH_FUNC_x%%", false, false, false, false},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		const char *n = cases[i].name;

		assert_int_equal(
		    oe_srv_env_name_ok(n, OE_SRV_ENV_SERVER), cases[i].server);
		assert_int_equal(
		    oe_srv_env_name_ok(n, OE_SRV_ENV_SYSTEM), cases[i].system);
		assert_int_equal(
		    oe_srv_env_name_ok(n, OE_SRV_ENV_KEY), cases[i].key);
		assert_int_equal(
		    oe_srv_env_name_ok(n, OE_SRV_ENV_CLIENT), cases[i].client);
	}
}

static void
patterns(void **state)
{
	const char *d = OE_SRV_ENV_ACCEPT_DEFAULT;

	(void)state;
	assert_true(oe_srv_env_accepts(d, "LANG"));
	assert_true(oe_srv_env_accepts(d, "LC_ALL"));
	assert_true(oe_srv_env_accepts(d, "NO_COLOR"));
	assert_false(oe_srv_env_accepts(d, "LANGUAGE"));
	assert_false(oe_srv_env_accepts(d, "LD_PRELOAD"));
	assert_false(oe_srv_env_accepts("*", "LD_PRELOAD"));
	assert_false(oe_srv_env_accepts("*", "PATH"));
	assert_true(oe_srv_env_accepts("*", "FOO"));
	assert_false(oe_srv_env_accepts("*,!FOO", "FOO"));
	assert_false(oe_srv_env_accepts("", "FOO"));
	assert_false(oe_srv_env_accepts(NULL, "FOO"));
}

static void
bounds(void **state)
{
	char *big = oe_mem_zalloc(OE_SRV_ENV_VALUE_MAX + 2), name[32];
	struct oe_srv_env e;
	int i, rc = 0;

	(void)state;
	memset(big, 'x', OE_SRV_ENV_VALUE_MAX + 1);
	oe_srv_env_init(&e);
	assert_int_equal(
	    oe_srv_env_set(&e, OE_SRV_ENV_CLIENT, "A", big), OE_ETOOBIG);
	assert_int_equal(
	    oe_srv_env_set(&e, OE_SRV_ENV_CLIENT, "A", NULL), OE_EINVAL);
	for (i = 0; rc == 0 && i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "LC_%d", i);
		rc = oe_srv_env_client(&e, "LC_*", name, "v");
	}
	assert_int_equal(rc, OE_ETOOBIG);
	assert_int_equal(i, OE_SRV_ENV_CLIENT_COUNT_MAX + 1);
	oe_srv_env_done(&e);
	oe_srv_env_init(&e);
	big[OE_SRV_ENV_VALUE_MAX] = '\0';
	for (i = 0, rc = 0; rc == 0 && i < 100; i++) {
		(void)snprintf(name, sizeof(name), "V%d", i);
		rc = oe_srv_env_set(&e, OE_SRV_ENV_KEY, name, big);
	}
	assert_int_equal(rc, OE_ETOOBIG);
	assert_int_equal(i, OE_SRV_ENV_TOTAL_MAX / OE_SRV_ENV_VALUE_MAX);
	/* replacing gives room back */
	assert_int_equal(oe_srv_env_set(&e, OE_SRV_ENV_KEY, "V0", "x"), 0);
	assert_string_equal(oe_srv_env_get(&e, "V0"), "x");
	assert_int_equal(oe_srv_env_put(&e, OE_SRV_ENV_KEY, "=x"), OE_EINVAL);
	assert_int_equal(oe_srv_env_put(&e, OE_SRV_ENV_KEY, "x"), OE_EINVAL);
	assert_int_equal(oe_srv_env_put(&e, OE_SRV_ENV_KEY, "Q=a=b"), 0);
	assert_string_equal(oe_srv_env_get(&e, "Q"), "a=b");
	assert_null(oe_srv_env_get(&e, "V"));
	oe_srv_env_done(&e);
	free(big);
}

static void
build(void **state)
{
	static const char defs[] =
	    "# x\nENV_PATHX PATH=/no\n"
	    "ENV_PATH\tPATH=/u1:/u2\nMAIL_DIR /m\nUMASK 027\n";
	static const char etc[] = "#C=1\nA=\"quoted v\"\nexport B=two\n"
				  "HOME=/evil\nLD_PRELOAD=x\nPATH=/etcpath\n";
	char dir[] = "/tmp/oe-env-XXXXXX", f1[64], f2[64];
	struct oe_strs key = {NULL, 0}, pam = {NULL, 0};
	struct oe_srv_user u = {(char *)"al", (char *)"/home/al",
	    (char *)"/bin/sh", (char *)"", 1000, 1000};
	struct oe_srv_env_params p;
	struct oe_srv_env e, c;

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(f1, sizeof(f1), "%s/defs", dir);
	(void)snprintf(f2, sizeof(f2), "%s/env", dir);
	assert_int_equal(
	    oe_fd_write_file(f1, defs, sizeof(defs) - 1, 0600, NULL), 0);
	assert_int_equal(
	    oe_fd_write_file(f2, etc, sizeof(etc) - 1, 0600, NULL), 0);
	oe_srv_env_init(&c);
	assert_int_equal(oe_srv_env_client(&c, "LC_*", "LC_ALL", "de"), 0);
	assert_int_equal(oe_srv_env_client(&c, "LC_*", "LANG", "de"), OE_EPERM);
	oe_strs_add(&key, "K=1");
	oe_strs_add(&key, "PATH=/evil");
	memset(&p, 0, sizeof(p));
	p.user = &u;
	p.peer_ip = "10.0.0.1";
	p.local_ip = "10.0.0.2";
	p.peer_port = 1234;
	p.local_port = 22;
	p.tty = "/dev/pts/9";
	p.term = "xterm";
	p.command = "ls -l";
	p.agent_socket = "/run/agent";
	p.client = &c;
	p.key = &key;
	p.environment_file = f2;
	p.login_defs = f1;
	oe_srv_env_init(&e);
	assert_int_equal(oe_srv_env_build(&e, &p, NULL), 0);
	assert_string_equal(oe_srv_env_get(&e, "HOME"), "/home/al");
	assert_string_equal(oe_srv_env_get(&e, "PATH"), "/etcpath");
	assert_string_equal(oe_srv_env_get(&e, "MAIL"), "/m/al");
	assert_string_equal(oe_srv_env_get(&e, "A"), "quoted v");
	assert_string_equal(oe_srv_env_get(&e, "B"), "two");
	assert_string_equal(oe_srv_env_get(&e, "K"), "1");
	assert_string_equal(oe_srv_env_get(&e, "LC_ALL"), "de");
	assert_string_equal(oe_srv_env_get(&e, "TERM"), "xterm");
	assert_string_equal(
	    oe_srv_env_get(&e, "SSH_CONNECTION"), "10.0.0.1 1234 10.0.0.2 22");
	assert_string_equal(
	    oe_srv_env_get(&e, "SSH_CLIENT"), "10.0.0.1 1234 22");
	assert_string_equal(
	    oe_srv_env_get(&e, "SSH_ORIGINAL_COMMAND"), "ls -l");
	assert_null(oe_srv_env_get(&e, "LD_PRELOAD"));
	assert_null(oe_srv_env_get(&e, "C"));
	assert_null(e.v.v[e.v.n]);
	oe_srv_env_done(&e);

	oe_strs_add(&pam, "SSH_AUTH_SOCK=/pam");
	oe_strs_add(&pam, "XDG_RUNTIME_DIR=/run/user/1");
	p.pam = &pam;
	p.tty = NULL;
	assert_int_equal(oe_srv_env_build(&e, &p, NULL), 0);
	assert_string_equal(oe_srv_env_get(&e, "PATH"), "/u1:/u2");
	assert_string_equal(oe_srv_env_get(&e, "SSH_AUTH_SOCK"), "/run/agent");
	assert_string_equal(
	    oe_srv_env_get(&e, "XDG_RUNTIME_DIR"), "/run/user/1");
	assert_null(oe_srv_env_get(&e, "TERM"));
	assert_null(oe_srv_env_get(&e, "A"));
	assert_int_equal(oe_srv_env_umask(f1), 027);
	assert_int_equal(oe_srv_env_umask(f2), 022);
	oe_srv_env_done(&e);
	oe_srv_env_done(&c);
	oe_strs_done(&key);
	oe_strs_done(&pam);
	(void)unlink(f1);
	(void)unlink(f2);
	(void)rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names),
	    cmocka_unit_test(patterns),
	    cmocka_unit_test(bounds),
	    cmocka_unit_test(build),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
