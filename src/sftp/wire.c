/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/wire.h"

size_t
oe_sftp_wire_room(struct oe_sftp_wire *w)
{
	return w->ops->room(w);
}

int
oe_sftp_wire_write(struct oe_sftp_wire *w, const void *p, size_t n)
{
	return w->ops->write(w, p, n);
}

uint64_t
oe_sftp_wire_rtt_us(const struct oe_sftp_wire *w)
{
	return w->ops->rtt_us(w);
}

void
oe_sftp_wire_free(struct oe_sftp_wire **w)
{
	if (*w)
		(*w)->ops->free(*w);
	*w = NULL;
}
