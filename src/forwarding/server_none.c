/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/server.h"
#include "forwarding/server_params.h"

#include <stddef.h>

#include "server/forwarding.h"

/* Nobody asks for it: there is no server in this build. */
const struct oe_srv_forwarding oe_fwd_server = {
    .request = NULL,
};

const struct oe_param oe_fwd_server_params[] = {{.name = NULL}};
