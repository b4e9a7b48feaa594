/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/ssh_config_files.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/mem.h"
#include "core/mesh/account.h"
#include "core/ssh/sshconf.h"
#include "mesh/peer_ssh.h"
#include "mesh/ssh_config.h"

/* A file that was read, or was not there. */
struct kept {
	char *path, *text; /* text NULL: status says why */
	int status;
};

struct oe_own_config {
	struct oe_sshconf_env env;
	int (*read)(void *arg, const char *path, bool checked, char **ret,
	    struct oe_err *err);
	bool usable;
	const char *ours, *given; /* borrowed */
	struct kept *v;
	size_t n;
};

/* ssh goes by the account, not by HOME. */
static char *
ssh_folder(void)
{
	const struct passwd *pw = getpwuid(getuid());

	return pw ? oe_mem_printf("%s/.ssh", pw->pw_dir) : NULL;
}

/* IdentityFile takes the usual keys away, so those that exist are named. */
static void
find_identities(const char *folder, struct oe_strs *ret)
{
	static const char *const usual[] = {
	    "id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk"};
	char *path = oe_peer_identity();
	size_t i;

	if (!path)
		return;
	oe_strs_add_take(ret, path);
	for (i = 0; i < OE_ARRAY_LEN(usual); i++) {
		path = oe_mem_printf("%s/%s", folder, usual[i]);
		if (access(path, F_OK) == 0)
			oe_strs_add(ret, path);
		free(path);
	}
}

int
oe_sshcfg_files_find(
    const char *own, struct oe_sshcfg_files *ret, struct oe_err *err)
{
	char *folder = NULL, *ssh;
	int r;

	memset(ret, 0, sizeof *ret);
	r = oe_mesh_folder(true, &folder, err);
	if (r < 0)
		return r;
	ssh = ssh_folder();
	ret->given = own;
	ret->config = oe_mem_printf("%s/ssh_config", folder);
	ret->known_hosts = oe_mem_printf("%s/known_hosts", folder);
	if (own)
		ret->own = oe_mem_strdup(own);
	else if (ssh)
		ret->own = oe_mem_printf("%s/config", ssh);
	if (ssh)
		find_identities(ssh, &ret->identities);
	if (!ret->own)
		r = oe_err_set(err, OE_ENOENT, "user id %u has no account here",
		    (unsigned)getuid());
	free(ssh);
	free(folder);
	return r;
}

void
oe_sshcfg_files_done(struct oe_sshcfg_files *f)
{
	oe_mem_free(&f->config);
	oe_mem_free(&f->known_hosts);
	oe_mem_free(&f->own);
	oe_strs_done(&f->identities);
}

int
oe_sshcfg_files_put(
    const char *path, const struct oe_buf *text, struct oe_err *err)
{
	return oe_fd_write_file(
	    path, oe_buf_head(text), oe_buf_left(text), 0600, err);
}

/* Where the user's file really is; @ret_mode 0: nowhere yet. */
static int
look_at(const char *own, char **ret, mode_t *ret_mode, struct oe_err *err)
{
	char *real = realpath(own, NULL), *folder, *slash;
	struct stat st;

	if (!real && errno == ENOENT && lstat(own, &st) < 0) {
		folder = oe_mem_strdup(own);
		slash = strrchr(folder, '/');
		if (slash && slash != folder) {
			*slash = '\0';
			(void)!mkdir(folder, 0700); /* writing tells */
		}
		free(folder);
		*ret = oe_mem_strdup(own);
		*ret_mode = 0;
		return 0;
	}
	if (!real || stat(real, &st) < 0) {
		free(real);
		return oe_err_sys(err, "look at '%s'", own);
	}
	*ret = oe_mem_strdup(real);
	*ret_mode = st.st_mode & 07777;
	free(real);
	if (!S_ISREG(st.st_mode))
		return oe_err_set(
		    err, OE_EINVAL, "'%s' is not a regular file", own);
	if (st.st_uid != geteuid())
		return oe_err_set(
		    err, OE_EPERM, "'%s' belongs to somebody else", own);
	return 0;
}

static int
change(const char *path, mode_t mode, const char *quoted, bool with,
    struct oe_err *err)
{
	struct oe_buf b;
	char *text = NULL, *next;
	int r = 0;

	if (mode) {
		r = oe_fd_read_file(path, OE_SSHCONF_FILE_MAX, &b, err);
		if (r < 0)
			return r;
		if (strlen((const char *)oe_buf_head(&b)) != oe_buf_left(&b))
			r = oe_err_set(
			    err, OE_EINVAL, "'%s' holds a NUL byte", path);
		else
			text = oe_mem_strdup((const char *)oe_buf_head(&b));
		oe_buf_done(&b);
	} else {
		text = oe_mem_strdup("");
	}
	if (r < 0)
		return r;
	next = with ? oe_sshcfg_with(text, quoted)
		    : oe_sshcfg_without(text, quoted);
	if (strcmp(text, next) != 0)
		r = oe_fd_write_file(
		    path, next, strlen(next), mode ? mode : 0600, err);
	free(next);
	free(text);
	return r;
}

int
oe_sshcfg_files_include(
    const struct oe_sshcfg_files *f, bool with, struct oe_err *err)
{
	char *quoted = oe_sshcfg_quote(f->config), *path = NULL;
	mode_t mode = 0;
	int lock = -1, r;

	if (!quoted)
		return oe_err_set(err, OE_EINVAL,
		    "the file name '%s' cannot be written in ssh_config",
		    f->config);
	r = oe_mesh_lock(f->config, &lock, err);
	if (r == 0)
		r = look_at(f->own, &path, &mode, err);
	if (r == 0)
		r = change(path, mode, quoted, with, err);
	oe_fd_close(&lock);
	free(path);
	free(quoted);
	return r;
}

int
oe_sshcfg_files_remove(const struct oe_sshcfg_files *f, struct oe_err *err)
{
	if (unlink(f->config) < 0 && errno != ENOENT)
		return oe_err_sys(err, "remove '%s'", f->config);
	if (unlink(f->known_hosts) < 0 && errno != ENOENT)
		return oe_err_sys(err, "remove '%s'", f->known_hosts);
	return 0;
}

static struct kept *
find_kept(struct oe_own_config *c, const char *path)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (oe_str_eq(c->v[i].path, path))
			return &c->v[i];
	return NULL;
}

static int
read_once(
    void *arg, const char *path, bool checked, char **ret, struct oe_err *err)
{
	struct oe_own_config *c = arg;
	struct kept *k = find_kept(c, path);

	if (oe_str_eq(path, c->ours))
		return OE_ENOENT;
	if (!k) {
		c->v = oe_mem_realloc_array(c->v, c->n + 1, sizeof *c->v);
		k = &c->v[c->n++];
		k->path = oe_mem_strdup(path);
		k->text = NULL;
		k->status = c->read(NULL, path, checked, &k->text, err);
	}
	if (k->text)
		*ret = oe_mem_strdup(k->text);
	return k->status;
}

struct oe_own_config *
oe_own_config_new(const struct oe_sshcfg_files *f)
{
	struct oe_own_config *c = oe_mem_zalloc(sizeof *c);
	struct oe_err err = OE_ERR_INIT;

	c->usable = oe_sshconf_env_real(&c->env, &err) == 0;
	c->ours = f->config;
	c->given = f->given;
	c->read = c->env.read;
	c->env.read = read_once;
	c->env.exec = NULL;
	c->env.arg = c;
	return c;
}

void
oe_own_config_free(struct oe_own_config **pc)
{
	struct oe_own_config *c = *pc;
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->n; i++) {
		free(c->v[i].path);
		free(c->v[i].text);
	}
	free(c->v);
	oe_sshconf_env_done(&c->env);
	oe_mem_free(pc);
}

bool
oe_own_config_has(struct oe_own_config *c, const char *name)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_sshconf *conf;
	const char *proxy;
	bool has;

	if (!c->usable)
		return false;
	conf = oe_sshconf_new(&c->env);
	/* what is wrong with the file is for ssh to tell */
	if (oe_sshconf_resolve(conf, name, c->given, &err) < 0)
		has = false;
	else
		has = oe_sshconf_is_set(conf, OE_SSHCONF_HOSTNAME);
	proxy = oe_sshconf_str(conf, OE_SSHCONF_PROXYCOMMAND);
	has |= proxy && !oe_str_eq_nocase(proxy, "none");
	oe_sshconf_free(&conf);
	return has;
}
