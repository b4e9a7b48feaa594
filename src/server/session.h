/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/session.h - one session channel as the monitor sees it.
 */
#pragma once

#include "server/conn.h"
#include "server/proto.h"
#include "server/session_env.h"

struct oe_srv_reports;
struct oe_subsystem;

/* Longest line of a report, without its end. */
#define OE_SRV_REPORT_MAX 4096

struct oe_srv_session {
	struct oe_srv_session *next;
	uint32_t id;
	pid_t pid; /* leader of its process group; 0: not started, -1: ended */
	bool started, closed, agent, pty, recorded;
	bool refused;   /* what runs only says why */
	bool condemned; /* the rule permits it no more */
	char *chosen;   /* oe_srv__session_chosen(), when it was started */
	enum oe_srv_start_kind kind;
	char *text; /* what the client asked: command or subsystem */
	int master, slave;
	char tty[64], term[OE_SRV_TERM_MAX + 1];
	struct oe_srv_env env; /* what the client set */
	uint64_t sent, received;
	int64_t since_ms;
	int status; /* of wait(), once pid is -1 */
	struct oe_srv_reports *reports;
	uint64_t reports_refused; /* lines that are no report */
};

/** oe_srv__session_find() - by id; NULL when there is none. */
struct oe_srv_session *oe_srv__session_find(struct oe_srv_conn *c, uint32_t id);
/** oe_srv__session_launch() - start the process of @s.
 * @ret_fds: descriptors for net (one for a pty, else three), owned.
 * Return: number of descriptors, or a negative code.
 */
int oe_srv__session_launch(struct oe_srv_conn *c, struct oe_srv_session *s,
    int ret_fds[3], struct oe_err *err);
/**
 * oe_srv__session_permit() - may what @s asks for be started by its rule?
 * @sub: the program's own subsystem of that name, or NULL.
 * @ret_status: exit status for the peer when not.
 * Return: 0, or OE_EPERM with words for the person.
 */
int
oe_srv__session_permit(struct oe_srv_conn *c, const struct oe_srv_session *s,
    const struct oe_subsystem *sub, int *ret_status, struct oe_err *err);
/**
 * oe_srv__session_chosen() - what would be run for what @s asks for, and
 * within which bounds; to be compared.
 * @ret: free() it.
 * Return: 0, or OE_EPERM: nothing.
 */
int oe_srv__session_chosen(struct oe_srv_conn *c,
    const struct oe_srv_session *s, char **ret, struct oe_err *err);
/** oe_srv__session_bounds() - options for a subsystem that serves files. */
void oe_srv__session_bounds(const struct oe_srv_conn *c, struct oe_strs *ret);
/** oe_srv__session_record() - login records: begin or end. */
void oe_srv__session_record(
    struct oe_srv_conn *c, struct oe_srv_session *s, bool begin);
/**
 * oe_srv__reports_open() - let the program of @s report what it does: lines
 * that it writes become events (session.report).
 * @ret_fd: for the program to write to, owned.
 */
int oe_srv__reports_open(struct oe_srv_conn *c, struct oe_srv_session *s,
    int *ret_fd, struct oe_err *err);
/** oe_srv__reports_close() - take what waits, and end it. */
void oe_srv__reports_close(struct oe_srv_session *s);
/** oe_srv__agent_open() - the socket of the connection's agent. */
int oe_srv__agent_open(struct oe_srv_conn *c, struct oe_err *err);
void oe_srv__agent_close(struct oe_srv_conn *c);
