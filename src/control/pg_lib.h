/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/pg_lib.h - libpq, loaded when a store is PostgreSQL.
 *
 * With what it needs itself (Kerberos, LDAP, GnuTLS) it is some 20 libraries,
 * which would cost every command half of its start.
 */
#pragma once

#include <libpq-fe.h>

#include "core/base/dl.h"

#define OE_CTL__PG_CALLS(X)                                                    \
	X(PQclear)                                                             \
	X(PQcmdStatus)                                                         \
	X(PQcmdTuples)                                                         \
	X(PQconnectdbParams)                                                   \
	X(PQconsumeInput)                                                      \
	X(PQerrorMessage)                                                      \
	X(PQexec)                                                              \
	X(PQexecParams)                                                        \
	X(PQexecPrepared)                                                      \
	X(PQfinish)                                                            \
	X(PQfreemem)                                                           \
	X(PQgetisnull)                                                         \
	X(PQgetvalue)                                                          \
	X(PQlibVersion)                                                        \
	X(PQnotifies)                                                          \
	X(PQntuples)                                                           \
	X(PQprepare)                                                           \
	X(PQresultErrorField)                                                  \
	X(PQresultStatus)                                                      \
	X(PQsetNoticeReceiver)                                                 \
	X(PQsocket)                                                            \
	X(PQstatus)                                                            \
	X(PQtransactionStatus)

struct oe_ctl__pg_calls {
	OE_CTL__PG_CALLS(OE_DL_MEMBER)
};

/**
 * oe_ctl__pg_load() - once, before any other call of it; from any thread.
 * Return: 0, or OE_EABSENT each time.
 */
int oe_ctl__pg_load(struct oe_err *err) OE_MUST_CHECK;
/** oe_ctl__pg() - its functions, when it has been loaded. */
const struct oe_ctl__pg_calls *oe_ctl__pg(void);
