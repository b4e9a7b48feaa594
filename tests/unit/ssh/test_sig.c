/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/ssh/pubkey.h"
#include "core/ssh/sig.h"

static const char message[] = "what is signed";

struct signer {
	EVP_PKEY *pkey;
	struct oe_pubkey key;
	const char *type;
};

static void
signer_init(struct signer *s, const char *type)
{
	uint8_t pub[32];
	size_t n = sizeof pub;
	struct oe_buf b;

	s->type = type;
	s->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_int_equal(EVP_PKEY_get_raw_public_key(s->pkey, pub, &n), 1);
	oe_buf_init(&b, 1024);
	oe_buf_put_cstring(&b, type);
	oe_buf_put_string(&b, pub, n);
	if (*type == 's' && type[1] == 'k')
		oe_buf_put_cstring(&b, "ssh:");
	assert_int_equal(oe_pubkey_from_blob(
			     oe_buf_head(&b), oe_buf_left(&b), &s->key, NULL),
	    0);
	oe_buf_done(&b);
}

static void
signer_done(struct signer *s)
{
	EVP_PKEY_free(s->pkey);
	oe_pubkey_done(&s->key);
}

static void
sign(struct signer *s, const char *alg, const void *p, size_t n,
    struct oe_buf *ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[64];
	size_t len = sizeof sig;

	EVP_DigestSignInit(ctx, NULL, NULL, NULL, s->pkey);
	assert_int_equal(EVP_DigestSign(ctx, sig, &len, p, n), 1);
	EVP_MD_CTX_free(ctx);
	oe_buf_init(ret, 1024);
	oe_buf_put_cstring(ret, alg);
	oe_buf_put_string(ret, sig, len);
}

static int
verify(struct signer *s, struct oe_buf *sig, size_t n)
{
	return oe_sig_verify(
	    &s->key, oe_buf_head(sig), oe_buf_left(sig), message, n, NULL);
}

static void
test_ed25519(void **state)
{
	struct signer s;
	struct oe_buf sig;

	(void)state;
	signer_init(&s, "ssh-ed25519");
	sign(&s, "ssh-ed25519", message, sizeof message, &sig);
	assert_int_equal(verify(&s, &sig, sizeof message), 0);
	assert_int_equal(verify(&s, &sig, sizeof message - 1), OE_EAUTH);
	oe_buf_put_u8(&sig, 0);
	assert_int_equal(verify(&s, &sig, sizeof message), OE_EINVAL);
	oe_buf_done(&sig);
	sign(&s, "ssh-rsa", message, sizeof message, &sig);
	assert_int_equal(verify(&s, &sig, sizeof message), OE_EINVAL);
	oe_buf_done(&sig);
	signer_done(&s);
}

/* The device signs hash(application) flags counter hash(data). */
static void
sign_sk(struct signer *s, uint8_t flags, struct oe_buf *ret)
{
	uint8_t m[69];
	size_t n;

	EVP_Q_digest(NULL, "SHA256", NULL, "ssh:", 4, m, &n);
	m[32] = flags;
	memset(m + 33, 0, 3);
	m[36] = 7;
	EVP_Q_digest(NULL, "SHA256", NULL, message, sizeof message, m + 37, &n);
	sign(s, s->type, m, sizeof m, ret);
	oe_buf_put_u8(ret, flags);
	oe_buf_put_u32(ret, 7);
}

static void
test_security_key(void **state)
{
	struct signer s;
	struct oe_buf sig;

	(void)state;
	signer_init(&s, "sk-ssh-ed25519@openssh.com");
	sign_sk(&s, 1, &sig);
	assert_int_equal(verify(&s, &sig, sizeof message), 0);
	sig.data[sig.len - 1] ^= 1; /* the counter is covered */
	assert_int_equal(verify(&s, &sig, sizeof message), OE_EAUTH);
	oe_buf_done(&sig);
	sign_sk(&s, 0, &sig); /* not touched */
	assert_int_equal(verify(&s, &sig, sizeof message), OE_EAUTH);
	oe_buf_done(&sig);
	signer_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ed25519),
	    cmocka_unit_test(test_security_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
