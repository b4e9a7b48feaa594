/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies in the forms of the real service (reference, section 0.1).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/call.h"
#include "control/text.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"

int
oe_ctl_raw(struct oe_ctl_call *call, int status, const char *type, char *body,
    size_t len)
{
	free(call->reply.body);
	call->reply.status = status;
	call->reply.type = type;
	call->reply.body = body;
	call->reply.len = len;
	return 0;
}

int
oe_ctl_share(
    struct oe_ctl_call *call, const char *type, struct oe_ctl_text *text)
{
	oe_ctl_text_drop(&call->reply.shared);
	call->reply.shared = text;
	return oe_ctl_raw(call, 200, type, NULL, oe_ctl_text_len(text));
}

int
oe_ctl_bare(struct oe_ctl_call *call, int status, struct oe_jval *value)
{
	char *text = oe_jval_dump(value, 0);

	oe_jval_free(&value);
	return oe_ctl_raw(call, status, "application/json; charset=utf-8", text,
	    strlen(text));
}

int
oe_ctl_data_status(struct oe_ctl_call *call, int status, struct oe_jval *data)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_int(v, "code", status);
	oe_jval_set(v, "data", data);
	return oe_ctl_bare(call, status, v);
}

int
oe_ctl_data(struct oe_ctl_call *call, struct oe_jval *data)
{
	return oe_ctl_data_status(call, 200, data);
}

static void
set_page_url(struct oe_jval *meta, const char *key, int64_t page, bool there)
{
	char text[48];

	snprintf(text, sizeof text, "/?page=%lld", (long long)page);
	oe_jval_set_text(meta, key, there ? text : NULL);
}

int
oe_ctl_data_page(struct oe_ctl_call *call, struct oe_jval *rows, int64_t total)
{
	struct oe_jval *data = oe_jval_object(), *meta = oe_jval_object();
	int64_t page, per_page, last;

	oe_ctl_page(call, &page, &per_page);
	last = total > 0 ? (total + per_page - 1) / per_page : 1;
	oe_jval_set_int(meta, "total", total);
	oe_jval_set_int(meta, "per_page", per_page);
	oe_jval_set_int(meta, "current_page", page);
	oe_jval_set_int(meta, "last_page", last);
	oe_jval_set_int(meta, "first_page", 1);
	set_page_url(meta, "first_page_url", 1, true);
	set_page_url(meta, "last_page_url", last, true);
	set_page_url(meta, "next_page_url", page + 1, page < last);
	set_page_url(meta, "previous_page_url", page - 1, page > 1);
	oe_jval_set(data, "meta", meta);
	oe_jval_set(data, "data", rows);
	return oe_ctl_data(call, data);
}

int
oe_ctl_message(struct oe_ctl_call *call, int status, const char *text)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_int(v, "code", status);
	oe_jval_set_text(v, "message", text);
	return oe_ctl_bare(call, status, v);
}

int
oe_ctl_fail(struct oe_ctl_call *call, int status, const char *code,
    const char *text, struct oe_jval *errors)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_text(v, "code", code);
	oe_jval_set_text(v, "message", text);
	oe_jval_set(v, "errors", errors ? errors : oe_jval_object());
	return oe_ctl_bare(call, status, v);
}

int
oe_ctl_throw(struct oe_ctl_call *call, int status, const char *code,
    const char *text, struct oe_jval *errors)
{
	struct oe_jval *v = oe_jval_object();
	char *full = oe_mem_printf("%s: %s", code, text);

	oe_jval_set_text(v, "code", code);
	oe_jval_set_text(v, "message", full);
	free(full);
	if (errors)
		oe_jval_set(v, "errors", errors);
	return oe_ctl_bare(call, status, v);
}

int
oe_ctl_oauth(struct oe_ctl_call *call, int status, const char *error,
    const char *description)
{
	struct oe_jval *v = oe_jval_object();

	oe_jval_set_text(v, "error", error);
	if (description)
		oe_jval_set_text(v, "error_description", description);
	return oe_ctl_bare(call, status, v);
}

int
oe_ctl_unauthorized(struct oe_ctl_call *call)
{
	return oe_ctl_throw(
	    call, 401, "E_UNAUTHORIZED_ACCESS", "Unauthorized access", NULL);
}

void
oe_ctl_invalid(struct oe_ctl_call *call, const char *field, const char *rule,
    const char *text)
{
	struct oe_jval *of;

	if (!call->errors)
		call->errors = oe_jval_object();
	of = oe_jval_ref(oe_jval_get(call->errors, field));
	if (!of)
		of = oe_jval_object();
	oe_jval_set_text(of, rule, text);
	oe_jval_set(call->errors, field, of);
}

bool
oe_ctl_is_invalid(const struct oe_ctl_call *call)
{
	return call->errors != NULL;
}

int
oe_ctl_refuse_invalid(struct oe_ctl_call *call)
{
	struct oe_jval *errors = call->errors;

	call->errors = NULL;
	/* the words are those of the real service, odd as they are */
	return oe_ctl_throw(call, 422, "E_VALIDATION_FAILED", "[object Object]",
	    errors ? errors : oe_jval_object());
}

bool
oe_ctl_etag(struct oe_ctl_call *call, const char *tag)
{
	snprintf(call->reply.etag, sizeof call->reply.etag, "\"%s\"", tag);
	if (!oe_str_eq(call->if_none_match, call->reply.etag))
		return false;
	oe_ctl_raw(call, 304, NULL, NULL, 0);
	return true;
}
