/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of a client as libssh hands them over, one message each.
 */
/*
 * libssh marks the accessors of messages as deprecated in favour of its
 * server callbacks.  Those accept every X11 request and hide keyboard-
 * interactive answers and terminal modes, so messages it is.
 */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/internal.h"
#include "core/ssh/serve.h"

enum {
	REPLY_DONE = OE_SSH__REPLY_DONE,
	REPLY_DEFAULT = OE_SSH__REPLY_DEFAULT,
	REPLY_KEPT = OE_SSH__REPLY_KEPT,
};

void
oe_ssh_prompts_done(struct oe_ssh_prompts *p)
{
	unsigned i;

	for (i = 0; i < p->n; i++)
		free(p->text[i]);
	free(p->name);
	free(p->instruction);
	memset(p, 0, sizeof *p);
}

static void
serve_send_banner(struct oe_ssh *s, const char *words)
{
	ssh_string text = ssh_string_from_char(words);

	if (text)
		ssh_send_issue_banner(s->session, text);
	ssh_string_free(text);
}

static void
serve_send_issue(struct oe_ssh *s)
{
	if (!s->issue)
		return;
	serve_send_banner(s, s->issue);
	s->issue = NULL;
}

void
oe_ssh_banner(struct oe_ssh *s, const char *text)
{
	char *line = oe_mem_printf("%s\n", text);

	serve_send_banner(s, line);
	free(line);
}

static int
serve_settle(struct oe_ssh *s, ssh_message m, enum oe_ssh_answer a)
{
	if (a != OE_SSH_ALLOW)
		return REPLY_DEFAULT;
	s->authenticated = true;
	/*
	 * libssh frees a message when its callback returns.  Without one they
	 * queue up, and those that take time to answer can be kept.
	 */
	ssh_set_message_callback(s->session, NULL, NULL);
	ssh_message_auth_reply_success(m, 0);
	return REPLY_DONE;
}

static int
serve_publickey(struct oe_ssh *s, ssh_message m, const char *user)
{
	ssh_key key = ssh_message_auth_pubkey(m);
	enum ssh_publickey_state_e state = ssh_message_auth_publickey_state(m);
	bool proven = state == SSH_PUBLICKEY_STATE_VALID;
	enum oe_ssh_answer a;
	char *b64 = NULL;
	uint8_t *blob = NULL;
	size_t len = 0;

	if ((!proven && state != SSH_PUBLICKEY_STATE_NONE) || !key)
		return REPLY_DEFAULT;
	if (ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK)
		return REPLY_DEFAULT;
	if (oe_str_unbase64(b64, strlen(b64), &blob, &len) < 0) {
		ssh_string_free_char(b64);
		return REPLY_DEFAULT;
	}
	ssh_string_free_char(b64);
	a = s->serve->publickey(s->serve_arg, user, blob, len, proven);
	free(blob);
	if (proven)
		return serve_settle(s, m, a);
	if (a != OE_SSH_ALLOW)
		return REPLY_DEFAULT;
	ssh_message_auth_reply_pk_ok_simple(m);
	return REPLY_DONE;
}

static int
serve_kbdint(struct oe_ssh *s, ssh_message m, const char *user)
{
	const char *answers[OE_SSH_PROMPTS_MAX];
	struct oe_ssh_prompts p = {0};
	bool reply = ssh_message_auth_kbdint_is_response(m);
	enum oe_ssh_answer a;
	int n = 0, i;

	if (reply) {
		n = ssh_userauth_kbdint_getnanswers(s->session);
		if (n < 0 || n > OE_SSH_PROMPTS_MAX)
			return REPLY_DEFAULT;
		for (i = 0; i < n; i++) {
			answers[i] = ssh_userauth_kbdint_getanswer(
			    s->session, (unsigned)i);
			if (!answers[i])
				answers[i] = "";
		}
	}
	a = s->serve->kbdint(
	    s->serve_arg, user, reply ? answers : NULL, (unsigned)n, &p);
	if (a == OE_SSH_ASK) {
		const char *text[OE_SSH_PROMPTS_MAX];

		for (i = 0; i < (int)p.n; i++)
			text[i] = p.text[i];
		ssh_message_auth_interactive_request(m, p.name ? p.name : "",
		    p.instruction ? p.instruction : "", p.n, text, p.echo);
		oe_ssh_prompts_done(&p);
		return REPLY_DONE;
	}
	oe_ssh_prompts_done(&p);
	return serve_settle(s, m, a);
}

static int
serve_auth(struct oe_ssh *s, ssh_message m)
{
	const char *user = ssh_message_auth_user(m);
	const char *password;

	if (!user && ssh_message_subtype(m) != SSH_AUTH_METHOD_INTERACTIVE)
		return REPLY_DEFAULT;
	if (s->authenticated)
		return REPLY_DEFAULT;
	serve_send_issue(s);
	switch (ssh_message_subtype(m)) {
	case SSH_AUTH_METHOD_NONE:
		return serve_settle(s, m, s->serve->none(s->serve_arg, user));
	case SSH_AUTH_METHOD_PASSWORD:
		password = ssh_message_auth_password(m);
		return serve_settle(s, m,
		    s->serve->password(
			s->serve_arg, user, password ? password : ""));
	case SSH_AUTH_METHOD_PUBLICKEY:
		return serve_publickey(s, m, user);
	case SSH_AUTH_METHOD_INTERACTIVE:
		return serve_kbdint(s, m, user);
	}
	return REPLY_DEFAULT;
}

static int
serve_open(struct oe_ssh *s, ssh_message m)
{
	struct oe_ssh_chan *c;
	ssh_channel ch;

	if (oe_ssh__forward_take(s, m))
		return REPLY_KEPT;
	if (ssh_message_subtype(m) != SSH_CHANNEL_SESSION) {
		s->serve->refused(s->serve_arg,
		    ssh_message_subtype(m) == SSH_CHANNEL_DIRECT_TCPIP
			? "direct-tcpip"
			: "unknown channel type");
		return REPLY_DEFAULT;
	}
	if (!s->authenticated || !s->serve->may_open(s->serve_arg))
		return REPLY_DEFAULT;
	ch = ssh_message_channel_request_open_reply_accept(m);
	if (!ch)
		return REPLY_DONE;
	c = oe_ssh__chan_wrap(s, ch);
	s->serve->opened(s->serve_arg, c);
	return REPLY_DONE;
}

/*
 * libssh parses the terminal modes of a pty request and offers no way to
 * read them.  The field follows four others that it does let us read, in
 * this order; it is used only when all four are found where they must be.
 */
struct serve_pty_fields {
	const char *term;
	uint32_t size[4];
	ssh_string modes;
};

static ssh_string
serve_pty_modes(ssh_message m, const char *term, const uint32_t size[4])
{
	size_t room = malloc_usable_size(m), at;
	struct serve_pty_fields f;

	for (at = 0; at + sizeof f <= room && at < 512; at += sizeof(void *)) {
		memcpy(&f, (const char *)m + at, sizeof f);
		if (f.term == term && !memcmp(f.size, size, sizeof f.size))
			return f.modes;
	}
	return NULL;
}

static bool
serve_pty(struct oe_ssh_chan *c, ssh_message m)
{
	const char *term = ssh_message_channel_request_pty_term(m);
	uint32_t size[4] = {(uint32_t)ssh_message_channel_request_pty_width(m),
	    (uint32_t)ssh_message_channel_request_pty_height(m),
	    (uint32_t)ssh_message_channel_request_pty_pxwidth(m),
	    (uint32_t)ssh_message_channel_request_pty_pxheight(m)};
	ssh_string modes;

	if (!term || !c->ops->pty)
		return false;
	modes = serve_pty_modes(m, term, size);
	return c->ops->pty(c->arg, term, size,
	    modes ? ssh_string_data(modes) : NULL,
	    modes ? ssh_string_len(modes) : 0);
}

static bool
serve_window(struct oe_ssh_chan *c, ssh_message m)
{
	uint32_t size[4] = {(uint32_t)ssh_message_channel_request_pty_width(m),
	    (uint32_t)ssh_message_channel_request_pty_height(m),
	    (uint32_t)ssh_message_channel_request_pty_pxwidth(m),
	    (uint32_t)ssh_message_channel_request_pty_pxheight(m)};

	return c->ops->window_change && c->ops->window_change(c->arg, size);
}

static bool
serve_request(struct oe_ssh *s, struct oe_ssh_chan *c, ssh_message m)
{
	const struct oe_ssh_chan_ops *o = c->ops;
	const char *a, *b;

	switch (ssh_message_subtype(m)) {
	case SSH_CHANNEL_REQUEST_PTY:
		return serve_pty(c, m);
	case SSH_CHANNEL_REQUEST_WINDOW_CHANGE:
		return serve_window(c, m);
	case SSH_CHANNEL_REQUEST_SHELL:
		return o->shell && o->shell(c->arg);
	case SSH_CHANNEL_REQUEST_EXEC:
		a = ssh_message_channel_request_command(m);
		return a && o->exec && o->exec(c->arg, a);
	case SSH_CHANNEL_REQUEST_SUBSYSTEM:
		a = ssh_message_channel_request_subsystem(m);
		return a && o->subsystem && o->subsystem(c->arg, a);
	case SSH_CHANNEL_REQUEST_ENV:
		a = ssh_message_channel_request_env_name(m);
		b = ssh_message_channel_request_env_value(m);
		return a && b && o->env && o->env(c->arg, a, b);
	case SSH_CHANNEL_REQUEST_X11:
		s->serve->refused(s->serve_arg, "x11-req");
		return o->x11 && o->x11(c->arg);
	}
	return false;
}

static int
serve_channel(struct oe_ssh *s, ssh_message m)
{
	ssh_channel ch = ssh_message_channel_request_channel(m);
	struct oe_ssh_chan *c = oe_ssh__chan_find(s, ch);

	/* closed here meanwhile: nobody waits for an answer */
	if (!c)
		return REPLY_DONE;
	if (!c->ops || !serve_request(s, c, m))
		return REPLY_DEFAULT;
	ssh_message_channel_request_reply_success(m);
	return REPLY_DONE;
}

int
oe_ssh__serve_message(ssh_session session, ssh_message m, void *arg)
{
	struct oe_ssh *s = arg;
	const char *name;

	(void)session;
	switch (ssh_message_type(m)) {
	case SSH_REQUEST_SERVICE:
		name = ssh_message_service_service(m);
		if (!oe_str_eq(name, "ssh-userauth") &&
		    !(s->authenticated && oe_str_eq(name, "ssh-connection")))
			return REPLY_DEFAULT;
		ssh_message_service_reply_success(m);
		return REPLY_DONE;
	case SSH_REQUEST_AUTH:
		return serve_auth(s, m);
	case SSH_REQUEST_CHANNEL_OPEN:
		return serve_open(s, m);
	case SSH_REQUEST_CHANNEL:
		return serve_channel(s, m);
	case SSH_REQUEST_GLOBAL:
		if (oe_ssh__forward_take(s, m))
			return REPLY_KEPT;
		s->serve->refused(s->serve_arg,
		    ssh_message_subtype(m) == SSH_GLOBAL_REQUEST_TCPIP_FORWARD
			? "tcpip-forward"
			: "global request");
		return REPLY_DEFAULT;
	}
	return REPLY_DEFAULT;
}
