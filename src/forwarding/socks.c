/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/socks.h"

#include <arpa/inet.h>
#include <string.h>

#define CONNECT 1

#define V4_GRANTED  90
#define V4_REJECTED 91
#define V4_FIXED    8 /* version, command, port, address */
#define V4_TEXT_MAX 255

#define V5_NO_AUTH    0
#define V5_NO_METHOD  0xff
#define V5_IPV4       1
#define V5_NAME       3
#define V5_IPV6       4
#define V5_HEAD       5 /* up to the address's first byte */
#define V5_BAD_CMD    7
#define V5_BAD_TYPE   8
#define V5_GENERAL    1
#define V5_RULES      2
#define V5_HOST_GONE  4
#define V5_NOT_LISTED 5

void
oe_socks_init(struct oe_socks *s)
{
	memset(s, 0, sizeof *s);
}

/* The same layout for each answer: an address that says nothing. */
static size_t
reply_v4(uint8_t code, uint8_t *ret)
{
	memset(ret, 0, 8);
	ret[1] = code;
	return 8;
}

static size_t
reply_v5(uint8_t code, uint8_t *ret)
{
	memset(ret, 0, 10);
	ret[0] = 5;
	ret[1] = code;
	ret[3] = V5_IPV4;
	return 10;
}

static void
fail(struct oe_socks *s, uint8_t v5_code)
{
	/* the answer to the greeting may still be there */
	uint8_t *out = s->out + s->out_len;

	s->state = OE_SOCKS_BAD;
	s->out_len +=
	    s->in[0] == 4 ? reply_v4(V4_REJECTED, out) : reply_v5(v5_code, out);
}

/* Names go to the other side as they are: what cannot be one stays here. */
static bool
host_set(struct oe_socks *s, const void *p, size_t n)
{
	const unsigned char *c = p;
	size_t i;

	if (!n || n > OE_SOCKS_HOST_MAX)
		return false;
	for (i = 0; i < n; i++)
		if (c[i] <= ' ' || c[i] == 0x7f)
			return false;
	memcpy(s->host, p, n);
	s->host[n] = '\0';
	return true;
}

static int
port_at(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static void
greet(struct oe_socks *s)
{
	const uint8_t *methods = s->in + 2;

	if (s->n < 2 || s->n < 2u + s->in[1])
		return;
	s->out[0] = 5;
	s->out_len = 2;
	if (memchr(methods, V5_NO_AUTH, s->in[1])) {
		s->out[1] = V5_NO_AUTH;
		s->greeted = true;
		s->n = 0;
	} else {
		s->out[1] = V5_NO_METHOD;
		s->state = OE_SOCKS_BAD;
	}
}

/* Bytes of the address behind V5_HEAD - 1; a name has one for its length. */
static size_t
v5_address(const struct oe_socks *s)
{
	return s->in[3] == V5_IPV4   ? 4
	       : s->in[3] == V5_IPV6 ? 16
				     : 1u + s->in[4];
}

static void
request_v5(struct oe_socks *s)
{
	const uint8_t *addr = s->in + 4;
	size_t n;
	bool ok = true;

	if (s->in[0] != 5) {
		s->state = OE_SOCKS_BAD;
		return;
	}
	if (s->n < V5_HEAD)
		return;
	if (s->in[3] != V5_IPV4 && s->in[3] != V5_IPV6 && s->in[3] != V5_NAME) {
		fail(s, V5_BAD_TYPE);
		return;
	}
	n = v5_address(s);
	if (s->n < 4 + n + 2)
		return;
	if (s->in[1] != CONNECT) {
		fail(s, V5_BAD_CMD);
		return;
	}
	s->port = port_at(addr + n);
	if (s->in[3] == V5_NAME)
		ok = host_set(s, addr + 1, n - 1);
	else
		inet_ntop(s->in[3] == V5_IPV4 ? AF_INET : AF_INET6, addr,
		    s->host, sizeof s->host);
	if (ok && s->port)
		s->state = OE_SOCKS_TARGET;
	else
		fail(s, V5_GENERAL);
}

/* 4a: an address that cannot be says that a name follows the user. */
static bool
v4_has_name(const struct oe_socks *s)
{
	return !s->in[4] && !s->in[5] && !s->in[6] && s->in[7];
}

static void
request_v4(struct oe_socks *s)
{
	const uint8_t *text = s->in + V4_FIXED, *user_end, *name_end;
	size_t n = s->n > V4_FIXED ? s->n - V4_FIXED : 0;
	bool ok = true;

	user_end = n ? memchr(text, 0, n) : NULL;
	if (!user_end) {
		if (n > V4_TEXT_MAX)
			fail(s, 0);
		return;
	}
	s->port = port_at(s->in + 2);
	if (v4_has_name(s)) {
		n -= (size_t)(user_end + 1 - text);
		name_end = n ? memchr(user_end + 1, 0, n) : NULL;
		if (!name_end) {
			if (n > V4_TEXT_MAX)
				fail(s, 0);
			return;
		}
		ok = host_set(
		    s, user_end + 1, (size_t)(name_end - user_end - 1));
	} else {
		inet_ntop(AF_INET, s->in + 4, s->host, sizeof s->host);
	}
	if (ok && s->port && s->in[1] == CONNECT)
		s->state = OE_SOCKS_TARGET;
	else
		fail(s, 0);
}

static void
take(struct oe_socks *s)
{
	if (s->greeted)
		request_v5(s);
	else if (s->in[0] == 5)
		greet(s);
	else if (s->in[0] == 4)
		request_v4(s);
	else
		s->state = OE_SOCKS_BAD;
}

enum oe_socks_state
oe_socks_feed(struct oe_socks *s, const void *p, size_t n, size_t *ret_used)
{
	const uint8_t *at = p;
	size_t i;

	/* messages are short: a byte at a time keeps what follows them out */
	for (i = 0; i < n && s->state == OE_SOCKS_MORE; i++) {
		s->in[s->n++] = at[i];
		take(s);
		if (s->state == OE_SOCKS_MORE && s->n == sizeof s->in)
			s->state = OE_SOCKS_BAD;
	}
	*ret_used = i;
	return s->state;
}

size_t
oe_socks_reply(const struct oe_socks *s, enum oe_socks_result result,
    uint8_t ret[OE_SOCKS_REPLY_MAX])
{
	static const uint8_t v5[] = {
	    [OE_SOCKS_GRANTED] = 0,
	    [OE_SOCKS_FAILURE] = V5_GENERAL,
	    [OE_SOCKS_DENIED] = V5_RULES,
	    [OE_SOCKS_UNREACHABLE] = V5_HOST_GONE,
	    [OE_SOCKS_REFUSED] = V5_NOT_LISTED,
	};

	if (s->in[0] == 4)
		return reply_v4(
		    result == OE_SOCKS_GRANTED ? V4_GRANTED : V4_REJECTED, ret);
	return reply_v5(v5[result], ret);
}
