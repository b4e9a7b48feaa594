/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/agent.h - the authentication agent of the local user.
 *
 * libssh offers all keys of an agent or none, in the agent's order, and
 * cannot join a certificate file with a key in the agent.  So it talks to a
 * thread of ours that lists the one key we want offered and passes signing
 * on.  Source: draft-miller-ssh-agent.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define OE_AGENT_KEYS_MAX    256
#define OE_AGENT_MESSAGE_MAX (256u * 1024)

struct oe_buf;
struct oe_sshconf;

struct oe_agent_key {
	uint8_t *blob; /* public key or certificate */
	size_t blob_len;
	char *comment;
};

struct oe_agent_keys {
	struct oe_agent_key *v;
	size_t n;
};

struct oe_agent_proxy;

/** oe_agent_path() - socket of @conf's agent, NULL: none; free() it. */
char *oe_agent_path(const struct oe_sshconf *conf);
/** oe_agent_connect() - connected socket; @ret_fd: close it. */
int oe_agent_connect(const char *path, int *ret_fd, struct oe_err *err);
/**
 * oe_agent_list() - keys that the agent at @path holds.
 * Return: 0, OE_ESYS (cannot be reached), OE_EPROTO, OE_ETIMEOUT.
 */
int
oe_agent_list(const char *path, struct oe_agent_keys *ret, struct oe_err *err);
/** oe_agent_parse() - the body of an identities answer (fuzzed). */
int oe_agent_parse(
    struct oe_buf *answer, struct oe_agent_keys *ret, struct oe_err *err);
void oe_agent_keys_done(struct oe_agent_keys *k);

/**
 * oe_agent_proxy_new() - an agent with no key yet, in front of @path.
 * @ret_fd: speak to it here; the caller's.
 */
int oe_agent_proxy_new(const char *path, struct oe_agent_proxy **ret,
    int *ret_fd, struct oe_err *err);
/**
 * oe_agent_proxy_offer() - list exactly one key from now on.
 * @offer: what is listed.  @sign: the key the agent is asked to sign with;
 *         differs from @offer when that is a certificate from a file.
 */
void oe_agent_proxy_offer(struct oe_agent_proxy *p, const void *offer,
    size_t offer_len, const void *sign, size_t sign_len);
/** oe_agent_proxy_free() - end it; an unanswered signature fails. */
void oe_agent_proxy_free(struct oe_agent_proxy **p);
