/* SPDX-License-Identifier: Apache-2.0 */
#include "client/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"

/* A network "lab" with the peers "robot" and, twice, "twin". */
struct oe_cli_book {
	int asked;
};

static struct oe_cli_book *
fake_open(const struct oe_values *v)
{
	(void)v;
	return oe_mem_zalloc(sizeof(struct oe_cli_book));
}

static bool
fake_is_group(struct oe_cli_book *b, const char *text)
{
	b->asked++;
	return oe_str_eq(text, "lab") || oe_str_eq(text, "own");
}

static int
fake_has(struct oe_cli_book *b, const char *name, const char *group, bool alone,
    struct oe_err *err)
{
	(void)b;
	(void)group;
	(void)alone;
	if (oe_str_eq(name, "twin"))
		return oe_err_set(err, OE_EEXIST, "two");
	return oe_str_eq(name, "robot");
}

static int
fake_place(struct oe_cli_book *b, struct oe_sshconf *c, struct oe_err *err)
{
	struct oe_strs keys = {NULL, 0};
	struct oe_sshconf_peer p = {.address = "10.0.0.1",
	    .alias = "dev",
	    .host_keys = &keys,
	    .identity = "/h/50%/key",
	    .certificate = "/h/cert"};

	(void)b;
	(void)err;
	oe_strs_add(&keys, "ssh-ed25519 AAAA");
	if (!oe_peer_names_has_way(c))
		oe_sshconf_know(c, &p);
	oe_strs_done(&keys);
	return 0;
}

static void
fake_close(struct oe_cli_book **b)
{
	oe_mem_free(b);
}

static const struct oe_cli_names fake = {
    fake_open, fake_is_group, fake_has, fake_place, fake_close};

/* @arg is the text of the only file. */
static int
read_file(
    void *arg, const char *path, bool checked, char **ret, struct oe_err *err)
{
	(void)path;
	(void)checked;
	(void)err;
	*ret = oe_mem_strdup(arg);
	return 0;
}

static void
start(struct oe_peer_names *n, struct oe_sshconf_env *env, const char *text)
{
	*env = (struct oe_sshconf_env){.home = (char *)"/h",
	    .local_user = (char *)"me",
	    .local_host = (char *)"here",
	    .read = read_file,
	    .arg = (void *)text};
	oe_peer_names_open(n, &fake, NULL, env);
}

static void
what_an_at_means(void **state)
{
	static const struct {
		const char *typed, *user, *host;
		int status;
	} cases[] = {
	    {"robot@lab", NULL, "robot@lab", 0},
	    {"me@robot@lab", "me", "robot@lab", 0},
	    {"a@b@robot@lab", "a@b", "robot@lab", 0},
	    {"me@robot@elsewhere", "me@robot", "elsewhere", 0},
	    {"other@lab", "other", "lab", 0},
	    {"me@other@lab", "me@other", "lab", 0},
	    {"robot@own", "robot", "own", 0},
	    {"robot@fd00::1", "robot", "fd00::1", 0},
	    {"lab", NULL, "lab", 0},
	    {"me@lab:22", "me", "lab", 0},
	    {"robot@lab:22", NULL, "robot@lab", 0},
	    {"twin@lab", "twin", "lab", OE_EEXIST},
	};
	struct oe_hoststr h = {NULL, NULL, 0};
	struct oe_sshconf_env env;
	struct oe_peer_names n;
	size_t i;

	(void)state;
	start(&n, &env, "Host own\nHostName 10.9.9.9\n");
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		assert_int_equal(oe_hoststr_parse(cases[i].typed, &h, NULL), 0);
		assert_int_equal(oe_peer_names_split(&n, &env, "f", &h, NULL),
		    cases[i].status);
		assert_true(oe_str_eq(h.user, cases[i].user));
		assert_string_equal(h.host, cases[i].host);
		oe_hoststr_done(&h);
	}
	oe_peer_names_close(&n);
	/* nobody knows names */
	memset(&n, 0, sizeof n);
	assert_int_equal(oe_hoststr_parse("robot@lab", &h, NULL), 0);
	assert_int_equal(oe_peer_names_split(&n, &env, "f", &h, NULL), 0);
	assert_int_equal(oe_peer_names_split(NULL, &env, "f", &h, NULL), 0);
	assert_string_equal(h.host, "lab");
	oe_hoststr_done(&h);
}

static void
whose_a_host_is(void **state)
{
	static const struct {
		const char *text, *host, *alias;
		size_t keys;
	} cases[] = {
	    {"", "10.0.0.1", "dev", 1},
	    {"HostName %h\n", "10.0.0.1", "dev", 1},
	    {"ProxyJump gate\n", "10.0.0.1", "dev", 1},
	    {"ProxyCommand none\n", "10.0.0.1", "dev", 1},
	    {"HostKeyAlias DEV\n", "10.0.0.1", "DEV", 1},
	    {"HostKeyAlias mine\n", "10.0.0.1", "mine", 0},
	    {"HostName real\n", "real", NULL, 0},
	    {"HostName %h.corp\n", "robot.corp", NULL, 0},
	    {"ProxyCommand x %h\n", "robot", NULL, 0},
	};
	struct oe_sshconf_env env;
	struct oe_peer_names n;
	struct oe_sshconf *c;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		start(&n, &env, cases[i].text);
		c = oe_sshconf_new(&env);
		assert_int_equal(oe_sshconf_resolve(c, "robot", "f", NULL), 0);
		assert_string_equal(
		    oe_sshconf_str(c, OE_SSHCONF_HOSTNAME), cases[i].host);
		assert_true(
		    oe_str_eq(oe_sshconf_str(c, OE_SSHCONF_HOSTKEYALIAS),
			cases[i].alias));
		assert_int_equal(oe_sshconf_host_keys(c)->n, cases[i].keys);
		oe_sshconf_free(&c);
		oe_peer_names_close(&n);
	}
}

static void
which_keys_are_tried(void **state)
{
	static const struct {
		const char *text;
		const char *first, *last;
	} cases[] = {
	    {"", "/h/50%/key", "/h/.ssh/id_ecdsa_sk"},
	    {"IdentityFile ~/a\n", "/h/a", "/h/50%/key"},
	    {"IdentityFile none\n", "none", "none"},
	};
	const struct oe_strs *l;
	struct oe_sshconf_env env;
	struct oe_peer_names n;
	struct oe_sshconf *c;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		start(&n, &env, cases[i].text);
		c = oe_sshconf_new(&env);
		assert_int_equal(oe_sshconf_resolve(c, "robot", "f", NULL), 0);
		l = oe_sshconf_list(c, OE_SSHCONF_IDENTITYFILE);
		assert_string_equal(l->v[0], cases[i].first);
		assert_string_equal(l->v[l->n - 1], cases[i].last);
		l = oe_sshconf_list(c, OE_SSHCONF_CERTIFICATEFILE);
		assert_string_equal(l->v[0], "/h/cert");
		oe_sshconf_free(&c);
		oe_peer_names_close(&n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_an_at_means),
	    cmocka_unit_test(whose_a_host_is),
	    cmocka_unit_test(which_keys_are_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
