/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/path.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "sftp/ask.h"

/* One search. */
struct search {
	struct oe_ask ask;
	struct oe_strs found; /* paths that match the pattern so far */
	int trouble;          /* why a directory could not be read */
	struct oe_err why;
};

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
sort(struct oe_strs *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof *s->v, compare);
}

/* Nothing more can be asked after it. */
static bool
is_final(int status)
{
	return status == OE_ECANCEL || status == OE_ECLOSED ||
	       status == OE_EPROTO || status == OE_ETIMEOUT ||
	       status == OE_ETOOBIG;
}

/* A directory that cannot be read has no matches; why is told at the end. */
static int
passed_over(struct search *s, int status, const struct oe_err *err)
{
	if (is_final(status) || status != OE_ENOENT) {
		s->trouble = status;
		s->why = *err;
	}
	return is_final(status) ? status : 0;
}

/* Add the names in @dir that match one part of the pattern. */
static int
match_names(
    struct search *s, const char *dir, const char *part, struct oe_strs *ret)
{
	struct oe_strs names = {NULL, 0};
	struct oe_err err = OE_ERR_INIT;
	size_t i;
	int r = oe_ask_names(&s->ask, *dir ? dir : ".", &names, &err);

	if (r < 0)
		r = passed_over(s, r, &err);
	sort(&names);
	for (i = 0; i < names.n; i++)
		if (oe_sftp_glob_match(part, names.v[i]))
			oe_strs_add_take(
			    ret, oe_sftp_path_join(dir, names.v[i]));
	if (ret->n > OE_ASK_NAMES_MAX) {
		s->trouble = oe_err_set(&s->why, OE_ETOOBIG,
		    "more than %d names match", OE_ASK_NAMES_MAX);
		r = OE_ETOOBIG;
	}
	oe_strs_done(&names);
	return r;
}

/* Add @dir/@part when it is there; @always: unless anybody looked. */
static int
match_plain(struct search *s, const char *dir, const char *part, bool always,
    struct oe_strs *ret)
{
	struct oe_err err = OE_ERR_INIT;
	char *name = oe_sftp_glob_plain(part);
	char *path = oe_sftp_path_join(dir, name);
	int r = 0;

	if (!always)
		r = oe_ask_stat(&s->ask, path, false, NULL, &err);
	if (r == 0)
		oe_strs_add(ret, path);
	else
		r = passed_over(s, r, &err);
	free(name);
	free(path);
	return r;
}

/* Every path so far, with one more part of the pattern. */
static int
step(struct search *s, const char *part, bool searched)
{
	struct oe_strs next = {NULL, 0};
	size_t i;
	int r = 0;

	for (i = 0; i < s->found.n && r == 0; i++) {
		if (oe_sftp_glob_is(part))
			r = match_names(s, s->found.v[i], part, &next);
		else
			r = match_plain(
			    s, s->found.v[i], part, !searched, &next);
	}
	oe_strs_done(&s->found);
	s->found = next;
	return r;
}

static int
search(struct search *s, const char *pattern)
{
	const char *p = pattern, *end;
	bool searched = false;
	char *part;
	int r = 0;

	oe_strs_add(&s->found, *p == '/' ? "/" : "");
	while (r == 0 && s->found.n) {
		p += strspn(p, "/");
		if (!*p)
			break;
		end = p + strcspn(p, "/");
		part = oe_mem_strndup(p, (size_t)(end - p));
		r = step(s, part, searched);
		searched |= oe_sftp_glob_is(part);
		free(part);
		p = end;
	}
	return r;
}

int
oe_sftp_glob(struct oe_loop *loop, struct oe_sftp_fs *fs, const char *pattern,
    const volatile int *stop, struct oe_strs *ret, struct oe_err *err)
{
	struct search s = {.ask = {loop, fs, stop}};
	size_t i;
	int r = 0;

	if (!oe_sftp_glob_is(pattern)) {
		oe_strs_add_take(ret, oe_sftp_glob_plain(pattern));
		return 0;
	}
	r = search(&s, pattern);
	if (r == 0 && !s.found.n && s.trouble)
		r = s.trouble;
	if (r < 0 && err)
		*err = s.why;
	else if (!s.found.n)
		r = oe_err_set(
		    err, OE_ENOENT, "%s: No such file or directory", pattern);
	sort(&s.found);
	for (i = 0; i < s.found.n && r == 0; i++)
		oe_strs_add(ret, s.found.v[i]);
	oe_strs_done(&s.found);
	return r;
}
