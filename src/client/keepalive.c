/* SPDX-License-Identifier: Apache-2.0 */
#include "client/keepalive.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "core/ssh/ssh.h"

struct oe_keepalive {
	struct oe_connect *c;
	struct oe_timer *timer;
	int64_t interval_ms, max, missed, asked_ms;
	void (*dead)(void *arg);
	void *arg;
};

static void
on_time(void *arg)
{
	struct oe_keepalive *k = arg;
	int64_t heard = oe_ssh_last_input_ms(k->c->ssh);
	int64_t quiet = oe_time_mono_ms() - heard;

	/* the answer may come within the same millisecond */
	if (k->missed && heard >= k->asked_ms)
		k->missed = 0;
	if (quiet < k->interval_ms) {
		oe_timer_set(k->timer, k->interval_ms - quiet);
		return;
	}
	if (k->missed >= k->max) {
		k->dead(k->arg);
		return;
	}
	k->missed++;
	k->asked_ms = oe_time_mono_ms();
	(void)oe_ssh_keepalive(k->c->ssh);
	oe_timer_set(k->timer, k->interval_ms);
}

struct oe_keepalive *
oe_keepalive_new(struct oe_connect *c, const struct oe_sshconf *conf,
    void (*dead)(void *arg), void *arg)
{
	int64_t s = oe_sshconf_num(conf, OE_SSHCONF_SERVERALIVEINTERVAL);
	struct oe_keepalive *k;

	if (s <= 0)
		return NULL;
	k = oe_mem_zalloc(sizeof *k);
	k->c = c;
	k->interval_ms = s < INT32_MAX ? s * 1000 : INT32_MAX;
	k->max = oe_sshconf_num(conf, OE_SSHCONF_SERVERALIVECOUNTMAX);
	k->dead = dead;
	k->arg = arg;
	k->timer = oe_loop_timer(c->loop, k->interval_ms, on_time, k);
	return k;
}

void
oe_keepalive_free(struct oe_keepalive **k)
{
	if (!*k)
		return;
	oe_timer_free(&(*k)->timer);
	free(*k);
	*k = NULL;
}
