/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/policy_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/crypto.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/mesh/policy.h"

struct oe_mesh__file {
	char *path;
	int watch; /* inotify, or -1 */
	bool taken;
	int failed; /* how it could not be read the last time; 0: it could */
	uint8_t hash[OE_SHA256_SIZE]; /* of what was taken last */
};

struct oe_mesh__file *
oe_mesh__file_new(const char *path)
{
	struct oe_mesh__file *f = oe_mem_zalloc(sizeof *f);

	f->path = oe_mem_strdup(path);
	f->watch = -1;
	return f;
}

static char *
feed_folder(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return oe_mem_strdup(".");
	return oe_mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int
oe_mesh__file_watch(struct oe_mesh__file *f, struct oe_err *err)
{
	const uint32_t events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE |
				IN_DELETE | IN_MOVED_FROM | IN_ATTRIB;
	char *folder = feed_folder(f->path);

	f->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->watch < 0 || inotify_add_watch(f->watch, folder, events) < 0) {
		oe_err_sys(err, "watch the folder '%s'", folder);
		oe_fd_close(&f->watch);
	}
	free(folder);
	return f->watch;
}

void
oe_mesh__file_close(struct oe_mesh__file **f)
{
	if (!*f)
		return;
	oe_fd_close(&(*f)->watch);
	free((*f)->path);
	oe_mem_free(f);
}

/* Which names changed is not asked: what the file holds decides. */
static void
feed_drain(struct oe_mesh__file *f)
{
	char events[4096];

	while (read(f->watch, events, sizeof events) > 0)
		continue;
}

/* Who can write the policy can be anybody: only its owner may. */
static int
feed_read(struct oe_mesh__file *f, struct oe_buf *ret, struct oe_err *err)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;
	struct stat st;

	if (fd < 0)
		return oe_err_sys(err, "open '%s'", f->path);
	if (fstat(fd, &st) < 0)
		r = oe_err_sys(err, "look at '%s'", f->path);
	else if (!S_ISREG(st.st_mode) || (st.st_mode & 022) ||
		 (st.st_uid != 0 && st.st_uid != geteuid()))
		r = oe_err_set(err, OE_ECONF,
		    "'%s' must be a file of ours or of root that only its "
		    "owner can write",
		    f->path);
	else
		r = oe_fd_read_all(fd, f->path, OE_POLICY_SIZE_MAX, ret, err);
	oe_fd_close(&fd);
	return r;
}

int
oe_mesh__file_take(
    struct oe_mesh__file *f, struct oe_buf *ret, struct oe_err *err)
{
	uint8_t hash[OE_SHA256_SIZE];
	struct oe_buf text;
	bool again;
	int r;

	if (f->watch >= 0)
		feed_drain(f);
	r = feed_read(f, &text, err);
	if (r < 0) {
		/* the same content, back again, is worth a word */
		f->taken = false;
		again = r == f->failed;
		f->failed = r;
		return again ? OE_EAGAIN : r;
	}
	f->failed = 0;
	oe_sha256(oe_buf_head(&text), oe_buf_left(&text), hash);
	if (f->taken && !memcmp(hash, f->hash, sizeof hash)) {
		oe_buf_done(&text);
		return OE_EAGAIN;
	}
	memcpy(f->hash, hash, sizeof hash);
	f->taken = true;
	*ret = text;
	return 0;
}
