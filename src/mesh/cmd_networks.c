/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omniedge networks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/api.h"
#include "mesh/commands.h"
#include "mesh/common.h"
#include "mesh/peer_text.h"

static const struct oe_param params[] = {
    OE_MESH_ROW_JSON("print a JSON object a line for each network"),
    OE_MESH_ROWS_CACHE,
    OE_MESH_ROWS_API,
    {.name = NULL},
};

static void
print_networks(const struct oe_mesh_dir *d)
{
	static const char *const titles[] = {
	    "NAME", "ID", "RANGE", "ROLE", "DEVICES", NULL};
	struct oe_table *t = oe_table_new(titles);
	struct oe_mesh_entry_network n;
	char text[32];
	size_t i;

	for (i = 0; i < oe_mesh_dir_networks(d); i++) {
		oe_mesh_dir_network_at(d, i, &n);
		oe_table_cell(t, n.name);
		oe_table_cell(t, n.id);
		oe_table_cell(t, n.ip_range);
		oe_table_cell(t, oe_network_role(n.role, text, sizeof text));
		snprintf(text, sizeof text, "%zu", n.devices);
		oe_table_cell(t, text);
	}
	oe_table_print(&t);
}

static int
list(const struct oe_ctx *ctx)
{
	struct oe_mesh_entry_network n;
	struct oe_mesh_dir *d = NULL;
	struct oe_mesh *m = NULL;
	int status = oe_meshcmd_directory(ctx, &m, &d);
	size_t i;

	if (!status && oe_values_flag(ctx->values, "json")) {
		for (i = 0; i < oe_mesh_dir_networks(d); i++) {
			oe_mesh_dir_network_at(d, i, &n);
			oe_meshcmd_print(oe_network_json(&n));
		}
	} else if (!status) {
		print_networks(d);
	}
	oe_mesh_free(&m);
	return status;
}

/* Verbs: @w are the words behind them. */

static int
add(struct oe_mesh *m, char *const *w, struct oe_err *err)
{
	char *id = NULL;
	int r = oe_mesh_api_network_new(oe_mesh_api(m), w[0], w[1], &id, err);

	if (r == 0)
		puts(id);
	free(id);
	return r;
}

static int
invite(struct oe_mesh *m, char *const *w, struct oe_err *err)
{
	char *id = NULL, *shown;
	int r = oe_meshcmd_network(m, w[0], &id, err);

	if (r == 0)
		r = oe_mesh_api_invite(oe_mesh_api(m), id, w[1], err);
	if (r == 0) {
		shown = oe_mesh_shown(w[1]);
		oe_log_info(NULL,
		    "%s is invited, and comes in by: omniedge networks accept "
		    "%s",
		    shown, id);
		free(shown);
	}
	free(id);
	return r;
}

static int
accept(struct oe_mesh *m, char *const *w, struct oe_err *err)
{
	return oe_mesh_api_accept(oe_mesh_api(m), w[0], err);
}

static const struct {
	const char *verb;
	int n; /* words behind it */
	const char *words;
	int (*run)(struct oe_mesh *m, char *const *w, struct oe_err *err);
} verbs[] = {
    {"add", 2, "NAME RANGE, as lab 100.64.9.0/24", add},
    {"invite", 2, "NETWORK EMAIL", invite},
    {"accept", 1, "NETWORK", accept},
};

static int
verb_of(const char *word)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(verbs); i++)
		if (!strcmp(verbs[i].verb, word))
			return (int)i;
	return -1;
}

static int
check(OE_UNUSED const struct oe_values *v, const struct oe_strs *operands,
    struct oe_err *err)
{
	int i;

	if (!operands->n)
		return 0;
	i = verb_of(operands->v[0]);
	if (i < 0)
		return oe_err_set(err, OE_EUSAGE,
		    "'%s' is none of add, invite and accept", operands->v[0]);
	if ((int)operands->n != verbs[i].n + 1)
		return oe_err_set(err, OE_EUSAGE, "%s wants %s", verbs[i].verb,
		    verbs[i].words);
	return 0;
}

static int
run(const struct oe_ctx *ctx)
{
	const struct oe_strs *o = ctx->operands;
	struct oe_err err = OE_ERR_INIT;
	struct oe_mesh *m = NULL;
	int r, status;

	if (!o->n)
		return list(ctx);
	status = oe_meshcmd_open(ctx, &m);
	if (status)
		return status;
	r = verbs[verb_of(o->v[0])].run(m, o->v + 1, &err);
	if (r < 0)
		status = oe_meshcmd_fail(ctx, r, &err);
	else
		oe_mesh_forget(m);
	oe_mesh_free(&m);
	return status;
}

static const struct oe_example examples[] = {
    {"omniedge networks", "those of the account"},
    {"omniedge networks add lab 100.64.9.0/24",
	"a new one, whose administrator one is"},
    {"omniedge networks invite lab bob@example.org", "somebody else into it"},
    {NULL, NULL},
};

const struct oe_command oe_command_networks = {
    .name = "networks",
    .summary = "the mesh networks of the account",
    .operands = "[add|invite|accept] [NAME...]",
    .max_operands = 3,
    .params = params,
    .examples = examples,
    .check = check,
    .run = run,
};
