/* SPDX-License-Identifier: Apache-2.0 */
#include "control/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"

#define H "Host: a\r\n"

static int
parse(const char *text, struct oe_ctl_head *h, char **ret)
{
	*ret = oe_mem_strdup(text);
	memset(h, 0, sizeof *h);
	return oe_ctl_head_parse(*ret, strlen(text), h);
}

static void
test_refused(void **state)
{
	static const struct {
		int status;
		const char *text;
	} all[] = {
	    {0, "GET / HTTP/1.1\r\n" H "\r\n"},
	    {0, "GET / HTTP/1.0\r\n\r\n"},
	    {0, "OPTIONS * HTTP/1.1\r\n" H "\r\n"},
	    {0, "GET https://a:1/x HTTP/1.1\r\n" H "\r\n"},
	    {0, "GET / HTTP/1.1\r\n" H "A:\r\nB:\t x \t\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n\r\n"},
	    {400, "GET / HTTP/1.1\n" H "\n"},
	    {400, "GET / HTTP/1.1\r\n" H "\n"},
	    {400, "GET /\r\n" H "\r\n"},
	    {400, "GET  / HTTP/1.1\r\n" H "\r\n"},
	    {400, " GET / HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET / HTTP/1.1 \r\n" H "\r\n"},
	    {400, "GET / http/1.1\r\n" H "\r\n"},
	    {505, "GET / HTTP/1.2\r\n" H "\r\n"},
	    {400, "GET / HTTP/2\r\n" H "\r\n"},
	    {400, "GET x HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET http://a HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET http:///x HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET http://a?b/c HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET http://a@b/c HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET * HTTP/1.1\r\n" H "\r\n"},
	    {0, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
	    {0, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
	    {400, "GET / HTTP/1.0\r\nHost: a@b\r\n\r\n"},
	    {400, "GET ftp://a/ HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET /a\x01 HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET /a\\b HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET /# HTTP/1.1\r\n" H "\r\n"},
	    {400, "CONNECT a:80 HTTP/1.1\r\n" H "\r\n"},
	    {400, "TOOLONGAMETHODNAME / HTTP/1.1\r\n" H "\r\n"},
	    {400, "G(T / HTTP/1.1\r\n" H "\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "A : b\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H ": b\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "A\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H " A: b\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "A: b\x01\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "Content-Length: 1 1\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
		  "content-length: 1\r\n\r\n"},
	    {411, "GET / HTTP/1.1\r\n" H "Transfer-Encoding: \r\n\r\n"},
	    {411, "GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n"
		  "transfer-encoding: identity\r\n\r\n"},
	    {417, "GET / HTTP/1.1\r\n" H "Expect: x\r\n\r\n"},
	    {400, "GET / HTTP/1.1\r\n" H "Authorization: a\r\n"
		  "authorization: b\r\n\r\n"},
	};
	struct oe_ctl_head h;
	char *copy;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		if (parse(all[i].text, &h, &copy) != all[i].status)
			fail_msg("%s", all[i].text);
		free(copy);
	}
}

static void
test_nul(void **state)
{
	char text[] = "GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n";
	struct oe_ctl_head h;

	(void)state;
	assert_int_equal(oe_ctl_head_parse(text, sizeof text - 1, &h), 400);
}

static void
test_fields(void **state)
{
	struct oe_ctl_head h;
	char *copy;

	(void)state;
	assert_int_equal(
	    parse("POST /a%20b?c=d&e HTTP/1.1\r\nhOST: x\r\n"
		  "Content-LENGTH: 0012\r\nAuthorization: Bearer  t \r\n"
		  "Connection: upgrade , Close\r\nExpect: 100-Continue\r\n"
		  "Content-Type: application/json;charset=utf-8\r\n\r\n",
		&h, &copy),
	    0);
	assert_string_equal(h.method, "POST");
	assert_string_equal(h.path, "/a%20b");
	assert_string_equal(h.query, "c=d&e");
	assert_string_equal(h.host, "x");
	assert_string_equal(h.authorization, "Bearer  t");
	assert_int_equal(h.body_len, 12);
	assert_true(h.expects);
	assert_false(h.keep_alive);
	assert_true(oe_ctl_type_is(h.type, "application/json"));
	assert_false(oe_ctl_type_is(h.type, "application/js"));
	free(copy);
	assert_int_equal(
	    parse("GET http://h/p?q HTTP/1.1\r\n" H "Connection: closed\r\n"
		  "Content-Length: 99999999999999999999\r\n\r\n",
		&h, &copy),
	    0);
	assert_string_equal(h.path, "/p");
	assert_true(h.keep_alive);
	assert_true(h.body_len == SIZE_MAX);
	free(copy);
}

static void
test_many_headers(void **state)
{
	struct oe_ctl_head h;
	char text[4096];
	size_t i, n;
	int more;

	(void)state;
	for (more = 0; more < 2; more++) {
		strcpy(text, "GET / HTTP/1.1\r\n" H);
		n = OE_CTL_HEADERS_MAX - 1 + (size_t)more;
		for (i = 0; i < n; i++)
			strcat(text, "A: b\r\n");
		strcat(text, "\r\n");
		assert_int_equal(
		    oe_ctl_head_parse(text, strlen(text), &h), more ? 431 : 0);
	}
}

static void
test_end(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
	size_t i, whole = sizeof text - 1 - 4;

	(void)state;
	for (i = 0; i <= whole; i++)
		assert_int_equal(
		    oe_ctl_head_end(text, i, i > 0 ? i - 1 : 0) != 0,
		    i == whole);
	assert_int_equal(oe_ctl_head_end(text, sizeof text - 1, 0), whole);
	assert_int_equal(oe_ctl_head_end("a\n\nb", 4, 0), 3);
	assert_int_equal(oe_ctl_head_end("a\r\n\r", 4, 0), 0);
	assert_int_equal(oe_ctl_head_end("a\n\r\n", 4, 0), 4);
}

static void
test_form(void **state)
{
	char good[] = "a=b+c&&d=%26%3d&e&=f", bad1[] = "a=%0", bad2[] = "%00=a",
	     bad3[] = "a=%zz", bad4[] = "a=%ff", bad5[] = "a=1&%61=2",
	     many[] = "a&b&c&d";
	struct oe_ctl_pair p[4];
	size_t n;

	(void)state;
	assert_true(oe_ctl_form_parse(good, p, 4, &n));
	assert_int_equal(n, 4);
	assert_string_equal(p[0].value, "b c");
	assert_string_equal(p[1].value, "&=");
	assert_string_equal(p[2].key, "e");
	assert_string_equal(p[2].value, "");
	assert_string_equal(p[3].key, "");
	assert_false(oe_ctl_form_parse(bad1, p, 4, &n));
	assert_false(oe_ctl_form_parse(bad2, p, 4, &n));
	assert_false(oe_ctl_form_parse(bad3, p, 4, &n));
	assert_false(oe_ctl_form_parse(bad4, p, 4, &n));
	assert_false(oe_ctl_form_parse(bad5, p, 4, &n));
	assert_false(oe_ctl_form_parse(many, p, 3, &n));
	assert_true(oe_ctl_form_parse(NULL, p, 3, &n));
	assert_int_equal(n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_nul),
	    cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_many_headers),
	    cmocka_unit_test(test_end),
	    cmocka_unit_test(test_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
