/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/ca.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/ssh/cert.h"
#include "core/ssh/grant.h"
#include "core/ssh/pubkey.h"

/* A key of each kind that has certificates: made up, of the right shape. */
static char *
make_key(const char *type, const struct oe_sign_key *key, bool application)
{
	struct oe_buf b;
	char *base64, *line;

	oe_buf_init(&b, 1024);
	assert_int_equal(oe_buf_put_cstring(&b, type), 0);
	assert_int_equal(oe_buf_put_string(&b, key->public, 32), 0);
	if (application)
		assert_int_equal(oe_buf_put_cstring(&b, "ssh:"), 0);
	base64 = oe_str_base64(oe_buf_head(&b), oe_buf_left(&b), true);
	line = oe_mem_printf("%s %s", type, base64);
	free(base64);
	oe_buf_done(&b);
	return line;
}

static void
parse(const char *line, struct oe_pubkey *ret)
{
	struct oe_err err = OE_ERR_INIT;

	if (oe_pubkey_parse_line(line, ret, &err))
		fail_msg("%s: %s", line, err.msg);
}

/* Our own reader lets its holder in, at the time and by the name it says. */
static void
check(const char *line, const struct oe_sign_key *ca, const char *principal,
    int64_t now_s, int rc)
{
	struct oe_strs names = {NULL, 0};
	struct oe_pubkey key, ca_key;
	struct oe_cert cert;
	struct oe_grant grant;
	struct oe_err err = OE_ERR_INIT;
	char *ca_line = make_key("ssh-ed25519", ca, false);
	struct oe_cert_query q = {&ca_key, 1, &names, NULL, now_s};
	int got;

	parse(line, &key);
	parse(ca_line, &ca_key);
	oe_strs_add(&names, principal);
	assert_int_equal(oe_cert_parse(key.blob, key.len, &cert, &err), 0);
	assert_int_equal(cert.serial, 77);
	assert_string_equal(cert.key_id, "a@example.org");
	got = oe_cert_check(&cert, &q, &grant, &err);
	if (got != rc)
		fail_msg("%d: %s", got, err.msg);
	if (got == 0)
		oe_grant_done(&grant);
	oe_cert_done(&cert);
	oe_pubkey_done(&key);
	oe_pubkey_done(&ca_key);
	oe_strs_done(&names);
	free(ca_line);
}

static void
test_make(void **state)
{
	static const struct {
		const char *type, *cert;
		bool application;
	} kinds[] = {
	    {"ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com ", false},
	    {"sk-ssh-ed25519@openssh.com",
		"sk-ssh-ed25519-cert-v01@openssh.com ", true},
	};
	struct oe_sign_key ca, other, user;
	struct oe_ctl_cert c = {.serial = 77,
	    .key_id = "a@example.org",
	    .valid_after_s = 1000,
	    .valid_before_s = 2000};
	struct oe_err err = OE_ERR_INIT;
	char *key, *line = NULL;
	size_t i;

	(void)state;
	oe_sign_key_make(&ca);
	oe_sign_key_make(&other);
	oe_sign_key_make(&user);
	oe_strs_add(&c.principals, "a@example.org");
	oe_strs_add(&c.principals, "group:ops");
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		key = make_key(kinds[i].type, &user, kinds[i].application);
		c.key = key;
		if (oe_ctl_cert_make(&ca, &c, &line, &err))
			fail_msg("%s", err.msg);
		assert_true(oe_str_starts(line, kinds[i].cert));
		check(line, &ca, "group:ops", 1500, 0);
		check(line, &ca, "group:dev", 1500, OE_EAUTH);
		check(line, &ca, "group:ops", 999, OE_EAUTH);
		check(line, &ca, "group:ops", 2000, OE_EAUTH);
		check(line, &other, "group:ops", 1500, OE_EAUTH);
		free(key);
		/* a certificate is not certified again */
		c.key = line;
		assert_int_equal(
		    oe_ctl_cert_make(&ca, &c, &key, &err), OE_EINVAL);
		free(line);
	}
	c.key = "ssh-ed25519 AAAA";
	assert_int_equal(oe_ctl_cert_make(&ca, &c, &line, &err), OE_EINVAL);
	oe_strs_done(&c.principals);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_make)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
