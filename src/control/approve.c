/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page at /device where a person lets a terminal in.
 *
 * Two steps without cookies and scripts: code, email and password first, then
 * who asks is shown and "Approve" or "Deny" is pressed.  The second form
 * carries a ticket that only the first reply held: a code over user, user code
 * and time.  As nothing in the browser stands for the person, another site
 * has nothing to ride on.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/fields.h"
#include "control/login.h"
#include "control/server.h"
#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define PAGE_MAX  16384
#define BODY_MAX  8192
#define TICKET_MS (INT64_C(300) * 1000)

static void
put_escaped(struct oe_buf *b, const char *s)
{
	for (; *s; s++) {
		if (strchr("<>&\"'", *s) || (unsigned char)*s < 0x20)
			(void)oe_buf_printf(b, "&#%d;", (unsigned char)*s);
		else
			(void)oe_buf_put_u8(b, (uint8_t)*s);
	}
}

static void
begin(struct oe_buf *b)
{
	oe_buf_init(b, PAGE_MAX);
	(void)oe_buf_printf(b,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head>"
	    "<meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" content=\"width=device-width\">"
	    "<title>omniedge: let a device in</title></head><body>"
	    "<h1>Let a device in</h1>\n");
}

static int
end(struct oe_ctl_call *call, int status, struct oe_buf *b)
{
	size_t n;
	char *s;

	(void)oe_buf_printf(b, "</body></html>\n");
	n = oe_buf_left(b);
	s = oe_mem_strndup((const char *)oe_buf_head(b), n);
	oe_buf_done(b);
	return oe_ctl_raw(
	    call, status, "text/html; charset=utf-8", s, strlen(s));
}

static int
notice(struct oe_ctl_call *call, int status, const char *text)
{
	struct oe_buf b;

	begin(&b);
	(void)oe_buf_printf(&b, "<p>%s</p>\n", text);
	return end(call, status, &b);
}

static int
ask(struct oe_ctl_call *call, int status, const char *code, const char *why)
{
	struct oe_buf b;

	begin(&b);
	if (why)
		(void)oe_buf_printf(
		    &b, "<p role=\"alert\"><b>%s</b></p>\n", why);
	(void)oe_buf_printf(&b,
	    "<form method=\"post\" action=\"/device\">"
	    "<p><label>Code on the device<br><input name=\"user_code\" "
	    "required maxlength=\"12\" autocomplete=\"off\" value=\"");
	put_escaped(&b, code);
	(void)oe_buf_printf(&b,
	    "\"></label></p>"
	    "<p><label>Email<br><input name=\"email\" type=\"email\" "
	    "required autocomplete=\"username\"></label></p>"
	    "<p><label>Password<br><input name=\"password\" "
	    "type=\"password\" required "
	    "autocomplete=\"current-password\"></label></p>"
	    "<p><button>Continue</button></p></form>\n");
	return end(call, status, &b);
}

/* The code of a ticket: user, user code and time, under our own key. */
static void
ticket_code(struct oe_ctl_call *call, const char *user_id, const char *code,
    int64_t until_ms, char ret[2 * OE_HMAC_SHA512_SIZE + 1])
{
	char text[128];

	snprintf(text, sizeof text, "approve %s %s %" PRId64, user_id, code,
	    until_ms);
	oe_ctl_auth_mac(call->server->auth, text, ret);
}

static int
confirm(struct oe_ctl_call *call, const struct oe_ctl_user *u, const char *code,
    const struct oe_ctl_grant *g)
{
	char mac[2 * OE_HMAC_SHA512_SIZE + 1];
	int64_t until = call->now_ms + TICKET_MS;
	struct oe_buf b;

	ticket_code(call, u->id, code, until, mac);
	begin(&b);
	(void)oe_buf_printf(&b, "<p>You are <b>");
	put_escaped(&b, u->email);
	(void)oe_buf_printf(&b, "</b>. The program <b>");
	put_escaped(&b, g->client_id);
	(void)oe_buf_printf(&b, "</b> at the address <b>");
	put_escaped(&b, g->address);
	(void)oe_buf_printf(&b,
	    "</b> wants to act for you. It shows the code <b>%.4s-%s</b>."
	    "</p><p>Approve only what you have started yourself.</p>\n"
	    "<form method=\"post\" action=\"/device/decide\">"
	    "<input type=\"hidden\" name=\"user_code\" value=\"%s\">"
	    "<input type=\"hidden\" name=\"user\" value=\"%s\">"
	    "<input type=\"hidden\" name=\"until\" value=\"%" PRId64 "\">"
	    "<input type=\"hidden\" name=\"ticket\" value=\"%s\">"
	    "<p><button name=\"answer\" value=\"approve\">Approve</button> "
	    "<button name=\"answer\" value=\"deny\">Deny</button></p>"
	    "</form>\n",
	    code, code + 4, code, u->id, until, mac);
	return end(call, 200, &b);
}

static int
get_page(struct oe_ctl_call *call)
{
	const char *typed = oe_ctl_query(call, "user_code");

	return ask(call, 200, typed && strlen(typed) <= 12 ? typed : "", NULL);
}

/* Password first: who cannot log in learns nothing about codes. */
static int
log_in(struct oe_ctl_call *call, const struct oe_ctl_fields *f)
{
	const char *typed = oe_ctl_field(f, "user_code");
	char code[OE_CTL_USER_CODE_LEN + 1], hash[OE_CTL_HASH_SIZE], email[256];
	struct oe_ctl_grant g;
	struct oe_ctl_user u;
	bool known = false;
	int r;

	if (!oe_ctl_user_code_read(typed, code) ||
	    !oe_ctl_email_read(oe_ctl_field(f, "email"), email))
		return ask(call, 400, "", "That is no code, or no address.");
	r = oe_ctl_auth_password(
	    call, email, oe_ctl_field(f, "password"), &u, &known);
	if (r == OE_EAGAIN) {
		call->server->metrics.logins_limited++;
		return ask(call, 429, code, "Too many attempts. Wait a while.");
	}
	if (r == OE_EAUTH) {
		oe_ctl_login_event(call, "page", NULL, email);
		return ask(call, 401, code,
		    "The email and the password do not fit together.");
	}
	if (r == 0 && u.one_time)
		return ask(call, 403, code,
		    "This password only sets another: 'omniedge login -u "
		    "EMAIL' "
		    "asks for it.");
	oe_ctl_hash_text(code, hash);
	if (r == 0)
		r = oe_ctl_store_grant_show(
		    call->store, hash, call->now_ms, &g, &call->err);
	if (r == OE_ENOENT)
		return ask(call, 404, "",
		    "No device waits for this code, or its time is over.");
	return r < 0 ? r : confirm(call, &u, code, &g);
}

static int
post_page(struct oe_ctl_call *call)
{
	struct oe_ctl_fields f;
	int r;

	r = oe_ctl_fields_read(call, &f)
		? log_in(call, &f)
		: ask(call, 400, "", "The form came damaged.");
	oe_ctl_fields_done(&f);
	return r;
}

static bool
ticket_is_good(
    struct oe_ctl_call *call, const struct oe_ctl_fields *f, const char *code)
{
	char mac[2 * OE_HMAC_SHA512_SIZE + 1];
	const char *given = oe_ctl_field(f, "ticket"),
		   *user = oe_ctl_field(f, "user");
	int64_t until = 0;

	if (strlen(user) >= OE_CTL_ID_SIZE ||
	    oe_str_parse_int(oe_ctl_field(f, "until"), 0, INT64_MAX, &until) <
		0)
		return false;
	ticket_code(call, user, code, until, mac);
	return strlen(given) == strlen(mac) &&
	       oe_mem_equal(given, mac, strlen(mac)) && call->now_ms < until;
}

static int
decide(struct oe_ctl_call *call, const struct oe_ctl_fields *f)
{
	bool allow = oe_str_eq(oe_ctl_field(f, "answer"), "approve");
	char code[OE_CTL_USER_CODE_LEN + 1], hash[OE_CTL_HASH_SIZE];
	struct oe_event e;
	int r;

	if (!oe_ctl_user_code_read(oe_ctl_field(f, "user_code"), code) ||
	    !ticket_is_good(call, f, code))
		return ask(call, 403, "", "That took too long. Log in again.");
	oe_ctl_hash_text(code, hash);
	r = oe_ctl_store_grant_decide(call->store, hash,
	    oe_ctl_field(f, "user"), allow, call->now_ms, &call->err);
	if (r == OE_ENOENT)
		return notice(
		    call, 404, "No device waits for this code any more.");
	if (r < 0)
		return r;
	oe_ctl_event(&e, call,
	    allow ? "control.device_approved" : "control.device_denied");
	oe_event_str(&e, "user_id", oe_ctl_field(f, "user"));
	oe_ctl_event_end(&e, call);
	return notice(call, 200,
	    allow ? "Approved. The device goes on by itself; this window may "
		    "be closed."
		  : "Denied. Nobody was let in.");
}

static int
post_decide(struct oe_ctl_call *call)
{
	struct oe_ctl_fields f;
	int r;

	r = oe_ctl_fields_read(call, &f)
		? decide(call, &f)
		: ask(call, 400, "", "The form came damaged.");
	oe_ctl_fields_done(&f);
	return r;
}

const struct oe_ctl_route oe_ctl_routes_approve[] = {
    {.method = "GET",
	.pattern = "/device",
	.fn = get_page,
	.what = "page: the code of a device"},
    {.method = "POST",
	.pattern = "/device",
	.body = OE_CTL_BODY_FORM,
	.max = BODY_MAX,
	.flags = OE_CTL_LOGIN,
	.fn = post_page,
	.what = "page: log in to approve a device"},
    {.method = "POST",
	.pattern = "/device/decide",
	.body = OE_CTL_BODY_FORM,
	.max = BODY_MAX,
	.flags = OE_CTL_LOGIN,
	.fn = post_decide,
	.what = "page: approve or deny a device"},
    {.method = NULL},
};
