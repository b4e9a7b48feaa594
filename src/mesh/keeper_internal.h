/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/keeper_internal.h - the keeper's own state.
 */
#pragma once

#include "core/base/buf.h"
#include "core/mesh/account.h"
#include "core/mesh/spool.h"
#include "core/net/ipc.h"
#include "mesh/keeper.h"
#include "mesh/keeper_proto.h"

struct keeper {
	const struct oe_keeper_plan *plan;
	int fd; /* to the listener */
	int courier_fd;
	pid_t courier;
	struct oe_mesh_account account;
	struct oe_spool spool;
	uint64_t synced;                   /* size that is surely on disk */
	uint64_t version[OE_KEEPER_KINDS]; /* of what is on disk; 0: nothing */
	char *etag[OE_KEEPER_KINDS];
	struct oe_buf payload; /* what came of one so far */
};

/** keeper_tell() - a note for the listener. */
void keeper_tell(struct keeper *k, const struct oe_keeper_note *n);

/* keeper_serve.c */
/** keeper_load_documents() - what was kept before. */
void keeper_load_documents(struct keeper *k);
/** keeper_send_plan() - what the courier begins with. */
int keeper_send_plan(struct keeper *k, struct oe_err *err);
/**
 * keeper_serve() - one message of the courier.
 * Return: 0; OE_ECLOSED: it is gone; OE_EPROTO: it is not ours any more.
 */
int keeper_serve(struct keeper *k, struct oe_err *err);
