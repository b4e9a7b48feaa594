/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/sshconf_internal.h - shared by the files of the resolver only.
 */
#pragma once

#include "core/base/str.h"
#include "core/ssh/sshconf.h"

struct oe_sshconf {
	const struct oe_sshconf_env *env;
	struct oe_strs v[OE_SSHCONF_COUNT];
	bool set[OE_SSHCONF_COUNT];
	char *host; /* as the user wrote it */
	char *ignore_unknown;
	bool want_final;              /* a "Match final" was seen */
	bool final;                   /* this is the second pass */
	struct oe_strs host_keys;     /* oe_sshconf_know() */
	char *identity, *certificate; /* ... */
};

int oe_sshconf__ignore(struct oe_sshconf *c, const char *value);
/** oe_sshconf__host() - does a Host line with these patterns match? */
bool oe_sshconf__host(const struct oe_sshconf *c, const struct oe_strs *words);
/**
 * oe_sshconf__match() - decide a Match line.
 * @live: false only checks the syntax and runs nothing.
 * Return: 0 or OE_ECONF.
 */
int oe_sshconf__match(struct oe_sshconf *c, const struct oe_strs *words,
    bool live, bool *ret, struct oe_err *err);
/** oe_sshconf__finish() - defaults and expansion after all files. */
int oe_sshconf__finish(struct oe_sshconf *c, struct oe_err *err);
/** oe_sshconf__add_known() - what oe_sshconf_know() was told of, last. */
void oe_sshconf__add_known(struct oe_sshconf *c);
