/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/courier_internal.h - the courier's own state.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/mesh/account.h"
#include "core/mesh/api.h"
#include "core/mesh/spool.h"
#include "core/net/ipc.h"
#include "mesh/keeper.h"
#include "mesh/keeper_proto.h"

/* What it was told (KEEPER_PLAN); texts are owned, NULL where none came. */
struct courier_plan {
	char *origin, *pin, *network_id, *device_id, *hardware, *ca_pem;
	char *etag[OE_KEEPER_KINDS];
	bool key; /* there is a security key */
	int64_t interval_ms;
	struct oe_strs host_keys;
	int port; /* where the server listens; 0: not known */
	bool root;
	uid_t uid;
	gid_t gid;
};

/* After a refusal: many of them would look like somebody who guesses. */
struct courier_pause {
	int64_t until_ms, ms; /* monotonic; and the last one */
	struct oe_err why;
};

struct courier {
	struct courier_plan plan;
	int fd;                         /* to the keeper */
	struct oe_mesh_account account; /* the token, and no file */
	struct oe_mesh_api *api;
	struct oe_spool spool;
	struct courier_pause renewal, login;
	bool keys_told; /* host keys are with the API */
	int64_t events_pause_ms, events_next_ms;
};

/* Each does one thing once: 0 or an error that is in @err. */
int courier_directory(struct courier *k, struct oe_err *err);
int courier_policy(struct courier *k, struct oe_err *err);
int courier_host_keys(struct courier *k, struct oe_err *err);
int courier_heartbeat(struct courier *k, struct oe_err *err);
int courier_orders(struct courier *k, struct oe_err *err);
/** courier_events() - a batch; OE_EAGAIN: there are more. */
int courier_events(struct courier *k, struct oe_err *err);

/* courier_ask.c */
/**
 * courier_hear_plan() - the keeper's first message.
 * @ret: api is not made yet.
 */
int courier_hear_plan(struct courier *k, struct oe_err *err);
/**
 * courier_ask() - of the keeper; ends the process when it is gone.
 * @m: done by this function.
 * @ret_text: of the reply; oe_mem_free_secret() it; NULL: not wanted.
 * Return: what the keeper says.
 */
int courier_ask(struct courier *k, struct oe_ipc_msg *m, char **ret_text,
    struct oe_err *err);
/** courier_renew() - as struct oe_mesh_api_plan has it. */
int courier_renew(void *arg, struct oe_mesh_api *api, const char *refused,
    struct oe_err *err);
/**
 * courier_call() - with a login by the security key when the token is no
 * longer accepted.
 */
int courier_call(struct courier *k, const struct oe_mesh_call *call,
    struct oe_mesh_answer *ret, struct oe_err *err) OE_MUST_CHECK;
