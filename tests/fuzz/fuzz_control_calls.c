/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of control-server, with a store behind them, by its administrator: up
 * to eight, with a NUL between two.  Each is a line "METHOD TARGET" and, behind
 * it, the body; "@n", "@d" and "@u" are the ids of a network, a device in it
 * and the user.  No call may fail inside, and what it replies is whole.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/auth.h"
#include "control/conn.h"
#include "control/routes.h"
#include "control/server.h"
#include "control/store.h"
#include "control/store_auth.h"
#include "core/base/buf.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define CALLS_MAX  8
#define INPUTS_MAX 2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct oe_ctl_server srv;
	char folder[64];
	char *token, *network, *device, *user;
};

static void
need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz_control_calls: %s\n", what);
	abort();
}

/* @text with ids in the place of their signs; free() it. */
static char *
with_ids(const struct world *w, const char *text, size_t n)
{
	struct oe_buf b;
	const char *id;
	char *ret;
	size_t i;

	oe_buf_init(&b, 32 * n + 1);
	for (i = 0; i < n; i++) {
		id = NULL;
		if (text[i] == '@' && i + 1 < n)
			id = text[i + 1] == 'n'   ? w->network
			     : text[i + 1] == 'd' ? w->device
			     : text[i + 1] == 'u' ? w->user
						  : NULL;
		if (id)
			i++;
		(void)!oe_buf_put(&b, id ? id : text + i, id ? strlen(id) : 1);
	}
	ret = oe_mem_strndup((const char *)oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
	return ret;
}

/* A reply that is not a failure of ours, with whole JSON in it. */
static void
check(const struct oe_ctl_request *r, char **ret_id)
{
	char *out = oe_mem_strndup(r->out, r->out_len), *body, *id;
	struct oe_jval *v = NULL;

	need(r->out_len > 0 && strlen(out) == r->out_len, "a NUL in a reply");
	need(r->status != 500, out);
	body = strstr(out, "\r\n\r\n");
	need(body != NULL, "a reply without an end of its head");
	body += 4;
	if (strstr(out, "application/json") && *body) {
		need(oe_jval_parse(body, strlen(body), &v, NULL) == 0, out);
		oe_jval_free(&v);
	}
	id = strstr(body, "\"id\":\"");
	if (ret_id && id)
		*ret_id = oe_mem_strndup(id + 6, strcspn(id + 6, "\""));
	free(out);
}

static void
call(struct world *w, const char *text, size_t n, char **ret_id)
{
	const char *line = memchr(text, '\n', n);
	size_t head = line ? (size_t)(line - text) : n;
	char *target = with_ids(w, text, head);
	char *body =
	    line ? with_ids(w, line + 1, n - head - 1) : oe_mem_strdup("");
	char *raw = oe_mem_printf("%s HTTP/1.1\r\nHost: x\r\n"
				  "Authorization: Bearer %s\r\n"
				  "Content-Type: application/%sjson\r\n"
				  "Content-Length: %zu\r\n\r\n%s",
	    target, w->token, strstr(target, "/events") ? "x-nd" : "",
	    strlen(body), body);
	struct oe_ctl_request *r;
	struct oe_ctl_conn c;

	oe_ctl_conn_init(&c, oe_ctl_routes);
	if (strlen(raw) <= OE_CTL_CONN_READ_MAX)
		(void)!oe_ctl_conn_feed(&c, raw, strlen(raw));
	while ((r = oe_ctl_conn_next(&c)) != NULL) {
		(void)oe_str_copy(r->address, sizeof r->address, "127.0.0.1");
		oe_ctl_dispatch(&w->srv, r);
		check(r, ret_id);
		oe_ctl_conn_answered(&c, r->close);
		oe_ctl_request_free(&r);
	}
	oe_ctl_conn_done(&c);
	free(raw);
	free(body);
	free(target);
}

static char *
made(struct world *w, const char *text)
{
	char *id = NULL;

	call(w, text, strlen(text), &id);
	need(id != NULL, text);
	return id;
}

static void
open_store(struct world *w)
{
	const struct oe_ctl_auth_plan plan = {86400, 86400, 1};
	struct oe_ctl_pair_of_tokens pair = {.access = NULL};
	struct oe_ctl_user u = {.server_admin = true,
	    .id = "usr_01234567890123456789",
	    .email = "a@example.org",
	    .password = "!"};
	struct oe_ctl_call first = {.server = &w->srv, .err = OE_ERR_INIT};
	struct oe_err err = OE_ERR_INIT;
	char *path = oe_mem_printf("%s/store.db", w->folder);

	need(!oe_ctl_store_open(path, &w->srv.store, &err), oe_err_text(&err));
	first.store = w->srv.store;
	first.now_ms = oe_time_wall_ms();
	need(!oe_ctl_store_user_add(w->srv.store, &u, first.now_ms, &err),
	    oe_err_text(&err));
	need(!oe_ctl_auth_new(w->srv.store, &plan, &w->srv.auth, &err),
	    oe_err_text(&err));
	need(!oe_ctl_auth_issue(&first, &u, NULL, &pair),
	    oe_err_text(&first.err));
	w->token = oe_mem_strdup(pair.access);
	w->user = oe_mem_strdup(u.id);
	oe_ctl_auth_pair_done(&pair);
	free(path);
}

static void
close_world(struct world *w)
{
	char *line = oe_mem_printf("rm -rf '%s'", w->folder);

	oe_ctl_store_close(&w->srv.store);
	oe_ctl_auth_free(&w->srv.auth);
	free(w->srv.host);
	free(w->srv.public_url);
	free(w->token);
	free(w->network);
	free(w->device);
	free(w->user);
	need(system(line) == 0, line);
	free(line);
}

static void close_last(void);

static void
open_world(struct world *w)
{
	char *join;

	/* in memory, if there is such a place: nothing of it has to last */
	strcpy(w->folder, "/dev/shm/oe-fuzz.XXXXXX");
	if (!mkdtemp(w->folder)) {
		strcpy(w->folder, "/tmp/oe-fuzz.XXXXXX");
		need(mkdtemp(w->folder) != NULL, "a folder");
	}
	w->srv.routes = oe_ctl_routes;
	w->srv.events.fd = -1;
	w->srv.host = oe_mem_strdup("host");
	w->srv.public_url = oe_mem_strdup("https://host");
	w->srv.started_ms = oe_time_wall_ms();
	open_store(w);
	w->network = made(w, "POST /api/v2/virtual-networks\n"
			     "{\"name\":\"n\",\"ip_range\":\"10.0.0.0/16\"}");
	w->device = made(w, "POST /api/v2/devices\n{\"name\":\"d\","
			    "\"hardware_uuid\":\"h\",\"platform\":\"l\"}");
	join = oe_mem_strdup("POST /api/v2/virtual-networks/@n/devices/@d\n");
	call(w, join, strlen(join), NULL);
	free(join);
	(void)atexit(close_last);
}

/* To make it takes as long as a thousand calls: it serves that many inputs. */
static struct world *
world_of_inputs(bool last)
{
	static struct world w;
	static unsigned inputs;

	if (inputs && (last || inputs == INPUTS_MAX)) {
		close_world(&w);
		memset(&w, 0, sizeof w);
		inputs = 0;
	}
	if (!last && inputs++ == 0)
		open_world(&w);
	return &w;
}

static void
close_last(void)
{
	(void)world_of_inputs(true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end;
	struct world *w = world_of_inputs(false);
	size_t i, n;

	for (i = 0; i < CALLS_MAX && size; i++) {
		end = memchr(p, 0, size);
		n = end ? (size_t)(end - p) : size;
		call(w, p, n, NULL);
		n += end != NULL;
		p += n;
		size -= n;
	}
	return 0;
}
