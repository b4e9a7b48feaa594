/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

#define MAX_WORDS 10

struct line {
	const char *argv[MAX_WORDS];
	const char *given;    /* "where=value" of each option, blanks between */
	const char *operands; /* joined by '|' */
	unsigned flags;
};

static int
count(const char *const *argv)
{
	int n = 0;

	while (n < MAX_WORDS && argv[n])
		n++;
	return n;
}

static void
describe(const struct oe_app__cli *cli, char *given, char *operands)
{
	size_t i;

	*given = *operands = 0;
	for (i = 0; i < cli->n; i++) {
		strcat(given, i ? " " : "");
		strcat(given, cli->given[i].where);
		strcat(given, "=");
		strcat(given, cli->given[i].value ? cli->given[i].value : "+");
	}
	for (i = 0; i < cli->operands.n; i++) {
		strcat(operands, i ? "|" : "");
		strcat(operands, cli->operands.v[i]);
	}
}

static void
test_good_lines(void **state)
{
	static const struct line lines[] = {
	    {{NULL}, "", "", 0},
	    {{"--port", "22"}, "--port=22", "", 0},
	    {{"--port=22"}, "--port=22", "", 0},
	    {{"--port="}, "--port=", "", 0},
	    {{"-p", "22"}, "-p=22", "", 0},
	    {{"-p22"}, "-p=22", "", 0},
	    {{"-p=22"}, "-p==22", "", 0},
	    {{"-vvN"}, "-v=+ -v=+ -N=yes", "", 0},
	    {{"-vvp", "22", "x"}, "-v=+ -v=+ -p=22", "x", 0},
	    {{"-Np22"}, "-N=yes -p=22", "", 0},
	    {{"--verbose", "-v"}, "--verbose=+ -v=+", "", 0},
	    {{"--no-motd"}, "--no-motd=no", "", 0},
	    {{"--motd"}, "--motd=yes", "", 0},
	    {{"--no-shell"}, "--no-shell=yes", "", 0},
	    {{"--no-no-shell"}, "--no-no-shell=no", "", 0},
	    {{"--bind", "-x"}, "--bind=-x", "", 0},
	    {{"-", "--motd"}, "--motd=yes", "-", 0},
	    {{"a", "--motd", "b"}, "--motd=yes", "a|b", 0},
	    {{"a", "--", "--motd"}, "", "a|--motd", 0},
	    {{"--", "-p", "--"}, "", "-p|--", 0},
	    {{"h", "-v", "ls", "-l"}, "-v=+", "h|ls|-l", OE_CMD_SSH_OPERANDS},
	    {{"-v", "h", "-p", "2", "ls", "--", "-l"}, "-v=+ -p=2",
		"h|ls|--|-l", OE_CMD_SSH_OPERANDS},
	    {{"h", "--", "-v", "x"}, "", "h|-v|x", OE_CMD_SSH_OPERANDS},
	    {{"-v", "h", "-p"}, "-v=+", "h|-p", OE_CMD_STOP_AT_OPERAND},
	};
	struct oe_command c = sample_command;
	struct oe_app__cli cli;
	struct oe_err err = OE_ERR_INIT;
	char given[256], operands[256];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(lines); i++) {
		c.flags = lines[i].flags;
		assert_int_equal(
		    oe_app__cli_parse(&c, count(lines[i].argv),
			(char **)(uintptr_t)lines[i].argv, &cli, &err),
		    0);
		describe(&cli, given, operands);
		assert_string_equal(given, lines[i].given);
		assert_string_equal(operands, lines[i].operands);
		oe_app__cli_done(&cli);
	}
}

static void
test_bad_lines(void **state)
{
	static const struct {
		const char *argv[MAX_WORDS];
		const char *message;
	} lines[] = {
	    {{"--port"}, "--port needs PORT"},
	    {{"-p"}, "-p needs PORT"},
	    {{"-vp"}, "-p needs PORT"},
	    {{"--motd=yes"}, "--motd takes no value"},
	    {{"--no-motd=yes"}, "--no-motd takes no value"},
	    {{"--verbose=2"}, "--verbose takes no value"},
	    {{"--no-port"}, "unknown option '--no-port'"},
	    {{"--prot", "1"},
		"unknown option '--prot': did you mean '--port'?"},
	    {{"--por"}, "unknown option '--por': did you mean '--port'?"},
	    {{"--login_grace", "1"},
		"unknown option '--login_grace': did you mean "
		"'--login-grace'?"},
	    {{"--secret-nob"}, "unknown option '--secret-nob'"},
	    {{"--zzzzzz"}, "unknown option '--zzzzzz'"},
	    {{"-z"}, "unknown option '-z'"},
	    {{"-vz"}, "unknown option '-z'"},
	    {{"a", "b", "c"}, "unexpected operand 'c'"},
	};
	struct oe_command c = sample_command;
	struct oe_app__cli cli;
	struct oe_err err;
	size_t i;

	(void)state;
	c.flags = 0;
	c.max_operands = 2;
	for (i = 0; i < OE_ARRAY_LEN(lines); i++) {
		memset(&err, 0, sizeof err);
		assert_int_equal(
		    oe_app__cli_parse(&c, count(lines[i].argv),
			(char **)(uintptr_t)lines[i].argv, &cli, &err),
		    OE_EUSAGE);
		assert_string_equal(err.msg, lines[i].message);
	}
	c.min_operands = 1;
	assert_int_equal(oe_app__cli_parse(&c, 0, NULL, &cli, &err), OE_EUSAGE);
	assert_non_null(strstr(err.msg, "omniedge sample [options] [user@]"));
}

static void
test_help_wins(void **state)
{
	static const char *const lines[][2] = {
	    {"--help", NULL}, {"-h", NULL}, {"-vh", NULL}};
	struct oe_command c = sample_command;
	struct oe_app__cli cli;
	size_t i;

	(void)state;
	c.min_operands = 1;
	for (i = 0; i < OE_ARRAY_LEN(lines); i++) {
		assert_int_equal(oe_app__cli_parse(&c, 1,
				     (char **)(uintptr_t)lines[i], &cli, NULL),
		    0);
		assert_true(cli.help);
		oe_app__cli_done(&cli);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good_lines),
	    cmocka_unit_test(test_bad_lines),
	    cmocka_unit_test(test_help_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
