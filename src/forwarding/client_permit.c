/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client_permit.h"

#include <string.h>
#include <strings.h>

#include "core/base/err.h"
#include "core/base/str.h"

/* Of one item. */
struct item {
	const char *host; /* @host_len bytes, without brackets */
	size_t host_len;
	int port; /* 0: any */
};

static bool
read_port(const char *text, int *ret)
{
	int64_t port = 0;

	if (!oe_str_eq(text, "*") &&
	    oe_str_parse_int(text, 1, 65535, &port) < 0)
		return false;
	*ret = (int)port;
	return true;
}

static bool
read_item(const char *text, struct item *ret)
{
	const char *colon = strrchr(text, ':');
	bool bracket = *text == '[';

	if (!colon || !read_port(colon + 1, &ret->port))
		return false;
	ret->host = text + bracket;
	ret->host_len = (size_t)(colon - ret->host);
	if (bracket) {
		if (!ret->host_len || colon[-1] != ']')
			return false;
		ret->host_len--;
	} else if (memchr(ret->host, ':', ret->host_len)) {
		return false;
	}
	return ret->host_len != 0;
}

static bool
is_word(const struct oe_strs *list, const char *word)
{
	return list->n == 1 && oe_str_eq_nocase(list->v[0], word);
}

int
oe_fwd_permit_check(const struct oe_strs *list, struct oe_err *err)
{
	struct item item;
	size_t i;

	if (is_word(list, "any") || is_word(list, "none"))
		return 0;
	for (i = 0; i < list->n; i++)
		if (!read_item(list->v[i], &item))
			return oe_err_set(err, OE_EINVAL,
			    "'%s' is not host:port; any and none stand alone",
			    list->v[i]);
	return 0;
}

static bool
matches(const struct item *item, const char *host, int port)
{
	if (item->port && item->port != port)
		return false;
	if (item->host_len == 1 && *item->host == '*')
		return true;
	return strlen(host) == item->host_len &&
	       strncasecmp(host, item->host, item->host_len) == 0;
}

bool
oe_fwd_permit(const struct oe_strs *list, const char *host, int port)
{
	struct item item;
	size_t i;

	if (is_word(list, "any"))
		return true;
	if (is_word(list, "none"))
		return false;
	for (i = 0; i < list->n; i++)
		if (read_item(list->v[i], &item) && matches(&item, host, port))
			return true;
	return false;
}
