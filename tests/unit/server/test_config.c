/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings from a file through the command's own table, as ssh-server gets
 * them; what is refused names the place it came from.
 */
#include "server/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/app/internal.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/ssh/hostkey.h"
#include "core/ssh/serve.h"
#include "core/ssh/ssh.h"
#include "server/commands.h"

static char dir[] = "/tmp/oe-config-XXXXXX";
static char keys[64], file[64], good[64], loose[64];
static const struct oe_module_set modules;

static int
group_setup(void **state)
{
	struct oe_ssh_hostkeys *k;

	(void)state;
	if (!mkdtemp(dir) || oe_ssh_global_init(NULL) < 0)
		return -1;
	snprintf(keys, sizeof keys, "%s/keys", dir);
	snprintf(file, sizeof file, "%s/conf", dir);
	snprintf(good, sizeof good, "%s/good", dir);
	snprintf(loose, sizeof loose, "%s/loose", dir);
	if (oe_fd_write_file(good, "hi\n", 3, 0644, NULL) < 0 ||
	    oe_fd_write_file(loose, "hi\n", 3, 0666, NULL) < 0 ||
	    chmod(loose, 0666) < 0 ||
	    oe_ssh_hostkeys_load(keys, true, &k, NULL) < 0)
		return -1;
	oe_ssh_hostkeys_free(&k);
	return 0;
}

static int
group_teardown(void **state)
{
	char path[96];

	(void)state;
	snprintf(path, sizeof path, "%s/ssh_host_ed25519_key", keys);
	unlink(path);
	snprintf(path, sizeof path, "%s/ssh_host_rsa_key", keys);
	unlink(path);
	rmdir(keys);
	unlink(good);
	unlink(loose);
	return rmdir(dir);
}

/* @text: lines of the section; '@' stands for the test's directory. */
static int
load(const char *text, struct oe_srv_config **ret, struct oe_err *err)
{
	const struct oe_command *command = &oe_srv_command_ssh_server;
	struct oe_values *v = NULL;
	struct oe_buf b;
	const char *at;
	int r;

	oe_buf_init(&b, 65536);
	(void)oe_buf_printf(&b, "[ssh-server]\n");
	if (!strstr(text, "host-key-path"))
		(void)oe_buf_printf(&b, "host-key-path = %s\n", keys);
	for (at = text; *at; at++) {
		if (*at == '@')
			(void)oe_buf_printf(&b, "%s", dir);
		else
			(void)oe_buf_put_u8(&b, (uint8_t)*at);
	}
	(void)oe_buf_put_u8(&b, 0);
	r = oe_app__values_new(command, &v, err);
	assert_int_equal(r, 0);
	r = oe_app__config_text(&modules, file, (const char *)oe_buf_head(&b),
	    OE_SOURCE_SYSTEM_FILE, v, err);
	if (r == 0)
		r = oe_app__values_close(v, OE_SOURCE_SYSTEM_FILE, err);
	if (r == 0)
		r = oe_srv_config_load(&modules, v, false, ret, err);
	oe_values_free(&v);
	oe_buf_done(&b);
	return r;
}

static bool
allowed(const struct oe_srv_config *c, const char *address)
{
	struct oe_addr a;

	assert_int_equal(oe_addr_parse(address, &a, NULL), 0);
	return !c->allow || oe_cidr_list_contains(c->allow, &a);
}

static void
test_defaults(void **state)
{
	struct oe_srv_config *c = NULL;

	(void)state;
	assert_int_equal(load("", &c, NULL), 0);
	assert_int_equal(c->port, 2222);
	assert_int_equal(c->binds.n, 1);
	assert_string_equal(c->binds.v[0], "0.0.0.0");
	assert_string_equal(c->device_id, "standalone-server");
	assert_int_equal(c->methods, OE_SSH_AUTH_PUBLICKEY);
	assert_true(c->strict_modes);
	assert_false(c->permissive);
	assert_false(c->trust_network);
	assert_false(c->quiet);
	assert_int_equal(c->login_grace_s, 60);
	assert_int_equal(c->max_auth_tries, 6);
	assert_int_equal(c->authorized_keys.n, 1);
	assert_string_equal(c->authorized_keys.v[0], ".ssh/authorized_keys");
	assert_int_equal(oe_ssh_hostkeys_count(c->hostkeys), 2);
	assert_null(c->force_command);
	assert_null(c->banner);
	oe_srv_config_free(&c);
	assert_null(c);
	oe_srv_config_free(&c);
}

static void
test_networks(void **state)
{
	static const struct {
		const char *text;
		bool lan, mesh, loop, world, six;
	} cases[] = {
	    {"", true, true, true, false, false},
	    {"permissive = yes\n", true, true, true, true, true},
	    {"localhost-only = yes\n", false, false, true, false, false},
	    {"allow-network = 100.64.0.0/10\n", false, true, false, false,
		false},
	    {"allow-network = 8.8.8.0/24\nallow-network = 2001:db8::/32\n",
		false, false, false, true, true},
	};
	struct oe_srv_config *c = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		assert_int_equal(load(cases[i].text, &c, NULL), 0);
		assert_int_equal(allowed(c, "192.168.1.9"), cases[i].lan);
		assert_int_equal(allowed(c, "100.64.3.4"), cases[i].mesh);
		assert_int_equal(allowed(c, "127.0.0.1"), cases[i].loop);
		assert_int_equal(allowed(c, "8.8.8.8"), cases[i].world);
		assert_int_equal(allowed(c, "2001:db8::1"), cases[i].six);
		/* what --trust-network means is private, whatever is allowed */
		assert_non_null(c->trusted);
		oe_srv_config_free(&c);
	}
}

static void
test_values(void **state)
{
	struct oe_srv_config *c = NULL;

	(void)state;
	assert_int_equal(
	    load("port = 22022\nauth = password,keyboard-interactive\n"
		 "max-startups = 3:50:9\nban-time = 2m\n"
		 "ban-exempt = 10.0.0.0/8\nsubsystem = echo:/bin/cat -u\n"
		 "banner = @/good\nforce-command = /bin/true\n"
		 "agent-forwarding = no\nmax-channels = 4\n"
		 "idle-timeout = 1h\nrekey-bytes = 1G\nquiet = yes\n",
		&c, NULL),
	    0);
	assert_int_equal(c->port, 22022);
	assert_int_equal(c->methods, OE_SSH_AUTH_PASSWORD | OE_SSH_AUTH_KBDINT);
	assert_int_equal(c->limits.ban_ms, 120000);
	assert_int_equal(c->subsystems.n, 1);
	assert_string_equal(c->subsystems.v[0], "echo:/bin/cat -u");
	assert_string_equal(c->banner, "hi\n");
	assert_string_equal(c->force_command, "/bin/true");
	assert_false(c->standalone.grant.agent);
	assert_true(c->standalone.grant.pty);
	assert_int_equal(c->standalone.max_sessions, 4);
	assert_int_equal(c->idle_timeout_s, 3600);
	assert_int_equal(c->rekey_bytes, INT64_C(1) << 30);
	assert_true(c->quiet);
	/* PAM is root's only */
	assert_int_equal(c->pam, geteuid() == 0);
	oe_srv_config_free(&c);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {"port = 0\n", "port"},
	    {"port = 70000\n", "port"},
	    {"port = 22x\n", "port"},
	    {"nonsense = 1\n", "nonsense"},
	    {"bind = localhost\n", "bind"},
	    {"allow-network = 10.0.0.0/33\n", "allow-network"},
	    {"allow-network = 10.0.0.0/-1\n", "allow-network"},
	    {"allow-network = 10.0.0.1/8\n", "allow-network"},
	    {"allow-network = 0/0\n", "allow-network"},
	    {"auth = telepathy\n", "auth"},
	    {"user-map = ops\n", "user-map"},
	    {"user-map = ops:no-such-user-here\n", "user-map"},
	    {"default-user = no-such-user-here\n", "default-user"},
	    {"default-user = root\n", "default-user"},
	    {"trusted-ca = @/absent\n", "trusted-ca"},
	    {"trusted-ca = @\n", "trusted-ca"},
	    {"trusted-ca = @/loose\n", "only its owner can write"},
	    {"revoked-keys = @/absent\n", "revoked-keys"},
	    {"banner = @/absent\n", "banner"},
	    {"subsystem = sftp\n", "NAME:COMMAND"},
	    {"subsystem = :x\n", "NAME:COMMAND"},
	    {"subsystem = x:\n", "NAME:COMMAND"},
	    {"max-startups = 9:50:3\n", "max-startups"},
	    {"max-startups = 9\n1\n", ":"},
	    {"ban-exempt = x\n", "ban-exempt"},
	    {"host-key-path = @/good\n", "host-key-path"},
	    {"permissive = yes\nlocalhost-only = yes\n", "localhost-only"},
	    {"max-auth-tries = 0\n", "max-auth-tries"},
	};
	struct oe_srv_config *c = NULL;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_err err = OE_ERR_INIT;

		r = load(cases[i].text, &c, &err);
		if (r >= 0 || c)
			fail_msg("accepted: %s", cases[i].text);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("%s: %s", cases[i].text, err.msg);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
