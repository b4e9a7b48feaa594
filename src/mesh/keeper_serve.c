/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the courier asks for.  It may be anybody's: sizes are bounded, what it
 * brings is believed by its signature alone, and one that breaks the rules
 * is ended.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/mesh/login.h"
#include "core/mesh/policy.h"
#include "core/mesh/signed.h"
#include "mesh/common.h"
#include "mesh/keeper_internal.h"
#include "mesh/roster.h"

/* --- what it begins with --- */

static struct oe_signed_expect
keeper_expect(const struct keeper *k, enum oe_keeper_kind kind)
{
	struct oe_signed_expect e = {.public_key = k->plan->signing_key,
	    .kind = oe_keeper_name(kind),
	    .network_id = k->plan->network_id,
	    .version = k->version[kind],
	    .now_ms = oe_time_wall_ms()};

	return e;
}

void
keeper_load_documents(struct keeper *k)
{
	struct oe_signed_cached c;
	struct oe_signed_expect e;
	enum oe_keeper_kind kind;
	char *path;

	for (kind = 0; kind < OE_KEEPER_KINDS; kind++) {
		path = oe_keeper_path(k->plan, oe_keeper_name(kind));
		e = keeper_expect(k, kind);
		if (oe_signed_load(path, &e, &c, NULL) == 0) {
			k->version[kind] = c.doc.version;
			k->etag[kind] = oe_mem_strdup(c.etag);
			oe_signed_cached_done(&c);
		}
		free(path);
	}
}

static void
plan_put(const struct keeper *k, struct oe_buf *b)
{
	const struct oe_keeper_plan *p = k->plan;
	size_t i;

	(void)oe_buf_put_cstring(b, p->origin);
	(void)oe_buf_put_cstring(b, k->account.pin);
	(void)oe_buf_put_cstring(b, p->network_id);
	(void)oe_buf_put_cstring(b, p->device_id);
	(void)oe_buf_put_cstring(b, p->hardware);
	(void)oe_buf_put_cstring(b, k->account.token);
	for (i = 0; i < OE_KEEPER_KINDS; i++)
		(void)oe_buf_put_cstring(b, k->etag[i]);
	(void)oe_buf_put_u8(b, p->key_file != NULL);
	(void)oe_buf_put_u8(b, (uint8_t)p->level);
	(void)oe_buf_put_u8(b, (uint8_t)p->format);
	(void)oe_buf_put_u8(b, p->journal);
	(void)oe_buf_put_u64(b, (uint64_t)p->interval_ms);
	(void)oe_buf_put_u64(b, k->spool.sent);
	(void)oe_buf_put_u32(b, p->uid);
	(void)oe_buf_put_u32(b, p->gid);
	(void)oe_buf_put_u8(b, p->root);
	(void)oe_buf_put_u32(b, (uint32_t)p->port);
	(void)oe_buf_put_u32(b, (uint32_t)p->host_keys.n);
	for (i = 0; i < p->host_keys.n; i++)
		(void)oe_buf_put_cstring(b, p->host_keys.v[i]);
}

int
keeper_send_plan(struct keeper *k, struct oe_err *err)
{
	const char *ca = k->account.ca_file;
	struct oe_ipc_msg m;
	int r;

	oe_ipc_msg_init(&m, KEEPER_PLAN);
	plan_put(k, &m.payload);
	r = oe_spool_reader(k->plan->folder, &m.fds[0], err);
	if (r == 0)
		m.nfds = 1;
	if (r == 0 && ca) {
		m.fds[1] = open(ca, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (m.fds[1] >= 0)
			m.nfds = 2;
		else
			r = oe_err_sys(err, "open '%s'", ca);
	}
	if (r == 0)
		r = oe_ipc_send(k->courier_fd, &m, err);
	oe_ipc_msg_done(&m);
	oe_buf_init(&k->payload, OE_KEEPER_DIRECTORY_MAX);
	return r;
}

static int
keeper_reply(struct keeper *k, int status, const char *text, struct oe_err *err)
{
	struct oe_ipc_msg m;
	int r;

	oe_ipc_msg_init(&m, KEEPER_REPLY);
	(void)oe_buf_put_u32(&m.payload, (uint32_t)-status);
	(void)oe_buf_put_cstring(&m.payload, text);
	r = oe_ipc_send(k->courier_fd, &m, err);
	oe_ipc_msg_done(&m);
	return r;
}

/* --- documents --- */

static int
document_check(
    enum oe_keeper_kind kind, const struct oe_signed *d, struct oe_err *err)
{
	struct oe_policy *policy = NULL;
	struct oe_roster *roster = NULL;
	int r;

	if (kind == OE_KEEPER_POLICY)
		r = oe_policy_parse_value(
		    oe_jval_get(d->payload, "policy"), NULL, &policy, err);
	else
		r = oe_roster_read(d->payload, &roster, err);
	oe_policy_free(&policy);
	oe_roster_free(&roster);
	return r;
}

static int
document_keep(struct keeper *k, enum oe_keeper_kind kind,
    const struct oe_signed_parts *parts, const char *etag, struct oe_err *err)
{
	struct oe_keeper_note n = {.what = OE_KEEPER_NEW, .kind = kind};
	struct oe_signed_expect e = keeper_expect(k, kind);
	char *path = oe_keeper_path(k->plan, e.kind);
	struct oe_signed d = {0};
	int r = oe_signed_believe(parts, &e, &d, err);

	if (r == 0)
		r = document_check(kind, &d, err);
	if (r < 0)
		oe_err_wrap(err, r, "what it says is REFUSED");
	else
		r = oe_signed_store(path, &d, &e, oe_time_wall_ms(), etag, err);
	if (r == 0) {
		if (d.version != e.version)
			oe_log_info(NULL, "control API: %s of version %llu",
			    e.kind, (unsigned long long)d.version);
		n.version = k->version[kind] = d.version;
		keeper_tell(k, &n);
	}
	oe_signed_done(&d);
	free(path);
	return r;
}

static int
take_kind(struct oe_buf *b, enum oe_keeper_kind *ret)
{
	uint8_t kind;

	if (oe_buf_get_u8(b, &kind) < 0 || kind >= OE_KEEPER_KINDS)
		return OE_EPROTO;
	*ret = (enum oe_keeper_kind)kind;
	return 0;
}

static bool
take_bytes(struct oe_buf *b, uint8_t *to, size_t n)
{
	struct oe_buf s;

	if (oe_buf_get_string(b, &s) < 0 || oe_buf_left(&s) != n)
		return false;
	memcpy(to, oe_buf_head(&s), n);
	return true;
}

static int
serve_document(struct keeper *k, struct oe_buf *b, struct oe_err *err)
{
	struct oe_signed_parts parts = {0};
	struct oe_err why = OE_ERR_INIT;
	enum oe_keeper_kind kind = 0;
	char *etag = NULL;
	int r = OE_EPROTO;

	if (take_kind(b, &kind) < 0 ||
	    !take_bytes(b, parts.signature, sizeof parts.signature) ||
	    !take_bytes(b, parts.key, sizeof parts.key) ||
	    oe_buf_get_cstring(b, OE_KEEPER_TEXT_MAX, &etag) < 0)
		return OE_EPROTO;
	/* a text has no NUL inside: what is behind one was not signed for */
	parts.n = oe_buf_left(&k->payload);
	parts.payload =
	    oe_mem_strndup((const char *)oe_buf_head(&k->payload), parts.n);
	oe_buf_done(&k->payload);
	oe_buf_init(&k->payload, OE_KEEPER_DIRECTORY_MAX);
	if (strlen(parts.payload) == parts.n)
		r = document_keep(k, kind, &parts, etag, &why);
	r = keeper_reply(k, r, oe_err_text(&why), err);
	oe_signed_parts_done(&parts);
	free(etag);
	return r;
}

static int
serve_part(struct keeper *k, const struct oe_buf *b)
{
	return oe_buf_put(&k->payload, oe_buf_head(b), oe_buf_left(b)) < 0
		   ? OE_EPROTO
		   : 0;
}

static int
serve_same(struct keeper *k, struct oe_buf *b, struct oe_err *err)
{
	struct oe_keeper_note n = {.what = OE_KEEPER_SAME};
	struct oe_err why = OE_ERR_INIT;
	enum oe_keeper_kind kind = 0;
	char *path;
	int r;

	if (take_kind(b, &kind) < 0 || !k->version[kind])
		return OE_EPROTO;
	path = oe_keeper_path(k->plan, oe_keeper_name(kind));
	r = oe_signed_confirm(path, k->version[kind], oe_time_wall_ms(), &why);
	free(path);
	n.kind = kind;
	n.version = k->version[kind];
	keeper_tell(k, &n);
	return keeper_reply(k, r, oe_err_text(&why), err);
}

/* --- orders, events --- */

static int
serve_order(struct keeper *k, struct oe_buf *b, struct oe_err *err)
{
	struct oe_keeper_note n = {.what = OE_KEEPER_ORDER};
	char *conn = NULL;

	if (oe_buf_get_cstring(b, sizeof n.conn - 1, &conn) < 0)
		return OE_EPROTO;
	(void)oe_str_copy(n.conn, sizeof n.conn, conn);
	free(conn);
	keeper_tell(k, &n);
	return keeper_reply(k, 0, NULL, err);
}

static int
serve_sent(struct keeper *k, struct oe_buf *b, struct oe_err *err)
{
	struct oe_err why = OE_ERR_INIT;
	uint64_t end;
	int r;

	if (oe_buf_get_u64(b, &end) < 0)
		return OE_EPROTO;
	r = oe_spool_commit(&k->spool, end, &why);
	return keeper_reply(k, r, oe_err_text(&why), err);
}

/* --- the login --- */

/*
 * What no file can be read with is not saved: the keeper would not start again,
 * and a security key would be of no use.
 */
static int
take_tokens(struct oe_buf *b, struct oe_mesh_tokens *ret)
{
	uint64_t expires;
	uint8_t oauth;

	*ret = (struct oe_mesh_tokens){NULL};
	if (oe_buf_get_cstring(b, OE_MESH_TOKEN_MAX, &ret->token) < 0 ||
	    oe_buf_get_cstring(b, OE_MESH_TOKEN_MAX, &ret->refresh) < 0 ||
	    oe_buf_get_u64(b, &expires) < 0 || expires > INT64_MAX ||
	    oe_buf_get_u8(b, &oauth) < 0 || !oe_mesh_token_fits(ret->token) ||
	    (*ret->refresh && !oe_mesh_token_fits(ret->refresh))) {
		oe_mesh_tokens_done(ret);
		return OE_EPROTO;
	}
	if (!*ret->refresh)
		oe_mem_free_secret(&ret->refresh);
	ret->expires_ms = (int64_t)expires;
	ret->oauth = oauth;
	return 0;
}

/* As struct oe_mesh_renewer has it: under the lock of the login. */
static int
renew_ask(void *arg, const char *refresh, bool oauth,
    struct oe_mesh_tokens *ret, struct oe_err *err)
{
	struct keeper *k = arg;
	struct oe_ipc_msg m;
	uint32_t status;
	int r;

	oe_ipc_msg_init(&m, KEEPER_REFRESH);
	(void)oe_buf_put_cstring(&m.payload, refresh);
	(void)oe_buf_put_u8(&m.payload, oauth);
	r = oe_ipc_send(k->courier_fd, &m, err);
	oe_ipc_msg_done(&m);
	if (r == 0)
		r = oe_ipc_recv(k->courier_fd, OE_KEEPER_REPLY_MS, &m, err);
	if (r < 0)
		return r;
	if (m.type == KEEPER_TOKENS)
		r = take_tokens(&m.payload, ret);
	else if (m.type == KEEPER_FAILED &&
		 oe_buf_get_u32(&m.payload, &status) == 0 && status &&
		 status < 256)
		r = -(int)status;
	else
		r = OE_EPROTO;
	oe_ipc_msg_done(&m);
	return r < 0 ? oe_err_set(err, r, "no new token came") : 0;
}

/* Somebody may have logged in anew. */
static int
renew_look(struct keeper *k, const char *refused, struct oe_err *err)
{
	struct oe_mesh_account now = {0};
	int r = oe_mesh_account_load(k->account.path, &now, err);

	if (r == 0 && (!oe_str_eq(now.origin, k->account.origin) ||
			  oe_str_eq(now.token, refused)))
		r = oe_err_set(err, OE_EAUTH, "there is no other token");
	if (r == 0) {
		oe_mesh_account_done(&k->account);
		k->account = now;
	} else {
		oe_mesh_account_done(&now);
	}
	return r;
}

static int
serve_renew(struct keeper *k, struct oe_buf *b, struct oe_err *err)
{
	const struct oe_mesh_renewer by = {renew_ask, k};
	struct oe_err why = OE_ERR_INIT;
	char *refused = NULL;
	uint8_t may = 0;
	int r;

	if (oe_buf_get_cstring(b, OE_MESH_TOKEN_MAX, &refused) < 0)
		return OE_EPROTO;
	if (oe_buf_get_u8(b, &may) < 0)
		r = OE_EPROTO;
	else if (may)
		r = oe_mesh_account_renew(&k->account, &by, refused, &why);
	else
		r = renew_look(k, refused, &why);
	oe_mem_free_secret(&refused);
	return keeper_reply(
	    k, r, r < 0 ? oe_err_text(&why) : k->account.token, err);
}

static int
serve_login(struct keeper *k, struct oe_err *err)
{
	struct oe_err why = OE_ERR_INIT;
	char *key = NULL;
	int r;

	if (!k->plan->key_file)
		return OE_EPROTO;
	r = oe_meshcmd_secret(k->plan->key_file, &key, &why);
	r = keeper_reply(k, r, r < 0 ? oe_err_text(&why) : key, err);
	oe_mem_free_secret(&key);
	return r;
}

static int
serve_tokens(struct keeper *k, struct oe_buf *b, struct oe_err *err)
{
	struct oe_err why = OE_ERR_INIT;
	struct oe_mesh_tokens t;
	int r;

	/* only after a login: see KEEPER_LOGIN */
	if (!k->plan->key_file || take_tokens(b, &t) < 0)
		return OE_EPROTO;
	oe_mesh_account_take(&k->account, &t);
	r = oe_mesh_account_save(&k->account, &why);
	if (r == 0)
		oe_log_info(
		    NULL, "logged in to the control API by security key");
	return keeper_reply(k, r, oe_err_text(&why), err);
}

static int
serve(struct keeper *k, struct oe_ipc_msg *m, struct oe_err *err)
{
	struct oe_buf *b = &m->payload;

	switch (m->type) {
	case KEEPER_PART:
		return serve_part(k, b);
	case KEEPER_DOCUMENT:
		return serve_document(k, b, err);
	case KEEPER_SAME:
		return serve_same(k, b, err);
	case KEEPER_ORDER:
		return serve_order(k, b, err);
	case KEEPER_SENT:
		return serve_sent(k, b, err);
	case KEEPER_RENEW:
		return serve_renew(k, b, err);
	case KEEPER_LOGIN:
		return serve_login(k, err);
	case KEEPER_TOKENS:
		return serve_tokens(k, b, err);
	}
	return OE_EPROTO;
}

int
keeper_serve(struct keeper *k, struct oe_err *err)
{
	struct oe_ipc_msg m;
	int r = oe_ipc_recv(k->courier_fd, 0, &m, err);

	if (r == OE_EAGAIN)
		return 0;
	if (r < 0)
		return r;
	r = m.nfds ? OE_EPROTO : serve(k, &m, err);
	if (r == OE_EPROTO)
		oe_err_set(err, r, "it breaks the rules (message %u)", m.type);
	oe_ipc_msg_done(&m);
	return r;
}
