/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "sftp/longname.h"

#define ALL                                                                    \
	(OE_ATTR_SIZE | OE_ATTR_UIDGID | OE_ATTR_PERMISSIONS |                 \
	    OE_ATTR_ACMODTIME)
/* 2001-09-09 01:46:40 UTC */
#define WHEN 1000000000

static void
test_lines(void **state)
{
	static const struct {
		struct oe_sftp_attrs attrs;
		struct oe_longname l;
		const char *want;
	} cases[] = {
	    {{ALL, 12, 3, 4, 0100644, 0, WHEN}, {.links = 1, .now_s = WHEN + 9},
		"-rw-r--r--    1 3        4              12 Sep  9 01:46 n"},
	    {{ALL, 12, 3, 4, 0104755, 0, WHEN},
		{.links = 1, .user = "u", .group = "g", .now_s = WHEN * 2LL},
		"-rwsr-xr-x    1 u        g              12 Sep  9  2001 n"},
	    {{ALL, 12, 3, 4, 041777, 0, WHEN},
		{.size = "1.5K", .now_s = WHEN - 9999},
		"drwxrwxrwt    ? 3        4            1.5K Sep  9  2001 n"},
	    {{0, 0, 0, 0, 0, 0, 0}, {.now_s = 0},
		"??????????    ? ?        ?               ?            ? n"},
	};
	char line[OE_LONGNAME_ROOM + 2];
	struct oe_longname l;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		l = cases[i].l;
		l.attrs = &cases[i].attrs;
		oe_sftp_longname(&l, "n", line, sizeof line);
		assert_string_equal(line, cases[i].want);
	}
	/* cut, not overrun */
	oe_sftp_longname(&l, "n", line, 5);
	assert_string_equal(line, "????");
}

static void
test_modes(void **state)
{
	static const struct {
		uint32_t mode;
		const char *want;
	} cases[] = {
	    {S_IFDIR | 0750, "drwxr-x---"},
	    {S_IFLNK | 0777, "lrwxrwxrwx"},
	    {S_IFCHR | 0600, "crw-------"},
	    {S_IFBLK | 0060, "b---rw----"},
	    {S_IFIFO | 0001, "p--------x"},
	    {S_IFSOCK, "s---------"},
	    {S_IFREG | 07000, "---S--S--T"},
	    {S_IFREG | 07111, "---s--s--t"},
	    {0, "?---------"},
	};
	char text[11];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		oe_sftp_longname_mode(cases[i].mode, text);
		assert_string_equal(text, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_modes),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
