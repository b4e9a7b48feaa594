/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "keygen.h"

static char keygen_dir[] = "/tmp/oe-keygen-XXXXXX";

int
keygen_begin(void **state)
{
	*state = NULL;
	if (system("command -v ssh-keygen >/dev/null 2>&1") != 0)
		return 0;
	if (!mkdtemp(keygen_dir))
		return -1;
	*state = keygen_dir;
	return 0;
}

int
keygen_end(void **state)
{
	char *cmd;
	int r;

	if (!*state)
		return 0;
	cmd = oe_mem_printf("rm -rf '%s'", keygen_dir);
	r = system(cmd);
	free(cmd);
	return r;
}

void
keygen_need(void **state)
{
	if (!*state)
		skip();
}

void
keygen_run(const char *fmt, ...)
{
	char *cmd, *all;
	va_list ap;
	int r;

	va_start(ap, fmt);
	if (vasprintf(&cmd, fmt, ap) < 0)
		fail();
	va_end(ap);
	all = oe_mem_printf(
	    "cd '%s' && { %s; } >out 2>&1 </dev/null", keygen_dir, cmd);
	r = system(all);
	if (r != 0)
		print_error("failed: %s\n", cmd);
	free(all);
	free(cmd);
	assert_int_equal(r, 0);
}

void
keygen_file(const char *name, struct oe_buf *ret)
{
	char *path = oe_mem_printf("%s/%s", keygen_dir, name);
	struct oe_err err = OE_ERR_INIT;

	if (oe_fd_read_file(path, 1 << 20, ret, &err) < 0)
		fail_msg("%s", oe_err_text(&err));
	free(path);
}

char *
keygen_line(const char *name)
{
	char *file = oe_mem_printf("%s.pub", name), *line;
	struct oe_buf b;

	keygen_file(file, &b);
	line = oe_mem_strndup((const char *)oe_buf_head(&b), oe_buf_left(&b));
	line[strcspn(line, "\n")] = 0;
	oe_buf_done(&b);
	free(file);
	return line;
}

void
keygen_pub(const char *name, struct oe_pubkey *ret)
{
	struct oe_err err = OE_ERR_INIT;
	char *line = keygen_line(name);

	if (oe_pubkey_parse_line(line, ret, &err) < 0)
		fail_msg("%s: %s", name, oe_err_text(&err));
	free(line);
}
