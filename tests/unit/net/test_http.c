/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/http.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

/* What the server in this test does with one connection after another. */
enum act {
	SAY,   /* the text, then wait for the next request */
	CLOSE, /* the text, then close */
	RESET, /* nothing, and cut hard */
	HANG,  /* nothing until the client goes */
	FLOOD, /* a header, then bytes until the client goes */
};

struct step {
	enum act act;
	const char *text;
};

struct server {
	const struct step *steps; /* ended by text NULL */
	int fd, port;
	int connections, requests;
	char request[4096]; /* the last one */
	pthread_t thread;
};

static bool
read_request(int fd, char *ret, size_t size)
{
	char to[4096] = "";
	size_t n = 0;
	ssize_t got;

	while (n + 1 < sizeof to && !strstr(to, "\r\n\r\n")) {
		got = read(fd, to + n, sizeof to - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		to[n] = '\0';
	}
	snprintf(ret, size, "%s", to);
	return true;
}

static void
until_gone(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	poll(&p, 1, 30000);
}

static void
flood(int fd)
{
	char block[8192];

	memset(block, 'x', sizeof block);
	while (send(fd, block, sizeof block, MSG_NOSIGNAL) > 0)
		continue;
}

/* One request answered; false: the connection is over. */
static bool
serve(int fd, const struct step *s)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (s->act == RESET) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		return false;
	}
	(void)oe_fd_write_all(fd, s->text, strlen(s->text));
	if (s->act == HANG)
		until_gone(fd);
	if (s->act == FLOOD)
		flood(fd);
	return s->act == SAY;
}

/* Does the client go on here, or does it come anew? */
static bool
goes_on(int fd, int listener)
{
	struct pollfd p[] = {
	    {.fd = fd, .events = POLLIN}, {.fd = listener, .events = POLLIN}};

	return poll(p, 2, 30000) > 0 && p[0].revents;
}

static void *
server_main(void *arg)
{
	struct server *s = arg;
	const struct step *at = s->steps;
	int fd;

	while (at->text) {
		fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			break;
		s->connections++;
		while (at->text && goes_on(fd, s->fd) &&
		       read_request(fd, s->request, sizeof s->request)) {
			s->requests++;
			if (!serve(fd, at++))
				break;
		}
		close(fd);
	}
	return NULL;
}

static void
server_start(struct server *s, const struct step *steps)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof sin;

	memset(s, 0, sizeof *s);
	s->steps = steps;
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&sin, sizeof sin), 0);
	assert_int_equal(listen(s->fd, 5), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&sin, &len), 0);
	s->port = ntohs(sin.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}

static void
server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static struct oe_http *
client(void)
{
	const struct oe_http_plan plan = {.tries = 3, .total_ms = 20000};
	struct oe_http *h = NULL;

	assert_int_equal(oe_http_new(&plan, &h, NULL), 0);
	return h;
}

static int
ask(struct oe_http *h, const struct server *s, struct oe_http_ask *a,
    struct oe_http_reply *ret, struct oe_err *err)
{
	char *url = oe_mem_printf("http://127.0.0.1:%d/x?y=1", s->port);
	int r;

	if (!a->method)
		a->method = "GET";
	a->url = url;
	r = oe_http_ask(h, a, ret, err);
	free(url);
	return r;
}

#define OK(body_len, body)                                                     \
	"HTTP/1.1 200 OK\r\nContent-Length: " #body_len "\r\n\r\n" body

static void
a_reply_is_taken_apart(void **state)
{
	static const struct step steps[] = {
	    {SAY, "HTTP/1.1 100 Continue\r\nETag: \"early\"\r\n\r\n"
		  "HTTP/1.1 203 Fine\r\nETag: W/\"v-1\"\r\n"
		  "content-type: Application/JSON; charset=utf-8\r\n"
		  "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		  "Content-Length: 2\r\n\r\n{}"},
	    {SAY, "HTTP/1.1 304 Not Modified\r\n\r\n"}, {SAY, NULL}};
	struct oe_http_ask a = {.bearer = "tok", .if_none_match = "\"e\""};
	struct oe_http_ask p = {
	    .method = "POST", .body = "[1]", .body_len = 3, .again = true};
	struct oe_http_reply r = {0};
	struct oe_http *h = client();
	struct server s;

	(void)state;
	server_start(&s, steps);
	assert_int_equal(ask(h, &s, &a, &r, NULL), 0);
	assert_int_equal(r.status, 203);
	assert_string_equal(r.body, "{}");
	assert_string_equal(r.etag, "W/\"v-1\"");
	assert_string_equal(r.type, "application/json");
	assert_int_equal(r.date_s, 784111777);
	assert_true(r.sent);
	oe_http_reply_done(&r);
	assert_non_null(strstr(s.request, "GET /x?y=1 HTTP/1.1\r\n"));
	assert_non_null(strstr(s.request, "\r\nAuthorization: Bearer tok\r\n"));
	assert_non_null(strstr(s.request, "\r\nIf-None-Match: \"e\"\r\n"));
	assert_null(strstr(s.request, "Accept-Encoding"));
	assert_int_equal(ask(h, &s, &p, &r, NULL), 0);
	assert_int_equal(r.status, 304);
	assert_string_equal(r.body, "");
	assert_string_equal(r.etag, "");
	oe_http_reply_done(&r);
	assert_non_null(
	    strstr(s.request, "\r\nContent-Type: application/json\r\n"));
	assert_null(strstr(s.request, "Expect"));
	assert_int_equal(s.connections, 1);
	oe_http_free(&h);
	server_stop(&s);
}

static void
what_is_asked_again(void **state)
{
	static const struct step busy[] = {
	    {SAY, "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\n"
		  "Content-Length: 4\r\n\r\nlong"},
	    {RESET, ""}, {SAY, OK(2, "ok")}, {SAY, NULL}};
	static const struct step patient[] = {
	    {SAY, "HTTP/1.1 429 Slow\r\nRetry-After: 3600\r\n"
		  "Content-Length: 0\r\n\r\n"},
	    {SAY, NULL}};
	static const struct step post[] = {
	    {SAY, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"},
	    {SAY, NULL}};
	static const struct step cut[] = {{RESET, ""}, {SAY, NULL}};
	static const struct {
		const struct step *steps;
		const char *method;
		bool once, again;
		int r, status, requests;
	} cases[] = {
	    {busy, "GET", false, false, 0, 200, 3},
	    {busy, "POST", false, true, 0, 200, 3},
	    {busy, "GET", true, false, 0, 503, 1},
	    {post, "POST", false, false, 0, 503, 1},
	    {post, "DELETE", false, false, 0, 503, 1},
	    {patient, "GET", false, false, 0, 429, 1},
	    {cut, "POST", false, false, OE_ECLOSED, 0, 1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct oe_http_ask a = {.method = cases[i].method,
		    .once = cases[i].once,
		    .again = cases[i].again};
		struct oe_http_reply r = {0};
		struct oe_http *h = client();
		struct server s;

		server_start(&s, cases[i].steps);
		assert_int_equal(ask(h, &s, &a, &r, NULL), cases[i].r);
		assert_int_equal(r.status, cases[i].status);
		assert_int_equal(s.requests, cases[i].requests);
		assert_true(r.sent);
		oe_http_reply_done(&r);
		oe_http_free(&h);
		server_stop(&s);
	}
}

/* A call that must not arrive twice does not go where curl would repeat it. */
static void
a_used_connection_is_for_what_may_be_repeated(void **state)
{
	static const struct step steps[] = {
	    {SAY, OK(0, "")}, {SAY, OK(0, "")}, {SAY, NULL}};
	struct oe_http_ask get = {.method = "GET"};
	struct oe_http_ask post = {.method = "POST"};
	struct oe_http_reply r = {0};
	struct oe_http *h = client();
	struct server s;

	(void)state;
	server_start(&s, steps);
	assert_int_equal(ask(h, &s, &get, &r, NULL), 0);
	oe_http_reply_done(&r);
	assert_int_equal(ask(h, &s, &post, &r, NULL), 0);
	oe_http_reply_done(&r);
	assert_int_equal(s.connections, 2);
	assert_non_null(strstr(s.request, "\r\nContent-Length: 0\r\n"));
	oe_http_free(&h);
	server_stop(&s);
}

static void
failures_have_names(void **state)
{
	static const struct step truncated[] = {
	    {CLOSE, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort"},
	    {SAY, NULL}};
	static const struct step announced[] = {
	    {SAY, "HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"},
	    {SAY, NULL}};
	static const struct step endless[] = {
	    {FLOOD, "HTTP/1.1 200 OK\r\n\r\n"}, {SAY, NULL}};
	static const struct step header[] = {
	    {FLOOD, "HTTP/1.1 200 OK\r\nX: "}, {SAY, NULL}};
	static const struct step slow[] = {
	    {HANG, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"},
	    {SAY, NULL}};
	static const struct step other[] = {
	    {CLOSE, "SSH-2.0-OpenSSH_9.2\r\n"}, {SAY, NULL}};
	static const struct {
		const char *name;
		const struct step *steps;
		int64_t total_ms;
		int r;
	} cases[] = {
	    {"truncated", truncated, 20000, OE_ECLOSED},
	    {"too large, and said so", announced, 20000, OE_ETOOBIG},
	    {"without end", endless, 20000, OE_ETOOBIG},
	    {"a header without end", header, 20000, OE_ETOOBIG},
	    {"slow", slow, 300, OE_ETIMEOUT},
	    {"another protocol", other, 20000, OE_EPROTO},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct oe_http_plan plan = {
		    .tries = 1, .total_ms = cases[i].total_ms};
		struct oe_http_ask a = {.max = 1 << 16};
		struct oe_http_reply r = {0};
		struct oe_err err = OE_ERR_INIT;
		struct oe_http *h = NULL;
		struct server s;
		int got;

		assert_int_equal(oe_http_new(&plan, &h, NULL), 0);
		server_start(&s, cases[i].steps);
		got = ask(h, &s, &a, &r, &err);
		if (got != cases[i].r)
			fail_msg("%s: %d %s", cases[i].name, got, err.msg);
		assert_null(r.body);
		assert_string_not_equal(err.msg, "");
		oe_http_free(&h);
		server_stop(&s);
	}
}

static void
a_redirect_is_only_told(void **state)
{
	static const struct step steps[] = {
	    {SAY, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
		  "Content-Length: 0\r\n\r\n"},
	    {SAY, NULL}};
	struct oe_http_ask a = {0};
	struct oe_http_reply r = {0};
	struct oe_http *h = client();
	struct server s;

	(void)state;
	server_start(&s, steps);
	assert_int_equal(ask(h, &s, &a, &r, NULL), 0);
	assert_int_equal(r.status, 302);
	assert_int_equal(s.requests, 1);
	oe_http_reply_done(&r);
	oe_http_free(&h);
	server_stop(&s);
}

static void
nobody_there(void **state)
{
	const struct oe_http_plan plan = {.tries = 2};
	struct oe_http_ask a = {.method = "POST"};
	struct oe_http_reply r = {.sent = true};
	struct oe_err err = OE_ERR_INIT;
	struct oe_http *h = NULL;
	struct server s;

	(void)state;
	server_start(&s, (const struct step[]){{SAY, NULL}});
	server_stop(&s); /* the port is free now */
	assert_int_equal(oe_http_new(&plan, &h, NULL), 0);
	assert_int_equal(ask(h, &s, &a, &r, &err), OE_ECLOSED);
	assert_false(r.sent);
	oe_http_free(&h);
}

static void
what_is_never_sent(void **state)
{
	static const struct oe_http_ask bad[] = {
	    {.method = "GET", .url = "http://192.0.2.1/"},
	    {.method = "GET", .url = "http://localhost.example/"},
	    {.method = "GET", .url = "http://127.0.0.1.example/"},
	    {.method = "GET", .url = "https://user@127.0.0.1/"},
	    {.method = "GET", .url = "file:///etc/passwd"},
	    {.method = "GET", .url = "127.0.0.1/"},
	    {.method = "GET", .url = "https:///"},
	    {.method = "GET", .url = ""},
	    {.method = "GET", .url = "http://127.0.0.1/ x"},
	    {.method = "GET", .url = "http://127.0.0.1/\r\nX: y"},
	    {.method = "GET x", .url = "http://127.0.0.1/"},
	    {.method = "GET",
		.url = "http://127.0.0.1/",
		.bearer = "a\r\nX: y"},
	    {.method = "GET",
		.url = "http://127.0.0.1/",
		.if_none_match = "a\nX: y"},
	    {.method = "GET", .url = "http://127.0.0.1/", .type = "a\nX: y"},
	};
	struct oe_http *h = client();
	struct oe_http_reply r = {0};
	struct oe_err err = OE_ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(oe_http_ask(h, &bad[i], &r, &err), OE_EINVAL);
		assert_null(r.body);
	}
	oe_http_free(&h);
}

static void
plans_that_are_none(void **state)
{
	static const struct oe_http_plan bad[] = {
	    {.ca_file = "/nonexistent/ca.pem"},
	    {.pin = ""},
	    {.pin = "sha256//AAAA"},
	    {.pin = "sha1//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
	    {.pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!="},
	    {.pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;a"},
	};
	struct oe_err err = OE_ERR_INIT;
	struct oe_http *h = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(oe_http_new(&bad[i], &h, &err), OE_ECONF);
		assert_null(h);
	}
}

int
main(void)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy",
	    "HTTPS_PROXY", "ALL_PROXY", "all_proxy"};
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_reply_is_taken_apart),
	    cmocka_unit_test(what_is_asked_again),
	    cmocka_unit_test(a_used_connection_is_for_what_may_be_repeated),
	    cmocka_unit_test(failures_have_names),
	    cmocka_unit_test(a_redirect_is_only_told),
	    cmocka_unit_test(nobody_there),
	    cmocka_unit_test(what_is_never_sent),
	    cmocka_unit_test(plans_that_are_none),
	};
	size_t i;

	/* a token for this machine goes to no proxy */
	for (i = 0; i < sizeof proxies / sizeof *proxies; i++)
		setenv(proxies[i], "http://192.0.2.1:3128", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
