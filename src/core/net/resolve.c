/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/resolve.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/base/mem.h"

/*
 * Shared by the asker and the thread; whoever comes last frees it, since a
 * thread inside getaddrinfo() cannot be called back.
 */
struct oe_lookup {
	pthread_mutex_t lock;
	int users;
	int pipe[2];
	char *host;
	char port[16];
	struct addrinfo hints, *answer;
	int code;
};

static void
lookup_unref(struct oe_lookup *l)
{
	int left;

	pthread_mutex_lock(&l->lock);
	left = --l->users;
	pthread_mutex_unlock(&l->lock);
	if (left)
		return;
	if (l->answer)
		freeaddrinfo(l->answer);
	oe_fd_close(&l->pipe[0]);
	oe_fd_close(&l->pipe[1]);
	pthread_mutex_destroy(&l->lock);
	free(l->host);
	free(l);
}

static void *
lookup_run(void *arg)
{
	struct oe_lookup *l = arg;
	struct addrinfo *answer = NULL;
	int code = getaddrinfo(l->host, l->port, &l->hints, &answer);

	pthread_mutex_lock(&l->lock);
	l->code = code;
	l->answer = code == 0 ? answer : NULL;
	pthread_mutex_unlock(&l->lock);
	(void)oe_fd_write_all(l->pipe[1], "", 1);
	lookup_unref(l);
	return NULL;
}

/* The thread takes no signals: they are for the loop. */
static int
lookup_spawn(struct oe_lookup *l)
{
	pthread_t thread;
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&thread, NULL, lookup_run, l);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		pthread_detach(thread);
	return r;
}

struct oe_lookup *
oe_lookup_start(const char *host, int port, int family)
{
	struct oe_lookup *l = oe_mem_zalloc(sizeof *l);

	pthread_mutex_init(&l->lock, NULL);
	l->users = 2;
	l->host = oe_mem_strdup(host);
	snprintf(l->port, sizeof l->port, "%d", port);
	l->hints.ai_family = family;
	l->hints.ai_socktype = SOCK_STREAM;
	l->pipe[0] = l->pipe[1] = -1;
	if (pipe2(l->pipe, O_CLOEXEC) < 0 || lookup_spawn(l) != 0) {
		l->users = 1;
		lookup_unref(l);
		return NULL;
	}
	return l;
}

int
oe_lookup_fd(const struct oe_lookup *l)
{
	return l->pipe[0];
}

int
oe_lookup_take(struct oe_lookup *l, struct addrinfo **ret)
{
	int code;

	pthread_mutex_lock(&l->lock);
	code = l->code;
	*ret = l->answer;
	l->answer = NULL;
	pthread_mutex_unlock(&l->lock);
	return code;
}

void
oe_lookup_free(struct oe_lookup **l)
{
	if (*l)
		lookup_unref(*l);
	*l = NULL;
}
