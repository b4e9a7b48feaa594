/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *
oe_status_text(int code)
{
	static const char *const text[] = {
	    [0] = "success",
	    [-OE_EINVAL] = "invalid value",
	    [-OE_ENOMEM] = "out of memory",
	    [-OE_ESYS] = "system error",
	    [-OE_EPROTO] = "protocol error",
	    [-OE_ESHORT] = "truncated input",
	    [-OE_ETOOBIG] = "too large",
	    [-OE_ENOENT] = "not found",
	    [-OE_EPERM] = "not permitted",
	    [-OE_EAUTH] = "authentication failed",
	    [-OE_ETIMEOUT] = "timed out",
	    [-OE_ECLOSED] = "connection closed",
	    [-OE_EEXIST] = "already exists",
	    [-OE_EAGAIN] = "try again",
	    [-OE_ECONF] = "bad configuration",
	    [-OE_EUSAGE] = "bad usage",
	    [-OE_ELIB] = "library error",
	    [-OE_ECANCEL] = "cancelled",
	    [-OE_EABSENT] = "not installed",
	};

	if (code > 0 || (size_t)-code >= OE_ARRAY_LEN(text))
		return "unknown error";
	return text[-code];
}

int
oe_err_set(struct oe_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	err->code = code;
	err->sys_errno = 0;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	return code;
}

int
oe_err_sys(struct oe_err *err, const char *fmt, ...)
{
	int saved = errno;
	size_t len;
	va_list ap;

	if (!err)
		return OE_ESYS;
	err->code = OE_ESYS;
	err->sys_errno = saved;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	snprintf(
	    err->msg + len, sizeof err->msg - len, ": %s", strerror(saved));
	errno = saved;
	return OE_ESYS;
}

int
oe_err_wrap(struct oe_err *err, int code, const char *fmt, ...)
{
	char inner[OE_ERR_MSG_MAX];
	size_t len;
	va_list ap;

	if (!err)
		return code;
	snprintf(inner, sizeof inner, "%s",
	    err->msg[0] ? err->msg : oe_status_text(code));
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	len = strlen(err->msg);
	snprintf(err->msg + len, sizeof err->msg - len, ": %s", inner);
	return code;
}

const char *
oe_err_text(const struct oe_err *err)
{
	return err->msg[0] ? err->msg : oe_status_text(err->code);
}
