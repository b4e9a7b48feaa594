/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/handlers.h - tables of routes that read and write the store.  A file
 * named like a table has its handlers.
 */
#pragma once

#include "control/call.h"

/* Part 1, /api/v2: the OmniEdge API. */
extern const struct oe_ctl_route oe_ctl_routes_devices[];
extern const struct oe_ctl_route oe_ctl_routes_invitations[];
extern const struct oe_ctl_route oe_ctl_routes_joins[];
extern const struct oe_ctl_route oe_ctl_routes_members[];
extern const struct oe_ctl_route oe_ctl_routes_networks[];
extern const struct oe_ctl_route oe_ctl_routes_security_keys[];

/* Part 2, /api/ssh/v1: ours. */
extern const struct oe_ctl_route oe_ctl_routes_certificates[];
extern const struct oe_ctl_route oe_ctl_routes_directories[];
extern const struct oe_ctl_route oe_ctl_routes_documents[];
extern const struct oe_ctl_route oe_ctl_routes_events[];
extern const struct oe_ctl_route oe_ctl_routes_host_keys[];
extern const struct oe_ctl_route oe_ctl_routes_labels[];
extern const struct oe_ctl_route oe_ctl_routes_policy[];
extern const struct oe_ctl_route oe_ctl_routes_sessions[];
extern const struct oe_ctl_route oe_ctl_routes_user_keys[];
extern const struct oe_ctl_route oe_ctl_routes_users[];
extern const struct oe_ctl_route oe_ctl_routes_whois[];
