/* SPDX-License-Identifier: Apache-2.0 */
#include "core/app/param.h"

#include <ctype.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/app/internal.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/time.h"

#define OE_PARAM_COUNT_MAX 100

size_t
oe_app__param_count(const struct oe_param *table)
{
	size_t n = 0;

	while (table && table[n].name)
		n++;
	return n;
}

static bool
same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
			return false;
	return *a == *b;
}

const struct oe_param *
oe_app__param_find(const struct oe_param *table, const char *name)
{
	const struct oe_param *p;

	for (p = table; p && p->name; p++)
		if (same_name(p->name, name))
			return p;
	return NULL;
}

char *
oe_app__param_env(const struct oe_command *command, const struct oe_param *p)
{
	char *s = oe_mem_printf("OMNIEDGE_%s_%s", command->name, p->name), *c;

	for (c = s; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return s;
}

static int
read_flag(const char *text, int64_t *ret, struct oe_err *err)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(yes); i++) {
		if (oe_str_eq_nocase(text, yes[i])) {
			*ret = 1;
			return 0;
		}
		if (oe_str_eq_nocase(text, no[i])) {
			*ret = 0;
			return 0;
		}
	}
	return oe_err_set(err, OE_EINVAL, "'%s' is neither yes nor no", text);
}

static int
outside(const struct oe_param *p, const char *text, const char *what,
    struct oe_err *err)
{
	if (!p->min && !p->max)
		return oe_err_set(
		    err, OE_EINVAL, "'%s' is not %s from 0 up", text, what);
	return oe_err_set(err, OE_EINVAL,
	    "'%s' is not %s from %" PRId64 " to %" PRId64, text, what, p->min,
	    p->max);
}

static bool
within(const struct oe_param *p, int64_t n)
{
	return n >= p->min && n <= (p->min || p->max ? p->max : INT64_MAX);
}

static int
read_int(const struct oe_param *p, const char *text, int64_t *ret,
    struct oe_err *err)
{
	if (oe_str_parse_int(text, INT64_MIN, INT64_MAX, ret) < 0 ||
	    !within(p, *ret))
		return outside(p, text, "a whole number", err);
	return 0;
}

static int
read_duration(const struct oe_param *p, const char *text, int64_t *ret,
    struct oe_err *err)
{
	if (oe_time_parse_duration(text, ret) < 0)
		return oe_err_set(err, OE_EINVAL,
		    "'%s' is not a duration like 90, 15m or 1h30m", text);
	if (!within(p, *ret))
		return outside(p, text, "a number of seconds", err);
	return 0;
}

static int
read_size(const struct oe_param *p, const char *text, int64_t *ret,
    struct oe_err *err)
{
	static const char units[] = "KMGT";
	size_t len = strlen(text);
	const char *u =
	    len ? strchr(units, toupper((unsigned char)text[len - 1])) : NULL;
	int shift = u && *u ? 10 * (int)(u - units + 1) : 0;
	char *digits = oe_mem_strndup(text, len - (shift != 0));
	int r;

	r = oe_str_parse_int(digits, 0, INT64_MAX >> shift, ret);
	free(digits);
	if (r == OE_EINVAL)
		return oe_err_set(err, OE_EINVAL,
		    "'%s' is not a size like 4096, 64K or 1G", text);
	if (r == 0)
		*ret <<= shift;
	if (r < 0 || !within(p, *ret))
		return outside(p, text, "a number of bytes", err);
	return 0;
}

char *
oe_app__choices(const struct oe_param *p)
{
	char *all = oe_mem_strdup(""), *longer;
	const char *const *c;

	for (c = p->choices; c && *c; c++) {
		longer = oe_mem_printf("%s%s%s", all, *all ? ", " : "", *c);
		free(all);
		all = longer;
	}
	return all;
}

static int
read_choice(const struct oe_param *p, const char *text, struct oe_err *err)
{
	const char *const *c;
	char *all;

	for (c = p->choices; *c; c++)
		if (oe_str_eq(*c, text))
			return 0;
	all = oe_app__choices(p);
	(void)oe_err_set(err, OE_EINVAL, "'%s' is not one of %s", text, all);
	free(all);
	return OE_EINVAL;
}

/* "~/x" below the home directory; anything else as it is. */
static int
read_path(const char *text, char **ret, struct oe_err *err)
{
	const char *home;
	struct passwd *pw;

	if (!*text)
		return oe_err_set(err, OE_EINVAL, "the path is empty");
	if (!oe_str_eq(text, "~") && !oe_str_starts(text, "~/")) {
		*ret = oe_mem_strdup(text);
		return 0;
	}
	home = getenv("HOME");
	if (!home || !*home) {
		pw = getpwuid(getuid());
		home = pw ? pw->pw_dir : NULL;
	}
	if (!home || !*home)
		return oe_err_set(err, OE_EINVAL,
		    "'%s': there is no home directory, write the whole path",
		    text);
	*ret = oe_mem_printf("%s%s", home, text + 1);
	return 0;
}

static int
read_typed(const struct oe_param *p, const char *text, char **ret_text,
    int64_t *ret_number, struct oe_err *err)
{
	int64_t count_max = OE_PARAM_COUNT_MAX;

	switch (p->type) {
	case OE_PARAM_FLAG:
		return read_flag(text, ret_number, err);
	case OE_PARAM_COUNT:
		if (oe_str_parse_int(text, 0, count_max, ret_number) == 0)
			return 0;
		return oe_err_set(err, OE_EINVAL,
		    "'%s' is not a number from 0 to %d", text,
		    OE_PARAM_COUNT_MAX);
	case OE_PARAM_INT:
		return read_int(p, text, ret_number, err);
	case OE_PARAM_DURATION:
		return read_duration(p, text, ret_number, err);
	case OE_PARAM_SIZE:
		return read_size(p, text, ret_number, err);
	case OE_PARAM_STRING:
		if (!*text && (p->flags & OE_PARAM_REPEAT))
			return oe_err_set(err, OE_EINVAL, "the value is empty");
		return 0;
	case OE_PARAM_PATH:
		return read_path(text, ret_text, err);
	case OE_PARAM_CHOICE:
		return read_choice(p, text, err);
	}
	return OE_EINVAL;
}

int
oe_app__param_read(const struct oe_param *p, const char *text, char **ret_text,
    int64_t *ret_number, struct oe_err *err)
{
	char *final = NULL;
	int64_t number = 0;
	int r;

	r = read_typed(p, text, &final, &number, err);
	if (r < 0)
		goto out;
	if (p->type == OE_PARAM_FLAG)
		final = oe_mem_strdup(number ? "yes" : "no");
	if (!final)
		final = oe_mem_strdup(text);
	if (p->check && p->check(final, err) < 0) {
		r = OE_EINVAL;
		goto out;
	}
	*ret_text = final;
	*ret_number = number;
	final = NULL;
out:
	free(final);
	return r;
}
