/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/control_calls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/ipc.h"
#include "forwarding/control.h"

#define LIST_VERSION 1
/* A client that is suspended (~^Z) answers nothing, and others are to be seen.
 */
#define LIST_MS 3000
/* Its peer may be asked by the client in between. */
#define CHANGE_MS 30000

/* One answer to LIST. */
struct answer {
	char *peer;
	uint8_t connected, more;
	uint32_t n;
};

struct listing {
	bool json;
	bool titled; /* the head of the table is out */
};

static const char *
state_name(uint8_t state)
{
	return state == OE_FWD_CONTROL_UP       ? "up"
	       : state == OE_FWD_CONTROL_FAILED ? "failed"
						: "waiting";
}

static void
print_json(
    long pid, const struct answer *a, const struct oe_fwd_control_item *item)
{
	char id[48], kind[2] = {item->text[1], '\0'};
	struct oe_json j;

	snprintf(id, sizeof id, "%ld.%" PRIu32, pid, item->id);
	oe_json_begin(&j);
	oe_json_uint(&j, "v", LIST_VERSION);
	oe_json_str(&j, "id", id);
	oe_json_uint(&j, "pid", (uint64_t)pid);
	oe_json_str(&j, "peer", a->peer);
	oe_json_bool(&j, "connected", a->connected);
	oe_json_str(&j, "kind", kind);
	oe_json_str(&j, "forward", item->text + 3);
	oe_json_str(&j, "state", state_name(item->state));
	oe_json_uint(&j, "port", item->port);
	oe_json_uint(&j, "open", item->open);
	oe_json_uint(&j, "connections", item->count);
	oe_json_uint(&j, "sent", item->sent);
	oe_json_uint(&j, "received", item->received);
	oe_json_end(&j, stdout);
}

static void
print_row(struct listing *l, long pid, const struct answer *a,
    const struct oe_fwd_control_item *item)
{
	char id[48], peer[80], text[200];

	if (!l->titled)
		printf("%-12s %-16s %-9s %6s %12s %12s  %s\n", "ID", "PEER",
		    "STATE", "OPEN", "SENT", "RECEIVED", "FORWARD");
	l->titled = true;
	snprintf(id, sizeof id, "%ld.%" PRIu32, pid, item->id);
	oe_str_escape(a->peer, strlen(a->peer), peer, sizeof peer);
	oe_str_escape(item->text, strlen(item->text), text, sizeof text);
	printf("%-12s %-16s %-9s %6" PRIu64 " %12" PRIu64 " %12" PRIu64 "  %s",
	    id, peer, a->connected ? state_name(item->state) : "no link",
	    item->open, item->sent, item->received, text);
	/* a port that the peer chose */
	if (!strncmp(item->text, "-R ", 3) && item->port &&
	    strtol(item->text + 3, NULL, 10) == 0)
		printf(" (port %" PRIu32 ")", item->port);
	printf("\n");
}

static int
get_item(struct oe_buf *b, struct oe_fwd_control_item *ret)
{
	if (oe_buf_get_u32(b, &ret->id) < 0 ||
	    oe_buf_get_cstring(b, OE_FWD_CONTROL_TEXT_MAX, &ret->text) < 0)
		return OE_EPROTO;
	if (strlen(ret->text) < 3 || oe_buf_get_u8(b, &ret->state) < 0 ||
	    oe_buf_get_u32(b, &ret->port) < 0 ||
	    oe_buf_get_u64(b, &ret->open) < 0 ||
	    oe_buf_get_u64(b, &ret->count) < 0 ||
	    oe_buf_get_u64(b, &ret->sent) < 0 ||
	    oe_buf_get_u64(b, &ret->received) < 0)
		return OE_EPROTO;
	return 0;
}

/* @after: the last id that was seen, and is now. */
static int
read_answer(struct listing *l, long pid, struct oe_ipc_msg *m, struct answer *a,
    uint32_t *after)
{
	struct oe_fwd_control_item item;
	uint32_t i;
	int r = 0;

	if (m->type != OE_FWD_CONTROL_ITEMS ||
	    oe_buf_get_cstring(&m->payload, OE_FWD_CONTROL_TEXT_MAX, &a->peer) <
		0 ||
	    oe_buf_get_u8(&m->payload, &a->connected) < 0 ||
	    oe_buf_get_u32(&m->payload, &a->n) < 0)
		return OE_EPROTO;
	for (i = 0; i < a->n && r == 0; i++) {
		memset(&item, 0, sizeof item);
		r = get_item(&m->payload, &item);
		if (r == 0 && l->json)
			print_json(pid, a, &item);
		else if (r == 0)
			print_row(l, pid, a, &item);
		*after = item.id;
		free(item.text);
	}
	if (r < 0 || oe_buf_get_u8(&m->payload, &a->more) < 0)
		return OE_EPROTO;
	return 0;
}

static int
list_client(struct listing *l, int fd, long pid, struct oe_err *err)
{
	struct answer a = {.more = 1};
	struct oe_ipc_msg question, m;
	uint32_t after = 0;
	int r = 0;

	while (r == 0 && a.more) {
		memset(&a, 0, sizeof a);
		oe_ipc_msg_init(&question, OE_FWD_CONTROL_LIST);
		(void)oe_buf_put_u32(&question.payload, after);
		r = oe_fwd_control_call(fd, &question, LIST_MS, &m, err);
		oe_ipc_msg_done(&question);
		if (r < 0)
			return r;
		r = read_answer(l, pid, &m, &a, &after);
		oe_ipc_msg_done(&m);
		free(a.peer);
		if (r < 0)
			oe_err_set(err, r, "client %ld answers strangely", pid);
	}
	return r;
}

static bool
is_meant(const char *name, const char *who)
{
	const char *dash = strchr(name, '-');
	size_t n = (size_t)(dash - name);
	const char *p;

	if (!who)
		return true;
	if (strlen(who) == n && strncmp(name, who, n) == 0)
		return true;
	/* as client_control.c wrote it */
	for (p = dash + 1; *p && *who; p++, who++)
		if (*p != *who && !(*p == '_' && strchr("/:%@ ", *who)))
			return false;
	return !*p && !*who;
}

int
oe_fwd_control_list(const char *who, bool json, struct oe_err *err)
{
	struct listing l = {.json = json};
	struct oe_strs names = {NULL, 0};
	char *dir = NULL;
	bool any = false;
	size_t i;
	int fd, r;

	r = oe_fwd_control_dir(false, &dir, err);
	if (r == 0)
		oe_fwd_control_names(dir, &names);
	else if (r == OE_ENOENT)
		r = 0;
	for (i = 0; i < names.n && r == 0; i++) {
		if (!is_meant(names.v[i], who))
			continue;
		fd = oe_fwd_control_connect(dir, names.v[i], err);
		if (fd < 0)
			continue;
		any = true;
		r = list_client(&l, fd, strtol(names.v[i], NULL, 10), err);
		/* it may end at any time, or be suspended */
		if (r == OE_ETIMEOUT && !who) {
			oe_log_warn(NULL, "client %s: %s", names.v[i],
			    oe_err_text(err));
			r = 0;
		}
		if (r == OE_ECLOSED)
			r = 0;
		oe_fd_close(&fd);
	}
	oe_strs_done(&names);
	free(dir);
	if (r == 0 && !any && who)
		r = oe_err_set(err, OE_ENOENT, "no running client '%s'", who);
	return r;
}

/* The one client that is meant. */
static int
find(const char *who, struct oe_err *err)
{
	struct oe_strs names = {NULL, 0};
	char *dir = NULL;
	int fd = -1, one, r;
	size_t i;

	r = oe_fwd_control_dir(false, &dir, err);
	if (r < 0)
		return r;
	oe_fwd_control_names(dir, &names);
	for (i = 0; i < names.n && r == 0; i++) {
		if (!is_meant(names.v[i], who))
			continue;
		one = oe_fwd_control_connect(dir, names.v[i], err);
		if (one < 0)
			continue;
		if (fd >= 0) {
			oe_fd_close(&one);
			r = oe_err_set(err, OE_EINVAL,
			    "several clients are connected to %s: give a pid "
			    "(see omniedge forward ls)",
			    who);
		} else {
			fd = one;
		}
	}
	oe_strs_done(&names);
	free(dir);
	if (r == 0 && fd < 0)
		r = oe_err_set(err, OE_ENOENT, "no running client '%s'", who);
	if (r < 0)
		oe_fd_close(&fd);
	return r < 0 ? r : fd;
}

static int
call(const char *who, struct oe_ipc_msg *question, uint32_t *ret_id,
    uint32_t *ret_port, struct oe_err *err)
{
	struct oe_ipc_msg m;
	int fd = find(who, err), r;

	if (fd < 0)
		return fd;
	r = oe_fwd_control_call(fd, question, CHANGE_MS, &m, err);
	oe_fd_close(&fd);
	if (r < 0)
		return r;
	if (m.type != OE_FWD_CONTROL_DONE ||
	    oe_buf_get_u32(&m.payload, ret_id) < 0 ||
	    oe_buf_get_u32(&m.payload, ret_port) < 0)
		r = oe_err_set(err, OE_EPROTO, "the client answers strangely");
	oe_ipc_msg_done(&m);
	return r;
}

int
oe_fwd_control_add(const char *who, enum oe_fwd_kind kind, const char *spec,
    struct oe_err *err)
{
	struct oe_ipc_msg question;
	uint32_t id = 0, port = 0;
	int r;

	oe_ipc_msg_init(&question, OE_FWD_CONTROL_ADD);
	(void)oe_buf_put_u8(&question.payload, (uint8_t)kind);
	(void)oe_buf_put_cstring(&question.payload, spec);
	r = call(who, &question, &id, &port, err);
	oe_ipc_msg_done(&question);
	if (r == 0 && kind == OE_FWD_REMOTE && port)
		printf("port %" PRIu32 "\n", port);
	return r;
}

int
oe_fwd_control_stop(const char *who, struct oe_err *err)
{
	struct oe_ipc_msg question;
	uint32_t id = 0, port;
	const char *dot = strrchr(who, '.');
	int64_t wanted = 0, pid;
	char *client;
	int r;

	client = oe_mem_strndup(who, dot ? (size_t)(dot - who) : strlen(who));
	/* "4711.2"; a peer's name or address has other parts */
	if (!dot || oe_str_parse_int(client, 1, INT32_MAX, &pid) < 0 ||
	    oe_str_parse_int(dot + 1, 1, INT32_MAX, &wanted) < 0) {
		free(client);
		client = oe_mem_strdup(who);
		wanted = 0;
	}
	oe_ipc_msg_init(&question, OE_FWD_CONTROL_STOP);
	(void)oe_buf_put_u32(&question.payload, (uint32_t)wanted);
	r = call(client, &question, &id, &port, err);
	oe_ipc_msg_done(&question);
	free(client);
	return r;
}
