/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command tells the master of a shared connection: -O, and forwards.
 */
#include <stdio.h>

#include "client/forwarding.h"
#include "client/mux.h"
#include "client/mux_client.h"
#include "client/mux_internal.h"
#include "core/app/exitcode.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/str.h"

static void
say_port(const struct oe_mux__forwards *f, const struct oe_cli_forward *what,
    uint32_t port)
{
	if (f->print)
		printf("%u\n", port);
	else if (what->host)
		oe_log_info(NULL,
		    "Allocated port %u for remote forward to %s:%d", port,
		    what->host, what->port);
	else
		oe_log_info(NULL, "Allocated port %u for remote forward to %s",
		    port, what->path ? what->path : "SOCKS proxy");
}

static bool
forward_one(void *arg, const struct oe_cli_forward *what)
{
	struct oe_mux__forwards *f = arg;
	struct oe_err err = OE_ERR_INIT;
	uint32_t port = 0;
	int r;

	f->asked++;
	r = oe_mux_client_forward(f->c, f->type, what, &port, &err);
	if (r == 0 && port)
		say_port(f, what, port);
	if (r == 0)
		return true;
	oe_log_error(NULL, "%s", oe_err_text(&err));
	f->failed++;
	f->status = r;
	return r == OE_EAGAIN || r == OE_EPERM;
}

void
oe_mux__forward_all(
    struct oe_mux__forwards *f, const struct oe_session_plan *plan)
{
	if (plan->forwarding && plan->forwards)
		plan->forwarding->each(plan->forwards, forward_one, f);
	if (f->print)
		(void)fflush(stdout);
}

enum order { CHECK, FORWARD, CANCEL, EXIT, STOP, PROXY };

static int
find_order(const char *word)
{
	static const char *const words[] = {
	    [CHECK] = "check",
	    [FORWARD] = "forward",
	    [CANCEL] = "cancel",
	    [EXIT] = "exit",
	    [STOP] = "stop",
	    [PROXY] = "proxy",
	};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(words); i++)
		if (oe_str_eq(words[i], word))
			return (int)i;
	return -1;
}

int
oe_mux_order_check(const char *value, struct oe_err *err)
{
	int order = find_order(value);

	if (order == PROXY)
		return oe_err_set(err, OE_EINVAL,
		    "the proxy mode of shared connections is not supported: "
		    "use sessions or forwards of the master");
	if (order < 0)
		return oe_err_set(err, OE_EINVAL,
		    "'%s' is none of check, forward, cancel, exit, stop",
		    value);
	return 0;
}

static int
order_forwards(
    struct oe_mux_client *c, const struct oe_session_plan *plan, bool cancel)
{
	struct oe_mux__forwards f = {.c = c,
	    .type = cancel ? OE_MUX_C_CLOSE_FWD : OE_MUX_C_OPEN_FWD,
	    .print = !cancel};

	oe_mux__forward_all(&f, plan);
	if (!f.asked) {
		oe_log_error(NULL, "-O %s needs -L, -R or -D",
		    cancel ? "cancel" : "forward");
		return OE_EXIT_CONNECT;
	}
	return f.failed ? OE_EXIT_CONNECT : OE_EXIT_OK;
}

static int
give_order(struct oe_mux_client *c, enum order order,
    const struct oe_session_plan *plan, struct oe_err *err)
{
	int r;

	switch (order) {
	case CHECK:
		r = oe_mux_client_alive(c, err);
		if (r == 0)
			fprintf(stderr, "Master running (pid=%ld)\r\n",
			    (long)c->master);
		return r;
	case EXIT:
		r = oe_mux_client_call(c, OE_MUX_C_TERMINATE, err);
		/* OpenSSH's is gone before it has said so */
		if (r == OE_ECLOSED)
			r = 0;
		if (r == 0 && !plan->quiet)
			fprintf(stderr, "Exit request sent.\r\n");
		return r;
	case STOP:
		r = oe_mux_client_call(c, OE_MUX_C_STOP_LISTENING, err);
		if (r == 0 && !plan->quiet)
			fprintf(stderr, "Stop listening request sent.\r\n");
		return r;
	case FORWARD:
	case CANCEL:
	case PROXY:
		break;
	}
	return 0;
}

int
oe_mux_order(const char *word, const struct oe_session_plan *plan)
{
	const char *path = oe_mux_path(plan->conf);
	enum order order = (enum order)find_order(word);
	struct oe_err err = OE_ERR_INIT;
	struct oe_mux_client c;
	int r, status = OE_EXIT_OK;

	if (!path) {
		oe_log_error(NULL, "-O needs a control socket: give -S PATH "
				   "or set ControlPath");
		return OE_EXIT_CONNECT;
	}
	r = oe_mux_client_open(path, &c, &err);
	if (r == 0) {
		if (order == FORWARD || order == CANCEL)
			status = order_forwards(&c, plan, order == CANCEL);
		else
			r = give_order(&c, order, plan, &err);
		oe_mux_client_close(&c);
	}
	if (r < 0)
		oe_log_error(NULL, "%s", oe_err_text(&err));
	return r < 0 ? OE_EXIT_CONNECT : status;
}
