/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a certificate of a network is worth by the directory of today, and an
 * address in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "core/base/jval.h"
#include "mesh/roster.h"
#include "mesh/server_identity.h"
#include "server/policy.h"

static const char text[] =
    "{\"devices\":[],\"keys\":[],\"users\":["
    "{\"id\":\"u1\",\"email\":\"a@x\",\"groups\":[\"ops\",\"lab\"]},"
    "{\"id\":\"u2\",\"email\":\"b@x\",\"groups\":[],"
    "\"certificates_after\":\"2030-01-01T00:00:00.000Z\"},"
    "{\"id\":\"u3\",\"email\":\"c@x\",\"certificates_after\":7},"
    "{\"id\":\"u4\",\"email\":\"d@x\",\"certificates_after\":null}]}";

#define AFTER UINT64_C(1893456000) /* 2030-01-01T00:00:00Z */

static const struct {
	const char *what, *names;
	uint64_t valid_after;
	const char *user, *left; /* NULL: nobody */
} cases[] = {
    {"a user", "a@x,user:u1,group:ops", 5, "u1", "a@x,user:u1,group:ops"},
    {"who left a group", "a@x,user:u1,group:ops,group:admins", 5, "u1",
	"a@x,user:u1,group:ops"},
    {"whose address is another", "old@x,user:u1", 5, "u1", "user:u1"},
    {"a principal that nobody told", "root,user:u1", 5, "u1", "user:u1"},
    {"two users", "user:u1,user:u2", AFTER + 1, "u1", "user:u1"},
    {"who left the network", "z@x,user:u9,group:ops", 5, NULL, NULL},
    {"no user", "a@x,group:ops", 5, NULL, NULL},
    {"a void one", "b@x,user:u2", AFTER - 1, NULL, NULL},
    {"of the last second", "b@x,user:u2", AFTER, NULL, NULL},
    {"of the next", "b@x,user:u2", AFTER + 1, "u2", "b@x,user:u2"},
    {"beyond time", "b@x,user:u2", UINT64_MAX, NULL, NULL},
    {"a time that is none", "c@x,user:u3", AFTER, NULL, NULL},
    {"no time", "d@x,user:u4", 0, "u4", "d@x,user:u4"},
};

static void
test_certificates(void **state)
{
	struct oe_roster *r = NULL;
	struct oe_jval *v = NULL;
	size_t i;

	(void)state;
	assert_int_equal(oe_jval_parse(text, strlen(text), &v, NULL), 0);
	assert_int_equal(oe_roster_read(v, &r, NULL), 0);
	oe_jval_free(&v);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct oe_mesh__network n = {
		    .roster = r, .network_id = "n", .device_id = "d"};
		struct oe_mesh__provider p = oe_mesh__identity_network(&n);
		struct oe_strs names = {NULL, 0}, left = {NULL, 0};
		struct oe_srv_identity id = {
		    .method = OE_SRV_METHOD_CERTIFICATE,
		    .cert_principals = &names,
		    .cert_valid_after_s = cases[i].valid_after,
		};
		struct oe_mesh__subject s;
		size_t k;

		print_message("%s\n", cases[i].what);
		oe_strs_split(&names, cases[i].names, ',');
		if (cases[i].left)
			oe_strs_split(&left, cases[i].left, ',');
		p.fill(p.self, &id, &s);
		if (!cases[i].user) {
			assert_null(s.s.user_id);
			assert_null(s.s.cert_principals);
			assert_int_equal(s.known, 0);
		} else {
			assert_string_equal(s.s.user_id, cases[i].user);
			assert_int_equal(s.known, OE_SRV_VOUCH_CERT);
			assert_int_equal(s.s.cert_principals->n, left.n);
			for (k = 0; k < left.n; k++)
				assert_string_equal(
				    s.s.cert_principals->v[k], left.v[k]);
		}
		oe_mesh__subject_done(&s);
		oe_strs_done(&names);
		oe_strs_done(&left);
	}
	oe_roster_free(&r);
}

static const char places_text[] =
    "{\"keys\":[],\"users\":[{\"id\":\"u1\"},{\"id\":\"u2\"}],\"devices\":["
    "{\"id\":\"us\",\"virtual_ip\":\"100.64.0.1\","
    "\"virtual_ip_v6\":\"fd00::1\",\"owner\":{\"id\":\"u1\"}},"
    "{\"id\":\"they\",\"virtual_ip\":\"100.64.0.2\","
    "\"virtual_ip_v6\":\"fd00::2\",\"owner\":{\"id\":\"u2\"}},"
    "{\"id\":\"gone\",\"virtual_ip\":\"100.64.0.3\","
    "\"owner\":{\"id\":\"u9\"}}]}";

static const struct {
	const char *what, *from, *to, *by, *mesh;
	bool shared, trust;
	const char *node, *user; /* NULL: nobody */
} places[] = {
    {"a device", "100.64.0.2", "100.64.0.1", "m0", "m0", false, false, "they",
	"u2"},
    {"by IPv6", "fd00::2", "fd00::1", "m0", "m0", false, false, "they", "u2"},
    {"by one to the other", "fd00::2", "100.64.0.1", "m0", "m0", false, false,
	"they", "u2"},
    {"on an Ethernet", "100.64.0.2", "100.64.0.1", "m0", "m0", true, false,
	NULL, NULL},
    {"with trust", "100.64.0.2", "100.64.0.1", "m0", "m0", true, true, "they",
	"u2"},
    {"trust is no other interface", "100.64.0.2", "100.64.0.1", "e0", "m0",
	true, true, NULL, NULL},
    {"another interface", "100.64.0.2", "100.64.0.1", "e0", "m0", false, false,
	NULL, NULL},
    {"none that is known", "100.64.0.2", "100.64.0.1", NULL, "m0", false, false,
	NULL, NULL},
    {"no mesh", "100.64.0.2", "100.64.0.1", "m0", NULL, false, true, NULL,
	NULL},
    {"neither", "100.64.0.2", "100.64.0.1", NULL, NULL, false, true, NULL,
	NULL},
    {"to another address of ours", "100.64.0.2", "10.0.0.1", "m0", "m0", false,
	false, NULL, NULL},
    {"ourselves", "100.64.0.1", "100.64.0.1", "m0", "m0", false, true, NULL,
	NULL},
    {"ourselves by IPv6", "fd00::1", "fd00::1", "m0", "m0", false, true, NULL,
	NULL},
    {"nobody's", "100.64.0.9", "100.64.0.1", "m0", "m0", false, false, NULL,
	NULL},
    {"an owner who has left", "100.64.0.3", "100.64.0.1", "m0", "m0", false,
	false, "gone", NULL},
};

static void
check_place(const struct oe_roster *r, size_t i)
{
	const struct oe_mesh__network n = {
	    .roster = r,
	    .network_id = "n",
	    .device_id = "us",
	    .interface = places[i].mesh,
	    .trust_members = places[i].trust,
	};
	struct oe_mesh__provider p = oe_mesh__identity_network(&n);
	struct oe_addr from, to;
	const struct oe_srv_identity id = {
	    .addr = &from,
	    .local_addr = &to,
	    .interface = places[i].by,
	    .shared_link = places[i].shared,
	    .method = OE_SRV_METHOD_NONE,
	};
	struct oe_mesh__subject s;

	print_message("%s\n", places[i].what);
	assert_int_equal(oe_addr_parse(places[i].from, &from, NULL), 0);
	assert_int_equal(oe_addr_parse(places[i].to, &to, NULL), 0);
	p.fill(p.self, &id, &s);
	assert_true(oe_str_eq(s.s.node_id, places[i].node));
	assert_true(oe_str_eq(s.s.user_id, places[i].user));
	assert_int_equal(s.known, places[i].user ? OE_SRV_VOUCH_PLACE : 0);
	oe_mesh__subject_done(&s);
}

static void
test_places(void **state)
{
	struct oe_roster *r = NULL;
	struct oe_jval *v = NULL;
	size_t i;

	(void)state;
	assert_int_equal(
	    oe_jval_parse(places_text, strlen(places_text), &v, NULL), 0);
	assert_int_equal(oe_roster_read(v, &r, NULL), 0);
	oe_jval_free(&v);
	for (i = 0; i < sizeof places / sizeof *places; i++)
		check_place(r, i);
	oe_roster_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
