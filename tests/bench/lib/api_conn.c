/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api.h"

#define READ_MAX  65536
#define MARK      "@@@@@@@@@@@@@@@@"
#define MARK_LEN  16
#define ADDRESSES 250

/* --- connections -------------------------------------------------------- */

static void
ask(struct load *l, struct conn *c, uint32_t events)
{
	struct epoll_event e = {.events = events, .data = {.ptr = c}};

	if (c->asked == events)
		return;
	if (epoll_ctl(l->poll, c->asked ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, c->fd,
		&e) < 0)
		die("epoll_ctl");
	c->asked = events;
}

static void
hang_up(struct conn *c)
{
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->asked = 0;
	c->state = CLOSED;
}

static void
dial(struct load *l, struct conn *c)
{
	const int on = 1;
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(l->port),
	    .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};

	from.sin_addr.s_addr =
	    htonl(INADDR_LOOPBACK + 256 + c->number % ADDRESSES);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (bind(c->fd, (struct sockaddr *)&from, sizeof from) < 0)
		die("bind");
	if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 &&
	    errno != EINPROGRESS)
		die("connect");
	c->s->connects++;
	c->state = CONNECTING;
	ask(l, c, EPOLLOUT);
}

/* What OpenSSL waits for; false: the connection is no good. */
static bool
again(struct load *l, struct conn *c, int r)
{
	int why = SSL_get_error(c->ssl, r);

	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
		return false;
	ask(l, c, why == SSL_ERROR_WANT_READ ? EPOLLIN : EPOLLOUT);
	return true;
}

/* Bytes moved, 0: later, -1: broken or at its end. */
static ssize_t
put(struct load *l, struct conn *c, const char *p, size_t n)
{
	ssize_t r;

	ERR_clear_error();
	if (c->ssl) {
		r = SSL_write(c->ssl, p, (int)n);
		return r > 0 ? r : again(l, c, (int)r) ? 0 : -1;
	}
	r = send(c->fd, p, n, MSG_NOSIGNAL);
	if (r >= 0 || errno != EAGAIN)
		return r;
	ask(l, c, EPOLLOUT);
	return 0;
}

static ssize_t
get(struct load *l, struct conn *c, char *p, size_t n)
{
	ssize_t r;

	ERR_clear_error();
	if (c->ssl) {
		r = SSL_read(c->ssl, p, (int)n);
		return r > 0 ? r : again(l, c, (int)r) ? 0 : -1;
	}
	r = recv(c->fd, p, n, 0);
	if (r > 0)
		return r;
	if (r == 0 || errno != EAGAIN)
		return -1;
	ask(l, c, EPOLLIN);
	return 0;
}

/* --- requests ----------------------------------------------------------- */

static void
compose(struct load *l, struct conn *c)
{
	char number[MARK_LEN + 1], *at;

	if (c->out_size < c->r->len + 1) {
		c->out_size = c->r->len + 1;
		c->out = need(realloc(c->out, c->out_size));
	}
	memcpy(c->out, c->r->text, c->r->len + 1);
	c->out_len = c->r->len;
	snprintf(
	    number, sizeof number, "%016llx", (unsigned long long)l->unique++);
	for (at = c->out; (at = strstr(at, MARK)) != NULL; at += MARK_LEN)
		memcpy(at, number, MARK_LEN);
}

void
issue(struct load *l, struct conn *c, int64_t due_us)
{
	struct stream *s = c->s;

	c->r = &s->requests[s->issued++ % s->n];
	c->due_us = due_us;
	c->sent_ms = now(CLOCK_REALTIME) / 1000;
	compose(l, c);
	c->sent = c->head_len = c->left = c->body_len = 0;
	c->in_body = c->bye = false;
	c->asking = true;
	if (c->state == CLOSED) {
		dial(l, c);
		return;
	}
	c->state = SENDING;
	step(l, c);
}

static void
note_time(struct stream *s, int64_t us)
{
	if (s->n_times == s->size_times) {
		s->size_times = s->size_times ? 2 * s->size_times : 65536;
		s->times =
		    need(realloc(s->times, s->size_times * sizeof *s->times));
	}
	s->times[s->n_times++] = (uint32_t)(us > 0 ? us : 0);
}

/* The request of @c is over; it is free for another. */
static void
finish(struct conn *c, bool good)
{
	struct stream *s = c->s;
	bool keep = good && !c->bye && !s->fresh;

	if (!good)
		s->broken++;
	else if (c->status < 200 || c->status > 399)
		s->bad++;
	else
		c->r->good++;
	if (good) {
		note_time(s, now(CLOCK_MONOTONIC) - c->due_us);
		c->r->sent_ms = c->sent_ms;
		c->r->done_ms = now(CLOCK_REALTIME) / 1000;
	}
	if (good && s->save && c->status < 300) {
		free(c->r->body);
		c->r->body = need(strndup(c->body ? c->body : "", c->body_len));
	}
	s->done++;
	c->asking = false;
	if (keep)
		c->state = IDLE;
	else
		hang_up(c);
	put_by(c);
}

/* --- replies ------------------------------------------------------------ */

static void
keep_body(struct conn *c, const char *p, size_t n)
{
	c->s->bytes += n;
	if (!c->s->save)
		return;
	if (c->body_size < c->body_len + n + 1) {
		c->body_size = 2 * (c->body_len + n + 1);
		c->body = need(realloc(c->body, c->body_size));
	}
	memcpy(c->body + c->body_len, p, n);
	c->body_len += n;
}

/* The head is whole; false: it is none. */
static bool
read_head(struct conn *c)
{
	const char *p;

	if (sscanf(c->head, "HTTP/1.1 %d", &c->status) != 1)
		return false;
	p = strcasestr(c->head, "\r\ncontent-length:");
	c->left = p ? strtoull(p + 17, NULL, 10) : 0;
	if (c->status == 304 || c->status == 204)
		c->left = 0;
	c->bye = strcasestr(c->head, "\r\nconnection: close") != NULL;
	c->in_body = true;
	return true;
}

/* Bytes of a reply; how many of them were its own, or -1. */
static bool
take(struct conn *c, const char *p, size_t n)
{
	size_t old = c->head_len, used;
	char *end;

	if (!c->in_body) {
		used = n < HEAD_MAX - old ? n : HEAD_MAX - old;
		memcpy(c->head + old, p, used);
		c->head[c->head_len = old + used] = '\0';
		end = strstr(c->head, "\r\n\r\n");
		if (!end)
			return c->head_len < HEAD_MAX;
		end[2] = '\0';
		if (!read_head(c))
			return false;
		used = (size_t)(end + 4 - c->head) - old;
		p += used;
		n -= used;
	}
	if (n > c->left)
		return false;
	keep_body(c, p, n);
	c->left -= n;
	return true;
}

static void
receive(struct load *l, struct conn *c)
{
	static char bytes[READ_MAX];
	ssize_t n;

	while ((n = get(l, c, bytes, sizeof bytes)) > 0) {
		if (!take(c, bytes, (size_t)n)) {
			finish(c, false);
			return;
		}
		if (c->in_body && c->left == 0) {
			finish(c, true);
			return;
		}
	}
	if (n < 0)
		finish(c, false);
}

static void
transmit(struct load *l, struct conn *c)
{
	ssize_t n;

	while (c->sent < c->out_len) {
		n = put(l, c, c->out + c->sent, c->out_len - c->sent);
		if (n < 0)
			finish(c, false);
		if (n <= 0)
			return;
		c->sent += (size_t)n;
	}
	c->state = READING;
	ask(l, c, EPOLLIN);
}

static void
shake(struct load *l, struct conn *c)
{
	int r;

	if (c->state == CONNECTING && c->s->tls) {
		c->ssl = need(SSL_new(l->tls));
		SSL_set_fd(c->ssl, c->fd);
		c->state = SHAKING;
	}
	if (c->ssl) {
		ERR_clear_error();
		r = SSL_connect(c->ssl);
		if (r != 1) {
			if (!again(l, c, r))
				finish(c, false);
			return;
		}
	}
	c->state = SENDING;
	transmit(l, c);
}

void
step(struct load *l, struct conn *c)
{
	char byte;

	if (c->state == CONNECTING || c->state == SHAKING)
		shake(l, c);
	else if (c->state == SENDING)
		transmit(l, c);
	else if (c->state == READING)
		receive(l, c);
	else if (c->state == IDLE && get(l, c, &byte, 1) != 0)
		hang_up(c); /* it stays in the list of those that are free */
}
