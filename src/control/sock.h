/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/sock.h - where the control API listens.
 */
#pragma once

#include <stdbool.h>

#include "core/base/compiler.h"
#include "core/net/cidr.h"

struct oe_err;

struct oe_ctl_listen {
	struct oe_addr addr;
	int port; /* 0: any that is free */
	bool tls;
};

/**
 * oe_ctl_listen_parse() - "[https://]ADDR:PORT" or "http://ADDR:PORT", IPv6
 * in brackets.  HTTP without TLS is for loopback addresses only: tokens and
 * passwords go over it.
 * Return: 0 or OE_EINVAL.
 */
int oe_ctl_listen_parse(const char *text, struct oe_ctl_listen *ret,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_ctl_listen_open() - bind and listen, non-blocking.
 * @ret_url: "https://127.0.0.1:8443" as it came out; free() it.
 */
int oe_ctl_listen_open(const struct oe_ctl_listen *where, int *ret_fd,
    char **ret_url, struct oe_err *err) OE_MUST_CHECK;
