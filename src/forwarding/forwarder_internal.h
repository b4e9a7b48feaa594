/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarding/forwarder_internal.h - what the forwarder is doing.
 */
#pragma once

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/net/cidr.h"
#include "forwarding/server_proto.h"

struct oe_fwd_mailbox;
struct oe_ipc_msg;
struct oe_loop;
struct oe_lookup;
struct oe_race;
struct oe_timer;
struct oe_watch;

#define OE_FWD_LISTEN_FDS_MAX 2

enum fwd_job_kind {
	FWD_JOB_RESOLVE,
	FWD_JOB_CONNECT,
	FWD_JOB_UNIX,
	FWD_JOB_LISTEN
};

struct fwd_job {
	struct fwd_job *next;
	struct forwarder *f;
	enum fwd_job_kind kind;
	uint32_t id;
	bool over;  /* to be freed */
	char *host; /* RESOLVE; UNIX: path */
	struct oe_lookup *lookup;
	struct oe_race *race;
	struct oe_timer *limit;
	struct sockaddr_storage sa[OE_FWD_ADDRS_MAX];
	struct addrinfo ai[OE_FWD_ADDRS_MAX];
	int fd[OE_FWD_LISTEN_FDS_MAX];
	struct oe_watch *watch[OE_FWD_LISTEN_FDS_MAX];
};

struct forwarder {
	struct oe_loop *loop;
	struct oe_fwd_mailbox *monitor;
	struct fwd_job *jobs;
	unsigned lookups;
	bool done;
};

/** oe_fwd__job_failed() - tell why, and end it. */
void oe_fwd__job_failed(struct fwd_job *j, const char *why);
/** oe_fwd__job_report() - begin a report about @j. */
void oe_fwd__job_report(
    const struct fwd_job *j, enum oe_fwd_report what, struct oe_ipc_msg *ret);
void oe_fwd__job_connect(
    struct fwd_job *j, unsigned port, const struct oe_addr *addrs, size_t n);
void oe_fwd__job_unix(struct fwd_job *j);
void oe_fwd__job_listen(
    struct fwd_job *j, unsigned port, const struct oe_addr *addrs, size_t n);
/** oe_fwd__job_resolve() - now, or when another lookup has ended. */
void oe_fwd__job_resolve(struct fwd_job *j);
