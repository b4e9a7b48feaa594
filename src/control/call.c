/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What handlers read of a request.
 */
#include "control/resource.h"

#include <stdio.h>
#include <string.h>

#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define PER_PAGE_MIN 10
#define PER_PAGE_MAX 1000
#define PAGE_MAX     1000000

static const char *
find(const struct oe_ctl_pair *pairs, size_t n, const char *key)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (oe_str_eq(pairs[i].key, key))
			return pairs[i].value;
	return NULL;
}

const char *
oe_ctl_param(const struct oe_ctl_call *call, const char *name)
{
	size_t i, n = strlen(name);
	const char *key;

	/* a key is the rest of the pattern: it ends with its piece */
	for (i = 0; i < call->n_params; i++) {
		key = call->params[i].key;
		if (strncmp(key, name, n) == 0 && strcspn(key, "/") == n)
			return call->params[i].value;
	}
	return "";
}

const char *
oe_ctl_query(const struct oe_ctl_call *call, const char *name)
{
	return find(call->query, call->n_query, name);
}

int64_t
oe_ctl_query_int(const struct oe_ctl_call *call, const char *name, int64_t min,
    int64_t max, int64_t otherwise)
{
	const char *s = oe_ctl_query(call, name);
	int64_t n;

	return s && oe_str_parse_int(s, min, max, &n) == 0 ? n : otherwise;
}

void
oe_ctl_page(
    const struct oe_ctl_call *call, int64_t *ret_page, int64_t *ret_per_page)
{
	int64_t n;

	*ret_page = oe_ctl_query_int(call, "page", 1, PAGE_MAX, 1);
	n = oe_ctl_query_int(call, "per_page", 1, INT32_MAX, PER_PAGE_MIN);
	*ret_per_page = n < PER_PAGE_MIN   ? PER_PAGE_MIN
			: n > PER_PAGE_MAX ? PER_PAGE_MAX
					   : n;
}

bool
oe_ctl_text(struct oe_ctl_call *call, const char *key, size_t max, char *ret)
{
	const char *s = oe_jval_get_text(call->json, key);
	size_t n;

	ret[0] = '\0';
	while (s && *s == ' ')
		s++;
	if (!s || !*s) {
		oe_ctl_invalid(
		    call, key, "required", "required validation failed");
		return false;
	}
	n = strlen(s);
	while (s[n - 1] == ' ')
		n--;
	if (n > max) {
		oe_ctl_invalid(
		    call, key, "maxLength", "maxLength validation failed");
		return false;
	}
	if (!oe_ctl_name_is_plain(s)) {
		oe_ctl_invalid(call, key, "text", "text validation failed");
		return false;
	}
	memcpy(ret, s, n);
	ret[n] = '\0';
	return true;
}
