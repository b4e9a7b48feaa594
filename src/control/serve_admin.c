/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sub-commands that work on the store while no request is served.
 */
#include <stdio.h>
#include <string.h>

#include "control/login.h"
#include "control/serve.h"
#include "control/store.h"
#include "control/store_auth.h"
#include "control/store_backup.h"
#include "core/app/command.h"
#include "core/base/crypto.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define ONE_TIME_LEN 20
#define ID_RANDOM    20

static int
fill_admin(const struct oe_ctx *ctx, struct oe_ctl_user *u, char *password,
    struct oe_err *err)
{
	const char *email = oe_values_str(ctx->values, "email");

	memset(u, 0, sizeof *u);
	if (!email || !oe_ctl_email_read(email, u->email))
		return oe_err_set(err, OE_EUSAGE,
		    "init needs the administrator's address: --email "
		    "ADMIN@EXAMPLE.ORG");
	memcpy(u->id, "usr_", 4);
	oe_random_text(u->id + 4, ID_RANDOM);
	(void)oe_str_copy(u->name, sizeof u->name, "Administrator");
	u->server_admin = u->one_time = true;
	oe_random_text(password, ONE_TIME_LEN);
	return oe_password_hash(password, u->password, err);
}

static int
add_admin(
    struct oe_ctl_store *s, const struct oe_ctl_user *u, struct oe_err *err)
{
	bool there = false;
	int r = oe_ctl_store_has_admin(s, &there, err);

	if (r == 0 && there)
		return oe_err_set(err, OE_EEXIST,
		    "there is an administrator already: nothing was changed");
	if (r == 0)
		r = oe_ctl_store_user_add(s, u, oe_time_wall_ms(), err);
	if (r == OE_EEXIST)
		return oe_err_set(
		    err, r, "there is a user %s already", u->email);
	return r;
}

int
oe_ctl_admin_init(
    const struct oe_ctx *ctx, const struct oe_ctl_config *c, struct oe_err *err)
{
	struct oe_ctl_store *store = NULL;
	char password[ONE_TIME_LEN + 1];
	struct oe_ctl_user u;
	int r;

	r = fill_admin(ctx, &u, password, err);
	if (r == 0)
		r = oe_ctl_config_store(c, &store, err);
	if (r == 0)
		r = add_admin(store, &u, err);
	oe_ctl_store_close(&store);
	if (r == 0) {
		printf("administrator: %s\none-time password: %s\n", u.email,
		    password);
		fputs("It is shown this once; 'omniedge login' takes it and "
		      "asks for another.\n",
		    stdout);
	}
	oe_mem_wipe(password, sizeof password);
	oe_mem_wipe(&u, sizeof u);
	return r;
}

int
oe_ctl_admin_migrate(const struct oe_ctl_config *c, struct oe_err *err)
{
	struct oe_ctl_store *store = NULL;
	int r = oe_ctl_config_store(c, &store, err);

	if (r == 0)
		printf("%s: up to date\n", oe_ctl_store_kind(store));
	oe_ctl_store_close(&store);
	return r;
}

int
oe_ctl_admin_backup(
    const struct oe_ctl_config *c, const char *file, struct oe_err *err)
{
	int r = oe_ctl_store_backup(c->database, file, err);

	if (r == 0)
		printf("%s: written; it holds secrets of this server\n", file);
	return r;
}

int
oe_ctl_admin_restore(
    const struct oe_ctl_config *c, const char *file, struct oe_err *err)
{
	int r = oe_ctl_config_dirs(c, err);

	if (r == 0)
		r = oe_ctl_store_restore(c->database, file, err);
	if (r == 0)
		printf("%s: restored; everybody has to log in again\n",
		    c->database);
	return r;
}
