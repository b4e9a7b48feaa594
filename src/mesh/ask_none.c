/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/err.h"
#include "mesh/common.h"

int
oe_meshcmd_ask(
    OE_UNUSED const char *prompt, OE_UNUSED char **ret, struct oe_err *err)
{
	return oe_err_set(err, OE_ECANCEL,
	    "this build asks nothing on terminals: it lacks the client");
}
