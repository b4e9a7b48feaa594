/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/app/exitcode.h"
#include "core/app/internal.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"

/*
 * A program started without descriptor 0, 1 or 2 would get them for its
 * sockets, and print into them.  What is opened here fails when it is used.
 */
static void
keep_stdio(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null",
			fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			_exit(OE_EXIT_FAILURE);
}

/* Output that did not arrive is a failure: full disk, closed pipe. */
static int
finish(int status)
{
	bool pending = __fpending(stdout) > 0, failed = ferror(stdout) != 0;
	int closed = fclose(stdout);

	if (!failed && (closed == 0 || (!pending && errno == EBADF)))
		return status;
	oe_log_error(NULL, "write to standard output: %s",
	    closed < 0 ? strerror(errno) : "not everything was written");
	return status ? status : OE_EXIT_FAILURE;
}

static int
complain(const char *command, const struct oe_err *err)
{
	oe_log_error(NULL, "%s: %s", command, oe_err_text(err));
	if (err->code != OE_EUSAGE)
		return OE_EXIT_CONFIG;
	fprintf(stderr, "Try 'omniedge %s --help'.\n", command);
	return OE_EXIT_USAGE;
}

static int
reload(const struct oe_ctx *ctx, struct oe_values **ret, struct oe_err *err)
{
	return oe_app__settle(ctx->opaque, ret, err);
}

static int
run_command(struct oe_app__sources *s)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_values *values = NULL;
	struct oe_ctx ctx;
	int status;

	if (s->cli.help) {
		oe_app__help_command(s->command, stdout);
		return OE_EXIT_OK;
	}
	if (oe_app__settle(s, &values, &err) < 0)
		return complain(s->command->name, &err);
	ctx = (struct oe_ctx){.modules = s->set,
	    .command = s->command,
	    .values = values,
	    .operands = &s->cli.operands,
	    .reload = reload,
	    .opaque = s};
	status = s->command->run(&ctx);
	oe_values_free(&values);
	return status;
}

/* An option that a module of another build has? */
static bool
is_absent_option(const struct oe_module_set *set,
    const struct oe_command *command, const struct oe_app__cli *cli)
{
	char *name, *options;
	bool found;

	if (!cli->unknown[0])
		return false;
	name = oe_mem_printf("%s:%s", command->name, cli->unknown);
	options = oe_app__absent_options(set, name);
	found = options != NULL;
	if (found)
		oe_log_error(NULL,
		    "%s: %s is not in this build (configure with %s)",
		    command->name, cli->unknown, options);
	free(name);
	free(options);
	return found;
}

static int
dispatch(const struct oe_module_set *set, const struct oe_command *command,
    int argc, char **argv)
{
	struct oe_app__sources s = {.set = set,
	    .command = command,
	    .system_file = OE_SYSCONFDIR "/omniedge/omniedge.conf"};
	struct oe_err err = OE_ERR_INIT;
	int status;

	if (oe_app__cli_parse(command, argc, argv, &s.cli, &err) < 0)
		return is_absent_option(set, command, &s.cli)
			   ? OE_EXIT_UNAVAILABLE
			   : complain(command->name, &err);
	s.cwd = getcwd(NULL, 0);
	status = run_command(&s);
	free(s.cwd);
	oe_app__cli_done(&s.cli);
	return status;
}

static int
no_command(const struct oe_module_set *set, const char *name)
{
	char *absent = oe_app__absent_options(set, name);
	const char *guess;

	if (absent) {
		oe_log_error(NULL, "%s: not in this build (configure with %s)",
		    name, absent);
		free(absent);
		return OE_EXIT_UNAVAILABLE;
	}
	guess = *name == '-' ? NULL : oe_app__guess_command(set, name);
	oe_log_error(NULL, "unknown %s '%s'%s%s%s",
	    *name == '-' ? "option" : "command", name,
	    guess ? ": did you mean '" : "", guess ? guess : "",
	    guess ? "'?" : "");
	fprintf(stderr, "Try 'omniedge help'.\n");
	return OE_EXIT_USAGE;
}

static int
start(const struct oe_module_set *set, int argc, char **argv)
{
	const struct oe_command *command;

	if (argc < 2 || oe_str_eq(argv[1], "--help") ||
	    oe_str_eq(argv[1], "-h")) {
		oe_app__help_overview(set, stdout);
		return OE_EXIT_OK;
	}
	if (oe_str_eq(argv[1], "--version") || oe_str_eq(argv[1], "-V")) {
		oe_app__version(set, false, false, stdout);
		return OE_EXIT_OK;
	}
	command = oe_app__find_command(set, argv[1]);
	if (!command)
		return no_command(set, argv[1]);
	return dispatch(set, command, argc - 2, argv + 2);
}

int
oe_app_main(const struct oe_module_set *set, int argc, char **argv)
{
	struct oe_app__extended more;
	int status;

	keep_stdio();
	status = start(oe_app__extend(set, &more), argc, argv);
	oe_app__extend_done(&more);
	return finish(status);
}
