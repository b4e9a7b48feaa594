/* SPDX-License-Identifier: Apache-2.0 */
#include "control/auth.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "control/jwt.h"
#include "control/server.h"
#include "control/tokens.h"
#include "core/base/crypto.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

/* Passwords that may wait for their turn: each occupies a worker. */
#define HASHING_WAITERS 2
#define REFRESH_LEN     64 /* hex digits, as the real service has them */
#define ID_RANDOM       20

struct oe_ctl_auth {
	struct oe_ctl_store *store;
	struct oe_ctl_auth_plan plan;
	struct oe_ctl_throttle *throttle;
	struct oe_ctl_tokens_cache *tokens;
	uint8_t jwt_key[OE_HMAC_SHA512_SIZE];
	char nobody[OE_PASSWORD_HASH_MAX]; /* of no password at all */
	pthread_mutex_t lock;
	pthread_cond_t turn;
	unsigned hashing, waiting;
};

void
oe_ctl_hash_text(const char *text, char ret[OE_CTL_HASH_SIZE])
{
	uint8_t hash[OE_SHA256_SIZE];

	oe_sha256(text, strlen(text), hash);
	oe_hex_put(hash, sizeof hash, ret);
}

/* A hash that is verified for accounts that do not exist. */
static int
make_nobody(struct oe_ctl_auth *a, struct oe_err *err)
{
	char password[33];

	oe_random_text(password, sizeof password - 1);
	return oe_password_hash(password, a->nobody, err);
}

int
oe_ctl_auth_new(struct oe_ctl_store *store, const struct oe_ctl_auth_plan *plan,
    struct oe_ctl_auth **ret, struct oe_err *err)
{
	static const char label[] = "omniedge access tokens 1";
	struct oe_ctl_auth *a = oe_mem_zalloc(sizeof *a);
	uint8_t secret[32];
	int r;

	a->store = store;
	a->plan = *plan;
	a->throttle = oe_ctl_throttle_new();
	a->tokens = oe_ctl_tokens_new();
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->turn, NULL);
	r = oe_ctl_store_secret(store, "jwt", secret, err);
	if (r == 0)
		r = make_nobody(a, err);
	if (r < 0) {
		oe_ctl_auth_free(&a);
		return r;
	}
	/* RFC 7518 wants a key as long as the hash */
	oe_hmac_sha512(
	    secret, sizeof secret, label, sizeof label - 1, a->jwt_key);
	oe_mem_wipe(secret, sizeof secret);
	*ret = a;
	return 0;
}

void
oe_ctl_auth_free(struct oe_ctl_auth **a)
{
	if (!*a)
		return;
	oe_ctl_throttle_free(&(*a)->throttle);
	oe_ctl_tokens_free(&(*a)->tokens);
	pthread_cond_destroy(&(*a)->turn);
	pthread_mutex_destroy(&(*a)->lock);
	oe_mem_wipe((*a)->jwt_key, sizeof(*a)->jwt_key);
	oe_mem_free(a);
}

struct oe_ctl_throttle *
oe_ctl_auth_throttle(struct oe_ctl_auth *a)
{
	return a->throttle;
}

void
oe_ctl_auth_forget(struct oe_ctl_auth *a, const char *id)
{
	oe_ctl_tokens_forget(a->tokens, id);
}

const char *
oe_ctl_auth_bearer(const char *header)
{
	if (!header || strncasecmp(header, "bearer ", 7) != 0)
		return NULL;
	header += 7;
	return *header && !strpbrk(header, " \t,") ? header : NULL;
}

bool
oe_ctl_auth_plausible(
    const struct oe_ctl_auth *a, const char *header, int64_t now_ms)
{
	const char *token = oe_ctl_auth_bearer(header);

	return token && oe_ctl_jwt_check(a->jwt_key, token, now_ms / 1000);
}

static void
caller_of(const struct oe_ctl_user *u, const struct oe_ctl_tokens *t,
    struct oe_ctl_caller *ret)
{
	memset(ret, 0, sizeof *ret);
	(void)oe_str_copy(ret->id, sizeof ret->id, u->id);
	(void)oe_str_copy(ret->email, sizeof ret->email, u->email);
	(void)oe_str_copy(ret->name, sizeof ret->name, u->name);
	(void)oe_str_copy(ret->token_id, sizeof ret->token_id, t->family);
	ret->by_key = t->key_id[0] != '\0';
	ret->server_admin = u->server_admin;
	ret->one_time = u->one_time;
}

int
oe_ctl_auth_caller(struct oe_ctl_call *call, struct oe_ctl_caller *ret)
{
	struct oe_ctl_auth *a = call->server->auth;
	uint8_t hash[OE_SHA256_SIZE];
	char hex[OE_CTL_HASH_SIZE];
	struct oe_ctl_tokens t;
	struct oe_ctl_user u;
	int64_t until_ms;
	uint64_t epoch = 0;
	int r;

	if (!call->token)
		return OE_EAUTH;
	oe_sha256(call->token, strlen(call->token), hash);
	if (oe_ctl_tokens_get(a->tokens, hash, call->now_ms, ret, &epoch)) {
		call->server->metrics.tokens_cached++;
		return 0;
	}
	if (!oe_ctl_jwt_check(a->jwt_key, call->token, call->now_ms / 1000))
		return OE_EAUTH;
	oe_hex_put(hash, sizeof hash, hex);
	r = oe_ctl_store_tokens_find(
	    a->store, hex, call->now_ms, &t, &u, &call->err);
	if (r < 0)
		return r == OE_ENOENT ? OE_EAUTH : r;
	if (u.blocked)
		return OE_EAUTH;
	caller_of(&u, &t, ret);
	until_ms = call->now_ms + OE_CTL_TOKENS_FRESH_MS;
	if (until_ms > t.access_until_ms)
		until_ms = t.access_until_ms;
	oe_ctl_tokens_put(a->tokens, hash, until_ms, ret, epoch);
	return 0;
}

/* Fill everything of a pair but whose it is. */
static void
make_pair(struct oe_ctl_auth *a, int64_t now_ms, struct oe_ctl_tokens *t,
    struct oe_ctl_pair_of_tokens *ret)
{
	uint8_t bytes[REFRESH_LEN / 2];
	char refresh[REFRESH_LEN + 1];

	memset(t, 0, sizeof *t);
	memcpy(t->id, "tok_", 4);
	oe_random_text(t->id + 4, ID_RANDOM);
	t->created_ms = now_ms;
	t->access_until_ms = now_ms + a->plan.access_s * 1000;
	t->refresh_until_ms = now_ms + a->plan.refresh_s * 1000;
	oe_random_bytes(bytes, sizeof bytes);
	oe_hex_put(bytes, sizeof bytes, refresh);
	oe_ctl_hash_text(refresh, t->refresh);
	ret->refresh = oe_mem_strdup(refresh);
	oe_mem_wipe(refresh, sizeof refresh);
	oe_mem_wipe(bytes, sizeof bytes);
	ret->access_until_ms = t->access_until_ms;
	ret->expires_in_s = a->plan.access_s;
}

/* The access token of @u; its hash goes to @t. */
static void
make_access(struct oe_ctl_auth *a, const struct oe_ctl_user *u,
    struct oe_ctl_tokens *t, struct oe_ctl_pair_of_tokens *ret)
{
	struct oe_ctl_jwt claims = {.user_id = u->id,
	    .name = u->name,
	    .email = u->email,
	    .id = t->id,
	    .issued_s = t->created_ms / 1000,
	    .expires_s = t->access_until_ms / 1000};

	ret->access = oe_ctl_jwt_make(a->jwt_key, &claims);
	oe_ctl_hash_text(ret->access, t->access);
}

void
oe_ctl_auth_pair_done(struct oe_ctl_pair_of_tokens *p)
{
	oe_mem_free_secret(&p->access);
	oe_mem_free_secret(&p->refresh);
}

int
oe_ctl_auth_issue(struct oe_ctl_call *call, const struct oe_ctl_user *user,
    const struct oe_ctl_tokens *by, struct oe_ctl_pair_of_tokens *ret)
{
	struct oe_ctl_auth *a = call->server->auth;
	struct oe_ctl_pair_of_tokens p = {.access = NULL};
	struct oe_ctl_tokens t;
	int r;

	make_pair(a, call->now_ms, &t, &p);
	memcpy(t.family, t.id, sizeof t.family);
	memcpy(t.user_id, user->id, sizeof t.user_id);
	if (by) {
		memcpy(t.key_id, by->key_id, sizeof t.key_id);
		t.key_used_up = by->key_used_up;
	}
	make_access(a, user, &t, &p);
	r = oe_ctl_store_tokens_add(a->store, &t, user, &call->err);
	if (r < 0)
		oe_ctl_auth_pair_done(&p);
	else
		*ret = p;
	return r == OE_ENOENT ? OE_EAUTH : r;
}

static void
tell_reused(struct oe_ctl_call *call, const struct oe_ctl_tokens *t)
{
	struct oe_event e;

	call->server->metrics.refresh_reused++;
	oe_ctl_event(&e, call, "control.refresh_reused");
	oe_event_str(&e, "user_id", t->user_id);
	oe_event_str(&e, "family", t->family);
	oe_ctl_event_end(&e, call);
}

int
oe_ctl_auth_refresh(struct oe_ctl_call *call, const char *refresh,
    struct oe_ctl_pair_of_tokens *ret)
{
	struct oe_ctl_auth *a = call->server->auth;
	struct oe_ctl_pair_of_tokens p = {.access = NULL};
	char hash[OE_CTL_HASH_SIZE];
	struct oe_ctl_tokens t;
	struct oe_ctl_user u;
	int r;

	oe_ctl_hash_text(refresh, hash);
	make_pair(a, call->now_ms, &t, &p);
	/* whose it is stands in the new token, so it is asked before */
	r = oe_ctl_store_tokens_owner(
	    a->store, hash, call->now_ms, &u, &call->err);
	if (r == 0) {
		make_access(a, &u, &t, &p);
		r = oe_ctl_store_tokens_refresh(
		    a->store, hash, call->now_ms, &t, &u, &call->err);
	}
	if (r == OE_EPERM)
		tell_reused(call, &t);
	if (r == 0 || r == OE_EPERM)
		oe_ctl_tokens_forget(a->tokens, t.user_id);
	if (r < 0)
		oe_ctl_auth_pair_done(&p);
	else
		*ret = p;
	return r == OE_EPERM || r == OE_ENOENT ? OE_EAUTH : r;
}

void
oe_ctl_auth_mac(const struct oe_ctl_auth *a, const char *text,
    char ret[2 * OE_HMAC_SHA512_SIZE + 1])
{
	uint8_t mac[OE_HMAC_SHA512_SIZE];

	/* tokens begin with "ey" and hold a dot: no text of ours does */
	oe_hmac_sha512(a->jwt_key, sizeof a->jwt_key, text, strlen(text), mac);
	oe_hex_put(mac, sizeof mac, ret);
}

int
oe_ctl_auth_too_often(struct oe_ctl_call *call)
{
	if (call->reply.retry_after_s <= 0)
		call->reply.retry_after_s = 1;
	return oe_ctl_fail(call, 429, "E_TOO_MANY_REQUESTS",
	    "Too many attempts; try again later", NULL);
}

/* Wait for a turn to hash; false: too many wait already. */
static bool
hashing_begin(struct oe_ctl_auth *a)
{
	bool ok;

	pthread_mutex_lock(&a->lock);
	ok = a->hashing < a->plan.hashing || a->waiting < HASHING_WAITERS;
	if (ok) {
		a->waiting++;
		while (a->hashing >= a->plan.hashing)
			pthread_cond_wait(&a->turn, &a->lock);
		a->waiting--;
		a->hashing++;
	}
	pthread_mutex_unlock(&a->lock);
	return ok;
}

static void
hashing_end(struct oe_ctl_auth *a)
{
	pthread_mutex_lock(&a->lock);
	a->hashing--;
	pthread_cond_signal(&a->turn);
	pthread_mutex_unlock(&a->lock);
}

int
oe_ctl_auth_hash(struct oe_ctl_call *call, const char *password,
    char ret[OE_PASSWORD_HASH_MAX])
{
	struct oe_ctl_auth *a = call->server->auth;
	int r;

	if (!hashing_begin(a))
		return oe_err_set(&call->err, OE_EAGAIN, "busy; try again");
	r = oe_password_hash(password, ret, &call->err);
	hashing_end(a);
	return r;
}

/* A try at a password. */
struct attempt {
	const char *email, *source;
	char pair[256 + sizeof((struct oe_ctl_client *)NULL)->source];
	bool known; /* counted as one of a pair */
};

/*
 * The address comes first: somebody who has to wait there does not get to
 * make other people wait.  OE_EAGAIN when it is too early.
 */
static int
may_try(struct oe_ctl_call *call, struct attempt *t)
{
	struct oe_ctl_throttle *th = call->server->auth->throttle;
	int64_t now = oe_time_mono_ms(), wait;

	snprintf(t->pair, sizeof t->pair, "%s %s", t->source, t->email);
	wait = oe_ctl_throttle_try(th, OE_CTL_THROTTLE_ADDRESS, t->source, now);
	if (wait == 0) {
		wait = oe_ctl_throttle_try(
		    th, OE_CTL_THROTTLE_KNOWN, t->pair, now);
		t->known = wait >= 0;
		if (!t->known)
			wait = oe_ctl_throttle_try(
			    th, OE_CTL_THROTTLE_ACCOUNT, t->email, now);
	}
	if (wait == 0)
		return 0;
	call->reply.retry_after_s = (int)((wait + 999) / 1000);
	return OE_EAGAIN;
}

/* The server was too busy to look: that is nobody's failure. */
static void
not_tried(struct oe_ctl_auth *a, const struct attempt *t)
{
	oe_ctl_throttle_undo(a->throttle, OE_CTL_THROTTLE_ADDRESS, t->source);
	if (t->known)
		oe_ctl_throttle_undo(
		    a->throttle, OE_CTL_THROTTLE_KNOWN, t->pair);
	else
		oe_ctl_throttle_undo(
		    a->throttle, OE_CTL_THROTTLE_ACCOUNT, t->email);
}

static void
was_good(struct oe_ctl_auth *a, const struct attempt *t)
{
	int64_t now = oe_time_mono_ms();

	/* others who guess at the account are not forgiven with it */
	if (!t->known)
		oe_ctl_throttle_good(
		    a->throttle, OE_CTL_THROTTLE_ACCOUNT, t->email, now);
	oe_ctl_throttle_good(a->throttle, OE_CTL_THROTTLE_KNOWN, t->pair, now);
	oe_ctl_throttle_good(
	    a->throttle, OE_CTL_THROTTLE_ADDRESS, t->source, now);
}

int
oe_ctl_auth_password(struct oe_ctl_call *call, const char *email,
    const char *password, struct oe_ctl_user *ret, bool *ret_known)
{
	struct oe_ctl_auth *a = call->server->auth;
	struct attempt t = {.email = email, .source = call->client.source};
	struct oe_ctl_user u = {.id = ""};
	bool fits;
	int r;

	r = may_try(call, &t);
	if (r < 0)
		return r;
	r = oe_ctl_store_user_by_email(a->store, email, &u, &call->err);
	if (r < 0 && r != OE_ENOENT)
		return r;
	*ret_known = r == 0 && u.password[0];
	if (!hashing_begin(a)) {
		not_tried(a, &t);
		oe_mem_wipe(&u, sizeof u);
		return OE_EAGAIN;
	}
	fits =
	    oe_password_verify(password, *ret_known ? u.password : a->nobody);
	hashing_end(a);
	if (!fits || !*ret_known || u.blocked) {
		oe_mem_wipe(&u, sizeof u);
		return OE_EAUTH;
	}
	was_good(a, &t);
	*ret = u;
	oe_mem_wipe(&u, sizeof u);
	return 0;
}
