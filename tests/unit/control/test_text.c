/* SPDX-License-Identifier: Apache-2.0 */
#include "control/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/mem.h"

static const struct oe_ctl_kept_key key_a = {"policy", "vnw_a", 7, 1000};

static struct oe_ctl_text *
text_of(size_t n)
{
	char *p = oe_mem_zalloc(n + 1);

	memset(p, 'x', n);
	return oe_ctl_text_new(p);
}

static void
put(struct oe_ctl_kept *k, const struct oe_ctl_kept_key *key, size_t n)
{
	struct oe_ctl_text *t = text_of(n);

	oe_ctl_kept_put(k, key, t);
	oe_ctl_text_drop(&t);
	assert_null(t);
}

static size_t
got(struct oe_ctl_kept *k, const struct oe_ctl_kept_key *key)
{
	struct oe_ctl_text *t = oe_ctl_kept_get(k, key);
	size_t n = t ? oe_ctl_text_len(t) : 0;

	oe_ctl_text_drop(&t);
	return n;
}

/* A reference outlives the place where it was kept. */
static void
test_reference(void **state)
{
	struct oe_ctl_kept *k = oe_ctl_kept_new(1000);
	struct oe_ctl_text *t;

	(void)state;
	put(k, &key_a, 100);
	t = oe_ctl_kept_get(k, &key_a);
	oe_ctl_kept_free(&k);
	assert_null(k);
	assert_int_equal(oe_ctl_text_len(t), 100);
	assert_int_equal(oe_ctl_text_get(t)[99], 'x');
	oe_ctl_text_drop(&t);
}

/* Only what was signed as asked for is given out. */
static void
test_key(void **state)
{
	static const struct oe_ctl_kept_key others[] = {
	    {"directory", "vnw_a", 7, 1000},
	    {"policy", "vnw_b", 7, 1000},
	    {"policy", "vnw_a", 8, 1000},
	    {"policy", "vnw_a", 7, 1001},
	};
	struct oe_ctl_kept *k = oe_ctl_kept_new(1000);
	size_t i;

	(void)state;
	put(k, &key_a, 10);
	assert_int_equal(got(k, &key_a), 10);
	for (i = 0; i < sizeof others / sizeof *others; i++)
		assert_int_equal(got(k, &others[i]), 0);
	oe_ctl_kept_free(&k);
}

/* The newer takes the place of the older, never the other way round. */
static void
test_newer(void **state)
{
	const struct oe_ctl_kept_key next = {"policy", "vnw_a", 8, 2000};
	struct oe_ctl_kept *k = oe_ctl_kept_new(1000);

	(void)state;
	put(k, &key_a, 10);
	put(k, &next, 20);
	assert_int_equal(got(k, &key_a), 0);
	assert_int_equal(got(k, &next), 20);
	put(k, &key_a, 10);
	assert_int_equal(got(k, &next), 20);
	oe_ctl_kept_free(&k);
}

/* Never more than it may be: the one that was not asked for goes. */
static void
test_bound(void **state)
{
	struct oe_ctl_kept *k = oe_ctl_kept_new(1000);
	struct oe_ctl_kept_key key = key_a;
	char name[32];
	size_t i, n, bytes = 0, count = 0;

	(void)state;
	put(k, &key_a, 251);
	assert_int_equal(got(k, &key_a), 0);
	key.network_id = name;
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "vnw_%zu", i);
		put(k, &key, i < 200 ? 250 : 10);
		snprintf(name, sizeof name, "vnw_0");
		assert_int_equal(got(k, &key), 250);
	}
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "vnw_%zu", i);
		n = got(k, &key);
		bytes += n;
		count += n > 0;
	}
	assert_true(bytes <= 1000 && bytes > 500);
	assert_true(count <= 64 && count > 50);
	oe_ctl_kept_free(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_reference),
	    cmocka_unit_test(test_key),
	    cmocka_unit_test(test_newer),
	    cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
