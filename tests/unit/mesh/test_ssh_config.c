/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/ssh_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/mesh/directory.h"
#include "mesh/peer_ssh.h"

#define KEY                                                                    \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIiIiIiIiIiIiIiIiIiIiIiIiIiIiIi"  \
	"IiIiIiIiIiIiI"

/* What came of a directory. */
struct texts {
	struct oe_buf config, known;
	struct oe_strs left_out;
};

static bool
taken(void *arg, const char *name)
{
	(void)arg;
	return oe_str_eq(name, "mine") || oe_str_eq(name, "lower");
}

static void
left_out(void *arg, const char *name, const char *why)
{
	struct texts *t = arg;

	assert_true(*why);
	oe_strs_add(&t->left_out, name);
}

static struct oe_mesh_dir *
directory(const char *devices, bool is_signed)
{
	char *text = oe_mem_printf(
	    "{\"id\":\"vnw_1\",\"name\":\"lab\",\"devices\":[%s]}", devices);
	struct oe_mesh_networks all = {0};
	struct oe_mesh_network n;
	struct oe_mesh_dir *d = NULL;
	struct oe_jval *v = NULL;

	assert_int_equal(oe_jval_parse(text, strlen(text), &v, NULL), 0);
	assert_int_equal(oe_mesh_network_read(v, 0, &n), 0);
	n.is_signed = is_signed;
	assert_int_equal(oe_mesh_networks_add(&all, &n), 0);
	assert_int_equal(oe_mesh_dir_make(&all, "o", 1, &d, NULL), 0);
	oe_mesh_networks_done(&all);
	oe_jval_free(&v);
	free(text);
	return d;
}

static void
write_up(const char *devices, bool is_signed, struct oe_sshcfg_plan plan,
    struct texts *ret)
{
	struct oe_mesh_dir *d = directory(devices, is_signed);

	memset(ret, 0, sizeof *ret);
	oe_buf_init(&ret->config, 1 << 20);
	oe_buf_init(&ret->known, 1 << 20);
	plan.is_taken = taken;
	plan.left_out = left_out;
	plan.arg = ret;
	plan.known_hosts = "/h/known";
	assert_int_equal(
	    oe_sshcfg_write(d, &plan, &ret->config, &ret->known, NULL), 0);
	oe_buf_put_u8(&ret->config, 0);
	oe_buf_put_u8(&ret->known, 0);
	oe_mesh_dir_free(&d);
}

static void
texts_done(struct texts *t)
{
	oe_buf_done(&t->config);
	oe_buf_done(&t->known);
	oe_strs_done(&t->left_out);
}

static const char *
text_of(const struct oe_buf *b)
{
	return (const char *)oe_buf_head(b);
}

/* Everything behind the line of the comment. */
static const char *
blocks(const struct texts *t)
{
	return strchr(text_of(&t->config), '\n') + 1;
}

static void
which_names_are_there(void **state)
{
	static const struct {
		const char *name, *suffix, *host; /* after "Host " */
	} cases[] = {
	    {"robot-1", NULL, "robot-1 dev_1 10.0.0.1"},
	    {"Robot", NULL, "Robot robot dev_1 10.0.0.1"},
	    {"a.example.com", NULL, "dev_1 10.0.0.1"},
	    {"a.example.com", ".mesh", "a.example.com.mesh dev_1 10.0.0.1"},
	    {"localhost", NULL, "dev_1 10.0.0.1"},
	    {"LocalHost", NULL, "dev_1 10.0.0.1"},
	    {"mine", NULL, "dev_1 10.0.0.1"},
	    {"mine", ".mesh", "mine.mesh dev_1 10.0.0.1"},
	    {"LOWER", NULL, "dev_1 10.0.0.1"},
	    {"two words", NULL, "dev_1 10.0.0.1"},
	    {"tab\\tx", NULL, "dev_1 10.0.0.1"},
	    {"x\\nProxyCommand y", NULL, "dev_1 10.0.0.1"},
	    {"x\\rHost y", NULL, "dev_1 10.0.0.1"},
	    {"*", NULL, "dev_1 10.0.0.1"},
	    {"rob?t", NULL, "dev_1 10.0.0.1"},
	    {"!x", NULL, "dev_1 10.0.0.1"},
	    {"a,b", NULL, "dev_1 10.0.0.1"},
	    {"\\\"q", NULL, "dev_1 10.0.0.1"},
	    {"'q", NULL, "dev_1 10.0.0.1"},
	    {"#x", NULL, "dev_1 10.0.0.1"},
	    {"%h", NULL, "dev_1 10.0.0.1"},
	    {"a=b", NULL, "dev_1 10.0.0.1"},
	    {"-oProxyCommand", NULL, "dev_1 10.0.0.1"},
	    {".hidden", ".mesh", "dev_1 10.0.0.1"},
	    {"../x", NULL, "dev_1 10.0.0.1"},
	    {"\\u00c4ra", NULL, "dev_1 10.0.0.1"},
	    {"dev_2", NULL, "dev_1 10.0.0.1"},
	    {"twin", NULL, "dev_1 10.0.0.1"},
	};
	struct texts t;
	char *devices, *want;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		devices = oe_mem_printf(
		    "{\"id\":\"dev_1\",\"name\":\"%s\",\"virtual_ip\":"
		    "\"10.0.0.1\"},{\"id\":\"dev_2\",\"name\":\"TWIN\"}",
		    cases[i].name);
		want = oe_mem_printf("Host %s\n", cases[i].host);
		write_up(devices, false,
		    (struct oe_sshcfg_plan){.suffix = cases[i].suffix}, &t);
		assert_int_equal(strncmp(blocks(&t), want, strlen(want)), 0);
		assert_null(strstr(blocks(&t), "\nHost "));
		assert_null(strstr(blocks(&t), "ProxyCommand"));
		assert_int_equal(
		    t.left_out.n, oe_str_starts(cases[i].host, "dev_1"));
		texts_done(&t);
		free(devices);
		free(want);
	}
}

static void
what_is_told_of_a_peer(void **state)
{
	static const char device[] =
	    "{\"id\":\"dev_1\",\"name\":\"a\",\"virtual_ip_v6\":\"fd00::1\","
	    "\"host_keys\":[\"" KEY "\",\"ssh-ed25519 AAAA\",\"x y\"]}";
	static const char with_port[] = "{\"id\":\"dev_1\",\"name\":\"a\","
					"\"virtual_ip\":\"100.64.0.1\","
					"\"ssh_port\":2200}";
	struct oe_sshcfg_plan plan = {
	    .user = "me", .port = 2222, .program = "/bin/omniedge"};
	struct texts t;

	(void)state;
	oe_strs_add(&plan.identities, "/h/50%/key");
	write_up(device, true, plan, &t);
	assert_string_equal(blocks(&t),
	    "Host a dev_1 fd00::1\n"
	    "\tHostName fd00::1\n"
	    "\tProxyCommand /bin/omniedge nc -- dev_1@vnw_1 %p\n"
	    "\tPort 2222\n"
	    "\tUser me\n"
	    "\tHostKeyAlias dev_1.vnw_1.omniedge\n"
	    "\tUserKnownHostsFile \"/h/known\"\n"
	    "\tGlobalKnownHostsFile /dev/null\n"
	    "\tStrictHostKeyChecking yes\n"
	    "\tIdentityFile \"/h/50%%/key\"\n");
	assert_string_equal(
	    text_of(&t.known), "dev_1.vnw_1.omniedge " KEY "\n");
	texts_done(&t);
	/* the port is the peer's, where nothing else is wanted */
	plan.port = 0;
	write_up(with_port, true, plan, &t);
	assert_non_null(strstr(blocks(&t), "\tPort 2200\n"));
	texts_done(&t);
	write_up(with_port, false, plan, &t);
	assert_null(strstr(blocks(&t), "Port"));
	texts_done(&t);
	/* keys that nobody signed for */
	write_up(device, false, plan, &t);
	assert_null(strstr(blocks(&t), "KnownHosts"));
	assert_string_equal(text_of(&t.known), "");
	texts_done(&t);
	oe_strs_done(&plan.identities);
}

static void
file_names(void **state)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
	    {"/a/b", "\"/a/b\""},
	    {"/a b", "\"/a b\""},
	    {"/50%", "\"/50%%\""},
	    {"", NULL},
	    {"/a\"b", NULL},
	    {"/a'b", NULL},
	    {"/a\\b", NULL},
	    {"/${HOME}", NULL},
	    {"/a\nb", NULL},
	};
	size_t i;
	char *got;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		got = oe_sshcfg_quote(cases[i].path);
		assert_true(oe_str_eq(got, cases[i].want));
		free(got);
	}
}

static void
a_line_once(void **state)
{
	static const struct {
		const char *text, *with, *without;
	} cases[] = {
	    {"", "Include \"/c\"\n", ""},
	    {"Host a\n", "Include \"/c\"\nHost a\n", "Host a\n"},
	    {"no end", "Include \"/c\"\nno end", "no end"},
	    {"Include \"/c\"\nx\n", "Include \"/c\"\nx\n", "x\n"},
	    {"x\nInclude \"/c\"\r\ny", "Include \"/c\"\nx\ny", "x\ny"},
	    {"Include \"/cc\"\n", "Include \"/c\"\nInclude \"/cc\"\n",
		"Include \"/cc\"\n"},
	    {"# Include \"/c\"\n", "Include \"/c\"\n# Include \"/c\"\n",
		"# Include \"/c\"\n"},
	};
	size_t i;
	char *got;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		got = oe_sshcfg_with(cases[i].text, "\"/c\"");
		assert_string_equal(got, cases[i].with);
		free(got);
		got = oe_sshcfg_without(cases[i].text, "\"/c\"");
		assert_string_equal(got, cases[i].without);
		free(got);
	}
}

static void
aliases(void **state)
{
	char *a = oe_peer_alias("vnw_1", "dev_1");
	char *b = oe_peer_alias("vnw_1", "dev_A");
	char *c = oe_peer_alias("vnw_1", "dev_a");
	char *d = oe_peer_alias("Vnw_1", "dev_a");

	(void)state;
	assert_string_equal(a, "dev_1.vnw_1.omniedge");
	assert_string_equal(c, "dev_a.vnw_1.omniedge");
	assert_true(oe_str_starts(b, "dev_a.vnw_1."));
	assert_string_not_equal(b, c);
	assert_string_not_equal(b, d);
	free(a);
	free(b);
	free(c);
	free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(which_names_are_there),
	    cmocka_unit_test(what_is_told_of_a_peer),
	    cmocka_unit_test(file_names),
	    cmocka_unit_test(a_line_once),
	    cmocka_unit_test(aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
