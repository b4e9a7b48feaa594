/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/proxy.h - the way to a peer that is not a plain TCP connection.
 *
 * ProxyCommand runs under /bin/sh.  ProxyJump forks this process: the child
 * is an ordinary client of the last hop (which may jump itself) and joins a
 * socket pair with a direct TCP channel.  A hop is dialled, checked and
 * logged into as any peer, with the settings of its own name.
 */
#pragma once

#include "client/connect.h"

/**
 * oe_proxy_open() - start the proxy that the settings ask for.
 * @ret_fd: a stream to the peer; -1 when there is no proxy.
 * Return: 0, OE_ESYS, OE_ECONF (a jump host that cannot be read).
 */
int oe_proxy_open(
    const struct oe_connect_plan *plan, int *ret_fd, struct oe_err *err);
