/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/serve.h"
#include "control/store.h"
#include "core/app/param.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#define ROOT_DIR "/var/lib/omniedge-control-server"

static char *
data_dir(const struct oe_values *v)
{
	const char *dir = oe_values_str(v, "data-dir"), *home = getenv("HOME");

	if (dir)
		return oe_mem_strdup(dir);
	if (geteuid() == 0 || !home)
		return oe_mem_strdup(ROOT_DIR);
	return oe_mem_printf("%s/.omniedge/control-server", home);
}

static char *
copy_or(const char *set, const char *dir, const char *name)
{
	return set ? oe_mem_strdup(set) : oe_mem_printf("%s/%s", dir, name);
}

static int
load_listen(
    const struct oe_values *v, struct oe_ctl_config *c, struct oe_err *err)
{
	const struct oe_strs *l = oe_values_list(v, "listen");
	size_t i;
	int r = 0;

	c->listen = oe_mem_zalloc((l->n + 1) * sizeof *c->listen);
	for (i = 0; i < l->n && r == 0; i++) {
		r = oe_ctl_listen_parse(l->v[i], &c->listen[i], err);
		c->n_listen++;
	}
	if (r < 0)
		return oe_err_wrap(
		    err, OE_ECONF, "%s", oe_values_where(v, "listen"));
	return 0;
}

static int
load_proxies(
    const struct oe_values *v, struct oe_ctl_config *c, struct oe_err *err)
{
	const struct oe_strs *l = oe_values_list(v, "trusted-proxy");
	size_t i;
	int r = 0;

	c->proxies = oe_cidr_list_new();
	for (i = 0; i < l->n && r == 0; i++)
		r = oe_cidr_list_add(c->proxies, l->v[i], err);
	return r < 0 ? oe_err_wrap(err, OE_ECONF, "%s",
			   oe_values_where(v, "trusted-proxy"))
		     : 0;
}

static int
load_tls(const struct oe_values *v, struct oe_ctl_config *c, struct oe_err *err)
{
	const char *cert = oe_values_str(v, "tls-cert"),
		   *key = oe_values_str(v, "tls-key");

	if (!cert != !key)
		return oe_err_set(err, OE_ECONF,
		    "%s: --tls-cert and --tls-key need each other",
		    oe_values_where(v, cert ? "tls-cert" : "tls-key"));
	c->own_cert = cert == NULL;
	c->cert = copy_or(cert, c->data_dir, "tls-cert.pem");
	c->key = copy_or(key, c->data_dir, "tls-key.pem");
	return 0;
}

/* "localhost", "127.0.0.1" or "[::1]", alone or with a port or a path. */
static bool
is_local(const char *s)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
	size_t i, n;

	for (i = 0; i < OE_ARRAY_LEN(names); i++) {
		n = strlen(names[i]);
		if (oe_str_starts(s, names[i]) && strchr(":/", s[n]))
			return true;
	}
	return false;
}

static int
load_url(const struct oe_values *v, struct oe_ctl_config *c, struct oe_err *err)
{
	const char *url = oe_values_str(v, "public-url"), *s;
	size_t n;

	if (!url)
		return 0;
	s = oe_str_starts(url, "https://")  ? url + 8
	    : oe_str_starts(url, "http://") ? url + 7
					    : "";
	if (oe_str_starts(url, "http://") && !is_local(s))
		return oe_err_set(err, OE_ECONF,
		    "%s: '%s': passwords are typed there, so it has to be "
		    "https://, but for localhost, 127.0.0.1 and [::1]",
		    oe_values_where(v, "public-url"), url);
	if (!*s || strpbrk(s, "?#\"'<> \\") || strchr(s, '@'))
		return oe_err_set(err, OE_ECONF,
		    "%s: '%s' is no https://HOST[:PORT] address",
		    oe_values_where(v, "public-url"), url);
	n = strlen(url);
	while (url[n - 1] == '/')
		n--;
	c->public_url = oe_mem_strndup(url, n);
	return 0;
}

int
oe_ctl_config_load(
    const struct oe_values *v, struct oe_ctl_config **ret, struct oe_err *err)
{
	struct oe_ctl_config *c = oe_mem_zalloc(sizeof *c);
	int r;

	c->data_dir = data_dir(v);
	c->database =
	    copy_or(oe_values_str(v, "database"), c->data_dir, "control.db");
	c->workers = (unsigned)oe_values_int(v, "workers");
	c->hashing = (unsigned)oe_values_int(v, "password-checks");
	c->max_connections = (size_t)oe_values_int(v, "max-connections");
	c->max_per_address = (size_t)oe_values_int(v, "max-per-address");
	c->head_ms = oe_values_int(v, "head-timeout") * 1000;
	c->body_ms = oe_values_int(v, "body-timeout") * 1000;
	c->idle_ms = oe_values_int(v, "idle-timeout") * 1000;
	c->grace_ms = oe_values_int(v, "stop-grace") * 1000;
	c->access_s = oe_values_int(v, "access-lifetime");
	c->refresh_s = oe_values_int(v, "refresh-lifetime");
	c->keep.events_ms = oe_values_int(v, "events-keep") * 1000;
	c->keep.events_max = oe_values_int(v, "events-max");
	c->quiet = oe_values_flag(v, "quiet");
	r = load_listen(v, c, err);
	if (r == 0)
		r = load_proxies(v, c, err);
	if (r == 0)
		r = load_tls(v, c, err);
	if (r == 0)
		r = load_url(v, c, err);
	if (r < 0)
		oe_ctl_config_free(&c);
	else
		*ret = c;
	return r;
}

void
oe_ctl_config_free(struct oe_ctl_config **cp)
{
	struct oe_ctl_config *c = *cp;

	if (!c)
		return;
	free(c->data_dir);
	/* a URL may hold a password */
	oe_mem_free_secret(&c->database);
	free(c->cert);
	free(c->key);
	free(c->listen);
	free(c->public_url);
	oe_cidr_list_free(&c->proxies);
	oe_mem_free(cp);
}

/* Each missing directory of @path, private to us. */
static int
make_dirs(const char *path, struct oe_err *err)
{
	char *copy = oe_mem_strdup(path), *s;
	struct stat st;
	int r = 0;

	for (s = copy + 1; *s && r == 0; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(copy, 0700) < 0 && errno != EEXIST)
			r = oe_err_sys(err, "make %s", copy);
		*s = '/';
	}
	if (r == 0 && mkdir(copy, 0700) < 0 && errno != EEXIST)
		r = oe_err_sys(err, "make %s", copy);
	if (r == 0 && stat(copy, &st) < 0)
		r = oe_err_sys(err, "%s", copy);
	else if (r == 0 && (st.st_mode & 027))
		r = oe_err_set(err, OE_EPERM,
		    "%s can be read or written by others (mode %04o): "
		    "chmod 0700 it",
		    copy, (unsigned)st.st_mode & 07777);
	free(copy);
	return r;
}

int
oe_ctl_config_dirs(const struct oe_ctl_config *c, struct oe_err *err)
{
	return make_dirs(c->data_dir, err);
}

int
oe_ctl_config_store(const struct oe_ctl_config *c, struct oe_ctl_store **ret,
    struct oe_err *err)
{
	int r = make_dirs(c->data_dir, err);

	return r < 0 ? r : oe_ctl_store_open(c->database, ret, err);
}
