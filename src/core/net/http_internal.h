/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/http_internal.h - what the files of the HTTP client share.
 */
#pragma once

#include <curl/curl.h>

#include "core/base/buf.h"
#include "core/net/http.h"
#include "core/net/http_lib.h"

/* All header lines of one reply together. */
#define OE_HTTP_HEADERS_MAX (64 << 10)

struct oe_http {
	struct oe_http__lib lib;
	CURL *curl;
	char *ca_file, *ca_pem, *pin, *user_agent;
	int64_t connect_ms, total_ms;
	unsigned tries;
};

/* One try, while it runs. */
struct oe_http__try {
	struct oe_http *http;
	const struct oe_http_ask *ask;
	struct oe_http_reply reply;
	struct oe_buf body;
	size_t headers; /* bytes so far */
	bool too_big;
	int64_t pause_ms; /* Retry-After; -1: none */
	int64_t total_ms; /* of this try */
};

/* Methods that a server may see twice (RFC 9110 section 9.2.1). */
bool oe_http__repeatable(const struct oe_http_ask *ask);

/**
 * oe_http__url() - @ask's URL as curl will use it.
 * @ret: lib.url_cleanup() it.  @ret_plain: it is http, to this machine.
 * Return: 0 or OE_EINVAL.
 */
int oe_http__url(const struct oe_http *h, const struct oe_http_ask *ask,
    CURLU **ret, bool *ret_plain, struct oe_err *err);

/**
 * oe_http__once() - ask one time.
 * @t: http and ask are set; on success reply is filled but for the body.
 * Return: as oe_http_ask().
 */
int oe_http__once(
    struct oe_http__try *t, CURLU *url, bool plain, struct oe_err *err);

/* http_header.c */
/** oe_http__header() - curl's header callback; @arg: the try. */
size_t oe_http__header(char *line, size_t size, size_t n, void *arg);
