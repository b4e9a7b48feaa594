/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/signed.h"

#include <errno.h>
#include <fcntl.h>
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

#define CONTEXT  "omniedge signed document 1\n"
#define ETAG_MAX 256

/* What is signed: the context and the payload; free() it. */
static char *
signed_bytes(const char *payload, size_t *ret_n)
{
	char *s = oe_mem_printf(CONTEXT "%s", payload);

	*ret_n = strlen(s);
	return s;
}

char *
oe_signed_make(const struct oe_sign_key *key, const char *payload)
{
	struct oe_jval *v = oe_jval_object();
	uint8_t sig[OE_SIGN_SIZE];
	char *bytes, *text;
	size_t n;

	bytes = signed_bytes(payload, &n);
	oe_sign(key, bytes, n, sig);
	free(bytes);
	oe_jval_set_text(v, "payload", payload);
	text = oe_str_base64(sig, sizeof sig, true);
	oe_jval_set_text(v, "signature", text);
	free(text);
	text = oe_str_base64(key->public, sizeof key->public, true);
	oe_jval_set_text(v, "key", text);
	free(text);
	text = oe_jval_dump(v, 0);
	oe_jval_free(&v);
	return text;
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
signed_verify(const struct oe_jval *v, const struct oe_signed_expect *e,
    struct oe_err *err)
{
	uint8_t sig[OE_SIGN_SIZE], key[OE_SIGN_PUBLIC_SIZE];
	const char *payload = oe_jval_get_text(v, "payload");
	char *bytes;
	size_t n;
	bool ok;

	if (!payload || !signed_get(v, "signature", sig, sizeof sig) ||
	    !signed_get(v, "key", key, sizeof key))
		return oe_err_set(err, OE_EPROTO, "it is no signed document");
	if (!oe_mem_equal(key, e->public_key, sizeof key))
		return oe_err_set(err, OE_EAUTH,
		    "it is signed with another key than the one that was "
		    "learned at login");
	bytes = signed_bytes(payload, &n);
	ok = oe_sign_verify(e->public_key, bytes, n, sig);
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
oe_signed_read_value(const struct oe_jval *v, const void *text, size_t n,
    const struct oe_signed_expect *e, struct oe_signed *ret, struct oe_err *err)
{
	struct oe_signed d = {0};
	const char *payload;
	int r;

	if (n > OE_SIGNED_MAX)
		return oe_err_set(err, OE_ETOOBIG, "it is larger than %d bytes",
		    OE_SIGNED_MAX);
	r = signed_verify(v, e, err);
	if (r < 0)
		return r;
	/* nothing of the payload is read before it was signed for */
	payload = oe_jval_get_text(v, "payload");
	r = oe_jval_parse(payload, strlen(payload), &d.payload, err);
	if (r == 0)
		r = signed_fields(&d, err);
	if (r == 0)
		r = signed_judge(&d, e, err);
	if (r < 0) {
		oe_signed_done(&d);
		return r;
	}
	d.text = oe_mem_zalloc(n + 1);
	memcpy(d.text, text, n);
	d.n = n;
	*ret = d;
	return 0;
}

int
oe_signed_read(const void *text, size_t n, const struct oe_signed_expect *e,
    struct oe_signed *ret, struct oe_err *err)
{
	struct oe_jval *v = NULL;
	int r;

	if (n > OE_SIGNED_MAX)
		return oe_err_set(err, OE_ETOOBIG, "it is larger than %d bytes",
		    OE_SIGNED_MAX);
	r = oe_jval_parse(text, n, &v, err);
	if (r == 0)
		r = oe_signed_read_value(v, text, n, e, ret, err);
	oe_jval_free(&v);
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

/* The file, opened once: what is judged is what is read. */
static int
cached_read(const char *path, struct oe_buf *ret, struct oe_err *err)
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
		r = oe_fd_read_all(
		    fd, path, 2 * (size_t)OE_SIGNED_MAX, ret, err);
	oe_fd_close(&fd);
	return r;
}

int
oe_signed_load(const char *path, const struct oe_signed_expect *e,
    struct oe_signed_cached *ret, struct oe_err *err)
{
	struct oe_signed_cached c = {.doc = {0}};
	struct oe_jval *v = NULL;
	struct oe_buf text = {0};
	const char *document;
	int r = cached_read(path, &text, err);

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
	c.fetched_ms = oe_jval_get_int(v, "fetched_ms", 0);
	/* a clock that went back must not keep a copy fresh for ever */
	if (c.fetched_ms > e->now_ms)
		c.fetched_ms = 0;
	c.etag = oe_mem_strdup(oe_jval_get_text(v, "etag"));
	*ret = c;
out:
	oe_jval_free(&v);
	oe_buf_done(&text);
	return r;
}
