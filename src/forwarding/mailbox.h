/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/mailbox.h - messages that are sent when the other side takes
 * them: two processes that write to each other never wait for each other.
 */
#pragma once

#include "core/net/ipc.h"

struct oe_fwd_mailbox;
struct oe_loop;

/* Messages that wait; more means that the other side does not read. */
#define OE_FWD_MAILBOX_MAX 8192

/**
 * oe_fwd_mailbox_new() - send and receive on @fd, which stays the caller's.
 * @got:  a message came, done with afterwards; NULL: nothing is received.
 * @lost: called once when the other side is gone or does not read.
 */
struct oe_fwd_mailbox *oe_fwd_mailbox_new(struct oe_loop *loop, int fd,
    void (*got)(void *arg, struct oe_ipc_msg *m), void (*lost)(void *arg),
    void *arg);
/** oe_fwd_mailbox_send() - now or later; done with @m, descriptors closed. */
void oe_fwd_mailbox_send(struct oe_fwd_mailbox *b, struct oe_ipc_msg *m);
/** oe_fwd_mailbox_free() - what was not sent is dropped. */
void oe_fwd_mailbox_free(struct oe_fwd_mailbox **b);
