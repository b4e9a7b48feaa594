/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/ssh/cert.h"
#include "core/ssh/revoked.h"
#include "keygen.h"

#define KRL_MAGIC 0x5353484b524c0a00ULL

static int
group_begin(void **state)
{
	int r = keygen_begin(state);

	if (r == 0 && *state)
		keygen_run("for k in ca ca2 a b; do "
			   "ssh-keygen -q -t ed25519 -N '' -f $k; done");
	return r;
}

static int
check_plain(struct oe_revoked *r, const char *name)
{
	struct oe_pubkey k;
	int s;

	keygen_pub(name, &k);
	s = oe_revoked_check(r, &k, NULL, NULL);
	oe_pubkey_done(&k);
	return s;
}

/* A certificate for b by @ca with @serial. */
static int
check_cert(
    struct oe_revoked *r, const char *ca, const char *id, uint64_t serial)
{
	struct oe_pubkey k;
	struct oe_cert c;
	int s;

	keygen_run("ssh-keygen -q -s %s -I '%s' -z %llu -n me b.pub", ca, id,
	    (unsigned long long)serial);
	keygen_pub("b-cert", &k);
	assert_int_equal(oe_cert_parse(k.blob, k.len, &c, NULL), 0);
	assert_int_equal(oe_revoked_check(r, &k, NULL, NULL), OE_EINVAL);
	s = oe_revoked_check(r, &k, &c, NULL);
	oe_cert_done(&c);
	oe_pubkey_done(&k);
	return s;
}

static struct oe_revoked *
load(const char *name)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_revoked *r = NULL;
	struct oe_buf b;

	keygen_file(name, &b);
	if (oe_revoked_parse(oe_buf_head(&b), oe_buf_left(&b), &r, &err) < 0)
		fail_msg("%s: %s", name, err.msg);
	oe_buf_done(&b);
	return r;
}

static void
test_keys(void **state)
{
	static const char *const make[] = {
	    "ssh-keygen -q -kf krl a.pub",
	    "{ echo -n 'sha1: '; cat a.pub; } >s; ssh-keygen -q -kf krl s",
	    "{ echo -n 'sha256: '; cat a.pub; } >s; ssh-keygen -q -kf krl s",
	    "{ echo -n 'hash: '; ssh-keygen -lf a.pub | cut -d' ' -f2; } >s; "
	    "ssh-keygen -q -kf krl s",
	    "{ echo '# text'; echo; cat a.pub; } >krl",
	    "ssh-keygen -q -t dsa -N '' -f d; "
	    "ssh-keygen -q -t rsa -b 1024 -N '' -f w; "
	    "cat d.pub w.pub a.pub >krl 2>/dev/null || :",
	    "ssh-keygen -q -s ca2 -I i -n me a.pub; cat a-cert.pub >krl",
	};
	size_t i;

	keygen_need(state);
	for (i = 0; i < sizeof make / sizeof make[0]; i++) {
		struct oe_revoked *r;

		keygen_run("rm -f krl d d.pub w w.pub; %s", make[i]);
		r = load("krl");
		if (check_plain(r, "a") != OE_EPERM || check_plain(r, "b") != 0)
			fail_msg("%s", make[i]);
		oe_revoked_free(&r);
	}
	keygen_run("rm -f krl a-cert.pub");
}

static void
test_serials(void **state)
{
	/* a list, a range and a bitmap by what ssh-keygen finds shortest */
	static const struct {
		uint64_t serial;
		int status;
	} t[] = {{4, 0}, {5, OE_EPERM}, {6, 0}, {100, OE_EPERM},
	    {150, OE_EPERM}, {200, OE_EPERM}, {201, 0}, {1000, OE_EPERM},
	    {1001, 0}, {1002, OE_EPERM}, {1004, OE_EPERM}, {1005, 0},
	    {1030, OE_EPERM}, {1031, 0}, {UINT64_MAX, OE_EPERM},
	    {UINT64_MAX - 1, 0}};
	struct oe_revoked *r;
	size_t i;

	keygen_need(state);
	keygen_run("{ echo serial: 5; echo serial: 100-200; "
		   "for s in 1000 1002 1004 1007 1010 1012 1015 1017 1020 "
		   "1022 1025 1027 1030; do echo serial: $s; done; "
		   "echo serial: 18446744073709551615; "
		   "echo id: the bad one; } >spec; "
		   "ssh-keygen -q -kf krl -s ca.pub spec");
	r = load("krl");
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		if (check_cert(r, "ca", "x", t[i].serial) != t[i].status)
			fail_msg(
			    "serial %llu", (unsigned long long)t[i].serial);
		/* another CA's serials are not meant */
		assert_int_equal(check_cert(r, "ca2", "x", t[i].serial), 0);
	}
	assert_int_equal(check_cert(r, "ca", "the bad one", 1), OE_EPERM);
	assert_int_equal(check_cert(r, "ca", "the bad", 1), 0);
	assert_int_equal(check_plain(r, "b"), 0);
	oe_revoked_free(&r);
}

static void
test_certs_by_key(void **state)
{
	struct oe_revoked *r;

	keygen_need(state);
	keygen_run("ssh-keygen -q -kf krl ca.pub");
	r = load("krl");
	assert_int_equal(check_cert(r, "ca", "x", 1), OE_EPERM);
	assert_int_equal(check_cert(r, "ca2", "x", 1), 0);
	oe_revoked_free(&r);
	/* the plain key of a certificate, and any CA */
	keygen_run("ssh-keygen -q -kf krl b.pub");
	r = load("krl");
	assert_int_equal(check_cert(r, "ca", "x", 1), OE_EPERM);
	oe_revoked_free(&r);
	keygen_run("echo id: x >spec; ssh-keygen -q -kf krl -s none spec");
	r = load("krl");
	assert_int_equal(check_cert(r, "ca2", "x", 1), OE_EPERM);
	oe_revoked_free(&r);
}

static void
krl_head(struct oe_buf *b, uint32_t version)
{
	oe_buf_init(b, 4096);
	oe_buf_put_u64(b, KRL_MAGIC);
	oe_buf_put_u32(b, version);
	oe_buf_put_u64(b, 1);
	oe_buf_put_u64(b, 2);
	oe_buf_put_u64(b, 0);
	oe_buf_put_cstring(b, "");
	oe_buf_put_cstring(b, "comment");
}

static int
parse_and_drop(struct oe_buf *b)
{
	struct oe_revoked *r = NULL;
	int s = oe_revoked_parse(oe_buf_head(b), oe_buf_left(b), &r, NULL);

	oe_revoked_free(&r);
	oe_buf_done(b);
	return s;
}

static int
extension(uint8_t critical)
{
	struct oe_buf b, e;

	krl_head(&b, 1);
	oe_buf_init(&e, 256);
	oe_buf_put_cstring(&e, "x@y");
	oe_buf_put_u8(&e, critical);
	oe_buf_put_cstring(&e, "");
	oe_buf_put_u8(&b, 255);
	oe_buf_put_string(&b, oe_buf_head(&e), oe_buf_left(&e));
	oe_buf_done(&e);
	return parse_and_drop(&b);
}

static void
test_shapes(void **state)
{
	struct oe_buf b;

	(void)state;
	krl_head(&b, 1);
	assert_int_equal(parse_and_drop(&b), 0);
	krl_head(&b, 2);
	assert_int_equal(parse_and_drop(&b), OE_EINVAL);
	assert_int_equal(extension(0), 0);
	assert_int_equal(extension(1), OE_EINVAL);
	krl_head(&b, 1); /* an unknown section */
	oe_buf_put_u8(&b, 77);
	oe_buf_put_cstring(&b, "");
	assert_int_equal(parse_and_drop(&b), OE_EINVAL);
	krl_head(&b, 1); /* a signature is skipped */
	oe_buf_put_u8(&b, 4);
	oe_buf_put_cstring(&b, "key");
	oe_buf_put_cstring(&b, "signature");
	assert_int_equal(parse_and_drop(&b), 0);
	krl_head(&b, 1); /* and must be last */
	oe_buf_put_u8(&b, 4);
	oe_buf_put_cstring(&b, "key");
	oe_buf_put_cstring(&b, "signature");
	oe_buf_put_u8(&b, 255);
	oe_buf_put_cstring(&b, "");
	assert_int_equal(parse_and_drop(&b), OE_EINVAL);
	krl_head(&b, 1);
	oe_buf_put_u8(&b, 5);
	oe_buf_put_cstring(&b, "\0\0\0\1x");
	assert_int_equal(parse_and_drop(&b), OE_EINVAL);
	oe_buf_init(&b, 100); /* neither form */
	oe_buf_put_cstring(&b, "text");
	assert_int_equal(parse_and_drop(&b), OE_EINVAL);
	oe_buf_init(&b, 100);
	oe_buf_printf(&b, "ssh-ed25519 AAAA\n");
	assert_int_equal(parse_and_drop(&b), OE_EINVAL);
	oe_buf_init(&b, 100); /* empty: revokes nothing */
	assert_int_equal(parse_and_drop(&b), 0);
}

static void
test_truncated(void **state)
{
	struct oe_revoked *r = NULL;
	struct oe_buf b;
	size_t n, ok = 0;

	keygen_need(state);
	keygen_run("ssh-keygen -q -kf krl a.pub b.pub");
	keygen_file("krl", &b);
	for (n = 8; n < oe_buf_left(&b); n++) {
		if (oe_revoked_parse(oe_buf_head(&b), n, &r, NULL) == 0)
			ok++;
		oe_revoked_free(&r);
	}
	/* only the bare header is whole */
	assert_in_range(ok, 0, 1);
	oe_buf_done(&b);
	assert_int_equal(
	    oe_revoked_load("/nonexistent/krl", &r, NULL), OE_ESYS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_serials),
	    cmocka_unit_test(test_certs_by_key),
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, group_begin, keygen_end);
}
