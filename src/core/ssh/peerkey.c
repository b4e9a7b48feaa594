/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/peerkey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/algos.h"
#include "core/ssh/knownhosts.h"

struct peerkey {
	const struct oe_sshconf *conf;
	const struct oe_ssh_ui *ui;
	const char *type; /* "ssh-ed25519" */
	char *blob;       /* base64 */
	char *print;      /* "SHA256:..." */
	char *name;       /* as in known_hosts */
	struct oe_knownhosts_found found;
};

static char *
known_name(const struct oe_sshconf *conf)
{
	const char *alias = oe_sshconf_str(conf, OE_SSHCONF_HOSTKEYALIAS);

	if (alias)
		return oe_knownhosts_name(alias, 22);
	return oe_knownhosts_name(oe_sshconf_str(conf, OE_SSHCONF_HOSTNAME),
	    (int)oe_sshconf_num(conf, OE_SSHCONF_PORT));
}

/* Both settings' files as one list. */
static void
known_files(const struct oe_sshconf *conf, struct oe_strs *ret)
{
	static const enum oe_sshconf_key keys[] = {
	    OE_SSHCONF_USERKNOWNHOSTSFILE, OE_SSHCONF_GLOBALKNOWNHOSTSFILE};
	size_t k, i;

	for (k = 0; k < OE_ARRAY_LEN(keys); k++) {
		const struct oe_strs *v = oe_sshconf_list(conf, keys[k]);

		for (i = 0; i < v->n; i++)
			oe_strs_add(ret, v->v[i]);
	}
}

char *
oe_peerkey_algos(const struct oe_sshconf *conf)
{
	const struct oe_strs *told = oe_sshconf_host_keys(conf);
	struct oe_strs files = {NULL, 0}, types = {NULL, 0};
	char *name = known_name(conf), *list, *next;
	size_t i;

	list = oe_algos_apply(OE_ALGO_HOSTKEY,
	    oe_sshconf_str(conf, OE_SSHCONF_HOSTKEYALGORITHMS));
	known_files(conf, &files);
	oe_knownhosts_types(&files, name, &types);
	if (told->n)
		oe_strs_done(&types);
	for (i = 0; i < told->n; i++)
		oe_strs_add_take(&types,
		    oe_mem_strndup(told->v[i], strcspn(told->v[i], " ")));
	for (i = types.n; i-- > 0;) {
		next = oe_algos_prefer(list, types.v[i]);
		free(list);
		list = next;
	}
	oe_strs_done(&files);
	oe_strs_done(&types);
	free(name);
	return list;
}

static int
load_key(ssh_session session, struct peerkey *h, struct oe_err *err)
{
	ssh_key key = NULL;
	unsigned char *hash = NULL;
	size_t n = 0;
	char *text = NULL;
	int r = 0;

	if (ssh_get_server_publickey(session, &key) != SSH_OK ||
	    ssh_pki_export_pubkey_base64(key, &text) != SSH_OK ||
	    ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &n) !=
		0) {
		r = oe_err_set(err, OE_ELIB, "read the server's host key");
		goto out;
	}
	h->type = ssh_key_type_to_char(ssh_key_type(key));
	h->blob = oe_mem_strdup(text);
	ssh_string_free_char(text);
	text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, n);
	h->print = oe_mem_strdup(text ? text : "?");
out:
	ssh_string_free_char(text);
	ssh_clean_pubkey_hash(&hash);
	ssh_key_free(key);
	return r;
}

static void
say(const struct peerkey *h, const char *text)
{
	if (h->ui->say)
		h->ui->say(h->ui->arg, text);
}

static const char *
user_file(const struct peerkey *h)
{
	const char *s = oe_sshconf_str(h->conf, OE_SSHCONF_USERKNOWNHOSTSFILE);

	return s && !oe_str_eq(s, "none") ? s : NULL;
}

/* Remember the key; failing that is worth a word, not the connection. */
static void
remember(struct peerkey *h)
{
	struct oe_err err = OE_ERR_INIT;
	const char *file = user_file(h);
	char *text;

	if (!file)
		return;
	if (oe_knownhosts_add(file, h->name,
		oe_sshconf_yes(h->conf, OE_SSHCONF_HASHKNOWNHOSTS), h->type,
		h->blob, &err) < 0)
		text = oe_mem_printf(
		    "The host key is not remembered: %s", oe_err_text(&err));
	else
		text = oe_mem_printf("Permanently added '%s' (%s) to %s.",
		    h->name, h->type, file);
	say(h, text);
	free(text);
}

static int
refuse_unknown(struct peerkey *h, struct oe_err *err)
{
	const char *host = oe_sshconf_str(h->conf, OE_SSHCONF_HOSTNAME);
	const char *port = oe_sshconf_str(h->conf, OE_SSHCONF_PORT);

	if (h->found.verdict == OE_KNOWNHOSTS_OTHER)
		return oe_err_set(err, OE_EPERM,
		    "host key of %s refused: its %s key %s is not known, only "
		    "keys of another type (%s); make sure that it is the right "
		    "host, then: ssh-keyscan -p %s %s >> %s",
		    h->name, h->type, h->print, h->found.where, port, host,
		    user_file(h) ? user_file(h) : "known_hosts");
	return oe_err_set(err, OE_EPERM,
	    "host key of %s refused: it is not known (%s %s); to accept it, "
	    "connect once with -o StrictHostKeyChecking=accept-new, or: "
	    "ssh-keyscan -p %s %s >> %s",
	    h->name, h->type, h->print, port, host,
	    user_file(h) ? user_file(h) : "known_hosts");
}

static void
say_unknown(struct peerkey *h)
{
	char *text;

	text = oe_mem_printf("The authenticity of host '%s' can't be "
			     "established.\n%s key fingerprint is %s.",
	    h->name, h->type, h->print);
	say(h, text);
	free(text);
	if (h->found.verdict == OE_KNOWNHOSTS_OTHER) {
		text = oe_mem_printf("Keys of another type are known for this "
				     "host (%s): be careful.",
		    h->found.where);
		say(h, text);
		free(text);
	}
}

static int
ask_user(struct peerkey *h, struct oe_err *err)
{
	const char *prompt = "Are you sure you want to continue connecting "
			     "(yes/no/[fingerprint])? ";
	char *answer;
	int r;

	if (!h->ui->ask || oe_sshconf_yes(h->conf, OE_SSHCONF_BATCHMODE))
		return refuse_unknown(h, err);
	say_unknown(h);
	for (;;) {
		answer = NULL;
		r = h->ui->ask(
		    h->ui->arg, OE_SSH_ASK_HOSTKEY, prompt, true, &answer);
		if (r < 0)
			return refuse_unknown(h, err);
		if (oe_str_eq_nocase(answer, "yes") ||
		    oe_str_eq(answer, h->print))
			r = 1;
		else if (oe_str_eq_nocase(answer, "no") || !*answer)
			r = OE_EPERM;
		free(answer);
		if (r > 0)
			return 0;
		if (r < 0)
			return oe_err_set(err, OE_EPERM,
			    "host key of %s was not accepted", h->name);
		prompt = "Please type 'yes', 'no' or the fingerprint: ";
	}
}

static int
decide_unknown(struct peerkey *h, struct oe_err *err)
{
	const char *mode =
	    oe_sshconf_str(h->conf, OE_SSHCONF_STRICTHOSTKEYCHECKING);
	int r = 0;

	if (oe_str_eq(mode, "yes"))
		return refuse_unknown(h, err);
	/* accept-new is for hosts never seen; a new type is none */
	if (oe_str_eq(mode, "accept-new") &&
	    h->found.verdict == OE_KNOWNHOSTS_OTHER)
		return refuse_unknown(h, err);
	if (oe_str_eq(mode, "ask"))
		r = ask_user(h, err);
	if (r == 0)
		remember(h);
	return r;
}

static int
decide_changed(struct peerkey *h, struct oe_err *err)
{
	const char *mode =
	    oe_sshconf_str(h->conf, OE_SSHCONF_STRICTHOSTKEYCHECKING);
	char *text;

	text = oe_mem_printf(
	    "WARNING: THE HOST KEY OF %s HAS CHANGED!\n"
	    "Somebody may be listening in, or the host was made anew.\n"
	    "Known: %s\nNow:   %s %s",
	    h->name, h->found.where, h->type, h->print);
	say(h, text);
	free(text);
	if (!oe_str_eq(mode, "no") && !oe_str_eq(mode, "off"))
		return oe_err_set(err, OE_EPERM,
		    "host key of %s refused: it differs from the one in %s; "
		    "if the change is meant: ssh-keygen -R '%s' and connect "
		    "again",
		    h->name, h->found.where, h->name);
	/* as ssh: go on, but give nothing away to who may be in between */
	return 1;
}

static int
decide(struct peerkey *h, struct oe_err *err)
{
	switch (h->found.verdict) {
	case OE_KNOWNHOSTS_MATCH:
		oe_log_debug(NULL, "host key %s %s is known: %s", h->type,
		    h->print, h->found.where);
		return 0;
	case OE_KNOWNHOSTS_REVOKED:
		return oe_err_set(err, OE_EPERM,
		    "host key of %s refused: %s marks it as revoked", h->name,
		    h->found.where);
	case OE_KNOWNHOSTS_CHANGED:
		return decide_changed(h, err);
	case OE_KNOWNHOSTS_UNKNOWN:
	case OE_KNOWNHOSTS_OTHER:
	case OE_KNOWNHOSTS_COUNT:
		break;
	}
	return decide_unknown(h, err);
}

/*
 * All keys of the host are told by who registers them: another one is not
 * asked about, whatever the settings and known_hosts say.
 */
static int
decide_told(struct peerkey *h, const struct oe_strs *keys, struct oe_err *err)
{
	char *line = oe_mem_printf("%s %s", h->type, h->blob);
	bool right = oe_strs_has(keys, line);

	free(line);
	if (h->found.verdict == OE_KNOWNHOSTS_REVOKED)
		return decide(h, err);
	if (right) {
		oe_log_debug(
		    NULL, "host key %s %s is the device's", h->type, h->print);
		return 0;
	}
	return oe_err_set(err, OE_EPERM,
	    "host key of %s refused: the control API tells another one for "
	    "this device than %s %s; somebody may be listening in, or the "
	    "device has a new key and its list here is old: 'omniedge peers "
	    "--refresh'",
	    oe_sshconf_host(h->conf), h->type, h->print);
}

int
oe_peerkey_check(ssh_session session, const struct oe_sshconf *conf,
    const struct oe_ssh_ui *ui, struct oe_err *err)
{
	struct peerkey h = {.conf = conf, .ui = ui};
	const struct oe_strs *told;
	struct oe_strs files = {NULL, 0};
	int r;

	r = load_key(session, &h, err);
	if (r < 0)
		goto out;
	h.name = known_name(conf);
	known_files(conf, &files);
	oe_knownhosts_check(&files, h.name, h.type, h.blob, &h.found);
	told = oe_sshconf_host_keys(conf);
	r = told->n ? decide_told(&h, told, err) : decide(&h, err);
out:
	oe_strs_done(&files);
	free(h.blob);
	free(h.print);
	free(h.name);
	return r;
}

char *
oe_ssh_hostkey(const struct oe_ssh *s)
{
	struct peerkey h = {.conf = NULL};
	char *text = NULL;

	if (load_key(s->session, &h, NULL) == 0)
		text = oe_mem_printf("%s %s", h.type, h.blob);
	free(h.blob);
	free(h.print);
	return text;
}

int
oe_peerkey_pinned(ssh_session session, const char *pin, struct oe_err *err)
{
	struct peerkey h = {.conf = NULL};
	char *text = NULL;
	int r;

	r = load_key(session, &h, err);
	if (r < 0)
		goto out;
	text = oe_mem_printf("%s %s", h.type, h.blob);
	if (!oe_str_eq(text, pin))
		r = oe_err_set(err, OE_EPERM,
		    "the host key %s %s is not that of the first connection",
		    h.type, h.print);
out:
	free(text);
	free(h.blob);
	free(h.print);
	return r;
}
