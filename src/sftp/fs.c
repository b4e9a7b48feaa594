/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/fs.h"

#include "core/base/str.h"
#include "core/net/loop.h"

#include <string.h>

/* A signal that came just before the wait must not be slept through. */
#define STOP_LOOK_MS 200

void
oe_sftp_fs_free(struct oe_sftp_fs **fs)
{
	struct oe_sftp_fs *old = *fs;

	*fs = NULL;
	if (old)
		old->ops->free(old);
}

void
oe_sftp_op_noop(struct oe_sftp_op *op)
{
	(void)op;
}

/*
 * A server's own words say more than its code, but for the one that most
 * servers shorten.
 */
static const char *
words_of(const struct oe_sftp_op *op)
{
	bool shortened = op->fx == OE_FX_NO_SUCH_FILE &&
			 oe_str_starts(op->message, "No such file");

	if (op->message[0] && !shortened)
		return op->message;
	if (op->fx != OE_FX_OK)
		return oe_sftp_fx_text(op->fx);
	return oe_status_text(op->status);
}

int
oe_sftp_op_error(
    const struct oe_sftp_op *op, const char *path, struct oe_err *err)
{
	char shown[OE_ERR_MSG_MAX - OE_SFTP_MESSAGE_MAX - 8];

	if (op->status == 0)
		return 0;
	if (!path || !*path)
		return oe_err_set(err, op->status, "%s", words_of(op));
	oe_str_escape(path, strlen(path), shown, sizeof shown);
	return oe_err_set(err, op->status, "%s: %s", shown, words_of(op));
}

int
oe_sftp_wait(
    struct oe_loop *loop, struct oe_sftp_op *op, const volatile int *stop)
{
	while (!op->finished) {
		if (stop && *stop)
			return OE_ECANCEL;
		if (op->waits_in)
			oe_sftp_local_flush(op->waits_in);
		else if (oe_loop_once(loop, stop ? STOP_LOOK_MS : -1) < 0)
			return OE_ESYS;
	}
	return op->status;
}
