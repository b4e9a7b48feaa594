/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/store_schema.h - the tables, as numbered migrations.
 */
#pragma once

#include <stddef.h>

struct oe_err;
struct oe_ctl_tx;

/*
 * The two dialects differ in these words only, which the text has as
 * {INTEGER}, {SERIAL} and {STRICT}.
 */
struct oe_ctl_dialect {
	const char *integer; /* type of 64-bit numbers */
	const char *serial;  /* numbered by the database, primary key */
	const char *strict;  /* end of a table: types are enforced */
};

/** oe_ctl_schema_version() - number of the last migration. */
int oe_ctl_schema_version(void);
/**
 * oe_ctl_schema_text() - one statement of a migration in a dialect.
 * @version: from 1.  @i: from 0.
 * Return: free() it; NULL behind the last.
 */
char *
oe_ctl_schema_text(int version, size_t i, const struct oe_ctl_dialect *dialect);
