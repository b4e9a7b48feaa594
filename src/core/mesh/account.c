/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mesh/account.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/detach.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/jval.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/account_internal.h"
#include "core/mesh/login.h"

#define FILE_OURS    "omniedge-ssh.json"
#define FILE_FOREIGN "auth.json"
/* Tries to get a lock, and the pause between them. */
#define LOCK_TRIES    200
#define LOCK_PAUSE_US 100000

int
oe_mesh_folder(bool make, char **ret, struct oe_err *err)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;
	struct stat st;
	char *path;
	int r = 0;

	if (!home || *home != '/') {
		pw = getpwuid(geteuid());
		home = pw ? pw->pw_dir : NULL;
	}
	if (!home || *home != '/')
		return oe_err_set(
		    err, OE_ENOENT, "there is no home directory: set HOME");
	path = oe_mem_printf("%s/.omniedge", home);
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		r = oe_err_sys(err, "make '%s'", path);
	else if (stat(path, &st) < 0)
		r = errno == ENOENT ? 0 : oe_err_sys(err, "look at '%s'", path);
	else if ((st.st_uid != geteuid() && st.st_uid != 0) ||
		 (st.st_mode & 022))
		r = oe_err_set(err, OE_EPERM,
		    "'%s': others may write it (chmod go-w)", path);
	if (r < 0)
		free(path);
	else
		*ret = path;
	return r;
}

static int
path_in_folder(bool make, const char *name, char **ret, struct oe_err *err)
{
	char *folder = NULL;
	int r = oe_mesh_folder(make, &folder, err);

	if (r == 0)
		*ret = oe_mem_printf("%s/%s", folder, name);
	free(folder);
	return r;
}

int
oe_mesh_account_path(bool make, char **ret, struct oe_err *err)
{
	return path_in_folder(make, FILE_OURS, ret, err);
}

int
oe_mesh_file_check(int fd, const char *path, bool secret, struct oe_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return oe_err_sys(err, "look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return oe_err_set(
		    err, OE_EPERM, "'%s' is not a regular file", path);
	if (st.st_uid != geteuid())
		return oe_err_set(
		    err, OE_EPERM, "'%s' belongs to somebody else", path);
	if (st.st_mode & 022)
		return oe_err_set(err, OE_EPERM,
		    "'%s': others may write it (chmod 600)", path);
	if (secret && (st.st_mode & 077))
		return oe_err_set(err, OE_EPERM,
		    "'%s': others may read it (chmod 600)", path);
	return 0;
}

/* The object in @path; @ret: oe_jval_free() it. */
static int
read_object(const char *path, struct oe_jval **ret, struct oe_err *err)
{
	struct oe_jval *v = NULL;
	struct oe_buf b;
	int fd, r;

	oe_buf_view(&b, NULL, 0);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return oe_err_set(err, OE_ENOENT,
		    "not logged in: 'omniedge login' does that");
	if (fd < 0)
		return oe_err_sys(err, "open '%s'", path);
	r = oe_mesh_file_check(fd, path, false, err);
	if (r == 0)
		r = oe_fd_read_all(fd, path, OE_MESH_ACCOUNT_MAX, &b, err);
	if (r == 0) {
		r = oe_jval_parse(oe_buf_head(&b), oe_buf_left(&b), &v, err);
		oe_buf_done(&b);
		if (r < 0)
			r = oe_err_wrap(err, OE_ECONF, "'%s'", path);
	}
	/* another client's file may be readable, ours never is */
	if (r == 0 && oe_jval_get(v, "version"))
		r = oe_mesh_file_check(fd, path, true, err);
	oe_fd_close(&fd);
	if (r < 0)
		oe_jval_free(&v);
	else
		*ret = v;
	return r;
}

static int
load_one(const char *path, struct oe_mesh_account *ret, struct oe_err *err)
{
	struct oe_jval *v = NULL;
	int r = read_object(path, &v, err);

	if (r == 0) {
		r = oe_mesh_account__read(v, ret, err);
		if (r < 0)
			oe_err_wrap(err, r, "'%s'", path);
		else
			ret->path = oe_mem_strdup(path);
	}
	oe_jval_free(&v);
	return r;
}

int
oe_mesh_account_load(
    const char *path, struct oe_mesh_account *ret, struct oe_err *err)
{
	static const char *const names[] = {FILE_OURS, FILE_FOREIGN};
	char *at = NULL;
	size_t i;
	int r = OE_ENOENT;

	if (path)
		return load_one(path, ret, err);
	for (i = 0; i < OE_ARRAY_LEN(names) && r == OE_ENOENT; i++) {
		r = path_in_folder(false, names[i], &at, err);
		if (r < 0)
			break;
		r = load_one(at, ret, err);
		oe_mem_free(&at);
	}
	return r;
}

void
oe_mesh_account_done(struct oe_mesh_account *a)
{
	oe_mem_free_secret(&a->token);
	oe_mem_free_secret(&a->refresh);
	oe_mem_free(&a->path);
	oe_mem_free(&a->origin);
	oe_mem_free(&a->ca_file);
	oe_mem_free(&a->pin);
	oe_mem_free(&a->user_id);
	oe_mem_free(&a->email);
	oe_mem_free(&a->name);
	oe_mem_free(&a->device_id);
	oe_mem_free(&a->hardware);
	oe_mem_free(&a->network_id);
	oe_mem_free(&a->signing_key);
	memset(a, 0, sizeof *a);
}

void
oe_mesh_account_take(struct oe_mesh_account *a, struct oe_mesh_tokens *t)
{
	oe_mem_free_secret(&a->token);
	oe_mem_free_secret(&a->refresh);
	a->token = t->token;
	a->refresh = t->refresh;
	a->expires_ms = t->expires_ms;
	a->obtained_ms = oe_time_wall_ms();
	a->oauth = t->oauth;
	a->is_new = true;
	a->renewing = false;
	memset(t, 0, sizeof *t);
}

static int
open_lock(const char *name, int *ret_fd, struct oe_err *err)
{
	*ret_fd = open(
	    name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	return *ret_fd < 0 ? oe_err_sys(err, "open '%s'", name) : 0;
}

int
oe_mesh_lock(const char *path, int *ret_fd, struct oe_err *err)
{
	char *name = oe_mem_printf("%s.lock", path);
	int fd = -1, i, r = open_lock(name, &fd, err);

	/* nobody holds it longer than a call to the API takes */
	for (i = 0; r == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			r = oe_err_sys(err, "lock '%s'", name);
		else if (i >= LOCK_TRIES)
			r = oe_err_set(err, OE_ETIMEOUT,
			    "'%s' is held by another process", name);
		else
			usleep(LOCK_PAUSE_US);
	}
	if (r < 0)
		oe_fd_close(&fd);
	else
		*ret_fd = fd;
	free(name);
	return r;
}

int
oe_mesh_behind(
    const char *path, void (*fn)(void *arg), void *arg, struct oe_err *err)
{
	char *name = oe_mem_printf("%s.renewing", path);
	int fd = -1, r = open_lock(name, &fd, err);

	/* it goes over to the process, and ends with it */
	if (r == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		r = oe_detach(fn, arg, fd, err);
	oe_fd_close(&fd);
	free(name);
	return r;
}

/* The lock is the caller's. */
static int
write_locked(struct oe_mesh_account *a, struct oe_err *err)
{
	struct oe_jval *was = NULL, *now;
	char *text;
	int r;

	if (a->shape != OE_MESH_SHAPE_OURS) {
		r = read_object(a->path, &was, err);
		if (r < 0)
			return r;
	}
	now = oe_mesh_account__merge(a, was);
	text = oe_jval_dump(now, 2);
	r = oe_fd_write_file(a->path, text, strlen(text), 0600, err);
	if (r == 0)
		a->is_new = false;
	oe_mem_free_secret(&text);
	oe_jval_free(&now);
	oe_jval_free(&was);
	return r;
}

int
oe_mesh_account_remove(const char *path, struct oe_err *err)
{
	int fd = -1, r = oe_mesh_lock(path, &fd, err);

	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		r = oe_err_sys(err, "remove '%s'", path);
	oe_fd_close(&fd);
	return r;
}

/* The tokens that are in the file now, if it is still this login's. */
static void
take_from_file(struct oe_mesh_account *a)
{
	struct oe_mesh_account now = {0};
	struct oe_mesh_tokens t = {0};

	if (load_one(a->path, &now, NULL) < 0)
		return;
	/* after a login elsewhere it is another's; foreign files name none */
	if (!now.origin || oe_str_eq(now.origin, a->origin)) {
		t.token = now.token;
		t.refresh = now.refresh;
		t.expires_ms = now.expires_ms;
		t.oauth = now.oauth;
		now.token = now.refresh = NULL;
		oe_mesh_account_take(a, &t);
		a->is_new = false;
		a->renewing = now.renewing;
	}
	oe_mesh_account_done(&now);
}

int
oe_mesh_account_save(struct oe_mesh_account *a, struct oe_err *err)
{
	int fd = -1, r = oe_mesh_lock(a->path, &fd, err);

	if (r == 0 && !a->is_new)
		take_from_file(a);
	if (r == 0)
		r = write_locked(a, err);
	oe_fd_close(&fd);
	return r;
}

/*
 * The file says what is about to happen: that it can be written is known before
 * anything is used up.  Other clients' files are theirs until then.
 */
static int
write_intent(struct oe_mesh_account *a, struct oe_err *err)
{
	int r = 0;

	if (a->shape != OE_MESH_SHAPE_OURS)
		return 0;
	a->renewing = true;
	r = write_locked(a, err);
	return r < 0 ? oe_err_wrap(err, r,
			   "the login is not renewed: its successor could not "
			   "be kept")
		     : 0;
}

/* The lock is the caller's. */
static int
renew_locked(struct oe_mesh_account *a, const struct oe_mesh_renewer *by,
    const char *refused, struct oe_err *err)
{
	struct oe_mesh_tokens t = {0};
	bool broken_off;
	int r;

	take_from_file(a);
	if (!oe_str_eq(a->token, refused))
		return 0; /* another process was here */
	if (!a->refresh)
		return oe_err_set(err, OE_EAUTH,
		    "the login has expired: 'omniedge login' again");
	broken_off = a->renewing;
	r = write_intent(a, err);
	if (r < 0)
		return r;
	r = by->ask(by->arg, a->refresh, a->oauth, &t, err);
	if (r == OE_EAUTH)
		return oe_err_wrap(err, r,
		    broken_off ? "the login cannot be renewed, as a renewal "
				 "was broken off before its answer was on the "
				 "disk ('omniedge login' again)"
			       : "the login has expired ('omniedge login' "
				 "again)");
	if (r < 0)
		return r;
	oe_mesh_account_take(a, &t);
	r = write_locked(a, err);
	if (r < 0)
		oe_err_wrap(err, r,
		    "a new token came and cannot be kept: log in again");
	return r;
}

int
oe_mesh_account_renew(struct oe_mesh_account *a,
    const struct oe_mesh_renewer *by, const char *refused, struct oe_err *err)
{
	int fd = -1, r = oe_mesh_lock(a->path, &fd, err);

	if (r == 0)
		r = renew_locked(a, by, refused, err);
	oe_fd_close(&fd);
	return r;
}

static int
refresh_ask(void *arg, const char *refresh, bool oauth,
    struct oe_mesh_tokens *ret, struct oe_err *err)
{
	return oe_mesh_login_refresh(arg, refresh, oauth, ret, err);
}

int
oe_mesh_account_refresh(struct oe_mesh_account *a, struct oe_mesh_api *api,
    const char *refused, struct oe_err *err)
{
	const struct oe_mesh_renewer by = {refresh_ask, api};

	return oe_mesh_account_renew(a, &by, refused, err);
}
