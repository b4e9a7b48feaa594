/* SPDX-License-Identifier: Apache-2.0 */
#include "client/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define ASKPASS_DEFAULT "/usr/bin/ssh-askpass"

/* Only a signal handler's note: which signal came while asking. */
static volatile sig_atomic_t prompt_signal;

static const int prompt_signals[] = {
    SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM};

static void
on_signal(int sig)
{
	prompt_signal = sig;
}

enum oe_prompt_way
oe_prompt_way(const char *require, const char *askpass, bool display, bool tty)
{
	if (require && oe_str_eq(require, "never"))
		return tty ? OE_PROMPT_TTY : OE_PROMPT_NOBODY;
	if (require && oe_str_eq(require, "force"))
		return OE_PROMPT_ASKPASS;
	if (require && oe_str_eq(require, "prefer") && display)
		return OE_PROMPT_ASKPASS;
	if (tty)
		return OE_PROMPT_TTY;
	return display && askpass ? OE_PROMPT_ASKPASS : OE_PROMPT_NOBODY;
}

/*
 * Signals come in this wait and nowhere else: one that came just before a read
 * would be noticed at the next key only.
 */
static void
wait_answer(int fd, const sigset_t *open)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	while (ppoll(&p, 1, NULL, open) < 0 && errno == EINTR && !prompt_signal)
		continue;
}

/*
 * A line from @fd without its end; false: end of file, signal, too long.
 * @open: mask of signals while it waits; NULL: as it is.
 */
static bool
read_answer(int fd, const sigset_t *open, char *to, size_t size)
{
	size_t n = 0;
	ssize_t got;
	char c;

	for (;;) {
		wait_answer(fd, open);
		if (prompt_signal)
			return false;
		got = read(fd, &c, 1);
		if (got < 0 && errno == EINTR && !prompt_signal)
			continue;
		if (got < 0 || (got == 0 && n == 0))
			return false;
		if (got == 0 || c == '\n' || c == '\r')
			break;
		if (n + 1 < size)
			to[n++] = c;
	}
	to[n] = '\0';
	return true;
}

/* What signals did before they were caught. */
struct signals {
	struct sigaction actions[OE_ARRAY_LEN(prompt_signals)];
	sigset_t mask;
	sigset_t open; /* while an answer is waited for */
};

/*
 * A process that takes its signals from a descriptor has them blocked.  Those
 * of a background process are let through at once: they say that what is being
 * done to the terminal may not be.
 */
static void
catch_signals(struct signals *old)
{
	struct sigaction sa = {.sa_handler = on_signal};
	sigset_t now;
	size_t i;

	prompt_signal = 0;
	sigprocmask(SIG_BLOCK, NULL, &old->mask);
	now = old->open = old->mask;
	for (i = 0; i < OE_ARRAY_LEN(prompt_signals); i++) {
		sigaction(prompt_signals[i], &sa, &old->actions[i]);
		sigdelset(&old->open, prompt_signals[i]);
		sigaddset(&now, prompt_signals[i]);
	}
	sigdelset(&now, SIGTTIN);
	sigdelset(&now, SIGTTOU);
	sigprocmask(SIG_SETMASK, &now, NULL);
}

static void
release_signals(const struct signals *old)
{
	size_t i;

	sigprocmask(SIG_SETMASK, &old->mask, NULL);
	for (i = 0; i < OE_ARRAY_LEN(prompt_signals); i++)
		sigaction(prompt_signals[i], &old->actions[i], NULL);
}

static void
set_echo(int fd, const struct termios *was, bool echo)
{
	struct termios t = *was;

	if (!echo)
		t.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	while (tcsetattr(fd, TCSAFLUSH, &t) < 0 && errno == EINTR &&
	       !prompt_signal)
		continue;
}

/* One round on the terminal; the signal that broke it stays noted. */
static bool
ask_round(int fd, const char *prompt, bool echo, char *to, size_t size)
{
	struct signals old;
	struct termios was;
	bool have, ok = false;

	catch_signals(&old);
	have = tcgetattr(fd, &was) == 0;
	if (have)
		set_echo(fd, &was, echo);
	if (!prompt_signal && oe_fd_write_all(fd, prompt, strlen(prompt)) == 0)
		ok = read_answer(fd, &old.open, to, size);
	if (have)
		while (tcsetattr(fd, TCSAFLUSH, &was) < 0 && errno == EINTR)
			continue;
	if (!echo)
		(void)oe_fd_write_all(fd, "\n", 1);
	release_signals(&old);
	return ok && !prompt_signal;
}

static int
ask_tty(int fd, const char *prompt, bool echo, char **ret, struct oe_err *err)
{
	char answer[OE_PROMPT_MAX];
	bool ok, again;

	do {
		ok = ask_round(fd, prompt, echo, answer, sizeof answer);
		again = prompt_signal == SIGTSTP || prompt_signal == SIGTTIN ||
			prompt_signal == SIGTTOU;
		/* what the signal means happens with the terminal as it was */
		if (prompt_signal)
			kill(getpid(), prompt_signal);
	} while (!ok && again);
	if (ok)
		*ret = oe_mem_strdup(answer);
	oe_mem_wipe(answer, sizeof answer);
	return ok ? 0 : oe_err_set(err, OE_ECANCEL, "no answer was given");
}

static void
run_askpass(const char *program, const char *prompt, int out)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(out, STDOUT_FILENO);
	/* as ssh: a bare name is looked up in PATH */
	execlp(program, program, prompt, (char *)NULL);
	_exit(127);
}

/* @confirm: its exit status says yes, when it says nothing else. */
static int
ask_program(const char *program, const char *prompt, bool confirm, char **ret,
    struct oe_err *err)
{
	char answer[OE_PROMPT_MAX] = "";
	int fds[2], status = -1;
	bool ok;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return oe_err_sys(err, "make a pipe");
	pid = fork();
	if (pid == 0)
		run_askpass(program, prompt, fds[1]);
	oe_fd_close(&fds[1]);
	prompt_signal = 0;
	ok = pid > 0 &&
	     (read_answer(fds[0], NULL, answer, sizeof answer) || confirm);
	oe_fd_close(&fds[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	ok = ok && status == 0;
	if (ok)
		*ret = oe_mem_strdup(confirm && !*answer ? "yes" : answer);
	oe_mem_wipe(answer, sizeof answer);
	return ok ? 0
		  : oe_err_set(err, OE_ECANCEL, "'%s' gave no answer", program);
}

static int
ask(const char *prompt, bool echo, bool confirm, char **ret, struct oe_err *err)
{
	const char *askpass = getenv("SSH_ASKPASS"), *d = getenv("DISPLAY"),
		   *w = getenv("WAYLAND_DISPLAY");
	bool display = (d && *d) || (w && *w);
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC), r = OE_ECANCEL;

	if (askpass && !*askpass)
		askpass = NULL;
	switch (oe_prompt_way(
	    getenv("SSH_ASKPASS_REQUIRE"), askpass, display, fd >= 0)) {
	case OE_PROMPT_TTY:
		r = ask_tty(fd, prompt, echo, ret, err);
		break;
	case OE_PROMPT_ASKPASS:
		r = ask_program(askpass ? askpass : ASKPASS_DEFAULT, prompt,
		    confirm, ret, err);
		break;
	case OE_PROMPT_NOBODY:
		r = oe_err_set(
		    err, OE_ECANCEL, "there is no terminal to ask on");
		break;
	}
	oe_fd_close(&fd);
	return r;
}

int
oe_prompt_ask(const char *prompt, bool echo, char **ret, struct oe_err *err)
{
	return ask(prompt, echo, false, ret, err);
}

int
oe_prompt_confirm(const char *question, struct oe_err *err)
{
	char *answer = NULL;
	int r;

	(void)setenv("SSH_ASKPASS_PROMPT", "confirm", 1);
	r = ask(question, true, true, &answer, err);
	if (r == 0 && !oe_str_eq_nocase(answer, "yes"))
		r = oe_err_set(err, OE_ECANCEL, "the user said no");
	free(answer);
	return r;
}
