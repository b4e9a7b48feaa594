/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/health.h - /health, /healthz, /readyz and /metrics.
 */
#pragma once

#include "control/call.h"

extern const struct oe_ctl_route oe_ctl_routes_health[];
