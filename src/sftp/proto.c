/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/proto.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"

int
oe_sftp_put_attrs(struct oe_buf *b, const struct oe_sftp_attrs *a)
{
	uint32_t flags = a->flags & ~OE_ATTR_EXTENDED;
	int r = oe_buf_put_u32(b, flags);

	if (flags & OE_ATTR_SIZE)
		r |= oe_buf_put_u64(b, a->size);
	if (flags & OE_ATTR_UIDGID) {
		r |= oe_buf_put_u32(b, a->uid);
		r |= oe_buf_put_u32(b, a->gid);
	}
	if (flags & OE_ATTR_PERMISSIONS)
		r |= oe_buf_put_u32(b, a->mode);
	if (flags & OE_ATTR_ACMODTIME) {
		r |= oe_buf_put_u32(b, a->atime);
		r |= oe_buf_put_u32(b, a->mtime);
	}
	return r ? OE_ETOOBIG : 0;
}

static int
skip_pairs(struct oe_buf *b)
{
	struct oe_buf part;
	uint32_t n;

	if (oe_buf_get_u32(b, &n) < 0)
		return OE_ESHORT;
	if (n > OE_SFTP_PAIRS_MAX)
		return OE_ETOOBIG;
	for (n *= 2; n; n--)
		if (oe_buf_get_string(b, &part) < 0)
			return OE_ESHORT;
	return 0;
}

int
oe_sftp_get_attrs(struct oe_buf *b, struct oe_sftp_attrs *ret)
{
	struct oe_sftp_attrs a;
	int r;

	memset(&a, 0, sizeof a);
	r = oe_buf_get_u32(b, &a.flags);
	if (r == 0 && a.flags & OE_ATTR_SIZE)
		r = oe_buf_get_u64(b, &a.size);
	if (r == 0 && a.flags & OE_ATTR_UIDGID)
		r = oe_buf_get_u32(b, &a.uid);
	if (r == 0 && a.flags & OE_ATTR_UIDGID)
		r = oe_buf_get_u32(b, &a.gid);
	if (r == 0 && a.flags & OE_ATTR_PERMISSIONS)
		r = oe_buf_get_u32(b, &a.mode);
	if (r == 0 && a.flags & OE_ATTR_ACMODTIME)
		r = oe_buf_get_u32(b, &a.atime);
	if (r == 0 && a.flags & OE_ATTR_ACMODTIME)
		r = oe_buf_get_u32(b, &a.mtime);
	if (r == 0 && a.flags & OE_ATTR_EXTENDED)
		r = skip_pairs(b);
	if (r == 0)
		*ret = a;
	return r;
}

#define VFS_NUMBERS (sizeof(struct oe_sftp_vfs) / sizeof(uint64_t))

int
oe_sftp_put_vfs(struct oe_buf *b, const struct oe_sftp_vfs *v)
{
	uint64_t all[VFS_NUMBERS];
	size_t i;
	int r = 0;

	memcpy(all, v, sizeof all);
	for (i = 0; i < VFS_NUMBERS && r == 0; i++)
		r = oe_buf_put_u64(b, all[i]);
	return r;
}

int
oe_sftp_get_vfs(struct oe_buf *b, struct oe_sftp_vfs *ret)
{
	uint64_t all[VFS_NUMBERS];
	size_t i;

	for (i = 0; i < VFS_NUMBERS; i++)
		if (oe_buf_get_u64(b, &all[i]) < 0)
			return OE_ESHORT;
	memcpy(ret, all, sizeof all);
	return 0;
}

/* The wire has 32 bits, unsigned: 1970 to 2106. */
static uint32_t
wire_time(int64_t t)
{
	return t < 0 ? 0 : t > UINT32_MAX ? UINT32_MAX : (uint32_t)t;
}

void
oe_sftp_attrs_of(const struct stat *st, struct oe_sftp_attrs *ret)
{
	ret->flags = OE_ATTR_SIZE | OE_ATTR_UIDGID | OE_ATTR_PERMISSIONS |
		     OE_ATTR_ACMODTIME;
	ret->size = (uint64_t)st->st_size;
	ret->uid = st->st_uid;
	ret->gid = st->st_gid;
	ret->mode = st->st_mode;
	ret->atime = wire_time(st->st_atim.tv_sec);
	ret->mtime = wire_time(st->st_mtim.tv_sec);
}

enum oe_sftp_fx
oe_sftp_fx_of(int sys_errno)
{
	switch (sys_errno) {
	case 0:
		return OE_FX_OK;
	case ENOENT:
	case ENOTDIR:
	case EBADF:
	case ELOOP:
		return OE_FX_NO_SUCH_FILE;
	case EPERM:
	case EACCES:
	case EFAULT:
		return OE_FX_PERMISSION_DENIED;
	case ENAMETOOLONG:
	case EINVAL:
		return OE_FX_BAD_MESSAGE;
	case ENOSYS:
	case EOPNOTSUPP:
		return OE_FX_OP_UNSUPPORTED;
	default:
		return OE_FX_FAILURE;
	}
}

int
oe_sftp_fx_status(uint32_t fx)
{
	switch (fx) {
	case OE_FX_OK:
		return 0;
	case OE_FX_EOF:
		return OE_ESHORT;
	case OE_FX_NO_SUCH_FILE:
		return OE_ENOENT;
	case OE_FX_PERMISSION_DENIED:
		return OE_EPERM;
	case OE_FX_BAD_MESSAGE:
	case OE_FX_OP_UNSUPPORTED:
		return OE_EINVAL;
	case OE_FX_NO_CONNECTION:
	case OE_FX_CONNECTION_LOST:
		return OE_ECLOSED;
	default:
		return OE_ESYS;
	}
}

const char *
oe_sftp_fx_text(uint32_t fx)
{
	static const char *const all[] = {
	    [OE_FX_OK] = "Success",
	    [OE_FX_EOF] = "End of file",
	    [OE_FX_NO_SUCH_FILE] = "No such file or directory",
	    [OE_FX_PERMISSION_DENIED] = "Permission denied",
	    [OE_FX_FAILURE] = "Failure",
	    [OE_FX_BAD_MESSAGE] = "Bad message",
	    [OE_FX_NO_CONNECTION] = "No connection",
	    [OE_FX_CONNECTION_LOST] = "Connection lost",
	    [OE_FX_OP_UNSUPPORTED] = "Operation unsupported",
	};

	return fx < OE_ARRAY_LEN(all) ? all[fx] : "Unknown status";
}
