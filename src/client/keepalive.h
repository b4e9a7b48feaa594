/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client/keepalive.h - ServerAliveInterval and ServerAliveCountMax.
 */
#pragma once

#include "client/connect.h"

struct oe_keepalive;

/**
 * oe_keepalive_new() - ask the peer for a sign of life when it is silent.
 * @dead: called once when it stays silent.
 * Return: NULL when the settings ask for none.
 */
struct oe_keepalive *oe_keepalive_new(struct oe_connect *c,
    const struct oe_sshconf *conf, void (*dead)(void *arg), void *arg);
void oe_keepalive_free(struct oe_keepalive **k);
