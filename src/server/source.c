/* SPDX-License-Identifier: Apache-2.0 */
#include "server/source.h"

#include "core/app/module.h"

const struct oe_srv_source *
oe_srv_source_of(const struct oe_module_set *modules)
{
	const struct oe_module *const *m;

	for (m = modules ? modules->built : NULL; m && *m; m++)
		if ((*m)->server_source)
			return (*m)->server_source;
	return NULL;
}
