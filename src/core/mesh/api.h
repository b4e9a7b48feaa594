/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/api.h - calls of a control API.
 *
 * Part 1 is the OmniEdge API, whose servers differ from each other: replies
 * are read in every shape that is known (an envelope with "code" and "data",
 * or the bare object; rows at data[] or data.data[]; four forms of errors).
 * The HTTP status decides.
 *
 * A token that is refused (401) is refreshed once, under the lock of its
 * account, and not before: refresh tokens work a single time, and other
 * processes may share them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/compiler.h"
#include "core/mesh/model.h"
#include "core/mesh/origin.h"

struct oe_err;
struct oe_jval;
struct oe_mesh_account;
struct oe_mesh_api;

/* Bytes of a reply that is one record, and of one that is a list. */
#define OE_MESH_REPLY_MAX (1 << 20)
#define OE_MESH_LIST_MAX  (8 << 20)
/* Rows of a page that we ask for, and pages that we follow. */
#define OE_MESH_PAGE_ROWS 1000
#define OE_MESH_PAGES_MAX 5000
#define OE_MESH_TOKEN_MAX 16384

struct oe_mesh_api_plan {
	const char *origin;  /* of oe_mesh_origin_parse() */
	const char *ca_file; /* as in core/net/http.h; NULL */
	const char *pin;
	/*
	 * Whose token is sent, to this origin only; NULL: calls without one.
	 * Borrowed; a refresh changes it, and its file.
	 */
	struct oe_mesh_account *account;
	/*
	 * In a process that has no such file: puts another token into @account
	 * than the one that was @refused.  As oe_mesh_account_refresh(), which
	 * NULL stands for.
	 */
	int (*renew)(void *arg, struct oe_mesh_api *api, const char *refused,
	    struct oe_err *err);
	void *renew_arg;
	const char *ca_pem; /* certificates themselves, instead of ca_file */
	int64_t connect_ms, total_ms; /* 0: as in core/net/http.h */
	unsigned tries;
};

/** oe_mesh_api_new() - touches no network; @plan is copied. */
struct oe_mesh_api *oe_mesh_api_new(const struct oe_mesh_api_plan *plan);
void oe_mesh_api_free(struct oe_mesh_api **a);
/** oe_mesh_api_prepare() - load what the first call would; as it would fail. */
int
oe_mesh_api_prepare(struct oe_mesh_api *a, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_api_deadline() - calls are over by then, however many; those that
 * come after fail with OE_ETIMEOUT.
 * @mono_ms: of oe_time_mono_ms(); 0: none.
 */
void oe_mesh_api_deadline(struct oe_mesh_api *a, int64_t mono_ms);
const char *oe_mesh_api_origin(const struct oe_mesh_api *a);

struct oe_mesh_call {
	const char *method; /* NULL: GET */
	enum oe_mesh_part part;
	const char *path; /* encoded, with its query */
	const struct oe_jval *body;
	const char *raw; /* body that is no JSON object, with raw_type */
	const char *raw_type;
	size_t raw_len;
	const char *if_none_match;
	size_t max;     /* 0: OE_MESH_REPLY_MAX */
	bool anonymous; /* no token */
	bool again;     /* may be asked twice though it is no GET */
	bool once;
	/* the usual time limit and no deadline: the request uses something up,
	 * which the reply replaces */
	bool patient;
};

struct oe_mesh_answer {
	int status;           /* of HTTP; 0: none came */
	struct oe_jval *data; /* what was in the envelope, or all of it */
	char *text;           /* the body as it came; never NULL on success */
	size_t len;
	char *code;    /* of an error: "E_...", "404", "slow_down"; or NULL */
	char *message; /* for people; not escaped; or NULL */
	char etag[256];
	int64_t when_ms; /* wall clock at its arrival */
};

/**
 * oe_mesh_api_call() - one call, and a second after a refresh.
 * @ret: oe_mesh_answer_done() it, whatever comes back; status, code and
 *       message are set when an error came from the server.
 * Return: 0 (2xx, 304), OE_EAUTH (401), OE_EPERM (403), OE_ENOENT (404),
 * OE_EINVAL (other 4xx), OE_EAGAIN (429, 5xx), OE_EPROTO (3xx, 1xx, a 2xx that
 * is no JSON), or what core/net/http.h says.
 */
int oe_mesh_api_call(struct oe_mesh_api *a, const struct oe_mesh_call *call,
    struct oe_mesh_answer *ret, struct oe_err *err) OE_MUST_CHECK;
void oe_mesh_answer_done(struct oe_mesh_answer *a);
/** oe_mesh_api_is_away() - does status @r mean that no API answered? */
bool oe_mesh_api_is_away(int r);

/**
 * oe_mesh_answer_read() - take a reply's body apart: the reader behind
 * oe_mesh_api_call().
 * @ret: status is set; data, code and message are filled.
 * Return: 0 or OE_EPROTO (2xx that is no JSON).
 */
int oe_mesh_answer_read(struct oe_mesh_answer *ret, const char *body,
    size_t len, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_rows() - the rows of a list in any of its shapes.
 * @ret_last: number of the last page, at least 1.
 * Return: an array, borrowed, or NULL when there is none.
 */
const struct oe_jval *
oe_mesh_rows(const struct oe_jval *data, int64_t *ret_last);

/* Who the token belongs to. */
struct oe_mesh_profile {
	char *id, *name, *email; /* name and email may be NULL */
	bool one_time; /* its password must be changed before anything else */
};

int oe_mesh_api_profile(struct oe_mesh_api *a, struct oe_mesh_profile *ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_mesh_profile_done(struct oe_mesh_profile *p);

/* Networks.  All lists are read to their last page. */

/** oe_mesh_api_networks() - without devices; GET /virtual-networks. */
int oe_mesh_api_networks(struct oe_mesh_api *a, struct oe_mesh_networks *ret,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_api_all() - every network of the caller with its devices, in one
 * call where the server has it: GET /virtual-networks/all/list; what is
 * missing there is asked for network by network.
 */
int oe_mesh_api_all(struct oe_mesh_api *a, struct oe_mesh_networks *ret,
    struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_api_members() - the devices of one network.
 * GET /virtual-networks/:id/devices, which only admins may have; on 403 and
 * 404 the same out of all/list.
 * @n: its id is set; devices are added.
 */
int oe_mesh_api_members(struct oe_mesh_api *a, struct oe_mesh_network *n,
    struct oe_err *err) OE_MUST_CHECK;

/* What joining a network gives. */
struct oe_mesh_joined {
	char *ip, *mask, *ip6, *range6; /* mask, ip6, range6 may be NULL */
	int64_t prefix6;                /* 0: none */
	char *community;                /* name of the overlay */
	char *secret_key;               /* of the overlay; secret */
	char *server;                   /* "host:port", or NULL */
};

int oe_mesh_api_join(struct oe_mesh_api *a, const char *network_id,
    const char *device_id, struct oe_mesh_joined *ret,
    struct oe_err *err) OE_MUST_CHECK;
void oe_mesh_joined_done(struct oe_mesh_joined *j);
int oe_mesh_api_leave(struct oe_mesh_api *a, const char *network_id,
    const char *device_id, struct oe_err *err) OE_MUST_CHECK;

/* The caller's own devices. */

/** oe_mesh_api_devices() - as one network without id, of devices. */
int oe_mesh_api_devices(struct oe_mesh_api *a, struct oe_mesh_network *ret,
    struct oe_err *err) OE_MUST_CHECK;
int oe_mesh_api_device(struct oe_mesh_api *a, const char *id,
    struct oe_mesh_device *ret, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_api_register() - find or make the device of this name and hardware.
 * @platform: "linux"
 */
int oe_mesh_api_register(struct oe_mesh_api *a, const char *name,
    const char *hardware, const char *platform, struct oe_mesh_device *ret,
    struct oe_err *err) OE_MUST_CHECK;
int oe_mesh_api_rename(struct oe_mesh_api *a, const char *id, const char *name,
    struct oe_err *err) OE_MUST_CHECK;
int oe_mesh_api_remove(
    struct oe_mesh_api *a, const char *id, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_api_heartbeat() - tell that the device is there; every 60 s.
 * @hardware: what it was registered with.
 */
int oe_mesh_api_heartbeat(struct oe_mesh_api *a, const char *hardware,
    struct oe_err *err) OE_MUST_CHECK;

/* What the administrator of a network does; OE_EPERM when one is not. */

/**
 * oe_mesh_api_network_new() - @range: "100.64.9.0/24".
 * @ret_id: free() it.
 */
int oe_mesh_api_network_new(struct oe_mesh_api *a, const char *name,
    const char *range, char **ret_id, struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh_api_invite() - the account of @email, be it there already or not. */
int oe_mesh_api_invite(struct oe_mesh_api *a, const char *network_id,
    const char *email, struct oe_err *err) OE_MUST_CHECK;
/**
 * oe_mesh_api_accept() - the caller's one invitation that waits and is for
 * @network, by id or name.
 * Return: as oe_mesh_api_call(), OE_ENOENT (none), OE_EEXIST (several).
 */
int oe_mesh_api_accept(struct oe_mesh_api *a, const char *network,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh_api_tag() - the device's tags in that network are these alone. */
int oe_mesh_api_tag(struct oe_mesh_api *a, const char *network_id,
    const char *device_id, const struct oe_strs *tags,
    struct oe_err *err) OE_MUST_CHECK;
/** oe_mesh_api_policy_put() - @policy: as doc/protocol/policy.md has it. */
int oe_mesh_api_policy_put(struct oe_mesh_api *a, const char *network_id,
    const struct oe_jval *policy, int64_t *ret_version,
    struct oe_err *err) OE_MUST_CHECK;
