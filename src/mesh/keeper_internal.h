/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/keeper_internal.h - the keeper's own state.
 */
#pragma once

#include <stdbool.h>

#include "core/mesh/account.h"
#include "core/mesh/api.h"
#include "core/mesh/spool.h"
#include "mesh/keeper.h"

#define OE_KEEPER_POLICY_MAX    (16 << 20)
#define OE_KEEPER_DIRECTORY_MAX (48 << 20)

struct keeper {
	const struct oe_keeper_plan *plan;
	int fd; /* to the listener */
	struct oe_mesh_account account;
	struct oe_mesh_api *api;
	struct oe_spool spool;
	bool keys_told; /* host keys are with the API, or it was told why not */
	int64_t events_pause_ms, events_next_ms;
};

/* Each does one thing once: 0 or an error that is in @err. */
int keeper_directory(struct keeper *k, struct oe_err *err);
int keeper_policy(struct keeper *k, struct oe_err *err);
int keeper_host_keys(struct keeper *k, struct oe_err *err);
int keeper_heartbeat(struct keeper *k, struct oe_err *err);
int keeper_orders(struct keeper *k, struct oe_err *err);
/** keeper_events() - a batch; OE_EAGAIN: there are more. */
int keeper_events(struct keeper *k, struct oe_err *err);

/**
 * keeper_call() - with a login by the security key when the token is no
 * longer accepted.
 */
int keeper_call(struct keeper *k, const struct oe_mesh_call *call,
    struct oe_mesh_answer *ret, struct oe_err *err) OE_MUST_CHECK;
/** keeper_tell() - a note for the listener. */
void keeper_tell(struct keeper *k, const struct oe_keeper_note *n);
