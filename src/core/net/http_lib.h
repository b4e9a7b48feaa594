/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/http_lib.h - libcurl, loaded when the first request is made.
 *
 * With what it needs itself it is some 30 libraries, which would cost every
 * command 4 ms at its start, and most commands ask nothing over HTTP.
 */
#pragma once

#include <curl/curl.h>

#include "core/base/compiler.h"

struct oe_err;

struct oe_http__lib {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_global_cleanup) *global_cleanup;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_reset) *easy_reset;
	CURLcode (*easy_setopt)(CURL *curl, CURLoption option, ...);
	CURLcode (*easy_getinfo)(CURL *curl, CURLINFO info, ...);
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_url) *url;
	__typeof__(curl_url_cleanup) *url_cleanup;
	__typeof__(curl_url_get) *url_get;
	__typeof__(curl_url_set) *url_set;
	__typeof__(curl_free) *free;
	__typeof__(curl_getdate) *getdate;
	__typeof__(curl_version_info) *version_info;
};

/**
 * oe_http__load() - find libcurl and what is used of it.
 * @ret: filled; the library stays until the process ends.
 * Return: 0 or OE_ELIB.
 */
int oe_http__load(struct oe_http__lib *ret, struct oe_err *err) OE_MUST_CHECK;
