/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control/resource.h - what handlers have in common.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/call.h"
#include "control/store.h"
#include "core/base/err.h"
#include "core/base/jval.h"
#include "core/base/str.h"

#define OE_CTL_NAME_MAX 255
/* Values of a list besides page and size. */
#define OE_CTL_LIST_VALUES_MAX 8

/* A device is online when it was seen this lately. */
#define OE_CTL_ONLINE_MS (5 * 60 * 1000)

/** oe_ctl_id_make() - @prefix of three letters, '_' and 20 characters. */
void oe_ctl_id_make(const char *prefix, char ret[OE_CTL_ID_SIZE]);
/** oe_ctl_set_time() - as RFC 3339, UTC with milliseconds; null for 0. */
void oe_ctl_set_time(struct oe_jval *v, const char *key, int64_t ms);
/**
 * oe_ctl_time_parse() - RFC 3339 with any offset, to milliseconds.
 * Return: false when it is none or before 1970; @ret_ms is untouched then.
 */
bool oe_ctl_time_parse(const char *text, int64_t *ret_ms);
/**
 * oe_ctl_name_is_plain() - @text, UTF-8, holds no control characters and
 * nothing that is not seen or changes the direction of writing.
 */
bool oe_ctl_name_is_plain(const char *text);
/** oe_ctl_set_column() - a column as text or null. */
void oe_ctl_set_column(
    struct oe_jval *v, const char *key, struct oe_ctl_rows *rows, int column);

/* A list in pages. */
struct oe_ctl_list {
	const char *count; /* SELECT COUNT(*) ...; the same values */
	const char *rows;  /* SELECT ... ORDER BY ..., without a limit */
	const struct oe_ctl_value *values; /* or NULL */
	/* one row as JSON; may query more */
	int (*row)(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
	    struct oe_ctl_rows *rows, struct oe_jval **ret);
};

/** oe_ctl_list() - reply with the page that the caller asks for. */
int oe_ctl_list(struct oe_ctl_call *call, const struct oe_ctl_list *list);
/** oe_ctl_list_whole() - reply with all rows, without pages; no count. */
int oe_ctl_list_whole(struct oe_ctl_call *call, const struct oe_ctl_list *list);
/** oe_ctl_rows_each() - all rows of a query into an array. */
int oe_ctl_rows_each(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_list *list, struct oe_jval *ret);
/** oe_ctl_texts() - the first column of all rows, added to @ret. */
int oe_ctl_texts(struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, struct oe_strs *ret,
    struct oe_err *err) OE_MUST_CHECK;

/* One thing as JSON. */
struct oe_ctl_one {
	const char *sql; /* SELECT of at most one row */
	const struct oe_ctl_value *values;
	int (*row)(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
	    struct oe_ctl_rows *rows, struct oe_jval **ret);
	const char *absent; /* "Device": not found */
};

/** oe_ctl_one() - read it; OE_ENOENT is noted. */
int oe_ctl_one(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const struct oe_ctl_one *one, struct oe_jval **ret) OE_MUST_CHECK;
/** oe_ctl_get() - reply with what @one reads of the path's "id". */
int oe_ctl_get(struct oe_ctl_call *call,
    int (*one)(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *id,
	struct oe_jval **ret));
/** oe_ctl_filter() - a text of the query for a filter; "" when missing. */
const char *oe_ctl_filter(const struct oe_ctl_call *call, const char *name);

/**
 * oe_ctl_changed() - what the directory of a network shows has changed: its
 * version grows, and others are told.
 */
int oe_ctl_changed(
    struct oe_ctl_tx *tx, const char *network_id, struct oe_err *err);
/** oe_ctl_changed_device() - the same for all networks of a device. */
int oe_ctl_changed_device(
    struct oe_ctl_tx *tx, const char *device_id, struct oe_err *err);
/** oe_ctl_changed_user() - ... that a user is a member of. */
int oe_ctl_changed_user(
    struct oe_ctl_tx *tx, const char *user_id, struct oe_err *err);

/**
 * oe_ctl_audit() - what was done, as an event of the control-server itself,
 * in the transaction that does it.
 * @network_id: or NULL: seen by administrators of the server only.
 * @subject: what it was done to; or NULL.
 * @detail: taken over; or NULL.
 */
int
oe_ctl_audit(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *name,
    const char *network_id, const char *subject, struct oe_jval *detail);

/** oe_ctl_audit_device() - the same in each network that a device is in. */
int oe_ctl_audit_device(struct oe_ctl_call *call, struct oe_ctl_tx *tx,
    const char *name, const char *device_id, struct oe_jval *detail);

/** oe_ctl_begin_call() - oe_ctl_begin() with the request's store and error. */
int oe_ctl_begin_call(struct oe_ctl_call *call, enum oe_ctl_mode mode,
    struct oe_ctl_tx **ret) OE_MUST_CHECK;
/** oe_ctl_end_call() - commit unless @rc; @tx is over in any case. */
int oe_ctl_end_call(
    struct oe_ctl_call *call, struct oe_ctl_tx **tx, int rc) OE_MUST_CHECK;
/**
 * oe_ctl_begin_role() - a transaction that writes in a network: what the
 * route needs of the caller there is asked once more, and stays so to its
 * end.
 * Return: also OE_ENOENT and OE_EPERM, as oe_ctl_admit() refuses.
 */
int oe_ctl_begin_role(struct oe_ctl_call *call, const char *network_id,
    struct oe_ctl_tx **ret) OE_MUST_CHECK;
/** oe_ctl_end_data() - oe_ctl_end_call(), and reply with @data, taken over. */
int oe_ctl_end_data(struct oe_ctl_call *call, struct oe_ctl_tx **tx, int rc,
    struct oe_jval *data);
/** oe_ctl_end_message() - oe_ctl_end_call(), and reply 200 with a message. */
int oe_ctl_end_message(
    struct oe_ctl_call *call, struct oe_ctl_tx **tx, int rc, const char *text);
/** oe_ctl_change() - oe_ctl_db_exec(); without a row @what is absent. */
int
oe_ctl_change(struct oe_ctl_call *call, struct oe_ctl_tx *tx, const char *sql,
    const struct oe_ctl_value *values, const char *what) OE_MUST_CHECK;
/** oe_ctl_email() - an address of the body, lower-cased; notes its faults. */
bool oe_ctl_email(struct oe_ctl_call *call, char ret[256]);
/** oe_ctl_absent() - OE_ENOENT with "Device not found" and the like. */
int oe_ctl_absent(struct oe_ctl_call *call, const char *what);
