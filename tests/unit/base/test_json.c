/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/json.h"

static void
test_line(void **state)
{
	struct oe_json j;
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	assert_non_null(out);
	oe_json_begin(&j);
	oe_json_str(&j, "plain", "a\"\\\n\xc3\xa4\x1b");
	oe_json_str(&j, "bytes", "\xff\\");
	oe_json_str(&j, "absent", NULL);
	oe_json_uint(&j, "most", UINT64_MAX);
	oe_json_bool(&j, "yes", true);
	oe_json_end(&j, out);
	fclose(out);
	assert_string_equal(text,
	    "{\"plain\":\"a\\\"\\\\\\n\\u00E4\\u001B\","
	    "\"bytes\":\"\\\\xff\\\\\\\\\",\"bytes_base64\":\"/1w=\","
	    "\"most\":9223372036854775807,\"yes\":true}\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
