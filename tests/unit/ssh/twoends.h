/* SPDX-License-Identifier: Apache-2.0 */
/*
 * twoends.h - a whole connection in one test: our server side in this
 * process, libssh's client in a forked one, a socket pair between them.
 */
#pragma once

#include <libssh/libssh.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/ssh/ssh.h"

struct oe_loop;
struct oe_ssh_pump;

struct ends {
	struct oe_loop *loop;
	struct oe_ssh *ssh;
	struct oe_ssh_chan *chan; /* set once the client opened it */
	struct oe_ssh_pump *pump; /* fed by chan's events when set */
	pid_t client;
	int client_fd; /* -1 once it is the client's alone */
	bool eof, closed, lost, denied_open;
	unsigned refused;
	/* takes channel data while there is no pump; NULL: keep it */
	size_t (*take)(struct ends *e, const void *p, size_t n, bool ext);
	void *arg;
};

/** ends_group_setup() - host keys; for cmocka_run_group_tests(). */
int ends_group_setup(void **state);
int ends_group_teardown(void **state);

/**
 * ends_start() - log a client in, have it open a session channel and run
 * @body (in the client's process; its result is the exit status).
 * Returns when the channel is open here.
 */
void ends_start(struct ends *e, int (*body)(ssh_session s, ssh_channel ch));
/** ends_run_until() - serve until *@flag, or fail after half a minute. */
void ends_run_until(struct ends *e, const bool *flag);
/** ends_run_quiet() - serve until nothing moved for @quiet_ms. */
void ends_run_quiet(struct ends *e, int quiet_ms);
/** ends_finish() - serve until the client is done; its exit status. */
int ends_finish(struct ends *e);

/** pattern() - byte @at of the endless test text. */
uint8_t pattern(uint64_t at);
/** pattern_check() - @n bytes at @at are the text's. */
bool pattern_check(const void *p, size_t n, uint64_t at);
void pattern_fill(void *p, size_t n, uint64_t at);
