/* SPDX-License-Identifier: Apache-2.0 */
#include "control/routes.h"

#include <stddef.h>

#include "control/health.h"
#include "control/login.h"

const struct oe_ctl_route *const oe_ctl_routes[] = {
    oe_ctl_routes_login,
    oe_ctl_routes_device_login,
    oe_ctl_routes_approve,
    oe_ctl_routes_profile,
    oe_ctl_routes_health,
    NULL,
};
