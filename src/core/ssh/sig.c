/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/sig.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/ssh/pubkey.h"

#define SIG_SHA256_LEN  32
#define SK_USER_PRESENT 0x01

struct sig_parts {
	char alg[64];
	struct oe_buf bytes;
	uint8_t flags; /* sk-* only, as counter */
	uint32_t counter;
};

static bool
kind_is_sk(enum oe_pubkey_kind k)
{
	return k == OE_PUBKEY_SK_ED25519 || k == OE_PUBKEY_SK_ECDSA;
}

static int
sig_parse(const struct oe_pubkey *key, const void *sig, size_t len,
    struct sig_parts *ret)
{
	struct oe_buf b, alg;

	memset(ret, 0, sizeof *ret);
	oe_buf_view(&b, sig, len);
	if (oe_buf_get_string(&b, &alg) < 0 || alg.len >= sizeof ret->alg ||
	    oe_buf_get_string(&b, &ret->bytes) < 0)
		return OE_EINVAL;
	memcpy(ret->alg, oe_buf_head(&alg), alg.len);
	if (strlen(ret->alg) != alg.len)
		return OE_EINVAL;
	if (kind_is_sk(key->type->kind) &&
	    (oe_buf_get_u8(&b, &ret->flags) < 0 ||
		oe_buf_get_u32(&b, &ret->counter) < 0))
		return OE_EINVAL;
	return oe_buf_left(&b) ? OE_EINVAL : 0;
}

/* Digest that goes with the algorithm; NULL: pure (ed25519). 0, OE_EINVAL */
static int
sig_digest(const struct oe_pubkey *key, const char *alg, const char **ret_md)
{
	static const struct {
		const char *alg, *type, *md;
	} table[] = {
	    {"ssh-ed25519", "ssh-ed25519", NULL},
	    {"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", "SHA256"},
	    {"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", "SHA384"},
	    {"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", "SHA512"},
	    {"rsa-sha2-256", "ssh-rsa", "SHA256"},
	    {"rsa-sha2-512", "ssh-rsa", "SHA512"},
	    {"sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com", NULL},
	    {"sk-ecdsa-sha2-nistp256@openssh.com",
		"sk-ecdsa-sha2-nistp256@openssh.com", "SHA256"},
	};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(table); i++) {
		if (strcmp(table[i].alg, alg) ||
		    strcmp(table[i].type, key->type->name))
			continue;
		*ret_md = table[i].md;
		return 0;
	}
	return OE_EINVAL;
}

static EVP_PKEY *
pkey_from_params(const char *type, OSSL_PARAM_BLD *bld)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY *pkey = NULL;

	if (!ctx || !params || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *
pkey_rsa(const struct oe_pubkey_fields *f)
{
	BIGNUM *n = BN_bin2bn(oe_buf_head(&f->n), (int)f->n.len, NULL);
	BIGNUM *e = BN_bin2bn(oe_buf_head(&f->e), (int)f->e.len, NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (n && e && bld &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		pkey = pkey_from_params("RSA", bld);
	OSSL_PARAM_BLD_free(bld);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static EVP_PKEY *
pkey_ecdsa(const char *curve, const struct oe_pubkey_fields *f)
{
	const char *group = !strcmp(curve, "nistp256")   ? "P-256"
			    : !strcmp(curve, "nistp384") ? "P-384"
							 : "P-521";
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;

	if (bld &&
	    OSSL_PARAM_BLD_push_utf8_string(
		bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
		oe_buf_head(&f->point), f->point.len) == 1)
		pkey = pkey_from_params("EC", bld);
	OSSL_PARAM_BLD_free(bld);
	return pkey;
}

static EVP_PKEY *
pkey_make(const struct oe_pubkey *key, const struct oe_pubkey_fields *f)
{
	switch (key->type->kind) {
	case OE_PUBKEY_ED25519:
	case OE_PUBKEY_SK_ED25519:
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    oe_buf_head(&f->point), f->point.len);
	case OE_PUBKEY_ECDSA:
	case OE_PUBKEY_SK_ECDSA:
		return pkey_ecdsa(key->type->curve, f);
	case OE_PUBKEY_RSA:
		return pkey_rsa(f);
	}
	return NULL;
}

static BIGNUM *
get_bignum(struct oe_buf *b)
{
	struct oe_buf m;

	if (oe_buf_get_string(b, &m) < 0 || !m.len || m.len > 68 ||
	    (m.data[0] & 0x80))
		return NULL;
	return BN_bin2bn(oe_buf_head(&m), (int)m.len, NULL);
}

/* SSH's mpint r, mpint s as DER; OPENSSL_free() it.  NULL: broken. */
static unsigned char *
ecdsa_der(const struct oe_buf *sig, size_t *ret_len)
{
	struct oe_buf b = *sig;
	BIGNUM *r = get_bignum(&b), *s = get_bignum(&b);
	ECDSA_SIG *es = ECDSA_SIG_new();
	unsigned char *der = NULL;
	int n = -1;

	if (r && s && es && !oe_buf_left(&b) && ECDSA_SIG_set0(es, r, s) == 1) {
		r = s = NULL; /* es owns them now */
		n = i2d_ECDSA_SIG(es, &der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(es);
	if (n <= 0)
		return NULL;
	*ret_len = (size_t)n;
	return der;
}

/* PROTOCOL.u2f: what a security key signs in place of the data. */
static int
sk_message(const struct oe_buf *application, const struct sig_parts *sp,
    const void *data, size_t len, struct oe_buf *ret)
{
	unsigned char app[SIG_SHA256_LEN], msg[SIG_SHA256_LEN];
	size_t n;

	if (EVP_Q_digest(NULL, "SHA256", NULL, oe_buf_head(application),
		application->len, app, &n) != 1 ||
	    EVP_Q_digest(NULL, "SHA256", NULL, data, len, msg, &n) != 1)
		return OE_ELIB;
	(void)oe_buf_put(ret, app, sizeof app);
	(void)oe_buf_put_u8(ret, sp->flags);
	(void)oe_buf_put_u32(ret, sp->counter);
	(void)oe_buf_put(ret, msg, sizeof msg);
	return 0;
}

static int
digest_verify(EVP_PKEY *pkey, const char *md, const void *sig, size_t sig_len,
    const void *data, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r = OE_ELIB;

	if (ctx &&
	    EVP_DigestVerifyInit_ex(ctx, NULL, md, NULL, NULL, pkey, NULL) == 1)
		r = EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1
			? 0
			: OE_EAUTH;
	EVP_MD_CTX_free(ctx);
	return r;
}

static int
pkey_verify(EVP_PKEY *pkey, const struct oe_pubkey *key,
    const struct sig_parts *sp, const char *md, const struct oe_buf *data)
{
	unsigned char *der;
	size_t n;
	int r;

	if (!key->type->curve)
		return digest_verify(pkey, md, oe_buf_head(&sp->bytes),
		    sp->bytes.len, oe_buf_head(data), oe_buf_left(data));
	der = ecdsa_der(&sp->bytes, &n);
	if (!der)
		return OE_EINVAL;
	r = digest_verify(
	    pkey, md, der, n, oe_buf_head(data), oe_buf_left(data));
	OPENSSL_free(der);
	return r;
}

int
oe_sig_verify(const struct oe_pubkey *key, const void *sig, size_t sig_len,
    const void *data, size_t len, struct oe_err *err)
{
	struct oe_pubkey_fields f;
	struct oe_buf signed_data;
	struct sig_parts sp;
	EVP_PKEY *pkey;
	const char *md;
	int r;

	if (sig_parse(key, sig, sig_len, &sp) < 0)
		return oe_err_set(err, OE_EINVAL, "broken signature");
	if (sig_digest(key, sp.alg, &md) < 0)
		return oe_err_set(err, OE_EINVAL,
		    "signature algorithm is not accepted for a %s key%s",
		    key->type->name,
		    strcmp(sp.alg, "ssh-rsa") ? "" : " (SHA-1)");
	if (kind_is_sk(key->type->kind) && !(sp.flags & SK_USER_PRESENT))
		return oe_err_set(
		    err, OE_EAUTH, "the security key was not touched");
	oe_pubkey_fields(key, &f);
	oe_buf_init(&signed_data, 2 * SIG_SHA256_LEN + 5);
	pkey = pkey_make(key, &f);
	if (!pkey) {
		r = oe_err_set(err, OE_EINVAL, "the key is not usable");
		goto out;
	}
	if (kind_is_sk(key->type->kind))
		r = sk_message(&f.application, &sp, data, len, &signed_data);
	else
		r = (oe_buf_view(&signed_data, data, len), 0);
	if (r == 0)
		r = pkey_verify(pkey, key, &sp, md, &signed_data);
	if (r < 0)
		oe_err_set(err, r, "the signature does not verify");
out:
	/* libssh must not find our failures in this thread's queue */
	ERR_clear_error();
	EVP_PKEY_free(pkey);
	oe_buf_done(&signed_data);
	return r;
}
