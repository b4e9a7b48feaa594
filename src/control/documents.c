/* SPDX-License-Identifier: Apache-2.0 */
#include "control/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/handlers.h"
#include "control/resource.h"
#include "control/server.h"
#include "control/store_auth.h"
#include "control/text.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/signed.h"

int
oe_ctl_signing_key(
    struct oe_ctl_store *store, struct oe_sign_key *ret, struct oe_err *err)
{
	uint8_t seed[32];
	int rc = oe_ctl_store_secret(store, "signing", seed, err);

	if (rc == 0)
		oe_sign_key_from_seed(seed, ret);
	oe_mem_wipe(seed, sizeof(seed));
	return rc;
}

static int
current_version(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_document_kind *kind, const char *network, int64_t *ret)
{
	int rc = oe_ctl_db_int(tx, kind->version,
	    OE_CTL_VALUES(oe_ctl_t(network)), ret, &call->err);

	return rc == OE_ENOENT ? oe_ctl_absent(call, "Virtual network") : rc;
}

/*
 * Whether there is a document of the version in force that is fresh, else
 * OE_ENOENT.  Its text is not looked at: those of large networks have
 * megabytes, and who asks mostly has it.
 */
static int
kept(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_document_kind *kind, const char *network,
    struct oe_ctl_document_text *ret)
{
	int rc = current_version(call, tx, kind, network, &ret->version);

	if (rc)
		return rc;
	return oe_ctl_db_int(tx,
	    "SELECT issued_at FROM documents WHERE kind = ?1 "
	    "AND network_id = ?2 AND version = ?3 AND issued_at > ?4 "
	    "AND issued_at <= ?5",
	    OE_CTL_VALUES(oe_ctl_t(kind->name), oe_ctl_t(network),
		oe_ctl_i(ret->version),
		oe_ctl_i(call->now_ms - OE_CTL_DOCUMENT_FRESH_MS),
		oe_ctl_i(call->now_ms + OE_SIGNED_AHEAD_MS / 2)),
	    &ret->issued_ms, &call->err);
}

static struct oe_ctl_kept_key
key_of(const struct oe_ctl_document_kind *kind, const char *network,
    const struct oe_ctl_document_text *d)
{
	return (struct oe_ctl_kept_key){
	    kind->name, network, d->version, d->issued_ms};
}

/* The text of @d, which kept() has found; OE_ENOENT: it has just changed. */
static int
read_text(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_document_kind *kind, const char *network,
    struct oe_ctl_document_text *d)
{
	struct oe_ctl_kept *all = call->server->kept;
	struct oe_ctl_kept_key key = key_of(kind, network, d);
	char *text = NULL;
	int rc;

	d->text = all ? oe_ctl_kept_get(all, &key) : NULL;
	if (d->text != NULL)
		return 0;
	rc = oe_ctl_db_text(tx,
	    "SELECT content FROM documents WHERE kind = ?1 AND "
	    "network_id = ?2 AND version = ?3 AND issued_at = ?4",
	    OE_CTL_VALUES(oe_ctl_t(kind->name), oe_ctl_t(network),
		oe_ctl_i(d->version), oe_ctl_i(d->issued_ms)),
	    &text, &call->err);
	if (rc)
		return rc;
	d->text = oe_ctl_text_new(text);
	if (all)
		oe_ctl_kept_put(all, &key, d->text);
	return 0;
}

static int
sign_document(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_document_kind *kind, const char *network,
    const struct oe_sign_key *key, struct oe_ctl_document_text *ret)
{
	struct oe_jval *v = oe_jval_object();
	char *payload;
	int rc;

	ret->issued_ms = call->now_ms;
	oe_jval_set_text(v, "kind", kind->name);
	oe_jval_set_text(v, "network_id", network);
	oe_jval_set_int(v, "version", ret->version);
	oe_ctl_set_time(v, "issued_at", ret->issued_ms);
	rc = kind->fill(call, tx, network, v);
	if (rc == 0) {
		payload = oe_jval_dump(v, 0);
		ret->text = oe_ctl_text_new(oe_signed_make(key, payload));
		free(payload);
	}
	oe_jval_free(&v);
	return rc;
}

static int
keep(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *kind,
    const char *network, const struct oe_ctl_document_text *d)
{
	return oe_ctl_db_exec(tx,
	    "INSERT INTO documents (kind, network_id, version, issued_at, "
	    "content) VALUES (?1, ?2, ?3, ?4, ?5) "
	    "ON CONFLICT (kind, network_id) DO UPDATE SET "
	    "version = excluded.version, issued_at = excluded.issued_at, "
	    "content = excluded.content "
	    /* whoever was slower than a change leaves the newer in its place */
	    "WHERE documents.version <= excluded.version",
	    OE_CTL_VALUES(oe_ctl_t(kind), oe_ctl_t(network),
		oe_ctl_i(d->version), oe_ctl_i(d->issued_ms),
		oe_ctl_t(oe_ctl_text_get(d->text))),
	    NULL, &call->err);
}

/* Read it, or make it of what is there at one moment. */
static int
read_or_sign(struct oe_ctl_call *call, const struct oe_ctl_document_kind *kind,
    const char *network, struct oe_ctl_document_text *ret, bool *ret_made)
{
	struct oe_sign_key key;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_signing_key(call->store, &key, &call->err);

	if (rc == 0 && kind->prepare != NULL)
		rc = kind->prepare(call);
	if (rc == 0)
		rc = oe_ctl_begin_call(call, OE_CTL_SNAPSHOT, &tx);
	if (rc == 0)
		rc = kept(call, tx, kind, network, ret);
	if (rc == 0)
		rc = read_text(call, tx, kind, network, ret);
	if (rc == OE_ENOENT && call->err.code == 0) {
		rc = sign_document(call, tx, kind, network, &key, ret);
		*ret_made = rc == 0;
	}
	oe_ctl_rollback(&tx);
	oe_sign_key_wipe(&key);
	return rc;
}

/*
 * One at a time, as the others then find it.  Not in the transaction that
 * keeps it: a large network takes a while, and all who write would wait.
 */
static int
make(struct oe_ctl_call *call, const struct oe_ctl_document_kind *kind,
    const char *network, struct oe_ctl_document_text *ret)
{
	struct oe_ctl_kept *all = call->server->kept;
	struct oe_ctl_tx *tx = NULL;
	bool made = false;
	int rc;

	if (all)
		oe_ctl_kept_enter(all);
	rc = read_or_sign(call, kind, network, ret, &made);
	if (made) {
		rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
		if (rc == 0)
			rc = keep(call, tx, kind->name, network, ret);
		rc = oe_ctl_end_call(call, &tx, rc);
	}
	if (all)
		oe_ctl_kept_leave(all);
	return rc;
}

/* What has just been made, for those who ask next. */
static int
make_and_keep(struct oe_ctl_call *call, const struct oe_ctl_document_kind *kind,
    const char *network, struct oe_ctl_document_text *d)
{
	struct oe_ctl_kept_key key;
	int rc = make(call, kind, network, d);

	key = key_of(kind, network, d);
	if (rc == 0 && call->server->kept)
		oe_ctl_kept_put(call->server->kept, &key, d->text);
	return rc;
}

static void
set_tag(const struct oe_ctl_document_kind *kind, struct oe_ctl_document_text *d)
{
	snprintf(d->tag, sizeof(d->tag), "%s-%lld-%lld", kind->name,
	    (long long)d->version, (long long)d->issued_ms);
}

int
oe_ctl_document_of(struct oe_ctl_call *call,
    const struct oe_ctl_document_kind *kind, const char *network,
    bool (*wanted)(void *arg, const char *tag), void *arg,
    struct oe_ctl_document_text *ret)
{
	struct oe_ctl_document_text d = {.text = NULL};
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_READ, &tx);

	if (rc == 0)
		rc = kept(call, tx, kind, network, &d);
	set_tag(kind, &d);
	if (rc == 0 && wanted(arg, d.tag))
		rc = read_text(call, tx, kind, network, &d);
	oe_ctl_rollback(&tx);
	if (rc == OE_ENOENT && call->err.code == 0) {
		rc = make_and_keep(call, kind, network, &d);
		set_tag(kind, &d);
		if (rc == 0 && !wanted(arg, d.tag))
			oe_ctl_text_drop(&d.text);
	}
	if (rc)
		oe_ctl_text_drop(&d.text);
	else
		*ret = d;
	return rc;
}

/* The reply has the tag then. */
static bool
is_new(void *arg, const char *tag)
{
	return !oe_ctl_etag(arg, tag);
}

int
oe_ctl_document(
    struct oe_ctl_call *call, const struct oe_ctl_document_kind *kind)
{
	struct oe_ctl_document_text d = {.text = NULL};
	int rc = oe_ctl_document_of(
	    call, kind, oe_ctl_query(call, "network_id"), is_new, call, &d);

	if (rc) {
		call->reply.etag[0] = '\0';
		return rc;
	}
	return d.text == NULL ? 0
			      : oe_ctl_share(call,
				    "application/json; charset=utf-8", d.text);
}

static int
get_policy(struct oe_ctl_call *call)
{
	return oe_ctl_document(call, &oe_ctl_policy_document);
}

static int
get_directory(struct oe_ctl_call *call)
{
	return oe_ctl_document(call, &oe_ctl_directory_document);
}

static int
get_signing_key(struct oe_ctl_call *call)
{
	struct oe_sign_key key;
	struct oe_jval *v;
	char *text;
	int rc = oe_ctl_signing_key(call->store, &key, &call->err);

	if (rc)
		return rc;
	text = oe_str_base64(key.public, sizeof(key.public), true);
	oe_sign_key_wipe(&key);
	v = oe_jval_object();
	oe_jval_set_text(v, "key", text);
	free(text);
	return oe_ctl_data(call, v);
}

const struct oe_ctl_route oe_ctl_routes_documents[] = {
    {.method = "GET",
	.pattern = "/api/ssh/v1/policy",
	.need = OE_CTL_NEED_MEMBER,
	.network = OE_CTL_NETWORK_QUERY,
	.flags = OE_CTL_LONG,
	.fn = get_policy,
	.what = "the signed policy of a network"},
    {.method = "GET",
	.pattern = "/api/ssh/v1/directory",
	.need = OE_CTL_NEED_MEMBER,
	.network = OE_CTL_NETWORK_QUERY,
	.flags = OE_CTL_LONG,
	.fn = get_directory,
	.what = "the signed directory of a network"},
    {.method = "GET",
	.pattern = "/api/ssh/v1/keys/signing",
	.need = OE_CTL_NEED_USER,
	.fn = get_signing_key,
	.what = "the key that signs documents"},
    {.method = NULL},
};
