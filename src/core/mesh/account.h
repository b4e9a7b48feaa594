/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/account.h - who is logged in to which control API: token files.
 *
 * Ours is ~/.omniedge/omniedge-ssh.json, one JSON object, 0600, replaced as a
 * whole, changed under the lock of PATH.lock.  When it is not there, the
 * auth.json of another OmniEdge client in the same folder is used: those are
 * {"authresponse":{"token","refreshtoken"}} (Go, every key in lower case) and
 * {"auth_response":{...},"token_obtained_at"} (Rust).  They are written only
 * after a refresh, with all that is in them kept, since the refreshed token
 * no longer works for their owner.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_mesh_api;
struct oe_mesh_tokens;

#define OE_MESH_ACCOUNT_MAX (1 << 20) /* bytes of a token file */

enum oe_mesh_shape {
	OE_MESH_SHAPE_OURS,
	OE_MESH_SHAPE_GO,
	OE_MESH_SHAPE_RUST,
};

struct oe_mesh_account {
	char *path;
	enum oe_mesh_shape shape;
	char *origin; /* where the token may be sent; NULL: file says none */
	char *ca_file, *pin;   /* how to know it, or NULL */
	char *token, *refresh; /* secrets; refresh may be NULL */
	int64_t expires_ms;    /* wall clock; 0: not known */
	int64_t obtained_ms;   /* wall clock of oe_mesh_account_take(); or 0 */
	bool oauth;            /* refreshed at /oauth/token */
	bool is_new;           /* tokens that the file has not yet */
	/* a renewal has begun, of which no end is known: refresh may be used
	 * up; only in files of ours */
	bool renewing;
	char *user_id, *email, *name; /* may be NULL */
	char *device_id;              /* this machine's, or NULL */
	char *hardware;               /* what it was registered with */
	char *network_id;             /* last one joined, or NULL */
	/* base64 of the Ed25519 key that signs documents; NULL: no part 2 */
	char *signing_key;
};

/**
 * oe_mesh_folder() - ~/.omniedge, made (0700) when absent if @make.
 * @ret: free() it.
 * Return: 0, OE_ENOENT (no home), OE_ESYS, OE_EPERM (others may write it).
 */
int oe_mesh_folder(bool make, char **ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh_account_path() - our file; free() it.  Return: as above. */
int
oe_mesh_account_path(bool make, char **ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_account_load() - read one token file.
 * @path: NULL: ours, or else auth.json beside it.
 * @ret: oe_mesh_account_done() it; untouched on failure.
 * Return: 0, OE_ENOENT (not logged in), OE_EPERM (a file that somebody else
 * owns or may write, or ours when others may read it), OE_ECONF (no token
 * file), OE_ESYS.
 */
int oe_mesh_account_load(const char *path, struct oe_mesh_account *ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_mesh_account_done(struct oe_mesh_account *a);
/**
 * oe_mesh_account_save() - replace the file at @a's path, under its lock.
 * Of a foreign shape only the tokens change.  Tokens that were not taken by
 * oe_mesh_account_take() give way to those that are in the file, since another
 * process may have renewed them.
 * Return: 0, OE_ESYS, OE_EPERM, OE_ECONF (foreign file is no longer one).
 */
int oe_mesh_account_save(
    struct oe_mesh_account *a, struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh_account_remove() - forget the login of ours; none is no failure. */
int oe_mesh_account_remove(const char *path, struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh_account_take() - tokens, moved over from @t. */
void oe_mesh_account_take(struct oe_mesh_account *a, struct oe_mesh_tokens *t);

/**
 * oe_mesh_account_refresh() - a new token instead of one that was refused.
 * Under the lock the file is read again: a token that another process has put
 * there meanwhile is taken as it is.  Otherwise the refresh token is used up,
 * when the file can be written, and what came for it is written before the
 * lock is given back.  Who is killed in between leaves a file that says so.
 * @api: without an account, of the same origin.
 * @refused: the token that gave 401.
 * Return: 0, OE_EAUTH (log in again), or as oe_mesh_login_refresh() and
 * oe_mesh_account_save().
 */
int oe_mesh_account_refresh(struct oe_mesh_account *a, struct oe_mesh_api *api,
    const char *refused, struct oe_err *err) OE_MUST_CHECK;

/* Who asks the API for new tokens: as oe_mesh_login_refresh() answers. */
struct oe_mesh_renewer {
	int (*ask)(void *arg, const char *refresh, bool oauth,
	    struct oe_mesh_tokens *ret, struct oe_err *err);
	void *arg;
};

/**
 * oe_mesh_account_renew() - the same, when another process speaks with the
 * API.
 */
int oe_mesh_account_renew(struct oe_mesh_account *a,
    const struct oe_mesh_renewer *by, const char *refused,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_mesh_lock() - between processes: the lock file beside @path.
 * @ret_fd: closing it gives the lock back.
 * Return: 0, OE_ETIMEOUT (held for 20 s), OE_ESYS.
 */
int
oe_mesh_lock(const char *path, int *ret_fd, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_behind() - run @fn(@arg) by oe_detach() (core/base/detach.h), unless
 * the last one for @path is still at it.
 * Return: 0; or a failure to start it.
 */
int oe_mesh_behind(const char *path, void (*fn)(void *arg), void *arg,
    struct oe_err *err) OE_MUST_CHECK;
