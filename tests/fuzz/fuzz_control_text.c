/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small texts of control-server: queries and forms, tokens, codes, addresses
 * to listen on, chains of proxies.  The first byte says which.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/http.h"
#include "control/jwt.h"
#include "control/login.h"
#include "control/sock.h"
#include "core/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
form(char *text)
{
	struct oe_ctl_pair p[OE_CTL_QUERY_MAX];
	size_t n, i, len = strlen(text), sum = 0;

	if (!oe_ctl_form_parse(text, p, OE_CTL_QUERY_MAX, &n))
		return;
	for (i = 0; i < n; i++)
		sum += strlen(p[i].key) + strlen(p[i].value);
	if (n > OE_CTL_QUERY_MAX || sum > len)
		abort();
}

static void
token(const char *text)
{
	static const uint8_t key[OE_HMAC_SHA512_SIZE] = {1};

	/* whoever can make one here has broken HMAC-SHA-512 */
	if (oe_ctl_jwt_check(key, text, 0))
		abort();
}

static void
words(const char *text)
{
	char code[OE_CTL_USER_CODE_LEN + 1], email[256];

	if (oe_ctl_user_code_read(text, code) &&
	    strlen(code) != OE_CTL_USER_CODE_LEN)
		abort();
	if (oe_ctl_email_read(text, email) && !strchr(email, '@'))
		abort();
	(void)oe_ctl_type_is(text, "application/json");
}

/* Behind a trusted proxy comes an address, whatever it has written. */
static void
chain(const char *text)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	struct oe_ctl_client c;
	struct oe_addr a;

	if (oe_cidr_list_add(l, "10.0.0.0/8", NULL) < 0)
		abort();
	oe_ctl_client_find("10.0.0.1", &text, 1, l, &c);
	if (oe_addr_parse(c.address, &a, NULL) < 0 || !c.source[0])
		abort();
	oe_ctl_client_find("192.0.2.1", &text, 1, l, &c);
	if (strcmp(c.address, "192.0.2.1") != 0)
		abort();
	oe_cidr_list_free(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_ctl_listen l;
	char *text;

	if (size < 1)
		return 0;
	text = oe_mem_strndup((const char *)data + 1, size - 1);
	switch (data[0]) {
	case 'f':
		form(text);
		break;
	case 't':
		token(text);
		break;
	case 'x':
		chain(text);
		break;
	case 'l':
		if (oe_ctl_listen_parse(text, &l, NULL) == 0 &&
		    (l.port < 0 || l.port > 65535))
			abort();
		break;
	default:
		words(text);
		break;
	}
	free(text);
	return 0;
}
