/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/ssh/digest.h"

/* Of "abc": FIPS 180-2 appendices, RFC 1321 appendix A.5. */
static const struct {
	const char *name, *hex;
} cases[] = {
    {"md5", "900150983cd24fb0d6963f7d28e17f72"},
    {"sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
    {"sha256", "ba7816bf8f01cfea414140de5dae2223"
	       "b00361a396177a9cb410ff61f20015ad"},
    {"sha384", "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"
	       "1a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"},
    {"sha512", "ddaf35a193617abacc417349ae204131"
	       "12e6fa4e89a97ea20a9eeee64b55d39a"
	       "2192992a274fc1a836ba3c23a3feebbd"
	       "454d4423643ce80e2a9ac94fa54ca49f"},
};

static void
check(struct oe_digest *d, const char *hex)
{
	char text[2 * OE_DIGEST_MAX + 1];
	uint8_t md[OE_DIGEST_MAX];
	size_t i;

	assert_int_equal(oe_digest_final(d, md, NULL), 0);
	for (i = 0; i < oe_digest_size(d); i++)
		snprintf(text + 2 * i, 3, "%02x", md[i]);
	assert_string_equal(text, hex);
}

static void
test_known(void **state)
{
	struct oe_digest *d = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		assert_int_equal(oe_digest_new(cases[i].name, &d, NULL), 0);
		assert_int_equal(2 * oe_digest_size(d), strlen(cases[i].hex));
		oe_digest_update(d, "abc", 3);
		check(d, cases[i].hex);
		/* it began anew, and pieces are as good as the whole */
		oe_digest_update(d, "a", 1);
		oe_digest_update(d, NULL, 0);
		oe_digest_update(d, "bc", 2);
		check(d, cases[i].hex);
		oe_digest_free(&d);
		assert_null(d);
	}
	oe_digest_free(&d);
}

static void
test_names(void **state)
{
	struct oe_strs names = {NULL, 0};
	struct oe_err err = OE_ERR_INIT;
	struct oe_digest *d = NULL;
	size_t i;

	(void)state;
	oe_strs_split(&names, OE_DIGEST_NAMES, ',');
	assert_int_equal(names.n, OE_ARRAY_LEN(cases));
	for (i = 0; i < names.n; i++) {
		assert_int_equal(oe_digest_new(names.v[i], &d, NULL), 0);
		oe_digest_free(&d);
	}
	oe_strs_done(&names);
	assert_int_equal(oe_digest_new("SHA256", &d, &err), OE_ENOENT);
	assert_int_equal(oe_digest_new("", &d, &err), OE_ENOENT);
	assert_null(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known),
	    cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
