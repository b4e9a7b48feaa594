/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/sshconf_keys.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"

#define YESNO         OE_SSHCONF_T_CHOICE, .choices = "yes,no"
#define CHOICE(list)  OE_SSHCONF_T_CHOICE, .choices = list
#define TEXT          OE_SSHCONF_T_TEXT
#define NUM(lo, hi)   OE_SSHCONF_T_NUM, .min = lo, .max = hi
#define DEF(key, ...) [OE_SSHCONF_##key] = {__VA_ARGS__}

/* clang-format off */
const struct oe_sshconf_def oe_sshconf_defs[OE_SSHCONF_COUNT] = {
	DEF(ADDRESSFAMILY, "AddressFamily", CHOICE("any,inet,inet6"),
	    .fallback = "any"),
	DEF(BATCHMODE, "BatchMode", YESNO, .fallback = "no"),
	DEF(BINDADDRESS, "BindAddress", TEXT),
	DEF(CERTIFICATEFILE, "CertificateFile", TEXT, .adds = true,
	    .expands = true),
	DEF(CIPHERS, "Ciphers", TEXT),
	DEF(CLEARALLFORWARDINGS, "ClearAllForwardings", YESNO,
	    .fallback = "no"),
	DEF(COMPRESSION, "Compression", YESNO, .fallback = "no"),
	DEF(CONNECTIONATTEMPTS, "ConnectionAttempts", NUM(1, 1000),
	    .fallback = "1"),
	DEF(CONNECTTIMEOUT, "ConnectTimeout", OE_SSHCONF_T_TIME,
	    .fallback = "none"),
	DEF(CONTROLMASTER, "ControlMaster", CHOICE("no,yes,ask,auto,autoask"),
	    .fallback = "no"),
	DEF(CONTROLPATH, "ControlPath", TEXT, .expands = true),
	DEF(CONTROLPERSIST, "ControlPersist", TEXT, .fallback = "no"),
	DEF(DYNAMICFORWARD, "DynamicForward", TEXT, .adds = true),
	/* no default: ssh's is "no", and ours as in ssh before there was it */
	DEF(ENABLEESCAPECOMMANDLINE, "EnableEscapeCommandline", YESNO),
	DEF(ESCAPECHAR, "EscapeChar", TEXT, .fallback = "~"),
	DEF(EXITONFORWARDFAILURE, "ExitOnForwardFailure", YESNO,
	    .fallback = "no"),
	DEF(FORKAFTERAUTHENTICATION, "ForkAfterAuthentication", YESNO,
	    .fallback = "no"),
	DEF(FORWARDAGENT, "ForwardAgent", TEXT, .fallback = "no"),
	DEF(GATEWAYPORTS, "GatewayPorts", YESNO, .fallback = "no"),
	DEF(GLOBALKNOWNHOSTSFILE, "GlobalKnownHostsFile", TEXT, .many = true,
	    .expands = true,
	    .fallback = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"),
	DEF(HASHKNOWNHOSTS, "HashKnownHosts", YESNO, .fallback = "no"),
	DEF(HOSTKEYALGORITHMS, "HostKeyAlgorithms", TEXT),
	DEF(HOSTKEYALIAS, "HostKeyAlias", TEXT),
	DEF(HOSTNAME, "HostName", TEXT),
	DEF(IDENTITIESONLY, "IdentitiesOnly", YESNO, .fallback = "no"),
	DEF(IDENTITYAGENT, "IdentityAgent", TEXT),
	DEF(IDENTITYFILE, "IdentityFile", TEXT, .adds = true, .expands = true,
	    .fallback = "~/.ssh/id_ed25519 ~/.ssh/id_ecdsa ~/.ssh/id_rsa "
	    "~/.ssh/id_ed25519_sk ~/.ssh/id_ecdsa_sk"),
	DEF(KBDINTERACTIVEAUTHENTICATION, "KbdInteractiveAuthentication",
	    YESNO, .fallback = "yes"),
	DEF(KEXALGORITHMS, "KexAlgorithms", TEXT),
	DEF(LOCALFORWARD, "LocalForward", TEXT, .adds = true,
	    .joins = true),
	DEF(LOGLEVEL, "LogLevel", CHOICE("QUIET,FATAL,ERROR,INFO,VERBOSE,"
	    "DEBUG,DEBUG1,DEBUG2,DEBUG3"), .fallback = "INFO"),
	DEF(MACS, "MACs", TEXT),
	DEF(NUMBEROFPASSWORDPROMPTS, "NumberOfPasswordPrompts", NUM(1, 100),
	    .fallback = "3"),
	DEF(PASSWORDAUTHENTICATION, "PasswordAuthentication", YESNO,
	    .fallback = "yes"),
	DEF(PERMITREMOTEOPEN, "PermitRemoteOpen", TEXT, .many = true,
	    .fallback = "any"),
	DEF(PORT, "Port", NUM(1, 65535), .fallback = "22"),
	DEF(PREFERREDAUTHENTICATIONS, "PreferredAuthentications", TEXT,
	    .fallback = "publickey,keyboard-interactive,password"),
	DEF(PROXYCOMMAND, "ProxyCommand", OE_SSHCONF_T_REST),
	DEF(PROXYJUMP, "ProxyJump", TEXT),
	DEF(PUBKEYACCEPTEDALGORITHMS, "PubkeyAcceptedAlgorithms", TEXT),
	DEF(PUBKEYAUTHENTICATION, "PubkeyAuthentication",
	    CHOICE("yes,no,unbound,host-bound"), .fallback = "yes"),
	DEF(REKEYLIMIT, "RekeyLimit", TEXT, .many = true),
	DEF(REMOTECOMMAND, "RemoteCommand", OE_SSHCONF_T_REST),
	DEF(REMOTEFORWARD, "RemoteForward", TEXT, .adds = true,
	    .joins = true),
	DEF(REQUESTTTY, "RequestTTY", CHOICE("auto,no,yes,force"),
	    .fallback = "auto"),
	DEF(SENDENV, "SendEnv", TEXT, .many = true, .adds = true),
	DEF(SERVERALIVECOUNTMAX, "ServerAliveCountMax", NUM(0, 1000000),
	    .fallback = "3"),
	DEF(SERVERALIVEINTERVAL, "ServerAliveInterval", OE_SSHCONF_T_TIME,
	    .fallback = "0"),
	DEF(SESSIONTYPE, "SessionType", CHOICE("default,none,subsystem"),
	    .fallback = "default"),
	DEF(SETENV, "SetEnv", TEXT, .many = true),
	DEF(STDINNULL, "StdinNull", YESNO, .fallback = "no"),
	DEF(STREAMLOCALBINDMASK, "StreamLocalBindMask", TEXT,
	    .fallback = "0177"),
	DEF(STREAMLOCALBINDUNLINK, "StreamLocalBindUnlink", YESNO,
	    .fallback = "no"),
	DEF(STRICTHOSTKEYCHECKING, "StrictHostKeyChecking",
	    CHOICE("ask,yes,no,off,accept-new"), .fallback = "ask"),
	DEF(TCPKEEPALIVE, "TCPKeepAlive", YESNO, .fallback = "yes"),
	DEF(USER, "User", TEXT),
	DEF(USERKNOWNHOSTSFILE, "UserKnownHostsFile", TEXT, .many = true,
	    .expands = true,
	    .fallback = "~/.ssh/known_hosts ~/.ssh/known_hosts2"),
};
/* clang-format on */

int
oe_sshconf_find(const char *name)
{
	static const struct {
		const char *name;
		enum oe_sshconf_key key;
	} old[] = {
	    {"ChallengeResponseAuthentication",
		OE_SSHCONF_KBDINTERACTIVEAUTHENTICATION},
	    {"SKeyAuthentication", OE_SSHCONF_KBDINTERACTIVEAUTHENTICATION},
	    {"DSAAuthentication", OE_SSHCONF_PUBKEYAUTHENTICATION},
	    {"PubkeyAcceptedKeyTypes", OE_SSHCONF_PUBKEYACCEPTEDALGORITHMS},
	    {"KeepAlive", OE_SSHCONF_TCPKEEPALIVE},
	};
	size_t i;

	for (i = 0; i < OE_SSHCONF_COUNT; i++)
		if (oe_str_eq_nocase(oe_sshconf_defs[i].name, name))
			return (int)i;
	for (i = 0; i < OE_ARRAY_LEN(old); i++)
		if (oe_str_eq_nocase(old[i].name, name))
			return (int)old[i].key;
	return -1;
}

bool
oe_sshconf_is_off(const char *name, const char *value)
{
	/* The values that say "without". */
	static const struct {
		const char *name, *off;
	} all[] = {
	    {"AddKeysToAgent", "no"},
	    {"CanonicalizeHostname", "no"},
	    {"CheckHostIP", "no"},
	    {"EnableSSHKeysign", "no"},
	    {"ForwardX11", "no"},
	    {"ForwardX11Trusted", "no"},
	    {"GSSAPIAuthentication", "no"},
	    {"GSSAPIDelegateCredentials", "no"},
	    {"HostbasedAuthentication", "no"},
	    {"PermitLocalCommand", "no"},
	    {"Tunnel", "no"},
	    {"UpdateHostKeys", "no"},
	    {"VerifyHostKeyDNS", "no"},
	    {"VisualHostKey", "no"},
	};
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(all); i++)
		if (oe_str_eq_nocase(all[i].name, name) &&
		    oe_str_eq_nocase(all[i].off, value))
			return true;
	return false;
}

static int
check_choice(const struct oe_sshconf_def *d, const char *word, char **ret,
    struct oe_err *err)
{
	struct oe_strs all = {NULL, 0};
	const char *found = NULL;
	size_t i;
	int r = 0;

	/* readconf.c takes true and false wherever it takes yes and no */
	if (oe_str_eq_nocase(word, "true"))
		word = "yes";
	if (oe_str_eq_nocase(word, "false"))
		word = "no";
	oe_strs_split(&all, d->choices, ',');
	for (i = 0; i < all.n && !found; i++)
		if (oe_str_eq_nocase(all.v[i], word))
			found = all.v[i];
	if (found)
		*ret = oe_mem_strdup(found);
	else
		r = oe_err_set(err, OE_ECONF,
		    "%s cannot be '%s': use one of %s", d->name, word,
		    d->choices);
	oe_strs_done(&all);
	return r;
}

static int
check_time(const struct oe_sshconf_def *d, const char *word, char **ret,
    struct oe_err *err)
{
	int64_t s;

	if (oe_str_eq_nocase(word, "none")) {
		*ret = oe_mem_strdup("none");
		return 0;
	}
	if (oe_time_parse_duration(word, &s) < 0)
		return oe_err_set(err, OE_ECONF,
		    "%s cannot be '%s': use seconds or a time like 1m30s",
		    d->name, word);
	*ret = oe_mem_printf("%lld", (long long)s);
	return 0;
}

/* "no"; "yes", which lasts, as 0 does; or seconds. */
static int
check_persist(const struct oe_sshconf_def *d, const char *word, char **ret,
    struct oe_err *err)
{
	int64_t s;

	if (oe_str_eq_nocase(word, "no") || oe_str_eq_nocase(word, "false"))
		*ret = oe_mem_strdup("no");
	else if (oe_str_eq_nocase(word, "yes") ||
		 oe_str_eq_nocase(word, "true"))
		*ret = oe_mem_strdup("yes");
	else if (oe_time_parse_duration(word, &s) == 0)
		*ret = s ? oe_mem_printf("%lld", (long long)s)
			 : oe_mem_strdup("yes");
	else
		return oe_err_set(err, OE_ECONF,
		    "%s cannot be '%s': use yes, no, seconds or a time like "
		    "1m30s",
		    d->name, word);
	return 0;
}

static int
check_num(const struct oe_sshconf_def *d, const char *word, char **ret,
    struct oe_err *err)
{
	int64_t n;

	if (oe_str_parse_int(word, d->min, d->max, &n) < 0)
		return oe_err_set(err, OE_ECONF,
		    "%s cannot be '%s': use a number from %lld to %lld",
		    d->name, word, (long long)d->min, (long long)d->max);
	*ret = oe_mem_printf("%lld", (long long)n);
	return 0;
}

static int
check_text(enum oe_sshconf_key key, const char *word, struct oe_err *err)
{
	const char *name = oe_sshconf_defs[key].name;

	if (key == OE_SSHCONF_SETENV && !strchr(word, '='))
		return oe_err_set(
		    err, OE_ECONF, "%s needs NAME=VALUE, not '%s'", name, word);
	if (key == OE_SSHCONF_SENDENV && strchr(word, '='))
		return oe_err_set(err, OE_ECONF,
		    "%s takes names of variables, not '%s'", name, word);
	if (key == OE_SSHCONF_ESCAPECHAR && !oe_str_eq(word, "none") &&
	    word[1] && !(word[0] == '^' && !word[2]))
		return oe_err_set(err, OE_ECONF,
		    "%s cannot be '%s': use one character, ^ and a letter, "
		    "or none",
		    name, word);
	if (key == OE_SSHCONF_STREAMLOCALBINDMASK &&
	    (strspn(word, "01234567") != strlen(word) || strlen(word) > 4))
		return oe_err_set(err, OE_ECONF,
		    "%s cannot be '%s': use an octal number", name, word);
	return 0;
}

int
oe_sshconf_check(
    enum oe_sshconf_key key, const char *word, char **ret, struct oe_err *err)
{
	const struct oe_sshconf_def *d = &oe_sshconf_defs[key];
	int r;

	if (!*word)
		return oe_err_set(err, OE_ECONF, "%s needs a value", d->name);
	if (key == OE_SSHCONF_CONTROLPERSIST)
		return check_persist(d, word, ret, err);
	switch (d->type) {
	case OE_SSHCONF_T_CHOICE:
		return check_choice(d, word, ret, err);
	case OE_SSHCONF_T_TIME:
		return check_time(d, word, ret, err);
	case OE_SSHCONF_T_NUM:
		return check_num(d, word, ret, err);
	case OE_SSHCONF_T_TEXT:
	case OE_SSHCONF_T_REST:
		break;
	}
	r = check_text(key, word, err);
	if (r == 0)
		*ret = oe_mem_strdup(word);
	return r;
}
