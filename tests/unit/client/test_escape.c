/* SPDX-License-Identifier: Apache-2.0 */
#include "client/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"

/* One letter for each action that came. */
struct seen {
	char acts[16];
	size_t n;
};

static void
on_act(void *arg, enum oe_escape_act what)
{
	struct seen *s = arg;

	if (s->n + 1 < sizeof s->acts)
		s->acts[s->n++] = ".Z?#CBRvV"[what];
}

static void
typed(void **state)
{
	static const struct {
		int ch;
		const char *in[4]; /* as it arrives, piece by piece */
		const char *out, *acts;
	} cases[] = {
	    {'~', {"abc"}, "abc", ""},
	    {'~', {"~."}, "", "."},
	    {'~', {"a~."}, "a~.", ""},
	    {'~', {"a\r~."}, "a\r", "."},
	    {'~', {"a\n~."}, "a\n", "."},
	    {'~', {"~C"}, "", "C"},
	    {'~', {"~", "."}, "", "."},
	    {'~', {"~~."}, "~.", ""},
	    {'~', {"~~", "~."}, "~~.", ""},
	    {'~', {"~x"}, "~x", ""},
	    {'~', {"~", "x"}, "~x", ""},
	    {'~', {"~\r~."}, "~\r", "."},
	    {'~', {"~?~#"}, "", "?#"},
	    {'~', {"~?ab"}, "ab", "?"},
	    {'~', {"~B\r~R\r~v\r~V\r~\x1a"}, "\r\r\r\r", "BRvVZ"},
	    {'~', {"x", "~."}, "x~.", ""},
	    {'~', {"x\r", "~."}, "x\r", "."},
	    {OE_ESCAPE_NONE, {"~."}, "~.", ""},
	    {1, {"\1."}, "", "."},
	    {1, {"~."}, "~.", ""},
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct seen seen = {"", 0};
		struct oe_escape e;
		uint8_t buf[64];
		char out[64] = "";
		size_t n = 0, got;

		oe_escape_init(&e, cases[i].ch, on_act, &seen);
		for (k = 0; k < 4 && cases[i].in[k]; k++) {
			got = strlen(cases[i].in[k]);
			memcpy(buf, cases[i].in[k], got);
			got = oe_escape_filter(&e, buf, got, sizeof buf);
			memcpy(out + n, buf, got);
			n += got;
		}
		out[n] = '\0';
		if (strcmp(out, cases[i].out) != 0 ||
		    strcmp(seen.acts, cases[i].acts) != 0)
			fail_msg("case %zu: '%s' '%s'", i, out, seen.acts);
	}
}

/* Output that finds no room comes with the next call, nothing is lost. */
static void
no_room(void **state)
{
	struct seen seen = {"", 0};
	struct oe_escape e;
	uint8_t buf[8];

	(void)state;
	oe_escape_init(&e, '~', on_act, &seen);
	buf[0] = '~';
	assert_int_equal(oe_escape_filter(&e, buf, 1, 1), 0);
	buf[0] = 'x';
	assert_int_equal(oe_escape_filter(&e, buf, 1, 1), 1);
	assert_int_equal(buf[0], '~');
	buf[0] = 'y';
	assert_int_equal(oe_escape_filter(&e, buf, 1, 2), 2);
	assert_memory_equal(buf, "xy", 2);
}

static void
parses(void **state)
{
	static const struct {
		const char *text;
		int want;
	} cases[] = {
	    {"~", '~'},
	    {"none", OE_ESCAPE_NONE},
	    {"^A", 1},
	    {"^]", 0x1d},
	    {"^", '^'},
	    {"", OE_ESCAPE_BAD},
	    {"ab", OE_ESCAPE_BAD},
	    {"^ab", OE_ESCAPE_BAD},
	    {"^1", OE_ESCAPE_BAD},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++)
		assert_int_equal(oe_escape_parse(cases[i].text), cases[i].want);
}

/* Until the end of a line nothing is output, wherever it is cut. */
struct asked {
	struct oe_escape e;
	char line[16];
	size_t n;
};

static bool
on_line(void *arg, uint8_t c)
{
	struct asked *a = arg;

	if (c == '\r')
		return false;
	a->line[a->n++] = (char)c;
	return true;
}

static void
on_ask(void *arg, enum oe_escape_act what)
{
	struct asked *a = arg;

	if (what == OE_ESCAPE_COMMAND)
		oe_escape_ask(&a->e, on_line);
}

static void
asks(void **state)
{
	static const char in[] = "x\r~C-L ~.1\r~~y";
	char out[32], piece[32];
	struct asked a;
	size_t step, i, n, k, got;

	(void)state;
	for (step = 1; step < sizeof in; step++) {
		memset(&a, 0, sizeof a);
		oe_escape_init(&a.e, '~', on_ask, &a);
		got = 0;
		for (i = 0; i < sizeof in - 1; i += n) {
			n = sizeof in - 1 - i < step ? sizeof in - 1 - i : step;
			memcpy(piece, in + i, n);
			k = oe_escape_filter(
			    &a.e, (uint8_t *)piece, n, sizeof piece);
			memcpy(out + got, piece, k);
			got += k;
		}
		assert_int_equal(got, 4);
		assert_memory_equal(out, "x\r~y", 4);
		assert_int_equal(a.n, 6);
		assert_memory_equal(a.line, "-L ~.1", 6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(typed),
	    cmocka_unit_test(no_room),
	    cmocka_unit_test(parses),
	    cmocka_unit_test(asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
