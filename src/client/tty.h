/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/tty.h - the user's terminal: raw while a remote one is shown,
 * itself again on every way out, a crash included.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct oe_buf;

/**
 * oe_tty_raw() - remember the terminal's state and make it raw.
 * From then on exit() and the signals of a crash restore it.
 * Return: 0 or OE_ESYS (not a terminal).
 */
int oe_tty_raw(int fd);
/**
 * oe_tty_guard() - exit() and the signals of a crash restore the terminal as
 * it is now, for somebody else who is going to change it.
 */
void oe_tty_guard(int fd);
/** oe_tty_restore() - as it was; safe to call at any time. */
void oe_tty_restore(void);
/** oe_tty_is_raw() - between the two above. */
bool oe_tty_is_raw(void);
/** oe_tty_suspend() - restore, stop this process, raw again when it goes on. */
void oe_tty_suspend(void);
/** oe_tty_size() - columns, rows, pixels wide and high; 80x24 if unknown. */
void oe_tty_size(int fd, uint32_t ret[4]);
/** oe_tty_modes() - append the encoded modes (RFC 4254 section 8). */
void oe_tty_modes(int fd, struct oe_buf *ret);
