/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/pubkey.h"
#include "keygen.h"

static void
test_real_keys(void **state)
{
	static const struct {
		const char *name, *args, *type;
	} t[] = {
	    {"ed", "-t ed25519", "ssh-ed25519"},
	    {"ec256", "-t ecdsa -b 256", "ecdsa-sha2-nistp256"},
	    {"ec384", "-t ecdsa -b 384", "ecdsa-sha2-nistp384"},
	    {"ec521", "-t ecdsa -b 521", "ecdsa-sha2-nistp521"},
	    {"rsa", "-t rsa -b 2048", "ssh-rsa"},
	};
	size_t i;

	keygen_need(state);
	keygen_run("ssh-keygen -q -t ed25519 -N '' -f ca");
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_pubkey k, cert, plain;
		char *fp, *name;

		keygen_run("ssh-keygen -q %s -N '' -C 'a b' -f %s", t[i].args,
		    t[i].name);
		keygen_pub(t[i].name, &k);
		assert_string_equal(k.type->name, t[i].type);
		assert_string_equal(k.comment, "a b");
		fp = oe_pubkey_fingerprint(&k);
		keygen_run(
		    "ssh-keygen -lf %s.pub | grep -F '%s '", t[i].name, fp);
		free(fp);
		/* its certificate carries the same plain key */
		keygen_run("ssh-keygen -q -s ca -I id -n me %s.pub", t[i].name);
		name = oe_mem_printf("%s-cert", t[i].name);
		keygen_pub(name, &cert);
		free(name);
		assert_true(cert.type->cert);
		assert_string_equal(cert.type->plain, t[i].type);
		oe_pubkey_plain(&cert, &plain);
		assert_true(oe_pubkey_equal(&plain, &k));
		assert_false(oe_pubkey_equal(&cert, &k));
		oe_pubkey_done(&k);
		oe_pubkey_done(&cert);
		oe_pubkey_done(&plain);
	}
}

static void
test_short_rsa(void **state)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_pubkey k;
	char *line;

	keygen_need(state);
	keygen_run("ssh-keygen -q -t rsa -b 1024 -N '' -f weak");
	line = keygen_line("weak");
	assert_int_equal(oe_pubkey_parse_line(line, &k, &err), OE_EINVAL);
	assert_non_null(strstr(err.msg, "1024"));
	free(line);
}

/* Every shortened and every lengthened blob is refused. */
static void
test_truncation(void **state)
{
	static const char *const names[] = {"ed", "ec256", "rsa", "ed-cert"};
	size_t i, n;

	keygen_need(state);
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct oe_pubkey k, bad;
		uint8_t *more;

		keygen_pub(names[i], &k);
		for (n = 0; n < k.len; n++)
			assert_int_not_equal(
			    oe_pubkey_from_blob(k.blob, n, &bad, NULL), 0);
		more = oe_mem_zalloc(k.len + 1);
		memcpy(more, k.blob, k.len);
		assert_int_not_equal(
		    oe_pubkey_from_blob(more, k.len + 1, &bad, NULL), 0);
		free(more);
		oe_pubkey_done(&k);
	}
}

static void
put_sk(struct oe_buf *b, const char *type, const char *app, size_t app_len)
{
	uint8_t point[65] = {4};

	oe_buf_init(b, 4096);
	oe_buf_put_cstring(b, type);
	if (strstr(type, "ecdsa")) {
		oe_buf_put_cstring(b, "nistp256");
		oe_buf_put_string(b, point, 65);
	} else {
		oe_buf_put_string(b, point, 32);
	}
	oe_buf_put_string(b, app, app_len);
}

static void
test_security_keys(void **state)
{
	static const char *const types[] = {
	    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"};
	struct oe_pubkey_fields f;
	struct oe_pubkey k;
	struct oe_buf b;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		put_sk(&b, types[i], "ssh:", 4);
		assert_int_equal(oe_pubkey_from_blob(oe_buf_head(&b),
				     oe_buf_left(&b), &k, NULL),
		    0);
		oe_pubkey_fields(&k, &f);
		assert_int_equal(f.application.len, 4);
		oe_pubkey_done(&k);
		oe_buf_done(&b);
		put_sk(&b, types[i], "s\0h", 3);
		assert_int_equal(oe_pubkey_from_blob(oe_buf_head(&b),
				     oe_buf_left(&b), &k, NULL),
		    OE_EINVAL);
		oe_buf_done(&b);
	}
}

static void
test_bad_lines(void **state)
{
	static const char *const bad[] = {"", "ssh-ed25519", "ssh-ed25519 ",
	    "ssh-ed25519 !!!!", "ssh-ed25519 AAAA", "AAAA",
	    "ssh-dss AAAAB3NzaC1kc3MAAAAA",
	    /* an ed25519 blob under another name */
	    "ssh-rsa "
	    "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	    "AAAAA"};
	struct oe_pubkey k;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(
		    oe_pubkey_parse_line(bad[i], &k, NULL), OE_EINVAL);
	assert_null(oe_pubkey_type_find("ssh-dss"));
}

static void
put_rsa(struct oe_buf *b, const uint8_t *e, size_t e_len, size_t n_len)
{
	uint8_t n[2050] = {0, 0x81};

	n[n_len - 1] = 1;
	oe_buf_init(b, 8192);
	oe_buf_put_cstring(b, "ssh-rsa");
	oe_buf_put_string(b, e, e_len);
	oe_buf_put_string(b, n, n_len);
}

static void
test_rsa_numbers(void **state)
{
	static const struct {
		uint8_t e[10];
		size_t e_len, n_len;
		int status;
	} t[] = {
	    {{1, 0, 1}, 3, 257, 0},
	    {{3}, 1, 257, 0},
	    {{1}, 1, 257, OE_EINVAL},
	    {{2}, 1, 257, OE_EINVAL},
	    {{0, 3}, 2, 257, OE_EINVAL},
	    {{0x83}, 1, 257, OE_EINVAL},
	    {{0}, 0, 257, OE_EINVAL},
	    {{1, 0, 0, 0, 0, 0, 0, 0, 1}, 9, 257, OE_EINVAL},
	    {{1, 0, 1}, 3, 256, OE_EINVAL},
	    {{1, 0, 1}, 3, 2049, 0},
	    {{1, 0, 1}, 3, 2050, OE_EINVAL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_pubkey k = {0};
		struct oe_buf b;

		put_rsa(&b, t[i].e, t[i].e_len, t[i].n_len);
		assert_int_equal(oe_pubkey_from_blob(oe_buf_head(&b),
				     oe_buf_left(&b), &k, NULL),
		    t[i].status);
		oe_pubkey_done(&k);
		oe_buf_done(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_real_keys),
	    cmocka_unit_test(test_short_rsa),
	    cmocka_unit_test(test_truncation),
	    cmocka_unit_test(test_security_keys),
	    cmocka_unit_test(test_bad_lines),
	    cmocka_unit_test(test_rsa_numbers),
	};

	return cmocka_run_group_tests(tests, keygen_begin, keygen_end);
}
