/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ~? and friends do to a session.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/forward_agent.h"
#include "client/forwarding.h"
#include "client/session_internal.h"
#include "client/tty.h"
#include "core/app/exitcode.h"
#include "core/base/compiler.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/ssh/client.h"
#include "core/ssh/pump.h"
#include "core/ssh/sshconf.h"

#define CTRL_C    0x03
#define CTRL_U    0x15
#define ESC       0x1b
#define BACKSPACE 0x08
#define DEL       0x7f

/* Typed characters are shown here too: the terminal is raw. */
static void
echo(const struct oe_session *s, const char *text)
{
	/* what somebody else's terminal does not take now is left out */
	if (s->share)
		(void)!write(s->share->say_fd, text, strlen(text));
	else
		(void)oe_fd_write_all(STDERR_FILENO, text, strlen(text));
}

static void
say(struct oe_session *s, const char *text)
{
	/* the terminal may be raw: carriage returns are ours to send */
	echo(s, text);
	echo(s, s->share || oe_tty_is_raw() ? "\r\n" : "\n");
}

static bool
has_commands(const struct oe_session *s)
{
	return s->forwarding && !oe_sshconf_is(s->plan->conf,
				    OE_SSHCONF_ENABLEESCAPECOMMANDLINE, "no");
}

/* Can this be done for whoever is the user of the session? */
static bool
available(const struct oe_session *s, char key)
{
	if (key == 'C')
		return has_commands(s);
	if (s->share && key == '^')
		return s->share->suspend;
	return !s->share || (key != 'v' && key != 'V');
}

static void
escape_help(struct oe_session *s)
{
	static const struct {
		const char *key, *what;
	} lines[] = {
	    {".", "end the connection"},
	    {"^Z", "suspend omniedge"},
	    {"#", "list what runs over this connection"},
	    {"C", "add or end forwards"},
	    {"B", "send a break"},
	    {"R", "exchange new keys"},
	    {"v", "say more"},
	    {"V", "say less"},
	    {"?", "this text"},
	};
	char ch[3], line[80];
	size_t i;

	oe_escape_text(s->escape.ch, ch);
	say(s, "");
	for (i = 0; i < OE_ARRAY_LEN(lines); i++) {
		if (!available(s, lines[i].key[0]))
			continue;
		snprintf(line, sizeof line, " %s%-3s %s", ch, lines[i].key,
		    lines[i].what);
		say(s, line);
	}
	snprintf(line, sizeof line, " %s%s   the character itself", ch, ch);
	say(s, line);
}

static void
say_line(void *arg, const char *text)
{
	struct oe_session *s = arg;
	char line[1200];

	snprintf(line, sizeof line, " %s", text);
	say(s, line);
}

static void
escape_list(struct oe_session *s)
{
	uint64_t sent, received;
	char line[160];

	oe_ssh_pump_bytes(s->pump, &sent, &received);
	snprintf(line, sizeof line,
	    "\r\n session: %llu bytes sent, %llu received; %zu agent "
	    "connection(s)",
	    (unsigned long long)sent, (unsigned long long)received,
	    oe_forward_agent_count(s->agent));
	say(s, line);
	if (s->forwarding)
		s->forwarding->list(
		    s->forwards, (struct oe_cli_say){say_line, s});
}

static void
command_end(struct oe_session *s, bool run)
{
	echo(s, "\r\n");
	s->command.text[s->command.n] = '\0';
	if (run)
		s->forwarding->command(s->forwards, s->command.text,
		    (struct oe_cli_say){say_line, s});
	s->command.n = 0;
}

/* All bytes of the last character. */
static void
command_erase(struct oe_session *s)
{
	do
		s->command.n--;
	while (s->command.n && (s->command.text[s->command.n] & 0xc0) == 0x80);
	echo(s, "\b \b");
}

/* An arrow or the like: ESC, [ or O, numbers, one that ends it. */
static bool
command_key(struct oe_session *s, uint8_t c)
{
	bool inside = s->command.key;

	if (c == ESC)
		s->command.key = true;
	else if (inside && c >= '@' && c != '[' && c != 'O')
		s->command.key = false;
	return inside || c == ESC;
}

/* One typed byte of the line; false: it was the last. */
static bool
command_byte(void *arg, uint8_t c)
{
	struct oe_session *s = arg;
	char shown[2] = {(char)c, '\0'};

	if (c != '\r' && c != '\n' && c != CTRL_C && command_key(s, c))
		return true;
	if (c == '\r' || c == '\n' || c == CTRL_C) {
		command_end(s, c != CTRL_C);
		return false;
	}
	if (c == BACKSPACE || c == DEL || c == CTRL_U) {
		while (s->command.n) {
			command_erase(s);
			if (c != CTRL_U)
				break;
		}
	} else if (c >= ' ' && s->command.n + 1 < sizeof s->command.text) {
		s->command.text[s->command.n++] = (char)c;
		echo(s, shown);
	}
	return true;
}

static void
escape_command(struct oe_session *s)
{
	if (!has_commands(s)) {
		say(s, s->forwarding ? "\r\n EnableEscapeCommandline is no."
				     : "\r\n This build forwards no ports.");
		return;
	}
	s->command.n = 0;
	s->command.key = false;
	echo(s, "\r\nomniedge> ");
	oe_escape_ask(&s->escape, command_byte);
}

static void
escape_suspend(struct oe_session *s)
{
	say(s, "");
	if (!available(s, '^')) {
		say(s, " This session cannot be suspended: its connection is "
		       "shared.");
	} else if (s->share) {
		s->share->suspend(s->share->arg);
	} else {
		oe_tty_suspend();
		kill(getpid(), SIGWINCH);
	}
}

static void
escape_verbosity(struct oe_session *s, int step)
{
	int level = OE_LOG_ERROR;

	if (s->share) {
		say(s, "\r\n The connection is shared: its master says what it "
		       "says.");
		return;
	}
	while (level < OE_LOG_DEBUG3 &&
	       oe_log_wants((enum oe_log_level)(level + 1)))
		level++;
	level += step;
	if (level < OE_LOG_ERROR || level > OE_LOG_DEBUG3)
		return;
	oe_log_setup((enum oe_log_level)level, OE_LOG_TEXT, -1, false);
	say(s, step > 0 ? "\r\n saying more" : "\r\n saying less");
}

void
oe_session__escape(void *arg, enum oe_escape_act what)
{
	struct oe_session *s = arg;

	switch (what) {
	case OE_ESCAPE_DISCONNECT:
		oe_tty_restore();
		say(s, "");
		if (!s->plan->quiet)
			say(s, "Connection ended.");
		oe_session__end(s, OE_EXIT_CONNECT);
		break;
	case OE_ESCAPE_SUSPEND:
		escape_suspend(s);
		break;
	case OE_ESCAPE_HELP:
		escape_help(s);
		break;
	case OE_ESCAPE_LIST:
		escape_list(s);
		break;
	case OE_ESCAPE_COMMAND:
		escape_command(s);
		break;
	case OE_ESCAPE_BREAK:
		(void)oe_ssh_chan_break(s->chan, 1000);
		break;
	case OE_ESCAPE_REKEY:
		say(s, "\r\n This libssh exchanges new keys by RekeyLimit "
		       "only, not on request.");
		break;
	case OE_ESCAPE_LOUDER:
		escape_verbosity(s, 1);
		break;
	case OE_ESCAPE_QUIETER:
		escape_verbosity(s, -1);
		break;
	case OE_ESCAPE_COUNT:
		break;
	}
}
