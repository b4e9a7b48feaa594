/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/mesh/policy_internal.h - what the files of the policy share: the
 * reader that knows its place, rules, and the index of them.
 */
#pragma once

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/mesh/policy.h"

struct oe_tz;

/* --- reading: policy_read.c --- */

/* rules, n, action, time_restrictions, allowed_hours, start, and room */
#define OE_POLICY__DEPTH 12

struct oe_policy__step {
	const char *key; /* NULL: an item of an array */
	size_t index;    /* of the item, or of the member in the text's order */
};

struct oe_policy__reader {
	const char *text; /* NULL: there is none, and so no lines */
	size_t n;
	const struct oe_policy_faults *faults;
	struct oe_policy__step path[OE_POLICY__DEPTH];
	size_t depth;
	unsigned told, mistakes;
	struct oe_err *err; /* gets the first mistake */
};

/** oe_policy__fault() - a mistake at the place in hand. */
void oe_policy__fault(struct oe_policy__reader *r, const char *fmt, ...)
    OE_PRINTF(2, 3);
/** oe_policy__warn() - something worth a second look. */
void oe_policy__warn(struct oe_policy__reader *r, const char *fmt, ...)
    OE_PRINTF(2, 3);
void
oe_policy__enter(struct oe_policy__reader *r, const char *key, size_t index);
void oe_policy__leave(struct oe_policy__reader *r);

/* One member of an object. */
struct oe_policy__field {
	const char *name; /* NULL ends a table */
	void (*read)(
	    struct oe_policy__reader *r, const struct oe_jval *v, void *to);
	size_t offset; /* of what read() fills, in the target */
	bool required; /* and not null */
	/* offset + 1 of a bool that is set when it was there; 0: none */
	size_t given;
};

/** oe_policy__object() - the members of @v into @to; unknown ones are told. */
void oe_policy__object(struct oe_policy__reader *r, const struct oe_jval *v,
    const struct oe_policy__field *fields, void *to);
/**
 * oe_policy__each() - @read for each item of an array of at most @max.
 * @to: handed through.
 */
void oe_policy__each(struct oe_policy__reader *r, const struct oe_jval *v,
    size_t max,
    void (*read)(
	struct oe_policy__reader *r, const struct oe_jval *v, void *to),
    void *to);
/**
 * oe_policy__text() - @v, when it is a text of 1 to @max bytes without
 * control characters; else a mistake is told.
 * @lines: line ends and tabs are fine.
 */
const char *oe_policy__text(struct oe_policy__reader *r,
    const struct oe_jval *v, size_t max, bool lines);
/* Readers of values; @to is bool, char *, struct oe_strs. */
void oe_policy__read_bool(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to);
void oe_policy__read_name(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to);
void oe_policy__read_message(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to);
void oe_policy__read_command(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to);
void oe_policy__read_url(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to);
void oe_policy__read_urls(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to);
void oe_policy__read_seconds(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to);

/* --- parts of an action --- */

struct oe_policy_patterns {
	regex_t *v;
	size_t n;
};

/** oe_policy__patterns() - compile @list (a struct oe_strs) item by item. */
void oe_policy__patterns(struct oe_policy__reader *r, const struct oe_jval *v,
    struct oe_strs *list, struct oe_policy_patterns **ret);
void oe_policy__patterns_free(struct oe_policy_patterns **p);

struct oe_policy_times {
	bool has_hours;
	int start_min, end_min; /* of the day, both in the window */
	unsigned days;          /* bit 0 Sunday; 0x7f: every day */
	struct oe_tz *tz;
	bool override_with_approval;
};

void oe_policy__read_times(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to);
void oe_policy__times_free(struct oe_policy_times **t);
/** oe_policy__times_open() - is the window open at @now_s?  NULL: always. */
bool oe_policy__times_open(const struct oe_policy_times *t, int64_t now_s);
/** oe_policy__times_until() - when an open window closes; INT64_MAX: never. */
int64_t oe_policy__times_until(const struct oe_policy_times *t, int64_t now_s);

/** oe_policy__permit_ok() - is @text a target of permit_open? */
bool oe_policy__permit_ok(const char *text);

void oe_policy__read_action(
    struct oe_policy__reader *r, const struct oe_jval *v, void *to);
void oe_policy__action_done(struct oe_policy_action *a);

/* --- rules --- */

/* IPv4 (4) or IPv6 (6), prefix length, and the network's address. */
#define OE_POLICY__NET_SIZE 18

struct oe_policy__principal {
	enum oe_policy_kind kind;
	bool suffix; /* USER_EMAIL: text is the end of it, after the '*' */
	char *text;  /* NULL for ANY, NODE_IP and CIDR */
	uint8_t net[OE_POLICY__NET_SIZE];
};

struct oe_policy__user {
	char *ssh, *local;
};

struct oe_policy__rule {
	char *id;
	struct oe_policy__principal *principals; /* one for each field */
	size_t n_principals;
	struct oe_policy__user *users; /* sorted by ssh */
	size_t n_users;
	struct oe_policy_action action;
	bool has_accept_env;
	struct oe_strs accept_env;
	int64_t expires_s; /* INT64_MAX: never */
};

struct oe_policy__index;

struct oe_policy {
	uint64_t version;
	int64_t updated_s;
	struct oe_policy__rule *rules;
	size_t n;
	struct oe_policy__index *index;
};

/** oe_policy__net() - the key of @addr/@prefix; bits behind it are cut. */
void oe_policy__net(const struct oe_addr *addr, unsigned prefix,
    uint8_t ret[OE_POLICY__NET_SIZE]);

/* --- index: policy_index.c --- */

struct oe_policy__index *oe_policy__index_new(const struct oe_policy *p);
void oe_policy__index_free(struct oe_policy__index **x);
/**
 * oe_policy__index_find() - the first rule whose principals and ssh_users
 * match and that has not expired.
 * @matched: enum oe_policy_kind bits of it.
 * Return: NULL: none.
 */
const struct oe_policy__rule *oe_policy__index_find(const struct oe_policy *p,
    const struct oe_policy_subject *s, unsigned *matched);
