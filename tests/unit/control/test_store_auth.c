/* SPDX-License-Identifier: Apache-2.0 */
/* Users, tokens, security keys and grants, on both stores. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "stores.h"
#include "control/store_sweep.h"
#include "control/store_users.h"
#include "core/base/str.h"

#define NOW  INT64_C(1800000000000)
#define HOUR INT64_C(3600000)

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
is_rc(int got, int want)
{
	if (got != want)
		fail_msg("%d instead of %d: %s", got, want, err.msg);
}

static void
add_user(struct oe_ctl_store *s, const char *id, const char *email)
{
	struct oe_ctl_user u = {.one_time = true};

	(void)oe_str_copy(u.id, sizeof(u.id), id);
	(void)oe_str_copy(u.email, sizeof(u.email), email);
	(void)oe_str_copy(u.name, sizeof(u.name), "Somebody");
	(void)oe_str_copy(u.password, sizeof(u.password), "hash");
	is_rc(oe_ctl_store_user_add(s, &u, NOW, &err), 0);
}

static void
exec(struct oe_ctl_store *s, const char *sql)
{
	struct oe_ctl_tx *tx = NULL;

	is_rc(oe_ctl_begin(s, OE_CTL_WRITE, &tx, &err), 0);
	is_rc(oe_ctl_db_exec(tx, sql, NULL, NULL, &err), 0);
	is_rc(oe_ctl_commit(&tx, &err), 0);
}

/* Tokens named after @name; they live for one and for ten hours. */
static struct oe_ctl_tokens
tokens(const char *user, const char *name)
{
	struct oe_ctl_tokens t = {.access_until_ms = NOW + HOUR,
	    .refresh_until_ms = NOW + 10 * HOUR,
	    .created_ms = NOW};

	(void)oe_str_copy(t.id, sizeof(t.id), name);
	(void)oe_str_copy(t.family, sizeof(t.family), name);
	(void)oe_str_copy(t.user_id, sizeof(t.user_id), user);
	snprintf(t.access, sizeof(t.access), "a-%s", name);
	snprintf(t.refresh, sizeof(t.refresh), "r-%s", name);
	return t;
}

/* Where nothing happened between a check and the tokens for it. */
static int
log_in(struct oe_ctl_store *s, const struct oe_ctl_tokens *t)
{
	struct oe_ctl_user u;

	is_rc(oe_ctl_store_user_by_id(s, t->user_id, &u, &err), 0);
	return oe_ctl_store_tokens_add(s, t, &u, &err);
}

static void
test_users(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_user u;
	enum oe_ctl_role role;
	bool admin = true;

	add_user(s, "usr_1", "one@example.org");
	is_rc(oe_ctl_store_user_by_email(s, "one@example.org", &u, &err), 0);
	assert_string_equal(u.id, "usr_1");
	assert_string_equal(u.password, "hash");
	assert_true(u.one_time && !u.blocked && !u.server_admin);
	is_rc(oe_ctl_store_user_by_id(s, "usr_1", &u, &err), 0);
	is_rc(oe_ctl_store_user_by_id(s, "usr_x", &u, &err), OE_ENOENT);
	is_rc(oe_ctl_store_user_add(s, &u, NOW, &err), OE_EEXIST);
	is_rc(oe_ctl_store_has_admin(s, &admin, &err), 0);
	assert_false(admin);
	is_rc(oe_ctl_store_role(s, "vnw_x", "usr_1", &role, &err), 0);
	assert_int_equal(role, OE_CTL_ROLE_NONE);
	is_rc(oe_ctl_store_user_password(s, "usr_x", "new", false, "", &err),
	    OE_ENOENT);
	oe_ctl_store_close(&s);
}

static void
test_tokens(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tokens t, next, found;
	struct oe_ctl_user u;

	add_user(s, "usr_2", "two@example.org");
	t = tokens("usr_2", "t1");
	is_rc(log_in(s, &t), 0);
	is_rc(oe_ctl_store_tokens_find(s, "a-t1", NOW, &found, &u, &err), 0);
	assert_string_equal(found.family, "t1");
	assert_string_equal(u.id, "usr_2");
	is_rc(oe_ctl_store_tokens_find(s, "a-t1", NOW + HOUR, &found, &u, &err),
	    OE_ENOENT);
	/* a refresh ends the pair, and can be used once */
	next = tokens("", "t2");
	is_rc(oe_ctl_store_tokens_refresh(s, "r-t1", NOW, &next, &u, &err), 0);
	assert_string_equal(next.family, "t1");
	assert_string_equal(next.user_id, "usr_2");
	is_rc(oe_ctl_store_tokens_find(s, "a-t1", NOW, &found, &u, &err),
	    OE_ENOENT);
	is_rc(oe_ctl_store_tokens_find(s, "a-t2", NOW, &found, &u, &err), 0);
	next = tokens("", "t3");
	is_rc(oe_ctl_store_tokens_refresh(s, "r-x", NOW, &next, &u, &err),
	    OE_ENOENT);
	is_rc(oe_ctl_store_tokens_refresh(s, "r-t1", NOW, &next, &u, &err),
	    OE_EPERM);
	assert_string_equal(next.family, "t1");
	/* ... and with it all that came of the login */
	is_rc(oe_ctl_store_tokens_find(s, "a-t2", NOW, &found, &u, &err),
	    OE_ENOENT);
	is_rc(oe_ctl_store_tokens_refresh(s, "r-t2", NOW, &next, &u, &err),
	    OE_ENOENT);
	oe_ctl_store_close(&s);
}

static void
test_ends(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tokens t, found;
	struct oe_ctl_user u;

	add_user(s, "usr_3", "three@example.org");
	t = tokens("usr_3", "e1");
	is_rc(log_in(s, &t), 0);
	t = tokens("usr_3", "e2");
	is_rc(log_in(s, &t), 0);
	is_rc(oe_ctl_store_user_password(s, "usr_3", "new", false, "e2", &err),
	    0);
	is_rc(oe_ctl_store_tokens_find(s, "a-e1", NOW, &found, &u, &err),
	    OE_ENOENT);
	is_rc(oe_ctl_store_tokens_find(s, "a-e2", NOW, &found, &u, &err), 0);
	assert_string_equal(u.password, "new");
	assert_false(u.one_time);
	exec(s, "UPDATE users SET status = 2 WHERE id = 'usr_3'");
	t = tokens("", "e3");
	is_rc(oe_ctl_store_tokens_refresh(s, "r-e2", NOW, &t, &u, &err),
	    OE_ENOENT);
	exec(s, "UPDATE users SET status = 1 WHERE id = 'usr_3'");
	is_rc(oe_ctl_store_tokens_end(s, "e2", &err), 0);
	is_rc(oe_ctl_store_tokens_end(s, "e2", &err), 0);
	is_rc(oe_ctl_store_tokens_find(s, "a-e2", NOW, &found, &u, &err),
	    OE_ENOENT);
	oe_ctl_store_close(&s);
}

static void
test_keys(void **state)
{
	const struct oe_ctl_keep forever = {0, 0};
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tokens t;
	struct oe_ctl_user u;
	bool more;

	add_user(s, "usr_4", "four@example.org");
	exec(s, "INSERT INTO security_keys (id, user_id, name, type, hash, "
		"expires_at, created_at) VALUES "
		"('k1', 'usr_4', 'n', 1, 'h1', 1800000001000, 1), "
		"('k2', 'usr_4', 'n', 2, 'h2', 1800000001000, 1), "
		"('k3', 'usr_4', 'n', 1, 'h3', 1800000000000, 1)");
	is_rc(oe_ctl_store_security_key_use(s, "h1", NOW, &u, &t, &err), 0);
	assert_string_equal(u.id, "usr_4");
	is_rc(oe_ctl_store_security_key_use(s, "h1", NOW, &u, &t, &err), 0);
	is_rc(oe_ctl_store_security_key_use(s, "h2", NOW, &u, &t, &err), 0);
	is_rc(oe_ctl_store_security_key_use(s, "h2", NOW, &u, &t, &err),
	    OE_ENOENT);
	is_rc(oe_ctl_store_security_key_use(s, "h3", NOW, &u, &t, &err),
	    OE_ENOENT);
	exec(s, "UPDATE users SET status = 2 WHERE id = 'usr_4'");
	is_rc(oe_ctl_store_security_key_use(s, "h1", NOW, &u, &t, &err),
	    OE_ENOENT);
	is_rc(oe_ctl_store_sweep(s, &forever, NOW + HOUR, &more, &err), 0);
	exec(s, "UPDATE users SET status = 1 WHERE id = 'usr_4'");
	is_rc(oe_ctl_store_security_key_use(s, "h1", NOW, &u, &t, &err),
	    OE_ENOENT);
	oe_ctl_store_close(&s);
}

static void
end_key(struct oe_ctl_store *s, const char *user, const char *key)
{
	struct oe_ctl_tx *tx = NULL;

	is_rc(oe_ctl_begin(s, OE_CTL_WRITE, &tx, &err), 0);
	is_rc(oe_ctl_db_exec(tx, "DELETE FROM security_keys WHERE id = ?1",
		  OE_CTL_VALUES(oe_ctl_t(key)), NULL, &err),
	    0);
	is_rc(oe_ctl_tokens_end_key(tx, user, key, &err), 0);
	is_rc(oe_ctl_commit(&tx, &err), 0);
}

/* A key that is deleted takes along what came of it, refreshed or not. */
static void
test_key_ends(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tokens by, t, next, found;
	struct oe_ctl_user u;

	add_user(s, "usr_6", "six@example.org");
	exec(s, "INSERT INTO security_keys (id, user_id, name, type, hash, "
		"expires_at, created_at) VALUES "
		"('k4', 'usr_6', 'n', 1, 'h4', 1800000001000, 1), "
		"('k5', 'usr_6', 'n', 2, 'h5', 1800000001000, 1)");
	is_rc(oe_ctl_store_security_key_use(s, "h4", NOW, &u, &by, &err), 0);
	assert_string_equal(by.key_id, "k4");
	t = tokens("usr_6", "s1");
	memcpy(t.key_id, by.key_id, sizeof(t.key_id));
	is_rc(log_in(s, &t), 0);
	t = tokens("usr_6", "s2");
	is_rc(log_in(s, &t), 0);
	next = tokens("", "s3");
	is_rc(oe_ctl_store_tokens_refresh(s, "r-s1", NOW, &next, &u, &err), 0);
	is_rc(oe_ctl_store_tokens_find(s, "a-s3", NOW, &found, &u, &err), 0);
	assert_string_equal(found.key_id, "k4");
	end_key(s, "usr_6", "k4");
	is_rc(oe_ctl_store_tokens_find(s, "a-s3", NOW, &found, &u, &err),
	    OE_ENOENT);
	next = tokens("", "s4");
	is_rc(oe_ctl_store_tokens_refresh(s, "r-s3", NOW, &next, &u, &err),
	    OE_ENOENT);
	is_rc(oe_ctl_store_tokens_find(s, "a-s2", NOW, &found, &u, &err), 0);
	assert_string_equal(found.key_id, "");
	/* one that was for once is gone, and yet good for this login */
	is_rc(oe_ctl_store_security_key_use(s, "h5", NOW, &u, &by, &err), 0);
	t = tokens("usr_6", "s5");
	memcpy(t.key_id, by.key_id, sizeof(t.key_id));
	is_rc(log_in(s, &t), OE_ENOENT);
	t.key_used_up = by.key_used_up;
	is_rc(log_in(s, &t), 0);
	oe_ctl_store_close(&s);
}

/* Between a password that was right and the tokens for it. */
static void
test_late(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_tokens t;
	struct oe_ctl_user u;

	add_user(s, "usr_7", "seven@example.org");
	t = tokens("usr_7", "l1");
	is_rc(oe_ctl_store_user_by_id(s, "usr_7", &u, &err), 0);
	is_rc(
	    oe_ctl_store_user_password(s, "usr_7", "new", false, "", &err), 0);
	is_rc(oe_ctl_store_tokens_add(s, &t, &u, &err), OE_ENOENT);
	is_rc(oe_ctl_store_user_by_id(s, "usr_7", &u, &err), 0);
	exec(s, "UPDATE users SET status = 2 WHERE id = 'usr_7'");
	is_rc(oe_ctl_store_tokens_add(s, &t, &u, &err), OE_ENOENT);
	exec(s, "UPDATE users SET status = 1 WHERE id = 'usr_7'");
	is_rc(oe_ctl_store_tokens_add(s, &t, &u, &err), 0);
	oe_ctl_store_close(&s);
}

static struct oe_ctl_grant
grant(const char *name)
{
	struct oe_ctl_grant g = {.until_ms = NOW + HOUR, .polled_ms = 5};

	snprintf(g.device_code, sizeof(g.device_code), "d-%s", name);
	snprintf(g.user_code, sizeof(g.user_code), "u-%s", name);
	(void)oe_str_copy(g.client_id, sizeof(g.client_id), "cli");
	(void)oe_str_copy(g.address, sizeof(g.address), "192.0.2.1");
	return g;
}

static void
test_grants(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	struct oe_ctl_grant g = grant("1"), got;

	add_user(s, "usr_5", "five@example.org");
	is_rc(oe_ctl_store_grant_add(s, &g, &err), 0);
	is_rc(oe_ctl_store_grant_add(s, &g, &err), OE_EEXIST);
	is_rc(oe_ctl_store_grant_show(s, "u-1", NOW, &got, &err), 0);
	assert_string_equal(got.address, "192.0.2.1");
	is_rc(oe_ctl_store_grant_poll(s, "d-1", NOW, &got, &err), 0);
	assert_int_equal(got.state, OE_CTL_GRANT_PENDING);
	assert_int_equal(got.polled_ms, 5);
	is_rc(oe_ctl_store_grant_poll(s, "d-1", NOW, &got, &err), 0);
	assert_int_equal(got.polled_ms, NOW);
	is_rc(oe_ctl_store_grant_decide(
		  s, "u-1", "usr_5", true, NOW + HOUR, &err),
	    OE_ENOENT);
	is_rc(oe_ctl_store_grant_decide(s, "u-1", "usr_5", true, NOW, &err), 0);
	is_rc(oe_ctl_store_grant_decide(s, "u-1", "usr_5", false, NOW, &err),
	    OE_ENOENT);
	is_rc(oe_ctl_store_grant_show(s, "u-1", NOW, &got, &err), OE_ENOENT);
	is_rc(oe_ctl_store_grant_poll(s, "d-1", NOW, &got, &err), 0);
	assert_int_equal(got.state, OE_CTL_GRANT_ALLOWED);
	assert_string_equal(got.user_id, "usr_5");
	is_rc(oe_ctl_store_grant_poll(s, "d-1", NOW, &got, &err), OE_ENOENT);
	oe_ctl_store_close(&s);
}

static void
test_secrets(void **state)
{
	struct oe_ctl_store *s = open_store(state);
	uint8_t a[32], b[32], other[32];

	is_rc(oe_ctl_store_secret(s, "signing", a, &err), 0);
	is_rc(oe_ctl_store_secret(s, "signing", b, &err), 0);
	is_rc(oe_ctl_store_secret(s, "jwt", other, &err), 0);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, other, sizeof(a));
	exec(s, "UPDATE settings SET value = 'x' WHERE name = 'jwt'");
	is_rc(oe_ctl_store_secret(s, "jwt", other, &err), OE_ECONF);
	exec(s, "DELETE FROM settings WHERE name = 'jwt'");
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
	    BOTH(test_users),
	    BOTH(test_tokens),
	    BOTH(test_ends),
	    BOTH(test_keys),
	    BOTH(test_key_ends),
	    BOTH(test_late),
	    BOTH(test_grants),
	    BOTH(test_secrets),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
