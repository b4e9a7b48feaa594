/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both stores, for tests that are run against each: SQLite in a folder of the
 * test's own, and a PostgreSQL that tests/lib/postgres.sh starts there.  Where
 * there is no PostgreSQL its half is skipped and says so.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/store.h"
#include "core/base/err.h"
#include "core/base/mem.h"

struct stores {
	char *dir;
	char *sqlite;
	char *postgres; /* NULL: none here */
};

static inline char *
stores_script(const char *verb, const char *dir, int *ret_status)
{
	const char *src = getenv("OE_SRCDIR");
	char line[512], *command, *ret = NULL;
	FILE *f;

	command = oe_mem_printf("'%s/tests/lib/postgres.sh' %s '%s' %d",
	    src != NULL ? src : ".", verb, dir, (int)getpid());
	f = popen(command, "r");
	if (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		ret = oe_mem_strdup(line);
	}
	*ret_status = f != NULL ? WEXITSTATUS(pclose(f)) : 127;
	free(command);
	return ret;
}

/* False: this machine cannot have the folder. */
static inline bool
stores_start(struct stores *s)
{
	char *pg;
	int status;

	memset(s, 0, sizeof(*s));
	s->dir = oe_mem_strdup("/tmp/oe-store.XXXXXX");
	if (mkdtemp(s->dir) == NULL || chmod(s->dir, 0711))
		return false;
	s->sqlite = oe_mem_printf("%s/store.db", s->dir);
	pg = oe_mem_printf("%s/pg", s->dir);
	s->postgres = stores_script("start", pg, &status);
	free(pg);
	if (status != 0) {
		fprintf(stderr, "no PostgreSQL here: status %d\n", status);
		oe_mem_free(&s->postgres);
	}
	return status == 0 || status == 77;
}

static inline void
stores_stop(struct stores *s)
{
	char *pg = oe_mem_printf("%s/pg", s->dir), *command;
	int status;

	if (s->postgres != NULL)
		free(stores_script("stop", pg, &status));
	command = oe_mem_printf("rm -rf '%s'", s->dir);
	if (system(command) != 0)
		fprintf(stderr, "cannot remove %s\n", s->dir);
	free(command);
	free(pg);
	free(s->postgres);
	free(s->sqlite);
	free(s->dir);
}
