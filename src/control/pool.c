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

struct oe_ctl_pool {
	struct oe_ctl_pool_calls calls;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t some;
	struct queue todo, done;
	bool stop;
	pthread_t *threads;
	unsigned n;
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
	struct oe_ctl_pool *p = arg;
	struct oe_ctl_request *r;
	bool wake;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		r = queue_take(&p->todo);
		if (!r) {
			pthread_cond_wait(&p->some, &p->lock);
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

int
oe_ctl_pool_new(unsigned n, const struct oe_ctl_pool_calls *calls,
    struct oe_ctl_pool **ret, struct oe_err *err)
{
	struct oe_ctl_pool *p = oe_mem_zalloc(sizeof *p);
	sigset_t all, old;
	int r = 0;

	p->calls = *calls;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->some, NULL);
	queue_init(&p->todo);
	queue_init(&p->done);
	p->threads = oe_mem_zalloc(n * sizeof *p->threads);
	/* signals are for the thread that waits for them */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (p->n < n && r == 0) {
		r = pthread_create(&p->threads[p->n], NULL, worker, p);
		if (r == 0)
			p->n++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0) {
		oe_ctl_pool_free(&p);
		return oe_err_set(
		    err, OE_ENOMEM, "cannot start a worker thread");
	}
	*ret = p;
	return 0;
}

void
oe_ctl_pool_free(struct oe_ctl_pool **pp)
{
	struct oe_ctl_pool *p = *pp;
	struct oe_ctl_request *r;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->some);
	pthread_mutex_unlock(&p->lock);
	while (p->n > 0)
		pthread_join(p->threads[--p->n], NULL);
	while ((r = queue_take(&p->todo)) != NULL)
		oe_ctl_request_free(&r);
	while ((r = queue_take(&p->done)) != NULL)
		oe_ctl_request_free(&r);
	pthread_cond_destroy(&p->some);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	oe_mem_free(pp);
}

void
oe_ctl_pool_put(struct oe_ctl_pool *p, struct oe_ctl_request *r)
{
	pthread_mutex_lock(&p->lock);
	queue_put(&p->todo, r);
	pthread_cond_signal(&p->some);
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
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->todo.n;
	pthread_mutex_unlock(&p->lock);
	return n;
}
