/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/http.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/net/http_internal.h"

#define TRIES          3
#define FIRST_PAUSE_MS 200
/* Of base64 of SHA-256, with padding. */
#define PIN_DIGITS 44

static int
check_plan(const struct oe_http_plan *plan, struct oe_err *err)
{
	static const char kind[] = "sha256//";
	uint8_t *bytes = NULL;
	const char *pin = plan->pin;
	size_t n = 0;

	if (plan->ca_file && access(plan->ca_file, R_OK) < 0) {
		oe_err_sys(err, "read '%s'", plan->ca_file);
		return oe_err_wrap(err, OE_ECONF, "certificates of the API");
	}
	if (!pin)
		return 0;
	if (oe_str_starts(pin, kind) &&
	    strlen(pin) == sizeof kind - 1 + PIN_DIGITS)
		(void)!oe_str_unbase64(
		    pin + sizeof kind - 1, PIN_DIGITS, &bytes, &n);
	oe_mem_free(&bytes);
	if (n != 32)
		return oe_err_set(err, OE_ECONF,
		    "'%.80s' is not a pin: sha256// and 44 characters of "
		    "base64 are wanted",
		    pin);
	return 0;
}

int
oe_http_new(
    const struct oe_http_plan *plan, struct oe_http **ret, struct oe_err *err)
{
	struct oe_http *h;
	int r = check_plan(plan, err);

	if (r < 0)
		return r;
	h = oe_mem_zalloc(sizeof *h);
	r = oe_http__load(&h->lib, err);
	/* counted by curl: one oe_http_free() undoes it */
	if (r == 0 && h->lib.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		r = oe_err_set(err, OE_ELIB, "libcurl does not start");
	if (r < 0) {
		oe_mem_free(&h);
		return r;
	}
	h->curl = oe_mem_check(h->lib.easy_init());
	h->ca_file = oe_mem_strdup(plan->ca_file);
	h->ca_pem = oe_mem_strdup(plan->ca_pem);
	h->pin = oe_mem_strdup(plan->pin);
	h->user_agent = oe_mem_strdup(plan->user_agent);
	h->connect_ms =
	    plan->connect_ms > 0 ? plan->connect_ms : OE_HTTP_CONNECT_MS;
	h->total_ms = plan->total_ms > 0 ? plan->total_ms : OE_HTTP_TOTAL_MS;
	h->tries = plan->tries ? plan->tries : TRIES;
	if (h->tries > OE_HTTP_TRIES_MAX)
		h->tries = OE_HTTP_TRIES_MAX;
	*ret = h;
	return 0;
}

void
oe_http_free(struct oe_http **hp)
{
	struct oe_http *h = *hp;

	if (!h)
		return;
	h->lib.easy_cleanup(h->curl);
	oe_mem_free(&h->ca_file);
	oe_mem_free(&h->ca_pem);
	oe_mem_free(&h->pin);
	oe_mem_free(&h->user_agent);
	h->lib.global_cleanup();
	oe_mem_free(hp);
}

/* Does what came of a try ask for another? */
static bool
worth_another(int r, const struct oe_http__try *t)
{
	if (r < 0 && r != OE_ECLOSED && r != OE_ETIMEOUT)
		return false;
	if (r < 0 && !t->reply.sent)
		return !t->ask->once;
	if (!oe_http__repeatable(t->ask))
		return false;
	if (r < 0)
		return true;
	switch (t->reply.status) {
	case 429:
	case 502:
	case 503:
	case 504:
		return t->pause_ms <= OE_HTTP_PAUSE_MAX_MS;
	}
	return false;
}

/*
 * Pauses double, and each is drawn between half and the whole, so that many
 * clients of a server that was away do not come back as one.
 */
static void
take_pause(unsigned so_far, int64_t wanted_ms)
{
	int64_t ms = FIRST_PAUSE_MS << so_far;
	struct timespec ts;

	if (ms > OE_HTTP_PAUSE_MAX_MS)
		ms = OE_HTTP_PAUSE_MAX_MS;
	ms = ms / 2 + oe_mem_random((uint32_t)(ms / 2 + 1));
	if (ms < wanted_ms)
		ms = wanted_ms;
	ts.tv_sec = ms / 1000;
	ts.tv_nsec = ms % 1000 * 1000000;
	nanosleep(&ts, NULL);
}

static void
try_begin(struct oe_http__try *t)
{
	size_t max = t->ask->max ? t->ask->max : OE_HTTP_BODY_MAX;

	memset(&t->reply, 0, sizeof t->reply);
	oe_buf_init(&t->body, max);
	t->headers = 0;
	t->too_big = false;
	t->pause_ms = -1;
}

/* For one try; curl takes 0 for as long as it likes. */
static int64_t
time_for(const struct oe_http *h, int64_t end_ms)
{
	int64_t left = end_ms - oe_time_mono_ms();

	if (!end_ms)
		return h->total_ms;
	return left > 0 ? left : 1;
}

/* Is there time for a pause and a try after it? */
static bool
has_time(int64_t end_ms)
{
	return !end_ms || end_ms - oe_time_mono_ms() > OE_HTTP_PAUSE_MAX_MS;
}

static void
hand_over(struct oe_http__try *t, struct oe_http_reply *ret)
{
	size_t n = oe_buf_left(&t->body);

	*ret = t->reply;
	ret->len = n;
	ret->body = oe_mem_zalloc(n + 1);
	if (n)
		memcpy(ret->body, oe_buf_head(&t->body), n);
}

int
oe_http_ask(struct oe_http *h, const struct oe_http_ask *ask,
    struct oe_http_reply *ret, struct oe_err *err)
{
	struct oe_http__try t = {.http = h, .ask = ask};
	int64_t end_ms = ask->total_ms ? oe_time_mono_ms() + ask->total_ms : 0;
	bool plain = false;
	CURLU *url = NULL;
	unsigned i;
	int r;

	ret->sent = false;
	r = oe_http__url(h, ask, &url, &plain, err);
	if (r < 0)
		return r;
	for (i = 0;; i++) {
		try_begin(&t);
		t.total_ms = time_for(h, end_ms);
		r = oe_http__once(&t, url, plain, err);
		/* what was sent once may have arrived */
		ret->sent |= t.reply.sent;
		t.reply.sent = ret->sent;
		if (i + 1 >= h->tries || !worth_another(r, &t) ||
		    !has_time(end_ms))
			break;
		oe_buf_done(&t.body);
		take_pause(i, t.pause_ms);
	}
	if (!r)
		hand_over(&t, ret);
	oe_buf_done(&t.body);
	h->lib.url_cleanup(url);
	return r;
}

void
oe_http_reply_done(struct oe_http_reply *r)
{
	if (r->body)
		oe_mem_wipe(r->body, r->len);
	oe_mem_free(&r->body);
	memset(r, 0, sizeof *r);
}
