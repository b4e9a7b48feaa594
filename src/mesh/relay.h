/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mesh/relay.h - bytes between standard streams and a connection.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_err;

/**
 * oe_relay() - until the connection says no more, or nobody reads @out.
 * The end of @in is passed on and the other direction goes on.  No flag of
 * @in and @out is changed: other processes may share them.
 * @sock: connected; the caller's.
 * Return: 0, OE_ESYS (a stream or the connection broke).
 */
int oe_relay(int sock, int in, int out, struct oe_err *err) OE_MUST_CHECK;
