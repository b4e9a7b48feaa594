/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/socks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"

#define TEXT(s) s, sizeof(s) - 1

struct dialogue {
	const char *in;
	size_t n;
	enum oe_socks_state state;
	size_t used;
	const char *out;
	size_t out_n;
	const char *host;
	int port;
};

static const struct dialogue dialogues[] = {
    /* version 5 */
    {TEXT("\5\1\0\5\1\0\1\x7f\0\0\1\0\x50"), OE_SOCKS_TARGET, 13, TEXT("\5\0"),
	"127.0.0.1", 80},
    {TEXT("\5\2\2\0\5\1\0\3\4name\1\xbbrest"), OE_SOCKS_TARGET, 15,
	TEXT("\5\0"), "name", 443},
    {TEXT("\5\1\0\5\1\0\4"
	  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x16"),
	OE_SOCKS_TARGET, 25, TEXT("\5\0"), "::1", 22},
    {TEXT("\5\1\2"), OE_SOCKS_BAD, 3, TEXT("\5\xff"), NULL, 0},
    {TEXT("\5\0"), OE_SOCKS_BAD, 2, TEXT("\5\xff"), NULL, 0},
    {TEXT("\5\1\0\5\2\0\1\x7f\0\0\1\0\x50"), OE_SOCKS_BAD, 13,
	TEXT("\5\0\5\7\0\1\0\0\0\0\0\0"), NULL, 0},
    {TEXT("\5\1\0\5\1\0\2xxxx"), OE_SOCKS_BAD, 8,
	TEXT("\5\0\5\x8\0\1\0\0\0\0\0\0"), NULL, 0},
    {TEXT("\5\1\0\5\1\0\3\0\0\x50"), OE_SOCKS_BAD, 10,
	TEXT("\5\0\5\1\0\1\0\0\0\0\0\0"), NULL, 0},
    {TEXT("\5\1\0\5\1\0\3\3a\0b\0\x50"), OE_SOCKS_BAD, 13,
	TEXT("\5\0\5\1\0\1\0\0\0\0\0\0"), NULL, 0},
    {TEXT("\5\1\0\5\1\0\3\3a b\0\x50"), OE_SOCKS_BAD, 13,
	TEXT("\5\0\5\1\0\1\0\0\0\0\0\0"), NULL, 0},
    {TEXT("\5\1\0\5\1\0\1\x7f\0\0\1\0\0"), OE_SOCKS_BAD, 13,
	TEXT("\5\0\5\1\0\1\0\0\0\0\0\0"), NULL, 0},
    {TEXT("\5\1\0\4\1"), OE_SOCKS_BAD, 4, TEXT("\5\0"), NULL, 0},
    {TEXT("\5\1\0\5\1\0\3\xff"), OE_SOCKS_MORE, 8, TEXT("\5\0"), NULL, 0},
    /* version 4 and 4a */
    {TEXT("\4\1\0\x50\x7f\0\0\1user\0more"), OE_SOCKS_TARGET, 13, TEXT(""),
	"127.0.0.1", 80},
    {TEXT("\4\1\0\x50\0\0\0\1\0name\0"), OE_SOCKS_TARGET, 14, TEXT(""), "name",
	80},
    {TEXT("\4\1\0\x50\0\0\0\1\0\0"), OE_SOCKS_BAD, 10,
	TEXT("\0\x5b\0\0\0\0\0\0"), NULL, 0},
    {TEXT("\4\2\0\x50\x7f\0\0\1\0"), OE_SOCKS_BAD, 9,
	TEXT("\0\x5b\0\0\0\0\0\0"), NULL, 0},
    {TEXT("\4\1\0\0\x7f\0\0\1\0"), OE_SOCKS_BAD, 9, TEXT("\0\x5b\0\0\0\0\0\0"),
	NULL, 0},
    /* neither */
    {TEXT("GET / HTTP/1.0"), OE_SOCKS_BAD, 1, TEXT(""), NULL, 0},
    {TEXT("\0"), OE_SOCKS_BAD, 1, TEXT(""), NULL, 0},
};

/* The same whatever the pieces that it comes in. */
static void
talk(const struct dialogue *d, size_t step)
{
	char out[64];
	size_t i, used, n, got = 0;
	struct oe_socks s;

	oe_socks_init(&s);
	for (i = 0; i < d->n && s.state == OE_SOCKS_MORE; i += used) {
		n = d->n - i < step ? d->n - i : step;
		(void)oe_socks_feed(&s, d->in + i, n, &used);
		/* two answers may be due after one piece */
		assert_true(s.out_len <= sizeof s.out);
		memcpy(out + got, s.out, s.out_len);
		got += s.out_len;
		s.out_len = 0;
		if (!used)
			break;
	}
	assert_int_equal(s.state, d->state);
	assert_int_equal(i, d->used);
	assert_int_equal(got, d->out_n);
	assert_memory_equal(out, d->out, got);
	if (!d->host)
		return;
	assert_string_equal(s.host, d->host);
	assert_int_equal(s.port, d->port);
}

static void
dialogue(void **state)
{
	size_t i, step;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(dialogues); i++)
		for (step = 1; step <= dialogues[i].n; step++)
			talk(&dialogues[i], step);
}

/* Whatever is sent, no more is held than fits. */
static void
bounds(void **state)
{
	static const char *const heads[] = {
	    "\4\1\1\1\1\1\1\1", "\4\1\1\1\0\0\0\1"};
	struct oe_socks s;
	size_t i, n, used;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(heads); i++) {
		oe_socks_init(&s);
		(void)oe_socks_feed(&s, heads[i], 8, &used);
		for (n = 0; n < 1000; n++)
			if (oe_socks_feed(&s, "a", 1, &used) != OE_SOCKS_MORE)
				break;
		assert_int_equal(s.state, OE_SOCKS_BAD);
		assert_true(n < 300);
	}
	/* a user of 255 and a name of 255 are fine */
	oe_socks_init(&s);
	(void)oe_socks_feed(&s, "\4\1\1\1\0\0\0\1", 8, &used);
	for (n = 0; n < 255; n++)
		(void)oe_socks_feed(&s, "u", 1, &used);
	(void)oe_socks_feed(&s, "", 1, &used);
	for (n = 0; n < 255; n++)
		(void)oe_socks_feed(&s, "h", 1, &used);
	assert_int_equal(oe_socks_feed(&s, "", 1, &used), OE_SOCKS_TARGET);
	assert_int_equal(strlen(s.host), 255);
}

static void
replies(void **state)
{
	static const struct {
		enum oe_socks_result result;
		uint8_t v4, v5;
	} cases[] = {
	    {OE_SOCKS_GRANTED, 90, 0},
	    {OE_SOCKS_FAILURE, 91, 1},
	    {OE_SOCKS_DENIED, 91, 2},
	    {OE_SOCKS_UNREACHABLE, 91, 4},
	    {OE_SOCKS_REFUSED, 91, 5},
	};
	uint8_t got[OE_SOCKS_REPLY_MAX];
	struct oe_socks s;
	size_t i, used;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		oe_socks_init(&s);
		(void)oe_socks_feed(&s, TEXT("\5\1\0\5\1\0\1aaaa\1\1"), &used);
		assert_int_equal(s.state, OE_SOCKS_TARGET);
		assert_int_equal(oe_socks_reply(&s, cases[i].result, got), 10);
		assert_int_equal(got[0], 5);
		assert_int_equal(got[1], cases[i].v5);
		oe_socks_init(&s);
		(void)oe_socks_feed(&s, TEXT("\4\1\1\1aaaa\0"), &used);
		assert_int_equal(s.state, OE_SOCKS_TARGET);
		assert_int_equal(oe_socks_reply(&s, cases[i].result, got), 8);
		assert_int_equal(got[0], 0);
		assert_int_equal(got[1], cases[i].v4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(dialogue),
	    cmocka_unit_test(bounds),
	    cmocka_unit_test(replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
