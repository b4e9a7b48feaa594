/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/knownhosts.h - host keys that were seen before.
 *
 * Text files in the format of sshd(8) "SSH_KNOWN_HOSTS FILE FORMAT": plain,
 * pattern and hashed names, [host]:port, @revoked.  @cert-authority lines
 * are passed over (libssh negotiates no host certificates).  libssh's own
 * reader knows one file of each kind, no markers and no negated pattern.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/ssh/sshconf.h"

#define OE_KNOWNHOSTS_FILE_MAX (32u * 1024 * 1024)

enum oe_knownhosts_verdict {
	OE_KNOWNHOSTS_UNKNOWN, /* no key of this host is known */
	OE_KNOWNHOSTS_OTHER,   /* only keys of other types are known */
	OE_KNOWNHOSTS_MATCH,   /* this very key */
	OE_KNOWNHOSTS_CHANGED, /* another key of the same type */
	OE_KNOWNHOSTS_REVOKED,
	OE_KNOWNHOSTS_COUNT
};

struct oe_knownhosts_found {
	enum oe_knownhosts_verdict verdict;
	/* "file:line" of the entry behind CHANGED, OTHER or REVOKED */
	char where[512];
};

/** oe_knownhosts_name() - "host", or "[host]:port" off port 22; free() it. */
char *oe_knownhosts_name(const char *host, int port);

/**
 * oe_knownhosts_check() - look a host key up.
 * @files: list of file names; absent files are empty ones.
 * @name:  as from oe_knownhosts_name().
 * @type:  "ssh-ed25519"; @key: its blob in base64.
 */
void oe_knownhosts_check(const struct oe_strs *files, const char *name,
    const char *type, const char *key, struct oe_knownhosts_found *ret);

/** oe_knownhosts_types() - add the key types known for @name to @ret. */
void oe_knownhosts_types(
    const struct oe_strs *files, const char *name, struct oe_strs *ret);

/**
 * oe_knownhosts_add() - append one line; makes directory (0700), file (0600).
 * @hash: write the name hashed.
 * Return: 0 or OE_ESYS.
 */
int oe_knownhosts_add(const char *file, const char *name, bool hash,
    const char *type, const char *key, struct oe_err *err);

/**
 * oe_knownhosts_line_matches() - does one line name the host?
 * @names: first field of a line: "a,b,!c", "[h]:22", "|1|salt|hash".
 */
bool oe_knownhosts_line_matches(const char *names, const char *name);
