/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/cidr.h"
#include "core/net/http_internal.h"

/* Methods of CURLOPT_CUSTOMREQUEST; longer than any in use. */
#define METHOD_MAX 16

bool
oe_http__repeatable(const struct oe_http_ask *ask)
{
	if (ask->once)
		return false;
	return ask->again || !strcmp(ask->method, "GET") ||
	       !strcmp(ask->method, "HEAD");
}

/* Could this end a header line or a word of the request? */
static bool
clean(const char *s, unsigned char lowest)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < lowest || *s == 0x7f)
			return false;
	return true;
}

static bool
is_loopback(const char *host)
{
	struct oe_cidr_list *l;
	struct oe_addr a;
	char text[OE_ADDR_TEXT_MAX + 2];
	bool yes;

	if (!strcasecmp(host, "localhost"))
		return true;
	if (!oe_str_copy(text, sizeof text, host + (*host == '[')))
		return false;
	text[strcspn(text, "]")] = '\0';
	if (oe_addr_parse(text, &a, NULL) < 0)
		return false;
	l = oe_cidr_list_new();
	yes = !oe_cidr_list_add_localhost(l) && oe_cidr_list_contains(l, &a);
	oe_cidr_list_free(&l);
	return yes;
}

static int
check_url(
    const struct oe_http__lib *l, CURLU *u, bool *ret_plain, struct oe_err *err)
{
	char *scheme = NULL, *host = NULL, *user = NULL;
	int r = OE_EINVAL;

	if (l->url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
	    l->url_get(u, CURLUPART_HOST, &host, 0)) {
		r = oe_err_set(err, OE_EINVAL, "a URL without a host");
		goto out;
	}
	*ret_plain = !strcmp(scheme, "http");
	if (!*ret_plain && strcmp(scheme, "https") != 0)
		oe_err_set(err, OE_EINVAL, "'%s' is no scheme of HTTP", scheme);
	else if (*ret_plain && !is_loopback(host))
		oe_err_set(err, OE_EINVAL,
		    "'%s': without TLS only this machine is asked", host);
	else if (!l->url_get(u, CURLUPART_USER, &user, 0))
		oe_err_set(err, OE_EINVAL, "a URL with a user in it");
	else
		r = 0;
out:
	l->free(scheme);
	l->free(host);
	l->free(user);
	return r;
}

int
oe_http__url(const struct oe_http *h, const struct oe_http_ask *ask,
    CURLU **ret, bool *ret_plain, struct oe_err *err)
{
	const struct oe_http__lib *l = &h->lib;
	CURLU *u;
	int r;

	if (!clean(ask->url, 0x21) || !clean(ask->bearer, 0x21) ||
	    !clean(ask->type, 0x20) || !clean(ask->if_none_match, 0x20) ||
	    strlen(ask->method) > METHOD_MAX || !clean(ask->method, 0x21))
		return oe_err_set(
		    err, OE_EINVAL, "control characters in what would be sent");
	u = oe_mem_check(l->url());
	if (l->url_set(u, CURLUPART_URL, ask->url, 0) != CURLUE_OK)
		r = oe_err_set(
		    err, OE_EINVAL, "'%.200s' is not a URL", ask->url);
	else
		r = check_url(l, u, ret_plain, err);
	if (r < 0)
		l->url_cleanup(u);
	else
		*ret = u;
	return r;
}

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	struct oe_http__try *t = arg;

	n *= size;
	if (oe_buf_put(&t->body, p, n) < 0) {
		t->too_big = true;
		return 0;
	}
	return n;
}

static void
add(const struct oe_http__lib *l, struct curl_slist **list, char *line)
{
	*list = oe_mem_check(l->slist_append(*list, line));
	oe_mem_free_secret(&line);
}

static struct curl_slist *
headers_of(const struct oe_http__lib *l, const struct oe_http_ask *ask)
{
	struct curl_slist *list = NULL;

	add(l, &list, oe_mem_strdup("Accept: application/json"));
	/* no round trip to ask whether a body may come */
	add(l, &list, oe_mem_strdup("Expect:"));
	if (ask->bearer)
		add(l, &list,
		    oe_mem_printf("Authorization: Bearer %s", ask->bearer));
	if (ask->body)
		add(l, &list,
		    oe_mem_printf("Content-Type: %s",
			ask->type ? ask->type : "application/json"));
	if (ask->if_none_match)
		add(l, &list,
		    oe_mem_printf("If-None-Match: %s", ask->if_none_match));
	return list;
}

static void
headers_wipe(const struct oe_http__lib *l, struct curl_slist *list)
{
	struct curl_slist *at;

	for (at = list; at; at = at->next)
		oe_mem_wipe(at->data, strlen(at->data));
	l->slist_free_all(list);
}

static void
set_server(CURL *c, const struct oe_http *h, bool plain)
{
	const struct oe_http__lib *l = &h->lib;
	/* with a pin alone, the key says it all: the name in a certificate
	 * that the server made itself, and who signed it, do not matter */
	bool by_name = h->ca_file || h->ca_pem || !h->pin;
	struct curl_blob pem = {.data = h->ca_pem, .flags = CURL_BLOB_COPY};

	l->easy_setopt(c, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
	/* curl would hand a token for this machine to a proxy elsewhere */
	if (plain)
		l->easy_setopt(c, CURLOPT_PROXY, "");
	l->easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	l->easy_setopt(c, CURLOPT_SSL_VERIFYPEER, by_name ? 1L : 0L);
	l->easy_setopt(c, CURLOPT_SSL_VERIFYHOST, by_name ? 2L : 0L);
	if (h->pin)
		l->easy_setopt(c, CURLOPT_PINNEDPUBLICKEY, h->pin);
	if (h->ca_pem) {
		pem.len = strlen(h->ca_pem);
		l->easy_setopt(c, CURLOPT_CAINFO_BLOB, &pem);
		l->easy_setopt(c, CURLOPT_CAPATH, (char *)NULL);
	} else if (h->ca_file) {
		l->easy_setopt(c, CURLOPT_CAINFO, h->ca_file);
		l->easy_setopt(c, CURLOPT_CAPATH, (char *)NULL);
	}
}

static void
set_limits(CURL *c, const struct oe_http__try *t)
{
	const struct oe_http__lib *l = &t->http->lib;
	const struct oe_http *h = t->http;

	l->easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	l->easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	l->easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)h->connect_ms);
	l->easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)t->total_ms);
	l->easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->body.max);
	l->easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	l->easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	l->easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
}

static void
set_request(CURL *c, struct oe_http__try *t, struct curl_slist *headers)
{
	const struct oe_http__lib *l = &t->http->lib;
	const struct oe_http_ask *ask = t->ask;

	if (!strcmp(ask->method, "HEAD"))
		l->easy_setopt(c, CURLOPT_NOBODY, 1L);
	else
		l->easy_setopt(c, CURLOPT_CUSTOMREQUEST, ask->method);
	if (ask->body) {
		l->easy_setopt(
		    c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_len);
		l->easy_setopt(c, CURLOPT_POSTFIELDS, ask->body);
	} else if (!strcmp(ask->method, "POST")) {
		l->easy_setopt(c, CURLOPT_POSTFIELDSIZE, 0L);
		l->easy_setopt(c, CURLOPT_POSTFIELDS, "");
	}
	l->easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	l->easy_setopt(c, CURLOPT_USERAGENT,
	    t->http->user_agent ? t->http->user_agent : "omniedge");
	if (!oe_http__repeatable(ask))
		l->easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	l->easy_setopt(c, CURLOPT_HEADERFUNCTION, oe_http__header);
	l->easy_setopt(c, CURLOPT_HEADERDATA, t);
	l->easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	l->easy_setopt(c, CURLOPT_WRITEDATA, t);
}

/* What curl's failure is to us. */
static int
status_of(CURLcode c)
{
	switch (c) {
	case CURLE_OPERATION_TIMEDOUT:
		return OE_ETIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return OE_EPERM;
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_OUT_OF_MEMORY: /* one header line without end */
		return OE_ETOOBIG;
	case CURLE_SSL_CACERT_BADFILE:
		return OE_ECONF;
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: /* a reply that is no HTTP/1 */
	case CURLE_BAD_CONTENT_ENCODING:
		return OE_EPROTO;
	default:
		break;
	}
	return OE_ECLOSED;
}

/*
 * TLS libraries write to sockets that the other side has closed; SIGPIPE is
 * kept off for that long and one that came is taken, so that nothing is
 * changed for the rest of the program.
 */
static CURLcode
perform(const struct oe_http__lib *l, CURL *c)
{
	const struct timespec now = {0, 0};
	sigset_t pipe_only, pending, old;
	bool was_pending;
	CURLcode code;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE) == 1;
	pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
	code = l->easy_perform(c);
	if (!was_pending)
		while (sigtimedwait(&pipe_only, NULL, &now) > 0)
			continue;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return code;
}

int
oe_http__once(
    struct oe_http__try *t, CURLU *url, bool plain, struct oe_err *err)
{
	const struct oe_http__lib *l = &t->http->lib;
	CURL *c = t->http->curl;
	struct curl_slist *headers = headers_of(l, t->ask);
	char why[CURL_ERROR_SIZE] = "";
	long status = 0, sent = 0;
	CURLcode code;
	int r = 0;

	l->easy_reset(c); /* options only: connections stay */
	set_server(c, t->http, plain);
	set_limits(c, t);
	set_request(c, t, headers);
	l->easy_setopt(c, CURLOPT_CURLU, url);
	l->easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	code = perform(l, c);
	l->easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	l->easy_getinfo(c, CURLINFO_REQUEST_SIZE, &sent);
	if (t->too_big || code == CURLE_FILESIZE_EXCEEDED)
		r = oe_err_set(err, OE_ETOOBIG,
		    "the reply is larger than %zu bytes", t->body.max);
	else if (code != CURLE_OK)
		r = oe_err_set(err, status_of(code), "%s",
		    *why ? why : l->easy_strerror(code));
	t->reply.status = (int)status;
	t->reply.sent = code == CURLE_OK || sent > 0;
	l->easy_reset(c);
	headers_wipe(l, headers);
	return r;
}
