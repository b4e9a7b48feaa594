/* SPDX-License-Identifier: Apache-2.0 */
#include "client/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/mux.h"
#include "core/app/module.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/net/hoststr.h"
#include "core/ssh/ssh.h"

int
oe_settings_check_hops(const char *value, struct oe_err *err)
{
	struct oe_hoststrs l;
	int r;

	if (oe_str_eq(value, "none"))
		return 0;
	r = oe_hoststr_parse_list(value, &l, err);
	if (r == 0)
		oe_hoststrs_done(&l);
	return r;
}

/* Options that the command does not have are not given. */
static const char *
text(const struct oe_values *v, const char *option)
{
	return oe_values_knows(v, option) ? oe_values_str(v, option) : NULL;
}

static bool
flag(const struct oe_values *v, const char *option)
{
	return oe_values_knows(v, option) && oe_values_flag(v, option);
}

static void
set_level(enum oe_log_level level, int fd)
{
	/* libssh's own words help only whoever asks for much */
	static const int libssh[] = {
	    [OE_LOG_DEBUG2] = 2, /* protocol */
	    [OE_LOG_DEBUG3] = 4, /* functions */
	};

	oe_log_setup(level, OE_LOG_TEXT, fd, false);
	if (level >= OE_LOG_DEBUG2)
		oe_ssh_log_level(libssh[level]);
}

int
oe_settings_log(const struct oe_values *v, struct oe_err *err)
{
	const char *file = text(v, "log-file");
	int64_t verbose = oe_values_int(v, "verbose");
	enum oe_log_level level = OE_LOG_INFO;
	int fd = -1;

	if (verbose > 0)
		level = verbose > 2   ? OE_LOG_DEBUG3
			: verbose > 1 ? OE_LOG_DEBUG2
				      : OE_LOG_DEBUG;
	else if (flag(v, "quiet"))
		level = OE_LOG_ERROR;
	if (file) {
		fd =
		    open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (fd < 0)
			return oe_err_sys(err, "open '%s'", file);
	}
	set_level(level, fd);
	return 0;
}

/* LogLevel of the settings, where no option said otherwise. */
static void
adjust_log(const struct oe_settings *s)
{
	static const struct {
		const char *name;
		enum oe_log_level level;
	} all[] = {
	    {"QUIET", OE_LOG_ERROR},
	    {"FATAL", OE_LOG_ERROR},
	    {"ERROR", OE_LOG_ERROR},
	    {"DEBUG", OE_LOG_DEBUG},
	    {"DEBUG1", OE_LOG_DEBUG},
	    {"DEBUG2", OE_LOG_DEBUG2},
	    {"DEBUG3", OE_LOG_DEBUG3},
	};
	size_t i;

	if (oe_values_int(s->v, "verbose") || flag(s->v, "quiet"))
		return;
	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		if (oe_sshconf_is(s->conf, OE_SSHCONF_LOGLEVEL, all[i].name))
			set_level(all[i].level, -1);
}

static int
take_flags(struct oe_settings *s, struct oe_err *err)
{
	static const struct {
		const char *option;
		enum oe_sshconf_key key;
		const char *value;
	} all[] = {
	    {"ipv4", OE_SSHCONF_ADDRESSFAMILY, "inet"},
	    {"ipv6", OE_SSHCONF_ADDRESSFAMILY, "inet6"},
	    {"batch", OE_SSHCONF_BATCHMODE, "yes"},
	    {"compression", OE_SSHCONF_COMPRESSION, "yes"},
	    {"forward-agent", OE_SSHCONF_FORWARDAGENT, "yes"},
	    {"no-agent", OE_SSHCONF_FORWARDAGENT, "no"},
	};
	size_t i;
	int e = 0;

	for (i = 0; i < OE_ARRAY_LEN(all) && e == 0; i++)
		if (flag(s->v, all[i].option))
			e = oe_sshconf_set(
			    s->conf, all[i].key, all[i].value, err);
	return e;
}

/* Options with a value of their own. */
static int
take_texts(struct oe_settings *s, struct oe_err *err)
{
	static const struct {
		const char *option;
		enum oe_sshconf_key key;
	} all[] = {
	    {"login", OE_SSHCONF_USER},
	    {"port", OE_SSHCONF_PORT},
	    {"jump", OE_SSHCONF_PROXYJUMP},
	    {"bind-address", OE_SSHCONF_BINDADDRESS},
	    {"cipher", OE_SSHCONF_CIPHERS},
	    {"control-path", OE_SSHCONF_CONTROLPATH},
	};
	const char *value;
	size_t i;
	int e = 0;

	for (i = 0; i < OE_ARRAY_LEN(all) && e == 0; i++) {
		value = text(s->v, all[i].option);
		if (value)
			e = oe_sshconf_set(s->conf, all[i].key, value, err);
	}
	return e;
}

static int
take_lists(struct oe_settings *s, struct oe_err *err)
{
	const struct oe_strs *keys = oe_values_list(s->v, "identity");
	const struct oe_strs *options = oe_values_list(s->v, "option");
	size_t i;
	int e = 0;

	for (i = 0; i < keys->n && e == 0; i++) {
		/* asked for by name: silence about it would only puzzle */
		if (access(keys->v[i], R_OK) < 0)
			oe_log_warn(
			    NULL, "key %s: %s", keys->v[i], strerror(errno));
		e = oe_sshconf_set(
		    s->conf, OE_SSHCONF_IDENTITYFILE, keys->v[i], err);
	}
	for (i = 0; i < options->n && e == 0; i++) {
		e = oe_sshconf_option(s->conf, options->v[i], err);
		if (e < 0)
			oe_err_wrap(err, e, "-o");
	}
	return e;
}

static int
take_host(
    struct oe_settings *s, const struct oe_hoststr *host, struct oe_err *err)
{
	char port[16];
	int e = 0;

	if (host->user)
		e = oe_sshconf_set(s->conf, OE_SSHCONF_USER, host->user, err);
	if (e == 0 && host->port) {
		snprintf(port, sizeof port, "%d", host->port);
		e = oe_sshconf_set(s->conf, OE_SSHCONF_PORT, port, err);
	}
	return e;
}

int
oe_settings_begin(struct oe_settings *s, const struct oe_module_set *modules,
    const struct oe_values *v, struct oe_err *err)
{
	int e = oe_sshconf_env_real(&s->env, err);

	if (e < 0)
		return e;
	s->v = v;
	s->conf = oe_sshconf_new(&s->env);
	oe_peer_names_open(&s->names,
	    modules ? oe_module_client_names(modules) : NULL, v, &s->env);
	return 0;
}

int
oe_settings_split(
    struct oe_settings *s, struct oe_hoststr *host, struct oe_err *err)
{
	return oe_peer_names_split(
	    &s->names, &s->env, text(s->v, "ssh-config"), host, err);
}

int
oe_settings_resolve(
    struct oe_settings *s, const struct oe_hoststr *host, struct oe_err *err)
{
	int e;

	/* the command line before the files: the first setting wins */
	e = take_texts(s, err);
	if (e == 0)
		e = take_flags(s, err);
	if (e == 0)
		e = take_lists(s, err);
	if (e == 0)
		e = take_host(s, host, err);
	if (e == 0)
		e = oe_sshconf_resolve(
		    s->conf, host->host, text(s->v, "ssh-config"), err);
	if (e == 0)
		adjust_log(s);
	return e;
}

struct oe_connect_plan
oe_settings_plan(struct oe_settings *s)
{
	struct oe_connect_plan plan = {
	    .conf = s->conf,
	    .env = &s->env,
	    .config_file = text(s->v, "ssh-config"),
	    .names = &s->names,
	    .quiet = flag(s->v, "quiet"),
	    .fd = -1,
	    .outlived = oe_mux_masters(s->conf),
	};

	return plan;
}

void
oe_settings_done(struct oe_settings *s)
{
	oe_sshconf_free(&s->conf);
	oe_peer_names_close(&s->names);
	oe_sshconf_env_done(&s->env);
}
