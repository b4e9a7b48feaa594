/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/mux_internal.h - the master of a shared connection, as its files see
 * it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/mux_master.h"
#include "client/mux_stream.h"

struct oe_forward_agent;
struct oe_keepalive;
struct oe_mux_client;
struct oe_mux__ask;
struct oe_mux__master;
struct oe_mux__session;
struct oe_session_plan;
struct oe_timer;
struct oe_watch;

/* A command that uses the connection. */
struct oe_mux__client {
	struct oe_mux__client *next;
	struct oe_mux__master *master;
	struct oe_mux_stream stream;
	struct oe_watch *watch;
	struct oe_timer *deadline; /* for the rest of what has begun */
	pid_t pid;
	bool greeted;
	bool ours;         /* it is omniedge */
	bool first;        /* the command that started the master */
	bool waits;        /* no further request until this one is answered */
	bool leaving;      /* to be closed once it has its last message */
	bool over;         /* to be freed before the loop waits */
	unsigned want_fds; /* descriptors that are to come */
	struct oe_mux_request request; /* that is served now */
	struct oe_mux__ask *ask;
	struct oe_mux__session *session;
};

struct oe_mux__master {
	struct oe_mux_master_plan plan;
	struct oe_loop *loop;
	struct oe_mux_socket socket;
	struct oe_watch *watch; /* on the socket */
	struct oe_mux__client *clients;
	size_t nclients;
	uint32_t last_session;
	struct oe_cli_forwards *forwards;
	struct oe_forward_agent *agent;
	struct oe_keepalive *alive;
	struct oe_idle *idle;
	struct oe_timer *persist;
	struct oe_timer *pause; /* the door opens again */
	int signal_fd;
	struct oe_watch *signal_watch;
	int64_t persist_ms; /* -1: it is not to last; 0: for ever */
	bool resting;       /* nobody uses it: persist runs */
	bool stays;         /* even when nobody uses it */
	bool settled;
	size_t failed; /* forwards */
	int raise;     /* a signal that ends us */
	bool over;
	int status;
};

/* mux_serve.c */
/**
 * oe_mux__client_new() - serve whoever is at @fd, which is taken over.
 * @first: it is the command that started the master.
 */
void oe_mux__client_new(struct oe_mux__master *m, int fd, bool first);
/** oe_mux__client_reap() - free those that are over; @all: every one. */
void oe_mux__client_reap(struct oe_mux__master *m, bool all);
/** oe_mux__client_answer() - to its request; it may ask again. */
void oe_mux__client_answer(
    struct oe_mux__client *c, enum oe_mux_type type, uint32_t value);
/** oe_mux__client_refuse() - PERMISSION_DENIED or FAILURE. */
void oe_mux__client_refuse(
    struct oe_mux__client *c, enum oe_mux_type type, const char *why);
/** oe_mux__client_tell() - a message about its session. */
void oe_mux__client_tell(struct oe_mux__client *c, enum oe_mux_type type,
    uint32_t session, uint32_t value);
/** oe_mux__client_leave() - close it once it has all messages. */
void oe_mux__client_leave(struct oe_mux__client *c);

/* mux_ask.c */
/**
 * oe_mux__ask_start() - ask the user in a process of its own: nobody else
 * waits for the answer.
 * @done: called once, never from within.
 * Return: NULL when that cannot be.
 */
struct oe_mux__ask *oe_mux__ask_start(struct oe_loop *loop,
    const char *question, void (*done)(void *arg, bool yes), void *arg);
/** oe_mux__ask_free() - nobody waits for the answer any more. */
void oe_mux__ask_free(struct oe_mux__ask **a);

/* mux_session.c */
/**
 * oe_mux__session_start() - what client->request asks for, with the
 * descriptors that came; it answers the request, and ends with its client.
 */
void oe_mux__session_start(struct oe_mux__client *c);
void oe_mux__session_free(struct oe_mux__session **s);
/** oe_mux__session_look() - before a wait: has it ended? */
void oe_mux__session_look(struct oe_mux__session *s);
/**
 * oe_mux__session_resized() - process @pid says that its terminal has another
 * size, or that it goes on; 0: anybody may have.
 */
void oe_mux__session_resized(struct oe_mux__session *s, pid_t pid);

/* mux_order.c */
/* Forwards that the master is asked for, and how that went. */
struct oe_mux__forwards {
	struct oe_mux_client *c;
	enum oe_mux_type type;
	bool print; /* ports that the peer chose, on standard output */
	size_t asked, failed;
	int status; /* of the last one that failed */
};
/** oe_mux__forward_all() - those of @plan; the user is told of failures. */
void oe_mux__forward_all(
    struct oe_mux__forwards *f, const struct oe_session_plan *plan);
