/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/net/cidr.h"
#include "core/ssh/cert.h"
#include "core/ssh/grant.h"
#include "keygen.h"

/* 2020-01-01 to 2030-01-01, in UTC whatever the test's zone is */
#define VALIDITY "-V 20200101000000:20300101000000"
#define NOW      1735689600 /* 2025-01-01 */

static int
group_begin(void **state)
{
	int r = keygen_begin(state);

	setenv("TZ", "UTC0", 1);
	if (r == 0 && *state)
		keygen_run("ssh-keygen -q -t ed25519 -N '' -f ca && "
			   "ssh-keygen -q -t ed25519 -N '' -f other && "
			   "ssh-keygen -q -t ed25519 -N '' -f user");
	return r;
}

/* Sign "user" with @args by @ca and read the result. */
static void
make_cert(const char *ca, const char *args, struct oe_cert *ret)
{
	struct oe_pubkey k;

	keygen_run(
	    "ssh-keygen -q -s %s -I 'the id' -z 42 %s user.pub", ca, args);
	keygen_pub("user-cert", &k);
	assert_int_equal(oe_cert_parse(k.blob, k.len, ret, NULL), 0);
	oe_pubkey_done(&k);
}

static int
check(const struct oe_cert *c, const char *ca, const char *user,
    const char *from, int64_t now, struct oe_grant *g, struct oe_err *err)
{
	struct oe_strs names = {NULL, 0};
	struct oe_addr addr;
	struct oe_pubkey k;
	struct oe_cert_query q = {&k, 1, &names, &addr, now};
	int r;

	keygen_pub(ca, &k);
	oe_strs_add(&names, user);
	assert_int_equal(oe_addr_parse(from, &addr, NULL), 0);
	r = oe_cert_check(c, &q, g, err);
	oe_strs_done(&names);
	oe_pubkey_done(&k);
	return r;
}

static void
test_every_ca(void **state)
{
	static const struct {
		const char *gen, *sign;
		int status;
	} t[] = {
	    {"-t ed25519", "", 0},
	    {"-t ecdsa -b 256", "", 0},
	    {"-t ecdsa -b 384", "", 0},
	    {"-t ecdsa -b 521", "", 0},
	    {"-t rsa -b 2048", "-t rsa-sha2-256", 0},
	    {"-t rsa -b 2048", "-t rsa-sha2-512", 0},
	    {"-t rsa -b 2048", "-t ssh-rsa", OE_EAUTH},
	};
	size_t i;

	keygen_need(state);
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_err err = OE_ERR_INIT;
		struct oe_grant g;
		struct oe_cert c;
		char *args;
		int r;

		keygen_run(
		    "rm -f anyca*; ssh-keygen -q %s -N '' -f anyca", t[i].gen);
		args = oe_mem_printf(VALIDITY " -n me %s", t[i].sign);
		make_cert("anyca", args, &c);
		free(args);
		r = check(&c, "anyca", "me", "10.0.0.1", NOW, &g, &err);
		if (r != t[i].status)
			fail_msg(
			    "%s %s: %d %s", t[i].gen, t[i].sign, r, err.msg);
		if (r == 0) {
			/* any changed byte of what is signed is noticed */
			c.key.blob[c.signed_len / 2] ^= 1;
			oe_grant_done(&g);
			assert_int_not_equal(
			    check(&c, "anyca", "me", "10.0.0.1", NOW, &g, NULL),
			    0);
		}
		oe_cert_done(&c);
	}
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *args, *ca, *user, *from;
		int64_t now;
		const char *word; /* in the message; NULL: accepted */
	} t[] = {
	    {"-n me", "ca", "me", "10.0.0.1", NOW, NULL},
	    {"-n a,me", "ca", "me", "10.0.0.1", NOW, NULL},
	    {"-n me", "other", "me", "10.0.0.1", NOW, "CA"},
	    {"-n me", "ca", "you", "10.0.0.1", NOW, "principal 'you'"},
	    {"-n me", "ca", "m", "10.0.0.1", NOW, "principal"},
	    {"", "ca", "me", "10.0.0.1", NOW, "no principal"},
	    {"-h -n me", "ca", "me", "10.0.0.1", NOW, "not for a user"},
	    {"-n me", "ca", "me", "10.0.0.1", 1577836799, "not valid before"},
	    {"-n me", "ca", "me", "10.0.0.1", 1577836800, NULL},
	    {"-n me", "ca", "me", "10.0.0.1", 1893455999, NULL},
	    {"-n me", "ca", "me", "10.0.0.1", 1893456000, "expired"},
	    {"-n me -O source-address=10.0.0.0/8", "ca", "me", "10.0.0.1", NOW,
		NULL},
	    {"-n me -O source-address=fd00::/8,10.0.0.0/8", "ca", "me",
		"::ffff:10.0.0.1", NOW, NULL},
	    {"-n me -O source-address=10.0.0.0/8", "ca", "me", "11.0.0.1", NOW,
		"address 11.0.0.1"},
	    {"-n me -O critical:x@y=1", "ca", "me", "10.0.0.1", NOW, "'x@y'"},
	    {"-n me -O extension:x@y=1", "ca", "me", "10.0.0.1", NOW, NULL},
	};
	size_t i;

	keygen_need(state);
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_err err = OE_ERR_INIT;
		struct oe_grant g;
		struct oe_cert c;
		char *args = oe_mem_printf(VALIDITY " %s", t[i].args);
		int r;

		make_cert("ca", args, &c);
		free(args);
		r = check(
		    &c, t[i].ca, t[i].user, t[i].from, t[i].now, &g, &err);
		if ((r == 0) != !t[i].word ||
		    (t[i].word && !strstr(err.msg, t[i].word)))
			fail_msg("%zu '%s': %d %s", i, t[i].args, r, err.msg);
		if (r == 0)
			oe_grant_done(&g);
		oe_cert_done(&c);
	}
}

static void
test_grants(void **state)
{
	struct oe_grant g;
	struct oe_cert c;

	keygen_need(state);
	make_cert("ca", VALIDITY " -n me", &c);
	assert_int_equal(c.serial, 42);
	assert_string_equal(c.key_id, "the id");
	assert_int_equal(check(&c, "ca", "me", "10.0.0.1", NOW, &g, NULL), 0);
	assert_true(g.pty && g.agent && g.x11 && g.user_rc &&
		    g.port_forwarding && !g.no_touch_required &&
		    !g.verify_required);
	assert_int_equal(g.not_after_s, 1893456000);
	assert_string_equal(g.principals.v[0], "me");
	oe_grant_done(&g);
	oe_cert_done(&c);
	make_cert("ca",
	    VALIDITY " -n me -O clear -O permit-pty -O no-touch-required "
		     "-O verify-required -O force-command='echo hi'",
	    &c);
	assert_int_equal(check(&c, "ca", "me", "10.0.0.1", NOW, &g, NULL), 0);
	assert_true(g.pty && !g.agent && !g.x11 && !g.user_rc &&
		    !g.port_forwarding && g.no_touch_required &&
		    g.verify_required);
	assert_string_equal(g.force_command, "echo hi");
	oe_grant_done(&g);
	oe_cert_done(&c);
	make_cert("ca", "-n me -V always:forever", &c);
	assert_int_equal(check(&c, "ca", "me", "10.0.0.1", NOW, &g, NULL), 0);
	assert_int_equal(g.not_after_s, OE_GRANT_FOREVER);
	oe_grant_done(&g);
	oe_cert_done(&c);
}

static void
test_not_a_cert(void **state)
{
	struct oe_pubkey k;
	struct oe_cert c;

	keygen_need(state);
	keygen_pub("user", &k);
	assert_int_equal(oe_cert_parse(k.blob, k.len, &c, NULL), OE_EINVAL);
	oe_pubkey_done(&k);
}

/* Options whose order or count is wrong, put behind a parsed certificate. */
static void
test_option_order(void **state)
{
	static const struct {
		const char *first, *second;
	} t[] = {{"permit-pty", "permit-X11-forwarding"},
	    {"permit-pty", "permit-pty"}};
	size_t i;

	keygen_need(state);
	for (i = 0; i < 2; i++) {
		struct oe_err err = OE_ERR_INIT;
		struct oe_grant g;
		struct oe_cert c;
		struct oe_buf b;

		make_cert("ca", VALIDITY " -n me", &c);
		oe_buf_init(&b, 1024);
		oe_buf_put_cstring(&b, t[i].first);
		oe_buf_put_cstring(&b, "");
		oe_buf_put_cstring(&b, t[i].second);
		oe_buf_put_cstring(&b, "");
		oe_buf_view(&c.extensions, oe_buf_head(&b), oe_buf_left(&b));
		assert_int_equal(
		    check(&c, "ca", "me", "10.0.0.1", NOW, &g, &err),
		    OE_EINVAL);
		assert_non_null(strstr(err.msg, i ? "twice" : "sorted"));
		oe_cert_done(&c);
		oe_buf_done(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_ca),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_grants),
	    cmocka_unit_test(test_not_a_cert),
	    cmocka_unit_test(test_option_order),
	};

	return cmocka_run_group_tests(tests, group_begin, keygen_end);
}
