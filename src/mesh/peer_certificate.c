/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/hash.h"
#include "core/base/jval.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/account.h"
#include "core/mesh/api.h"
#include "core/mesh/resolve.h"
#include "core/ssh/cert.h"
#include "mesh/peer_ssh.h"

#define FILE_PREFIX "cert-"
#define NAME_DIGITS 32
/* One that ends sooner is as good as over. */
#define MARGIN_S 120
/* The share of its life after which a certificate is renewed. */
#define RENEW_AT(life) ((life) / 3 * 2)
/* Nobody waits long: there may be other keys. */
#define TOTAL_MS 8000
/* Pause after a try that failed, and after "there is no such thing". */
#define PAUSE_MS      30000
#define PAUSE_NONE_MS 3600000

/* What a certificate is for, and where it is. */
struct want {
	struct oe_mesh_account *account;
	struct oe_mesh_api *api;
	const char *network_id;
	char *path, *note; /* of the certificate, of the last failure */
	struct oe_pubkey key;
};

static char *
cache_folder(void)
{
	struct oe_err err = OE_ERR_INIT;
	char *folder = NULL, *cache = NULL;

	if (oe_mesh_folder(true, &folder, &err) == 0)
		cache = oe_mem_printf("%s/cache", folder);
	free(folder);
	return cache;
}

/* Certificates of another login are not this one's. */
static void
settle_path(struct want *w, const char *folder)
{
	const struct oe_mesh_account *a = w->account;
	char name[NAME_DIGITS + 1];
	char *whose = oe_mem_printf("%s\n%s\n%s", a->origin,
	    a->user_id ? a->user_id : a->path, w->network_id);

	oe_hash_hex(whose, strlen(whose), name, NAME_DIGITS);
	w->path = oe_mem_printf("%s/" FILE_PREFIX "%s.pub", folder, name);
	w->note = oe_mem_printf("%s/" FILE_PREFIX "%s.none", folder, name);
	free(whose);
}

static int
read_key(const char *identity, struct oe_pubkey *ret, struct oe_err *err)
{
	char *path = oe_mem_printf("%s.pub", identity);
	struct oe_buf b;
	char *text;
	int r = oe_fd_read_file(path, OE_PUBKEY_LINE_MAX, &b, err);

	if (r == 0) {
		text = (char *)b.data + b.off;
		text[strcspn(text, "\r\n")] = '\0';
		r = oe_pubkey_parse_line(text, ret, err);
		oe_buf_done(&b);
	}
	free(path);
	return r;
}

/* How long a certificate is good still, and how long it is good in all. */
struct term {
	int64_t left_s, life_s;
};

static int64_t
until(uint64_t end, int64_t start)
{
	return end > INT64_MAX ? INT64_MAX : (int64_t)end - start;
}

/* Is @line a user certificate for our key that is good?  false: it is not. */
static bool
is_good(const struct want *w, const char *line, struct term *ret)
{
	struct oe_pubkey key, plain;
	struct oe_cert c;
	int64_t now = oe_time_wall_ms() / 1000;
	bool good = false;

	if (oe_pubkey_parse_line(line, &key, NULL) < 0)
		return false;
	oe_pubkey_plain(&key, &plain);
	if (key.type->cert && oe_pubkey_equal(&plain, &w->key) &&
	    oe_cert_parse(key.blob, key.len, &c, NULL) == 0) {
		good = c.type == 1 && c.valid_before > (uint64_t)now &&
		       c.valid_after < c.valid_before;
		if (good) {
			ret->left_s = until(c.valid_before, now);
			ret->life_s =
			    until(c.valid_before, (int64_t)c.valid_after);
		}
		oe_cert_done(&c);
	}
	oe_pubkey_done(&plain);
	oe_pubkey_done(&key);
	return good;
}

static bool
is_good_on_disk(const struct want *w, struct term *ret)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_buf b;
	char *text;
	bool good;

	if (oe_fd_read_file(w->path, OE_PUBKEY_LINE_MAX, &b, &err) < 0)
		return false;
	text = (char *)b.data + b.off;
	text[strcspn(text, "\r\n")] = '\0';
	good = is_good(w, text, ret);
	oe_buf_done(&b);
	return good;
}

static int
ask(const struct want *w, struct oe_mesh_answer *ret, struct oe_err *err)
{
	struct oe_jval *body = oe_jval_object();
	/* twice is no harm, so that a connection that is there will do */
	const struct oe_mesh_call call = {.method = "POST",
	    .part = OE_MESH_SSH,
	    .path = "/certificates",
	    .body = body,
	    .again = true};
	char *key = oe_str_base64(w->key.blob, w->key.len, true);
	char *line = oe_mem_printf("%s %s", w->key.type->name, key);
	int r;

	oe_jval_set_text(body, "network_id", w->network_id);
	oe_jval_set_text(body, "key", line);
	oe_mesh_api_deadline(w->api, oe_time_mono_ms() + TOTAL_MS);
	r = oe_mesh_api_call(w->api, &call, ret, err);
	oe_mesh_api_deadline(w->api, 0);
	oe_jval_free(&body);
	free(line);
	free(key);
	return r;
}

static int
fetch(const struct want *w, struct oe_err *err)
{
	struct oe_mesh_answer ans;
	const char *cert;
	struct term term;
	char *line;
	int r = ask(w, &ans, err);

	cert = r == 0 ? oe_jval_get_text(ans.data, "certificate") : NULL;
	if (r == 0 && (!cert || strchr(cert, '\n') || !is_good(w, cert, &term)))
		r = oe_err_set(err, OE_EPROTO,
		    "what the control API gave is no certificate of this key");
	if (r == 0) {
		line = oe_mem_printf("%s\n", cert);
		r = oe_fd_write_file(w->path, line, strlen(line), 0600, err);
		free(line);
	}
	oe_mesh_answer_done(&ans);
	return r;
}

/* "none" or "later", and when: the next command does not try again at once. */
static void
take_note(const struct want *w, int r)
{
	const char *text = r == OE_ENOENT ? "none\n" : "later\n";
	struct oe_err err = OE_ERR_INIT;

	if (r == 0)
		unlink(w->note);
	else
		(void)!oe_fd_write_file(
		    w->note, text, strlen(text), 0600, &err);
}

static int
noted(const struct want *w)
{
	struct oe_err err = OE_ERR_INIT;
	struct stat st;
	struct oe_buf b;
	int64_t ago;
	bool none;

	if (stat(w->note, &st) < 0 ||
	    oe_fd_read_file(w->note, 64, &b, &err) < 0)
		return 0;
	ago = oe_time_wall_ms() - (int64_t)st.st_mtime * 1000;
	none = *oe_buf_head(&b) == 'n';
	oe_buf_done(&b);
	if (ago < 0 || ago >= (none ? PAUSE_NONE_MS : PAUSE_MS))
		return 0;
	return none ? OE_ENOENT : OE_EAGAIN;
}

static int
fetch_and_note(const struct want *w, struct oe_err *err)
{
	int r = fetch(w, err);

	take_note(w, r);
	return r;
}

/* In a process of its own, where connections of the other's are none. */
static void
fetch_behind(void *arg)
{
	struct want *w = arg;
	const struct oe_mesh_api_plan plan = {.origin = w->account->origin,
	    .ca_file = w->account->ca_file,
	    .pin = w->account->pin,
	    .account = w->account};
	struct oe_err err = OE_ERR_INIT;

	w->api = oe_mesh_api_new(&plan);
	(void)!fetch_and_note(w, &err);
}

static int
have(struct want *w, bool may_ask, struct oe_err *err)
{
	struct term t = {0, 0};
	bool good = is_good_on_disk(w, &t);
	int r;

	if (good && (!may_ask || t.life_s - t.left_s < RENEW_AT(t.life_s)))
		return 0;
	if (!may_ask)
		return oe_err_set(
		    err, OE_ENOENT, "the control API does not answer");
	r = noted(w);
	if (good && t.left_s > MARGIN_S) {
		if (r == 0 && oe_mesh_behind(w->path, fetch_behind, w, err) < 0)
			oe_log_debug(NULL, "certificate: %s", oe_err_text(err));
		return 0;
	}
	if (r == 0)
		r = fetch_and_note(w, err);
	else
		oe_err_set(err, r, "no certificate was to be had");
	/* the last minutes of the old one are better than nothing */
	return r < 0 && good ? 0 : r;
}

int
oe_peer_certificate(struct oe_mesh *m, const char *network_id,
    const char *identity, bool may_ask, char **ret, struct oe_err *err)
{
	struct want w = {.account = oe_mesh_account(m),
	    .api = oe_mesh_api(m),
	    .network_id = network_id};
	char *folder;
	int r;

	if (!w.account->signing_key)
		return oe_err_set(
		    err, OE_ENOENT, "the control API has no SSH part");
	r = read_key(identity, &w.key, err);
	if (r < 0)
		return r;
	folder = cache_folder();
	if (folder) {
		(void)!mkdir(folder, 0700);
		settle_path(&w, folder);
		r = have(&w, may_ask, err);
	} else {
		r = oe_err_set(err, OE_ENOENT, "there is no place for it");
	}
	if (r == 0) {
		*ret = w.path;
		w.path = NULL;
	}
	oe_pubkey_done(&w.key);
	free(w.path);
	free(w.note);
	free(folder);
	return r;
}

void
oe_peer_certificates_forget(void)
{
	char *folder = cache_folder(), *path;
	DIR *d = folder ? opendir(folder) : NULL;
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!oe_str_starts(e->d_name, FILE_PREFIX))
			continue;
		path = oe_mem_printf("%s/%s", folder, e->d_name);
		unlink(path);
		free(path);
	}
	if (d)
		closedir(d);
	free(folder);
}
