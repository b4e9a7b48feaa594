/* SPDX-License-Identifier: Apache-2.0 */
/*
 * requests.h - requests to the monitor as a test makes them; after cmocka.h.
 */
#pragma once

#include "hostile.h"

/* An Ed25519 key; nothing here verifies a signature. */
#define KEY_TEXT                                                               \
	"AAAAC3NzaC1lZDI1NTE5AAAAIO1gQVWNRCxz3uuH8XkNcnhvcLwBkqUmJWaD8vbLTeR6"

static uint8_t *blob;
static size_t blob_len;

/* @m is done with; serves it and takes the reply: u8 answer, or -1: none. */
static int
ask_reply(struct hostile *h, struct oe_ipc_msg *m, struct oe_ipc_msg *reply)
{
	uint8_t type = m->type, answer = 0;

	assert_int_equal(oe_ipc_send(h->rpc, m, NULL), 0);
	/* descriptors of the test itself stay open */
	m->nfds = 0;
	oe_ipc_msg_done(m);
	oe_srv__serve(&h->conn);
	if (oe_ipc_recv(h->rpc, 0, reply, NULL) < 0) {
		oe_ipc_msg_init(reply, 0);
		return -1;
	}
	assert_int_equal(reply->type, type);
	assert_int_equal(oe_buf_get_u8(&reply->payload, &answer), 0);
	return answer;
}

static int
ask(struct hostile *h, struct oe_ipc_msg *m)
{
	struct oe_ipc_msg reply;
	int answer = ask_reply(h, m, &reply);

	oe_ipc_msg_done(&reply);
	return answer;
}

/* It ended the connection as a violation, unanswered. */
static void
assert_violation(struct hostile *h, struct oe_ipc_msg *m, const char *what)
{
	int answer = ask(h, m);

	if (answer != -1 || !h->conn.done ||
	    h->conn.phase != OE_SRV_PHASE_OVER ||
	    h->conn.end != OE_SRV_END_PROTOCOL)
		fail_msg("%s: answer %d, phase %d, end %d", what, answer,
		    (int)h->conn.phase, (int)h->conn.end);
}

/* Requests that are well-formed, for session @id where one is named. */
static void
build(struct oe_ipc_msg *m, uint8_t type, uint32_t id)
{
	struct oe_buf *b = &m->payload;
	int i;

	oe_ipc_msg_init(m, type);
	switch (type) {
	case OE_SRV_REQ_HELLO:
		(void)oe_buf_put_cstring(b, "SSH-2.0-test");
		(void)oe_buf_put_cstring(b, "kex cipher cipher");
		return;
	case OE_SRV_REQ_TRY_KEY:
	case OE_SRV_REQ_PROVEN_KEY:
		(void)oe_buf_put_cstring(b, "nobody-at-all");
		(void)oe_buf_put_string(b, blob, blob_len);
		return;
	case OE_SRV_REQ_PASSWORD:
		(void)oe_buf_put_cstring(b, "nobody-at-all");
		(void)oe_buf_put_cstring(b, "secret");
		return;
	case OE_SRV_REQ_NONE:
		(void)oe_buf_put_cstring(b, "nobody-at-all");
		return;
	case OE_SRV_REQ_KBDINT:
		(void)oe_buf_put_cstring(b, "nobody-at-all");
		(void)oe_buf_put_u8(b, 0);
		(void)oe_buf_put_u32(b, 0);
		return;
	case OE_SRV_REQ_OPEN:
		return;
	case OE_SRV_REQ_REFUSED:
		(void)oe_buf_put_cstring(b, "x11");
		return;
	}
	(void)oe_buf_put_u32(b, id);
	if (type == OE_SRV_REQ_PTY)
		(void)oe_buf_put_cstring(b, "xterm");
	if (type == OE_SRV_REQ_PTY || type == OE_SRV_REQ_WINDOW)
		for (i = 0; i < 4; i++)
			(void)oe_buf_put_u32(b, 80);
	if (type == OE_SRV_REQ_PTY)
		(void)oe_buf_put_string(b, "", 0);
	if (type == OE_SRV_REQ_ENV) {
		(void)oe_buf_put_cstring(b, "LANG");
		(void)oe_buf_put_cstring(b, "C");
	}
	if (type == OE_SRV_REQ_START) {
		(void)oe_buf_put_u8(b, OE_SRV_START_EXEC);
		(void)oe_buf_put_cstring(b, "exit 3");
	}
	if (type == OE_SRV_REQ_SIGNAL)
		(void)oe_buf_put_cstring(b, "TERM");
	if (type == OE_SRV_REQ_CLOSE) {
		(void)oe_buf_put_u64(b, 1);
		(void)oe_buf_put_u64(b, 2);
	}
}

static uint32_t
open_session(struct hostile *h)
{
	struct oe_ipc_msg m, reply;
	uint32_t id = 0;

	build(&m, OE_SRV_REQ_OPEN, 0);
	assert_int_equal(ask_reply(h, &m, &reply), 1);
	assert_int_equal(oe_buf_get_u32(&reply.payload, &id), 0);
	oe_ipc_msg_done(&reply);
	return id;
}

static int
request(struct hostile *h, uint8_t type, uint32_t id)
{
	struct oe_ipc_msg m;

	build(&m, type, id);
	return ask(h, &m);
}

/* What is asked by a request of @text, in place of the well-formed one. */
static void
build_text(struct oe_ipc_msg *m, uint8_t type, uint32_t id, const void *text,
    size_t len)
{
	oe_ipc_msg_init(m, type);
	if (type >= OE_SRV_REQ_PTY && type <= OE_SRV_REQ_CLOSE)
		(void)oe_buf_put_u32(&m->payload, id);
	if (type == OE_SRV_REQ_START)
		(void)oe_buf_put_u8(&m->payload, OE_SRV_START_EXEC);
	(void)oe_buf_put_string(&m->payload, text, len);
}
