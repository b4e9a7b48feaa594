/* SPDX-License-Identifier: Apache-2.0 */
#include "client/connect.h"

#include <stdio.h>
#include <string.h>

#include "client/prompt.h"
#include "client/proxy.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/net/loop.h"
#include "core/ssh/dial.h"
#include "core/ssh/ssh.h"

/* The dial's answer, as it arrives on the loop. */
struct outcome {
	bool done;
	int status;
	struct oe_ssh *ssh;
	struct oe_err *err;
	const struct oe_connect_plan *plan;
	bool asked;
};

static void
on_done(void *arg, int status, struct oe_ssh *ssh, const struct oe_err *err)
{
	struct outcome *o = arg;

	o->done = true;
	o->status = status;
	o->ssh = ssh;
	if (status < 0 && o->err)
		*o->err = *err;
}

static void
on_step(void *arg, const char *what)
{
	(void)arg;
	oe_log_debug(NULL, "%s", what);
}

static void
on_say(void *arg, const char *text)
{
	const struct outcome *o = arg;

	if (!o->plan->quiet)
		fprintf(stderr, "%s\n", text);
}

static int
on_ask(
    void *arg, enum oe_ssh_ask kind, const char *prompt, bool echo, char **ret)
{
	struct outcome *o = arg;
	struct oe_err err = OE_ERR_INIT;
	int r;

	o->asked |= kind != OE_SSH_ASK_HOSTKEY;
	r = oe_prompt_ask(prompt, echo, ret, &err);
	if (r < 0)
		oe_log_debug(NULL, "%s", oe_err_text(&err));
	return r;
}

static int
dial(const struct oe_connect_plan *plan, int fd, struct oe_connect *ret,
    struct oe_err *err)
{
	struct outcome o = {.err = err, .plan = plan};
	struct oe_ssh_dial_plan dp = {
	    .conf = plan->conf,
	    .ui = {on_step, on_say, on_ask, &o},
	    .fd = fd,
	    .done = on_done,
	    .arg = &o,
	};
	struct oe_ssh_dial *d;

	ret->shares_loop = plan->loop != NULL;
	ret->loop = plan->loop ? plan->loop : oe_loop_new();
	d = oe_ssh_dial_start(ret->loop, &dp);
	while (!o.done)
		if (oe_loop_once(ret->loop, -1) < 0) {
			o.done = true;
			o.status = oe_err_sys(err, "wait");
		}
	ret->wary = oe_ssh_dial_wary(d);
	ret->ssh = o.ssh;
	ret->asked = o.asked;
	ret->outlived = plan->outlived;
	oe_ssh_dial_free(&d);
	return o.status;
}

int
oe_connect_open(const struct oe_connect_plan *plan, struct oe_connect *ret,
    struct oe_err *err)
{
	struct oe_connect c = {.loop = NULL};
	int fd = plan->fd, r = 0;

	if (fd < 0)
		r = oe_proxy_open(plan, &fd, err);
	if (r == 0)
		r = dial(plan, fd, &c, err);
	if (r < 0) {
		oe_connect_close(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void
oe_connect_close(struct oe_connect *c)
{
	oe_ssh_free(&c->ssh);
	if (!c->shares_loop)
		oe_loop_free(&c->loop);
	c->loop = NULL;
}
