/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/socks.h - the server's side of SOCKS, as bytes in and out.
 *
 * Version 5 (RFC 1928) without authentication, and versions 4 and 4a (the
 * memos "SOCKS: A protocol for TCP proxy across firewalls" and "SOCKS 4A: A
 * simple extension to SOCKS 4 protocol").  CONNECT only.  Names are not
 * resolved here.  A peer can hold at most OE_SOCKS_MESSAGE_MAX bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest request: 4a with a user of 255 bytes and a name of 255. */
#define OE_SOCKS_MESSAGE_MAX 520
#define OE_SOCKS_REPLY_MAX   10
#define OE_SOCKS_HOST_MAX    255

enum oe_socks_state {
	OE_SOCKS_MORE,   /* more bytes are needed */
	OE_SOCKS_TARGET, /* host and port are known; the reply is due */
	OE_SOCKS_BAD,    /* not SOCKS, or not what is offered here */
};

enum oe_socks_result {
	OE_SOCKS_GRANTED,
	OE_SOCKS_FAILURE, /* nothing more is known */
	OE_SOCKS_DENIED,  /* by rules */
	OE_SOCKS_UNREACHABLE,
	OE_SOCKS_REFUSED, /* nobody listens there */
};

/* On the caller's stack or in its struct; nothing to release. */
struct oe_socks {
	enum oe_socks_state state;
	uint8_t in[OE_SOCKS_MESSAGE_MAX];
	size_t n;
	bool greeted; /* version 5: the methods were settled */
	/*
	 * To be sent before anything else; the caller empties it.  In the
	 * state OE_SOCKS_BAD the last words, maybe none.
	 */
	uint8_t out[OE_SOCKS_REPLY_MAX + 2];
	size_t out_len;
	char host[OE_SOCKS_HOST_MAX + 1]; /* a name or an address */
	int port;
};

void oe_socks_init(struct oe_socks *s);
/**
 * oe_socks_feed() - take bytes of the peer.
 * @ret_used: how many were taken; those after the request are not.
 */
enum oe_socks_state
oe_socks_feed(struct oe_socks *s, const void *p, size_t n, size_t *ret_used);
/**
 * oe_socks_reply() - the answer to the request, in state OE_SOCKS_TARGET.
 * Return: bytes put into @ret.
 */
size_t oe_socks_reply(const struct oe_socks *s, enum oe_socks_result result,
    uint8_t ret[OE_SOCKS_REPLY_MAX]);
