/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All that a client asks for at once: the networks of the caller, each with its
 * signed directory and with what changes too often to be signed.
 */
#include <stdlib.h>
#include <string.h>

#include "control/documents.h"
#include "control/handlers.h"
#include "control/network_rows.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* A reply that has this much of directories takes no more of them. */
#define DIRECTORIES_MAX (5 << 20)
/* Room for what else is in it. */
#define REPLY_MAX (64 << 20)

/* One reply. */
struct reply {
	struct oe_ctl_call *call;
	struct oe_strs have; /* "NETWORK:TAG" that the caller has */
	struct oe_buf text;
	size_t directories; /* bytes of them so far */
	bool any;
};

/* ["dev_x","linux",1234] */
static int
live_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	struct oe_jval *v = oe_jval_array();

	(void)call;
	(void)tx;
	oe_jval_add(v, oe_jval_of_text(oe_ctl_row_text(rows, 0)));
	oe_jval_add(v, oe_jval_of_text(oe_ctl_row_text(rows, 1)));
	oe_jval_add(v, oe_jval_of_int(oe_ctl_row_int(rows, 2)));
	*ret = v;
	return 0;
}

static int
network_row(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    struct oe_ctl_rows *rows, struct oe_jval **ret)
{
	const struct oe_ctl_list list = {
	    .rows = "SELECT d.id, d.platform, d.last_seen "
		    "FROM network_devices nd "
		    "JOIN devices d ON d.id = nd.device_id "
		    "WHERE nd.network_id = ?1 ORDER BY d.id",
	    .values = OE_CTL_VALUES(oe_ctl_t(oe_ctl_row_text(rows, 0))),
	    .row = live_row,
	};
	struct oe_jval *live = oe_jval_array();
	int rc = oe_ctl_rows_each(call, tx, &list, live);

	if (rc == 0)
		rc = oe_ctl_network_row(call, tx, rows, ret);
	if (rc == 0) {
		oe_jval_set_int(*ret, "now", call->now_ms);
		oe_jval_set(*ret, "live", live);
	} else {
		oe_jval_free(&live);
	}
	return rc;
}

/* One network of a reply. */
struct item {
	struct reply *reply;
	const struct oe_jval *row;
	bool unchanged;
};

static bool
is_wanted(void *arg, const char *tag)
{
	struct item *i = arg;
	char *both =
	    oe_mem_printf("%s:%s", oe_jval_get_text(i->row, "id"), tag);

	i->unchanged = oe_strs_has(&i->reply->have, both);
	free(both);
	return !i->unchanged && i->reply->directories <= DIRECTORIES_MAX;
}

/* The document goes in as it is: it was made as JSON. */
static int
put_item(struct item *i, const struct oe_ctl_document_text *d)
{
	const char *text = d->text ? oe_ctl_text_get(d->text) : "null";
	struct oe_buf *to = &i->reply->text;
	char *open = oe_jval_dump(i->row, 0);
	int rc = 0;

	if (i->reply->any)
		rc = oe_buf_put(to, ",", 1);
	/* without its last brace */
	if (rc == 0)
		rc = oe_buf_put(to, open, strlen(open) - 1);
	if (rc == 0)
		rc = oe_buf_printf(to,
		    ",\"etag\":\"%s\",\"unchanged\":%s,\"directory\":", d->tag,
		    i->unchanged ? "true" : "false");
	if (rc == 0)
		rc = oe_buf_put(to, text, strlen(text));
	if (rc == 0)
		rc = oe_buf_put(to, "}", 1);
	if (d->text)
		i->reply->directories += strlen(text);
	i->reply->any = true;
	free(open);
	return rc;
}

static int
add_network(struct reply *r, const struct oe_jval *row)
{
	struct oe_ctl_document_text d = {.text = NULL};
	struct item i = {.reply = r, .row = row};
	int rc = oe_ctl_document_of(r->call, &oe_ctl_directory_document,
	    oe_jval_get_text(row, "id"), is_wanted, &i, &d);

	/* removed meanwhile */
	if (rc == OE_ENOENT) {
		r->call->err = (struct oe_err)OE_ERR_INIT;
		return 0;
	}
	if (rc == 0)
		rc = put_item(&i, &d);
	oe_ctl_text_drop(&d.text);
	return rc;
}

static int
networks_of(struct oe_ctl_call *call, struct oe_jval *ret)
{
	const struct oe_ctl_list list = {
	    .rows = OE_CTL_NETWORK_SELECT " ORDER BY n.created_at, n.id",
	    .values = OE_CTL_VALUES(oe_ctl_t(call->caller.id)),
	    .row = network_row,
	};
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_READ, &tx);

	if (rc == 0)
		rc = oe_ctl_rows_each(call, tx, &list, ret);
	oe_ctl_rollback(&tx);
	return rc;
}

static int
get_directories(struct oe_ctl_call *call)
{
	struct oe_jval *rows = oe_jval_array();
	struct reply r = {.call = call};
	const char *have = oe_ctl_query(call, "have");
	char *body;
	size_t i, n;
	int rc = networks_of(call, rows);

	oe_strs_split(&r.have, have ? have : "", ',');
	oe_buf_init(&r.text, REPLY_MAX);
	if (rc == 0)
		rc = oe_buf_printf(&r.text, "{\"code\":200,\"data\":[");
	for (i = 0; rc == 0 && i < oe_jval_size(rows); i++)
		rc = add_network(
		    &r, (struct oe_jval *)(uintptr_t)oe_jval_at(rows, i));
	if (rc == 0)
		rc = oe_buf_put(&r.text, "]}", 2);
	if (rc == 0) {
		n = oe_buf_left(&r.text);
		body = oe_mem_zalloc(n + 1);
		memcpy(body, oe_buf_head(&r.text), n);
		rc = oe_ctl_raw(
		    call, 200, "application/json; charset=utf-8", body, n);
	}
	oe_buf_done(&r.text);
	oe_strs_done(&r.have);
	oe_jval_free(&rows);
	return rc;
}

const struct oe_ctl_route oe_ctl_routes_directories[] = {
    {.method = "GET",
	.pattern = "/api/ssh/v1/directories",
	.need = OE_CTL_NEED_USER,
	.flags = OE_CTL_LONG,
	.fn = get_directories,
	.what = "the caller's networks with their signed directories"},
    {.method = NULL},
};
