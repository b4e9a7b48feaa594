/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/str.h"
#include "core/mesh/login.h"

#define NOW INT64_C(1700000000000)

static struct oe_jval *
parse(const char *text)
{
	struct oe_jval *v = NULL;

	assert_int_equal(oe_jval_parse(text, strlen(text), &v, NULL), 0);
	return v;
}

static void
errors_in_their_forms(void **state)
{
	static const struct {
		const char *body, *code, *message;
	} cases[] = {
	    {"{\"code\":404,\"message\":\"Device not found\"}", "404",
		"Device not found"},
	    {"{\"code\":\"E_TOKEN_INVALID\",\"message\":\"no\",\"errors\":{}}",
		"E_TOKEN_INVALID", "no"},
	    {"{\"code\":\"E_X\",\"message\":\"E_X: text\"}", "E_X", "text"},
	    {"{\"code\":\"E_VALIDATION_FAILED\",\"message\":"
	     "\"E_VALIDATION_FAILED: [object Object]\",\"errors\":"
	     "{\"email\":{\"unique\":\"is taken\"}}}",
		"E_VALIDATION_FAILED", "email: is taken"},
	    {"{\"errors\":[{\"field\":\"name\",\"message\":\"too long\"}]}",
		NULL, "name: too long"},
	    {"{\"error\":\"authorization_pending\"}", "authorization_pending",
		"authorization_pending"},
	    {"{\"error\":\"x\",\"error_description\":\"more\"}", "x", "more"},
	    {"{}", NULL, NULL},
	    {"[1]", NULL, NULL},
	    {"<html>", NULL, NULL},
	    {"", NULL, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_mesh_answer a = {.status = 422};

		assert_int_equal(oe_mesh_answer_read(&a, cases[i].body,
				     strlen(cases[i].body), NULL),
		    0);
		if (!oe_str_eq(a.code, cases[i].code) ||
		    !oe_str_eq(a.message, cases[i].message))
			fail_msg(
			    "%s: %s, %s", cases[i].body, a.code, a.message);
		oe_mesh_answer_done(&a);
	}
}

static void
good_replies(void **state)
{
	static const struct {
		const char *body;
		int r;
		const char *name; /* of the data */
	} cases[] = {
	    {"{\"code\":200,\"data\":{\"name\":\"a\"}}", 0, "a"},
	    {"{\"code\":\"200\",\"data\":{\"name\":\"a\"}}", 0, "a"},
	    {"{\"message\":\"ok\",\"data\":{\"name\":\"a\"}}", 0, "a"},
	    {"{\"name\":\"a\"}", 0, "a"},
	    {"{\"code\":200,\"message\":\"done\"}", 0, NULL},
	    {"", 0, NULL},
	    {"{\"code\":200,\"data\":{\"name\":", OE_EPROTO, NULL},
	    {"<html></html>", OE_EPROTO, NULL},
	    {"{\"a\":1,\"a\":2}", OE_EPROTO, NULL},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_mesh_answer a = {.status = 200};

		assert_int_equal(oe_mesh_answer_read(&a, cases[i].body,
				     strlen(cases[i].body), NULL),
		    cases[i].r);
		assert_true(
		    oe_str_eq(oe_jval_get_text(a.data, "name"), cases[i].name));
		oe_mesh_answer_done(&a);
	}
}

static void
lists(void **state)
{
	static const struct {
		const char *data;
		int n; /* -1: none */
		int64_t last;
	} cases[] = {
	    {"[1,2]", 2, 1},
	    {"{\"meta\":{\"last_page\":7},\"data\":[1]}", 1, 7},
	    {"{\"meta\":{\"last_page\":\"7\"},\"data\":[]}", 0, 7},
	    {"{\"meta\":{\"last_page\":99999999},\"data\":[]}", 0,
		OE_MESH_PAGES_MAX},
	    {"{\"meta\":{\"last_page\":-3},\"data\":[]}", 0, 1},
	    {"{\"data\":[1,2,3]}", 3, 1},
	    {"{\"data\":{}}", -1, 1},
	    {"{}", -1, 1},
	    {"7", -1, 1},
	};
	const struct oe_jval *rows;
	struct oe_jval *v;
	int64_t last;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		v = parse(cases[i].data);
		rows = oe_mesh_rows(v, &last);
		if ((cases[i].n < 0) != !rows ||
		    (rows && (int)oe_jval_size(rows) != cases[i].n) ||
		    last != cases[i].last)
			fail_msg("%s", cases[i].data);
		oe_jval_free(&v);
	}
}

static void
tokens(void **state)
{
	static const struct {
		const char *data, *token, *refresh;
		int64_t expires_ms;
	} cases[] = {
	    {"{\"type\":\"bearer\",\"token\":\"t\",\"refreshToken\":\"r\","
	     "\"expires_at\":\"2021-12-25T22:48:35.641+08:00\"}",
		"t", "r", 1640443715641},
	    {"{\"token\":\"t\",\"refresh_token\":\"r\"}", "t", "r", 0},
	    {"{\"access_token\":\"t\",\"refresh_token\":\"r\",\"id_token\":"
	     "\"i\",\"expires_in\":60}",
		"t", "r", NOW + 60000},
	    {"{\"accessToken\":\"Bearer t\",\"expiresIn\":\"60\"}", "t", NULL,
		NOW + 60000},
	    {"{\"token\":\"t\",\"refresh_token\":\"r\",\"refreshToken\":"
	     "\"r\",\"expires_at\":1700000100}",
		"t", "r", 1700000100000},
	    {"{\"token\":\"t\",\"expires_in\":-1}", "t", NULL, 0},
	    {"{\"token\":\"t\",\"refresh_token\":\"a\\nb\"}", "t", NULL, 0},
	    {"{\"token\":\"a b\"}", NULL, NULL, 0},
	    {"{\"token\":\"\"}", NULL, NULL, 0},
	    {"{\"token\":7}", NULL, NULL, 0},
	    {"[]", NULL, NULL, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_jval *v = parse(cases[i].data);
		struct oe_mesh_tokens t = {0};
		int r = oe_mesh_tokens_read(v, NOW, &t, NULL);

		if (r != (cases[i].token ? 0 : OE_EPROTO) ||
		    !oe_str_eq(t.token, cases[i].token) ||
		    !oe_str_eq(t.refresh, cases[i].refresh) ||
		    t.expires_ms != cases[i].expires_ms)
			fail_msg("%s: %d %s", cases[i].data, r, t.refresh);
		oe_mesh_tokens_done(&t);
		oe_jval_free(&v);
	}
}

static void
devices(void **state)
{
	static const struct {
		const char *data, *name, *ip, *ip6;
		enum oe_mesh_online online;
	} cases[] = {
	    {"{\"id\":\"d\",\"name\":\"n\",\"virtual_ip\":\"100.64.0.1\","
	     "\"online\":true}",
		"n", "100.64.0.1", NULL, OE_MESH_ONLINE_YES},
	    {"{\"uuid\":\"d\",\"name\":\"n\",\"virtualIp\":\"100.64.0.1\","
	     "\"isOnline\":0}",
		"n", "100.64.0.1", NULL, OE_MESH_ONLINE_NO},
	    {"{\"id\":\"d\",\"virtual_IP\":\"100.64.0.1\",\"virtual_ip_v6\":"
	     "\"FD00:0::1\"}",
		"d", "100.64.0.1", "fd00::1", OE_MESH_ONLINE_UNKNOWN},
	    {"{\"id\":\"d\",\"last_seen\":\"2023-11-14T22:11:20.000Z\"}", "d",
		NULL, NULL, OE_MESH_ONLINE_YES},
	    {"{\"id\":\"d\",\"last_seen\":\"2023-11-14T22:01:20.000Z\"}", "d",
		NULL, NULL, OE_MESH_ONLINE_NO},
	    {"{\"id\":\"d\",\"last_seen\":null,\"online\":null}", "d", NULL,
		NULL, OE_MESH_ONLINE_UNKNOWN},
	    {"{\"id\":\"d\",\"virtual_ip\":\"fd00::1\",\"virtual_ip_v6\":"
	     "\"1.2.3.4\"}",
		"d", NULL, NULL, OE_MESH_ONLINE_UNKNOWN},
	    {"{\"id\":\"d\",\"virtual_ip\":\"-oProxyCommand=x\"}", "d", NULL,
		NULL, OE_MESH_ONLINE_UNKNOWN},
	    {"{\"id\":\"d\",\"name\":\"\\u001b[31m../x\"}", "\033[31m../x",
		NULL, NULL, OE_MESH_ONLINE_UNKNOWN},
	    {"{\"id\":\"../d\",\"name\":\"n\"}", NULL, NULL, NULL, 0},
	    {"{\"id\":\"-d\",\"name\":\"n\"}", NULL, NULL, NULL, 0},
	    {"{\"id\":7,\"name\":\"n\"}", NULL, NULL, NULL, 0},
	    {"[]", NULL, NULL, NULL, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_jval *v = parse(cases[i].data);
		struct oe_mesh_device d = {0};
		bool ok = oe_mesh_device_read(v, NOW, &d);

		if (ok != (cases[i].name != NULL) ||
		    !oe_str_eq(d.name, cases[i].name) ||
		    !oe_str_eq(d.ip, cases[i].ip) ||
		    !oe_str_eq(d.ip6, cases[i].ip6) ||
		    (ok && d.online != cases[i].online))
			fail_msg("%s: %s %s", cases[i].data, d.ip, d.ip6);
		oe_mesh_device_done(&d);
		oe_jval_free(&v);
	}
}

static void
networks(void **state)
{
	struct oe_jval *v =
	    parse("{\"uuid\":\"vnw_1\",\"name\":\"lab\",\"ipRange\":"
		  "\"100.64.0.0/24\",\"role\":\"2\",\"users_count\":3,"
		  "\"devices\":[{\"id\":\"a\"},{\"name\":\"no id\"},7,"
		  "{\"id\":\"b\",\"tags\":[\"x\",1,\"y\"]}]}");
	struct oe_mesh_network n = {0};

	(void)state;
	assert_int_equal(oe_mesh_network_read(v, NOW, &n), 0);
	assert_string_equal(n.id, "vnw_1");
	assert_string_equal(n.ip_range, "100.64.0.0/24");
	assert_int_equal(n.role, 2);
	assert_int_equal(n.users, 3);
	assert_true(n.has_devices);
	assert_int_equal(n.n, 2);
	assert_int_equal(n.devices[1].tags.n, 2);
	oe_mesh_network_done(&n);
	oe_jval_free(&v);
	v = parse("{\"id\":\"vnw_1\"}");
	assert_int_equal(oe_mesh_network_read(v, NOW, &n), 0);
	assert_string_equal(n.name, "vnw_1");
	assert_false(n.has_devices);
	assert_int_equal(n.users, -1);
	oe_mesh_network_done(&n);
	oe_jval_free(&v);
	v = parse("{\"name\":\"lab\"}");
	assert_int_equal(oe_mesh_network_read(v, NOW, &n), OE_EPROTO);
	oe_jval_free(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(errors_in_their_forms),
	    cmocka_unit_test(good_replies),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(tokens),
	    cmocka_unit_test(devices),
	    cmocka_unit_test(networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
