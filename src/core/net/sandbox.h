/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/net/sandbox.h - a process gives up what it does not need.
 *
 * Compiled once before any fork, entered in the process that speaks to the
 * network.  What is left: read and write on descriptors it has or is handed,
 * memory, time, random bytes, exit.  Opening files and making sockets fails
 * with EPERM (libraries may try); starting programs, connecting, signalling
 * others, tracing and new namespaces end the process at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct oe_err;
struct oe_sandbox;

/**
 * oe_sandbox_new() - compile the filter.
 * @ret: oe_sandbox_free() it.
 * Return: 0 or OE_ELIB.
 */
int oe_sandbox_new(struct oe_sandbox **ret, struct oe_err *err);
/**
 * oe_sandbox_new_client() - the same for a process that makes connections of
 * its own by libraries that resolve names and speak TLS: it may make sockets
 * of IP and connect, open files to read them, and have threads.  It cannot
 * write or remove a file, accept connections, start a program or signal
 * another process.  A call that is not known fails with EPERM, since other
 * machines' libraries may try others; what no library would try ends it.
 */
int oe_sandbox_new_client(struct oe_sandbox **ret, struct oe_err *err);
void oe_sandbox_free(struct oe_sandbox **s);

struct oe_sandbox_identity {
	bool change; /* become uid:gid with no further groups (needs root) */
	uid_t uid;
	gid_t gid;
	bool die_with_parent; /* SIGKILL when the parent process ends */
};

/**
 * oe_sandbox_enter() - never to come back.
 * In this order: limits (no core, no processes, no new files), the identity,
 * not dumpable, no_new_privs, Landlock where the kernel has it, seccomp.
 * Return: 0, or OE_ESYS: the caller must end the process.
 */
int oe_sandbox_enter(const struct oe_sandbox *s,
    const struct oe_sandbox_identity *id, struct oe_err *err);
/** oe_sandbox_describe() - what this kernel gives, for version -v and logs. */
const char *oe_sandbox_describe(void);
