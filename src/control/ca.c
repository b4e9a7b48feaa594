/* SPDX-License-Identifier: Apache-2.0 */
#include "control/ca.h"

#include <stdlib.h>
#include <string.h>

#include "control/store_auth.h"
#include "control/store_secret.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/ssh/cert.h"
#include "core/ssh/pubkey.h"

#define CERT_USER     1
#define NONCE_SIZE    32
#define CERT_SUFFIX   "-cert-v01@openssh.com"
#define CERT_TYPE_MAX 64
#define KEY_TYPE      "ssh-ed25519"
#define MASTER        "user-ca"

int
oe_ctl_ca_prepare(struct oe_ctl_store *store, struct oe_err *err)
{
	uint8_t master[32];
	int rc = oe_ctl_store_secret(store, MASTER, master, err);

	oe_mem_wipe(master, sizeof(master));
	return rc;
}

int
oe_ctl_ca_key(struct oe_ctl_tx *tx, const char *network_id,
    struct oe_sign_key *ret, struct oe_err *err)
{
	uint8_t master[32], mac[OE_HMAC_SHA512_SIZE];
	char *text;
	int rc = oe_ctl_secret_in(tx, MASTER, master, err);

	if (rc)
		return rc;
	text = oe_mem_printf("omniedge user ca 1\n%s", network_id);
	oe_hmac_sha512(master, sizeof(master), text, strlen(text), mac);
	oe_sign_key_from_seed(mac, ret);
	oe_mem_wipe(mac, sizeof(mac));
	oe_mem_wipe(master, sizeof(master));
	free(text);
	return 0;
}

/* "string ssh-ed25519, string key" of RFC 8709 section 4. */
static int
put_key(struct oe_buf *b, const struct oe_sign_key *key)
{
	int rc = oe_buf_put_cstring(b, KEY_TYPE);

	return rc ? rc : oe_buf_put_string(b, key->public, sizeof(key->public));
}

int
oe_ctl_ca_line(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *network_id, struct oe_jval *ret)
{
	struct oe_sign_key key;
	struct oe_buf b;
	char *base64, *line;
	int rc = oe_ctl_ca_key(tx, network_id, &key, &call->err);

	if (rc)
		return rc;
	oe_buf_init(&b, 128);
	rc = put_key(&b, &key);
	oe_sign_key_wipe(&key);
	if (rc == 0) {
		base64 = oe_str_base64(oe_buf_head(&b), oe_buf_left(&b), true);
		line = oe_mem_printf("%s %s", KEY_TYPE, base64);
		oe_jval_add(ret, oe_jval_of_text(line));
		free(line);
		free(base64);
	}
	oe_buf_done(&b);
	return rc;
}

static int
put_principals(struct oe_buf *b, const struct oe_strs *principals)
{
	struct oe_buf list;
	size_t i;
	int rc = 0;

	oe_buf_init(&list, OE_PUBKEY_BLOB_MAX);
	for (i = 0; rc == 0 && i < principals->n; i++)
		rc = oe_buf_put_cstring(&list, principals->v[i]);
	if (rc == 0)
		rc = oe_buf_put_string(
		    b, oe_buf_head(&list), oe_buf_left(&list));
	oe_buf_done(&list);
	return rc;
}

/* Names in order, each with an empty value. */
static int
put_extensions(struct oe_buf *b)
{
	static const char *const names[] = {
	    "permit-agent-forwarding", "permit-port-forwarding", "permit-pty"};
	struct oe_buf list;
	size_t i;
	int rc = 0;

	oe_buf_init(&list, 1024);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		rc |= oe_buf_put_cstring(&list, names[i]);
		rc |= oe_buf_put_cstring(&list, "");
	}
	rc |= oe_buf_put_string(b, oe_buf_head(&list), oe_buf_left(&list));
	oe_buf_done(&list);
	return rc;
}

/* The fields of the key as they stand behind its type. */
static int
put_head(struct oe_buf *b, const struct oe_pubkey *key)
{
	struct oe_buf blob, type;
	uint8_t nonce[NONCE_SIZE];
	char name[CERT_TYPE_MAX];
	const char *plain = key->type->name, *at = strchr(plain, '@');
	size_t n = at != NULL ? (size_t)(at - plain) : strlen(plain);
	int rc;

	/* "sk-...@openssh.com" has the suffix before the '@' */
	if (n + sizeof(CERT_SUFFIX) > sizeof(name))
		return OE_EINVAL;
	memcpy(name, plain, n);
	memcpy(name + n, CERT_SUFFIX, sizeof(CERT_SUFFIX));
	oe_random_bytes(nonce, sizeof(nonce));
	oe_buf_view(&blob, key->blob, key->len);
	rc = oe_buf_get_string(&blob, &type);
	if (rc == 0)
		rc = oe_buf_put_cstring(b, name);
	if (rc == 0)
		rc = oe_buf_put_string(b, nonce, sizeof(nonce));
	if (rc == 0)
		rc = oe_buf_put(b, oe_buf_head(&blob), oe_buf_left(&blob));
	return rc;
}

static int
put_body(
    struct oe_buf *b, const struct oe_sign_key *ca, const struct oe_ctl_cert *c)
{
	struct oe_buf key;
	int rc = 0;

	oe_buf_init(&key, 128);
	rc |= put_key(&key, ca);
	rc |= oe_buf_put_u64(b, c->serial);
	rc |= oe_buf_put_u32(b, CERT_USER);
	rc |= oe_buf_put_cstring(b, c->key_id);
	rc |= put_principals(b, &c->principals);
	rc |= oe_buf_put_u64(b, (uint64_t)c->valid_after_s);
	rc |= oe_buf_put_u64(b, (uint64_t)c->valid_before_s);
	rc |= oe_buf_put_cstring(b, ""); /* critical options */
	rc |= put_extensions(b);
	rc |= oe_buf_put_cstring(b, ""); /* reserved */
	rc |= oe_buf_put_string(b, oe_buf_head(&key), oe_buf_left(&key));
	oe_buf_done(&key);
	return rc;
}

/* The signature of RFC 8709 section 6 over all that is there. */
static int
put_signature(struct oe_buf *b, const struct oe_sign_key *ca)
{
	uint8_t raw[OE_SIGN_SIZE];
	struct oe_buf sig;
	int rc = 0;

	oe_sign(ca, oe_buf_head(b), oe_buf_left(b), raw);
	oe_buf_init(&sig, 128);
	rc |= oe_buf_put_cstring(&sig, KEY_TYPE);
	rc |= oe_buf_put_string(&sig, raw, sizeof(raw));
	rc |= oe_buf_put_string(b, oe_buf_head(&sig), oe_buf_left(&sig));
	oe_buf_done(&sig);
	return rc;
}

/* What was made is what we would read: a broken one never leaves. */
static int
as_line(const struct oe_buf *b, char **ret, struct oe_err *err)
{
	struct oe_cert cert;
	char *base64;
	int rc = oe_cert_parse(oe_buf_head(b), oe_buf_left(b), &cert, err);

	if (rc)
		return rc;
	base64 = oe_str_base64(oe_buf_head(b), oe_buf_left(b), true);
	*ret = oe_mem_printf("%s %s", cert.key.type->name, base64);
	free(base64);
	oe_cert_done(&cert);
	return 0;
}

int
oe_ctl_cert_make(const struct oe_sign_key *ca, const struct oe_ctl_cert *c,
    char **ret, struct oe_err *err)
{
	struct oe_pubkey key;
	struct oe_buf b;
	int rc = oe_pubkey_parse_line(c->key, &key, err);

	if (rc)
		return rc;
	oe_buf_init(&b, OE_PUBKEY_BLOB_MAX);
	rc = key.type->cert ? OE_EINVAL : put_head(&b, &key);
	if (rc == 0)
		rc = put_body(&b, ca, c);
	if (rc == 0)
		rc = put_signature(&b, ca);
	if (rc == 0)
		rc = as_line(&b, ret, err);
	else
		rc = oe_err_set(
		    err, OE_EINVAL, "this key cannot have a certificate");
	oe_buf_done(&b);
	oe_pubkey_done(&key);
	return rc;
}
