/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rule of a login says of what is to be started.
 */
#include <string.h>

#include "core/app/exitcode.h"
#include "core/app/module.h"
#include "core/base/err.h"
#include "server/session.h"

static int
rule_command(struct oe_srv_conn *c, const char *command, struct oe_err *err)
{
	if (!c->rule.confined)
		return 0;
	if (!c->policy.command)
		return oe_err_set(
		    err, OE_EPERM, "the policy permits no commands");
	return c->policy.command(c->policy.self, &c->rule, command, err);
}

static bool
rule_bounds_files(const struct oe_srv_rule *r)
{
	return r->read_only || r->write_only || r->roots.n || r->confined;
}

/*
 * Subsystems of this program can be bounded; of a program of the operator
 * nothing is known, so it runs only where a shell might as well.
 */
static int
rule_subsystem(struct oe_srv_conn *c, const char *name,
    const struct oe_subsystem *sub, struct oe_err *err)
{
	bool files = sub ? sub->files : !strcmp(name, "sftp");

	if (files && !c->rule.files)
		return oe_err_set(
		    err, OE_EPERM, "the policy permits no file transfer");
	if (sub && sub->files)
		return 0;
	if (files && rule_bounds_files(&c->rule))
		return oe_err_set(err, OE_EPERM,
		    "the policy bounds files, and this server's subsystem "
		    "cannot be bound");
	if (c->rule.confined)
		return oe_err_set(
		    err, OE_EPERM, "the policy does not permit this subsystem");
	return 0;
}

int
oe_srv__session_permit(struct oe_srv_conn *c, const struct oe_srv_session *s,
    const struct oe_subsystem *sub, int *ret_status, struct oe_err *err)
{
	*ret_status = OE_EXIT_POLICY;
	if (c->rule.barred) {
		*ret_status = c->rule.barred_status;
		return oe_err_set(err, OE_EPERM, "%s", c->rule.barred);
	}
	/* the operator's words, or the policy's own: not the peer's */
	if (c->srv->cfg->force_command || c->grant.force_command)
		return 0;
	switch (s->kind) {
	case OE_SRV_START_SHELL:
		break;
	case OE_SRV_START_EXEC:
		return rule_command(c, s->text, err);
	case OE_SRV_START_SUBSYSTEM:
		return rule_subsystem(c, s->text, sub, err);
	}
	if (c->rule.confined)
		return oe_err_set(err, OE_EPERM, "the policy permits no shell");
	return 0;
}

void
oe_srv__session_bounds(const struct oe_srv_conn *c, struct oe_strs *ret)
{
	size_t i;

	if (c->rule.read_only)
		oe_strs_add(ret, "--read-only");
	else if (c->rule.write_only)
		oe_strs_add(ret, "--write-only");
	for (i = 0; i < c->rule.roots.n; i++) {
		oe_strs_add(ret, "--root");
		oe_strs_add(ret, c->rule.roots.v[i]);
	}
}
