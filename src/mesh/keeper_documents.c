/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy and directory: asked for, checked, kept.  What does not stand the
 * checks changes nothing, loudly.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/policy.h"
#include "core/mesh/signed.h"
#include "mesh/keeper_internal.h"
#include "mesh/roster.h"

static int
document_check(const char *kind, const struct oe_signed *d, struct oe_err *err)
{
	struct oe_policy *policy = NULL;
	struct oe_roster *roster = NULL;
	int r;

	if (!strcmp(kind, "policy"))
		r = oe_policy_parse_value(
		    oe_jval_get(d->payload, "policy"), NULL, &policy, err);
	else
		r = oe_roster_read(d->payload, &roster, err);
	oe_policy_free(&policy);
	oe_roster_free(&roster);
	return r;
}

static int
document_new(const char *kind, const char *path,
    const struct oe_mesh_answer *ans, const struct oe_signed_expect *e,
    struct oe_err *err)
{
	struct oe_signed d = {0};
	int r = oe_signed_read(ans->text, ans->len, e, &d, err);

	if (r == 0)
		r = document_check(kind, &d, err);
	if (r < 0)
		return oe_err_wrap(err, r, "what it says is REFUSED");
	r = oe_signed_store(path, &d, e, ans->when_ms, ans->etag, err);
	if (r == 0 && d.version != e->version)
		oe_log_info(NULL, "control API: %s of version %llu", kind,
		    (unsigned long long)d.version);
	oe_signed_done(&d);
	return r;
}

static int
document_fetch(struct keeper *k, const char *kind, struct oe_err *err)
{
	char *network = oe_mesh_encode(k->plan->network_id);
	char *url = oe_mem_printf("/%s?network_id=%s", kind, network);
	char *path = oe_keeper_path(k->plan, kind);
	struct oe_mesh_call call = {.part = OE_MESH_SSH,
	    .path = url,
	    .max = strcmp(kind, "policy") ? OE_KEEPER_DIRECTORY_MAX
					  : OE_KEEPER_POLICY_MAX};
	struct oe_signed_expect e = {.public_key = k->plan->signing_key,
	    .kind = kind,
	    .network_id = k->plan->network_id,
	    .now_ms = oe_time_wall_ms()};
	struct oe_signed_cached had = {.doc = {0}};
	struct oe_mesh_answer ans = {0};
	bool have = oe_signed_load(path, &e, &had, NULL) == 0;
	int r;

	if (have) {
		e.version = had.doc.version;
		call.if_none_match = had.etag;
	}
	r = keeper_call(k, &call, &ans, err);
	e.now_ms = oe_time_wall_ms();
	if (r == 0 && ans.status == 304 && have)
		r = oe_signed_store(
		    path, &had.doc, &e, ans.when_ms, had.etag, err);
	else if (r == 0)
		r = document_new(kind, path, &ans, &e, err);
	oe_mesh_answer_done(&ans);
	oe_signed_cached_done(&had);
	free(path);
	free(url);
	free(network);
	return r;
}

/* One of them is better than none: who was removed is out. */
static int
document_renew(struct keeper *k, const char *kind, struct oe_err *err)
{
	const struct oe_keeper_note note = {.what = OE_KEEPER_DOCUMENTS};
	int r = document_fetch(k, kind, err);

	keeper_tell(k, &note);
	return r;
}

int
keeper_directory(struct keeper *k, struct oe_err *err)
{
	return document_renew(k, "directory", err);
}

int
keeper_policy(struct keeper *k, struct oe_err *err)
{
	return document_renew(k, "policy", err);
}
