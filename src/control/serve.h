/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/serve.h - settings and life of the serving process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/sock.h"
#include "control/store_sweep.h"

struct oe_ctx;
struct oe_values;
struct oe_ctl_store;

struct oe_ctl_config {
	char *data_dir;
	char *database;   /* path or URL */
	char *cert, *key; /* files */
	bool own_cert;    /* they are made when they are missing */
	struct oe_ctl_listen *listen;
	size_t n_listen;
	char *public_url; /* NULL: of the first listener */
	struct oe_cidr_list *proxies;
	unsigned workers, hashing;
	size_t max_connections, max_per_address;
	int64_t head_ms, body_ms, idle_ms, grace_ms;
	int64_t access_s, refresh_s;
	struct oe_ctl_keep keep;
	bool quiet;
};

/**
 * oe_ctl_config_load() - out of settled values; touches no file.
 * Return: 0 or OE_ECONF, with the place of the mistake.
 */
int oe_ctl_config_load(const struct oe_values *v, struct oe_ctl_config **ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_ctl_config_free(struct oe_ctl_config **c);
/** oe_ctl_config_dirs() - make the data directory. */
int oe_ctl_config_dirs(
    const struct oe_ctl_config *c, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_config_store() - make the directory and open the store. */
int oe_ctl_config_store(const struct oe_ctl_config *c,
    struct oe_ctl_store **ret, struct oe_err *err) OE_MUST_CHECK;

/** oe_ctl_serve() - serve until a signal ends it; returns an exit status. */
int oe_ctl_serve(const struct oe_ctx *ctx, struct oe_ctl_config *c);

/** oe_ctl_admin_init() - make the administrator of the server. */
int oe_ctl_admin_init(const struct oe_ctx *ctx, const struct oe_ctl_config *c,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_admin_user() - make an account; its one-time password is printed.
 * Return: 0, OE_EUSAGE (no address), OE_EEXIST, or a failure.
 */
int oe_ctl_admin_user(const struct oe_ctl_config *c, const char *email,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_admin_password() - the same for an account that is there: the way
 * back for whoever has forgotten theirs.  All its logins end.
 * Return: 0, OE_EUSAGE (no address), OE_ENOENT, or a failure.
 */
int oe_ctl_admin_password(const struct oe_ctl_config *c, const char *email,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_admin_migrate() - bring the store up to date. */
int oe_ctl_admin_migrate(
    const struct oe_ctl_config *c, struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_admin_backup() - copy the store into a file. */
int oe_ctl_admin_backup(const struct oe_ctl_config *c, const char *file,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl_admin_restore() - make the store out of such a file. */
int oe_ctl_admin_restore(const struct oe_ctl_config *c, const char *file,
    struct oe_err *err) OE_MUST_CHECK;
