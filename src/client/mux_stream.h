/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/mux_stream.h - packets and descriptors over a control socket.
 *
 * Nothing is read ahead: a byte that carries a descriptor is read as such, and
 * a descriptor that comes where none belongs is closed and ends the stream.
 * No function waits but oe_mux_stream_wait() and oe_mux_stream_send().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/mux_proto.h"

struct oe_err;

/* Answers that wait for a client that does not read. */
#define OE_MUX_OUT_MAX (64u * 1024)

struct oe_mux_stream {
	int fd; /* non-blocking; the stream's to close */
	struct oe_buf in;
	struct oe_buf out;
	int fds[OE_MUX_FDS_MAX];
	unsigned nfds;
};

/** oe_mux_stream_init() - over @fd, which is taken over. */
void oe_mux_stream_init(struct oe_mux_stream *s, int fd);
/** oe_mux_stream_done() - close it and what it holds. */
void oe_mux_stream_done(struct oe_mux_stream *s);
/**
 * oe_mux_stream_read() - the next packet.
 * @ret: a view of its body, valid until the next call.
 * Return: 0, OE_EAGAIN, OE_ECLOSED, OE_EPROTO, OE_ESYS.
 */
int oe_mux_stream_read(
    struct oe_mux_stream *s, struct oe_buf *ret, struct oe_err *err);
/** oe_mux_stream_begun() - a packet is there in part. */
bool oe_mux_stream_begun(const struct oe_mux_stream *s);
/**
 * oe_mux_stream_read_fds() - until @n descriptors are in s->fds.
 * Return: as oe_mux_stream_read().
 */
int
oe_mux_stream_read_fds(struct oe_mux_stream *s, unsigned n, struct oe_err *err);
/** oe_mux_stream_claim() - take descriptor @i out; -1 when there is none. */
int oe_mux_stream_claim(struct oe_mux_stream *s, unsigned i);
/**
 * oe_mux_stream_flush() - send what s->out holds, as far as it goes.
 * Return: 0 all of it, OE_EAGAIN, OE_ECLOSED.
 */
int oe_mux_stream_flush(struct oe_mux_stream *s);
/**
 * oe_mux_stream_wait() - until it can be read, at most until @deadline_ms of
 * oe_time_mono_ms() (negative: for ever).
 * Return: 0, OE_ETIMEOUT, OE_ESYS.
 */
int oe_mux_stream_wait(
    struct oe_mux_stream *s, int64_t deadline_ms, struct oe_err *err);
/**
 * oe_mux_stream_send() - all of s->out, then @n descriptors; waits, at most
 * OE_MUX_SEND_MS.
 * Return: 0, OE_ECLOSED, OE_ETIMEOUT.
 */
#define OE_MUX_SEND_MS 30000
int oe_mux_stream_send(
    struct oe_mux_stream *s, const int *fds, unsigned n, struct oe_err *err);
