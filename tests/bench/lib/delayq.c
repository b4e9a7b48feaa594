/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delayq - hold each packet of a netfilter queue for a time, lose none.
 *
 *	delayq QUEUE DELAY_MS
 *
 * Writes "ready" to standard output once it holds packets, and works until it
 * is killed.  Only headers of packets come here (NFQNL_COPY_META), packets
 * stay as large as the sender's offload made them, and all that are due are
 * released by one message: every packet waits equally long, so their numbers
 * are in order.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <arpa/inet.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* Packets that may wait; a power of two. */
#define HELD_MAX  (1u << 18)
#define RCVBUF    (32u << 20)
#define NS_PER_MS 1000000ll

struct held {
	uint32_t id;
	int64_t due_ns;
};

struct delay {
	struct nfq_handle *nfq;
	struct nfq_q_handle *queue;
	int64_t delay_ns;
	uint32_t head, tail; /* [tail, head) wait */
	struct held held[HELD_MAX];
};

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec;
}

static void
die(const char *what)
{
	fprintf(stderr, "delayq: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int
on_packet(struct nfq_q_handle *queue, struct nfgenmsg *msg,
    struct nfq_data *data, void *arg)
{
	struct nfqnl_msg_packet_hdr *h = nfq_get_msg_packet_hdr(data);
	struct delay *d = arg;
	struct held *p;

	(void)queue;
	(void)msg;
	if (!h)
		return 0;
	if (d->head - d->tail == HELD_MAX) {
		fprintf(stderr, "delayq: more than %u packets\n", HELD_MAX);
		exit(1);
	}
	p = &d->held[d->head++ % HELD_MAX];
	p->id = ntohl(h->packet_id);
	p->due_ns = now_ns() + d->delay_ns;
	return 0;
}

static void
release(struct delay *d)
{
	uint32_t tail = d->tail;
	int64_t now = now_ns();

	while (tail != d->head && d->held[tail % HELD_MAX].due_ns <= now)
		tail++;
	if (tail == d->tail)
		return;
	d->tail = tail;
	if (nfq_set_verdict_batch(
		d->queue, d->held[(tail - 1) % HELD_MAX].id, NF_ACCEPT) < 0)
		die("release packets");
}

/* Until a packet is due or comes, then take all that came. */
static void
receive(struct delay *d)
{
	struct pollfd p = {.fd = nfq_fd(d->nfq), .events = POLLIN};
	struct timespec wait, *until = NULL;
	static char buf[1 << 16];
	int64_t left;
	ssize_t n;

	if (d->head != d->tail) {
		left = d->held[d->tail % HELD_MAX].due_ns - now_ns();
		left = left < 0 ? 0 : left;
		wait.tv_sec = left / (1000 * NS_PER_MS);
		wait.tv_nsec = left % (1000 * NS_PER_MS);
		until = &wait;
	}
	if (ppoll(&p, 1, until, NULL) <= 0)
		return;
	while ((n = recv(p.fd, buf, sizeof buf, MSG_DONTWAIT)) > 0)
		nfq_handle_packet(d->nfq, buf, (int)n);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("receive packets");
}

static void
start(struct delay *d, uint16_t number)
{
	int on = 1;

	d->nfq = nfq_open();
	if (!d->nfq)
		die("open netfilter queues");
	d->queue = nfq_create_queue(d->nfq, number, on_packet, d);
	if (!d->queue)
		die("make the queue");
	if (nfq_set_mode(d->queue, NFQNL_COPY_META, 0) < 0 ||
	    nfq_set_queue_maxlen(d->queue, HELD_MAX - 1) < 0 ||
	    nfq_set_queue_flags(d->queue, NFQA_CFG_F_GSO, NFQA_CFG_F_GSO) < 0)
		die("set up the queue");
	nfnl_rcvbufsiz(nfq_nfnlh(d->nfq), RCVBUF);
	if (setsockopt(nfq_fd(d->nfq), SOL_NETLINK, NETLINK_NO_ENOBUFS, &on,
		sizeof on) < 0)
		die("set up the socket");
}

int
main(int argc, char **argv)
{
	struct delay *d = calloc(1, sizeof *d);

	if (argc != 3 || !d) {
		fprintf(stderr, "usage: delayq QUEUE DELAY_MS\n");
		return 2;
	}
	d->delay_ns = strtoll(argv[2], NULL, 10) * NS_PER_MS;
	start(d, (uint16_t)strtoul(argv[1], NULL, 10));
	puts("ready");
	fflush(stdout);
	for (;;) {
		receive(d);
		release(d);
	}
}
