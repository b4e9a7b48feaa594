/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"

void
oe_json_begin(struct oe_json *j)
{
	j->fields = json_object();
}

static void
add_bytes(struct oe_json *j, const char *key, const char *value)
{
	size_t n = strlen(value), size = 4 * n + 4;
	char *shown = oe_mem_zalloc(size);
	char *exact = oe_str_base64(value, n, true);
	char *name = oe_mem_printf("%s_base64", key);

	oe_str_escape(value, n, shown, size);
	json_object_set_new(j->fields, key, json_string(shown));
	json_object_set_new(j->fields, name, json_string(exact));
	free(shown);
	free(exact);
	free(name);
}

void
oe_json_str(struct oe_json *j, const char *key, const char *value)
{
	json_t *s;

	if (!value)
		return;
	s = json_string(value);
	if (s)
		json_object_set_new(j->fields, key, s);
	else
		add_bytes(j, key, value);
}

void
oe_json_uint(struct oe_json *j, const char *key, uint64_t value)
{
	if (value > INT64_MAX)
		value = INT64_MAX;
	json_object_set_new(j->fields, key, json_integer((json_int_t)value));
}

void
oe_json_bool(struct oe_json *j, const char *key, bool value)
{
	json_object_set_new(j->fields, key, json_boolean(value));
}

void
oe_json_end(struct oe_json *j, FILE *out)
{
	char *line = json_dumps(j->fields, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (line)
		fprintf(out, "%s\n", line);
	free(line);
	json_decref(j->fields);
	j->fields = NULL;
}
