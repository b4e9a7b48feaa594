/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/ssh/sshconf.h - our own resolver of ssh_config(5).
 *
 * libssh's parser leaves out most keys and Match forms, so users' files would
 * mean something else here than with ssh(1).  Text in, settings out; files,
 * the environment and "Match exec" are reached only through struct
 * oe_sshconf_env.  Source: ssh_config(5) of OpenSSH 9.2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct oe_err;
struct oe_strs;
struct oe_sshconf;

/* Bounds on outside text. */
#define OE_SSHCONF_DEPTH_MAX  16
#define OE_SSHCONF_FILE_MAX   (1024u * 1024)
#define OE_SSHCONF_VALUES_MAX 1000 /* values of one key */

enum oe_sshconf_key {
	OE_SSHCONF_ADDRESSFAMILY,
	OE_SSHCONF_BATCHMODE,
	OE_SSHCONF_BINDADDRESS,
	OE_SSHCONF_CERTIFICATEFILE,
	OE_SSHCONF_CIPHERS,
	OE_SSHCONF_CLEARALLFORWARDINGS,
	OE_SSHCONF_COMPRESSION,
	OE_SSHCONF_CONNECTIONATTEMPTS,
	OE_SSHCONF_CONNECTTIMEOUT,
	OE_SSHCONF_CONTROLMASTER,
	OE_SSHCONF_CONTROLPATH,
	OE_SSHCONF_CONTROLPERSIST,
	OE_SSHCONF_DYNAMICFORWARD,
	OE_SSHCONF_ENABLEESCAPECOMMANDLINE, /* not set: yes */
	OE_SSHCONF_ESCAPECHAR,
	OE_SSHCONF_EXITONFORWARDFAILURE,
	OE_SSHCONF_FORKAFTERAUTHENTICATION,
	OE_SSHCONF_FORWARDAGENT,
	OE_SSHCONF_GATEWAYPORTS,
	OE_SSHCONF_GLOBALKNOWNHOSTSFILE,
	OE_SSHCONF_HASHKNOWNHOSTS,
	OE_SSHCONF_HOSTKEYALGORITHMS,
	OE_SSHCONF_HOSTKEYALIAS,
	OE_SSHCONF_HOSTNAME,
	OE_SSHCONF_IDENTITIESONLY,
	OE_SSHCONF_IDENTITYAGENT,
	OE_SSHCONF_IDENTITYFILE,
	OE_SSHCONF_KBDINTERACTIVEAUTHENTICATION,
	OE_SSHCONF_KEXALGORITHMS,
	OE_SSHCONF_LOCALFORWARD,
	OE_SSHCONF_LOGLEVEL,
	OE_SSHCONF_MACS,
	OE_SSHCONF_NUMBEROFPASSWORDPROMPTS,
	OE_SSHCONF_PASSWORDAUTHENTICATION,
	OE_SSHCONF_PERMITREMOTEOPEN,
	OE_SSHCONF_PORT,
	OE_SSHCONF_PREFERREDAUTHENTICATIONS,
	OE_SSHCONF_PROXYCOMMAND,
	OE_SSHCONF_PROXYJUMP,
	OE_SSHCONF_PUBKEYACCEPTEDALGORITHMS,
	OE_SSHCONF_PUBKEYAUTHENTICATION,
	OE_SSHCONF_REKEYLIMIT,
	OE_SSHCONF_REMOTECOMMAND,
	OE_SSHCONF_REMOTEFORWARD,
	OE_SSHCONF_REQUESTTTY,
	OE_SSHCONF_SENDENV,
	OE_SSHCONF_SERVERALIVECOUNTMAX,
	OE_SSHCONF_SERVERALIVEINTERVAL,
	OE_SSHCONF_SESSIONTYPE,
	OE_SSHCONF_SETENV,
	OE_SSHCONF_STDINNULL,
	OE_SSHCONF_STREAMLOCALBINDMASK,
	OE_SSHCONF_STREAMLOCALBINDUNLINK,
	OE_SSHCONF_STRICTHOSTKEYCHECKING,
	OE_SSHCONF_TCPKEEPALIVE,
	OE_SSHCONF_USER,
	OE_SSHCONF_USERKNOWNHOSTSFILE,
	OE_SSHCONF_COUNT
};

/* The world as the resolver sees it; everything is borrowed. */
struct oe_sshconf_env {
	char *home;       /* of the local user */
	char *local_user; /* name of the local user */
	char *local_host; /* gethostname(2) */
	/*
	 * Read a configuration file of at most OE_SSHCONF_FILE_MAX bytes.
	 * @checked: apply ssh's rule of owner and mode.
	 * Return 0 (*@ret is text that the caller frees), OE_ENOENT, or another
	 * code with a message.
	 */
	int (*read)(void *arg, const char *path, bool checked, char **ret,
	    struct oe_err *err);
	/* Add the paths that @pattern matches, sorted.  NULL: no Include. */
	void (*glob)(void *arg, const char *pattern, struct oe_strs *ret);
	/* "Match exec": true when the command ended with 0.  NULL: false. */
	bool (*exec)(void *arg, const char *command);
	const char *(*getenv)(const char *name);
	void *arg;
	/*
	 * Somebody who may know the host: called after the files and before
	 * defaults, looks at what is set and calls oe_sshconf_know().
	 * Return: 0, or a failure of oe_sshconf_resolve().  NULL: nobody.
	 */
	int (*place)(void *place_arg, struct oe_sshconf *c, struct oe_err *err);
	void *place_arg;
};

/**
 * oe_sshconf_env_real() - this process's home, user, files and shell.
 * @ret: oe_sshconf_env_done() it.
 */
int oe_sshconf_env_real(struct oe_sshconf_env *ret, struct oe_err *err);
void oe_sshconf_env_done(struct oe_sshconf_env *env);

/** oe_sshconf_new() - no settings yet; @env must outlive it. */
struct oe_sshconf *oe_sshconf_new(const struct oe_sshconf_env *env);
/** oe_sshconf_free() - empties the pointer; NULL inside is fine. */
void oe_sshconf_free(struct oe_sshconf **c);

/**
 * oe_sshconf_option() - one "Key=Value" or "Key Value" of -o.
 * Earlier settings win, so call it before reading files.
 * Return: 0, OE_EUSAGE (a key that is not used here, or a bad value; with a
 * message).  Files may hold any key: what is not used is passed over there.
 */
int
oe_sshconf_option(struct oe_sshconf *c, const char *text, struct oe_err *err);
/** oe_sshconf_set() - set one key as by -o; for command-line options. */
int oe_sshconf_set(struct oe_sshconf *c, enum oe_sshconf_key key,
    const char *value, struct oe_err *err);

/**
 * oe_sshconf_resolve() - read the files and settle everything for one host.
 * @host:   as the user wrote it, without user and port.
 * @file:   NULL reads ~/.ssh/config and /etc/ssh/ssh_config (absent ones are
 *          fine); "none" reads nothing; else only that file, which must exist.
 * Afterwards the host name, user and every file name are expanded.
 * Return: 0, OE_ECONF (message with file:line), OE_EPERM (owner or mode of a
 * file), OE_ENOENT, OE_EINVAL (host name cannot be used).
 */
int oe_sshconf_resolve(struct oe_sshconf *c, const char *host, const char *file,
    struct oe_err *err);

/* What is known about a host from elsewhere than files; all is copied. */
struct oe_sshconf_peer {
	const char *address; /* to connect to, instead of any HostName */
	/*
	 * The name of its keys in known_hosts, where HostKeyAlias says
	 * nothing.  Another HostKeyAlias means that the user keeps its keys:
	 * @host_keys do not count then.
	 */
	const char *alias;
	int port; /* where nothing else says one; 0: not known */
	/* "type base64" of all keys that it may have; empty: not known */
	const struct oe_strs *host_keys;
	/* files to log in with, besides those of the settings; or NULL */
	const char *identity, *certificate;
};

/** oe_sshconf_know() - for oe_sshconf_env.place only. */
void oe_sshconf_know(struct oe_sshconf *c, const struct oe_sshconf_peer *p);
/**
 * oe_sshconf_host_keys() - the keys that alone are right; empty: known_hosts
 * decides.  Never NULL.
 */
const struct oe_strs *oe_sshconf_host_keys(const struct oe_sshconf *c);

/*
 * Readers, after oe_sshconf_resolve(); strings live as long as @c.
 */
/** oe_sshconf_str() - first value, or the default; NULL when neither. */
const char *oe_sshconf_str(const struct oe_sshconf *c, enum oe_sshconf_key key);
/** oe_sshconf_num() - numbers, and times in seconds. */
int64_t oe_sshconf_num(const struct oe_sshconf *c, enum oe_sshconf_key key);
/** oe_sshconf_yes() - yes/no keys. */
bool oe_sshconf_yes(const struct oe_sshconf *c, enum oe_sshconf_key key);
/** oe_sshconf_is() - the value is @word (exactly, as normalised). */
bool oe_sshconf_is(
    const struct oe_sshconf *c, enum oe_sshconf_key key, const char *word);
/** oe_sshconf_list() - all values in order; never NULL. */
const struct oe_strs *
oe_sshconf_list(const struct oe_sshconf *c, enum oe_sshconf_key key);
/** oe_sshconf_is_set() - somebody set it; not the default. */
bool oe_sshconf_is_set(const struct oe_sshconf *c, enum oe_sshconf_key key);
/** oe_sshconf_host() - the name the user wrote. */
const char *oe_sshconf_host(const struct oe_sshconf *c);
/**
 * oe_sshconf_expand() - replace %-tokens (h p r u d n L l i k C %) in @text.
 * @ret: free() it.
 * Return: 0 or OE_ECONF (unknown token).
 */
int oe_sshconf_expand(const struct oe_sshconf *c, const char *text, char **ret,
    struct oe_err *err);
/**
 * oe_sshconf_expand_env() - replace ${NAME} in @text by the environment's.
 * @ret: free() it.
 * Return: 0 or OE_ECONF (there is no such variable, or it grows too long).
 */
int oe_sshconf_expand_env(const struct oe_sshconf *c, const char *text,
    char **ret, struct oe_err *err);
/**
 * oe_sshconf_rewrite() - put other words for the values of @key, to print.
 * @fn: gives the new value, which is taken over; NULL: there is none.
 */
void oe_sshconf_rewrite(struct oe_sshconf *c, enum oe_sshconf_key key,
    char *(*fn)(const struct oe_sshconf *c, const char *value));
/**
 * oe_sshconf_print() - effective settings as "key value" lines, as ssh -G.
 * @ret: free() it.
 */
char *oe_sshconf_print(const struct oe_sshconf *c);

/**
 * oe_sshconf_split() - words of a configuration line: blanks, quotes,
 * backslashes, '#' before a word ends the line.
 * Return: 0 or OE_ECONF (a quote is not closed).
 */
int oe_sshconf_split(const char *text, struct oe_strs *ret);
