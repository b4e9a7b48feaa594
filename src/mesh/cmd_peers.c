/* SPDX-License-Identifier: Apache-2.0 */
/*
 * omniedge peers.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "mesh/commands.h"
#include "mesh/common.h"
#include "mesh/peer_text.h"

#define FILTER .section = "Which"

static const struct oe_param peers_params[] = {
    {.name = "network",
	.letter = 'n',
	.type = OE_PARAM_STRING,
	.metavar = "NETWORK",
	.help = "only in the network of this name or id",
	FILTER},
    {.name = "tag",
	.letter = 't',
	.type = OE_PARAM_STRING,
	.metavar = "TAG",
	.help = "only with this tag; several must all be there",
	.flags = OE_PARAM_REPEAT,
	FILTER},
    {.name = "online",
	.type = OE_PARAM_FLAG,
	.help = "only those that are known to be online",
	FILTER},
    {.name = "name",
	.type = OE_PARAM_STRING,
	.metavar = "PATTERN",
	.help = "only names that match; * and ? are special, case is not",
	FILTER},
    {.name = "names",
	.type = OE_PARAM_FLAG,
	.help = "print bare names, one a line, without those that a shell "
		"would have to be told about"},
    OE_MESH_ROW_JSON("print a JSON object a line for each peer"),
    OE_MESH_ROWS_CACHE,
    OE_MESH_ROWS_API,
    {.name = NULL},
};

static char *
lower(const char *s)
{
	char *copy = oe_mem_strdup(s), *p;

	for (p = copy; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

static bool
matches_name(const char *pattern, const char *name)
{
	char *folded = lower(name);
	bool yes = oe_str_match(pattern, folded);

	free(folded);
	return yes;
}

static bool
has_tags(const struct oe_mesh_entry *e, const struct oe_strs *tags)
{
	struct oe_strs have = {NULL, 0};
	bool all = true;
	size_t i;

	if (!tags->n)
		return true;
	oe_strs_split(&have, e->tags, '\n');
	for (i = 0; i < tags->n && all; i++)
		all = oe_strs_has(&have, tags->v[i]);
	oe_strs_done(&have);
	return all;
}

static bool
is_wanted(const struct oe_values *v, const char *pattern,
    const struct oe_mesh_entry *e)
{
	const char *network = oe_values_str(v, "network");

	if (network && strcmp(e->network_id, network) != 0 &&
	    !oe_str_eq_nocase(e->network_name, network))
		return false;
	if (oe_values_flag(v, "online") && e->online != OE_MESH_ONLINE_YES)
		return false;
	if (pattern && !matches_name(pattern, e->name))
		return false;
	return has_tags(e, oe_values_list(v, "tag"));
}

static int
compare(const void *pa, const void *pb)
{
	const struct oe_mesh_entry *a = pa, *b = pb;
	int r = strcmp(a->network_name, b->network_name);

	if (!r)
		r = strcmp(a->network_id, b->network_id);
	if (!r)
		r = strcmp(a->name, b->name);
	return r ? r : strcmp(a->id, b->id);
}

/* @ret: free() it. */
static size_t
select_peers(const struct oe_values *v, const struct oe_mesh_dir *d,
    struct oe_mesh_entry **ret)
{
	size_t i, n = 0, all = oe_mesh_dir_count(d);
	struct oe_mesh_entry *e = oe_mem_zalloc((all + 1) * sizeof *e);
	char *pattern = lower(oe_values_str(v, "name"));

	for (i = 0; i < all; i++) {
		oe_mesh_dir_at(d, i, &e[n]);
		n += is_wanted(v, pattern, &e[n]);
	}
	free(pattern);
	qsort(e, n, sizeof *e, compare);
	*ret = e;
	return n;
}

static void
print_table(const struct oe_mesh_entry *e, size_t n)
{
	static const char *const titles[] = {
	    "NAME", "ADDRESS", "NETWORK", "ONLINE", "LAST SEEN", "TAGS", NULL};
	struct oe_table *t = oe_table_new(titles);
	int64_t now = oe_time_wall_ms();
	char seen[48], *tags, *p;
	size_t i;

	for (i = 0; i < n; i++) {
		oe_table_cell(t, e[i].name);
		oe_table_cell(t, *e[i].ip ? e[i].ip : e[i].ip6);
		oe_table_cell(t, e[i].network_name);
		oe_table_cell(t, oe_mesh_online_text(e[i].online));
		oe_peer_seen(now, e[i].seen_ms, seen, sizeof seen);
		oe_table_cell(t, seen);
		tags = oe_mem_strdup(e[i].tags);
		for (p = tags; *p; p++)
			if (*p == '\n')
				*p = ',';
		oe_table_cell(t, tags);
		free(tags);
	}
	oe_table_print(&t);
}

static void
print_peers(const struct oe_values *v, const struct oe_mesh_entry *e, size_t n)
{
	size_t i;

	if (oe_values_flag(v, "json")) {
		for (i = 0; i < n; i++)
			oe_meshcmd_print(oe_peer_json(&e[i]));
	} else if (oe_values_flag(v, "names")) {
		for (i = 0; i < n; i++)
			if (oe_peer_is_plain(e[i].name))
				puts(e[i].name);
	} else {
		print_table(e, n);
	}
}

/* Is there a network as it was asked for? */
static int
check_network(const struct oe_ctx *ctx, const struct oe_mesh_dir *d)
{
	const char *network = oe_values_str(ctx->values, "network");
	struct oe_mesh_entry_network n;
	struct oe_err err = OE_ERR_INIT;
	size_t i;
	int r;

	for (i = 0; network && i < oe_mesh_dir_networks(d); i++) {
		oe_mesh_dir_network_at(d, i, &n);
		if (!strcmp(n.id, network) || oe_str_eq_nocase(n.name, network))
			return 0;
	}
	if (!network)
		return 0;
	r = oe_err_set(&err, OE_ENOENT, "no network of yours is '%s'", network);
	return oe_meshcmd_fail(ctx, r, &err);
}

/* An empty list of nothing but titles looks like a fault. */
static void
tell_none(const struct oe_values *v, const struct oe_mesh_dir *d)
{
	if (oe_values_flag(v, "names"))
		return;
	oe_log_info(NULL, "%s",
	    !oe_mesh_dir_networks(d) ? "you are in no network"
	    : oe_mesh_dir_count(d)   ? "no peer is what was asked for"
				     : "there are no peers in your networks");
}

static int
run_peers(const struct oe_ctx *ctx)
{
	struct oe_mesh_entry *e = NULL;
	struct oe_mesh_dir *d = NULL;
	struct oe_mesh *m = NULL;
	size_t n;
	int status = oe_meshcmd_directory(ctx, &m, &d);

	if (!status)
		status = check_network(ctx, d);
	if (!status) {
		n = select_peers(ctx->values, d, &e);
		print_peers(ctx->values, e, n);
		if (!n)
			tell_none(ctx->values, d);
	}
	free(e);
	oe_mesh_free(&m);
	return status;
}

static const struct oe_example peers_examples[] = {
    {"omniedge peers", "all peers of all networks"},
    {"omniedge peers --online --name 'robot-*'", "robots that are there"},
    {"omniedge peers --json | jq -r .virtual_ip", "for programs"},
    {NULL, NULL},
};

const struct oe_command oe_command_peers = {
    .name = "peers",
    .summary = "devices of the mesh networks",
    .operands = "",
    .params = peers_params,
    .examples = peers_examples,
    .run = run_peers,
};
