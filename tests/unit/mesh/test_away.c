/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/away.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/time.h"

static char dir[] = "/tmp/oe-away-XXXXXX";
static char path[64];

static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/note", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

/* When the note was written, as the file system has it. */
static int64_t
written_ms(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (int64_t)st.st_mtime * 1000;
}

static void
pauses_grow_up_to_a_bound(void **state)
{
	int64_t want = OE_MESH_AWAY_MS;
	int i;

	(void)state;
	assert_int_equal(oe_mesh_away_left_ms(path), 0);
	for (i = 0; i < 40; i++) {
		oe_mesh_away_note(path);
		oe_time_fake(written_ms());
		assert_int_equal(oe_mesh_away_left_ms(path), want);
		oe_time_fake(written_ms() + want - 1);
		assert_int_equal(oe_mesh_away_left_ms(path), 1);
		oe_time_fake(written_ms() + want);
		assert_int_equal(oe_mesh_away_left_ms(path), 0);
		/* a clock that was set back must not make it longer */
		oe_time_fake(written_ms() - 1);
		assert_int_equal(oe_mesh_away_left_ms(path), 0);
		oe_time_fake(-1);
		want = want * 2 < OE_MESH_AWAY_MAX_MS ? want * 2
						      : OE_MESH_AWAY_MAX_MS;
	}
	oe_mesh_away_clear(path);
	assert_int_equal(oe_mesh_away_left_ms(path), 0);
	oe_mesh_away_note(path);
	oe_time_fake(written_ms());
	assert_int_equal(oe_mesh_away_left_ms(path), OE_MESH_AWAY_MS);
	oe_time_fake(-1);
	oe_mesh_away_clear(path);
}

static void
whatever_is_in_it(void **state)
{
	static const char *const texts[] = {"", "x", "-1", "0",
	    "99999999999999999999", "17", "3 4", "\n\n\n", "4294967297"};
	struct oe_err err = OE_ERR_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		assert_int_equal(oe_fd_write_file(path, texts[i],
				     strlen(texts[i]), 0600, &err),
		    0);
		oe_time_fake(written_ms());
		assert_int_equal(oe_mesh_away_left_ms(path), OE_MESH_AWAY_MS);
		oe_time_fake(-1);
	}
	oe_mesh_away_clear(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pauses_grow_up_to_a_bound),
	    cmocka_unit_test(whatever_is_in_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
