/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/pump.h - moves bytes between a channel and descriptors.
 *
 * Back-pressure both ways: a descriptor is read only while the channel has
 * room, the channel is read only as fast as the descriptor takes it.
 * Half-close is passed on: end of file at in_fd or more_fd sends EOF when
 * both ended, EOF from the peer closes out_fd.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oe_loop;
struct oe_ssh_chan;
struct oe_ssh_pump;

struct oe_ssh_pump_plan {
	int in_fd;   /* read, sent as channel data; -1: none */
	int more_fd; /* read, sent as extended data (stderr); -1: none */
	int out_fd;  /* gets channel data; may equal in_fd (a pty); -1: none */
	int err_fd;  /* gets extended data; -1: discarded */
	/*
	 * Sees what was read from in_fd and may change it in place (escape
	 * characters).  Returns the new length.  NULL: none.
	 */
	size_t (*filter)(void *arg, uint8_t *p, size_t n);
	/* Sees what was written to out_fd or err_fd.  NULL: none. */
	void (*seen)(void *arg, const uint8_t *p, size_t n, bool ext);
	/* in_fd and more_fd ended, and everything was sent.  NULL: none. */
	void (*input_done)(void *arg);
	/* The peer sent EOF, and everything was written.  NULL: none. */
	void (*output_done)(void *arg);
	/* out_fd cannot be written any more (EPIPE).  NULL: discard on. */
	void (*output_failed)(void *arg, int sys_errno);
	void *arg;
	bool keep_fds; /* do not close the descriptors */
	bool hold_eof; /* do not send EOF by itself after the input ended */
	/*
	 * in_fd is out_fd and a stream socket: its halves end by themselves,
	 * and it may be a blocking one.
	 */
	bool socket;
};

/** oe_ssh_pump_new() - start moving; sets the channel's data handler. */
struct oe_ssh_pump *oe_ssh_pump_new(struct oe_loop *loop,
    struct oe_ssh_chan *chan, const struct oe_ssh_pump_plan *plan);
/**
 * oe_ssh_pump_data() - to be called from the owner's ops->data.
 * Return: bytes taken.
 */
size_t
oe_ssh_pump_data(struct oe_ssh_pump *p, const void *data, size_t n, bool ext);
/** oe_ssh_pump_eof() - to be called from the owner's ops->eof. */
void oe_ssh_pump_eof(struct oe_ssh_pump *p);
/** oe_ssh_pump_pause() - stop or go on reading in_fd (~^Z). */
void oe_ssh_pump_pause(struct oe_ssh_pump *p, bool paused);
/** oe_ssh_pump_end_input() - act as if in_fd had ended. */
void oe_ssh_pump_end_input(struct oe_ssh_pump *p);
/** oe_ssh_pump_input_done() - all input ended and was handed to libssh. */
bool oe_ssh_pump_input_done(const struct oe_ssh_pump *p);
/** oe_ssh_pump_output_done() - nothing waits to be written locally. */
bool oe_ssh_pump_output_done(const struct oe_ssh_pump *p);
/** oe_ssh_pump_bytes() - sent to and received from the channel. */
void oe_ssh_pump_bytes(
    const struct oe_ssh_pump *p, uint64_t *ret_sent, uint64_t *ret_received);
void oe_ssh_pump_free(struct oe_ssh_pump **p);
