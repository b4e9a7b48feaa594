/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address of a control API: what is accepted has one plain host, is read
 * again as what it is, and goes without TLS to this machine only.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/origin.h"
#include "core/net/cidr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "http://" is for what is behind it alone. */
static bool
is_here(const char *host)
{
	size_t n;
	struct oe_addr a;
	char *text;
	bool ok;

	if (*host == '[')
		return oe_str_starts(host, "[::1]") &&
		       strchr(":/", host[5]) != NULL;
	n = strcspn(host, ":/");
	text = oe_mem_strndup(host, n);
	ok = !strcasecmp(text, "localhost") ||
	     (oe_addr_parse(text, &a, NULL) == 0 && a.bytes[0] == 127);
	free(text);
	return ok;
}

static void
judge(const char *s)
{
	const char *host = s + 8;

	if (!oe_str_starts(s, "https://")) {
		host = s + 7;
		if (!oe_str_starts(s, "http://") || !is_here(host))
			abort();
	}
	if (!*host || strchr("/:", *host) || strpbrk(s, "@?#%\\ \t\r\n") ||
	    s[strlen(s) - 1] == '/' || strlen(s) > OE_MESH_ORIGIN_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = oe_mem_strndup((const char *)data, size);
	char *first = NULL, *again = NULL;

	if (oe_mesh_origin_parse(text, &first, NULL) == 0) {
		judge(first);
		/* it is saved, and compared with what is read again */
		if (oe_mesh_origin_parse(first, &again, NULL) < 0 ||
		    strcmp(first, again) != 0)
			abort();
	}
	free(again);
	free(first);
	free(text);
	return 0;
}
