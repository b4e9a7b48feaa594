/* SPDX-License-Identifier: Apache-2.0 */
#include "client/prompt.h"
#include "mesh/common.h"

int
oe_meshcmd_ask(const char *prompt, char **ret, struct oe_err *err)
{
	return oe_prompt_ask(prompt, false, ret, err);
}
