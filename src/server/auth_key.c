/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys and certificates: which file or authority vouches for them.
 */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/ssh/authkeys.h"
#include "core/ssh/cert.h"
#include "core/ssh/pubkey.h"
#include "core/ssh/revoked.h"
#include "core/ssh/strictmodes.h"
#include "server/conn.h"
#include "server/proto.h"

#define OE_SRV_CA_FILE_MAX (256 * 1024)
#define OE_SRV_CAS_MAX     256

struct key_query {
	struct oe_srv_conn *c;
	struct oe_pubkey key;
	struct oe_cert cert;
	bool is_cert;
	bool by_authority; /* a trusted one signed the certificate */
	bool local;        /* which is one of --trusted-ca, not of the policy */
	char *print, *ca_print;
	struct oe_srv_identity id;
	const char *path; /* file being read, for diagnostics */
};

/* Effective ids and groups of the user, to read their files as they would. */
static int
key_become_user(const struct oe_srv_conn *c)
{
	const struct oe_srv_user *u = &c->account;

	if (!c->srv->cfg->root || u->uid == 0)
		return 0;
	if (initgroups(u->name, u->gid) < 0 || setegid(u->gid) < 0 ||
	    seteuid(u->uid) < 0)
		return OE_ESYS;
	return 0;
}

static void
key_become_root(const struct oe_srv_conn *c)
{
	gid_t none = 0;

	if (!c->srv->cfg->root || c->account.uid == 0)
		return;
	/* anything else than full privileges here would be a hole later */
	if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(1, &none) < 0)
		abort();
}

static void
key_diag(void *arg, unsigned line, const char *text)
{
	struct key_query *q = arg;

	oe_log_debug(&q->c->lc_user, "%s:%u: %s", q->path, line, text);
}

static char *
key_expand(const struct oe_srv_conn *c, const char *path)
{
	struct oe_buf b;
	char *s;

	oe_buf_init(&b, 64 * 1024);
	/* %h is a home directory, and so absolute already */
	if (*path != '/' && strncmp(path, "%h", 2))
		(void)oe_buf_printf(&b, "%s/", c->account.home);
	for (; *path; path++) {
		if (*path != '%' || !path[1]) {
			(void)oe_buf_put_u8(&b, (uint8_t)*path);
			continue;
		}
		path++;
		if (*path == 'h')
			(void)oe_buf_printf(&b, "%s", c->account.home);
		else if (*path == 'u')
			(void)oe_buf_printf(&b, "%s", c->account.name);
		else
			(void)oe_buf_put_u8(&b, (uint8_t)*path);
	}
	s = oe_mem_strndup((const char *)oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
	return s;
}

/* A file of keys must not be one that others can write to. */
static int
key_read_file(struct key_query *q, const char *path, struct oe_buf *ret,
    struct oe_err *err)
{
	const struct oe_srv_user *u = &q->c->account;

	if (!q->c->srv->cfg->strict_modes)
		return oe_fd_read_file(path, OE_AUTHKEYS_FILE_MAX, ret, err);
	return oe_strictmodes_read(
	    path, u->uid, u->home, OE_AUTHKEYS_FILE_MAX, ret, err);
}

static bool
key_in_file(struct key_query *q, const char *pattern, struct oe_grant *ret)
{
	struct oe_authkeys_query aq = {
	    .key = &q->key,
	    .cert = q->is_cert ? &q->cert : NULL,
	    .user = q->c->account.name,
	    .addr = &q->c->peer->addr,
	    .now_s = oe_time_wall_ms() / 1000,
	    .diag = key_diag,
	    .arg = q,
	};
	struct oe_authkeys_rule rule;
	struct oe_err err = OE_ERR_INIT;
	struct oe_buf text = {0};
	char *path = key_expand(q->c, pattern);
	bool found = false;
	int r = key_become_user(q->c);

	q->path = path;
	if (r == 0)
		r = key_read_file(q, path, &text, &err);
	key_become_root(q->c);
	if (r < 0 && r != OE_ENOENT &&
	    !(r == OE_ESYS && err.sys_errno == ENOENT))
		oe_log_warn(
		    &q->c->lc_user, "authorized keys: %s", oe_err_text(&err));
	if (r == 0 && oe_authkeys_match(oe_buf_head(&text), oe_buf_left(&text),
			  &aq, &rule, &err) == 0) {
		oe_log_debug(
		    &q->c->lc_user, "key accepted by %s:%u", path, rule.line);
		oe_grant_done(ret);
		*ret = rule.grant;
		oe_grant_init(&rule.grant, false);
		oe_authkeys_rule_done(&rule);
		found = true;
	}
	oe_buf_done(&text);
	free(path);
	return found;
}

static size_t
key_read_cas(const char *path, struct oe_pubkey *cas, struct oe_err *err)
{
	struct oe_strs lines = {NULL, 0};
	struct oe_buf text = {0};
	size_t n = 0, i;

	if (oe_fd_read_file(path, OE_SRV_CA_FILE_MAX, &text, err) < 0)
		return 0;
	oe_strs_split(&lines, (const char *)oe_buf_head(&text), '\n');
	for (i = 0; i < lines.n && n < OE_SRV_CAS_MAX; i++)
		if (lines.v[i][0] != '#' &&
		    oe_pubkey_parse_line(lines.v[i], &cas[n], err) == 0)
			n++;
	oe_strs_done(&lines);
	oe_buf_done(&text);
	return n;
}

static size_t
key_policy_cas(const struct oe_strs *lines, struct oe_pubkey *cas)
{
	size_t n = 0, i;

	for (i = 0; i < lines->n && n < OE_SRV_CAS_MAX; i++)
		if (oe_pubkey_parse_line(lines->v[i], &cas[n], NULL) == 0)
			n++;
	return n;
}

/* @lines: keys of authorities, or NULL: those of --trusted-ca. */
static bool
key_by_authority(
    struct key_query *q, const struct oe_strs *lines, struct oe_grant *ret)
{
	const char *path = q->c->srv->cfg->trusted_ca;
	struct oe_pubkey *cas;
	struct oe_strs names = {NULL, 0};
	struct oe_cert_query cq = {
	    .principals = &names,
	    .addr = &q->c->peer->addr,
	    .now_s = oe_time_wall_ms() / 1000,
	};
	struct oe_err err = OE_ERR_INIT;
	struct oe_grant g;
	bool ok = false;
	size_t i;

	cas = oe_mem_zalloc(OE_SRV_CAS_MAX * sizeof *cas);
	cq.n_cas =
	    lines ? key_policy_cas(lines, cas) : key_read_cas(path, cas, &err);
	cq.cas = cas;
	/*
	 * A policy says whom the certificate's principals may become; the
	 * map of users knows the requested name only.
	 */
	if (q->c->policy.maps_users)
		cq.principals = &q->cert.principals;
	oe_strs_add(&names, q->c->user);
	if (oe_cert_check(&q->cert, &cq, &g, &err) == 0) {
		oe_grant_done(ret);
		*ret = g;
		ok = true;
	} else {
		oe_log_info(&q->c->lc_user, "certificate refused: %s",
		    oe_err_text(&err));
	}
	for (i = 0; i < cq.n_cas; i++)
		oe_pubkey_done(&cas[i]);
	free(cas);
	oe_strs_done(&names);
	return ok;
}

/* What the operator trusts counts before what the policy does. */
static void
key_authority(struct key_query *q, struct oe_grant *ret)
{
	const struct oe_strs *more = q->c->policy.authorities;

	if (!q->is_cert)
		return;
	q->local = q->c->srv->cfg->trusted_ca && key_by_authority(q, NULL, ret);
	q->by_authority = q->local || (more && key_by_authority(q, more, ret));
}

/* A list that cannot be read revokes everything. */
static bool
key_is_revoked(struct key_query *q)
{
	const char *path = q->c->srv->cfg->revoked_keys;
	struct oe_revoked *list = NULL;
	struct oe_err err = OE_ERR_INIT;
	bool revoked;

	if (!path)
		return false;
	if (oe_revoked_load(path, &list, &err) < 0) {
		oe_log_error(&q->c->lc_user,
		    "revocation list: %s: every key is refused",
		    oe_err_text(&err));
		return true;
	}
	revoked = oe_revoked_check(
		      list, &q->key, q->is_cert ? &q->cert : NULL, &err) < 0;
	if (revoked)
		oe_log_info(&q->c->lc_user, "%s", oe_err_text(&err));
	oe_revoked_free(&list);
	return revoked;
}

static void
key_identify(struct key_query *q)
{
	q->print = oe_pubkey_fingerprint(&q->key);
	q->ca_print = q->is_cert ? oe_pubkey_fingerprint(&q->cert.ca) : NULL;
	q->id = (struct oe_srv_identity){
	    .requested_user = q->c->user,
	    .source = q->c->peer->text,
	    .addr = &q->c->peer->addr,
	    .local_addr = &q->c->peer->local_addr,
	    .interface =
		q->c->peer->interface[0] ? q->c->peer->interface : NULL,
	    .shared_link = q->c->peer->shared_link,
	    .method = q->is_cert ? OE_SRV_METHOD_CERTIFICATE
				 : OE_SRV_METHOD_PUBLICKEY,
	    .key_fingerprint = q->print,
	    .cert_key_id = q->is_cert ? q->cert.key_id : NULL,
	    .cert_principals = q->by_authority ? &q->cert.principals : NULL,
	    .cert_serial = q->is_cert ? q->cert.serial : 0,
	    .cert_valid_after_s = q->is_cert ? q->cert.valid_after : 0,
	    .ca_fingerprint = q->ca_print,
	    .cert_local = q->local,
	};
}

/*
 * Whose word the key has: a file of the user, or a rule that names the key,
 * or who a trusted certificate says it is.  A rule that names only where the
 * peer comes from is nobody's word for a key.
 */
static bool
key_vouched(struct key_query *q, struct oe_grant *ret)
{
	const struct oe_strs *files = &q->c->srv->cfg->authorized_keys;
	struct oe_srv_conn *c = q->c;
	unsigned vouches = c->policy.maps_users ? c->offer.vouches : 0;
	size_t i;

	c->vouched = OE_SRV_VOUCHED_FILE;
	if (q->by_authority) {
		/* what the certificate permits was put into @ret */
		if (!c->policy.maps_users ||
		    (q->local && oe_strs_has(&q->cert.principals, c->user)))
			return true;
		c->vouched = vouches & OE_SRV_VOUCH_CERT ? OE_SRV_VOUCHED_CERT
							 : OE_SRV_VOUCHED_KEY;
		if (vouches)
			return true;
		c->vouched = OE_SRV_VOUCHED_FILE;
	}
	for (i = 0; i < files->n; i++)
		if (key_in_file(q, files->v[i], ret))
			return true;
	/* a certificate of a stranger is not the key alone */
	if (q->is_cert || !(vouches & OE_SRV_VOUCH_KEY))
		return false;
	c->vouched = OE_SRV_VOUCHED_KEY;
	oe_grant_done(ret);
	oe_grant_init(ret, true);
	return true;
}

static bool
key_accepted(struct key_query *q, struct oe_grant *ret)
{
	if (key_is_revoked(q))
		return false;
	key_authority(q, ret);
	key_identify(q);
	return oe_srv__auth_account(q->c, &q->id) && key_vouched(q, ret);
}

static int
key_parse(struct key_query *q, const struct oe_buf *blob, struct oe_err *err)
{
	int r = oe_pubkey_from_blob(
	    oe_buf_head(blob), oe_buf_left(blob), &q->key, err);

	if (r == 0 && q->key.type->cert) {
		r = oe_cert_parse(q->key.blob, q->key.len, &q->cert, err);
		q->is_cert = r == 0;
	}
	return r;
}

static void
key_answer(struct key_query *q, uint8_t type, int64_t since)
{
	bool proven = type == OE_SRV_REQ_PROVEN_KEY, ok;
	struct oe_grant g;

	oe_grant_init(&g, false);
	ok = key_accepted(q, &g);
	/* libssh does not tell the flags that a security key signed */
	if (ok && g.verify_required) {
		oe_log_info(&q->c->lc_user,
		    "key refused: verify-required cannot be checked");
		ok = false;
	}
	if (ok && proven)
		ok = oe_srv__auth_finish(q->c, &q->id, &g);
	if (ok && proven)
		oe_srv__auth_allow(q->c, type);
	else if (ok || (!proven && oe_srv__auth_has_reason(q->c)))
		oe_srv__reply(q->c, type, OE_SSH_ALLOW);
	else
		oe_srv__auth_deny(q->c, type, "publickey",
		    "this key may not log in as this user", proven, since);
	oe_grant_done(&g);
}

int
oe_srv__auth_key(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	int64_t since = oe_time_mono_ms();
	struct key_query q = {.c = c};
	struct oe_err err = OE_ERR_INIT;
	struct oe_buf blob;
	char *user = NULL;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_USER_MAX, &user) < 0)
		return OE_EPROTO;
	/* nothing of what was said about another key */
	oe_srv_rule_done(&c->offer);
	oe_srv_rule_init(&c->offer);
	if (!oe_srv__auth_take_user(c, user) ||
	    !(c->srv->cfg->methods & OE_SSH_AUTH_PUBLICKEY)) {
		oe_srv__auth_deny(
		    c, m->type, "publickey", "not accepted", false, since);
		return 0;
	}
	if (oe_buf_get_string(&m->payload, &blob) < 0)
		return OE_EPROTO;
	if (key_parse(&q, &blob, &err) < 0)
		oe_srv__auth_deny(
		    c, m->type, "publickey", oe_err_text(&err), false, since);
	else
		key_answer(&q, m->type, since);
	free(q.print);
	free(q.ca_print);
	if (q.is_cert)
		oe_cert_done(&q.cert);
	oe_pubkey_done(&q.key);
	return 0;
}
