/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/api.h"

/* Of what a server says, as much as a line of ours can hold. */
#define MESSAGE_MAX 300

static bool
is_good(int status)
{
	return status >= 200 && status < 300;
}

/* "E_X", "404" or "slow_down": as text, whatever it was. */
static char *
code_of(const struct oe_jval *v)
{
	static const char *const names[] = {"code", "error", NULL};
	const struct oe_jval *m;
	const char *s;
	int64_t n;
	size_t i;

	for (i = 0; names[i]; i++) {
		m = oe_jval_get(v, names[i]);
		s = oe_jval_text(m);
		if (s && *s)
			return oe_mem_strndup(s, MESSAGE_MAX);
		if (oe_jval_int(m, &n))
			return oe_mem_printf("%lld", (long long)n);
	}
	return NULL;
}

static void
join(char *to, size_t size, const char *field, const char *text)
{
	size_t n = strlen(to);

	if (text)
		snprintf(to + n, size - n, "%s%s%s%s", n ? "; " : "",
		    field ? field : "", field ? ": " : "", text);
}

/*
 * What is wrong with which field: {field: {rule: text}}, {field: text}, or
 * [{"field","message"}].
 */
static char *
faults_of(const struct oe_jval *errors)
{
	char all[MESSAGE_MAX] = "";
	const struct oe_jval *m, *one;
	const char *field, *rule;
	void *at = NULL, *in;
	size_t i;

	for (i = 0; (one = oe_jval_at(errors, i)); i++)
		join(all, sizeof all, oe_jval_get_text(one, "field"),
		    oe_jval_get_text(one, "message"));
	while (oe_jval_next(errors, &at, &field, &m)) {
		join(all, sizeof all, field, oe_jval_text(m));
		in = NULL;
		while (oe_jval_next(m, &in, &rule, &one))
			join(all, sizeof all, field, oe_jval_text(one));
	}
	return *all ? oe_mem_strdup(all) : NULL;
}

static char *
message_of(const struct oe_jval *v, const char *code)
{
	static const char *const names[] = {
	    "message", "error_description", "error", NULL};
	char *faults = faults_of(oe_jval_get(v, "errors"));
	const char *s = oe_mesh_text_of(v, names);
	size_t n = code ? strlen(code) : 0;

	if (faults)
		return faults;
	if (!s)
		return NULL;
	/* a library of the real service puts the code before the message */
	if (n && !strncmp(s, code, n) && !strncmp(s + n, ": ", 2))
		s += n + 2;
	return oe_mem_strndup(s, MESSAGE_MAX);
}

int
oe_mesh_answer_read(struct oe_mesh_answer *ret, const char *body, size_t len,
    struct oe_err *err)
{
	struct oe_err why = OE_ERR_INIT;
	struct oe_jval *v = NULL;
	int r = 0;

	if (len)
		r = oe_jval_parse(body, len, &v, &why);
	if (is_good(ret->status)) {
		if (r < 0)
			return oe_err_set(err, OE_EPROTO,
			    "the reply is no JSON: %s", oe_err_text(&why));
		if (oe_jval_get(v, "data") && !oe_jval_get(v, "meta")) {
			ret->data = oe_jval_ref(oe_jval_get(v, "data"));
			oe_jval_free(&v);
		} else {
			ret->data = v;
		}
		return 0;
	}
	ret->code = code_of(v);
	ret->message = message_of(v, ret->code);
	ret->data = v;
	return 0;
}

void
oe_mesh_answer_done(struct oe_mesh_answer *a)
{
	oe_jval_free(&a->data);
	/* tokens come in replies */
	oe_mem_free_secret(&a->text);
	oe_mem_free(&a->code);
	oe_mem_free(&a->message);
	memset(a, 0, sizeof *a);
}

const struct oe_jval *
oe_mesh_rows(const struct oe_jval *data, int64_t *ret_last)
{
	static const char *const last[] = {"last_page", "lastPage", NULL};
	const struct oe_jval *rows = data;
	int64_t n = 1;

	if (oe_jval_kind(data) == OE_JVAL_OBJECT) {
		rows = oe_jval_get(data, "data");
		if (!oe_mesh_int_of(oe_jval_get(data, "meta"), last, &n))
			(void)oe_mesh_int_of(data, last, &n);
	}
	*ret_last = n < 1 ? 1 : n > OE_MESH_PAGES_MAX ? OE_MESH_PAGES_MAX : n;
	return oe_jval_kind(rows) == OE_JVAL_ARRAY ? rows : NULL;
}
