/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of our own on the other end of a socket pair, both driven by
 * turns in one process.  What a first connection costs once (algorithms
 * fetched from OpenSSL's providers, lazy symbols, heap) is paid before any
 * fork, and its pages are shared by all.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/ssh/internal.h"
#include "core/ssh/serve.h"
#include "core/ssh/serve_internal.h"

#define OE_SSH_WARM_MS 3000

struct warm {
	ssh_session client, server;
	ssh_event event;
	int64_t until_ms;
};

static int
warm_on_message(ssh_session session, ssh_message m, void *arg)
{
	(void)session;
	(void)m;
	(void)arg;
	return 1; /* refused: this peer is nobody */
}

static int
warm_make(struct warm *w, struct oe_ssh_bind *b, const int sv[2],
    const char *cipher, const char *hostkey)
{
	bool off = false;
	int fd = sv[1];

	w->client = ssh_new();
	w->server = ssh_new();
	w->event = ssh_event_new();
	ssh_options_set(w->server, SSH_OPTIONS_PROCESS_CONFIG, &off);
	ssh_options_set(w->client, SSH_OPTIONS_PROCESS_CONFIG, &off);
	ssh_options_set(w->client, SSH_OPTIONS_HOST, "localhost");
	ssh_options_set(w->client, SSH_OPTIONS_USER, "nobody");
	ssh_options_set(w->client, SSH_OPTIONS_CIPHERS_C_S, cipher);
	ssh_options_set(w->client, SSH_OPTIONS_CIPHERS_S_C, cipher);
	ssh_options_set(w->client, SSH_OPTIONS_HOSTKEYS, hostkey);
	ssh_options_set(w->client, SSH_OPTIONS_FD, &fd);
	if (ssh_bind_accept_fd(b->bind, w->server, sv[0]) != SSH_OK)
		return OE_ELIB;
	ssh_set_blocking(w->client, 0);
	ssh_set_blocking(w->server, 0);
	ssh_set_message_callback(w->server, warm_on_message, NULL);
	if (ssh_handle_key_exchange(w->server) == SSH_ERROR)
		return OE_ELIB;
	ssh_event_add_session(w->event, w->server);
	return 0;
}

static int
warm_drive(struct warm *w)
{
	int r = SSH_AGAIN, a = SSH_AUTH_AGAIN;

	while (r == SSH_AGAIN && oe_time_mono_ms() < w->until_ms) {
		r = ssh_connect(w->client);
		(void)ssh_event_dopoll(w->event, 0);
	}
	while (r == SSH_OK && a == SSH_AUTH_AGAIN &&
	       oe_time_mono_ms() < w->until_ms) {
		a = ssh_userauth_none(w->client, NULL);
		(void)ssh_event_dopoll(w->event, 0);
	}
	return r == SSH_OK && a == SSH_AUTH_DENIED ? 0 : OE_ELIB;
}

static int
warm_once(struct oe_ssh_bind *b, const char *cipher, const char *hostkey)
{
	struct warm w = {.until_ms = oe_time_mono_ms() + OE_SSH_WARM_MS};
	int sv[2], r;

	if (socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		return OE_ESYS;
	r = warm_make(&w, b, sv, cipher, hostkey);
	if (r == 0)
		r = warm_drive(&w);
	if (w.event) {
		ssh_event_remove_session(w.event, w.server);
		ssh_event_free(w.event);
	}
	/* libssh closes the descriptors with the sessions */
	ssh_free(w.client);
	ssh_free(w.server);
	return r;
}

int
oe_ssh_bind_warm(struct oe_ssh_bind *b, struct oe_err *err)
{
	int r = warm_once(b, "aes128-gcm@openssh.com", "ssh-ed25519");

	(void)warm_once(b, "chacha20-poly1305@openssh.com",
	    "ssh-ed25519,rsa-sha2-512,rsa-sha2-256");
	return r < 0 ? oe_err_set(err, r, "handshake in memory failed") : 0;
}
