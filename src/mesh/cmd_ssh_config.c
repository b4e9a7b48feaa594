/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/app/exitcode.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/resolve.h"
#include "mesh/commands.h"
#include "mesh/common.h"
#include "mesh/peer_text.h"
#include "mesh/ssh_config.h"
#include "mesh/ssh_config_files.h"

#define TEXT_MAX   (64u << 20)
#define SUFFIX_MAX 64
/* Names that are left out are told one by one up to so many. */
#define TOLD_MAX 20

static int
check_suffix(const char *value, struct oe_err *err)
{
	if (strlen(value) > SUFFIX_MAX || *value != '.' ||
	    !oe_peer_is_plain(value + 1))
		return oe_err_set(err, OE_EUSAGE,
		    "a suffix is a dot and letters, digits, '-', '.', '_'");
	return 0;
}

static int
check_user(const char *value, struct oe_err *err)
{
	if (!oe_peer_is_plain(value))
		return oe_err_set(err, OE_EUSAGE,
		    "a user here is letters, digits, '-', '.' and '_'");
	return 0;
}

static const struct oe_param params[] = {
    {.name = "install",
	.type = OE_PARAM_FLAG,
	.help = "write it to ~/.omniedge/ssh_config and include that in "
		"~/.ssh/config",
	.flags = OE_PARAM_CLI_ONLY,
	.group = "what"},
    {.name = "uninstall",
	.type = OE_PARAM_FLAG,
	.help = "remove the file and the line that includes it",
	.flags = OE_PARAM_CLI_ONLY,
	.group = "what"},
    {.name = "ssh-config",
	.letter = 'F',
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "the user's ssh_config instead of ~/.ssh/config"},
    {.name = "proxy",
	.type = OE_PARAM_FLAG,
	.help = "connect through 'omniedge nc', which knows addresses "
		"that have changed since"},
    {.name = "suffix",
	.type = OE_PARAM_STRING,
	.metavar = ".TEXT",
	.help = "put it behind each name, so that none is like another host's",
	.check = check_suffix},
    {.name = "user",
	.letter = 'u',
	.type = OE_PARAM_STRING,
	.metavar = "USER",
	.help = "log in as this user",
	.check = check_user},
    {.name = "port",
	.letter = 'p',
	.type = OE_PARAM_INT,
	.metavar = "PORT",
	.help = "port of the peers' SSH servers; default: what each has told, "
		"or 22",
	.min = 1,
	.max = 65535},
    OE_MESH_ROWS_CACHE,
    OE_MESH_ROWS_API,
    {.name = NULL},
};

/* One run of the command. */
struct run {
	const struct oe_values *v;
	struct oe_sshcfg_files files;
	struct oe_own_config *own;
	char *program; /* for ProxyCommand, or NULL */
	struct oe_buf config, known;
	size_t left_out;
};

static void
on_left_out(void *arg, const char *name, const char *why)
{
	struct run *r = arg;
	char *shown = oe_mesh_shown(name);

	if (r->left_out++ < TOLD_MAX)
		oe_log_warn(NULL, "'%s' is left out: %s", shown, why);
	free(shown);
}

static bool
on_taken(void *arg, const char *name)
{
	struct run *r = arg;

	return oe_own_config_has(r->own, name);
}

/* This program's file, if a shell takes it as it is; else it is looked for. */
static char *
own_path(void)
{
	static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ/._+-";
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	path[n > 0 ? n : 0] = '\0';
	return oe_mem_strdup(
	    n > 0 && !path[strspn(path, plain)] ? path : "omniedge");
}

static int
write_texts(struct run *r, const struct oe_mesh_dir *d, struct oe_err *err)
{
	const struct oe_sshcfg_plan plan = {
	    .user = oe_values_str(r->v, "user"),
	    .port = (int)oe_values_int(r->v, "port"),
	    .suffix = oe_values_str(r->v, "suffix"),
	    .program = r->program,
	    .known_hosts = r->files.known_hosts,
	    .identities = r->files.identities,
	    .is_taken = on_taken,
	    .left_out = on_left_out,
	    .arg = r,
	};
	int e = oe_sshcfg_write(d, &plan, &r->config, &r->known, err);

	if (r->left_out > TOLD_MAX)
		oe_log_warn(NULL, "and %zu more names are left out",
		    r->left_out - TOLD_MAX);
	return e;
}

static int
make_texts(struct run *r, struct oe_mesh *m, struct oe_err *err)
{
	struct oe_mesh_dir *d = NULL;
	const char *away = "";
	int e = oe_mesh_directory(m, &d, &away, err);

	if (e < 0)
		return e;
	oe_meshcmd_age(oe_time_wall_ms() - oe_mesh_dir_fetched_ms(d), away);
	r->own = oe_own_config_new(&r->files);
	if (oe_values_flag(r->v, "proxy"))
		r->program = own_path();
	e = write_texts(r, d, err);
	oe_own_config_free(&r->own);
	return e;
}

/* Keys before what refers to them. */
static int
put_texts(const struct run *r, struct oe_err *err)
{
	int e = oe_sshcfg_files_put(r->files.known_hosts, &r->known, err);

	if (e < 0)
		return e;
	if (!oe_values_flag(r->v, "install")) {
		fwrite(oe_buf_head(&r->config), 1, oe_buf_left(&r->config),
		    stdout);
		return fflush(stdout) == 0 ? 0 : oe_err_sys(err, "write");
	}
	e = oe_sshcfg_files_put(r->files.config, &r->config, err);
	return e < 0 ? e : oe_sshcfg_files_include(&r->files, true, err);
}

static int
uninstall(const struct run *r, struct oe_err *err)
{
	int e = oe_sshcfg_files_include(&r->files, false, err);

	return e < 0 ? e : oe_sshcfg_files_remove(&r->files, err);
}

static int
make(const struct oe_ctx *ctx, struct run *r)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_mesh *m = NULL;
	int e, status = oe_meshcmd_open(ctx, &m);

	if (status)
		return status;
	e = make_texts(r, m, &err);
	oe_mesh_free(&m);
	if (e == 0)
		e = put_texts(r, &err);
	return e < 0 ? oe_meshcmd_fail(ctx, e, &err) : OE_EXIT_OK;
}

static int
run(const struct oe_ctx *ctx)
{
	struct run r = {.v = ctx->values};
	struct oe_err err = OE_ERR_INIT;
	int status = OE_EXIT_OK, e;

	oe_buf_init(&r.config, TEXT_MAX);
	oe_buf_init(&r.known, TEXT_MAX);
	oe_meshcmd_log(r.v);
	e = oe_sshcfg_files_find(
	    oe_values_str(r.v, "ssh-config"), &r.files, &err);
	if (e == 0 && oe_values_flag(r.v, "uninstall"))
		e = uninstall(&r, &err);
	else if (e == 0)
		status = make(ctx, &r);
	if (e < 0)
		status = oe_meshcmd_fail(ctx, e, &err);
	oe_buf_done(&r.config);
	oe_buf_done(&r.known);
	oe_sshcfg_files_done(&r.files);
	free(r.program);
	return status;
}

static const struct oe_example examples[] = {
    {"omniedge ssh-config --install", "ssh, scp, rsync and git know the peers"},
    {"omniedge ssh-config --install --proxy --suffix .mesh",
	"as robot-7.mesh, wherever it is now"},
    {"omniedge ssh-config --uninstall", "as if nothing had been"},
    {NULL, NULL},
};

const struct oe_command oe_command_ssh_config = {
    .name = "ssh-config",
    .summary = "peers by name for plain ssh, scp, rsync and git",
    .operands = "",
    .min_operands = 0,
    .max_operands = 0,
    .params = params,
    .examples = examples,
    .run = run,
};
