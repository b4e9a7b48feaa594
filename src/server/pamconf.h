/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/pamconf.h - what a PAM service names, and its modules kept loaded.
 *
 * pam_start(3) loads every module of a service from disk, in each login
 * anew.  A listener that has them mapped hands them to its children by
 * fork(): measured, start-up falls from 1.5 ms to 0.3 ms, half of what a
 * login without a motd costs.  Updated modules are used after a restart, as
 * is the case for every other library of the process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/str.h"

#define OE_SRV_PAMCONF_DEPTH_MAX   8
#define OE_SRV_PAMCONF_MODULES_MAX 128
#define OE_SRV_PAMCONF_FILE_MAX    (64 * 1024)

/**
 * oe_srv_pamconf_modules() - modules that @service names, each once.
 * Follows "@include", "include" and "substack" to files of the same folder.
 * What cannot be read or understood is passed over: libpam is the judge.
 * @dir: NULL: /etc/pam.d.
 * @type: "auth", "account", "session" or "password"; NULL: all.
 * @ret: initialised by the caller; module names as written.
 */
void oe_srv_pamconf_modules(const char *dir, const char *service,
    const char *type, struct oe_strs *ret);

/**
 * oe_srv_pamconf_prints_motd() - sessions of @service show the message of
 * the day (pam_motd), so the server must not.
 */
bool oe_srv_pamconf_prints_motd(const char *dir, const char *service);

/**
 * oe_srv_pamconf_warm() - load the modules of @service for good.
 * For the listener, once, as root or not, before it accepts.  Only modules
 * of libpam's own folder, and only if nobody but root may write them.
 * Return: how many are loaded.
 */
size_t oe_srv_pamconf_warm(const char *service);
