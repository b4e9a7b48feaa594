/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: which requests there are, and one request at a time.
 */
#include "sftp/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/digest.h"
#include "sftp/server_internal.h"

#define EXT OE_FXP_EXTENDED
#define W   OE_SFTP__WRITES
#define T   OE_SFTP__TELLS

/* Names are OpenSSH's where it has the request. */
const struct oe_sftp__request oe_sftp__requests[] = {
    {"open", OE_FXP_OPEN, NULL, NULL, 0, oe_sftp__do_open},
    {"close", OE_FXP_CLOSE, NULL, NULL, 0, oe_sftp__do_close},
    {"read", OE_FXP_READ, NULL, NULL, T, oe_sftp__do_read},
    {"write", OE_FXP_WRITE, NULL, NULL, W, oe_sftp__do_write},
    {"lstat", OE_FXP_LSTAT, NULL, NULL, 0, oe_sftp__do_lstat},
    {"fstat", OE_FXP_FSTAT, NULL, NULL, 0, oe_sftp__do_fstat},
    {"setstat", OE_FXP_SETSTAT, NULL, NULL, W, oe_sftp__do_setstat},
    {"fsetstat", OE_FXP_FSETSTAT, NULL, NULL, W, oe_sftp__do_fsetstat},
    {"opendir", OE_FXP_OPENDIR, NULL, NULL, T, oe_sftp__do_opendir},
    {"readdir", OE_FXP_READDIR, NULL, NULL, T, oe_sftp__do_readdir},
    {"remove", OE_FXP_REMOVE, NULL, NULL, W, oe_sftp__do_remove},
    {"mkdir", OE_FXP_MKDIR, NULL, NULL, W, oe_sftp__do_mkdir},
    {"rmdir", OE_FXP_RMDIR, NULL, NULL, W, oe_sftp__do_rmdir},
    {"realpath", OE_FXP_REALPATH, NULL, NULL, 0, oe_sftp__do_realpath},
    {"stat", OE_FXP_STAT, NULL, NULL, 0, oe_sftp__do_stat},
    {"rename", OE_FXP_RENAME, NULL, NULL, W, oe_sftp__do_rename},
    {"readlink", OE_FXP_READLINK, NULL, NULL, T, oe_sftp__do_readlink},
    {"symlink", OE_FXP_SYMLINK, NULL, NULL, W, oe_sftp__do_symlink},
    {"posix-rename", EXT, "posix-rename@openssh.com", "1", W,
	oe_sftp__do_posix_rename},
    {"statvfs", EXT, "statvfs@openssh.com", "2", 0, oe_sftp__do_statvfs},
    {"fstatvfs", EXT, "fstatvfs@openssh.com", "2", 0, oe_sftp__do_fstatvfs},
    {"hardlink", EXT, "hardlink@openssh.com", "1", W, oe_sftp__do_hardlink},
    {"fsync", EXT, "fsync@openssh.com", "1", W, oe_sftp__do_fsync},
    {"lsetstat", EXT, "lsetstat@openssh.com", "1", W, oe_sftp__do_lsetstat},
    {"limits", EXT, "limits@openssh.com", "1", 0, oe_sftp__do_limits},
    {"expand-path", EXT, "expand-path@openssh.com", "1", 0, oe_sftp__do_expand},
    {"copy-data", EXT, "copy-data", "1", W | T, oe_sftp__do_copy},
    {"home-directory", EXT, "home-directory", "1", 0, oe_sftp__do_home},
    {"users-groups-by-id", EXT, "users-groups-by-id@openssh.com", "1", 0,
	oe_sftp__do_users},
    {"check-file", EXT, "check-file", OE_DIGEST_NAMES, T,
	oe_sftp__do_hash_handle},
    {"check-file", EXT, "check-file-handle", NULL, T | OE_SFTP__HIDDEN,
	oe_sftp__do_hash_handle},
    {"check-file", EXT, "check-file-name", NULL, T | OE_SFTP__HIDDEN,
	oe_sftp__do_hash_name},
    {"get-file", EXT, OE_SFTP_EXT_GET, "1", T, oe_sftp__do_get_file},
    {"put-file", EXT, OE_SFTP_EXT_PUT, "1", W, oe_sftp__put_file},
    {"extents", EXT, OE_SFTP_EXT_EXTENTS, "1", T, oe_sftp__do_extents},
};

#define REQUESTS OE_ARRAY_LEN(oe_sftp__requests)
_Static_assert(REQUESTS <= 64, "a bit for each kind of request");

#undef EXT
#undef W
#undef T

const char *
oe_sftp_server_request(size_t i)
{
	size_t k;

	for (k = 0; k < REQUESTS; k++)
		if (!(oe_sftp__requests[k].flags & OE_SFTP__HIDDEN) && i-- == 0)
			return oe_sftp__requests[k].name;
	return NULL;
}

static bool
allowed(
    const struct oe_sftp_server_rules *rules, const struct oe_sftp__request *q)
{
	if (rules->read_only && q->flags & OE_SFTP__WRITES)
		return false;
	if (rules->write_only && q->flags & OE_SFTP__TELLS)
		return false;
	if (rules->denied && oe_strs_has(rules->denied, q->name))
		return false;
	return !rules->allowed || !rules->allowed->n ||
	       oe_strs_has(rules->allowed, q->name);
}

/*
 * One for each open file.  What else is open: standard streams, roots, logs,
 * and the files and directories of a group of put-file requests.
 */
static uint32_t
handles_max(const struct oe_sftp_server_rules *rules)
{
	const uint32_t own = OE_SFTP__PUTS_MAX + OE_SFTP__PUTS_DIRS + 16 +
			     (uint32_t)(rules->roots ? rules->roots->n : 0);
	struct rlimit rl = {1024, 1024};

	if (rules->handles_max)
		return rules->handles_max;
	(void)getrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur > 4096)
		rl.rlim_cur = 4096;
	return rl.rlim_cur > own + 16 ? (uint32_t)rl.rlim_cur - own : 16;
}

int
oe_sftp_server_new(const struct oe_sftp_server_rules *rules,
    struct oe_sftp_server **ret, struct oe_err *err)
{
	struct oe_sftp_server *s = oe_mem_zalloc(sizeof *s);
	size_t i;
	int r = 0;

	s->rules = *rules;
	s->in = s->peer = s->spare[0] = s->spare[1] = -1;
	s->handles.max = handles_max(rules);
	s->puts.random[0] = oe_mem_random(0);
	s->puts.random[1] = oe_mem_random(0);
	for (i = 0; i < REQUESTS; i++)
		if (!allowed(rules, &oe_sftp__requests[i]))
			s->refused |= 1ull << i;
	s->out.data = oe_mem_map(OE_SFTP_SERVER_OUT);
	s->out.cap = s->out.max = OE_SFTP_SERVER_OUT;
	if (rules->roots && rules->roots->n)
		r = oe_sftp__roots_open(&s->roots, rules->roots, err);
	if (r == 0)
		*ret = s;
	else
		oe_sftp_server_free(&s);
	return r;
}

/* Files that were still open: their bytes moved, whatever comes now. */
static void
close_all(struct oe_sftp_server *s)
{
	struct oe_sftp__handle *h;
	uint32_t i;

	for (i = 0; i < s->handles.n; i++) {
		h = &s->handles.v[i];
		if (h->fd < 0)
			continue;
		if (h->bytes_written || (h->pflags & OE_FXF_WRITE && !h->dir))
			oe_sftp__tell(s, OE_SFTP_AUDIT_UPLOAD, h->path, NULL,
			    h->bytes_written, 0);
		if (h->bytes_read)
			oe_sftp__tell(s, OE_SFTP_AUDIT_DOWNLOAD, h->path, NULL,
			    h->bytes_read, 0);
	}
	oe_sftp__handles_done(&s->handles);
}

void
oe_sftp_server_free(struct oe_sftp_server **s)
{
	if (!*s)
		return;
	oe_sftp__puts_done(*s);
	close_all(*s);
	oe_sftp__roots_done(&(*s)->roots);
	oe_mem_unmap((*s)->out.data, OE_SFTP_SERVER_OUT);
	oe_mem_unmap((*s)->scratch, OE_SFTP__SCRATCH);
	oe_mem_free(s);
}

struct oe_buf *
oe_sftp_server_output(struct oe_sftp_server *s)
{
	return &s->out;
}

void
oe_sftp_server_idle(struct oe_sftp_server *s)
{
	oe_sftp__puts_flush(s);
}

static int
begin(struct oe_sftp_server *s, struct oe_buf *req, struct oe_err *err)
{
	uint32_t version;
	size_t start, i;

	if (oe_buf_get_u32(req, &version) < 0 || version < OE_SFTP_VERSION)
		return oe_err_set(err, OE_EPROTO,
		    "the client does not speak SFTP version %d",
		    OE_SFTP_VERSION);
	s->begun = true;
	s->id = OE_SFTP_VERSION; /* stands where answers have their id */
	start = oe_sftp__reply(s, OE_FXP_VERSION);
	for (i = 0; i < REQUESTS; i++) {
		if (!oe_sftp__requests[i].version || s->refused >> i & 1)
			continue;
		oe_buf_put_cstring(&s->out, oe_sftp__requests[i].extension);
		oe_buf_put_cstring(&s->out, oe_sftp__requests[i].version);
	}
	oe_sftp__reply_end(s, start);
	oe_log_debug(NULL, "client speaks version %u", (unsigned)version);
	return 0;
}

/* The index of a request, or REQUESTS. */
static size_t
find(uint8_t type, struct oe_buf *req, bool *ret_malformed)
{
	struct oe_buf name;
	const char *x;
	size_t i;

	*ret_malformed = false;
	if (type != OE_FXP_EXTENDED) {
		for (i = 0; i < REQUESTS; i++)
			if (oe_sftp__requests[i].type == type)
				return i;
		return REQUESTS;
	}
	if (oe_buf_get_string(req, &name) < 0) {
		*ret_malformed = true;
		return REQUESTS;
	}
	for (i = 0; i < REQUESTS; i++) {
		x = oe_sftp__requests[i].extension;
		if (x && strlen(x) == oe_buf_left(&name) &&
		    memcmp(x, oe_buf_head(&name), strlen(x)) == 0)
			return i;
	}
	return REQUESTS;
}

static int
serve(struct oe_sftp_server *s, uint8_t type, struct oe_buf *req)
{
	bool malformed;
	size_t i = find(type, req, &malformed);

	/* All others see the files that were put before them. */
	if (i == REQUESTS || oe_sftp__requests[i].handle != oe_sftp__put_file)
		oe_sftp__puts_flush(s);
	if (malformed)
		return OE_FX_BAD_MESSAGE;
	if (i == REQUESTS)
		return OE_FX_OP_UNSUPPORTED;
	if (s->refused >> i & 1) {
		if (s->rules.audit) {
			struct oe_sftp_audit_item item = {
			    .op = OE_SFTP_AUDIT_REFUSED,
			    .path = oe_sftp__requests[i].name};

			s->rules.audit->operation(s->rules.audit->arg, &item);
		}
		return OE_FX_PERMISSION_DENIED;
	}
	return oe_sftp__requests[i].handle(s, req);
}

int
oe_sftp_server_handle(
    struct oe_sftp_server *s, const uint8_t *p, size_t n, struct oe_err *err)
{
	struct oe_buf req;
	uint32_t id;
	uint8_t type;
	int fx;

	oe_buf_view(&req, p, n);
	if (oe_buf_get_u8(&req, &type) < 0)
		return oe_err_set(err, OE_EPROTO, "the client sent nothing");
	if ((type == OE_FXP_INIT) == s->begun)
		return oe_err_set(err, OE_EPROTO,
		    s->begun ? "the client began a second time"
			     : "the client began with request %u",
		    type);
	if (type == OE_FXP_INIT)
		return begin(s, &req, err);
	if (oe_buf_get_u32(&req, &id) < 0)
		return oe_err_set(
		    err, OE_EPROTO, "the client sent a request without an id");
	s->id = id;
	s->why = NULL;
	fx = serve(s, type, &req);
	if (fx != OE_SFTP__ANSWERED)
		oe_sftp__status(s, id, (uint32_t)fx, s->why);
	return 0;
}
