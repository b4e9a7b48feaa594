/* SPDX-License-Identifier: Apache-2.0 */
#include "copytest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

void
enter(void)
{
	strcpy(dir, "/tmp/oe-copy-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
}

void
leave(void)
{
	char cmd[256];

	assert_int_equal(chdir("/"), 0);
	snprintf(cmd, sizeof cmd, "chmod -R u+rwx %s; rm -rf %s", dir, dir);
	assert_int_equal(system(cmd), 0);
}

void
sh(const char *fmt, ...)
{
	char cmd[4096] = "set -e; ";
	size_t n = strlen(cmd);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof cmd - n, fmt, ap);
	va_end(ap);
	if (system(cmd) != 0)
		fail_msg("%s: %s", dir, cmd);
}

static void
on_end(void *arg, const struct oe_copy_item *item)
{
	struct run *r = arg;

	r->ended++;
	r->failed += item->status < 0;
	r->skipped += item->skipped;
	r->hashed += item->sha256 != NULL;
	r->resumed += item->resumed;
	assert_int_equal(item->status < 0, item->err != NULL);
}

static void
on_warn(void *arg, const char *text)
{
	struct run *r = arg;

	(void)text;
	r->warned++;
}

void
begin(struct run *r, unsigned from, unsigned to)
{
	unsigned features[2] = {from, to}, i;
	struct oe_copy_plan plan = {0};

	r->ended = r->failed = r->warned = r->skipped = r->hashed = 0;
	r->resumed = 0;
	r->lane = NULL;
	memset(&r->err, 0, sizeof r->err);
	r->loop = oe_loop_new();
	for (i = 0; i < 2; i++) {
		r->fake[i] = NULL;
		if (features[i] == LOCAL) {
			r->fs[i] = oe_sftp_local_new();
			continue;
		}
		r->fake[i] = fakefs_new(r->loop, features[i]);
		r->fs[i] = &r->fake[i]->fs;
	}
	plan.loop = r->loop;
	plan.from = r->fs[0];
	plan.to = r->fs[1];
	plan.flags = r->flags;
	plan.bytes_per_s = r->bytes_per_s;
	plan.exclude = r->exclude;
	plan.ui.end = on_end;
	plan.ui.warn = on_warn;
	plan.ui.arg = r;
	r->copy = oe_sftp_copy_new(&plan);
}

int
go(struct run *r)
{
	struct oe_copy_totals t;
	int e = oe_sftp_copy_run(r->copy, NULL, &r->err);

	oe_sftp_copy_totals(r->copy, &t);
	if (e < 0)
		print_message("  %s\n", oe_err_text(&r->err));
	else if (t.bytes != t.bytes_done && !(r->flags & OE_COPY_DRY_RUN))
		fail_msg("%llu bytes, %llu done", (unsigned long long)t.bytes,
		    (unsigned long long)t.bytes_done);
	return e;
}

void
end(struct run *r)
{
	struct oe_sftp_fs *lane = r->lane ? &r->lane->fs : NULL;
	unsigned i;

	oe_sftp_copy_free(&r->copy);
	for (i = 0; i < 2; i++)
		oe_sftp_fs_free(&r->fs[i]);
	if (lane)
		oe_sftp_fs_free(&lane);
	oe_loop_free(&r->loop);
}
