/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/mesh/policy.h"
#include "core/net/cidr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct count {
	unsigned mistakes;
};

static void
tell(void *arg, const struct oe_policy_fault *f)
{
	struct count *c = arg;

	if (!f->line || (*f->pointer && *f->pointer != '/'))
		abort();
	c->mistakes += !f->warning;
}

static void
decide(const struct oe_policy *p, const char *user)
{
	char *items[] = {(char *)(uintptr_t) "a", NULL};
	struct oe_strs list = {items, 1}, roots = {NULL, 0};
	struct oe_addr addr = {2, {10, 1, 2, 3}};
	struct oe_policy_subject s = {
	    .requested_user = user,
	    .source = &addr,
	    .node_ip = &addr,
	    .node_id = "a",
	    .network_id = "a",
	    .tags = &list,
	    .user_email = "a@b",
	    .groups = &list,
	    .fingerprint = "a",
	    .cert_principals = &list,
	    .now_s = 1772452800,
	};
	struct oe_policy_verdict v;

	oe_policy_decide(p, &s, &v);
	if ((v.outcome == OE_POLICY_ACCEPT) != (v.reason == OE_POLICY_OK) ||
	    (v.outcome == OE_POLICY_ACCEPT && !*v.local_user) ||
	    (!strcmp(v.local_user, "root") && !v.literal) ||
	    (v.action && !v.matched))
		abort();
	if (!v.action)
		return;
	(void)oe_policy_command(v.action, "ls -l");
	(void)oe_policy_roots(v.action, &roots);
	oe_strs_done(&roots);
}

/* Refused with a place, or usable. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct count c = {0};
	struct oe_policy_faults faults = {tell, &c};
	struct oe_policy *p = NULL;
	int r = oe_policy_parse(data, size, &faults, &p, NULL);

	if ((r == 0) != (p != NULL) || (r == 0 && c.mistakes))
		abort();
	if (p) {
		decide(p, "a");
		decide(p, "root");
	}
	oe_policy_free(&p);
	return 0;
}
