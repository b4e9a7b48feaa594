/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/hostkey_internal.h"

#define OE_SSH_HOSTKEY_RSA_BITS 3072
#define OE_SSH_HOSTKEY_FILE_MAX (64 * 1024)

static int
hostkey_check_file(const char *path, int fd, struct oe_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return oe_err_sys(err, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return oe_err_set(
		    err, OE_ECONF, "'%s' is not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return oe_err_set(err, OE_ECONF,
		    "host key '%s' belongs to user id %u; it must belong to "
		    "the server's user or root",
		    path, (unsigned)st.st_uid);
	if (st.st_mode & 077)
		return oe_err_set(err, OE_ECONF,
		    "host key '%s' can be read by others (mode %04o): "
		    "run 'chmod 600 %s', and replace the key if anybody "
		    "may have read it",
		    path, (unsigned)(st.st_mode & 07777), path);
	return 0;
}

static int
hostkey_describe(ssh_key key, char **ret)
{
	unsigned char *hash = NULL;
	char *print = NULL;
	size_t len;

	if (ssh_get_publickey_hash(
		key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) != 0)
		return OE_ELIB;
	print = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
	*ret = oe_mem_printf("%s %s", ssh_key_type_to_char(ssh_key_type(key)),
	    print ? print : "?");
	ssh_string_free_char(print);
	ssh_clean_pubkey_hash(&hash);
	return 0;
}

static int
hostkey_add_file(
    struct oe_ssh_hostkeys *k, const char *path, struct oe_err *err)
{
	struct oe_buf text = {0};
	ssh_key key = NULL;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return oe_err_sys(err, "open host key '%s'", path);
	r = hostkey_check_file(path, fd, err);
	if (r == 0)
		r = oe_fd_read_all(
		    fd, path, OE_SSH_HOSTKEY_FILE_MAX, &text, err);
	if (r < 0)
		goto out;
	/* the empty passphrase keeps libssh from asking for one */
	if (ssh_pki_import_privkey_base64(
		(const char *)text.data, "", NULL, NULL, &key) != SSH_OK) {
		r = oe_err_set(err, OE_ECONF,
		    "'%s' is not a private key without passphrase", path);
		goto out;
	}
	k->key = oe_mem_realloc_array(k->key, k->n + 1, sizeof *k->key);
	k->what = oe_mem_realloc_array(k->what, k->n + 1, sizeof *k->what);
	k->what[k->n] = NULL;
	r = hostkey_describe(key, &k->what[k->n]);
	k->key[k->n++] = key;
	key = NULL;
	if (r < 0)
		oe_err_set(err, r, "fingerprint of '%s' failed", path);
out:
	ssh_key_free(key);
	oe_buf_done(&text);
	oe_fd_close(&fd);
	return r;
}

/* Make one key; a key that appeared meanwhile stays (link() refuses). */
static int
hostkey_make(
    const char *path, enum ssh_keytypes_e type, int bits, struct oe_err *err)
{
	char *tmp = oe_mem_printf("%s.new.%ld", path, (long)getpid());
	ssh_key key = NULL;
	mode_t mask = umask(077);
	int fd = -1, r = 0;

	if (ssh_pki_generate(type, bits, &key) != SSH_OK ||
	    ssh_pki_export_privkey_file(key, NULL, NULL, NULL, tmp) != SSH_OK) {
		r = oe_err_sys(err, "make host key '%s'", path);
		goto out;
	}
	fd = open(tmp, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) < 0 || fsync(fd) < 0 ||
	    (link(tmp, path) < 0 && errno != EEXIST))
		r = oe_err_sys(err, "write host key '%s'", path);
out:
	umask(mask);
	unlink(tmp);
	oe_fd_close(&fd);
	ssh_key_free(key);
	free(tmp);
	return r;
}

static int
hostkey_dir(
    struct oe_ssh_hostkeys *k, const char *dir, bool make, struct oe_err *err)
{
	static const struct {
		const char *file;
		enum ssh_keytypes_e type;
		int bits;
	} kinds[] = {
	    {"ssh_host_ed25519_key", SSH_KEYTYPE_ED25519, 0},
	    {"ssh_host_rsa_key", SSH_KEYTYPE_RSA, OE_SSH_HOSTKEY_RSA_BITS},
	};
	size_t i;
	int r = 0;

	for (i = 0; i < OE_ARRAY_LEN(kinds) && r == 0; i++) {
		char *path = oe_mem_printf("%s/%s", dir, kinds[i].file);

		if (make && access(path, F_OK) < 0 && errno == ENOENT)
			r = hostkey_make(
			    path, kinds[i].type, kinds[i].bits, err);
		if (r == 0)
			r = hostkey_add_file(k, path, err);
		free(path);
	}
	return r;
}

/* mkdir -p with mode 0700 for what is new. */
static int
hostkey_mkdirs(const char *path, struct oe_err *err)
{
	char *copy = oe_mem_strdup(path), *p;
	int r = 0;

	for (p = copy + 1; r == 0; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = 0;
		if (mkdir(copy, c ? 0755 : 0700) < 0 && errno != EEXIST)
			r = oe_err_sys(err, "make directory '%s'", copy);
		*p = c;
		if (!c)
			break;
	}
	free(copy);
	return r;
}

int
oe_ssh_hostkeys_load(const char *path, bool make, struct oe_ssh_hostkeys **ret,
    struct oe_err *err)
{
	struct oe_ssh_hostkeys *k = oe_mem_zalloc(sizeof *k);
	struct stat st;
	int r;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
		r = hostkey_add_file(k, path, err);
	} else {
		r = make ? hostkey_mkdirs(path, err) : 0;
		if (r == 0)
			r = hostkey_dir(k, path, make, err);
	}
	if (r < 0) {
		oe_ssh_hostkeys_free(&k);
		return r;
	}
	*ret = k;
	return 0;
}

void
oe_ssh_hostkeys_free(struct oe_ssh_hostkeys **pk)
{
	struct oe_ssh_hostkeys *k = *pk;
	size_t i;

	if (!k)
		return;
	for (i = 0; i < k->n; i++) {
		ssh_key_free(k->key[i]);
		free(k->what[i]);
	}
	free(k->key);
	free(k->what);
	free(k);
	*pk = NULL;
}

size_t
oe_ssh_hostkeys_count(const struct oe_ssh_hostkeys *k)
{
	return k->n;
}

const char *
oe_ssh_hostkeys_describe(const struct oe_ssh_hostkeys *k, size_t i)
{
	return i < k->n ? k->what[i] : NULL;
}

char *
oe_ssh_hostkeys_line(const struct oe_ssh_hostkeys *k, size_t i)
{
	char *text = NULL, *line;

	if (i >= k->n ||
	    ssh_pki_export_pubkey_base64(k->key[i], &text) != SSH_OK)
		return NULL;
	line = oe_mem_printf(
	    "%s %s", ssh_key_type_to_char(ssh_key_type(k->key[i])), text);
	ssh_string_free_char(text);
	return line;
}
