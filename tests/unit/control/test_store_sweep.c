/* SPDX-License-Identifier: Apache-2.0 */
/* What has run out goes, and nothing else, on both stores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stores.h"
#include "control/store_sweep.h"

#define DAY INT64_C(86400000)
#define NOW (INT64_C(20000) * DAY)

static struct stores stores;
static struct oe_err err;

static struct oe_ctl_store *
open_store(void **state)
{
	const char *where = *(char **)*state;
	struct oe_ctl_store *s = NULL;

	if (where == NULL)
		skip();
	if (oe_ctl_store_open(where, &s, &err))
		fail_msg("%s: %s", where, err.msg);
	return s;
}

static void
exec(struct oe_ctl_store *s, const char *sql, int64_t at_ms)
{
	struct oe_ctl_tx *tx = NULL;
	int rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, &err);

	if (rc == 0)
		rc = oe_ctl_db_exec(
		    tx, sql, OE_CTL_VALUES(oe_ctl_i(at_ms)), NULL, &err);
	if (rc == 0)
		rc = oe_ctl_commit(&tx, &err);
	if (rc)
		fail_msg("%s: %s", sql, err.msg);
}

static int64_t
count(struct oe_ctl_store *s, const char *from)
{
	char *sql = oe_mem_printf("SELECT COUNT(*) FROM %s", from);
	struct oe_ctl_tx *tx = NULL;
	int64_t n = -1;

	assert_int_equal(oe_ctl_begin(s, OE_CTL_READ, &tx, &err), 0);
	assert_int_equal(oe_ctl_db_int(tx, sql, NULL, &n, &err), 0);
	oe_ctl_rollback(&tx);
	free(sql);
	return n;
}

static void
sweep(struct oe_ctl_store *s, int64_t keep_ms, int64_t max)
{
	const struct oe_ctl_keep keep = {keep_ms, max};
	bool more = true;

	while (more)
		if (oe_ctl_store_sweep(s, &keep, NOW, &more, &err))
			fail_msg("%s", err.msg);
}

/* @n events of a sender, received @at_ms and a millisecond later each. */
static void
add_events(struct oe_ctl_store *s, const char *sender, int n, int64_t at_ms)
{
	struct oe_ctl_tx *tx = NULL;
	char uid[32];
	int i, rc = oe_ctl_begin(s, OE_CTL_WRITE, &tx, &err);

	for (i = 0; rc == 0 && i < n; i++) {
		snprintf(uid, sizeof(uid), "%d-%lld", i, (long long)at_ms);
		rc = oe_ctl_db_exec(tx,
		    "INSERT INTO events (sender_id, uid, name, time_at, "
		    "received_at, body) VALUES (?1, ?2, 'e', ?3, ?3, '{}')",
		    OE_CTL_VALUES(
			oe_ctl_t(sender), oe_ctl_t(uid), oe_ctl_i(at_ms + i)),
		    NULL, &err);
	}
	if (rc == 0)
		rc = oe_ctl_commit(&tx, &err);
	if (rc)
		fail_msg("%s", err.msg);
}

static void
test_age(void **state)
{
	struct oe_ctl_store *s = open_store(state);

	exec(s, "DELETE FROM events WHERE ?1 > 0", 1);
	add_events(s, "usr_a", 1500, NOW - 91 * DAY);
	add_events(s, "control", 1500, NOW - 90 * DAY - 1499);
	add_events(s, "usr_a", 10, NOW - 89 * DAY);
	add_events(s, "control", 10, NOW - DAY);
	sweep(s, 0, 0);
	assert_int_equal(count(s, "events"), 3020);
	sweep(s, 90 * DAY, 0);
	assert_int_equal(count(s, "events"), 20);
	sweep(s, 90 * DAY, 0);
	assert_int_equal(count(s, "events"), 20);
	oe_ctl_store_close(&s);
}

/* Who floods the store pushes out their own events, and no others. */
static void
test_flood(void **state)
{
	struct oe_ctl_store *s = open_store(state);

	exec(s, "DELETE FROM events WHERE ?1 > 0", 1);
	add_events(s, "usr_quiet", 20, NOW - 5 * DAY);
	add_events(s, "control", 40, NOW - 4 * DAY);
	add_events(s, "usr_loud", 2500, NOW - 3 * DAY);
	add_events(s, "usr_even", 30, NOW - 2 * DAY);
	sweep(s, 90 * DAY, 30);
	assert_int_equal(count(s, "events WHERE sender_id = 'usr_quiet'"), 20);
	assert_int_equal(count(s, "events WHERE sender_id = 'control'"), 40);
	assert_int_equal(count(s, "events WHERE sender_id = 'usr_even'"), 30);
	assert_int_equal(count(s, "events WHERE sender_id = 'usr_loud'"), 30);
	/* the newest */
	assert_int_equal(
	    count(s, "events WHERE sender_id = 'usr_loud' AND received_at % "
		     "86400000 >= 2470"),
	    30);
	oe_ctl_store_close(&s);
}

static void
test_rest(void **state)
{
	static const struct {
		const char *sql, *table;
		int64_t gone_ms; /* the last time that goes */
	} cases[] = {
	    {"INSERT INTO certificates (user_id, network_id, fingerprint, "
	     "principals, valid_before, created_at) VALUES ('u', 'n', 'f', "
	     "'[]', ?1, 1)",
		"certificates", NOW - DAY},
	    {"INSERT INTO invitations (id, network_id, email, inviter_id, "
	     "status, created_at) VALUES ('p', 'n', 'e', 'u', 1, ?1)",
		"invitations", NOW - 30 * DAY},
	    {"INSERT INTO invitations (id, network_id, email, inviter_id, "
	     "status, created_at) VALUES ('a', 'n', 'e', 'u', 2, ?1)",
		"invitations", NOW - 90 * DAY},
	    {"INSERT INTO orders (id, device_id, kind, actor_id, created_at) "
	     "VALUES ('o', 'd', 'kill', 'u', ?1)",
		"orders", NOW - 7 * DAY},
	    {"INSERT INTO sessions (id, network_id, device_id, conn, body, "
	     "started_at, seen_at) VALUES ('s', 'n', 'd', 'c', '{}', 1, ?1)",
		"sessions", NOW - 90 * DAY},
	    {"INSERT INTO sessions (id, network_id, device_id, conn, body, "
	     "started_at, seen_at, ended_at) VALUES ('s', 'n', 'd', 'c', "
	     "'{}', 1, 1, ?1)",
		"sessions", NOW - 7 * DAY},
	};
	struct oe_ctl_store *s = open_store(state);
	size_t i;

	exec(s,
	    "INSERT INTO users (id, email, name, device_limit, network_limit, "
	    "created_at, updated_at) VALUES ('u', 'e', 'n', 1, 1, ?1, 1)",
	    1);
	exec(s,
	    "INSERT INTO networks (id, name, ip_range, community, secret, "
	    "owner_id, created_at) VALUES ('n', 'n', 'r', 'c', 's', 'u', ?1)",
	    1);
	exec(s,
	    "INSERT INTO devices (id, user_id, name, hardware_id, platform, "
	    "created_at) VALUES ('d', 'u', 'n', 'h', 'p', ?1)",
	    1);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		exec(s, cases[i].sql, cases[i].gone_ms + 1);
		sweep(s, 0, 0);
		assert_int_equal(count(s, cases[i].table), 1);
		exec(s, "DELETE FROM sessions WHERE ?1 > 0 AND device_id = 'd'",
		    1);
		exec(s, "DELETE FROM orders WHERE ?1 > 0", 1);
		exec(s, "DELETE FROM invitations WHERE ?1 > 0", 1);
		exec(s, "DELETE FROM certificates WHERE ?1 > 0", 1);
		exec(s, cases[i].sql, cases[i].gone_ms);
		sweep(s, 0, 0);
		assert_int_equal(count(s, cases[i].table), 0);
	}
	oe_ctl_store_close(&s);
}

static int
start(void **state)
{
	(void)state;
	return stores_start(&stores) ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	stores_stop(&stores);
	return 0;
}

#define BOTH(name)                                                             \
	{#name ": sqlite", name, NULL, NULL, &stores.sqlite},                  \
	{                                                                      \
#name ": postgresql", name, NULL, NULL, &stores.postgres       \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(test_age),
	    BOTH(test_flood),
	    BOTH(test_rest),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
