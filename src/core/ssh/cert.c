/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/cert.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/cidr.h"
#include "core/ssh/grant.h"
#include "core/ssh/sig.h"

#define CERT_TYPE_USER     1
#define CERT_PRINCIPAL_MAX 256
#define CERT_NAME_MAX      256
#define CERT_VALUE_MAX     (32 * 1024)

static int
cert_broken(struct oe_err *err, const char *what)
{
	return oe_err_set(err, OE_EINVAL, "broken certificate: %s", what);
}

static int
parse_principals(struct oe_buf *list, struct oe_strs *ret, struct oe_err *err)
{
	char *name;

	while (oe_buf_left(list)) {
		if (ret->n >= OE_CERT_PRINCIPALS_MAX)
			return oe_err_set(err, OE_ETOOBIG,
			    "certificate has more than %d principals",
			    OE_CERT_PRINCIPALS_MAX);
		if (oe_buf_get_cstring(list, CERT_PRINCIPAL_MAX, &name) < 0)
			return cert_broken(err, "bad principal");
		if (!*name) {
			free(name);
			return cert_broken(err, "empty principal");
		}
		oe_strs_add_take(ret, name);
	}
	return 0;
}

static int
parse_ca(const struct oe_buf *ca, struct oe_pubkey *ret, struct oe_err *err)
{
	int r = oe_pubkey_from_blob(oe_buf_head(ca), ca->len, ret, err);

	if (r < 0)
		return oe_err_wrap(err, r, "the certificate's CA");
	if (ret->type->cert)
		return cert_broken(err, "signed by another certificate");
	return 0;
}

/* Everything behind the key fields. */
static int
parse_body(struct oe_buf *b, struct oe_cert *c, struct oe_err *err)
{
	struct oe_buf principals, reserved, ca;
	int r;

	if (oe_buf_get_u64(b, &c->serial) < 0 ||
	    oe_buf_get_u32(b, &c->type) < 0)
		return cert_broken(err, "cut short");
	r = oe_buf_get_cstring(b, OE_CERT_KEY_ID_MAX, &c->key_id);
	if (r < 0)
		return cert_broken(err, "bad key id");
	if (oe_buf_get_string(b, &principals) < 0 ||
	    oe_buf_get_u64(b, &c->valid_after) < 0 ||
	    oe_buf_get_u64(b, &c->valid_before) < 0 ||
	    oe_buf_get_string(b, &c->critical) < 0 ||
	    oe_buf_get_string(b, &c->extensions) < 0 ||
	    oe_buf_get_string(b, &reserved) < 0 ||
	    oe_buf_get_string(b, &ca) < 0)
		return cert_broken(err, "cut short");
	c->signed_len = b->off;
	if (oe_buf_get_string(b, &c->signature) < 0 || oe_buf_left(b))
		return cert_broken(err, "cut short");
	r = parse_principals(&principals, &c->principals, err);
	return r < 0 ? r : parse_ca(&ca, &c->ca, err);
}

int
oe_cert_parse(
    const void *blob, size_t len, struct oe_cert *ret, struct oe_err *err)
{
	struct oe_pubkey_fields f;
	struct oe_buf b, skip;
	struct oe_cert c;
	int r;

	memset(&c, 0, sizeof c);
	r = oe_pubkey_from_blob(blob, len, &c.key, err);
	if (r < 0)
		goto out;
	if (!c.key.type->cert) {
		r = oe_err_set(err, OE_EINVAL, "the key is not a certificate");
		goto out;
	}
	/* type, nonce and key fields were checked above */
	oe_buf_view(&b, c.key.blob, c.key.len);
	r = oe_buf_get_string(&b, &skip);
	if (r == 0)
		r = oe_buf_get_string(&b, &skip);
	if (r == 0)
		r = oe_pubkey_get_fields(c.key.type, &b, &f, err);
	if (r == 0)
		r = parse_body(&b, &c, err);
	if (r == 0) {
		*ret = c;
		return 0;
	}
out:
	oe_cert_done(&c);
	return r;
}

void
oe_cert_done(struct oe_cert *c)
{
	oe_pubkey_done(&c->key);
	oe_pubkey_done(&c->ca);
	oe_mem_free(&c->key_id);
	oe_strs_done(&c->principals);
	memset(c, 0, sizeof *c);
}

static int
check_ca(
    const struct oe_cert *c, const struct oe_cert_query *q, struct oe_err *err)
{
	char *fp;
	size_t i;
	int r;

	for (i = 0; i < q->n_cas; i++)
		if (oe_pubkey_equal(&c->ca, &q->cas[i]))
			return 0;
	fp = oe_pubkey_fingerprint(&c->ca);
	r = oe_err_set(
	    err, OE_EAUTH, "the certificate's CA %s is not a trusted one", fp);
	free(fp);
	return r;
}

static void
time_text(uint64_t s, char *ret, size_t size)
{
	if (s > (uint64_t)(INT64_MAX / 1000))
		(void)oe_str_copy(ret, size, "the end of time");
	else
		oe_time_format((int64_t)s * 1000, ret, size);
}

static int
check_time(const struct oe_cert *c, int64_t now_s, struct oe_err *err)
{
	uint64_t now = now_s < 0 ? 0 : (uint64_t)now_s;
	char when[64];

	if (now < c->valid_after) {
		time_text(c->valid_after, when, sizeof when);
		return oe_err_set(err, OE_EAUTH,
		    "the certificate is not valid before %s", when);
	}
	if (now >= c->valid_before) {
		time_text(c->valid_before, when, sizeof when);
		return oe_err_set(
		    err, OE_EAUTH, "the certificate expired at %s", when);
	}
	return 0;
}

static int
check_principals(
    const struct oe_cert *c, const struct oe_strs *wanted, struct oe_err *err)
{
	char shown[80];
	size_t i;

	if (!c->principals.n)
		return oe_err_set(err, OE_EAUTH,
		    "the certificate names no principal (sign it with -n)");
	for (i = 0; i < wanted->n; i++)
		if (oe_strs_has(&c->principals, wanted->v[i]))
			return 0;
	if (!wanted->n)
		return oe_err_set(err, OE_EAUTH, "no principal is accepted");
	oe_str_escape(wanted->v[0], strlen(wanted->v[0]), shown, sizeof shown);
	return oe_err_set(err, OE_EAUTH,
	    "the certificate is not for principal '%s'%s", shown,
	    wanted->n > 1 ? " or the others accepted" : "");
}

/* The value of an option is a string inside its data string. */
static int
option_value(const struct oe_buf *data, char **ret)
{
	struct oe_buf b = *data;
	char *value;

	if (oe_buf_get_cstring(&b, CERT_VALUE_MAX, &value) < 0)
		return OE_EINVAL;
	if (oe_buf_left(&b)) {
		free(value);
		return OE_EINVAL;
	}
	*ret = value;
	return 0;
}

static int
source_list_add(const char *text, struct oe_cidr_list *l, struct oe_err *err)
{
	const char *end;
	char *item;
	int r;

	do {
		end = strchr(text, ',');
		item = oe_mem_strndup(
		    text, end ? (size_t)(end - text) : strlen(text));
		r = oe_cidr_list_add(l, item, err);
		free(item);
		text = end ? end + 1 : text;
	} while (r == 0 && end);
	return r;
}

static int
check_source(const char *text, const struct oe_addr *addr, struct oe_err *err)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	char shown[OE_ADDR_TEXT_MAX];
	int r = source_list_add(text, l, err);

	if (r < 0) {
		r = oe_err_wrap(err, OE_EINVAL, "source-address");
	} else if (!addr || !oe_cidr_list_contains(l, addr)) {
		if (addr)
			oe_addr_format(addr, shown);
		r = oe_err_set(err, OE_EAUTH,
		    "the certificate is not valid from address %s",
		    addr ? shown : "(unknown)");
	}
	oe_cidr_list_free(&l);
	return r;
}

static int
apply_critical(const char *name, const struct oe_buf *data,
    const struct oe_cert_query *q, struct oe_grant *g, struct oe_err *err)
{
	char *value = NULL, shown[80];
	int r;

	if (!strcmp(name, "verify-required")) {
		if (data->len)
			return cert_broken(err, "verify-required has data");
		g->verify_required = true;
		return 0;
	}
	if (strcmp(name, "force-command") && strcmp(name, "source-address")) {
		oe_str_escape(name, strlen(name), shown, sizeof shown);
		return oe_err_set(err, OE_EAUTH,
		    "the certificate has the unknown critical option '%s'",
		    shown);
	}
	if (option_value(data, &value) < 0)
		return cert_broken(err, "bad value of a critical option");
	if (!strcmp(name, "source-address")) {
		r = check_source(value, q->addr, err);
		free(value);
		return r;
	}
	g->force_command = value;
	return 0;
}

static int
apply_extension(const char *name, const struct oe_buf *data, struct oe_grant *g,
    struct oe_err *err)
{
	const struct {
		const char *name;
		bool *flag;
	} known[] = {
	    {"permit-X11-forwarding", &g->x11},
	    {"permit-agent-forwarding", &g->agent},
	    {"permit-port-forwarding", &g->port_forwarding},
	    {"permit-pty", &g->pty},
	    {"permit-user-rc", &g->user_rc},
	    {"no-touch-required", &g->no_touch_required},
	};
	size_t i;

	/* PROTOCOL.certkeys: what is not known is ignored */
	for (i = 0; i < OE_ARRAY_LEN(known); i++) {
		if (strcmp(known[i].name, name))
			continue;
		if (data->len)
			return cert_broken(err, "an extension has data");
		*known[i].flag = true;
	}
	return 0;
}

/* Take one (name, data); @prev is the name before it and is replaced. */
static int
next_option(
    struct oe_buf *b, char **prev, struct oe_buf *ret_data, struct oe_err *err)
{
	char *name;
	int order;

	if (oe_buf_get_cstring(b, CERT_NAME_MAX, &name) < 0)
		return cert_broken(err, "bad option name");
	order = *prev ? strcmp(*prev, name) : -1;
	free(*prev);
	*prev = name;
	if (oe_buf_get_string(b, ret_data) < 0)
		return cert_broken(err, "bad option data");
	if (order >= 0)
		return cert_broken(err, order ? "option names are not sorted"
					      : "an option appears twice");
	return 0;
}

static int
apply_options(const struct oe_cert *c, bool critical,
    const struct oe_cert_query *q, struct oe_grant *g, struct oe_err *err)
{
	struct oe_buf b = critical ? c->critical : c->extensions, data;
	char *name = NULL;
	int r = 0, n = 0;

	while (r == 0 && oe_buf_left(&b)) {
		if (n++ >= OE_CERT_OPTIONS_MAX) {
			r = cert_broken(err, "too many options");
			break;
		}
		r = next_option(&b, &name, &data, err);
		if (r == 0 && critical)
			r = apply_critical(name, &data, q, g, err);
		else if (r == 0)
			r = apply_extension(name, &data, g, err);
	}
	free(name);
	return r;
}

static int
check_signature(const struct oe_cert *c, struct oe_err *err)
{
	int r = oe_sig_verify(&c->ca, oe_buf_head(&c->signature),
	    c->signature.len, c->key.blob, c->signed_len, err);

	if (r < 0)
		oe_err_wrap(err, r, "the CA's signature");
	return r < 0 ? OE_EAUTH : 0;
}

int
oe_cert_check(const struct oe_cert *c, const struct oe_cert_query *q,
    struct oe_grant *ret, struct oe_err *err)
{
	struct oe_grant g;
	size_t i;
	int r;

	oe_grant_init(&g, false);
	r = check_ca(c, q, err);
	if (r == 0 && c->type != CERT_TYPE_USER)
		r = oe_err_set(
		    err, OE_EAUTH, "the certificate is not for a user");
	if (r == 0)
		r = check_time(c, q->now_s, err);
	if (r == 0)
		r = check_principals(c, q->principals, err);
	if (r == 0)
		r = apply_options(c, true, q, &g, err);
	if (r == 0)
		r = apply_options(c, false, q, &g, err);
	if (r == 0)
		r = check_signature(c, err);
	if (r < 0) {
		oe_grant_done(&g);
		return r;
	}
	if (c->valid_before < (uint64_t)OE_GRANT_FOREVER)
		g.not_after_s = (int64_t)c->valid_before;
	for (i = 0; i < c->principals.n; i++)
		oe_strs_add(&g.principals, c->principals.v[i]);
	*ret = g;
	return 0;
}
