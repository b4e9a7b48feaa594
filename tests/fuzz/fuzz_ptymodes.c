/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <termios.h>

#include "core/base/buf.h"
#include "core/ssh/ptymodes.h"

/* glibc's own note in c_iflag that the input speed follows the output's */
#define IBAUD0 ((tcflag_t)1 << 31)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever came in, what it left must be expressible and mean the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct termios a, b;
	struct oe_buf out;

	memset(&a, 0, sizeof(a));
	(void)oe_ssh_ptymodes_apply(&a, data, size);
	b = a;
	oe_buf_init(&out, OE_SSH_PTYMODES_MAX);
	assert(oe_ssh_ptymodes_encode(&a, &out) == 0);
	assert(oe_ssh_ptymodes_apply(
		   &b, oe_buf_head(&out), oe_buf_left(&out)) == 0);
	assert(a.c_lflag == b.c_lflag);
	assert((a.c_iflag | IBAUD0) == (b.c_iflag | IBAUD0));
	assert(a.c_oflag == b.c_oflag);
	assert(memcmp(a.c_cc, b.c_cc, sizeof(a.c_cc)) == 0);
	oe_buf_done(&out);
	return 0;
}
