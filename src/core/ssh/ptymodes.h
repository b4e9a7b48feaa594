/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/ptymodes.h - encoded terminal modes (RFC 4254 section 8).
 *
 * A stream of pairs: u8 opcode, u32 argument; opcode 0 ends it.  Opcodes 1
 * to 159 have that shape whether known or not; from 160 on the shape is not
 * defined and reading stops.  IUTF8 is opcode 42 (RFC 8160).  Pure functions.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct oe_buf;
struct termios;

/* Room for every opcode, each once. */
#define OE_SSH_PTYMODES_MAX (160 * 5 + 1)

/**
 * oe_ssh_ptymodes_apply() - change @t as @modes says.
 * @modes: may be NULL when @len is 0; a missing end opcode is tolerated, as
 *         some clients leave it out.
 * Opcodes, control characters and speeds this system does not have are
 * passed over.  Of several pairs with one opcode the last one counts.
 * Return: 0, OE_ESHORT (ends within a pair; the pairs before it count) or
 * OE_ETOOBIG (longer than OE_SSH_PTYMODES_MAX; nothing was changed).
 */
int oe_ssh_ptymodes_apply(struct termios *t, const uint8_t *modes, size_t len);

/**
 * oe_ssh_ptymodes_encode() - append @t, ended by opcode 0, to @ret.
 * Return: 0 or OE_ETOOBIG (@ret had no room for all; nothing was put).
 */
int oe_ssh_ptymodes_encode(const struct termios *t, struct oe_buf *ret);
