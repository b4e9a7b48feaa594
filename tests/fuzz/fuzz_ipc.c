/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/net/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First byte: how many descriptors go along, past the bound too. */
static void
send_packet(int fd, const uint8_t *data, size_t size)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * 8)];
		struct cmsghdr align;
	} control = {{0}};
	union {
		const void *in;
		void *out;
	} u = {.in = data + 1};
	struct iovec iov = {u.out, size - 1};
	struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
	unsigned i, n = data[0] % 8;
	struct cmsghdr *c;

	if (n) {
		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		for (i = 0; i < n; i++)
			((int *)(void *)CMSG_DATA(c))[i] = fd;
	}
	(void)!sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oe_ipc_msg m;
	int sv[2], claimed;

	if (!size || oe_ipc_pair(sv, NULL) < 0)
		return 0;
	send_packet(sv[0], data, size);
	if (oe_ipc_recv(sv[1], 0, &m, NULL) == 0) {
		if (oe_buf_left(&m.payload) != size - 2 ||
		    m.nfds > OE_IPC_FDS_MAX)
			abort();
		claimed = oe_ipc_msg_claim(&m, 0);
		oe_fd_close(&claimed);
		oe_ipc_msg_done(&m);
	}
	oe_fd_close(&sv[0]);
	oe_fd_close(&sv[1]);
	return 0;
}
