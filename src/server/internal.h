/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/internal.h - what the server's processes share.
 *
 * struct oe_srv belongs to the listener; forked processes see it as it was
 * at their connection's start, so a reload changes only what comes later.
 * struct oe_srv_conn belongs to one monitor.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/event.h"
#include "core/base/log.h"
#include "core/net/cidr.h"
#include "server/config.h"
#include "server/snapshot.h"

struct oe_loop;
struct oe_sandbox;
struct oe_ssh_bind;

/*
 * From the listener to a monitor: an administrator ends the connection whose
 * id, as a number, is the signal's value.
 */
#define OE_SRV_SIGNAL_ORDER ((unsigned)SIGRTMIN)

#define OE_SRV_CONN_ID_MAX   20
#define OE_SRV_INTERFACE_MAX 16 /* IF_NAMESIZE */

struct oe_srv {
	struct oe_srv_config *cfg;
	struct oe_ssh_bind *bind;
	struct oe_sandbox *sandbox;
	struct oe_eventlog events;
	struct oe_eventlog spool; /* what events.also is, while there is one */
	const char *self_path;    /* absolute path of this program */
	pid_t listener;           /* it has the policy: see source.h */
	uid_t net_uid;
	gid_t net_gid;
	struct oe_srv_snapshot snapshot; /* of the policy, for monitors */
	int report_fd; /* monitors tell the listener: struct oe_srv_report */
};

/* One accepted connection, as the listener knows it. */
struct oe_srv_peer {
	char id[OE_SRV_CONN_ID_MAX];
	struct oe_addr addr, local_addr;
	char text[OE_ADDR_TEXT_MAX], local_text[OE_ADDR_TEXT_MAX];
	uint16_t port, local_port;
	/* it came in by; "": not known */
	char interface[OE_SRV_INTERFACE_MAX];
	bool shared_link; /* as core/net/link.h says of it */
	uint8_t key[16];  /* addr as limits.h and utmp want it */
	int64_t since_ms; /* monotonic, of accept() */
};

enum oe_srv_report_what {
	OE_SRV_REPORT_AUTHENTICATED = 1,
	OE_SRV_REPORT_FAILED, /* a password or signature was wrong */
};

/* Fixed size, below PIPE_BUF: writes of several monitors do not mix. */
struct oe_srv_report {
	pid_t monitor;
	int what; /* enum oe_srv_report_what */
};

/**
 * oe_srv__monitor_run() - serve one connection; the forked process's life.
 * @fd: the accepted socket, owned.
 * Return: exit status of the process.
 */
int oe_srv__monitor_run(
    const struct oe_srv *srv, const struct oe_srv_peer *peer, int fd);

/**
 * oe_srv__net_run() - speak SSH with the peer; never returns.
 * @rpc, @notices: our ends of the sockets to the monitor.
 */
void oe_srv__net_run(const struct oe_srv *srv, const struct oe_srv_peer *peer,
    int fd, int rpc, int notices) OE_NORETURN;
