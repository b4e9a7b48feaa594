/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ssh/knownhosts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/fd.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/str.h"

/* |1|base64(salt)|base64(HMAC-SHA1(salt, name)): the format fixes SHA-1. */
#define SALT_LEN 20

enum marker { MARKER_NONE, MARKER_REVOKED, MARKER_OTHER };

struct entry {
	enum marker marker;
	const char *names, *type, *key;
};

typedef bool
entry_fn(void *arg, const struct entry *e, const char *file, int line);

char *
oe_knownhosts_name(const char *host, int port)
{
	char *name = port == 22 ? oe_mem_strdup(host)
				: oe_mem_printf("[%s]:%d", host, port);
	char *p;

	for (p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

static bool
hash_name(const uint8_t *salt, size_t salt_len, const char *name,
    uint8_t ret[EVP_MAX_MD_SIZE], unsigned int *ret_len)
{
	return HMAC(EVP_sha1(), salt, (int)salt_len,
		   (const unsigned char *)name, strlen(name), ret,
		   ret_len) != NULL;
}

static bool
hashed_matches(const char *field, const char *name)
{
	const char *salt_text = field + 3, *bar = strchr(salt_text, '|');
	uint8_t *salt = NULL, *want = NULL, md[EVP_MAX_MD_SIZE];
	size_t salt_len = 0, want_len = 0;
	unsigned int n = 0;
	bool yes = false;

	if (!bar || strlen(field) > 200)
		return false;
	if (oe_str_unbase64(
		salt_text, (size_t)(bar - salt_text), &salt, &salt_len) == 0 &&
	    oe_str_unbase64(bar + 1, strlen(bar + 1), &want, &want_len) == 0 &&
	    hash_name(salt, salt_len, name, md, &n))
		yes = n == want_len && CRYPTO_memcmp(md, want, n) == 0;
	free(salt);
	free(want);
	return yes;
}

bool
oe_knownhosts_line_matches(const char *names, const char *name)
{
	char *plain;
	int r;

	if (oe_str_starts(names, "|1|"))
		return hashed_matches(names, name);
	r = oe_str_match_list(names, name);
	/* an entry may spell port 22 out */
	if (r == 0 && name[0] != '[' && strchr(names, '[')) {
		plain = oe_mem_printf("[%s]:22", name);
		r = oe_str_match_list(names, plain);
		free(plain);
	}
	return r == 1;
}

static bool
parse_entry(char *line, struct entry *e)
{
	char *save = NULL, *word = strtok_r(line, " \t\r", &save);

	e->marker = MARKER_NONE;
	if (!word || *word == '#')
		return false;
	if (*word == '@') {
		e->marker =
		    oe_str_eq(word, "@revoked") ? MARKER_REVOKED : MARKER_OTHER;
		word = strtok_r(NULL, " \t\r", &save);
	}
	e->names = word;
	e->type = word ? strtok_r(NULL, " \t\r", &save) : NULL;
	e->key = e->type ? strtok_r(NULL, " \t\r", &save) : NULL;
	return e->key != NULL;
}

/* Every entry of one host; @fn returns false to stop. */
static void
each_entry(
    const struct oe_strs *files, const char *name, entry_fn *fn, void *arg)
{
	struct oe_err err = OE_ERR_INIT;
	struct oe_buf text;
	struct entry e;
	char *line, *rest;
	bool go = true;
	size_t i;
	int n;

	for (i = 0; i < files->n && go; i++) {
		if (oe_str_eq(files->v[i], "none"))
			continue;
		if (oe_fd_read_file(
			files->v[i], OE_KNOWNHOSTS_FILE_MAX, &text, &err) < 0) {
			if (err.sys_errno != ENOENT)
				oe_log_debug(
				    NULL, "known hosts: %s", oe_err_text(&err));
			continue;
		}
		rest = (char *)text.data + text.off;
		for (n = 1; go && (line = strsep(&rest, "\n")); n++)
			if (parse_entry(line, &e) &&
			    oe_knownhosts_line_matches(e.names, name))
				go = fn(arg, &e, files->v[i], n);
		oe_buf_done(&text);
	}
}

struct check {
	const char *type, *key;
	struct oe_knownhosts_found *ret;
};

static void
found(struct check *c, enum oe_knownhosts_verdict v, const char *file, int line)
{
	c->ret->verdict = v;
	snprintf(c->ret->where, sizeof c->ret->where, "%s:%d", file, line);
}

static bool
check_entry(void *arg, const struct entry *e, const char *file, int line)
{
	struct check *c = arg;
	enum oe_knownhosts_verdict now = c->ret->verdict;
	bool same = oe_str_eq(e->key, c->key);

	if (e->marker == MARKER_REVOKED && same) {
		found(c, OE_KNOWNHOSTS_REVOKED, file, line);
		return false;
	}
	if (e->marker != MARKER_NONE)
		return true;
	if (same)
		/* go on: a later line may revoke it */
		found(c, OE_KNOWNHOSTS_MATCH, file, line);
	else if (now == OE_KNOWNHOSTS_MATCH || now == OE_KNOWNHOSTS_CHANGED)
		return true;
	else if (oe_str_eq(e->type, c->type))
		found(c, OE_KNOWNHOSTS_CHANGED, file, line);
	else if (now == OE_KNOWNHOSTS_UNKNOWN)
		found(c, OE_KNOWNHOSTS_OTHER, file, line);
	return true;
}

void
oe_knownhosts_check(const struct oe_strs *files, const char *name,
    const char *type, const char *key, struct oe_knownhosts_found *ret)
{
	struct check c = {type, key, ret};

	ret->verdict = OE_KNOWNHOSTS_UNKNOWN;
	ret->where[0] = '\0';
	each_entry(files, name, check_entry, &c);
}

static bool
add_type(void *arg, const struct entry *e, const char *file, int line)
{
	struct oe_strs *ret = arg;

	(void)file;
	(void)line;
	if (e->marker == MARKER_NONE && !oe_strs_has(ret, e->type))
		oe_strs_add(ret, e->type);
	return true;
}

void
oe_knownhosts_types(
    const struct oe_strs *files, const char *name, struct oe_strs *ret)
{
	each_entry(files, name, add_type, ret);
}

static char *
hashed_name(const char *name)
{
	uint8_t salt[SALT_LEN], md[EVP_MAX_MD_SIZE];
	char *a, *b, *ret;
	unsigned int n = 0;

	if (RAND_bytes(salt, sizeof salt) != 1 ||
	    !hash_name(salt, sizeof salt, name, md, &n))
		return NULL;
	a = oe_str_base64(salt, sizeof salt, true);
	b = oe_str_base64(md, n, true);
	ret = oe_mem_printf("|1|%s|%s", a, b);
	free(a);
	free(b);
	return ret;
}

/* Does the file end in the middle of a line? */
static bool
needs_newline(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char last;

	return end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';
}

static void
make_dir(const char *file)
{
	char *dir = oe_mem_strdup(file), *slash = strrchr(dir, '/');

	if (slash && slash != dir) {
		*slash = '\0';
		(void)mkdir(dir, 0700); /* open() says what is wrong */
	}
	free(dir);
}

int
oe_knownhosts_add(const char *file, const char *name, bool hash,
    const char *type, const char *key, struct oe_err *err)
{
	char *shown = hash ? hashed_name(name) : oe_mem_strdup(name);
	char *line = NULL;
	int fd = -1, r = 0;

	if (!shown)
		return oe_err_set(err, OE_ELIB, "cannot hash a host name");
	make_dir(file);
	fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = oe_err_sys(err, "open '%s'", file);
		goto out;
	}
	/* one write: two clients at once do not mix their lines */
	line = oe_mem_printf(
	    "%s%s %s %s\n", needs_newline(fd) ? "\n" : "", shown, type, key);
	if (oe_fd_write_all(fd, line, strlen(line)) < 0)
		r = oe_err_sys(err, "write '%s'", file);
out:
	oe_fd_close(&fd);
	free(line);
	free(shown);
	return r;
}
