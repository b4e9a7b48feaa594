/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/sshconf_keys.h - the keys of ssh_config(5) that we honour: their
 * shape, defaults and how a value is checked.
 */
#pragma once

#include "core/base/err.h"
#include "core/ssh/sshconf.h"

enum oe_sshconf_type {
	OE_SSHCONF_T_TEXT, /* one word */
	OE_SSHCONF_T_REST, /* the rest of the line as it stands */
	OE_SSHCONF_T_NUM,
	OE_SSHCONF_T_TIME,   /* seconds, or 1h30m */
	OE_SSHCONF_T_CHOICE, /* yes/no and the words of choices */
};

struct oe_sshconf_def {
	const char *name; /* as in ssh_config(5) */
	enum oe_sshconf_type type;
	const char *fallback; /* words; NULL: none */
	const char *choices;  /* comma-separated, first spelling wins */
	int64_t min, max;     /* NUM */
	bool many;            /* several words on a line */
	bool joins;           /* two words are one value, with ':' between */
	bool adds;            /* later lines add instead of losing */
	bool expands;         /* file name: ~ and tokens */
};

extern const struct oe_sshconf_def oe_sshconf_defs[OE_SSHCONF_COUNT];

/** oe_sshconf_find() - key of @name, any case, old spellings too; -1: none. */
int oe_sshconf_find(const char *name);
/**
 * oe_sshconf_is_off() - does @name @value switch off what we do not have?
 * Programs that run ssh pass such settings (scp: PermitLocalCommand=no); they
 * are met as they stand.
 */
bool oe_sshconf_is_off(const char *name, const char *value);
/**
 * oe_sshconf_check() - check one word for @key and bring it to normal form.
 * @ret: free() it.
 * Return: 0 or OE_ECONF.
 */
int oe_sshconf_check(
    enum oe_sshconf_key key, const char *word, char **ret, struct oe_err *err);
