/* SPDX-License-Identifier: Apache-2.0 */
#include "control/pg_lib.h"

#include <pthread.h>

#include "core/base/err.h"

#define SYMBOL(f) OE_DL_SYMBOL(struct oe_ctl__pg_calls, f)

/* Written by load() only, which runs once. */
static struct oe_ctl__pg_calls calls;
static struct oe_err fault;

static void
load(void)
{
	static const struct oe_dl_symbol symbols[] = {
	    OE_CTL__PG_CALLS(SYMBOL) OE_DL_END};

	(void)!oe_dl_load(OE_LIBPQ_SONAME, symbols, &calls, &fault);
}

int
oe_ctl__pg_load(struct oe_err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, load);
	if (fault.code == 0)
		return 0;
	return oe_err_set(err, fault.code,
	    "PostgreSQL needs libpq (Debian package libpq5): %s",
	    oe_err_text(&fault));
}

const struct oe_ctl__pg_calls *
oe_ctl__pg(void)
{
	return &calls;
}
