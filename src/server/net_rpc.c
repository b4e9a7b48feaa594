/* SPDX-License-Identifier: Apache-2.0 */
#include "server/net_rpc.h"

#include <stdint.h>
#include <unistd.h>

#include "core/net/ipc.h"

void
oe_srv__rpc(int fd, struct oe_ipc_msg *m, struct oe_ipc_msg *ret)
{
	uint8_t type = m->type;

	if (oe_ipc_send(fd, m, NULL) < 0 ||
	    oe_ipc_recv(fd, -1, ret, NULL) < 0 || ret->type != type)
		_exit(1);
	oe_ipc_msg_done(m);
}

void
oe_srv__rpc_tell(int fd, struct oe_ipc_msg *m)
{
	if (oe_ipc_send(fd, m, NULL) < 0)
		_exit(1);
	oe_ipc_msg_done(m);
}

bool
oe_srv__rpc_bool(int fd, struct oe_ipc_msg *m, struct oe_ipc_msg *ret)
{
	struct oe_ipc_msg reply;
	uint8_t a = 0;

	oe_srv__rpc(fd, m, &reply);
	if (oe_buf_get_u8(&reply.payload, &a) < 0)
		a = 0;
	if (ret)
		*ret = reply;
	else
		oe_ipc_msg_done(&reply);
	return a == 1;
}
