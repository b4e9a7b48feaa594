/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/client_internal.h - what the files of the client's side share.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/connect.h"
#include "client/forwarding.h"
#include "core/ssh/forward.h"
#include "forwarding/client_spec.h"

/* Connections of one session at a time; more wait to be accepted. */
#define OE_FWD_LINKS_MAX 8192
/* Those among them that have not said yet where they want to go. */
#define OE_FWD_HANDSHAKES_MAX 256
#define OE_FWD_HANDSHAKE_MS   20000
/* To connect to the target of -R. */
#define OE_FWD_CONNECT_MS 60000
/* Forwards of one session. */
#define OE_FWD_FORWARDS_MAX 1000
/* Addresses that one forward listens on. */
#define OE_FWD_SOCKETS_MAX 8
/* No descriptor, or too many connections: look again after this time. */
#define OE_FWD_PAUSE_MS 500

struct oe_fwd__link;
struct oe_fwd__control;

enum oe_fwd__state {
	OE_FWD__IDLE,    /* not asked for yet */
	OE_FWD__WAITING, /* the peer was asked */
	OE_FWD__UP,
	OE_FWD__FAILED,
};

/* One -L, -R or -D. */
struct oe_fwd__forward {
	struct oe_fwd__forward *next;
	struct oe_cli_forwards *set;
	struct oe_fwd_spec spec;
	unsigned id;
	enum oe_fwd__state state;
	struct {
		int fd;
		struct oe_watch *watch;
	} sockets[OE_FWD_SOCKETS_MAX];
	size_t nsockets;
	dev_t dev; /* of the Unix socket that was made here */
	ino_t ino;
	char *listen_path;            /* of it, or NULL */
	struct oe_ssh_listen *listen; /* at the peer */
	char *asked_host;             /* what the peer was asked to bind */
	int port;                     /* the real one */
	uint64_t sent, received;      /* of connections that ended */
	uint64_t count;               /* connections so far */
	size_t open;                  /* connections now */
	bool late;                    /* came at run time: goes when it fails */
	bool doomed;                  /* to be removed before the loop waits */
	/* told once when the state leaves WAITING; or NULL */
	void (*told)(void *arg, const struct oe_err *err);
	void *told_arg;
};

struct oe_cli_forwards {
	const struct oe_sshconf *conf;
	struct oe_loop *loop;
	struct oe_connect *c; /* NULL: there is none now */
	struct oe_fwd__forward *first;
	size_t n;
	unsigned last_id;
	struct oe_fwd__link *links;
	size_t nlinks;
	struct oe_idle *idle;
	struct oe_timer *pause; /* listeners go on when it fires */
	bool paused;
	bool gateway_ports, unlink_first;
	int family;
	mode_t bind_mask;
	size_t waiting, failed, doomed;
	void (*settled)(void *arg, size_t failed);
	void *settled_arg;
	struct oe_fwd__control *control;
};

/* client_forward.c */
/**
 * oe_fwd__read() - a forward as the user wrote it, with ${NAME} replaced
 * everywhere and %-tokens in paths of sockets: ssh_config(5), TOKENS.
 * @parse: oe_fwd_spec_parse() or oe_fwd_spec_parse_listen().
 * @ret: as theirs.
 * Return: as theirs, OE_ECONF (a token or a variable that there is not).
 */
int oe_fwd__read(const struct oe_sshconf *conf,
    int (*parse)(enum oe_fwd_kind kind, const char *text,
	struct oe_fwd_spec *ret, struct oe_err *err),
    enum oe_fwd_kind kind, const char *text, struct oe_fwd_spec *ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_fwd__add() - a forward that is not started; takes over @spec. */
struct oe_fwd__forward *
oe_fwd__add(struct oe_cli_forwards *set, struct oe_fwd_spec *spec);
/**
 * oe_fwd__start() - listen, or ask the peer to.
 * Return: 0 (state UP, or WAITING: told() follows), or a failure with its
 * message (state FAILED).
 */
int oe_fwd__start(struct oe_fwd__forward *f, struct oe_err *err);
/**
 * oe_fwd__remove() - listen no more and forget it; its connections go on.
 */
void oe_fwd__remove(struct oe_fwd__forward *f);
/** oe_fwd__find() - one of the kind that listens there; or NULL. */
struct oe_fwd__forward *oe_fwd__find(
    const struct oe_cli_forwards *set, const struct oe_fwd_spec *where);
/** oe_fwd__bytes() - through it so far, open connections included. */
void oe_fwd__bytes(const struct oe_fwd__forward *f, uint64_t *ret_sent,
    uint64_t *ret_received);
/** oe_fwd__describe() - "-L 8080:host:80"; free() it. */
char *oe_fwd__describe(const struct oe_fwd__forward *f);

/* client_listen.c */
/**
 * oe_fwd__listen() - open the sockets of a forward that listens here.
 * Return: 0, OE_ESYS, OE_ENOENT (no such address).
 */
int oe_fwd__listen(struct oe_fwd__forward *f, struct oe_err *err);
void oe_fwd__listen_close(struct oe_fwd__forward *f);
/** oe_fwd__accept_all() - watch the listeners again, or leave them be. */
void oe_fwd__accept_all(struct oe_cli_forwards *set, bool on);

/* client_link.c */
/** oe_fwd__link_local() - serve @fd, which came to a listener here. */
void oe_fwd__link_local(
    struct oe_fwd__forward *f, int fd, const char *origin, int origin_port);
/** oe_fwd__link_remote() - serve what came to a listener of the peer. */
void
oe_fwd__link_remote(struct oe_fwd__forward *f, struct oe_ssh_request *request);
/** oe_fwd__link_bytes() - add what @f's connections have moved. */
void oe_fwd__link_bytes(
    const struct oe_fwd__forward *f, uint64_t *sent, uint64_t *received);
/** oe_fwd__link_orphan() - @f goes, its connections stay. */
void oe_fwd__link_orphan(struct oe_fwd__forward *f);
/** oe_fwd__link_reap() - free those that ended; @all: every one.  Any? */
bool oe_fwd__link_reap(struct oe_cli_forwards *set, bool all);

/* client_remote.c */
/** oe_fwd__remote_start() - ask the peer; as oe_fwd__start(). */
int oe_fwd__remote_start(struct oe_fwd__forward *f, struct oe_err *err);
void oe_fwd__remote_stop(struct oe_fwd__forward *f);
/** oe_fwd__remote_serve() - take what comes to the peer's listeners. */
void oe_fwd__remote_serve(struct oe_cli_forwards *set);

/* client.c */
/** oe_fwd__open() - what conf asks for; as oe_cli_forwarding.open. */
int oe_fwd__open(const struct oe_sshconf *conf, struct oe_cli_forwards **ret,
    struct oe_err *err);
/**
 * oe_fwd__listen_all() - open the local listeners on @loop; what cannot be
 * is told and counts as failed.
 */
void oe_fwd__listen_all(struct oe_cli_forwards *set, struct oe_loop *loop);
/** oe_fwd__attach() - @c is there: ask the peer to listen. */
void oe_fwd__attach(struct oe_cli_forwards *set, struct oe_connect *c);
/**
 * oe_fwd__detach() - the connection goes: all that goes through it ends,
 * local listeners stay, and what they take is closed at once.
 */
void oe_fwd__detach(struct oe_cli_forwards *set);
/** oe_fwd__close() - as oe_cli_forwarding.close. */
void oe_fwd__close(struct oe_cli_forwards **pset);

/* client_control.c */
/**
 * oe_fwd__control_open() - let "omniedge forward" reach us.
 * @ret: oe_fwd__control_close() it.
 * Return: 0, OE_ESYS, OE_EPERM (the folder is not ours alone).
 */
int oe_fwd__control_open(struct oe_cli_forwards *set,
    struct oe_fwd__control **ret, struct oe_err *err);
void oe_fwd__control_close(struct oe_fwd__control **c);

/* client_share.c: as each, add, forget and remove of oe_cli_forwarding */
void oe_fwd__each(const struct oe_cli_forwards *set,
    bool (*fn)(void *arg, const struct oe_cli_forward *what), void *arg);
void
oe_fwd__share(struct oe_cli_forwards *set, const struct oe_cli_forward *what,
    void (*done)(void *arg, int port, const struct oe_err *err), void *arg);
/**
 * oe_fwd__await() - say what becomes of one that is WAITING, to whom typed it
 * at ~C; until oe_fwd__forget() with the say's arg.
 */
void oe_fwd__await(struct oe_fwd__forward *f, struct oe_cli_say say);
void oe_fwd__forget(struct oe_cli_forwards *set, const void *arg);
int oe_fwd__unshare(struct oe_cli_forwards *set,
    const struct oe_cli_forward *what, struct oe_err *err);

/* client_command.c */
/**
 * oe_fwd__add_text() - a forward at run time, started.
 * @ret: may be NULL; else the forward, which may still be WAITING.
 * Return: 0, as oe_fwd_spec_parse() and oe_fwd__start(), OE_ETOOBIG (too
 * many); with a message.
 */
int oe_fwd__add_text(struct oe_cli_forwards *set, enum oe_fwd_kind kind,
    const char *text, struct oe_fwd__forward **ret, struct oe_err *err);
void oe_fwd__command(
    struct oe_cli_forwards *set, const char *text, struct oe_cli_say say);
void oe_fwd__list(const struct oe_cli_forwards *set, struct oe_cli_say say);
