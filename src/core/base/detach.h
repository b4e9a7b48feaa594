/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/detach.h - work that nobody waits for, in a process of its own.
 */
#pragma once

#include "core/base/compiler.h"

struct oe_err;

/* Longest that such a process lives. */
#define OE_DETACH_MAX_S 120

/**
 * oe_detach() - run @fn(@arg) beside the caller, who goes on at once.
 *
 * The process is nobody's child and has a session of its own, so that neither
 * the end of the caller nor a key at its terminal ends it.  Its standard
 * streams are /dev/null and of other descriptors it has @keep alone, so that
 * whoever reads from the caller's does not wait for it; it logs nothing.
 * It works in /, and signals do what they do by default.  The kernel ends it
 * after OE_DETACH_MAX_S, wherever it is: @fn has a deadline of its own before
 * that. The caller has one thread.
 *
 * @keep: stays open in it, under any number, until it ends: a lock; or -1.
 * Return: 0 or OE_ESYS; what becomes of @fn is not told.
 */
int oe_detach(void (*fn)(void *arg), void *arg, int keep,
    struct oe_err *err) OE_MUST_CHECK;
