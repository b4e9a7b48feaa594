/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/server_wire.h - addresses in messages and for system calls.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/base/buf.h"
#include "core/net/cidr.h"

/** oe_fwd_addr_put() - as server_proto.h has it. */
void oe_fwd_addr_put(struct oe_buf *b, const struct oe_addr *a);
/**
 * oe_fwd_addrs_get() - u32 count and as many addresses, at most @max.
 * Return: 0 or OE_EPROTO, also for an IPv4 address within an IPv6 one.
 */
int oe_fwd_addrs_get(
    struct oe_buf *b, struct oe_addr *ret, size_t max, size_t *ret_n);
/** oe_fwd_addr_to_sockaddr() - length of what was written to @ret. */
socklen_t oe_fwd_addr_to_sockaddr(
    const struct oe_addr *a, unsigned port, struct sockaddr_storage *ret);
/** oe_fwd_sockaddr_port() - 0 when it has none. */
unsigned oe_fwd_sockaddr_port(const struct sockaddr_storage *sa);
