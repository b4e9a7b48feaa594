/* SPDX-License-Identifier: Apache-2.0 */
#include "control/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "control/request.h"
#include "core/base/err.h"
#include "core/base/mem.h"

/* Requests in order of arrival. */
struct queue {
	struct oe_ctl_request *first, **last;
	size_t n;
};

struct lane {
	struct oe_ctl_pool *pool;
	pthread_cond_t some;
	struct queue waiting;
	pthread_t *threads;
	unsigned n;
};

struct oe_ctl_pool {
	struct oe_ctl_pool_calls calls;
	pthread_mutex_t lock; /* of all below */
	struct lane lanes[OE_CTL_LANES];
	struct queue done;
	bool stop;
};

static void
queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
	q->n = 0;
}

static void
queue_put(struct queue *q, struct oe_ctl_request *r)
{
	r->next = NULL;
	*q->last = r;
	q->last = &r->next;
	q->n++;
}

static struct oe_ctl_request *
queue_take(struct queue *q)
{
	struct oe_ctl_request *r = q->first;

	if (!r)
		return NULL;
	q->first = r->next;
	if (!q->first)
		q->last = &q->first;
	q->n--;
	r->next = NULL;
	return r;
}

static void *
worker(void *arg)
{
	struct lane *lane = arg;
	struct oe_ctl_pool *p = lane->pool;
	struct oe_ctl_request *r;
	bool wake;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		r = queue_take(&lane->waiting);
		if (!r) {
			pthread_cond_wait(&lane->some, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		p->calls.work(p->calls.arg, r);
		pthread_mutex_lock(&p->lock);
		wake = p->done.first == NULL;
		queue_put(&p->done, r);
		if (!wake)
			continue;
		pthread_mutex_unlock(&p->lock);
		p->calls.wake(p->calls.arg);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* 0 or what pthread_create() says. */
static int
lane_start(struct lane *lane, unsigned n)
{
	int r = 0;

	lane->threads = oe_mem_zalloc(n * sizeof *lane->threads);
	while (lane->n < n && r == 0) {
		r = pthread_create(&lane->threads[lane->n], NULL, worker, lane);
		if (r == 0)
			lane->n++;
	}
	return r;
}

int
oe_ctl_pool_new(const unsigned n[OE_CTL_LANES],
    const struct oe_ctl_pool_calls *calls, struct oe_ctl_pool **ret,
    struct oe_err *err)
{
	struct oe_ctl_pool *p = oe_mem_zalloc(sizeof *p);
	sigset_t all, old;
	int i, r = 0;

	p->calls = *calls;
	pthread_mutex_init(&p->lock, NULL);
	queue_init(&p->done);
	for (i = 0; i < OE_CTL_LANES; i++) {
		p->lanes[i].pool = p;
		pthread_cond_init(&p->lanes[i].some, NULL);
		queue_init(&p->lanes[i].waiting);
	}
	/* signals are for the thread that waits for them */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (i = 0; i < OE_CTL_LANES && r == 0; i++)
		r = lane_start(&p->lanes[i], n[i]);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0) {
		oe_ctl_pool_free(&p);
		return oe_err_set(
		    err, OE_ENOMEM, "cannot start a worker thread");
	}
	*ret = p;
	return 0;
}

static void
lane_end(struct lane *lane)
{
	struct oe_ctl_request *r;

	while (lane->n > 0)
		pthread_join(lane->threads[--lane->n], NULL);
	while ((r = queue_take(&lane->waiting)) != NULL)
		oe_ctl_request_free(&r);
	pthread_cond_destroy(&lane->some);
	free(lane->threads);
}

void
oe_ctl_pool_free(struct oe_ctl_pool **pp)
{
	struct oe_ctl_pool *p = *pp;
	struct oe_ctl_request *r;
	int i;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	for (i = 0; i < OE_CTL_LANES; i++)
		pthread_cond_broadcast(&p->lanes[i].some);
	pthread_mutex_unlock(&p->lock);
	for (i = 0; i < OE_CTL_LANES; i++)
		lane_end(&p->lanes[i]);
	while ((r = queue_take(&p->done)) != NULL)
		oe_ctl_request_free(&r);
	pthread_mutex_destroy(&p->lock);
	oe_mem_free(pp);
}

void
oe_ctl_pool_put(
    struct oe_ctl_pool *p, enum oe_ctl_lane lane, struct oe_ctl_request *r)
{
	pthread_mutex_lock(&p->lock);
	queue_put(&p->lanes[lane].waiting, r);
	pthread_cond_signal(&p->lanes[lane].some);
	pthread_mutex_unlock(&p->lock);
}

struct oe_ctl_request *
oe_ctl_pool_done(struct oe_ctl_pool *p)
{
	struct oe_ctl_request *first;

	pthread_mutex_lock(&p->lock);
	first = p->done.first;
	queue_init(&p->done);
	pthread_mutex_unlock(&p->lock);
	return first;
}

size_t
oe_ctl_pool_waiting(struct oe_ctl_pool *p)
{
	size_t n = 0;
	int i;

	pthread_mutex_lock(&p->lock);
	for (i = 0; i < OE_CTL_LANES; i++)
		n += p->lanes[i].waiting.n;
	pthread_mutex_unlock(&p->lock);
	return n;
}
