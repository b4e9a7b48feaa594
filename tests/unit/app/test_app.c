/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/app/app.h"
#include "core/base/buf.h"
#include "core/base/fd.h"
#include "sample.h"

/* Run oe_app_main() in a child; stdout goes to @out unless it is empty. */
static int
run(const char *line, const char *out_path, char *text, size_t size)
{
	struct oe_strs words = {NULL, 0};
	struct oe_buf b;
	int pipefd[2], status;
	pid_t pid;

	assert_int_equal(pipe(pipefd), 0);
	oe_strs_split(&words, line, ' ');
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!freopen(out_path ? out_path : "/dev/null", "w", stdout))
			_exit(99);
		if (!out_path)
			dup2(pipefd[1], STDOUT_FILENO);
		dup2(pipefd[1], STDERR_FILENO);
		oe_fd_close(&pipefd[0]);
		oe_fd_close(&pipefd[1]);
		_exit(oe_app_main(&sample_set, (int)words.n, words.v));
	}
	oe_fd_close(&pipefd[1]);
	assert_int_equal(
	    oe_fd_read_all(pipefd[0], "child", 1 << 20, &b, NULL), 0);
	oe_fd_close(&pipefd[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	oe_str_copy(text, size, (const char *)oe_buf_head(&b));
	oe_buf_done(&b);
	oe_strs_done(&words);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
test_dispatch(void **state)
{
	static const struct {
		const char *line;
		int status;
		const char *says;
	} lines[] = {
	    {"omniedge", 0, "A module for tests\n  sample "},
	    {"omniedge --help", 0, "Not in this build\n  scp "},
	    {"omniedge help", 0, "Usage: omniedge COMMAND"},
	    {"omniedge --version", 0, "omniedge " PACKAGE_VERSION "\n"},
	    {"omniedge version -v", 0, "libinih       compiled "},
	    {"omniedge version -v", 0, "sftp         disabled by --disable-"},
	    {"omniedge version --json", 0, "\"as \\\"tests\\\" like\""},
	    {"omniedge sample --help", 0, "Usage: omniedge sample [options] "},
	    {"omniedge sample -h", 0, "\nNetworks\n      --permissive"},
	    {"omniedge sample -h", 0, "--[no-]motd"},
	    {"omniedge sample -h", 0, "(default: 2222)"},
	    {"omniedge sample -h", 0, "OMNIEDGE_SAMPLE_PORT"},
	    {"omniedge help sample", 0, "omniedge sample -p 22 host\n"},
	    {"omniedge sample -p 5", 7, "port = 5 ; -p\n"},
	    {"omniedge sample -p x", 64, "Try 'omniedge sample --help'"},
	    {"omniedge sample -p 666", 78, "sample: not that port"},
	    {"omniedge sample -E hi -p 5", 7, "extra = hi ; -E\n"},
	    {"omniedge sample -p 5 --extra=hi", 7, "port = 5 ; -p\n"},
	    {"omniedge sample --help", 0, "-E, --extra TEXT"},
	    {"omniedge __manual names sample", 0, "\nextra\n"},
	    {"omniedge sample -Q", 69,
		"sample: -Q is not in this build (configure with "
		"--enable-mesh)"},
	    {"omniedge sample --quux=1", 69, "--quux is not in this build"},
	    {"omniedge sample -Z", 64, "unknown option '-Z'"},
	    {"omniedge smaple", 64, "did you mean 'sample'?"},
	    {"omniedge --wat", 64, "unknown option '--wat'"},
	    {"omniedge ssh", 69, "(configure with --enable-sftp)"},
	    {"omniedge scp", 69,
		"(configure with --enable-sftp --enable-mesh)"},
	    {"omniedge help scp", 69, "with --enable-sftp --enable-mesh"},
	    {"omniedge help", 0, "  ssh-server    disabled by"},
	    {"omniedge help wat", 64, "no command is called 'wat'"},
	    {"omniedge completion tcsh", 64, "not one of bash, zsh, fish"},
	    {"omniedge completion", 64, "completion [options] bash|zsh|fish"},
	    {"omniedge __manual names sample", 0, "port\nbind\n"},
	    {"omniedge __manual options sample", 0, ".It Fl p , Fl -port Ar"},
	    {"omniedge __manual wat", 64, "nothing is called 'wat'"},
	};
	char text[16384];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(lines); i++) {
		int status = run(lines[i].line, NULL, text, sizeof text);

		if (status != lines[i].status || !strstr(text, lines[i].says))
			print_message(
			    "# %s: %d: %s\n", lines[i].line, status, text);
		assert_int_equal(status, lines[i].status);
		assert_non_null(strstr(text, lines[i].says));
		assert_null(strstr(text, "secret-knob"));
	}
}

static void
test_full_disk(void **state)
{
	char text[1024];

	(void)state;
	assert_int_equal(
	    run("omniedge version", "/dev/full", text, sizeof text), 1);
	assert_non_null(strstr(text, "No space left on device"));
	/* the command's own failure is not hidden */
	assert_int_equal(
	    run("omniedge sample", "/dev/full", text, sizeof text), 7);
}

static void
test_reload(void **state)
{
	char path[] = "/tmp/oe-app-XXXXXX", line[128], text[1024];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	oe_fd_close(&fd);
	/* the command line keeps its rank over the changed file */
	snprintf(line, sizeof line, "omniedge sample -F %s -p 4 reload", path);
	assert_int_equal(run(line, NULL, text, sizeof text), 0);
	assert_string_equal(text, "port 4 rekey 5\n");
	snprintf(line, sizeof line, "omniedge sample -F %s --even 2", path);
	assert_int_equal(run(line, NULL, text, sizeof text), 7);
	assert_non_null(strstr(text, "port = 9 ; /tmp/oe-app-"));
	unlink(path);
}

static void
test_width(void **state)
{
	char text[16384], *line, *save = NULL;

	(void)state;
	setenv("COLUMNS", "60", 1);
	run("omniedge sample --help", NULL, text, sizeof text);
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		assert_in_range(strlen(line), 0, 60);
	unsetenv("COLUMNS");
}

static void
test_lookup(void **state)
{
	(void)state;
	assert_ptr_equal(
	    oe_module_find_command(&sample_set, "sample"), &sample_command);
	assert_null(oe_module_find_command(&sample_set, "samp"));
	assert_null(oe_module_find_command(&sample_set, "help"));
	assert_ptr_equal(
	    oe_module_find_subsystem(&sample_set, "sftp"), sample_subsystems);
	assert_null(oe_module_find_subsystem(&sample_set, "sft"));
}

static void
test_near(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} pairs[] = {
	    {"", "", 0},
	    {"", "abc", 3},
	    {"port", "prot", 1},
	    {"port", "ports", 1},
	    {"kitten", "sitting", 3},
	    {"ca", "abc", 3},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(pairs); i++) {
		assert_int_equal(
		    oe_app__near(pairs[i].a, pairs[i].b), pairs[i].distance);
		assert_int_equal(
		    oe_app__near(pairs[i].b, pairs[i].a), pairs[i].distance);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dispatch),
	    cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_reload),
	    cmocka_unit_test(test_width),
	    cmocka_unit_test(test_lookup),
	    cmocka_unit_test(test_near),
	};

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
