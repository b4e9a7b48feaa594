/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/mux_client.h - asking the master of a shared connection.
 *
 * Requests wait for their answer; what the user may be asked at the master's
 * takes as long as it takes, everything else OE_MUX_ANSWER_MS.  A failure with
 * OE_EAGAIN or OE_EPERM is the master's refusal, in its words; others mean
 * that the master cannot be used any more.
 */
#pragma once

#include <sys/types.h>

#include "client/mux_stream.h"

struct oe_cli_forward;

#define OE_MUX_ANSWER_MS 30000

struct oe_mux_client {
	struct oe_mux_stream stream;
	uint32_t last_id;
	pid_t master;     /* as it says; 0: not asked yet */
	uint32_t session; /* the master's number for ours */
	bool ours;        /* the master is omniedge */
};

/** oe_mux_client_open() - connect to the master at @path, and greet. */
int oe_mux_client_open(
    const char *path, struct oe_mux_client *ret, struct oe_err *err);
/**
 * oe_mux_client_adopt() - greet over @fd, which is taken over.
 * @deadline_ms: to be greeted by, of oe_time_mono_ms(); negative: for ever.
 * @ret: filled on success; oe_mux_client_close() it.
 */
int oe_mux_client_adopt(
    int fd, int64_t deadline_ms, struct oe_mux_client *ret, struct oe_err *err);
void oe_mux_client_close(struct oe_mux_client *c);
/** oe_mux_client_alive() - fills c->master. */
int oe_mux_client_alive(struct oe_mux_client *c, struct oe_err *err);
/** oe_mux_client_call() - a request without a body: TERMINATE and the like. */
int oe_mux_client_call(
    struct oe_mux_client *c, enum oe_mux_type type, struct oe_err *err);
/**
 * oe_mux_client_session() - a session or, by r->type, a stdio forward.
 * @r: id is filled in.
 * @fds: standard input, output and, for a session, error; they stay ours.
 */
int oe_mux_client_session(struct oe_mux_client *c, struct oe_mux_request *r,
    const int *fds, struct oe_err *err);
/**
 * oe_mux_client_forward() - OPEN_FWD or CLOSE_FWD.
 * @ret_port: the port that the peer chose, or untouched.
 */
int oe_mux_client_forward(struct oe_mux_client *c, enum oe_mux_type type,
    const struct oe_cli_forward *what, uint32_t *ret_port, struct oe_err *err);
/**
 * oe_mux_client_next() - what the master tells about the session; does not
 * wait.
 * Return: 0, OE_EAGAIN, OE_ECLOSED, OE_EPROTO.
 */
int oe_mux_client_next(
    struct oe_mux_client *c, struct oe_mux_reply *ret, struct oe_err *err);
