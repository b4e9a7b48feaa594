/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/hostkey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/ssh/ssh.h"

static char dir[] = "/tmp/oe-hostkey-XXXXXX";
static char sub[64], ed[96], rsa[96];

static int
group_setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || oe_ssh_global_init(NULL) < 0)
		return -1;
	snprintf(sub, sizeof sub, "%s/a/b", dir);
	snprintf(ed, sizeof ed, "%s/ssh_host_ed25519_key", sub);
	snprintf(rsa, sizeof rsa, "%s/ssh_host_rsa_key", sub);
	return 0;
}

static int
group_teardown(void **state)
{
	char a[64];

	(void)state;
	snprintf(a, sizeof a, "%s/a", dir);
	unlink(ed);
	unlink(rsa);
	rmdir(sub);
	rmdir(a);
	return rmdir(dir);
}

static void
read_file(const char *path, struct oe_buf *ret)
{
	assert_int_equal(oe_fd_read_file(path, 65536, ret, NULL), 0);
}

/* Made once, in a directory that is made too; found again the same. */
static void
test_make_and_find(void **state)
{
	struct oe_ssh_hostkeys *k = NULL;
	char *first[2];
	struct stat st;
	size_t i;

	(void)state;
	assert_int_equal(oe_ssh_hostkeys_load(sub, false, &k, NULL), OE_ESYS);
	assert_null(k);
	assert_int_equal(oe_ssh_hostkeys_load(sub, true, &k, NULL), 0);
	assert_int_equal(oe_ssh_hostkeys_count(k), 2);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(ed, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(rsa, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_ptr_equal(
	    strstr(oe_ssh_hostkeys_describe(k, 0), "ssh-ed25519 SHA256:"),
	    oe_ssh_hostkeys_describe(k, 0));
	assert_ptr_equal(
	    strstr(oe_ssh_hostkeys_describe(k, 1), "ssh-rsa SHA256:"),
	    oe_ssh_hostkeys_describe(k, 1));
	assert_null(oe_ssh_hostkeys_describe(k, 2));
	for (i = 0; i < 2; i++)
		first[i] = oe_mem_strdup(oe_ssh_hostkeys_describe(k, i));
	oe_ssh_hostkeys_free(&k);
	assert_null(k);
	oe_ssh_hostkeys_free(&k);
	assert_int_equal(oe_ssh_hostkeys_load(sub, true, &k, NULL), 0);
	for (i = 0; i < 2; i++) {
		assert_string_equal(oe_ssh_hostkeys_describe(k, i), first[i]);
		oe_mem_free(&first[i]);
	}
	oe_ssh_hostkeys_free(&k);
	/* one file stands for itself */
	assert_int_equal(oe_ssh_hostkeys_load(ed, false, &k, NULL), 0);
	assert_int_equal(oe_ssh_hostkeys_count(k), 1);
	oe_ssh_hostkeys_free(&k);
}

static void
refused(const char *path, const char *why)
{
	struct oe_ssh_hostkeys *k = NULL;
	struct oe_err err = OE_ERR_INIT;

	assert_int_equal(oe_ssh_hostkeys_load(path, true, &k, &err), OE_ECONF);
	assert_null(k);
	if (!strstr(err.msg, why) || !strstr(err.msg, ed))
		fail_msg("'%s' does not say '%s' of %s", err.msg, why, ed);
}

/* What is wrong is named; the file is left as it was, never replaced. */
static void
test_refused(void **state)
{
	static const char *const bad[] = {"", "not a key\n",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"
	    "-----END OPENSSH PRIVATE KEY-----\n"};
	struct oe_buf good, now;
	size_t i;

	(void)state;
	read_file(ed, &good);
	assert_int_equal(chmod(ed, 0640), 0);
	refused(sub, "can be read by others (mode 0640)");
	assert_int_equal(chmod(ed, 0604), 0);
	refused(ed, "chmod 600");
	for (i = 0; i < OE_ARRAY_LEN(bad); i++) {
		assert_int_equal(
		    oe_fd_write_file(ed, bad[i], strlen(bad[i]), 0600, NULL),
		    0);
		refused(sub, "not a private key");
		read_file(ed, &now);
		assert_int_equal(oe_buf_left(&now), strlen(bad[i]));
		oe_buf_done(&now);
	}
	/* cut off in the middle */
	assert_int_equal(oe_fd_write_file(ed, oe_buf_head(&good),
			     oe_buf_left(&good) / 2, 0600, NULL),
	    0);
	refused(sub, "not a private key");
	assert_int_equal(unlink(ed), 0);
	assert_int_equal(mkdir(ed, 0700), 0);
	refused(sub, "not a regular file");
	assert_int_equal(rmdir(ed), 0);
	assert_int_equal(mkfifo(ed, 0600), 0);
	refused(sub, "not a regular file");
	assert_int_equal(unlink(ed), 0);
	if (geteuid() == 0) {
		assert_int_equal(oe_fd_write_file(ed, oe_buf_head(&good),
				     oe_buf_left(&good), 0600, NULL),
		    0);
		assert_int_equal(chown(ed, 65534, 65534), 0);
		refused(sub, "belongs to user id 65534");
		assert_int_equal(unlink(ed), 0);
	}
	oe_buf_done(&good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_make_and_find),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
