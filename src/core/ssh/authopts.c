/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/authopts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/net/cidr.h"

#define FROM_ENTRIES_MAX OE_CIDR_LIST_MAX
#define ADDR_CHARS       "0123456789abcdefABCDEF.:"

/* A flag of the grant that "name" sets and "no-name" clears. */
struct flag_option {
	const char *name;
	size_t offset;
	bool inverted;
};

static const struct flag_option flag_options[] = {
    {"pty", offsetof(struct oe_grant, pty), false},
    {"port-forwarding", offsetof(struct oe_grant, port_forwarding), false},
    {"agent-forwarding", offsetof(struct oe_grant, agent), false},
    {"x11-forwarding", offsetof(struct oe_grant, x11), false},
    {"user-rc", offsetof(struct oe_grant, user_rc), false},
    {"touch-required", offsetof(struct oe_grant, no_touch_required), true},
    {"verify-required", offsetof(struct oe_grant, verify_required), false},
};

ptrdiff_t
oe_authopts_span(const char *line)
{
	bool quoted = false;
	const char *p;

	for (p = line; *p && (quoted || (*p != ' ' && *p != '\t')); p++) {
		if (*p == '\\' && p[1] == '"')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return quoted ? -1 : p - line;
}

static int
digits(const char **p, int n)
{
	int v = 0;

	for (; n; n--, (*p)++)
		v = v * 10 + (**p - '0');
	return v;
}

/* The calendar knows the day: nothing moved when time made sense of it. */
static bool
date_exists(const struct tm *tm)
{
	struct tm t = *tm;

	t.tm_isdst = 0;
	return timegm(&t) != (time_t)-1 && t.tm_year == tm->tm_year &&
	       t.tm_mon == tm->tm_mon && t.tm_mday == tm->tm_mday &&
	       t.tm_hour == tm->tm_hour && t.tm_min == tm->tm_min &&
	       t.tm_sec == tm->tm_sec;
}

static int
time_bad(const char *text, struct oe_err *err)
{
	char shown[64];

	oe_str_escape(text, strlen(text), shown, sizeof shown);
	return oe_err_set(err, OE_EINVAL,
	    "'%s' is not a time: write YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]",
	    shown);
}

int
oe_authopts_time(const char *text, int64_t *ret_s, struct oe_err *err)
{
	size_t n = strspn(text, "0123456789");
	bool utc = (text[n] == 'Z' || text[n] == 'z') && !text[n + 1];
	const char *p = text;
	struct tm tm;
	time_t t;

	memset(&tm, 0, sizeof tm);
	if ((text[n] && !utc) || (n != 8 && n != 12 && n != 14))
		return time_bad(text, err);
	tm.tm_year = digits(&p, 4) - 1900;
	tm.tm_mon = digits(&p, 2) - 1;
	tm.tm_mday = digits(&p, 2);
	tm.tm_hour = n >= 12 ? digits(&p, 2) : 0;
	tm.tm_min = n >= 12 ? digits(&p, 2) : 0;
	tm.tm_sec = n >= 14 ? digits(&p, 2) : 0;
	tm.tm_isdst = -1;
	if (tm.tm_year < 70 || !date_exists(&tm))
		return time_bad(text, err);
	t = utc ? timegm(&tm) : mktime(&tm);
	if (t == (time_t)-1)
		return time_bad(text, err);
	*ret_s = t;
	return 0;
}

static int
from_bad(const char *entry, const char *why, struct oe_err *err)
{
	char shown[80];

	oe_str_escape(entry, strlen(entry), shown, sizeof shown);
	return oe_err_set(err, OE_EINVAL, "from: '%s' %s", shown, why);
}

static int
from_network(const char *entry, const struct oe_addr *addr, struct oe_err *err)
{
	struct oe_cidr_list *l = oe_cidr_list_new();
	int r = oe_cidr_list_add(l, entry, err);

	if (r < 0)
		r = oe_err_wrap(err, OE_EINVAL, "from");
	else
		r = oe_cidr_list_contains(l, addr);
	oe_cidr_list_free(&l);
	return r;
}

/* One entry without its '!'.  Return: 1, 0, OE_EINVAL. */
static int
from_entry(const char *entry, bool negated, const struct oe_addr *addr,
    struct oe_err *err)
{
	char text[OE_ADDR_TEXT_MAX], pattern[256];
	size_t i;

	if (!*entry)
		return from_bad(entry, "is empty", err);
	if (strpbrk(entry, " \t"))
		return from_bad(entry, "has blanks", err);
	/* digits alone, or "cafe", could be a host name: no network */
	if (strchr(entry, '/') ||
	    (!entry[strspn(entry, ADDR_CHARS)] && strpbrk(entry, ".:")))
		return from_network(entry, addr, err);
	if (negated && entry[strspn(entry, ADDR_CHARS "*?")])
		return from_bad(entry,
		    "negates a host name, and names are not looked up; "
		    "negate its address",
		    err);
	if (negated && !strpbrk(entry, "*?"))
		return from_bad(entry, "is not an address", err);
	if (!oe_str_copy(pattern, sizeof pattern, entry))
		return from_bad(entry, "is too long", err);
	for (i = 0; pattern[i]; i++)
		pattern[i] = (char)tolower((unsigned char)pattern[i]);
	oe_addr_format(addr, text);
	return oe_str_match(pattern, text);
}

int
oe_authopts_from(
    const char *list, const struct oe_addr *addr, struct oe_err *err)
{
	int found = 0, r, n = 0;
	const char *end;
	bool negated;
	char *item;

	/* every entry is judged, so that a mistake anywhere is seen */
	for (;; list = end + 1) {
		end = strchr(list, ',');
		if (n++ >= FROM_ENTRIES_MAX)
			return oe_err_set(
			    err, OE_EINVAL, "from: too many entries");
		item = oe_mem_strndup(
		    list, end ? (size_t)(end - list) : strlen(list));
		negated = *item == '!';
		r = from_entry(item + negated, negated, addr, err);
		free(item);
		if (r < 0)
			return r;
		if (r && negated)
			found = -1;
		else if (r && found == 0)
			found = 1;
		if (!end)
			return found > 0;
	}
}

/* "name", then '=' or the end of the option. */
static bool
option_is(const char *p, size_t n, const char *name)
{
	return strlen(name) == n && !strncasecmp(p, name, n);
}

static bool
take_flag(const char *p, size_t n, struct oe_grant *g)
{
	bool on = true;
	size_t i;

	if (n > 3 && !strncasecmp(p, "no-", 3)) {
		on = false;
		p += 3;
		n -= 3;
	}
	for (i = 0; i < OE_ARRAY_LEN(flag_options); i++) {
		const struct flag_option *f = &flag_options[i];
		bool value = on != f->inverted;

		if (!option_is(p, n, f->name))
			continue;
		memcpy((char *)g + f->offset, &value, sizeof value);
		return true;
	}
	return false;
}

static void
restrict_all(struct oe_grant *g)
{
	g->pty = g->agent = g->x11 = g->user_rc = g->port_forwarding = false;
}

static int
take_bare(const char *p, size_t n, struct oe_authopts *o, struct oe_err *err)
{
	char shown[80];

	if (option_is(p, n, "restrict")) {
		restrict_all(&o->grant);
		return 0;
	}
	if (option_is(p, n, "cert-authority")) {
		o->cert_authority = true;
		return 0;
	}
	if (take_flag(p, n, &o->grant))
		return 0;
	oe_str_escape(p, n, shown, sizeof shown);
	return oe_err_set(err, OE_EINVAL, "unknown option '%s'", shown);
}

static int
set_once(char **to, const char *value, const char *name, struct oe_err *err)
{
	if (*to)
		return oe_err_set(
		    err, OE_EINVAL, "%s= appears more than once", name);
	*to = oe_mem_strdup(value);
	return 0;
}

static int
set_from(const char *value, struct oe_authopts *o, struct oe_err *err)
{
	struct oe_addr any;
	int r = oe_addr_parse("0.0.0.0", &any, err);

	/* judged once against any address to find mistakes early */
	if (r == 0)
		r = oe_authopts_from(value, &any, err);
	return r < 0 ? r : set_once(&o->from, value, "from", err);
}

static int
set_expiry(const char *value, struct oe_authopts *o, struct oe_err *err)
{
	int64_t t;
	int r = oe_authopts_time(value, &t, err);

	if (r < 0)
		return oe_err_wrap(err, r, "expiry-time");
	if (t < o->grant.not_after_s)
		o->grant.not_after_s = t;
	return 0;
}

static int
set_principals(const char *value, struct oe_authopts *o, struct oe_err *err)
{
	if (o->has_principals)
		return oe_err_set(
		    err, OE_EINVAL, "principals= appears more than once");
	oe_strs_split(&o->principals, value, ',');
	if (!o->principals.n)
		return oe_err_set(err, OE_EINVAL, "principals= is empty");
	o->has_principals = true;
	return 0;
}

/* Number or "any" (sshd(8)); a device would be refused anyway. */
static int
set_tunnel(const char *value, struct oe_err *err)
{
	int64_t n;

	if (strcasecmp(value, "any") &&
	    oe_str_parse_int(value, 0, INT32_MAX, &n) < 0)
		return oe_err_set(err, OE_EINVAL,
		    "tunnel= takes the number of a device or 'any'");
	return 0;
}

/* Put the option's name before what went wrong. */
static int
option_result(int r, const char *name, struct oe_err *err)
{
	return r < 0 ? oe_err_wrap(err, r, "%s", name) : 0;
}

static int
take_value(const char *p, size_t n, const char *value, struct oe_authopts *o,
    struct oe_err *err)
{
	char shown[80];

	if (option_is(p, n, "command"))
		return set_once(&o->grant.force_command, value, "command", err);
	if (option_is(p, n, "from"))
		return set_from(value, o, err);
	if (option_is(p, n, "permitopen"))
		return option_result(oe_grant_add_open(&o->grant, value, err),
		    "permitopen", err);
	if (option_is(p, n, "permitlisten"))
		return option_result(oe_grant_add_listen(&o->grant, value, err),
		    "permitlisten", err);
	if (option_is(p, n, "environment"))
		return option_result(oe_grant_add_env(&o->grant, value, err),
		    "environment", err);
	if (option_is(p, n, "expiry-time"))
		return set_expiry(value, o, err);
	if (option_is(p, n, "principals"))
		return set_principals(value, o, err);
	if (option_is(p, n, "tunnel"))
		return set_tunnel(value, err);
	oe_str_escape(p, n, shown, sizeof shown);
	return oe_err_set(
	    err, OE_EINVAL, "unknown option '%s', or it has no value", shown);
}

/* Decode the quoted value at *@p and step behind it; free() it. */
static int
dequote(const char **p, char **ret, struct oe_err *err)
{
	const char *s = *p;
	char *value, *to;

	if (*s != '"')
		return oe_err_set(
		    err, OE_EINVAL, "the value of an option needs \"quotes\"");
	value = to = oe_mem_zalloc(strlen(s));
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1] == '"')
			s++;
		*to++ = *s;
	}
	if (*s != '"') {
		free(value);
		return oe_err_set(err, OE_EINVAL, "a quote is not closed");
	}
	*p = s + 1;
	*ret = value;
	return 0;
}

/* One option at *@p; steps behind it. */
static int
take_option(const char **p, struct oe_authopts *o, struct oe_err *err)
{
	const char *name = *p;
	size_t n = strcspn(name, "=,\"");
	char *value = NULL;
	int r;

	*p += n;
	if (!n)
		return oe_err_set(
		    err, OE_EINVAL, "an option is missing beside ','");
	if (**p != '=')
		return take_bare(name, n, o, err);
	(*p)++;
	r = dequote(p, &value, err);
	if (r < 0)
		return r;
	r = take_value(name, n, value, o, err);
	free(value);
	return r;
}

int
oe_authopts_parse(const char *text, struct oe_authopts *ret, struct oe_err *err)
{
	struct oe_authopts o;
	const char *p = text;
	int r = 0;

	memset(&o, 0, sizeof o);
	oe_grant_init(&o.grant, true);
	while (*p && r == 0) {
		r = take_option(&p, &o, err);
		if (r < 0 || !*p)
			break;
		if (*p != ',' || !p[1])
			r = oe_err_set(
			    err, OE_EINVAL, "options are separated by one ','");
		p++;
	}
	if (r == 0 && o.has_principals && !o.cert_authority)
		r = oe_err_set(
		    err, OE_EINVAL, "principals= needs cert-authority");
	if (r < 0)
		oe_authopts_done(&o);
	else
		*ret = o;
	return r;
}

void
oe_authopts_done(struct oe_authopts *o)
{
	oe_grant_done(&o->grant);
	oe_strs_done(&o->principals);
	oe_mem_free(&o->from);
	memset(o, 0, sizeof *o);
}
