/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/http.h - the head of a request of HTTP/1.1, read strictly.
 *
 * RFC 9112 with everything left out that lets two readers see two requests in
 * the same bytes: lines end with CR LF, no folded lines, no blank before a
 * colon, no header twice that may stand once, a length of digits only and no
 * transfer coding.  What is refused has a status to refuse it with, after
 * which the connection ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "control/call.h"
#include "control/client.h"

#define OE_CTL_HEAD_MAX    16384 /* request line and headers */
#define OE_CTL_TARGET_MAX  4096
#define OE_CTL_HEADERS_MAX 64

struct oe_ctl_head {
	char *method; /* of letters, any of them */
	char *path;   /* begins with '/', or is "*"; percent-encoded */
	char *query;  /* behind '?', or NULL */
	bool keep_alive;
	bool old; /* HTTP/1.0 */
	bool has_length;
	bool expects;    /* 100-continue */
	size_t body_len; /* SIZE_MAX: more than that */
	const char *host, *type, *authorization, *if_match,
	    *if_none_match; /* or NULL */
	/* the last lines of X-Forwarded-For, in the order they came */
	const char *forwarded[OE_CTL_FORWARDED_MAX];
	size_t n_forwarded;
};

/**
 * oe_ctl_head_end() - length of a head including its empty line, or 0 when
 * it is not there yet.
 * @from: what was searched before.
 */
size_t oe_ctl_head_end(const char *p, size_t n, size_t from);
/**
 * oe_ctl_head_parse() - read a head in place.
 * @p: @n bytes as oe_ctl_head_end() counts them; @ret points into them.
 * Return: 0, or a status of HTTP: 400, 411, 414, 417, 431, 505.
 */
int oe_ctl_head_parse(char *p, size_t n, struct oe_ctl_head *ret);

/**
 * oe_ctl_percent_decode() - in place.
 * @plus: '+' is a blank (forms and queries).
 * Return: false when it is malformed or a NUL would come of it.
 */
bool oe_ctl_percent_decode(char *s, bool plus);
/**
 * oe_ctl_form_parse() - "a=b&c=d" of a query or a form, in place.
 * Return: false when it is malformed, has more than @max pairs, a key twice
 * (two readers may take another of them), or what is no UTF-8.
 */
bool
oe_ctl_form_parse(char *s, struct oe_ctl_pair *ret, size_t max, size_t *ret_n);
/** oe_ctl_type_is() - is @header this media type, whatever its parameters? */
bool oe_ctl_type_is(const char *header, const char *type);
