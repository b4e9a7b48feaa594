/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/net/loop.h"
#include "session_rig.h"
#include "sftp/session.h"
/* --- tables of answers --- */

#define NO_ATTRS    "\0\0\0\0"
#define SIZE(n)     "\0\0\0\1\0\0\0\0\0\0\0" n
#define U64(n)      "\0\0\0\0\0\0\0" n
#define U64_MAX     "\xff\xff\xff\xff\xff\xff\xff\xff"
#define ENTRY(n, t) "\0\0\0" n t "\0\0\0\2-l" NO_ATTRS

static const struct answer {
	const char *what;
	enum what ask;
	uint8_t type;
	const char *body;
	size_t len;
	int status;       /* of the op; OE_EPROTO: the session fails */
	const char *told; /* what callbacks heard, or op->message */
} answers[] = {
    {"done", MKDIR, 101, B("\0\0\0\0"), 0, ""},
    {"done, with words", MKDIR, 101, B("\0\0\0\0\0\0\0\2ok\0\0\0\0"), 0, ""},
    {"no words", MKDIR, 101, B("\0\0\0\2"), OE_ENOENT, ""},
    {"words", MKDIR, 101, B("\0\0\0\4\0\0\0\5x\33[2J\0\0\0\0"), OE_ESYS,
	"x\\x1b[2J"},
    {"no language", MKDIR, 101, B("\0\0\0\3\0\0\0\1x"), OE_EPERM, "x"},
    {"exists", MKDIR, 101, B("\0\0\0\4\0\0\0\13File exists"), OE_EEXIST,
	"File exists"},
    {"end, of what has none", MKDIR, 101, B("\0\0\0\1"), OE_ESYS, ""},
    {"unsupported", MKDIR, 101, B("\0\0\0\10"), OE_EINVAL, ""},
    {"connection lost", MKDIR, 101, B("\0\0\0\7"), OE_ECLOSED, ""},
    {"code unheard of", MKDIR, 101, B("\xff\xff\xff\xff"), OE_ESYS, ""},
    {"words end early", MKDIR, 101, B("\0\0\0\4\0\0\0\5abcd"), OE_EPROTO, ""},
    {"words of 4 GB", MKDIR, 101, B("\0\0\0\4\xff\xff\xff\xff"), OE_EPROTO, ""},
    {"no code", MKDIR, 101, B("\0\0\0"), OE_EPROTO, ""},
    {"nothing", MKDIR, 101, B(""), OE_EPROTO, ""},
    {"handle for mkdir", MKDIR, 102, B("\0\0\0\1h"), OE_EPROTO, ""},
    {"type 0", MKDIR, 0, B(""), OE_EPROTO, ""},
    {"type 255", MKDIR, 255, B(""), OE_EPROTO, ""},
    {"a request", MKDIR, 3, B("\0\0\0\1h"), OE_EPROTO, ""},
    {"closed", CLOSE, 101, B("\0\0\0\0"), 0, ""},

    {"handle", OPEN, 102, B("\0\0\0\4abcd"), 0, ""},
    {"empty handle", OPEN, 102, B("\0\0\0\0"), 0, ""},
    {"handle ends early", OPEN, 102, B("\0\0\0\4abc"), OE_EPROTO, ""},
    {"no handle", OPEN, 102, B(""), OE_EPROTO, ""},
    {"opened without a handle", OPEN, 101, B("\0\0\0\0"), OE_EPROTO, ""},
    {"not opened", OPEN, 101, B("\0\0\0\3"), OE_EPERM, ""},
    {"data for open", OPEN, 103, B("\0\0\0\1x"), OE_EPROTO, ""},

    {"data", READ8, 103, B("\0\0\0\10abcdefgh"), 0, "abcdefgh"},
    {"less data", READ8, 103, B("\0\0\0\3abc"), 0, "abc"},
    {"no data", READ8, 103, B("\0\0\0\0"), OE_EPROTO, ""},
    {"end", READ8, 101, B("\0\0\0\1"), OE_ESHORT, ""},
    {"read done?", READ8, 101, B("\0\0\0\0"), OE_EPROTO, ""},
    {"too much data", READ8, 103, B("\0\0\0\11abcdefghi"), OE_EPROTO, ""},
    {"data of 4 GB", READ8, 103, B("\xff\xff\xff\xff\1"), OE_EPROTO, ""},
    {"data ends early", READ8, 103, B("\0\0\0\4abc"), OE_EPROTO, ""},
    {"data with more", READ8, 103, B("\0\0\0\3abcd"), OE_EPROTO, ""},
    {"data, no length", READ8, 103, B("\0\0\0"), OE_EPROTO, ""},
    {"data, nothing", READ8, 103, B(""), OE_EPROTO, ""},
    {"attrs for read", READ8, 105, B(NO_ATTRS), OE_EPROTO, ""},

    {"written", WRITE, 101, B("\0\0\0\0"), 0, ""},
    {"disk full", WRITE, 101, B("\0\0\0\4\0\0\0\4full"), OE_ESYS, "full"},
    {"data for write", WRITE, 103, B("\0\0\0\1a"), OE_EPROTO, ""},

    {"attrs", LSTAT, 105, B(SIZE("\5")), 0, ""},
    {"no attrs", LSTAT, 105, B(NO_ATTRS), 0, ""},
    {"attrs end early", LSTAT, 105, B("\0\0\0\1\0\0"), OE_EPROTO, ""},
    {"too many pairs", LSTAT, 105, B("\x80\0\0\0\xff\xff\xff\xff"), OE_EPROTO,
	""},

    {"names", READDIR, 104,
	B("\0\0\0\4" ENTRY("\1", ".") ENTRY("\2", "..") ENTRY("\1", "a")
		ENTRY("\3", "b/c")),
	0, "a\nb/c\n"},
    {"no names", READDIR, 104, B("\0\0\0\0"), OE_ESHORT, ""},
    {"end of names", READDIR, 101, B("\0\0\0\1"), OE_ESHORT, ""},
    {"fewer names", READDIR, 104, B("\0\0\0\2" ENTRY("\1", "a")), OE_EPROTO,
	"a\n"},
    {"names without end", READDIR, 104, B("\xff\xff\xff\xff"), OE_EPROTO, ""},
    {"name with NUL", READDIR, 104, B("\0\0\0\1" ENTRY("\3", "a\0b")),
	OE_EPROTO, ""},
    {"name of 4 GB", READDIR, 104, B("\0\0\0\1\xff\xff\xff\xff"), OE_EPROTO,
	""},

    {"link", READLINK, 104, B("\0\0\0\1" ENTRY("\2", "to")), 0, "to"},
    {"link, name only", READLINK, 104, B("\0\0\0\1\0\0\0\2to"), 0, "to"},
    {"no link", READLINK, 104, B("\0\0\0\0"), OE_EPROTO, ""},
    {"two links", READLINK, 104,
	B("\0\0\0\2" ENTRY("\1", "a") ENTRY("\1", "b")), OE_EPROTO, ""},
    {"link with NUL", READLINK, 104, B("\0\0\0\1" ENTRY("\2", "a\0")),
	OE_EPROTO, ""},

    {"vfs, short", STATVFS, 201, B("\0\0\0\0\0\0\0\1"), OE_EPROTO, ""},
    {"hash", HASH, 201, B("\0\0\0\12check-file\0\0\0\6sha256abcd"), 0, "abcd"},
    {"hash, short", HASH, 201, B("\0\0\0\12check-file\0\0\0\6sha25"), OE_EPROTO,
	""},

    {"extents, last", EXTENTS, 201,
	B("\1\0\0\0\2" U64("\144") U64("\1") U64("\146") U64("\1")), 0, ""},
    {"no extents", EXTENTS, 201, B("\1\0\0\0\0"), 0, ""},
    {"no extents, not last", EXTENTS, 201, B("\0\0\0\0\0"), OE_EPROTO, ""},
    {"backwards", EXTENTS, 201, B("\1\0\0\0\1" U64("\143") U64("\1")),
	OE_EPROTO, ""},
    {"overlapping", EXTENTS, 201,
	B("\1\0\0\0\2" U64("\144") U64("\5") U64("\146") U64("\1")), OE_EPROTO,
	""},
    {"empty extent", EXTENTS, 201, B("\1\0\0\0\1" U64("\144") U64("\0")),
	OE_EPROTO, ""},
    {"endless extent", EXTENTS, 201, B("\1\0\0\0\1" U64("\144") U64_MAX),
	OE_EPROTO, ""},
    {"extents end early", EXTENTS, 201, B("\1\0\0\0\1" U64("\144")), OE_EPROTO,
	""},
    {"too many extents", EXTENTS, 201, B("\1\0\0\4\1"), OE_EPROTO, ""},

    {"file", GET8, 201, B(SIZE("\3") "\0\0\0\3abc"), 0, "abc"},
    {"empty file", GET8, 201, B(SIZE("\0") "\0\0\0\0"), 0, ""},
    {"larger", GET8, 201, B(SIZE("\11") "\0\0\0\0"), OE_ETOOBIG, ""},
    {"larger, yet there", GET8, 201, B(SIZE("\11") "\0\0\0\11abcdefghi"),
	OE_EPROTO, ""},
    {"other size", GET8, 201, B(SIZE("\3") "\0\0\0\4abcd"), OE_EPROTO, ""},
    {"no size", GET8, 201, B(NO_ATTRS "\0\0\0\1a"), OE_EPROTO, ""},
    {"file ends early", GET8, 201, B(SIZE("\3") "\0\0\0\3ab"), OE_EPROTO, ""},
    {"got", GET8, 101, B("\0\0\0\0"), OE_EPROTO, ""},
    {"put", PUT, 101, B("\0\0\0\0"), 0, ""},
    {"put, refused", PUT, 101, B("\0\0\0\3"), OE_EPERM, ""},

    {"users", USERS, 201, B("\0\0\0\11\0\0\0\1a\0\0\0\0\0\0\0\5\0\0\0\1g"), 0,
	"a\n\ng\n"},
    {"fewer users", USERS, 201, B("\0\0\0\5\0\0\0\1a\0\0\0\5\0\0\0\1g"),
	OE_EPROTO, "a\n"},
};

static void
check_answer(const struct answer *t, bool bytewise)
{
	struct oe_sftp_file *f;
	struct asked a;
	struct rig r;
	uint32_t id;
	bool fatal = t->status == OE_EPROTO;

	rig_up(&r, bytewise);
	f = some_file(&r);
	ask(&r, &a, t->ask, f);
	(void)rig_sent(&r, &id, NULL);
	rig_answer(&r, t->type, id, t->body, t->len);
	if (a.done != 1 || a.op.status != t->status ||
	    r.failed_calls != fatal ||
	    (strcmp(told(&a), t->told) != 0 &&
		strcmp(a.op.message, t->told) != 0))
		fail_msg("%s: done %d, status %d, failed %d, told '%s', '%s'",
		    t->what, a.done, a.op.status, r.failed_calls, told(&a),
		    a.op.message);
	assert_int_equal(r.fs->failed, fatal);
	assert_int_equal(r.fs->outstanding, 0);
	if (fatal)
		assert_memory_equal(r.err.msg, "robot7: ", 8);
	asked_done(&a);
	/* what comes after the end is not looked at */
	if (fatal)
		rig_answer(&r, t->type, id, t->body, t->len);
	free(f);
	rig_close(&r);
}

static void
test_answers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(answers); i++) {
		check_answer(&answers[i], false);
		check_answer(&answers[i], true);
	}
}

static void
test_long_names(void **state)
{
	static const size_t sizes[] = {
	    OE_SFTP_PATH_MAX, OE_SFTP_PATH_MAX + 1, 200000};
	struct asked a;
	struct oe_buf b;
	struct rig r;
	uint32_t id;
	char *name;
	size_t i;

	(void)state;
	name = malloc(sizes[2]);
	assert_non_null(name);
	memset(name, 'x', sizes[2]);
	for (i = 0; i < OE_ARRAY_LEN(sizes); i++) {
		rig_up(&r, false);
		ask(&r, &a, READLINK, NULL);
		(void)rig_sent(&r, &id, NULL);
		oe_buf_init(&b, 300000);
		assert_int_equal(oe_buf_put_u32(&b, 1), 0);
		assert_int_equal(oe_buf_put_string(&b, name, sizes[i]), 0);
		rig_answer(
		    &r, OE_FXP_NAME, id, oe_buf_head(&b), oe_buf_left(&b));
		assert_int_equal(a.op.status, i ? OE_EPROTO : 0);
		oe_buf_done(&b);
		asked_done(&a);
		rig_close(&r);
	}
	free(name);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_long_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
