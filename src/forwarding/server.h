/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/server.h - the server's side of this module.
 */
#pragma once

struct oe_srv_forwarding;

/** oe_fwd_server - the hooks of server/forwarding.h; empty without server. */
extern const struct oe_srv_forwarding oe_fwd_server;
