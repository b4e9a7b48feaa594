/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/server_audit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/compiler.h"
#include "core/base/log.h"
#include "core/base/str.h"

/* Name of the event, word of the log line, and whether bytes are told. */
static const struct {
	const char *event, *word;
	bool bytes;
} ops[] = {
    [OE_SFTP_AUDIT_OPEN] = {"sftp.open", "open", false},
    [OE_SFTP_AUDIT_DOWNLOAD] = {"sftp.download", "download", true},
    [OE_SFTP_AUDIT_UPLOAD] = {"sftp.upload", "upload", true},
    [OE_SFTP_AUDIT_OPENDIR] = {"sftp.opendir", "opendir", false},
    [OE_SFTP_AUDIT_REMOVE] = {"sftp.remove", "remove", false},
    [OE_SFTP_AUDIT_MKDIR] = {"sftp.mkdir", "mkdir", false},
    [OE_SFTP_AUDIT_RMDIR] = {"sftp.rmdir", "rmdir", false},
    [OE_SFTP_AUDIT_RENAME] = {"sftp.rename", "rename", false},
    [OE_SFTP_AUDIT_SYMLINK] = {"sftp.symlink", "symlink", false},
    [OE_SFTP_AUDIT_HARDLINK] = {"sftp.hardlink", "hardlink", false},
    [OE_SFTP_AUDIT_SETSTAT] = {"sftp.setstat", "setstat", false},
    [OE_SFTP_AUDIT_COPY] = {"sftp.copy", "copy", true},
    [OE_SFTP_AUDIT_GET_FILE] = {"sftp.get", "get-file", true},
    [OE_SFTP_AUDIT_PUT_FILE] = {"sftp.put", "put-file", true},
    [OE_SFTP_AUDIT_HASH] = {"sftp.hash", "hash", false},
    [OE_SFTP_AUDIT_REFUSED] = {"sftp.refused", "refused", false},
};

/* What each event of the session has. */
static void
begin_batch(struct oe_sftp_auditlog *a)
{
	struct oe_event e;

	oe_event_begin(&e, &a->events, "");
	if (*a->src) {
		oe_event_str(&e, "src", a->src);
		oe_event_int(&e, "src_port", a->src_port);
	}
	oe_event_str(&e, "local_user", a->user);
	oe_event_int(&e, "pid", getpid());
	oe_event_batch_init(&a->batch, &a->events, &e);
}

static void
add_event(struct oe_sftp_auditlog *a, const struct oe_sftp_audit_item *item)
{
	struct oe_event *e =
	    oe_event_batch_begin(&a->batch, ops[item->op].event);

	if (item->op == OE_SFTP_AUDIT_REFUSED) {
		oe_event_str(e, "request", item->path);
	} else {
		oe_event_str(e, "path", item->path);
		oe_event_str(e, "to", item->to);
		if (ops[item->op].bytes)
			oe_event_int(e, "bytes", (int64_t)item->bytes);
		oe_event_bool(e, "success", item->sys_errno == 0);
		if (item->sys_errno)
			oe_event_str(e, "why", strerror(item->sys_errno));
	}
	oe_event_batch_end(&a->batch);
}

static void
operation(void *arg, const struct oe_sftp_audit_item *item)
{
	struct oe_sftp_auditlog *a = arg;

	if (a->events.fd >= 0)
		add_event(a, item);
	if (!oe_log_wants(OE_LOG_INFO))
		return;
	if (ops[item->op].bytes)
		oe_log_info(a->lc, "%s '%s'%s%s%s, %llu bytes%s%s",
		    ops[item->op].word, item->path, item->to ? " to '" : "",
		    item->to ? item->to : "", item->to ? "'" : "",
		    (unsigned long long)item->bytes,
		    item->sys_errno ? ": " : "",
		    item->sys_errno ? strerror(item->sys_errno) : "");
	else
		oe_log_info(a->lc, "%s '%s'%s%s%s%s%s", ops[item->op].word,
		    item->path, item->to ? " to '" : "",
		    item->to ? item->to : "", item->to ? "'" : "",
		    item->sys_errno ? ": " : "",
		    item->sys_errno ? strerror(item->sys_errno) : "");
}

static void
flush(void *arg)
{
	struct oe_sftp_auditlog *a = arg;

	oe_event_batch_flush(&a->batch);
}

static void
read_connection(struct oe_sftp_auditlog *a, const char *connection)
{
	struct oe_strs words = {NULL, 0};
	int64_t port;

	oe_strs_split(&words, connection, ' ');
	if (words.n == 4 &&
	    oe_str_parse_int(words.v[1], 0, 65535, &port) == 0 &&
	    oe_str_copy(a->src, sizeof a->src, words.v[0]))
		a->src_port = (int)port;
	oe_strs_done(&words);
}

void
oe_sftp_auditlog_init(struct oe_sftp_auditlog *a,
    const struct oe_eventlog *events, const char *user, const char *connection)
{
	memset(a, 0, sizeof *a);
	a->events = *events;
	a->user = user;
	a->audit.operation = operation;
	a->audit.flush = flush;
	a->audit.arg = a;
	if (connection)
		read_connection(a, connection);
	begin_batch(a);
}

void
oe_sftp_auditlog_session(struct oe_sftp_auditlog *a, bool begins, int status)
{
	struct oe_event *e;

	oe_log_info(a->lc, "session of '%s' from '%s' %s", a->user,
	    *a->src ? a->src : "here", begins ? "begins" : "ends");
	e = oe_event_batch_begin(&a->batch, begins ? "sftp.start" : "sftp.end");
	if (!begins)
		oe_event_int(e, "status", status);
	oe_event_batch_end(&a->batch);
	oe_event_batch_flush(&a->batch);
}

void
oe_sftp_auditlog_done(struct oe_sftp_auditlog *a)
{
	oe_event_batch_done(&a->batch);
}
