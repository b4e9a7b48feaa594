/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sftp/scp_peers.h - the peers of one run of scp, a connection for each,
 * however often it is named.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

struct oe_cli_forwarding;
struct oe_err;
struct oe_hoststr;
struct oe_loop;
struct oe_module_set;
struct oe_scp_peer;
struct oe_sftp_copy;
struct oe_values;

struct oe_scp_peers {
	struct oe_loop *loop;
	const struct oe_module_set *modules;
	const struct oe_values *v;
	/* for a master of a shared connection; NULL: not built */
	const struct oe_cli_forwarding *forwarding;
	const char *program;     /* -D, or NULL */
	size_t data_max;         /* -X buffer, or 0 */
	struct oe_scp_peer *all; /* newest first */
};

/**
 * oe_scp_peers_get() - connect, or find the connection there is; blocks.
 * Return: 0, OE_EUSAGE, OE_ECONF or what oe_sftp_remote_open() says.
 */
int oe_scp_peers_get(struct oe_scp_peers *ps, const struct oe_hoststr *host,
    struct oe_scp_peer **ret, struct oe_err *err);
/** oe_scp_peer_fs() - its files. */
struct oe_sftp_fs *oe_scp_peer_fs(struct oe_scp_peer *p);
/**
 * oe_scp_peer_serve() - give the lanes there are, and will be, to @c; NULL:
 * to nobody, which must come before the engine is freed.
 */
void oe_scp_peer_serve(
    struct oe_scp_peer *p, struct oe_sftp_copy *c, bool is_target);
/** oe_scp_peer_rtt_us() - round trip to it; 0: not known. */
uint64_t oe_scp_peer_rtt_us(const struct oe_scp_peer *p);
/** oe_scp_peer_widen() - up to @n lanes in all, 0: as many as would help. */
void oe_scp_peer_widen(struct oe_scp_peer *p, unsigned n);
/** oe_scp_peers_done() - close all; @ps may be used again. */
void oe_scp_peers_done(struct oe_scp_peers *ps);
