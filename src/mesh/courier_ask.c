/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The courier's side of keeper_proto.h, and calls of the API with a login
 * whose file is the keeper's.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/login.h"
#include "mesh/courier_internal.h"

/* Certificates that a file of authorities may have. */
#define CA_MAX (4 << 20)
/* After the first refusal, and at most. */
#define REST_MS  2000
#define REST_MAX (5 * 60 * 1000)

/* --- the plan --- */

/* An empty text is none. */
static int
get(struct oe_buf *b, char **ret)
{
	int r = oe_buf_get_cstring(b, OE_KEEPER_TEXT_MAX, ret);

	if (r == 0 && !**ret)
		oe_mem_free(ret);
	return r;
}

static int
plan_texts(struct courier *k, struct oe_buf *b)
{
	char **const to[] = {&k->plan.origin, &k->plan.pin, &k->plan.network_id,
	    &k->plan.device_id, &k->plan.hardware, &k->account.token,
	    &k->plan.etag[0], &k->plan.etag[1]};
	size_t i;
	int r = 0;

	for (i = 0; i < OE_ARRAY_LEN(to) && r == 0; i++)
		r = get(b, to[i]);
	return r == 0 && k->plan.origin && k->plan.network_id &&
		       k->plan.device_id
		   ? 0
		   : OE_EPROTO;
}

static int
plan_flags(struct courier *k, struct oe_buf *b)
{
	uint8_t key, level, format, journal;

	if (oe_buf_get_u8(b, &key) < 0 || oe_buf_get_u8(b, &level) < 0 ||
	    oe_buf_get_u8(b, &format) < 0 || oe_buf_get_u8(b, &journal) < 0)
		return OE_EPROTO;
	k->plan.key = key;
	oe_log_setup(
	    (enum oe_log_level)level, (enum oe_log_format)format, -1, journal);
	return 0;
}

static int
plan_numbers(struct courier *k, struct oe_buf *b, uint64_t *ret_sent)
{
	uint64_t interval;
	uint32_t uid, gid, port, n;
	uint8_t root;
	char *line;

	if (oe_buf_get_u64(b, &interval) < 0 ||
	    oe_buf_get_u64(b, ret_sent) < 0 || oe_buf_get_u32(b, &uid) < 0 ||
	    oe_buf_get_u32(b, &gid) < 0 || oe_buf_get_u8(b, &root) < 0 ||
	    oe_buf_get_u32(b, &port) < 0 || oe_buf_get_u32(b, &n) < 0)
		return OE_EPROTO;
	k->plan.interval_ms = (int64_t)interval;
	k->plan.uid = uid;
	k->plan.gid = gid;
	k->plan.root = root;
	k->plan.port = (int)port;
	for (; n; n--) {
		if (oe_buf_get_cstring(b, OE_KEEPER_TEXT_MAX, &line) < 0)
			return OE_EPROTO;
		oe_strs_add_take(&k->plan.host_keys, line);
	}
	return 0;
}

static int
plan_certificates(struct courier *k, int fd, struct oe_err *err)
{
	struct oe_buf b;
	int r;

	if (fd < 0)
		return 0;
	r = oe_fd_read_all(fd, "certificates of the API", CA_MAX, &b, err);
	oe_fd_close(&fd);
	if (r < 0)
		return r;
	k->plan.ca_pem =
	    oe_mem_strndup((const char *)oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
	return 0;
}

int
courier_hear_plan(struct courier *k, struct oe_err *err)
{
	struct oe_ipc_msg m;
	struct oe_buf *b = &m.payload;
	uint64_t sent = 0;
	int r = oe_ipc_recv(k->fd, OE_KEEPER_REPLY_MS, &m, err);

	if (r < 0)
		return r;
	if (m.type != KEEPER_PLAN || plan_texts(k, b) < 0 ||
	    plan_flags(k, b) < 0 || plan_numbers(k, b, &sent) < 0)
		r = oe_err_set(err, OE_EPROTO, "this is no plan");
	if (r == 0)
		r = oe_spool_adopt(
		    oe_ipc_msg_claim(&m, 0), sent, &k->spool, err);
	if (r == 0)
		r = plan_certificates(k, oe_ipc_msg_claim(&m, 1), err);
	oe_ipc_msg_done(&m);
	return r;
}

/* --- questions --- */

static void OE_NORETURN
courier_alone(const struct oe_err *err)
{
	oe_log_debug(NULL, "control API: the keeper: %s", oe_err_text(err));
	_exit(0);
}

/* The next message; nothing can be done without one. */
static void
courier_hear(struct courier *k, struct oe_ipc_msg *ret)
{
	struct oe_err err = OE_ERR_INIT;

	if (oe_ipc_recv(k->fd, OE_KEEPER_REPLY_MS, ret, &err) < 0)
		courier_alone(&err);
}

static void
courier_send(struct courier *k, struct oe_ipc_msg *m)
{
	struct oe_err err = OE_ERR_INIT;

	if (oe_ipc_send(k->fd, m, &err) < 0)
		courier_alone(&err);
	oe_ipc_msg_done(m);
}

static int
reply_read(struct oe_ipc_msg *m, char **ret_text, struct oe_err *err)
{
	uint32_t status = 0;
	char *text = NULL;
	int r = 0;

	if (m->type != KEEPER_REPLY || oe_buf_get_u32(&m->payload, &status) ||
	    oe_buf_get_cstring(&m->payload, OE_KEEPER_TEXT_MAX, &text))
		r = oe_err_set(err, OE_EPROTO, "the keeper's reply is none");
	else if (status)
		r = oe_err_set(err, -(int)status, "%s", text);
	if (r == 0 && ret_text)
		*ret_text = text;
	else
		oe_mem_free_secret(&text);
	return r;
}

int
courier_ask(struct courier *k, struct oe_ipc_msg *m, char **ret_text,
    struct oe_err *err)
{
	struct oe_ipc_msg reply;
	int r;

	courier_send(k, m);
	courier_hear(k, &reply);
	r = reply_read(&reply, ret_text, err);
	oe_ipc_msg_done(&reply);
	return r;
}

/* --- the login --- */

static void
put_tokens(struct oe_ipc_msg *m, const struct oe_mesh_tokens *t)
{
	oe_ipc_msg_init(m, KEEPER_TOKENS);
	(void)oe_buf_put_cstring(&m->payload, t->token);
	(void)oe_buf_put_cstring(&m->payload, t->refresh);
	(void)oe_buf_put_u64(&m->payload, (uint64_t)t->expires_ms);
	(void)oe_buf_put_u8(&m->payload, t->oauth);
}

static bool
is_resting(const struct courier_pause *p)
{
	return oe_time_mono_ms() < p->until_ms;
}

/* What no API has answered is asked again as anything else is. */
static void
rest(struct courier_pause *p, int r, const struct oe_err *err)
{
	if (r == OE_ECLOSED || r == OE_ETIMEOUT)
		return;
	p->ms = r < 0 ? p->ms * 2 + REST_MS : 0;
	if (p->ms > REST_MAX)
		p->ms = REST_MAX;
	p->until_ms = oe_time_mono_ms() + p->ms;
	p->why = *err;
}

/* The keeper holds the lock, and waits for what comes of it. */
static void
renew_refresh(
    struct courier *k, struct oe_mesh_api *api, struct oe_ipc_msg *asked)
{
	struct oe_mesh_tokens t = {0};
	struct oe_err err = OE_ERR_INIT;
	struct oe_ipc_msg m;
	char *refresh = NULL;
	uint8_t oauth = 0;
	int r = OE_EPROTO;

	if (oe_buf_get_cstring(&asked->payload, OE_MESH_TOKEN_MAX, &refresh) ==
		0 &&
	    oe_buf_get_u8(&asked->payload, &oauth) == 0)
		r = oe_mesh_login_refresh(api, refresh, oauth, &t, &err);
	rest(&k->renewal, r, &err);
	if (r == 0) {
		put_tokens(&m, &t);
	} else {
		oe_ipc_msg_init(&m, KEEPER_FAILED);
		(void)oe_buf_put_u32(&m.payload, (uint32_t)-r);
	}
	courier_send(k, &m);
	oe_mesh_tokens_done(&t);
	oe_mem_free_secret(&refresh);
}

int
courier_renew(
    void *arg, struct oe_mesh_api *api, const char *refused, struct oe_err *err)
{
	struct courier *k = arg;
	struct oe_ipc_msg m;
	char *token = NULL;
	int r;

	oe_ipc_msg_init(&m, KEEPER_RENEW);
	(void)oe_buf_put_cstring(&m.payload, refused);
	(void)oe_buf_put_u8(&m.payload, !is_resting(&k->renewal));
	courier_send(k, &m);
	courier_hear(k, &m);
	if (m.type == KEEPER_REFRESH) {
		renew_refresh(k, api, &m);
		oe_ipc_msg_done(&m);
		courier_hear(k, &m);
	}
	r = reply_read(&m, &token, err);
	oe_ipc_msg_done(&m);
	if (r == 0) {
		oe_mem_free_secret(&k->account.token);
		k->account.token = token;
	} else if (is_resting(&k->renewal)) {
		*err = k->renewal.why;
		r = oe_err_wrap(err, err->code, "renew the login");
	}
	return r;
}

static int
courier_login(struct courier *k, struct oe_err *err)
{
	struct oe_mesh_tokens t = {0};
	struct oe_ipc_msg m;
	char *key = NULL;
	int r;

	if (is_resting(&k->login)) {
		*err = k->login.why;
		return err->code;
	}
	oe_ipc_msg_init(&m, KEEPER_LOGIN);
	r = courier_ask(k, &m, &key, err);
	if (r == 0) {
		r = oe_mesh_login_key(k->api, key, &t, err);
		if (r < 0)
			oe_err_wrap(err, r, "log in by security key");
		rest(&k->login, r, err);
	}
	oe_mem_free_secret(&key);
	if (r == 0) {
		put_tokens(&m, &t);
		r = courier_ask(k, &m, NULL, err);
	}
	if (r == 0) {
		oe_mem_free_secret(&k->account.token);
		k->account.token = t.token;
		t.token = NULL;
		/* what came with it may be used when it is due */
		k->renewal = (struct courier_pause){.ms = 0};
	}
	oe_mesh_tokens_done(&t);
	return r;
}

int
courier_call(struct courier *k, const struct oe_mesh_call *call,
    struct oe_mesh_answer *ret, struct oe_err *err)
{
	int r = oe_mesh_api_call(k->api, call, ret, err);

	if (r != OE_EAUTH || !k->plan.key)
		return r;
	oe_mesh_answer_done(ret);
	memset(ret, 0, sizeof *ret);
	r = courier_login(k, err);
	return r < 0 ? r : oe_mesh_api_call(k->api, call, ret, err);
}
