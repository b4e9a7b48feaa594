/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit/mesh/policies.h - policies for tests.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/mesh/policy.h"

/* 2026-03-02T12:00:00Z, a Monday */
#define NOW INT64_C(1772452800)

/* A document of one rule with these members of its action. */
static inline char *
with_action(const char *members)
{
	return oe_mem_printf("{\"rules\":[{\"id\":\"r\",\"principals\":["
			     "{\"any\":true}],\"ssh_users\":{\"*\":\"=\"},"
			     "\"action\":{%s}}]}",
	    members);
}

static inline struct oe_policy *
policy_of(const char *text)
{
	struct oe_policy *p = NULL;
	struct oe_err err = OE_ERR_INIT;

	if (oe_policy_parse(text, strlen(text), NULL, &p, &err) < 0)
		fail_msg("%s", oe_err_text(&err));
	return p;
}
