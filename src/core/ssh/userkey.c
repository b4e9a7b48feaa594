/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/userkey.h"

#include <errno.h>
#include <fcntl.h>
#include <libssh/libssh.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"

#define KEY_FILE_MAX (64 * 1024)

/* A key that appeared meanwhile stays: link() refuses. */
static int
make(const char *path, struct oe_err *err)
{
	char *tmp = oe_mem_printf("%s.new.%ld", path, (long)getpid());
	ssh_key key = NULL;
	mode_t mask = umask(077);
	int fd = -1, r = 0;

	if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK ||
	    ssh_pki_export_privkey_file(key, NULL, NULL, NULL, tmp) != SSH_OK) {
		r = oe_err_sys(err, "make the key '%s'", path);
		goto out;
	}
	fd = open(tmp, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fchmod(fd, 0600) < 0 || fsync(fd) < 0 ||
	    (link(tmp, path) < 0 && errno != EEXIST))
		r = oe_err_sys(err, "write the key '%s'", path);
out:
	umask(mask);
	unlink(tmp);
	oe_fd_close(&fd);
	ssh_key_free(key);
	free(tmp);
	return r;
}

static int
check(int fd, const char *path, struct oe_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return oe_err_sys(err, "look at '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077))
		return oe_err_set(err, OE_ECONF,
		    "'%s' must be a file of yours that others cannot read "
		    "(chmod 600)",
		    path);
	return 0;
}

static int
load(const char *path, ssh_key *ret, struct oe_err *err)
{
	struct oe_buf text = {0};
	int fd = open(
	    path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int r;

	if (fd < 0)
		return oe_err_sys(err, "open the key '%s'", path);
	r = check(fd, path, err);
	if (r == 0)
		r = oe_fd_read_all(fd, path, KEY_FILE_MAX, &text, err);
	/* the empty passphrase keeps libssh from asking for one */
	if (r == 0 && ssh_pki_import_privkey_base64((const char *)text.data, "",
			  NULL, NULL, ret) != SSH_OK)
		r = oe_err_set(err, OE_ECONF,
		    "'%s' is not a private key without passphrase", path);
	oe_buf_done(&text);
	oe_fd_close(&fd);
	return r;
}

/* PATH.pub is for people and programs; nothing here reads it. */
static int
write_public(
    const char *path, const char *line, const char *comment, struct oe_err *err)
{
	char *file = oe_mem_printf("%s.pub", path);
	char *text = oe_mem_printf("%s %s\n", line, comment);
	int r = 0;

	if (access(file, F_OK) < 0 && errno == ENOENT)
		r = oe_fd_write_file(file, text, strlen(text), 0644, err);
	free(text);
	free(file);
	return r;
}

int
oe_ssh_userkey_have(
    const char *path, const char *comment, char **ret, struct oe_err *err)
{
	char *b64 = NULL, *line = NULL;
	ssh_key key = NULL;
	int r = 0;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		r = make(path, err);
	if (r == 0)
		r = load(path, &key, err);
	if (r == 0 && ssh_pki_export_pubkey_base64(key, &b64) != SSH_OK)
		r = oe_err_set(
		    err, OE_ELIB, "the public half of '%s' fails", path);
	if (r == 0) {
		line = oe_mem_printf(
		    "%s %s", ssh_key_type_to_char(ssh_key_type(key)), b64);
		r = write_public(path, line, comment, err);
	}
	ssh_string_free_char(b64);
	ssh_key_free(key);
	if (r < 0)
		free(line);
	else
		*ret = line;
	return r;
}
