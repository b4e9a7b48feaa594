/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agent forwarding: a socket of the user's, whose connections net bridges to
 * the agent on the peer's side.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/net/loop.h"
#include "server/session.h"

static void
agent_on_connect(void *arg, short revents)
{
	struct oe_srv_conn *c = arg;
	struct oe_ipc_msg m;
	struct ucred who;
	socklen_t len = sizeof who;
	int fd = accept4(c->agent_fd, NULL, NULL, SOCK_CLOEXEC);

	(void)revents;
	if (fd < 0)
		return;
	/* the directory keeps others out; the kernel knows for certain */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ||
	    (who.uid != 0 && who.uid != c->account.uid)) {
		oe_fd_close(&fd);
		return;
	}
	oe_ipc_msg_init(&m, OE_SRV_NOTE_AGENT);
	m.fds[0] = fd;
	m.nfds = 1;
	oe_srv__notice(c, &m);
}

static int
agent_listen(struct oe_srv_conn *c, struct oe_err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	c->agent_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->agent_fd < 0)
		return oe_err_sys(err, "make the agent's socket");
	if (!oe_str_copy(sa.sun_path, sizeof sa.sun_path, c->agent_path))
		return oe_err_set(err, OE_ETOOBIG, "agent path is too long");
	if (bind(c->agent_fd, (struct sockaddr *)&sa, sizeof sa) < 0 ||
	    listen(c->agent_fd, 16) < 0)
		return oe_err_sys(err, "bind '%s'", c->agent_path);
	return 0;
}

/* As the user, so that directory and socket are theirs from the start. */
static int
agent_make(struct oe_srv_conn *c, struct oe_err *err)
{
	char dir[] = "/tmp/omniedge-XXXXXXXXXX";
	mode_t mask = umask(077);
	int r = 0;

	if (!mkdtemp(dir)) {
		r = oe_err_sys(err, "make the agent's directory");
	} else {
		c->agent_dir = oe_mem_strdup(dir);
		c->agent_path = oe_mem_printf("%s/agent", dir);
		r = agent_listen(c, err);
	}
	umask(mask);
	return r;
}

static int
agent_as_user(struct oe_srv_conn *c, bool on)
{
	if (!c->srv->cfg->root || c->account.uid == 0)
		return 0;
	if (on)
		return setegid(c->account.gid) < 0 ||
			       seteuid(c->account.uid) < 0
			   ? -1
			   : 0;
	/* going on with half of the privileges would be a hole later */
	if (seteuid(0) < 0 || setegid(0) < 0)
		abort();
	return 0;
}

int
oe_srv__agent_open(struct oe_srv_conn *c, struct oe_err *err)
{
	int r;

	if (c->agent_fd >= 0)
		return 0;
	r = agent_as_user(c, true) < 0 ? oe_err_sys(err, "become the user")
				       : agent_make(c, err);
	(void)agent_as_user(c, false);
	if (r < 0) {
		oe_srv__agent_close(c);
		return r;
	}
	c->agent_watch =
	    oe_loop_watch(c->loop, c->agent_fd, POLLIN, agent_on_connect, c);
	return 0;
}

void
oe_srv__agent_close(struct oe_srv_conn *c)
{
	oe_watch_free(&c->agent_watch);
	oe_fd_close(&c->agent_fd);
	if (!c->agent_dir)
		return;
	(void)agent_as_user(c, true);
	(void)unlink(c->agent_path);
	(void)rmdir(c->agent_dir);
	(void)agent_as_user(c, false);
	oe_mem_free(&c->agent_path);
	oe_mem_free(&c->agent_dir);
}
