/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/ptymodes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/err.h"

static void
apply_known(void **state)
{
	static const uint8_t modes[] = {
	    3, 0, 0, 0, 8,      /* VERASE = ^H */
	    1, 0, 0, 0, 255,    /* VINTR off */
	    2, 0, 0, 1, 0,      /* VQUIT: no character, passed over */
	    53, 0, 0, 0, 0,     /* ECHO off */
	    42, 0, 0, 0, 1,     /* IUTF8 on */
	    72, 0, 0, 0, 1,     /* ONLCR on */
	    91, 0, 0, 0, 1,     /* CS8 */
	    90, 0, 0, 0, 0,     /* not CS7 */
	    99, 0, 0, 0, 1,     /* unknown, skipped */
	    128, 0, 0, 0x96, 0, /* 38400 in */
	    129, 0, 1, 0xc2, 0, /* 115200 out */
	    0, 53, 0, 0, 0, 1,  /* after the end: not read */
	};
	struct termios t;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.c_lflag = ECHO | ICANON;
	t.c_cc[VQUIT] = 28;
	t.c_cflag = CS7;
	assert_int_equal(oe_ssh_ptymodes_apply(&t, modes, sizeof(modes)), 0);
	assert_int_equal(t.c_cc[VERASE], 8);
	assert_int_equal(t.c_cc[VINTR], _POSIX_VDISABLE);
	assert_int_equal(t.c_cc[VQUIT], 28);
	assert_int_equal(t.c_lflag, ICANON);
	assert_int_equal(t.c_iflag, IUTF8);
	assert_int_equal(t.c_oflag, ONLCR);
	assert_int_equal(t.c_cflag & CSIZE, CS8);
	assert_int_equal(cfgetospeed(&t), B115200);
}

static void
apply_ends(void **state)
{
	static const struct {
		uint8_t in[12];
		size_t len;
		int rc;
		int erase; /* what VERASE is afterwards; 127 before */
	} cases[] = {
	    {{0}, 0, 0, 127},
	    {{0}, 1, 0, 127},
	    {{3, 0, 0, 0, 8}, 5, 0, 8}, /* no end opcode */
	    {{3, 0, 0, 0}, 4, OE_ESHORT, 127},
	    {{3, 0, 0, 0, 8, 1}, 6, OE_ESHORT, 8},
	    {{160, 3, 0, 0, 0, 8}, 6, 0, 127}, /* undefined: stop */
	    {{255}, 1, 0, 127},
	    {{159, 0, 0, 0, 1, 3, 0, 0, 0, 8}, 10, 0, 8},
	};
	uint8_t big[OE_SSH_PTYMODES_MAX + 1] = {0};
	struct termios t;
	size_t i;

	(void)state;
	for (i = 0; i < OE_ARRAY_LEN(cases); i++) {
		memset(&t, 0, sizeof(t));
		t.c_cc[VERASE] = 127;
		assert_int_equal(
		    oe_ssh_ptymodes_apply(&t, cases[i].in, cases[i].len),
		    cases[i].rc);
		assert_int_equal(t.c_cc[VERASE], cases[i].erase);
	}
	assert_int_equal(
	    oe_ssh_ptymodes_apply(&t, big, sizeof(big)), OE_ETOOBIG);
	assert_int_equal(oe_ssh_ptymodes_apply(&t, NULL, 0), 0);
}

static void
round_trip(void **state)
{
	struct termios a, b;
	struct oe_buf out;
	size_t i;

	(void)state;
	memset(&a, 0, sizeof(a));
	a.c_iflag = ICRNL | IXON | IUTF8 | IMAXBEL;
	a.c_oflag = OPOST | ONLCR;
	a.c_cflag = CS8 | PARENB;
	a.c_lflag = ISIG | ICANON | ECHO | ECHOE | IEXTEN | ECHOCTL;
	for (i = 0; i <= VEOL2; i++)
		if (i != VTIME && i != VMIN)
			a.c_cc[i] = (cc_t)(i + 1);
	a.c_cc[VEOL] = _POSIX_VDISABLE;
	cfsetispeed(&a, B38400);
	cfsetospeed(&a, B38400);
	oe_buf_init(&out, OE_SSH_PTYMODES_MAX);
	assert_int_equal(oe_ssh_ptymodes_encode(&a, &out), 0);
	memset(&b, 0, sizeof(b));
	/* every flag is told, so one that is set here must go out */
	b.c_lflag = NOFLSH;
	assert_int_equal(
	    oe_ssh_ptymodes_apply(&b, oe_buf_head(&out), oe_buf_left(&out)), 0);
	assert_int_equal(a.c_iflag, b.c_iflag);
	assert_int_equal(a.c_oflag, b.c_oflag);
	assert_int_equal(a.c_cflag, b.c_cflag);
	assert_int_equal(a.c_lflag, b.c_lflag);
	assert_memory_equal(a.c_cc, b.c_cc, VEOL2 + 1);
	oe_buf_done(&out);
	oe_buf_init(&out, 20);
	assert_int_equal(oe_ssh_ptymodes_encode(&a, &out), OE_ETOOBIG);
	assert_int_equal(oe_buf_left(&out), 0);
	oe_buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(apply_known),
	    cmocka_unit_test(apply_ends),
	    cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
