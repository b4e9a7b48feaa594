/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/fields.h - fields of a body that is a form or JSON
 * (OE_CTL_BODY_FORM).
 */
#pragma once

#include "control/call.h"

#define OE_CTL_FIELDS_MAX 16

struct oe_ctl_fields {
	const struct oe_jval *json; /* or NULL */
	char *text;
	struct oe_ctl_pair pairs[OE_CTL_FIELDS_MAX];
	size_t n;
};

/** oe_ctl_fields_read() - false: malformed; oe_ctl_fields_done() it always. */
bool
oe_ctl_fields_read(const struct oe_ctl_call *call, struct oe_ctl_fields *ret);
/** oe_ctl_field() - borrowed, or "". */
const char *oe_ctl_field(const struct oe_ctl_fields *f, const char *name);
void oe_ctl_fields_done(struct oe_ctl_fields *f);
