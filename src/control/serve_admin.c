/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sub-commands that work on the store themselves, served or not.
 */
#include <stdio.h>
#include <string.h>

#include "control/login.h"
#include "control/resource.h"
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

/* What a one-time password is for. */
#define SHOWN_ONCE                                                             \
	"It is shown this once; 'omniedge login' takes it and asks for "       \
	"another.\n"

static int
read_email(const char *text, char ret[256], struct oe_err *err)
{
	if (oe_ctl_email_read(text, ret))
		return 0;
	return oe_err_set(
	    err, OE_EUSAGE, "'%s' is no address such as ann@example.org", text);
}

/* A new one for @u, in clear in @password. */
static int
draw(struct oe_ctl_user *u, char *password, struct oe_err *err)
{
	u->one_time = true;
	oe_random_text(password, ONE_TIME_LEN);
	return oe_password_hash(password, u->password, err);
}

static int
fill_user(const char *email, struct oe_ctl_user *u, char *password,
    struct oe_err *err)
{
	int r;

	memset(u, 0, sizeof *u);
	r = read_email(email, u->email, err);
	if (r < 0)
		return r;
	memcpy(u->id, "usr_", 4);
	oe_random_text(u->id + 4, ID_RANDOM);
	return draw(u, password, err);
}

static int
fill_admin(const struct oe_ctx *ctx, struct oe_ctl_user *u, char *password,
    struct oe_err *err)
{
	const char *email = oe_values_str(ctx->values, "email");
	int r;

	if (!email)
		return oe_err_set(err, OE_EUSAGE,
		    "init needs the administrator's address: --email "
		    "ADMIN@EXAMPLE.ORG");
	r = fill_user(email, u, password, err);
	(void)oe_str_copy(u->name, sizeof u->name, "Administrator");
	u->server_admin = true;
	return r;
}

/*
 * As when an administrator does it by a call; whoever may write the store is
 * no user of it.
 */
static int
note(struct oe_ctl_store *s, const char *name, const char *user,
    struct oe_err *err)
{
	struct oe_ctl_call call = {.store = s, .err = OE_ERR_INIT};
	struct oe_ctl_tx *tx = NULL;
	int r = oe_ctl_begin(s, OE_CTL_WRITE, &tx, err);

	if (r == 0) {
		r = oe_ctl_audit(&call, tx, name, NULL, user, NULL);
		if (r < 0 && err)
			*err = call.err;
	}
	if (r == 0)
		r = oe_ctl_commit(&tx, err);
	oe_ctl_rollback(&tx);
	return r;
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
	if (r == 0)
		printf("administrator: %s\none-time password: %s\n" SHOWN_ONCE,
		    u.email, password);
	oe_mem_wipe(password, sizeof password);
	oe_mem_wipe(&u, sizeof u);
	return r;
}

static int
add_user(
    struct oe_ctl_store *s, const struct oe_ctl_user *u, struct oe_err *err)
{
	int r = oe_ctl_store_user_add(s, u, oe_time_wall_ms(), err);

	if (r == OE_EEXIST)
		return oe_err_set(
		    err, r, "there is a user %s already", u->email);
	return r < 0 ? r : note(s, "control.user.create", u->id, err);
}

static int
set_password(struct oe_ctl_store *s, struct oe_ctl_user *u, struct oe_err *err)
{
	int r =
	    oe_ctl_store_user_password(s, u->id, u->password, true, "", err);

	return r < 0 ? r : note(s, "control.user.password", u->id, err);
}

int
oe_ctl_admin_user(
    const struct oe_ctl_config *c, const char *email, struct oe_err *err)
{
	struct oe_ctl_store *store = NULL;
	char password[ONE_TIME_LEN + 1];
	struct oe_ctl_user u;
	int r = fill_user(email, &u, password, err);

	if (r == 0)
		r = oe_ctl_config_store(c, &store, err);
	if (r == 0)
		r = add_user(store, &u, err);
	oe_ctl_store_close(&store);
	if (r == 0)
		printf("user: %s\none-time password: %s\n" SHOWN_ONCE, u.email,
		    password);
	oe_mem_wipe(password, sizeof password);
	oe_mem_wipe(&u, sizeof u);
	return r;
}

int
oe_ctl_admin_password(
    const struct oe_ctl_config *c, const char *email, struct oe_err *err)
{
	struct oe_ctl_store *store = NULL;
	char password[ONE_TIME_LEN + 1] = "", address[256];
	struct oe_ctl_user u = {.id = ""};
	int r = read_email(email, address, err);

	if (r == 0)
		r = oe_ctl_config_store(c, &store, err);
	if (r == 0)
		r = oe_ctl_store_user_by_email(store, address, &u, err);
	if (r == OE_ENOENT)
		r = oe_err_set(err, r, "there is no user %s", address);
	if (r == 0)
		r = draw(&u, password, err);
	if (r == 0)
		r = set_password(store, &u, err);
	oe_ctl_store_close(&store);
	if (r == 0)
		printf("user: %s\none-time password: %s\n" SHOWN_ONCE, u.email,
		    password);
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
