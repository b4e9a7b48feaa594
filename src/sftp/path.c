/* SPDX-License-Identifier: Apache-2.0 */
#include "sftp/path.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/mem.h"

#define HASH_DIGITS 12

bool
oe_sftp_name_ok(const char *name)
{
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       !strchr(name, '/') && strlen(name) <= NAME_MAX;
}

char *
oe_sftp_path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir);

	if (!n)
		return oe_mem_strdup(name);
	return oe_mem_printf("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

/* Where the last name of @path begins and ends. */
struct last {
	size_t start, end;
};

/* false when there is none: "/", "", "a/..". */
static bool
find_last(const char *path, struct last *ret)
{
	size_t end = strlen(path), start;

	while (end && path[end - 1] == '/')
		end--;
	for (start = end; start && path[start - 1] != '/';)
		start--;
	if (start == end || (end - start == 1 && path[start] == '.') ||
	    (end - start == 2 && !strncmp(path + start, "..", 2)))
		return false;
	ret->start = start;
	ret->end = end;
	return true;
}

char *
oe_sftp_path_base(const char *path)
{
	struct last l;

	if (!find_last(path, &l))
		return oe_mem_strdup(".");
	return oe_mem_strndup(path + l.start, l.end - l.start);
}

char *
oe_sftp_path_dir(const char *path)
{
	struct last l = {0, 0};
	size_t n = strlen(path);

	if (find_last(path, &l))
		n = l.start;
	while (n > 1 && path[n - 1] == '/')
		n--;
	return n ? oe_mem_strndup(path, n) : oe_mem_strdup(".");
}

/* Bytes of @name that fit @max without cutting a UTF-8 sequence. */
static size_t
cut(const char *name, size_t max)
{
	size_t n = strlen(name), back;

	if (n <= max)
		return n;
	for (back = 0; back < 3; back++)
		if (((unsigned char)name[max - back] & 0xc0) != 0x80)
			return max - back;
	return max;
}

char *
oe_sftp_path_part(const char *path, const void *identity, size_t n)
{
	const size_t others =
	    strlen(".") + strlen(".") + HASH_DIGITS + strlen(".part");
	char hash[HASH_DIGITS + 1];
	char *dir, *base, *name, *part;

	oe_hash_hex(identity, n, hash, HASH_DIGITS);
	base = oe_sftp_path_base(path);
	name = oe_mem_printf(
	    ".%.*s.%s.part", (int)cut(base, NAME_MAX - others), base, hash);
	/* "x" stays "x", not "./x": what a user reads is what they wrote */
	dir = strchr(path, '/') ? oe_sftp_path_dir(path) : oe_mem_strdup("");
	part = oe_sftp_path_join(dir, name);
	free(dir);
	free(base);
	free(name);
	return part;
}
