/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/agent.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/sshconf.h"

enum {
	AGENT_FAILURE = 5,
	AGENTC_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENTC_SIGN_REQUEST = 13,
};

/* Listing needs nobody's hand; signing may wait for a touch or a click. */
#define LIST_TIMEOUT_MS 5000
#define COMMENT_MAX     1024

struct oe_agent_proxy {
	pthread_t thread;
	pthread_mutex_t lock; /* guards offer and sign */
	struct oe_buf offer, sign;
	char *path;
	int fd;    /* our end towards libssh */
	int agent; /* the real agent, once needed; the thread's */
};

char *
oe_agent_path(const struct oe_sshconf *conf)
{
	const char *set = oe_sshconf_str(conf, OE_SSHCONF_IDENTITYAGENT);
	const char *env = NULL;

	if (set && oe_str_eq(set, "none"))
		return NULL;
	if (!set || oe_str_eq(set, "SSH_AUTH_SOCK"))
		env = getenv("SSH_AUTH_SOCK");
	else if (*set == '$')
		env = getenv(set + 1);
	else
		env = set;
	return env && *env ? oe_mem_strdup(env) : NULL;
}

int
oe_agent_connect(const char *path, int *ret_fd, struct oe_err *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd, r;

	if (!oe_str_copy(sun.sun_path, sizeof sun.sun_path, path))
		return oe_err_set(
		    err, OE_EINVAL, "the agent's path '%s' is too long", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return oe_err_sys(err, "make a socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof sun) < 0) {
		r = oe_err_sys(err, "connect to the agent at '%s'", path);
		oe_fd_close(&fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

/* Exactly @n bytes; @timeout_ms -1 waits for ever. */
static int
read_all(int fd, void *to, size_t n, int timeout_ms)
{
	struct pollfd p = {fd, POLLIN, 0};
	uint8_t *at = to;
	ssize_t got;

	while (n) {
		if (timeout_ms >= 0 && poll(&p, 1, timeout_ms) == 0)
			return OE_ETIMEOUT;
		got = read(fd, at, n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return OE_ECLOSED;
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

/* One message: u32 length, then type and body. */
static int
read_message(int fd, struct oe_buf *ret, int timeout_ms)
{
	uint8_t head[4], *body;
	struct oe_buf b;
	uint32_t n = 0;
	int r;

	r = read_all(fd, head, sizeof head, timeout_ms);
	if (r < 0)
		return r;
	oe_buf_view(&b, head, sizeof head);
	r = oe_buf_get_u32(&b, &n);
	if (r < 0 || n == 0 || n > OE_AGENT_MESSAGE_MAX)
		return OE_EPROTO;
	body = oe_mem_zalloc(n);
	r = read_all(fd, body, n, timeout_ms);
	if (r == 0)
		r = oe_buf_put(ret, body, n);
	oe_mem_wipe(body, n);
	free(body);
	return r;
}

static int
write_message(int fd, const struct oe_buf *msg)
{
	struct oe_buf b;
	int r;

	oe_buf_init(&b, OE_AGENT_MESSAGE_MAX + 4);
	r = oe_buf_put_string(&b, oe_buf_head(msg), oe_buf_left(msg));
	if (r == 0)
		r = oe_fd_write_all(fd, oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
	return r;
}

void
oe_agent_keys_done(struct oe_agent_keys *k)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		free(k->v[i].blob);
		free(k->v[i].comment);
	}
	free(k->v);
	k->v = NULL;
	k->n = 0;
}

int
oe_agent_parse(
    struct oe_buf *answer, struct oe_agent_keys *ret, struct oe_err *err)
{
	struct oe_agent_keys keys = {NULL, 0};
	struct oe_buf blob;
	uint32_t n, i;
	uint8_t type;

	if (oe_buf_get_u8(answer, &type) < 0 ||
	    type != AGENT_IDENTITIES_ANSWER || oe_buf_get_u32(answer, &n) < 0 ||
	    n > OE_AGENT_KEYS_MAX)
		return oe_err_set(
		    err, OE_EPROTO, "the agent gave no list of keys");
	keys.v = oe_mem_zalloc((n + 1) * sizeof *keys.v);
	for (i = 0; i < n; i++) {
		struct oe_agent_key *k = &keys.v[i];

		if (oe_buf_get_string(answer, &blob) < 0 ||
		    oe_buf_get_cstring(answer, COMMENT_MAX, &k->comment) < 0) {
			oe_agent_keys_done(&keys);
			return oe_err_set(
			    err, OE_EPROTO, "the agent's list is damaged");
		}
		k->blob_len = oe_buf_left(&blob);
		k->blob = oe_mem_zalloc(k->blob_len + 1);
		memcpy(k->blob, oe_buf_head(&blob), k->blob_len);
		keys.n++;
	}
	*ret = keys;
	return 0;
}

int
oe_agent_list(const char *path, struct oe_agent_keys *ret, struct oe_err *err)
{
	struct oe_buf b;
	int fd = -1, r;

	oe_buf_init(&b, OE_AGENT_MESSAGE_MAX);
	r = oe_agent_connect(path, &fd, err);
	if (r < 0)
		goto out;
	oe_buf_put_u8(&b, AGENTC_REQUEST_IDENTITIES);
	r = write_message(fd, &b);
	oe_buf_reset(&b);
	if (r == 0)
		r = read_message(fd, &b, LIST_TIMEOUT_MS);
	if (r < 0)
		oe_err_set(err, r, "the agent at '%s' does not answer", path);
	else
		r = oe_agent_parse(&b, ret, err);
out:
	oe_fd_close(&fd);
	oe_buf_done(&b);
	return r;
}

static void
proxy_list(struct oe_agent_proxy *p, struct oe_buf *reply)
{
	pthread_mutex_lock(&p->lock);
	oe_buf_put_u8(reply, AGENT_IDENTITIES_ANSWER);
	oe_buf_put_u32(reply, oe_buf_left(&p->offer) ? 1 : 0);
	if (oe_buf_left(&p->offer)) {
		oe_buf_put_string(
		    reply, oe_buf_head(&p->offer), oe_buf_left(&p->offer));
		oe_buf_put_cstring(reply, "");
	}
	pthread_mutex_unlock(&p->lock);
}

/* Pass a request on with the agent's own name for the key. */
static int
proxy_sign(
    struct oe_agent_proxy *p, struct oe_buf *request, struct oe_buf *reply)
{
	struct oe_buf blob, out;
	int r;

	oe_buf_init(&out, OE_AGENT_MESSAGE_MAX);
	r = oe_buf_get_string(request, &blob);
	if (r == 0 && p->agent < 0)
		r = oe_agent_connect(p->path, &p->agent, NULL);
	if (r == 0)
		r = oe_buf_put_u8(&out, AGENTC_SIGN_REQUEST);
	if (r == 0) {
		pthread_mutex_lock(&p->lock);
		r = oe_buf_put_string(
		    &out, oe_buf_head(&p->sign), oe_buf_left(&p->sign));
		pthread_mutex_unlock(&p->lock);
	}
	if (r == 0)
		r = oe_buf_put(
		    &out, oe_buf_head(request), oe_buf_left(request));
	if (r == 0)
		r = write_message(p->agent, &out);
	if (r == 0)
		r = read_message(p->agent, reply, -1);
	oe_buf_done(&out);
	return r;
}

static void *
proxy_run(void *arg)
{
	struct oe_agent_proxy *p = arg;
	struct oe_buf in, reply;
	uint8_t type;
	int r;

	oe_buf_init(&in, OE_AGENT_MESSAGE_MAX);
	oe_buf_init(&reply, OE_AGENT_MESSAGE_MAX);
	while (read_message(p->fd, &in, -1) == 0) {
		r = oe_buf_get_u8(&in, &type);
		if (r == 0 && type == AGENTC_REQUEST_IDENTITIES)
			proxy_list(p, &reply);
		else if (r == 0 && type == AGENTC_SIGN_REQUEST)
			r = proxy_sign(p, &in, &reply);
		else
			r = OE_EPROTO;
		if (r < 0) {
			oe_buf_reset(&reply);
			oe_buf_put_u8(&reply, AGENT_FAILURE);
		}
		if (write_message(p->fd, &reply) < 0)
			break;
		oe_buf_reset(&in);
		oe_buf_reset(&reply);
	}
	oe_buf_done(&in);
	oe_buf_done(&reply);
	return NULL;
}

static int
proxy_spawn(struct oe_agent_proxy *p)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&p->thread, NULL, proxy_run, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r;
}

int
oe_agent_proxy_new(const char *path, struct oe_agent_proxy **ret, int *ret_fd,
    struct oe_err *err)
{
	struct oe_agent_proxy *p;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return oe_err_sys(err, "make a socket pair");
	p = oe_mem_zalloc(sizeof *p);
	p->fd = pair[0];
	p->agent = -1;
	p->path = oe_mem_strdup(path);
	oe_buf_init(&p->offer, OE_AGENT_MESSAGE_MAX / 4);
	oe_buf_init(&p->sign, OE_AGENT_MESSAGE_MAX / 4);
	pthread_mutex_init(&p->lock, NULL);
	errno = proxy_spawn(p);
	if (errno) {
		oe_err_sys(err, "start a thread");
		close(pair[0]);
		close(pair[1]);
		free(p->path);
		free(p);
		return OE_ESYS;
	}
	*ret = p;
	*ret_fd = pair[1];
	return 0;
}

void
oe_agent_proxy_offer(struct oe_agent_proxy *p, const void *offer,
    size_t offer_len, const void *sign, size_t sign_len)
{
	pthread_mutex_lock(&p->lock);
	oe_buf_reset(&p->offer);
	oe_buf_reset(&p->sign);
	oe_buf_put(&p->offer, offer, offer_len);
	oe_buf_put(&p->sign, sign, sign_len);
	pthread_mutex_unlock(&p->lock);
}

void
oe_agent_proxy_free(struct oe_agent_proxy **pp)
{
	struct oe_agent_proxy *p = *pp;

	if (!p)
		return;
	/* wakes the thread; only waiting for the real agent outlasts it */
	shutdown(p->fd, SHUT_RDWR);
	pthread_join(p->thread, NULL);
	oe_fd_close(&p->fd);
	oe_fd_close(&p->agent);
	oe_buf_done(&p->offer);
	oe_buf_done(&p->sign);
	pthread_mutex_destroy(&p->lock);
	free(p->path);
	free(p);
	*pp = NULL;
}
