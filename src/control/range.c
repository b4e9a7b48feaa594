/* SPDX-License-Identifier: Apache-2.0 */
#include "control/range.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/net/cidr.h"

static uint32_t
mask_of(unsigned prefix)
{
	return prefix == 0 ? 0 : ~(uint32_t)0 << (32 - prefix);
}

bool
oe_ctl_address_parse(const char *text, uint32_t *ret)
{
	struct oe_addr a;

	if (oe_addr_parse(text, &a, NULL) || a.family != AF_INET)
		return false;
	*ret = (uint32_t)a.bytes[0] << 24 | (uint32_t)a.bytes[1] << 16 |
	       (uint32_t)a.bytes[2] << 8 | a.bytes[3];
	return true;
}

/* What nobody has on the Internet, so that no name there is captured. */
static bool
is_private(uint32_t first, unsigned prefix)
{
	static const struct {
		uint32_t first;
		unsigned prefix;
	} nets[] = {
	    {0x0a000000, 8},  /* 10/8 */
	    {0xac100000, 12}, /* 172.16/12 */
	    {0xc0a80000, 16}, /* 192.168/16 */
	    {0x64400000, 10}, /* 100.64/10 */
	};
	size_t i;

	for (i = 0; i < sizeof(nets) / sizeof(*nets); i++)
		if (prefix >= nets[i].prefix &&
		    (first & mask_of(nets[i].prefix)) == nets[i].first)
			return true;
	return false;
}

int
oe_ctl_range_parse(
    const char *text, struct oe_ctl_range *ret, struct oe_err *err)
{
	char address[16];
	const char *slash = strchr(text, '/');
	int64_t prefix;
	uint32_t first;

	if (slash == NULL || (size_t)(slash - text) >= sizeof(address) ||
	    oe_str_parse_int(slash + 1, 0, 32, &prefix))
		return oe_err_set(
		    err, OE_EINVAL, "ip_range is not like 100.100.0.0/24");
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (!oe_ctl_address_parse(address, &first))
		return oe_err_set(
		    err, OE_EINVAL, "ip_range is not like 100.100.0.0/24");
	if (prefix < OE_CTL_RANGE_PREFIX_MIN ||
	    prefix > OE_CTL_RANGE_PREFIX_MAX)
		return oe_err_set(err, OE_EINVAL,
		    "the prefix of ip_range is not between %d and %d",
		    OE_CTL_RANGE_PREFIX_MIN, OE_CTL_RANGE_PREFIX_MAX);
	if (first & ~mask_of((unsigned)prefix))
		return oe_err_set(
		    err, OE_EINVAL, "ip_range has bits behind its prefix");
	if (!is_private(first, (unsigned)prefix))
		return oe_err_set(err, OE_EINVAL,
		    "ip_range is not within 10.0.0.0/8, 172.16.0.0/12, "
		    "192.168.0.0/16 or 100.64.0.0/10");
	ret->first = first;
	ret->prefix = (unsigned)prefix;
	return 0;
}

bool
oe_ctl_range_has(const struct oe_ctl_range *r, uint32_t address)
{
	return (address & mask_of(r->prefix)) == r->first;
}

uint32_t
oe_ctl_range_pick(const struct oe_ctl_range *r, const uint32_t *used, size_t n,
    uint32_t (*draw)(uint32_t upper))
{
	uint32_t low = r->first + 2;
	uint32_t high = (r->first | ~mask_of(r->prefix)) - 1, pick;
	uint32_t room = high - low + 1, taken = 0;
	size_t i;

	for (i = 0; i < n; i++)
		taken += used[i] >= low && used[i] <= high;
	if (taken >= room)
		return 0;
	pick = low + draw(room - taken);
	for (i = 0; i < n && used[i] <= pick; i++)
		pick += used[i] >= low;
	return pick;
}

void
oe_ctl_address_text(uint32_t address, char ret[16])
{
	snprintf(ret, 16, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
	    address >> 8 & 255, address & 255);
}

void
oe_ctl_range_mask(const struct oe_ctl_range *r, char ret[16])
{
	oe_ctl_address_text(mask_of(r->prefix), ret);
}
