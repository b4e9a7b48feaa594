/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/base/str.h - text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing list of strings; items are owned by the list. */
struct oe_strs {
	char **v; /* n items and a NULL, or NULL when nothing was added */
	size_t n;
};

void oe_strs_add(struct oe_strs *s, const char *item);
void oe_strs_add_take(struct oe_strs *s, char *item);
bool oe_strs_has(const struct oe_strs *s, const char *item);
void oe_strs_done(struct oe_strs *s);
/** oe_strs_split() - add the trimmed, non-empty parts of @text. */
void oe_strs_split(struct oe_strs *s, const char *text, char sep);

bool oe_str_eq(const char *a, const char *b);
bool oe_str_eq_nocase(const char *a, const char *b);
bool oe_str_starts(const char *s, const char *prefix);
/** oe_str_lower() - A to Z, in place; all else stays. */
void oe_str_lower(char *s);
/** oe_str_copy() - copy with end; false when @size was too small (cut). */
bool oe_str_copy(char *to, size_t size, const char *from);
/**
 * oe_str_parse_int() - the whole of @s as a decimal number in [min, max].
 * No sign but '-', no leading zeros, no blanks.
 * Return: 0, OE_EINVAL (not a number), OE_ETOOBIG (outside the range).
 */
int oe_str_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret);
/**
 * oe_str_match() - shell-like pattern with '*' and '?', case-sensitive.
 * Linear in time for any pattern and text.
 */
bool oe_str_match(const char *pattern, const char *text);
/**
 * oe_str_match_list() - comma-separated patterns, '!' negates (ssh_config(5)).
 * Return: 1 matched, 0 no match, -1 a negated pattern matched.
 */
int oe_str_match_list(const char *list, const char *text);
/**
 * oe_str_escape() - peer text made safe for a terminal or a log line.
 * Control bytes, DEL, backslash and invalid UTF-8 become \xNN or \n, \t, \r.
 * The result is cut with "..." when @size is too small; always ended.
 */
void oe_str_escape(const char *s, size_t len, char *ret, size_t size);
/** oe_str_is_utf8() - all of it (RFC 3629)? */
bool oe_str_is_utf8(const char *s);
/** oe_str_base64() - standard base64 of @n bytes with padding; free() it. */
char *oe_str_base64(const void *p, size_t n, bool padding);
/**
 * oe_str_unbase64() - decode standard base64; blanks are not accepted.
 * @ret: free() it.  @ret_len: bytes.
 * Return: 0 or OE_EINVAL.
 */
int oe_str_unbase64(const char *s, size_t len, uint8_t **ret, size_t *ret_len);
