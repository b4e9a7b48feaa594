/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/events.h"
#include "core/base/err.h"
#include "core/base/mem.h"

#define NOW 5000

static void
test_lines(void **state)
{
	static const struct {
		const char *line;
		bool good;
	} cases[] = {
	    {"{\"uid\":\"a\",\"event\":\"b\"}", true},
	    {"{\"uid\":\"a\",\"event\":\"b\"}\r", true},
	    {"{\"uid\":\"a\",\"event\":\"b\",\"x\":{\"y\":[1]}}", true},
	    {"{\"uid\":\"\",\"event\":\"b\"}", false},
	    {"{\"uid\":1,\"event\":\"b\"}", false},
	    {"{\"uid\":\"a\"}", false},
	    {"{\"uid\":\"a\",\"event\":\"control.x\"}", false},
	    {"{\"uid\":\"a\",\"uid\":\"b\",\"event\":\"b\"}", false},
	    {"{\"uid\":\"a\\u0000b\",\"event\":\"b\"}", false},
	    {"[]", false},
	    {"null", false},
	    {"{", false},
	    {"\xff", false},
	    {"{\"uid\":\"0123456789012345678901234567890123456789"
	     "0123456789012345678901234\",\"event\":\"b\"}",
		false},
	};
	struct oe_ctl_events e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(oe_ctl_events_read(cases[i].line,
				     strlen(cases[i].line), NOW, &e),
		    0);
		assert_int_equal(e.n, 1);
		if ((e.v[0].body != NULL) != cases[i].good)
			fail_msg("%s: %s", cases[i].line, e.v[0].why);
		assert_int_equal(e.v[0].why == NULL, cases[i].good);
		oe_ctl_events_done(&e);
	}
}

static void
test_fields(void **state)
{
	static const char text[] =
	    "\n  \r\n{\"uid\":\"u\",\"event\":\"e\",\"conn\":\"c\","
	    "\"ts\":\"1970-01-01T00:00:01.5Z\",\"device_id\":\"d\"}\n"
	    "{\"uid\":\"v\",\"event\":\"e\",\"ts\":\"soon\"}";
	struct oe_ctl_events e;

	(void)state;
	assert_int_equal(oe_ctl_events_read(text, strlen(text), NOW, &e), 0);
	assert_int_equal(e.n, 2);
	assert_string_equal(e.v[0].uid, "u");
	assert_string_equal(e.v[0].conn, "c");
	assert_string_equal(e.v[0].device_id, "d");
	assert_null(e.v[0].network_id);
	assert_int_equal(e.v[0].time_ms, 1500);
	assert_int_equal(e.v[1].time_ms, NOW);
	assert_null(e.v[1].conn);
	oe_ctl_events_done(&e);
}

static void
test_bounds(void **state)
{
	char *text = oe_mem_zalloc(3 * OE_CTL_EVENTS_MAX + 4);
	char *big = oe_mem_zalloc(OE_CTL_EVENT_SIZE_MAX + 2);
	struct oe_ctl_events e;
	size_t i;

	(void)state;
	for (i = 0; i <= OE_CTL_EVENTS_MAX; i++)
		memcpy(text + 3 * i, "{}\n", 3);
	assert_int_equal(
	    oe_ctl_events_read(text, 3 * OE_CTL_EVENTS_MAX, NOW, &e), 0);
	assert_int_equal(e.n, OE_CTL_EVENTS_MAX);
	oe_ctl_events_done(&e);
	assert_int_equal(
	    oe_ctl_events_read(text, 3 * (OE_CTL_EVENTS_MAX + 1), NOW, &e),
	    OE_ETOOBIG);
	oe_ctl_events_done(&e);
	memset(big, ' ', OE_CTL_EVENT_SIZE_MAX + 1);
	big[OE_CTL_EVENT_SIZE_MAX] = '1';
	assert_int_equal(
	    oe_ctl_events_read(big, OE_CTL_EVENT_SIZE_MAX + 1, NOW, &e), 0);
	assert_non_null(strstr(e.v[0].why, "longer"));
	oe_ctl_events_done(&e);
	free(text);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
