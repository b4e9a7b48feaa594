/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/keeper.h - the process that speaks with the control API for an
 * ssh-server, so that no other of its processes has to.
 *
 * It keeps signed copies of policy and directory on disk, sends the events
 * that wait there, tells that the device is there, and passes on orders.
 * What it writes is checked again by who reads it.  It ends with the
 * listener, and is started again when it dies.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "core/base/compiler.h"
#include "core/base/str.h"

struct oe_err;

#define OE_KEEPER_ID_MAX 64

/* What a keeper works with; its texts are owned. */
struct oe_keeper_plan {
	char *account;  /* path of the token file */
	char *key_file; /* a security key to log in with anew, or NULL */
	char *folder;   /* policy, directory, events */
	char *network_id, *device_id, *hardware;
	char *origin;
	uint8_t signing_key[32];
	int64_t interval_ms; /* between two looks at the documents */
	struct oe_strs host_keys;
	int port; /* where the server listens; 0: not known */
};

void oe_keeper_plan_done(struct oe_keeper_plan *p);

/* Notes between the two, each one datagram. */
enum oe_keeper_what {
	OE_KEEPER_DOCUMENTS = 1, /* others are on disk, or they are fresh */
	OE_KEEPER_ORDER,         /* end @conn; nothing comes back */
	OE_KEEPER_SENT,          /* events were acknowledged */
};

struct oe_keeper_note {
	uint32_t what; /* enum oe_keeper_what */
	char conn[OE_KEEPER_ID_MAX];
};

/**
 * oe_keeper_start() - fork one.
 * @ret_fd: its socket (SOCK_SEQPACKET, nonblocking), which tells its end.
 * Return: its process id, or OE_ESYS.
 */
pid_t oe_keeper_start(const struct oe_keeper_plan *p, int *ret_fd,
    struct oe_err *err) OE_MUST_CHECK;

/** oe_keeper_path() - of a file in the folder; free() it. */
char *oe_keeper_path(const struct oe_keeper_plan *p, const char *name);
