/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/local.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/fd.h"
#include "core/net/cidr.h"

#define LOCAL_REPLY_MAX 4096

enum local_answer {
	LOCAL_NO,
	LOCAL_YES,
	LOCAL_UNKNOWN,
};

struct local_question {
	struct nlmsghdr head;
	struct rtmsg route;
	struct rtattr attr;
	uint8_t dst[16];
};

static enum local_answer
local_read(const char *reply, size_t n)
{
	struct nlmsgerr failed;
	struct nlmsghdr head;
	struct rtmsg route;

	if (n < NLMSG_LENGTH(sizeof route))
		return LOCAL_UNKNOWN;
	memcpy(&head, reply, sizeof head);
	if (head.nlmsg_type == NLMSG_ERROR &&
	    n >= NLMSG_LENGTH(sizeof failed)) {
		memcpy(&failed, reply + NLMSG_HDRLEN, sizeof failed);
		/* an address without a route is nobody's */
		return failed.error == -ENETUNREACH ||
			       failed.error == -EHOSTUNREACH
			   ? LOCAL_NO
			   : LOCAL_UNKNOWN;
	}
	if (head.nlmsg_type != RTM_NEWROUTE)
		return LOCAL_UNKNOWN;
	memcpy(&route, reply + NLMSG_HDRLEN, sizeof route);
	return route.rtm_type == RTN_LOCAL ? LOCAL_YES : LOCAL_NO;
}

static enum local_answer
local_ask(int fd, const struct oe_addr *a)
{
	uint8_t size = a->family == AF_INET ? 4 : 16;
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct local_question q = {
	    .head = {.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof q.route) +
					     RTA_LENGTH(size)),
		.nlmsg_type = RTM_GETROUTE,
		.nlmsg_flags = NLM_F_REQUEST},
	    .route = {.rtm_family = (uint8_t)a->family,
		.rtm_dst_len = (uint8_t)(size * 8)},
	    .attr = {.rta_len = (uint16_t)RTA_LENGTH(size),
		.rta_type = RTA_DST},
	};
	char reply[LOCAL_REPLY_MAX];
	ssize_t n;

	memcpy(q.dst, a->bytes, size);
	if (sendto(fd, &q, q.head.nlmsg_len, 0, (struct sockaddr *)&kernel,
		sizeof kernel) < 0)
		return LOCAL_UNKNOWN;
	/* the kernel answers within the send */
	n = recv(fd, reply, sizeof reply, MSG_DONTWAIT);
	return n < 0 ? LOCAL_UNKNOWN : local_read(reply, (size_t)n);
}

static enum local_answer
local_by_route(const struct oe_addr *a)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	enum local_answer answer;

	if (fd < 0)
		return LOCAL_UNKNOWN;
	answer = local_ask(fd, a);
	oe_fd_close(&fd);
	return answer;
}

static bool
local_by_interface(const struct oe_addr *a)
{
	struct ifaddrs *all = NULL, *i;
	struct oe_addr own;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return true;
	for (i = all; i && !found; i = i->ifa_next)
		found = i->ifa_addr &&
			oe_addr_from_sockaddr(i->ifa_addr,
			    sizeof(struct sockaddr_storage), &own) == 0 &&
			oe_addr_equal(&own, a);
	freeifaddrs(all);
	return found;
}

bool
oe_addr_is_local(const struct oe_addr *a)
{
	switch (local_by_route(a)) {
	case LOCAL_YES:
		return true;
	case LOCAL_NO:
		/* without its scope fe80::/10 has a route that says little */
		return a->family == AF_INET6 && a->bytes[0] == 0xfe &&
		       local_by_interface(a);
	case LOCAL_UNKNOWN:
		break;
	}
	return local_by_interface(a);
}
