/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyboard-interactive (RFC 4256): PAM's modules talk with the peer through
 * net.  A module blocks while the peer thinks, so its questions are asked
 * from inside the request that began the conversation.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/time.h"
#include "server/conn.h"
#include "server/pam.h"
#include "server/proto.h"

static void
kbdint_send(struct oe_srv_conn *c, const char *info,
    const struct oe_srv_pam_prompt *prompts, size_t n)
{
	struct oe_ipc_msg m;
	size_t i;

	oe_ipc_msg_init(&m, OE_SRV_REQ_KBDINT);
	(void)oe_buf_put_u8(&m.payload, OE_SSH_ASK);
	(void)oe_buf_put_cstring(&m.payload, "");
	(void)oe_buf_put_cstring(&m.payload, info);
	(void)oe_buf_put_u32(&m.payload, (uint32_t)n);
	for (i = 0; i < n; i++) {
		(void)oe_buf_put_cstring(&m.payload, prompts[i].text);
		(void)oe_buf_put_u8(&m.payload, prompts[i].echo);
	}
	if (oe_ipc_send(c->rpc, &m, NULL) < 0)
		c->done = true;
	oe_ipc_msg_done(&m);
}

static int
kbdint_wait_ms(const struct oe_srv_conn *c)
{
	int64_t grace = (int64_t)c->srv->cfg->login_grace_s * 1000, left;

	if (!grace)
		return -1;
	left = c->peer->since_ms + grace - oe_time_mono_ms();
	return left < 0 ? 0 : (int)left;
}

static int
kbdint_read_answers(struct oe_ipc_msg *m, size_t n, char **ret)
{
	char *user = NULL;
	uint8_t is_answer;
	uint32_t count, i;
	int r = OE_EPROTO;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_USER_MAX, &user) == 0 &&
	    oe_buf_get_u8(&m->payload, &is_answer) == 0 && is_answer &&
	    oe_buf_get_u32(&m->payload, &count) == 0 && count == n)
		r = 0;
	free(user);
	for (i = 0; r == 0 && i < n; i++)
		r = oe_buf_get_cstring(
		    &m->payload, OE_SRV_PASSWORD_MAX, &ret[i]);
	return r;
}

static int
kbdint_ask(void *arg, const char *info, const struct oe_srv_pam_prompt *prompts,
    size_t n, char **ret_answers)
{
	struct oe_srv_conn *c = arg;
	char *answers[OE_SRV_PAM_PROMPTS_MAX] = {NULL};
	struct oe_ipc_msg m;
	size_t i;
	int r;

	if (n > OE_SRV_PAM_PROMPTS_MAX || c->has_pending || c->done)
		return OE_ECANCEL;
	kbdint_send(c, info, prompts, n);
	r = oe_ipc_recv(c->rpc, kbdint_wait_ms(c), &m, NULL);
	if (r < 0) {
		c->done = r != OE_EAGAIN;
		oe_srv__end(c, OE_SRV_END_GRACE, "not authenticated in time");
		return OE_ECANCEL;
	}
	/* the peer may drop the conversation and try something else */
	if (m.type != OE_SRV_REQ_KBDINT) {
		c->pending = m;
		c->has_pending = true;
		return OE_ECANCEL;
	}
	r = kbdint_read_answers(&m, n, answers);
	oe_ipc_msg_done(&m);
	for (i = 0; i < n; i++) {
		if (r == 0)
			ret_answers[i] = answers[i];
		else
			oe_mem_free_secret(&answers[i]);
	}
	return r;
}

/* PAM calls kbdint_ask() while this runs. */
static bool
kbdint_converse(struct oe_srv_conn *c)
{
	struct oe_srv_pam_ask ask = {.ask = kbdint_ask, .arg = c};
	struct oe_srv_pam_params p = {
	    .permitted = oe_srv__auth_account_plain(c, OE_SRV_METHOD_KBDINT) &&
			 c->account.uid != 0,
	    .rhost = c->peer->text,
	    .fail_delay_ms = OE_SRV_PAM_FAIL_DELAY_MS,
	};
	struct oe_err err = OE_ERR_INIT;
	bool ok = false;

	p.user = c->account_known ? c->account.name : c->user;
	oe_srv_pam_free(&c->pam);
	if (oe_srv_pam_start(&c->pam, &p, &err) == 0 &&
	    oe_srv_pam_ask(c->pam, &ask, &err) == 0 && !c->done &&
	    !c->has_pending)
		ok = oe_srv__auth_finish_plain(c, OE_SRV_METHOD_KBDINT);
	if (!ok)
		oe_srv_pam_free(&c->pam);
	return ok;
}

int
oe_srv__auth_kbdint(struct oe_srv_conn *c, struct oe_ipc_msg *m)
{
	int64_t since = oe_time_mono_ms();
	char *user = NULL;
	uint8_t is_answer;
	bool may;

	if (oe_buf_get_cstring(&m->payload, OE_SRV_USER_MAX, &user) < 0)
		return OE_EPROTO;
	may = oe_srv__auth_take_user(c, user);
	if (oe_buf_get_u8(&m->payload, &is_answer) < 0)
		return OE_EPROTO;
	may = may && !is_answer && (c->srv->cfg->methods & OE_SSH_AUTH_KBDINT);
	if (may && kbdint_converse(c)) {
		oe_srv__auth_allow(c, m->type);
		return 0;
	}
	/* with a request pending, net waits for that one's answer only */
	if (c->has_pending || c->done || c->phase == OE_SRV_PHASE_OVER) {
		if (c->phase == OE_SRV_PHASE_OVER && !c->has_pending)
			oe_srv__reply(c, m->type, OE_SSH_DENY);
		return 0;
	}
	oe_srv__auth_deny(c, m->type, "keyboard-interactive",
	    "wrong answer or user", true, since);
	return 0;
}
