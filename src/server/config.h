/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/config.h - the settled, checked settings of one ssh-server.
 *
 * Made of the values of the parameter table, and replaced as a whole on
 * reload: a configuration that does not load changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/str.h"
#include "core/net/cidr.h"
#include "server/limits.h"
#include "server/policy.h"
#include "server/source.h"
#include "server/usermap.h"

struct oe_err;
struct oe_module_set;
struct oe_pubkeys;
struct oe_ssh_hostkeys;
struct oe_values;

/* Where forwarded ports are listened on. */
enum oe_srv_gateway {
	OE_SRV_GATEWAY_NO,  /* loopback, whatever was asked */
	OE_SRV_GATEWAY_YES, /* every address, whatever was asked */
	OE_SRV_GATEWAY_CLIENT,
};

struct oe_srv_config {
	const struct oe_module_set *modules;
	bool root; /* any user may log in; else only ourselves */
	uint16_t port;
	struct oe_strs binds;
	struct oe_cidr_list *allow; /* NULL: any address (--permissive) */
	bool permissive;
	char *device_id;
	struct oe_srv_usermap users;
	struct oe_srv_standalone standalone;
	struct oe_srv_policy policy;
	/* where the policy comes from; NULL: the standalone one */
	const struct oe_srv_source *source;
	struct oe_srv_feed *feed;
	struct oe_srv_doc *doc;    /* what policy reads from */
	struct oe_buf policy_text; /* what doc was parsed from */
	struct oe_ssh_hostkeys *hostkeys;
	bool quiet;
	struct oe_strs authorized_keys; /* never empty */
	char *trusted_ca, *revoked_keys;
	unsigned methods; /* enum oe_ssh_auth_method */
	bool trust_network;
	struct oe_cidr_list *trusted; /* private addresses in allow */
	uint32_t login_grace_s, idle_timeout_s, keepalive_s;
	uint32_t keepalive_max, max_auth_tries, max_channels;
	struct oe_srv_limits_conf limits;
	struct oe_strs ban_exempt_text;
	struct oe_cidr_list *ban_exempt;
	char *accept_env;
	bool accept_env_given; /* not the default */
	char *banner;          /* text before authentication, or NULL */
	bool print_motd, print_last, pam, strict_modes;
	uint64_t rekey_bytes;
	uint32_t rekey_s;
	char *ciphers, *macs, *kex, *force_command;
	struct oe_strs subsystems;                 /* "name:command" */
	bool forward_local, forward_remote;        /* --allow-forwarding */
	struct oe_strs permit_open, permit_listen; /* server/permits.h */
	enum oe_srv_gateway gateway_ports;
	char *net_user;
};

/**
 * oe_srv_config_load() - check values and load what they name.
 * @make_keys: make absent host keys (not for --check-config).
 * @ret: oe_srv_config_free() it.
 * Return: 0, or OE_ECONF with a message that names where the value is from.
 */
int oe_srv_config_load(const struct oe_module_set *modules,
    const struct oe_values *v, bool make_keys, struct oe_srv_config **ret,
    struct oe_err *err);
void oe_srv_config_free(struct oe_srv_config **c);
/** oe_srv_config_log() - level and form of messages as the values say. */
void oe_srv_config_log(const struct oe_values *v);
