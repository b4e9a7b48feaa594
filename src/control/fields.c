/* SPDX-License-Identifier: Apache-2.0 */
#include "control/fields.h"

#include <string.h>

#include "control/http.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"

bool
oe_ctl_fields_read(const struct oe_ctl_call *call, struct oe_ctl_fields *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->json = call->json;
	if (ret->json)
		return true;
	/* a NUL would hide the rest */
	if (strlen(call->body) != call->body_len)
		return false;
	ret->text = oe_mem_strdup(call->body);
	return oe_ctl_form_parse(
	    ret->text, ret->pairs, OE_CTL_FIELDS_MAX, &ret->n);
}

const char *
oe_ctl_field(const struct oe_ctl_fields *f, const char *name)
{
	const char *s;
	size_t i;

	if (f->json) {
		s = oe_jval_get_text(f->json, name);
		return s ? s : "";
	}
	for (i = 0; i < f->n; i++)
		if (oe_str_eq(f->pairs[i].key, name))
			return f->pairs[i].value;
	return "";
}

void
oe_ctl_fields_done(struct oe_ctl_fields *f)
{
	/* lengths are gone after the split: wipe what the values were */
	size_t i;
	char *v;

	for (i = 0; i < f->n; i++) {
		v = f->text + (f->pairs[i].value - f->text);
		oe_mem_wipe(v, strlen(v));
	}
	oe_mem_free(&f->text);
}
