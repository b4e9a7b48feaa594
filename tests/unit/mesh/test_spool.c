/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events on disk: what is read is what was written, once, whole, in order,
 * whoever died in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/event.h"
#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/mesh/spool.h"

struct fixture {
	char folder[64], events[80], mark[80];
	int fd;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->folder, "/tmp/test_spool.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->events, sizeof f->events, "%s/events", f->folder);
	snprintf(f->mark, sizeof f->mark, "%s/events.sent", f->folder);
	assert_int_equal(oe_spool_append(f->folder, &f->fd, NULL), 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	oe_fd_close(&f->fd);
	(void)unlink(f->events);
	(void)unlink(f->mark);
	assert_int_equal(rmdir(f->folder), 0);
	free(f);
	return 0;
}

static void
put(const struct fixture *f, const char *text)
{
	assert_int_equal(
	    write(f->fd, text, strlen(text)), (ssize_t)strlen(text));
}

static struct oe_spool
begin(const struct fixture *f)
{
	struct oe_spool s;

	assert_int_equal(oe_spool_open(f->folder, &s, NULL), 0);
	assert_int_equal(oe_spool_rewind(&s, NULL), 0);
	return s;
}

static void
expect(struct oe_spool *s, const char *text, struct oe_spool_line *ret)
{
	assert_true(oe_spool_next(s, ret));
	assert_int_equal(ret->n, strlen(text));
	assert_memory_equal(ret->text, text, ret->n);
}

static void
test_lines(void **state)
{
	struct fixture *f = *state;
	struct oe_spool_line l;
	struct oe_spool s;

	s = begin(f);
	assert_false(oe_spool_next(&s, &l));
	assert_int_equal(oe_spool_waits(&s), 0);
	assert_int_equal(oe_spool_fill(f->folder, f->fd), 0);
	put(f, "\n{\"a\":1}\n");
	put(f, "\n{\"a\":2}\n");
	/* one that is being written is none yet */
	put(f, "\n{\"a\":");
	assert_int_equal(oe_spool_rewind(&s, NULL), 0);
	expect(&s, "{\"a\":1}", &l);
	expect(&s, "{\"a\":2}", &l);
	assert_false(oe_spool_next(&s, &l));
	/* one that was cut does not spoil the next */
	put(f, "\n{\"a\":4}\n");
	assert_int_equal(oe_spool_rewind(&s, NULL), 0);
	expect(&s, "{\"a\":1}", &l);
	expect(&s, "{\"a\":2}", &l);
	expect(&s, "{\"a\":", &l);
	expect(&s, "{\"a\":4}", &l);
	assert_int_equal(oe_spool_fill(f->folder, f->fd), oe_spool_waits(&s));
	oe_spool_close(&s);
}

static void
test_identity(void **state)
{
	struct fixture *f = *state;
	struct oe_spool_line l, again;
	struct oe_spool s;

	put(f, "\none\n\ntwo\n\nthree\n");
	s = begin(f);
	expect(&s, "one", &l);
	expect(&s, "two", &l);
	/* acknowledged, and nobody wrote that down: the same again */
	oe_spool_close(&s);
	s = begin(f);
	expect(&s, "one", &again);
	expect(&s, "two", &again);
	assert_string_equal(l.uid, again.uid);
	assert_int_equal(oe_spool_commit(&s, again.end, NULL), 0);
	oe_spool_close(&s);
	s = begin(f);
	expect(&s, "three", &again);
	assert_string_not_equal(l.uid, again.uid);
	assert_false(oe_spool_next(&s, &again));
	oe_spool_close(&s);
}

static void
test_one_reader(void **state)
{
	struct fixture *f = *state;
	struct oe_spool s = begin(f), other;

	assert_int_equal(oe_spool_open(f->folder, &other, NULL), OE_EAGAIN);
	oe_spool_close(&other);
	oe_spool_close(&s);
}

static void
write_mark(const struct fixture *f, const char *text)
{
	assert_int_equal(
	    oe_fd_write_file(f->mark, text, strlen(text), 0600, NULL), 0);
}

/* A mark of another file, or a broken one, sends again: never too little. */
static void
test_marks(void **state)
{
	static const char *const bad[] = {"", "\n", "x", "0123456789abcdef 40",
	    "0123456789abcdef 40\n", "0123456789abcdef -1\n",
	    "0123456789abcdef 99999999999999999999\n"};
	struct fixture *f = *state;
	struct oe_spool_line l;
	struct oe_spool s;
	char text[80];
	size_t i;

	put(f, "\none\n");
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		write_mark(f, bad[i]);
		s = begin(f);
		expect(&s, "one", &l);
		oe_spool_close(&s);
	}
	/* past the end of what is there */
	snprintf(text, sizeof text, "%.16s 100000\n", l.uid);
	write_mark(f, text);
	s = begin(f);
	expect(&s, "one", &l);
	oe_spool_close(&s);
}

static void
test_holes(void **state)
{
	struct fixture *f = *state;
	struct oe_spool_line l = {.end = 0};
	struct oe_spool s = begin(f);
	char line[1002];
	struct stat st;
	unsigned i, n = 0;

	memset(line, 'x', sizeof line - 2);
	line[sizeof line - 2] = '\n';
	line[sizeof line - 1] = 0;
	for (i = 0; i < 4000; i++)
		put(f, line);
	while (oe_spool_waits(&s)) {
		assert_int_equal(oe_spool_rewind(&s, NULL), 0);
		while (oe_spool_next(&s, &l))
			n++;
		assert_int_equal(oe_spool_commit(&s, l.end, NULL), 0);
	}
	assert_int_equal(n, 4000);
	assert_int_equal(oe_spool_fill(f->folder, f->fd), 0);
	assert_int_equal(fstat(f->fd, &st), 0);
	assert_true(st.st_size > 4000000);
	/* where the file system has holes, they are used */
	if (fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 65536,
		4096) == 0)
		assert_true(st.st_blocks * 512 < 2000000);
	put(f, "\nafter\n");
	assert_int_equal(oe_spool_rewind(&s, NULL), 0);
	expect(&s, "after", &l);
	oe_spool_close(&s);
}

static void
test_foreign_files(void **state)
{
	struct fixture *f = *state;
	struct oe_spool s;
	int fd;

	assert_int_equal(chmod(f->events, 0622), 0);
	assert_int_equal(oe_spool_append(f->folder, &fd, NULL), OE_EPERM);
	assert_int_equal(chmod(f->events, 0600), 0);
	assert_int_equal(oe_fd_write_file(f->events, "x\n", 2, 0600, NULL), 0);
	assert_int_equal(oe_spool_open(f->folder, &s, NULL), OE_EPROTO);
	oe_spool_close(&s);
}

/* What core/base/event.h appends is what is read. */
static void
test_events(void **state)
{
	struct fixture *f = *state;
	const struct oe_eventlog also = {.fd = f->fd};
	const struct oe_eventlog log = {.fd = -1, .node = "n", .also = &also};
	struct oe_spool_line l;
	struct oe_spool s = begin(f);
	struct oe_event e;

	oe_time_fake(0);
	assert_true(oe_event_wanted(&log));
	oe_event_begin(&e, &log, "x");
	oe_event_end(&e, &log);
	oe_time_fake(-1);
	assert_int_equal(oe_spool_rewind(&s, NULL), 0);
	expect(&s,
	    "{\"v\":1,\"ts\":\"1970-01-01T00:00:00.000Z\",\"event\":\"x\","
	    "\"node\":\"n\"}",
	    &l);
	assert_false(oe_spool_next(&s, &l));
	oe_spool_close(&s);
}

/*
 * What a crash of the machine left, longer than a chunk and behind the empty
 * line of an event: what is behind it arrives all the same.
 */
static void
test_garbage(void **state)
{
	struct fixture *f = *state;
	char *junk = calloc(1, OE_SPOOL_CHUNK + 1);
	struct oe_spool s;
	struct oe_spool_line l;
	unsigned rounds = 0;
	bool found = false;

	memset(junk, 'x', OE_SPOOL_CHUNK);
	put(f, "\n");
	put(f, junk);
	put(f, "\n{\"a\":1}\n");
	free(junk);
	s = begin(f);
	while (!found && rounds++ < 8) {
		assert_int_equal(oe_spool_rewind(&s, NULL), 0);
		while (oe_spool_next(&s, &l))
			found |= l.n == 7 && !memcmp(l.text, "{\"a\":1}", 7);
	}
	assert_true(found);
	/* nobody's word gives up what is not there, or is given up */
	assert_int_equal(oe_spool_commit(&s, l.end + 1, NULL), OE_EPROTO);
	assert_int_equal(oe_spool_commit(&s, l.end, NULL), 0);
	assert_int_equal(oe_spool_commit(&s, l.end - 1, NULL), OE_EPROTO);
	oe_spool_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_identity, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_one_reader, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_marks, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_holes, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		test_foreign_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_events, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
