/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/algos.h - which algorithms a client connection proposes.
 *
 * No SHA-1, no CBC, no DSA, no RSA signatures with SHA-1.  Names that the
 * loaded libssh does not know are left out by it, so the post-quantum
 * exchanges are proposed as soon as it has them.
 */
#pragma once

enum oe_algo_kind {
	OE_ALGO_KEX,
	OE_ALGO_CIPHER,
	OE_ALGO_MAC,
	OE_ALGO_HOSTKEY,
	OE_ALGO_PUBKEY,
	OE_ALGO_COUNT
};

/** oe_algos_default() - our list, best first. */
const char *oe_algos_default(enum oe_algo_kind kind);
/**
 * oe_algos_apply() - a setting of ssh_config(5): a list of its own, or +list,
 * -list (patterns), ^list relative to ours.
 * @value: NULL gives the default.  Return: free() it; may be empty.
 */
char *oe_algos_apply(enum oe_algo_kind kind, const char *value);
/**
 * oe_algos_prefer() - @list with the algorithms of key type @type first
 * ("ssh-rsa" stands for rsa-sha2-*).  Return: free() it.
 */
char *oe_algos_prefer(const char *list, const char *type);
