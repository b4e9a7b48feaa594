/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy and directory: asked for, taken apart, and given to the keeper, who
 * decides whether they are to be believed.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/mesh/signed.h"
#include "mesh/courier_internal.h"

/* Of one message; the queue between the two holds a few. */
#define PART_MAX 65536

static int
document_same(struct courier *k, enum oe_keeper_kind kind, struct oe_err *err)
{
	struct oe_ipc_msg m;

	oe_ipc_msg_init(&m, KEEPER_SAME);
	(void)oe_buf_put_u8(&m.payload, (uint8_t)kind);
	return courier_ask(k, &m, NULL, err);
}

static int
document_parts(
    struct courier *k, const struct oe_signed_parts *p, struct oe_err *err)
{
	struct oe_ipc_msg m;
	size_t at, n;
	int r = 0;

	for (at = 0; at < p->n && r == 0; at += n) {
		n = p->n - at < PART_MAX ? p->n - at : PART_MAX;
		oe_ipc_msg_init(&m, KEEPER_PART);
		(void)oe_buf_put(&m.payload, p->payload + at, n);
		r = oe_ipc_send(k->fd, &m, err);
		oe_ipc_msg_done(&m);
	}
	return r;
}

static int
document_new(struct courier *k, enum oe_keeper_kind kind,
    const struct oe_mesh_answer *ans, struct oe_err *err)
{
	struct oe_signed_parts p = {0};
	struct oe_ipc_msg m;
	int r = oe_signed_split(ans->text, ans->len, &p, err);

	if (r == 0)
		r = document_parts(k, &p, err);
	if (r == 0) {
		oe_ipc_msg_init(&m, KEEPER_DOCUMENT);
		(void)oe_buf_put_u8(&m.payload, (uint8_t)kind);
		(void)oe_buf_put_string(
		    &m.payload, p.signature, sizeof p.signature);
		(void)oe_buf_put_string(&m.payload, p.key, sizeof p.key);
		(void)oe_buf_put_cstring(&m.payload, ans->etag);
		r = courier_ask(k, &m, NULL, err);
	}
	if (r == 0) {
		oe_mem_free(&k->plan.etag[kind]);
		if (*ans->etag)
			k->plan.etag[kind] = oe_mem_strdup(ans->etag);
	}
	oe_signed_parts_done(&p);
	return r;
}

static int
document_fetch(struct courier *k, enum oe_keeper_kind kind, struct oe_err *err)
{
	const char *name = oe_keeper_name(kind);
	char *network = oe_mesh_encode(k->plan.network_id);
	char *url = oe_mem_printf("/%s?network_id=%s", name, network);
	const struct oe_mesh_call call = {.part = OE_MESH_SSH,
	    .path = url,
	    .if_none_match = k->plan.etag[kind],
	    .max = kind == OE_KEEPER_DIRECTORY ? OE_KEEPER_DIRECTORY_MAX
					       : OE_KEEPER_POLICY_MAX};
	struct oe_mesh_answer ans = {0};
	int r = courier_call(k, &call, &ans, err);

	if (r == 0 && ans.status == 304 && k->plan.etag[kind])
		r = document_same(k, kind, err);
	else if (r == 0)
		r = document_new(k, kind, &ans, err);
	oe_mesh_answer_done(&ans);
	free(url);
	free(network);
	return r;
}

int
courier_directory(struct courier *k, struct oe_err *err)
{
	return document_fetch(k, OE_KEEPER_DIRECTORY, err);
}

int
courier_policy(struct courier *k, struct oe_err *err)
{
	return document_fetch(k, OE_KEEPER_POLICY, err);
}
