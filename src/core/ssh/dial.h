/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/dial.h - a client connection: from settings to an authenticated
 * session, as steps on an oe_loop with a limit for each.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ssh/sshconf.h"

struct oe_loop;
struct oe_ssh;
struct oe_ssh_dial;

/* Limit of each step unless ConnectTimeout says otherwise. */
#define OE_SSH_STEP_MS 15000

enum oe_ssh_ask {
	OE_SSH_ASK_PASSPHRASE,
	OE_SSH_ASK_PASSWORD,
	OE_SSH_ASK_KBDINT,
	OE_SSH_ASK_HOSTKEY, /* the answer is yes, no or a fingerprint */
};

/* How the connection talks to its user; any function may be NULL. */
struct oe_ssh_ui {
	/* A step begins: "exchanging versions and keys". */
	void (*step)(void *arg, const char *what);
	/* Text for the user as lines: a banner, a warning.  Already safe. */
	void (*say)(void *arg, const char *text);
	/*
	 * Ask and wait.  @ret: the answer, wiped by the caller after use.
	 * Return: 0, OE_ECANCEL (no terminal, or the user gave up).
	 * NULL: nobody can be asked.
	 */
	int (*ask)(void *arg, enum oe_ssh_ask kind, const char *prompt,
	    bool echo, char **ret);
	void *arg;
};

struct oe_ssh_dial_plan {
	const struct oe_sshconf *conf; /* resolved; must outlive the dial */
	struct oe_ssh_ui ui;
	/* A connected stream to the peer (jump, proxy), or -1: dial TCP. */
	int fd;
	/*
	 * The host key, as oe_ssh_hostkey() gives it, that alone is right,
	 * whatever is known about the host; NULL: the settings decide.
	 */
	const char *pin;
	/*
	 * Called once, never from within oe_ssh_dial_start().
	 * @ssh: authenticated, not attached to a loop; the callee's.
	 * On failure NULL, and @err says what failed and what to try:
	 * OE_ENOENT, OE_ETIMEOUT, OE_ESYS, OE_ECLOSED, OE_EPROTO,
	 * OE_EPERM (host key), OE_EAUTH.
	 */
	void (*done)(void *arg, int status, struct oe_ssh *ssh,
	    const struct oe_err *err);
	void *arg;
};

/** oe_ssh_dial_start() - begin; @plan is copied. */
struct oe_ssh_dial *
oe_ssh_dial_start(struct oe_loop *loop, const struct oe_ssh_dial_plan *plan);
/** oe_ssh_dial_wary() - the host key is wrong and was let through. */
bool oe_ssh_dial_wary(const struct oe_ssh_dial *d);
/** oe_ssh_dial_free() - end it in any state; done() is not called. */
void oe_ssh_dial_free(struct oe_ssh_dial **d);
