/* SPDX-License-Identifier: Apache-2.0 */
#include "control/tls_cert.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "control/ssl_lib.h"
#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define FILE_MAX_BYTES (1 << 20)
#define CHAIN_MAX      10
#define LIFETIME_S     (10L * 365 * 24 * 3600)

struct oe_ctl_tls {
	_Atomic int refs;
	X509 *cert;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
	char fingerprint[8 + 3 * OE_SHA256_SIZE];
	char pin[64];
};

static int
ssl_err(struct oe_err *err, int code, const char *what)
{
	char text[160];
	unsigned long e = ERR_get_error();

	ERR_clear_error();
	if (!e)
		return oe_err_set(err, code, "%s", what);
	ERR_error_string_n(e, text, sizeof text);
	return oe_err_set(err, code, "%s: %s", what, text);
}

/* Keys without a password only: nobody is there to type one. */
static int
no_password(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return 0;
}

static int
read_bio(const char *path, struct oe_buf *b, BIO **ret, struct oe_err *err)
{
	int r = oe_fd_read_file(path, FILE_MAX_BYTES, b, err);

	if (r < 0)
		return oe_err_set(err, OE_ECONF, "%s", oe_err_text(err));
	*ret = BIO_new_mem_buf(oe_buf_head(b), (int)oe_buf_left(b));
	oe_mem_check(*ret);
	return 0;
}

static int
load_cert(struct oe_ctl_tls *t, const char *path, struct oe_err *err)
{
	struct oe_buf b;
	BIO *bio = NULL;
	X509 *next;
	int r;

	r = read_bio(path, &b, &bio, err);
	if (r < 0)
		return r;
	t->chain = oe_mem_check(sk_X509_new_null());
	t->cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
	while (t->cert && sk_X509_num(t->chain) < CHAIN_MAX &&
	       (next = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL)
		oe_mem_check(sk_X509_push(t->chain, next) ? t : NULL);
	BIO_free(bio);
	oe_buf_done(&b);
	if (!t->cert)
		return ssl_err(err, OE_ECONF, "no certificate in the file");
	ERR_clear_error();
	return 0;
}

static int
load_key(const char *path, EVP_PKEY **ret, struct oe_err *err)
{
	struct oe_buf b;
	struct stat st;
	BIO *bio = NULL;
	int r;

	if (stat(path, &st) == 0 && (st.st_mode & 07))
		return oe_err_set(err, OE_EPERM,
		    "everybody may read or write the key %s (mode %04o): "
		    "chmod 0640 or 0600 it",
		    path, (unsigned)st.st_mode & 07777);
	r = read_bio(path, &b, &bio, err);
	if (r < 0)
		return r;
	*ret = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
	BIO_free(bio);
	oe_buf_done(&b);
	return *ret ? 0 : ssl_err(err, OE_ECONF, "no usable key in the file");
}

static int
describe(struct oe_ctl_tls *t, struct oe_err *err)
{
	uint8_t hash[OE_SHA256_SIZE];
	unsigned char *der = NULL;
	unsigned n = sizeof hash;
	char *text;
	int len, i;

	if (!X509_digest(t->cert, EVP_sha256(), hash, &n))
		return ssl_err(err, OE_ELIB, "certificate");
	for (i = 0; i < OE_SHA256_SIZE; i++)
		snprintf(t->fingerprint + (i ? 6 + 3 * i : 0),
		    sizeof t->fingerprint - (size_t)(i ? 6 + 3 * i : 0),
		    i ? ":%02X" : "SHA256:%02X", hash[i]);
	len = i2d_PUBKEY(t->key, &der);
	if (len <= 0)
		return ssl_err(err, OE_ELIB, "key");
	oe_sha256(der, (size_t)len, hash);
	OPENSSL_free(der);
	text = oe_str_base64(hash, sizeof hash, true);
	snprintf(t->pin, sizeof t->pin, "sha256//%s", text);
	free(text);
	return 0;
}

/* What libssl would only say in a handshake: a key that is too weak. */
static int
try_out(const struct oe_ctl_tls *t, struct oe_err *err)
{
	const struct oe_ctl__ssl_calls *ssl = oe_ctl__ssl();
	SSL_CTX *ctx;
	int r = oe_ctl__ssl_load(err);

	if (r < 0)
		return r;
	ctx = oe_mem_check(ssl->SSL_CTX_new(ssl->TLS_server_method()));
	if (ssl->SSL_CTX_use_cert_and_key(ctx, t->cert, t->key, t->chain, 1) !=
	    1)
		r = ssl_err(err, OE_ECONF, "certificate and key");
	ssl->SSL_CTX_free(ctx);
	return r;
}

int
oe_ctl_tls_load(const char *cert, const char *key, struct oe_ctl_tls **ret,
    struct oe_err *err)
{
	struct oe_ctl_tls *t = oe_mem_zalloc(sizeof *t);
	int r;

	t->refs = 1;
	r = load_cert(t, cert, err);
	if (r < 0)
		r = oe_err_wrap(err, r, "%s", cert);
	if (r == 0) {
		r = load_key(key, &t->key, err);
		if (r < 0)
			r = oe_err_wrap(err, r, "%s", key);
	}
	if (r == 0 && X509_check_private_key(t->cert, t->key) != 1)
		r = ssl_err(
		    err, OE_ECONF, "the key does not fit the certificate");
	if (r == 0)
		r = try_out(t, err);
	if (r == 0)
		r = describe(t, err);
	if (r < 0)
		oe_ctl_tls_free(&t);
	else
		*ret = t;
	return r;
}

struct oe_ctl_tls *
oe_ctl_tls_ref(struct oe_ctl_tls *t)
{
	if (t)
		t->refs++;
	return t;
}

void
oe_ctl_tls_free(struct oe_ctl_tls **tp)
{
	struct oe_ctl_tls *t = *tp;

	*tp = NULL;
	if (!t || --t->refs > 0)
		return;
	X509_free(t->cert);
	sk_X509_pop_free(t->chain, X509_free);
	EVP_PKEY_free(t->key);
	free(t);
}

int64_t
oe_ctl_tls_until_s(const struct oe_ctl_tls *t)
{
	struct tm tm;

	memset(&tm, 0, sizeof tm);
	if (!ASN1_TIME_to_tm(X509_get0_notAfter(t->cert), &tm))
		return 0;
	return timegm(&tm);
}

bool
oe_ctl_tls_names(const struct oe_ctl_tls *t, const char *name)
{
	return X509_check_ip_asc(t->cert, name, 0) == 1 ||
	       X509_check_host(t->cert, name, 0, 0, NULL) == 1;
}

const char *
oe_ctl_tls_fingerprint(const struct oe_ctl_tls *t)
{
	return t->fingerprint;
}

const char *
oe_ctl_tls_pin(const struct oe_ctl_tls *t)
{
	return t->pin;
}

static bool
add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e && X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	return ok;
}

/* The names as GeneralNames; built by hand, as text would need escaping. */
static bool
add_names(X509 *x, const struct oe_strs *names)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	GENERAL_NAME *g;
	ASN1_OCTET_STRING *ip;
	ASN1_IA5STRING *dns;
	bool ok = all != NULL;
	size_t i;

	for (i = 0; i < names->n && ok; i++) {
		g = GENERAL_NAME_new();
		ip = a2i_IPADDRESS(names->v[i]);
		ok = g != NULL;
		if (ok && ip) {
			GENERAL_NAME_set0_value(g, GEN_IPADD, ip);
		} else if (ok) {
			dns = ASN1_IA5STRING_new();
			ok = dns && ASN1_STRING_set(dns, names->v[i], -1);
			GENERAL_NAME_set0_value(g, GEN_DNS, dns);
		}
		ok = ok && sk_GENERAL_NAME_push(all, g) > 0;
	}
	ERR_clear_error();
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, 0) == 1;
	GENERAL_NAMES_free(all);
	return ok;
}

static bool
fill_cert(X509 *x, EVP_PKEY *key, const struct oe_strs *names)
{
	X509_NAME *name = X509_get_subject_name(x);
	unsigned char serial[16];
	BIGNUM *bn;
	bool ok;

	oe_random_bytes(serial, sizeof serial);
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x01);
	bn = BN_bin2bn(serial, sizeof serial, NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok && X509_set_version(x, X509_VERSION_3) &&
	       /* a day back: clocks differ */
	       X509_gmtime_adj(X509_getm_notBefore(x), -24L * 3600) &&
	       X509_gmtime_adj(X509_getm_notAfter(x), LIFETIME_S) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		   (const unsigned char *)"omniedge control-server", -1, -1,
		   0) &&
	       X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
	       add_ext(x, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_ext(x, NID_key_usage, "critical,digitalSignature") &&
	       add_ext(x, NID_ext_key_usage, "serverAuth") &&
	       add_names(x, names) && X509_sign(x, key, EVP_sha256()) > 0;
}

static int
write_pem(const char *path, BIO *bio, mode_t mode, struct oe_err *err)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);

	return oe_fd_write_file(path, p, (size_t)n, mode, err);
}

/* The key that is there, so that pins of it stay good, or a new one. */
static int
need_key(const char *path, EVP_PKEY **ret, struct oe_err *err)
{
	BIO *pem;
	EVP_PKEY *k;
	int r = 0;

	if (access(path, F_OK) == 0) {
		r = load_key(path, ret, err);
		return r < 0 ? oe_err_wrap(err, r, "%s", path) : 0;
	}
	k = EVP_EC_gen("P-256");
	pem = BIO_new(BIO_s_secmem());
	if (!k || !pem ||
	    !PEM_write_bio_PrivateKey(pem, k, NULL, NULL, 0, NULL, NULL))
		r = ssl_err(err, OE_ELIB, "cannot make a key");
	if (r == 0)
		r = write_pem(path, pem, 0600, err);
	BIO_free(pem);
	if (r == 0)
		*ret = k;
	else
		EVP_PKEY_free(k);
	return r;
}

int
oe_ctl_tls_make(const char *cert, const char *key, const struct oe_strs *names,
    struct oe_err *err)
{
	EVP_PKEY *k = NULL;
	BIO *pem = BIO_new(BIO_s_mem());
	X509 *x = X509_new();
	int r = need_key(key, &k, err);

	if (r == 0 && (!x || !pem || !fill_cert(x, k, names) ||
			  !PEM_write_bio_X509(pem, x)))
		r = ssl_err(err, OE_ELIB, "cannot make a certificate");
	if (r == 0)
		r = write_pem(cert, pem, 0644, err);
	BIO_free(pem);
	X509_free(x);
	EVP_PKEY_free(k);
	return r;
}

static const char ciphers12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/*
 * In each handshake.  An SSL_CTX keeps a certificate for each kind of key: to
 * put a new one into it leaves the old one there when the kind has changed.
 */
static int
choose(SSL *conn, void *arg)
{
	const struct oe_ctl__ssl_calls *ssl = oe_ctl__ssl();
	struct oe_ctl_tls *const *current = arg;
	const struct oe_ctl_tls *t = *current;

	ssl->SSL_certs_clear(conn);
	return ssl->SSL_use_cert_and_key(conn, t->cert, t->key, t->chain, 1);
}

int
oe_ctl_tls_setup(
    void *ssl_ctx, struct oe_ctl_tls *const *current, struct oe_err *err)
{
	const struct oe_ctl__ssl_calls *ssl = oe_ctl__ssl();
	SSL_CTX *ctx = ssl_ctx;
	int r = oe_ctl__ssl_load(err);

	if (r < 0)
		return r;
	ERR_clear_error();
	ssl->SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
	/* lws asks before its own roots are read; clients have no certificate
	 */
	ssl->SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	ssl->SSL_CTX_set_cert_cb(ctx, choose, (void *)(uintptr_t)current);
	(void)ssl->SSL_CTX_ctrl(
	    ctx, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, NULL);
	/* idle connections cost little */
	(void)ssl->SSL_CTX_ctrl(
	    ctx, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS, NULL);
	if (ssl->SSL_CTX_ctrl(ctx, SSL_CTRL_SET_MIN_PROTO_VERSION,
		TLS1_2_VERSION, NULL) != 1 ||
	    ssl->SSL_CTX_set_cipher_list(ctx, ciphers12) != 1 ||
	    ssl->SSL_CTX_set_num_tickets(ctx, 0) != 1)
		return ssl_err(err, OE_ELIB, "set up TLS");
	return 0;
}

void
oe_ctl_tls_end(void *ssl)
{
	if (ssl)
		(void)oe_ctl__ssl()->SSL_shutdown(ssl);
	ERR_clear_error();
}
