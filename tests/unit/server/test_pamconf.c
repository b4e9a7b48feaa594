/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pamconf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <security/pam_appl.h>

#include "core/base/fd.h"
#include "core/base/mem.h"

static const struct {
	const char *name, *text;
} files[] = {
    {"main", "# comment pam_no.so\n"
	     "@include common\n"
	     "auth [success=1 default=ignore] pam_a.so nullok # pam_no.so\n"
	     "-session optional pam_b.so\n"
	     "session \\\n required pam_c.so\n"
	     "account include sub\n"
	     "session substack sub\n"
	     "auth required\n"
	     "@include ../../etc/passwd\n"
	     "@include absent\n"
	     "@include main\n"},
    {"common", "auth required pam_deny.so\nSESSION required pam_d.so\n"},
    {"sub", "account required pam_e.so\nsession optional pam_motd.so x\n"},
    {"many", "@include many\n@include many\n@include many\n"},
};

static void
place_fill(const char *dir, bool make)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(files); i++) {
		char *path = oe_mem_printf("%s/%s", dir, files[i].name);

		if (make)
			(void)oe_fd_write_file(path, files[i].text,
			    strlen(files[i].text), 0644, NULL);
		else
			(void)unlink(path);
		oe_mem_free(&path);
	}
}

static void
modules(void **state)
{
	static const char *const all[] = {"pam_deny.so", "pam_d.so", "pam_a.so",
	    "pam_b.so", "pam_c.so", "pam_e.so", "pam_motd.so"};
	char dir[] = "/tmp/oe-pamconf-XXXXXX";
	struct oe_strs got = {NULL, 0};
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	place_fill(dir, true);
	oe_srv_pamconf_modules(dir, "main", NULL, &got);
	assert_int_equal(got.n, OE_ARRAY_LEN(all));
	for (i = 0; i < got.n; i++)
		assert_string_equal(got.v[i], all[i]);
	oe_strs_done(&got);
	oe_srv_pamconf_modules(dir, "main", "account", &got);
	assert_int_equal(got.n, 1);
	oe_strs_done(&got);
	oe_srv_pamconf_modules(dir, "many", NULL, &got);
	oe_srv_pamconf_modules(dir, "../main", NULL, &got);
	assert_int_equal(got.n, 0);
	assert_true(oe_srv_pamconf_prints_motd(dir, "main"));
	assert_false(oe_srv_pamconf_prints_motd(dir, "common"));
	place_fill(dir, false);
	assert_int_equal(rmdir(dir), 0);
}

static void
warm(void **state)
{
	struct oe_strs got = {NULL, 0};

	(void)state;
	/* a reference, or the linker may leave libpam out of this program */
	assert_non_null(pam_strerror(NULL, PAM_SUCCESS));
	oe_srv_pamconf_modules(NULL, "other", NULL, &got);
	/* every system with PAM has "other"; a bare container may not */
	if (got.n == 0)
		skip();
	assert_true(oe_srv_pamconf_warm("other") > 0);
	assert_int_equal(
	    oe_srv_pamconf_warm("other"), oe_srv_pamconf_warm("no-such"));
	oe_strs_done(&got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(modules),
	    cmocka_unit_test(warm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
