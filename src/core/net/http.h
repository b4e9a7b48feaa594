/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/http.h - one HTTP request and its whole reply, over libcurl.
 *
 * TLS is verified (system roots, a CA file, or a pinned certificate), bodies
 * and times are bounded, redirects are not followed, proxies come from the
 * environment as curl reads it.  What may be asked twice (GET and HEAD; others
 * when the caller says so) is asked again after a failure of the network or
 * 502, 503, 504, 429, with growing random pauses and Retry-After; anything is
 * asked again that surely did not reach the server.  A call that may not be
 * asked twice never goes over a used connection, since the server may have
 * closed that one without telling.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"

struct oe_err;
struct oe_http;

/* Time limits when none are given: to connect, and of one try. */
#define OE_HTTP_CONNECT_MS 5000
#define OE_HTTP_TOTAL_MS   15000
#define OE_HTTP_BODY_MAX   (8 << 20)
#define OE_HTTP_ETAG_MAX   256
#define OE_HTTP_TYPE_MAX   64
#define OE_HTTP_TRIES_MAX  10
/* A server that wants a longer pause than this gets none: its reply counts. */
#define OE_HTTP_PAUSE_MAX_MS 5000

struct oe_http_plan {
	const char *ca_file; /* PEM roots instead of the system's, or NULL */
	const char *ca_pem;  /* the same as text, where no file can be read */
	/*
	 * "sha256//BASE64" of the server's public key (RFC 7469), or NULL.
	 * Without ca_file the pin alone says who the server is; with it both
	 * must hold.
	 */
	const char *pin;
	const char *user_agent;
	int64_t connect_ms, total_ms; /* of one try; 0: as above */
	unsigned tries;               /* 0: 3 */
};

struct oe_http_ask {
	const char *method; /* "GET" */
	const char *url;    /* https, or http to a loopback address */
	const char *bearer; /* token, or NULL */
	const char *type;   /* of the body; NULL: application/json */
	const void *body;   /* NULL: none */
	size_t body_len;
	const char *if_none_match; /* ETag, or NULL */
	size_t max;                /* bytes of a reply; 0: OE_HTTP_BODY_MAX */
	bool once;                 /* never asked again, GET neither */
	bool again;                /* may be asked again, POST too */
	int64_t total_ms;          /* of all tries; 0: the plan's, of each */
};

struct oe_http_reply {
	int status; /* of HTTP */
	char *body; /* ended by NUL, never NULL */
	size_t len;
	char etag[OE_HTTP_ETAG_MAX]; /* "" when none */
	char type[OE_HTTP_TYPE_MAX]; /* "application/json", lower case, or "" */
	int64_t date_s;              /* of the header Date, or 0 */
	/* false: the request surely did not reach the server; also after a
	 * failure */
	bool sent;
};

/**
 * oe_http_new() - connections to servers are kept and used again.
 * @plan: copied.
 * @ret: oe_http_free() it.
 * Return: 0, OE_ECONF (ca_file cannot be read, pin is none), OE_ELIB.
 */
int oe_http_new(const struct oe_http_plan *plan, struct oe_http **ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_http_free(struct oe_http **h);
/**
 * oe_http_ask() - ask and wait.
 * @ret: oe_http_reply_done() it; any HTTP status is a reply.  After a failure
 *       only its sent is set.
 * Return: 0, OE_ETIMEOUT, OE_ECLOSED (no connection, or it broke),
 * OE_EPERM (TLS: not the server it should be), OE_EPROTO, OE_ETOOBIG,
 * OE_ECONF (ca_file has no certificate), OE_EINVAL (no such URL, http to
 * another machine, or control characters in what is to be sent).
 */
int oe_http_ask(struct oe_http *h, const struct oe_http_ask *ask,
    struct oe_http_reply *ret, struct oe_err *err) OE_MUST_CHECK;
void oe_http_reply_done(struct oe_http_reply *r);
