/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fd.h"
#include "core/base/mem.h"
#include "sample.h"

static char dir[] = "/tmp/oe-settle-XXXXXX";
static char user_dir[64], system_file[80], user_file[80];

static void
put_file(const char *path, const char *text)
{
	assert_int_equal(
	    oe_fd_write_file(path, text, strlen(text), 0600, NULL), 0);
}

static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(system_file, sizeof system_file, "%s/system.conf", dir);
	snprintf(user_dir, sizeof user_dir, "%s/omniedge", dir);
	snprintf(user_file, sizeof user_file, "%s/omniedge.conf", user_dir);
	setenv("XDG_CONFIG_HOME", dir, 1);
	setenv("HOME", "/home/of-test", 1);
	return mkdir(user_dir, 0700);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(system_file);
	unlink(user_file);
	rmdir(user_dir);
	return rmdir(dir);
}

static int
clean(void **state)
{
	(void)state;
	unlink(system_file);
	unlink(user_file);
	unsetenv("OMNIEDGE_SAMPLE_PORT");
	unsetenv("OMNIEDGE_SAMPLE_BIND");
	unsetenv("OMNIEDGE_SAMPLE_PERMISSIVE");
	unsetenv("OMNIEDGE_SAMPLE_AUTH");
	return 0;
}

/* Settle a command line given as words between blanks. */
static int
settle(const char *line, struct oe_values **ret, struct oe_err *err)
{
	struct oe_app__sources s = {.set = &sample_set,
	    .command = &sample_command,
	    .cwd = dir,
	    .system_file = system_file};
	struct oe_strs words = {NULL, 0};
	int r;

	oe_strs_split(&words, line, ' ');
	r = oe_app__cli_parse(s.command, (int)words.n, words.v, &s.cli, err);
	if (r == 0)
		r = oe_app__settle(&s, ret, err);
	oe_app__cli_done(&s.cli);
	oe_strs_done(&words);
	return r;
}

static void
refused(const char *line, int code, const char *message)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_values *v = NULL;
	char *want;

	assert_int_equal(settle(line, &v, &err), code);
	assert_null(v);
	/* %s in the expected text stands for the user's file */
	want = strstr(message, "%s")
		   ? oe_mem_printf("%s%s", user_file, message + strlen("%s"))
		   : oe_mem_strdup(message);
	assert_string_equal(err.msg, want);
	free(want);
}

static void
test_defaults(void **state)
{
	struct oe_values *v;

	(void)state;
	assert_int_equal(settle("", &v, NULL), 0);
	assert_int_equal(oe_values_int(v, "port"), 2222);
	assert_string_equal(oe_values_str(v, "port"), "2222");
	assert_int_equal(oe_values_list(v, "bind")->n, 1);
	assert_true(oe_values_flag(v, "motd"));
	assert_false(oe_values_flag(v, "permissive"));
	assert_int_equal(oe_values_int(v, "login-grace"), 120);
	assert_int_equal(oe_values_int(v, "rekey"), 1 << 30);
	assert_null(oe_values_str(v, "identity"));
	assert_false(oe_values_is_set(v, "port"));
	assert_string_equal(oe_values_where(v, "port"), "default");
	oe_values_free(&v);
	assert_null(v);
}

static void
test_order_of_sources(void **state)
{
	struct oe_values *v;
	char *where;

	(void)state;
	put_file(system_file, "[sample]\nport = 1\nbind = s1\nbind = s2\n");
	assert_int_equal(settle("", &v, NULL), 0);
	assert_int_equal(oe_values_int(v, "port"), 1);
	assert_int_equal(oe_values_list(v, "bind")->n, 2);
	oe_values_free(&v);

	put_file(user_file, "# x\n[sample]\n\tport=2 ; why\nbind = u\n");
	assert_int_equal(settle("", &v, NULL), 0);
	assert_int_equal(oe_values_int(v, "port"), 2);
	where = oe_mem_printf("%s:3", user_file);
	assert_string_equal(oe_values_where(v, "port"), where);
	free(where);
	assert_int_equal(oe_values_list(v, "bind")->n, 1);
	oe_values_free(&v);

	setenv("OMNIEDGE_SAMPLE_PORT", "3", 1);
	setenv("OMNIEDGE_SAMPLE_BIND", "a\nb\nc", 1);
	assert_int_equal(settle("", &v, NULL), 0);
	assert_int_equal(oe_values_int(v, "port"), 3);
	assert_string_equal(
	    oe_values_where(v, "port"), "environment OMNIEDGE_SAMPLE_PORT");
	assert_int_equal(oe_values_list(v, "bind")->n, 3);
	oe_values_free(&v);

	assert_int_equal(settle("-p 4 -p 5 -b x --bind y", &v, NULL), 0);
	assert_int_equal(oe_values_int(v, "port"), 5);
	assert_string_equal(oe_values_where(v, "port"), "-p");
	assert_int_equal(oe_values_list(v, "bind")->n, 2);
	assert_string_equal(oe_values_str(v, "bind"), "y");
	oe_values_free(&v);

	setenv("OMNIEDGE_SAMPLE_PORT", "", 1);
	assert_int_equal(settle("", &v, NULL), 0);
	assert_int_equal(oe_values_int(v, "port"), 2);
	oe_values_free(&v);
}

static void
test_system_only(void **state)
{
	struct oe_command command = sample_command;
	struct oe_app__sources s = {.set = &sample_set,
	    .command = &command,
	    .cwd = dir,
	    .system_file = system_file};
	struct oe_values *v = NULL;

	(void)state;
	command.flags |= OE_CMD_SYSTEM_ONLY;
	put_file(system_file, "[sample]\nport = 1\n");
	/* not even a broken one of the user is looked at */
	put_file(user_file, "[sample]\nport = 2\nnonsense\n");
	setenv("OMNIEDGE_SAMPLE_PORT", "3", 1);
	setenv("OMNIEDGE_SAMPLE_BIND", "a", 1);
	assert_int_equal(oe_app__settle(&s, &v, NULL), 0);
	assert_int_equal(oe_values_int(v, "port"), 1);
	assert_false(oe_values_is_set(v, "bind"));
	oe_values_free(&v);
}

static void
test_config_option(void **state)
{
	struct oe_values *v;

	(void)state;
	put_file(system_file, "[sample]\nrekey = 64K\nport = 1\n");
	put_file(user_file, "[sample]\nport = 2\n");
	/* relative to the folder the command was started in */
	assert_int_equal(settle("-F omniedge/omniedge.conf", &v, NULL), 0);
	assert_int_equal(oe_values_int(v, "port"), 2);
	assert_false(oe_values_is_set(v, "rekey"));
	oe_values_free(&v);
	refused("--config /nonexistent", OE_ECONF,
	    "configuration: open '/nonexistent': No such file or directory");
}

static void
test_types(void **state)
{
	static const struct {
		const char *line, *message;
	} bad[] = {
	    {"-p 0", "-p: '0' is not a whole number from 1 to 65535"},
	    {"-p 70000", "-p: '70000' is not a whole number from 1 to 65535"},
	    {"-p 022", "-p: '022' is not a whole number from 1 to 65535"},
	    {"--port x", "--port: 'x' is not a whole number from 1 to 65535"},
	    {"--port=", "--port: '' is not a whole number from 1 to 65535"},
	    {"--even 3", "--even: '3' is odd"},
	    {"--even -2", "--even: '-2' is not a whole number from 0 up"},
	    {"--login-grace 2x",
		"--login-grace: '2x' is not a duration like 90, 15m or 1h30m"},
	    {"--login-grace 2h", "--login-grace: '2h' is not a number of "
				 "seconds from 1 to 3600"},
	    {"--rekey K", "--rekey: 'K' is not a size like 4096, 64K or 1G"},
	    {"--rekey=", "--rekey: '' is not a size like 4096, 64K or 1G"},
	    {"--rekey 9999999999G",
		"--rekey: '9999999999G' is not a number of bytes from 0 up"},
	    {"--log-format xml",
		"--log-format: 'xml' is not one of text, json"},
	    {"--identity=", "--identity: the path is empty"},
	    {"--auth=,", "--auth: the list is empty"},
	    {"--bind=", "--bind: the value is empty"},
	};
	struct oe_values *v;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(bad); i++)
		refused(bad[i].line, OE_EUSAGE, bad[i].message);
	assert_int_equal(
	    settle("-vvv --no-motd --rekey 3k --even 4 -i ~/k --auth a,b "
		   "--auth c --login-grace 1m30s",
		&v, NULL),
	    0);
	assert_int_equal(oe_values_int(v, "verbose"), 3);
	assert_false(oe_values_flag(v, "motd"));
	assert_int_equal(oe_values_int(v, "rekey"), 3072);
	assert_int_equal(oe_values_int(v, "even"), 4);
	assert_string_equal(oe_values_str(v, "identity"), "/home/of-test/k");
	assert_int_equal(oe_values_list(v, "auth")->n, 3);
	assert_int_equal(oe_values_int(v, "login-grace"), 90);
	oe_values_free(&v);
	refused("-p 666", OE_ECONF, "not that port");
}

static void
test_groups(void **state)
{
	struct oe_values *v;

	(void)state;
	refused("--permissive --localhost-only", OE_EUSAGE,
	    "--permissive and --localhost-only exclude each other: give one "
	    "of them");
	refused("--allow-network x --permissive", OE_EUSAGE,
	    "--permissive and --allow-network exclude each other: give one "
	    "of them");
	assert_int_equal(
	    settle("--permissive --no-permissive --localhost-only", &v, NULL),
	    0);
	assert_true(oe_values_flag(v, "localhost-only"));
	oe_values_free(&v);

	put_file(user_file, "[sample]\nallow-network = a\nallow-network = b\n");
	assert_int_equal(settle("", &v, NULL), 0);
	assert_int_equal(oe_values_list(v, "allow-network")->n, 2);
	oe_values_free(&v);
	setenv("OMNIEDGE_SAMPLE_PERMISSIVE", "yes", 1);
	assert_int_equal(settle("", &v, NULL), 0);
	assert_true(oe_values_flag(v, "permissive"));
	assert_int_equal(oe_values_list(v, "allow-network")->n, 0);
	oe_values_free(&v);
	assert_int_equal(settle("--localhost-only", &v, NULL), 0);
	assert_false(oe_values_flag(v, "permissive"));
	assert_true(oe_values_flag(v, "localhost-only"));
	oe_values_free(&v);
	setenv("OMNIEDGE_SAMPLE_PERMISSIVE", "maybe", 1);
	refused("", OE_ECONF,
	    "environment OMNIEDGE_SAMPLE_PERMISSIVE: 'maybe' is neither yes "
	    "nor no");
}

static void
test_bad_files(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
	    {"[sample]\n\nprot = 1\n",
		"%s:3: unknown key 'prot' in [sample]: did you mean 'port'?"},
	    {"[sample]\nzzzzz = 1\n", "%s:2: unknown key 'zzzzz' in [sample]"},
	    {"[sample]\nport = 0\n",
		"%s:2: port: '0' is not a whole number from 1 to 65535"},
	    {"[sample]\nmotd = maybe\n",
		"%s:2: motd: 'maybe' is neither yes nor no"},
	    {"port = 1\n", "%s:1: a key stands before any [section]"},
	    {"[sample\n", "%s:1: a section ends with ']'"},
	    {"[sample] x\n", "%s:1: nothing may follow a section's ']'"},
	    {"[sampel]\n",
		"%s:1: no command is called 'sampel': did you mean [sample]?"},
	    {"[wat]\n", "%s:1: no command is called 'wat'"},
	    {"[]\n", "%s:1: no command is called ''"},
	    {"[sample]\nport 1\n", "%s:2: expected 'key = value'"},
	    {"[sample]\nport: 1\n", "%s:2: expected 'key = value'"},
	    {"[sample]\n= 1\n", "%s:2: a key is missing before '='"},
	    {"[sample]\nno-shell = yes\n",
		"%s:2: 'no-shell' cannot be set in a file"},
	    {"[sample]\nconfig = x\n",
		"%s:2: 'config' cannot be set in a file"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(bad); i++) {
		put_file(user_file, bad[i].text);
		refused("", OE_ECONF, bad[i].message);
	}
}

static void
test_clashes_in_files(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_values *v;
	char *want;

	(void)state;
	put_file(user_file, "[sample]\nport = 1\nport = 1\n");
	assert_int_equal(settle("", &v, &err), OE_ECONF);
	want = oe_mem_printf(
	    "%s:3: port: already set at %s:2", user_file, user_file);
	assert_string_equal(err.msg, want);
	free(want);
	put_file(user_file, "[sample]\nlocalhost-only = on\npermissive = 1\n");
	assert_int_equal(settle("", &v, &err), OE_ECONF);
	want = oe_mem_printf("%s:2: localhost-only and permissive (%s:3) "
			     "exclude each other: keep one of them",
	    user_file, user_file);
	assert_string_equal(err.msg, want);
	free(want);
}

static void
test_good_files(void **state)
{
	static const char *const good[] = {
	    "",
	    "\n\n# nothing\n; at all",
	    "[sample]\nport = 7",
	    "\xef\xbb\xbf[sample]\r\nport = 7\r\n",
	    "[scp]\nanything = goes\n[help]\nx = y\n[sample] ; us\nport=7\n",
	    "[sample]\nbind = 1\n   port = 7\n",
	    "[sample]\nlogin_grace = 7\nport = 7\n",
	    "[help]\nx=y\n[sample]\nport=7\n[help]\nport=8\n",
	};
	struct oe_err err = OE_ERR_INIT;
	struct oe_values *v;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(good); i++) {
		put_file(user_file, good[i]);
		assert_int_equal(settle("", &v, &err), 0);
		assert_int_equal(oe_values_int(v, "port"), i < 2 ? 2222 : 7);
		oe_values_free(&v);
	}
}

static void
test_long_lines(void **state)
{
	static char text[OE_APP_CONFIG_LINE_MAX + 64];
	struct oe_err err = OE_ERR_INIT;
	struct oe_values *v;

	(void)state;
	strcpy(text, "[sample]\nuser = ");
	memset(text + strlen(text), 'u', 150);
	put_file(user_file, text);
	assert_int_equal(settle("", &v, &err), 0);
	assert_int_equal(strlen(oe_values_str(v, "user")), 150);
	oe_values_free(&v);
	memset(text + strlen("[sample]\n"), 'u', OE_APP_CONFIG_LINE_MAX);
	put_file(user_file, text);
	refused("", OE_ECONF, "%s:2: the line is too long");
}

static void
test_file_owner(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_values *v;

	(void)state;
	if (geteuid() != 0)
		skip();
	put_file(user_file, "[sample]\nport = 7\n");
	chmod(user_file, 0664);
	assert_int_equal(settle("", &v, &err), OE_ECONF);
	assert_non_null(strstr(err.msg, "writable by others (mode 664)"));
	chmod(user_file, 0644);
	assert_int_equal(settle("", &v, &err), 0);
	oe_values_free(&v);
	assert_int_equal(chown(user_file, 12345, 0), 0);
	assert_int_equal(settle("", &v, &err), OE_ECONF);
	assert_non_null(strstr(err.msg, "belongs to user id 12345"));
}

static void
test_print(void **state)
{
	struct oe_values *v, *again;
	char *text = NULL;
	size_t size;
	FILE *out;

	(void)state;
	assert_int_equal(settle("-p 9 -b a -b b -v", &v, NULL), 0);
	out = open_memstream(&text, &size);
	oe_app__values_write(v, out);
	fclose(out);
	assert_non_null(strstr(text, "[sample]\nport = 9 ; -p\n"));
	assert_non_null(strstr(text, "bind = a ; -b\nbind = b ; -b\n"));
	assert_non_null(strstr(text, "; identity is not set\n"));
	assert_null(strstr(text, "secret"));
	oe_values_free(&v);
	/* what is printed can be read */
	put_file(user_file, text);
	free(text);
	assert_int_equal(settle("", &again, NULL), 0);
	assert_int_equal(oe_values_int(again, "port"), 9);
	assert_int_equal(oe_values_list(again, "bind")->n, 2);
	oe_values_free(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_defaults, clean),
	    cmocka_unit_test_setup(test_order_of_sources, clean),
	    cmocka_unit_test_setup(test_system_only, clean),
	    cmocka_unit_test_setup(test_config_option, clean),
	    cmocka_unit_test_setup(test_types, clean),
	    cmocka_unit_test_setup(test_groups, clean),
	    cmocka_unit_test_setup(test_bad_files, clean),
	    cmocka_unit_test_setup(test_clashes_in_files, clean),
	    cmocka_unit_test_setup(test_good_files, clean),
	    cmocka_unit_test_setup(test_long_lines, clean),
	    cmocka_unit_test_setup(test_file_owner, clean),
	    cmocka_unit_test_setup(test_print, clean),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
