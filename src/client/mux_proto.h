/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/mux_proto.h - messages between commands that share a connection:
 * the multiplexing protocol of OpenSSH, version 4.
 *
 * Pure: bytes in, values out, both ways.  A packet is a u32 length and a body;
 * the body begins with a u32 type.  Descriptors follow some requests, each
 * with a byte of its own (mux_stream.h).  Whoever is at the other end of the
 * socket is not trusted to be well-formed: every text is bounded, and what is
 * left over or missing makes a packet bad.
 * Source: PROTOCOL.mux of OpenSSH 9.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/str.h"

struct oe_cli_forward;
struct oe_err;

#define OE_MUX_VERSION 4
/* Body of one packet; OpenSSH has the same bound. */
#define OE_MUX_PACKET_MAX (256u * 1024)
#define OE_MUX_ENV_MAX    4096u /* variables of one session */
#define OE_MUX_FDS_MAX    3u
/* Longest command line, terminal name, host, path, reason in bytes. */
#define OE_MUX_COMMAND_MAX (128u * 1024)
#define OE_MUX_TEXT_MAX    1024u
#define OE_MUX_NO_ESCAPE   0xffffffffu

enum oe_mux_type {
	OE_MUX_HELLO = 0x00000001,
	OE_MUX_C_NEW_SESSION = 0x10000002,
	OE_MUX_C_ALIVE_CHECK = 0x10000004,
	OE_MUX_C_TERMINATE = 0x10000005,
	OE_MUX_C_OPEN_FWD = 0x10000006,
	OE_MUX_C_CLOSE_FWD = 0x10000007,
	OE_MUX_C_NEW_STDIO_FWD = 0x10000008,
	OE_MUX_C_STOP_LISTENING = 0x10000009,
	OE_MUX_S_OK = 0x80000001,
	OE_MUX_S_PERMISSION_DENIED = 0x80000002,
	OE_MUX_S_FAILURE = 0x80000003,
	OE_MUX_S_EXIT_MESSAGE = 0x80000004,
	OE_MUX_S_ALIVE = 0x80000005,
	OE_MUX_S_SESSION_OPENED = 0x80000006,
	OE_MUX_S_REMOTE_PORT = 0x80000007,
	OE_MUX_S_TTY_ALLOC_FAIL = 0x80000008,
};

/* Where a forward listens, or where it leads. */
struct oe_mux_end {
	char *host;    /* NULL: none given; "" all addresses (listening) */
	char *path;    /* of a Unix socket; then host is NULL */
	uint32_t port; /* up to 65535 */
};

/* What a client asks for. */
struct oe_mux_request {
	uint32_t type;
	uint32_t id;
	/* HELLO */
	uint32_t version;
	bool ours; /* see oe_mux_put_hello() */
	/* NEW_SESSION */
	bool tty, x11, agent, subsystem;
	uint32_t escape;    /* a character, or OE_MUX_NO_ESCAPE */
	char *term;         /* may be "" */
	char *command;      /* "" is a shell */
	struct oe_strs env; /* NAME=VALUE */
	/* OPEN_FWD, CLOSE_FWD: 'L', 'R', 'D'; to: also NEW_STDIO_FWD */
	char kind;
	struct oe_mux_end from, to;
};

/* What a master says. */
struct oe_mux_reply {
	uint32_t type;
	/*
	 * of the request; of EXIT_MESSAGE and TTY_ALLOC_FAIL the session; 0
	 * for HELLO
	 */
	uint32_t id;
	/* version, session, exit status, pid or port, as the type has it */
	uint32_t value;
	char *reason; /* PERMISSION_DENIED, FAILURE; else NULL */
	bool ours;    /* HELLO: see oe_mux_put_hello() */
};

/**
 * oe_mux_request_parse() - the body of one packet from a client.
 * @ret: overwritten; oe_mux_request_done() it, whatever the result.  Of a type
 * that is not known only type and id are filled.
 * Return: 0, OE_EPROTO with a message.
 */
int oe_mux_request_parse(
    struct oe_buf *body, struct oe_mux_request *ret, struct oe_err *err);
void oe_mux_request_done(struct oe_mux_request *r);
/** oe_mux_request_fds() - descriptors that follow it. */
unsigned oe_mux_request_fds(const struct oe_mux_request *r);
/**
 * oe_mux_request_forward() - the same as the forwarding module takes it.
 * @ret: borrows from @r.
 * Return: 0, OE_EINVAL (it cannot be).
 */
int oe_mux_request_forward(const struct oe_mux_request *r,
    struct oe_cli_forward *ret, struct oe_err *err);

/**
 * oe_mux_reply_parse() - the body of one packet from a master.
 * @ret: overwritten; oe_mux_reply_done() it, whatever the result.
 * Return: 0, OE_EPROTO (unknown types too) with a message.
 */
int oe_mux_reply_parse(
    struct oe_buf *body, struct oe_mux_reply *ret, struct oe_err *err);
void oe_mux_reply_done(struct oe_mux_reply *r);

/*
 * Each put appends one whole packet, or nothing: 0 or OE_ETOOBIG.
 */
/**
 * oe_mux_put_hello() - of either side, with the extension that says that this
 * is omniedge.  Its clients may be sent SIGTSTP to stop themselves (~^Z), and
 * its masters end a stdio forward to such a client with EXIT_MESSAGE too, so
 * that a lost connection does not look like an end.
 */
int oe_mux_put_hello(struct oe_buf *to);
/** oe_mux_put_request() - any request but HELLO; env and texts included. */
int oe_mux_put_request(struct oe_buf *to, const struct oe_mux_request *r);
/** oe_mux_put_forward() - OPEN_FWD or CLOSE_FWD. */
int oe_mux_put_forward(struct oe_buf *to, enum oe_mux_type type, uint32_t id,
    const struct oe_cli_forward *what);
/** oe_mux_put_reply() - any reply but HELLO. */
int oe_mux_put_reply(struct oe_buf *to, const struct oe_mux_reply *r);
