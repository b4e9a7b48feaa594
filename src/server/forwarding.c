/* SPDX-License-Identifier: Apache-2.0 */
#include "server/forwarding.h"

#include <stddef.h>

#include "core/app/module.h"

const struct oe_srv_forwarding *
oe_srv_forwarding_of(const struct oe_module_set *modules)
{
	const struct oe_module *const *m;

	for (m = modules ? modules->built : NULL; m && *m; m++)
		if ((*m)->server_forwarding)
			return (*m)->server_forwarding;
	return NULL;
}
