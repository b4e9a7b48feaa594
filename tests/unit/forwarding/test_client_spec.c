/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/client_spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/mem.h"

#define L OE_FWD_LOCAL
#define R OE_FWD_REMOTE
#define D OE_FWD_DYNAMIC

static void
same(const char *got, const char *want)
{
	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

static void
reads(void **state)
{
	static const struct {
		enum oe_fwd_kind kind;
		const char *text;
		struct {
			const char *host;
			int port;
			const char *path;
		} listen, target;
		bool socks;
		const char *again; /* NULL: the same text */
	} cases[] = {
	    {L, "8080:h:80", {NULL, 8080, NULL}, {"h", 80, NULL}, false, NULL},
	    {L, "b:1:h:2", {"b", 1, NULL}, {"h", 2, NULL}, false, NULL},
	    {L, ":1:h:2", {"", 1, NULL}, {"h", 2, NULL}, false, "*:1:h:2"},
	    {L, "*:1:h:2", {"", 1, NULL}, {"h", 2, NULL}, false, NULL},
	    {L, "[::1]:1:[fe80::1%lo]:2", {"::1", 1, NULL},
		{"fe80::1%lo", 2, NULL}, false, NULL},
	    {L, "[::]:65535:[::1]:1", {"::", 65535, NULL}, {"::1", 1, NULL},
		false, NULL},
	    {L, "[]:1:h:2", {"", 1, NULL}, {"h", 2, NULL}, false, "*:1:h:2"},
	    {L, "1:/s", {NULL, 1, NULL}, {NULL, 0, "/s"}, false, NULL},
	    {L, "b:1:/s", {"b", 1, NULL}, {NULL, 0, "/s"}, false, NULL},
	    {L, "/s:h:2", {NULL, 0, "/s"}, {"h", 2, NULL}, false, NULL},
	    {L, "/s:[::1]:2", {NULL, 0, "/s"}, {"::1", 2, NULL}, false, NULL},
	    {L, "/s:/t u", {NULL, 0, "/s"}, {NULL, 0, "/t u"}, false, NULL},
	    {L, "/a\\:b:/c", {NULL, 0, "/a:b"}, {NULL, 0, "/c"}, false, NULL},
	    {L, "/a\\\\b:/c", {NULL, 0, "/a\\b"}, {NULL, 0, "/c"}, false, NULL},
	    {L, "http:h:ssh", {NULL, 80, NULL}, {"h", 22, NULL}, false,
		"80:h:22"},
	    {L, "a/s:h:2", {NULL, 0, "a/s"}, {"h", 2, NULL}, false, NULL},
	    {L, "1:%d/s", {NULL, 1, NULL}, {NULL, 0, "%d/s"}, false, NULL},
	    {L, "\\[a/s:h:2", {NULL, 0, "[a/s"}, {"h", 2, NULL}, false, NULL},
	    {R, "b:http", {"b", 80, NULL}, {NULL, 0, NULL}, true, "b:80"},
	    {D, "socks", {NULL, 1080, NULL}, {NULL, 0, NULL}, true, "1080"},
	    {R, "0:h:2", {NULL, 0, NULL}, {"h", 2, NULL}, false, NULL},
	    {R, "1", {NULL, 1, NULL}, {NULL, 0, NULL}, true, NULL},
	    {R, "0", {NULL, 0, NULL}, {NULL, 0, NULL}, true, NULL},
	    {R, "b:1", {"b", 1, NULL}, {NULL, 0, NULL}, true, NULL},
	    {R, "[::1]:1", {"::1", 1, NULL}, {NULL, 0, NULL}, true, NULL},
	    {R, "1:/s", {NULL, 1, NULL}, {NULL, 0, "/s"}, false, NULL},
	    {R, "/s:/t", {NULL, 0, "/s"}, {NULL, 0, "/t"}, false, NULL},
	    {D, "1080", {NULL, 1080, NULL}, {NULL, 0, NULL}, true, NULL},
	    {D, "[::1]:1", {"::1", 1, NULL}, {NULL, 0, NULL}, true, NULL},
	    {D, "*:1", {"", 1, NULL}, {NULL, 0, NULL}, true, NULL},
	    {D, "/s", {NULL, 0, "/s"}, {NULL, 0, NULL}, true, NULL},
	};
	struct oe_err err = OE_ERR_INIT;
	struct oe_fwd_spec s;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		if (oe_fwd_spec_parse(cases[i].kind, cases[i].text, &s, &err) <
		    0)
			fail_msg("%s: %s", cases[i].text, oe_err_text(&err));
		same(s.listen.host, cases[i].listen.host);
		same(s.listen.path, cases[i].listen.path);
		same(s.target.host, cases[i].target.host);
		same(s.target.path, cases[i].target.path);
		assert_int_equal(s.listen.port, cases[i].listen.port);
		assert_int_equal(s.target.port, cases[i].target.port);
		assert_int_equal(s.socks, cases[i].socks);
		text = oe_fwd_spec_text(&s);
		assert_string_equal(
		    text, cases[i].again ? cases[i].again : cases[i].text);
		free(text);
		oe_fwd_spec_done(&s);
	}
}

static void
refuses(void **state)
{
	static const struct {
		enum oe_fwd_kind kind;
		const char *text;
	} cases[] = {
	    {L, ""},
	    {L, ":"},
	    {L, "1"},
	    {L, "1:2"},
	    {L, "h:1"},
	    {L, "/s"},
	    {L, "0:h:1"},
	    {L, "1:h:0"},
	    {L, "1:h:65536"},
	    {L, "65536:h:1"},
	    {L, "-1:h:1"},
	    {L, "01:h:1"},
	    {L, " 1:h:1"},
	    {L, "1:h:1 "},
	    {L, "1::2"},
	    {L, "1:h"},
	    {L, "1:h:x"},
	    {L, "1:h:no-such-service"},
	    {L, "1:a/b:http"},
	    {L, "http"},
	    {L, "b:1:h:2:3"},
	    {L, "::1:1:h:2"},
	    {L, "[::1:1:h:2"},
	    {L, "[::1]x:1:h:2"},
	    {L, "1:[h:2"},
	    {L, "1:h h:2"},
	    {L, "b:/s:h:1"},
	    {L, "/s:b:1:h:2"},
	    {L, "1:b:2:/s"},
	    {L, "1:h\n:2"},
	    {L, "1:/s\x7f"},
	    {R, ""},
	    {R, "x"},
	    {R, "-1"},
	    {R, "65536"},
	    {D, ""},
	    {D, "0"},
	    {D, "x"},
	    {D, "1:h:2"},
	    {D, "b:1:h:2"},
	    {D, "b:/s"},
	};
	struct oe_err err = OE_ERR_INIT;
	struct oe_fwd_spec s;
	char *big;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++)
		if (oe_fwd_spec_parse(cases[i].kind, cases[i].text, &s, &err) ==
		    0)
			fail_msg("%s", cases[i].text);
	big = oe_mem_zalloc(OE_FWD_SPEC_MAX + 2);
	memset(big, 'a', OE_FWD_SPEC_MAX + 1);
	assert_int_equal(oe_fwd_spec_parse(L, big, &s, &err), OE_ETOOBIG);
	memcpy(big, "1:", 2);
	strcpy(big + 2 + OE_FWD_HOST_MAX + 1, ":1");
	assert_int_equal(oe_fwd_spec_parse(L, big, &s, &err), OE_EINVAL);
	free(big);
}

static void
finds(void **state)
{
	static const struct {
		enum oe_fwd_kind kind;
		const char *text;
		enum oe_fwd_kind where_kind;
		const char *where;
		bool same;
	} cases[] = {
	    {L, "1:h:2", L, "1", true},
	    {L, "1:h:2", D, "1", true},
	    {L, "1:h:2", R, "1", false},
	    {L, "1:h:2", L, "2", false},
	    {L, "b:1:h:2", L, "1", false},
	    {L, "b:1:h:2", L, "b:1", true},
	    {L, ":1:h:2", L, "*:1", true},
	    {L, "/s:h:2", L, "/s", true},
	    {R, "b:1", R, "b:1", true},
	};
	struct oe_fwd_spec a, b;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    oe_fwd_spec_parse(cases[i].kind, cases[i].text, &a, NULL),
		    0);
		assert_int_equal(oe_fwd_spec_parse_listen(cases[i].where_kind,
				     cases[i].where, &b, NULL),
		    0);
		assert_int_equal(
		    oe_fwd_spec_same_listen(&a, &b), cases[i].same);
		oe_fwd_spec_done(&a);
		oe_fwd_spec_done(&b);
	}
	assert_int_equal(
	    oe_fwd_spec_parse_listen(L, "1:h:2", &a, NULL), OE_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads),
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(finds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
