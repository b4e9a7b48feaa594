/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/app/module.h - optional parts of the program.
 *
 * Adding a module: one OE_MODULE line in configure.ac, a folder with
 * module.c (its descriptor, const struct oe_module oe_module_NAME),
 * Makefile.inc and README.md.  configure writes the list of built and absent
 * modules into modules.h; src/omniedge.c makes the table of it and hands it
 * down.  No constructors and no linker sections: both vanish from static
 * archives.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/library.h"

struct oe_cli_forwarding;
struct oe_cli_names;
struct oe_command;
struct oe_param;
struct oe_srv_forwarding;
struct oe_srv_source;

#define OE_SUBSYSTEM_ARGS_MAX 6

/* An SSH subsystem that a module offers to the server, run as the user. */
struct oe_subsystem {
	const char *name; /* "sftp" */
	/*
	 * argv of the program, ended by NULL, at most OE_SUBSYSTEM_ARGS_MAX;
	 * argv[0] "" is this program
	 */
	const char *const *argv;
	/*
	 * It takes "--audit fd:N" behind these: a descriptor to write events
	 * to (core/base/event.h), which become events of the session.  Given
	 * only when the server has an event log.
	 */
	bool reports;
	/*
	 * It serves files, and takes --read-only or --write-only and --root
	 * DIRECTORY, any number of times, behind these.
	 */
	bool files;
};

/*
 * Options that a module adds to another's command, at the end of its table.
 * The command hands them back through the hook that it declares.
 */
struct oe_module_options {
	const char *command;           /* "ssh" */
	const struct oe_param *params; /* ended by name NULL */
};

struct oe_module {
	const char *name;
	const char *summary;
	const struct oe_command *const *commands; /* ended by NULL, or NULL */
	const struct oe_subsystem *subsystems; /* ended by name NULL, or NULL */
	const struct oe_library *libraries;    /* ended by name NULL, or NULL */
	/* port forwarding for the server (server/forwarding.h), or NULL */
	const struct oe_srv_forwarding *server_forwarding;
	const struct oe_module_options *options; /* by command NULL, or NULL */
	/* client/forwarding.h; at most one module has it */
	const struct oe_cli_forwarding *client_forwarding;
	/* client/names.h; at most one module has it */
	const struct oe_cli_names *client_names;
	/* server/source.h; at most one module has it */
	const struct oe_srv_source *server_source;
};

struct oe_module_absent {
	const char *name;
	const char *option; /* "--enable-sftp" */
	const char *why;    /* "disabled by --disable-sftp" */
	/*
	 * names it would have, and "ssh:-L" for an option that it would add
	 * to a command; ended by NULL
	 */
	const char *const *commands;
};

struct oe_module_set {
	const struct oe_module *const *built;  /* ended by NULL */
	const struct oe_module_absent *absent; /* ended by name NULL */
	const char *configure_summary;
	/*
	 * Libraries of the floors below the modules: tables as in
	 * core/base/library.h; ended by NULL, or NULL.  A library that
	 * several tables name is told once.
	 */
	const struct oe_library *const *libraries;
};

/** oe_app_libraries - libinih; ended by name NULL. */
extern const struct oe_library oe_app_libraries[];

/** oe_module_find_command() - by exact name; NULL when absent. */
const struct oe_command *
oe_module_find_command(const struct oe_module_set *set, const char *name);

/** oe_module_find_subsystem() - by exact name; NULL when absent. */
const struct oe_subsystem *
oe_module_find_subsystem(const struct oe_module_set *set, const char *name);

/** oe_module_client_forwarding() - of the module that has it, or NULL. */
const struct oe_cli_forwarding *
oe_module_client_forwarding(const struct oe_module_set *set);
/** oe_module_client_names() - of the module that has it, or NULL. */
const struct oe_cli_names *
oe_module_client_names(const struct oe_module_set *set);
