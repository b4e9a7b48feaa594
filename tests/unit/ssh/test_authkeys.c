/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/net/cidr.h"
#include "core/ssh/authkeys.h"
#include "core/ssh/cert.h"
#include "keygen.h"

#define NOW 1735689600 /* 2025-01-01 */

/* Public halves only; the private ones were never kept. */
#define KEY_A                                                                  \
	"ssh-ed25519 "                                                         \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B                                                                  \
	"ssh-ed25519 "                                                         \
	"AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct diags {
	unsigned n, last_line;
	char last[OE_ERR_MSG_MAX];
};

static void
on_diag(void *arg, unsigned line, const char *text)
{
	struct diags *d = arg;

	d->n++;
	d->last_line = line;
	snprintf(d->last, sizeof d->last, "%s", text);
}

static int
match(const char *file, const char *key, const char *from,
    struct oe_authkeys_rule *rule, struct diags *d)
{
	struct oe_pubkey k;
	struct oe_addr a;
	struct oe_authkeys_query q = {.key = &k,
	    .user = "me",
	    .addr = &a,
	    .now_s = NOW,
	    .diag = on_diag,
	    .arg = d};
	int r;

	memset(d, 0, sizeof *d);
	assert_int_equal(oe_pubkey_parse_line(key, &k, NULL), 0);
	assert_int_equal(oe_addr_parse(from, &a, NULL), 0);
	r = oe_authkeys_match(file, strlen(file), &q, rule, NULL);
	oe_pubkey_done(&k);
	return r;
}

static void
test_lines(void **state)
{
	static const struct {
		const char *file;
		unsigned line, diags; /* line 0: nothing accepts */
	} t[] = {
	    {KEY_A, 1, 0},
	    {KEY_A "\n", 1, 0},
	    {KEY_A " me@host and more\r\n", 1, 0},
	    {"\n# " KEY_A "\n \t" KEY_A "\n", 3, 0},
	    {KEY_B "\n" KEY_A "\n", 2, 0},
	    {"restrict \t " KEY_A "\n", 1, 0},
	    {"", 0, 0},
	    {"\n\n", 0, 0},
	    {KEY_B "\n", 0, 0},
	    {"nonsense\n" KEY_A "\n", 2, 1},
	    {"unknown-option " KEY_A "\n" KEY_A "\n", 2, 1},
	    {"restrict, " KEY_A "\n", 0, 1},
	    {"command=\"x " KEY_A "\n", 0, 1},
	    {"command=\"x y\" " KEY_A "\n", 1, 0},
	    {"command=\"a \\\" b\" " KEY_A "\n", 1, 0},
	    {"from=\"11.0.0.0/8\" " KEY_A "\n", 0, 1},
	    {"from=\"11.0.0.0/8\" " KEY_A "\n" KEY_A "\n", 2, 1},
	    {"from=\"11.0.0.0/8\" " KEY_B "\n" KEY_A "\n", 2, 0},
	    {"from=\"10.0.0.0/8\" " KEY_A "\n", 1, 0},
	    {"expiry-time=\"20241231Z\" " KEY_A "\n", 0, 1},
	    {"expiry-time=\"20250101Z\" " KEY_A "\n", 0, 1},
	    {"expiry-time=\"20250102Z\" " KEY_A "\n", 1, 0},
	    {"cert-authority " KEY_A "\n", 0, 0},
	    {"ssh-dss AAAAB3NzaC1kc3M=\n" KEY_A "\n", 2, 1},
	    {KEY_A "=\n", 0, 1},
	    {"restrict\n" KEY_A "\n", 2, 1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_authkeys_rule rule;
		struct diags d;
		int r = match(t[i].file, KEY_A, "10.0.0.1", &rule, &d);

		if ((r == 0) != (t[i].line != 0) ||
		    (r == 0 && rule.line != t[i].line) || d.n != t[i].diags ||
		    (d.n && !d.last[0]))
			fail_msg("%zu: %d, %u reports, last '%s'", i, r, d.n,
			    d.last);
		if (r == 0)
			oe_authkeys_rule_done(&rule);
		else
			assert_int_equal(r, OE_ENOENT);
	}
}

static void
test_rule(void **state)
{
	struct oe_authkeys_rule rule;
	struct diags d;

	(void)state;
	assert_int_equal(
	    match("restrict,command=\"c\",expiry-time=\"20300101Z\" " KEY_A
		  " a comment",
		KEY_A, "10.0.0.1", &rule, &d),
	    0);
	assert_false(rule.grant.pty);
	assert_string_equal(rule.grant.force_command, "c");
	assert_string_equal(rule.comment, "a comment");
	assert_int_equal(rule.grant.not_after_s, 1893456000);
	oe_authkeys_rule_done(&rule);
}

static void
test_bounds(void **state)
{
	char *file = oe_mem_zalloc(OE_AUTHKEYS_FILE_MAX + 2);
	struct oe_authkeys_rule rule;
	struct diags d;

	(void)state;
	memset(file, '#', OE_AUTHKEYS_FILE_MAX + 1);
	assert_int_equal(match(file, KEY_A, "10.0.0.1", &rule, &d), OE_ETOOBIG);
	memset(file, 'x', OE_AUTHKEYS_LINE_MAX + 1);
	snprintf(file + OE_AUTHKEYS_LINE_MAX + 1, 200, "\n%s\n", KEY_A);
	assert_int_equal(match(file, KEY_A, "10.0.0.1", &rule, &d), 0);
	assert_int_equal(rule.line, 2);
	assert_int_equal(d.last_line, 1);
	oe_authkeys_rule_done(&rule);
	memset(file, '\n', OE_AUTHKEYS_LINES_MAX + 1);
	file[OE_AUTHKEYS_LINES_MAX + 1] = 0;
	assert_int_equal(match(file, KEY_A, "10.0.0.1", &rule, &d), OE_ETOOBIG);
	free(file);
}

static void
test_certificates(void **state)
{
	static const struct {
		const char *options, *sign;
		const char *word; /* of the report; NULL: accepted */
		const char *command;
	} t[] = {
	    {"cert-authority", "-n me", NULL, NULL},
	    {"cert-authority", "-n you", "principal", NULL},
	    {"cert-authority", "", "no principal", NULL},
	    {"cert-authority,principals=\"ops\"", "-n ops", NULL, NULL},
	    {"cert-authority,principals=\"ops\"", "-n me", "principal", NULL},
	    {"cert-authority,command=\"a\"", "-n me", NULL, "a"},
	    {"cert-authority", "-n me -O force-command=b", NULL, "b"},
	    {"cert-authority,command=\"b\"", "-n me -O force-command=b", NULL,
		"b"},
	    {"cert-authority,command=\"a\"", "-n me -O force-command=b",
		"different forced commands", NULL},
	    {"cert-authority,from=\"11.0.0.0/8\"", "-n me", "from=", NULL},
	    {"cert-authority", "-n me -V 20200101:20210101", "expired", NULL},
	};
	size_t i;

	keygen_need(state);
	keygen_run("ssh-keygen -q -t ed25519 -N '' -f ca; "
		   "ssh-keygen -q -t ed25519 -N '' -f user");
	for (i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct oe_authkeys_rule rule;
		struct oe_pubkey k;
		struct oe_cert c;
		struct oe_addr a;
		struct diags d = {0};
		struct oe_authkeys_query q = {
		    &k, &c, "me", &a, NOW, on_diag, &d};
		char *ca = keygen_line("ca"), *file;
		int r;

		keygen_run("ssh-keygen -q -s ca -I id %s user.pub", t[i].sign);
		keygen_pub("user-cert", &k);
		assert_int_equal(oe_cert_parse(k.blob, k.len, &c, NULL), 0);
		assert_int_equal(oe_addr_parse("10.0.0.1", &a, NULL), 0);
		/* the plain line of the CA accepts nothing */
		file = oe_mem_printf("%s\n%s %s\n", ca, t[i].options, ca);
		r = oe_authkeys_match(file, strlen(file), &q, &rule, NULL);
		if ((r == 0) != !t[i].word ||
		    (t[i].word && !strstr(d.last, t[i].word)))
			fail_msg("%zu: %d '%s'", i, r, d.last);
		if (r == 0) {
			assert_int_equal(rule.line, 2);
			assert_true(
			    oe_str_eq(rule.grant.force_command, t[i].command));
			oe_authkeys_rule_done(&rule);
		}
		free(file);
		free(ca);
		oe_cert_done(&c);
		oe_pubkey_done(&k);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_rule),
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_certificates),
	};

	setenv("TZ", "UTC0", 1);
	tzset();
	return cmocka_run_group_tests(tests, keygen_begin, keygen_end);
}
