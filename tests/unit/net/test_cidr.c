/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/net/cidr.h"

static struct oe_addr
addr(const char *text)
{
	struct oe_addr a;

	assert_int_equal(oe_addr_parse(text, &a, NULL), 0);
	return a;
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {"", " ", "/", "/24", "10", "10/8",
	    "10.147.1", "10.147.1/24", "10.1.2.3/24", "10.147.1.5/",
	    "10.147.1.5/-1", "10.147.1.5/33", "10.147.1.5/+24",
	    "10.147.1.5/024", "10.147.1.5/00", "10.147.1.5/2147483648",
	    "10.147.1.5/4294967320", "10.147.1.5/18446744073709551616",
	    "10.0.0.0/24x", "10.0.0.0/24 ", " 10.0.0.0/24", "10.0.0.0 /24",
	    "10.0.0.0/ 24", "10.0.0.1\n", "10.0.0.0/8/8", "10.0.0.0/0x8",
	    "10.147.1.0/255.255.255.0", "10.147.1.0/0.0.0.255", "010.1.1.1",
	    "10.147.001.005", "0x0a.1.1.1", "10.147.1.256", "1.2.3.4.5", "1..2",
	    "1.2.3.", ".1.2.3", "4294967295", "0xa000001",
	    "1:::::::::::::::::::::::::::::::::::::::::::::::",
	    "1::::::::::::::::::::::", "2001:db8:::1", "1:2:3:4:5:6:7:8:9",
	    "1:2:3:4:5:6:7", "12345::1", "::g", "[::1]", "[::1]/128",
	    "::1/ffff::", "::1/129", "2001:db8::/129", "fd00::1/64",
	    "fe80::1%eth0", "fe80::1%2", "::ffff:10.147.1.5/95",
	    "::ffff:0:0/90", "::ffff:10.0.0.1/120", "localhost", "example.com",
	    "x", "a", "*", "10.0.0.*", "1.1.147.10.in-addr.arpa",
	    "1.0.0.0.ip6.arpa", ".ip6.int", "01:02:03:04:05:06", "0.0.0.1/0",
	    "::1/0", "1.1.1.1,2.2.2.2", "10.0.0.0-10.0.0.9", "!10.0.0.1"};
	struct oe_cidr_list *l = oe_cidr_list_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct oe_err err = OE_ERR_INIT;

		if (oe_cidr_list_add(l, bad[i], &err) != OE_EINVAL ||
		    !err.msg[0])
			fail_msg("'%s' was not refused", bad[i]);
	}
	assert_int_equal(oe_cidr_list_count(l), 0);
	oe_cidr_list_free(&l);
}

static void
test_host_bits_message(void **state)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	struct oe_err err = OE_ERR_INIT;

	(void)state;
	assert_int_equal(oe_cidr_list_add(l, "10.1.2.3/24", &err), OE_EINVAL);
	assert_non_null(strstr(err.msg, "10.1.2.0/24"));
	oe_cidr_list_free(&l);
}

static void
test_accepted(void **state)
{
	static const struct {
		const char *net, *canonical, *in, *out;
	} ok[] = {
	    {"10.147.1.0/24", "10.147.1.0/24", "10.147.1.77", "10.147.2.0"},
	    {"10.147.1.5", "10.147.1.5/32", "10.147.1.5", "10.147.1.4"},
	    {"10.147.1.4/31", "10.147.1.4/31", "10.147.1.5", "10.147.1.6"},
	    {"0.0.0.0/0", "0.0.0.0/0", "255.255.255.255", "::1"},
	    {"128.0.0.0/1", "128.0.0.0/1", "255.0.0.1", "127.0.0.1"},
	    {"::/0", "::/0", "fd00::1", "10.0.0.1"},
	    {"fd00::/8", "fd00::/8", "fd12::1", "fe00::1"},
	    {"FD00:0:0::/48", "fd00::/48", "fd00::1", "fd00:0:1::1"},
	    {"::1", "::1/128", "::1", "::2"},
	    {"2001:db8::4/127", "2001:db8::4/127", "2001:db8::5",
		"2001:db8::6"},
	    {"::ffff:10.147.1.0/120", "10.147.1.0/24", "10.147.1.9",
		"10.147.2.9"},
	    {"::ffff:10.147.1.5", "10.147.1.5/32", "::ffff:10.147.1.5",
		"10.147.1.6"},
	    {"::ffff:0:0/96", "0.0.0.0/0", "8.8.8.8", "::1"},
	    {"10.147.1.0/24", "10.147.1.0/24", "::ffff:10.147.1.5",
		"::10.147.1.5"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ok / sizeof ok[0]; i++) {
		struct oe_cidr_list *l = oe_cidr_list_new();
		struct oe_err err = OE_ERR_INIT;
		struct oe_addr in = addr(ok[i].in), out = addr(ok[i].out);

		if (oe_cidr_list_add(l, ok[i].net, &err) != 0)
			fail_msg("'%s': %s", ok[i].net, err.msg);
		assert_string_equal(oe_cidr_list_text(l, 0), ok[i].canonical);
		if (!oe_cidr_list_contains(l, &in))
			fail_msg("%s not in %s", ok[i].in, ok[i].net);
		if (oe_cidr_list_contains(l, &out))
			fail_msg("%s in %s", ok[i].out, ok[i].net);
		assert_null(oe_cidr_list_text(l, 1));
		oe_cidr_list_free(&l);
	}
}

/* Flip the last bit inside and the first outside each prefix. */
static void
every_prefix(int family, unsigned bits)
{
	struct oe_addr base = {.family = family}, a;
	char host[OE_ADDR_TEXT_MAX], text[64];
	unsigned p, bit;

	base.bytes[0] = 0x80;
	for (p = 1; p <= bits; p++) {
		struct oe_cidr_list *l = oe_cidr_list_new();

		oe_addr_format(&base, host);
		snprintf(text, sizeof text, "%s/%u", host, p);
		assert_int_equal(oe_cidr_list_add(l, text, NULL), 0);
		for (bit = 0; bit < bits; bit++) {
			a = base;
			a.bytes[bit / 8] ^= (uint8_t)(0x80 >> (bit % 8));
			if (oe_cidr_list_contains(l, &a) != (bit >= p))
				fail_msg("%s bit %u", text, bit);
		}
		assert_true(oe_cidr_list_contains(l, &base));
		oe_cidr_list_free(&l);
	}
}

static void
test_every_prefix(void **state)
{
	(void)state;
	every_prefix(AF_INET, 32);
	every_prefix(AF_INET6, 128);
}

static void
test_builtin(void **state)
{
	static const struct {
		const char *addr;
		bool private, local;
	} t[] = {
	    {"10.0.0.1", true, false},
	    {"11.0.0.1", false, false},
	    {"172.16.0.1", true, false},
	    {"172.32.0.1", false, false},
	    {"192.168.255.1", true, false},
	    {"192.169.0.1", false, false},
	    {"127.9.9.9", true, true},
	    {"169.254.1.1", true, false},
	    {"100.64.0.1", true, false},
	    {"100.127.255.255", true, false},
	    {"100.128.0.0", false, false},
	    {"::1", true, true},
	    {"::2", false, false},
	    {"fe80::1", true, false},
	    {"fec0::1", false, false},
	    {"fc00::1", true, false},
	    {"fdff::1", true, false},
	    {"8.8.8.8", false, false},
	    {"2001:db8::1", false, false},
	    {"::ffff:10.0.0.1", true, false},
	    {"::ffff:8.8.8.8", false, false},
	    {"0.0.0.0", false, false},
	};
	struct oe_cidr_list *p = oe_cidr_list_new(), *l = oe_cidr_list_new();
	size_t i;

	(void)state;
	assert_int_equal(oe_cidr_list_add_private(p), 0);
	assert_int_equal(oe_cidr_list_add_localhost(l), 0);
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_addr a = addr(t[i].addr);

		if (oe_cidr_list_contains(p, &a) != t[i].private ||
		    oe_cidr_list_contains(l, &a) != t[i].local)
			fail_msg("%s", t[i].addr);
	}
	oe_cidr_list_free(&p);
	oe_cidr_list_free(&l);
	oe_cidr_list_free(&l);
}

static void
test_sockaddr(void **state)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_scope_id = 3};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr un = {.sa_family = AF_UNIX};
	struct sockaddr *p6 = (struct sockaddr *)&v6;
	struct oe_addr a, want;
	char text[OE_ADDR_TEXT_MAX];

	(void)state;
	inet_pton(AF_INET6, "fe80::1", &v6.sin6_addr);
	assert_int_equal(oe_addr_from_sockaddr(p6, sizeof v6, &a), 0);
	oe_addr_format(&a, text);
	assert_string_equal(text, "fe80::1");
	inet_pton(AF_INET6, "::ffff:10.1.2.3", &v6.sin6_addr);
	assert_int_equal(oe_addr_from_sockaddr(p6, sizeof v6, &a), 0);
	want = addr("10.1.2.3");
	assert_true(oe_addr_equal(&a, &want));
	inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr);
	assert_int_equal(
	    oe_addr_from_sockaddr((struct sockaddr *)&v4, sizeof v4, &a), 0);
	assert_true(oe_addr_equal(&a, &want));
	assert_int_equal(
	    oe_addr_from_sockaddr(p6, sizeof v6 - 1, &a), OE_EINVAL);
	assert_int_equal(oe_addr_from_sockaddr(p6, 1, &a), OE_EINVAL);
	assert_int_equal(oe_addr_from_sockaddr(&un, sizeof un, &a), OE_EINVAL);
}

static void
test_bound(void **state)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	int i;

	(void)state;
	for (i = 0; i < OE_CIDR_LIST_MAX; i++)
		assert_int_equal(oe_cidr_list_add(l, "10.0.0.1", NULL), 0);
	assert_int_equal(oe_cidr_list_add(l, "10.0.0.1", NULL), OE_ETOOBIG);
	assert_string_not_equal(oe_cidr_version(), "");
	oe_cidr_list_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_host_bits_message),
	    cmocka_unit_test(test_accepted),
	    cmocka_unit_test(test_every_prefix),
	    cmocka_unit_test(test_builtin),
	    cmocka_unit_test(test_sockaddr),
	    cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
