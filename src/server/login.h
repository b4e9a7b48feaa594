/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/login.h - login records, and what is shown before the shell.
 *
 * Records: utmp, wtmp and lastlog for sessions with a terminal, btmp for
 * failed logins; formats of utmp(5), written as root.  All of them are
 * bookkeeping: an absent file, a full disk or a missing right never keeps
 * anybody out, so these functions only log at debug.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/compiler.h"

struct oe_buf;
struct oe_err;
struct oe_srv_user;

#define OE_SRV_BANNER_MAX (64 * 1024)
#define OE_SRV_MOTD_MAX   (64 * 1024)

/* Where records go; a NULL path means the usual place. */
struct oe_srv_login_paths {
	const char *utmp, *wtmp, *btmp, *lastlog;
};

struct oe_srv_login {
	const struct oe_srv_user *user;
	pid_t pid;        /* leader of the session */
	const char *tty;  /* "/dev/pts/3" or "pts/3" */
	const char *host; /* address of the peer as text */
	uint8_t addr[16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	int64_t time_ms;  /* wall clock */
};

/** oe_srv_login_begin() - utmp, wtmp and lastlog. @paths may be NULL. */
void oe_srv_login_begin(
    const struct oe_srv_login *l, const struct oe_srv_login_paths *paths);
/** oe_srv_login_end() - utmp and wtmp say that the session is over. */
void oe_srv_login_end(
    const struct oe_srv_login *l, const struct oe_srv_login_paths *paths);
/**
 * oe_srv_login_failed() - btmp: a failed login.
 * @name: what the peer asked for, written escaped and cut (users type
 *        passwords there; btmp is readable by root only, else not written).
 */
void
oe_srv_login_failed(const char *name, const char *host, const uint8_t addr[16],
    pid_t pid, int64_t time_ms, const struct oe_srv_login_paths *paths);

/**
 * oe_srv_login_last() - append "Last login: <time> from <host>\n".
 * Nothing when there is no record.  Call it before oe_srv_login_begin().
 */
void oe_srv_login_last(
    uid_t uid, const struct oe_srv_login_paths *paths, struct oe_buf *ret);

/** oe_srv_login_is_hushed() - ~/.hushlogin exists; call as that user. */
bool oe_srv_login_is_hushed(const struct oe_srv_user *u);

/**
 * oe_srv_login_motd() - append the message of the day, unless hushed.
 * @files: paths ended by NULL; NULL: /run/motd.dynamic, /etc/motd.
 * Only where oe_srv_pamconf_prints_motd() says that PAM does not.
 */
void oe_srv_login_motd(
    const struct oe_srv_user *u, const char *const *files, struct oe_buf *ret);

/**
 * oe_srv_login_banner() - text sent before authentication.
 * @ret: initialised by this function; oe_buf_done() it, on success only.
 * Return: 0, OE_ESYS, OE_ETOOBIG (OE_SRV_BANNER_MAX), OE_EINVAL (not a
 * regular file, a NUL byte).
 */
int oe_srv_login_banner(
    const char *path, struct oe_buf *ret, struct oe_err *err) OE_MUST_CHECK;
