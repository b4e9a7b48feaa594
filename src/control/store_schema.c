/* SPDX-License-Identifier: Apache-2.0 */
#include "control/store_schema.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"

#define SCHEMA_STATEMENT_MAX (16u * 1024)

/*
 * A migration that was released is never changed: what is wrong in it is put
 * right by the next.  Times (_at) are milliseconds since 1970.  Secrets that
 * are only compared (tokens, security keys, passwords) are hashed.
 */
static const char *const migration_1[] = {
    /* Keys of this service: what never leaves it. */
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT "
    "NULL){STRICT}",
    /*
     * status: 1 active, 2 blocked.  admin: of the whole service.  one_time:
     * the password must be changed first.
     */
    "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, "
    "name TEXT NOT NULL, picture TEXT, password TEXT, "
    "status {INTEGER} NOT NULL DEFAULT 1 CHECK (status IN (1, 2)), "
    "admin {INTEGER} NOT NULL DEFAULT 0 CHECK (admin IN (0, 1)), "
    "one_time {INTEGER} NOT NULL DEFAULT 0, "
    "device_limit {INTEGER} NOT NULL, network_limit {INTEGER} NOT NULL, "
    "created_at {INTEGER} NOT NULL, updated_at {INTEGER} NOT NULL){STRICT}",
    /*
     * A pair of tokens.  All pairs that come from one login are a family; a
     * refresh token that comes again after spent_at ends its family.
     */
    "CREATE TABLE tokens (id TEXT PRIMARY KEY, "
    "user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
    "family TEXT NOT NULL, access TEXT NOT NULL UNIQUE, "
    "refresh TEXT NOT NULL UNIQUE, "
    "access_expires_at {INTEGER} NOT NULL, "
    "refresh_expires_at {INTEGER} NOT NULL, spent_at {INTEGER}, "
    "created_at {INTEGER} NOT NULL){STRICT}",
    "CREATE INDEX tokens_family ON tokens (family)",
    "CREATE INDEX tokens_user ON tokens (user_id)",
    "CREATE INDEX tokens_expiry ON tokens (refresh_expires_at)",
    /* Browser logins (RFC 8628); state: enum oe_ctl_grant_state. */
    "CREATE TABLE grants (device_code TEXT PRIMARY KEY, "
    "user_code TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL, "
    "address TEXT NOT NULL, "
    "user_id TEXT REFERENCES users (id) ON DELETE CASCADE, "
    "state {INTEGER} NOT NULL, polled_at {INTEGER} NOT NULL, "
    "expires_at {INTEGER} NOT NULL){STRICT}",
    /* type: 1 permanent, 2 temporary, gone when it was used. */
    "CREATE TABLE security_keys (id TEXT PRIMARY KEY, "
    "user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
    "name TEXT NOT NULL, type {INTEGER} NOT NULL CHECK (type IN (1, 2)), "
    "hash TEXT NOT NULL UNIQUE, "
    "expires_at {INTEGER} NOT NULL, created_at {INTEGER} NOT NULL){STRICT}",
    "CREATE INDEX security_keys_user ON security_keys (user_id)",
    "CREATE TABLE servers (id TEXT PRIMARY KEY, name TEXT NOT NULL, "
    "host TEXT NOT NULL, country TEXT, type {INTEGER} NOT NULL DEFAULT 0, "
    "is_default {INTEGER} NOT NULL DEFAULT 0, "
    "created_at {INTEGER} NOT NULL){STRICT}",
    /*
     * changed: counts what the directory shows, which is made again when it
     * was made from an older count.
     */
    "CREATE TABLE networks (id TEXT PRIMARY KEY, name TEXT NOT NULL, "
    "ip_range TEXT NOT NULL, community TEXT NOT NULL UNIQUE, "
    "secret TEXT NOT NULL, server_id TEXT REFERENCES servers (id), "
    "owner_id TEXT NOT NULL REFERENCES users (id), "
    "changed {INTEGER} NOT NULL DEFAULT 1, "
    "created_at {INTEGER} NOT NULL){STRICT}",
    /* role: 1 user, 2 admin. */
    "CREATE TABLE members ("
    "network_id TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE, "
    "user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
    "role {INTEGER} NOT NULL CHECK (role IN (1, 2)), "
    "joined_at {INTEGER} NOT NULL, PRIMARY KEY (network_id, user_id)){STRICT}",
    "CREATE INDEX members_user ON members (user_id)",
    /* status: 1 pending, 2 accepted, 3 rejected. */
    "CREATE TABLE invitations (id TEXT PRIMARY KEY, "
    "network_id TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE, "
    "email TEXT NOT NULL, inviter_id TEXT NOT NULL REFERENCES users (id) "
    "ON DELETE CASCADE, status {INTEGER} NOT NULL DEFAULT 1, "
    "created_at {INTEGER} NOT NULL){STRICT}",
    "CREATE INDEX invitations_network ON invitations (network_id)",
    "CREATE INDEX invitations_email ON invitations (email)",
    "CREATE TABLE devices (id TEXT PRIMARY KEY, "
    "user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
    "name TEXT NOT NULL, hardware_id TEXT NOT NULL, platform TEXT NOT NULL, "
    "last_seen {INTEGER}, created_at {INTEGER} NOT NULL, "
    "UNIQUE (user_id, name, hardware_id, platform)){STRICT}",
    "CREATE INDEX devices_hardware ON devices (user_id, hardware_id)",
    "CREATE TABLE network_devices ("
    "network_id TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE, "
    "device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, "
    "virtual_ip TEXT NOT NULL, virtual_ip_v6 TEXT, "
    "joined_at {INTEGER} NOT NULL, PRIMARY KEY (network_id, device_id), "
    "UNIQUE (network_id, virtual_ip)){STRICT}",
    "CREATE INDEX network_devices_device ON network_devices (device_id)",
    NULL,
};

/*
 * The part of the API that is ours.  Tags and groups are a network's own: who
 * is an admin of one network grants nothing in another.
 */
static const char *const migration_2[] = {
    "CREATE TABLE tags (network_id TEXT NOT NULL, device_id TEXT NOT NULL, "
    "tag TEXT NOT NULL, PRIMARY KEY (network_id, device_id, tag), "
    "FOREIGN KEY (network_id, device_id) REFERENCES network_devices "
    "(network_id, device_id) ON DELETE CASCADE){STRICT}",
    "CREATE TABLE groups_of (network_id TEXT NOT NULL, "
    "user_id TEXT NOT NULL, name TEXT NOT NULL, "
    "PRIMARY KEY (network_id, user_id, name), "
    "FOREIGN KEY (network_id, user_id) REFERENCES members "
    "(network_id, user_id) ON DELETE CASCADE){STRICT}",
    "CREATE TABLE host_keys ("
    "device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, "
    "place {INTEGER} NOT NULL, key TEXT NOT NULL, "
    "fingerprint TEXT NOT NULL, PRIMARY KEY (device_id, place)){STRICT}",
    /* One key names one user: see handlers of /keys. */
    "CREATE TABLE user_keys (id TEXT PRIMARY KEY, "
    "user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, "
    "name TEXT NOT NULL, key TEXT NOT NULL, "
    "fingerprint TEXT NOT NULL UNIQUE, expires_at {INTEGER}, "
    "created_at {INTEGER} NOT NULL){STRICT}",
    "CREATE INDEX user_keys_user ON user_keys (user_id)",
    "CREATE TABLE certificates (serial {SERIAL}, user_id TEXT NOT NULL, "
    "network_id TEXT NOT NULL, fingerprint TEXT NOT NULL, "
    "principals TEXT NOT NULL, valid_before {INTEGER} NOT NULL, "
    "created_at {INTEGER} NOT NULL){STRICT}",
    /* The version in force, and some that were before it. */
    "CREATE TABLE policies ("
    "network_id TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE, "
    "version {INTEGER} NOT NULL, body TEXT NOT NULL, author_id TEXT NOT NULL, "
    "created_at {INTEGER} NOT NULL, PRIMARY KEY (network_id, version)){STRICT}",
    /* The signed document in force, as it is sent. */
    "CREATE TABLE documents (kind TEXT NOT NULL, "
    "network_id TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE, "
    "version {INTEGER} NOT NULL, issued_at {INTEGER} NOT NULL, "
    "content TEXT NOT NULL, PRIMARY KEY (kind, network_id)){STRICT}",
    /* uid is unique for a sender: nobody takes another's. */
    "CREATE TABLE events (seq {SERIAL}, sender_id TEXT NOT NULL, "
    "uid TEXT NOT NULL, network_id TEXT, device_id TEXT, name TEXT NOT NULL, "
    "conn TEXT, time_at {INTEGER} NOT NULL, received_at {INTEGER} NOT NULL, "
    "body TEXT NOT NULL, UNIQUE (sender_id, uid)){STRICT}",
    "CREATE INDEX events_network ON events (network_id, seq)",
    "CREATE INDEX events_conn ON events (network_id, conn)",
    "CREATE INDEX events_time ON events (network_id, time_at)",
    "CREATE TABLE sessions (id TEXT PRIMARY KEY, network_id TEXT NOT NULL, "
    "device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, "
    "conn TEXT NOT NULL, body TEXT NOT NULL, started_at {INTEGER} NOT NULL, "
    "seen_at {INTEGER} NOT NULL, ended_at {INTEGER}, "
    "UNIQUE (device_id, conn)){STRICT}",
    "CREATE INDEX sessions_network ON sessions (network_id, ended_at)",
    "CREATE TABLE orders (id TEXT PRIMARY KEY, "
    "device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE, "
    "kind TEXT NOT NULL, conn TEXT, reason TEXT, actor_id TEXT NOT NULL, "
    "created_at {INTEGER} NOT NULL){STRICT}",
    "CREATE INDEX orders_device ON orders (device_id)",
    NULL,
};

/* ssh_port: where the device's SSH server listens; 0: it has not told. */
static const char *const migration_3[] = {
    "ALTER TABLE devices ADD COLUMN ssh_port {INTEGER} NOT NULL DEFAULT 0",
    NULL,
};

/*
 * key_id: the security key that a login came by, also one that is gone.
 * certs_after: second since 1970; certificates of until then are void.
 */
static const char *const migration_4[] = {
    "ALTER TABLE tokens ADD COLUMN key_id TEXT",
    "ALTER TABLE users ADD COLUMN certs_after {INTEGER} NOT NULL DEFAULT 0",
    NULL,
};

/* Pages of a large network's devices are read in their order. */
static const char *const migration_5[] = {
    "CREATE INDEX network_devices_order ON network_devices (network_id, "
    "joined_at, device_id)",
    NULL,
};

static const char *const *const migrations[] = {
    migration_1, migration_2, migration_3, migration_4, migration_5};

int
oe_ctl_schema_version(void)
{
	return (int)(sizeof(migrations) / sizeof(*migrations));
}

/* The word of a dialect at "{WORD}", and how long that is in the text. */
static const char *
word(const char *at, const struct oe_ctl_dialect *dialect, size_t *ret_len)
{
	const struct {
		const char *name, *text;
	} words[] = {
	    {"{INTEGER}", dialect->integer},
	    {"{SERIAL}", dialect->serial},
	    {"{STRICT}", dialect->strict},
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(*words); i++) {
		*ret_len = strlen(words[i].name);
		if (!strncmp(at, words[i].name, *ret_len))
			return words[i].text;
	}
	return NULL;
}

char *
oe_ctl_schema_text(int version, size_t i, const struct oe_ctl_dialect *dialect)
{
	const char *at = migrations[version - 1][i], *text;
	struct oe_buf b;
	size_t n;
	char *ret;
	int rc = 0;

	if (at == NULL)
		return NULL;
	oe_buf_init(&b, SCHEMA_STATEMENT_MAX);
	while (*at) {
		text = *at == '{' ? word(at, dialect, &n) : NULL;
		if (text == NULL) {
			text = at;
			n = 1 + strcspn(at + 1, "{");
			rc |= oe_buf_put(&b, text, n);
		} else {
			rc |= oe_buf_put(&b, text, strlen(text));
		}
		at += n;
	}
	ret = rc ? NULL
		 : oe_mem_strndup((char *)oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
	return ret;
}
