/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/session_env.h - the environment of a session.
 *
 * Built from nothing, never from the server's own environment (except TZ).
 * From weak to strong: defaults for PATH and MAIL; what the client sent, by
 * allow-list; PAM's variables, or /etc/environment without PAM; environment=
 * of the matched key, where allowed.  What only the server knows (HOME, USER,
 * SSH_CONNECTION and so on) nothing replaces.
 *
 * Names are [A-Za-z_][A-Za-z0-9_]*.  Variables that steer the dynamic
 * linker, the C library or a shell's start are refused from every source.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/compiler.h"
#include "core/base/str.h"

struct oe_err;
struct oe_srv_user;

#define OE_SRV_ENV_COUNT_MAX 512
#define OE_SRV_ENV_NAME_MAX  128
#define OE_SRV_ENV_VALUE_MAX (16 * 1024)
#define OE_SRV_ENV_TOTAL_MAX (128 * 1024)
/* Bounds for what one channel's "env" requests may add. */
#define OE_SRV_ENV_CLIENT_COUNT_MAX 64
#define OE_SRV_ENV_CLIENT_TOTAL_MAX (32 * 1024)
/* Patterns of names taken from the client when nothing else is set. */
#define OE_SRV_ENV_ACCEPT_DEFAULT "LANG,LC_*,COLORTERM,NO_COLOR"

enum oe_srv_env_trust {
	OE_SRV_ENV_SERVER, /* the server's own words */
	OE_SRV_ENV_SYSTEM, /* PAM, /etc/environment: may set PATH */
	OE_SRV_ENV_KEY,    /* environment= in authorized_keys */
	OE_SRV_ENV_CLIENT, /* "env" requests */
};

struct oe_srv_env {
	struct oe_strs v; /* "NAME=value"; v.v is an envp when not NULL */
	size_t bytes;
};

void oe_srv_env_init(struct oe_srv_env *e);
void oe_srv_env_done(struct oe_srv_env *e);

/** oe_srv_env_name_ok() - may a source of @trust set @name at all?  Pure. */
bool oe_srv_env_name_ok(const char *name, enum oe_srv_env_trust trust);

/**
 * oe_srv_env_accepts() - is @name welcome from the client?
 * @patterns: comma-separated shell-like patterns, '!' negates; NULL or ""
 *            accepts nothing.
 */
bool oe_srv_env_accepts(const char *patterns, const char *name);

/**
 * oe_srv_env_set() - set or replace @name.
 * Return: 0, OE_EPERM (not from this source), OE_EINVAL (NULL value),
 * OE_ETOOBIG (a bound above; the old value stays).
 */
int oe_srv_env_set(struct oe_srv_env *e, enum oe_srv_env_trust trust,
    const char *name, const char *value);
/** oe_srv_env_put() - as set, for one "NAME=value"; no '=' is OE_EINVAL. */
int oe_srv_env_put(
    struct oe_srv_env *e, enum oe_srv_env_trust trust, const char *assignment);
/** oe_srv_env_get() - value, borrowed until the next change; NULL: unset. */
const char *oe_srv_env_get(const struct oe_srv_env *e, const char *name);

/**
 * oe_srv_env_client() - one "env" request of a channel.
 * @client: collects them; only for oe_srv_env_params.client.
 * Return: 0 (the channel answers success), OE_EPERM, OE_ETOOBIG.
 */
int oe_srv_env_client(struct oe_srv_env *client, const char *patterns,
    const char *name, const char *value);

/* What the session is; texts are borrowed and may be NULL when absent. */
struct oe_srv_env_params {
	const struct oe_srv_user *user;
	const char *peer_ip, *local_ip;
	uint16_t peer_port, local_port;
	const char *tty;     /* "/dev/pts/3" */
	const char *term;    /* of the pty request */
	const char *command; /* what the client asked, under a forced command */
	const char *agent_socket;
	/* the client's version, for a program that minds its habits */
	const char *client_version;
	const char *tz; /* the server's TZ */
	const struct oe_srv_env *client;
	const struct oe_strs *key;    /* environment= options, if allowed */
	const struct oe_strs *pam;    /* NULL: PAM is off, read the files */
	const char *environment_file; /* NULL: /etc/environment */
	const char *login_defs;       /* NULL: /etc/login.defs */
	const char *mail_dir;         /* NULL: login.defs, then /var/mail */
};

/**
 * oe_srv_env_build() - fill @e (initialised by the caller).
 * Unacceptable client, key, PAM and file variables are left out, logged at
 * debug.  It reads two system files: run it in the session or the monitor.
 * Return: 0 or OE_ETOOBIG (the server's own variables do not fit).
 */
int oe_srv_env_build(struct oe_srv_env *e, const struct oe_srv_env_params *p,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_env_umask() - UMASK of login.defs, 022 when it says none.
 * PAM's pam_umask, where configured, sets the process's own: this is for
 * sessions without PAM.
 * @login_defs: NULL: /etc/login.defs.
 */
mode_t oe_srv_env_umask(const char *login_defs);
