/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/session_internal.h"

/* Fields of a WRITE beside its data, with room to spare. */
#define WRITE_HEAD 1024u
/* A server that says less than this would have each file in crumbs. */
#define LIMIT_LEAST 1024u

/* Above OE_FS_LOCAL, and taken away again. */
#define HAS_LIMITS 0x10000u
#define HAS_GET    0x20000u
#define HAS_PUT    0x40000u

/* Extensions by name; @data is what a version we know says. */
static const struct extension {
	const char *name, *data;
	unsigned feature;
} extensions[] = {
    {"posix-rename@openssh.com", "1", OE_FS_RENAME_OVER},
    {"statvfs@openssh.com", "2", OE_FS_STATVFS},
    {"hardlink@openssh.com", "1", OE_FS_HARDLINK},
    {"fsync@openssh.com", "1", OE_FS_FSYNC},
    {"lsetstat@openssh.com", "1", OE_FS_LSETSTAT},
    {"limits@openssh.com", "1", HAS_LIMITS},
    {"expand-path@openssh.com", "1", OE_FS_EXPAND},
    {"copy-data", "1", OE_FS_COPY_DATA},
    {"users-groups-by-id@openssh.com", "1", OE_FS_USERS},
    {OE_SFTP_EXT_GET, "1", HAS_GET},
    {OE_SFTP_EXT_PUT, "1", HAS_PUT},
    {OE_SFTP_EXT_EXTENTS, "1", OE_FS_EXTENTS},
};

void
oe_sftp__session_hello(struct oe_sftp_session *s)
{
	(void)oe_buf_put_u32(&s->out, 5);
	(void)oe_buf_put_u8(&s->out, OE_FXP_INIT);
	(void)oe_buf_put_u32(&s->out, OE_SFTP_VERSION);
	oe_sftp__session_flush(s);
}

static bool
text_is(const struct oe_buf *b, const char *text)
{
	size_t n = strlen(text);

	return oe_buf_left(b) == n && memcmp(oe_buf_head(b), text, n) == 0;
}

/* "sha256" among the names of a list. */
static bool
lists_sha256(const struct oe_buf *b)
{
	struct oe_strs names = {NULL, 0};
	char *text;
	bool has;

	text = oe_mem_strndup((const char *)oe_buf_head(b), oe_buf_left(b));
	oe_strs_split(&names, text, ',');
	has = oe_strs_has(&names, "sha256");
	oe_strs_done(&names);
	free(text);
	return has;
}

static unsigned
feature_of(const struct oe_buf *name, const struct oe_buf *data)
{
	size_t i;

	if (text_is(name, "check-file"))
		return lists_sha256(data) ? OE_FS_HASH : 0;
	for (i = 0; i < OE_ARRAY_LEN(extensions); i++)
		if (text_is(name, extensions[i].name))
			return text_is(data, extensions[i].data)
				   ? extensions[i].feature
				   : 0;
	return 0;
}

static int
read_extensions(struct oe_sftp_session *s, struct oe_buf *b)
{
	struct oe_buf name, data;
	unsigned n;

	for (n = 0; oe_buf_left(b); n++) {
		if (n == OE_SFTP_PAIRS_MAX)
			return OE_ETOOBIG;
		if (oe_buf_get_string(b, &name) < 0 ||
		    oe_buf_get_string(b, &data) < 0)
			return OE_ESHORT;
		s->fs.features |= feature_of(&name, &data);
	}
	return 0;
}

static void
open_for_use(struct oe_sftp_session *s)
{
	uint64_t bound = s->plan.data_max;

	if (bound && s->fs.limits.read > bound)
		s->fs.limits.read = bound;
	if (bound && s->fs.limits.write > bound)
		s->fs.limits.write = bound;
	s->state = OE_SESSION_READY;
	s->plan.ready(s->plan.arg, 0, NULL);
}

/* 0: not told, so what fits in a packet, as far as we go ourselves. */
static uint64_t
limit_of(uint64_t told, uint64_t packet)
{
	uint64_t most = OE_SFTP_DATA_MAX;

	if (packet && packet < OE_SFTP_PACKET_MAX)
		most =
		    packet > 2 * WRITE_HEAD ? packet - WRITE_HEAD : LIMIT_LEAST;
	if (told && told < most)
		most = told;
	return most < LIMIT_LEAST ? LIMIT_LEAST : most;
}

/* A refusal is no reason to stop: the safe sizes stay. */
static void
limits_known(struct oe_sftp_op *op)
{
	struct oe_sftp_session *s = op->arg;
	struct oe_sftp_limits *l = &s->fs.limits;

	if (s->state != OE_SESSION_ASKED)
		return;
	if (op->status == 0) {
		l->read = limit_of(l->read, l->packet);
		l->write = limit_of(l->write, l->packet);
	}
	open_for_use(s);
}

static void
ask_limits(struct oe_sftp_session *s)
{
	struct oe_sftp__ask q;

	s->state = OE_SESSION_ASKED;
	s->limits_op.done = limits_known;
	s->limits_op.arg = s;
	if (oe_sftp__ask_begin(
		&q, s, &s->limits_op, OE_FXP_EXTENDED, OE_ASK_LIMITS) < 0)
		return;
	q.bad |= oe_buf_put_cstring(q.b, "limits@openssh.com");
	oe_sftp__ask_send(&q, NULL, 0);
}

void
oe_sftp__session_version(
    struct oe_sftp_session *s, uint32_t version, struct oe_buf *b)
{
	unsigned whole = HAS_GET | HAS_PUT;
	bool limits;

	if (version != OE_SFTP_VERSION) {
		oe_sftp__session_fail(s, OE_EPROTO,
		    "speaks SFTP version %u, not 3", (unsigned)version);
		return;
	}
	if (read_extensions(s, b) < 0) {
		oe_sftp__session_fail(
		    s, OE_EPROTO, "sent broken or too many extensions");
		return;
	}
	limits = s->fs.features & HAS_LIMITS;
	if ((s->fs.features & whole) == whole)
		s->fs.features |= OE_FS_WHOLE;
	s->fs.features &= ~(whole | HAS_LIMITS);
	if (s->fs.features & OE_FS_WHOLE) {
		/* one of us: doc/protocol/sftp.md saves the round trip */
		s->fs.limits.packet = OE_SFTP_PACKET_MAX;
		s->fs.limits.read = s->fs.limits.write = OE_SFTP_DATA_MAX;
		limits = false;
	}
	if (limits)
		ask_limits(s);
	else
		open_for_use(s);
}
