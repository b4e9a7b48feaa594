/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/range.h - the addresses of a network.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;

/* An IPv4 network of 4 to 2^20 addresses, host order. */
struct oe_ctl_range {
	uint32_t first; /* the network's own address */
	unsigned prefix;
};

#define OE_CTL_RANGE_PREFIX_MIN 12
#define OE_CTL_RANGE_PREFIX_MAX 30
#define OE_CTL_RANGE_TEXT_MAX   20 /* "255.255.255.255/30" with its end */

/**
 * oe_ctl_range_parse() - "100.100.0.0/24": private addresses (RFC 1918, RFC
 * 6598), no bits behind the prefix.
 * Return: 0 or OE_EINVAL.
 */
int oe_ctl_range_parse(const char *text, struct oe_ctl_range *ret,
    struct oe_err *err) OE_MUST_CHECK;
bool oe_ctl_range_has(const struct oe_ctl_range *r, uint32_t address);
/**
 * oe_ctl_range_pick() - a free address, each as likely as the other.  Not
 * given out: the network's own, the first (a gateway's) and the last.
 * @used: @n addresses of the range in ascending order, none twice.
 * @draw: answers with a number in [0, upper).
 * Return: 0 when none is free.
 */
uint32_t oe_ctl_range_pick(const struct oe_ctl_range *r, const uint32_t *used,
    size_t n, uint32_t (*draw)(uint32_t upper));
/** oe_ctl_range_mask() - "255.255.255.0". */
void oe_ctl_range_mask(const struct oe_ctl_range *r, char ret[16]);
void oe_ctl_address_text(uint32_t address, char ret[16]);
/** oe_ctl_address_parse() - dotted quad; false when it is none. */
bool oe_ctl_address_parse(const char *text, uint32_t *ret);
