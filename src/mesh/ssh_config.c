/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/ssh_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/mesh/directory.h"
#include "core/ssh/pubkey.h"
#include "mesh/peer_ssh.h"
#include "mesh/peer_text.h"

#define INCLUDE "Include "

/* One run of oe_sshcfg_write(). */
struct writer {
	const struct oe_mesh_dir *d;
	const struct oe_sshcfg_plan *plan;
	struct oe_buf *config, *known;
	char *known_hosts;         /* quoted */
	struct oe_strs identities; /* quoted */
	int status;                /* of a line that did not fit */
};

static void
note(struct writer *w, int r)
{
	if (r < 0)
		w->status = r;
}

char *
oe_sshcfg_quote(const char *path)
{
	char *ret, *to;

	if (!*path || path[strcspn(path, "\"\\$'")])
		return NULL;
	ret = to = oe_mem_zalloc(2 * strlen(path) + 3);
	*to++ = '"';
	for (; *path; *to++ = *path++) {
		if ((unsigned char)*path < ' ' || *path == 0x7f) {
			free(ret);
			return NULL;
		}
		if (*path == '%')
			*to++ = '%';
	}
	*to = '"';
	return ret;
}

static size_t
count(const struct oe_mesh_dir *d, enum oe_mesh_by by, const char *text)
{
	struct oe_mesh_entry e;
	size_t iter = 0, n = 0;

	while (oe_mesh_dir_find(d, by, text, &iter, &e))
		n++;
	return n;
}

/* Why a name cannot be there; NULL: it can. */
static const char *
fault_of(const struct writer *w, const char *name)
{
	bool alone = !w->plan->suffix;

	if (!oe_peer_is_plain(name))
		return "it has characters that ssh_config gives a meaning";
	if (alone && strchr(name, '.'))
		return "it could be a host elsewhere; --suffix makes it none";
	if (alone && oe_str_eq_nocase(name, "localhost"))
		return "it is this machine";
	if (count(w->d, OE_MESH_BY_NAME, name) > 1)
		return "several devices have it; their ids are there";
	if (count(w->d, OE_MESH_BY_ID, name))
		return "it is the id of a device";
	return NULL;
}

/* ssh compares with what was typed, letter by letter. */
static void
add_name(struct oe_strs *ret, const char *name, const char *suffix)
{
	char *full = oe_mem_printf("%s%s", name, suffix ? suffix : "");
	char *p;

	oe_strs_add(ret, full);
	for (p = full; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (!oe_strs_has(ret, full))
		oe_strs_add(ret, full);
	free(full);
}

static bool
is_taken(const struct writer *w, const struct oe_strs *names)
{
	size_t i;

	for (i = 0; w->plan->is_taken && i < names->n; i++)
		if (w->plan->is_taken(w->plan->arg, names->v[i]))
			return true;
	return false;
}

/* All that a user may type for it. */
static void
names_of(
    const struct writer *w, const struct oe_mesh_entry *e, struct oe_strs *ret)
{
	const char *why = fault_of(w, e->name);

	if (!why) {
		add_name(ret, e->name, w->plan->suffix);
		if (is_taken(w, ret)) {
			why = "your ssh_config has it";
			oe_strs_done(ret);
		}
	}
	if (why && w->plan->left_out)
		w->plan->left_out(w->plan->arg, e->name, why);
	if (count(w->d, OE_MESH_BY_ID, e->id) == 1)
		oe_strs_add(ret, e->id);
	if (*e->ip && count(w->d, OE_MESH_BY_IP, e->ip) == 1)
		oe_strs_add(ret, e->ip);
	if (*e->ip6 && count(w->d, OE_MESH_BY_IP, e->ip6) == 1)
		oe_strs_add(ret, e->ip6);
}

/* The keys as lines of known_hosts; false: there are none to be believed. */
static bool
write_keys(struct writer *w, const struct oe_mesh_entry *e, const char *alias)
{
	struct oe_strs keys = {NULL, 0};
	struct oe_pubkey key;
	bool any = false;
	char *blob;
	size_t i;

	if (e->is_signed)
		oe_strs_split(&keys, e->host_keys, '\n');
	for (i = 0; i < keys.n; i++) {
		if (oe_pubkey_parse_line(keys.v[i], &key, NULL) < 0)
			continue;
		blob = oe_str_base64(key.blob, key.len, true);
		note(w, oe_buf_printf(w->known, "%s %s %s\n", alias,
			    key.type->name, blob));
		free(blob);
		oe_pubkey_done(&key);
		any = true;
	}
	oe_strs_done(&keys);
	return any;
}

static void
write_way(struct writer *w, const struct oe_mesh_entry *e)
{
	const struct oe_sshcfg_plan *p = w->plan;
	int port = p->port ? p->port : e->is_signed ? e->ssh_port : 0;

	note(w, oe_buf_printf(
		    w->config, "\tHostName %s\n", *e->ip ? e->ip : e->ip6));
	if (p->program)
		note(w, oe_buf_printf(w->config,
			    "\tProxyCommand %s nc -- %s@%s %%p\n", p->program,
			    e->id, e->network_id));
	if (port)
		note(w, oe_buf_printf(w->config, "\tPort %d\n", port));
	if (p->user)
		note(w, oe_buf_printf(w->config, "\tUser %s\n", p->user));
}

static void
write_block(struct writer *w, const struct oe_mesh_entry *e,
    const struct oe_strs *names)
{
	char *alias = oe_peer_alias(e->network_id, e->id);
	size_t i;

	note(w, oe_buf_printf(w->config, "Host"));
	for (i = 0; i < names->n; i++)
		note(w, oe_buf_printf(w->config, " %s", names->v[i]));
	note(w, oe_buf_printf(w->config, "\n"));
	write_way(w, e);
	note(w, oe_buf_printf(w->config, "\tHostKeyAlias %s\n", alias));
	if (write_keys(w, e, alias))
		note(w, oe_buf_printf(w->config,
			    "\tUserKnownHostsFile %s\n"
			    "\tGlobalKnownHostsFile /dev/null\n"
			    "\tStrictHostKeyChecking yes\n",
			    w->known_hosts));
	for (i = 0; i < w->identities.n; i++)
		note(w, oe_buf_printf(w->config, "\tIdentityFile %s\n",
			    w->identities.v[i]));
	free(alias);
}

static void
write_all(struct writer *w)
{
	struct oe_strs names = {NULL, 0};
	struct oe_mesh_entry e;
	size_t i;

	for (i = 0; i < oe_mesh_dir_count(w->d); i++) {
		oe_mesh_dir_at(w->d, i, &e);
		if (!*e.ip && !*e.ip6)
			continue;
		names_of(w, &e, &names);
		if (names.n)
			write_block(w, &e, &names);
		oe_strs_done(&names);
	}
}

static int
quote_files(struct writer *w, struct oe_err *err)
{
	const char *bad = NULL;
	char *word;
	size_t i;

	w->known_hosts = oe_sshcfg_quote(w->plan->known_hosts);
	if (!w->known_hosts)
		bad = w->plan->known_hosts;
	for (i = 0; !bad && i < w->plan->identities.n; i++) {
		word = oe_sshcfg_quote(w->plan->identities.v[i]);
		if (word)
			oe_strs_add_take(&w->identities, word);
		else
			bad = w->plan->identities.v[i];
	}
	return bad ? oe_err_set(err, OE_EINVAL,
			 "the file name '%s' cannot be written in ssh_config",
			 bad)
		   : 0;
}

int
oe_sshcfg_write(const struct oe_mesh_dir *d, const struct oe_sshcfg_plan *plan,
    struct oe_buf *config, struct oe_buf *known, struct oe_err *err)
{
	struct writer w = {
	    .d = d, .plan = plan, .config = config, .known = known};
	int r = quote_files(&w, err);

	if (r == 0) {
		oe_buf_printf(config, "# Peers, written by \"omniedge "
				      "ssh-config\", which replaces this.\n");
		write_all(&w);
		r = w.status;
	}
	if (r == OE_ETOOBIG)
		oe_err_set(err, r, "there are too many peers for one file");
	free(w.known_hosts);
	oe_strs_done(&w.identities);
	return r;
}

/* Is it the line that includes our file? */
static bool
is_ours(const char *line, size_t n, const char *quoted)
{
	size_t k = strlen(INCLUDE);

	while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	return n == k + strlen(quoted) && !strncmp(line, INCLUDE, k) &&
	       !strncmp(line + k, quoted, n - k);
}

char *
oe_sshcfg_without(const char *text, const char *quoted)
{
	char *ret = oe_mem_zalloc(strlen(text) + 1), *to = ret;
	const char *end;
	size_t n, whole;

	for (; *text; text += whole) {
		end = strchr(text, '\n');
		n = end ? (size_t)(end - text) : strlen(text);
		whole = end ? n + 1 : n;
		if (is_ours(text, n, quoted))
			continue;
		memcpy(to, text, whole);
		to += whole;
	}
	return ret;
}

char *
oe_sshcfg_with(const char *text, const char *quoted)
{
	char *rest = oe_sshcfg_without(text, quoted);
	char *ret = oe_mem_printf(INCLUDE "%s\n%s", quoted, rest);

	free(rest);
	return ret;
}
