/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/loop.h - descriptors and timers of one process, on poll(2).
 *
 * A handful of descriptors per process (one connection each), so poll() is
 * as good as anything.  Callbacks may add and remove watches and timers,
 * their own included.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct oe_loop;
struct oe_watch;
struct oe_timer;
struct oe_idle;

typedef void oe_watch_fn(void *arg, short revents);
typedef void oe_timer_fn(void *arg);

/** oe_loop_new() - empty loop; oe_loop_free() it after its watches. */
struct oe_loop *oe_loop_new(void);
void oe_loop_free(struct oe_loop **loop);

/**
 * oe_loop_watch() - call @fn when @fd has one of @events (POLLIN, POLLOUT;
 * POLLERR and POLLHUP always count).  The descriptor stays the caller's.
 */
struct oe_watch *oe_loop_watch(
    struct oe_loop *loop, int fd, short events, oe_watch_fn *fn, void *arg);
/** oe_watch_set() - change the events; 0 ignores the descriptor wholly. */
void oe_watch_set(struct oe_watch *w, short events);
/** oe_watch_free() - stop watching; empties the pointer. */
void oe_watch_free(struct oe_watch **w);

/**
 * oe_loop_timer() - call @fn once, @delay_ms from now (negative: not yet).
 * A timer that fired stays, disarmed, until oe_timer_free().
 */
struct oe_timer *oe_loop_timer(
    struct oe_loop *loop, int64_t delay_ms, oe_timer_fn *fn, void *arg);
/** oe_timer_set() - (re)arm; a negative delay disarms. */
void oe_timer_set(struct oe_timer *t, int64_t delay_ms);
void oe_timer_free(struct oe_timer **t);

/**
 * oe_loop_idle() - @fn runs before each wait; while one returns true the wait
 * is replaced by a look (input may wait in memory).  One that changes what
 * others look at, whoever runs the loop included, returns true as well.
 */
struct oe_idle *
oe_loop_idle(struct oe_loop *loop, bool (*fn)(void *arg), void *arg);
void oe_idle_free(struct oe_loop *loop, struct oe_idle **i);

/**
 * oe_loop_once() - wait for something, at most @timeout_ms (-1: for ever),
 * and serve it.
 * Return: 0, or OE_ESYS when poll() failed.  EINTR returns 0.
 */
int oe_loop_once(struct oe_loop *loop, int timeout_ms);
