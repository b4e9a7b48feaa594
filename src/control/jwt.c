/* SPDX-License-Identifier: Apache-2.0 */
#include "control/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* {"alg":"HS512"}: there is one way to sign, so no other header is read. */
#define HEADER "eyJhbGciOiJIUzUxMiJ9"

static char *
payload(const struct oe_ctl_jwt *claims)
{
	struct oe_jval *v = oe_jval_object(), *data = oe_jval_object(),
		       *user = oe_jval_object();
	char *text, *ret;

	oe_jval_set_text(user, "name", claims->name);
	oe_jval_set_text(user, "email", claims->email);
	oe_jval_set_text(data, "userId", claims->user_id);
	oe_jval_set(data, "user", user);
	oe_jval_set(v, "data", data);
	oe_jval_set_int(v, "iat", claims->issued_s);
	oe_jval_set_int(v, "exp", claims->expires_s);
	oe_jval_set_text(v, "jti", claims->id);
	text = oe_jval_dump(v, 0);
	ret = oe_base64url_put(text, strlen(text));
	free(text);
	oe_jval_free(&v);
	return ret;
}

char *
oe_ctl_jwt_make(
    const uint8_t key[OE_HMAC_SHA512_SIZE], const struct oe_ctl_jwt *claims)
{
	uint8_t mac[OE_HMAC_SHA512_SIZE];
	char *body = payload(claims), *text, *code, *ret;

	text = oe_mem_printf(HEADER ".%s", body);
	oe_hmac_sha512(key, OE_HMAC_SHA512_SIZE, text, strlen(text), mac);
	code = oe_base64url_put(mac, sizeof mac);
	ret = oe_mem_printf("%s.%s", text, code);
	free(body);
	free(code);
	oe_mem_free_secret(&text);
	return ret;
}

static bool
code_fits(
    const uint8_t key[OE_HMAC_SHA512_SIZE], const char *token, const char *dot)
{
	uint8_t mac[OE_HMAC_SHA512_SIZE], *code = NULL;
	size_t n = 0;
	bool ok;

	if (oe_base64url_get(dot + 1, strlen(dot + 1), &code, &n) < 0)
		return false;
	oe_hmac_sha512(
	    key, OE_HMAC_SHA512_SIZE, token, (size_t)(dot - token), mac);
	ok = n == sizeof mac && oe_mem_equal(mac, code, n);
	free(code);
	return ok;
}

bool
oe_ctl_jwt_check(
    const uint8_t key[OE_HMAC_SHA512_SIZE], const char *token, int64_t now_s)
{
	struct oe_jval *v = NULL;
	const char *dot, *body;
	uint8_t *text = NULL;
	size_t n = 0;
	bool ok;

	if (strlen(token) > OE_CTL_JWT_MAX || !oe_str_starts(token, HEADER "."))
		return false;
	body = token + strlen(HEADER) + 1;
	dot = strchr(body, '.');
	if (!dot || !code_fits(key, token, dot))
		return false;
	if (oe_base64url_get(body, (size_t)(dot - body), &text, &n) < 0)
		return false;
	ok = oe_jval_parse(text, n, &v, NULL) == 0 &&
	     oe_jval_get_int(v, "exp", 0) > now_s;
	oe_jval_free(&v);
	free(text);
	return ok;
}
