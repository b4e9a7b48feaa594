/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that wait on disk: sent in batches, and given up only when the API
 * has them.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "mesh/courier_internal.h"

/* What an API takes at a time. */
#define BATCH_LINES 1000
#define BATCH_BYTES (1000 * 1000)

struct batch {
	struct oe_buf text;
	size_t lines, broken;
	uint64_t end;
};

/* {"uid":"...", and what was written; a line that was cut is no event. */
static bool
batch_add(struct batch *b, const struct oe_spool_line *l)
{
	struct oe_jval *v = NULL;
	bool good = l->n && l->text[0] == '{' &&
		    oe_jval_parse(l->text, l->n, &v, NULL) == 0 &&
		    oe_jval_kind(v) == OE_JVAL_OBJECT && oe_jval_size(v) > 0;

	oe_jval_free(&v);
	if (!good) {
		b->broken++;
		b->end = l->end;
		return true;
	}
	if (l->n + OE_SPOOL_UID_MAX + 16 > oe_buf_room(&b->text))
		return false;
	(void)oe_buf_printf(&b->text, "{\"uid\":\"%s\",", l->uid);
	(void)oe_buf_put(&b->text, l->text + 1, l->n - 1);
	(void)oe_buf_put_u8(&b->text, '\n');
	b->lines++;
	b->end = l->end;
	return true;
}

/* Some were refused: all of them is a reason to wait, some are not. */
static int
batch_judge(const struct oe_mesh_answer *ans, struct oe_err *err)
{
	const struct oe_jval *refused = oe_jval_get(ans->data, "refused");
	const char *why;

	if (!oe_jval_size(refused))
		return 0;
	why = oe_jval_get_text(oe_jval_at(refused, 0), "why");
	if (oe_jval_get_int(ans->data, "accepted", 0) +
		oe_jval_get_int(ans->data, "duplicates", 0) ==
	    0)
		return oe_err_set(err, OE_EPERM, "the API refuses them: %s",
		    why ? why : "it does not say why");
	oe_log_error(NULL,
	    "control API: %zu events were REFUSED and stay in the log only: %s",
	    oe_jval_size(refused), why ? why : "it does not say why");
	return 0;
}

static int
batch_send(struct courier *k, const struct batch *b, struct oe_err *err)
{
	char *device = oe_mesh_encode(k->plan.device_id);
	char *network = oe_mesh_encode(k->plan.network_id);
	char *url = oe_mem_printf(
	    "/events?device_id=%s&network_id=%s", device, network);
	const struct oe_mesh_call call = {
	    .method = "POST",
	    .part = OE_MESH_SSH,
	    .path = url,
	    .raw = (const char *)oe_buf_head(&b->text),
	    .raw_len = oe_buf_left(&b->text),
	    .raw_type = "application/x-ndjson",
	    .again = true,
	};
	struct oe_mesh_answer ans = {0};
	int r = courier_call(k, &call, &ans, err);

	if (r == 0)
		r = batch_judge(&ans, err);
	oe_mesh_answer_done(&ans);
	free(url);
	free(network);
	free(device);
	return r;
}

/* First the keeper, whose word is on disk. */
static int
batch_sent(struct courier *k, uint64_t end, struct oe_err *err)
{
	struct oe_ipc_msg m;
	int r;

	oe_ipc_msg_init(&m, KEEPER_SENT);
	(void)oe_buf_put_u64(&m.payload, end);
	r = courier_ask(k, &m, NULL, err);
	return r < 0 ? r : oe_spool_commit(&k->spool, end, err);
}

int
courier_events(struct courier *k, struct oe_err *err)
{
	struct oe_spool_line line;
	struct batch b = {.end = 0};
	int r;

	if (oe_spool_waits(&k->spool) == 0)
		return 0;
	(void)oe_spool_sync(&k->spool);
	r = oe_spool_rewind(&k->spool, err);
	if (r < 0)
		return r;
	oe_buf_init(&b.text, BATCH_BYTES);
	while (b.lines < BATCH_LINES && oe_spool_next(&k->spool, &line) &&
	       batch_add(&b, &line))
		continue;
	if (b.lines)
		r = batch_send(k, &b, err);
	oe_buf_done(&b.text);
	if (r < 0 || !b.end)
		return r;
	if (b.broken)
		oe_log_error(NULL,
		    "%zu lines of the spool were cut by a crash and are no "
		    "events",
		    b.broken);
	r = batch_sent(k, b.end, err);
	return r == 0 && oe_spool_waits(&k->spool) ? OE_EAGAIN : r;
}
