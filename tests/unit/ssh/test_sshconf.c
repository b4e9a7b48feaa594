/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/sshconf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* A file system of a few names. */
struct files {
	const char *name[5], *text[5];
};

static int
fake_read(
    void *arg, const char *path, bool checked, char **ret, struct oe_err *err)
{
	const struct files *f = arg;
	size_t i;

	(void)checked;
	for (i = 0; i < 5 && f->name[i]; i++)
		if (oe_str_eq(f->name[i], path)) {
			*ret = oe_mem_strdup(f->text[i]);
			return 0;
		}
	return oe_err_set(err, OE_ENOENT, "no '%s'", path);
}

static void
fake_glob(void *arg, const char *pattern, struct oe_strs *ret)
{
	const struct files *f = arg;
	size_t i;

	for (i = 0; i < 5 && f->name[i]; i++)
		if (oe_str_match(pattern, f->name[i]))
			oe_strs_add(ret, f->name[i]);
}

static bool
fake_exec(void *arg, const char *command)
{
	(void)arg;
	return oe_str_eq(command, "test h1 = h1");
}

static const char *
fake_getenv(const char *name)
{
	return oe_str_eq(name, "KEYS") ? "/keys" : NULL;
}

static void
make_env(struct oe_sshconf_env *env, struct files *f)
{
	static char home[] = "/home/u", user[] = "u", host[] = "box.lan";

	memset(env, 0, sizeof *env);
	env->home = home;
	env->local_user = user;
	env->local_host = host;
	env->read = fake_read;
	env->glob = fake_glob;
	env->exec = fake_exec;
	env->getenv = fake_getenv;
	env->arg = f;
}

/* Resolve @host with one file; the caller frees. */
static int
resolve(struct oe_sshconf_env *env, struct files *f, const char *text,
    const char *host, struct oe_sshconf **ret, struct oe_err *err)
{
	f->name[0] = "/c";
	f->text[0] = text;
	make_env(env, f);
	*ret = oe_sshconf_new(env);
	return oe_sshconf_resolve(*ret, host, "/c", err);
}

static void
values(void **state)
{
	static const struct {
		const char *text, *host;
		enum oe_sshconf_key key;
		const char *want; /* NULL: not set */
	} cases[] = {
	    {"", "h", OE_SSHCONF_PORT, "22"},
	    {"", "h", OE_SSHCONF_USER, "u"},
	    {"", "h", OE_SSHCONF_HOSTNAME, "h"},
	    {"", "h", OE_SSHCONF_BINDADDRESS, NULL},
	    {"Port 1\nPort 2\n", "h", OE_SSHCONF_PORT, "1"},
	    {"port=77", "h", OE_SSHCONF_PORT, "77"},
	    {"PORT  =  77  ", "h", OE_SSHCONF_PORT, "77"},
	    {"Port 77 # c", "h", OE_SSHCONF_PORT, "77"},
	    {"# Port 77", "h", OE_SSHCONF_PORT, "22"},
	    {"User \"a b\"", "h", OE_SSHCONF_USER, "a b"},
	    {"User 'a b'", "h", OE_SSHCONF_USER, "a b"},
	    {"User a\\ b", "h", OE_SSHCONF_USER, "a b"},
	    {"Host a*\nPort 1\nHost *\nPort 2", "abc", OE_SSHCONF_PORT, "1"},
	    {"Host a*\nPort 1\nHost *\nPort 2", "bbc", OE_SSHCONF_PORT, "2"},
	    {"Host a* !abc\nPort 1", "abc", OE_SSHCONF_PORT, "22"},
	    {"Host a* !abc\nPort 1", "abd", OE_SSHCONF_PORT, "1"},
	    {"Host !abc\nPort 1", "abd", OE_SSHCONF_PORT, "22"},
	    {"Host h?\nPort 1", "h1", OE_SSHCONF_PORT, "1"},
	    {"HostName %h.lan", "x", OE_SSHCONF_HOSTNAME, "x.lan"},
	    {"HostName 100%%", "x", OE_SSHCONF_HOSTNAME, "100%"},
	    {"Match all\nPort 1", "h", OE_SSHCONF_PORT, "1"},
	    {"Match host h1,h2\nPort 1", "h2", OE_SSHCONF_PORT, "1"},
	    {"Match !host h1\nPort 1", "h1", OE_SSHCONF_PORT, "22"},
	    {"HostName h1\nMatch host h1\nPort 1", "x", OE_SSHCONF_PORT, "1"},
	    {"HostName h1\nMatch originalhost x\nPort 1", "x", OE_SSHCONF_PORT,
		"1"},
	    {"Match user u\nPort 1", "h", OE_SSHCONF_PORT, "1"},
	    {"User v\nMatch user u\nPort 1", "h", OE_SSHCONF_PORT, "22"},
	    {"User v\nMatch localuser u\nPort 1", "h", OE_SSHCONF_PORT, "1"},
	    {"Match exec \"test %h = h1\"\nPort 1", "h1", OE_SSHCONF_PORT, "1"},
	    {"Match exec \"test %h = h1\"\nPort 1", "h2", OE_SSHCONF_PORT,
		"22"},
	    {"HostName h1\nMatch final host h1\nPort 1", "x", OE_SSHCONF_PORT,
		"1"},
	    {"ProxyCommand nc -X \"a b\" %h %p # no comment  ", "h",
		OE_SSHCONF_PROXYCOMMAND, "nc -X \"a b\" %h %p # no comment"},
	    {"ProxyJump a,b\nProxyCommand x", "h", OE_SSHCONF_PROXYCOMMAND,
		NULL},
	    {"ProxyCommand x\nProxyJump a", "h", OE_SSHCONF_PROXYJUMP, NULL},
	    {"IdentityFile ~/k/%r-%h", "h", OE_SSHCONF_IDENTITYFILE,
		"/home/u/k/u-h"},
	    {"IdentityFile ${KEYS}/%L_%l", "h", OE_SSHCONF_IDENTITYFILE,
		"/keys/box_box.lan"},
	    {"IdentityFile none", "h", OE_SSHCONF_IDENTITYFILE, "none"},
	    {"Compression true", "h", OE_SSHCONF_COMPRESSION, "yes"},
	    {"ConnectTimeout 1m30s", "h", OE_SSHCONF_CONNECTTIMEOUT, "90"},
	    {"StrictHostKeyChecking Accept-New", "h",
		OE_SSHCONF_STRICTHOSTKEYCHECKING, "accept-new"},
	    {"Unheard of \"this\nPort 1", "h", OE_SSHCONF_PORT, "1"},
	    {"ChallengeResponseAuthentication no", "h",
		OE_SSHCONF_KBDINTERACTIVEAUTHENTICATION, "no"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct files f = {{NULL}, {NULL}};
		struct oe_err err = OE_ERR_INIT;
		struct oe_sshconf_env env;
		struct oe_sshconf *c;
		const char *got;

		if (resolve(&env, &f, cases[i].text, cases[i].host, &c, &err) <
		    0)
			fail_msg("case %zu: %s", i, oe_err_text(&err));
		got = oe_sshconf_str(c, cases[i].key);
		if (!got != !cases[i].want ||
		    (got && strcmp(got, cases[i].want) != 0))
			fail_msg("case %zu: '%s', not '%s'", i,
			    got ? got : "(none)",
			    cases[i].want ? cases[i].want : "(none)");
		oe_sshconf_free(&c);
	}
}

static void
mistakes(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *says;
	} cases[] = {
	    {"Port 0", OE_ECONF, "/c:1: Port"},
	    {"\n\nPort 70000", OE_ECONF, "/c:3: Port"},
	    {"Port", OE_ECONF, "needs a value"},
	    {"Port 1 2", OE_ECONF, "takes one value"},
	    {"Port \"1", OE_ECONF, "quote"},
	    {"Compression maybe", OE_ECONF, "yes,no"},
	    {"ConnectTimeout soon", OE_ECONF, "ConnectTimeout"},
	    {"EscapeChar ab", OE_ECONF, "EscapeChar"},
	    {"SetEnv A", OE_ECONF, "NAME=VALUE"},
	    {"Match", OE_ECONF, "criteria"},
	    {"Match host", OE_ECONF, "argument"},
	    {"Match color red", OE_ECONF, "not known"},
	    {"HostName -oProxyCommand=x", OE_EINVAL, "host name"},
	    {"HostName a`b`", OE_EINVAL, "host name"},
	    {"User -x", OE_EINVAL, "user name"},
	    {"User a;b", OE_EINVAL, "user name"},
	    {"IdentityFile ${NOPE}/x", OE_ECONF, "NOPE"},
	    {"IdentityFile %z", OE_ECONF, "%z"},
	    {"Include /c", OE_ECONF, "deeper"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct files f = {{NULL}, {NULL}};
		struct oe_err err = OE_ERR_INIT;
		struct oe_sshconf_env env;
		struct oe_sshconf *c;
		int r = resolve(&env, &f, cases[i].text, "h", &c, &err);

		if (r != cases[i].code ||
		    !strstr(oe_err_text(&err), cases[i].says))
			fail_msg("case %zu: %d '%s'", i, r, oe_err_text(&err));
		oe_sshconf_free(&c);
	}
}

static void
lists_add_up(void **state)
{
	struct files f = {{NULL}, {NULL}};
	struct oe_sshconf_env env;
	struct oe_sshconf *c;
	const struct oe_strs *l;

	(void)state;
	assert_int_equal(
	    resolve(&env, &f,
		"IdentityFile /a\nIdentityFile /b\nIdentityFile /a\n"
		"SendEnv A B\nSendEnv C\nSetEnv X=1 Y=2\nSetEnv Z=3\n"
		"UserKnownHostsFile ~/k1 /k2\nUserKnownHostsFile /k3\n",
		"h", &c, NULL),
	    0);
	l = oe_sshconf_list(c, OE_SSHCONF_IDENTITYFILE);
	assert_int_equal(l->n, 2);
	assert_string_equal(l->v[1], "/b");
	assert_int_equal(oe_sshconf_list(c, OE_SSHCONF_SENDENV)->n, 3);
	l = oe_sshconf_list(c, OE_SSHCONF_SETENV);
	assert_int_equal(l->n, 2);
	assert_string_equal(l->v[1], "Y=2");
	l = oe_sshconf_list(c, OE_SSHCONF_USERKNOWNHOSTSFILE);
	assert_int_equal(l->n, 2);
	assert_string_equal(l->v[0], "/home/u/k1");
	oe_sshconf_free(&c);
}

static void
forwards(void **state)
{
	struct files f = {
	    {"/c"}, {"LocalForward 8080 host:80\nLocalForward [::1]:1 [::2]:3\n"
		     "LocalForward 8080:host:80\nDynamicForward 1080\n"
		     "RemoteForward 9000\nRemoteForward /a \"/b c\"\n"}};
	struct oe_sshconf_env env;
	const struct oe_strs *l;
	struct oe_sshconf *c;

	(void)state;
	make_env(&env, &f);
	c = oe_sshconf_new(&env);
	assert_int_equal(
	    oe_sshconf_set(c, OE_SSHCONF_LOCALFORWARD, "1:h:2", NULL), 0);
	assert_int_equal(oe_sshconf_resolve(c, "h", "/c", NULL), 0);
	l = oe_sshconf_list(c, OE_SSHCONF_LOCALFORWARD);
	assert_int_equal(l->n, 3);
	assert_string_equal(l->v[0], "1:h:2");
	assert_string_equal(l->v[1], "8080:host:80");
	assert_string_equal(l->v[2], "[::1]:1:[::2]:3");
	l = oe_sshconf_list(c, OE_SSHCONF_REMOTEFORWARD);
	assert_int_equal(l->n, 2);
	assert_string_equal(l->v[1], "/a:/b c");
	assert_string_equal(
	    oe_sshconf_str(c, OE_SSHCONF_DYNAMICFORWARD), "1080");
	oe_sshconf_free(&c);
}

static void
includes(void **state)
{
	struct files f = {
	    {NULL, "/etc/ssh/d/1", "/home/u/.ssh/d/2", "/home/u/.ssh/d/3"},
	    {NULL, "Port 1", "User two\nHost other\nPort 2", "Port 3"}};
	struct oe_sshconf_env env;
	struct oe_sshconf *c;

	(void)state;
	/* the Host of an included file ends with it */
	assert_int_equal(resolve(&env, &f,
			     "Host h\nInclude d/*\nIdentityAgent /a\n"
			     "Host other\nInclude d/*\nBindAddress 1\n",
			     "h", &c, NULL),
	    0);
	assert_string_equal(oe_sshconf_str(c, OE_SSHCONF_USER), "two");
	assert_string_equal(oe_sshconf_str(c, OE_SSHCONF_PORT), "3");
	assert_string_equal(oe_sshconf_str(c, OE_SSHCONF_IDENTITYAGENT), "/a");
	assert_null(oe_sshconf_str(c, OE_SSHCONF_BINDADDRESS));
	oe_sshconf_free(&c);
}

static void
options_first(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
	    {"Port=5", 0},
	    {"Port 6", 0},
	    {" user = v ", 0},
	    {"ProxyCommand=a b c", 0},
	    {"Port", OE_EUSAGE},
	    {"", OE_EUSAGE},
	    {"Nonsense=1", OE_EUSAGE},
	    {"Host=x", OE_EUSAGE},
	    /* what we do not have may be switched off, not on */
	    {"VisualHostKey=no", 0},
	    {"visualhostkey yes", OE_EUSAGE},
	    {"ClearAllForwardings=yes", 0},
	    {"LocalForward=1 h:2 x", OE_EUSAGE},
	    {"DynamicForward=1 2", OE_EUSAGE},
	    {"StreamLocalBindMask=0077", 0},
	    {"StreamLocalBindMask=0088", OE_EUSAGE},
	    {"ControlPath=none", 0},
	    {"ControlMaster=auto", 0},
	    {"ControlMaster=yes", 0},
	    {"ControlMaster=perhaps", OE_EUSAGE},
	    {"ControlPersist=soon", OE_EUSAGE},
	    {"ControlPersist=60s", 0},
	    {"AddKeysToAgent=yes", OE_EUSAGE},
	    {"IgnoreUnknown=Non*", 0},
	    {"Nonsense=1", 0},
	};
	struct files f = {{"/c"}, {"Port 1\nUser w\n"}};
	struct oe_sshconf_env env;
	struct oe_sshconf *c;
	size_t i;

	(void)state;
	make_env(&env, &f);
	c = oe_sshconf_new(&env);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++)
		assert_int_equal(
		    oe_sshconf_option(c, cases[i].text, NULL), cases[i].want);
	assert_int_equal(oe_sshconf_resolve(c, "h", "/c", NULL), 0);
	assert_int_equal(oe_sshconf_num(c, OE_SSHCONF_PORT), 5);
	assert_string_equal(oe_sshconf_str(c, OE_SSHCONF_USER), "v");
	assert_true(oe_sshconf_is_set(c, OE_SSHCONF_PORT));
	assert_false(oe_sshconf_is_set(c, OE_SSHCONF_COMPRESSION));
	oe_sshconf_free(&c);
}

static void
expands(void **state)
{
	struct files f = {{NULL}, {NULL}};
	struct oe_sshconf_env env;
	struct oe_sshconf *c;
	char *s = NULL, *print;

	(void)state;
	assert_int_equal(
	    resolve(&env, &f, "HostName x\nUser v\nPort 9", "h", &c, NULL), 0);
	assert_int_equal(
	    oe_sshconf_expand(c, "%n %h %p %r %u %d %k %%", &s, NULL), 0);
	assert_string_equal(s, "h x 9 v u /home/u h %");
	free(s);
	assert_int_equal(oe_sshconf_expand(c, "%", &s, NULL), OE_ECONF);
	/* as ssh -G -o ControlPath=%C prints for these four */
	assert_int_equal(oe_sshconf_expand(c, "%C", &s, NULL), 0);
	assert_int_equal(strlen(s), 40);
	free(s);
	print = oe_sshconf_print(c);
	assert_non_null(strstr(print, "\nhostname x\n"));
	assert_non_null(strstr(print, "\nport 9\n"));
	free(print);
	oe_sshconf_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values),
	    cmocka_unit_test(mistakes),
	    cmocka_unit_test(lists_add_up),
	    cmocka_unit_test(forwards),
	    cmocka_unit_test(includes),
	    cmocka_unit_test(options_first),
	    cmocka_unit_test(expands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
