/* SPDX-License-Identifier: Apache-2.0 */
#include "server/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"

static const uint8_t *
v4(uint32_t n)
{
	static uint8_t a[4][16];
	static unsigned turn;
	uint8_t *p = a[turn++ % 4];

	memset(p, 0, 16);
	p[10] = p[11] = 0xff;
	p[12] = (uint8_t)(n >> 24);
	p[13] = (uint8_t)(n >> 16);
	p[14] = (uint8_t)(n >> 8);
	p[15] = (uint8_t)n;
	return p;
}

static struct oe_srv_limits_conf
off(void)
{
	struct oe_srv_limits_conf c;

	memset(&c, 0, sizeof(c));
	c.hash_key[0] = 0x1234;
	return c;
}

static void
rate(void **state)
{
	struct oe_srv_limits_conf c = off();
	struct oe_srv_limits *l;
	int i;

	(void)state;
	c.rate_count = 3;
	c.rate_window_ms = 3000;
	l = oe_srv_limits_new(&c);
	for (i = 0; i < 3; i++)
		assert_int_equal(oe_srv_limits_open(l, v4(1), 0), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 0), OE_SRV_RATE);
	assert_int_equal(oe_srv_limits_open(l, v4(2), 0), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 999), OE_SRV_RATE);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 1000), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 1000), OE_SRV_RATE);
	/* a clock that stands or goes back gives nothing and breaks nothing */
	assert_int_equal(oe_srv_limits_open(l, v4(1), 500), OE_SRV_RATE);
	for (i = 0; i < 3; i++)
		assert_int_equal(
		    oe_srv_limits_open(l, v4(1), 1000000), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 1000000), OE_SRV_RATE);
	oe_srv_limits_free(&l);
	assert_null(l);
}

static void
rate_is_even(void **state)
{
	struct oe_srv_limits_conf c = off();
	struct oe_srv_limits *l;
	int passed = 0;
	int64_t t;

	(void)state;
	c.rate_count = 7;
	c.rate_window_ms = 10000;
	l = oe_srv_limits_new(&c);
	/* asked each millisecond, rounding must not eat the refill */
	for (t = 0; t < 100000; t++)
		passed += oe_srv_limits_open(l, v4(9), t) == OE_SRV_PASS;
	assert_in_range(passed, 75, 77);
	oe_srv_limits_free(&l);
}

static void
ban_doubles(void **state)
{
	static const int64_t want[] = {1000, 2000, 4000, 5000, 5000};
	struct oe_srv_limits_conf c = off();
	struct oe_srv_limits *l;
	int64_t now = 0;
	size_t i;

	(void)state;
	c.ban_failures = 3;
	c.ban_window_ms = 500;
	c.ban_ms = 1000;
	c.ban_max_ms = 5000;
	l = oe_srv_limits_new(&c);
	for (i = 0; i < OE_ARRAY_LEN(want); i++) {
		assert_int_equal(oe_srv_limits_failed(l, v4(1), now), 0);
		assert_int_equal(oe_srv_limits_failed(l, v4(1), now), 0);
		assert_int_equal(
		    oe_srv_limits_failed(l, v4(1), now + 1), want[i]);
		assert_int_equal(oe_srv_limits_failed(l, v4(1), now + 2), 0);
		now += want[i];
		assert_int_equal(
		    oe_srv_limits_open(l, v4(1), now), OE_SRV_BANNED);
		assert_int_equal(
		    oe_srv_limits_open(l, v4(2), now), OE_SRV_PASS);
		now += 1;
		assert_int_equal(
		    oe_srv_limits_open(l, v4(1), now), OE_SRV_PASS);
	}
	/* slow failures never add up */
	for (i = 0; i < 20; i++) {
		now += 500;
		assert_int_equal(oe_srv_limits_failed(l, v4(3), now), 0);
	}
	/* quiet for ban_max_ms: the first ban again */
	now += 6000;
	for (i = 0; i < 2; i++)
		assert_int_equal(oe_srv_limits_failed(l, v4(1), now), 0);
	assert_int_equal(oe_srv_limits_failed(l, v4(1), now), 1000);
	oe_srv_limits_free(&l);
}

static void
ipv6_by_64(void **state)
{
	uint8_t a[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 1};
	uint8_t b[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 2, 3};
	uint8_t other[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 2, 1};
	struct oe_srv_limits_conf c = off();
	struct oe_srv_limits *l;

	(void)state;
	c.ban_failures = 1;
	c.ban_window_ms = 1000;
	c.ban_ms = c.ban_max_ms = 1000;
	l = oe_srv_limits_new(&c);
	assert_int_equal(oe_srv_limits_failed(l, a, 0), 1000);
	assert_int_equal(oe_srv_limits_open(l, b, 1), OE_SRV_BANNED);
	assert_int_equal(oe_srv_limits_open(l, other, 1), OE_SRV_PASS);
	oe_srv_limits_free(&l);
}

static uint32_t dice;

static uint32_t
roll(void *arg, uint32_t upper)
{
	(void)arg;
	assert_int_equal(upper, 100);
	return dice;
}

static void
startups(void **state)
{
	struct oe_srv_limits_conf c = off();
	struct oe_srv_limits *l;
	uint32_t i;

	(void)state;
	assert_int_equal(oe_srv_limits_parse_startups("2:50:6", &c, NULL), 0);
	c.random = roll;
	c.source_unauth_max = 2;
	l = oe_srv_limits_new(&c);
	dice = 0;
	assert_int_equal(oe_srv_limits_open(l, v4(1), 0), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 0), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 0), OE_SRV_SOURCE_FULL);
	assert_int_equal(oe_srv_limits_open(l, v4(2), 0), OE_SRV_STARTUPS);
	dice = 49; /* 50 percent at the start */
	assert_int_equal(oe_srv_limits_open(l, v4(2), 0), OE_SRV_STARTUPS);
	dice = 50;
	assert_int_equal(oe_srv_limits_open(l, v4(2), 0), OE_SRV_PASS);
	dice = 61; /* 62 percent with one more */
	assert_int_equal(oe_srv_limits_open(l, v4(2), 0), OE_SRV_STARTUPS);
	dice = 99;
	for (i = 3; i < 6; i++)
		assert_int_equal(oe_srv_limits_open(l, v4(i), 0), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_open(l, v4(7), 0), OE_SRV_STARTUPS);
	/* one gone, one may come; double accounting would let two in */
	oe_srv_limits_close(l, v4(1), false);
	assert_int_equal(oe_srv_limits_open(l, v4(7), 0), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_open(l, v4(8), 0), OE_SRV_STARTUPS);
	oe_srv_limits_free(&l);
}

static void
sessions(void **state)
{
	struct oe_srv_limits_conf c = off();
	struct oe_srv_limits_stats s;
	struct oe_srv_limits *l;

	(void)state;
	c.sessions_max = 1;
	l = oe_srv_limits_new(&c);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 0), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_open(l, v4(2), 0), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_authenticated(l, v4(1)), OE_SRV_PASS);
	assert_int_equal(
	    oe_srv_limits_authenticated(l, v4(2)), OE_SRV_SESSIONS_FULL);
	oe_srv_limits_close(l, v4(2), false);
	assert_int_equal(oe_srv_limits_open(l, v4(3), 0), OE_SRV_SESSIONS_FULL);
	oe_srv_limits_close(l, v4(1), true);
	assert_int_equal(oe_srv_limits_open(l, v4(3), 0), OE_SRV_PASS);
	/* closing what never was open changes nothing */
	oe_srv_limits_close(l, v4(77), false);
	oe_srv_limits_close(l, v4(77), true);
	oe_srv_limits_stats(l, &s);
	assert_int_equal(s.unauthenticated, 1);
	assert_int_equal(s.sessions, 0);
	oe_srv_limits_free(&l);
}

static void
table(void **state)
{
	struct oe_srv_limits_conf c = off();
	struct oe_srv_limits_stats s;
	struct oe_srv_limits *l;
	uint32_t i;

	(void)state;
	c.ban_failures = 1;
	c.ban_window_ms = 1000;
	c.ban_ms = c.ban_max_ms = 100000;
	c.sources_max = 100;
	l = oe_srv_limits_new(&c);
	/* one ban and one open connection, older than everything else */
	assert_int_equal(oe_srv_limits_failed(l, v4(1), 0), 100000);
	assert_int_equal(oe_srv_limits_open(l, v4(2), 0), OE_SRV_PASS);
	for (i = 10; i < 5000; i++) {
		assert_int_equal(oe_srv_limits_open(l, v4(i), i), OE_SRV_PASS);
		oe_srv_limits_close(l, v4(i), false);
	}
	oe_srv_limits_stats(l, &s);
	assert_int_equal(s.sources, 100);
	assert_int_equal(s.unauthenticated, 1);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 6000), OE_SRV_BANNED);
	/* only bans: the one that ends first goes; never the one in use */
	for (i = 0; i < 200; i++)
		(void)oe_srv_limits_failed(l, v4(100000 + i), 7000 + i);
	assert_int_equal(
	    oe_srv_limits_open(l, v4(100199), 8000), OE_SRV_BANNED);
	assert_int_equal(oe_srv_limits_open(l, v4(1), 8000), OE_SRV_PASS);
	oe_srv_limits_close(l, v4(2), false);
	oe_srv_limits_stats(l, &s);
	assert_int_equal(s.unauthenticated, 1);
	/* everything in use */
	for (i = 0; i < 99; i++)
		assert_int_equal(
		    oe_srv_limits_open(l, v4(i + 1000000), 9000), OE_SRV_PASS);
	assert_int_equal(
	    oe_srv_limits_open(l, v4(3000000), 9000), OE_SRV_TABLE_FULL);
	assert_int_equal(oe_srv_limits_failed(l, v4(3000000), 9000), 0);
	oe_srv_limits_free(&l);
}

static bool
is_one(void *arg, const uint8_t addr[16])
{
	(void)arg;
	return addr[15] == 1;
}

static void
exempt_and_reload(void **state)
{
	struct oe_srv_limits_conf c = off();
	struct oe_srv_limits *l;
	int i;

	(void)state;
	c.rate_count = 1;
	c.rate_window_ms = 1000;
	c.ban_failures = 1;
	c.ban_window_ms = 1000;
	c.ban_ms = 1000;
	c.source_unauth_max = 1;
	c.exempt = is_one;
	l = oe_srv_limits_new(&c);
	for (i = 0; i < 5; i++) {
		assert_int_equal(oe_srv_limits_failed(l, v4(1), 0), 0);
		assert_int_equal(oe_srv_limits_open(l, v4(1), 0), OE_SRV_PASS);
	}
	assert_int_equal(oe_srv_limits_open(l, v4(2), 0), OE_SRV_PASS);
	assert_int_equal(oe_srv_limits_failed(l, v4(2), 0), 1000);
	c.exempt = NULL;
	c.hash_key[0] = 99;
	oe_srv_limits_set(l, &c);
	assert_int_equal(oe_srv_limits_open(l, v4(2), 1), OE_SRV_BANNED);
	c = off();
	oe_srv_limits_set(l, &c);
	assert_int_equal(oe_srv_limits_open(l, v4(2), 1), OE_SRV_PASS);
	oe_srv_limits_free(&l);
}

static void
parse(void **state)
{
	static const char *const bad[] = {"", ":", "0", "10:30",
	    "10:30:", "10:0:20", "10:101:20", "30:10:20", "1:2:3:4", "-1",
	    "1:2:100001", "a:b:c", "010:30:60", " 1:2:3",
	    "9999999999999999999999999999999999999999999999999999999999999999"
	    "9"};
	struct oe_srv_limits_conf c = off();
	size_t i;

	(void)state;
	assert_int_equal(oe_srv_limits_parse_startups("10:30:60", &c, NULL), 0);
	assert_int_equal(c.startups_start, 10);
	assert_int_equal(c.startups_rate, 30);
	assert_int_equal(c.startups_full, 60);
	assert_int_equal(oe_srv_limits_parse_startups("5", &c, NULL), 0);
	assert_int_equal(c.startups_start, 5);
	assert_int_equal(c.startups_full, 5);
	for (i = 0; i < OE_ARRAY_LEN(bad); i++)
		assert_int_equal(
		    oe_srv_limits_parse_startups(bad[i], &c, NULL), OE_EINVAL);
	assert_int_equal(c.startups_full, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rate),
	    cmocka_unit_test(rate_is_even),
	    cmocka_unit_test(ban_doubles),
	    cmocka_unit_test(ipv6_by_64),
	    cmocka_unit_test(startups),
	    cmocka_unit_test(sessions),
	    cmocka_unit_test(table),
	    cmocka_unit_test(exempt_and_reload),
	    cmocka_unit_test(parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
