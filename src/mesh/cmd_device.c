/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/api.h"
#include "mesh/commands.h"
#include "mesh/common.h"
#include "mesh/hardware.h"

#define PLATFORM "linux"

static const struct oe_param params[] = {
    {.name = "device",
	.letter = 'd',
	.type = OE_PARAM_STRING,
	.metavar = "ID",
	.help = "which device; otherwise the one that was registered here"},
    {.name = "hardware-id",
	.type = OE_PARAM_STRING,
	.metavar = "TEXT",
	.help = "what tells this machine from others, instead of "
		"/etc/machine-id"},
    {.name = "secret-file",
	.type = OE_PARAM_PATH,
	.metavar = "FILE",
	.help = "after join: write what the overlay network needs, its key "
		"too, as JSON to this file (0600)"},
    OE_MESH_ROW_JSON("print JSON objects"),
    OE_MESH_ROWS_API,
    {.name = NULL},
};

/* One run; verbs return a status of oe_err. */
struct run {
	const struct oe_values *v;
	struct oe_mesh *m;
	struct oe_mesh_api *api;
	struct oe_mesh_account *account;
	const char *arg;     /* behind the verb, or NULL */
	struct oe_strs more; /* behind that; borrowed */
};

static bool
wants_json(const struct run *r)
{
	return oe_values_flag(r->v, "json");
}

/* The device that is meant: an id. */
static int
device_of(const struct run *r, const char **ret, struct oe_err *err)
{
	const char *id = oe_values_str(r->v, "device");

	if (!id)
		id = r->account->device_id;
	if (!id)
		return oe_err_set(err, OE_EUSAGE,
		    "no device was registered here: 'omniedge device "
		    "register', or --device ID");
	if (!oe_mesh_is_id(id))
		return oe_err_set(
		    err, OE_EUSAGE, "'%s' is not the id of a device", id);
	*ret = id;
	return 0;
}

static struct oe_jval *
device_json(const struct oe_mesh_device *d)
{
	struct oe_jval *j = oe_jval_object();

	oe_jval_set_int(j, "v", 1);
	oe_jval_set_text(j, "type", "device");
	oe_jval_set_text(j, "device_id", d->id);
	oe_jval_set_text(j, "name", d->name);
	oe_jval_set_text(j, "platform", d->platform);
	oe_jval_set_text(j, "hardware_id", d->hardware_id);
	return j;
}

/* What a registration leaves behind: which device this machine is. */
static int
remember(const struct run *r, const char *id, const char *hardware,
    struct oe_err *err)
{
	struct oe_mesh_account *a = r->account;

	if (a->shape != OE_MESH_SHAPE_OURS) {
		oe_log_warn(NULL,
		    "the login is another client's, where this cannot be "
		    "kept: give --device %s from now on",
		    id);
		return 0;
	}
	free(a->device_id);
	a->device_id = oe_mem_strdup(id);
	free(a->hardware);
	a->hardware = oe_mem_strdup(hardware);
	return oe_mesh_account_save(a, err);
}

static int
do_register(struct run *r, struct oe_err *err)
{
	const char *given = oe_values_str(r->v, "hardware-id");
	char host[HOST_NAME_MAX + 1] = "", *hardware = NULL;
	struct oe_mesh_device d = {0};
	int e = 0;

	if (gethostname(host, sizeof host - 1) < 0)
		return oe_err_sys(err, "the name of this machine");
	if (given)
		hardware = oe_mem_strdup(given);
	else
		e = oe_hardware_id(&hardware, err);
	if (e == 0)
		e = oe_mesh_api_register(r->api, r->arg ? r->arg : host,
		    hardware, PLATFORM, &d, err);
	if (e == 0)
		e = remember(r, d.id, hardware, err);
	if (e == 0 && wants_json(r))
		oe_meshcmd_print(device_json(&d));
	else if (e == 0)
		puts(d.id);
	oe_mesh_device_done(&d);
	free(hardware);
	return e;
}

static struct oe_jval *
joined_json(const struct oe_mesh_joined *j, const char *network_id,
    const char *device_id, bool secret)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_int(v, "v", 1);
	oe_jval_set_text(v, "type", "joined");
	oe_jval_set_text(v, "network_id", network_id);
	oe_jval_set_text(v, "device_id", device_id);
	oe_jval_set_text(v, "virtual_ip", j->ip);
	oe_jval_set_text(v, "subnet_mask", j->mask);
	oe_jval_set_text(v, "virtual_ip_v6", j->ip6);
	if (j->prefix6)
		oe_jval_set_int(v, "subnet_prefix_v6", j->prefix6);
	oe_jval_set_text(v, "community", j->community);
	oe_jval_set_text(v, "server", j->server);
	if (secret)
		oe_jval_set_text(v, "secret_key", j->secret_key);
	return v;
}

static int
write_secret(const struct run *r, const struct oe_mesh_joined *j,
    const char *network_id, const char *device_id, struct oe_err *err)
{
	const char *file = oe_values_str(r->v, "secret-file");
	struct oe_jval *v;
	char *text;
	int e;

	if (!file)
		return 0;
	v = joined_json(j, network_id, device_id, true);
	text = oe_jval_dump(v, 2);
	e = oe_fd_write_file(file, text, strlen(text), 0600, err);
	oe_mem_free_secret(&text);
	oe_jval_free(&v);
	return e;
}

static int
do_join(struct run *r, struct oe_err *err)
{
	struct oe_mesh_joined j = {0};
	const char *device = NULL;
	char *network = NULL;
	int e = device_of(r, &device, err);

	if (e == 0)
		e = oe_meshcmd_network(r->m, r->arg, &network, err);
	if (e == 0)
		e = oe_mesh_api_join(r->api, network, device, &j, err);
	if (e == 0)
		e = write_secret(r, &j, network, device, err);
	if (e == 0 && wants_json(r))
		oe_meshcmd_print(joined_json(&j, network, device, false));
	else if (e == 0)
		puts(j.ip);
	if (e == 0 && r->account->shape == OE_MESH_SHAPE_OURS) {
		free(r->account->network_id);
		r->account->network_id = oe_mem_strdup(network);
		e = oe_mesh_account_save(r->account, err);
	}
	if (e == 0)
		oe_mesh_forget(r->m);
	oe_mesh_joined_done(&j);
	free(network);
	return e;
}

static int
do_leave(struct run *r, struct oe_err *err)
{
	const char *device = NULL;
	char *network = NULL;
	int e = device_of(r, &device, err);

	if (e == 0)
		e = oe_meshcmd_network(r->m, r->arg, &network, err);
	if (e == 0)
		e = oe_mesh_api_leave(r->api, network, device, err);
	if (e == 0)
		oe_mesh_forget(r->m);
	free(network);
	return e;
}

static int
do_tag(struct run *r, struct oe_err *err)
{
	const char *device = NULL;
	char *network = NULL;
	int e = device_of(r, &device, err);

	if (e == 0)
		e = oe_meshcmd_network(r->m, r->arg, &network, err);
	if (e == 0)
		e = oe_mesh_api_tag(r->api, network, device, &r->more, err);
	if (e == 0)
		oe_mesh_forget(r->m);
	free(network);
	return e;
}

static int
do_rename(struct run *r, struct oe_err *err)
{
	const char *device = NULL;
	int e = device_of(r, &device, err);

	if (e == 0)
		e = oe_mesh_api_rename(r->api, device, r->arg, err);
	if (e == 0)
		oe_mesh_forget(r->m);
	return e;
}

static int
do_ls(struct run *r, struct oe_err *err)
{
	static const char *const titles[] = {"NAME", "ID", "PLATFORM", NULL};
	struct oe_mesh_network all = {0};
	struct oe_table *t;
	size_t i;
	int e = oe_mesh_api_devices(r->api, &all, err);

	if (e < 0)
		return e;
	if (wants_json(r)) {
		for (i = 0; i < all.n; i++)
			oe_meshcmd_print(device_json(&all.devices[i]));
	} else {
		t = oe_table_new(titles);
		for (i = 0; i < all.n; i++) {
			oe_table_cell(t, all.devices[i].name);
			oe_table_cell(t, all.devices[i].id);
			oe_table_cell(t, all.devices[i].platform);
		}
		oe_table_print(&t);
	}
	oe_mesh_network_done(&all);
	return 0;
}

static const struct {
	const char *verb;
	const char *arg; /* what it is, for complaints; NULL: there is none */
	bool must;
	int (*run)(struct run *r, struct oe_err *err);
} verbs[] = {
    {"register", "a name", false, do_register},
    {"join", "a network", true, do_join},
    {"leave", "a network", true, do_leave},
    {"rename", "the new name", true, do_rename},
    {"tag", "a network", true, do_tag},
    {"ls", NULL, false, do_ls},
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
	int i = verb_of(operands->v[0]);

	if (i < 0)
		return oe_err_set(err, OE_EUSAGE,
		    "'%s' is none of register, join, leave, rename, tag and ls",
		    operands->v[0]);
	if (verbs[i].must && operands->n < 2)
		return oe_err_set(
		    err, OE_EUSAGE, "%s wants %s", verbs[i].verb, verbs[i].arg);
	if (operands->n > (verbs[i].arg ? 2u : 1u) && verbs[i].run != do_tag)
		return oe_err_set(
		    err, OE_EUSAGE, "%s wants nothing more", verbs[i].verb);
	return 0;
}

static int
run(const struct oe_ctx *ctx)
{
	const struct oe_strs *o = ctx->operands;
	struct oe_err err = OE_ERR_INIT;
	struct run r = {.v = ctx->values, .arg = o->n > 1 ? o->v[1] : NULL};
	int e, status = oe_meshcmd_open(ctx, &r.m);

	if (status)
		return status;
	if (o->n > 2)
		r.more = (struct oe_strs){o->v + 2, o->n - 2};
	r.api = oe_mesh_api(r.m);
	r.account = oe_mesh_account(r.m);
	e = verbs[verb_of(o->v[0])].run(&r, &err);
	if (e < 0)
		status = oe_meshcmd_fail(ctx, e, &err);
	oe_mesh_free(&r.m);
	return status;
}

static const struct oe_example examples[] = {
    {"omniedge device register", "this machine, by its host name"},
    {"omniedge device join lab", "get an address in network lab"},
    {"omniedge device rename robot-7", "call it otherwise"},
    {"omniedge device tag lab operator",
	"as an admin of lab: what policies know it by"},
    {NULL, NULL},
};

const struct oe_command oe_command_device = {
    .name = "device",
    .summary = "register this machine, join and leave networks",
    .operands = "register|join|leave|rename|tag|ls [NAME] [TAG...]",
    .min_operands = 1,
    .max_operands = -1,
    .params = params,
    .examples = examples,
    .check = check,
    .run = run,
};
