/* SPDX-License-Identifier: Apache-2.0 */
#include "control/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"

static int
handler(struct oe_ctl_call *call)
{
	(void)call;
	return 0;
}

static const struct oe_ctl_route table[] = {
    {.method = "GET", .pattern = "/a/:id", .fn = handler},
    {.method = "PUT", .pattern = "/a/:id", .fn = handler, .max = 10},
    {.method = "GET", .pattern = "/a/all/list", .fn = handler},
    {.method = "GET", .pattern = "/a/:id/b/:other", .fn = handler},
    {.method = "POST", .pattern = "/a", .fn = handler},
    {.method = NULL},
};
static const struct oe_ctl_route *const tables[] = {table, NULL};

/* Feed @text in pieces of @step and write what comes of it to @log. */
static void
play(const char *text, size_t step, char *log, size_t size)
{
	size_t i, n, len = strlen(text), at = 0;
	struct oe_ctl_request *r;
	struct oe_ctl_conn c;
	bool last = false;

	log[0] = '\0';
	oe_ctl_conn_init(&c, tables);
	for (i = 0; i < len; i += n) {
		n = len - i < step ? len - i : step;
		assert_int_equal(oe_ctl_conn_feed(&c, text + i, n), 0);
		while ((r = oe_ctl_conn_next(&c)) != NULL) {
			at += (size_t)snprintf(log + at, size - at,
			    "%s %d %.*s;", r->h.method ? r->h.method : "-",
			    r->refuse, (int)oe_buf_left(&r->body),
			    (const char *)oe_buf_head(&r->body));
			last = r->close;
			oe_ctl_request_free(&r);
			oe_ctl_conn_answered(&c, last);
		}
	}
	assert_true(last || oe_ctl_conn_idle(&c));
	oe_ctl_conn_done(&c);
}

static void
test_pieces(void **state)
{
	static const struct {
		const char *in, *out;
	} all[] = {
	    {"GET /a/x HTTP/1.1\r\nHost: a\r\n\r\n", "GET 0 ;"},
	    {"\r\n\r\nGET /a/x HTTP/1.1\r\nHost: a\r\n\r\n", "GET 0 ;"},
	    {"PUT /a/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
	     "GET /a/x HTTP/1.1\r\nHost: a\r\n\r\n",
		"PUT 0 abc;GET 0 ;"},
	    {"PUT /a/x HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nabc"
	     "GET /a/x HTTP/1.1\r\nHost: a\r\n\r\n",
		"PUT 413 ;"},
	    {"GET /a/x HTTP/1.0\r\n\r\nGET /a/x HTTP/1.0\r\n\r\n", "GET 0 ;"},
	    {"rubbish\r\n\r\nGET /a/x HTTP/1.0\r\n\r\n", "- 400 ;"},
	};
	static const size_t steps[] = {1, 2, 3, 7, 1000};
	char log[256];
	size_t i, k;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		for (k = 0; k < OE_ARRAY_LEN(steps); k++) {
			play(all[i].in, steps[k], log, sizeof log);
			assert_string_equal(log, all[i].out);
		}
	}
}

static void
test_endless_head(void **state)
{
	char piece[1000];
	struct oe_ctl_request *r = NULL;
	struct oe_ctl_conn c;
	int i;

	(void)state;
	memset(piece, 'x', sizeof piece);
	oe_ctl_conn_init(&c, tables);
	for (i = 0; i < 20 && !r; i++) {
		assert_int_equal(oe_ctl_conn_feed(&c, piece, sizeof piece), 0);
		r = oe_ctl_conn_next(&c);
	}
	assert_int_equal(i, OE_CTL_HEAD_MAX / 1000 + 1);
	assert_int_equal(r->refuse, 431);
	assert_true(r->close);
	oe_ctl_request_free(&r);
	oe_ctl_conn_answered(&c, true);
	/* what still comes is dropped and kept nowhere */
	for (i = 0; i < 1000; i++)
		assert_int_equal(oe_ctl_conn_feed(&c, piece, sizeof piece), 0);
	assert_null(oe_ctl_conn_next(&c));
	oe_ctl_conn_done(&c);
}

/* While a request is out, no more than one read is kept. */
static void
test_busy(void **state)
{
	static const char text[] = "GET /a/x HTTP/1.1\r\nHost: a\r\n\r\n";
	char piece[OE_CTL_CONN_READ_MAX];
	struct oe_ctl_request *r;
	struct oe_ctl_conn c;

	(void)state;
	memset(piece, '\n', sizeof piece);
	oe_ctl_conn_init(&c, tables);
	assert_int_equal(oe_ctl_conn_feed(&c, text, sizeof text - 1), 0);
	r = oe_ctl_conn_next(&c);
	assert_non_null(r);
	assert_null(oe_ctl_conn_next(&c));
	assert_int_equal(oe_ctl_conn_feed(&c, piece, sizeof piece), 0);
	assert_int_equal(oe_ctl_conn_feed(&c, piece, sizeof piece), 0);
	assert_int_equal(oe_ctl_conn_feed(&c, piece, sizeof piece), OE_ETOOBIG);
	oe_ctl_request_free(&r);
	oe_ctl_conn_done(&c);
}

static int
may_not(void *arg, const struct oe_ctl_request *r)
{
	(void)arg;
	assert_true(r->h.body_len > OE_CTL_CONN_SMALL);
	return 401;
}

/* A large body has to be let in; a small one is not asked about. */
static void
test_may_send(void **state)
{
	static const struct {
		const char *text;
		int refuse;
	} all[] = {
	    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n",
		401},
	    {"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 0},
	};
	struct oe_ctl_request *r;
	struct oe_ctl_conn c;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		oe_ctl_conn_init(&c, tables);
		c.may_send = may_not;
		assert_int_equal(
		    oe_ctl_conn_feed(&c, all[i].text, strlen(all[i].text)), 0);
		r = oe_ctl_conn_next(&c);
		assert_non_null(r);
		assert_int_equal(r->refuse, all[i].refuse);
		oe_ctl_request_free(&r);
		oe_ctl_conn_done(&c);
	}
}

static void
test_continue(void **state)
{
	static const char text[] = "PUT /a/x HTTP/1.1\r\nHost: a\r\n"
				   "Content-Length: 3\r\n"
				   "Expect: 100-continue\r\n\r\n";
	struct oe_ctl_request *r;
	struct oe_ctl_conn c;

	(void)state;
	oe_ctl_conn_init(&c, tables);
	assert_int_equal(oe_ctl_conn_feed(&c, text, sizeof text - 1), 0);
	assert_null(oe_ctl_conn_next(&c));
	assert_true(c.say_continue);
	assert_int_equal(oe_ctl_conn_feed(&c, "abcGET", 6), 0);
	r = oe_ctl_conn_next(&c);
	assert_non_null(r);
	assert_int_equal(oe_buf_left(&r->body), 3);
	assert_int_equal(oe_buf_left(&c.in), 3);
	oe_ctl_request_free(&r);
	oe_ctl_conn_done(&c);
}

static void
test_routes(void **state)
{
	static const struct {
		const char *method, *path;
		int row; /* in the table; -1: none */
		const char *id, *allow;
	} all[] = {
	    {"GET", "/a/x", 0, "x", "GET, HEAD, PUT, OPTIONS"},
	    {"HEAD", "/a/x", 0, "x", "GET, HEAD, PUT, OPTIONS"},
	    {"PUT", "/a/%41%2d", 1, "A-", "GET, HEAD, PUT, OPTIONS"},
	    {"POST", "/a/x", -1, NULL, "GET, HEAD, PUT, OPTIONS"},
	    {"GET", "/a/all/list", 2, "", "GET, HEAD, OPTIONS"},
	    {"GET", "/a/1/b/2", 3, "1", "GET, HEAD, OPTIONS"},
	    {"POST", "/a", 4, "", "POST, OPTIONS"},
	    {"GET", "/a", -1, NULL, "POST, OPTIONS"},
	    {"GET", "/a/", -1, NULL, ""},
	    {"GET", "//a/x", -1, NULL, ""},
	    {"GET", "/a/x/", -1, NULL, ""},
	    {"GET", "/a/%2f", -1, NULL, ""},
	    {"GET", "/a/%00", -1, NULL, ""},
	    {"GET", "/a/%0a", -1, NULL, ""},
	    {"GET", "/a/%4", -1, NULL, ""},
	    {"GET", "/", -1, NULL, ""},
	    {"GET", "/a/../a/x", -1, NULL, ""},
	    {"GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14", -1, NULL, ""},
	};
	struct oe_ctl_match m;
	struct oe_ctl_call call;
	char path[64];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		snprintf(path, sizeof path, "%s", all[i].path);
		oe_ctl_route_find(tables, all[i].method, path, &m);
		assert_ptr_equal(m.route,
		    all[i].row < 0 ? NULL : (const void *)&table[all[i].row]);
		assert_string_equal(m.allow, all[i].allow);
		memset(&call, 0, sizeof call);
		memcpy(call.params, m.params, sizeof call.params);
		call.n_params = m.n_params;
		if (all[i].id)
			assert_string_equal(
			    oe_ctl_param(&call, "id"), all[i].id);
		if (all[i].row == 3)
			assert_string_equal(oe_ctl_param(&call, "other"), "2");
		assert_string_equal(oe_ctl_param(&call, "i"), "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_endless_head),
	    cmocka_unit_test(test_busy),
	    cmocka_unit_test(test_may_send),
	    cmocka_unit_test(test_continue),
	    cmocka_unit_test(test_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
