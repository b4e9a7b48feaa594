/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/revoked.h"

#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/cert.h"
#include "core/ssh/pubkey.h"

/* PROTOCOL.krl 1: "SSHKRL\n\0" */
#define KRL_MAGIC   0x5353484b524c0a00ULL
#define KRL_VERSION 1

#define KRL_CERTIFICATES   1
#define KRL_EXPLICIT_KEY   2
#define KRL_SHA1           3
#define KRL_SIGNATURE      4
#define KRL_SHA256         5
#define KRL_EXTENSION      255
#define KRL_SERIAL_LIST    0x20
#define KRL_SERIAL_RANGE   0x21
#define KRL_SERIAL_BITMAP  0x22
#define KRL_KEY_ID         0x23
#define KRL_CERT_EXTENSION 0x39

#define SHA1_LEN   20
#define SHA256_LEN 32

enum item_kind {
	ITEM_KEY,  /* bytes: plain key blob */
	ITEM_SHA1, /* bytes: hash of one */
	ITEM_SHA256,
	ITEM_LIST,   /* bytes: serials of ca, u64 each */
	ITEM_RANGE,  /* serials [lo, hi] of ca */
	ITEM_BITMAP, /* serials lo + bit number, of ca */
	ITEM_KEY_ID, /* bytes: key id, of ca */
};

struct item {
	enum item_kind kind;
	struct oe_buf bytes; /* view into file or owned */
	struct oe_buf ca;    /* empty: any CA */
	uint64_t lo, hi;
};

struct oe_revoked {
	struct oe_buf file; /* a copy; items look into it */
	struct item *v;
	size_t n, cap;
};

/* What is looked up. */
struct target {
	const uint8_t *blob; /* plain key */
	size_t len;
	unsigned char sha1[EVP_MAX_MD_SIZE], sha256[EVP_MAX_MD_SIZE];
};

static int
krl_broken(struct oe_err *err, const char *what)
{
	return oe_err_set(err, OE_EINVAL, "broken revocation list: %s", what);
}

static struct item *
item_add(struct oe_revoked *r, enum item_kind kind)
{
	struct item *it;

	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 64;
		r->v = oe_mem_realloc_array(r->v, r->cap, sizeof *r->v);
	}
	it = &r->v[r->n++];
	memset(it, 0, sizeof *it);
	it->kind = kind;
	return it;
}

static int
parse_serials(struct oe_revoked *r, struct oe_buf *b, const struct oe_buf *ca,
    struct oe_err *err)
{
	struct item *it;

	if (!oe_buf_left(b) || oe_buf_left(b) % sizeof(uint64_t))
		return krl_broken(err, "bad serial list");
	it = item_add(r, ITEM_LIST);
	it->ca = *ca;
	it->bytes = *b;
	return 0;
}

static int
parse_range(struct oe_revoked *r, struct oe_buf *b, const struct oe_buf *ca,
    struct oe_err *err)
{
	struct item *it;
	uint64_t lo, hi;

	if (oe_buf_get_u64(b, &lo) < 0 || oe_buf_get_u64(b, &hi) < 0 ||
	    hi < lo || oe_buf_left(b))
		return krl_broken(err, "bad serial range");
	it = item_add(r, ITEM_RANGE);
	it->ca = *ca;
	it->lo = lo;
	it->hi = hi;
	return 0;
}

static int
parse_bitmap(struct oe_revoked *r, struct oe_buf *b, const struct oe_buf *ca,
    struct oe_err *err)
{
	struct oe_buf bits;
	struct item *it;
	uint64_t lo;

	if (oe_buf_get_u64(b, &lo) < 0 || oe_buf_get_string(b, &bits) < 0 ||
	    oe_buf_left(b) || !bits.len || (bits.data[0] & 0x80))
		return krl_broken(err, "bad serial bitmap");
	it = item_add(r, ITEM_BITMAP);
	it->ca = *ca;
	it->lo = lo;
	it->bytes = bits;
	return 0;
}

/* Strings until the end of @b, each an item; @len 0: any length but 0. */
static int
parse_strings(struct oe_revoked *r, enum item_kind kind, struct oe_buf *b,
    const struct oe_buf *ca, size_t len, struct oe_err *err)
{
	struct oe_buf s;
	struct item *it;

	if (!oe_buf_left(b))
		return krl_broken(err, "empty section");
	while (oe_buf_left(b)) {
		if (oe_buf_get_string(b, &s) < 0 || (len && s.len != len) ||
		    (!s.len && kind != ITEM_KEY_ID))
			return krl_broken(err, "bad entry");
		it = item_add(r, kind);
		it->bytes = s;
		if (ca)
			it->ca = *ca;
	}
	return 0;
}

/* An extension: string name, bool critical, string contents. */
static int
parse_extension(struct oe_buf *b, struct oe_err *err)
{
	struct oe_buf name, contents;
	char shown[80];
	uint8_t critical;

	if (oe_buf_get_string(b, &name) < 0 ||
	    oe_buf_get_u8(b, &critical) < 0 ||
	    oe_buf_get_string(b, &contents) < 0 || oe_buf_left(b))
		return krl_broken(err, "bad extension");
	if (!critical)
		return 0;
	oe_str_escape(
	    (const char *)oe_buf_head(&name), name.len, shown, sizeof shown);
	return oe_err_set(err, OE_EINVAL,
	    "the revocation list needs the extension '%s', which is not "
	    "known here",
	    shown);
}

static int
parse_cert_section(struct oe_revoked *r, struct oe_buf *b, struct oe_err *err)
{
	struct oe_buf ca, reserved, data;
	uint8_t type;
	int ret = 0;

	if (oe_buf_get_string(b, &ca) < 0 ||
	    oe_buf_get_string(b, &reserved) < 0)
		return krl_broken(err, "bad certificate section");
	while (ret == 0 && oe_buf_left(b)) {
		if (oe_buf_get_u8(b, &type) < 0 ||
		    oe_buf_get_string(b, &data) < 0)
			return krl_broken(err, "bad certificate section");
		if (type == KRL_SERIAL_LIST)
			ret = parse_serials(r, &data, &ca, err);
		else if (type == KRL_SERIAL_RANGE)
			ret = parse_range(r, &data, &ca, err);
		else if (type == KRL_SERIAL_BITMAP)
			ret = parse_bitmap(r, &data, &ca, err);
		else if (type == KRL_KEY_ID)
			ret = parse_strings(r, ITEM_KEY_ID, &data, &ca, 0, err);
		else if (type == KRL_CERT_EXTENSION)
			ret = parse_extension(&data, err);
		else
			ret = krl_broken(err, "unknown certificate section");
	}
	return ret;
}

static int
parse_section(
    struct oe_revoked *r, uint8_t type, struct oe_buf *data, struct oe_err *err)
{
	switch (type) {
	case KRL_CERTIFICATES:
		return parse_cert_section(r, data, err);
	case KRL_EXPLICIT_KEY:
		return parse_strings(r, ITEM_KEY, data, NULL, 0, err);
	case KRL_SHA1:
		return parse_strings(r, ITEM_SHA1, data, NULL, SHA1_LEN, err);
	case KRL_SHA256:
		return parse_strings(
		    r, ITEM_SHA256, data, NULL, SHA256_LEN, err);
	case KRL_EXTENSION:
		return parse_extension(data, err);
	}
	return krl_broken(err, "unknown section");
}

static int
parse_krl(struct oe_revoked *r, struct oe_buf b, struct oe_err *err)
{
	struct oe_buf s, data;
	bool at_signatures = false;
	uint64_t u64;
	uint32_t version;
	uint8_t type;
	int ret = 0;

	/* magic; then krl_version, generated_date and flags */
	if (oe_buf_get_u64(&b, &u64) < 0 || oe_buf_get_u32(&b, &version) < 0)
		return krl_broken(err, "cut short");
	if (version != KRL_VERSION)
		return krl_broken(err, "unknown format version");
	if (oe_buf_get_u64(&b, &u64) < 0 || oe_buf_get_u64(&b, &u64) < 0 ||
	    oe_buf_get_u64(&b, &u64) < 0 || oe_buf_get_string(&b, &s) < 0 ||
	    oe_buf_get_string(&b, &s) < 0)
		return krl_broken(err, "cut short");
	while (ret == 0 && oe_buf_left(&b)) {
		if (oe_buf_get_u8(&b, &type) < 0 ||
		    oe_buf_get_string(&b, &data) < 0)
			return krl_broken(err, "cut short");
		if (type == KRL_SIGNATURE) {
			/* key, then signature; only signatures may follow */
			at_signatures = true;
			if (oe_buf_get_string(&b, &s) < 0)
				return krl_broken(err, "cut short");
			continue;
		}
		if (at_signatures)
			return krl_broken(err, "data behind the signature");
		ret = parse_section(r, type, &data, err);
	}
	return ret;
}

/* The plain key of a certificate that a text list names. */
static int
text_add_cert(
    struct oe_revoked *r, const uint8_t *blob, size_t len, struct oe_err *err)
{
	struct oe_pubkey cert, plain;
	struct item *it;
	int ret = oe_pubkey_from_blob(blob, len, &cert, err);

	if (ret < 0)
		return ret;
	oe_pubkey_plain(&cert, &plain);
	it = item_add(r, ITEM_KEY);
	oe_buf_init(&it->bytes, plain.len);
	ret = oe_buf_put(&it->bytes, plain.blob, plain.len);
	oe_pubkey_done(&plain);
	oe_pubkey_done(&cert);
	return ret;
}

/*
 * One line.  Keys that would not be accepted anyway (DSA, short RSA) are fine
 * here: an old list must not become unusable.
 */
static int
text_add(struct oe_revoked *r, const char *line, struct oe_err *err)
{
	size_t type_len = strcspn(line, " \t"), n, len;
	const char *p = line + type_len;
	struct oe_buf b, type;
	struct item *it;
	uint8_t *blob;
	int ret = 0;

	p += strspn(p, " \t");
	n = strcspn(p, " \t");
	if (!n || oe_str_unbase64(p, n, &blob, &len) < 0)
		return oe_err_set(err, OE_EINVAL,
		    "not a public key ('type base64 [comment]')");
	oe_buf_view(&b, blob, len);
	if (oe_buf_get_string(&b, &type) < 0 || type.len != type_len ||
	    memcmp(oe_buf_head(&type), line, type_len) != 0) {
		ret = oe_err_set(err, OE_EINVAL,
		    "the line names another key type than the key in it");
	} else if (memmem(line, type_len, "-cert-v0", 8)) {
		ret = text_add_cert(r, blob, len, err);
	} else {
		it = item_add(r, ITEM_KEY);
		oe_buf_init(&it->bytes, len);
		ret = oe_buf_put(&it->bytes, blob, len);
	}
	free(blob);
	return ret;
}

static int
parse_text(struct oe_revoked *r, struct oe_err *err)
{
	const char *p = (const char *)oe_buf_head(&r->file), *eol, *start;
	const char *end = p + oe_buf_left(&r->file);
	unsigned line = 0;
	char *text;
	int ret = 0;

	for (; ret == 0 && p < end; p = eol + (eol < end)) {
		line++;
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		if (memchr(p, 0, (size_t)(eol - p)))
			return krl_broken(err, "neither KRL nor text");
		text = oe_mem_strndup(p, (size_t)(eol - p));
		text[strcspn(text, "\r")] = 0;
		start = text + strspn(text, " \t");
		if (*start && *start != '#')
			ret = text_add(r, start, err);
		free(text);
	}
	return ret < 0 ? oe_err_wrap(err, ret, "revocation list line %u", line)
		       : 0;
}

int
oe_revoked_parse(
    const void *bytes, size_t len, struct oe_revoked **ret, struct oe_err *err)
{
	struct oe_revoked *r;
	struct oe_buf head;
	uint64_t magic = 0;
	int status;

	if (len > OE_REVOKED_FILE_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "a revocation list has at most %u bytes",
		    OE_REVOKED_FILE_MAX);
	r = oe_mem_zalloc(sizeof *r);
	oe_buf_init(&r->file, OE_REVOKED_FILE_MAX);
	(void)oe_buf_put(&r->file, bytes, len);
	oe_buf_view(&head, oe_buf_head(&r->file), oe_buf_left(&r->file));
	if (oe_buf_get_u64(&head, &magic) == 0 && magic == KRL_MAGIC) {
		oe_buf_view(
		    &head, oe_buf_head(&r->file), oe_buf_left(&r->file));
		status = parse_krl(r, head, err);
	} else {
		status = parse_text(r, err);
	}
	if (status < 0)
		oe_revoked_free(&r);
	else
		*ret = r;
	return status;
}

int
oe_revoked_load(const char *path, struct oe_revoked **ret, struct oe_err *err)
{
	struct oe_buf b;
	int r;

	r = oe_fd_read_file(path, OE_REVOKED_FILE_MAX, &b, err);
	if (r < 0)
		return r;
	r = oe_revoked_parse(oe_buf_head(&b), oe_buf_left(&b), ret, err);
	oe_buf_done(&b);
	return r < 0 ? oe_err_wrap(err, r, "'%s'", path) : 0;
}

void
oe_revoked_free(struct oe_revoked **r)
{
	size_t i;

	if (!*r)
		return;
	for (i = 0; i < (*r)->n; i++)
		oe_buf_done(&(*r)->v[i].bytes); /* views are left alone */
	free((*r)->v);
	oe_buf_done(&(*r)->file);
	oe_mem_free(r);
}

static bool
bytes_equal(const struct oe_buf *b, const void *p, size_t n)
{
	return oe_buf_left(b) == n && !memcmp(oe_buf_head(b), p, n);
}

static int
target_init(struct target *t, const struct oe_pubkey *plain)
{
	size_t n;

	t->blob = plain->blob;
	t->len = plain->len;
	if (EVP_Q_digest(NULL, "SHA1", NULL, t->blob, t->len, t->sha1, &n) ==
		1 &&
	    EVP_Q_digest(
		NULL, "SHA256", NULL, t->blob, t->len, t->sha256, &n) == 1)
		return 0;
	return OE_ELIB;
}

static bool
key_listed(const struct oe_revoked *r, const struct target *t)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct item *it = &r->v[i];

		if ((it->kind == ITEM_KEY &&
			bytes_equal(&it->bytes, t->blob, t->len)) ||
		    (it->kind == ITEM_SHA1 &&
			bytes_equal(&it->bytes, t->sha1, SHA1_LEN)) ||
		    (it->kind == ITEM_SHA256 &&
			bytes_equal(&it->bytes, t->sha256, SHA256_LEN)))
			return true;
	}
	return false;
}

static bool
bitmap_has(const struct item *it, uint64_t serial)
{
	uint64_t bit = serial - it->lo;

	if (serial < it->lo || bit / 8 >= it->bytes.len)
		return false;
	return it->bytes.data[it->bytes.len - 1 - bit / 8] >> (bit % 8) & 1;
}

static bool
list_has(const struct item *it, uint64_t serial)
{
	struct oe_buf b = it->bytes;
	uint64_t one;

	while (oe_buf_get_u64(&b, &one) == 0)
		if (one == serial)
			return true;
	return false;
}

static bool
item_names_cert(const struct item *it, const struct oe_cert *c)
{
	if (it->ca.len && !bytes_equal(&it->ca, c->ca.blob, c->ca.len))
		return false;
	if (it->kind == ITEM_LIST)
		return list_has(it, c->serial);
	if (it->kind == ITEM_RANGE)
		return c->serial >= it->lo && c->serial <= it->hi;
	if (it->kind == ITEM_BITMAP)
		return bitmap_has(it, c->serial);
	return it->kind == ITEM_KEY_ID &&
	       bytes_equal(&it->bytes, c->key_id, strlen(c->key_id));
}

static int
check_key(const struct oe_revoked *r, const struct oe_pubkey *key,
    const char *what, struct oe_err *err)
{
	struct oe_pubkey plain;
	struct target t;
	int ret;

	oe_pubkey_plain(key, &plain);
	ret = target_init(&t, &plain);
	if (ret < 0)
		oe_err_set(err, ret, "hash a key");
	else if (key_listed(r, &t))
		ret = oe_err_set(err, OE_EPERM, "%s is revoked", what);
	oe_pubkey_done(&plain);
	return ret;
}

int
oe_revoked_check(const struct oe_revoked *r, const struct oe_pubkey *key,
    const struct oe_cert *cert, struct oe_err *err)
{
	size_t i;
	int ret;

	if (key->type->cert && !cert)
		return oe_err_set(
		    err, OE_EINVAL, "a certificate is checked as one");
	ret = check_key(r, key, "the key", err);
	if (ret < 0 || !cert)
		return ret;
	ret = check_key(r, &cert->ca, "the certificate's CA", err);
	for (i = 0; ret == 0 && i < r->n; i++)
		if (item_names_cert(&r->v[i], cert))
			ret = oe_err_set(err, OE_EPERM,
			    "the certificate is revoked by its %s",
			    r->v[i].kind == ITEM_KEY_ID ? "key id" : "serial");
	return ret;
}
