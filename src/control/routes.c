/* SPDX-License-Identifier: Apache-2.0 */
#include "control/routes.h"

#include <stddef.h>

#include "control/handlers.h"
#include "control/health.h"
#include "control/login.h"

const struct oe_ctl_route *const oe_ctl_routes[] = {
    oe_ctl_routes_login,
    oe_ctl_routes_device_login,
    oe_ctl_routes_approve,
    oe_ctl_routes_profile,
    oe_ctl_routes_devices,
    oe_ctl_routes_networks,
    oe_ctl_routes_joins,
    oe_ctl_routes_members,
    oe_ctl_routes_invitations,
    oe_ctl_routes_security_keys,
    oe_ctl_routes_documents,
    oe_ctl_routes_directories,
    oe_ctl_routes_policy,
    oe_ctl_routes_whois,
    oe_ctl_routes_host_keys,
    oe_ctl_routes_user_keys,
    oe_ctl_routes_certificates,
    oe_ctl_routes_labels,
    oe_ctl_routes_events,
    oe_ctl_routes_sessions,
    oe_ctl_routes_users,
    oe_ctl_routes_health,
    NULL,
};
