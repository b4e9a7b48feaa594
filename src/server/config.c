/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/app/module.h"
#include "core/app/param.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/ssh/hostkey.h"
#include "core/app/daemon.h"
#include "core/ssh/serve.h"
#include "core/ssh/ssh.h"
#include "server/login.h"
#include "server/user.h"

#define OE_SRV_BAN_WINDOW_MS (10 * 60 * 1000)
#define OE_SRV_BAN_MAX_MS    (24 * 3600 * 1000)

/* Put the place of the value before the message: "/etc/x.conf:7: ...". */
static int
config_blame(
    const struct oe_values *v, const char *name, int r, struct oe_err *err)
{
	return oe_err_wrap(err, r, "%s (%s)", name, oe_values_where(v, name));
}

static char *
config_text(const struct oe_values *v, const char *name)
{
	const char *s = oe_values_str(v, name);

	return s && *s ? oe_mem_strdup(s) : NULL;
}

static int
config_networks(
    struct oe_srv_config *c, const struct oe_values *v, struct oe_err *err)
{
	const struct oe_strs *list = oe_values_list(v, "allow-network");
	size_t i;
	int r = 0;

	c->permissive = oe_values_flag(v, "permissive");
	c->trust_network = oe_values_flag(v, "trust-network");
	c->trusted = oe_cidr_list_new();
	r = oe_cidr_list_add_private(c->trusted);
	if (c->permissive)
		return r;
	c->allow = oe_cidr_list_new();
	if (oe_values_flag(v, "localhost-only"))
		return oe_cidr_list_add_localhost(c->allow);
	if (!list->n)
		return oe_cidr_list_add_private(c->allow);
	for (i = 0; i < list->n && r == 0; i++)
		r = oe_cidr_list_add(c->allow, list->v[i], err);
	return r < 0 ? config_blame(v, "allow-network", r, err) : 0;
}

static int
config_users(
    struct oe_srv_config *c, const struct oe_values *v, struct oe_err *err)
{
	const struct oe_strs *map = oe_values_list(v, "user-map");
	const char *fallback = oe_values_str(v, "default-user");
	struct oe_srv_user self = OE_SRV_USER_INIT;
	size_t i;
	int r = 0;

	if (!c->root && (r = oe_srv_user_self(&self, err)) < 0)
		return r;
	oe_srv_usermap_init(&c->users, c->root ? NULL : self.name);
	oe_srv_user_done(&self);
	for (i = 0; i < map->n; i++) {
		r = oe_srv_usermap_add(&c->users, map->v[i], err);
		if (r < 0)
			return config_blame(v, "user-map", r, err);
	}
	if (fallback && *fallback)
		r = oe_srv_usermap_set_default(&c->users, fallback, err);
	return r < 0 ? config_blame(v, "default-user", r, err) : 0;
}

static int
config_methods(
    struct oe_srv_config *c, const struct oe_values *v, struct oe_err *err)
{
	const struct oe_strs *list = oe_values_list(v, "auth");

	if (oe_strs_has(list, "publickey"))
		c->methods |= OE_SSH_AUTH_PUBLICKEY;
	if (oe_strs_has(list, "password"))
		c->methods |= OE_SSH_AUTH_PASSWORD;
	if (oe_strs_has(list, "keyboard-interactive"))
		c->methods |= OE_SSH_AUTH_KBDINT;
	if (c->trust_network)
		c->methods |= OE_SSH_AUTH_NONE;
	if (!c->methods)
		return config_blame(v, "auth",
		    oe_err_set(err, OE_ECONF, "no method is left"), err);
	return 0;
}

/* Files that must be there when the server starts. */
static int
config_file(
    const struct oe_values *v, const char *name, char **ret, struct oe_err *err)
{
	struct stat st;

	*ret = config_text(v, name);
	if (!*ret)
		return 0;
	if (stat(*ret, &st) < 0 || access(*ret, R_OK) < 0)
		return config_blame(
		    v, name, oe_err_sys(err, "'%s'", *ret), err);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 022))
		return config_blame(v, name,
		    oe_err_set(err, OE_ECONF,
			"'%s' must be a file that only its owner can write",
			*ret),
		    err);
	return 0;
}

static uint32_t
config_random(void *arg, uint32_t upper)
{
	(void)arg;
	return oe_mem_random(upper);
}

static bool
config_exempt(void *arg, const uint8_t key[16])
{
	static const uint8_t mapped[12] = {
	    [10] = 0xff,
	    [11] = 0xff,
	};
	const struct oe_srv_config *c = arg;
	struct oe_addr a = {.family = AF_INET6};

	if (memcmp(key, mapped, sizeof mapped) == 0) {
		a.family = AF_INET;
		memcpy(a.bytes, key + 12, 4);
	} else {
		memcpy(a.bytes, key, 16);
	}
	return oe_cidr_list_contains(c->ban_exempt, &a);
}

static int
config_limits(
    struct oe_srv_config *c, const struct oe_values *v, struct oe_err *err)
{
	const struct oe_strs *exempt = oe_values_list(v, "ban-exempt");
	struct oe_srv_limits_conf *l = &c->limits;
	size_t i;
	int r;

	c->login_grace_s = (uint32_t)oe_values_int(v, "login-grace");
	c->max_auth_tries = (uint32_t)oe_values_int(v, "max-auth-tries");
	l->rate_count = (uint32_t)oe_values_int(v, "source-rate");
	l->rate_window_ms = 60 * 1000;
	l->ban_failures = (uint32_t)oe_values_int(v, "ban-after");
	l->ban_window_ms = OE_SRV_BAN_WINDOW_MS;
	l->ban_ms = oe_values_int(v, "ban-time") * 1000;
	l->ban_max_ms = OE_SRV_BAN_MAX_MS;
	l->source_unauth_max = (uint32_t)oe_values_int(v, "source-startups");
	l->sessions_max = (uint32_t)oe_values_int(v, "max-sessions");
	l->exempt = config_exempt;
	l->random = config_random;
	l->arg = c;
	l->hash_key[0] = oe_mem_random(0) | (uint64_t)oe_mem_random(0) << 32;
	l->hash_key[1] = oe_mem_random(0) | (uint64_t)oe_mem_random(0) << 32;
	c->ban_exempt = oe_cidr_list_new();
	for (i = 0; i < exempt->n; i++) {
		r = oe_cidr_list_add(c->ban_exempt, exempt->v[i], err);
		if (r < 0)
			return config_blame(v, "ban-exempt", r, err);
	}
	r = oe_srv_limits_parse_startups(
	    oe_values_str(v, "max-startups"), l, err);
	return r < 0 ? config_blame(v, "max-startups", r, err) : 0;
}

static int
config_subsystems(
    struct oe_srv_config *c, const struct oe_values *v, struct oe_err *err)
{
	const struct oe_strs *list = oe_values_list(v, "subsystem");
	const char *colon;
	size_t i;

	for (i = 0; i < list->n; i++) {
		colon = strchr(list->v[i], ':');
		if (!colon || colon == list->v[i] || !colon[1])
			return config_blame(v, "subsystem",
			    oe_err_set(err, OE_ECONF,
				"'%s' is not NAME:COMMAND", list->v[i]),
			    err);
		oe_strs_add(&c->subsystems, list->v[i]);
	}
	return 0;
}

static int
config_sessions(
    struct oe_srv_config *c, const struct oe_values *v, struct oe_err *err)
{
	const char *banner = oe_values_str(v, "banner");
	struct oe_buf text;
	int r;

	c->idle_timeout_s = (uint32_t)oe_values_int(v, "idle-timeout");
	c->keepalive_s = (uint32_t)oe_values_int(v, "keepalive");
	c->keepalive_max = (uint32_t)oe_values_int(v, "keepalive-max");
	c->accept_env = config_text(v, "accept-env");
	c->accept_env_given = oe_values_is_set(v, "accept-env");
	c->force_command = config_text(v, "force-command");
	c->print_motd = oe_values_flag(v, "print-motd");
	c->print_last = oe_values_flag(v, "print-last-login");
	c->pam = c->root && oe_values_flag(v, "pam");
	c->strict_modes = oe_values_flag(v, "strict-modes");
	if (banner && *banner) {
		r = oe_srv_login_banner(banner, &text, err);
		if (r < 0)
			return config_blame(v, "banner", r, err);
		c->banner = oe_mem_strndup(
		    (const char *)oe_buf_head(&text), oe_buf_left(&text));
		oe_buf_done(&text);
	}
	oe_srv_standalone_init(&c->standalone, &c->users);
	c->standalone.trust_network = c->trust_network;
	c->standalone.max_sessions = (unsigned)oe_values_int(v, "max-channels");
	c->standalone.idle_timeout_s = c->idle_timeout_s;
	c->standalone.grant.agent = oe_values_flag(v, "agent-forwarding");
	c->policy = oe_srv_standalone_policy(&c->standalone);
	return config_subsystems(c, v, err);
}

static void
config_copy_list(struct oe_strs *to, const struct oe_strs *from)
{
	size_t i;

	for (i = 0; i < from->n; i++)
		oe_strs_add(to, from->v[i]);
}

static void
config_forwarding(struct oe_srv_config *c, const struct oe_values *v)
{
	const char *allow, *gateway;

	/* a build without forwarding has no such options */
	if (!oe_values_knows(v, "allow-forwarding"))
		return;
	allow = oe_values_str(v, "allow-forwarding");
	gateway = oe_values_str(v, "gateway-ports");
	c->forward_local = !strcmp(allow, "yes") || !strcmp(allow, "local");
	c->forward_remote = !strcmp(allow, "yes") || !strcmp(allow, "remote");
	c->gateway_ports = !strcmp(gateway, "yes")  ? OE_SRV_GATEWAY_YES
			   : !strcmp(gateway, "no") ? OE_SRV_GATEWAY_NO
						    : OE_SRV_GATEWAY_CLIENT;
	config_copy_list(&c->permit_open, oe_values_list(v, "permit-open"));
	config_copy_list(&c->permit_listen, oe_values_list(v, "permit-listen"));
}

/* A source that the options ask for takes the place of the standalone. */
static int
config_policy(
    struct oe_srv_config *c, const struct oe_values *v, struct oe_err *err)
{
	const struct oe_srv_source *source = oe_srv_source_of(c->modules);
	int r = source ? source->open(v, &c->feed, err) : 0;

	if (r < 0 || !c->feed)
		return r;
	c->source = source;
	if (c->users.n || c->users.default_user)
		return oe_err_set(err, OE_ECONF,
		    "--user-map and --default-user cannot be combined with a "
		    "policy: its rules name the local users");
	if (c->trust_network)
		return oe_err_set(err, OE_ECONF,
		    "--trust-network cannot be combined with a policy: it "
		    "would have nobody to ask about");
	r = source->take(c->feed, &c->policy_text, err);
	if (r == 0)
		r = source->parse(oe_buf_head(&c->policy_text),
		    oe_buf_left(&c->policy_text), &c->doc, err);
	if (r == 0)
		c->policy = source->policy(c->doc);
	if (r == 0 && c->policy.none)
		c->methods |= OE_SSH_AUTH_NONE;
	return r;
}

static char *
config_hostkey_path(const struct oe_srv_config *c, const struct oe_values *v)
{
	const char *set = oe_values_str(v, "host-key-path");
	const char *home = getenv("HOME");

	if (set && *set)
		return oe_mem_strdup(set);
	if (c->root || !home)
		return oe_mem_strdup(OE_SYSCONFDIR "/omniedge");
	return oe_mem_printf("%s/.omniedge", home);
}

static int
config_keys(struct oe_srv_config *c, const struct oe_values *v, bool make,
    struct oe_err *err)
{
	char *path = config_hostkey_path(c, v);
	int r = oe_ssh_hostkeys_load(path, make, &c->hostkeys, err);

	/* a first start would make them, so a check may find none */
	if (r < 0 && !make && access(path, F_OK) < 0) {
		err->msg[0] = 0;
		r = 0;
	}
	free(path);
	return r < 0 ? config_blame(v, "host-key-path", r, err) : 0;
}

static int
config_crypto(
    struct oe_srv_config *c, const struct oe_values *v, struct oe_err *err)
{
	struct oe_ssh_bind_params p = {0};

	c->rekey_bytes = (uint64_t)oe_values_int(v, "rekey-bytes");
	c->rekey_s = (uint32_t)oe_values_int(v, "rekey-time");
	p.ciphers = c->ciphers = config_text(v, "ciphers");
	p.macs = c->macs = config_text(v, "macs");
	p.kex = c->kex = config_text(v, "kex");
	return oe_ssh_bind_check(&p, err);
}

int
oe_srv_config_load(const struct oe_module_set *modules,
    const struct oe_values *v, bool make_keys, struct oe_srv_config **ret,
    struct oe_err *err)
{
	struct oe_srv_config *c = oe_mem_zalloc(sizeof *c);
	int r;

	c->modules = modules;
	c->root = geteuid() == 0;
	c->port = (uint16_t)oe_values_int(v, "port");
	c->device_id = config_text(v, "device-id");
	c->quiet = oe_values_flag(v, "quiet");
	c->net_user = config_text(v, "net-user");
	config_copy_list(&c->binds, oe_values_list(v, "bind"));
	config_copy_list(
	    &c->authorized_keys, oe_values_list(v, "authorized-keys"));
	config_forwarding(c, v);
	r = config_networks(c, v, err);
	if (r == 0)
		r = config_users(c, v, err);
	if (r == 0)
		r = config_methods(c, v, err);
	if (r == 0)
		r = config_file(v, "trusted-ca", &c->trusted_ca, err);
	if (r == 0)
		r = config_file(v, "revoked-keys", &c->revoked_keys, err);
	if (r == 0)
		r = config_limits(c, v, err);
	if (r == 0)
		r = config_sessions(c, v, err);
	if (r == 0)
		r = config_policy(c, v, err);
	if (r == 0)
		r = config_crypto(c, v, err);
	if (r == 0)
		r = config_keys(c, v, make_keys, err);
	if (r < 0) {
		oe_srv_config_free(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void
oe_srv_config_free(struct oe_srv_config **pc)
{
	struct oe_srv_config *c = *pc;

	if (!c)
		return;
	oe_strs_done(&c->binds);
	oe_strs_done(&c->authorized_keys);
	oe_strs_done(&c->subsystems);
	oe_strs_done(&c->permit_open);
	oe_strs_done(&c->permit_listen);
	oe_cidr_list_free(&c->allow);
	oe_cidr_list_free(&c->trusted);
	oe_cidr_list_free(&c->ban_exempt);
	if (c->doc)
		c->source->free(&c->doc);
	if (c->feed)
		c->source->close(&c->feed);
	oe_buf_done(&c->policy_text);
	oe_srv_standalone_done(&c->standalone);
	oe_srv_usermap_done(&c->users);
	oe_ssh_hostkeys_free(&c->hostkeys);
	free(c->device_id);
	free(c->trusted_ca);
	free(c->revoked_keys);
	free(c->accept_env);
	free(c->banner);
	free(c->ciphers);
	free(c->macs);
	free(c->kex);
	free(c->force_command);
	free(c->net_user);
	free(c);
	*pc = NULL;
}

void
oe_srv_config_log(const struct oe_values *v)
{
	int verbose = oe_daemon_log(v);

	oe_ssh_log_level(verbose >= 3 ? 4 : verbose == 2 ? 2 : 0);
}
