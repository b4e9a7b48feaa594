/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/authkeys.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/net/cidr.h"
#include "core/ssh/authopts.h"
#include "core/ssh/cert.h"
#include "core/ssh/pubkey.h"

static void
line_report(
    const struct oe_authkeys_query *q, unsigned line, const struct oe_err *err)
{
	if (q->diag)
		q->diag(q->arg, line, oe_err_text(err));
}

/* Does the line begin with its key, without options? */
static bool
starts_with_key(const char *line)
{
	size_t n = strcspn(line, " \t");
	char name[64];

	if (n >= sizeof name)
		return false;
	memcpy(name, line, n);
	name[n] = 0;
	return oe_pubkey_type_find(name) != NULL;
}

/* Split a line into options and key. */
static int
line_parse(const char *line, struct oe_authopts *ret_opts,
    struct oe_pubkey *ret_key, struct oe_err *err)
{
	struct oe_authopts opts;
	struct oe_pubkey key;
	ptrdiff_t n = 0;
	char *text;
	int r;

	if (!starts_with_key(line))
		n = oe_authopts_span(line);
	if (n < 0)
		return oe_err_set(err, OE_EINVAL, "a quote is not closed");
	text = oe_mem_strndup(line, (size_t)n);
	r = oe_authopts_parse(text, &opts, err);
	free(text);
	if (r < 0)
		return r;
	line += n;
	r = oe_pubkey_parse_line(line + strspn(line, " \t"), &key, err);
	if (r == 0 && key.type->cert) {
		r = oe_err_set(err, OE_EINVAL,
		    "a certificate cannot be listed; list its CA with "
		    "cert-authority");
		oe_pubkey_done(&key);
	}
	if (r < 0) {
		oe_authopts_done(&opts);
		return r;
	}
	*ret_opts = opts;
	*ret_key = key;
	return 0;
}

static int
check_where_and_when(const struct oe_authopts *o,
    const struct oe_authkeys_query *q, struct oe_err *err)
{
	char addr[OE_ADDR_TEXT_MAX];
	int r;

	if (q->now_s >= o->grant.not_after_s)
		return oe_err_set(err, OE_EAUTH, "the line has expired");
	if (!o->from)
		return 0;
	if (!q->addr)
		return oe_err_set(
		    err, OE_EAUTH, "from= and the address is not known");
	r = oe_authopts_from(o->from, q->addr, err);
	if (r != 0)
		return r < 0 ? r : 0;
	oe_addr_format(q->addr, addr);
	return oe_err_set(
	    err, OE_EAUTH, "from= does not permit address %s", addr);
}

/* Check the certificate against this line; narrows the line's grant. */
static int
check_cert(struct oe_authopts *o, const struct oe_pubkey *ca,
    const struct oe_authkeys_query *q, struct oe_err *err)
{
	struct oe_strs user = {NULL, 0};
	struct oe_cert_query cq = {
	    .cas = ca,
	    .n_cas = 1,
	    .principals = o->has_principals ? &o->principals : &user,
	    .addr = q->addr,
	    .now_s = q->now_s,
	};
	struct oe_grant g;
	int r;

	if (q->user)
		oe_strs_add(&user, q->user);
	r = oe_cert_check(q->cert, &cq, &g, err);
	oe_strs_done(&user);
	if (r < 0)
		return r;
	r = oe_grant_intersect(&o->grant, &g, err);
	oe_grant_done(&g);
	return r;
}

/* Is this line about the presented key at all? */
static bool
line_is_about(const struct oe_authopts *o, const struct oe_pubkey *key,
    const struct oe_authkeys_query *q)
{
	if (o->cert_authority)
		return q->cert && oe_pubkey_equal(key, &q->cert->ca);
	return !q->cert && oe_pubkey_equal(key, q->key);
}

/* Return: 1 accepted, 0 another key's line, negative: skip with a reason. */
static int
line_try(const char *line, const struct oe_authkeys_query *q,
    struct oe_authkeys_rule *ret, struct oe_err *err)
{
	struct oe_authopts o;
	struct oe_pubkey key;
	int r;

	r = line_parse(line, &o, &key, err);
	if (r < 0)
		return r;
	if (line_is_about(&o, &key, q)) {
		r = check_where_and_when(&o, q, err);
		if (r == 0 && o.cert_authority)
			r = check_cert(&o, &key, q, err);
		if (r == 0) {
			ret->comment = key.comment;
			key.comment = NULL;
			ret->grant = o.grant;
			oe_grant_init(&o.grant, false);
			r = 1;
		}
	}
	oe_pubkey_done(&key);
	oe_authopts_done(&o);
	return r;
}

/* A raw line: trims it, and skips what is no entry. */
static int
line_enter(const char *p, size_t n, const struct oe_authkeys_query *q,
    struct oe_authkeys_rule *ret, struct oe_err *err)
{
	char *line;
	int r;

	if (n && p[n - 1] == '\r')
		n--;
	for (; n && (*p == ' ' || *p == '\t'); p++)
		n--;
	if (!n || *p == '#')
		return 0;
	if (n > OE_AUTHKEYS_LINE_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "the line is longer than %u bytes", OE_AUTHKEYS_LINE_MAX);
	if (memchr(p, 0, n))
		return oe_err_set(err, OE_EINVAL, "the line has a NUL byte");
	line = oe_mem_strndup(p, n);
	r = line_try(line, q, ret, err);
	free(line);
	return r;
}

int
oe_authkeys_match(const void *bytes, size_t len,
    const struct oe_authkeys_query *q, struct oe_authkeys_rule *ret,
    struct oe_err *err)
{
	const char *p = bytes, *end = p + len, *eol;
	struct oe_authkeys_rule rule;
	unsigned line = 0;
	int r;

	if (len > OE_AUTHKEYS_FILE_MAX)
		return oe_err_set(err, OE_ETOOBIG,
		    "the file is larger than %u bytes", OE_AUTHKEYS_FILE_MAX);
	memset(&rule, 0, sizeof rule);
	for (; p < end; p = eol + (eol < end)) {
		struct oe_err why = OE_ERR_INIT;

		if (++line > OE_AUTHKEYS_LINES_MAX)
			return oe_err_set(err, OE_ETOOBIG,
			    "the file has more than %d lines",
			    OE_AUTHKEYS_LINES_MAX);
		eol = memchr(p, '\n', (size_t)(end - p));
		if (!eol)
			eol = end;
		r = line_enter(p, (size_t)(eol - p), q, &rule, &why);
		if (r > 0) {
			rule.line = line;
			*ret = rule;
			return 0;
		}
		if (r < 0)
			line_report(q, line, &why);
	}
	return oe_err_set(err, OE_ENOENT, "no line accepts the key");
}

void
oe_authkeys_rule_done(struct oe_authkeys_rule *r)
{
	oe_mem_free(&r->comment);
	oe_grant_done(&r->grant);
	r->line = 0;
}
