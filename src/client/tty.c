/* SPDX-License-Identifier: Apache-2.0 */
#include "client/tty.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/ssh/ptymodes.h"

/*
 * One terminal a process; exit() and signal handlers reach it only so.
 */
static struct {
	int fd;
	struct termios was;
	volatile sig_atomic_t raw;
	bool hooked;
} tty = {-1, {0}, 0, false};

void
oe_tty_restore(void)
{
	int saved = errno;

	if (tty.raw) {
		tty.raw = 0;
		tcsetattr(tty.fd, TCSADRAIN, &tty.was);
		oe_log_raw(false);
	}
	errno = saved;
}

bool
oe_tty_is_raw(void)
{
	return tty.raw;
}

static void
on_crash(int sig)
{
	oe_tty_restore();
	/* SA_RESETHAND: now it does what it would have done */
	raise(sig);
}

static void
hook(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT,
	    SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction sa = {
	    .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};
	size_t i;

	if (tty.hooked)
		return;
	tty.hooked = true;
	atexit(oe_tty_restore);
	for (i = 0; i < OE_ARRAY_LEN(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

int
oe_tty_raw(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &tty.was) < 0)
		return OE_ESYS;
	hook();
	tty.fd = fd;
	raw = tty.was;
	raw.c_iflag |= IGNPAR;
	raw.c_iflag &= ~(tcflag_t)(ISTRIP | INLCR | IGNCR | ICRNL | IXON |
				   IXANY | IXOFF | IUCLC);
	raw.c_lflag &=
	    ~(tcflag_t)(ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHONL | IEXTEN);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tty.raw = 1;
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0) {
		tty.raw = 0;
		return OE_ESYS;
	}
	oe_log_raw(isatty(STDERR_FILENO));
	return 0;
}

void
oe_tty_guard(int fd)
{
	if (tcgetattr(fd, &tty.was) < 0)
		return;
	hook();
	tty.fd = fd;
	tty.raw = 1;
}

void
oe_tty_suspend(void)
{
	bool raw = tty.raw;
	int fd = tty.fd;

	oe_tty_restore();
	kill(getpid(), SIGSTOP);
	if (raw)
		(void)oe_tty_raw(fd);
}

void
oe_tty_size(int fd, uint32_t ret[4])
{
	struct winsize ws = {24, 80, 0, 0};

	if (ioctl(fd, TIOCGWINSZ, &ws) < 0 || !ws.ws_col || !ws.ws_row) {
		ws.ws_col = 80;
		ws.ws_row = 24;
	}
	ret[0] = ws.ws_col;
	ret[1] = ws.ws_row;
	ret[2] = ws.ws_xpixel;
	ret[3] = ws.ws_ypixel;
}

void
oe_tty_modes(int fd, struct oe_buf *ret)
{
	struct termios t;

	if (tty.raw && fd == tty.fd)
		(void)oe_ssh_ptymodes_encode(&tty.was, ret);
	else if (tcgetattr(fd, &t) == 0)
		(void)oe_ssh_ptymodes_encode(&t, ret);
}
