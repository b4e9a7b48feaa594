/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/pam.h - one PAM transaction of one login.
 *
 * Runs in the monitor, which may block: modules wait for answers, sleep and
 * ask directories.  The order is start, one of password or ask (only when
 * PAM authenticates), account, open, environ, close, free.
 *
 * Refusals look alike: an unknown account, root, a name that is refused and
 * a wrong password run the same modules with the same prompts, and each
 * failure is answered the same time after the last answer came
 * (fail_delay_ms, or what a module asked for if that is longer; a module that
 * takes longer still is rounded up to whole multiples).  libpam varies what a
 * module asked for by chance, whoever the account is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_buf;
struct oe_err;
struct oe_srv_pam;
struct oe_strs;

#define OE_SRV_PAM_PROMPTS_MAX   16
#define OE_SRV_PAM_TEXT_MAX      (16 * 1024) /* all texts of one phase */
#define OE_SRV_PAM_PASSWORD_MAX  1024
#define OE_SRV_PAM_FAIL_DELAY_MS 2000

/**
 * oe_srv_pam_service() - "omniedge", "sshd" or "other": the first that
 * /etc/pam.d has.  Static text.
 */
const char *oe_srv_pam_service(void);

struct oe_srv_pam_params {
	const char *service; /* NULL: oe_srv_pam_service() */
	const char *user;    /* local account, or the refused name as it came */
	/*
	 * The account exists and may log in.  false: the modules run all the
	 * same, and authentication fails whatever they say.
	 */
	bool permitted;
	const char *rhost;     /* address of the peer */
	const char *tty;       /* NULL: "ssh" */
	int64_t fail_delay_ms; /* 0: answer at once (tests) */
};

struct oe_srv_pam_prompt {
	bool echo;
	const char *text;
};

/* How modules ask the peer (RFC 4256). */
struct oe_srv_pam_ask {
	/*
	 * Show @info (may be ""; lines end in '\n') and get @n answers; @n is
	 * 0 when there is only something to tell.  Blocks until they come.
	 * @ret_answers: n texts in memory of their own, wiped and freed by
	 *               the caller; untouched on failure.
	 * Return: 0, or a negative code: authentication then fails.
	 */
	int (*ask)(void *arg, const char *info,
	    const struct oe_srv_pam_prompt *prompts, size_t n,
	    char **ret_answers);
	void *arg;
};

/**
 * oe_srv_pam_start() - begin a transaction.
 * uid 0 is never permitted to authenticate here, whatever @p says; account
 * and session phases work for it (a key authenticated it).
 * @ret: oe_srv_pam_free() it.
 * Return: 0 or OE_ELIB.
 */
int oe_srv_pam_start(struct oe_srv_pam **ret, const struct oe_srv_pam_params *p,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_pam_password() - the method "password": no questions to the peer.
 * Every hidden prompt is answered with @password; an echoed one fails.
 * Return: 0 or OE_EAUTH (after the delay above).
 */
int oe_srv_pam_password(struct oe_srv_pam *p, const char *password,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_pam_ask() - the method "keyboard-interactive".
 * Return: 0, OE_EAUTH (after the delay above), OE_ECANCEL (ask() failed).
 */
int oe_srv_pam_ask(struct oe_srv_pam *p, const struct oe_srv_pam_ask *ask,
    struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_pam_account() - may the account be used now?
 * Return: 0, or OE_EPERM: @err says why in words for the log;
 * oe_srv_pam_text() has what may be told to the (authenticated) user.
 */
int oe_srv_pam_account(struct oe_srv_pam *p, struct oe_err *err) OE_MUST_CHECK;

/**
 * oe_srv_pam_open() - credentials, then the session.
 * Call it as root in the process that stays for the whole session and after
 * initgroups(), since modules add groups.
 * @tty: "/dev/pts/3" or NULL.
 * Return: 0 or OE_EPERM; nothing is open then.
 */
int oe_srv_pam_open(
    struct oe_srv_pam *p, const char *tty, struct oe_err *err) OE_MUST_CHECK;

/** oe_srv_pam_environ() - add the modules' "NAME=value" to @ret. */
void oe_srv_pam_environ(struct oe_srv_pam *p, struct oe_strs *ret);

/**
 * oe_srv_pam_text() - what modules had to say outside of authentication
 * (motd, mail, expiry), for the user's terminal; borrowed.
 */
const struct oe_buf *oe_srv_pam_text(const struct oe_srv_pam *p);

/** oe_srv_pam_close() - close what open opened; nothing if it did not. */
void oe_srv_pam_close(struct oe_srv_pam *p);
/** oe_srv_pam_free() - close and end. */
void oe_srv_pam_free(struct oe_srv_pam **p);
/**
 * oe_srv_pam_forget() - free the memory in a forked child, in which the
 * session of the parent must stay open.
 */
void oe_srv_pam_forget(struct oe_srv_pam **p);
