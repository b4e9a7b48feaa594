/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/origin.h - which control API: its address, and URLs below it.
 *
 * As OMNIEDGE_API_BASE_URL has it: a trailing "/", "/api/v1" or "/api/v2" is
 * taken off, so that what real clients are configured with works here.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_err;

#define OE_MESH_ORIGIN_DEFAULT "https://api.omniedge.io"
#define OE_MESH_ORIGIN_MAX     512

/* The two parts of the API, and what is at the root. */
enum oe_mesh_part {
	OE_MESH_ROOT, /* "/health" */
	OE_MESH_V2,   /* /api/v2, the OmniEdge API */
	OE_MESH_SSH,  /* /api/ssh/v1, ours */
};

/**
 * oe_mesh_origin_parse() - @text as the address without path and slash.
 * http is accepted for loopback hosts only; users, queries and fragments
 * are not.
 * @ret: "https://host[:port][/prefix]"; free() it; untouched on failure.
 * Return: 0 or OE_EINVAL.
 */
int oe_mesh_origin_parse(
    const char *text, char **ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_origin_url() - a URL of the API; free() it.
 * @path: begins with '/'; what is in it is encoded already.
 */
char *oe_mesh_origin_url(
    const char *origin, enum oe_mesh_part part, const char *path);
/**
 * oe_mesh_encode() - @text as one piece of a path or a query (RFC 3986
 * section 2.1): all but unreserved characters as %XX; free() it.
 */
char *oe_mesh_encode(const char *text);
