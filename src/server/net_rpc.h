/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/net_rpc.h - net asks, the monitor answers; used in net only.
 */
#pragma once

#include <stdbool.h>

struct oe_ipc_msg;

/**
 * oe_srv__rpc() - ask and wait for the answer.
 * @m:   the question; done with afterwards.
 * @ret: the answer; oe_ipc_msg_done() it.
 * Ends the process when the monitor is gone or answers something else.
 */
void oe_srv__rpc(int fd, struct oe_ipc_msg *m, struct oe_ipc_msg *ret);
/** oe_srv__rpc_tell() - a request without an answer; as oe_srv__rpc(). */
void oe_srv__rpc_tell(int fd, struct oe_ipc_msg *m);
/** oe_srv__rpc_bool() - as oe_srv__rpc(); @ret may be NULL. */
bool oe_srv__rpc_bool(int fd, struct oe_ipc_msg *m, struct oe_ipc_msg *ret);
