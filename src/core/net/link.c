/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net/link.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "core/base/fd.h"
#include "core/base/str.h"

bool
oe_link_is_shared(const char *interface)
{
	struct ifreq ifr;
	bool shared = true;
	int fd;

	memset(&ifr, 0, sizeof ifr);
	if (!oe_str_copy(ifr.ifr_name, sizeof ifr.ifr_name, interface))
		return true;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &ifr) == 0)
		shared = ifr.ifr_hwaddr.sa_family != ARPHRD_NONE;
	oe_fd_close(&fd);
	return shared;
}
