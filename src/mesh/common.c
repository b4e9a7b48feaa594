/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/app/exitcode.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/api.h"

#define SECRET_MAX 4096

int
oe_meshcmd_check_origin(const char *value, struct oe_err *err)
{
	char *origin = NULL;
	int r = oe_mesh_origin_parse(value, &origin, err);

	free(origin);
	return r;
}

void
oe_meshcmd_log(const struct oe_values *v)
{
	int64_t n = oe_values_int(v, "verbose");

	if (n > 0)
		oe_log_setup(n > 2   ? OE_LOG_DEBUG3
			     : n > 1 ? OE_LOG_DEBUG2
				     : OE_LOG_DEBUG,
		    OE_LOG_TEXT, -1, false);
}

const char *
oe_meshcmd_origin(const struct oe_values *v)
{
	const char *given = oe_values_str(v, "api");
	const char *env = getenv("OMNIEDGE_API_BASE_URL");

	/* the variable is of the environment: above files, below options */
	if (env && *env && (!given || *oe_values_where(v, "api") == '/'))
		return env;
	return given;
}

struct oe_mesh_plan
oe_meshcmd_plan(const struct oe_values *v)
{
	struct oe_mesh_plan p = {
	    .file = oe_values_str(v, "file"),
	    .origin = oe_meshcmd_origin(v),
	    .ca_file = oe_values_str(v, "ca-file"),
	    .pin = oe_values_str(v, "pin"),
	};

	if (oe_values_knows(v, "refresh"))
		p.refresh = oe_values_flag(v, "refresh");
	if (oe_values_knows(v, "offline"))
		p.offline = oe_values_flag(v, "offline");
	return p;
}

int
oe_meshcmd_open(const struct oe_ctx *ctx, struct oe_mesh **ret)
{
	const struct oe_mesh_plan plan = oe_meshcmd_plan(ctx->values);
	struct oe_err err = OE_ERR_INIT;
	int r;

	oe_meshcmd_log(ctx->values);
	r = oe_mesh_open(&plan, ret, &err);
	/* not logged in is an authentication that failed */
	if (r == OE_ENOENT)
		r = OE_EAUTH;
	return r < 0 ? oe_meshcmd_fail(ctx, r, &err) : 0;
}

int
oe_meshcmd_directory(
    const struct oe_ctx *ctx, struct oe_mesh **ret, struct oe_mesh_dir **ret_d)
{
	struct oe_err err = OE_ERR_INIT;
	const char *away = "";
	int r, status = oe_meshcmd_open(ctx, ret);

	if (status)
		return status;
	r = oe_mesh_directory(*ret, ret_d, &away, &err);
	if (r < 0)
		return oe_meshcmd_fail(ctx, r, &err);
	oe_meshcmd_age(
	    oe_time_wall_ms() - oe_mesh_dir_fetched_ms(*ret_d), away);
	return 0;
}

int
oe_meshcmd_fail(const struct oe_ctx *ctx, int r, const struct oe_err *err)
{
	oe_log_error(NULL, "%s: %s", ctx->command->name, oe_err_text(err));
	if (r == OE_ECONF)
		return OE_EXIT_CONFIG;
	if (r == OE_EUSAGE)
		return OE_EXIT_USAGE;
	return r == OE_EAUTH || oe_mesh_api_is_away(r) ? OE_EXIT_CONNECT
						       : OE_EXIT_FAILURE;
}

void
oe_meshcmd_age(int64_t age_ms, const char *away)
{
	char age[40];

	if (!*away)
		return;
	oe_mesh_age(age_ms, age, sizeof age);
	oe_log_warn(NULL, "%s; this is as it was %s ago", away, age);
}

void
oe_meshcmd_print(struct oe_jval *v)
{
	char *line = oe_jval_dump(v, 0);

	puts(line);
	free(line);
	oe_jval_free(&v);
}

static bool
is_network(const struct oe_mesh_network *n, const char *text)
{
	return !strcmp(n->id, text) || oe_str_eq_nocase(n->name, text);
}

int
oe_meshcmd_network(
    struct oe_mesh *m, const char *text, char **ret_id, struct oe_err *err)
{
	struct oe_mesh_networks all = {0};
	const struct oe_mesh_network *it = NULL;
	size_t i, n = 0;
	int r = oe_mesh_api_networks(oe_mesh_api(m), &all, err);

	for (i = 0; r == 0 && i < all.n; i++) {
		if (!is_network(&all.v[i], text))
			continue;
		it = &all.v[i];
		if (!strcmp(it->id, text)) {
			n = 1; /* whoever names networks cannot take an id */
			break;
		}
		n++;
	}
	if (r == 0 && n > 1)
		r = oe_err_set(err, OE_EEXIST,
		    "%zu networks of yours are '%s': give the id ('omniedge "
		    "networks' has it)",
		    n, text);
	else if (r == 0 && !n)
		r = oe_err_set(
		    err, OE_ENOENT, "no network of yours is '%s'", text);
	else if (r == 0)
		*ret_id = oe_mem_strdup(it->id);
	oe_mesh_networks_done(&all);
	return r;
}

int
oe_meshcmd_secret(const char *path, char **ret, struct oe_err *err)
{
	struct oe_buf b = {0};
	const char *p;
	size_t n;
	int r;

	if (oe_str_eq(path, "-"))
		r = oe_fd_read_all(
		    STDIN_FILENO, "standard input", SECRET_MAX, &b, err);
	else
		r = oe_fd_read_file(path, SECRET_MAX, &b, err);
	if (r < 0)
		return r;
	p = (const char *)oe_buf_head(&b);
	n = strcspn(p, "\r\n");
	if (n)
		*ret = oe_mem_strndup(p, n);
	else
		r = oe_err_set(
		    err, OE_EINVAL, "'%s' begins with an empty line", path);
	oe_buf_done(&b);
	return r;
}
