/* SPDX-License-Identifier: Apache-2.0 */
/* Each route of the server is in doc/api/openapi.yaml. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/routes.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

/* "/devices/:id" is "/devices/{id}" there. */
static char *
documented(const char *pattern)
{
	char *text = oe_mem_zalloc(2 * strlen(pattern) + 8), *to = text;

	to += sprintf(to, "\n  ");
	while (*pattern) {
		if (*pattern != ':') {
			*to++ = *pattern++;
			continue;
		}
		*to++ = '{';
		for (pattern++; *pattern && *pattern != '/';)
			*to++ = *pattern++;
		*to++ = '}';
	}
	strcpy(to, ":\n");
	return text;
}

/* The method stands below the path, before the next path. */
static bool
is_in(const char *doc, const struct oe_ctl_route *r)
{
	char *path = documented(r->pattern), method[16], *p;
	const char *at = strstr(doc, path), *found, *next;

	snprintf(method, sizeof(method), "\n    %s:\n", r->method);
	for (p = method; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	next = at != NULL ? strstr(at + 1, "\n  /") : NULL;
	found = at != NULL ? strstr(at, method) : NULL;
	free(path);
	return found != NULL && (next == NULL || found < next);
}

static void
test_routes(void **state)
{
	const struct oe_ctl_route *r;
	const char *src = getenv("OE_SRCDIR");
	struct oe_err err = OE_ERR_INIT;
	struct oe_buf doc;
	char *path;
	size_t i;
	int absent = 0;

	(void)state;
	path =
	    oe_mem_printf("%s/doc/api/openapi.yaml", src != NULL ? src : ".");
	if (oe_fd_read_file(path, 1 << 20, &doc, &err))
		fail_msg("%s", err.msg);
	for (i = 0; oe_ctl_routes[i] != NULL; i++)
		for (r = oe_ctl_routes[i]; r->method != NULL; r++)
			if (!is_in((const char *)oe_buf_head(&doc), r)) {
				print_error("%s %s\n", r->method, r->pattern);
				absent++;
			}
	assert_int_equal(absent, 0);
	oe_buf_done(&doc);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_routes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
