/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/ipc.h - framed messages with descriptors between our processes.
 *
 * A SOCK_SEQPACKET socket pair: one message is one packet, so a message is
 * whole or absent and cannot be misframed.  Layout: u8 type, then the
 * payload.  The receiver trusts nothing in it.
 */
#pragma once

#include <stdint.h>

#include "core/base/buf.h"

struct oe_err;

/* Payload bound; a public key blob or a command line fits. */
#define OE_IPC_PAYLOAD_MAX (128 * 1024)
#define OE_IPC_FDS_MAX     4
#define OE_IPC_SEND_MS     10000

struct oe_ipc_msg {
	uint8_t type;
	struct oe_buf payload;   /* oe_buf_done() it */
	int fds[OE_IPC_FDS_MAX]; /* received ones belong to the receiver */
	unsigned nfds;
};

/** oe_ipc_pair() - two connected ends, close-on-exec. Return: 0, OE_ESYS. */
int oe_ipc_pair(int ret[2], struct oe_err *err);
/** oe_ipc_msg_init() - empty message of @type. */
void oe_ipc_msg_init(struct oe_ipc_msg *m, uint8_t type);
/** oe_ipc_msg_done() - free the payload and close unclaimed descriptors. */
void oe_ipc_msg_done(struct oe_ipc_msg *m);
/** oe_ipc_msg_claim() - take descriptor @i out of the message; -1: none. */
int oe_ipc_msg_claim(struct oe_ipc_msg *m, unsigned i);
/**
 * oe_ipc_send() - send one message; descriptors stay open here.
 * Waits at most OE_IPC_SEND_MS while the other side's queue is full: a
 * process that does not read must not stop the one that writes for good.
 * Return: 0, OE_ECLOSED, OE_ETIMEOUT, OE_ETOOBIG, OE_ESYS.
 */
int oe_ipc_send(int fd, const struct oe_ipc_msg *m, struct oe_err *err);
/** oe_ipc_send_within() - the same with another limit; 0 does not wait. */
int oe_ipc_send_within(
    int fd, const struct oe_ipc_msg *m, int timeout_ms, struct oe_err *err);
/**
 * oe_ipc_recv() - receive one message.
 * @timeout_ms: -1 waits for ever, 0 does not wait.
 * @ret: filled on success; oe_ipc_msg_done() it.
 * Return: 0, OE_EAGAIN (nothing in time), OE_ECLOSED (an empty packet looks
 * the same), OE_EPROTO (cut off, too many descriptors), OE_ESYS.
 */
int
oe_ipc_recv(int fd, int timeout_ms, struct oe_ipc_msg *ret, struct oe_err *err);
