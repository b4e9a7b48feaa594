/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a decision costs: 10,000 rules about 1,000 tags and as many people,
 * subjects of several kinds; prints the median and the worst of each.
 *
 *   make tests/bench/policy_decide && tests/bench/policy_decide
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/mesh/policy.h"
#include "core/net/cidr.h"

#define RULES  10000
#define TAGS   1000
#define ROUNDS 2001

static double
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static struct oe_policy *
document(void)
{
	struct oe_policy *p = NULL;
	struct oe_err err = OE_ERR_INIT;
	struct oe_buf b;
	double begin;
	int i;

	oe_buf_init(&b, OE_POLICY_SIZE_MAX);
	(void)oe_buf_printf(&b, "{\"rules\":[");
	for (i = 0; i < RULES; i++)
		(void)oe_buf_printf(&b,
		    "%s{\"id\":\"rule-%d\",\"principals\":[{\"tag\":\"tag-%d\"}"
		    ","
		    "{\"user_email\":\"user-%d@example.org\"},"
		    "{\"cidr\":\"10.%d.%d.0/"
		    "24\"}],\"ssh_users\":{\"u%d\":\"=\","
		    "\"deploy\":\"www\"},\"action\":{\"accept\":true,"
		    "\"allowed_commands\":[\"^uptime$\"]}}",
		    i ? "," : "", i, i % TAGS, i, i / 256, i % 256, i % 50);
	(void)oe_buf_printf(&b, "]}");
	begin = now_us();
	if (oe_policy_parse(oe_buf_head(&b), oe_buf_left(&b), NULL, &p, &err) <
	    0) {
		fprintf(stderr, "%s\n", oe_err_text(&err));
		exit(1);
	}
	printf("parse %zu rules, %zu KB: %.1f ms\n", oe_policy_count(p),
	    oe_buf_left(&b) / 1024, (now_us() - begin) / 1e3);
	oe_buf_done(&b);
	return p;
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(const char *what, const struct oe_policy *p,
    const struct oe_policy_subject *s)
{
	static double us[ROUNDS];
	struct oe_policy_verdict v;
	double begin;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		begin = now_us();
		oe_policy_decide(p, s, &v);
		us[i] = now_us() - begin;
	}
	qsort(us, ROUNDS, sizeof *us, order);
	printf("%-34s median %6.1f us, p99 %6.1f us, rule %s\n", what,
	    us[ROUNDS / 2], us[ROUNDS * 99 / 100], v.rule_id ? v.rule_id : "-");
}

int
main(void)
{
	struct oe_policy *p = document();
	struct oe_strs few = {NULL, 0}, many = {NULL, 0};
	struct oe_addr addr = {2, {10, 39, 15, 1}};
	struct oe_policy_subject s = {
	    .requested_user = "u7", .now_s = 1772452800};
	int i;

	for (i = 0; i < TAGS; i++) {
		oe_strs_add_take(&many, oe_mem_printf("tag-%d", i));
		if (i < 5)
			oe_strs_add_take(&few, oe_mem_printf("tag-%d", i));
	}
	measure("nobody", p, &s);
	s.user_email = "user-9999@example.org";
	s.requested_user = "deploy";
	measure("the last rule by address", p, &s);
	s.source = &addr;
	s.tags = &few;
	s.requested_user = "u49";
	measure("five tags, an address, a source", p, &s);
	s.tags = &many;
	s.requested_user = "nobody";
	measure("a device with 1000 tags, no rule", p, &s);
	s.requested_user = "deploy";
	measure("a device with 1000 tags, a rule", p, &s);
	oe_strs_done(&few);
	oe_strs_done(&many);
	oe_policy_free(&p);
	return 0;
}
