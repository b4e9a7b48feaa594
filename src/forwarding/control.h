/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/control.h - how "omniedge forward" talks to running clients.
 *
 * A client has a SOCK_SEQPACKET socket of mode 0600 named "PID-HOST" in
 * $XDG_RUNTIME_DIR/omniedge, or in ~/.cache/omniedge; both sides go by the
 * uid of the other (SO_PEERCRED).  Messages are those of core/net/ipc.h with
 * the types of RFC 4251 section 5 in them; a question, then its answer:
 *
 *   LIST u32 id    the forwards behind that id; ITEMS string peer,
 *                  byte connected, u32 n, n times an item, byte more
 *   ADD byte kind, string spec       DONE u32 id, u32 port
 *   STOP u32 id, 0: all of them      DONE u32 id, u32 0
 *
 * or ERROR string text.  An item: u32 id, string "-L spec", byte state,
 * u32 port, u64 open, u64 connections, u64 bytes sent, u64 received.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct oe_err;
struct oe_ipc_msg;
struct oe_strs;

enum oe_fwd_control {
	OE_FWD_CONTROL_LIST = 1,
	OE_FWD_CONTROL_ADD,
	OE_FWD_CONTROL_STOP,
	OE_FWD_CONTROL_ITEMS = 65,
	OE_FWD_CONTROL_DONE,
	OE_FWD_CONTROL_ERROR,
};

enum oe_fwd_control_state {
	OE_FWD_CONTROL_WAITING,
	OE_FWD_CONTROL_UP,
	OE_FWD_CONTROL_FAILED,
};

/* Longest text in a message. */
#define OE_FWD_CONTROL_TEXT_MAX 4096

struct oe_fwd_control_item {
	uint32_t id;
	char *text;
	uint8_t state; /* enum oe_fwd_control_state */
	uint32_t port;
	uint64_t open, count, sent, received;
};

/**
 * oe_fwd_control_dir() - the folder of the sockets.
 * @create: make it when it is not there.
 * @ret: free() it.
 * Return: 0, OE_ENOENT, OE_EPERM (others may write there), OE_ESYS.
 */
int oe_fwd_control_dir(bool create, char **ret, struct oe_err *err);
/** oe_fwd_control_is_ours() - the other end of @fd runs as this user. */
bool oe_fwd_control_is_ours(int fd);
/**
 * oe_fwd_control_names() - sockets in @dir, "PID-HOST", sorted by pid.
 * @ret: oe_strs_done() it.
 */
void oe_fwd_control_names(const char *dir, struct oe_strs *ret);
/**
 * oe_fwd_control_connect() - reach the client with that name.
 * One that is gone is removed.
 * Return: a descriptor, OE_ENOENT (gone), OE_EPERM, OE_ESYS.
 */
int
oe_fwd_control_connect(const char *dir, const char *name, struct oe_err *err);
/**
 * oe_fwd_control_call() - send @question, wait for the answer.
 * @timeout_ms: for the answer.
 * @ret: oe_ipc_msg_done() it.
 * Return: 0, what the client's ERROR says as OE_EINVAL, OE_ETIMEOUT, or as
 * oe_ipc_recv().
 */
int oe_fwd_control_call(int fd, const struct oe_ipc_msg *question,
    int timeout_ms, struct oe_ipc_msg *ret, struct oe_err *err);
