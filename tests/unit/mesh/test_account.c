/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/account.h"

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
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/mesh/login.h"

struct place {
	char home[64];
	char *ours, *foreign;
};

static int
begin(void **state)
{
	struct place *p = oe_mem_zalloc(sizeof *p);
	char *folder;

	snprintf(p->home, sizeof p->home, "/tmp/oe-account.XXXXXX");
	assert_non_null(mkdtemp(p->home));
	setenv("HOME", p->home, 1);
	folder = oe_mem_printf("%s/.omniedge", p->home);
	assert_int_equal(mkdir(folder, 0700), 0);
	p->ours = oe_mem_printf("%s/omniedge-ssh.json", folder);
	p->foreign = oe_mem_printf("%s/auth.json", folder);
	free(folder);
	*state = p;
	return 0;
}

static int
end(void **state)
{
	struct place *p = *state;
	char *paths[] = {oe_mem_printf("%s.lock", p->ours),
	    oe_mem_printf("%s.lock", p->foreign), p->ours, p->foreign,
	    oe_mem_printf("%s/.omniedge", p->home), oe_mem_strdup(p->home)};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(paths); i++) {
		(void)!remove(paths[i]);
		free(paths[i]);
	}
	free(p);
	return 0;
}

static void
put(const char *path, const char *text, mode_t mode)
{
	assert_int_equal(
	    oe_fd_write_file(path, text, strlen(text), mode, NULL), 0);
}

static struct oe_jval *
get(const char *path)
{
	struct oe_jval *v = NULL;
	struct oe_buf b;

	assert_int_equal(oe_fd_read_file(path, 1 << 16, &b, NULL), 0);
	assert_int_equal(
	    oe_jval_parse(oe_buf_head(&b), oe_buf_left(&b), &v, NULL), 0);
	oe_buf_done(&b);
	return v;
}

#define OURS(more)                                                             \
	"{\"version\":1,\"origin\":\"https://ctl.lab:8443\",\"token\":\"t\","  \
	"\"refresh_token\":\"r\"" more "}"
#define GO                                                                     \
	"{\"authresponse\":{\"token\":\"gt\",\"refreshtoken\":\"gr\"},"        \
	"\"device\":{\"uuid\":\"dev_1\"},\"password\":\"kept\",\"network\":"   \
	"\"\"}"
#define RUST                                                                   \
	"{\"auth_response\":{\"token\":\"rt\",\"access_token\":\"rt\","        \
	"\"refresh_token\":\"rr\",\"email\":\"a@b\",\"user_id\":\"usr_1\"},"   \
	"\"token_obtained_at\":5,\"device_uuid\":\"dev_2\","                   \
	"\"last_network_id\":\"vnw_1\",\"identity_private_key\":\"kept\"}"

static void
which_file(void **state)
{
	struct place *p = *state;
	struct oe_mesh_account a = {0};

	assert_int_equal(oe_mesh_account_load(NULL, &a, NULL), OE_ENOENT);
	put(p->foreign, GO, 0644);
	assert_int_equal(oe_mesh_account_load(NULL, &a, NULL), 0);
	assert_int_equal(a.shape, OE_MESH_SHAPE_GO);
	assert_string_equal(a.token, "gt");
	assert_string_equal(a.refresh, "gr");
	assert_string_equal(a.device_id, "dev_1");
	assert_null(a.origin);
	oe_mesh_account_done(&a);
	put(p->ours, OURS(",\"user\":{\"id\":\"usr_9\"}"), 0600);
	assert_int_equal(oe_mesh_account_load(NULL, &a, NULL), 0);
	assert_int_equal(a.shape, OE_MESH_SHAPE_OURS);
	assert_string_equal(a.origin, "https://ctl.lab:8443");
	assert_string_equal(a.user_id, "usr_9");
	oe_mesh_account_done(&a);
	put(p->foreign, RUST, 0600);
	assert_int_equal(oe_mesh_account_load(p->foreign, &a, NULL), 0);
	assert_int_equal(a.shape, OE_MESH_SHAPE_RUST);
	assert_string_equal(a.network_id, "vnw_1");
	assert_true(a.oauth);
	oe_mesh_account_done(&a);
}

static void
files_not_to_believe(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		int r;
	} cases[] = {
	    {OURS(""), 0644, OE_EPERM},
	    {OURS(""), 0640, OE_EPERM},
	    {GO, 0664, OE_EPERM},
	    {GO, 0666, OE_EPERM},
	    {"", 0600, OE_ECONF},
	    {"{}", 0600, OE_ECONF},
	    {"[]", 0600, OE_ECONF},
	    {"{\"token\":\"t\"}", 0600, OE_ECONF},
	    {"{\"version\":2,\"token\":\"t\"}", 0600, OE_ECONF},
	    {"{\"version\":1,\"token\":\"t\"}", 0600, OE_ECONF},
	    {"{\"version\":1,\"token\":\"t\",\"origin\":\"http://h\"}", 0600,
		OE_ECONF},
	    {"{\"authresponse\":null}", 0600, OE_ECONF},
	    {"{\"auth_response\":{\"token\":\"a b\"}}", 0600, OE_ECONF},
	};
	struct place *p = *state;
	struct oe_mesh_account a = {0};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		put(p->ours, cases[i].text, cases[i].mode);
		if (oe_mesh_account_load(NULL, &a, NULL) != cases[i].r)
			fail_msg("%s", cases[i].text);
	}
	unlink(p->ours);
	assert_int_equal(mkdir(p->ours, 0700), 0);
	assert_int_equal(oe_mesh_account_load(NULL, &a, NULL), OE_EPERM);
	rmdir(p->ours);
}

static void
renew(struct oe_mesh_account *a)
{
	struct oe_mesh_tokens t = {
	    .token = oe_mem_strdup("new"), .refresh = oe_mem_strdup("next")};

	oe_mesh_account_take(a, &t);
	assert_int_equal(oe_mesh_account_save(a, NULL), 0);
}

static void
foreign_files_keep_what_is_in_them(void **state)
{
	struct place *p = *state;
	struct oe_mesh_account a = {0};
	const struct oe_jval *in;
	struct oe_jval *v;

	put(p->foreign, GO, 0644);
	assert_int_equal(oe_mesh_account_load(NULL, &a, NULL), 0);
	renew(&a);
	oe_mesh_account_done(&a);
	v = get(p->foreign);
	in = oe_jval_get(v, "authresponse");
	assert_string_equal(oe_jval_get_text(in, "token"), "new");
	assert_string_equal(oe_jval_get_text(in, "refreshtoken"), "next");
	assert_int_equal(oe_jval_size(in), 2);
	assert_string_equal(oe_jval_get_text(v, "password"), "kept");
	oe_jval_free(&v);

	put(p->foreign, RUST, 0600);
	assert_int_equal(oe_mesh_account_load(NULL, &a, NULL), 0);
	renew(&a);
	oe_mesh_account_done(&a);
	v = get(p->foreign);
	in = oe_jval_get(v, "auth_response");
	assert_string_equal(oe_jval_get_text(in, "token"), "new");
	assert_string_equal(oe_jval_get_text(in, "access_token"), "new");
	assert_string_equal(oe_jval_get_text(in, "refresh_token"), "next");
	assert_string_equal(oe_jval_get_text(in, "email"), "a@b");
	assert_string_equal(
	    oe_jval_get_text(v, "identity_private_key"), "kept");
	oe_jval_free(&v);
}

/* What another process renewed meanwhile is not undone by a later save. */
static void
two_processes(void **state)
{
	struct place *p = *state;
	struct oe_mesh_account a = {0}, b = {0};
	struct stat st;

	put(p->ours, OURS(""), 0600);
	assert_int_equal(oe_mesh_account_load(NULL, &a, NULL), 0);
	assert_int_equal(oe_mesh_account_load(NULL, &b, NULL), 0);
	renew(&a);
	b.device_id = oe_mem_strdup("dev_7");
	assert_int_equal(oe_mesh_account_save(&b, NULL), 0);
	assert_string_equal(b.token, "new");
	/* a refused token that is no longer in the file asks nobody */
	assert_int_equal(oe_mesh_account_refresh(&a, NULL, "t", NULL), 0);
	oe_mesh_account_done(&a);
	oe_mesh_account_done(&b);
	assert_int_equal(oe_mesh_account_load(NULL, &a, NULL), 0);
	assert_string_equal(a.token, "new");
	assert_string_equal(a.refresh, "next");
	assert_string_equal(a.device_id, "dev_7");
	oe_mesh_account_done(&a);
	assert_int_equal(stat(p->ours, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
removal(void **state)
{
	struct place *p = *state;
	struct oe_mesh_account a = {0};

	put(p->ours, OURS(""), 0600);
	assert_int_equal(oe_mesh_account_remove(p->ours, NULL), 0);
	assert_int_equal(oe_mesh_account_remove(p->ours, NULL), 0);
	assert_int_equal(oe_mesh_account_load(NULL, &a, NULL), OE_ENOENT);
}

#define ONE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ONE(which_file),
	    ONE(files_not_to_believe),
	    ONE(foreign_files_keep_what_is_in_them),
	    ONE(two_processes),
	    ONE(removal),
	};

	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
