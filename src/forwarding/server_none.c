/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/server.h"

#include <stddef.h>

#include "server/forwarding.h"

/* Nobody asks for it: there is no server in this build. */
const struct oe_srv_forwarding oe_fwd_server = {
    .request = NULL,
};
