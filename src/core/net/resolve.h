/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/resolve.h - getaddrinfo(3) that can be given up.
 */
#pragma once

#include <netdb.h>
#include <sys/socket.h>

struct oe_lookup;

/**
 * oe_lookup_start() - resolve in a thread of its own.
 * @family: AF_UNSPEC, AF_INET or AF_INET6.
 * Return: NULL when no thread could be made.
 */
struct oe_lookup *oe_lookup_start(const char *host, int port, int family);
/** oe_lookup_fd() - becomes readable when the answer is there. */
int oe_lookup_fd(const struct oe_lookup *l);
/**
 * oe_lookup_take() - the answer, once oe_lookup_fd() was readable.
 * @ret: freeaddrinfo() it.  Return: 0 or an EAI_ code.
 */
int oe_lookup_take(struct oe_lookup *l, struct addrinfo **ret);
/** oe_lookup_free() - forget it, answered or not; never waits. */
void oe_lookup_free(struct oe_lookup **l);
