/* SPDX-License-Identifier: Apache-2.0 */
#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>

#include "control/commands.h"
#include "control/lws_lib.h"
#include "control/pg_lib.h"
#include "core/base/library.h"

static const char *
version_lws(void)
{
	return oe_ctl__lws_load(NULL) == 0
		   ? oe_ctl__lws()->lws_get_library_version()
		   : NULL;
}

static const char *
version_pg(void)
{
	static char text[32];
	int n;

	if (oe_ctl__pg_load(NULL) < 0)
		return NULL;
	n = oe_ctl__pg()->PQlibVersion();
	snprintf(text, sizeof text, "%d.%d", n / 10000, n % 10000);
	return text;
}

const struct oe_library oe_ctl_libraries[] = {
    {"libwebsockets", LWS_LIBRARY_VERSION, version_lws},
    {"libpq", OE_LIBPQ_VERSION, version_pg},
    {"SQLite", SQLITE_VERSION, sqlite3_libversion},
    {NULL, NULL, NULL},
};
