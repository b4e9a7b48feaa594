/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/dialopts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/ssh/algos.h"
#include "core/ssh/peerkey.h"

/* ssh_config(5): fewer than 16 bytes between exchanges makes no sense. */
#define REKEY_BYTES_MIN 16

static int
set(ssh_session s, enum ssh_options_e option, const void *value,
    struct oe_err *err)
{
	if (ssh_options_set(s, option, value) < 0)
		return oe_err_set(err, OE_ELIB, "set up the connection: %s",
		    ssh_get_error(s));
	return 0;
}

static int
set_list(ssh_session s, const char *name, const enum ssh_options_e options[2],
    const char *list, struct oe_err *err)
{
	int i;

	for (i = 0; i < 2 && options[i] != SSH_OPTIONS_FD; i++)
		if (!*list || ssh_options_set(s, options[i], list) < 0)
			return oe_err_set(err, OE_ECONF,
			    "%s: libssh knows none of '%s'", name, list);
	return 0;
}

static int
set_algos(ssh_session s, const struct oe_sshconf *conf, struct oe_err *err)
{
	/* SSH_OPTIONS_FD ends a pair */
	static const struct {
		const char *name;
		enum oe_algo_kind kind;
		enum oe_sshconf_key key;
		enum ssh_options_e options[2];
	} all[] = {
	    {"KexAlgorithms", OE_ALGO_KEX, OE_SSHCONF_KEXALGORITHMS,
		{SSH_OPTIONS_KEY_EXCHANGE, SSH_OPTIONS_FD}},
	    {"Ciphers", OE_ALGO_CIPHER, OE_SSHCONF_CIPHERS,
		{SSH_OPTIONS_CIPHERS_C_S, SSH_OPTIONS_CIPHERS_S_C}},
	    {"MACs", OE_ALGO_MAC, OE_SSHCONF_MACS,
		{SSH_OPTIONS_HMAC_C_S, SSH_OPTIONS_HMAC_S_C}},
	    {"PubkeyAcceptedAlgorithms", OE_ALGO_PUBKEY,
		OE_SSHCONF_PUBKEYACCEPTEDALGORITHMS,
		{SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, SSH_OPTIONS_FD}},
	};
	static const enum ssh_options_e hostkeys[2] = {
	    SSH_OPTIONS_HOSTKEYS, SSH_OPTIONS_FD};
	char *list;
	size_t i;
	int r;

	for (i = 0; i < OE_ARRAY_LEN(all); i++) {
		list = oe_algos_apply(
		    all[i].kind, oe_sshconf_str(conf, all[i].key));
		r = set_list(s, all[i].name, all[i].options, list, err);
		free(list);
		if (r < 0)
			return r;
	}
	list = oe_peerkey_algos(conf);
	r = set_list(s, "HostKeyAlgorithms", hostkeys, list, err);
	free(list);
	return r;
}

static int
parse_size(const char *text, uint64_t *ret)
{
	size_t n = strlen(text);
	char *digits = oe_mem_strdup(text);
	int64_t v = 0;
	int shift = 0, r;

	if (n && strchr("KkMmGg", text[n - 1])) {
		switch (toupper((unsigned char)text[n - 1])) {
		case 'K':
			shift = 10;
			break;
		case 'M':
			shift = 20;
			break;
		default:
			shift = 30;
		}
		digits[n - 1] = '\0';
	}
	r = oe_str_parse_int(digits, 0, INT64_MAX >> 31, &v);
	free(digits);
	if (r == 0)
		*ret = (uint64_t)v << shift;
	return r;
}

int
oe_dialopts_rekey(const struct oe_strs *words, uint64_t *ret_bytes,
    uint32_t *ret_s, struct oe_err *err)
{
	uint64_t bytes = 0;
	int64_t s = 0;

	if (words->n > 0 && !oe_str_eq_nocase(words->v[0], "default") &&
	    !oe_str_eq_nocase(words->v[0], "none") &&
	    (parse_size(words->v[0], &bytes) < 0 || bytes < REKEY_BYTES_MIN))
		return oe_err_set(err, OE_ECONF,
		    "RekeyLimit '%s': use bytes with K, M or G, or default",
		    words->v[0]);
	if (words->n > 1 && !oe_str_eq_nocase(words->v[1], "none") &&
	    (oe_time_parse_duration(words->v[1], &s) < 0 || s > UINT32_MAX))
		return oe_err_set(err, OE_ECONF,
		    "RekeyLimit '%s': use a time like 1h, or none",
		    words->v[1]);
	*ret_bytes = bytes;
	*ret_s = (uint32_t)s;
	return 0;
}

static int
set_rekey(ssh_session s, const struct oe_sshconf *conf, struct oe_err *err)
{
	uint64_t bytes;
	uint32_t seconds;
	int r;

	r = oe_dialopts_rekey(oe_sshconf_list(conf, OE_SSHCONF_REKEYLIMIT),
	    &bytes, &seconds, err);
	if (r == 0 && bytes)
		r = set(s, SSH_OPTIONS_REKEY_DATA, &bytes, err);
	if (r == 0 && seconds)
		r = set(s, SSH_OPTIONS_REKEY_TIME, &seconds, err);
	return r;
}

int
oe_dialopts_set(
    ssh_session s, const struct oe_sshconf *conf, int fd, struct oe_err *err)
{
	const bool no = false;
	const int nodelay = 1;
	const char *compress =
	    oe_sshconf_yes(conf, OE_SSHCONF_COMPRESSION) ? "yes" : "no";
	int r;

	/* only used in libssh's messages; not every name passes its check */
	if (ssh_options_set(s, SSH_OPTIONS_HOST,
		oe_sshconf_str(conf, OE_SSHCONF_HOSTNAME)) < 0)
		(void)ssh_options_set(s, SSH_OPTIONS_HOST, "peer");
	r = set(
	    s, SSH_OPTIONS_USER, oe_sshconf_str(conf, OE_SSHCONF_USER), err);
	/* files are read by us: libssh's readers see none */
	if (r == 0)
		r = set(s, SSH_OPTIONS_PROCESS_CONFIG, &no, err);
	if (r == 0)
		r = set(s, SSH_OPTIONS_KNOWNHOSTS, "/dev/null", err);
	if (r == 0)
		r = set(s, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null", err);
	if (r == 0)
		r = set(s, SSH_OPTIONS_NODELAY, &nodelay, err);
	if (r == 0)
		r = set(s, SSH_OPTIONS_COMPRESSION, compress, err);
	if (r == 0)
		r = set_algos(s, conf, err);
	if (r == 0)
		r = set_rekey(s, conf, err);
	/* last: from here on the session closes the descriptor */
	if (r == 0)
		r = set(s, SSH_OPTIONS_FD, &fd, err);
	return r;
}
