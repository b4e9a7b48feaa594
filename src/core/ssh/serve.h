/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/serve.h - the server side of a connection.
 *
 * A struct oe_ssh_bind is made once, in the process that forks; each
 * connection's process turns its accepted socket into a struct oe_ssh.
 * libssh verifies signatures here; who may log in is decided by the owner of
 * the operations below.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oe_err;
struct oe_ssh;
struct oe_ssh_bind;
struct oe_ssh_chan;
struct oe_ssh_hostkeys;

enum oe_ssh_auth_method {
	OE_SSH_AUTH_NONE = 1 << 0,
	OE_SSH_AUTH_PUBLICKEY = 1 << 1,
	OE_SSH_AUTH_PASSWORD = 1 << 2,
	OE_SSH_AUTH_KBDINT = 1 << 3,
};

enum oe_ssh_answer {
	OE_SSH_DENY,
	OE_SSH_ALLOW,
	OE_SSH_ASK, /* keyboard-interactive: the prompts were filled in */
};

#define OE_SSH_PROMPTS_MAX 16

/* One round of keyboard-interactive questions; oe_ssh_prompts_done() it. */
struct oe_ssh_prompts {
	char *name, *instruction; /* may be NULL */
	char *text[OE_SSH_PROMPTS_MAX];
	char echo[OE_SSH_PROMPTS_MAX];
	unsigned n;
};

void oe_ssh_prompts_done(struct oe_ssh_prompts *p);

/* Decisions of the owner; all are set.  Text is unchecked peer input. */
struct oe_ssh_serve_ops {
	/*
	 * @blob: key or certificate in wire form.  @proven: false: may this
	 * key be tried at all?  true: its signature was verified.
	 */
	enum oe_ssh_answer (*publickey)(void *arg, const char *user,
	    const uint8_t *blob, size_t len, bool proven);
	enum oe_ssh_answer (*password)(
	    void *arg, const char *user, const char *password);
	enum oe_ssh_answer (*none)(void *arg, const char *user);
	/* @answers NULL: the start of a conversation */
	enum oe_ssh_answer (*kbdint)(void *arg, const char *user,
	    const char *const *answers, unsigned n, struct oe_ssh_prompts *ret);
	/* May the peer open one more session channel? */
	bool (*may_open)(void *arg);
	/* It did; the owner sets the channel's ops and frees it. */
	void (*opened)(void *arg, struct oe_ssh_chan *chan);
	/* Something was refused: "x11", "tcpip-forward", ... */
	void (*refused)(void *arg, const char *what);
};

struct oe_ssh_bind_params {
	unsigned methods;     /* enum oe_ssh_auth_method bits that are on */
	uint64_t rekey_bytes; /* 0: libssh's limits by cipher */
	uint32_t rekey_s;     /* 0: never by time */
	const char *issue;    /* text before authentication, or NULL */
	const char *version;  /* after "SSH-2.0-"; NULL: "omniedge" */
	const char *ciphers;  /* NULL: the strict default, as the others */
	const char *macs;
	const char *kex;
};

/**
 * oe_ssh_bind_check() - are the lists of algorithms acceptable?
 * Return: 0, or OE_ECONF with a message that names the list.
 */
int
oe_ssh_bind_check(const struct oe_ssh_bind_params *params, struct oe_err *err);
/** oe_ssh_bind_new() - settings and keys for accepted connections. */
int oe_ssh_bind_new(const struct oe_ssh_hostkeys *keys,
    const struct oe_ssh_bind_params *params, struct oe_ssh_bind **ret,
    struct oe_err *err);
void oe_ssh_bind_free(struct oe_ssh_bind **b);

/**
 * oe_ssh_bind_warm() - whole handshakes with ourselves in memory, so that
 * forked processes find algorithms fetched, symbols bound and pages shared.
 * Return: 0, or OE_ELIB: it is slower then, not wrong.
 */
int oe_ssh_bind_warm(struct oe_ssh_bind *b, struct oe_err *err);

/**
 * oe_ssh_accept() - start the server's side on socket @fd, which is owned
 * from success on.  Call oe_ssh_attach() next.
 */
int
oe_ssh_accept(struct oe_ssh_bind *b, int fd, const struct oe_ssh_serve_ops *ops,
    void *arg, struct oe_ssh **ret, struct oe_err *err);

/**
 * oe_ssh_banner() - words for the person, a line each (RFC 4252 5.4).
 * Only within an operation about authentication: later there is no place for
 * them.
 */
void oe_ssh_banner(struct oe_ssh *s, const char *text);
/** oe_ssh_is_authenticated() - an operation above said OE_SSH_ALLOW. */
bool oe_ssh_is_authenticated(const struct oe_ssh *s);
/** oe_ssh_is_encrypted() - the first key exchange is done. */
bool oe_ssh_is_encrypted(const struct oe_ssh *s);
/** oe_ssh_peer_version() - the client's identification string, or NULL. */
const char *oe_ssh_peer_version(const struct oe_ssh *s);
/**
 * oe_ssh_open_agent() - open an agent channel back to the client.
 * Return: the channel (its ops must be set at once), or NULL.
 */
struct oe_ssh_chan *oe_ssh_open_agent(struct oe_ssh *s);
