/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/local.h - is an address one of this machine's?
 */
#pragma once

#include <stdbool.h>

struct oe_addr;

/**
 * oe_addr_is_local() - would a connection to @a end on this machine?
 * Asks the kernel's routes (rtnetlink(7)), which know addresses of interfaces
 * and whole networks that are routed to this machine itself; where that is
 * not to be had, the addresses of the interfaces.  When neither answers, yes.
 * The scope of a link-local address is not known here: any interface's.
 */
bool oe_addr_is_local(const struct oe_addr *a);
