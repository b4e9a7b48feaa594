/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_commands.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/path.h"
#include "sftp/sftp_parse.h"

static int
quit(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	(void)sh;
	(void)a;
	return OE_SFTP_QUIT;
}

static int
help(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	const struct oe_sftp_cmd *c;
	char *left;

	if (!a->n)
		oe_sftp_say(sh, "Available commands:");
	for (c = oe_sftp_cmds; c->name; c++) {
		if (!c->syntax)
			continue;
		if (a->n && !oe_str_eq_nocase(a->words[0], c->name))
			continue;
		left = oe_mem_printf("%s%s%s", c->name,
		    *c->syntax && *c->name != '!' ? " " : "", c->syntax);
		oe_sftp_say(sh, "%-34s %s", left, c->help);
		free(left);
	}
	if (a->n && !oe_sftp_cmd_find(a->words[0]))
		return oe_sftp_fail(sh, "%s: no such command", a->words[0]);
	return 0;
}

#define REMOTE OE_SFTP_WORD_REMOTE
#define LOCAL  OE_SFTP_WORD_LOCAL
#define ANY    100

const struct oe_sftp_cmd oe_sftp_cmds[] = {
    {"!", "", "[command]", "run a local command, or a local shell", 0, ANY,
	{0, 0}, oe_sftp_cmd_shell},
    {"?", "", "[command]", "same as help", 0, 1, {OE_SFTP_WORD_COMMAND, 0},
	help},
    {"bye", "", "", "end sftp", 0, 0, {0, 0}, quit},
    {"cd", "", "[path]", "change the remote directory", 0, 1, {REMOTE, 0},
	oe_sftp_cmd_cd},
    {"chdir", "", NULL, NULL, 0, 1, {REMOTE, 0}, oe_sftp_cmd_cd},
    {"chgrp", "h", "[-h] group path", "set the group, by number", 2, 2,
	{0, REMOTE}, oe_sftp_cmd_chgrp},
    {"chmod", "h", "[-h] mode path", "set the permissions, in octal", 2, 2,
	{0, REMOTE}, oe_sftp_cmd_chmod},
    {"chown", "h", "[-h] owner path", "set the owner, by number", 2, 2,
	{0, REMOTE}, oe_sftp_cmd_chown},
    {"copy", "", "path newpath", "copy a remote file on the server", 2, 2,
	{REMOTE, REMOTE}, oe_sftp_cmd_cp},
    {"cp", "", "path newpath", "copy a remote file on the server", 2, 2,
	{REMOTE, REMOTE}, oe_sftp_cmd_cp},
    {"df", "hi", "[-hi] [path]", "room on the remote file system", 0, 1,
	{REMOTE, 0}, oe_sftp_cmd_df},
    {"dir", "1afhlnrSt", NULL, NULL, 0, 1, {REMOTE, 0}, oe_sftp_cmd_ls},
    {"exit", "", "", "end sftp", 0, 0, {0, 0}, quit},
    {"get", "afpPrR", "[-afpr] remote [local]", "download files", 1, 2,
	{REMOTE, LOCAL}, oe_sftp_cmd_get},
    {"help", "", "[command]", "show the commands, or one", 0, 1,
	{OE_SFTP_WORD_COMMAND, 0}, help},
    {"lcd", "", "[path]", "change the local directory", 0, 1, {LOCAL, 0},
	oe_sftp_cmd_lcd},
    {"lchdir", "", NULL, NULL, 0, 1, {LOCAL, 0}, oe_sftp_cmd_lcd},
    {"lls", NULL, "[options] [path]", "list local files with ls", 0, ANY,
	{LOCAL, LOCAL}, oe_sftp_cmd_lls},
    {"lmkdir", "", "path", "make a local directory", 1, 1, {LOCAL, 0},
	oe_sftp_cmd_lmkdir},
    {"ln", "s", "[-s] path newpath", "link a remote file; -s by name", 2, 2,
	{REMOTE, REMOTE}, oe_sftp_cmd_ln},
    {"lpwd", "", "", "show the local directory", 0, 0, {0, 0},
	oe_sftp_cmd_lpwd},
    {"ls", "1afhlnrSt", "[-1afhlnrSt] [path]", "list remote files", 0, 1,
	{REMOTE, 0}, oe_sftp_cmd_ls},
    {"lumask", "", "mask", "set the local umask, in octal", 1, 1, {0, 0},
	oe_sftp_cmd_lumask},
    {"mget", "afpPrR", NULL, NULL, 1, 2, {REMOTE, LOCAL}, oe_sftp_cmd_get},
    {"mkdir", "", "path", "make a remote directory", 1, 1, {REMOTE, 0},
	oe_sftp_cmd_mkdir},
    {"mput", "afpPrR", NULL, NULL, 1, 2, {LOCAL, REMOTE}, oe_sftp_cmd_put},
    {"progress", "", "", "show the progress of transfers, or not", 0, 0, {0, 0},
	oe_sftp_cmd_progress},
    {"put", "afpPrR", "[-afpr] local [remote]", "upload files", 1, 2,
	{LOCAL, REMOTE}, oe_sftp_cmd_put},
    {"pwd", "", "", "show the remote directory", 0, 0, {0, 0}, oe_sftp_cmd_pwd},
    {"quit", "", "", "end sftp", 0, 0, {0, 0}, quit},
    {"reget", "fpPrR", "[-fpr] remote [local]", "go on with a download", 1, 2,
	{REMOTE, LOCAL}, oe_sftp_cmd_reget},
    {"rename", "l", "[-l] path newpath", "rename a remote file", 2, 2,
	{REMOTE, REMOTE}, oe_sftp_cmd_rename},
    {"reput", "fpPrR", "[-fpr] local [remote]", "go on with an upload", 1, 2,
	{LOCAL, REMOTE}, oe_sftp_cmd_reput},
    {"rm", "", "path", "remove remote files", 1, 1, {REMOTE, 0},
	oe_sftp_cmd_rm},
    {"rmdir", "", "path", "remove an empty remote directory", 1, 1, {REMOTE, 0},
	oe_sftp_cmd_rmdir},
    {"symlink", "", "path newpath", "link a remote file by name", 2, 2,
	{REMOTE, REMOTE}, oe_sftp_cmd_symlink},
    {"version", "", "", "show the version of the protocol", 0, 0, {0, 0},
	oe_sftp_cmd_version},
    {.name = NULL},
};

const struct oe_sftp_cmd *
oe_sftp_cmd_find(const char *name)
{
	const struct oe_sftp_cmd *c;

	for (c = oe_sftp_cmds; c->name; c++)
		if (oe_str_eq_nocase(c->name, name))
			return c;
	return NULL;
}

bool
oe_sftp_has(const struct oe_sftp_args *a, char letter)
{
	return strchr(a->flags, letter);
}

/* Flags before the first word; "--" ends them. */
static int
take_flags(struct oe_sftp_shell *sh, struct oe_sftp_args *a)
{
	const char *w;
	size_t n = 0;

	while (a->n && a->words[0][0] == '-' && a->words[0][1]) {
		w = a->words[0] + 1;
		a->words++;
		a->n--;
		if (oe_str_eq(w, "-"))
			break;
		for (; *w; w++) {
			if (!strchr(a->cmd->letters, *w))
				return oe_sftp_fail(sh, "%s: invalid flag -%c",
				    a->cmd->name, *w);
			if (!oe_sftp_has(a, *w) && n + 1 < sizeof a->flags)
				a->flags[n++] = *w;
		}
	}
	return 0;
}

static int
check_count(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	const struct oe_sftp_cmd *c = a->cmd;

	if (a->n < c->min || a->n > c->max)
		return oe_sftp_fail(sh, "%s: %s; it is: %s%s%s", c->name,
		    a->n < c->min ? "something is missing" : "too many words",
		    c->name, c->syntax && *c->syntax ? " " : "",
		    c->syntax ? c->syntax : "");
	return 0;
}

static int
run(struct oe_sftp_shell *sh, const struct oe_sftp_line *l, const char *text)
{
	struct oe_sftp_args a = {
	    .words = l->words.v + 1,
	    .n = l->words.n - 1,
	    .rest = text + l->rest,
	    .stop_at_error = sh->batch && !l->ignore_errors,
	};
	int r = 0;

	a.cmd = oe_sftp_cmd_find(l->words.v[0]);
	if (!a.cmd)
		return oe_sftp_fail(
		    sh, "%s: no such command; help lists them", l->words.v[0]);
	if (a.cmd->letters)
		r = take_flags(sh, &a);
	if (r == 0)
		r = check_count(sh, &a);
	return r < 0 ? r : a.cmd->run(sh, &a);
}

/* "!command": the shell splits its words, not we. */
static int
run_shell(struct oe_sftp_shell *sh, const char *command)
{
	struct oe_sftp_args a = {.cmd = oe_sftp_cmd_find("!")};

	a.rest = command + strspn(command, " \t\r\n");
	return a.cmd->run(sh, &a);
}

int
oe_sftp_run_line(struct oe_sftp_shell *sh, const char *text, bool echo)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_sftp_line l;
	int r = oe_sftp_line_parse(text, &l, &err);

	if (echo && !l.no_echo)
		oe_sftp_say(sh, "sftp> %s", text);
	if (text[l.command] == '!' && r != OE_ETOOBIG)
		r = run_shell(sh, text + l.command + 1);
	else if (r < 0)
		oe_sftp_fail(sh, "%s", oe_err_text(&err));
	else if (l.words.n)
		r = run(sh, &l, text);
	if (r < 0 && l.ignore_errors)
		r = 0;
	fflush(sh->out);
	oe_sftp_line_done(&l);
	return r;
}
