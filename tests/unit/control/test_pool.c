/* SPDX-License-Identifier: Apache-2.0 */
#include "control/pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/request.h"
#include "core/base/mem.h"

#define WRITERS 3
#define READS   50

/* Writers wait for a word as they would for a disk. */
struct gate {
	sem_t go, woken;
};

static void
work(void *arg, struct oe_ctl_request *r)
{
	struct gate *g = arg;

	if (r->status == OE_CTL_LANE_WRITE)
		sem_wait(&g->go);
}

static void
wake(void *arg)
{
	struct gate *g = arg;

	sem_post(&g->woken);
}

static struct oe_ctl_pool *
start(struct gate *g)
{
	const struct oe_ctl_pool_calls calls = {work, wake, g};
	const unsigned n[OE_CTL_LANES] = {2, WRITERS, 1, 1};
	struct oe_ctl_pool *p = NULL;

	sem_init(&g->go, 0, 0);
	sem_init(&g->woken, 0, 0);
	assert_int_equal(oe_ctl_pool_new(n, &calls, &p, NULL), 0);
	return p;
}

static void
put(struct oe_ctl_pool *p, enum oe_ctl_lane lane)
{
	struct oe_ctl_request *r = oe_mem_zalloc(sizeof *r);

	r->status = lane;
	oe_ctl_pool_put(p, lane, r);
}

/* Wait until @n have come back; none may be of @never. */
static void
collect(struct oe_ctl_pool *p, struct gate *g, unsigned n, int never)
{
	struct oe_ctl_request *r, *next;

	while (n > 0) {
		sem_wait(&g->woken);
		for (r = oe_ctl_pool_done(p); r; r = next) {
			next = r->next;
			assert_int_not_equal(r->status, never);
			oe_ctl_request_free(&r);
			n--;
		}
	}
}

/* However many wait for the disk, reads and logins are answered. */
static void
test_lanes(void **state)
{
	struct gate g;
	struct oe_ctl_pool *p = start(&g);
	int i;

	(void)state;
	for (i = 0; i < 4 * WRITERS; i++)
		put(p, OE_CTL_LANE_WRITE);
	for (i = 0; i < READS; i++)
		put(p, i % 2 ? OE_CTL_LANE_READ : OE_CTL_LANE_LOGIN);
	collect(p, &g, READS, OE_CTL_LANE_WRITE);
	assert_true(oe_ctl_pool_waiting(p) >= 3 * WRITERS);
	for (i = 0; i < 4 * WRITERS; i++)
		sem_post(&g.go);
	collect(p, &g, 4 * WRITERS, OE_CTL_LANE_READ);
	assert_int_equal(oe_ctl_pool_waiting(p), 0);
	oe_ctl_pool_free(&p);
}

/* What nobody has begun, and what nobody has fetched, is dropped. */
static void
test_dropped(void **state)
{
	struct gate g;
	struct oe_ctl_pool *p = start(&g);
	int i;

	(void)state;
	for (i = 0; i < 4 * WRITERS; i++)
		put(p, OE_CTL_LANE_WRITE);
	put(p, OE_CTL_LANE_READ);
	sem_wait(&g.woken);
	for (i = 0; i < WRITERS; i++)
		sem_post(&g.go);
	for (; i < 4 * WRITERS; i++)
		sem_post(&g.go);
	oe_ctl_pool_free(&p);
	assert_null(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lanes),
	    cmocka_unit_test(test_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
