/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/clientauth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/agent.h"
#include "core/ssh/identity.h"

enum method { M_PUBLICKEY, M_KBDINT, M_PASSWORD, M_COUNT };

enum state {
	S_CHOOSE,
	S_NONE,
	S_OFFER, /* is this key acceptable? */
	S_SIGN,
	S_AGENT,
	S_KBDINT,
	S_PASSWORD,
};

static const struct {
	const char *name;
	int bit;
	enum oe_sshconf_key key;
	enum state state;
} methods[M_COUNT] = {
    {"publickey", SSH_AUTH_METHOD_PUBLICKEY, OE_SSHCONF_PUBKEYAUTHENTICATION,
	S_OFFER},
    {"keyboard-interactive", SSH_AUTH_METHOD_INTERACTIVE,
	OE_SSHCONF_KBDINTERACTIVEAUTHENTICATION, S_KBDINT},
    {"password", SSH_AUTH_METHOD_PASSWORD, OE_SSHCONF_PASSWORDAUTHENTICATION,
	S_PASSWORD},
};

struct oe_clientauth {
	ssh_session session;
	const struct oe_sshconf *conf;
	const struct oe_ssh_ui *ui;
	enum state state;
	struct oe_identities ids;
	bool ids_loaded;
	size_t at; /* identity being tried */
	struct oe_agent_proxy *proxy;
	bool exhausted[M_COUNT];
	bool known;    /* the server said which methods it takes */
	int offered;   /* those, SSH_AUTH_METHOD_ bits */
	int rounds;    /* of the present interactive method */
	char *secret;  /* password under way */
	bool prompted; /* keyboard-interactive asked something */
	bool asked;
	bool banner_shown;
	char what[320];
	char tried[256]; /* for the final message */
};

/* A handler's answers besides libssh's SSH_AUTH_ codes. */
#define AUTH_SKIP 100 /* this key or method is not to be used */

struct oe_clientauth *
oe_clientauth_new(ssh_session session, const struct oe_sshconf *conf,
    const struct oe_ssh_ui *ui, bool wary)
{
	struct oe_clientauth *a = oe_mem_zalloc(sizeof *a);

	a->session = session;
	a->conf = conf;
	a->ui = ui;
	a->exhausted[M_KBDINT] = a->exhausted[M_PASSWORD] = wary;
	snprintf(a->what, sizeof a->what, "authenticating");
	return a;
}

void
oe_clientauth_free(struct oe_clientauth **pa)
{
	struct oe_clientauth *a = *pa;

	if (!a)
		return;
	oe_agent_proxy_free(&a->proxy);
	oe_identities_done(&a->ids);
	oe_mem_free_secret(&a->secret);
	free(a);
	*pa = NULL;
}

const char *
oe_clientauth_what(const struct oe_clientauth *a)
{
	return a->what;
}

static void
set_what(struct oe_clientauth *a, const char *how)
{
	snprintf(a->what, sizeof a->what, "authenticating with %s", how);
	if (a->ui->step)
		a->ui->step(a->ui->arg, a->what);
}

static void
note_tried(struct oe_clientauth *a, const char *what, const char *end)
{
	size_t n = strlen(a->tried);

	snprintf(a->tried + n, sizeof a->tried - n, "%s%s (%s)", n ? ", " : "",
	    what, end);
}

static bool
can_ask(const struct oe_clientauth *a)
{
	return a->ui->ask && !oe_sshconf_yes(a->conf, OE_SSHCONF_BATCHMODE);
}

static int
ask(struct oe_clientauth *a, enum oe_ssh_ask kind, const char *prompt,
    bool echo, char **ret)
{
	if (!can_ask(a))
		return OE_ECANCEL;
	a->asked = true;
	return a->ui->ask(a->ui->arg, kind, prompt, echo, ret);
}

static int64_t
prompts_max(const struct oe_clientauth *a)
{
	return oe_sshconf_num(a->conf, OE_SSHCONF_NUMBEROFPASSWORDPROMPTS);
}

/* Peer text as lines: newlines and tabs stay, other controls do not. */
static void
say_peer_text(struct oe_clientauth *a, const char *text)
{
	char line[1024];
	const char *end;

	if (!a->ui->say)
		return;
	while (*text) {
		end = strchr(text, '\n');
		if (!end)
			end = text + strlen(text);
		oe_str_escape(text,
		    (size_t)(end - text) -
			(end > text && end[-1] == '\r' ? 1 : 0),
		    line, sizeof line);
		a->ui->say(a->ui->arg, line);
		text = *end ? end + 1 : end;
	}
}

static void
show_banner(struct oe_clientauth *a)
{
	char *text;

	if (a->banner_shown)
		return;
	text = ssh_get_issue_banner(a->session);
	if (!text)
		return;
	a->banner_shown = true;
	say_peer_text(a, text);
	ssh_string_free_char(text);
}

static void
learn_methods(struct oe_clientauth *a)
{
	a->offered = ssh_userauth_list(a->session, NULL);
	a->known = true;
}

static bool
usable(struct oe_clientauth *a, enum method m)
{
	if (a->exhausted[m] || (a->known && !(a->offered & methods[m].bit)) ||
	    oe_sshconf_is(a->conf, methods[m].key, "no"))
		return false;
	if (m != M_PUBLICKEY)
		return can_ask(a);
	if (!a->ids_loaded) {
		oe_identities_load(a->conf, &a->ids);
		a->ids_loaded = true;
	}
	return a->at < a->ids.n;
}

static enum state
key_state(const struct oe_clientauth *a)
{
	const struct oe_identity *id = &a->ids.v[a->at];

	if (!id->path)
		return S_AGENT;
	/* one key at hand: its signature is as quick as the question */
	return id->priv && a->ids.n == 1 ? S_SIGN : S_OFFER;
}

static void
offered_text(const struct oe_clientauth *a, char *ret, size_t size)
{
	size_t n = 0, i;

	ret[0] = '\0';
	for (i = 0; i < M_COUNT && n < size; i++)
		if (a->offered & methods[i].bit)
			n += (size_t)snprintf(ret + n, size - n, "%s%s",
			    n ? "," : "", methods[i].name);
}

static int
fail(struct oe_clientauth *a, struct oe_err *err)
{
	char offered[80], tried[300] = "";
	const char *hint = "give another key with -i";
	int by_hand =
	    (int)SSH_AUTH_METHOD_INTERACTIVE | (int)SSH_AUTH_METHOD_PASSWORD;

	offered_text(a, offered, sizeof offered);
	if (a->tried[0])
		snprintf(tried, sizeof tried, "; tried %s", a->tried);
	if (!a->tried[0])
		hint = "give a key with -i, or load one into an agent";
	if (!can_ask(a) && (a->offered & by_hand))
		hint = "give a key with -i, or run it on a terminal "
		       "without BatchMode for a password";
	return oe_err_set(err, OE_EAUTH,
	    "permission denied for user %s (the server takes %s%s): %s",
	    oe_sshconf_str(a->conf, OE_SSHCONF_USER),
	    offered[0] ? offered : "nothing we know", tried, hint);
}

/* Pick the next method; 0, or OE_EAUTH when none is left. */
static int
choose(struct oe_clientauth *a, struct oe_err *err)
{
	struct oe_strs prefer = {NULL, 0};
	bool chosen = false;
	size_t i, m;

	oe_strs_split(&prefer,
	    oe_sshconf_str(a->conf, OE_SSHCONF_PREFERREDAUTHENTICATIONS), ',');
	for (i = 0; i < prefer.n && !chosen; i++) {
		for (m = 0; m < M_COUNT; m++)
			if (oe_str_eq(prefer.v[i], methods[m].name))
				break;
		if (m == M_COUNT || !usable(a, (enum method)m))
			continue;
		chosen = true;
		a->rounds = 0;
		if (m == M_PUBLICKEY)
			a->state = key_state(a);
		else
			a->state = a->known ? methods[m].state : S_NONE;
	}
	oe_strs_done(&prefer);
	if (chosen)
		return 0;
	/* even with nothing to show, the server may let us in, or tell */
	if (!a->known) {
		a->state = S_NONE;
		return 0;
	}
	return fail(a, err);
}

static int
do_none(struct oe_clientauth *a)
{
	return ssh_userauth_none(a->session, NULL);
}

static int
do_offer(struct oe_clientauth *a)
{
	struct oe_identity *id = &a->ids.v[a->at];
	int r = ssh_userauth_try_publickey(a->session, NULL, id->offer);

	if (r == SSH_AUTH_SUCCESS) {
		oe_log_debug(NULL, "%s is accepted by the server", id->label);
		a->state = S_SIGN;
		return SSH_AUTH_AGAIN;
	}
	return r;
}

static bool
unlock(struct oe_clientauth *a, struct oe_identity *id)
{
	char *prompt, *secret;
	int64_t left;
	int r;

	prompt = oe_mem_printf("Enter passphrase for key '%s': ", id->path);
	for (left = prompts_max(a); left > 0 && !id->priv; left--) {
		secret = NULL;
		r = ask(a, OE_SSH_ASK_PASSPHRASE, prompt, false, &secret);
		if (r == 0 && *secret && oe_identity_unlock(id, secret) < 0)
			oe_log_debug(NULL, "wrong passphrase");
		/* as ssh: an empty answer gives this key up */
		if (r < 0 || !*secret)
			left = 0;
		oe_mem_free_secret(&secret);
	}
	free(prompt);
	return id->priv != NULL;
}

static int
do_sign(struct oe_clientauth *a)
{
	struct oe_identity *id = &a->ids.v[a->at];

	if (!id->priv && !unlock(a, id))
		return AUTH_SKIP;
	return ssh_userauth_publickey(a->session, NULL, id->priv);
}

static int
do_agent(struct oe_clientauth *a)
{
	struct oe_identity *id = &a->ids.v[a->at];
	struct oe_err err = OE_ERR_INIT;
	int fd, r;

	if (!a->proxy) {
		if (oe_agent_proxy_new(
			a->ids.agent_path, &a->proxy, &fd, &err) < 0) {
			oe_log_debug(NULL, "%s", oe_err_text(&err));
			return AUTH_SKIP;
		}
		ssh_set_agent_socket(a->session, fd);
	}
	oe_agent_proxy_offer(
	    a->proxy, id->blob, id->blob_len, id->sign, id->sign_len);
	r = ssh_userauth_agent(a->session, NULL);
	/* libssh calls a refusal of the agent an error of the session */
	if (r == SSH_AUTH_ERROR && ssh_is_connected(a->session))
		return AUTH_SKIP;
	return r;
}

static int
answer_prompts(struct oe_clientauth *a)
{
	int n = ssh_userauth_kbdint_getnprompts(a->session), i, r;
	char line[1024], *answer, echo;
	const char *text;

	say_peer_text(a, ssh_userauth_kbdint_getname(a->session));
	say_peer_text(a, ssh_userauth_kbdint_getinstruction(a->session));
	for (i = 0; i < n; i++) {
		text = ssh_userauth_kbdint_getprompt(
		    a->session, (unsigned)i, &echo);
		oe_str_escape(text, strlen(text), line, sizeof line);
		answer = NULL;
		a->prompted = true;
		r = ask(a, OE_SSH_ASK_KBDINT, line, echo != 0, &answer);
		if (r == 0)
			ssh_userauth_kbdint_setanswer(
			    a->session, (unsigned)i, answer);
		oe_mem_free_secret(&answer);
		if (r < 0)
			return AUTH_SKIP;
	}
	return 0;
}

static int
do_kbdint(struct oe_clientauth *a)
{
	int r;

	for (;;) {
		r = ssh_userauth_kbdint(a->session, NULL, NULL);
		if (r == SSH_AUTH_INFO) {
			show_banner(a);
			r = answer_prompts(a);
			if (r != 0)
				return r;
			continue;
		}
		if (r != SSH_AUTH_DENIED)
			return r;
		/* refused without a question: asking again changes nothing */
		if (!a->prompted || ++a->rounds >= prompts_max(a))
			return SSH_AUTH_DENIED;
		a->prompted = false;
	}
}

static int
ask_password(struct oe_clientauth *a)
{
	char *prompt = oe_mem_printf(
	    "%s@%s's password: ", oe_sshconf_str(a->conf, OE_SSHCONF_USER),
	    oe_sshconf_str(a->conf, OE_SSHCONF_HOSTNAME));
	int r;

	if (a->rounds > 0 && a->ui->say)
		a->ui->say(a->ui->arg, "Permission denied, please try again.");
	r = ask(a, OE_SSH_ASK_PASSWORD, prompt, false, &a->secret);
	free(prompt);
	return r;
}

static int
do_password(struct oe_clientauth *a)
{
	int r;

	for (;;) {
		if (!a->secret && ask_password(a) < 0)
			return AUTH_SKIP;
		r = ssh_userauth_password(a->session, NULL, a->secret);
		if (r == SSH_AUTH_AGAIN)
			return r;
		oe_mem_free_secret(&a->secret);
		if (r != SSH_AUTH_DENIED || ++a->rounds >= prompts_max(a))
			return r;
	}
}

static int
run_state(struct oe_clientauth *a)
{
	switch (a->state) {
	case S_NONE:
		return do_none(a);
	case S_OFFER:
		return do_offer(a);
	case S_SIGN:
		return do_sign(a);
	case S_AGENT:
		return do_agent(a);
	case S_KBDINT:
		return do_kbdint(a);
	case S_PASSWORD:
		return do_password(a);
	case S_CHOOSE:
		break;
	}
	return AUTH_SKIP;
}

static const char *
state_label(const struct oe_clientauth *a)
{
	switch (a->state) {
	case S_OFFER:
	case S_SIGN:
	case S_AGENT:
		return a->ids.v[a->at].label;
	case S_KBDINT:
		return "keyboard-interactive";
	case S_PASSWORD:
		return "password";
	case S_NONE:
	case S_CHOOSE:
		break;
	}
	return "none, to learn the server's methods";
}

/* The present attempt failed or was given up: what is not tried again? */
static void
settle(struct oe_clientauth *a, int r)
{
	bool skipped = r == AUTH_SKIP;

	if (a->state != S_NONE)
		note_tried(a, state_label(a),
		    skipped                 ? "not usable"
		    : r == SSH_AUTH_PARTIAL ? "accepted, more is needed"
					    : "refused");
	switch (a->state) {
	case S_OFFER:
	case S_SIGN:
	case S_AGENT:
		a->at++;
		break;
	case S_KBDINT:
		a->exhausted[M_KBDINT] = true;
		break;
	case S_PASSWORD:
		a->exhausted[M_PASSWORD] = true;
		break;
	case S_NONE:
	case S_CHOOSE:
		break;
	}
	if (!skipped)
		learn_methods(a);
	a->state = S_CHOOSE;
}

static int
lost(struct oe_clientauth *a, struct oe_err *err)
{
	char safe[256];

	oe_ssh__why(a->session, safe, sizeof safe);
	return oe_err_set(err, OE_ECLOSED, "%s: %s%s%s", a->what, safe,
	    a->tried[0] ? "; tried " : "", a->tried);
}

int
oe_clientauth_step(struct oe_clientauth *a, bool *ret_asked, struct oe_err *err)
{
	enum state before;
	int r;

	a->asked = false;
	for (;;) {
		if (a->state == S_CHOOSE) {
			r = choose(a, err);
			if (r < 0)
				break;
			set_what(a, state_label(a));
		}
		before = a->state;
		r = run_state(a);
		show_banner(a);
		if (r == SSH_AUTH_AGAIN && a->state != before)
			continue;
		if (r == SSH_AUTH_AGAIN && ssh_is_connected(a->session)) {
			r = OE_EAGAIN;
			break;
		}
		if (r == SSH_AUTH_SUCCESS) {
			r = 0;
			break;
		}
		if (r == SSH_AUTH_ERROR || !ssh_is_connected(a->session)) {
			r = lost(a, err);
			break;
		}
		settle(a, r);
	}
	*ret_asked = a->asked;
	return r;
}
