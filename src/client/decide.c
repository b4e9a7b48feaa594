/* SPDX-License-Identifier: Apache-2.0 */
/* The decisions of a session: pure, no descriptors. */
#include "client/session.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/str.h"

bool
oe_session_want_tty(
    const char *request, bool command, bool stdin_is_tty, bool *ret_refused)
{
	*ret_refused = false;
	if (oe_str_eq(request, "no"))
		return false;
	if (oe_str_eq(request, "force"))
		return true;
	if (oe_str_eq(request, "auto"))
		return !command && stdin_is_tty;
	*ret_refused = !stdin_is_tty;
	return stdin_is_tty;
}

/* Is the variable wanted?  A pattern with '-' takes names out (ssh_config). */
static bool
wanted(const struct oe_strs *patterns, const char *name)
{
	bool yes = false;
	size_t i;

	for (i = 0; i < patterns->n; i++) {
		const char *p = patterns->v[i];

		if (*p == '-' && oe_str_match(p + 1, name))
			yes = false;
		else if (*p != '-' && oe_str_match(p, name))
			yes = true;
	}
	return yes;
}

void
oe_session_env(
    const struct oe_sshconf *conf, char *const *environ_, struct oe_strs *ret)
{
	const struct oe_strs *send = oe_sshconf_list(conf, OE_SSHCONF_SENDENV);
	const struct oe_strs *set = oe_sshconf_list(conf, OE_SSHCONF_SETENV);
	size_t i;

	for (; send->n && *environ_; environ_++) {
		const char *eq = strchr(*environ_, '=');
		char *name;

		if (!eq)
			continue;
		name = oe_mem_strndup(*environ_, (size_t)(eq - *environ_));
		if (wanted(send, name))
			oe_strs_add(ret, *environ_);
		free(name);
	}
	for (i = 0; i < set->n; i++)
		oe_strs_add(ret, set->v[i]);
}
