/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is behind a key and an address, by a directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/jval.h"
#include "core/ssh/pubkey.h"
#include "mesh/roster.h"

#define KEY_1                                                                  \
	"ssh-ed25519 "                                                         \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
#define KEY_2                                                                  \
	"ssh-ed25519 "                                                         \
	"AAAAC3NzaC1lZDI1NTE5AAAAICAfHh0cGxoZGBcWFRQTEhEQDw4NDAsKCQgHBgUEAwIB"
#define NOW 1700000000

static const char text[] =
    "{\"devices\":["
    "{\"id\":\"d2\",\"name\":\"b\",\"virtual_ip\":\"10.1.0.2\","
    "\"owner\":{\"id\":\"u1\"},\"tags\":[\"t\",7]},"
    "{\"id\":\"d1\",\"virtual_ip\":\"10.1.0.1\","
    "\"virtual_ip_v6\":\"fd00::1\"},"
    "{\"id\":\"d3\",\"virtual_ip\":\"10.1.0.9\"},"
    "{\"id\":\"d4\",\"virtual_ip\":\"10.1.0.9\"},"
    "{\"id\":\"d5\",\"virtual_ip\":\"10.1.0\"},{},7,null],"
    "\"users\":[{\"id\":\"u2\",\"email\":\"b@x\"},"
    "{\"id\":\"u1\",\"email\":\"a@x\",\"groups\":[\"g\"]},{}],"
    "\"keys\":[%s],\"user_ca\":[\"" KEY_2 "\"]}";

static struct oe_roster *
roster(const char *keys)
{
	char *all = malloc(sizeof text + strlen(keys));
	const char *at = strstr(text, "%s");
	struct oe_roster *r = NULL;
	struct oe_jval *v = NULL;

	memcpy(all, text, (size_t)(at - text));
	strcpy(all + (at - text), keys);
	strcat(all, at + 2);
	assert_int_equal(oe_jval_parse(all, strlen(all), &v, NULL), 0);
	assert_int_equal(oe_roster_read(v, &r, NULL), 0);
	oe_jval_free(&v);
	free(all);
	return r;
}

static const char *
owner_of(const char *keys, const char *line)
{
	static char found[16];
	struct oe_roster *r = roster(keys);
	const struct oe_roster_user *u;
	struct oe_pubkey key;
	int64_t until;
	char *print;

	assert_int_equal(oe_pubkey_parse_line(line, &key, NULL), 0);
	print = oe_pubkey_fingerprint(&key);
	u = oe_roster_key(r, print, NOW, &until);
	strcpy(found, u ? u->id : "");
	free(print);
	oe_pubkey_done(&key);
	oe_roster_free(&r);
	return found;
}

#define ROW(user, key, expires)                                                \
	"{\"user_id\":\"" user "\",\"key\":\"" key                             \
	"\",\"expires_at\":" expires "}"

static void
test_keys(void **state)
{
	static const struct {
		const char *keys, *key, *user;
	} cases[] = {
	    {"", KEY_1, ""},
	    {ROW("u1", KEY_1, "null"), KEY_1, "u1"},
	    {ROW("u1", KEY_1, "null"), KEY_2, ""},
	    {ROW("u1", KEY_1, "\"2023-01-01T00:00:00Z\""), KEY_1, ""},
	    {ROW("u1", KEY_1, "\"2099-01-01T00:00:00Z\""), KEY_1, "u1"},
	    {ROW("u1", KEY_1, "\"tomorrow\""), KEY_1, ""},
	    {ROW("u1", KEY_1, "7"), KEY_1, ""},
	    /* a user who is not there */
	    {ROW("u9", KEY_1, "null"), KEY_1, ""},
	    /* two who claim it, and one who does so twice */
	    {ROW("u1", KEY_1, "null") "," ROW("u2", KEY_1, "null"), KEY_1, ""},
	    {ROW("u1", KEY_1, "\"2023-01-01T00:00:00Z\"") "," ROW(
		 "u1", KEY_1, "null"),
		KEY_1, "u1"},
	    {ROW("u1", "nonsense", "null") ",7," ROW("u2", KEY_2, "null"),
		KEY_2, "u2"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(
		    owner_of(cases[i].keys, cases[i].key), cases[i].user);
}

static const char *
device_at(const struct oe_roster *r, const char *address)
{
	const struct oe_roster_device *d;
	struct oe_addr a;

	assert_int_equal(oe_addr_parse(address, &a, NULL), 0);
	d = oe_roster_at(r, &a);
	return d ? d->id : "";
}

static void
test_devices(void **state)
{
	struct oe_roster *r = roster("");
	const struct oe_roster_device *d;

	(void)state;
	assert_string_equal(device_at(r, "10.1.0.1"), "d1");
	assert_string_equal(device_at(r, "fd00::1"), "d1");
	assert_string_equal(device_at(r, "::ffff:10.1.0.2"), "d2");
	assert_string_equal(device_at(r, "10.1.0.3"), "");
	/* claimed by two */
	assert_string_equal(device_at(r, "10.1.0.9"), "");
	d = oe_roster_device(r, "d2");
	assert_non_null(d);
	assert_string_equal(d->owner_id, "u1");
	assert_int_equal(d->tags.n, 1);
	assert_null(oe_roster_device(r, "d9"));
	assert_null(oe_roster_device(r, NULL));
	assert_string_equal(oe_roster_user(r, "u1")->email, "a@x");
	assert_null(oe_roster_user(r, "u3"));
	assert_int_equal(oe_roster_authorities(r)->n, 1);
	oe_roster_free(&r);
}

static void
test_not_one(void **state)
{
	static const char *const bad[] = {"{}", "[]", "7",
	    "{\"devices\":[],\"users\":[]}",
	    "{\"devices\":{},\"users\":[],\"keys\":[]}"};
	struct oe_roster *r = NULL;
	struct oe_jval *v;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		v = NULL;
		assert_int_equal(
		    oe_jval_parse(bad[i], strlen(bad[i]), &v, NULL), 0);
		assert_true(oe_roster_read(v, &r, NULL) < 0);
		oe_jval_free(&v);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_devices),
	    cmocka_unit_test(test_not_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
