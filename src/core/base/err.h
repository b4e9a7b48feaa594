/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/err.h - one status space and one message for every failure.
 *
 * Functions return 0 or a negative OE_E... code.  A caller that wants words
 * passes a struct oe_err; the message lives in a fixed array, so reporting a
 * failure needs no memory.  Outputs of a failed function are untouched.
 */
#pragma once

#include "core/base/compiler.h"

#define OE_ERR_MSG_MAX 512

enum oe_status {
	OE_OK = 0,
	OE_EINVAL = -1,    /* an argument or value is not acceptable */
	OE_ENOMEM = -2,    /* no memory */
	OE_ESYS = -3,      /* a system call failed; sys_errno says how */
	OE_EPROTO = -4,    /* the peer broke the protocol */
	OE_ESHORT = -5,    /* input ends too early */
	OE_ETOOBIG = -6,   /* input exceeds a bound */
	OE_ENOENT = -7,    /* no such thing */
	OE_EPERM = -8,     /* refused by policy or permissions */
	OE_EAUTH = -9,     /* authentication failed */
	OE_ETIMEOUT = -10, /* a deadline passed */
	OE_ECLOSED = -11,  /* the other side is gone */
	OE_EEXIST = -12,   /* already there */
	OE_EAGAIN = -13,   /* try again later */
	OE_ECONF = -14,    /* the configuration is wrong */
	OE_EUSAGE = -15,   /* the command line is wrong */
	OE_ELIB = -16,     /* a third-party library reported a failure */
	OE_ECANCEL = -17,  /* the user said no */
	OE_EABSENT = -18,  /* a part of the program is not installed */
};

struct oe_err {
	int code;      /* an enum oe_status value; 0 when nothing failed */
	int sys_errno; /* errno when code is OE_ESYS, else 0 */
	char msg[OE_ERR_MSG_MAX];
};

#define OE_ERR_INIT                                                            \
	{                                                                      \
		0, 0,                                                          \
		{                                                              \
			0                                                      \
		}                                                              \
	}

/**
 * oe_err_set() - start an error with a message.
 * @err:  may be NULL.
 * @code: negative OE_E... code.
 * Return: @code, so that a caller can return it at once.
 */
int
oe_err_set(struct oe_err *err, int code, const char *fmt, ...) OE_PRINTF(3, 4);

/**
 * oe_err_sys() - start an error from errno: "<message>: <strerror>".
 * @err: may be NULL.
 * errno is read on entry and left as it was.
 * Return: OE_ESYS.
 */
int oe_err_sys(struct oe_err *err, const char *fmt, ...) OE_PRINTF(2, 3);

/**
 * oe_err_wrap() - put what this level was doing before the message.
 * @err:  may be NULL.
 * @code: the status of the failed call; an empty message gets its name.
 * Return: @code.
 */
int
oe_err_wrap(struct oe_err *err, int code, const char *fmt, ...) OE_PRINTF(3, 4);

/** oe_err_text() - the message, or the name of the code when none was set. */
const char *oe_err_text(const struct oe_err *err);

/** oe_status_text() - English name of a status code; never NULL. */
const char *oe_status_text(int code);
