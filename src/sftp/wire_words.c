/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/wire_words.h"

#include <stdio.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/str.h"

void
oe_sftp_words_take(struct oe_sftp_words *w,
    const struct oe_sftp_wire_plan *plan, const char *p, size_t n)
{
	char safe[OE_SFTP_STDERR_MAX * 4 + 1];
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] != '\n' && p[i] != '\r')
			w->line[w->len++] = p[i];
		if (w->len == 0 || (p[i] != '\n' && w->len < sizeof w->line))
			continue;
		oe_str_escape(w->line, w->len, safe, sizeof safe);
		w->len = 0;
		if (plan->silent)
			oe_log_debug(NULL, "%s says: %s", plan->host, safe);
		else
			fprintf(stderr, "%s\n", safe);
	}
}

void
oe_sftp_words_gone(const char *host, bool heard, int status, const char *signal,
    struct oe_err *ret)
{
	char how[96] = "";

	if (status >= 0)
		snprintf(how, sizeof how, " (exit status %d)", status);
	else if (signal && *signal)
		snprintf(how, sizeof how, " (signal %s)", signal);
	if (heard)
		oe_err_set(
		    ret, OE_ECLOSED, "%s closed the sftp session%s", host, how);
	else if (status == 127)
		oe_err_set(ret, OE_ECLOSED,
		    "%s has no sftp server: its program is missing%s", host,
		    how);
	else
		oe_err_set(ret, OE_ECLOSED,
		    "the sftp server of %s ended at once%s: it is missing, or "
		    "this user may not run it",
		    host, how);
}
