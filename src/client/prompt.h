/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/prompt.h - ask the user, on the terminal or through SSH_ASKPASS.
 */
#pragma once

#include <stdbool.h>

struct oe_err;

#define OE_PROMPT_MAX 1024 /* bytes of one answer */

enum oe_prompt_way {
	OE_PROMPT_TTY,
	OE_PROMPT_ASKPASS,
	OE_PROMPT_NOBODY,
};

/**
 * oe_prompt_way() - how to ask, by ssh(1)'s rules.
 * @require: SSH_ASKPASS_REQUIRE.  @askpass: SSH_ASKPASS.
 * @display: DISPLAY or WAYLAND_DISPLAY is set.  @tty: there is a terminal.
 */
enum oe_prompt_way
oe_prompt_way(const char *require, const char *askpass, bool display, bool tty);
/**
 * oe_prompt_ask() - ask and wait.  Echo is restored on every signal that
 * ends or stops the process.
 * @ret: oe_mem_free_secret() it.
 * Return: 0, OE_ECANCEL (nobody to ask, or the user gave up).
 */
int
oe_prompt_ask(const char *prompt, bool echo, char **ret, struct oe_err *err);
/**
 * oe_prompt_confirm() - ask for a yes, as oe_prompt_ask() asks; a program is
 * told so by SSH_ASKPASS_PROMPT=confirm, and its exit status 0 is a yes too.
 * For a process that does only this: it changes its environment.
 * Return: 0, OE_ECANCEL (no, or nobody to ask).
 */
int oe_prompt_confirm(const char *question, struct oe_err *err);
