/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api - asks a control-server on loopback and takes the time.
 *
 *	api PORT SECONDS STREAM...
 *
 * All streams run at the same time.  A stream is NAME=VALUE,... of
 *
 *	name	what it is called in the results
 *	file	requests as they are sent, each ended by a NUL; they take
 *		turns.  16 '@' become a number that was not there before.
 *	conns	connections, from 250 addresses of 127.0.0.0/8
 *	rate	a second, at even intervals whatever the server does; 0: each
 *		connection asks again when it was answered
 *	count	that many in all, however long it takes; 0: for SECONDS
 *	tls	1: HTTPS; the certificate is not looked at
 *	fresh	1: a connection for each request; its time counts
 *	record	file: of each request "GOOD SENT DONE", times of the last good
 *		one in ms since 1970
 *	save	file: of each request the body of the last good reply, a line
 *
 * With a rate the time of a request begins when it is due, also when there is
 * no connection free for it yet: what waits here waits for the server.  Writes
 * a line of JSON for each stream; times in microseconds.
 */
#define _GNU_SOURCE
#include "api.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define EVENTS   256
#define DRAIN_US 30000000

void
die(const char *what)
{
	fprintf(stderr, "api: %s: %s\n", what, strerror(errno));
	exit(1);
}

void *
need(void *p)
{
	if (!p)
		die("memory");
	return p;
}

int64_t
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool
is_over(const struct load *l, const struct stream *s, int64_t t)
{
	return s->count ? s->issued >= s->count : t >= l->end_us;
}

/* When the next request of @s is due; INT64_MAX: no more. */
static int64_t
due(const struct load *l, const struct stream *s, int64_t t)
{
	int64_t at = t;

	if (s->rate > 0)
		at = l->start_us +
		     (int64_t)((double)s->issued * 1000000 / s->rate);
	return is_over(l, s, s->count ? t : at) ? INT64_MAX : at;
}

void
put_by(struct conn *c)
{
	struct stream *s = c->s;

	s->idle[(s->first_idle + s->n_idle++) % s->conns] = c;
}

static struct conn *
oldest(struct stream *s)
{
	struct conn *c = s->idle[s->first_idle];

	s->first_idle = (s->first_idle + 1) % s->conns;
	s->n_idle--;
	return c;
}

static void
pump(struct load *l, struct stream *s)
{
	int64_t t = now(CLOCK_MONOTONIC), at;

	while (s->n_idle > 0 && (at = due(l, s, t)) <= t)
		issue(l, oldest(s), at);
}

static void
read_requests(struct stream *s, const char *path)
{
	FILE *f = fopen(path, "rb");
	char *all, *p, *end;
	long size;

	if (!f || fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) <= 0)
		die(path);
	rewind(f);
	all = need(malloc((size_t)size + 1));
	if (fread(all, 1, (size_t)size, f) != (size_t)size)
		die(path);
	fclose(f);
	all[size] = '\0';
	for (p = all, end = all + size; p < end; p += strlen(p) + 1)
		s->n++;
	s->requests = need(calloc(s->n, sizeof *s->requests));
	s->n = 0;
	for (p = all; p < end; p += strlen(p) + 1)
		s->requests[s->n++] =
		    (struct request){.text = p, .len = strlen(p)};
}

static void
set(struct stream *s, char *key, char *value)
{
	if (!value)
		die(key);
	else if (!strcmp(key, "name"))
		s->name = value;
	else if (!strcmp(key, "file"))
		read_requests(s, value);
	else if (!strcmp(key, "conns"))
		s->conns = strtoull(value, NULL, 10);
	else if (!strcmp(key, "rate"))
		s->rate = strtod(value, NULL);
	else if (!strcmp(key, "count"))
		s->count = strtoull(value, NULL, 10);
	else if (!strcmp(key, "tls"))
		s->tls = *value == '1';
	else if (!strcmp(key, "fresh"))
		s->fresh = *value == '1';
	else if (!strcmp(key, "record"))
		s->record = value;
	else if (!strcmp(key, "save"))
		s->save = value;
	else
		die(key);
}

static void
open_stream(struct stream *s, char *text, unsigned *number)
{
	char *key, *value, *rest = text;
	struct conn *c;
	size_t i;

	while ((key = strsep(&rest, ",")) != NULL) {
		value = key;
		key = strsep(&value, "=");
		set(s, key, value);
	}
	if (!s->n || !s->conns)
		die("a stream without requests or connections");
	s->idle = need(calloc(s->conns, sizeof(struct conn *)));
	for (i = 0; i < s->conns; i++) {
		c = need(calloc(1, sizeof *c));
		c->s = s;
		c->fd = -1;
		c->number = (*number)++;
		put_by(c);
	}
}

/* Until when to wait; 0: all is done. */
static int64_t
next_us(const struct load *l, int64_t t)
{
	int64_t first = INT64_MAX, at;
	bool busy = false, counting = false;
	size_t i;

	for (i = 0; i < l->n; i++) {
		const struct stream *s = &l->streams[i];

		counting = counting || s->count;
		busy = busy || s->n_idle < s->conns;
		at = due(l, s, t);
		if (at != INT64_MAX)
			busy = true;
		if (s->n_idle > 0 && at < first)
			first = at;
	}
	if (!busy || (!counting && t > l->end_us + DRAIN_US))
		return 0;
	return first < t + 100000 ? first : t + 100000;
}

static void
run(struct load *l)
{
	struct epoll_event events[EVENTS];
	struct timespec wait;
	int64_t t, until;
	int i, n;
	size_t j;

	l->start_us = now(CLOCK_MONOTONIC);
	l->end_us += l->start_us;
	for (;;) {
		for (j = 0; j < l->n; j++)
			pump(l, &l->streams[j]);
		t = now(CLOCK_MONOTONIC);
		until = next_us(l, t);
		if (until == 0)
			return;
		until = until > t ? until - t : 0;
		wait.tv_sec = 0;
		wait.tv_nsec = until * 1000;
		n = epoll_pwait2(l->poll, events, EVENTS, &wait, NULL);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (i = 0; i < n; i++)
			step(l, events[i].data.ptr);
	}
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t
quantile(const struct stream *s, double q)
{
	return s->n_times ? s->times[(size_t)((double)(s->n_times - 1) * q)]
			  : 0;
}

static void
write_files(const struct stream *s)
{
	FILE *f = s->record ? fopen(s->record, "w") : NULL;
	size_t i;

	for (i = 0; f && i < s->n; i++)
		fprintf(f, "%llu %lld %lld\n",
		    (unsigned long long)s->requests[i].good,
		    (long long)s->requests[i].sent_ms,
		    (long long)s->requests[i].done_ms);
	if (f && fclose(f))
		die(s->record);
	f = s->save ? fopen(s->save, "w") : NULL;
	for (i = 0; f && i < s->n; i++)
		fprintf(
		    f, "%s\n", s->requests[i].body ? s->requests[i].body : "");
	if (f && fclose(f))
		die(s->save);
}

static void
report(const struct load *l, struct stream *s)
{
	double seconds = (double)(now(CLOCK_MONOTONIC) - l->start_us) / 1e6;

	if (s->n_times)
		qsort(s->times, s->n_times, sizeof *s->times, compare);
	printf("{\"name\":\"%s\",\"done\":%zu,\"bad\":%zu,\"broken\":%zu,"
	       "\"open\":%zu,\"connects\":%zu,\"bytes\":%zu,\"seconds\":%.3f,"
	       "\"p50\":%u,\"p99\":%u,\"p999\":%u,\"max\":%u}\n",
	    s->name ? s->name : "", s->done, s->bad, s->broken,
	    s->issued - s->done, s->connects, s->bytes, seconds,
	    quantile(s, 0.5), quantile(s, 0.99), quantile(s, 0.999),
	    quantile(s, 1));
	write_files(s);
}

int
main(int argc, char **argv)
{
	struct load l = {.n = 0};
	unsigned number = 0;
	size_t i;

	if (argc < 4) {
		fprintf(stderr, "usage: api PORT SECONDS STREAM...\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	l.port = (uint16_t)strtoul(argv[1], NULL, 10);
	l.end_us = (int64_t)(strtod(argv[2], NULL) * 1e6);
	l.n = (size_t)argc - 3;
	l.streams = need(calloc(l.n, sizeof *l.streams));
	l.unique = (uint64_t)now(CLOCK_REALTIME) << 10;
	for (i = 0; i < l.n; i++)
		open_stream(&l.streams[i], argv[i + 3], &number);
	l.tls = need(SSL_CTX_new(TLS_client_method()));
	SSL_CTX_set_mode(l.tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	l.poll = epoll_create1(EPOLL_CLOEXEC);
	if (l.poll < 0)
		die("epoll");
	run(&l);
	for (i = 0; i < l.n; i++)
		report(&l, &l.streams[i]);
	return 0;
}
