/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host keys of devices: what peers believe a device by.
 *
 * The owner sets them once.  From then on a change is signed by a key that is
 * in force, or made by somebody who is an administrator of every network that
 * the device is in: all of them believe these keys.
 */
#include <stdlib.h>
#include <string.h>

#include "control/handlers.h"
#include "control/resource.h"
#include "control/sshkeys.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/pubkey.h"
#include "core/ssh/sig.h"

#define KEYS_MAX  16
#define PROOF_MAX (256u * 1024)

struct keys {
	struct oe_strs lines, fingerprints;
	int64_t port; /* of the SSH server that has them; 0: not told */
};

static void
keys_done(struct keys *k)
{
	oe_strs_done(&k->lines);
	oe_strs_done(&k->fingerprints);
}

static bool
read_keys(struct oe_ctl_call *call, struct keys *ret)
{
	const struct oe_jval *list = oe_jval_get(call->json, "keys");
	size_t i, n = oe_jval_size(list);
	const char *text;
	char *line, *fingerprint;

	if (oe_jval_kind(list) != OE_JVAL_ARRAY || n == 0 || n > KEYS_MAX) {
		oe_ctl_invalid(call, "keys", "array", "1 to 16 keys");
		return false;
	}
	for (i = 0; i < n; i++) {
		text = oe_jval_text(oe_jval_at(list, i));
		if (text == NULL ||
		    oe_ctl_key_read(text, &line, &fingerprint, NULL)) {
			oe_ctl_invalid(call, "keys", "key",
			    "a key is no public key that is accepted");
			return false;
		}
		if (oe_strs_has(&ret->lines, line)) {
			free(line);
			free(fingerprint);
			continue;
		}
		oe_strs_add_take(&ret->lines, line);
		oe_strs_add_take(&ret->fingerprints, fingerprint);
	}
	return true;
}

static bool
read_port(struct oe_ctl_call *call, int64_t *ret)
{
	const struct oe_jval *v = oe_jval_get(call->json, "ssh_port");
	int64_t n = 0;

	if (v != NULL && (!oe_jval_int(v, &n) || n < 1 || n > 65535)) {
		oe_ctl_invalid(call, "ssh_port", "range", "1 to 65535");
		return false;
	}
	*ret = n;
	return true;
}

/*
 * What a proof signs: the device and all new keys.  It cannot be used again:
 * the key that made it is in force no more when it is not among the new.
 */
static int
proof_text(const char *device, const struct keys *k, struct oe_buf *ret)
{
	size_t i;
	int rc = oe_buf_printf(ret, "omniedge host keys 1\n%s\n", device);

	for (i = 0; rc == 0 && i < k->lines.n; i++)
		rc = oe_buf_printf(ret, "%s\n", k->lines.v[i]);
	return rc;
}

static bool
is_signed(const char *line, const char *signature, const struct oe_buf *text)
{
	struct oe_pubkey key;
	uint8_t *sig = NULL;
	size_t n = 0;
	bool good;

	if (oe_str_unbase64(signature, strlen(signature), &sig, &n))
		return false;
	if (oe_pubkey_parse_line(line, &key, NULL)) {
		free(sig);
		return false;
	}
	good = oe_sig_verify(&key, sig, n, oe_buf_head(text), oe_buf_left(text),
		   NULL) == 0;
	oe_pubkey_done(&key);
	free(sig);
	return good;
}

/* OE_ENOENT when there is no proof, or none by a key of @old. */
static int
check_proof(struct oe_ctl_call *call, const char *device,
    const struct oe_strs *old, const struct keys *k)
{
	const struct oe_jval *proof = oe_jval_get(call->json, "proof");
	const char *key = oe_jval_get_text(proof, "key");
	const char *signature = oe_jval_get_text(proof, "signature");
	char *line = NULL, *fingerprint = NULL;
	struct oe_buf text;
	bool good = false;

	if (key == NULL || signature == NULL ||
	    oe_ctl_key_read(key, &line, &fingerprint, NULL))
		return OE_ENOENT;
	oe_buf_init(&text, PROOF_MAX);
	if (oe_strs_has(old, line) && proof_text(device, k, &text) == 0)
		good = is_signed(line, signature, &text);
	oe_buf_done(&text);
	free(line);
	free(fingerprint);
	return good ? 0 : OE_ENOENT;
}

/* Of all networks that the device is in; of the server when it is in none. */
static int
check_admin(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *device)
{
	struct oe_ctl_rows *rows = NULL;
	bool admin = false;
	int rc;

	if (call->caller.server_admin)
		return 0;
	rc = oe_ctl_db_one(tx,
	    "SELECT COUNT(*), COUNT(m.user_id) FROM network_devices nd "
	    "LEFT JOIN members m ON m.network_id = nd.network_id AND "
	    "m.user_id = ?1 AND m.role = 2 WHERE nd.device_id = ?2",
	    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(device)), &rows,
	    &call->err);
	if (rc == 0)
		admin = oe_ctl_row_int(rows, 0) > 0 &&
			oe_ctl_row_int(rows, 0) == oe_ctl_row_int(rows, 1);
	oe_ctl_rows_done(&rows);
	if (rc == 0 && !admin)
		rc = oe_err_set(&call->err, OE_EPERM,
		    "Host keys are changed with a proof by an old key, or by "
		    "an administrator");
	return rc;
}

static int
read_old(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *device,
    struct oe_strs *ret)
{
	return oe_ctl_texts(tx,
	    "SELECT key FROM host_keys WHERE device_id = ?1 ORDER BY place",
	    OE_CTL_VALUES(oe_ctl_t(device)), ret, &call->err);
}

static bool
is_same(const struct oe_strs *a, const struct oe_strs *b)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!oe_strs_has(b, a->v[i]))
			return false;
	return a->n == b->n;
}

/* Strangers learn nothing of a device, not even that it is there. */
static int
check_sight(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *device,
    bool *ret_own)
{
	struct oe_ctl_rows *rows = NULL;
	bool seen = false;
	int rc = oe_ctl_db_one(tx,
	    "SELECT d.user_id, (SELECT COUNT(*) FROM network_devices nd "
	    "JOIN members m ON m.network_id = nd.network_id "
	    "WHERE nd.device_id = d.id AND m.user_id = ?1) "
	    "FROM devices d WHERE d.id = ?2",
	    OE_CTL_VALUES(oe_ctl_t(call->caller.id), oe_ctl_t(device)), &rows,
	    &call->err);

	if (rc == 0) {
		*ret_own = oe_str_eq(oe_ctl_row_text(rows, 0), call->caller.id);
		seen = *ret_own || oe_ctl_row_int(rows, 1) > 0 ||
		       call->caller.server_admin;
	}
	oe_ctl_rows_done(&rows);
	if (rc == OE_ENOENT || (rc == 0 && !seen))
		rc = oe_ctl_absent(call, "Device");
	return rc;
}

static int
check_change(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *device,
    const struct oe_strs *old, const struct keys *k)
{
	bool own = false;
	int rc = check_sight(call, tx, device, &own);

	if (rc)
		return rc;
	if (own && old->n == 0)
		return 0;
	if (own && check_proof(call, device, old, k) == 0)
		return 0;
	return check_admin(call, tx, device);
}

static int
replace_keys(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *device,
    const struct keys *k)
{
	size_t i;
	int rc =
	    oe_ctl_db_exec(tx, "DELETE FROM host_keys WHERE device_id = ?1",
		OE_CTL_VALUES(oe_ctl_t(device)), NULL, &call->err);

	for (i = 0; rc == 0 && i < k->lines.n; i++)
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO host_keys (device_id, place, key, "
		    "fingerprint) VALUES (?1, ?2, ?3, ?4)",
		    OE_CTL_VALUES(oe_ctl_t(device), oe_ctl_i((int64_t)i),
			oe_ctl_t(k->lines.v[i]),
			oe_ctl_t(k->fingerprints.v[i])),
		    NULL, &call->err);
	return rc ? rc : oe_ctl_changed_device(tx, device, &call->err);
}

/* Nobody is believed by a port: an owner changes it without a proof. */
static int
set_port(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *device,
    int64_t port)
{
	int64_t n = 0;
	bool own = false;
	int rc = check_sight(call, tx, device, &own);

	if (rc == 0)
		rc = oe_ctl_db_int(tx,
		    "SELECT ssh_port FROM devices WHERE id = ?1",
		    OE_CTL_VALUES(oe_ctl_t(device)), &n, &call->err);
	if (rc || n == port)
		return rc;
	if (!own)
		rc = check_admin(call, tx, device);
	if (rc == 0)
		rc = oe_ctl_db_exec(tx,
		    "UPDATE devices SET ssh_port = ?1 WHERE id = ?2",
		    OE_CTL_VALUES(oe_ctl_i(port), oe_ctl_t(device)), NULL,
		    &call->err);
	return rc ? rc : oe_ctl_changed_device(tx, device, &call->err);
}

static int
change(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *device,
    const struct keys *k)
{
	struct oe_strs old = {NULL, 0};
	struct oe_jval *detail;
	bool same, own;
	int rc = oe_ctl_lock(tx, device, &call->err);

	if (rc == 0)
		rc = read_old(call, tx, device, &old);
	same = old.n > 0 && is_same(&old, &k->lines);
	if (rc == 0 && same)
		rc = check_sight(call, tx, device, &own);
	if (rc == 0 && !same)
		rc = check_change(call, tx, device, &old, k);
	if (rc == 0 && !same)
		rc = replace_keys(call, tx, device, k);
	if (rc == 0 && k->port)
		rc = set_port(call, tx, device, k->port);
	if (rc == 0 && !same) {
		detail = oe_jval_object();
		oe_jval_set_int(detail, "before", (int64_t)old.n);
		oe_jval_set_int(detail, "after", (int64_t)k->lines.n);
		rc = oe_ctl_audit_device(
		    call, tx, "control.device.host_keys", device, detail);
	}
	oe_strs_done(&old);
	return rc;
}

static int
put_keys(struct oe_ctl_call *call)
{
	const char *device = oe_ctl_param(call, "id");
	struct keys k = {.port = 0};
	struct oe_ctl_tx *tx = NULL;
	int rc;

	if (!read_keys(call, &k) || !read_port(call, &k.port)) {
		keys_done(&k);
		return oe_ctl_refuse_invalid(call);
	}
	rc = oe_ctl_begin_call(call, OE_CTL_WRITE, &tx);
	if (rc == 0)
		rc = change(call, tx, device, &k);
	keys_done(&k);
	return oe_ctl_end_message(call, &tx, rc, "Host keys updated");
}

/* One row for a key; keys of a device come one after another. */
static int
add_row(struct oe_ctl_rows *rows, struct oe_jval *ret)
{
	const struct oe_jval *last = oe_jval_at(ret, oe_jval_size(ret) - 1);
	const char *device = oe_ctl_row_text(rows, 0);
	struct oe_jval *v, *keys;

	if (!oe_str_eq(oe_jval_get_text(last, "device_id"), device)) {
		v = oe_jval_object();
		oe_jval_set_text(v, "device_id", device);
		oe_jval_set(v, "keys", oe_jval_array());
		oe_jval_add(ret, v);
		last = oe_jval_at(ret, oe_jval_size(ret) - 1);
	}
	keys = oe_jval_ref(oe_jval_get(last, "keys"));
	oe_jval_add(keys, oe_jval_of_text(oe_ctl_row_text(rows, 1)));
	oe_jval_free(&keys);
	return 0;
}

static int
list_keys(struct oe_ctl_call *call)
{
	struct oe_jval *v = oe_jval_array();
	struct oe_ctl_rows *rows = NULL;
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin_call(call, OE_CTL_READ, &tx);

	if (rc == 0)
		rc = oe_ctl_db_query(tx,
		    "SELECT k.device_id, k.key FROM host_keys k "
		    "JOIN network_devices nd ON nd.device_id = k.device_id "
		    "WHERE nd.network_id = ?1 ORDER BY k.device_id, k.place",
		    OE_CTL_VALUES(oe_ctl_t(oe_ctl_param(call, "id"))), &rows,
		    &call->err);
	while (rc == 0 && (rc = oe_ctl_row_next(rows, &call->err)) == 1)
		rc = add_row(rows, v);
	oe_ctl_rows_done(&rows);
	return oe_ctl_end_data(call, &tx, rc, v);
}

const struct oe_ctl_route oe_ctl_routes_host_keys[] = {
    {.method = "PUT",
	.pattern = "/api/ssh/v1/devices/:id/host-keys",
	.need = OE_CTL_NEED_USER,
	.body = OE_CTL_BODY_JSON,
	.flags = OE_CTL_AUDIT,
	.fn = put_keys,
	.what = "set the host keys of a device"},
    {.method = "GET",
	.pattern = "/api/ssh/v1/networks/:id/host-keys",
	.need = OE_CTL_NEED_MEMBER,
	.fn = list_keys,
	.what = "host keys of a network's devices"},
    {.method = NULL},
};
