/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/signed.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define CONTEXT     "omniedge signed document 1\n"
#define ETAG_MAX    256
#define CONFIRM_MAX 64

/* What is signed: the context and the payload; free() it. */
static char *
signed_bytes(const char *payload, size_t *ret_n)
{
	char *s = oe_mem_printf(CONTEXT "%s", payload);

	*ret_n = strlen(s);
	return s;
}

static char *
signed_text(const char *payload, const uint8_t sig[OE_SIGN_SIZE],
    const uint8_t key[OE_SIGN_PUBLIC_SIZE])
{
	struct oe_jval *v = oe_jval_object();
	char *text;

	oe_jval_set_text(v, "payload", payload);
	text = oe_str_base64(sig, OE_SIGN_SIZE, true);
	oe_jval_set_text(v, "signature", text);
	free(text);
	text = oe_str_base64(key, OE_SIGN_PUBLIC_SIZE, true);
	oe_jval_set_text(v, "key", text);
	free(text);
	text = oe_jval_dump(v, 0);
	oe_jval_free(&v);
	return text;
}

char *
oe_signed_make(const struct oe_sign_key *key, const char *payload)
{
	uint8_t sig[OE_SIGN_SIZE];
	char *bytes;
	size_t n;

	bytes = signed_bytes(payload, &n);
	oe_sign(key, bytes, n, sig);
	free(bytes);
	return signed_text(payload, sig, key->public);
}

/* Base64 of exactly @n bytes. */
static bool
signed_get(const struct oe_jval *v, const char *name, uint8_t *to, size_t n)
{
	const char *s = oe_jval_get_text(v, name);
	uint8_t *p = NULL;
	size_t len;
	bool ok;

	if (!s || oe_str_unbase64(s, strlen(s), &p, &len) < 0)
		return false;
	ok = len == n;
	if (ok)
		memcpy(to, p, n);
	free(p);
	return ok;
}

static int
signed_verify(const struct oe_signed_parts *p, const struct oe_signed_expect *e,
    struct oe_err *err)
{
	char *bytes;
	size_t n;
	bool ok;

	if (!oe_mem_equal(p->key, e->public_key, sizeof p->key))
		return oe_err_set(err, OE_EAUTH,
		    "it is signed with another key than the one that was "
		    "learned at login");
	bytes = signed_bytes(p->payload, &n);
	ok = oe_sign_verify(e->public_key, bytes, n, p->signature);
	free(bytes);
	return ok ? 0 : oe_err_set(err, OE_EAUTH, "its signature is wrong");
}

static int
signed_fields(struct oe_signed *d, struct oe_err *err)
{
	const char *kind = oe_jval_get_text(d->payload, "kind");
	const char *network = oe_jval_get_text(d->payload, "network_id");
	const char *issued = oe_jval_get_text(d->payload, "issued_at");
	int64_t version = oe_jval_get_int(d->payload, "version", 0);

	if (!kind || !network || version < 1 || !issued ||
	    !oe_str_copy(d->kind, sizeof d->kind, kind) ||
	    !oe_str_copy(d->network_id, sizeof d->network_id, network) ||
	    oe_time_parse(issued, &d->issued_ms) < 0)
		return oe_err_set(err, OE_EPROTO,
		    "its payload lacks kind, network, version or time");
	d->version = (uint64_t)version;
	return 0;
}

static int
signed_judge(const struct oe_signed *d, const struct oe_signed_expect *e,
    struct oe_err *err)
{
	if (strcmp(d->kind, e->kind))
		return oe_err_set(err, OE_EPERM, "it is no %s", e->kind);
	if (strcmp(d->network_id, e->network_id))
		return oe_err_set(err, OE_EPERM, "it is about another network");
	if (d->version < e->version)
		return oe_err_set(err, OE_EPERM,
		    "its version %llu is older than %llu, which was seen "
		    "before",
		    (unsigned long long)d->version,
		    (unsigned long long)e->version);
	if (d->issued_ms > e->now_ms + OE_SIGNED_AHEAD_MS)
		return oe_err_set(err, OE_EPERM, "it is from the future");
	return 0;
}

int
oe_signed_split_value(
    const struct oe_jval *v, struct oe_signed_parts *ret, struct oe_err *err)
{
	const char *payload = oe_jval_get_text(v, "payload");
	struct oe_signed_parts p = {0};

	if (!payload ||
	    !signed_get(v, "signature", p.signature, OE_SIGN_SIZE) ||
	    !signed_get(v, "key", p.key, OE_SIGN_PUBLIC_SIZE))
		return oe_err_set(err, OE_EPROTO, "it is no signed document");
	p.n = strlen(payload);
	if (p.n > OE_SIGNED_MAX)
		return oe_err_set(err, OE_ETOOBIG, "it is larger than %d bytes",
		    OE_SIGNED_MAX);
	p.payload = oe_mem_strdup(payload);
	*ret = p;
	return 0;
}

int
oe_signed_split(
    const void *text, size_t n, struct oe_signed_parts *ret, struct oe_err *err)
{
	struct oe_jval *v = NULL;
	int r;

	if (n > OE_SIGNED_MAX)
		return oe_err_set(err, OE_ETOOBIG, "it is larger than %d bytes",
		    OE_SIGNED_MAX);
	r = oe_jval_parse(text, n, &v, err);
	if (r == 0)
		r = oe_signed_split_value(v, ret, err);
	oe_jval_free(&v);
	return r;
}

void
oe_signed_parts_done(struct oe_signed_parts *p)
{
	oe_mem_free(&p->payload);
	p->n = 0;
}

/* Nothing of the payload is read before it was signed for. */
static int
signed_open(const struct oe_signed_parts *p, const struct oe_signed_expect *e,
    struct oe_signed *ret, struct oe_err *err)
{
	struct oe_signed d = {0};
	int r = signed_verify(p, e, err);

	if (r == 0)
		r = oe_jval_parse(p->payload, p->n, &d.payload, err);
	if (r == 0)
		r = signed_fields(&d, err);
	if (r == 0)
		r = signed_judge(&d, e, err);
	if (r < 0)
		oe_signed_done(&d);
	else
		*ret = d;
	return r;
}

int
oe_signed_believe(const struct oe_signed_parts *p,
    const struct oe_signed_expect *e, struct oe_signed *ret, struct oe_err *err)
{
	int r = signed_open(p, e, ret, err);

	if (r < 0)
		return r;
	ret->text = signed_text(p->payload, p->signature, p->key);
	ret->n = strlen(ret->text);
	return 0;
}

int
oe_signed_read(const void *text, size_t n, const struct oe_signed_expect *e,
    struct oe_signed *ret, struct oe_err *err)
{
	struct oe_signed_parts p = {0};
	int r = oe_signed_split(text, n, &p, err);

	if (r == 0)
		r = signed_open(&p, e, ret, err);
	if (r == 0) {
		ret->text = oe_mem_zalloc(n + 1);
		memcpy(ret->text, text, n);
		ret->n = n;
	}
	oe_signed_parts_done(&p);
	return r;
}

void
oe_signed_done(struct oe_signed *d)
{
	oe_mem_free(&d->text);
	d->n = 0;
	oe_jval_free(&d->payload);
}

void
oe_signed_cached_done(struct oe_signed_cached *c)
{
	oe_signed_done(&c->doc);
	oe_mem_free(&c->etag);
}

int
oe_signed_store(const char *path, const struct oe_signed *d,
    const struct oe_signed_expect *e, int64_t fetched_ms, const char *etag,
    struct oe_err *err)
{
	struct oe_signed_expect any = *e;
	struct oe_signed_cached had;
	struct oe_jval *v;
	char *text;
	int r;

	any.version = 0;
	if (oe_signed_load(path, &any, &had, NULL) == 0) {
		bool older = d->version < had.doc.version;

		oe_signed_cached_done(&had);
		if (older)
			return oe_err_set(err, OE_EPERM,
			    "'%s' has a newer version already", path);
	}
	v = oe_jval_object();
	oe_jval_set_int(v, "fetched_ms", fetched_ms);
	if (etag && strlen(etag) <= ETAG_MAX)
		oe_jval_set_text(v, "etag", etag);
	oe_jval_set_text(v, "document", d->text);
	text = oe_jval_dump(v, 0);
	r = oe_fd_write_file(path, text, strlen(text), 0600, err);
	free(text);
	oe_jval_free(&v);
	return r;
}

static char *
confirm_path(const char *path)
{
	return oe_mem_printf("%s.seen", path);
}

int
oe_signed_confirm(
    const char *path, uint64_t version, int64_t fetched_ms, struct oe_err *err)
{
	char *name = confirm_path(path), text[64];
	int r;

	snprintf(text, sizeof text, "%" PRIu64 " %" PRId64 "\n", version,
	    fetched_ms);
	r = oe_fd_write_file(name, text, strlen(text), 0600, err);
	free(name);
	return r;
}

/* The file, opened once: what is judged is what is read. */
static int
cached_read(
    const char *path, size_t max, struct oe_buf *ret, struct oe_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), r;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return oe_err_set(err, OE_ENOENT, "there is no '%s'", path);
	if (fd < 0)
		return oe_err_sys(err, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		r = oe_err_sys(err, "look at '%s'", path);
	else if (st.st_uid != geteuid() || (st.st_mode & 022))
		r = oe_err_set(err, OE_EPERM,
		    "'%s' is not a file that only we can write", path);
	else
		r = oe_fd_read_all(fd, path, max, ret, err);
	oe_fd_close(&fd);
	return r;
}

/* When @version was confirmed, if that was later than @fetched_ms. */
static int64_t
confirm_read(const char *path, uint64_t version, int64_t fetched_ms)
{
	char *name = confirm_path(path), *s = NULL, *space;
	struct oe_buf b = {0};
	int64_t of = 0, at = 0;

	if (cached_read(name, CONFIRM_MAX, &b, NULL) == 0) {
		s = oe_mem_strndup(
		    (const char *)oe_buf_head(&b), oe_buf_left(&b));
		s[strcspn(s, "\n")] = '\0';
		space = strchr(s, ' ');
		if (space)
			*space++ = '\0';
		if (!space || oe_str_parse_int(s, 1, INT64_MAX, &of) < 0 ||
		    oe_str_parse_int(space, 0, INT64_MAX, &at) < 0)
			of = 0;
	}
	oe_buf_done(&b);
	free(s);
	free(name);
	return of && (uint64_t)of == version && at > fetched_ms ? at
								: fetched_ms;
}

int
oe_signed_load(const char *path, const struct oe_signed_expect *e,
    struct oe_signed_cached *ret, struct oe_err *err)
{
	struct oe_signed_cached c = {.doc = {0}};
	struct oe_jval *v = NULL;
	struct oe_buf text = {0};
	const char *document;
	int r = cached_read(path, 2 * (size_t)OE_SIGNED_MAX, &text, err);

	if (r == 0)
		r = oe_jval_parse(
		    oe_buf_head(&text), oe_buf_left(&text), &v, err);
	if (r < 0)
		goto out;
	document = oe_jval_get_text(v, "document");
	if (!document) {
		r = oe_err_set(err, OE_EPROTO, "'%s' has no document", path);
		goto out;
	}
	r = oe_signed_read(document, strlen(document), e, &c.doc, err);
	if (r < 0) {
		oe_err_wrap(err, r, "'%s'", path);
		goto out;
	}
	c.fetched_ms = confirm_read(
	    path, c.doc.version, oe_jval_get_int(v, "fetched_ms", 0));
	/* a clock that went back must not keep a copy fresh for ever */
	if (c.fetched_ms > e->now_ms)
		c.fetched_ms = c.fetched_ms > e->now_ms + OE_SIGNED_AHEAD_MS
				   ? 0
				   : e->now_ms;
	c.etag = oe_mem_strdup(oe_jval_get_text(v, "etag"));
	*ret = c;
out:
	oe_jval_free(&v);
	oe_buf_done(&text);
	return r;
}
