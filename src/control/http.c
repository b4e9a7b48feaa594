/* SPDX-License-Identifier: Apache-2.0 */
#include "control/http.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "core/base/str.h"

size_t
oe_ctl_head_end(const char *p, size_t n, size_t from)
{
	size_t i = from > 3 ? from - 3 : 0;
	const char *lf;

	while ((lf = memchr(p + i, '\n', n - i)) != NULL) {
		i = (size_t)(lf - p) + 1;
		/* two bare line feeds end it too: it is refused later */
		if (i < n && p[i] == '\n')
			return i + 1;
		if (i + 1 < n && p[i] == '\r' && p[i + 1] == '\n')
			return i + 2;
	}
	return 0;
}

/* A character of RFC 9110's token. */
static bool
is_token(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return true;
	return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

/* The line at *@p, ended; NULL when it does not end with CR LF. */
static char *
take_line(char **p, const char *end)
{
	char *line = *p, *lf = memchr(line, '\n', (size_t)(end - line));

	if (!lf || lf == line || lf[-1] != '\r')
		return NULL;
	lf[-1] = '\0';
	/* a NUL or a lone CR inside would hide what follows */
	if (strlen(line) != (size_t)(lf - 1 - line) || strchr(line, '\r'))
		return NULL;
	*p = lf + 1;
	return line;
}

static int
parse_target(char *target, struct oe_ctl_head *h)
{
	const unsigned char *s;
	size_t n;

	if (strlen(target) > OE_CTL_TARGET_MAX)
		return 414;
	for (s = (const unsigned char *)target; *s; s++)
		if (*s <= 0x20 || *s >= 0x7f || *s == '#' || *s == '\\')
			return 400;
	if (strncasecmp(target, "http://", 7) == 0 ||
	    strncasecmp(target, "https://", 8) == 0) {
		/* a host and nothing clever, or the path begins elsewhere */
		target = strchr(target, ':') + 3;
		n = strcspn(target, "/?@");
		if (n == 0)
			return 400;
		target += n;
	}
	if (target[0] != '/' &&
	    !(oe_str_eq(target, "*") && oe_str_eq(h->method, "OPTIONS")))
		return 400;
	h->path = target;
	h->query = strchr(target, '?');
	if (h->query)
		*h->query++ = '\0';
	return 0;
}

static int
parse_request_line(char *line, struct oe_ctl_head *h)
{
	char *target = strchr(line, ' '), *version, *s;

	if (!target || target == line)
		return 400;
	*target++ = '\0';
	version = strchr(target, ' ');
	if (!version || version == target)
		return 400;
	*version++ = '\0';
	for (s = line; *s; s++)
		if (!is_token((unsigned char)*s) || s - line >= 16)
			return 400;
	h->method = line;
	if (oe_str_eq(version, "HTTP/1.1"))
		h->keep_alive = true;
	else if (oe_str_eq(version, "HTTP/1.0"))
		h->old = true;
	else
		return oe_str_match("HTTP/?.?", version) ? 505 : 400;
	return parse_target(target, h);
}

/* Split "Name: value"; blanks around the value go. */
static bool
split_header(char *line, char **ret_value)
{
	char *colon = strchr(line, ':'), *v, *end;

	if (!colon || colon == line)
		return false;
	*colon = '\0';
	for (v = line; *v; v++)
		if (!is_token((unsigned char)*v))
			return false;
	for (v = colon + 1; *v == ' ' || *v == '\t';)
		v++;
	end = v + strlen(v);
	while (end > v && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	*ret_value = v;
	for (; *v; v++)
		if (((unsigned char)*v < 0x20 && *v != '\t') || *v == 0x7f)
			return false;
	return true;
}

static int
parse_length(const char *v, struct oe_ctl_head *h)
{
	size_t n = 0;

	if (h->has_length || !*v)
		return 400;
	h->has_length = true;
	for (; *v; v++) {
		if (*v < '0' || *v > '9')
			return 400;
		n = n > (SIZE_MAX - 9) / 10 ? SIZE_MAX
					    : n * 10 + (size_t)(*v - '0');
	}
	h->body_len = n;
	return 0;
}

/* Is @word one of the comma-separated words of @list? */
static bool
list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (*list) {
		list += strspn(list, " \t,");
		if (strncasecmp(list, word, n) == 0 && strchr(" \t,", list[n]))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

static int
take_once(const char **slot, const char *v)
{
	if (*slot)
		return 400;
	*slot = v;
	return 0;
}

/* Proxies add lines of their own behind the others: the last ones count. */
static void
take_forwarded(const char *v, struct oe_ctl_head *h)
{
	if (h->n_forwarded == OE_CTL_FORWARDED_MAX)
		memmove(&h->forwarded[0], &h->forwarded[1],
		    --h->n_forwarded * sizeof h->forwarded[0]);
	h->forwarded[h->n_forwarded++] = v;
}

static int
take_header(const char *name, const char *v, struct oe_ctl_head *h)
{
	const struct {
		const char *name;
		const char **slot;
	} known[] = {
	    {"host", &h->host},
	    {"content-type", &h->type},
	    {"authorization", &h->authorization},
	    {"if-match", &h->if_match},
	    {"if-none-match", &h->if_none_match},
	};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(known); i++)
		if (oe_str_eq_nocase(name, known[i].name))
			return take_once(known[i].slot, v);
	if (oe_str_eq_nocase(name, "content-length"))
		return parse_length(v, h);
	if (oe_str_eq_nocase(name, "transfer-encoding"))
		return 411;
	if (oe_str_eq_nocase(name, "x-forwarded-for")) {
		take_forwarded(v, h);
	} else if (oe_str_eq_nocase(name, "connection")) {
		if (list_has(v, "close"))
			h->keep_alive = false;
	} else if (oe_str_eq_nocase(name, "expect")) {
		if (!oe_str_eq_nocase(v, "100-continue"))
			return 417;
		/* RFC 9110, 10.1.1: of an old client it means nothing */
		h->expects = !h->old;
	}
	return 0;
}

int
oe_ctl_head_parse(char *p, size_t n, struct oe_ctl_head *ret)
{
	struct oe_ctl_head h = {.method = NULL};
	const char *end = p + n;
	char *line, *value;
	unsigned count = 0;
	int r;

	line = take_line(&p, end);
	r = line ? parse_request_line(line, &h) : 400;
	while (r == 0) {
		line = take_line(&p, end);
		if (!line)
			return 400;
		if (!*line)
			break;
		if (++count > OE_CTL_HEADERS_MAX)
			return 431;
		if (!split_header(line, &value))
			return 400;
		r = take_header(line, value, &h);
	}
	if (r == 0 && p != end)
		r = 400;
	/* RFC 9112, 3.2: one Host, and one that could be */
	if (r == 0 && (h.host ? strpbrk(h.host, " \t,/@?#\\") != NULL : !h.old))
		r = 400;
	if (r == 0)
		*ret = h;
	return r;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
oe_ctl_percent_decode(char *s, bool plus)
{
	char *to = s;
	int hi, lo;

	for (; *s; s++) {
		if (*s != '%') {
			*to++ = plus && *s == '+' ? ' ' : *s;
			continue;
		}
		hi = hex(s[1]);
		lo = hi < 0 ? -1 : hex(s[2]);
		if (lo < 0 || (hi == 0 && lo == 0))
			return false;
		*to++ = (char)(hi * 16 + lo);
		s += 2;
	}
	*to = '\0';
	return true;
}

/* A pair of a form, which may stand there once and is text. */
static bool
take_pair(char *key, struct oe_ctl_pair *ret, size_t max, size_t *n)
{
	char *value = strchr(key, '=');
	size_t i;

	if (value)
		*value++ = '\0';
	else
		value = key + strlen(key);
	if (*n == max || !oe_ctl_percent_decode(key, true) ||
	    !oe_ctl_percent_decode(value, true) || !oe_str_is_utf8(key) ||
	    !oe_str_is_utf8(value))
		return false;
	for (i = 0; i < *n; i++)
		if (oe_str_eq(ret[i].key, key))
			return false;
	ret[*n].key = key;
	ret[(*n)++].value = value;
	return true;
}

bool
oe_ctl_form_parse(char *s, struct oe_ctl_pair *ret, size_t max, size_t *ret_n)
{
	char *next;

	*ret_n = 0;
	for (; s && *s; s = next) {
		next = s + strcspn(s, "&");
		if (*next)
			*next++ = '\0';
		if (*s && !take_pair(s, ret, max, ret_n))
			return false;
	}
	return true;
}

bool
oe_ctl_type_is(const char *header, const char *type)
{
	size_t n = strlen(type);

	if (!header || strncasecmp(header, type, n) != 0)
		return false;
	header += n;
	header += strspn(header, " \t");
	return *header == '\0' || *header == ';';
}
