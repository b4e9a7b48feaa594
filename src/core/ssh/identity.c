/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ssh/agent.h"

/* What the settings and files say before the order is decided. */
struct loader {
	const struct oe_sshconf *conf;
	struct oe_identities *ret;
	ssh_key *certs; /* of CertificateFile */
	size_t ncerts;
	struct oe_agent_keys agent;
	bool *agent_used;
};

static struct oe_identity *
add(struct oe_identities *ids)
{
	if (ids->n == OE_IDENTITY_MAX)
		return NULL;
	ids->v = oe_mem_realloc_array(ids->v, ids->n + 1, sizeof *ids->v);
	memset(&ids->v[ids->n], 0, sizeof *ids->v);
	return &ids->v[ids->n++];
}

static void
copy_bytes(const void *p, size_t n, uint8_t **ret, size_t *ret_len)
{
	*ret = oe_mem_zalloc(n + 1);
	memcpy(*ret, p, n);
	*ret_len = n;
}

/* The wire form of a public key or certificate. */
static bool
key_blob(ssh_key key, uint8_t **ret, size_t *ret_len)
{
	char *text = NULL;
	bool ok;

	if (ssh_pki_export_pubkey_base64(key, &text) != SSH_OK)
		return false;
	ok = oe_str_unbase64(text, strlen(text), ret, ret_len) == 0;
	ssh_string_free_char(text);
	return ok;
}

/* ssh_key_dup() of libssh 0.10 knows no certificates. */
static ssh_key
cert_dup(ssh_key cert)
{
	char *text = NULL;
	ssh_key copy = NULL;

	if (ssh_pki_export_pubkey_base64(cert, &text) == SSH_OK &&
	    ssh_pki_import_cert_base64(text, ssh_key_type(cert), &copy) !=
		SSH_OK)
		copy = NULL;
	ssh_string_free_char(text);
	return copy;
}

static bool
same_blob(ssh_key key, const struct oe_agent_key *k)
{
	uint8_t *blob = NULL;
	size_t n = 0;
	bool same;

	same = key_blob(key, &blob, &n) && n == k->blob_len &&
	       memcmp(blob, k->blob, n) == 0;
	free(blob);
	return same;
}

/*
 * Does the certificate certify this key?  Both begin with their type; the
 * certificate has a nonce next and then the very fields of the key
 * (PROTOCOL.certkeys).  ssh_key_cmp() calls the two types different.
 */
static bool
certifies(ssh_key cert, const uint8_t *pub, size_t pub_len)
{
	struct oe_buf c, p, type, nonce;
	uint8_t *blob = NULL;
	size_t n = 0;
	bool yes = false;

	if (!key_blob(cert, &blob, &n))
		return false;
	oe_buf_view(&c, blob, n);
	oe_buf_view(&p, pub, pub_len);
	if (oe_buf_get_string(&c, &type) == 0 &&
	    oe_buf_get_string(&c, &nonce) == 0 &&
	    oe_buf_get_string(&p, &type) == 0)
		yes = oe_buf_left(&c) > oe_buf_left(&p) &&
		      memcmp(oe_buf_head(&c), oe_buf_head(&p),
			  oe_buf_left(&p)) == 0;
	free(blob);
	return yes;
}

static void
add_agent_cert(struct loader *l, ssh_key cert, const struct oe_agent_key *k)
{
	struct oe_identity *id = add(l->ret);

	if (!id)
		return;
	id->label = oe_mem_printf("certificate for agent key %s", k->comment);
	key_blob(cert, &id->blob, &id->blob_len);
	copy_bytes(k->blob, k->blob_len, &id->sign, &id->sign_len);
}

static void
add_agent_key(struct loader *l, size_t i)
{
	const struct oe_agent_key *k = &l->agent.v[i];
	struct oe_identity *id;
	size_t c;

	l->agent_used[i] = true;
	for (c = 0; c < l->ncerts; c++)
		if (certifies(l->certs[c], k->blob, k->blob_len))
			add_agent_cert(l, l->certs[c], k);
	id = add(l->ret);
	if (!id)
		return;
	id->label = oe_mem_printf(
	    "agent key %s", *k->comment ? k->comment : "(no comment)");
	copy_bytes(k->blob, k->blob_len, &id->blob, &id->blob_len);
	copy_bytes(k->blob, k->blob_len, &id->sign, &id->sign_len);
}

static int
passphrase_wanted(const char *prompt, char *buf, size_t len, int echo,
    int verify, void *userdata)
{
	(void)prompt;
	(void)buf;
	(void)len;
	(void)echo;
	(void)verify;
	*(bool *)userdata = true;
	return -1;
}

/* ssh refuses a private key that others may read; so do we. */
static bool
file_is_private(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		oe_log_debug(NULL, "key %s: %s", path, strerror(errno));
		return false;
	}
	if (st.st_uid == getuid() && (st.st_mode & 077)) {
		oe_log_warn(NULL,
		    "key %s is not used: others may read it (mode %04o); "
		    "chmod 600 it",
		    path, (unsigned)(st.st_mode & 07777));
		return false;
	}
	return true;
}

/* The public half: beside the key, or from its own head. */
static ssh_key
public_half(const char *path)
{
	char *pub = oe_mem_printf("%s.pub", path);
	ssh_key key = NULL;

	if (ssh_pki_import_pubkey_file(pub, &key) != SSH_OK &&
	    ssh_pki_import_pubkey_file(path, &key) != SSH_OK)
		key = NULL;
	free(pub);
	return key;
}

static void
add_file_as(
    struct loader *l, const char *path, ssh_key pub, ssh_key priv, ssh_key cert)
{
	struct oe_identity *id = add(l->ret);

	if (!id)
		return;
	id->label =
	    oe_mem_printf("%s%s", cert ? "certificate and key " : "key ", path);
	id->path = oe_mem_strdup(path);
	id->offer = cert ? cert_dup(cert) : ssh_key_dup(pub);
	id->cert = cert ? cert_dup(cert) : NULL;
	id->priv = priv ? ssh_key_dup(priv) : NULL;
	if (id->priv && id->cert)
		ssh_pki_copy_cert_to_privkey(id->cert, id->priv);
}

/* Every certificate that fits goes before the plain key. */
static void
add_file_key(struct loader *l, const char *path, ssh_key pub, ssh_key priv)
{
	char *name = oe_mem_printf("%s-cert.pub", path);
	ssh_key beside = NULL;
	uint8_t *blob = NULL;
	size_t n = 0, i;

	if (!key_blob(pub, &blob, &n))
		goto out;
	for (i = 0; i < l->ncerts; i++)
		if (certifies(l->certs[i], blob, n))
			add_file_as(l, path, pub, priv, l->certs[i]);
	if (access(name, R_OK) == 0 &&
	    ssh_pki_import_cert_file(name, &beside) == SSH_OK &&
	    certifies(beside, blob, n))
		add_file_as(l, path, pub, priv, beside);
	add_file_as(l, path, pub, priv, NULL);
out:
	ssh_key_free(beside);
	free(blob);
	free(name);
}

static void
add_file(struct loader *l, const char *path)
{
	ssh_key priv = NULL, pub = NULL;
	bool encrypted = false;

	if (!file_is_private(path))
		return;
	if (ssh_pki_import_privkey_file(
		path, NULL, passphrase_wanted, &encrypted, &priv) != SSH_OK) {
		priv = NULL;
		pub = encrypted ? public_half(path) : NULL;
	} else {
		ssh_pki_export_privkey_to_pubkey(priv, &pub);
	}
	if (pub)
		add_file_key(l, path, pub, priv);
	else
		oe_log_debug(NULL, "key %s cannot be used: %s", path,
		    encrypted ? "it is encrypted and has no .pub beside it"
			      : "libssh cannot read it");
	ssh_key_free(priv);
	ssh_key_free(pub);
}

/* True when the agent holds the key of this file, which then comes first. */
static bool
file_in_agent(struct loader *l, const char *path)
{
	ssh_key pub = l->agent.n ? public_half(path) : NULL;
	bool found = false;
	size_t i;

	for (i = 0; pub && i < l->agent.n; i++) {
		if (!same_blob(pub, &l->agent.v[i]))
			continue;
		found = true;
		if (!l->agent_used[i])
			add_agent_key(l, i);
	}
	ssh_key_free(pub);
	return found;
}

static void
load_certs(struct loader *l)
{
	const struct oe_strs *files =
	    oe_sshconf_list(l->conf, OE_SSHCONF_CERTIFICATEFILE);
	ssh_key key;
	size_t i;

	l->certs = oe_mem_zalloc((files->n + 1) * sizeof *l->certs);
	for (i = 0; i < files->n; i++) {
		key = NULL;
		if (ssh_pki_import_cert_file(files->v[i], &key) == SSH_OK)
			l->certs[l->ncerts++] = key;
		else if (!oe_str_eq(files->v[i], "none"))
			oe_log_warn(
			    NULL, "certificate %s cannot be read", files->v[i]);
	}
}

static void
load_agent(struct loader *l)
{
	struct oe_err err = OE_ERR_INIT;

	l->ret->agent_path = oe_agent_path(l->conf);
	if (l->ret->agent_path &&
	    oe_agent_list(l->ret->agent_path, &l->agent, &err) < 0)
		oe_log_debug(NULL, "%s", oe_err_text(&err));
	l->agent_used = oe_mem_zalloc(l->agent.n + 1);
}

void
oe_identities_load(const struct oe_sshconf *conf, struct oe_identities *ret)
{
	struct loader l = {.conf = conf, .ret = ret};
	const struct oe_strs *files =
	    oe_sshconf_list(conf, OE_SSHCONF_IDENTITYFILE);
	bool *in_agent = oe_mem_zalloc(files->n + 1);
	size_t i;

	memset(ret, 0, sizeof *ret);
	load_certs(&l);
	load_agent(&l);
	for (i = 0; i < files->n; i++)
		in_agent[i] = file_in_agent(&l, files->v[i]);
	if (!oe_sshconf_yes(conf, OE_SSHCONF_IDENTITIESONLY))
		for (i = 0; i < l.agent.n; i++)
			if (!l.agent_used[i])
				add_agent_key(&l, i);
	for (i = 0; i < files->n; i++)
		if (!in_agent[i] && !oe_str_eq(files->v[i], "none"))
			add_file(&l, files->v[i]);
	for (i = 0; i < l.ncerts; i++)
		ssh_key_free(l.certs[i]);
	free(l.certs);
	free(l.agent_used);
	free(in_agent);
	oe_agent_keys_done(&l.agent);
}

int
oe_identity_unlock(struct oe_identity *id, const char *passphrase)
{
	if (ssh_pki_import_privkey_file(
		id->path, passphrase, NULL, NULL, &id->priv) != SSH_OK) {
		id->priv = NULL;
		return OE_EAUTH;
	}
	if (id->cert)
		ssh_pki_copy_cert_to_privkey(id->cert, id->priv);
	return 0;
}

void
oe_identities_done(struct oe_identities *ids)
{
	size_t i;

	for (i = 0; i < ids->n; i++) {
		struct oe_identity *id = &ids->v[i];

		free(id->label);
		free(id->path);
		free(id->blob);
		free(id->sign);
		ssh_key_free(id->offer);
		ssh_key_free(id->cert);
		ssh_key_free(id->priv);
	}
	free(ids->v);
	free(ids->agent_path);
	memset(ids, 0, sizeof *ids);
}
