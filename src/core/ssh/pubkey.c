/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/pubkey.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define ED25519_LEN   32
#define RSA_E_MAX_LEN 8
#define SK_APP_MAX    1024

/* A certificate row after each plain row, both with the same fields. */
#define ROWS(plain_, cert_, kind_, curve_, point_)                             \
	{plain_, plain_, curve_, kind_, point_, false},                        \
	{                                                                      \
		cert_, plain_, curve_, kind_, point_, true                     \
	}
#define ROWS_PLAIN(name_, kind_, curve_, point_)                               \
	ROWS(name_, name_ "-cert-v01@openssh.com", kind_, curve_, point_)

static const struct oe_pubkey_type pubkey_types[] = {
    ROWS_PLAIN("ssh-ed25519", OE_PUBKEY_ED25519, NULL, 0),
    ROWS_PLAIN("ecdsa-sha2-nistp256", OE_PUBKEY_ECDSA, "nistp256", 65),
    ROWS_PLAIN("ecdsa-sha2-nistp384", OE_PUBKEY_ECDSA, "nistp384", 97),
    ROWS_PLAIN("ecdsa-sha2-nistp521", OE_PUBKEY_ECDSA, "nistp521", 133),
    ROWS_PLAIN("ssh-rsa", OE_PUBKEY_RSA, NULL, 0),
    ROWS("sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com",
	OE_PUBKEY_SK_ED25519, NULL, 0),
    ROWS("sk-ecdsa-sha2-nistp256@openssh.com",
	"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", OE_PUBKEY_SK_ECDSA,
	"nistp256", 65),
};

const struct oe_pubkey_type *
oe_pubkey_type_find(const char *name)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(pubkey_types); i++)
		if (!strcmp(pubkey_types[i].name, name))
			return &pubkey_types[i];
	return NULL;
}

static int
key_broken(struct oe_err *err, const char *what)
{
	return oe_err_set(err, OE_EINVAL, "broken public key: %s", what);
}

/* RFC 4251 5 mpint, positive and without superfluous bytes. */
static int
get_mpint(struct oe_buf *b, struct oe_buf *ret)
{
	struct oe_buf m;
	const uint8_t *p;

	if (oe_buf_get_string(b, &m) < 0 || !m.len)
		return OE_EINVAL;
	p = oe_buf_head(&m);
	if (p[0] & 0x80)
		return OE_EINVAL;
	if (p[0] == 0) {
		if (m.len < 2 || !(p[1] & 0x80))
			return OE_EINVAL;
		oe_buf_view(ret, p + 1, m.len - 1);
	} else {
		*ret = m;
	}
	return 0;
}

static size_t
mpint_bits(const struct oe_buf *m)
{
	size_t bits = m->len * 8;
	uint8_t top = m->data[0];

	while (bits && !(top & 0x80)) {
		top = (uint8_t)(top << 1);
		bits--;
	}
	return bits;
}

static int
get_rsa(struct oe_buf *b, struct oe_pubkey_fields *f, struct oe_err *err)
{
	size_t bits;

	if (get_mpint(b, &f->e) < 0 || get_mpint(b, &f->n) < 0)
		return key_broken(err, "bad RSA number");
	bits = mpint_bits(&f->n);
	if (bits < OE_PUBKEY_RSA_MIN_BITS || bits > OE_PUBKEY_RSA_MAX_BITS)
		return oe_err_set(err, OE_EINVAL,
		    "RSA key of %zu bits: only %d to %d are accepted", bits,
		    OE_PUBKEY_RSA_MIN_BITS, OE_PUBKEY_RSA_MAX_BITS);
	if (f->e.len > RSA_E_MAX_LEN || mpint_bits(&f->e) < 2 ||
	    !(f->e.data[f->e.len - 1] & 1) || !(f->n.data[f->n.len - 1] & 1))
		return key_broken(err, "bad RSA exponent or modulus");
	return 0;
}

static int
get_ed25519(struct oe_buf *b, struct oe_pubkey_fields *f, struct oe_err *err)
{
	if (oe_buf_get_string(b, &f->point) < 0 || f->point.len != ED25519_LEN)
		return key_broken(err, "an ed25519 key has 32 bytes");
	return 0;
}

static int
get_ecdsa(const struct oe_pubkey_type *t, struct oe_buf *b,
    struct oe_pubkey_fields *f, struct oe_err *err)
{
	struct oe_buf curve;

	if (oe_buf_get_string(b, &curve) < 0 || curve.len != strlen(t->curve) ||
	    memcmp(oe_buf_head(&curve), t->curve, curve.len) != 0)
		return key_broken(err, "the curve is not that of the type");
	/* RFC 5656 3.1 allows compression, OpenSSH and we do not */
	if (oe_buf_get_string(b, &f->point) < 0 ||
	    f->point.len != t->point_len || f->point.data[0] != 0x04)
		return key_broken(err, "bad curve point");
	return 0;
}

static int
get_application(
    struct oe_buf *b, struct oe_pubkey_fields *f, struct oe_err *err)
{
	if (oe_buf_get_string(b, &f->application) < 0 || !f->application.len ||
	    f->application.len > SK_APP_MAX ||
	    memchr(f->application.data, 0, f->application.len))
		return key_broken(err, "bad security key application");
	return 0;
}

int
oe_pubkey_get_fields(const struct oe_pubkey_type *type, struct oe_buf *b,
    struct oe_pubkey_fields *ret, struct oe_err *err)
{
	struct oe_pubkey_fields f;
	int r = OE_EINVAL;

	memset(&f, 0, sizeof f);
	switch (type->kind) {
	case OE_PUBKEY_ED25519:
		r = get_ed25519(b, &f, err);
		break;
	case OE_PUBKEY_ECDSA:
		r = get_ecdsa(type, b, &f, err);
		break;
	case OE_PUBKEY_RSA:
		r = get_rsa(b, &f, err);
		break;
	case OE_PUBKEY_SK_ED25519:
		r = get_ed25519(b, &f, err);
		if (r == 0)
			r = get_application(b, &f, err);
		break;
	case OE_PUBKEY_SK_ECDSA:
		r = get_ecdsa(type, b, &f, err);
		if (r == 0)
			r = get_application(b, &f, err);
		break;
	}
	if (r == 0)
		*ret = f;
	return r;
}

/* What follows the key in a certificate: PROTOCOL.certkeys. */
static int
skip_cert_rest(struct oe_buf *b, struct oe_err *err)
{
	struct oe_buf s;
	uint64_t u64;
	uint32_t u32;
	int i, bad;

	/* serial, type, key id, principals, after, before */
	bad = oe_buf_get_u64(b, &u64) < 0 || oe_buf_get_u32(b, &u32) < 0 ||
	      oe_buf_get_string(b, &s) < 0 || oe_buf_get_string(b, &s) < 0 ||
	      oe_buf_get_u64(b, &u64) < 0 || oe_buf_get_u64(b, &u64) < 0;
	/* critical options, extensions, reserved, CA key, signature */
	for (i = 0; i < 5 && !bad; i++)
		bad = oe_buf_get_string(b, &s) < 0;
	return bad ? key_broken(err, "certificate cut short") : 0;
}

static int
get_type(
    struct oe_buf *b, const struct oe_pubkey_type **ret, struct oe_err *err)
{
	char *name, shown[80];
	int r = 0;

	if (oe_buf_get_cstring(b, 64, &name) < 0)
		return key_broken(err, "no type name");
	*ret = oe_pubkey_type_find(name);
	if (!*ret) {
		oe_str_escape(name, strlen(name), shown, sizeof shown);
		r = oe_err_set(err, OE_EINVAL,
		    "key type '%s' is not accepted; use ssh-ed25519, ecdsa, "
		    "rsa or a security key",
		    shown);
	}
	free(name);
	return r;
}

/* Walk a whole blob; fields and type are optional results. */
static int
blob_walk(const void *blob, size_t len, const struct oe_pubkey_type **ret_type,
    struct oe_pubkey_fields *ret_fields, struct oe_err *err)
{
	struct oe_buf b, nonce;
	int r;

	oe_buf_view(&b, blob, len);
	r = get_type(&b, ret_type, err);
	if (r == 0 && (*ret_type)->cert && oe_buf_get_string(&b, &nonce) < 0)
		r = key_broken(err, "certificate cut short");
	if (r == 0)
		r = oe_pubkey_get_fields(*ret_type, &b, ret_fields, err);
	if (r == 0 && (*ret_type)->cert)
		r = skip_cert_rest(&b, err);
	if (r == 0 && oe_buf_left(&b))
		r = key_broken(err, "bytes after the end");
	return r;
}

int
oe_pubkey_from_blob(
    const void *blob, size_t len, struct oe_pubkey *ret, struct oe_err *err)
{
	const struct oe_pubkey_type *type;
	struct oe_pubkey_fields f;
	int r;

	if (len > OE_PUBKEY_BLOB_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "a public key has at most %u bytes", OE_PUBKEY_BLOB_MAX);
	r = blob_walk(blob, len, &type, &f, err);
	if (r < 0)
		return r;
	memset(ret, 0, sizeof *ret);
	ret->type = type;
	ret->blob = oe_mem_zalloc(len);
	memcpy(ret->blob, blob, len);
	ret->len = len;
	return 0;
}

int
oe_pubkey_parse_line(
    const char *line, struct oe_pubkey *ret, struct oe_err *err)
{
	size_t type_len = strcspn(line, " \t"), len, n;
	struct oe_pubkey k;
	const char *p;
	uint8_t *blob;
	int r;

	p = line + type_len;
	p += strspn(p, " \t");
	n = strcspn(p, " \t");
	if (!type_len || !n)
		return oe_err_set(err, OE_EINVAL,
		    "a public key line is 'type base64 [comment]'");
	if (n > OE_PUBKEY_LINE_MAX)
		return oe_err_set(
		    err, OE_ETOOBIG, "the public key is too long");
	if (oe_str_unbase64(p, n, &blob, &len) < 0)
		return key_broken(err, "bad base64");
	r = oe_pubkey_from_blob(blob, len, &k, err);
	free(blob);
	if (r < 0)
		return r;
	if (strlen(k.type->name) != type_len ||
	    memcmp(k.type->name, line, type_len) != 0) {
		r = oe_err_set(err, OE_EINVAL,
		    "the line names another key type than the key in it (%s)",
		    k.type->name);
		oe_pubkey_done(&k);
		return r;
	}
	p += n;
	k.comment = oe_mem_strdup(p + strspn(p, " \t"));
	*ret = k;
	return 0;
}

void
oe_pubkey_done(struct oe_pubkey *k)
{
	oe_mem_free(&k->blob);
	oe_mem_free(&k->comment);
	memset(k, 0, sizeof *k);
}

bool
oe_pubkey_equal(const struct oe_pubkey *a, const struct oe_pubkey *b)
{
	return a->type == b->type && a->len == b->len &&
	       !memcmp(a->blob, b->blob, a->len);
}

void
oe_pubkey_fields(const struct oe_pubkey *k, struct oe_pubkey_fields *ret)
{
	const struct oe_pubkey_type *type;

	memset(ret, 0, sizeof *ret);
	/* cannot fail: the blob was walked when the key was made */
	(void)blob_walk(k->blob, k->len, &type, ret, NULL);
}

void
oe_pubkey_plain(const struct oe_pubkey *k, struct oe_pubkey *ret)
{
	struct oe_buf in, s, out;
	size_t start;
	struct oe_pubkey_fields f;

	oe_buf_view(&in, k->blob, k->len);
	oe_buf_init(&out, OE_PUBKEY_BLOB_MAX);
	(void)!oe_buf_get_string(&in, &s);
	(void)oe_buf_put_cstring(&out, k->type->plain);
	if (k->type->cert)
		(void)!oe_buf_get_string(&in, &s); /* nonce */
	start = in.off;
	(void)oe_pubkey_get_fields(k->type, &in, &f, NULL);
	(void)oe_buf_put(&out, k->blob + start, in.off - start);
	memset(ret, 0, sizeof *ret);
	ret->type = oe_pubkey_type_find(k->type->plain);
	ret->len = oe_buf_left(&out);
	ret->blob = oe_mem_zalloc(ret->len);
	memcpy(ret->blob, oe_buf_head(&out), ret->len);
	ret->comment = oe_mem_strdup(k->comment);
	oe_buf_done(&out);
}

char *
oe_pubkey_fingerprint(const struct oe_pubkey *k)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	struct oe_pubkey plain;
	char *text, *ret;
	size_t n = 0;

	oe_pubkey_plain(k, &plain);
	if (EVP_Q_digest(NULL, "SHA256", NULL, plain.blob, plain.len, md, &n) !=
	    1)
		n = 0;
	text = oe_str_base64(md, n, false);
	ret = oe_mem_printf("SHA256:%s", text);
	free(text);
	oe_pubkey_done(&plain);
	return ret;
}
