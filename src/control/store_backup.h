/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store_backup.h - copies of an SQLite store.  PostgreSQL has tools
 * of its own, pg_dump and pg_restore, and is refused here.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_err;

/**
 * oe_ctl_store_backup() - a copy as of now, also while servers write.
 * @where: as for oe_ctl_store_open(); it must be there.
 * @file: made with mode 0600; must not be there yet.
 * Return: 0; OE_EINVAL (PostgreSQL), OE_EEXIST, OE_ENOENT, OE_ESYS, OE_ELIB.
 */
int oe_ctl_store_backup(
    const char *where, const char *file, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_store_restore() - make a store out of a copy.
 * @where: must not be there yet.
 * Logins do not come back: what has ended since the copy would be good again.
 * Versions of documents grow, so that devices take them.
 * Return: 0; OE_EINVAL (PostgreSQL, or @file is no such copy), OE_EEXIST,
 * OE_ENOENT, OE_ECONF (of a newer program), OE_ESYS, OE_ELIB.
 */
int oe_ctl_store_restore(
    const char *where, const char *file, struct oe_err *err) OE_MUST_CHECK;
