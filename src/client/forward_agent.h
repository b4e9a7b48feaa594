/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/forward_agent.h - the peer's programs may use our agent (-A).
 */
#pragma once

#include <stddef.h>

#include "client/connect.h"

#define OE_FORWARD_AGENT_MAX 64 /* connections at a time */

struct oe_forward_agent;

/**
 * oe_forward_agent_new() - take agent channels if ForwardAgent says so.
 * Return: NULL when it does not, or when there is no agent.
 */
struct oe_forward_agent *
oe_forward_agent_new(struct oe_connect *c, const struct oe_sshconf *conf);
/** oe_forward_agent_count() - connections now; @a may be NULL. */
size_t oe_forward_agent_count(const struct oe_forward_agent *a);
void oe_forward_agent_free(struct oe_forward_agent **a);
