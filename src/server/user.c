/* SPDX-License-Identifier: Apache-2.0 */
#include "server/user.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <shadow.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* A passwd entry of an LDAP directory can be large, but not that large. */
#define PW_BUF_START 4096u
#define PW_BUF_MAX   (1024u * 1024)
#define DAY_S        86400

/*
 * Decode one UTF-8 character of @s (RFC 3629: shortest form, no surrogates).
 * Return: its length in bytes, or 0 when it is not one.
 */
static size_t
utf8_get(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t cp;
	size_t n, i;

	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	cp = s[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3fu);
	}
	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;
	*ret = cp;
	return n;
}

static bool
char_ok(uint32_t c)
{
	if (c <= ' ' || (c >= 0x7f && c <= 0xa0))
		return false;
	if (c == '/' || c == ':')
		return false;
	/* Unicode blanks, and marks that reorder or hide text in a log */
	if (c == 0x1680 || c == 0x3000 || c == 0xfeff || c == 0x061c)
		return false;
	return !(c >= 0x2000 && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202f) &&
	       !(c >= 0x205f && c <= 0x206f);
}

bool
oe_srv_user_name_ok(const char *name, size_t len)
{
	const unsigned char *s = (const unsigned char *)name;
	size_t i, n;
	uint32_t c;

	if (len == 0 || len > OE_SRV_USER_NAME_MAX || s[0] == '-')
		return false;
	if (s[0] == '.' && (len == 1 || (len == 2 && s[1] == '.')))
		return false;
	for (i = 0; i < len; i += n) {
		n = utf8_get(s + i, len - i, &c);
		if (n == 0 || !char_ok(c))
			return false;
	}
	return true;
}

static void
user_set(struct oe_srv_user *ret, const struct passwd *pw)
{
	bool no_home = pw->pw_dir == NULL || pw->pw_dir[0] != '/';
	bool no_shell = pw->pw_shell == NULL || pw->pw_shell[0] == '\0';

	ret->name = oe_mem_strdup(pw->pw_name);
	ret->home = oe_mem_strdup(no_home ? "/" : pw->pw_dir);
	ret->shell = oe_mem_strdup(no_shell ? "/bin/sh" : pw->pw_shell);
	ret->hash = oe_mem_strdup(pw->pw_passwd == NULL ? "" : pw->pw_passwd);
	ret->uid = pw->pw_uid;
	ret->gid = pw->pw_gid;
}

/* By @name, or by @uid when @name is NULL. */
static int
user_get(
    const char *name, uid_t uid, struct oe_srv_user *ret, struct oe_err *err)
{
	struct passwd pw, *found = NULL;
	size_t size = PW_BUF_START;
	char *mem = NULL;
	int rc;

	do {
		mem = oe_mem_realloc_array(mem, size, 1);
		if (name != NULL)
			rc = getpwnam_r(name, &pw, mem, size, &found);
		else
			rc = getpwuid_r(uid, &pw, mem, size, &found);
		size *= 2;
	} while (rc == EINTR || (rc == ERANGE && size <= PW_BUF_MAX));
	/* several name services say "not there" with one of these */
	if (rc == ENOENT || rc == ESRCH || rc == EBADF || rc == EPERM)
		rc = 0;
	if (rc != 0) {
		errno = rc;
		rc = oe_err_sys(err, "look up an account");
	} else if (found == NULL) {
		rc = oe_err_set(err, OE_ENOENT, "no such account");
	} else {
		user_set(ret, found);
	}
	oe_mem_free(&mem);
	return rc;
}

int
oe_srv_user_lookup(
    const char *name, struct oe_srv_user *ret, struct oe_err *err)
{
	struct oe_srv_user u = OE_SRV_USER_INIT;
	int rc;

	if (!oe_srv_user_name_ok(name, strlen(name)))
		return oe_err_set(
		    err, OE_EINVAL, "not an acceptable user name");
	rc = user_get(name, 0, &u, err);
	if (rc != 0)
		return rc;
	if (strspn(name, "0123456789") == strlen(name) &&
	    !oe_str_eq(name, u.name)) {
		oe_srv_user_done(&u);
		return oe_err_set(err, OE_ENOENT, "no such account");
	}
	*ret = u;
	return 0;
}

int
oe_srv_user_self(struct oe_srv_user *ret, struct oe_err *err)
{
	return user_get(NULL, geteuid(), ret, err);
}

void
oe_srv_user_done(struct oe_srv_user *u)
{
	oe_mem_free(&u->name);
	oe_mem_free(&u->home);
	oe_mem_free(&u->shell);
	oe_mem_free_secret(&u->hash);
	u->uid = (uid_t)-1;
	u->gid = (gid_t)-1;
}

int
oe_srv_user_check_shell(const struct oe_srv_user *u, struct oe_err *err)
{
	struct stat st;

	if (u->shell[0] != '/')
		return oe_err_set(err, OE_EPERM,
		    "login shell '%s' of %s is not an absolute path", u->shell,
		    u->name);
	if (stat(u->shell, &st) != 0)
		return oe_err_set(err, OE_EPERM,
		    "login shell '%s' of %s does not exist", u->shell, u->name);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
		return oe_err_set(err, OE_EPERM,
		    "login shell '%s' of %s cannot be executed", u->shell,
		    u->name);
	return 0;
}

static bool
hash_locked(const char *hash)
{
	return hash != NULL && (hash[0] == '!' || oe_str_starts(hash, "*LK*"));
}

int
oe_srv_user_check_account(
    const struct oe_srv_user *u, long long now_s, struct oe_err *err)
{
	struct spwd sp, *found = NULL;
	size_t size = PW_BUF_START;
	char *mem = NULL;
	bool locked, expired;
	int rc;

	do {
		mem = oe_mem_realloc_array(mem, size, 1);
		rc = getspnam_r(u->name, &sp, mem, size, &found);
		size *= 2;
	} while (rc == EINTR || (rc == ERANGE && size <= PW_BUF_MAX));
	locked = hash_locked(found != NULL ? found->sp_pwdp : u->hash);
	expired = found != NULL && found->sp_expire > 0 &&
		  now_s / DAY_S >= found->sp_expire;
	if (mem != NULL)
		oe_mem_wipe(mem, size / 2);
	oe_mem_free(&mem);
	if (found == NULL && rc != 0 && rc != ENOENT && geteuid() == 0) {
		errno = rc;
		return oe_err_sys(err, "read the shadow entry of %s", u->name);
	}
	if (locked)
		return oe_err_set(
		    err, OE_EPERM, "account %s is locked", u->name);
	if (expired)
		return oe_err_set(
		    err, OE_EPERM, "account %s has expired", u->name);
	return 0;
}

static void
nologin_text(const char *path, struct oe_buf *ret)
{
	char part[1024];
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	while ((n = read(fd, part, sizeof(part))) > 0) {
		size_t room = oe_buf_room(ret);

		if (room == 0)
			break;
		(void)oe_buf_put(
		    ret, part, (size_t)n < room ? (size_t)n : room);
	}
	oe_fd_close(&fd);
}

int
oe_srv_user_check_nologin(const struct oe_srv_user *u, const char *const *files,
    struct oe_buf *ret_text)
{
	static const char *const usual[] = {
	    "/etc/nologin", "/run/nologin", NULL};
	struct stat st;

	if (u->uid == 0)
		return 0;
	if (files == NULL)
		files = usual;
	for (; *files != NULL; files++) {
		if (stat(*files, &st) != 0 && errno != EACCES)
			continue;
		nologin_text(*files, ret_text);
		return OE_EPERM;
	}
	return 0;
}
