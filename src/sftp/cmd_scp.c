/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/commands.h"

#include <signal.h>
#include <string.h>

#include "client/settings.h"
#include "core/app/exitcode.h"
#include "core/base/compiler.h"
#include "core/app/module.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/ssh/ssh.h"
#include "sftp/copy.h"
#include "sftp/scp_params.h"
#include "sftp/scp_run.h"

#define REQUESTS_MAX 65536

static int
refuse(const struct oe_values *v, struct oe_err *err)
{
	if (oe_values_flag(v, "legacy"))
		return oe_err_set(err, OE_EUSAGE,
		    "-O, the protocol of rcp, is not supported: the peer "
		    "needs an SFTP server");
	if (oe_values_flag(v, "remote-to-remote"))
		return oe_err_set(err, OE_EUSAGE,
		    "-R is not supported: files between two peers go through "
		    "here");
	if (oe_values_str(v, "ssh-program"))
		return oe_err_set(err, OE_EUSAGE,
		    "-S is not supported: no other program is run to "
		    "connect; see -D, and ProxyCommand of ssh_config");
	return 0;
}

/* "1024", "32K" */
static int
parse_amount(const char *text, int64_t max, int64_t *ret)
{
	size_t n = strlen(text);
	int64_t unit = 1;
	char digits[24];

	if (n && (text[n - 1] | 0x20) == 'k') {
		unit = 1024;
		n--;
	}
	if (n >= sizeof digits)
		return OE_EINVAL;
	memcpy(digits, text, n);
	digits[n] = 0;
	if (oe_str_parse_int(digits, 1, max / unit, ret) < 0)
		return OE_EINVAL;
	*ret *= unit;
	return 0;
}

static int
take_tuning(
    const struct oe_values *v, struct oe_scp_plan *p, struct oe_err *err)
{
	const struct oe_strs *all = oe_values_list(v, "tune");
	int64_t n = 0;
	size_t i;

	for (i = 0; i < all->n; i++) {
		const char *text = all->v[i];

		if (oe_str_starts(text, "nrequests=") &&
		    parse_amount(strchr(text, '=') + 1, REQUESTS_MAX, &n) == 0)
			p->inflight = (unsigned)n;
		else if (oe_str_starts(text, "buffer=") &&
			 parse_amount(
			     strchr(text, '=') + 1, OE_SFTP_DATA_MAX, &n) == 0)
			p->data_max = (uint32_t)n;
		else
			return oe_err_set(err, OE_EUSAGE,
			    "-X: '%s' is not nrequests=1...%d or "
			    "buffer=1...%d",
			    text, REQUESTS_MAX, OE_SFTP_DATA_MAX);
	}
	return 0;
}

static int
check(const struct oe_values *v, const struct oe_strs *operands,
    struct oe_err *err)
{
	struct oe_scp_plan p;
	int r = refuse(v, err);

	(void)operands;
	if (r == 0)
		r = take_tuning(v, &p, err);
	return r;
}

static unsigned
take_flags(const struct oe_values *v)
{
	static const struct {
		const char *option;
		bool on;
		unsigned flag;
	} all[] = {
	    {"recursive", true, OE_COPY_RECURSIVE},
	    {"preserve", true, OE_COPY_PRESERVE},
	    {"links", true, OE_COPY_LINKS},
	    {"resume", true, OE_COPY_RESUME},
	    {"verify", true, OE_COPY_VERIFY},
	    {"in-place", true, OE_COPY_IN_PLACE},
	    {"sync", false, OE_COPY_NO_SYNC},
	    {"sparse", false, OE_COPY_NO_SPARSE},
	    {"dry-run", true, OE_COPY_DRY_RUN},
	};
	unsigned flags = 0;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		if (oe_values_flag(v, all[i].option) == all[i].on)
			flags |= all[i].flag;
	return flags;
}

/* Shells want to see that a signal ended it, not only a number. */
static void
die_by(int number)
{
	signal(number, SIG_DFL);
	raise(number);
}

static int
run_scp(const struct oe_ctx *ctx)
{
	struct oe_scp_plan plan = {.modules = ctx->modules,
	    .v = ctx->values,
	    .forwarding = oe_module_client_forwarding(ctx->modules),
	    .operands = ctx->operands,
	    .flags = take_flags(ctx->values)};
	struct oe_err err = OE_ERR_INIT;
	int e, status, number = 0;

	oe_log_prefix("scp");
	signal(SIGPIPE, SIG_IGN);
	e = oe_ssh_global_init(&err);
	if (e == 0)
		e = oe_settings_log(ctx->values, &err);
	if (e == 0)
		e = take_tuning(ctx->values, &plan, &err);
	if (e < 0) {
		oe_log_error(NULL, "%s", oe_err_text(&err));
		return OE_EXIT_CONNECT;
	}
	status = oe_scp_run(&plan, &number);
	if (number)
		die_by(number);
	return status;
}

static const struct oe_example examples[] = {
    {"omniedge scp report.pdf robot7:", "a file to the home on robot7"},
    {"omniedge scp -r 'robot7:/var/log/*' logs/", "what a pattern matches"},
    {"omniedge scp --resume --verify model.bin me@robot7:/srv/",
	"go on after a broken connection, then compare"},
    {"omniedge scp -p gate1:conf scp://gate2:2222//etc/conf",
	"from peer to peer"},
    {NULL, NULL},
};

const struct oe_command oe_command_scp = {
    .name = "scp",
    .summary = "copy files to and from peers",
    .operands = "[[user@]host:]SOURCE... [[user@]host:]TARGET",
    .min_operands = 2,
    .max_operands = -1,
    .params = oe_scp_params,
    .examples = examples,
    .check = check,
    .run = run_scp,
};
