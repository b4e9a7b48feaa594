/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pam.h"

#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "server/session_env.h"
#include "server/user.h"

#define PAM_D "/etc/pam.d/"

/*
 * Stands for names that must not reach modules.  Of the usual shape, since
 * modules answer an odd one before they ask anything.
 */
#define NOBODY "_refused"

struct oe_srv_pam {
	pam_handle_t *h;
	char *user; /* as given to PAM */
	bool permitted, authenticated, opened;
	int64_t fail_delay_ms;
	int64_t started_ms;      /* 0 after the first authentication */
	int64_t last_answer_ms;  /* when the peer last answered */
	int64_t module_delay_ms; /* asked for by a module */
	struct oe_buf text;
	/* who answers prompts now: one of these, or nobody */
	const char *password;
	const struct oe_srv_pam_ask *ask;
	bool ask_failed;
};

const char *
oe_srv_pam_service(void)
{
	static const char *const names[] = {"omniedge", "sshd"};
	size_t i;
	char *path;
	bool there;

	for (i = 0; i < OE_ARRAY_LEN(names); i++) {
		path = oe_mem_printf(PAM_D "%s", names[i]);
		there = access(path, R_OK) == 0;
		oe_mem_free(&path);
		if (there)
			return names[i];
	}
	return "other";
}

/* Text of a module for the user; what does not fit is cut off. */
static void
text_put(struct oe_buf *b, const char *s)
{
	size_t n = s == NULL ? 0 : strlen(s);

	if (n + 1 > oe_buf_room(b))
		n = oe_buf_room(b) > 0 ? oe_buf_room(b) - 1 : 0;
	if (n == 0)
		return;
	(void)oe_buf_put(b, s, n);
	if (s[n - 1] != '\n')
		(void)oe_buf_put_u8(b, '\n');
}

/*
 * An answer for a login that must fail: as long as the true one, and with a
 * character that cannot be typed into a password prompt.
 */
static char *
spoiled(const char *answer)
{
	size_t n = strlen(answer);
	char *s = oe_mem_zalloc((n > 0 ? n : 1) + 1);

	memset(s, 'x', n > 0 ? n : 1);
	s[0] = '\r';
	return s;
}

static char *
answer_make(const struct oe_srv_pam *p, const char *answer)
{
	return p->permitted ? oe_mem_strdup(answer) : spoiled(answer);
}

static void
answers_wipe(char **v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		oe_mem_free_secret(&v[i]);
}

static int
answer_password(struct oe_srv_pam *p, const struct pam_message **msg, int n,
    struct pam_response *resp)
{
	int i;

	for (i = 0; i < n; i++) {
		if (msg[i]->msg_style == PAM_PROMPT_ECHO_OFF)
			resp[i].resp = answer_make(p, p->password);
		else if (msg[i]->msg_style == PAM_PROMPT_ECHO_ON)
			return PAM_CONV_ERR;
	}
	return PAM_SUCCESS;
}

static bool
is_prompt(const struct pam_message *m)
{
	return m->msg_style == PAM_PROMPT_ECHO_OFF ||
	       m->msg_style == PAM_PROMPT_ECHO_ON;
}

static int
answer_ask(struct oe_srv_pam *p, const struct pam_message **msg, int n,
    struct pam_response *resp)
{
	struct oe_srv_pam_prompt prompts[OE_SRV_PAM_PROMPTS_MAX];
	char *answers[OE_SRV_PAM_PROMPTS_MAX] = {NULL};
	struct oe_buf info;
	size_t np = 0;
	int i, rc;

	oe_buf_init(&info, OE_SRV_PAM_TEXT_MAX + 1);
	for (i = 0; i < n; i++) {
		if (!is_prompt(msg[i])) {
			text_put(&info, msg[i]->msg);
			continue;
		}
		prompts[np].echo = msg[i]->msg_style == PAM_PROMPT_ECHO_ON;
		prompts[np++].text = msg[i]->msg ? msg[i]->msg : "";
	}
	if (oe_buf_room(&info) == 0)
		info.len--;
	(void)oe_buf_put_u8(&info, 0);
	rc = p->ask->ask(p->ask->arg, (const char *)oe_buf_head(&info), prompts,
	    np, answers);
	p->last_answer_ms = oe_time_mono_ms();
	p->ask_failed = rc != 0;
	np = 0;
	for (i = 0; i < n && rc == 0; i++)
		if (is_prompt(msg[i]))
			resp[i].resp = answer_make(p, answers[np++]);
	answers_wipe(answers, OE_SRV_PAM_PROMPTS_MAX);
	oe_buf_done(&info);
	return rc == 0 ? PAM_SUCCESS : PAM_CONV_ERR;
}

/* Outside of authentication there is nobody to answer. */
static int
answer_none(struct oe_srv_pam *p, const struct pam_message **msg, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (is_prompt(msg[i]))
			return PAM_CONV_ERR;
		text_put(&p->text, msg[i]->msg);
	}
	return PAM_SUCCESS;
}

static int
converse(
    int n, const struct pam_message **msg, struct pam_response **ret, void *arg)
{
	struct oe_srv_pam *p = arg;
	struct pam_response *resp;
	int i, rc;

	if (n <= 0 || n > OE_SRV_PAM_PROMPTS_MAX)
		return PAM_CONV_ERR;
	resp = oe_mem_zalloc((size_t)n * sizeof(*resp));
	if (p->password != NULL)
		rc = answer_password(p, msg, n, resp);
	else if (p->ask != NULL)
		rc = answer_ask(p, msg, n, resp);
	else
		rc = answer_none(p, msg, n);
	if (rc == PAM_SUCCESS) {
		*ret = resp;
		return rc;
	}
	for (i = 0; i < n; i++)
		oe_mem_free_secret(&resp[i].resp);
	oe_mem_free(&resp);
	return rc;
}

/*
 * libpam would sleep here, after the modules' own time and not instead of it:
 * the average over many tries would tell which accounts exist.
 */
static void
delay_note(int status, unsigned usec, void *arg)
{
	struct oe_srv_pam *p = arg;

	if (status != PAM_SUCCESS && p != NULL)
		p->module_delay_ms = usec / 1000;
}

static void
sleep_ms(int64_t ms)
{
	struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	while (ms > 0 && nanosleep(&ts, &ts) != 0)
		;
}

static void
fail_delay(const struct oe_srv_pam *p)
{
	int64_t step = p->fail_delay_ms, passed;

	if (step <= 0)
		return;
	if (p->module_delay_ms > step)
		step = p->module_delay_ms;
	passed = oe_time_mono_ms() - p->last_answer_ms;
	sleep_ms(step - passed % step);
}

static int
lib_err(struct oe_srv_pam *p, int code, int rc, const char *what,
    struct oe_err *err)
{
	return oe_err_set(
	    err, code, "PAM: %s: %s", what, pam_strerror(p->h, rc));
}

static int
items_set(struct oe_srv_pam *p, const struct oe_srv_pam_params *in)
{
	/* pam_set_item() takes functions as data, which ISO C cannot say */
	union {
		void (*fn)(int, unsigned, void *);
		const void *item;
	} delay = {delay_note};
	int rc;

	rc = pam_set_item(p->h, PAM_RHOST, in->rhost);
	/* pam_time and others want some terminal even when there is none */
	if (rc == PAM_SUCCESS)
		rc = pam_set_item(p->h, PAM_TTY, in->tty ? in->tty : "ssh");
	if (rc == PAM_SUCCESS)
		(void)pam_set_item(p->h, PAM_FAIL_DELAY, delay.item);
	return rc;
}

/* May this account authenticate by PAM: known, and not root? */
static bool
account_permitted(const char *user)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	bool yes;

	if (oe_srv_user_lookup(user, &u, NULL) != 0)
		return false;
	yes = u.uid != 0;
	oe_srv_user_done(&u);
	return yes;
}

int
oe_srv_pam_start(struct oe_srv_pam **ret, const struct oe_srv_pam_params *in,
    struct oe_err *err)
{
	struct oe_srv_pam *p = oe_mem_zalloc(sizeof(*p));
	bool name_ok = oe_srv_user_name_ok(in->user, strlen(in->user));
	struct pam_conv conv = {converse, p};
	int rc;

	p->started_ms = oe_time_mono_ms();
	oe_buf_init(&p->text, OE_SRV_PAM_TEXT_MAX);
	p->user = oe_mem_strdup(name_ok ? in->user : NOBODY);
	p->permitted = account_permitted(p->user) && in->permitted && name_ok;
	p->fail_delay_ms = in->fail_delay_ms;
	rc = pam_start(in->service ? in->service : oe_srv_pam_service(),
	    p->user, &conv, &p->h);
	if (rc == PAM_SUCCESS)
		rc = items_set(p, in);
	if (rc != PAM_SUCCESS) {
		rc = lib_err(p, OE_ELIB, rc, "start", err);
		oe_srv_pam_free(&p);
		return rc;
	}
	*ret = p;
	return 0;
}

/* A module may have changed the account under us. */
static bool
user_unchanged(struct oe_srv_pam *p)
{
	const void *now = NULL;

	return pam_get_item(p->h, PAM_USER, &now) == PAM_SUCCESS &&
	       now != NULL && oe_str_eq(now, p->user);
}

static int
authenticate(struct oe_srv_pam *p, struct oe_err *err)
{
	int rc;

	/* looking up the account takes time as well, and counts */
	p->last_answer_ms =
	    p->started_ms > 0 ? p->started_ms : oe_time_mono_ms();
	p->started_ms = 0;
	p->module_delay_ms = 0;
	p->ask_failed = false;
	rc = pam_authenticate(p->h, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	p->authenticated =
	    rc == PAM_SUCCESS && p->permitted && user_unchanged(p);
	if (p->authenticated)
		return 0;
	if (p->ask_failed)
		return oe_err_set(
		    err, OE_ECANCEL, "PAM: the peer gave no answers");
	fail_delay(p);
	return oe_err_set(err, OE_EAUTH, "PAM: authentication failed: %s",
	    rc == PAM_SUCCESS ? "the account is not permitted"
			      : pam_strerror(p->h, rc));
}

int
oe_srv_pam_password(
    struct oe_srv_pam *p, const char *password, struct oe_err *err)
{
	int rc;

	/* an endless password costs hashing time: refuse it in the same way */
	if (strlen(password) > OE_SRV_PAM_PASSWORD_MAX)
		password = "\r";
	p->password = password;
	rc = authenticate(p, err);
	p->password = NULL;
	return rc;
}

int
oe_srv_pam_ask(
    struct oe_srv_pam *p, const struct oe_srv_pam_ask *ask, struct oe_err *err)
{
	int rc;

	p->ask = ask;
	rc = authenticate(p, err);
	p->ask = NULL;
	return rc;
}

int
oe_srv_pam_account(struct oe_srv_pam *p, struct oe_err *err)
{
	int rc = pam_acct_mgmt(p->h, PAM_DISALLOW_NULL_AUTHTOK);

	if (rc == PAM_SUCCESS && user_unchanged(p))
		return 0;
	switch (rc) {
	case PAM_SUCCESS:
		return oe_err_set(
		    err, OE_EPERM, "PAM: a module changed the account's name");
	case PAM_NEW_AUTHTOK_REQD:
		text_put(&p->text,
		    "Your password has expired. Change it on this machine's "
		    "console, then log in again.");
		break;
	case PAM_ACCT_EXPIRED:
		text_put(&p->text, "This account has expired.");
		break;
	}
	return lib_err(p, OE_EPERM, rc, "account", err);
}

int
oe_srv_pam_open(struct oe_srv_pam *p, const char *tty, struct oe_err *err)
{
	int rc;

	if (tty != NULL)
		(void)pam_set_item(p->h, PAM_TTY, tty);
	rc = pam_setcred(p->h, PAM_ESTABLISH_CRED);
	/*
	 * Where a key authenticated, the auth modules never ran, and some
	 * have no credentials to give: only a login of theirs depends on it.
	 */
	if (rc != PAM_SUCCESS && p->authenticated)
		return lib_err(p, OE_EPERM, rc, "credentials", err);
	if (rc != PAM_SUCCESS)
		oe_log_debug(
		    NULL, "PAM: no credentials: %s", pam_strerror(p->h, rc));
	rc = pam_open_session(p->h, 0);
	if (rc != PAM_SUCCESS) {
		(void)pam_setcred(p->h, PAM_DELETE_CRED);
		return lib_err(p, OE_EPERM, rc, "session", err);
	}
	p->opened = true;
	return 0;
}

void
oe_srv_pam_environ(struct oe_srv_pam *p, struct oe_strs *ret)
{
	char **v = pam_getenvlist(p->h), *eq;
	size_t i;

	for (i = 0; v != NULL && v[i] != NULL; i++) {
		eq = strchr(v[i], '=');
		if (eq != NULL && ret->n < OE_SRV_ENV_COUNT_MAX) {
			*eq = '\0';
			if (oe_srv_env_name_ok(v[i], OE_SRV_ENV_SYSTEM)) {
				*eq = '=';
				oe_strs_add(ret, v[i]);
			}
		}
		free(v[i]);
	}
	free(v);
}

const struct oe_buf *
oe_srv_pam_text(const struct oe_srv_pam *p)
{
	return &p->text;
}

void
oe_srv_pam_close(struct oe_srv_pam *p)
{
	if (!p->opened)
		return;
	p->opened = false;
	(void)pam_close_session(p->h, PAM_SILENT);
	(void)pam_setcred(p->h, PAM_DELETE_CRED | PAM_SILENT);
}

static void
end(struct oe_srv_pam **p, int flags)
{
	struct oe_srv_pam *q = *p;

	if (q->h != NULL)
		(void)pam_end(q->h, flags);
	oe_mem_free(&q->user);
	oe_buf_done(&q->text);
	oe_mem_free(p);
}

void
oe_srv_pam_free(struct oe_srv_pam **p)
{
	if (*p == NULL)
		return;
	if ((*p)->h != NULL)
		oe_srv_pam_close(*p);
	end(p, PAM_SUCCESS);
}

void
oe_srv_pam_forget(struct oe_srv_pam **p)
{
	if (*p != NULL)
		end(p, PAM_SUCCESS | PAM_DATA_SILENT);
}
