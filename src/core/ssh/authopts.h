/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/authopts.h - the options before a key in authorized_keys.
 *
 * Syntax of sshd(8), "AUTHORIZED_KEYS FILE FORMAT": comma-separated, names
 * without case, values in double quotes where \" is a quote and any other
 * backslash is itself.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/ssh/grant.h"

struct oe_addr;
struct oe_err;

struct oe_authopts {
	struct oe_grant grant; /* expiry-time is its not_after_s */
	bool cert_authority;
	bool has_principals;
	struct oe_strs principals; /* principals= */
	char *from;                /* from=, checked, or NULL */
};

/**
 * oe_authopts_span() - bytes of the option list at the head of a line: up to
 * the first blank outside quotes.  Return: bytes, or -1 (a quote is open).
 */
ptrdiff_t oe_authopts_span(const char *line);
/**
 * oe_authopts_parse() - read an option list; "" permits everything.
 * @ret: filled on success, else untouched; oe_authopts_done() it.
 * Return: 0, OE_EINVAL or OE_ETOOBIG, with a message that names the option.
 */
int oe_authopts_parse(const char *text, struct oe_authopts *ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_authopts_done() - free and empty. */
void oe_authopts_done(struct oe_authopts *o);
/**
 * oe_authopts_from() - hold @addr against a from= list: networks, addresses
 * and '*' '?' patterns on the address text; '!' negates and wins.
 * Return: 1 matches, 0 does not, OE_EINVAL (a list that cannot be judged).
 */
int oe_authopts_from(
    const char *list, const struct oe_addr *addr, struct oe_err *err);
/**
 * oe_authopts_time() - YYYYMMDD or YYYYMMDDHHMM[SS], local time, or UTC with
 * a trailing Z.
 * @ret_s: seconds since 1970.
 * Return: 0 or OE_EINVAL.
 */
int oe_authopts_time(const char *text, int64_t *ret_s, struct oe_err *err);
