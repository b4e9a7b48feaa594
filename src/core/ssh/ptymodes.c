/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/ptymodes.h"

#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/compiler.h"
#include "core/base/err.h"

#define OP_END       0
#define OP_CS7       90
#define OP_CS8       91
#define OP_ISPEED    128
#define OP_OSPEED    129
#define OP_UNDEFINED 160
#define CC_DISABLED  255u

enum place { IN, OUT, CONTROL, LOCAL };

/* control characters: RFC 4254's opcode and the index in c_cc */
static const struct {
	uint8_t op;
	uint8_t index;
} chars[] = {
    {1, VINTR},
    {2, VQUIT},
    {3, VERASE},
    {4, VKILL},
    {5, VEOF},
    {6, VEOL},
    {7, VEOL2},
    {8, VSTART},
    {9, VSTOP},
    {10, VSUSP},
    {12, VREPRINT},
    {13, VWERASE},
    {14, VLNEXT},
    {16, VSWTC},
    {18, VDISCARD},
};

static const struct {
	uint8_t op;
	enum place place;
	tcflag_t bit;
} flags[] = {
    {30, IN, IGNPAR},
    {31, IN, PARMRK},
    {32, IN, INPCK},
    {33, IN, ISTRIP},
    {34, IN, INLCR},
    {35, IN, IGNCR},
    {36, IN, ICRNL},
    {37, IN, IUCLC},
    {38, IN, IXON},
    {39, IN, IXANY},
    {40, IN, IXOFF},
    {41, IN, IMAXBEL},
    {42, IN, IUTF8},
    {50, LOCAL, ISIG},
    {51, LOCAL, ICANON},
    {52, LOCAL, XCASE},
    {53, LOCAL, ECHO},
    {54, LOCAL, ECHOE},
    {55, LOCAL, ECHOK},
    {56, LOCAL, ECHONL},
    {57, LOCAL, NOFLSH},
    {58, LOCAL, TOSTOP},
    {59, LOCAL, IEXTEN},
    {60, LOCAL, ECHOCTL},
    {61, LOCAL, ECHOKE},
    {62, LOCAL, PENDIN},
    {70, OUT, OPOST},
    {71, OUT, OLCUC},
    {72, OUT, ONLCR},
    {73, OUT, OCRNL},
    {74, OUT, ONOCR},
    {75, OUT, ONLRET},
    {92, CONTROL, PARENB},
    {93, CONTROL, PARODD},
};

/* The constants for speeds are codes, not numbers of bits. */
static const struct {
	uint32_t bps;
	speed_t code;
} speeds[] = {
    {0, B0},
    {50, B50},
    {75, B75},
    {110, B110},
    {134, B134},
    {150, B150},
    {200, B200},
    {300, B300},
    {600, B600},
    {1200, B1200},
    {1800, B1800},
    {2400, B2400},
    {4800, B4800},
    {9600, B9600},
    {19200, B19200},
    {38400, B38400},
    {57600, B57600},
    {115200, B115200},
    {230400, B230400},
    {460800, B460800},
    {500000, B500000},
    {576000, B576000},
    {921600, B921600},
    {1000000, B1000000},
    {1152000, B1152000},
    {1500000, B1500000},
    {2000000, B2000000},
    {2500000, B2500000},
    {3000000, B3000000},
    {3500000, B3500000},
    {4000000, B4000000},
};

static tcflag_t *
place_of(struct termios *t, enum place place)
{
	switch (place) {
	case IN:
		return &t->c_iflag;
	case OUT:
		return &t->c_oflag;
	case CONTROL:
		return &t->c_cflag;
	case LOCAL:
		break;
	}
	return &t->c_lflag;
}

static void
speed_set(struct termios *t, uint8_t op, uint32_t bps)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(speeds); i++) {
		if (speeds[i].bps != bps)
			continue;
		if (op == OP_ISPEED)
			(void)cfsetispeed(t, speeds[i].code);
		else
			(void)cfsetospeed(t, speeds[i].code);
	}
}

static uint32_t
speed_get(speed_t code)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(speeds); i++)
		if (speeds[i].code == code)
			return speeds[i].bps;
	return 0;
}

static void
char_set(struct termios *t, uint8_t index, uint32_t arg)
{
	if (arg == CC_DISABLED)
		t->c_cc[index] = _POSIX_VDISABLE;
	else if (arg < CC_DISABLED)
		t->c_cc[index] = (cc_t)arg;
}

static void
flag_set(struct termios *t, enum place place, tcflag_t bit, bool on)
{
	tcflag_t *f = place_of(t, place);

	if (on)
		*f |= bit;
	else
		*f &= ~bit;
}

static void
mode_set(struct termios *t, uint8_t op, uint32_t arg)
{
	size_t i;

	if (op == OP_ISPEED || op == OP_OSPEED)
		speed_set(t, op, arg);
	/* a size of 0 means "not this one", which names no size to take */
	if ((op == OP_CS7 || op == OP_CS8) && arg != 0)
		t->c_cflag = (t->c_cflag & ~(tcflag_t)CSIZE) |
			     (op == OP_CS7 ? CS7 : CS8);
	for (i = 0; i < OE_ARRAY_LEN(chars); i++)
		if (chars[i].op == op)
			char_set(t, chars[i].index, arg);
	for (i = 0; i < OE_ARRAY_LEN(flags); i++)
		if (flags[i].op == op)
			flag_set(t, flags[i].place, flags[i].bit, arg != 0);
}

int
oe_ssh_ptymodes_apply(struct termios *t, const uint8_t *modes, size_t len)
{
	struct oe_buf in;
	uint32_t arg;
	uint8_t op;

	if (len > OE_SSH_PTYMODES_MAX)
		return OE_ETOOBIG;
	oe_buf_view(&in, modes, len);
	while (oe_buf_left(&in) > 0) {
		if (oe_buf_get_u8(&in, &op) != 0)
			return OE_ESHORT;
		if (op == OP_END || op >= OP_UNDEFINED)
			return 0;
		if (oe_buf_get_u32(&in, &arg) != 0)
			return OE_ESHORT;
		mode_set(t, op, arg);
	}
	return 0;
}

static int
pair_put(struct oe_buf *b, uint8_t op, uint32_t arg)
{
	int rc = oe_buf_put_u8(b, op);

	return rc != 0 ? rc : oe_buf_put_u32(b, arg);
}

int
oe_ssh_ptymodes_encode(const struct termios *t, struct oe_buf *ret)
{
	struct termios copy = *t;
	tcflag_t size = t->c_cflag & CSIZE;
	struct oe_buf b;
	int rc = 0;
	size_t i;

	oe_buf_init(&b, OE_SSH_PTYMODES_MAX);
	for (i = 0; i < OE_ARRAY_LEN(chars) && rc == 0; i++) {
		cc_t c = t->c_cc[chars[i].index];

		rc = pair_put(
		    &b, chars[i].op, c == _POSIX_VDISABLE ? CC_DISABLED : c);
	}
	for (i = 0; i < OE_ARRAY_LEN(flags) && rc == 0; i++) {
		tcflag_t f = *place_of(&copy, flags[i].place);

		rc = pair_put(&b, flags[i].op, (f & flags[i].bit) != 0);
	}
	if (rc == 0)
		rc = pair_put(&b, OP_CS7, size == CS7);
	if (rc == 0)
		rc = pair_put(&b, OP_CS8, size == CS8);
	if (rc == 0)
		rc = pair_put(&b, OP_ISPEED, speed_get(cfgetispeed(t)));
	if (rc == 0)
		rc = pair_put(&b, OP_OSPEED, speed_get(cfgetospeed(t)));
	if (rc == 0)
		rc = oe_buf_put_u8(&b, OP_END);
	if (rc == 0)
		rc = oe_buf_put(ret, oe_buf_head(&b), oe_buf_left(&b));
	oe_buf_done(&b);
	return rc;
}
