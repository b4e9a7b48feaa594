/* SPDX-License-Identifier: Apache-2.0 */
#include "control/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/str.h"

static struct oe_cidr_list *
proxies(void)
{
	struct oe_cidr_list *l = oe_cidr_list_new();

	assert_int_equal(oe_cidr_list_add(l, "10.0.0.0/8", NULL), 0);
	assert_int_equal(oe_cidr_list_add(l, "fd00::/8", NULL), 0);
	return l;
}

/* What a proxy wrote is believed, from the right, and nothing else. */
static void
test_forwarded(void **state)
{
	static const struct {
		const char *peer, *lines[3], *address;
	} all[] = {
	    {"192.0.2.1", {NULL}, "192.0.2.1"},
	    {"192.0.2.1", {"198.51.100.1"}, "192.0.2.1"},
	    {"10.0.0.1", {NULL}, "10.0.0.1"},
	    {"10.0.0.1", {"198.51.100.1"}, "198.51.100.1"},
	    {"10.0.0.1", {"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
	    {"10.0.0.1", {"1.1.1.1,198.51.100.1 ,10.2.2.2"}, "198.51.100.1"},
	    {"10.0.0.1", {"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
	    {"10.0.0.1", {"198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
	    {"10.0.0.1", {"198.51.100.1", " , ", ""}, "198.51.100.1"},
	    {"10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
	    {"10.0.0.1", {"198.51.100.1:80"}, "198.51.100.1"},
	    {"10.0.0.1", {"2001:db8::1"}, "2001:db8::1"},
	    {"10.0.0.1", {"[2001:db8::1]:443"}, "2001:db8::1"},
	    {"10.0.0.1", {"[2001:db8::1]"}, "2001:db8::1"},
	    {"10.0.0.1", {"::ffff:198.51.100.1"}, "198.51.100.1"},
	    {"fd00::1", {"198.51.100.1"}, "198.51.100.1"},
	    /* what is no address is not passed over */
	    {"10.0.0.1", {"198.51.100.1, unknown"}, "10.0.0.1"},
	    {"10.0.0.1", {"198.51.100.1, x, 10.0.0.2"}, "10.0.0.2"},
	    {"10.0.0.1", {"198.51.100.1 1.1.1.1"}, "10.0.0.1"},
	    {"10.0.0.1", {"[::1"}, "10.0.0.1"},
	    {"10.0.0.1", {"[::1]x"}, "10.0.0.1"},
	    {"10.0.0.1", {"010.0.0.1"}, "10.0.0.1"},
	    {"10.0.0.1",
		{"1111111111111111111111111111111111111111111111111111111111"},
		"10.0.0.1"},
	};
	struct oe_cidr_list *l = proxies();
	struct oe_ctl_client c;
	size_t i, n;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		for (n = 0; n < 3 && all[i].lines[n];)
			n++;
		oe_ctl_client_find(all[i].peer, all[i].lines, n, l, &c);
		if (!oe_str_eq(c.address, all[i].address))
			fail_msg("%zu: %s", i, c.address);
	}
	oe_cidr_list_free(&l);
}

/* A chain without an end is left. */
static void
test_long_chain(void **state)
{
	struct oe_cidr_list *l = proxies();
	struct oe_ctl_client c;
	char text[16000] = "192.0.2.9", *end = text + strlen(text);
	const char *line = text;

	(void)state;
	while (end < text + sizeof text - 20)
		end = stpcpy(end, ",10.0.0.7");
	oe_ctl_client_find("10.0.0.1", &line, 1, l, &c);
	assert_string_equal(c.address, "10.0.0.7");
	oe_cidr_list_free(&l);
}

/* One IPv6 network is one source, each IPv4 address another. */
static void
test_source(void **state)
{
	static const struct {
		const char *peer, *source;
	} all[] = {
	    {"192.0.2.1", "192.0.2.1"},
	    {"::ffff:192.0.2.1", "192.0.2.1"},
	    {"2001:db8:1:2::1", "2001:db8:1:2::/64"},
	    {"2001:db8:1:2:ffff::", "2001:db8:1:2::/64"},
	    {"2001:db8:1:3::1", "2001:db8:1:3::/64"},
	};
	struct oe_ctl_client c;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		struct oe_cidr_list *none = oe_cidr_list_new();

		oe_ctl_client_find(all[i].peer, NULL, 0, none, &c);
		assert_string_equal(c.source, all[i].source);
		oe_cidr_list_free(&none);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forwarded),
	    cmocka_unit_test(test_long_chain),
	    cmocka_unit_test(test_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
