/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short-lived user certificates: /certificates and /ca.
 */
#include <stdlib.h>
#include <string.h>

#include "control/ca.h"
#include "control/handlers.h"
#include "control/resource.h"
#include "control/sshkeys.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/cert.h"

struct request {
	const char *network;
	char *key, *fingerprint;
	int64_t ttl_s;
};

static bool
read_request(struct oe_ctl_call *call, struct request *ret)
{
	const char *key = oe_jval_get_text(call->json, "key");
	struct oe_err err = OE_ERR_INIT;

	ret->network = oe_jval_get_text(call->json, "network_id");
	ret->ttl_s =
	    oe_jval_get_int(call->json, "ttl", OE_CTL_CERT_TTL_DEFAULT_S);
	if (ret->ttl_s < 1 || ret->ttl_s > OE_CTL_CERT_TTL_MAX_S)
		oe_ctl_invalid(
		    call, "ttl", "range", "ttl is not within 1 and 57600");
	if (key == NULL)
		oe_ctl_invalid(
		    call, "key", "required", "required validation failed");
	else if (oe_ctl_key_read(key, &ret->key, &ret->fingerprint, &err))
		oe_ctl_invalid(call, "key", "key", err.msg);
	return !oe_ctl_is_invalid(call);
}

/* Who the user is in this network: nothing that the caller says. */
static int
add_principals(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network, struct oe_strs *ret)
{
	struct oe_ctl_rows *rows = NULL;
	int rc = oe_ctl_db_query(tx,
	    "SELECT name FROM groups_of WHERE network_id = ?1 AND "
	    "user_id = ?2 ORDER BY name",
	    OE_CTL_VALUES(oe_ctl_t(network), oe_ctl_t(call->caller.id)), &rows,
	    &call->err);

	oe_strs_add(ret, call->caller.email);
	oe_strs_add_take(ret, oe_mem_printf("user:%s", call->caller.id));
	while (rc == 0 && (rc = oe_ctl_row_next(rows, &call->err)) == 1) {
		rc = 0;
		if (ret->n < OE_CERT_PRINCIPALS_MAX)
			oe_strs_add_take(ret, oe_mem_printf("group:%s",
						  oe_ctl_row_text(rows, 0)));
	}
	oe_ctl_rows_done(&rows);
	return rc;
}

/* The number of a certificate is that of its row. */
static int
note(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const struct request *r,
    struct oe_ctl_cert *c)
{
	struct oe_jval *list = oe_jval_array();
	int64_t serial = 0;
	size_t i;
	char *text;
	int rc;

	for (i = 0; i < c->principals.n; i++)
		oe_jval_add(list, oe_jval_of_text(c->principals.v[i]));
	text = oe_jval_dump(list, 0);
	oe_jval_free(&list);
	rc = oe_ctl_db_int(tx,
	    "INSERT INTO certificates (user_id, network_id, fingerprint, "
	    "principals, valid_before, created_at) "
	    "VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING serial",
	    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(r->network),
		oe_ctl_t(r->fingerprint), oe_ctl_t(text),
		oe_ctl_i(c->valid_before_s * 1000), oe_ctl_i(call->now_ms)),
	    &serial, &call->err);
	free(text);
	c->serial = (uint64_t)serial;
	return rc;
}

/* Clocks of devices may be behind; but not among what was made void. */
static int
settle_time(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct request *r, struct oe_ctl_cert *c)
{
	int64_t now_s = call->now_ms / 1000, after_s = 0;
	int rc =
	    oe_ctl_db_int(tx, "SELECT certs_after FROM users WHERE id = ?1",
		OE_CTL_VALUES(oe_ctl_t(call->caller.id)), &after_s, &call->err);

	c->valid_after_s = now_s - OE_CTL_CERT_SKEW_S;
	if (c->valid_after_s <= after_s - OE_CTL_CERT_SKEW_S)
		c->valid_after_s = after_s - OE_CTL_CERT_SKEW_S + 1;
	c->valid_before_s = now_s + r->ttl_s;
	return rc;
}

static int
make(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const struct request *r,
    struct oe_ctl_cert *c, char **ret)
{
	struct oe_sign_key ca;
	struct oe_jval *detail;
	int rc = add_principals(call, tx, r->network, &c->principals);

	if (rc == 0)
		rc = settle_time(call, tx, r, c);
	if (rc == 0)
		rc = note(call, tx, r, c);
	if (rc == 0)
		rc = oe_ctl_ca_key(tx, r->network, &ca, &call->err);
	if (rc)
		return rc;
	rc = oe_ctl_cert_make(&ca, c, ret, &call->err);
	oe_sign_key_wipe(&ca);
	if (rc)
		return rc;
	detail = oe_jval_object();
	oe_jval_set_int(detail, "serial", (int64_t)c->serial);
	oe_jval_set_text(detail, "fingerprint", r->fingerprint);
	return oe_ctl_audit(call, tx, "control.certificate.issue", r->network,
	    call->caller.id, detail);
}

static int
issue(struct oe_ctl_call *call)
{
	struct request r = {NULL, NULL, NULL, 0};
	struct oe_ctl_cert c = {.serial = 0};
	struct oe_ctl_tx *tx = NULL;
	struct oe_jval *v;
	char *text = NULL;
	int rc = 0;

	if (!read_request(call, &r)) {
		rc = oe_ctl_refuse_invalid(call);
	} else {
		c.key = r.key;
		c.key_id = call->caller.email;
		rc = oe_ctl_begin_role(call, r.network, &tx);
		if (rc == 0)
			rc = make(call, tx, &r, &c, &text);
		rc = oe_ctl_end_call(call, &tx, rc);
	}
	if (rc == 0 && text != NULL) {
		v = oe_jval_object();
		oe_jval_set_text(v, "certificate", text);
		oe_ctl_set_time(v, "valid_before", c.valid_before_s * 1000);
		oe_jval_set_int(v, "serial", (int64_t)c.serial);
		rc = oe_ctl_data(call, v);
	}
	oe_strs_done(&c.principals);
	free(text);
	free(r.key);
	free(r.fingerprint);
	return rc;
}

/* Of one network, or of all of the caller's. */
static int
list_networks(
    struct oe_ctl_call *call, struct oe_ctl_tx *tx, struct oe_strs *ret)
{
	const char *one = oe_ctl_filter(call, "network_id");
	int rc = oe_ctl_texts(tx,
	    "SELECT network_id FROM members WHERE user_id = ?1 AND "
	    "(?2 = '' OR network_id = ?2) ORDER BY network_id",
	    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(one)), ret,
	    &call->err);

	if (rc == 0 && one[0] && ret->n == 0)
		rc = oe_ctl_absent(call, "Virtual network");
	return rc;
}

static int
get_ca(struct oe_ctl_call *call)
{
	struct oe_jval *v = oe_jval_object(), *keys = oe_jval_array();
	struct oe_strs networks = {NULL, 0};
	struct oe_ctl_tx *tx = NULL;
	size_t i;
	int rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);

	if (rc == 0)
		rc = list_networks(call, tx, &networks);
	for (i = 0; rc == 0 && i < networks.n; i++)
		rc = oe_ctl_ca_line(call, tx, networks.v[i], keys);
	oe_strs_done(&networks);
	oe_jval_set(v, "keys", keys);
	return oe_ctl_end_data(call, &tx, rc, v);
}

const struct oe_ctl_route oe_ctl_routes_certificates[] = {
    {.method = "POST",
	.pattern = "/api/ssh/v1/certificates",
	.need = OE_CTL_NEED_MEMBER,
	.network = OE_CTL_NETWORK_BODY,
	.body = OE_CTL_BODY_JSON,
	.fn = issue,
	.what = "issue a user certificate"},
    {.method = "GET",
	.pattern = "/api/ssh/v1/ca",
	.need = OE_CTL_NEED_USER,
	.fn = get_ca,
	.what = "keys of the authority that signs user certificates"},
    {.method = NULL},
};
