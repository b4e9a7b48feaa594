/* SPDX-License-Identifier: Apache-2.0 */
#include "client/mux_proto.h"

#include <stdlib.h>
#include <string.h>

#include "client/forwarding.h"
#include "core/base/err.h"
#include "core/base/mem.h"

/* Stands where a port would, before a path. */
#define PORT_IS_PATH 0xfffffffeu
/* What a forward leads to when each connection says that itself. */
#define SOCKS_HOST "socks"
/* Extension of HELLO. */
#define EXT_OURS "peer@omniedge"
/* Extensions of one HELLO that are looked at. */
#define EXT_MAX 64

enum { FWD_LOCAL = 1, FWD_REMOTE = 2, FWD_DYNAMIC = 3 };

static const struct {
	uint32_t wire;
	char kind;
} kinds[] = {{FWD_LOCAL, 'L'}, {FWD_REMOTE, 'R'}, {FWD_DYNAMIC, 'D'}};

static int
bad(struct oe_err *err, const char *what)
{
	return oe_err_set(err, OE_EPROTO,
	    "a malformed message on the control socket: %s", what);
}

static int
get_flag(struct oe_buf *b, bool *ret)
{
	uint32_t v;

	if (oe_buf_get_u32(b, &v) < 0)
		return OE_ESHORT;
	*ret = v != 0;
	return 0;
}

static int
get_text(struct oe_buf *b, size_t max, char **ret)
{
	return oe_buf_get_cstring(b, max, ret);
}

static int
get_extensions(struct oe_buf *b, bool *ret_ours)
{
	struct oe_buf value;
	char *name;
	int i;

	for (i = 0; oe_buf_left(b) && i < EXT_MAX; i++) {
		if (get_text(b, OE_MUX_TEXT_MAX, &name) < 0)
			return OE_EPROTO;
		if (oe_str_eq(name, EXT_OURS))
			*ret_ours = true;
		free(name);
		if (oe_buf_get_string(b, &value) < 0)
			return OE_EPROTO;
	}
	return oe_buf_left(b) ? OE_EPROTO : 0;
}

static int
get_session(struct oe_buf *b, struct oe_mux_request *r)
{
	struct oe_buf reserved;
	char *item;

	if (oe_buf_get_string(b, &reserved) < 0 || get_flag(b, &r->tty) < 0 ||
	    get_flag(b, &r->x11) < 0 || get_flag(b, &r->agent) < 0 ||
	    get_flag(b, &r->subsystem) < 0 ||
	    oe_buf_get_u32(b, &r->escape) < 0 ||
	    get_text(b, OE_MUX_TEXT_MAX, &r->term) < 0 ||
	    get_text(b, OE_MUX_COMMAND_MAX, &r->command) < 0)
		return OE_EPROTO;
	while (oe_buf_left(b)) {
		if (r->env.n >= OE_MUX_ENV_MAX ||
		    get_text(b, OE_MUX_PACKET_MAX, &item) < 0)
			return OE_EPROTO;
		oe_strs_add_take(&r->env, item);
	}
	return 0;
}

static int
get_end(struct oe_buf *b, struct oe_mux_end *ret)
{
	char *text;

	if (get_text(b, OE_MUX_TEXT_MAX, &text) < 0)
		return OE_EPROTO;
	if (oe_buf_get_u32(b, &ret->port) < 0 ||
	    (ret->port > 65535 && ret->port != PORT_IS_PATH)) {
		free(text);
		return OE_EPROTO;
	}
	if (ret->port == PORT_IS_PATH) {
		ret->path = text;
		ret->port = 0;
	} else if (*text) {
		ret->host = text;
	} else {
		free(text);
	}
	return 0;
}

static int
get_forward(struct oe_buf *b, struct oe_mux_request *r)
{
	uint32_t wire;
	size_t i;

	if (oe_buf_get_u32(b, &wire) < 0 || get_end(b, &r->from) < 0 ||
	    get_end(b, &r->to) < 0)
		return OE_EPROTO;
	for (i = 0; i < OE_ARRAY_LEN(kinds); i++)
		if (kinds[i].wire == wire)
			r->kind = kinds[i].kind;
	/* all addresses are "*" here and "" everywhere else */
	if (r->from.host && oe_str_eq(r->from.host, "*"))
		r->from.host[0] = '\0';
	return 0;
}

static int
get_stdio(struct oe_buf *b, struct oe_mux_request *r)
{
	struct oe_buf reserved;

	if (oe_buf_get_string(b, &reserved) < 0 || get_end(b, &r->to) < 0)
		return OE_EPROTO;
	return 0;
}

static int
get_body(struct oe_buf *b, struct oe_mux_request *r)
{
	switch (r->type) {
	case OE_MUX_C_NEW_SESSION:
		return get_session(b, r);
	case OE_MUX_C_NEW_STDIO_FWD:
		return get_stdio(b, r);
	case OE_MUX_C_OPEN_FWD:
	case OE_MUX_C_CLOSE_FWD:
		return get_forward(b, r);
	case OE_MUX_C_ALIVE_CHECK:
	case OE_MUX_C_TERMINATE:
	case OE_MUX_C_STOP_LISTENING:
		return 0;
	default:
		/* a later version's, answered with a refusal */
		oe_buf_skip(b, oe_buf_left(b));
		return 0;
	}
}

int
oe_mux_request_parse(
    struct oe_buf *body, struct oe_mux_request *ret, struct oe_err *err)
{
	int r;

	memset(ret, 0, sizeof *ret);
	if (oe_buf_get_u32(body, &ret->type) < 0)
		return bad(err, "it has no type");
	if (ret->type == OE_MUX_HELLO) {
		r = oe_buf_get_u32(body, &ret->version);
		if (r == 0)
			r = get_extensions(body, &ret->ours);
	} else {
		r = oe_buf_get_u32(body, &ret->id);
		if (r == 0)
			r = get_body(body, ret);
	}
	if (r < 0)
		return bad(err, "a request ends too early or too late");
	return oe_buf_left(body) ? bad(err, "a request is too long") : 0;
}

static void
end_done(struct oe_mux_end *e)
{
	free(e->host);
	free(e->path);
}

void
oe_mux_request_done(struct oe_mux_request *r)
{
	free(r->term);
	free(r->command);
	oe_strs_done(&r->env);
	end_done(&r->from);
	end_done(&r->to);
	memset(r, 0, sizeof *r);
}

unsigned
oe_mux_request_fds(const struct oe_mux_request *r)
{
	return r->type == OE_MUX_C_NEW_SESSION     ? 3
	       : r->type == OE_MUX_C_NEW_STDIO_FWD ? 2
						   : 0;
}

int
oe_mux_request_forward(const struct oe_mux_request *r,
    struct oe_cli_forward *ret, struct oe_err *err)
{
	bool socks =
	    r->kind == 'D' || (r->kind == 'R' && !r->to.path && !r->to.port);

	if (!r->kind)
		return oe_err_set(
		    err, OE_EINVAL, "this kind of forward is not known");
	if (!socks && !r->to.path && (!r->to.host || !r->to.port))
		return oe_err_set(err, OE_EINVAL, "the forward leads nowhere");
	if ((r->from.path && !*r->from.path) || (r->to.path && !*r->to.path))
		return oe_err_set(err, OE_EINVAL, "a path is empty");
	if (r->kind == 'D' && r->from.path)
		return oe_err_set(
		    err, OE_EINVAL, "a SOCKS proxy listens on a port only");
	*ret = (struct oe_cli_forward){
	    .kind = r->kind,
	    .listen_host = r->from.host,
	    .listen_path = r->from.path,
	    .listen_port = (int)r->from.port,
	    .host = socks ? NULL : r->to.host,
	    .path = socks ? NULL : r->to.path,
	    .port = socks ? 0 : (int)r->to.port,
	};
	return 0;
}

static int
get_reply(struct oe_buf *b, struct oe_mux_reply *r)
{
	switch (r->type) {
	case OE_MUX_HELLO:
		if (oe_buf_get_u32(b, &r->value) < 0)
			return OE_EPROTO;
		return get_extensions(b, &r->ours);
	case OE_MUX_S_OK:
	case OE_MUX_S_TTY_ALLOC_FAIL:
		return oe_buf_get_u32(b, &r->id);
	case OE_MUX_S_PERMISSION_DENIED:
	case OE_MUX_S_FAILURE:
		if (oe_buf_get_u32(b, &r->id) < 0)
			return OE_EPROTO;
		return get_text(b, OE_MUX_TEXT_MAX, &r->reason);
	case OE_MUX_S_EXIT_MESSAGE:
	case OE_MUX_S_ALIVE:
	case OE_MUX_S_SESSION_OPENED:
	case OE_MUX_S_REMOTE_PORT:
		if (oe_buf_get_u32(b, &r->id) < 0)
			return OE_EPROTO;
		return oe_buf_get_u32(b, &r->value);
	default:
		return OE_EPROTO;
	}
}

int
oe_mux_reply_parse(
    struct oe_buf *body, struct oe_mux_reply *ret, struct oe_err *err)
{
	memset(ret, 0, sizeof *ret);
	if (oe_buf_get_u32(body, &ret->type) < 0)
		return bad(err, "it has no type");
	if (get_reply(body, ret) < 0 || oe_buf_left(body))
		return bad(err, "an answer of the master");
	return 0;
}

void
oe_mux_reply_done(struct oe_mux_reply *r)
{
	free(r->reason);
	memset(r, 0, sizeof *r);
}

/* The body as a packet: its length and its bytes, all of it or nothing. */
static int
put_packet(struct oe_buf *to, struct oe_buf *body, int r)
{
	if (r == 0)
		r = oe_buf_put_string(to, oe_buf_head(body), oe_buf_left(body));
	oe_buf_done(body);
	return r < 0 ? OE_ETOOBIG : 0;
}

static int
put_u32s(struct oe_buf *b, uint32_t one, uint32_t two)
{
	int r = oe_buf_put_u32(b, one);

	return r < 0 ? r : oe_buf_put_u32(b, two);
}

int
oe_mux_put_hello(struct oe_buf *to)
{
	struct oe_buf b;
	int r;

	oe_buf_init(&b, OE_MUX_PACKET_MAX);
	r = put_u32s(&b, OE_MUX_HELLO, OE_MUX_VERSION);
	if (r == 0)
		r = oe_buf_put_cstring(&b, EXT_OURS);
	if (r == 0)
		r = oe_buf_put_cstring(&b, "");
	return put_packet(to, &b, r);
}

static int
put_session(struct oe_buf *b, const struct oe_mux_request *q)
{
	size_t i;
	int r = oe_buf_put_cstring(b, "");

	if (r == 0)
		r = put_u32s(b, q->tty, q->x11);
	if (r == 0)
		r = put_u32s(b, q->agent, q->subsystem);
	if (r == 0)
		r = oe_buf_put_u32(b, q->escape);
	if (r == 0)
		r = oe_buf_put_cstring(b, q->term);
	if (r == 0)
		r = oe_buf_put_cstring(b, q->command);
	for (i = 0; i < q->env.n && r == 0; i++)
		r = oe_buf_put_cstring(b, q->env.v[i]);
	return r;
}

static int
put_end(struct oe_buf *b, const char *host, const char *path, int port)
{
	int r = oe_buf_put_cstring(b, path ? path : host);

	return r < 0 ? r
		     : oe_buf_put_u32(b, path ? PORT_IS_PATH : (uint32_t)port);
}

int
oe_mux_put_request(struct oe_buf *to, const struct oe_mux_request *q)
{
	struct oe_buf b;
	int r;

	oe_buf_init(&b, OE_MUX_PACKET_MAX);
	r = put_u32s(&b, q->type, q->id);
	if (r == 0 && q->type == OE_MUX_C_NEW_SESSION)
		r = put_session(&b, q);
	if (r == 0 && q->type == OE_MUX_C_NEW_STDIO_FWD) {
		r = oe_buf_put_cstring(&b, "");
		if (r == 0)
			r = put_end(
			    &b, q->to.host, q->to.path, (int)q->to.port);
	}
	return put_packet(to, &b, r);
}

int
oe_mux_put_forward(struct oe_buf *to, enum oe_mux_type type, uint32_t id,
    const struct oe_cli_forward *f)
{
	const char *listen = f->listen_host, *host = f->host;
	struct oe_buf b;
	uint32_t wire = 0;
	size_t i;
	int r;

	for (i = 0; i < OE_ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == f->kind)
			wire = kinds[i].wire;
	if (listen && !*listen)
		listen = "*";
	if (!host && !f->path)
		host = SOCKS_HOST;
	oe_buf_init(&b, OE_MUX_PACKET_MAX);
	r = put_u32s(&b, type, id);
	if (r == 0)
		r = oe_buf_put_u32(&b, wire);
	if (r == 0)
		r = put_end(&b, listen, f->listen_path, f->listen_port);
	if (r == 0)
		r = put_end(&b, host, f->path, f->port);
	return put_packet(to, &b, r);
}

int
oe_mux_put_reply(struct oe_buf *to, const struct oe_mux_reply *q)
{
	struct oe_buf b;
	int r;

	oe_buf_init(&b, OE_MUX_PACKET_MAX);
	r = put_u32s(&b, q->type, q->id);
	if (r == 0 && q->reason)
		r = oe_buf_put_cstring(&b, q->reason);
	else if (r == 0 && q->type != OE_MUX_S_OK &&
		 q->type != OE_MUX_S_TTY_ALLOC_FAIL)
		r = oe_buf_put_u32(&b, q->value);
	return put_packet(to, &b, r);
}
