/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/cidr.h - IP addresses and lists of networks.
 *
 * Text is read by a strict parser of our own; libcidr answers containment
 * only and never sees text, because its parser takes octal, short forms and
 * out-of-range prefixes and writes past its memory (doc: reference testbed
 * section 8).  An IPv4-mapped IPv6 address (::ffff:0:0/96) counts as the IPv4
 * address it carries, everywhere.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct sockaddr;

/* Longest text of an address with its NUL. */
#define OE_ADDR_TEXT_MAX 46
/* Networks in one list; an operator's list stays far below. */
#define OE_CIDR_LIST_MAX 1024

struct oe_addr {
	int family;        /* AF_INET or AF_INET6 */
	uint8_t bytes[16]; /* network order; IPv4 uses the first four */
};

struct oe_cidr_list; /* a set of networks; opaque */

/**
 * oe_addr_from_sockaddr() - the address of a socket; the scope id is dropped.
 * @len: bytes at @sa.
 * Return: 0, or OE_EINVAL (short, or neither AF_INET nor AF_INET6).
 */
int oe_addr_from_sockaddr(
    const struct sockaddr *sa, size_t len, struct oe_addr *ret);
/**
 * oe_addr_parse() - dotted quad or RFC 4291 text; no zone, port or blanks.
 * Return: 0 or OE_EINVAL with a message.
 */
int oe_addr_parse(
    const char *text, struct oe_addr *ret, struct oe_err *err) OE_MUST_CHECK;
/** oe_addr_format() - canonical text; always ended. */
void oe_addr_format(const struct oe_addr *a, char ret[OE_ADDR_TEXT_MAX]);
/** oe_addr_equal() - same family and address. */
bool oe_addr_equal(const struct oe_addr *a, const struct oe_addr *b);

/** oe_cidr_list_new() - empty list: contains nothing. */
struct oe_cidr_list *oe_cidr_list_new(void) OE_MUST_CHECK;
/** oe_cidr_list_free() - free and empty the pointer; NULL inside is fine. */
void oe_cidr_list_free(struct oe_cidr_list **l);
/**
 * oe_cidr_list_add() - add "address" or "address/prefix".
 * Bits behind the prefix must be zero: 10.1.2.3/24 is refused with the
 * network that was probably meant.
 * Return: 0, OE_EINVAL (message says what is wrong), OE_ETOOBIG (list full).
 */
int oe_cidr_list_add(
    struct oe_cidr_list *l, const char *text, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_cidr_list_add_private() - RFC 1918, loopback, link-local, RFC 6598
 * (100.64/10), and ::1, fe80::/10, fc00::/7.
 * Return: 0 or OE_ETOOBIG.
 */
int oe_cidr_list_add_private(struct oe_cidr_list *l);
/** oe_cidr_list_add_localhost() - 127.0.0.0/8 and ::1; 0 or OE_ETOOBIG. */
int oe_cidr_list_add_localhost(struct oe_cidr_list *l);
/** oe_cidr_list_contains() - is @a in any network? An empty list: no. */
bool
oe_cidr_list_contains(const struct oe_cidr_list *l, const struct oe_addr *a);
/** oe_cidr_list_count() - networks in the list. */
size_t oe_cidr_list_count(const struct oe_cidr_list *l);
/**
 * oe_cidr_list_text() - network @i as canonical "address/prefix", or NULL;
 * the list owns it.
 */
const char *oe_cidr_list_text(const struct oe_cidr_list *l, size_t i);
/** oe_cidr_version() - version of the libcidr that is loaded. */
const char *oe_cidr_version(void);
