/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/directory_format.h"
#include "core/mesh/mesh_internal.h"

#define OWNER "o"

/* Two networks called lab, a device in two networks, names of all kinds. */
static const char *const world[] = {
    "{\"id\":\"vnw_1\",\"name\":\"Lab\",\"ip_range\":\"100.64.0.0/24\","
    "\"devices\":["
    "{\"id\":\"dev_a\",\"name\":\"Robot\",\"virtual_ip\":\"100.64.0.1\","
    "\"virtual_ip_v6\":\"fd00::1\",\"tags\":[\"x\",\"y\"],"
    "\"ssh_port\":2222,\"host_keys\":[\"ssh-ed25519 AAAA\"]},"
    "{\"id\":\"dev_b\",\"name\":\"robot-2\",\"virtual_ip\":\"100.64.0.2\"},"
    "{\"id\":\"dev_b\",\"name\":\"twice\",\"virtual_ip\":\"100.64.0.9\"},"
    "{\"id\":\"dev_c\",\"name\":\"twin\",\"virtual_ip\":\"100.64.0.3\"},"
    "{\"id\":\"dev_d\",\"name\":\"TWIN\",\"virtual_ip\":\"100.64.0.4\"},"
    "{\"id\":\"dev_e\",\"name\":\"dev_a\",\"virtual_ip\":\"100.64.0.5\"},"
    "{\"id\":\"dev_f\",\"name\":\"no address\"},"
    "{\"id\":\"dev_g\",\"name\":\"\\u001b[31mred\",\"virtual_ip\":"
    "\"100.64.0.6\"},"
    "{\"id\":\"dev_h\",\"name\":\"cam@home\",\"virtual_ip\":\"100.64.0.7\"},"
    "{\"id\":\"dev_i\",\"name\":\"\\u00c4ra\",\"virtual_ip\":\"100.64.0.8\"}"
    "]}",
    "{\"id\":\"vnw_2\",\"name\":\"home\",\"devices\":["
    "{\"id\":\"dev_b\",\"name\":\"robot-2\",\"virtual_ip\":\"100.64.0.2\"},"
    "{\"id\":\"dev_j\",\"name\":\"cam\",\"virtual_ip\":\"100.64.1.1\"},"
    "{\"id\":\"dev_k\",\"name\":\"only\",\"virtual_ip_v6\":\"fd00::9\","
    "\"ssh_port\":65536}]}",
    "{\"id\":\"vnw_3\",\"name\":\"home\",\"devices\":["
    "{\"id\":\"dev_l\",\"name\":\"cam\",\"virtual_ip\":\"100.64.1.1\"}]}",
};

static struct oe_mesh_dir *
make_world(int64_t fetched_ms)
{
	struct oe_mesh_networks all = {0};
	struct oe_mesh_network n;
	struct oe_mesh_dir *d = NULL;
	struct oe_jval *v = NULL;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(world); i++) {
		assert_int_equal(
		    oe_jval_parse(world[i], strlen(world[i]), &v, NULL), 0);
		assert_int_equal(oe_mesh_network_read(v, 0, &n), 0);
		assert_int_equal(oe_mesh_networks_add(&all, &n), 0);
		oe_jval_free(&v);
	}
	assert_int_equal(
	    oe_mesh_dir_make(&all, OWNER, fetched_ms, &d, NULL), 0);
	oe_mesh_networks_done(&all);
	return d;
}

static void
what_is_in_a_directory(void **state)
{
	struct oe_mesh_dir *d = make_world(5), *again = NULL;
	struct oe_mesh_entry_network n;
	struct oe_mesh_entry e;
	size_t at = 0;

	(void)state;
	assert_int_equal(oe_mesh_dir_count(d), 13);
	assert_int_equal(oe_mesh_dir_networks(d), 3);
	assert_int_equal(oe_mesh_dir_fetched_ms(d), 5);
	oe_mesh_dir_network_at(d, 0, &n);
	assert_string_equal(n.name, "Lab");
	assert_int_equal(n.devices, 9);
	oe_mesh_dir_network_at(d, 99, &n);
	assert_string_equal(n.name, "");
	assert_true(oe_mesh_dir_find(d, OE_MESH_BY_NAME, "rObOt", &at, &e));
	assert_string_equal(e.tags, "x\ny");
	assert_string_equal(e.ip6, "fd00::1");
	assert_int_equal(e.ssh_port, 2222);
	assert_false(oe_mesh_dir_find(d, OE_MESH_BY_NAME, "rObOt", &at, &e));
	at = 0;
	assert_true(oe_mesh_dir_find(d, OE_MESH_BY_IP, "fd00::9", &at, &e));
	assert_int_equal(e.ssh_port, 0);
	at = 0;
	assert_false(oe_mesh_dir_find(d, OE_MESH_BY_NAME, "robo", &at, &e));
	at = 0;
	assert_false(oe_mesh_dir_find(d, OE_MESH_BY_NAME, "", &at, &e));
	at = 0;
	assert_false(oe_mesh_dir_find(d, OE_MESH_BY_IP, "", &at, &e));
	assert_int_equal(
	    oe_mesh_dir_parse(d->p, d->n, "another", &again, NULL), OE_EPROTO);
	assert_int_equal(
	    oe_mesh_dir_parse(d->p, d->n - 1, OWNER, &again, NULL), OE_EPROTO);
	oe_mesh_dir_free(&d);
}

/* Walk through all that a file offers. */
static void
read_all(const struct oe_mesh_dir *d)
{
	struct oe_mesh_entry_network n;
	struct oe_mesh_entry e;
	size_t i, at;

	for (i = 0; i < oe_mesh_dir_networks(d); i++)
		oe_mesh_dir_network_at(d, i, &n);
	for (i = 0; i < oe_mesh_dir_count(d); i++)
		oe_mesh_dir_at(d, i, &e);
	for (at = 0; oe_mesh_dir_find(d, OE_MESH_BY_NAME, "twin", &at, &e);)
		continue;
	for (at = 0; oe_mesh_dir_find(d, OE_MESH_BY_ID, "dev_b", &at, &e);)
		continue;
}

static void
broken_files_do_no_harm(void **state)
{
	struct oe_mesh_dir *d = make_world(5), *b = NULL;
	uint8_t *p = oe_mem_zalloc(d->n);
	size_t i;
	int bit;

	(void)state;
	for (i = 0; i < d->n; i++) {
		for (bit = 0; bit < 8; bit += 7) {
			memcpy(p, d->p, d->n);
			p[i] ^= (uint8_t)(1 << bit);
			if (oe_mesh_dir_parse(p, d->n, OWNER, &b, NULL) < 0)
				continue;
			read_all(b);
			oe_mesh_dir_free(&b);
		}
	}
	free(p);
	oe_mesh_dir_free(&d);
}

/* A home with a login and a directory that was fetched @age_ms ago. */
struct place {
	char home[64];
	struct oe_mesh *m;
};

static void
open_world(struct place *p, int64_t age_ms)
{
	static const char login[] =
	    "{\"version\":1,\"origin\":\"http://127.0.0.1:9\",\"token\":"
	    "\"t\",\"user\":{\"id\":\"u\"}}";
	const struct oe_mesh_plan plan = {.offline = true};
	struct oe_mesh_dir *d = make_world(oe_time_wall_ms() - age_ms);
	char *path;

	snprintf(p->home, sizeof p->home, "/tmp/oe-resolve.XXXXXX");
	assert_non_null(mkdtemp(p->home));
	setenv("HOME", p->home, 1);
	path = oe_mem_printf("%s/.omniedge", p->home);
	assert_int_equal(mkdir(path, 0700), 0);
	free(path);
	path = oe_mem_printf("%s/.omniedge/omniedge-ssh.json", p->home);
	assert_int_equal(
	    oe_fd_write_file(path, login, strlen(login), 0600, NULL), 0);
	free(path);
	assert_int_equal(oe_mesh_open(&plan, &p->m, NULL), 0);
	oe_mesh__put(p->m, d);
}

static void
close_world(struct place *p)
{
	char *path = oe_mem_printf("%s/.omniedge/omniedge-ssh.json", p->home);

	oe_mesh_free(&p->m);
	unlink(path);
	free(path);
	path = oe_mem_printf("%s/.omniedge", p->home);
	rmdir(path);
	free(path);
	rmdir(p->home);
}

static void
names(void **state)
{
	static const struct {
		const char *text, *network;
		int r;
		const char *id; /* or what the message has in it */
		const char *network_id;
	} cases[] = {
	    {"robot", NULL, 0, "dev_a", "vnw_1"},
	    {"ROBOT", NULL, 0, "dev_a", "vnw_1"},
	    {"robo", NULL, OE_ENOENT, "no peer is 'robo'", NULL},
	    {"robot-", NULL, OE_ENOENT, "robot-", NULL},
	    {"", NULL, OE_ENOENT, "no peer", NULL},
	    {"robot@lab", NULL, 0, "dev_a", "vnw_1"},
	    {"robot@vnw_1", NULL, 0, "dev_a", "vnw_1"},
	    {"robot@VNW_1", NULL, OE_ENOENT, "no peer", NULL},
	    {"robot@home", NULL, OE_ENOENT, "no peer", NULL},
	    {"robot@", NULL, OE_ENOENT, "no peer", NULL},
	    {"@lab", NULL, OE_ENOENT, "no peer", NULL},
	    {"robot", "home", OE_ENOENT, "no peer", NULL},
	    {"robot", "nowhere", OE_EINVAL, "no network of yours is 'nowhere'",
		NULL},
	    {"robot-2", NULL, OE_EEXIST, "robot-2@Lab", NULL},
	    {"robot-2", "lab", 0, "dev_b", "vnw_1"},
	    {"robot-2@vnw_2", NULL, 0, "dev_b", "vnw_2"},
	    {"dev_b", NULL, OE_EEXIST, "2 peers", NULL},
	    {"dev_b@lab", NULL, 0, "dev_b", "vnw_1"},
	    {"twice", NULL, OE_ENOENT, "no peer", NULL},
	    {"twin", NULL, OE_EEXIST, "dev_c", NULL},
	    {"twin@lab", NULL, OE_EEXIST, "dev_d", NULL},
	    {"dev_c", NULL, 0, "dev_c", "vnw_1"},
	    /* whose name is another's id does not get what is meant for it */
	    {"dev_a", NULL, 0, "dev_a", "vnw_1"},
	    {"DEV_A", NULL, 0, "dev_e", "vnw_1"},
	    {"no address", NULL, OE_EINVAL, "no address", NULL},
	    {"\033[31mred", NULL, 0, "dev_g", "vnw_1"},
	    {"\033[31mgreen", NULL, OE_ENOENT, "'\\x1b[31mgreen'", NULL},
	    /* a name with @ in it, and a name in a network, are both meant */
	    {"cam@home", NULL, OE_EEXIST, "3 peers", NULL},
	    {"cam@vnw_2", NULL, 0, "dev_j", "vnw_2"},
	    {"cam", NULL, OE_EEXIST, "cam@vnw_3", NULL},
	    {"\xc3\x84ra", NULL, 0, "dev_i", "vnw_1"},
	    {"\xc3\xa4ra", NULL, OE_ENOENT, "no peer", NULL},
	    {"only", NULL, 0, "dev_k", "vnw_2"},
	    {"100.64.0.1", NULL, 0, "dev_a", "vnw_1"},
	    {"fd00:0:0::9", NULL, 0, "dev_k", "vnw_2"},
	    {"100.64.0.2", NULL, OE_EEXIST, "2 peers", NULL},
	    {"100.64.0.2@home", NULL, 0, "dev_b", "vnw_2"},
	    {"192.0.2.1", NULL, OE_ENOENT, "address", NULL},
	    {"127.0.0.1", NULL, OE_ENOENT, "this machine", NULL},
	    {"-oProxyCommand=x", NULL, OE_ENOENT, "no peer", NULL},
	    {"../Robot", NULL, OE_ENOENT, "no peer", NULL},
	};
	struct place p = {.m = NULL};
	size_t i;

	(void)state;
	open_world(&p, 1000);
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		struct oe_mesh_peer peer = {0};
		struct oe_err err = OE_ERR_INIT;
		int r = oe_mesh_resolve(
		    p.m, cases[i].text, cases[i].network, &peer, &err);

		if (r != cases[i].r ||
		    (r == 0 ? !oe_str_eq(peer.device_id, cases[i].id) ||
				  !oe_str_eq(
				      peer.network_id, cases[i].network_id)
			    : !strstr(err.msg, cases[i].id)))
			fail_msg("%s: %d %s %s", cases[i].text, r,
			    peer.device_id, err.msg);
		oe_mesh_peer_done(&peer);
	}
	close_world(&p);
}

static void
ages(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{0, "0 seconds"}, {-5, "0 seconds"}, {1999, "1 second"},
	    {60000, "1 minute"}, {7199999, "1 hour"}, {7200000, "2 hours"},
	    {INT64_C(90000000), "1 day"}};
	char text[40];
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		oe_mesh_age(cases[i].ms, text, sizeof text);
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_in_a_directory),
	    cmocka_unit_test(broken_files_do_no_harm),
	    cmocka_unit_test(names),
	    cmocka_unit_test(ages),
	};

	unsetenv("OMNIEDGE_API_BASE_URL");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
