/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One forwarded connection: a socket of this side, a channel, and a pump
 * between them.  Callbacks only note what happened; what ended is freed
 * before the loop waits, when nothing uses it.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "core/net/race.h"
#include "core/ssh/client.h"
#include "core/ssh/pump.h"
#include "core/ssh/sshconf.h"
#include "forwarding/client_internal.h"
#include "forwarding/client_permit.h"
#include "forwarding/socks.h"

struct oe_fwd__link {
	struct oe_fwd__link *next;
	struct oe_cli_forwards *set;
	struct oe_fwd__forward *forward; /* NULL: it was removed */
	bool remote;                     /* came from the peer's listener */
	int fd;
	char *origin;
	int origin_port;
	/* where it goes; either path or host */
	char *host, *path;
	int port;
	struct oe_socks *socks; /* during the handshake, or NULL */
	struct oe_watch *watch;
	struct oe_timer *deadline;
	struct oe_race *race;
	struct oe_ssh_request *request;
	struct oe_ssh_open *open;
	struct oe_ssh_chan *chan;
	struct oe_ssh_pump *pump;
	bool sent_all; /* our side has ended, and all of it was sent */
	bool eof;      /* the peer's side has ended */
	bool closed;   /* the peer closed the channel */
	bool over;
};

static void socks_peer_data(struct oe_fwd__link *l);

static size_t
on_data(void *arg, const void *p, size_t n, bool ext)
{
	struct oe_fwd__link *l = arg;
	size_t used = 0;

	if (l->over)
		return n;
	if (l->pump)
		return oe_ssh_pump_data(l->pump, p, n, ext);
	if (!l->remote || !l->socks || ext)
		return 0;
	if (l->socks->state == OE_SOCKS_MORE) {
		(void)oe_socks_feed(l->socks, p, n, &used);
		socks_peer_data(l);
	}
	return used;
}

static void
on_eof(void *arg)
{
	struct oe_fwd__link *l = arg;

	l->eof = true;
	if (l->pump)
		oe_ssh_pump_eof(l->pump);
}

static void
on_closed(void *arg)
{
	((struct oe_fwd__link *)arg)->closed = true;
}

static const struct oe_ssh_chan_ops link_ops = {
    .data = on_data,
    .eof = on_eof,
    .closed = on_closed,
};

static void
on_output_failed(void *arg, int sys_errno)
{
	struct oe_fwd__link *l = arg;

	oe_log_debug(NULL, "forwarding: %s", strerror(sys_errno));
	l->over = true;
}

static void
on_input_done(void *arg)
{
	((struct oe_fwd__link *)arg)->sent_all = true;
}

static void
link_pump(struct oe_fwd__link *l)
{
	struct oe_ssh_pump_plan pp = {
	    .in_fd = l->fd,
	    .more_fd = -1,
	    .out_fd = l->fd,
	    .err_fd = -1,
	    .socket = true,
	    .input_done = on_input_done,
	    .output_failed = on_output_failed,
	    .arg = l,
	};

	l->pump = oe_ssh_pump_new(l->set->loop, l->chan, &pp);
	l->fd = -1;
	/* what came before there was a pump */
	oe_ssh_chan_resume(l->chan);
	if (l->eof)
		oe_ssh_pump_eof(l->pump);
}

/* The handshake is over, one way or the other. */
static void
socks_end(struct oe_fwd__link *l)
{
	if (!l->socks)
		return;
	oe_mem_free(&l->socks);
	oe_timer_free(&l->deadline);
	oe_watch_free(&l->watch);
}

/* To whoever speaks SOCKS with us; false when it does not arrive. */
static bool
socks_send(struct oe_fwd__link *l, const void *p, size_t n)
{
	if (!n)
		return true;
	if (!l->remote)
		return send(l->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) ==
		       (ssize_t)n;
	return l->chan && oe_ssh_chan_room(l->chan) >= n &&
	       oe_ssh_chan_write(l->chan, p, n, false) == 0;
}

static void
socks_answer(struct oe_fwd__link *l, enum oe_socks_result result)
{
	uint8_t reply[OE_SOCKS_REPLY_MAX];

	if (!l->socks)
		return;
	if (!socks_send(l, reply, oe_socks_reply(l->socks, result, reply)))
		l->over = true;
	socks_end(l);
}

static void
on_open(void *arg, struct oe_ssh_chan *chan, bool pty_refused,
    const struct oe_err *err)
{
	struct oe_fwd__link *l = arg;

	(void)pty_refused;
	l->chan = chan;
	if (!chan) {
		oe_log_info(NULL, "forwarding: %s", oe_err_text(err));
		socks_answer(l, err->code == OE_EPERM    ? OE_SOCKS_DENIED
				: err->code == OE_ENOENT ? OE_SOCKS_REFUSED
							 : OE_SOCKS_FAILURE);
		l->over = true;
		return;
	}
	socks_answer(l, OE_SOCKS_GRANTED);
	if (!l->over)
		link_pump(l);
}

/* Ask the peer to connect to the target. */
static void
link_open(struct oe_fwd__link *l)
{
	struct oe_ssh_open_plan plan = {
	    .kind = l->path ? OE_SSH_OPEN_DIRECT_UNIX : OE_SSH_OPEN_DIRECT,
	    .text = l->path ? l->path : l->host,
	    .port = l->port,
	    .origin = l->origin,
	    .origin_port = l->origin_port,
	    .ops = &link_ops,
	    .ops_arg = l,
	    .done = on_open,
	    .arg = l,
	};

	l->open = oe_ssh_open_start(l->set->c->ssh, &plan);
}

/* The target of -R answered, or did not. */
static void
link_connected(struct oe_fwd__link *l, int fd, const struct oe_err *err)
{
	int one = 1;

	if (fd < 0) {
		oe_log_info(NULL, "forwarding: connect to %s: %s",
		    l->path ? l->path : l->host, oe_err_text(err));
		socks_answer(l, err->sys_errno == ECONNREFUSED
				    ? OE_SOCKS_REFUSED
				: err->code == OE_ENOENT ? OE_SOCKS_UNREACHABLE
							 : OE_SOCKS_FAILURE);
		l->over = true;
		return;
	}
	l->fd = fd;
	if (l->host)
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	socks_answer(l, OE_SOCKS_GRANTED);
	if (l->request)
		l->chan = oe_ssh_request_accept(&l->request, &link_ops, l);
	if (!l->chan)
		l->over = true;
	if (!l->over)
		link_pump(l);
}

static void
on_race(void *arg, int status, int fd, const struct oe_err *err)
{
	(void)status;
	link_connected(arg, fd, err);
}

static void
connect_unix(struct oe_fwd__link *l)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct oe_err err = OE_ERR_INIT;
	int fd = -1;

	if (strlen(l->path) >= sizeof sun.sun_path) {
		oe_err_set(&err, OE_ETOOBIG, "the path is too long");
	} else {
		memcpy(sun.sun_path, l->path, strlen(l->path) + 1);
		fd = socket(
		    AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		/* it answers at once, a full queue included */
		if (fd < 0 || connect(fd, (const struct sockaddr *)&sun,
				  sizeof sun) < 0) {
			oe_err_sys(&err, "connect");
			oe_fd_close(&fd);
		}
	}
	link_connected(l, fd, &err);
}

/* Connect to the target ourselves. */
static void
link_connect(struct oe_fwd__link *l)
{
	struct oe_race_plan plan = {
	    .host = l->host,
	    .port = l->port,
	    .family = l->set->family,
	    .step_ms = OE_FWD_CONNECT_MS,
	    .attempts = 1,
	    .done = on_race,
	    .arg = l,
	};

	if (l->path)
		connect_unix(l);
	else
		l->race = oe_race_start(l->set->loop, &plan);
}

static struct oe_fwd__link *
link_new(struct oe_fwd__forward *f)
{
	struct oe_fwd__link *l = oe_mem_zalloc(sizeof *l);

	l->set = f->set;
	l->forward = f;
	l->fd = -1;
	l->host = oe_mem_strdup(f->spec.target.host);
	l->path = oe_mem_strdup(f->spec.target.path);
	l->port = f->spec.target.port;
	l->next = f->set->links;
	f->set->links = l;
	f->set->nlinks++;
	f->open++;
	f->count++;
	return l;
}

static void
on_late(void *arg)
{
	oe_log_debug(NULL, "forwarding: a SOCKS client says too little");
	((struct oe_fwd__link *)arg)->over = true;
}

/* Those that dawdle make room: the list has the newest first. */
static void
drop_oldest(struct oe_cli_forwards *set)
{
	struct oe_fwd__link *l, *oldest = NULL;
	size_t n = 0;

	for (l = set->links; l; l = l->next)
		if (l->socks && l->socks->state == OE_SOCKS_MORE && !l->over) {
			oldest = l;
			n++;
		}
	if (n >= OE_FWD_HANDSHAKES_MAX)
		oldest->over = true;
}

static void
socks_begin(struct oe_fwd__link *l)
{
	drop_oldest(l->set);
	l->socks = oe_mem_zalloc(sizeof *l->socks);
	oe_socks_init(l->socks);
	l->deadline =
	    oe_loop_timer(l->set->loop, OE_FWD_HANDSHAKE_MS, on_late, l);
}

/* After bytes were fed: answer, and go on when the target is known. */
static bool
socks_advance(struct oe_fwd__link *l)
{
	struct oe_socks *s = l->socks;

	if (!socks_send(l, s->out, s->out_len))
		l->over = true;
	s->out_len = 0;
	if (s->state == OE_SOCKS_BAD)
		l->over = true;
	if (l->over || s->state != OE_SOCKS_TARGET)
		return false;
	oe_timer_free(&l->deadline);
	l->host = oe_mem_strdup(s->host);
	l->port = s->port;
	return true;
}

static bool
is_permitted(const struct oe_fwd__link *l)
{
	const struct oe_strs *permits =
	    oe_sshconf_list(l->set->conf, OE_SSHCONF_PERMITREMOTEOPEN);

	return oe_fwd_permit(permits, l->host, l->port);
}

static void
socks_peer_data(struct oe_fwd__link *l)
{
	if (!socks_advance(l))
		return;
	if (is_permitted(l)) {
		link_connect(l);
		return;
	}
	oe_log_info(NULL,
	    "forwarding: the peer asked for %s port %d: refused by "
	    "PermitRemoteOpen",
	    l->host, l->port);
	socks_answer(l, OE_SOCKS_DENIED);
	l->over = true;
}

/* What follows the request stays in the socket, for the pump. */
static void
on_handshake(void *arg, short revents)
{
	struct oe_fwd__link *l = arg;
	uint8_t bytes[OE_SOCKS_MESSAGE_MAX];
	size_t used;
	ssize_t n;

	(void)revents;
	n = recv(l->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		l->over = true;
		oe_watch_set(l->watch, 0);
		return;
	}
	(void)oe_socks_feed(l->socks, bytes, (size_t)n, &used);
	/* bytes that are left unread would turn the last words into a reset */
	if (l->socks->state == OE_SOCKS_BAD)
		used = (size_t)n;
	(void)recv(l->fd, bytes, used, MSG_DONTWAIT);
	if (socks_advance(l)) {
		oe_watch_free(&l->watch);
		link_open(l);
	}
}

void
oe_fwd__link_local(
    struct oe_fwd__forward *f, int fd, const char *origin, int origin_port)
{
	struct oe_fwd__link *l;

	if (!f->set->c) {
		/* no connection now: better told at once than never */
		oe_fd_close(&fd);
		return;
	}
	l = link_new(f);
	l->fd = fd;
	l->origin = oe_mem_strdup(origin);
	l->origin_port = origin_port;
	if (!f->spec.socks) {
		link_open(l);
		return;
	}
	socks_begin(l);
	l->watch = oe_loop_watch(f->set->loop, fd, POLLIN, on_handshake, l);
}

void
oe_fwd__link_remote(struct oe_fwd__forward *f, struct oe_ssh_request *request)
{
	struct oe_fwd__link *l = link_new(f);

	l->remote = true;
	l->request = request;
	if (!f->spec.socks) {
		link_connect(l);
		return;
	}
	socks_begin(l);
	l->chan = oe_ssh_request_accept(&l->request, &link_ops, l);
	if (!l->chan)
		l->over = true;
}

static bool
link_ended(const struct oe_fwd__link *l)
{
	if (l->over)
		return true;
	if (!l->pump)
		/* gone while the target is not there yet */
		return l->closed ||
		       (l->eof && l->socks && l->socks->state == OE_SOCKS_MORE);
	if (!oe_ssh_pump_output_done(l->pump))
		return false;
	return l->closed || (l->sent_all && l->eof);
}

static void
link_account(const struct oe_fwd__link *l, uint64_t *sent, uint64_t *received)
{
	uint64_t out, in;

	if (!l->pump)
		return;
	oe_ssh_pump_bytes(l->pump, &out, &in);
	*sent += out;
	*received += in;
}

static void
link_free(struct oe_fwd__link *l)
{
	if (l->forward) {
		link_account(l, &l->forward->sent, &l->forward->received);
		l->forward->open--;
	}
	socks_end(l);
	oe_race_free(&l->race);
	oe_ssh_open_free(&l->open);
	oe_ssh_request_refuse(&l->request);
	oe_ssh_pump_free(&l->pump);
	if (l->chan)
		oe_ssh_chan_close(l->chan);
	oe_ssh_chan_free(&l->chan);
	oe_fd_close(&l->fd);
	free(l->origin);
	free(l->host);
	free(l->path);
	l->set->nlinks--;
	free(l);
}

bool
oe_fwd__link_reap(struct oe_cli_forwards *set, bool all)
{
	struct oe_fwd__link **p = &set->links, *l;
	size_t before = set->nlinks;

	while ((l = *p)) {
		if (l->pump || l->chan) {
			/* both have done their work */
			oe_ssh_open_free(&l->open);
			if (l->pump)
				oe_race_free(&l->race);
		}
		if (!all && !link_ended(l)) {
			p = &l->next;
			continue;
		}
		*p = l->next;
		link_free(l);
	}
	return set->nlinks != before;
}

void
oe_fwd__link_bytes(
    const struct oe_fwd__forward *f, uint64_t *sent, uint64_t *received)
{
	const struct oe_fwd__link *l;

	for (l = f->set->links; l; l = l->next)
		if (l->forward == f)
			link_account(l, sent, received);
}

void
oe_fwd__link_orphan(struct oe_fwd__forward *f)
{
	struct oe_fwd__link *l;

	for (l = f->set->links; l; l = l->next)
		if (l->forward == f)
			l->forward = NULL;
}
