/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/sftp_commands.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "sftp/path.h"
#include "sftp/sftp_listing.h"

/* How to show: what the flags say, the last of its kind. */
struct style {
	bool longer, single, numeric, scaled, all, reverse;
	char sort; /* 'n'ame, 't'ime, 'S'ize, 'f': none */
};

/* One "ls". */
struct listing {
	struct oe_sftp_shell *sh;
	struct style style;
	struct oe_ask_list list;      /* names as shown */
	struct oe_strs users, groups; /* names for the ids of each entry */
	bool longnames;               /* the server's lines are to be shown */
	size_t extra;                 /* columns of what stands before names */
};

static struct style
style_of(const char *flags)
{
	struct style s = {.sort = 'n'};

	for (; *flags; flags++) {
		if (*flags == '1')
			s.longer = s.numeric = s.scaled = false;
		if (*flags == '1' || *flags == 'l')
			s.single = *flags == '1';
		if (*flags == 'l' || *flags == 'n' || *flags == 'h')
			s.numeric = *flags == 'n';
		s.longer |= *flags == 'l' || *flags == 'n';
		s.scaled |= *flags == 'h';
		s.all |= *flags == 'a';
		s.reverse |= *flags == 'r';
		if (strchr("tSf", *flags))
			s.sort = *flags;
	}
	return s;
}

static int
by_number(uint64_t a, uint64_t b)
{
	return a == b ? 0 : a < b ? 1 : -1;
}

static int
compare(const void *va, const void *vb, void *arg)
{
	const struct style *s = arg;
	const struct oe_ask_entry *a = va, *b = vb;
	int r = 0;

	if (s->sort == 't')
		r = by_number(a->attrs.mtime, b->attrs.mtime);
	else if (s->sort == 'S')
		r = by_number(a->attrs.size, b->attrs.size);
	if (r == 0)
		r = strcmp(a->name, b->name);
	return s->reverse ? -r : r;
}

/* Index of @id among @n, adding it: the ids of a directory are few. */
static size_t
add_id(uint32_t *ids, size_t *n, uint32_t id)
{
	size_t i;

	for (i = 0; i < *n && ids[i] != id; i++)
		;
	if (i == *n && *n < OE_SFTP_IDS_MAX / 2)
		ids[(*n)++] = id;
	return i;
}

/* Names of the ids: one question for all; ids beyond its bound are shown. */
static void
ask_ids(struct listing *l)
{
	uint32_t uids[OE_SFTP_IDS_MAX], gids[OE_SFTP_IDS_MAX];
	struct oe_ask_ids ids = {uids, gids, 0, 0};
	struct oe_ask at = oe_sftp_at(l->sh);
	struct oe_strs names = {NULL, 0};
	size_t i, u, g;

	for (i = 0; i < l->list.n; i++) {
		add_id(uids, &ids.n_uids, l->list.v[i].attrs.uid);
		add_id(gids, &ids.n_gids, l->list.v[i].attrs.gid);
	}
	if (!l->list.n || oe_ask_users(&at, &ids, &names, NULL) < 0 ||
	    names.n != ids.n_uids + ids.n_gids)
		goto out;
	for (i = 0; i < l->list.n; i++) {
		u = add_id(uids, &ids.n_uids, l->list.v[i].attrs.uid);
		g = add_id(gids, &ids.n_gids, l->list.v[i].attrs.gid);
		oe_strs_add(&l->users, u < ids.n_uids ? names.v[u] : "");
		oe_strs_add(
		    &l->groups, g < ids.n_gids ? names.v[ids.n_uids + g] : "");
	}
out:
	oe_strs_done(&names);
}

/* NULL: not known, the number is shown. */
static const char *
name_of(const struct oe_strs *names, size_t i)
{
	return names->n && *names->v[i] ? names->v[i] : NULL;
}

static void
show_long(struct listing *l)
{
	struct oe_longname one = {.now_s = time(NULL)};
	size_t i;
	char *s;

	for (i = 0; i < l->list.n && !oe_sftp_shell_stopped(l->sh); i++) {
		if (l->longnames && *l->list.v[i].longname) {
			oe_sftp_say(l->sh, "%s", l->list.v[i].longname);
			continue;
		}
		one.attrs = &l->list.v[i].attrs;
		one.user = name_of(&l->users, i);
		one.group = name_of(&l->groups, i);
		s = oe_sftp_long(l->list.v[i].name, &one, l->style.scaled);
		oe_sftp_say(l->sh, "%s", s);
		free(s);
	}
}

static void
show_short(struct listing *l)
{
	struct oe_strs names = {NULL, 0};
	size_t i, n, longest = 0;
	char *safe;

	for (i = 0; i < l->list.n; i++) {
		safe = oe_sftp_text(l->list.v[i].name);
		n = oe_sftp_text_width(safe);
		longest = n > longest ? n : longest;
		free(safe);
		oe_strs_add(&names, l->list.v[i].name);
	}
	longest += l->extra;
	oe_sftp_columns(
	    l->sh, &names, longest, l->style.single ? 0 : oe_sftp_width());
	oe_strs_done(&names);
}

static void
show(struct listing *l)
{
	bool users = l->sh->remote->features & OE_FS_USERS;

	if (l->style.sort != 'f' && l->list.n)
		qsort_r(l->list.v, l->list.n, sizeof *l->list.v, compare,
		    &l->style);
	l->longnames &= !users && !l->style.numeric && !l->style.scaled;
	if (l->style.longer && users && !l->style.numeric)
		ask_ids(l);
	if (l->style.longer)
		show_long(l);
	else
		show_short(l);
}

/* The part of @path behind the current directory, if a relative one is
 * wanted. */
static const char *
strip(const struct oe_sftp_shell *sh, const char *path, bool relative)
{
	size_t n = strlen(sh->cwd);

	if (!relative || strncmp(path, sh->cwd, n) != 0)
		return path;
	if (sh->cwd[n - 1] != '/' && path[n] == '/')
		n++;
	return path[n] ? path + n : path;
}

/* "." and "..", which no file system lists. */
static void
add_dots(struct listing *l, const char *dir, struct oe_ask_list *ret)
{
	static const char *const dots[] = {".", ".."};
	struct oe_ask at = oe_sftp_at(l->sh);
	struct oe_sftp_attrs st;
	char *path;
	size_t i;

	for (i = 0; i < OE_ARRAY_LEN(dots); i++) {
		path = oe_sftp_path_join(dir, dots[i]);
		memset(&st, 0, sizeof st);
		if (oe_ask_stat(&at, path, true, &st, NULL) == 0)
			oe_ask_list_add(ret, dots[i], "", &st);
		free(path);
	}
}

/* What is in @dir, each name behind @before. */
static int
list_dir(struct listing *l, const char *dir, const char *before)
{
	struct oe_ask at = oe_sftp_at(l->sh);
	struct oe_ask_list all = {NULL, 0, 0, 0};
	struct oe_err err = OE_ERR_INIT;
	char *name;
	size_t i;
	int r;

	if (l->style.all)
		add_dots(l, dir, &all);
	r = oe_ask_list(&at, dir, &all, &err);
	if (r < 0)
		oe_sftp_fail(
		    l->sh, "Couldn't read directory: %s", oe_err_text(&err));
	for (i = 0; i < all.n; i++) {
		if (all.v[i].name[0] == '.' && !l->style.all)
			continue;
		name = oe_sftp_path_join(before, all.v[i].name);
		oe_ask_list_add(
		    &l->list, name, all.v[i].longname, &all.v[i].attrs);
		free(name);
	}
	oe_ask_list_done(&all);
	l->longnames = true;
	if (r == 0)
		show(l);
	return r;
}

/* Names that a pattern matched, each as a line of its own. */
static int
list_names(struct listing *l, const struct oe_strs *paths, bool relative)
{
	struct oe_ask at = oe_sftp_at(l->sh);
	struct oe_sftp_attrs st;
	struct oe_err err = OE_ERR_INIT;
	size_t i;
	int r = 0, each;

	for (i = 0; i < paths->n && !oe_sftp_shell_stopped(l->sh); i++) {
		memset(&st, 0, sizeof st);
		each = 0;
		/* names alone need no question to the server */
		if (l->style.longer || l->style.sort == 't' ||
		    l->style.sort == 'S')
			each = oe_ask_stat(&at, paths->v[i], false, &st, &err);
		if (each < 0) {
			oe_sftp_fail(
			    l->sh, "Couldn't stat: %s", oe_err_text(&err));
			r = each;
			continue;
		}
		oe_ask_list_add(
		    &l->list, strip(l->sh, paths->v[i], relative), "", &st);
	}
	show(l);
	return r;
}

static int
list_found(struct listing *l, const struct oe_strs *paths, bool relative)
{
	struct oe_ask at = oe_sftp_at(l->sh);
	struct oe_sftp_attrs st = {0};
	struct oe_err err = OE_ERR_INIT;
	int r;

	if (paths->n > 1)
		return list_names(l, paths, relative);
	r = oe_ask_stat(&at, paths->v[0], true, &st, &err);
	if (r < 0) /* a link to nothing is there all the same */
		r = oe_ask_stat(&at, paths->v[0], false, &st, NULL);
	if (r < 0) {
		oe_sftp_fail(l->sh, "Couldn't list: %s", oe_err_text(&err));
		return r;
	}
	if ((st.flags & OE_ATTR_PERMISSIONS) && S_ISDIR(st.mode))
		return list_dir(l, paths->v[0],
		    oe_str_eq(paths->v[0], l->sh->cwd)
			? ""
			: strip(l->sh, paths->v[0], relative));
	return list_names(l, paths, relative);
}

int
oe_sftp_cmd_ls(struct oe_sftp_shell *sh, const struct oe_sftp_args *a)
{
	struct listing l = {.sh = sh, .style = style_of(a->flags)};
	struct oe_strs found = {NULL, 0};
	struct oe_err err = OE_ERR_INIT;
	char *pattern;
	int r;

	if (!a->n) {
		r = list_dir(&l, sh->cwd, "");
	} else {
		pattern = oe_sftp_absolute_pattern(sh, a->words[0]);
		r = oe_sftp_glob(
		    sh->loop, sh->remote, pattern, sh->stop, &found, &err);
		free(pattern);
		if (r < 0)
			oe_sftp_fail(
			    sh, "Couldn't list: %s", oe_err_text(&err));
		else
			r = list_found(&l, &found, a->words[0][0] != '/');
	}
	oe_strs_done(&found);
	oe_strs_done(&l.users);
	oe_strs_done(&l.groups);
	oe_ask_list_done(&l.list);
	return r;
}
