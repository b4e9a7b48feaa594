/* SPDX-License-Identifier: Apache-2.0 */
/* Which names are plain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "control/resource.h"

static const struct {
	const char *text;
	bool plain;
} cases[] = {
    {"", true}, {"robot-1", true},
    {"r\xc3\xb6"
     "bot 1 ../x",
	true},
    {"\xd0\xbe\xd0\xb4\xd0\xb8\xd0\xbd", true}, /* Cyrillic */
    {"\xe6\xa9\x9f\xe6\xa2\xb0", true},         /* Han */
    {"\xf0\x9f\xa4\x96", true},                 /* a robot's face */
    {"\xd7\x90\xd7\x91", true},                 /* Hebrew */
    {"a\tb", false}, {"a\x1b[31m", false}, {"a\x7f", false},
    {"a\xc2\x9b"
     "31m",
	false},           /* CSI in one character */
    {"a\xc2\x85", false}, /* next line */
    {"a\xc2\xa0"
     "b",
	false}, /* a blank that does not break */
    {"a\xc2\xad"
     "b",
	false},               /* soft hyphen */
    {"a\xe2\x80\x8b", false}, /* no width */
    {"a\xe2\x80\x8d"
     "b",
	false}, /* joiner */
    {"\xe2\x80\xae"
     "1-tobor",
	false}, /* from right to left */
    {"a\xe2\x81\xa6"
     "b",
	false}, /* isolate */
    {"a\xe2\x80\xa8"
     "b",
	false},               /* line separator */
    {"a\xe3\x80\x80", false}, /* wide blank */
    {"a\xef\xb8\x8f", false}, /* variation */
    {"\xef\xbb\xbf"
     "a",
	false},                   /* byte order */
    {"a\xf3\xa0\x81\xa1", false}, /* tag */
    {"a\xe2\x80\x90"
     "b",
	true}, /* a hyphen of Unicode is seen */
};

static void
test_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (oe_ctl_name_is_plain(cases[i].text) != cases[i].plain)
			fail_msg("case %zu", i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
