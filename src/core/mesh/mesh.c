/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/time.h"
#include "core/mesh/api.h"
#include "core/mesh/away.h"
#include "core/mesh/mesh_internal.h"
#include "core/mesh/origin.h"
#include "core/mesh/resolve.h"

#define NAME_DIGITS 16
/* Nobody waits long for what there may be without it. */
#define QUICK_CONNECT_MS 2000
#define QUICK_TOTAL_MS   8000
/* Of all replies together, however many pages there are said to be. */
#define WHOLE_TOTAL_MS 60000
/* Nobody waits at all for what is done behind, but it must end. */
#define BEHIND_MS 60000

struct oe_mesh {
	struct oe_mesh_account account;
	struct oe_mesh_api *api, *quick_api;
	char *ca_file, *pin;
	bool refresh, offline, quick;
	char *owner; /* of the directory */
	char *folder, *path;
	struct oe_mesh_dir *dir;
	char away[OE_ERR_MSG_MAX];
};

/* Which API is meant; NULL: the account's. */
static int
wanted_origin(const struct oe_mesh_plan *plan, char **ret, struct oe_err *err)
{
	const char *text = plan->origin;

	if (!text) {
		text = getenv("OMNIEDGE_API_BASE_URL");
		if (!text || !*text)
			return 0;
	}
	return oe_mesh_origin_parse(text, ret, err);
}

static int
settle_origin(const struct oe_mesh_plan *plan, struct oe_mesh_account *a,
    struct oe_err *err)
{
	char *want = NULL;
	int r = wanted_origin(plan, &want, err);

	if (r < 0)
		return r;
	if (!a->origin) {
		a->origin = want ? want : oe_mem_strdup(OE_MESH_ORIGIN_DEFAULT);
		return 0;
	}
	if (want && strcmp(want, a->origin) != 0)
		r = oe_err_set(err, OE_ENOENT,
		    "not logged in to %s but to %s: 'omniedge login --api %s'",
		    want, a->origin, want);
	free(want);
	return r;
}

/* Where the directory of this account lies: beside its token. */
static void
settle_path(struct oe_mesh *m)
{
	const struct oe_mesh_account *a = &m->account;
	const char *slash = strrchr(a->path, '/');
	char name[NAME_DIGITS + 1];

	m->owner = oe_mem_printf(
	    "%s\n%s", a->origin, a->user_id ? a->user_id : a->path);
	oe_hash_hex(m->owner, strlen(m->owner), name, NAME_DIGITS);
	m->folder =
	    slash ? oe_mem_printf("%.*s/cache", (int)(slash - a->path), a->path)
		  : oe_mem_strdup("cache");
	m->path = oe_mem_printf("%s/peers-%s", m->folder, name);
}

static struct oe_mesh_api *
make_api(struct oe_mesh *m, bool quick)
{
	const struct oe_mesh_api_plan plan = {
	    .origin = m->account.origin,
	    .ca_file = m->ca_file ? m->ca_file : m->account.ca_file,
	    .pin = m->pin ? m->pin : m->account.pin,
	    .account = &m->account,
	    .connect_ms = quick ? QUICK_CONNECT_MS : 0,
	    .total_ms = quick ? QUICK_TOTAL_MS : 0,
	    .tries = quick ? 1 : 0,
	};

	return oe_mesh_api_new(&plan);
}

int
oe_mesh_open(
    const struct oe_mesh_plan *plan, struct oe_mesh **ret, struct oe_err *err)
{
	struct oe_mesh *m = oe_mem_zalloc(sizeof *m);
	int r = oe_mesh_account_load(plan->file, &m->account, err);

	if (r == 0)
		r = settle_origin(plan, &m->account, err);
	if (r < 0) {
		oe_mesh_free(&m);
		return r;
	}
	m->ca_file = oe_mem_strdup(plan->ca_file);
	m->pin = oe_mem_strdup(plan->pin);
	m->refresh = plan->refresh;
	m->offline = plan->offline;
	m->quick = plan->quick;
	settle_path(m);
	m->api = make_api(m, false);
	m->quick_api = make_api(m, true);
	*ret = m;
	return 0;
}

void
oe_mesh_free(struct oe_mesh **mp)
{
	struct oe_mesh *m = *mp;

	if (!m)
		return;
	oe_mesh_dir_free(&m->dir);
	oe_mesh_api_free(&m->api);
	oe_mesh_api_free(&m->quick_api);
	oe_mesh_account_done(&m->account);
	oe_mem_free(&m->ca_file);
	oe_mem_free(&m->pin);
	oe_mem_free(&m->owner);
	oe_mem_free(&m->folder);
	oe_mem_free(&m->path);
	oe_mem_free(mp);
}

struct oe_mesh_account *
oe_mesh_account(struct oe_mesh *m)
{
	return &m->account;
}

struct oe_mesh_api *
oe_mesh_api(struct oe_mesh *m)
{
	return m->quick ? m->quick_api : m->api;
}

static int64_t
age_of(const struct oe_mesh_dir *d)
{
	return oe_time_wall_ms() - oe_mesh_dir_fetched_ms(d);
}

int64_t
oe_mesh__age_ms(const struct oe_mesh *m)
{
	return m->dir ? age_of(m->dir) : -1;
}

/* The note that a try has failed, beside the directory. */
static char *
away_path(const struct oe_mesh *m)
{
	return oe_mem_printf("%s.away", m->path);
}

static void
note_away(const struct oe_mesh *m, bool away)
{
	char *path = away_path(m);

	if (away)
		oe_mesh_away_note(path);
	else
		oe_mesh_away_clear(path);
	free(path);
}

static bool
was_away(const struct oe_mesh *m)
{
	char *path = away_path(m);
	int64_t left = oe_mesh_away_left_ms(path);

	free(path);
	return left > 0;
}

/* What came is kept when it can be; when not, this once is served. */
static void
keep(const struct oe_mesh *m, const struct oe_mesh_dir *d)
{
	struct oe_err err = OE_ERR_INIT;

	if (oe_mesh_dir_save(d, m->path, &err) < 0)
		oe_log_debug(NULL, "peers are not kept: %s", oe_err_text(&err));
	else
		note_away(m, false);
}

void
oe_mesh__put(struct oe_mesh *m, struct oe_mesh_dir *d)
{
	oe_mesh_dir_free(&m->dir);
	m->dir = d;
	m->refresh = false;
}

/* All of it by @api within @ms; a failure to keep it is none. */
static int
fetch_by(
    struct oe_mesh *m, struct oe_mesh_api *api, int64_t ms, struct oe_err *err)
{
	struct oe_mesh_networks all = {0};
	struct oe_mesh_dir *d = NULL;
	int64_t now = oe_time_wall_ms();
	const char *key = m->account.signing_key;
	int r;

	(void)!mkdir(m->folder, 0700);
	oe_mesh_api_deadline(api, oe_time_mono_ms() + ms);
	if (key)
		r = oe_mesh__all_signed(api, key, m->folder, m->dir, &all, err);
	else
		r = oe_mesh_api_all(api, &all, err);
	oe_mesh_api_deadline(api, 0);
	/* one's own list can be neither wrong nor forbidden */
	if (r == OE_EINVAL || r == OE_EPERM)
		r = OE_EPROTO;
	if (r == 0)
		r = oe_mesh_dir_make(&all, m->owner, now, &d, err);
	oe_mesh_networks_done(&all);
	if (r < 0)
		return r;
	keep(m, d);
	oe_mesh__put(m, d);
	return 0;
}

static int
fetch(struct oe_mesh *m, struct oe_err *err)
{
	/* asked for by name, it may take its time */
	bool quick = (m->dir || m->quick) && !m->refresh;
	int r = fetch_by(m, quick ? m->quick_api : m->api,
	    quick ? QUICK_TOTAL_MS : WHOLE_TOTAL_MS, err);

	if (r < 0 && oe_mesh_api_is_away(r))
		note_away(m, true);
	return r;
}

/* In a process of its own, where connections of the other's are none. */
static void
fetch_behind(void *arg)
{
	struct oe_mesh *m = arg;
	struct oe_err err = OE_ERR_INIT;
	int r = fetch_by(m, make_api(m, false), BEHIND_MS, &err);

	if (r < 0 && oe_mesh_api_is_away(r))
		note_away(m, true);
}

/* Does what is on disk serve, while somebody else asks for a younger one? */
static bool
serves_meanwhile(struct oe_mesh *m, int64_t age)
{
	struct oe_err err = OE_ERR_INIT;

	/* another path would lead elsewhere from where that one works */
	return m->quick && !m->refresh && age >= 0 && age < OE_MESH_STALE_MS &&
	       *m->path == '/' &&
	       oe_mesh_behind(m->path, fetch_behind, m, &err) == 0;
}

/* Nobody is asked; @why is told when it is needed. */
static int
do_without(struct oe_mesh *m, int r, const char *why, struct oe_err *err)
{
	if (!m->dir)
		return oe_err_set(err, r, "%s", why);
	oe_str_copy(m->away, sizeof m->away, why);
	m->refresh = false;
	return 0;
}

int
oe_mesh__renew(struct oe_mesh *m, enum oe_mesh__need need, struct oe_err *err)
{
	int64_t fresh =
	    need == OE_MESH__HIT ? OE_MESH_FRESH_MS : OE_MESH_MISS_MS;
	struct oe_err why = OE_ERR_INIT;
	int64_t age;
	int r;

	(void)oe_mesh__dir(m);
	age = oe_mesh__age_ms(m);
	m->away[0] = '\0';
	if (m->dir && !m->refresh && age >= 0 && age < fresh)
		return 0;
	if (m->offline && m->dir)
		return 0;
	if (m->offline)
		return oe_err_set(
		    err, OE_ENOENT, "no list of peers is on disk");
	if ((m->dir || m->quick) && !m->refresh && was_away(m))
		return do_without(m, OE_EAGAIN,
		    "the control API did not answer a moment ago", err);
	if (need == OE_MESH__HIT && serves_meanwhile(m, age))
		return 0;
	r = fetch(m, &why);
	if (r == 0)
		return 0;
	/* neither a full disk nor a missing library is about the peers */
	if (m->dir && (oe_mesh_api_is_away(r) || r == OE_ESYS || r == OE_ELIB))
		return do_without(m, r, oe_err_text(&why), err);
	if (err)
		*err = why;
	return r;
}

int
oe_mesh_directory(struct oe_mesh *m, struct oe_mesh_dir **ret,
    const char **ret_away, struct oe_err *err)
{
	int r = oe_mesh__renew(m, OE_MESH__HIT, err);

	if (r == 0) {
		*ret = m->dir;
		*ret_away = m->away;
	}
	return r;
}

struct oe_mesh_dir *
oe_mesh__dir(struct oe_mesh *m)
{
	if (!m->dir)
		(void)!oe_mesh_dir_open(m->path, m->owner, &m->dir, NULL);
	return m->dir;
}

bool
oe_mesh__is_away(const struct oe_mesh *m)
{
	return m->away[0] != '\0';
}

bool
oe_mesh__is_quick(const struct oe_mesh *m)
{
	return m->quick;
}

void
oe_mesh_forget(struct oe_mesh *m)
{
	static const char *const beside[] = {"", ".lock", ".renewing", ".away"};
	char *path;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(beside); i++) {
		path = oe_mem_printf("%s%s", m->path, beside[i]);
		(void)unlink(path);
		free(path);
	}
}
