/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/link.h - what kind of network interface is it?
 */
#pragma once

#include <stdbool.h>

/**
 * oe_link_is_shared() - can whoever is on the link of @interface send from
 * any address there?
 * So it is with Ethernet and everything that has link addresses: nothing ties
 * a source address to the host that has it.  It need not be so where packets
 * come without (ARPHRD_NONE, packet(7)): a tunnel that judges who sends what,
 * as WireGuard does, has such an interface; others have it, too.
 * Return: yes also when there is no such interface, or it cannot be asked.
 */
bool oe_link_is_shared(const char *interface);
