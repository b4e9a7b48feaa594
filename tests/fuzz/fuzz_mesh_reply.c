/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies of a control API, whatever it says, and the file of the peer
 * directory.  The first byte chooses: an HTTP status class, or the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/mesh/account_internal.h"
#include "core/mesh/api.h"
#include "core/mesh/directory.h"
#include "core/mesh/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_rows(const struct oe_jval *data)
{
	const struct oe_jval *rows, *row;
	struct oe_mesh_network n;
	struct oe_mesh_device d;
	int64_t last;
	size_t i;

	rows = oe_mesh_rows(data, &last);
	for (i = 0; (row = oe_jval_at(rows, i)); i++) {
		if (oe_mesh_network_read(row, 1, &n) == 0)
			oe_mesh_network_done(&n);
		if (oe_mesh_device_read(row, 1, &d))
			oe_mesh_device_done(&d);
	}
}

static void
read_reply(int status, const char *text, size_t n)
{
	struct oe_mesh_answer a = {.status = status};
	struct oe_mesh_account account = {0};
	struct oe_mesh_tokens t = {0};
	struct oe_jval *v;

	if (oe_mesh_answer_read(&a, text, n, NULL) == 0) {
		read_rows(a.data);
		if (oe_mesh_tokens_read(a.data, 1, &t, NULL) == 0)
			oe_mesh_tokens_done(&t);
		if (oe_mesh_account__read(a.data, &account, NULL) == 0) {
			v = oe_mesh_account__merge(&account, a.data);
			oe_jval_free(&v);
			oe_mesh_account_done(&account);
		}
	}
	oe_mesh_answer_done(&a);
}

static void
read_directory(const uint8_t *p, size_t n)
{
	struct oe_mesh_dir *d = NULL;
	struct oe_mesh_entry e;
	size_t i, at;
	int by;

	if (oe_mesh_dir_parse(p, n, "o", &d, NULL) < 0)
		return;
	for (i = 0; i < oe_mesh_dir_count(d); i++) {
		oe_mesh_dir_at(d, i, &e);
		for (by = 0; by < OE_MESH_BY_COUNT; by++)
			for (at = 0; oe_mesh_dir_find(
				 d, (enum oe_mesh_by)by, e.name, &at, &e);)
				continue;
	}
	oe_mesh_dir_free(&d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < 1 || size > 1 << 20)
		return 0;
	/* of its own, so that no read beyond the end stays unseen */
	copy = oe_mem_zalloc(size);
	memcpy(copy, data, size);
	if (*data == 'd')
		read_directory(copy + 1, size - 1);
	else
		read_reply(
		    *data == 'e' ? 422 : 200, (char *)copy + 1, size - 1);
	free(copy);
	return 0;
}
