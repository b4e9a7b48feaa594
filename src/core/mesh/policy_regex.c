/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns of commands: POSIX extended regular expressions (regcomp(3)).
 *
 * What POSIX leaves open, or other languages write differently, is a mistake
 * here: a pattern that quietly means something else is a hole.  And since the
 * peer chooses the text, patterns that take long are refused: no references
 * back, which need time without bound, and no repetitions that multiply.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/mesh/policy_internal.h"

/* All bounded repetitions of a pattern, multiplied. */
#define REPEAT_MAX 1000

/* Of a "\x" outside of brackets: what is wrong with it, or NULL. */
static const char *
pattern_escape(char c)
{
	if (!c)
		return "it ends in a backslash";
	if (isdigit((unsigned char)c))
		return "references back are not supported";
	if (isalpha((unsigned char)c) && !strchr("wWsSbB", c))
		return "a backslash before a letter is one of \\w \\W \\s \\S "
		       "\\b \\B; a digit is [0-9]";
	/* glibc's words and ends of the buffer */
	if (strchr("<>`'", c))
		return "a backslash before < > ` ' is not portable; words end "
		       "at \\b";
	return NULL;
}

/* "{a,b}" at @p: the larger number into @product; NULL or what is wrong. */
static const char *
pattern_repeat(const char **p, unsigned long *product)
{
	char *end;
	unsigned long n = 0, m;

	if (!isdigit((unsigned char)(*p)[1]))
		return "{ begins a repetition, {2} or {2,5}; write \\{ for "
		       "the character";
	n = strtoul(*p + 1, &end, 10);
	if (*end == ',' && isdigit((unsigned char)end[1])) {
		m = strtoul(end + 1, &end, 10);
		n = m > n ? m : n;
	} else if (*end == ',') {
		end++;
	}
	if (*end != '}')
		return "a repetition is written {2}, {2,} or {2,5}";
	*p = end;
	if (n > REPEAT_MAX || *product * (n ? n : 1) > REPEAT_MAX)
		return "its repetitions multiply to more than 1000";
	*product *= n ? n : 1;
	return NULL;
}

/* Behind a bracket expression; @p at its '['. */
static const char *
pattern_bracket(const char *p)
{
	p++;
	if (*p == '^')
		p++;
	if (*p == ']')
		p++;
	while (*p && *p != ']') {
		if (*p == '[' && p[1] && strchr(":.=", p[1])) {
			const char end[3] = {p[1], ']', 0};
			const char *close = strstr(p + 2, end);

			if (!close)
				return p + strlen(p);
			p = close + 1;
		} else if (*p == '\\' && isalpha((unsigned char)p[1])) {
			return NULL;
		}
		p++;
	}
	return p;
}

static const char *
pattern_judge(const char *p)
{
	unsigned long product = 1;
	const char *why;

	for (; *p; p++) {
		switch (*p) {
		case '\\':
			why = pattern_escape(*++p);
			if (why)
				return why;
			break;
		case '[':
			p = pattern_bracket(p);
			if (!p)
				return "within [] a backslash stands for "
				       "itself; write [[:space:]]";
			if (!*p)
				return "a [ is not closed";
			break;
		case '{':
			why = pattern_repeat(&p, &product);
			if (why)
				return why;
			break;
		case '(':
			if (p[1] == '?')
				return "(? is not of POSIX";
			break;
		}
	}
	return NULL;
}

struct patterns_target {
	struct oe_strs *list;
	struct oe_policy_patterns *p;
};

static void
pattern_read(struct oe_policy__reader *r, const struct oe_jval *v, void *to)
{
	const char *s = oe_policy__text(r, v, OE_POLICY_PATTERN_MAX, false);
	const char *why = s ? pattern_judge(s) : NULL;
	struct patterns_target *t = to;
	char said[128];
	regex_t *re;
	int rc;

	if (why)
		oe_policy__fault(r, "invalid regular expression: %s", why);
	if (!s || why)
		return;
	t->p->v = oe_mem_realloc_array(t->p->v, t->p->n + 1, sizeof *re);
	re = &t->p->v[t->p->n];
	rc = regcomp(re, s, REG_EXTENDED | REG_NOSUB);
	if (rc) {
		regerror(rc, re, said, sizeof said);
		oe_policy__fault(r, "invalid regular expression: %s", said);
		return;
	}
	t->p->n++;
	oe_strs_add(t->list, s);
}

void
oe_policy__patterns(struct oe_policy__reader *r, const struct oe_jval *v,
    struct oe_strs *list, struct oe_policy_patterns **ret)
{
	struct patterns_target t = {list, oe_mem_zalloc(sizeof *t.p)};

	*ret = t.p;
	oe_policy__each(r, v, OE_POLICY_LIST_MAX, pattern_read, &t);
}

void
oe_policy__patterns_free(struct oe_policy_patterns **pp)
{
	struct oe_policy_patterns *p = *pp;

	if (!p)
		return;
	while (p->n)
		regfree(&p->v[--p->n]);
	free(p->v);
	oe_mem_free(pp);
}

/* A failure of the matcher (no memory) is @otherwise. */
static bool
patterns_have(
    const struct oe_policy_patterns *p, const char *text, bool otherwise)
{
	size_t i;
	int rc;

	for (i = 0; p && i < p->n; i++) {
		rc = regexec(&p->v[i], text, 0, NULL, 0);
		if (rc == 0)
			return true;
		if (rc != REG_NOMATCH)
			return otherwise;
	}
	return false;
}

enum oe_policy_command
oe_policy_command(const struct oe_policy_action *a, const char *command)
{
	if (!a->commands_listed && !a->blocked_commands.n)
		return OE_POLICY_COMMAND_OK;
	if (strlen(command) > OE_POLICY_COMMAND_MAX)
		return OE_POLICY_COMMAND_LONG;
	if (patterns_have(a->blocked, command, true))
		return OE_POLICY_COMMAND_BLOCKED;
	if (a->commands_listed && !patterns_have(a->allowed, command, false))
		return OE_POLICY_COMMAND_UNLISTED;
	return OE_POLICY_COMMAND_OK;
}

const char *
oe_policy_command_text(enum oe_policy_command c)
{
	switch (c) {
	case OE_POLICY_COMMAND_OK:
		break;
	case OE_POLICY_COMMAND_BLOCKED:
		return "the command is one of blocked_commands";
	case OE_POLICY_COMMAND_UNLISTED:
		return "the command is none of allowed_commands";
	case OE_POLICY_COMMAND_LONG:
		return "the command is too long to be judged";
	}
	return "the command is permitted";
}
