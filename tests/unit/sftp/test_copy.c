/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "copytest.h"

/* --- trees, by each way --- */

static const unsigned ways[][2] = {
    {LOCAL, LOCAL},
    {LOCAL, OURS},
    {OURS, LOCAL},
    {LOCAL, OPENSSH},
    {OPENSSH, LOCAL},
    {LOCAL, PLAIN},
    {PLAIN, LOCAL},
    {OURS, OPENSSH},
    {OPENSSH, OURS},
    {PLAIN, PLAIN},
};

static void
make_tree(void)
{
	sh("mkdir -p src/a/b/c src/empty 'src/ sp\nace' src/\xc3\xa9 && "
	   "echo one >src/a/one && : >src/a/b/none && "
	   "head -c 100000 /dev/urandom >src/a/b/c/part && "
	   "head -c 131072 /dev/urandom >src/max && "
	   "head -c 131073 /dev/urandom >src/more && "
	   "head -c 5000000 /dev/urandom >src/large && "
	   "echo x >'src/ sp\nace/-dash' && echo y >src/\xc3\xa9/.dot && "
	   "printf z >\"src/$(printf '%%255s' | tr ' ' n)\" && "
	   "chmod 600 src/a/one && chmod 755 src/max");
}

static void
test_tree(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct run r = {.flags = OE_COPY_RECURSIVE};

		print_message("way %zu\n", i);
		enter();
		make_tree();
		begin(&r, ways[i][0], ways[i][1]);
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), 0);
		sh("diff -r src dst");
		/* again, over what is there */
		end(&r);
		sh("echo longer >src/a/one; echo 2 >src/large; chmod 640 "
		   "dst/a/one");
		begin(&r, ways[i][0], ways[i][1]);
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), 0);
		sh("diff -r src dst");
		sh("test $(stat -c %%a dst/a/one) = 640");
		sh("test -z \"$(find dst -name '*.part')\"");
		end(&r);
		leave();
	}
}

static void
test_preserve(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct run r = {.flags = OE_COPY_RECURSIVE | OE_COPY_PRESERVE};

		enter();
		make_tree();
		sh("touch -d @1000000000 src/a/one src/large src/a/b; "
		   "chmod 555 src/a/b; chmod 444 src/large");
		begin(&r, ways[i][0], ways[i][1]);
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), 0);
		sh("diff -r src dst");
		sh("(cd src && find . -exec stat -c '%%a %%Y %%n' {} + | "
		   "sort) >1; (cd dst && find . -exec stat -c '%%a %%Y %%n' "
		   "{} + | sort) >2; cmp 1 2");
		end(&r);
		leave();
	}
}

/* --- holes --- */

static void
test_sparse(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct run r = {0};

		enter();
		sh("truncate -s 40M src; for at in 0 9 17 30; do head -c "
		   "70000 /dev/urandom | dd of=src bs=1M seek=$at "
		   "conv=notrunc status=none; done");
		begin(&r, ways[i][0], ways[i][1]);
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), 0);
		sh("cmp src dst");
		if (ways[i][1] == LOCAL || ways[i][0] == LOCAL)
			sh("test $(du -k dst | cut -f1) -lt 6000");
		end(&r);
		leave();
	}
}

static void
test_no_sparse(void **state)
{
	struct run r = {.flags = OE_COPY_NO_SPARSE};

	(void)state;
	enter();
	sh("truncate -s 4M src");
	begin(&r, OURS, LOCAL);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	sh("cmp src dst; test $(du -k dst | cut -f1) -ge 4096");
	end(&r);
	leave();
}

/* --- names from a server --- */

static void
test_hostile_names(void **state)
{
	static const char *names[] = {"..", "a/b", "", ".", "/etc/passwd",
	    "../x", "twice", "twice", NULL};
	struct run r = {.flags = OE_COPY_RECURSIVE};

	(void)state;
	enter();
	sh("mkdir src; echo ok >src/ok; echo t >src/twice");
	begin(&r, OURS, LOCAL);
	r.fake[0]->names = names;
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), OE_EPROTO);
	/* "twice": once from the list, then twice refused */
	assert_int_equal(r.warned, 8);
	sh("diff -r src dst; test $(ls -A | wc -l) = 2");
	end(&r);
	leave();
}

/* A link that was put into the target is not a way out of it. */
static void
test_link_in_target(void **state)
{
	struct run r = {.flags = OE_COPY_RECURSIVE};

	(void)state;
	enter();
	sh("mkdir -p src/d dst out; echo x >src/d/f; echo y >src/g; "
	   "echo old >out/g; ln -s ../out dst/d; ln -s ../out/g dst/g");
	begin(&r, OURS, LOCAL);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), OE_EEXIST);
	sh("test ! -e out/f && test $(cat out/g) = old && "
	   "test ! -L dst/g && test $(cat dst/g) = y");
	end(&r);
	leave();
}

static void
test_links(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct run r = {.flags = OE_COPY_RECURSIVE | OE_COPY_LINKS};

		enter();
		sh("mkdir -p src/d; echo x >src/f; ln -s f src/l; ln -s "
		   "/nowhere src/dangling; ln -s d src/dl");
		begin(&r, ways[i][0], ways[i][1]);
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), 0);
		end(&r);
		begin(&r, ways[i][0], ways[i][1]);
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), 0);
		sh("diff -r --no-dereference src dst; test $(ls -A dst | wc "
		   "-l) = 5");
		end(&r);
		/* followed, they are what they point to */
		r.flags = OE_COPY_RECURSIVE;
		sh("rm src/dangling; echo in >src/d/in");
		begin(&r, ways[i][0], ways[i][1]);
		oe_sftp_copy_add(r.copy, "src", "two");
		assert_int_equal(go(&r), 0);
		sh("diff -r src two; test ! -L two/l && test ! -L two/dl");
		end(&r);
		leave();
	}
}

static void
test_circle(void **state)
{
	struct run r = {.flags = OE_COPY_RECURSIVE};

	(void)state;
	enter();
	sh("mkdir src; ln -s . src/me; echo x >src/f");
	begin(&r, LOCAL, OURS);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_true(go(&r) < 0);
	sh("cmp src/f dst/f");
	end(&r);
	leave();
}

/* --- failures --- */

static void
test_missing(void **state)
{
	struct run r = {.flags = OE_COPY_RECURSIVE};

	(void)state;
	enter();
	sh("mkdir src; echo x >src/f; ln -s nowhere src/l; mkdir -p "
	   "dst/f");
	begin(&r, OURS, LOCAL);
	oe_sftp_copy_add(r.copy, "none", "dst2");
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), OE_ENOENT);
	assert_int_equal(r.failed, 3);
	end(&r);
	r.flags = 0;
	begin(&r, OURS, LOCAL);
	oe_sftp_copy_add(r.copy, "src", "dst3");
	assert_int_equal(go(&r), OE_EINVAL);
	end(&r);
	leave();
}

static void
test_disk_full(void **state)
{
	static const unsigned to[] = {OPENSSH, PLAIN, OURS};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct run r = {.flags = OE_COPY_RESUME};

		enter();
		sh("head -c 9000000 /dev/urandom >src; echo old >dst");
		begin(&r, LOCAL, to[i]);
		r.fake[1]->disk = 5000000;
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), OE_ESYS);
		assert_non_null(strstr(r.err.msg, "No space"));
		sh("test $(cat dst) = old; ls .dst.*.part");
		end(&r);
		begin(&r, LOCAL, to[i]);
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), 0);
		sh("cmp src dst; test $(ls -A | wc -l) = 2");
		if (to[i] == OURS)
			assert_true(r.resumed > 3000000);
		end(&r);
		leave();
	}
}

/* --- resume --- */

static void
cut_and_resume(unsigned seed, unsigned from, unsigned to)
{
	struct run r = {.flags = OE_COPY_RESUME | OE_COPY_RECURSIVE};
	unsigned side = from == LOCAL ? 1 : 0, tries;
	int e = -1;

	for (tries = 0; e < 0 && tries < 50; tries++) {
		begin(&r, from, to);
		r.fake[side]->random = seed * 7919 + tries;
		r.fake[side]->cut_after = 5 + (seed * 31 + tries * 17) % 900;
		if (tries > 20)
			r.fake[side]->cut_after = 0;
		oe_sftp_copy_add(r.copy, "src", "dst");
		e = go(&r);
		assert_true(e == 0 || e == OE_ECLOSED);
		end(&r);
	}
	assert_int_equal(e, 0);
	sh("diff -r src dst; test -z \"$(find . -name '*.part')\"; rm -rf "
	   "dst");
}

static void
test_cuts(void **state)
{
	unsigned i;

	(void)state;
	enter();
	sh("mkdir -p src/d; head -c 12000000 /dev/urandom >src/d/large; "
	   "echo small >src/small; head -c 200000 /dev/urandom >src/mid");
	for (i = 0; i < 12; i++) {
		cut_and_resume(i, LOCAL, OURS);
		cut_and_resume(i, OURS, LOCAL);
		cut_and_resume(i, LOCAL, OPENSSH);
		cut_and_resume(i, OPENSSH, LOCAL);
	}
	leave();
}

/* What is at the target already does not go again. */
static void
test_resume_skips(void **state)
{
	struct run r = {.flags = OE_COPY_RESUME};

	(void)state;
	enter();
	sh("head -c 9000000 /dev/urandom >src; cp src dst");
	begin(&r, LOCAL, OURS);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	assert_int_equal(r.skipped, 1);
	assert_int_equal(r.fake[1]->writes, 0);
	end(&r);
	/* one block differs: the file goes whole, the old one stays until */
	sh("printf x | dd of=dst conv=notrunc bs=1 seek=5000000 status=none");
	begin(&r, LOCAL, OURS);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	sh("cmp src dst");
	end(&r);
	/* in place only that block goes */
	sh("printf x | dd of=dst conv=notrunc bs=1 seek=5000000 status=none");
	r.flags |= OE_COPY_IN_PLACE;
	begin(&r, LOCAL, OURS);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	assert_true(r.fake[1]->bytes_written <= 4u << 20);
	sh("cmp src dst");
	end(&r);
	leave();
}

static void
test_append(void **state)
{
	struct run r = {.flags = OE_COPY_APPEND};

	(void)state;
	enter();
	sh("head -c 3000000 /dev/urandom >src; head -c 1000001 src >dst");
	begin(&r, LOCAL, PLAIN);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	assert_int_equal(r.fake[1]->bytes_written, 3000000 - 1000001);
	sh("cmp src dst");
	end(&r);
	begin(&r, PLAIN, LOCAL);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	assert_int_equal(r.skipped, 1);
	end(&r);
	sh("echo more >>dst");
	begin(&r, PLAIN, LOCAL);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), OE_EEXIST);
	end(&r);
	leave();
}

/* --- verify --- */

static void
test_verify(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct run r = {.flags = OE_COPY_VERIFY | OE_COPY_RECURSIVE};

		enter();
		sh("mkdir src; head -c 3000000 /dev/urandom >src/f; echo x "
		   ">src/g; : >src/h; truncate -s 5M src/hole");
		begin(&r, ways[i][0], ways[i][1]);
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), 0);
		assert_int_equal(r.hashed, 4);
		sh("diff -r src dst");
		end(&r);
		leave();
		if (ways[i][1] == LOCAL)
			continue;
		enter();
		sh("echo hello >src");
		begin(&r, ways[i][0], ways[i][1]);
		r.fake[1]->lose_bytes = true;
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), OE_EPROTO);
		sh("test $(ls -A | wc -l) = 1");
		end(&r);
		leave();
	}
}

/* --- odds and ends --- */

static void
test_short_reads(void **state)
{
	struct run r = {.flags = OE_COPY_RECURSIVE};

	(void)state;
	enter();
	make_tree();
	begin(&r, PLAIN, LOCAL);
	r.fake[0]->short_max = 10000;
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	sh("diff -r src dst");
	end(&r);
	begin(&r, PLAIN, PLAIN);
	r.fake[0]->short_max = 10000;
	oe_sftp_copy_add(r.copy, "src", "dst2");
	assert_int_equal(go(&r), 0);
	sh("diff -r src dst2");
	end(&r);
	leave();
}

static void
test_special_targets(void **state)
{
	struct run r = {0};

	(void)state;
	enter();
	sh("echo hello >src; echo old >real; ln -s real link");
	begin(&r, OURS, LOCAL);
	oe_sftp_copy_add(r.copy, "src", "/dev/null");
	oe_sftp_copy_add(r.copy, "src", "link");
	assert_int_equal(go(&r), 0);
	sh("test -c /dev/null && test -L link && test $(cat real) = hello");
	end(&r);
	sh("head -c 300000 /dev/urandom >src");
	begin(&r, LOCAL, OURS);
	oe_sftp_copy_add(r.copy, "src", "/dev/null");
	oe_sftp_copy_add(r.copy, "src", "link");
	assert_int_equal(go(&r), 0);
	sh("test -c /dev/null && test -L link && cmp src real");
	end(&r);
	leave();
}

static void
test_exclude(void **state)
{
	struct oe_strs x = {0};
	struct run r = {.flags = OE_COPY_RECURSIVE, .exclude = &x};

	(void)state;
	oe_strs_add(&x, "*.o");
	oe_strs_add(&x, "build/");
	oe_strs_add(&x, "/a/only");
	enter();
	sh("mkdir -p src/a src/build/x src/b; touch src/1.o src/a/2.o src/a/c "
	   "src/a/only src/b/only src/b/build");
	begin(&r, LOCAL, OURS);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	sh("test \"$(cd dst && find . -type f | sort | tr '\\n' ' ')\" = "
	   "'./a/c ./b/build ./b/only '");
	end(&r);
	oe_strs_done(&x);
	leave();
}

static void
test_dry_run(void **state)
{
	struct run r = {.flags = OE_COPY_RECURSIVE | OE_COPY_DRY_RUN};

	(void)state;
	enter();
	make_tree();
	begin(&r, OURS, LOCAL);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	assert_true(r.ended > 10);
	sh("test ! -e dst");
	end(&r);
	leave();
}

static void
test_no_overwrite(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		struct run r = {
		    .flags = OE_COPY_RECURSIVE | OE_COPY_OVERWRITE_OFF};

		enter();
		sh("mkdir src dst; echo new >src/f; echo old >dst/f; head -c "
		   "200000 /dev/zero >src/g; echo old >dst/g");
		begin(&r, ways[i][0], ways[i][1]);
		oe_sftp_copy_add(r.copy, "src", "dst");
		assert_int_equal(go(&r), OE_EEXIST);
		sh("test $(cat dst/f) = old && test $(cat dst/g) = old && "
		   "test $(ls -A dst | wc -l) = 2");
		end(&r);
		leave();
	}
}

static void
test_lanes(void **state)
{
	unsigned up;

	(void)state;
	for (up = 0; up < 2; up++) {
		struct run r = {.flags = OE_COPY_RECURSIVE};

		enter();
		sh("mkdir src; head -c 60000000 /dev/urandom >src/large; for "
		   "i in $(seq 300); do echo $i >src/$i; done");
		begin(&r, up ? LOCAL : OURS, up ? OURS : LOCAL);
		r.lane = fakefs_new(r.loop, OURS);
		oe_sftp_copy_lane(r.copy, up, &r.lane->fs);
		oe_sftp_copy_add(r.copy, "src", "dst");
		/* the second one is lost on the way */
		r.lane->cut_after = 700;
		assert_int_equal(go(&r), 0);
		/* how much is a matter of time: the faster one gets more */
		assert_true(r.lane->reads + r.lane->writes > 0);
		sh("diff -r src dst");
		end(&r);
		leave();
	}
}

static void
test_many(void **state)
{
	struct run r = {.flags = OE_COPY_RECURSIVE | OE_COPY_NO_SYNC};

	(void)state;
	enter();
	sh("mkdir src; cd src; seq 9000 | xargs touch; mkdir d; cd d; for i in "
	   "$(seq 300); do mkdir d; cd d; done; echo x >f");
	begin(&r, OURS, LOCAL);
	oe_sftp_copy_add(r.copy, "src", "dst");
	assert_int_equal(go(&r), 0);
	assert_true(r.fake[0]->out_max <= 256 + 32 * 8);
	sh("diff -r src dst");
	end(&r);
	leave();
}

/* Given up in the middle: nothing stays open, nothing is called back. */
static void
test_freed_early(void **state)
{
	unsigned i, n;

	(void)state;
	enter();
	make_tree();
	for (i = 0; i < 60; i++) {
		struct run r = {.flags = OE_COPY_RECURSIVE};

		begin(&r, i & 1 ? LOCAL : OPENSSH, i & 1 ? OURS : LOCAL);
		oe_sftp_copy_add(r.copy, "src", "dst");
		oe_sftp_copy_last(r.copy);
		for (n = 0; n < i; n++)
			oe_loop_once(r.loop, 0);
		oe_sftp_copy_free(&r.copy);
		if (i % 3) {
			for (n = 0; n < 1000; n++)
				oe_loop_once(r.loop, 0);
			assert_int_equal(r.fake[i & 1]->files_open, 0);
		}
		end(&r);
		sh("rm -rf dst");
	}
	leave();
}

static void
test_rate(void **state)
{
	struct run r = {.bytes_per_s = 100000};
	unsigned i, writes = 0;

	(void)state;
	enter();
	sh("head -c 1000000 /dev/urandom >src");
	oe_time_fake(1000);
	begin(&r, LOCAL, OURS);
	oe_sftp_copy_add(r.copy, "src", "dst");
	oe_sftp_copy_last(r.copy);
	for (i = 0; i < 100; i++) {
		unsigned n;

		for (n = 0; n < 20; n++)
			oe_loop_once(r.loop, 0);
		writes = (unsigned)r.fake[1]->bytes_written;
		assert_true(writes <= 100000 * i / 10 + 30000);
		oe_time_fake(1000 + (i + 1) * 100);
	}
	assert_true(writes > 900000);
	oe_time_fake(-1);
	assert_int_equal(go(&r), 0);
	sh("cmp src dst");
	end(&r);
	leave();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tree),
	    cmocka_unit_test(test_preserve),
	    cmocka_unit_test(test_sparse),
	    cmocka_unit_test(test_no_sparse),
	    cmocka_unit_test(test_hostile_names),
	    cmocka_unit_test(test_link_in_target),
	    cmocka_unit_test(test_links),
	    cmocka_unit_test(test_circle),
	    cmocka_unit_test(test_missing),
	    cmocka_unit_test(test_disk_full),
	    cmocka_unit_test(test_resume_skips),
	    cmocka_unit_test(test_append),
	    cmocka_unit_test(test_verify),
	    cmocka_unit_test(test_short_reads),
	    cmocka_unit_test(test_special_targets),
	    cmocka_unit_test(test_exclude),
	    cmocka_unit_test(test_dry_run),
	    cmocka_unit_test(test_no_overwrite),
	    cmocka_unit_test(test_lanes),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_freed_early),
	    cmocka_unit_test(test_rate),
	    cmocka_unit_test(test_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
