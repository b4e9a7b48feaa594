/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api.h - between api.c (streams, time, results) and api_conn.c (one
 * connection and its request).
 */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HEAD_MAX 8192

struct request {
	const char *text;
	size_t len;
	uint64_t good;
	int64_t sent_ms, done_ms;
	char *body;
};

struct stream {
	const char *name, *record, *save;
	struct request *requests;
	size_t n, conns, count;
	double rate;
	bool tls, fresh;
	struct conn **idle; /* a ring: who rested longest goes first */
	size_t n_idle, first_idle;
	size_t issued, done, bad, broken, bytes, connects;
	uint32_t *times;
	size_t n_times, size_times;
};

enum state { CLOSED, CONNECTING, SHAKING, IDLE, SENDING, READING };

struct conn {
	struct stream *s;
	enum state state;
	int fd;
	unsigned number;
	SSL *ssl;
	uint32_t asked; /* of epoll */
	bool asking;    /* a request is to be answered */
	struct request *r;
	int64_t due_us, sent_ms;
	char *out;
	size_t out_len, out_size, sent;
	char head[HEAD_MAX + 1];
	size_t head_len, left;
	bool in_body, bye;
	int status;
	char *body;
	size_t body_len, body_size;
};

struct load {
	int poll;
	uint16_t port;
	SSL_CTX *tls;
	int64_t start_us, end_us;
	uint64_t unique;
	struct stream *streams;
	size_t n;
};

void die(const char *what);
void *need(void *p);
/* Microseconds. */
int64_t now(clockid_t clock);
/* @c is free. */
void put_by(struct conn *c);
/* Send the next request of its stream, which was due at @due_us. */
void issue(struct load *l, struct conn *c, int64_t due_us);
/* Something can be done about @c. */
void step(struct load *l, struct conn *c);
