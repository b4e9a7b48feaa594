/* SPDX-License-Identifier: Apache-2.0 */
#include "forwarding/control.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/net/ipc.h"

/* Clients that are looked at. */
#define NAMES_MAX 4096

static int
check_dir(const char *dir, struct oe_err *err)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return errno == ENOENT
			   ? oe_err_set(err, OE_ENOENT, "no %s", dir)
			   : oe_err_sys(err, "%s", dir);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)))
		return oe_err_set(err, OE_EPERM,
		    "%s is not a folder that only you can write to", dir);
	return 0;
}

int
oe_fwd_control_dir(bool create, char **ret, struct oe_err *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");
	char *above, *dir;
	int r;

	if (run && *run == '/')
		above = oe_mem_strdup(run);
	else if (home && *home == '/')
		above = oe_mem_printf("%s/.cache", home);
	else
		return oe_err_set(err, OE_ENOENT, "HOME is not set");
	dir = oe_mem_printf("%s/omniedge", above);
	if (create) {
		(void)mkdir(above, 0700);
		(void)mkdir(dir, 0700);
	}
	free(above);
	r = check_dir(dir, err);
	if (r < 0)
		free(dir);
	else
		*ret = dir;
	return r;
}

bool
oe_fwd_control_is_ours(int fd)
{
	struct ucred who;
	socklen_t len = sizeof who;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == geteuid() || who.uid == 0);
}

static int
by_pid(const void *a, const void *b)
{
	long x = strtol(*(char *const *)a, NULL, 10);
	long y = strtol(*(char *const *)b, NULL, 10);

	return (x > y) - (x < y);
}

void
oe_fwd_control_names(const char *dir, struct oe_strs *ret)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)) && ret->n < NAMES_MAX)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    strchr(e->d_name, '-'))
			oe_strs_add(ret, e->d_name);
	if (d)
		closedir(d);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof *ret->v, by_pid);
}

int
oe_fwd_control_connect(const char *dir, const char *name, struct oe_err *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char *path = oe_mem_printf("%s/%s", dir, name);
	int fd = -1, r = 0;

	if (!oe_str_copy(sun.sun_path, sizeof sun.sun_path, path)) {
		r = oe_err_set(err, OE_ETOOBIG, "%s: too long", path);
		goto out;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		r = oe_err_sys(err, "socket");
		goto out;
	}
	if (connect(fd, (const struct sockaddr *)&sun, sizeof sun) < 0) {
		r = oe_err_sys(err, "%s", path);
		if (errno == ECONNREFUSED) {
			/* left by a client that was killed */
			(void)unlink(path);
			r = OE_ENOENT;
		}
		goto out;
	}
	if (!oe_fwd_control_is_ours(fd))
		r = oe_err_set(err, OE_EPERM, "%s is somebody else's", path);
out:
	free(path);
	if (r < 0)
		oe_fd_close(&fd);
	return r < 0 ? r : fd;
}

int
oe_fwd_control_call(int fd, const struct oe_ipc_msg *question, int timeout_ms,
    struct oe_ipc_msg *ret, struct oe_err *err)
{
	char *text = NULL;
	int r = oe_ipc_send(fd, question, err);

	if (r == 0)
		r = oe_ipc_recv(fd, timeout_ms, ret, err);
	if (r == OE_ECLOSED)
		return oe_err_set(err, r, "the client has ended meanwhile");
	if (r == OE_EAGAIN)
		return oe_err_set(
		    err, OE_ETIMEOUT, "the client does not answer");
	if (r < 0 || ret->type != OE_FWD_CONTROL_ERROR)
		return r;
	if (oe_buf_get_cstring(&ret->payload, OE_FWD_CONTROL_TEXT_MAX, &text) <
	    0)
		text = oe_mem_strdup("the answer cannot be read");
	r = oe_err_set(err, OE_EINVAL, "%s", text);
	free(text);
	oe_ipc_msg_done(ret);
	return r;
}
