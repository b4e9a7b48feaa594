/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/algos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"

#define ETM256 "hmac-sha2-256-etm@openssh.com"
#define ETM512 "hmac-sha2-512-etm@openssh.com"

static void
settings(void **state)
{
	static const struct {
		const char *value, *want;
	} cases[] = {
	    {NULL, ETM256 "," ETM512 ",hmac-sha2-256,hmac-sha2-512"},
	    {"a,b", "a,b"},
	    {"+x,hmac-sha2-256",
		ETM256 "," ETM512 ",hmac-sha2-256,hmac-sha2-512,x"},
	    {"-*-etm@*", "hmac-sha2-256,hmac-sha2-512"},
	    {"-*", ""},
	    {"^hmac-sha2-512",
		"hmac-sha2-512," ETM256 "," ETM512 ",hmac-sha2-256"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		char *s = oe_algos_apply(OE_ALGO_MAC, cases[i].value);

		assert_string_equal(s, cases[i].want);
		free(s);
	}
}

static void
known_type_first(void **state)
{
	char *s;

	(void)state;
	s = oe_algos_prefer("ssh-ed25519,rsa-sha2-512,rsa-sha2-256", "ssh-rsa");
	assert_string_equal(s, "rsa-sha2-512,rsa-sha2-256,ssh-ed25519");
	free(s);
	s = oe_algos_prefer("a,b", "c");
	assert_string_equal(s, "a,b");
	free(s);
}

static void
nothing_weak(void **state)
{
	static const char *const weak[] = {
	    "sha1", "cbc", "md5", "dss", "3des", "arcfour", "group1-"};
	size_t i;
	int kind;

	(void)state;
	for (kind = 0; kind < OE_ALGO_COUNT; kind++)
		for (i = 0; i < OE_ARRAY_LEN(weak); i++)
			assert_null(
			    strstr(oe_algos_default((enum oe_algo_kind)kind),
				weak[i]));
	assert_null(strstr(oe_algos_default(OE_ALGO_HOSTKEY), "ssh-rsa"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(settings),
	    cmocka_unit_test(known_type_first),
	    cmocka_unit_test(nothing_weak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
