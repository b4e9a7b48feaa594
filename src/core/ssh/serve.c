/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/serve.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/hostkey_internal.h"
#include "core/ssh/internal.h"
#include "core/ssh/serve_internal.h"

/*
 * What a strict auditor accepts: no SHA-1, no CBC, no encrypt-and-MAC, no
 * NIST curves for the exchange.  Strict key exchange (CVE-2023-48795) is
 * libssh's own since 0.10.6.
 */
#define OE_SSH_CIPHERS                                                         \
	"chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,"                \
	"aes128-gcm@openssh.com,aes256-ctr,aes128-ctr"
#define OE_SSH_MACS                                                            \
	"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com"
#define OE_SSH_KEX                                                             \
	"curve25519-sha256,curve25519-sha256@libssh.org,"                      \
	"diffie-hellman-group16-sha512,diffie-hellman-group18-sha512"
#define OE_SSH_KEX_PQ                                                          \
	"mlkem768x25519-sha256,sntrup761x25519-sha512,"                        \
	"sntrup761x25519-sha512@openssh.com,"
#define OE_SSH_HOSTKEYS "ssh-ed25519,rsa-sha2-512,rsa-sha2-256"
#define OE_SSH_PUBKEYS                                                         \
	"ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"                 \
	"ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256,"                       \
	"sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,"       \
	"ssh-ed25519-cert-v01@openssh.com,"                                    \
	"ecdsa-sha2-nistp256-cert-v01@openssh.com,"                            \
	"ecdsa-sha2-nistp384-cert-v01@openssh.com,"                            \
	"ecdsa-sha2-nistp521-cert-v01@openssh.com,"                            \
	"rsa-sha2-512-cert-v01@openssh.com,"                                   \
	"rsa-sha2-256-cert-v01@openssh.com,"                                   \
	"sk-ssh-ed25519-cert-v01@openssh.com,"                                 \
	"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com"
#define OE_SSH_ANSWERS_MAX OE_SSH_PROMPTS_MAX
#define OE_SSH_ENV_MAX     (32 * 1024)

static int
bind_set(ssh_bind b, enum ssh_bind_options_e o, const char *what, const char *v,
    struct oe_err *err)
{
	if (ssh_bind_options_set(b, o, v) != SSH_OK)
		return oe_err_set(err, OE_ECONF,
		    "%s: nothing in '%s' is known to this libssh", what, v);
	return 0;
}

static int
bind_set_algorithms(
    ssh_bind b, const struct oe_ssh_bind_params *p, struct oe_err *err)
{
	const char *ciphers = p->ciphers ? p->ciphers : OE_SSH_CIPHERS;
	const char *macs = p->macs ? p->macs : OE_SSH_MACS;
	const struct {
		enum ssh_bind_options_e o;
		const char *what, *v;
	} list[] = {
	    {SSH_BIND_OPTIONS_CIPHERS_C_S, "ciphers", ciphers},
	    {SSH_BIND_OPTIONS_CIPHERS_S_C, "ciphers", ciphers},
	    {SSH_BIND_OPTIONS_HMAC_C_S, "macs", macs},
	    {SSH_BIND_OPTIONS_HMAC_S_C, "macs", macs},
	    /* libssh drops the names that it does not know */
	    {SSH_BIND_OPTIONS_KEY_EXCHANGE, "kex",
		p->kex ? p->kex : OE_SSH_KEX_PQ OE_SSH_KEX},
	    {SSH_BIND_OPTIONS_HOSTKEY_ALGORITHMS, "host keys", OE_SSH_HOSTKEYS},
	    {SSH_BIND_OPTIONS_PUBKEY_ACCEPTED_KEY_TYPES, "user keys",
		OE_SSH_PUBKEYS},
	};
	size_t i;
	int r = 0;

	for (i = 0; i < OE_ARRAY_LEN(list) && r == 0; i++)
		r = bind_set(b, list[i].o, list[i].what, list[i].v, err);
	return r;
}

int
oe_ssh_bind_check(const struct oe_ssh_bind_params *params, struct oe_err *err)
{
	ssh_bind b = ssh_bind_new();
	int r = bind_set_algorithms(b, params, err);

	ssh_bind_free(b);
	return r;
}

int
oe_ssh_bind_new(const struct oe_ssh_hostkeys *keys,
    const struct oe_ssh_bind_params *params, struct oe_ssh_bind **ret,
    struct oe_err *err)
{
	struct oe_ssh_bind *b = oe_mem_zalloc(sizeof *b);
	bool off = false;
	size_t i;
	int r;

	b->bind = ssh_bind_new();
	b->methods = params->methods;
	b->rekey_bytes = params->rekey_bytes;
	b->rekey_s = params->rekey_s;
	b->issue = oe_mem_strdup(params->issue);
	/* /etc/ssh/libssh_server_config is not ours */
	ssh_bind_options_set(b->bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &off);
	ssh_bind_options_set(b->bind, SSH_BIND_OPTIONS_BANNER,
	    params->version ? params->version : "omniedge");
	r = bind_set_algorithms(b->bind, params, err);
	for (i = 0; i < keys->n && r == 0; i++) {
		ssh_key copy = ssh_key_dup(keys->key[i]);

		if (ssh_bind_options_set(
			b->bind, SSH_BIND_OPTIONS_IMPORT_KEY, copy) != SSH_OK) {
			ssh_key_free(copy);
			r = oe_err_set(err, OE_ECONF,
			    "host key %s is of a kind that libssh refuses",
			    keys->what[i]);
		}
	}
	if (r < 0) {
		oe_ssh_bind_free(&b);
		return r;
	}
	*ret = b;
	return 0;
}

void
oe_ssh_bind_free(struct oe_ssh_bind **pb)
{
	struct oe_ssh_bind *b = *pb;

	if (!b)
		return;
	ssh_bind_free(b->bind);
	free(b->issue);
	free(b);
	*pb = NULL;
}

static int
serve_methods(unsigned methods)
{
	unsigned m = 0;

	if (methods & OE_SSH_AUTH_PUBLICKEY)
		m |= SSH_AUTH_METHOD_PUBLICKEY;
	if (methods & OE_SSH_AUTH_PASSWORD)
		m |= SSH_AUTH_METHOD_PASSWORD;
	if (methods & OE_SSH_AUTH_KBDINT)
		m |= SSH_AUTH_METHOD_INTERACTIVE;
	/* libssh sends no failure at all for an empty list */
	return (int)(m ? m : SSH_AUTH_METHOD_PUBLICKEY);
}

int
oe_ssh_accept(struct oe_ssh_bind *b, int fd, const struct oe_ssh_serve_ops *ops,
    void *arg, struct oe_ssh **ret, struct oe_err *err)
{
	ssh_session session = ssh_new();
	struct oe_ssh *s;
	bool off = false;

	/*
	 * libssh sends as much as is queued in one call: on a blocking socket
	 * a slow peer would stall everything.
	 */
	if (oe_fd_set_nonblock(fd, true) < 0) {
		ssh_free(session);
		return oe_err_sys(err, "set socket non-blocking");
	}
	ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &off);
	if (b->rekey_bytes)
		ssh_options_set(
		    session, SSH_OPTIONS_REKEY_DATA, &b->rekey_bytes);
	if (b->rekey_s)
		ssh_options_set(session, SSH_OPTIONS_REKEY_TIME, &b->rekey_s);
	if (ssh_bind_accept_fd(b->bind, session, fd) != SSH_OK) {
		int r = oe_err_set(
		    err, OE_ELIB, "libssh: %s", ssh_get_error(b->bind));

		ssh_free(session);
		return r;
	}
	s = oe_ssh__wrap(session, fd);
	s->serve = ops;
	s->serve_arg = arg;
	s->issue = b->issue;
	ssh_set_auth_methods(session, serve_methods(b->methods));
	ssh_set_message_callback(session, oe_ssh__serve_message, s);
	/* sends the version string; the rest follows from events */
	if (ssh_handle_key_exchange(session) == SSH_ERROR) {
		int r = oe_err_set(
		    err, OE_ELIB, "libssh: %s", ssh_get_error(session));

		oe_ssh_free(&s);
		return r;
	}
	*ret = s;
	return 0;
}

bool
oe_ssh_is_authenticated(const struct oe_ssh *s)
{
	return s->authenticated;
}

bool
oe_ssh_is_encrypted(const struct oe_ssh *s)
{
	return ssh_get_cipher_in(s->session) != NULL;
}

const char *
oe_ssh_peer_version(const struct oe_ssh *s)
{
	return ssh_get_clientbanner(s->session);
}

struct oe_ssh_chan *
oe_ssh_open_agent(struct oe_ssh *s)
{
	ssh_channel ch = ssh_channel_new(s->session);
	int r;

	if (!ch)
		return NULL;
	s->depth++;
	r = ssh_channel_open_auth_agent(ch);
	s->depth--;
	/* SSH_AGAIN: the confirmation is still to come */
	if (r == SSH_ERROR) {
		ssh_channel_free(ch);
		return NULL;
	}
	return oe_ssh__chan_wrap(s, ch);
}
