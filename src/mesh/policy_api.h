/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/policy_api.h - policy and directory of a control API as a feed of
 * ssh-server: what its keeper (mesh/keeper.h) has put on disk, believed by
 * its signature alone.
 *
 * What is taken is one JSON object: "denied" with a reason, or "policy" and
 * "directory" (the payloads), and what is known here: "device_id",
 * "network_id", "interface", "trust_members".
 */
#pragma once

/* What it begins with, so that it is not taken for a document of a file. */
#define OE_MESH__API_MARK "control API\n"

#include <stdbool.h>

#include "core/base/compiler.h"
#include "core/base/str.h"

struct oe_buf;
struct oe_err;
struct oe_mesh__api;
struct oe_values;

/**
 * oe_mesh__api_open() - as struct oe_srv_source.open has it.
 * @ret: NULL when the options do not ask for it.
 */
int oe_mesh__api_open(const struct oe_values *v, struct oe_mesh__api **ret,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh__api_close() - in another process than the listener: forget it. */
void oe_mesh__api_close(struct oe_mesh__api **a);
/* As struct oe_srv_source has them. */
int oe_mesh__api_watch(struct oe_mesh__api *a, const struct oe_strs *host_keys,
    int port, struct oe_err *err);
int oe_mesh__api_take(
    struct oe_mesh__api *a, struct oe_buf *ret, struct oe_err *err);
int oe_mesh__api_events(const struct oe_mesh__api *a);
int oe_mesh__api_room(const struct oe_mesh__api *a, struct oe_err *err);
bool oe_mesh__api_order(struct oe_mesh__api *a, char *conn, size_t size);
