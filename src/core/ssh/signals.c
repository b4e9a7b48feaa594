/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/signals.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

#include "core/base/compiler.h"

static const struct {
	const char *name;
	int number;
} signals[] = {
    {"ABRT", SIGABRT},
    {"ALRM", SIGALRM},
    {"BUS", SIGBUS},
    {"FPE", SIGFPE},
    {"HUP", SIGHUP},
    {"ILL", SIGILL},
    {"INT", SIGINT},
    {"KILL", SIGKILL},
    {"PIPE", SIGPIPE},
    {"QUIT", SIGQUIT},
    {"SEGV", SIGSEGV},
    {"SYS", SIGSYS},
    {"TERM", SIGTERM},
    {"TRAP", SIGTRAP},
    {"USR1", SIGUSR1},
    {"USR2", SIGUSR2},
    {"XCPU", SIGXCPU},
    {"XFSZ", SIGXFSZ},
};

int
oe_ssh_signal_number(const char *name)
{
	size_t i;

	for (i = 0; name && i < OE_ARRAY_LEN(signals); i++)
		if (!strcmp(signals[i].name, name))
			return signals[i].number;
	return 0;
}

const char *
oe_ssh_signal_name(int number)
{
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(signals); i++)
		if (signals[i].number == number)
			return signals[i].name;
	return "KILL";
}
