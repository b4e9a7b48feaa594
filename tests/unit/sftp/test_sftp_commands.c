/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands between two folders of this machine: lines in, words out.
 */
#include "sftp/sftp_commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/loop.h"
#include "sftp/sftp_complete.h"
#include "sftp/sftp_listing.h"

struct fixture {
	struct oe_sftp_shell sh;
	char dir[64];
	char *out;
	size_t out_len;
	char *was; /* working directory */
};

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int
setup(void **state)
{
	struct fixture *f = oe_mem_zalloc(sizeof *f);

	oe_str_copy(f->dir, sizeof f->dir, "/tmp/oe-sftp.XXXXXX");
	f->was = getcwd(NULL, 0);
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chdir(f->dir), 0);
	assert_int_equal(mkdir("here", 0755), 0);
	assert_int_equal(mkdir("there", 0755), 0);
	assert_int_equal(mkdir("there/sub dir", 0755), 0);
	assert_int_equal(mkdir("there/sub", 0755), 0);
	write_file("there/a.txt", "aaa");
	write_file("there/b.txt", "bb");
	write_file("there/ab [c]", "");
	write_file("there/.hidden", "");
	write_file("there/sub dir/x", "x");
	write_file("here/mine", "m");
	f->sh.loop = oe_loop_new();
	f->sh.remote = oe_sftp_local_new();
	f->sh.local = oe_sftp_local_new();
	f->sh.diag = f->sh.out = open_memstream(&f->out, &f->out_len);
	f->sh.cwd = oe_mem_printf("%s/there", f->dir);
	f->sh.start = oe_mem_strdup(f->sh.cwd);
	assert_int_equal(chdir("here"), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char *command = oe_mem_printf("rm -rf %s", f->dir);

	fclose(f->sh.out);
	free(f->out);
	oe_sftp_fs_free(&f->sh.remote);
	oe_sftp_fs_free(&f->sh.local);
	oe_sftp_shell_done(&f->sh);
	oe_loop_free(&f->sh.loop);
	assert_int_equal(chdir(f->was), 0);
	assert_int_equal(system(command), 0);
	free(command);
	free(f->was);
	free(f);
	return 0;
}

/* What a line says; the folder's name is shown as "@". */
static char *
said(struct fixture *f, const char *line, int *ret)
{
	char *text, *p;

	rewind(f->sh.out);
	*ret = oe_sftp_run_line(&f->sh, line, false);
	fflush(f->sh.out);
	text = oe_mem_strndup(f->out, f->out_len);
	while ((p = strstr(text, f->dir))) {
		*p = '@';
		memmove(
		    p + 1, p + strlen(f->dir), strlen(p + strlen(f->dir)) + 1);
	}
	return text;
}

struct line {
	const char *text;
	int ret;
	const char *out;
};

static void
run_lines(struct fixture *f, const struct line *lines, size_t n)
{
	size_t i;
	char *out;
	int r;

	for (i = 0; i < n; i++) {
		out = said(f, lines[i].text, &r);
		if (lines[i].out)
			assert_string_equal(out, lines[i].out);
		if ((r < 0) != (lines[i].ret < 0) ||
		    (r > 0 && r != lines[i].ret))
			fail_msg("%s: %d", lines[i].text, r);
		free(out);
	}
}

#define RUN(f, lines) run_lines(f, lines, OE_ARRAY_LEN(lines))

static void
places(void **state)
{
	static const struct line lines[] = {
	    {"", 0, ""},
	    {"# nothing", 0, ""},
	    {"pwd", 0, "Remote working directory: @/there\n"},
	    {"PWD", 0, "Remote working directory: @/there\n"},
	    {"cd sub", 0, ""},
	    {"pwd", 0, "Remote working directory: @/there/sub\n"},
	    {"cd ..", 0, ""},
	    {"cd 'sub dir'", 0, ""},
	    {"pwd", 0, "Remote working directory: @/there/sub dir\n"},
	    {"cd", 0, ""},
	    {"pwd", 0, "Remote working directory: @/there\n"},
	    {"cd nope", -1, NULL},
	    {"cd a.txt", -1,
		"Couldn't change directory: \"@/there/a.txt\" is not a "
		"directory\n"},
	    {"pwd", 0, "Remote working directory: @/there\n"},
	    {"lpwd", 0, "Local working directory: @/here\n"},
	    {"lmkdir deep", 0, ""},
	    {"lcd deep", 0, ""},
	    {"lpwd", 0, "Local working directory: @/here/deep\n"},
	    {"lcd nope", -1, NULL},
	    {"lcd ..", 0, ""},
	    {"version", 0, "SFTP protocol version 3\n"},
	    {"progress", 0, "Progress meter enabled\n"},
	    {"progress", 0, "Progress meter disabled\n"},
	    {"lumask 022", 0, "Local umask: 022\n"},
	    {"lumask 9", -1, NULL},
	    {"bye", OE_SFTP_QUIT, ""},
	    {"exit", OE_SFTP_QUIT, ""},
	    {"quit", OE_SFTP_QUIT, ""},
	    {"quit now", -1, NULL},
	    {"nonsense", -1, "nonsense: no such command; help lists them\n"},
	    {"-nonsense", 0, NULL},
	    {"pwd -x", -1, "pwd: invalid flag -x\n"},
	    {"ls 'open", -1, "a quote is not closed\n"},
	};

	RUN(*state, lines);
}

static void
lists(void **state)
{
	static const struct line lines[] = {
	    {"ls -1", 0, "a.txt\nab [c]\nb.txt\nsub\nsub dir\n"},
	    {"ls -1r", 0, "sub dir\nsub\nb.txt\nab [c]\na.txt\n"},
	    {"ls -1a", 0,
		".\n..\n.hidden\na.txt\nab [c]\nb.txt\nsub\nsub dir\n"},
	    {"ls -1 *.txt", 0, "a.txt\nb.txt\n"},
	    {"ls -1S *.txt", 0, "a.txt\nb.txt\n"},
	    {"ls -1Sr *.txt", 0, "b.txt\na.txt\n"},
	    {"ls -1 'sub dir'", 0, "sub dir/x\n"},
	    {"ls -1 sub\\ d*", 0, "sub dir/x\n"},
	    {"ls -1 'ab [c]'", 0, "ab [c]\n"},
	    {"ls -1 .", 0, NULL},
	    {"ls nope", -1, NULL},
	    {"ls *.nope", -1, NULL},
	    {"ls -z", -1, "ls: invalid flag -z\n"},
	    {"ls *.txt", 0, "a.txt  b.txt  \n"},
	};
	struct fixture *f = *state;
	char *out;
	int r;

	RUN(f, lines);
	out = said(f, "ls -ln a.txt", &r);
	assert_int_equal(r, 0);
	assert_memory_equal(out, "-rw", 3);
	assert_non_null(strstr(out, "        3 "));
	assert_non_null(strstr(out, " a.txt\n"));
	free(out);
}

static void
files(void **state)
{
	static const struct line lines[] = {
	    {"mkdir 'new dir'", 0, ""},
	    {"mkdir 'new dir'", -1, NULL},
	    {"rmdir 'new dir'", 0, ""},
	    {"rmdir nope", -1, NULL},
	    {"rename a.txt c.txt", 0, ""},
	    {"rename -l c.txt b.txt", -1, NULL},
	    {"rename c.txt a.txt", 0, ""},
	    {"symlink a.txt s", 0, ""},
	    {"ln -s a.txt s", -1, NULL},
	    {"ln a.txt h", 0, ""},
	    {"cp a.txt copy", 0, ""},
	    {"cp a.txt a.txt", -1, NULL},
	    {"cp sub x", -1, NULL},
	    {"ls -1 [chs]*", 0, "copy\nh\ns\nsub\nsub dir\n"},
	    {"chmod 640 *.txt", 0,
		"Changing mode on @/there/a.txt\n"
		"Changing mode on @/there/b.txt\n"},
	    {"chmod 98 a.txt", -1, NULL},
	    {"chmod 600", -1, NULL},
	    {"rm 'ab [c]'", 0, "Removing @/there/ab [c]\n"},
	    {"rm ab*", -1, NULL},
	    {"rm nope", -1, NULL},
	    {"- rm nope", 0, NULL},
	    {"rm [hs]", 0, "Removing @/there/h\nRemoving @/there/s\n"},
	    {"rm a b", -1, NULL},
	    {"df", 0, NULL},
	    {"df -h .", 0, NULL},
	    {"df -i", 0, NULL},
	};
	struct stat st;

	RUN(*state, lines);
	assert_int_equal(stat("../there/a.txt", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(stat("../there/copy", &st), 0);
	assert_int_equal(st.st_size, 3);
}

static void
echoes(void **state)
{
	struct fixture *f = *state;

	rewind(f->sh.out);
	assert_int_equal(oe_sftp_run_line(&f->sh, "version", true), 0);
	assert_int_equal(oe_sftp_run_line(&f->sh, "@version", true), 0);
	fflush(f->sh.out);
	assert_memory_equal(f->out,
	    "sftp> version\nSFTP protocol version 3\n"
	    "SFTP protocol version 3\n",
	    f->out_len);
}

static void
completes(void **state)
{
	static const struct {
		const char *line, *text;
		size_t replace, shown;
	} cases[] = {
	    {"", NULL, 0, 37},
	    {"he", "help ", 2, 0},
	    {"l", NULL, 1, 8},
	    {"re", NULL, 2, 3},
	    {"reg", "reget ", 3, 0},
	    {"nope", NULL, 4, 0},
	    {"help re", NULL, 2, 3},
	    {"help ren", "rename ", 3, 0},
	    {"get a.", "a.txt ", 2, 0},
	    {"get a", NULL, 1, 2},
	    {"get ab", "ab\\ \\[c] ", 2, 0},
	    {"get 'ab", "'ab [c]' ", 3, 0},
	    {"get \"ab", "\"ab [c]\" ", 3, 0},
	    {"get sub\\ ", "sub\\ dir/", 5, 0},
	    {"get 'sub ", "'sub dir/", 5, 0},
	    {"get 'sub dir/", "'sub dir/x' ", 9, 0},
	    {"get s", "sub", 1, 2},
	    {"get -r s", "sub", 1, 2},
	    {"get .", ".hidden ", 1, 0},
	    {"get *.t", NULL, 3, 0},
	    {"get a.txt m", "mine ", 1, 0},
	    {"put m", "mine ", 1, 0},
	    {"put mine a.", "a.txt ", 2, 0},
	    {"put mine a.txt m", NULL, 1, 0},
	    {"lcd nope", NULL, 4, 0},
	    {"pwd a", NULL, 1, 0},
	    {"! a", NULL, 1, 0},
	};
	struct fixture *f = *state;
	struct oe_sftp_completion c;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		oe_sftp_complete(&f->sh, cases[i].line, &c);
		if (!!c.text != !!cases[i].text ||
		    (c.text && strcmp(c.text, cases[i].text) != 0))
			fail_msg("'%s' gives '%s'", cases[i].line,
			    c.text ? c.text : "nothing");
		if (c.shown.n != cases[i].shown)
			fail_msg("'%s' shows %zu", cases[i].line, c.shown.n);
		if (c.text)
			assert_int_equal(c.replace, cases[i].replace);
		oe_sftp_completion_done(&c);
	}
}

/* A name of the other side never reaches the terminal as it is. */
static void
hostile(void **state)
{
	static const struct line lines[] = {
	    {"ls -1 e*", 0, "esc\\x1b[2J\\nx\n"},
	    {"rm e*", 0, "Removing @/there/esc\\x1b[2J\\nx\n"},
	};

	write_file("../there/esc\x1b[2J\nx", "");
	RUN(*state, lines);
}

static void
sizes(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} cases[] = {
	    {0, "0B"},
	    {1, "1B"},
	    {1023, "1023B"},
	    {1024, "1.0K"},
	    {1536, "1.5K"},
	    {5000, "4.9K"},
	    {102400, "100K"},
	    {1048576, "1.0M"},
	    {270552973312, "252G"},
	    {UINT64_MAX, "16.0E"},
	};
	char text[16];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		oe_sftp_scaled(cases[i].n, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
safe_text(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"back\\slash\\", "back\\slash\\"},
	    {"a\x1b]0;x\x07", "a\\x1b]0;x\\x07"},
	    {"\xc3\xa4\xff", "\xc3\xa4\\xff"},
	    {"\xc2\x9b", "\\xc2\\x9b"},
	    {"two\nlines\n", "two\\nlines\n"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		char *s = oe_sftp_text(cases[i].in);

		assert_string_equal(s, cases[i].out);
		free(s);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(places),
	    TEST(lists),
	    TEST(files),
	    TEST(echoes),
	    TEST(completes),
	    TEST(hostile),
	    cmocka_unit_test(sizes),
	    cmocka_unit_test(safe_text),
	};

	return cmocka_run_group_tests_name("sftp_commands", tests, NULL, NULL);
}
