/* SPDX-License-Identifier: Apache-2.0 */
#include "control/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/jwt.h"
#include "core/base/mem.h"

static void
put(struct oe_ctl_tokens_cache *c, int n, const char *user, uint64_t epoch)
{
	uint8_t hash[OE_SHA256_SIZE];
	struct oe_ctl_caller who = {.id = ""};

	snprintf(who.id, sizeof who.id, "%s", user);
	oe_sha256(&n, sizeof n, hash);
	oe_ctl_tokens_put(c, hash, 1000, &who, epoch);
}

static bool
get(struct oe_ctl_tokens_cache *c, int n, int64_t now, uint64_t *epoch)
{
	uint8_t hash[OE_SHA256_SIZE];
	struct oe_ctl_caller who;

	oe_sha256(&n, sizeof n, hash);
	return oe_ctl_tokens_get(c, hash, now, &who, epoch);
}

static void
test_cache(void **state)
{
	struct oe_ctl_tokens_cache *c = oe_ctl_tokens_new();
	uint64_t epoch, later;
	int i, n = 0;

	(void)state;
	assert_false(get(c, 1, 0, &epoch));
	put(c, 1, "usr_a", epoch);
	put(c, 2, "usr_b", epoch);
	assert_true(get(c, 1, 999, &later));
	assert_false(get(c, 1, 1000, &later));
	oe_ctl_tokens_forget(c, "usr_a");
	assert_false(get(c, 1, 0, &later));
	assert_true(get(c, 2, 0, &later));
	/* what was asked before the end is not kept after it */
	put(c, 1, "usr_a", epoch);
	assert_false(get(c, 1, 0, &epoch));
	oe_ctl_tokens_forget(c, NULL);
	assert_false(get(c, 2, 0, &epoch));
	/* bounded, and good for as many as that */
	for (i = 0; i < 100000; i++)
		put(c, i, "usr_c", epoch);
	for (i = 0; i < 100000; i++)
		n += get(c, i, 0, &epoch);
	assert_in_range(n, 3000, 4096);
	oe_ctl_tokens_free(&c);
	assert_null(c);
}

static void
test_jwt(void **state)
{
	const uint8_t key[OE_HMAC_SHA512_SIZE] = {1},
		      other[OE_HMAC_SHA512_SIZE] = {2};
	const struct oe_ctl_jwt claims = {
	    "usr_1", "A \"B\"", "a@b", "tok_1", 100, 200};
	char *t = oe_ctl_jwt_make(key, &claims), *bad;
	size_t i, n = strlen(t);

	(void)state;
	assert_true(oe_ctl_jwt_check(key, t, 199));
	assert_false(oe_ctl_jwt_check(key, t, 200));
	assert_false(oe_ctl_jwt_check(other, t, 100));
	for (i = 0; i < n; i++) {
		bad = oe_mem_strdup(t);
		bad[i] = bad[i] == 'A' ? 'B' : 'A';
		assert_false(oe_ctl_jwt_check(key, bad, 100));
		bad[i] = '\0';
		assert_false(oe_ctl_jwt_check(key, bad, 100));
		free(bad);
	}
	assert_false(oe_ctl_jwt_check(key, "", 100));
	assert_false(oe_ctl_jwt_check(
	    key, "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9.", 100));
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_cache),
	    cmocka_unit_test(test_jwt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
