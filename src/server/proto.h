/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/proto.h - what net asks of the monitor.
 *
 * Format: doc/protocol/monitor.md.  Every request is answered by one message
 * of the same type, whose payload begins with u8 answer (enum oe_ssh_answer
 * for the authentication requests, 1 or 0 for the others).  Notices go the
 * other way on a socket of their own and are not answered.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum oe_srv_request {
	/* string version, string algorithms; once, before authentication */
	OE_SRV_REQ_HELLO = 1,
	/* string user, string key blob */
	OE_SRV_REQ_TRY_KEY,
	OE_SRV_REQ_PROVEN_KEY,
	/* string user, string password */
	OE_SRV_REQ_PASSWORD,
	/* string user */
	OE_SRV_REQ_NONE,
	/*
	 * string user, u8 is-answer, u32 count, count strings.  The reply to
	 * OE_SSH_ASK goes on: string name, string instruction, u32 count,
	 * count times (string text, u8 echo).
	 */
	OE_SRV_REQ_KBDINT,
	/* empty; reply: u32 session id */
	OE_SRV_REQ_OPEN,
	/* u32 id, string term, u32 size[4], string modes */
	OE_SRV_REQ_PTY,
	/* u32 id, string name, string value */
	OE_SRV_REQ_ENV,
	/*
	 * u32 id, u8 kind, string text.  The reply carries one descriptor
	 * (pty master) or three (stdin, stdout, stderr of the process).
	 */
	OE_SRV_REQ_START,
	/* u32 id, u32 size[4] */
	OE_SRV_REQ_WINDOW,
	/* u32 id, string name without "SIG" */
	OE_SRV_REQ_SIGNAL,
	/* u32 id */
	OE_SRV_REQ_AGENT,
	/* u32 id, u64 bytes to the peer, u64 bytes from the peer */
	OE_SRV_REQ_CLOSE,
	/* string what: the peer asked for something that is not to be had */
	OE_SRV_REQ_REFUSED,
	/*
	 * Port forwarding.  CONNECT: u32 token, string host, u32 port, string
	 * origin, u32 origin port; no answer.  LISTEN: string host, u32 port;
	 * reply: u32 id.  The result of both comes as a notice.
	 */
	OE_SRV_REQ_FORWARD_CONNECT,
	OE_SRV_REQ_FORWARD_LISTEN,
	/* string host, u32 port as it was granted; reply: u32 id */
	OE_SRV_REQ_FORWARD_CANCEL,
	/* u32 id, u64 bytes to the peer, u64 bytes from the peer; no answer */
	OE_SRV_REQ_FORWARD_CLOSE,
	OE_SRV_REQ_COUNT
};

enum oe_srv_start_kind {
	OE_SRV_START_SHELL = 1,
	OE_SRV_START_EXEC,
	OE_SRV_START_SUBSYSTEM,
};

enum oe_srv_notice {
	/* u32 id, u8 by-signal, u32 status or 0, string signal name, u8 core */
	OE_SRV_NOTE_EXITED = 64,
	/* string text: say it to the peer and end */
	OE_SRV_NOTE_DISCONNECT,
	/* u32 idle timeout in seconds; after authentication */
	OE_SRV_NOTE_LIMITS,
	/* one descriptor: a program wants the peer's agent */
	OE_SRV_NOTE_AGENT,
	/* u32 token, u8 yes, u32 id; a connected socket when yes */
	OE_SRV_NOTE_FORWARD_CONNECTED,
	/* u32 id, u8 yes, u32 port */
	OE_SRV_NOTE_FORWARD_LISTENING,
	/*
	 * u32 id of the new connection, string host and u32 port that were
	 * asked to be listened on, string origin, u32 origin port; its socket
	 */
	OE_SRV_NOTE_FORWARD_ACCEPTED,
	/* empty: the peer's agent is not to be used any more */
	OE_SRV_NOTE_AGENT_END,
	/* u32 id: of a connection that is not permitted any more */
	OE_SRV_NOTE_FORWARD_END,
};

/* Bounds on texts of the peer. */
#define OE_SRV_USER_MAX         1024
#define OE_SRV_BLOB_MAX         (64 * 1024)
#define OE_SRV_PASSWORD_MAX     1024
#define OE_SRV_ANSWERS_MAX      16
#define OE_SRV_TERM_MAX         128
#define OE_SRV_MODES_MAX        1024
#define OE_SRV_COMMAND_MAX      (96 * 1024)
#define OE_SRV_ENV_TEXT_MAX     (32 * 1024)
#define OE_SRV_SIGNAL_MAX       32
#define OE_SRV_VERSION_MAX      256
#define OE_SRV_CHANNELS_MAX     64
#define OE_SRV_FORWARD_HOST_MAX 1024
/* Of ours to the person, with the answer to an authentication request. */
#define OE_SRV_MESSAGE_MAX 4096
